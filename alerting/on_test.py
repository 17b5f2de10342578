"""On test: what named devices say is a test for a while, shown as one, told to the tester, and rung at nobody.

It is the one exception to the safety floor, and fails towards the alarm. Devices that may call for help, see fire or gas, or feel a fall
are named one by one, by a person who says that they stand there, for `FLOOR_TEST_LIMIT` at most. A call of such a device is an alert of
origin `test`; what its tester does not confirm within `suppression.CONFIRM_WITHIN` is a real alert. A call from any other device of the
home is real at once, and so is one while a real alert of the same matter is open. A whole home may be put on test for what is not under
the floor.
"""

from datetime import datetime

from msgspec.structs import replace

from alerting.alert import Alert
from alerting.facts import AlertClosed, AlertFact, AlertRaised
from alerting.home_state import HomeState
from alerting.life_facts import CallConfirmed, CallUnconfirmed, OnTestSet
from alerting.refusals import IllegalTransition
from alerting.suppression import under_floor
from alerting.terms import Actor, Category, Origin, Sentence
from devices.home import DeviceId

AS_TEST = "test"
"""The disposition of a call that its tester confirmed."""


def covering(home: HomeState, category: Category, device: DeviceId | None, at: datetime) -> OnTestSet | None:
    """The test that a call is part of; None for a real one. Under the floor only a device that is named."""
    for test in home.tests.values():
        if test.starts_at <= at < test.ends_at and (device in test.devices or (not test.devices and not under_floor(category))):
            return test
    return None


def matter(of: str, device: DeviceId | None) -> str:
    """Under which a test call is kept apart from real ones."""
    return f"test:{device or ''}:{of}"


def as_test(raised: AlertRaised, test: OnTestSet) -> AlertRaised:
    """The alert of a test call: it rings nowhere, and waits for its tester."""
    return replace(
        raised, origin=Origin.TEST, matter=matter(raised.matter, raised.device), silenced_by=None, next_step_at=None,
        testers=tuple(dict.fromkeys((test.tester, test.by))),
    )  # fmt: skip


def real_matter(alert: Alert) -> str:
    """What it is about, whether it is a test or not."""
    return alert.matter.split(":", 2)[2] if alert.matter.startswith("test:") else alert.matter


def confirmed(alert: Alert, by: Actor, now: datetime) -> list[AlertFact]:
    """The tester has seen it: it is closed as a test. IllegalTransition for anybody else, and for what is no test any more."""
    if alert.origin is not Origin.TEST or not alert.open:
        raise IllegalTransition(Sentence("这条警报不是待确认的测试", "this alert is no test that waits for its tester"))
    if by not in alert.testers:
        raise IllegalTransition(Sentence("只有测试人可以确认测试呼叫", "only whoever is testing may confirm a test call"))
    return [CallConfirmed(alert.id, now, alert.home, by), AlertClosed(alert.id, now, alert.home, by, AS_TEST, "")]


def unconfirmed(alert: Alert, home: HomeState, now: datetime) -> CallUnconfirmed:
    """Nobody has seen it in time."""
    real = real_matter(alert)
    return CallUnconfirmed(alert.id, now, alert.home, real if home.open_alert(real) is None else alert.matter)
