"""Receipts to the devices that called: how far the call for help has come, told to the person in need.

`accepted` when the alert is raised (and sent only once that is on disk), `seen` at the first claim, `helping` when a person first takes
it on, `closed` at the end. A second device of the home that calls meanwhile is told what the first one knows already. Only devices
that speak Anju's own dialect, and only under the safety floor: a battery does not wait for an answer.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from alerting.alert import Alert
from alerting.facts import AlertClosed, AlertFact, CommandIssued, Receipt
from alerting.home_state import HomeState
from alerting.identity import command_id
from alerting.suppression import under_floor
from devices.home import DeviceId
from devices.observation import URGENT
from devices.topic import Channel, DeviceTopic

KEPT_FOR = timedelta(hours=24)
"""How long a receipt waits for a device that sleeps."""


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
    stages = (
        (Receipt.ACCEPTED, True, before is not None),
        (Receipt.SEEN, after.first_claimed_at is not None, before is not None and before.first_claimed_at is not None),
        (Receipt.HELPING, after.helping_at is not None, before is not None and before.helping_at is not None),
        (Receipt.CLOSED, isinstance(fact, AlertClosed), False),
    )
    for stage, is_so, was_so in stages:
        if is_so:
            told = callers if not was_so else (d for d in callers if d not in knew)
            issued += _issue(after, stage, told, fact.at)
    return issued


def _callers(alert: Alert, home: HomeState) -> tuple[DeviceId, ...]:
    called = dict.fromkeys(device for device, property_ in alert.sources if property_ in URGENT)
    return tuple(d for d in called if (known := home.devices.get(d)) is not None and known.record.dialect == "anju")


def _issue(alert: Alert, stage: Receipt, devices: Iterable[DeviceId], at: datetime) -> list[CommandIssued]:
    issued = []
    for device in devices:
        id_ = command_id(alert.id, device, stage)
        topic = str(DeviceTopic(alert.area, alert.home, device, Channel.COMMAND))
        payload = _encode(ReceiptPayload(id_, "receipt", alert.id, stage))
        issued.append(CommandIssued(id_, at, topic, payload, alert.home, alert.id, at + KEPT_FOR))
    return issued
