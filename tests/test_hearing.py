"""Absence counts only while somebody could hear: the service down, the line to a broker cut, a hub away; and what comes behind a return."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.commands import Asked
from alerting.engine import Engine
from alerting.facts import AlertCleared, AlertRaised, Fact, StepReached
from alerting.heard_facts import DeviceSilent, HubLost, HubReturned
from alerting.hearing import Hearing
from alerting.items import Configured, Item, LineLost, LineRestored, Said, ServiceStarted
from alerting.terms import Actor
from alerting.unheard import SETTLE, SETTLE_MOST, UNHEARD, Backlog, Cause, Deafness, Span, listened, settled
from devices.home import DeviceId
from devices.message import StatusHeard
from tests.household import AREA, HOME, START, Household, of, report
from tests.town import row

MINUTE = timedelta(minutes=1)


def at(minutes: float) -> datetime:
    return START + minutes * MINUTE


# --- the arithmetic


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 90)), max_size=6),
    st.integers(0, 200), st.integers(1, 200), st.one_of(st.none(), st.integers(0, 300)),
)  # fmt: skip
def test_listening_is_counted_minute_by_minute(spans: list[tuple[int, int]], since: int, patience: int, lost: int | None) -> None:
    """The sum in one step is what a clock that is stopped and started would show."""
    known = sorted(Span(at(begun), at(begun + length)) for begun, length in spans)
    deaf = {m for span in known for m in range(2000) if span.since <= at(m) < span.until + SETTLE}
    deaf |= set(range(lost, 2000)) if lost is not None else set()
    minute, left = since, patience
    while left and minute < 2000:
        left -= minute not in deaf
        minute += 1
    told = listened(known, at(lost) if lost is not None else None, at(since), patience * MINUTE)
    assert told == (UNHEARD if left else at(minute))


@pytest.mark.parametrize(
    ("due", "backlog", "expected"),
    [
        (20.0, None, 20.0),  # long behind the return
        (10.5, None, 12.0),  # the return was at minute 10
        (10.5, (10.2, 13.0), 15.0),  # a hub goes on saying the past, and then two minutes of silence
        (10.5, (10.2, 30.0), 20.0),  # for ten minutes at most
        (10.5, (13.0, 14.0), 12.0),  # too late: it had been judged by then
        (9.5, (10.2, 13.0), 9.5),  # due before the line was lost
    ],
)
def test_nothing_is_concluded_before_the_past_has_been_said(due: float, backlog: tuple[float, float] | None, expected: float) -> None:
    run = Backlog(at(backlog[0]), at(backlog[1])) if backlog is not None else None
    assert settled(at(due), at(10), run) == at(expected)


def test_a_cut_that_began_before_a_restart_and_ended_after_it_is_one_stretch_of_time() -> None:
    deafness = Deafness()
    deafness.line_lost(at(0))
    deafness.add(at(10), at(12))
    deafness.line_lost(at(12))
    deafness.line_restored(at(40))
    assert deafness.spans == [Span(at(0), at(40), Cause.LINE), Span(at(10), at(12), Cause.SERVICE)]
    assert listened(deafness.spans, None, at(-5), 10 * MINUTE) == at(45) + SETTLE
    assert deafness.returned_at == at(40)


# --- the line to the broker


def test_while_the_line_to_the_broker_is_cut_nobody_falls_silent_and_escalation_goes_on() -> None:
    house = Household()
    house.says("watch", heart_rate=70)
    house.says("cord", pull_cord=True)
    house.waits(240)
    house.engine.handle(LineLost(house.now), house.now)
    facts = house.waits(5 * 3600)
    assert of(DeviceSilent, facts) == []
    assert len(of(StepReached, facts)) > 20, "a call rings on"
    assert of(DeviceSilent, house.engine.handle(LineRestored(), house.now)) == []
    assert of(DeviceSilent, house.waits(9 * 60 - 1)) == [], "seven minutes were left, and two to come back in"
    (silent,) = of(DeviceSilent, house.waits(1))
    assert silent.device == "watch"


def test_the_line_may_be_told_lost_twice_and_restored_without_having_been_lost() -> None:
    house = Household()
    house.says("watch", heart_rate=70)
    house.engine.handle(LineRestored(), house.now)
    house.engine.handle(LineLost(house.now), house.now)
    house.now += timedelta(hours=1)
    house.engine.handle(LineLost(house.now), house.now)
    house.engine.handle(LineRestored(), house.now)
    (span,) = Hearing(house.engine.homes[HOME], house.engine._circumstances.deafness).gaps(START, house.now)
    assert span == Span(START, START + timedelta(hours=1), Cause.LINE)


def test_a_hub_that_queued_says_the_past_before_anything_is_concluded_from_it() -> None:
    house = Household()
    house.says("watch", heart_rate=70)
    died = house.now
    house.now += timedelta(hours=3)
    house.starts(died)
    for minute in range(8):
        house.waits(60)
        house.takes(report("hub", died + timedelta(minutes=20 * minute), f"past-{minute}", {"rssi": -60}, received_at=house.now))
    back = died + timedelta(hours=3)
    house.says("watch", heart_rate=71)
    assert of(DeviceSilent, house.facts) == []
    assert house.engine.homes[HOME].backlog == Backlog(back + MINUTE, back + 8 * MINUTE)
    hearing = Hearing(house.engine.homes[HOME], house.engine._circumstances.deafness)
    assert hearing.heard_span(died, timedelta(minutes=5)) == back + SETTLE_MOST
    assert hearing.heard_span(died, timedelta(minutes=30)) == back + 32 * MINUTE


def test_every_call_of_the_hours_in_which_nobody_listened_is_raised_at_once_with_its_true_time() -> None:
    house = Household()
    house.says("hub", rssi=-60)
    died = house.now
    house.now += timedelta(hours=3)
    house.starts(died)
    called = died + timedelta(hours=1)
    (raised,) = of(AlertRaised, house.takes(report("cord", called, "c", {"pull_cord": True}, received_at=house.now)))
    assert (raised.at, raised.evidence[0].at) == (house.now, called)
    assert "04:00" in raised.reason.zh


# --- the hub


def test_one_alert_for_the_hub_and_none_for_what_stands_behind_it() -> None:
    house = Household()
    for device in ("hub", "watch"):
        house.says(device, rssi=-60)
    (lost,) = of(HubLost, house.status("hub", online=False))
    facts = house.waits(48 * 3600)
    assert [(raised.rule, raised.device) for raised in of(AlertRaised, facts)] == [("hub-silent", "hub")]
    assert [silent.device for silent in of(DeviceSilent, facts)] == ["hub"]
    back = house.status("hub", online=True)
    assert of(HubReturned, back)
    assert of(AlertCleared, back)
    hearing = Hearing(house.engine.homes[HOME], Deafness())
    assert hearing.gaps(START, house.now) == (Span(lost.since, house.now, Cause.HUB),)
    returned = house.now
    silents: list[tuple[str, timedelta]] = []
    for _ in range(15):
        house.says("hub", rssi=-60)
        silents += [(silent.device, silent.at - returned) for silent in of(DeviceSilent, house.waits(60))]
    assert silents == [("watch", timedelta(minutes=13))], "its eleven minutes begin when the hub has had two to settle"


def test_a_device_that_speaks_although_the_hub_is_away_is_watched_for_itself() -> None:
    house = Household()
    for device in ("hub", "watch"):
        house.says(device, rssi=-60)
    house.status("hub", online=False)
    house.waits(300)
    house.says("watch", rssi=-60)
    facts = house.waits(3600)
    assert [(silent.device, silent.at - START) for silent in of(DeviceSilent, facts)] == [("watch", timedelta(minutes=16))]


def test_a_hub_that_only_falls_quiet_stops_the_clocks_from_its_last_word() -> None:
    house = Household()
    house.says("hub", rssi=-60)
    house.waits(60)
    house.says("watch", rssi=-60)
    facts = house.waits(24 * 3600)
    assert [silent.device for silent in of(DeviceSilent, facts)] == ["hub"]
    (lost,) = of(HubLost, facts)
    assert (lost.since, lost.at) == (START, START + timedelta(minutes=3))


# --- restart


class Shell:
    """Items with their moments, and the facts they gave, so that an engine can be had back from any row and the journal behind it."""

    def __init__(self) -> None:
        self.house = Household()
        self.engine = Engine()
        self.journal: list[tuple[Item | Fact, datetime]] = []

    def gives(self, item: Item, now: datetime) -> None:
        facts = self.engine.handle(item, now)
        self.journal += [(item, now), *((fact, now) for fact in facts)]

    def advances(self, now: datetime) -> None:
        self.journal += [(fact, now) for fact in self.engine.advance(now)]


def story(shell: Shell, steps: list[tuple[str, int]]) -> None:
    house, now = shell.house, START
    shell.gives(Configured(house.engine.ruleset), now)
    for command in house.registration:
        shell.gives(Asked(command, Actor("li")), now)
    shell.gives(ServiceStarted(None), now)
    for number, (what, minutes) in enumerate(steps):
        now += minutes * MINUTE
        shell.advances(now)
        match what:
            case "lost":
                shell.gives(LineLost(now), now)
            case "restored":
                shell.gives(LineRestored(), now)
            case "hub" | "watch":
                shell.gives(report(what, now, f"s{number}", {"rssi": -60}), now)
            case "late":
                shell.gives(report("watch", now - 40 * MINUTE, f"s{number}", {"rssi": -60}, received_at=now), now)
            case "away":
                shell.gives(Said(StatusHeard(AREA, HOME, DeviceId("hub"), online=False, received_at=now), "t", b""), now)
    shell.advances(now + 400 * MINUTE)


STEPS = st.lists(st.tuples(st.sampled_from(["lost", "restored", "hub", "watch", "late", "away"]), st.integers(0, 25)), max_size=14)


@given(STEPS, st.integers(0, 60))
@settings(deadline=None)
def test_an_engine_had_back_in_the_middle_goes_on_as_the_one_that_died_would_have(steps: list[tuple[str, int]], cut: int) -> None:
    shell = Shell()
    story(shell, steps)
    cut = min(cut, len(shell.journal))
    first = Engine()
    for entry, now in shell.journal[:cut]:
        first.fold(entry, now)
    rows = {key: first.snapshot(key) for key in first.keys()}  # noqa: SIM118 - no dict
    again = Engine()
    for key, body in rows.items():
        again.restore(key, body)
    for entry, now in shell.journal[cut:]:
        again.fold(entry, now)
    end = max((now for _, now in shell.journal), default=START) + timedelta(days=2)
    assert again.handle(ServiceStarted(None), end) == shell.engine.handle(ServiceStarted(None), end)
    for key in shell.engine.keys():  # noqa: SIM118 - no dict
        assert row(again, key) == row(shell.engine, key)
    assert again.differences == 0


@given(STEPS)
@settings(deadline=None)
def test_one_leap_gives_the_facts_of_many_steps(steps: list[tuple[str, int]]) -> None:
    leaping, walking = Shell(), Shell()
    story(leaping, steps)
    walking.advances = lambda now: _walk(walking, now)  # type: ignore[method-assign]
    story(walking, steps)
    facts = [[entry for entry, _ in shell.journal] for shell in (leaping, walking)]
    assert facts[0] == facts[1]


def _walk(shell: Shell, until: datetime) -> None:
    now = max((now for _, now in shell.journal), default=START)
    while now < until:
        now = min(now + 7 * MINUTE, until)
        shell.journal += [(fact, until) for fact in shell.engine.advance(now)]
