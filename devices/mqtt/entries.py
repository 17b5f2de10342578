"""What the journal holds of MQTT sessions: each change of one, in the order in which it was made. `sessions.py` is their fold.

Older journals are read by these too: what is added stands at the end, with a default.
"""

from datetime import UTC, datetime, timedelta

import msgspec

from devices.mqtt.packets import Will
from devices.mqtt.properties import NONE, Properties

_LAST = datetime.max.replace(tzinfo=UTC)


class SessionBegun(msgspec.Struct, frozen=True, array_like=True, tag="s:new", gc=False):
    """A persistent session was made (clean session 0, or an expiry interval), or made anew."""

    client: str
    username: str
    at: datetime
    expiry_s: int | None = None
    """How long it outlasts its connection; None: for ever, as in 3.1.1."""


class SessionEnded(msgspec.Struct, frozen=True, array_like=True, tag="s:end", gc=False):
    """Discarded: by a clean connect, by expiry, or because its credential was revoked."""

    client: str


class SessionLasts(msgspec.Struct, frozen=True, array_like=True, tag="s:last", gc=False):
    """A connection took it up (`ends_at` None), or left it; or it is to last longer, or less long, than was said."""

    client: str
    expiry_s: int | None
    ends_at: datetime | None


class Subscribed(msgspec.Struct, frozen=True, array_like=True, tag="s:sub", gc=False):
    client: str
    filters: tuple[tuple[str, int], ...]
    """(topic filter, granted QoS and further options)"""
    identifier: int = 0
    """0: none."""


class Unsubscribed(msgspec.Struct, frozen=True, array_like=True, tag="s:uns", gc=False):
    client: str
    filters: tuple[str, ...]


class PacketIdHeld(msgspec.Struct, frozen=True, array_like=True, tag="s:hold", gc=False):
    """A QoS 2 PUBLISH was taken under this id; another one before its PUBREL is the same message."""

    client: str
    packet_id: int


class PacketIdReleased(msgspec.Struct, frozen=True, array_like=True, tag="s:rel", gc=False):
    client: str
    packet_id: int


class Received(msgspec.Struct, frozen=True, array_like=True, tag="s:rec", gc=False):
    """The client has a QoS 2 message of ours (PUBREC came): from here on only its PUBREL may be sent again [MQTT-4.3.3-1]."""

    client: str
    message: str


class Delivered(msgspec.Struct, frozen=True, array_like=True, tag="s:dlv", gc=False):
    """The client has the message for good: PUBACK or PUBCOMP came, or it was sent at QoS 0, or it expired.

    `client` is empty for a command that was kept under its topic.
    """

    client: str
    message: str


class Retained(msgspec.Struct, frozen=True, array_like=True, tag="s:ret", gc=False):
    """The retained `status` of a topic; an empty payload forgets it."""

    topic: str
    payload: bytes
    properties: Properties = NONE
    expires_at: datetime | None = None
    qos: int = 1
    """That it was published with."""


class WillWaits(msgspec.Struct, frozen=True, array_like=True, tag="s:will"):
    """A client has gone, and its will is to be published at `due_at` unless it comes back before."""

    client: str
    username: str
    will: Will
    due_at: datetime


class WillSettled(msgspec.Struct, frozen=True, array_like=True, tag="s:wset", gc=False):
    """It came back, or the will was published in the same commit."""

    client: str
    due_at: datetime


SessionEntry = (
    SessionBegun | SessionEnded | SessionLasts | Subscribed | Unsubscribed | PacketIdHeld | PacketIdReleased | Received | Delivered
    | Retained | WillWaits | WillSettled
)  # fmt: skip


def later(now: datetime, seconds: int) -> datetime:
    """As far as the calendar goes."""
    return min(now, _LAST - timedelta(seconds=seconds)) + timedelta(seconds=seconds)
