"""The bodies of 3.1.1, read strictly: a field that is not as the specification says is a ProtocolViolation that names the statement.

A version has one table of body readers: `BODIES` here, that of MQTT 5.0 in `five.py`.
"""

from collections.abc import Callable

from devices.mqtt.body import Body, packet_id, topic_filter, topic_name
from devices.mqtt.packets import (
    LEVEL,
    REFUSED,
    Connack,
    Connect,
    Disconnect,
    Kind,
    Packet,
    Pingreq,
    Pingresp,
    ProtocolViolation,
    Puback,
    Pubcomp,
    Pubrec,
    Pubrel,
    Refusal,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    Will,
)


def asked_level(raw: bytes) -> int:
    """The level that a CONNECT asks for; 3 for everything of MQTT 3.1, which had another name."""
    body = Body(raw)
    name, level = body.binary(), body.byte()
    if name not in {b"MQTT", b"MQIsdp"}:  # the second is 3.1's, which is told that its level is not served
        raise ProtocolViolation("MQTT-3.1.2-1", f"protocol name {name[:20]!r}")
    return level if name == b"MQTT" else 3


def _connect(raw: bytes) -> Connect:
    level = asked_level(raw)
    if level != LEVEL:
        return Connect(level=level)
    body = Body(raw[7:])
    flags = body.byte()
    has_will, will_qos = will_flags(flags)
    if flags & 0x40 and not flags & 0x80:
        raise ProtocolViolation("MQTT-3.1.2-22", "a password without a user name")
    keep_alive = body.two()
    client_id = body.text()
    will = Will(topic_name(body.binary()), body.binary(), will_qos, bool(flags & 0x20)) if has_will else None
    username = body.text() if flags & 0x80 else None
    password = body.binary() if flags & 0x40 else None
    body.end()
    return Connect(client_id, bool(flags & 0x02), keep_alive, username, password, will)


def will_flags(flags: int) -> tuple[bool, int]:
    """(whether there is a will, its QoS) by the flags of a CONNECT, which are the same in both versions."""
    if flags & 0x01:
        raise ProtocolViolation("MQTT-3.1.2-3", "the reserved connect flag is set")
    has_will, qos = bool(flags & 0x04), flags >> 3 & 3
    if not has_will and qos:
        raise ProtocolViolation("MQTT-3.1.2-13", "a will QoS without a will")
    if not has_will and flags & 0x20:
        raise ProtocolViolation("MQTT-3.1.2-15", "will retain without a will")
    if qos == 3:
        raise ProtocolViolation("MQTT-3.1.2-14", "will QoS 3")
    return has_will, qos


def _connack(raw: bytes) -> Connack:
    flags, code = raw
    if flags > 1:
        raise ProtocolViolation("MQTT-2.2.2-2", "reserved bits in the flags of a CONNACK")
    if code > Refusal.NOT_AUTHORIZED:
        raise ProtocolViolation("", f"CONNACK return code {code}")
    if code and flags:
        raise ProtocolViolation("MQTT-3.2.2-4", "a refusal that says a session is present")
    return Connack(bool(flags), code)


def _subscribe(raw: bytes) -> Subscribe:
    body = Body(raw)
    number = body.packet_id()
    filters = []
    while body.left:
        text, qos = topic_filter(body.text()), body.byte()
        if qos > 2:
            raise ProtocolViolation("MQTT-3.8.3-4", f"{qos:#x} is no QoS to ask for")
        filters.append((text, qos))
    if not filters:
        raise ProtocolViolation("MQTT-3.8.3-3", "a SUBSCRIBE without a filter")
    return Subscribe(number, tuple(filters))


def _suback(raw: bytes) -> Suback:
    body = Body(raw)
    number = body.packet_id()
    codes = tuple(raw[2:])
    if not codes or any(code > 2 and code != REFUSED for code in codes):
        raise ProtocolViolation("MQTT-3.9.3-2", "return codes of a SUBACK are 0, 1, 2 and 128")
    return Suback(number, codes)


def _unsubscribe(raw: bytes) -> Unsubscribe:
    body = Body(raw)
    number = body.packet_id()
    filters = []
    while body.left:
        filters.append(topic_filter(body.text()))
    if not filters:
        raise ProtocolViolation("MQTT-3.10.3-2", "an UNSUBSCRIBE without a filter")
    return Unsubscribe(number, tuple(filters))


BODIES: dict[int, Callable[[bytes], Packet]] = {
    Kind.CONNECT: _connect,
    Kind.CONNACK: _connack,
    Kind.PUBACK: lambda raw: Puback(packet_id(int.from_bytes(raw, "big"))),
    Kind.PUBREC: lambda raw: Pubrec(packet_id(int.from_bytes(raw, "big"))),
    Kind.PUBREL: lambda raw: Pubrel(packet_id(int.from_bytes(raw, "big"))),
    Kind.PUBCOMP: lambda raw: Pubcomp(packet_id(int.from_bytes(raw, "big"))),
    Kind.SUBSCRIBE: _subscribe,
    Kind.SUBACK: _suback,
    Kind.UNSUBSCRIBE: _unsubscribe,
    Kind.UNSUBACK: lambda raw: Unsuback(packet_id(int.from_bytes(raw, "big"))),
    Kind.PINGREQ: lambda _: Pingreq(),
    Kind.PINGRESP: lambda _: Pingresp(),
    Kind.DISCONNECT: lambda _: Disconnect(),
}
"""Every packet but PUBLISH, whose body the reader takes apart itself: it may be too long to hold."""
