"""The siren in the home, where a policy's step names it: sounded when the step is reached, silenced when a person has the alert in hand.

A siren cannot be reached by a channel of the gateway as people are: it hangs on the home's own line. So a step that names `siren` gives
commands, as receipts do: facts in the journal that the endpoint keeps for the device, with a time after which they are worth nothing.
What the siren answers is a reply like any device's. Only devices of a model of kind `siren` that speak Anju's own dialect.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from alerting.alert import Alert
from alerting.facts import AlertAcknowledged, AlertClosed, AlertFact, CommandIssued, NotificationSkipped, StepReached
from alerting.home_state import HomeState
from alerting.identity import command_id
from alerting.policy import SIREN, Policy
from alerting.rules import Ruleset
from alerting.terms import Sentence
from devices.catalog import Kind
from devices.home import DeviceId, Lifecycle
from devices.topic import Channel, DeviceTopic

SOUNDS_FOR = timedelta(minutes=3)
"""The siren stops by itself: nobody can be told to be quiet over a line that is down."""
OFF_KEPT = timedelta(minutes=10)

NO_SIREN = Sentence("住户家中没有警号", "there is no siren in the home")


class SirenState(StrEnum):
    ON = "on"
    OFF = "off"


class SirenPayload(msgspec.Struct, frozen=True):
    """`seconds`: how long it sounds unless it is told otherwise; 0 with `off`."""

    id: str
    command: str
    alert: str
    state: SirenState
    seconds: int


_encode = msgspec.json.Encoder().encode


Asked = CommandIssued | NotificationSkipped


def sirens(after: Alert, fact: AlertFact, home: HomeState, policy: Policy, ruleset: Ruleset) -> Iterator[Asked]:
    """What a fact asks of the home's sirens."""
    match fact:
        case StepReached() if SIREN in fact.targets:
            found = _found(home, ruleset)
            if not found:
                yield NotificationSkipped(after.id, fact.at, after.home, SIREN, fact.step, NO_SIREN)
            for device in found:
                yield _command(after, home, device, SirenState.ON, fact.at)
        case AlertAcknowledged() | AlertClosed() if _sounded(after, policy):
            for device in _found(home, ruleset):
                yield _command(after, home, device, SirenState.OFF, fact.at)
        case _:
            return


def _sounded(alert: Alert, policy: Policy) -> bool:
    """Whether a step that was reached names it: in the rounds before all of them were."""
    steps = policy.steps if alert.round else policy.steps[: alert.step + 1]
    return any(SIREN in step.targets for step in steps)


def _found(home: HomeState, ruleset: Ruleset) -> list[DeviceId]:
    models = {model.id for model in ruleset.models if model.kind is Kind.SIREN}
    records = (device.record for device in home.devices.values())
    return [r.id for r in records if r.model in models and r.dialect == "anju" and r.lifecycle is not Lifecycle.RETIRED]


def _command(alert: Alert, home: HomeState, device: DeviceId, state: SirenState, at: datetime) -> CommandIssued:
    id_ = command_id(alert.id, device, f"siren {state.value} {alert.round} {alert.step}")
    seconds = int(SOUNDS_FOR.total_seconds()) if state is SirenState.ON else 0
    topic = str(DeviceTopic(home.topic_area, alert.home, device, Channel.COMMAND))
    payload = _encode(SirenPayload(id_, "siren", alert.id, state, seconds))
    return CommandIssued(id_, at, topic, payload, alert.home, alert.id, at + (SOUNDS_FOR if state is SirenState.ON else OFF_KEPT))
