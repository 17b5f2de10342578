"""The fourteen packets of MQTT 3.1.1 as values. `reader.py` makes them of bytes as they arrive, `encode.py` makes bytes of them.

Source: OASIS MQTT 3.1.1, whose normative statements are named as it numbers them: [MQTT-2.3.1-1]. What MQTT 5.0 adds (properties,
reason codes) are fields added at the end of these structs.
"""

from enum import IntEnum

import msgspec

LEVEL = 4
"""Protocol level of 3.1.1."""
REFUSED = 0x80
"""The return code of a subscription that was not granted."""


class ProtocolViolation(Exception):  # noqa: N818 - the specification's word for it
    """The peer broke the protocol, or asks for more than is held for anyone; its connection ends [MQTT-4.8.0-1].

    `statement` is the number of the normative statement, empty where the specification gives it none.
    """

    def __init__(self, statement: str, reason: str) -> None:
        self.statement = statement
        self.reason = reason
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


class Refusal(IntEnum):
    """Return codes of a CONNACK that is no welcome."""

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


class Connect(msgspec.Struct, frozen=True, gc=False):
    """`level` other than 4: the rest was not read, since its form is unknown [MQTT-3.1.2-2]. `keep_alive` in seconds, 0 is none."""

    client_id: str = ""
    clean_session: bool = True
    keep_alive: int = 0
    username: str | None = None
    password: bytes | None = None
    will: Will | None = None
    level: int = LEVEL


class Connack(msgspec.Struct, frozen=True, gc=False):
    session_present: bool = False
    code: int = 0


class Publish(msgspec.Struct, frozen=True, gc=False):
    """`skipped`: how many bytes of the payload were read past without being kept; `payload` is what came before them."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    dup: bool = False
    packet_id: int = 0
    skipped: int = 0

    @property
    def size(self) -> int:
        return len(self.payload) + self.skipped


class Puback(msgspec.Struct, frozen=True, gc=False):
    packet_id: int


class Pubrec(msgspec.Struct, frozen=True, gc=False):
    packet_id: int


class Pubrel(msgspec.Struct, frozen=True, gc=False):
    packet_id: int


class Pubcomp(msgspec.Struct, frozen=True, gc=False):
    packet_id: int


class Subscribe(msgspec.Struct, frozen=True, gc=False):
    packet_id: int
    filters: tuple[tuple[str, int], ...]
    """(topic filter, QoS asked for)"""


class Suback(msgspec.Struct, frozen=True, gc=False):
    packet_id: int
    codes: tuple[int, ...]


class Unsubscribe(msgspec.Struct, frozen=True, gc=False):
    packet_id: int
    filters: tuple[str, ...]


class Unsuback(msgspec.Struct, frozen=True, gc=False):
    packet_id: int


class Pingreq(msgspec.Struct, frozen=True, gc=False):
    pass


class Pingresp(msgspec.Struct, frozen=True, gc=False):
    pass


class Disconnect(msgspec.Struct, frozen=True, gc=False):
    pass


Packet = (
    Connect | Connack | Publish | Puback | Pubrec | Pubrel | Pubcomp
    | Subscribe | Suback | Unsubscribe | Unsuback | Pingreq | Pingresp | Disconnect
)  # fmt: skip
