"""A dead engine and its revival: from rows of any age and the journal behind them, it goes on as the one that never died would have."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerting.commands import (
    Acknowledge,
    Asked,
    Claim,
    Close,
    CloseTogether,
    Command,
    ConfirmCall,
    Escalate,
    Hold,
    IssueCredential,
    Note,
    PutOnTest,
    RegisterDevice,
    RegisterHome,
    RevokeCredentials,
    SetSilence,
    Transfer,
    View,
)
from alerting.engine import Engine
from alerting.facts import AlertRaised, AlertRepeated, Fact, NotificationRequested, StepReached
from alerting.heard_facts import DeviceReturned, DeviceSilent
from alerting.items import Configured, DeliveryEnded, Item, ServiceStarted, WallClockStepped
from alerting.refusals import IllegalTransition
from alerting.rules import Threshold
from alerting.terms import Actor, Category, NotificationId, SilenceId, TestId
from devices.credential import Credential, Scope
from devices.home import Device, DeviceId, Home, HomeId, ModelId
from tests.household import AREA, DEFAULT, HOME, START, Household, of, report

Entry = Item | Fact
OTHER = replace(
    DEFAULT,
    version="other",
    rules=tuple(
        replace(r, hold=timedelta(minutes=4), at_least=80) if isinstance(r, Threshold) and r.id == "co-100" else r
        for r in DEFAULT.rules if r.id != "tamper"
    ),
)  # fmt: skip


class Shell:
    """What the loop and the store do around an engine: a journal, and snapshots that roll."""

    def __init__(self) -> None:
        self.engine = Engine(DEFAULT)
        self.now = START
        self.journal: list[tuple[datetime, bytes]] = []
        self.rows: dict[str, tuple[int, bytes]] = {}
        self.unsaved: dict[str, None] = {}
        for command in (
            *Household().registration,
            RegisterHome(Home(HomeId("h2"), AREA, "12栋403")),
            RegisterDevice(Device(DeviceId("watch2"), HomeId("h2"), ModelId("watch"))),
        ):
            self.gives(Asked(command, Actor("li")))

    def gives(self, item: Item, *, advance_first: bool = True) -> list[Fact]:
        """One turn; refused commands leave nothing. The journal holds what was due before the item, or behind it."""
        due = self.passes(0) if advance_first else []
        try:
            facts = self.engine.handle(item, self.now)
        except IllegalTransition:
            return due
        self.write([item, *facts])
        return due + facts

    def passes(self, seconds: float) -> list[Fact]:
        self.now += timedelta(seconds=seconds)
        facts = self.engine.advance(self.now)
        self.write(facts)
        return facts

    def write(self, entries: Iterable[Entry]) -> None:
        self.journal += ((self.now, msgspec.msgpack.encode(entry)) for entry in entries)

    def rolls(self, pick: int) -> None:
        self.unsaved |= dict.fromkeys(self.engine.take_changed())
        if self.unsaved:
            key = list(self.unsaved)[pick % len(self.unsaved)]
            del self.unsaved[key]
            self.rows[key] = (len(self.journal), self.engine.snapshot(key))

    def revived(self) -> Engine:
        engine = Engine(DEFAULT)
        for key, (_, body) in self.rows.items():
            engine.restore(key, body)
        for number, (now, packed) in enumerate(self.journal, 1):
            entry: Entry = msgspec.msgpack.decode(packed, type=Entry)
            if number > self.rows.get(engine.key_of(entry), (0, b""))[0]:
                engine.fold(entry, now)
        return engine


DEVICES = st.sampled_from(["cord", "bath", "smoke", "watch", "co", "stranger", "h2:watch2", "h3:cord"])
VALUES = st.fixed_dictionaries({}, optional={
    "pull_cord": st.booleans(), "smoke": st.booleans(), "test": st.booleans(), "cancel": st.booleans(), "tamper": st.booleans(),
    "co": st.integers(0, 400), "spo2": st.integers(80, 99), "battery": st.integers(0, 100),
})  # fmt: skip
ACTS = st.sampled_from(["claim", "acknowledge", "note", "hold", "escalate", "close", "view", "transfer", "together", "confirm"])
STEP = st.one_of(
    st.tuples(st.just("report"), DEVICES, VALUES, st.sampled_from([0.0, 0.0, 3.0])),
    st.tuples(st.just("again"), st.integers(1, 5)),
    st.tuples(st.just("time"), st.one_of(st.floats(0, 120), st.floats(0, 40_000))),
    st.tuples(st.just("act"), ACTS, st.integers(0, 9), st.sampled_from(["", "", "k1", "k2"])),
    st.tuples(st.just("silence"), st.floats(60, 9000)),
    st.tuples(st.just("maintenance"), st.floats(60, 9000), st.floats(0, 600)),
    st.tuples(st.just("test"), st.sampled_from(["cord", "smoke", "watch"]), st.floats(60, 1800)),
    st.tuples(st.just("rules"), st.booleans()),
    st.tuples(st.just("delivered"), st.integers(0, 9)),
    st.tuples(st.just("credential"), st.booleans()),
    st.tuples(st.just("clock"), st.integers(-3600, 3600)),
    st.tuples(st.just("roll"), st.integers(0, 9)),
    st.tuples(st.just("restart"), st.floats(0, 4000)),
)


def play(shell: Shell, step: tuple[object, ...], number: int) -> list[Fact]:
    """One event of a history; the same for any engine in the same state."""
    match step:
        case ("report", str(name), dict(values), float(delay)):
            home, _, device = name.rpartition(":")
            said = report(device, shell.now, f"r{number}", values, received_at=shell.now, home=home or HOME)
            shell.now += timedelta(seconds=delay)
            return shell.gives(said, advance_first=number % 2 == 0)
        case ("again", int(back)):
            return shell.gives(report("cord", shell.now, f"r{number - back}", {"pull_cord": True}))
        case ("time", float(seconds)):
            return shell.passes(seconds)
        case ("act", str(act), int(pick), str(key)):
            alerts = list(shell.engine.alerts)
            if not alerts:
                return []
            alert = alerts[pick % len(alerts)]
            acts: dict[str, Command] = {
                "claim": Claim(alert), "acknowledge": Acknowledge(alert), "note": Note(alert, "x"), "hold": Hold(alert, 20, "x"),
                "escalate": Escalate(alert, "x"), "close": Close(alert, "test", "x"), "view": View(alert),
                "transfer": Transfer(alert, "wang", "x"),
                "together": CloseTogether(tuple(alerts), "test", "x", "night"), "confirm": ConfirmCall(alert),
            }  # fmt: skip
            return shell.gives(Asked(acts[act], Actor("li"), key), advance_first=number % 2 == 0)
        case ("silence", float(seconds)):
            until = shell.now + timedelta(seconds=seconds)
            return shell.gives(Asked(SetSilence(SilenceId(f"s{number}"), HOME, None, (), until, "x"), Actor("li")))
        case ("maintenance", float(seconds), float(later)):
            begins = shell.now + timedelta(seconds=later)
            wish = SetSilence(SilenceId(f"m{number}"), HomeId(""), None, (), begins + timedelta(seconds=seconds), "x", AREA, begins, True)
            return shell.gives(Asked(wish, Actor("li")))
        case ("test", str(name), float(seconds)):
            until = shell.now + timedelta(seconds=seconds)
            wish_to_test = PutOnTest(TestId(f"t{number}"), HOME, (DeviceId(name),), None, until, Actor("li"), on_site=True, reason="x")
            return shell.gives(Asked(wish_to_test, Actor("li")))
        case ("rules", bool(other)):
            shell.passes(1)
            facts = shell.gives(Configured(OTHER if other else DEFAULT))
            shell.passes(1)
            return facts
        case ("delivered", int(pick)):
            pending = sorted(shell.engine.pending_notifications(), key=lambda request: request.notification)
            if not pending:
                return []
            ended = pending[pick % len(pending)]
            return shell.gives(DeliveryEnded(ended.notification, ended.alert, ended.home, delivered=True, attempts=1, detail="ok"))
        case ("credential", bool(home)):
            scope = (Scope.HOME, AREA, HOME) if home else (Scope.ANYWHERE, AREA, HomeId(""))
            facts = shell.gives(Asked(IssueCredential(Credential(f"u{number}", b"s", b"d", *scope)), Actor("li")))
            return facts + shell.gives(Asked(RevokeCredentials(username=f"u{number - 3}"), Actor("li")))
        case ("clock", int(offset)):
            return shell.gives(WallClockStepped(offset))
        case ("restart", float(seconds)):
            died = shell.now
            shell.now += timedelta(seconds=seconds)
            return shell.gives(ServiceStarted(died))
        case _:
            return []


def pending(engine: Engine) -> set[NotificationId]:
    return {request.notification for request in engine.pending_notifications()}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEP, max_size=40), st.lists(STEP, max_size=15))
def test_any_history_any_crash_rows_of_any_age_and_the_future_is_the_same(
    history: list[tuple[object, ...]], future: list[tuple[object, ...]],
) -> None:
    shell = Shell()
    for number, step in enumerate(history):
        play(shell, step, number)
        if step[0] == "roll":
            assert isinstance(step[1], int)
            shell.rolls(step[1])
    revived = Shell()
    revived.engine, revived.now = shell.revived(), shell.now
    assert dict(revived.engine.alerts) == dict(shell.engine.alerts)
    assert pending(revived.engine) == pending(shell.engine)
    assert revived.engine.registry.credentials == shell.engine.registry.credentials
    for each in (revived, shell):
        each.gives(ServiceStarted(None))
    assert revived.engine.differences == 0
    for number, step in enumerate(future, len(history)):
        assert play(revived, step, number) == play(shell, step, number)
    assert revived.passes(86400) == shell.passes(86400)


def test_steps_due_while_it_was_dead_come_at_once_each_once_stamped_with_their_moments() -> None:
    shell = Shell()
    shell.gives(report("cord", shell.now, "r", {"pull_cord": True}))
    shell.passes(59)
    engine = shell.revived()
    facts = engine.advance(START + timedelta(seconds=200))
    assert [(f.at - START).total_seconds() for f in of(StepReached, facts)] == [60, 180]
    assert engine.advance(START + timedelta(seconds=200)) == []
    shell.write(facts)
    assert list(shell.revived().pending_notifications()) == of(NotificationRequested, facts)


def test_a_step_that_was_not_on_disk_is_given_again_under_the_same_notification_id() -> None:
    shell = Shell()
    shell.gives(report("cord", shell.now, "r", {"pull_cord": True}))
    lost = shell.engine.advance(START + timedelta(seconds=60))
    again = shell.revived().advance(START + timedelta(seconds=61))
    assert of(NotificationRequested, lost) == of(NotificationRequested, again)


def test_stored_facts_stand_though_todays_rules_would_judge_otherwise_and_the_difference_is_counted() -> None:
    shell = Shell()
    shell.gives(report("cord", shell.now, "r1", {"tamper": True}))
    shell.gives(report("watch", shell.now, "r2", {"heart_rate": 60}))
    engine = Engine(OTHER)
    for now, packed in shell.journal:
        engine.fold(msgspec.msgpack.decode(packed, type=Entry), now)
    assert engine.differences == 0, "counted when recovery is over"
    engine.advance(shell.now)
    assert engine.differences == 1
    assert [a.category for a in engine.alerts.values()] == [Category.TECHNICAL]


def test_a_call_delivered_again_after_the_crash_is_the_same_call() -> None:
    shell = Shell()
    said = report("cord", shell.now, "r", {"pull_cord": True})
    shell.gives(said)
    engine = shell.revived()
    assert engine.handle(said, shell.now) == []
    other = report("cord", shell.now, "r2", {"pull_cord": True})
    assert of(AlertRepeated, engine.handle(other, shell.now))


def test_a_command_answered_before_the_crash_is_answered_after_it() -> None:
    shell = Shell()
    shell.gives(report("cord", shell.now, "r", {"pull_cord": True}))
    asked = Asked(Claim(next(iter(shell.engine.alerts))), Actor("li"), "key")
    shell.gives(asked)
    engine = shell.revived()
    assert engine.answered(asked)
    assert engine.handle(asked, shell.now) == []


def test_no_device_is_silent_before_the_service_says_that_it_hears_again() -> None:
    shell = Shell()
    shell.gives(report("watch", shell.now, "r", {"heart_rate": 70}))
    engine = shell.revived()
    later = shell.now + timedelta(hours=5)
    assert of(DeviceSilent, engine.advance(later)) == []
    assert of(DeviceSilent, engine.handle(ServiceStarted(shell.now), later)) == []
    (silent,) = of(DeviceSilent, engine.advance(later + timedelta(minutes=13)))
    assert silent.at == later + timedelta(minutes=13)


def test_a_device_that_was_silent_before_the_crash_and_returned_after_it_is_watched_again() -> None:
    shell = Shell()
    shell.gives(report("watch", shell.now, "r", {"heart_rate": 70}))
    assert of(DeviceSilent, shell.passes(11 * 60))
    engine = shell.revived()
    engine.handle(ServiceStarted(None), shell.now)
    assert of(DeviceReturned, engine.handle(report("watch", shell.now, "r2", {"heart_rate": 70}), shell.now))
    assert of(DeviceSilent, engine.advance(shell.now + timedelta(minutes=11)))


def test_a_row_reflects_its_home_alone() -> None:
    shell = Shell()
    shell.gives(report("cord", shell.now, "r", {"pull_cord": True}))
    engine = Engine(DEFAULT)
    engine.restore("home/h402", shell.engine.snapshot("home/h402"))
    assert [a.home for a in engine.alerts.values()] == [HOME]
    assert set(engine.homes) == {HOME}
    assert list(engine.keys()) == ["global", "home/h402"]


def test_rows_are_offered_for_saving_once_in_the_order_of_their_first_change() -> None:
    shell = Shell()
    shell.engine.take_changed()
    assert shell.engine.take_changed() == []
    shell.gives(report("watch2", shell.now, "a", {"heart_rate": 70}, home="h2"))
    shell.gives(report("watch", shell.now, "b", {"heart_rate": 70}))
    shell.gives(report("watch2", shell.now, "c", {"heart_rate": 71}, home="h2"))
    assert shell.engine.take_changed() == ["home/h2", "home/h402"]


def test_an_alert_from_before_and_its_first_word_are_the_same_bytes() -> None:
    shell = Shell()
    facts = shell.gives(report("cord", shell.now, "r", {"pull_cord": True}))
    assert of(AlertRaised, facts)
    one, two = shell.revived(), shell.revived()
    assert one.snapshot("home/h402") == two.snapshot("home/h402")
