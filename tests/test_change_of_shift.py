"""The change of shifts: a gap is known the day before, and what is open is somebody's by name at every second."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerting.commands import (
    Acknowledge,
    Asked,
    ChangeHome,
    Claim,
    Close,
    Command,
    Hold,
    PutOnTest,
    RegisterArea,
    RegisterDevice,
    RegisterHome,
    SetSilence,
)
from alerting.duty_commands import EndOverride, HandOver, OverrideShift, RetireRoster, RetireStaff, SetRoster, TakeOver
from alerting.duty_facts import AlertOwned, DutyChanged, ItemOwned
from alerting.engine import Engine
from alerting.facts import AlertClaimed, AlertCleared, AlertRaised, Fact, NotificationRequested, StepReached
from alerting.items import DeliveryEnded, ServiceStarted, WallClockStepped
from alerting.refusals import IllegalTransition, Unknown
from alerting.roster import Override, RosterId, StaffId
from alerting.terms import Actor, AlertId, Category, SilenceId, TestId
from devices.home import Area, AreaId, Device, DeviceId, Home, HomeId, ModelId
from tests.duty import GU, LI, WANG, night, on_duty, policy, ruleset, staff
from tests.household import AREA, DEFAULT, HOME, START, Household, of, report

NIGHT = RosterId("night")
HOURS = 3600
RULES = ruleset(policy((60, ("duty",)), (180, ("group", "desk"))))


def gap_alerts(house: Household) -> list[tuple[str, bool]]:
    """The titles of those that are open, and whether the gap is still there."""
    return [(a.title.en, a.cleared_at is None) for a in house.open() if a.matter == "roster:night"]


def absent(id_: str, day: int, who: str | None = None) -> OverrideShift:
    """The night that begins on that day of November."""
    since = START.replace(day=day, hour=12)
    staff = None if who is None else StaffId(who)
    return OverrideShift(Override(id_, NIGHT, "first", since, since + timedelta(hours=12), staff, "ill"))


# --- gaps ------------------------------------------------------------------------------------------------------------------------


def test_a_gap_is_raised_a_day_before_it_begins_and_is_over_when_somebody_is_found() -> None:
    house = Household(DEFAULT)
    on_duty(house)
    house.asks(absent("o1", 24))
    house.waits((START.replace(day=23, hour=12) - house.now).total_seconds() - 1)
    assert gap_alerts(house) == []
    (raised,) = of(AlertRaised, house.waits(1))
    assert raised.at == START.replace(day=23, hour=12)
    assert (raised.category, raised.home, raised.policy) == (Category.TECHNICAL, "", "duty")
    assert raised.reason.en == "the night shift has nobody on from 11-24 20:00 until 11-25 08:00"
    assert of(NotificationRequested, house.facts)[-1].target == "supervisor"
    assert of(AlertCleared, house.asks(absent("o2", 24, "gu")))
    assert gap_alerts(house) == [("Nobody on duty: the night shift", False)]
    house.asks(EndOverride("o2"))
    assert gap_alerts(house) == [("Nobody on duty: the night shift", True)]


def test_a_gap_that_begins_now_is_raised_at_once_and_one_that_was_closed_stays_closed() -> None:
    house = Household(DEFAULT)
    on_duty(house)
    house.asks(RetireStaff(StaffId("wang")))
    (raised,) = of(AlertRaised, house.facts)
    house.asks(Close(raised.alert, "test"))
    house.asks(HandOver(NIGHT, "quiet"))
    house.asks(absent("o1", 30))
    house.waits(HOURS)
    assert gap_alerts(house) == []


def test_a_roster_that_is_taken_away_leaves_no_gap() -> None:
    house = Household(DEFAULT)
    on_duty(house, "mute")
    house.asks(RetireStaff(StaffId("mute")))
    assert gap_alerts(house)
    house.asks(RetireRoster(NIGHT))
    assert gap_alerts(house) == [("Nobody on duty: the night shift", False)]


def test_shifts_follow_the_wall_clock_when_it_is_set() -> None:
    house = Household(RULES)
    on_duty(house)
    assert house.engine.registry.duties.present[NIGHT] == ("li",)
    facts = house.engine.handle(WallClockStepped(timedelta(hours=6).total_seconds()), house.now)  # nine in the morning, it is said now
    assert [f.on for f in of(DutyChanged, facts)] == [()]
    (changed,) = of(DutyChanged, house.waits(11 * HOURS))
    assert (changed.on, changed.at) == (("wang",), START + timedelta(hours=11))


# --- whose it is -----------------------------------------------------------------------------------------------------------------


def test_an_alert_is_that_of_whoever_is_on_and_in_a_gap_of_whoever_was_on_last() -> None:
    house = Household(DEFAULT)
    on_duty(house, desk=True)
    house.says("cord", pull_cord=True)
    assert house.alert(Category.CALL_FOR_HELP).owner == "li"
    house.waits(6 * HOURS)
    house.says("smoke", smoke=True)
    assert house.alert(Category.FIRE).owner == "li", "nobody is on by day, so it is still the night's"
    house.waits(12 * HOURS)
    house.says("watch", spo2=80)
    assert house.alert(Category.HEALTH).owner == "wang"
    assert house.alert(Category.FIRE).owner == "li", "until somebody takes it over"


def test_what_was_open_before_there_was_a_roster_is_somebodys_as_soon_as_there_is() -> None:
    house = Household(DEFAULT)
    house.says("cord", pull_cord=True)
    assert house.alert(Category.CALL_FOR_HELP).owner is None
    on_duty(house, desk=True)
    assert house.alert(Category.CALL_FOR_HELP).owner == "li"


def test_an_open_call_goes_with_its_home_to_the_area_that_is_put_right_and_rings_those_on_duty_there() -> None:
    house = Household(ruleset(policy((60, ("leads",)))))
    right = AreaId("330106002")
    house.asks(RegisterArea(Area(right, "西溪街道")))
    staff(house, LI, WANG, replace(WANG, id=StaffId("zhao"), name="赵敏", user=Actor("zhao")))
    for area, who in ((AREA, "wang"), (right, "zhao")):
        house.asks(SetRoster(night(who, id=RosterId(f"of-{area}"), area=area, desk=True)))
    house.says("cord", pull_cord=True)
    house.asks(ChangeHome(Home(HOME, right, "12栋402")))
    assert house.alert(Category.CALL_FOR_HELP).area == right
    assert [asked.staff for asked in of(NotificationRequested, house.waits(60)) if not asked.stand_down] == ["zhao"]
    house.asks(TakeOver(RosterId(f"of-{right}")), by="zhao")
    assert house.alert(Category.CALL_FOR_HELP).owner == "zhao"
    house.asks(Close(house.alert(Category.CALL_FOR_HELP).id, "test"), by="zhao")
    house.asks(ChangeHome(Home(HOME, AREA, "12栋402")))
    assert house.alert(Category.CALL_FOR_HELP).area == right, "what is over stays where it was"


def test_only_who_is_on_takes_over_and_what_is_named_must_be_open() -> None:
    house = Household(DEFAULT)
    on_duty(house, desk=True)
    house.says("cord", pull_cord=True)
    with pytest.raises(IllegalTransition, match="you are not on duty in the night shift"):
        house.asks(TakeOver(NIGHT), by="zhao")
    with pytest.raises(Unknown):
        house.asks(TakeOver(NIGHT, ("alert:nothing",)), by="li")
    with pytest.raises(Unknown):
        house.asks(TakeOver(RosterId("nothing")), by="li")


TWELVE = range(12)


def busy(house: Household) -> None:
    """A shift leaves twelve open items, three of them held, and two silences."""
    on_duty(house, desk=True)
    for number in TWELVE:
        home = HomeId(f"n{number}")
        house.asks(RegisterHome(Home(home, AREA, f"{number}")))
        house.asks(RegisterDevice(Device(DeviceId(f"c{number}"), home, ModelId("cord"))))
        house.takes(report(f"c{number}", house.now, f"x{number}", {"pull_cord": True}, home=home))
    for alert in house.open()[:3]:
        house.asks(Claim(alert.id), by="li")
        house.asks(Hold(alert.id, 60, "the daughter is on her way"), by="li")
    for number in range(2):
        until = house.now + timedelta(days=3)
        house.asks(SetSilence(SilenceId(f"s{number}"), HomeId(f"n{number}"), None, (Category.WATER,), until, "works"), by="li")


def on_test(house: Household) -> None:
    """And somebody tries out a door."""
    house.asks(RegisterDevice(Device(DeviceId("hall"), HOME, ModelId("hub"))))
    ends = house.now + timedelta(minutes=20)
    house.asks(PutOnTest(TestId("t1"), HOME, (DeviceId("hall"),), None, ends, Actor("chen"), on_site=True, reason="check"))


def owners(house: Household) -> dict[str, str]:
    """Of everything that is open, by its name."""
    registry = house.engine.registry
    found = {f"alert:{a.id}": str(a.owner) for a in house.open()}
    found |= {f"test:{t}": str(registry.homes[home].owners[f"test:{t}"]) for t, home in registry.test_homes.items()}
    return found | {f"silence:{s}": str(registry.homes[home].owners[f"silence:{s}"]) for s, home in registry.silence_homes.items()}


def test_a_shift_ends_with_twelve_open_three_held_and_two_silenced_and_none_is_without_a_name_at_any_second() -> None:
    house = Household(DEFAULT)
    busy(house)
    house.waits((START.replace(day=22, hour=11, minute=59, second=30) - house.now).total_seconds())
    for alert in house.open()[:3]:  # held once more, just before the end
        house.asks(Claim(alert.id), by="li")
        house.asks(Hold(alert.id, 60, "the daughter is on her way"), by="li")
    on_test(house)
    for _ in range(60):
        assert len(owners(house)) == 15
        assert set(owners(house).values()) == {"li"}, "the old shift's, also when the next one is on"
        house.waits(1)
    house.asks(HandOver(NIGHT, "three are on hold, the daughters come"), by="li")
    assert house.engine.registry.duties.notes[NIGHT].text == "three are on hold, the daughters come"

    held = [alert for alert in house.open() if alert.held_until is not None]
    facts = house.asks(TakeOver(NIGHT, (f"alert:{held[0].id}",)), by="wang")
    assert [type(f) for f in facts] == [AlertOwned, AlertClaimed]
    now = house.engine.alerts[held[0].id]
    assert (now.owner, now.claimed_by, now.held_until) == ("wang", "wang", held[0].held_until), "with what was in hand, and still on hold"
    assert sorted(owners(house).values()) == ["li"] * 14 + ["wang"]

    facts = house.asks(TakeOver(NIGHT), by="wang")
    assert len(of(AlertOwned, facts)) == 11
    assert len(of(AlertClaimed, facts)) == 2
    assert {(f.owner, f.before) for f in of(ItemOwned, facts)} == {("wang", "li")}
    assert set(owners(house).values()) == {"wang"}
    assert house.asks(TakeOver(NIGHT), by="wang") == []


def test_the_holds_of_whoever_left_ring_on_and_keep_their_owner() -> None:
    house = Household(DEFAULT)
    busy(house)
    house.waits(48 * HOURS)
    calls = [alert for alert in house.open() if alert.category is Category.CALL_FOR_HELP]
    assert [(alert.owner, alert.held_until) for alert in calls] == [("li", None)] * 12


# --- over a recovery -------------------------------------------------------------------------------------------------------------


class Journal:
    """What a household's engine was given and gave, from which another one is made at any moment."""

    def __init__(self) -> None:
        self.house = Household(RULES)
        on_duty(self.house, desk=True)
        self.entries: list[tuple[object, object]] = []

    def commit(self, item: object, facts: Iterable[Fact]) -> None:
        self.entries += [(entry, self.house.now) for entry in (*((item,) if item is not None else ()), *facts)]

    def asks(self, command: Command, by: str) -> None:
        asked = Asked(command, Actor(by))
        try:
            facts = self.house.engine.handle(asked, self.house.now)
        except IllegalTransition:
            return
        self.house.facts += facts
        self.commit(asked, facts)

    def crash(self, rows: dict[str, bytes], behind: int, pause: float) -> None:
        """The engine is gone; another one is made from older rows and what was journaled behind them."""
        engine = Engine(RULES)
        for key, body in rows.items():
            engine.restore(key, body)
        for entry, at in self.entries[behind:]:
            engine.fold(entry, at)  # type: ignore[arg-type]
        self.house.engine = engine
        self.house.now += timedelta(seconds=pause)
        started = ServiceStarted(self.house.now)
        facts = engine.handle(started, self.house.now)
        self.house.facts += facts
        self.commit(started, facts)

    def rows(self) -> dict[str, bytes]:
        return {key: self.house.engine.snapshot(key) for key in list(self.house.engine.keys())}


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.floats(0.1, 400)),
        st.tuples(st.just("crash"), st.floats(0, 300)),
        st.tuples(st.just("rows"), st.just(0)),
        st.tuples(st.just("jump"), st.sampled_from([-7200.0, 7200.0, 3600.0, -60.0])),
        st.tuples(st.just("claim"), st.just(0)),
        st.tuples(st.just("acknowledge"), st.just(0)),
        st.tuples(st.just("ended"), st.sampled_from([0.0, 1.0])),
        st.tuples(st.just("take"), st.sampled_from([0.0, 1.0])),
    ),
    max_size=25,
)


def play(moves: list[tuple[str, float]], *, crashes: bool) -> list[Fact]:
    """The same story, with its crashes, or with the time alone that they took."""
    journal = Journal()
    house = journal.house
    before = len(house.facts)
    rows, behind = journal.rows(), 0
    said = report("cord", house.now, "r1", {"pull_cord": True})
    journal.commit(said, house.takes(said))
    alert = AlertId(house.open()[0].id)
    for what, number in moves:
        match what:
            case "wait":
                journal.commit(None, house.waits(number))
            case "crash" if crashes:
                journal.crash(rows, behind, number)
            case "crash":
                house.now += timedelta(seconds=number)
                started = ServiceStarted(house.now)
                facts = house._kept(house.engine.handle(started, house.now))
                journal.commit(started, facts)
            case "rows":
                rows, behind = journal.rows(), len(journal.entries)
            case "jump":
                step = WallClockStepped(number)
                journal.commit(step, house._kept(house.engine.handle(step, house.now)))
            case "claim":
                journal.asks(Claim(alert), "li")
            case "acknowledge":
                journal.asks(Acknowledge(alert), "li")
            case "take":
                journal.asks(TakeOver(NIGHT), "li" if number else "wang")
            case _:
                for asked in list(house.engine.pending_notifications())[:1]:
                    end = DeliveryEnded(asked.notification, asked.alert, asked.home, bool(number), 1, "said")
                    journal.commit(end, house._kept(house.engine.handle(end, house.now)))
        assert house.engine.alerts[alert].owner in ("li", "wang")
    journal.commit(None, house.waits(1200))
    assert house.engine.differences == 0
    return house.facts[before:]


@settings(max_examples=40, deadline=None)
@given(MOVES)
def test_exactly_the_due_steps_come_whatever_crashes_and_however_the_clock_is_set(moves: list[tuple[str, float]]) -> None:
    with_crashes, without = play(moves, crashes=True), play(moves, crashes=False)
    assert with_crashes == without
    steps = [(f.round, f.step) for f in of(StepReached, with_crashes)]
    assert len(steps) == len(set(steps)), "none twice"
    for (round_, step), (next_round, next_step) in pairwise(steps):
        assert (next_round == round_ and next_step == step + 1) or next_round > round_, "none left out"
    told = [f.notification for f in of(NotificationRequested, with_crashes)]
    assert len(told) == len(set(told))


def test_rosters_and_owners_are_in_the_rows_and_in_the_journal_alike() -> None:
    house = Household(DEFAULT)
    busy(house)
    house.asks(absent("o1", 30))
    house.asks(HandOver(NIGHT, "a word"))
    rows, folded = Engine(DEFAULT), Engine(DEFAULT)
    for key in list(house.engine.keys()):
        rows.restore(key, house.engine.snapshot(key))
    for fact in house.facts:
        folded.fold(msgspec.msgpack.decode(msgspec.msgpack.encode(fact), type=type(fact)), house.now)
    for engine in (rows, folded):
        assert engine.registry.duties == house.engine.registry.duties
        assert {a.id: a.owner for a in engine.alerts.values()} == {a.id: a.owner for a in house.engine.alerts.values()}
        assert engine.registry.homes[HomeId("n0")].owners == {"silence:s0": "li"}


def test_a_roster_may_be_set_again_and_counts_from_then_on() -> None:
    house = Household(DEFAULT)
    on_duty(house)
    staff(house, LI, WANG, GU)
    facts = house.asks(SetRoster(night("gu", desk=True)))
    assert [f.on for f in of(DutyChanged, facts)] == [("gu",)]
