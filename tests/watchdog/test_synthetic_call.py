"""The service's own call, as the engine judges it: an alert like any other, which rings nowhere and closes by itself."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from alerting import synthetic
from alerting.alert import allowed_actions
from alerting.commands import (
    Acknowledge,
    AlertCommand,
    Asked,
    ChangeHome,
    Claim,
    Close,
    Command,
    Escalate,
    IssueCredential,
    PutOnTest,
    RegisterArea,
    RegisterDevice,
    RegisterHome,
    RetireArea,
    RetireHome,
    SetSilence,
)
from alerting.daily_check import daily_check
from alerting.facts import AlertClosed, AlertRaised, Fact, NotificationRequested, StepReached
from alerting.refusals import IllegalTransition
from alerting.terms import SERVICE, Actor, AlertId, Origin, SilenceId, TestId
from devices.credential import Credential, Scope
from devices.home import SYNTHETIC_AREA, SYNTHETIC_DEVICE, SYNTHETIC_HOME, Area, Device, DeviceId, Home, HomeId, ModelId
from tests.household import AREA, HOME, START, Household, of, report


def house() -> Household:
    """With the service's own home beside that of the stories."""
    made = Household()
    for command in (RegisterArea(synthetic.PLACE), RegisterHome(synthetic.HOUSE), RegisterDevice(synthetic.CORD)):
        made.engine.handle(Asked(command, SERVICE), made.now)
    return made


def calls(made: Household, number: int) -> list[Fact]:
    said = report(SYNTHETIC_DEVICE, made.now, f"wd-{number}", {"sos": True}, home=SYNTHETIC_HOME)
    return list(made.engine.handle(said, made.now))


def test_a_synthetic_call_is_an_alert_that_rings_nowhere_and_is_closed_by_the_service() -> None:
    made = house()
    facts = calls(made, 1)
    [raised] = of(AlertRaised, facts)
    assert (raised.origin, raised.next_step_at, raised.silenced_by) == (Origin.SYNTHETIC, None, None)
    assert raised.rule
    later = list(made.engine.advance(made.now + synthetic.CLOSES_AFTER))
    [closed] = of(AlertClosed, later)
    assert (closed.alert, closed.by, closed.at) == (raised.alert, SERVICE, raised.at + synthetic.CLOSES_AFTER)
    assert not of(StepReached, [*facts, *later])
    assert not of(NotificationRequested, [*facts, *later])


def test_each_call_raises_an_alert_of_its_own_and_little_of_it_is_remembered() -> None:
    made = house()
    raised = []
    for number in range(200):
        raised += of(AlertRaised, calls(made, number))
        made.now += timedelta(minutes=1)
        made.engine.advance(made.now)
    assert len({one.alert for one in raised}) == 200
    home = made.engine.homes[SYNTHETIC_HOME]
    assert len(home.alerts) <= 2
    assert len(home.devices[SYNTHETIC_DEVICE].calls or {}) <= synthetic.CALLS_KEPT


def test_a_call_that_is_said_again_while_the_alert_is_open_is_a_repeat_of_it() -> None:
    made = house()
    [raised] = of(AlertRaised, calls(made, 1))
    assert not of(AlertRaised, calls(made, 2))
    alert = made.engine.alerts[raised.alert]
    assert [e.report for e in alert.evidence] == ["wd-1", "wd-2"]


def test_a_call_of_somebody_at_the_same_moment_is_real_and_rings() -> None:
    made = house()
    calls(made, 1)
    facts = made.says("cord", pull_cord=True)
    [raised] = of(AlertRaised, facts)
    assert raised.origin is Origin.REAL
    assert of(StepReached, made.engine.advance(made.now)) or of(StepReached, facts)


ASKED: tuple[Callable[[AlertId], AlertCommand], ...] = (
    Claim, Acknowledge, lambda alert: Escalate(alert, "now"), lambda alert: Close(alert, "test", ""),
)  # fmt: skip


@pytest.mark.parametrize("command", ASKED)
def test_nobody_is_asked_to_do_anything_about_it_and_nothing_can_be_done(command: Callable[[AlertId], AlertCommand]) -> None:
    made = house()
    [raised] = of(AlertRaised, calls(made, 1))
    alert = made.engine.alerts[raised.alert]
    assert allowed_actions(alert) == ()
    with pytest.raises(IllegalTransition, match="the service's own call"):
        made.engine.handle(Asked(command(raised.alert), Actor("li")), made.now)


PEOPLE_MAY_NOT: tuple[Command, ...] = (
    RegisterArea(Area(SYNTHETIC_AREA, "x")),
    RetireArea(SYNTHETIC_AREA),
    RegisterArea(Area(AREA, "x", SYNTHETIC_AREA)),
    RegisterHome(Home(HomeId("h9"), AREA, "a real one", synthetic=True)),
    ChangeHome(Home(HOME, AREA, "a real one", synthetic=True)),
    RegisterHome(Home(HomeId("h9"), SYNTHETIC_AREA, "in the service's area")),
    RetireHome(SYNTHETIC_HOME),
    RegisterDevice(Device(DeviceId("d9"), SYNTHETIC_HOME, ModelId(""))),
    IssueCredential(Credential("thief", b"", b"", Scope.HOME, SYNTHETIC_AREA, SYNTHETIC_HOME)),
    PutOnTest(TestId("t9"), SYNTHETIC_HOME, (SYNTHETIC_DEVICE,), None, START + timedelta(minutes=5), Actor("li"), on_site=True, reason="x"),
    SetSilence(SilenceId("s9"), SYNTHETIC_HOME, None, (), START + timedelta(hours=1), "x"),
)


@pytest.mark.parametrize("command", PEOPLE_MAY_NOT, ids=lambda command: type(command).__name__)
def test_nobody_but_the_service_makes_a_home_whose_calls_ring_nowhere(command: Command) -> None:
    made = house()
    with pytest.raises(IllegalTransition, match="the service's own check"):
        made.engine.handle(Asked(command, Actor("li")), made.now)


def test_a_real_home_of_the_same_id_from_before_stays_real() -> None:
    """Its record does not say otherwise: in doubt the alert is raised."""
    made = Household()
    made.engine.handle(Asked(RegisterArea(synthetic.PLACE), SERVICE), made.now)
    made.engine.handle(Asked(RegisterHome(Home(SYNTHETIC_HOME, SYNTHETIC_AREA, "an old one")), SERVICE), made.now)
    [raised] = of(AlertRaised, calls(made, 1))
    assert raised.origin is Origin.REAL


def test_the_mornings_list_does_not_miss_its_contacts() -> None:
    made = house()
    assert all(finding.home != SYNTHETIC_HOME for finding in daily_check(made.engine.homes.values()))
