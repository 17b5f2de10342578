"""MQTT 3.1.1 and 5.0 on the wire, written a second time: the endpoint's own encoder would share its errors with its reader.

Nothing here is checked: a story must be able to say what is forbidden.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum

import msgspec

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 0x10, 0x20, 0x30, 0x40, 0x50, 0x62, 0x70
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = 0x82, 0x90, 0xA2, 0xB0, 0xC0, 0xD0, 0xE0, 0xF0


class P(IntEnum):
    """The properties of MQTT 5.0 (2.2.2.2)."""

    PAYLOAD_FORMAT = 0x01
    MESSAGE_EXPIRY = 0x02
    CONTENT_TYPE = 0x03
    RESPONSE_TOPIC = 0x08
    CORRELATION = 0x09
    SUBSCRIPTION_ID = 0x0B
    SESSION_EXPIRY = 0x11
    ASSIGNED_ID = 0x12
    SERVER_KEEP_ALIVE = 0x13
    AUTH_METHOD = 0x15
    AUTH_DATA = 0x16
    PROBLEM_INFORMATION = 0x17
    WILL_DELAY = 0x18
    WANT_RESPONSE_INFORMATION = 0x19
    RESPONSE_INFORMATION = 0x1A
    SERVER_REFERENCE = 0x1C
    REASON = 0x1F
    RECEIVE_MAXIMUM = 0x21
    ALIAS_MAXIMUM = 0x22
    ALIAS = 0x23
    MAXIMUM_QOS = 0x24
    RETAIN_AVAILABLE = 0x25
    USER = 0x26
    MAXIMUM_PACKET = 0x27
    WILDCARDS = 0x28
    SUBSCRIPTION_IDS = 0x29
    SHARED = 0x2A


Value = int | str | bytes | tuple[str, str]
Properties = Sequence[tuple[P, Value]]

_WIDTHS = {
    P.PAYLOAD_FORMAT: 1, P.PROBLEM_INFORMATION: 1, P.WANT_RESPONSE_INFORMATION: 1, P.MAXIMUM_QOS: 1, P.RETAIN_AVAILABLE: 1,
    P.WILDCARDS: 1, P.SUBSCRIPTION_IDS: 1, P.SHARED: 1, P.SERVER_KEEP_ALIVE: 2, P.RECEIVE_MAXIMUM: 2, P.ALIAS_MAXIMUM: 2, P.ALIAS: 2,
    P.MESSAGE_EXPIRY: 4, P.SESSION_EXPIRY: 4, P.WILL_DELAY: 4, P.MAXIMUM_PACKET: 4,
}  # fmt: skip
_BINARY = {P.CORRELATION, P.AUTH_DATA}


def number(value: int) -> bytes:
    """A variable byte integer."""
    said = bytearray()
    while True:
        value, low = divmod(value, 128)
        said.append(low | (0x80 if value else 0))
        if not value:
            return bytes(said)


def two(value: int) -> bytes:
    return value.to_bytes(2, "big")


def binary(raw: bytes) -> bytes:
    return two(len(raw)) + raw


def text(value: str | bytes) -> bytes:
    """A string; as bytes where it is to be ill-formed."""
    return binary(value if isinstance(value, bytes) else value.encode())


def frame(first: int, *body: bytes) -> bytes:
    whole = b"".join(body)
    return bytes((first,)) + number(len(whole)) + whole


def one(name: P, value: Value) -> bytes:
    """One property."""
    match value:
        case int() if name is P.SUBSCRIPTION_ID:
            said = number(value)
        case int():
            said = value.to_bytes(_WIDTHS[name], "big")
        case (key, what):
            said = text(key) + text(what)
        case str() | bytes():
            said = text(value)
    return bytes((name,)) + said


def properties(some: Properties = ()) -> bytes:
    """With their length before them."""
    whole = b"".join(one(name, value) for name, value in some)
    return number(len(whole)) + whole


class Will(msgspec.Struct, frozen=True):
    topic: str | bytes
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Sequence[tuple[P, Value]] = ()


def connect(
    version: int, client_id: str | bytes = "c", *, username: str | bytes | None = None, password: bytes | None = None,
    clean: bool = True, keep_alive: int = 0, will: Will | None = None, some: Properties = (), name: str = "MQTT",
    flags: int | None = None, tail: bytes = b"",
) -> bytes:  # fmt: skip
    """`flags`: instead of those that fit what is sent. `tail`: behind the last field."""
    fitting = clean << 1 | (username is not None) << 7 | (password is not None) << 6
    payload = text(client_id)
    if will is not None:
        fitting |= 0x04 | will.qos << 3 | will.retain << 5
        payload += (properties(will.properties) if version == 5 else b"") + text(will.topic) + binary(will.payload)
    if username is not None:
        payload += text(username)
    if password is not None:
        payload += binary(password)
    head = text(name) + bytes((version, fitting if flags is None else flags)) + two(keep_alive)
    return frame(CONNECT, head, properties(some) if version == 5 else b"", payload, tail)


def publish(
    version: int, topic: str | bytes, payload: bytes = b"", qos: int = 0, packet_id: int = 1, *,
    retain: bool = False, dup: bool = False, some: Properties = (),
) -> bytes:  # fmt: skip
    first = PUBLISH | dup << 3 | qos << 1 | retain
    return frame(first, text(topic), two(packet_id) if qos else b"", properties(some) if version == 5 else b"", payload)


def answer(version: int, first: int, packet_id: int, code: int | None = None, some: Properties | None = None) -> bytes:
    """PUBACK, PUBREC, PUBREL, PUBCOMP; 5.0 may leave out the code when it is 0, and the properties when there are none (3.4.2.1)."""
    body = two(packet_id)
    if version == 5 and (code is not None or some is not None):
        body += bytes((code or 0,)) + (properties(some) if some is not None else b"")
    return frame(first, body)


def subscribe(version: int, packet_id: int, filters: Iterable[tuple[str | bytes, int]], some: Properties = ()) -> bytes:
    """The filters with their options: in 3.1.1 the QoS."""
    payload = b"".join(text(name) + bytes((options,)) for name, options in filters)
    return frame(SUBSCRIBE, two(packet_id), properties(some) if version == 5 else b"", payload)


def unsubscribe(version: int, packet_id: int, filters: Iterable[str | bytes], some: Properties = ()) -> bytes:
    return frame(UNSUBSCRIBE, two(packet_id), properties(some) if version == 5 else b"", *map(text, filters))


def disconnect(version: int, code: int | None = None, some: Properties | None = None) -> bytes:
    if version != 5 or (code is None and some is None):
        return frame(DISCONNECT)
    return frame(DISCONNECT, bytes((code or 0,)), properties(some) if some is not None else b"")


# --- what the endpoint says ----------------------------------------------------------------------------------------------------------


class Heard(msgspec.Struct, frozen=True):
    """One packet of the endpoint, taken apart. What its kind does not have is empty."""

    first: int
    raw: bytes
    """The packet as it came."""
    packet_id: int = 0
    codes: tuple[int, ...] = ()
    """The reason or return code, or those of a SUBACK or UNSUBACK."""
    session_present: bool = False
    topic: str = ""
    payload: bytes = b""
    properties: tuple[tuple[P, Value], ...] = ()

    @property
    def kind(self) -> int:
        """The packet's type with its reserved flags; PUBLISH without its own."""
        return PUBLISH if self.first >> 4 == 3 else self.first

    @property
    def code(self) -> int:
        assert len(self.codes) == 1, self
        return self.codes[0]

    @property
    def qos(self) -> int:
        return self.first >> 1 & 3

    @property
    def dup(self) -> bool:
        return bool(self.first & 8)

    @property
    def retain(self) -> bool:
        return bool(self.first & 1)

    def all(self, name: P) -> list[Value]:
        return [value for known, value in self.properties if known is name]

    def get(self, name: P) -> Value | None:
        """A property that comes once, or not at all."""
        found = self.all(name)
        assert len(found) < 2, f"{name.name} came {len(found)} times"
        return found[0] if found else None

    def count(self, name: P, otherwise: int) -> int:
        value = self.get(name)
        assert value is None or isinstance(value, int)
        return otherwise if value is None else value


class _Body:
    def __init__(self, raw: bytes) -> None:
        self.left = raw

    def take(self, count: int) -> bytes:
        assert len(self.left) >= count, "a field reaches past the end of its packet"
        said, self.left = self.left[:count], self.left[count:]
        return said

    def byte(self) -> int:
        return self.take(1)[0]

    def two(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def number(self) -> int:
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                assert shift == 0 or byte, "a number in more bytes than it needs [MQTT-1.5.5-1]"
                return value
        raise AssertionError("a number of more than four bytes")

    def text(self) -> str:
        return self.take(self.two()).decode()

    def properties(self) -> tuple[tuple[P, Value], ...]:
        within = _Body(self.take(self.number()))
        found: list[tuple[P, Value]] = []
        while within.left:
            name = P(within.byte())
            value: Value
            if name is P.SUBSCRIPTION_ID:
                value = within.number()
            elif name in _WIDTHS:
                value = int.from_bytes(within.take(_WIDTHS[name]), "big")
            elif name is P.USER:
                value = (within.text(), within.text())
            elif name in _BINARY:
                value = within.take(within.two())
            else:
                value = within.text()
            found.append((name, value))
        once = [name for name, _ in found if name not in {P.USER, P.SUBSCRIPTION_ID}]
        assert len(set(once)) == len(once), "a property that came twice"
        return tuple(found)


def parse(version: int, raw: bytes) -> Heard:
    """A whole packet of the endpoint. AssertionError where it is not as the specification says."""
    whole = _Body(raw)
    first = whole.byte()
    body = _Body(whole.take(whole.number()))
    assert not whole.left
    heard = _parse(version, first, raw, body)
    assert not body.left, f"{len(body.left)} bytes behind the packet's last field"
    return heard


def _parse(version: int, first: int, raw: bytes, body: _Body) -> Heard:
    five = version == 5
    if first >> 4 == 3:
        topic = body.text()
        packet_id = body.two() if first & 6 else 0
        some = body.properties() if five else ()
        payload, body.left = body.left, b""
        return Heard(first, raw, packet_id, (), False, topic, payload, some)
    match first:
        case 0x20:
            flags = body.byte()
            assert flags < 2, "reserved flags of a CONNACK [MQTT-3.2.2-1]"
            code = body.byte()
            return Heard(first, raw, 0, (code,), flags == 1, properties=body.properties() if five else ())
        case 0x40 | 0x50 | 0x62 | 0x70:
            packet_id = body.two()
            code = body.byte() if body.left else 0
            some = body.properties() if body.left else ()
            assert five or len(raw) == 4
            return Heard(first, raw, packet_id, (code,), properties=some)
        case 0x90 | 0xB0:
            packet_id = body.two()
            some = body.properties() if five else ()
            codes, body.left = tuple(body.left), b""
            return Heard(first, raw, packet_id, codes, properties=some)
        case 0xD0:
            return Heard(first, raw)
        case 0xE0 | 0xF0 if five:
            code = body.byte() if body.left else 0
            return Heard(first, raw, 0, (code,), properties=body.properties() if body.left else ())
        case _:
            raise AssertionError(f"a packet that an endpoint does not send: {raw[:20].hex()}")
