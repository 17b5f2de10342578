"""Receipts to the devices that called: how far the call for help has come, told to the person in need.

`accepted` when the alert is raised (and sent only once that is on disk), `seen` at the first claim, `helping` when a person first takes
it on, `closed` at the end. A second device of the home that calls meanwhile is told what the first one knows already, and so is one that
calls once more after a `PAUSE`: whoever presses again asks whether anybody has heard. Only devices that speak Anju's own dialect, and
only under the safety floor: a battery does not wait for an answer.
"""

from datetime import datetime, timedelta

import msgspec

from alerting.alert import Alert
from alerting.facts import AlertClosed, AlertFact, AlertRecurred, AlertRepeated, AlertWorsened, CommandIssued
from alerting.home_state import HomeState
from alerting.identity import command_id
from alerting.suppression import under_floor
from alerting.terms import Receipt
from devices.home import DeviceId
from devices.observation import URGENT
from devices.topic import Channel, DeviceTopic

KEPT_FOR = timedelta(hours=24)
"""How long a receipt waits for a device that sleeps."""
PAUSE = timedelta(seconds=10)
"""Between two calls that are answered each by itself: who presses five times in a row is told once."""


class ReceiptPayload(msgspec.Struct, frozen=True):
    id: str
    command: str
    alert: str
    stage: Receipt


_encode = msgspec.json.Encoder().encode


def receipts(before: Alert | None, after: Alert, fact: AlertFact, home: HomeState) -> list[CommandIssued]:
    """The receipts that a fact gives; `before` is None at the raising."""
    if not under_floor(after.category):
        return []
    issued: list[CommandIssued] = []
    knew = _callers(before, home) if before else ()
    callers = _callers(after, home)
    again = _again(before, fact) if before else frozenset()
    stages = (
        (Receipt.ACCEPTED, True, before is not None),
        (Receipt.SEEN, after.first_claimed_at is not None, before is not None and before.first_claimed_at is not None),
        (Receipt.HELPING, after.helping_at is not None, before is not None and before.helping_at is not None),
        (Receipt.CLOSED, isinstance(fact, AlertClosed), False),
    )
    for stage, is_so, was_so in stages:
        if is_so:
            told = callers if not was_so else [d for d in callers if d not in knew or d in again]
            issued += [_issued(after, home, stage, d, fact.at, again=was_so and d in knew) for d in told]
    return issued


def _callers(alert: Alert, home: HomeState) -> tuple[DeviceId, ...]:
    called = dict.fromkeys(device for device, property_ in alert.sources if property_ in URGENT)
    return tuple(d for d in called if (known := home.devices.get(d)) is not None and known.record.dialect == "anju")


def _again(before: Alert, fact: AlertFact) -> frozenset[DeviceId]:
    """Devices that call once more, when it has been quiet for a while."""
    called_at = before.last_at or before.raised_at
    if not isinstance(fact, AlertRepeated | AlertRecurred | AlertWorsened) or fact.at - called_at < PAUSE:
        return frozenset()
    return frozenset(e.device for e in fact.evidence if e.observation.property in URGENT and e not in before.evidence)


def _issued(alert: Alert, home: HomeState, stage: Receipt, device: DeviceId, at: datetime, *, again: bool) -> CommandIssued:
    id_ = command_id(alert.id, device, f"{stage} {at.isoformat()}" if again else stage)
    topic = str(DeviceTopic(home.topic_area, alert.home, device, Channel.COMMAND))
    payload = _encode(ReceiptPayload(id_, "receipt", alert.id, stage))
    return CommandIssued(id_, at, topic, payload, alert.home, alert.id, at + KEPT_FOR)
