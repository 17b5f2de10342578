"""The packets of MQTT 3.1.1 and 5.0 as values. `reader.py` makes them of bytes as they arrive, `encode.py` makes bytes of them.

Sources: OASIS MQTT 3.1.1 and OASIS MQTT 5.0, whose normative statements are named as each numbers them: [MQTT-2.3.1-1]. What 5.0
adds are the last fields of each struct: a reason code, and properties, of which every packet without any shares one empty value. A
packet of 3.1.1 never has either.
"""

from enum import IntEnum

import msgspec

from devices.mqtt.properties import NONE, Properties

LEVEL = 4
"""Protocol level of 3.1.1."""
FIVE = 5
"""Protocol level of 5.0."""
LEVELS = (LEVEL, FIVE)
REFUSED = 0x80
"""The return code of a subscription that was not granted, and the least of 5.0's reason codes that say no."""


class ProtocolViolation(Exception):  # noqa: N818 - the specification's word for it
    """The peer broke the protocol, or asks for more than is held for anyone; its connection ends [MQTT-4.8.0-1].

    `statement` is the number of the normative statement, empty where the specification gives it none. `code` is what 5.0 tells the
    peer; 3.1.1 just hangs up.
    """

    def __init__(self, statement: str, reason: str, code: "Reason | None" = None) -> None:
        self.statement = statement
        self.reason = reason
        self.code = Reason.MALFORMED_PACKET if code is None else code
        super().__init__(f"[{statement}] {reason}" if statement else reason)


class Kind(IntEnum):
    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15
    """5.0 alone."""


class Reason(IntEnum):
    """The reason codes of 5.0 (2.4). Those from 0x80 on say no."""

    SUCCESS = 0x00
    GRANTED_QOS_1 = 0x01
    GRANTED_QOS_2 = 0x02
    DISCONNECT_WITH_WILL = 0x04
    NO_MATCHING_SUBSCRIBERS = 0x10
    NO_SUBSCRIPTION_EXISTED = 0x11
    CONTINUE_AUTHENTICATION = 0x18
    REAUTHENTICATE = 0x19
    UNSPECIFIED_ERROR = 0x80
    MALFORMED_PACKET = 0x81
    PROTOCOL_ERROR = 0x82
    IMPLEMENTATION_SPECIFIC_ERROR = 0x83
    UNSUPPORTED_PROTOCOL_VERSION = 0x84
    CLIENT_ID_NOT_VALID = 0x85
    BAD_CREDENTIALS = 0x86
    NOT_AUTHORIZED = 0x87
    SERVER_UNAVAILABLE = 0x88
    SERVER_BUSY = 0x89
    BANNED = 0x8A
    SERVER_SHUTTING_DOWN = 0x8B
    BAD_AUTHENTICATION_METHOD = 0x8C
    KEEP_ALIVE_TIMEOUT = 0x8D
    SESSION_TAKEN_OVER = 0x8E
    TOPIC_FILTER_INVALID = 0x8F
    TOPIC_NAME_INVALID = 0x90
    PACKET_ID_IN_USE = 0x91
    PACKET_ID_NOT_FOUND = 0x92
    RECEIVE_MAXIMUM_EXCEEDED = 0x93
    TOPIC_ALIAS_INVALID = 0x94
    PACKET_TOO_LARGE = 0x95
    MESSAGE_RATE_TOO_HIGH = 0x96
    QUOTA_EXCEEDED = 0x97
    ADMINISTRATIVE_ACTION = 0x98
    PAYLOAD_FORMAT_INVALID = 0x99
    RETAIN_NOT_SUPPORTED = 0x9A
    QOS_NOT_SUPPORTED = 0x9B
    USE_ANOTHER_SERVER = 0x9C
    SERVER_MOVED = 0x9D
    SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 0x9E
    CONNECTION_RATE_EXCEEDED = 0x9F
    MAXIMUM_CONNECT_TIME = 0xA0
    SUBSCRIPTION_IDS_NOT_SUPPORTED = 0xA1
    WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED = 0xA2


class Refusal(IntEnum):
    """Return codes of 3.1.1's CONNACK that is no welcome."""

    PROTOCOL_LEVEL = 1
    CLIENT_ID = 2
    UNAVAILABLE = 3
    BAD_CREDENTIALS = 4
    NOT_AUTHORIZED = 5


class Will(msgspec.Struct, frozen=True, gc=False):
    """What is published in the client's name when its connection ends without a DISCONNECT."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Properties = NONE


class Connect(msgspec.Struct, frozen=True, gc=False):
    """`level` neither 4 nor 5: the rest was not read, since its form is unknown [MQTT-3.1.2-2]. `keep_alive` in seconds, 0 is none.

    `clean_session` is 5.0's Clean Start: how long the session lasts is then another matter, its Session Expiry Interval.
    """

    client_id: str = ""
    clean_session: bool = True
    keep_alive: int = 0
    username: str | None = None
    password: bytes | None = None
    will: Will | None = None
    level: int = LEVEL
    properties: Properties = NONE


class Connack(msgspec.Struct, frozen=True, gc=False):
    """`code`: a return code of 3.1.1 (`Refusal`) or a reason code of 5.0 (`Reason`); 0 is welcome in both."""

    session_present: bool = False
    code: int = 0
    properties: Properties = NONE


class Publish(msgspec.Struct, frozen=True, gc=False):
    """`skipped`: how many bytes of the payload were read past without being kept; `payload` is what came before them.

    `topic` is whole also where the packet named it by an alias.
    """

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    dup: bool = False
    packet_id: int = 0
    skipped: int = 0
    properties: Properties = NONE

    @property
    def size(self) -> int:
        return len(self.payload) + self.skipped


class Puback(msgspec.Struct, frozen=True, gc=False):
    packet_id: int
    code: int = 0
    properties: Properties = NONE


class Pubrec(msgspec.Struct, frozen=True, gc=False):
    packet_id: int
    code: int = 0
    properties: Properties = NONE


class Pubrel(msgspec.Struct, frozen=True, gc=False):
    packet_id: int
    code: int = 0
    properties: Properties = NONE


class Pubcomp(msgspec.Struct, frozen=True, gc=False):
    packet_id: int
    code: int = 0
    properties: Properties = NONE


class Subscribe(msgspec.Struct, frozen=True, gc=False):
    packet_id: int
    filters: tuple[tuple[str, int], ...]
    """(topic filter, options: the QoS asked for, with the further bits of `Option` in 5.0)"""
    properties: Properties = NONE


class Option(IntEnum):
    """A subscription's options in 5.0 (3.8.3.1), all in one byte; 3.1.1 has the QoS alone."""

    QOS = 0x03
    NO_LOCAL = 0x04
    """Not what the subscriber itself publishes."""
    AS_PUBLISHED = 0x08
    """With the retain flag that the publisher gave it."""
    RETAINED_IF_NEW = 0x10
    """What is retained comes only when there was no such subscription before."""
    NOTHING_RETAINED = 0x20
    """What is retained does not come."""


class Suback(msgspec.Struct, frozen=True, gc=False):
    packet_id: int
    codes: tuple[int, ...]
    properties: Properties = NONE


class Unsubscribe(msgspec.Struct, frozen=True, gc=False):
    packet_id: int
    filters: tuple[str, ...]
    properties: Properties = NONE


class Unsuback(msgspec.Struct, frozen=True, gc=False):
    """`codes`: one for each filter in 5.0, none in 3.1.1."""

    packet_id: int
    codes: tuple[int, ...] = ()
    properties: Properties = NONE


class Pingreq(msgspec.Struct, frozen=True, gc=False):
    pass


class Pingresp(msgspec.Struct, frozen=True, gc=False):
    pass


class Disconnect(msgspec.Struct, frozen=True, gc=False):
    """In 5.0 either side may say it, and why."""

    code: int = 0
    properties: Properties = NONE


class Auth(msgspec.Struct, frozen=True, gc=False):
    """A step of an enhanced authentication. 5.0 alone."""

    code: int = 0
    properties: Properties = NONE


Packet = (
    Connect | Connack | Publish | Puback | Pubrec | Pubrel | Pubcomp
    | Subscribe | Suback | Unsubscribe | Unsuback | Pingreq | Pingresp | Disconnect | Auth
)  # fmt: skip
