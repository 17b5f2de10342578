"""The engine as a whole: commands of the registry, keys, time, and what holds whatever happens."""

from collections import Counter
from datetime import timedelta
from time import process_time

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from alerting.alert import Alert, born, evolve
from alerting.commands import (
    Acknowledge,
    AlertCommand,
    ChangeDevice,
    ChangeHome,
    ChangePerson,
    Claim,
    Close,
    Command,
    Escalate,
    Hold,
    IssueCredential,
    Note,
    RegisterArea,
    RegisterDevice,
    RegisterHome,
    RegisterPerson,
    Respond,
    RetireArea,
    RetireDevice,
    RetireHome,
    RetirePerson,
    RevokeCredentials,
    SetSilence,
    Transfer,
)
from alerting.engine import Engine
from alerting.facts import AlertClaimed, AlertClosed, AlertFact, AlertRaised, CommandIssued, Fact, NotificationRequested, StepReached
from alerting.heard_facts import DeviceSilent
from alerting.items import Quarantined, WallClockStepped
from alerting.refusals import Exists, IllegalTransition, Unknown
from alerting.registry_facts import CredentialIssued, CredentialRevoked, DeviceRegistered, DeviceRetired, HomeRetired
from alerting.suppression import under_floor
from alerting.terms import AlertId, SilenceId, Stage
from devices.credential import Credential, Scope
from devices.home import Area, AreaId, Device, DeviceId, Home, HomeId, Lifecycle, ModelId, Person, PersonId, Role
from devices.observation import Manner, Property
from tests.household import AREA, DEFAULT, HOME, START, Household, of, report


def test_a_command_repeated_under_its_key_does_nothing_again() -> None:
    house = Household()
    house.says("cord", pull_cord=True)
    alert = next(iter(house.engine.alerts))
    assert of(AlertClaimed, house.asks(Claim(alert), key="k1"))
    assert house.asks(Claim(alert), key="k1") == []
    with pytest.raises(IllegalTransition):
        house.asks(Claim(alert), key="k2")
    assert of(AlertClaimed, house.asks(Claim(alert), by="wang", key="k1")), "another person's key is another key"
    house.waits(86400)
    with pytest.raises(IllegalTransition):
        house.asks(Claim(AlertId("x")), key="k1")


def test_a_refused_command_does_not_use_up_its_key_and_what_was_due_comes_with_the_next_call() -> None:
    house = Household()
    house.says("cord", pull_cord=True)
    alert = next(iter(house.engine.alerts))
    house.now += timedelta(seconds=90)
    with pytest.raises(IllegalTransition):
        house.asks(Close(alert, "nonsense"), key="k")
    assert house.engine.next_deadline == START + timedelta(seconds=60)
    facts = house.asks(Close(alert, "test"), key="k")
    assert [f.at for f in of(StepReached, facts)] == [START + timedelta(seconds=60)]
    assert of(AlertClosed, facts)


def test_facts_are_never_out_of_order_even_if_the_clock_of_the_caller_is() -> None:
    house = Household()
    house.says("cord", pull_cord=True)
    house.waits(100)
    house.now -= timedelta(seconds=50)
    (noted,) = house.asks(Note(next(iter(house.engine.alerts)), "x"))
    assert isinstance(noted, AlertFact)
    assert noted.at == START + timedelta(seconds=100)


def test_a_sentence_shows_the_wall_clock_and_deadlines_follow_service_time() -> None:
    house = Household()
    house.engine.handle(WallClockStepped(3600), house.now)
    said = report("cord", house.now, "x", {"pull_cord": True}, suspect=True)
    (raised,) = of(AlertRaised, house.takes(said))
    assert "04:00" in raised.reason.zh
    assert house.waits(59.9) == []
    assert of(StepReached, house.waits(0.1))


def test_what_could_not_be_read_comes_to_nothing() -> None:
    house = Household()
    assert house.engine.handle(Quarantined(START, "t", "values", "why", b"", 1), START) == []


def test_the_same_report_judged_anew_gives_the_same_alert_id() -> None:
    one, two = Household(), Household()
    two.waits(3)
    said = report("cord", START, "x", {"pull_cord": True})
    assert of(AlertRaised, one.takes(said))[0].alert == of(AlertRaised, two.takes(said))[0].alert
    assert len(of(AlertRaised, one.facts)[0].alert) == 26


# --- the registry --------------------------------------------------------------------------------------------------------------


def refused(house: Household, command: Command, how: type[IllegalTransition]) -> None:
    before = list(map(house.engine.snapshot, house.engine.keys()))
    with pytest.raises(how) as error:
        house.asks(command)
    assert type(error.value) is how
    assert error.value.sentence.zh
    assert list(map(house.engine.snapshot, house.engine.keys())) == before


CORD = Device(DeviceId("cord"), HOME, ModelId("cord"))
SECRET = Credential("u1", b"s", b"d", Scope.DEVICE, AREA, HOME, DeviceId("cord"))


@pytest.mark.parametrize(
    ("command", "how"),
    [
        (RegisterArea(Area(AREA, "x")), Exists),
        (RegisterArea(Area(AreaId("b c"), "x")), IllegalTransition),
        (RegisterArea(Area(AreaId("2"), "x", AreaId("nowhere"))), Unknown),
        (RegisterHome(Home(HOME, AREA, "x")), Exists),
        (RegisterHome(Home(HomeId("h2"), AreaId("nowhere"), "x")), Unknown),
        (RegisterDevice(CORD), Exists),
        (RegisterDevice(Device(DeviceId("new"), HomeId("nowhere"), ModelId("cord"))), Unknown),
        (RegisterPerson(Person(PersonId("p1"), HOME, Role.FAMILY, "x")), Exists),
        (RegisterPerson(Person(PersonId("p2"), HomeId("nowhere"), Role.FAMILY, "x")), Unknown),
        (ChangeHome(Home(HomeId("nowhere"), AREA, "x")), Unknown),
        (ChangeDevice(Device(DeviceId("nothing"), HOME, ModelId("cord"))), Unknown),
        (ChangePerson(Person(PersonId("nobody"), HOME, Role.FAMILY, "x")), Unknown),
        (RetireArea(AREA), IllegalTransition),
        (RetireArea(AreaId("nowhere")), Unknown),
        (RetireHome(HomeId("nowhere")), Unknown),
        (RetireDevice(HOME, DeviceId("nothing")), Unknown),
        (RetirePerson(HOME, PersonId("nobody")), Unknown),
        (RevokeCredentials(username="nobody"), Unknown),
        (IssueCredential(Credential("u", b"", b"", Scope.DEVICE, AREA, HOME, DeviceId("nothing"))), Unknown),
        (SetSilence(SilenceId("s"), HomeId("nowhere"), None, (), START + timedelta(hours=1), "x"), Unknown),
        (SetSilence(SilenceId("s"), HOME, None, (), START, "x"), IllegalTransition),
        (SetSilence(SilenceId("s"), HOME, None, (), START + timedelta(days=32), "x"), IllegalTransition),
        (SetSilence(SilenceId("s"), HOME, None, (), START + timedelta(hours=1), " "), IllegalTransition),
    ],
)
def test_the_registry_refuses_what_does_not_fit_and_changes_nothing(command: Command, how: type[IllegalTransition]) -> None:
    refused(Household(), command, how)


def test_an_area_is_not_inside_itself() -> None:
    house = Household()
    house.asks(RegisterArea(Area(AreaId("1"), "市")))
    house.asks(RegisterArea(Area(AreaId("2"), "区", AreaId("1"))))
    refused(house, RegisterArea(Area(AreaId("3"), "x", AreaId("3"))), IllegalTransition)


def test_a_registered_device_takes_from_its_model_and_from_its_hub_what_nobody_said() -> None:
    house = Household()
    house.takes(report("new", START, "r", {"sos": True}, dialect="zigbee2mqtt"))
    (registered,) = of(DeviceRegistered, house.asks(RegisterDevice(Device(DeviceId("new"), HOME, ModelId("watch"), room="卧室"))))
    device = registered.device
    assert (device.vendor, device.exposes, device.dialect) == ("Test", (Property.SOS,), "zigbee2mqtt")
    assert (device.lifecycle, device.registered_at) == (Lifecycle.REGISTERED, START)
    assert of(DeviceSilent, house.waits(11 * 60)), "watched from here on, as it was heard already"


def test_a_retired_device_keeps_its_id_loses_its_credentials_and_is_heard_all_the_same() -> None:
    house = Household()
    assert of(CredentialIssued, house.asks(IssueCredential(SECRET)))
    assert house.engine.credential("u1") == SECRET
    refused(house, IssueCredential(SECRET), Exists)
    facts = house.asks(RetireDevice(HOME, DeviceId("cord")))
    assert [type(f) for f in facts] == [DeviceRetired, CredentialRevoked]
    assert house.engine.credential("u1") is None
    refused(house, RegisterDevice(CORD), Exists)
    refused(house, ChangeDevice(CORD), IllegalTransition)
    assert of(AlertRaised, house.says("cord", pull_cord=True))
    assert of(DeviceSilent, house.waits(10 * 86400)) == []


@pytest.mark.parametrize("gone", [RetireDevice(HOME, DeviceId("cord")), RetireHome(HOME)])
def test_a_device_that_was_taken_down_is_put_up_in_another_home_and_in_no_two_at_once(gone: Command) -> None:
    house, other = Household(), HomeId("h403")
    house.asks(RegisterHome(Home(other, AREA, "403")))
    moved = RegisterDevice(Device(DeviceId("cord"), other, ModelId("cord")))
    refused(house, moved, Exists)
    house.asks(gone)
    (registered,) = of(DeviceRegistered, house.asks(moved))
    assert registered.device.home == other
    again = RegisterDevice(Device(DeviceId("cord"), HomeId("h404"), ModelId("cord")))
    house.asks(RegisterHome(Home(HomeId("h404"), AREA, "404")))
    refused(house, again, Exists)
    keys = list(house.engine.keys())
    rows = {key: house.engine.snapshot(key) for key in keys}
    for order in (keys, keys[::-1]):
        house.engine = Engine(DEFAULT)
        for key in order:
            house.engine.restore(key, rows[key])
        with pytest.raises(Exists):
            house.asks(again)


def test_a_home_with_an_open_alert_is_not_retired() -> None:
    house = Household()
    house.says("cord", pull_cord=True)
    refused(house, RetireHome(HOME), IllegalTransition)
    house.asks(Close(next(iter(house.engine.alerts)), "test"))
    assert of(HomeRetired, house.asks(RetireHome(HOME)))
    refused(house, RegisterDevice(Device(DeviceId("n"), HOME, ModelId("cord"))), IllegalTransition)


def test_credentials_of_no_home_are_the_whole_services() -> None:
    house = Household()
    demo = Credential("device", b"s", b"d", Scope.ANYWHERE)
    house.asks(IssueCredential(demo))
    assert house.engine.credential("device") == demo
    (revoked,) = of(CredentialRevoked, house.asks(RevokeCredentials(username="device")))
    assert revoked.home == ""


# --- whatever happens ----------------------------------------------------------------------------------------------------------

DEVICES = st.sampled_from(["cord", "bath", "smoke", "watch", "stranger"])
VALUES = st.one_of(
    st.fixed_dictionaries({}, optional={
        "pull_cord": st.booleans(), "smoke": st.booleans(), "fall": st.booleans(), "battery_low": st.booleans(), "test": st.booleans(),
        "cancel": st.booleans(), "water_leak": st.booleans(), "tamper": st.booleans(),
    }),
    st.fixed_dictionaries({}, optional={
        "heart_rate": st.integers(30, 140), "co": st.integers(0, 400), "spo2": st.integers(80, 99), "battery": st.integers(0, 100),
    }),
)  # fmt: skip
PEOPLE = st.sampled_from(["li", "wang"])


def command(kind: str, alert: AlertId, number: float) -> AlertCommand:
    match kind:
        case "claim":
            return Claim(alert)
        case "acknowledge":
            return Acknowledge(alert)
        case "note":
            return Note(alert, "x")
        case "hold":
            return Hold(alert, number * 60, "x")
        case "escalate":
            return Escalate(alert, "x")
        case "transfer":
            return Transfer(alert, "zhao", "x")
        case "respond":
            return Respond(alert, "zhang", Stage.ACCEPTED)
        case _:
            return Close(alert, "test")


KINDS = st.sampled_from(["claim", "acknowledge", "note", "hold", "escalate", "transfer", "respond", "close"])


class AnyHistory(RuleBasedStateMachine):
    """Reports, commands and leaps of time in any order, the same to two engines: one leaps, one walks."""

    def __init__(self) -> None:
        super().__init__()
        self.house = Household()
        self.walker = Household()
        self.read: dict[AlertId, Alert] = {}
        self.checked = len(self.house.facts)
        self.silences = 0

    def both(self, facts: list[Fact], walked: list[Fact]) -> None:
        assert facts == walked

    @rule(device=DEVICES, values=VALUES, manner=st.sampled_from([None, Manner.CACHED]), late=st.sampled_from([0, 0, 0, 100]))
    def a_device_reports(self, device: str, values: dict[str, bool | float], manner: Manner | None, late: int) -> None:
        self.house.number += 1
        observed = self.house.now - timedelta(seconds=late)
        said = report(device, observed, f"r{self.house.number}", values, received_at=self.house.now, manner=manner)
        self.both(self.house.takes(said), self.walker.takes(said))
        assert self.house.takes(said) == [], "delivered again"

    @rule(seconds=st.one_of(st.floats(0, 200), st.floats(0, 90_000)), strides=st.integers(1, 6))
    def time_passes(self, seconds: float, strides: int) -> None:
        walked: list[Fact] = []
        end = self.house.now + timedelta(seconds=seconds)
        for stride in range(1, strides + 1):
            self.walker.now = self.house.now + (end - self.house.now) * stride / strides
            walked += self.walker.waits(0)
        self.house.now = self.walker.now = end
        self.both(self.house.waits(0), walked + self.walker.waits(0))

    @precondition(lambda self: self.house.engine.alerts)
    @rule(kind=KINDS, by=PEOPLE, number=st.floats(0, 1), pick=st.integers(0, 20))
    def a_person_acts(self, kind: str, by: str, number: float, pick: int) -> None:
        alerts = list(self.house.engine.alerts)
        asked = command(kind, alerts[pick % len(alerts)], number)
        outcomes: list[list[Fact] | str] = []
        for house in (self.house, self.walker):
            try:
                outcomes.append(house.asks(asked, by))
            except IllegalTransition as error:
                outcomes.append(error.sentence.en)
        assert outcomes[0] == outcomes[1]

    @rule(minutes=st.floats(1, 600), device=st.sampled_from([None, DeviceId("watch")]))
    def a_silence_is_set(self, minutes: float, device: DeviceId | None) -> None:
        self.silences += 1
        asked = SetSilence(SilenceId(f"s{self.silences}"), HOME, device, (), self.house.now + timedelta(minutes=minutes), "x")
        self.both(self.house.asks(asked), self.walker.asks(asked))

    @invariant()
    def there_is_one_open_alert_for_a_home_and_matter(self) -> None:
        matters = Counter((alert.home, alert.matter) for alert in self.house.open())
        assert all(count == 1 for count in matters.values())

    @invariant()
    def facts_are_in_the_order_of_time_and_a_reader_of_them_believes_the_same(self) -> None:
        last = self.house.facts[self.checked - 1].at
        for fact in self.house.facts[self.checked :]:
            assert fact.at >= last
            last = fact.at
            if isinstance(fact, AlertRaised):
                assert fact.alert not in self.read
                self.read[fact.alert] = born(fact)
            elif isinstance(fact, AlertFact):
                self.read[fact.alert] = evolve(self.read[fact.alert], fact)
        self.checked = len(self.house.facts)
        assert all(self.read[alert.id] == alert for alert in self.house.engine.alerts.values())

    @invariant()
    def the_next_deadline_is_in_the_future(self) -> None:
        deadline = self.house.engine.next_deadline
        assert deadline is None or deadline > self.house.now

    @invariant()
    def no_step_is_skipped_or_doubled(self) -> None:
        steps: dict[AlertId, tuple[int, int]] = {}
        for step in of(StepReached, self.house.facts):
            before = steps.get(step.alert)
            here = (step.round, step.step)
            if before is not None:
                assert here > before
                assert here[0] == before[0] or here[0] > before[0]
                if here[0] == before[0]:
                    assert here[1] == before[1] + 1
            steps[step.alert] = here

    @invariant()
    def no_notification_and_no_receipt_is_doubled(self) -> None:
        ids = [f.notification for f in of(NotificationRequested, self.house.facts)] + [f.id for f in of(CommandIssued, self.house.facts)]
        assert len(ids) == len(set(ids))

    @invariant()
    def what_is_under_the_floor_and_nobody_has_is_about_to_ring(self) -> None:
        for alert in self.house.open():
            if under_floor(alert.category):
                assert alert.silenced_by is None
                if alert.ringing:
                    assert alert.next_step_at is not None
                    assert alert.next_step_at > self.house.now

    @invariant()
    def it_fits_through_the_journal(self) -> None:
        for fact in self.house.facts[-3:]:
            packed = msgspec.msgpack.encode(fact)
            assert msgspec.msgpack.decode(packed, type=Fact) == fact


AnyHistory.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow],
)
TestAnyHistory = AnyHistory.TestCase


def test_a_report_that_shows_nothing_is_judged_in_microseconds() -> None:
    """4 µs on an idle core, where no rule that watches the home can care; the bound leaves much room for a busy one."""
    house = Household()
    values = {"temperature": 20.5, "battery": 87, "tamper": False}
    reports = [report("cord", START + timedelta(milliseconds=i), f"id-{i:030}", values) for i in range(10_000)]
    began = process_time()
    assert not any(house.engine.handle(said, START) for said in reports)
    assert (process_time() - began) / len(reports) < 40e-6
