"""The bodies of MQTT 5.0, read as strictly as those of 3.1.1 in `bodies.py`.

A packet that cannot be taken apart is malformed (0x81); one that can and says what it may not is a protocol error (0x82). Where a
statement stands in both specifications, what the shared parts raise under 3.1.1's number is told under that of 5.0.
"""

from collections.abc import Callable

from devices.mqtt.bodies import will_flags
from devices.mqtt.body import Body, topic_filter, topic_name
from devices.mqtt.packets import (
    FIVE,
    Auth,
    Connack,
    Connect,
    Disconnect,
    Kind,
    Option,
    Packet,
    Pingreq,
    Pingresp,
    ProtocolViolation,
    Puback,
    Pubcomp,
    Pubrec,
    Pubrel,
    Reason,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    Will,
)
from devices.mqtt.properties import NONE, Properties
from devices.mqtt.table import WILL, read_properties

_NUMBERS = {
    "MQTT-1.5.3-1": "MQTT-1.5.4-1",
    "MQTT-1.5.3-2": "MQTT-1.5.4-2",
    "MQTT-2.2.2-2": "MQTT-2.1.3-1",
    "MQTT-2.3.1-1": "MQTT-2.2.1-3",
    "MQTT-3.1.2-13": "MQTT-3.1.2-11",
    "MQTT-3.1.2-14": "MQTT-3.1.2-12",
    "MQTT-3.1.2-15": "MQTT-3.1.2-13",
    "MQTT-4.7.1-2": "MQTT-4.7.1-1",
    "MQTT-4.7.1-3": "MQTT-4.7.1-2",
}
"""3.1.1's numbers of statements that 5.0 numbers otherwise."""

_CODES: dict[int, frozenset[int]] = {
    Kind.CONNACK: frozenset({
        0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F,
    }),
    Kind.PUBACK: frozenset({0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99}),
    Kind.PUBREC: frozenset({0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99}),
    Kind.PUBREL: frozenset({0x00, 0x92}),
    Kind.PUBCOMP: frozenset({0x00, 0x92}),
    Kind.SUBACK: frozenset({0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2}),
    Kind.UNSUBACK: frozenset({0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91}),
    Kind.DISCONNECT: frozenset({
        0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A,
        0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2,
    }),
    Kind.AUTH: frozenset({0x00, 0x18, 0x19}),
}  # fmt: skip
"""The reason codes that each packet may carry, from either side (3.2.2.2, 3.4.2.1, …)."""
_STATEMENTS = {
    Kind.CONNACK: "MQTT-3.2.2-8", Kind.PUBACK: "MQTT-3.4.2-1", Kind.PUBREC: "MQTT-3.5.2-1", Kind.PUBREL: "MQTT-3.6.2-1",
    Kind.PUBCOMP: "MQTT-3.7.2-1", Kind.SUBACK: "MQTT-3.9.3-2", Kind.UNSUBACK: "MQTT-3.11.3-2", Kind.DISCONNECT: "MQTT-3.14.2-1",
    Kind.AUTH: "MQTT-3.15.2-1",
}  # fmt: skip


def numbered(violation: ProtocolViolation) -> ProtocolViolation:
    """Under 5.0's number."""
    return ProtocolViolation(_NUMBERS.get(violation.statement, violation.statement), violation.reason, violation.code)


def _connect(raw: bytes) -> Connect:
    body = Body(raw[7:])
    flags = body.byte()
    has_will, will_qos = will_flags(flags)
    keep_alive = body.two()
    properties = read_properties(body, Kind.CONNECT)
    if properties.authentication_data is not None and properties.authentication_method is None:
        raise ProtocolViolation("", "authentication data without a method (3.1.2.11.10)", Reason.PROTOCOL_ERROR)
    client_id = body.text()
    will = None
    if has_will:
        of_will = read_properties(body, WILL)
        will = Will(topic_name(body.binary()), body.binary(), will_qos, bool(flags & 0x20), of_will)
    username = body.text() if flags & 0x80 else None
    password = body.binary() if flags & 0x40 else None
    body.end()
    return Connect(client_id, bool(flags & 0x02), keep_alive, username, password, will, FIVE, properties)


def _connack(raw: bytes) -> Connack:
    body = Body(raw)
    flags, code = body.byte(), _known(Kind.CONNACK, body.byte())
    if flags > 1:
        raise ProtocolViolation("MQTT-3.2.2-1", "reserved bits in the flags of a CONNACK")
    if code and flags:
        raise ProtocolViolation("MQTT-3.2.2-6", "a refusal that says a session is present", Reason.PROTOCOL_ERROR)
    properties = read_properties(body, Kind.CONNACK)
    body.end()
    return Connack(bool(flags), code, properties)


def _known(kind: Kind, code: int) -> int:
    if code not in _CODES[kind]:
        raise ProtocolViolation(_STATEMENTS[kind], f"reason code {code:#04x} in a {kind.name}", Reason.PROTOCOL_ERROR)
    return code


def _answer(raw: bytes, kind: Kind) -> tuple[int, int, Properties]:
    """Packet identifier, reason code and properties; the last two may be left out when they say nothing (3.4.2.1, 3.4.2.2.1)."""
    body = Body(raw)
    number = body.packet_id()
    code = _known(kind, body.byte()) if body.left else 0
    properties = read_properties(body, kind) if body.left else NONE
    body.end()
    return number, code, properties


def _subscribe(raw: bytes) -> Subscribe:
    body = Body(raw)
    number = body.packet_id()
    properties = read_properties(body, Kind.SUBSCRIBE)
    filters = []
    while body.left:
        text, options = topic_filter(body.text()), body.byte()
        if options & 0xC0:
            raise ProtocolViolation("MQTT-3.8.3-5", "reserved bits beside a subscription's options")
        if options & Option.QOS == 3:
            raise ProtocolViolation("", "QoS 3 asked for (3.8.3.1)", Reason.PROTOCOL_ERROR)
        if options & 0x30 == 0x30:
            raise ProtocolViolation("", "retain handling 3 (3.8.3.1)", Reason.PROTOCOL_ERROR)
        if options & Option.NO_LOCAL and text.startswith("$share/"):
            raise ProtocolViolation("MQTT-3.8.3-4", "no local on a shared subscription", Reason.PROTOCOL_ERROR)
        filters.append((text, options))
    if not filters:
        raise ProtocolViolation("MQTT-3.8.3-2", "a SUBSCRIBE without a filter", Reason.PROTOCOL_ERROR)
    return Subscribe(number, tuple(filters), properties)


def _unsubscribe(raw: bytes) -> Unsubscribe:
    body = Body(raw)
    number = body.packet_id()
    properties = read_properties(body, Kind.UNSUBSCRIBE)
    filters = []
    while body.left:
        filters.append(topic_filter(body.text()))
    if not filters:
        raise ProtocolViolation("MQTT-3.10.3-2", "an UNSUBSCRIBE without a filter", Reason.PROTOCOL_ERROR)
    return Unsubscribe(number, tuple(filters), properties)


def _granted(raw: bytes, kind: Kind) -> tuple[int, tuple[int, ...], Properties]:
    body = Body(raw)
    number = body.packet_id()
    properties = read_properties(body, kind)
    codes = tuple(_known(kind, code) for code in body.rest())
    if not codes:
        raise ProtocolViolation(_STATEMENTS[kind], f"a {kind.name} without a reason code", Reason.PROTOCOL_ERROR)
    return number, codes, properties


def _ending(raw: bytes, kind: Kind) -> tuple[int, Properties]:
    """Reason code and properties, each of which may be left out (3.14.2.1, 3.14.2.2.1)."""
    body = Body(raw)
    code = _known(kind, body.byte()) if body.left else 0
    properties = read_properties(body, kind) if body.left else NONE
    body.end()
    return code, properties


def _auth(raw: bytes) -> Auth:
    code, properties = _ending(raw, Kind.AUTH)
    if properties.authentication_method is None:
        raise ProtocolViolation("", "an AUTH without its method (3.15.2.2.2)", Reason.PROTOCOL_ERROR)
    return Auth(code, properties)


_READERS: dict[int, Callable[[bytes], Packet]] = {
    Kind.CONNECT: _connect,
    Kind.CONNACK: _connack,
    Kind.PUBACK: lambda raw: Puback(*_answer(raw, Kind.PUBACK)),
    Kind.PUBREC: lambda raw: Pubrec(*_answer(raw, Kind.PUBREC)),
    Kind.PUBREL: lambda raw: Pubrel(*_answer(raw, Kind.PUBREL)),
    Kind.PUBCOMP: lambda raw: Pubcomp(*_answer(raw, Kind.PUBCOMP)),
    Kind.SUBSCRIBE: _subscribe,
    Kind.SUBACK: lambda raw: Suback(*_granted(raw, Kind.SUBACK)),
    Kind.UNSUBSCRIBE: _unsubscribe,
    Kind.UNSUBACK: lambda raw: Unsuback(*_granted(raw, Kind.UNSUBACK)),
    Kind.PINGREQ: lambda _: Pingreq(),
    Kind.PINGRESP: lambda _: Pingresp(),
    Kind.DISCONNECT: lambda raw: Disconnect(*_ending(raw, Kind.DISCONNECT)),
    Kind.AUTH: _auth,
}


def _numbering(read: Callable[[bytes], Packet]) -> Callable[[bytes], Packet]:
    def body(raw: bytes) -> Packet:
        try:
            return read(raw)
        except ProtocolViolation as violation:
            raise numbered(violation) from None

    return body


BODIES = {kind: _numbering(read) for kind, read in _READERS.items()}
"""Every packet but PUBLISH, as in `bodies.py`."""
