"""The whole life of alerts as a machine: whatever devices say, people do, arrange and forget, and however long it takes.

No alert leaves `triggered` without a person, none is closed without a disposition, and the safety floor holds under any mix of silences,
maintenance, tests, modes, outages of the area and policies.
"""

from datetime import datetime, timedelta

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from alerting.alert import TRANSITIONS, Alert
from alerting.area_rules import AreaOutage, Dark, Grouping
from alerting.commands import (
    Acknowledge,
    Claim,
    Close,
    CloseTogether,
    Command,
    ConfirmCall,
    Escalate,
    Hold,
    Note,
    PutOnTest,
    RegisterDevice,
    RegisterHome,
    SetHomeMode,
    SetSilence,
    Transfer,
    View,
)
from alerting.escalation import deadline
from alerting.facts import (
    AlertAcknowledged,
    AlertClosed,
    AlertFolded,
    AlertRaised,
    AlertRecurred,
    AlertRepeated,
    AlertWorsened,
    Fact,
    StepReached,
)
from alerting.items import Said
from alerting.policy import DESK, Policy, Step
from alerting.refusals import IllegalTransition
from alerting.suppression import CONFIRM_WITHIN, RINGS_AT_LEAST_EVERY, under_floor
from alerting.terms import SERVICE, Actor, Category, Mode, Origin, Priority, SilenceId, Status, TestId
from devices.home import Device, DeviceId, Home, HomeId, ModelId
from devices.message import StatusHeard
from tests.household import AREA, DEFAULT, HOME, Household, of, report

CALLS = {"cord": "pull_cord", "bath": "pull_cord", "watch": "sos", "smoke": "smoke", "gas": "gas_alarm", "pendant": "fall"}
QUIET = {"leak": "water_leak", "bath": "tamper", "cord": "battery_low", "hub": "mains_lost"}
DEEDS = ("claim", "acknowledge", "view", "note", "escalate", "transfer", "confirm")
PEOPLE = st.sampled_from(["li", "wang", "zhao"])
OUTAGE = AreaOutage(
    id="dark", category=Category.TECHNICAL, priority=Priority.TECHNICAL, title=next(iter(DEFAULT.rules)).title,
    reason=next(iter(DEFAULT.rules)).reason, dark=Dark.MAINS, by=Grouping.AREA, at_least=2, share=0.1, window=timedelta(hours=1),
)  # fmt: skip
RULES = (*(rule for rule in DEFAULT.rules if not isinstance(rule, AreaOutage)), OUTAGE)
OTHERS = (HomeId("h2"), HomeId("h3"))


class Life(RuleBasedStateMachine):
    """One home that everything happens to, and two more so that its area can go dark."""

    @initialize(
        afters=st.lists(st.integers(0, 900), min_size=1, max_size=3, unique=True).map(sorted),
        rounds=st.integers(1, 3), keep=st.sampled_from([None, 60, 7200]), limit=st.integers(10, 3600), odd=st.booleans(),
    )  # fmt: skip
    def begin(self, afters: list[int], rounds: int, keep: int | None, limit: int, odd: bool) -> None:
        """With the policies that come with Anju, or with one that no check of rules would let through."""
        ruleset = replace(DEFAULT, rules=RULES)
        if odd:
            steps = tuple(Step(timedelta(seconds=after), (DESK,)) for after in afters)
            span = timedelta(seconds=limit)
            quiet = None if keep is None else timedelta(seconds=keep)
            ruleset = replace(ruleset, policies=(Policy("odd", steps, tuple(Category), span, rounds, quiet, span, span),))
        self.house = Household(ruleset)
        self.number = 0
        self.tests: list[PutOnTest] = []
        for home in OTHERS:
            self.house.asks(RegisterHome(Home(home, AREA, home)))
            self.house.asks(RegisterDevice(Device(DeviceId(f"{home}-hub"), home, ModelId("hub"))))
        self.house.facts.clear()

    # --- what the world does ---------------------------------------------------------------------------------------------------

    @rule(device=st.sampled_from(sorted(CALLS)), on=st.booleans())
    def calls(self, device: str, on: bool) -> None:
        facts = self._says(device, CALLS[device], on)
        if not on:
            return
        told = of(AlertRaised, facts) + of(AlertRepeated, facts) + of(AlertRecurred, facts) + of(AlertWorsened, facts)
        counted = [self.house.engine.alerts[fact.alert] for fact in told if under_floor(self.house.engine.alerts[fact.alert].category)]
        said_again = CALLS[device] in ("smoke", "gas_alarm", "fall")
        assert counted or said_again, "a call is an alert, always"
        if counted and not self._tested(device):
            assert any(alert.origin is Origin.REAL for alert in counted), "a device that is not on test is meant"

    @rule(device=st.sampled_from(sorted(QUIET)), on=st.booleans())
    def reports(self, device: str, on: bool) -> None:
        self._says(device, QUIET[device], on)

    @rule(on=st.booleans())
    def mains(self, on: bool) -> None:
        """Of the whole area."""
        for home in OTHERS:
            self.number += 1
            self.house.takes(report(f"{home}-hub", self.house.now, f"n{self.number}", {"mains_lost": on}, home=home))
        self._says("hub", "mains_lost", on)

    @rule(device=st.sampled_from(["cord", "watch"]))
    def takes_back(self, device: str) -> None:
        self._says(device, "cancel", on=True)

    @rule()
    def falls_silent(self) -> None:
        message = StatusHeard(AREA, HOME, DeviceId("watch"), online=False, received_at=self.house.now)
        self.house.takes(Said(message, "status", b"{}"))

    @rule(seconds=st.one_of(st.floats(0, 90), st.floats(0, 8000), st.just(86_400.0)))
    def time_passes(self, seconds: float) -> None:
        self.house.waits(seconds)

    # --- what people do --------------------------------------------------------------------------------------------------------

    @rule(what=st.sampled_from(DEEDS), pick=st.integers(0, 7), by=PEOPLE)
    def acts(self, what: str, pick: int, by: str) -> None:
        if (alert := self._pick(pick)) is None:
            return
        wishes: dict[str, Command] = {
            "claim": Claim(alert.id), "acknowledge": Acknowledge(alert.id), "view": View(alert.id), "note": Note(alert.id, "x"),
            "escalate": Escalate(alert.id, "x"), "transfer": Transfer(alert.id, "wang", "x"), "confirm": ConfirmCall(alert.id),
        }  # fmt: skip
        self._asks(wishes[what], by)

    @rule(pick=st.integers(0, 7), minutes=st.floats(1, 240), back=st.sampled_from([None, *Priority]), by=PEOPLE)
    def holds(self, pick: int, minutes: float, back: Priority | None, by: str) -> None:
        if (alert := self._pick(pick)) is not None:
            self._asks(Hold(alert.id, minutes, "x", back), by)

    @rule(pick=st.integers(0, 7), disposition=st.sampled_from(["", "test", "false_cooking", "x"]), minutes=st.floats(1, 700), by=PEOPLE)
    def closes(self, pick: int, disposition: str, minutes: float, by: str) -> None:
        if (alert := self._pick(pick)) is not None:
            self._asks(Close(alert.id, disposition, "x", minutes), by)

    @rule(by=PEOPLE)
    def closes_all(self, by: str) -> None:
        unseen = {alert.id for alert in self.house.engine.alerts.values() if alert.open and alert.viewed_at is None}
        everything = tuple(self.house.engine.alerts)
        facts = self._asks(CloseTogether(everything, "assistance_given", "x", "night"), by)
        assert unseen.isdisjoint({fact.alert for fact in of(AlertClosed, facts) if fact.event}), "nobody had looked at it"

    # --- what people arrange ---------------------------------------------------------------------------------------------------

    @rule(minutes=st.floats(1, 600), device=st.sampled_from([None, *CALLS]), whole_area=st.booleans(), later=st.floats(0, 60))
    def silences(self, minutes: float, device: str | None, whole_area: bool, later: float) -> None:
        self.number += 1
        starts_at = self.house.now + timedelta(minutes=later)
        until = starts_at + timedelta(minutes=minutes)
        home, area = (HomeId(""), AREA) if whole_area else (HOME, AREA[:0])
        of_device = DeviceId(device) if device and not whole_area else None
        self._asks(SetSilence(SilenceId(f"s{self.number}"), home, of_device, (), until, "x", type(AREA)(area), starts_at, whole_area), "li")

    @rule(devices=st.lists(st.sampled_from(sorted(CALLS)), max_size=3, unique=True), minutes=st.floats(1, 40), later=st.floats(0, 20))
    def tests_devices(self, devices: list[str], minutes: float, later: float) -> None:
        self.number += 1
        starts_at = self.house.now + timedelta(minutes=later)
        wish = PutOnTest(
            TestId(f"t{self.number}"), HOME, tuple(map(DeviceId, devices)), starts_at, starts_at + timedelta(minutes=minutes),
            Actor("zhao"), on_site=True, reason="x",
        )  # fmt: skip
        try:
            self.house.asks(wish, "li")
        except IllegalTransition:
            return
        self.tests.append(wish)

    @rule(mode=st.sampled_from([Mode.AWAY, Mode.HOSPITAL, Mode.HOLIDAY]), hours=st.floats(1, 100))
    def leaves(self, mode: Mode, hours: float) -> None:
        self._asks(SetHomeMode(HOME, mode, self.house.now + timedelta(hours=hours), "x"), "li")

    # --- what must hold --------------------------------------------------------------------------------------------------------

    @invariant()
    def people_alone_move_alerts_on(self) -> None:
        known = {disposition.id for disposition in DEFAULT.dispositions}
        for fact in self._new():
            if isinstance(fact, AlertAcknowledged | AlertClosed):
                assert fact.by not in ("", SERVICE)
            if isinstance(fact, AlertClosed):
                assert fact.disposition in known
            if isinstance(fact, AlertFolded):
                folded = self.house.engine.alerts.get(fact.alert)
                assert folded is None or not under_floor(folded.category)

    @invariant()
    def whatever_stands_under_the_floor_rings(self) -> None:
        for alert in self._alerts():
            if not under_floor(alert.category) or not alert.open:
                continue
            assert alert.silenced_by is None
            assert alert.folded_into is None
            if alert.origin is Origin.TEST:
                assert self.house.now - alert.raised_at < CONFIRM_WITHIN, "a test call that nobody confirmed is real"
                assert self._tested(str(alert.device), at=alert.raised_at), "only what is named is on test"
                continue
            due = deadline(alert, self.house.engine.ruleset.policies[0], muted=True)
            assert due is not None, "something is always due"
            if alert.ringing:
                assert alert.step >= 0, "it rang at once"
                assert due.at - self.house.now <= RINGS_AT_LEAST_EVERY
            else:
                assert due.at - self.house.now <= timedelta(hours=1), "nobody may sit on it for longer"

    @invariant()
    def there_is_one_real_alert_for_a_home_and_matter(self) -> None:
        matters = [(alert.home, alert.matter) for alert in self._alerts() if alert.open]
        assert len(matters) == len(set(matters))

    @invariant()
    def what_rings_is_not_a_test(self) -> None:
        for fact in of(StepReached, self._new()):
            alert = self.house.engine.alerts.get(fact.alert)
            assert alert is None or alert.origin is Origin.REAL

    # --- within ----------------------------------------------------------------------------------------------------------------

    def _says(self, device: str, property_: str, on: bool) -> list[Fact]:
        self.number += 1
        return self.house.takes(report(device, self.house.now, f"m{self.number}", {property_: on}))

    def _asks(self, command: Command, by: str) -> list[Fact]:
        try:
            return self.house.asks(command, by)
        except IllegalTransition:
            return []

    def _alerts(self) -> list[Alert]:
        return list(self.house.engine.alerts.values()) if hasattr(self, "house") else []

    def _pick(self, number: int) -> Alert | None:
        alerts = self._alerts()
        return alerts[-1 - number % len(alerts)] if alerts else None

    def _new(self) -> list[Fact]:
        """What was made in the last step; each invariant looks at all of them."""
        return self.house.facts[-200:] if hasattr(self, "house") else []

    def _tested(self, device: str, at: datetime | None = None) -> bool:
        moment = at or self.house.now
        return any(device in test.devices and test.starts_at <= moment < test.ends_at for test in self.tests if test.starts_at)


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # making a life of 25 steps smaller takes minutes
)  # fmt: skip


def test_the_table_leads_out_of_triggered_by_a_persons_deed_alone() -> None:
    out = {fact for (before, fact), after in TRANSITIONS.items() if before is Status.TRIGGERED and after is not Status.TRIGGERED}
    assert out == {AlertAcknowledged, AlertClosed}
