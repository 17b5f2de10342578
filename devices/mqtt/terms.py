"""What the two sides of a connection tell each other in CONNECT and CONNACK: how much each takes, in MQTT 5.0; in 3.1.1 nothing."""

import msgspec

from devices.mqtt.packets import FIVE, LEVEL, Connect, Reason, Refusal
from devices.mqtt.properties import FOREVER, NONE, Properties

RECEIVE_MAXIMUM = 16_384
"""Messages of QoS 1 and 2 that a client of 5.0 may have sent and not been answered: as many as wait for the disk before a connection
of either version is left unread. Fewer would keep a call at home behind the readings that a hub has stored."""
TOPIC_ALIASES = 32
"""Topics that a client of 5.0 may give a number; a kit has three, a hub a few for each of its devices."""
PACKET_LIMIT = 4 * 1024 * 1024 + 256 * 1024
"""Longest packet of 5.0, in bytes: the longest payload of a bridge with its topic and its properties."""
ANY_NUMBER = 0xFFFF
"""Of messages under way, where a side has not said less: there are no more packet identifiers (3.1.2.11.3)."""
_REASON_LENGTH = 1000
_BRIDGE = 0x80
"""A bridge of mosquitto asks with this bit in the level first, and takes the refusal of 3.1.1."""

WELCOME = Properties(
    receive_maximum=RECEIVE_MAXIMUM, topic_alias_maximum=TOPIC_ALIASES, maximum_packet_size=PACKET_LIMIT, shared_available=0,
)  # fmt: skip
"""What is not said is as 5.0 has it: QoS 2, retained messages, wildcards, subscription identifiers, the session as long as asked."""
REASONS = {
    Refusal.PROTOCOL_LEVEL: Reason.UNSUPPORTED_PROTOCOL_VERSION, Refusal.CLIENT_ID: Reason.CLIENT_ID_NOT_VALID,
    Refusal.UNAVAILABLE: Reason.QUOTA_EXCEEDED, Refusal.BAD_CREDENTIALS: Reason.BAD_CREDENTIALS,
    Refusal.NOT_AUTHORIZED: Reason.NOT_AUTHORIZED,
}  # fmt: skip
"""A refusal of 3.1.1 in the words of 5.0; what is unavailable here is one more session than a credential may have."""


class Terms(msgspec.Struct, frozen=True):
    """A client's: the version it is answered in, how many messages it takes at a time, how long a packet, whether it wants reasons."""

    level: int = LEVEL
    window: int = ANY_NUMBER
    largest: int | None = None
    explains: bool = True
    expiry_s: int | None = None
    """Seconds that its session outlasts its connection; None: for ever."""

    def fits(self, packet: bytes) -> bool:
        return self.largest is None or len(packet) <= self.largest


OF_311 = Terms()
_CLEAN_311 = Terms(expiry_s=0)


def terms(connect: Connect) -> Terms:
    if connect.level < FIVE or connect.level & _BRIDGE:
        return _CLEAN_311 if connect.clean_session else OF_311
    asked = connect.properties
    return Terms(
        FIVE, asked.receive_maximum or ANY_NUMBER, asked.maximum_packet_size, asked.request_problem_information != 0,
        lasting(asked.session_expiry or 0),
    )  # fmt: skip


def lasting(interval: int) -> int | None:
    """A session expiry interval as seconds; None: for ever."""
    return None if interval == FOREVER else interval


def because(why: str) -> Properties:
    """A reason string, for people who look after a device."""
    return Properties(reason=why[:_REASON_LENGTH]) if why else NONE
