"""What the engine is given: what devices said, what people asked, what the service itself has to tell.

Journaled as it stands, under the same rule as the facts (`alerting.facts`). Instants are UTC and in service time (`gateway/clock.py`).
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from alerting.commands import Asked
from alerting.rules import Ruleset
from alerting.terms import SERVICE, Actor, AlertId, NotificationId, Progress, Sentence
from devices.home import AreaId, DeviceId, HomeId
from devices.message import DirectoryHeard, Heard, ReplyHeard, StatusHeard


class Said(msgspec.Struct, frozen=True, array_like=True, tag="said", gc=False):
    """A device said something. `topic` and `raw` are the message as it came, kept for evidence and for the readers of an area."""

    message: Heard | StatusHeard | ReplyHeard | DirectoryHeard
    topic: str
    raw: bytes


class Quarantined(msgspec.Struct, frozen=True, array_like=True, tag="quar", gc=False):
    """A message, or a part of one, could not be read. `raw` is its first KiB, `size` all of it."""

    at: datetime
    topic: str
    place: str
    reason: str
    raw: bytes
    size: int
    username: str = ""


class Matter(StrEnum):
    """What the daily check of homes finds wanting."""

    CONTACTS = "contacts"
    SILENT = "silent"
    BATTERY = "battery"
    VISIT = "visit"
    """No visit is planned where there has to be one, or one is overdue."""
    FIELD_FAILURES = "field_failures"
    """Of a certified model: it is about no home."""


class Finding(msgspec.Struct, frozen=True, array_like=True, gc=False):
    area: AreaId
    home: HomeId
    matter: Matter
    sentence: Sentence
    device: DeviceId | None = None


class HomesChecked(msgspec.Struct, frozen=True, array_like=True, tag="check", gc=False):
    """The morning's list for the local day `day` (YYYY-MM-DD): what somebody should see to before it matters."""

    day: str
    findings: tuple[Finding, ...]


class DeliveryEnded(msgspec.Struct, frozen=True, array_like=True, tag="dlv", gc=False):
    """A notification left the house for good, or for good did not. `detail` is the receiver's answer in one line."""

    notification: NotificationId
    alert: AlertId
    home: HomeId
    delivered: bool
    attempts: int
    detail: str
    references: tuple[str, ...] = ()
    """What the provider's later reports may call it by (`gateway.notify.channel.reference`)."""


class DeliveryReported(msgspec.Struct, frozen=True, array_like=True, tag="dlvr", gc=False):
    """What became of a notification after its receiver took it. The same thing told again changes nothing."""

    notification: NotificationId
    alert: AlertId
    home: HomeId
    progress: Progress
    detail: str


class Configured(msgspec.Struct, frozen=True, array_like=True, tag="conf", gc=False):
    """Rules, policies and models that hold from here on, as the files say."""

    ruleset: Ruleset
    by: Actor = SERVICE
    why: str = ""


class ServiceStarted(msgspec.Struct, frozen=True, array_like=True, tag="start", gc=False):
    """The service hears again. `deaf_since` is its last commit before: what could not be watched in between is said."""

    deaf_since: datetime | None
    clock_suspect: bool = False


class LineLost(msgspec.Struct, frozen=True, array_like=True, tag="nline", gc=False):
    """From `since` on not everything that kits publish at the outside broker reaches the service: their silence says nothing."""

    since: datetime


class LineRestored(msgspec.Struct, frozen=True, array_like=True, tag="line", gc=False):
    """The outside broker delivers again, or there is none any more."""


class WallClockStepped(msgspec.Struct, frozen=True, array_like=True, tag="step", gc=False):
    """The wall clock jumped against the clock that only grows: `offset_s` = wall minus service time from here on."""

    offset_s: float


Passing = Quarantined | HomesChecked | DeliveryEnded | DeliveryReported | ServiceStarted
"""Items that leave nothing behind in a home but the facts they gave; ServiceStarted only a deaf span."""

Item = (
    Said | Quarantined | HomesChecked | DeliveryEnded | DeliveryReported | Configured | ServiceStarted | WallClockStepped | Asked
    | LineLost | LineRestored
)  # fmt: skip
