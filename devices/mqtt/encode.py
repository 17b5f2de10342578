"""Packets to bytes, as each version writes them."""

from devices.mqtt.packets import (
    FIVE,
    LEVEL,
    Auth,
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
)
from devices.mqtt.properties import NONE, Properties
from devices.mqtt.table import varint, write_properties


def encode(packet: Packet, level: int = LEVEL) -> bytes:
    """`level`: the version of the connection. A CONNECT says its own. In 3.1.1 what only 5.0 can say is left out."""
    if level == FIVE or (isinstance(packet, Connect) and packet.level == FIVE):
        return _encode_five(packet)
    match packet:
        case Publish():
            return _encode_publish(packet)
        case Puback(number):
            return b"\x40\x02" + number.to_bytes(2, "big")
        case Pubrec(number):
            return b"\x50\x02" + number.to_bytes(2, "big")
        case Pubrel(number):
            return b"\x62\x02" + number.to_bytes(2, "big")
        case Pubcomp(number):
            return b"\x70\x02" + number.to_bytes(2, "big")
        case Connect():
            return _encode_connect(packet)
        case Connack(present, code):
            return bytes((0x20, 2, present, code))
        case Subscribe(number, filters):
            return _frame(0x82, number.to_bytes(2, "big") + b"".join(_text(text) + bytes((qos,)) for text, qos in filters))
        case Suback(number, codes):
            return _frame(0x90, number.to_bytes(2, "big") + bytes(codes))
        case Unsubscribe(number, names):
            return _frame(0xA2, number.to_bytes(2, "big") + b"".join(map(_text, names)))
        case Unsuback(number):
            return b"\xb0\x02" + number.to_bytes(2, "big")
        case Pingreq():
            return b"\xc0\x00"
        case Pingresp():
            return b"\xd0\x00"
        case Disconnect():
            return b"\xe0\x00"
        case Auth():
            raise ValueError("3.1.1 has no AUTH")


def _encode_five(packet: Packet) -> bytes:
    match packet:
        case Publish():
            return _encode_publish(packet, write_properties(packet.properties))
        case Puback(number, code, properties):
            return _answer(0x40, number, code, properties)
        case Pubrec(number, code, properties):
            return _answer(0x50, number, code, properties)
        case Pubrel(number, code, properties):
            return _answer(0x62, number, code, properties)
        case Pubcomp(number, code, properties):
            return _answer(0x70, number, code, properties)
        case Connect():
            return _encode_connect(packet)
        case Connack(present, code, properties):
            return _frame(0x20, bytes((present, code)) + write_properties(properties))
        case Subscribe(number, filters, properties):
            asked = b"".join(_text(text) + bytes((options,)) for text, options in filters)
            return _frame(0x82, number.to_bytes(2, "big") + write_properties(properties) + asked)
        case Suback(number, codes, properties):
            return _frame(0x90, number.to_bytes(2, "big") + write_properties(properties) + bytes(codes))
        case Unsubscribe(number, names, properties):
            return _frame(0xA2, number.to_bytes(2, "big") + write_properties(properties) + b"".join(map(_text, names)))
        case Unsuback(number, codes, properties):
            return _frame(0xB0, number.to_bytes(2, "big") + write_properties(properties) + bytes(codes))
        case Pingreq():
            return b"\xc0\x00"
        case Pingresp():
            return b"\xd0\x00"
        case Disconnect(code, properties):
            return _frame(0xE0, _ending(code, properties))
        case Auth(code, properties):
            return _frame(0xF0, _ending(code, properties))


def _encode_publish(packet: Publish, properties: bytes = b"") -> bytes:
    first = 0x30 | packet.dup << 3 | packet.qos << 1 | packet.retain
    number = packet.packet_id.to_bytes(2, "big") if packet.qos else b""
    return _frame(first, _text(packet.topic) + number + properties + packet.payload)


def _encode_connect(packet: Connect) -> bytes:
    will, five = packet.will, packet.level == FIVE
    flags = packet.clean_session << 1 | (packet.username is not None) << 7 | (packet.password is not None) << 6
    body = _text(packet.client_id)
    if will is not None:
        flags |= 0x04 | will.qos << 3 | will.retain << 5
        body += (write_properties(will.properties) if five else b"") + _text(will.topic) + _binary(will.payload)
    if packet.username is not None:
        body += _text(packet.username)
    if packet.password is not None:
        body += _binary(packet.password)
    head = b"\x00\x04MQTT" + bytes((packet.level, flags)) + packet.keep_alive.to_bytes(2, "big")
    return _frame(0x10, head + (write_properties(packet.properties) if five else b"") + body)


def _answer(first: int, number: int, code: int, properties: Properties) -> bytes:
    """In the shortest form that says it."""
    if properties is not NONE:
        return _frame(first, number.to_bytes(2, "big") + bytes((code,)) + write_properties(properties))
    if code:
        return bytes((first, 3)) + number.to_bytes(2, "big") + bytes((code,))
    return bytes((first, 2)) + number.to_bytes(2, "big")


def _ending(code: int, properties: Properties) -> bytes:
    if properties is not NONE:
        return bytes((code,)) + write_properties(properties)
    return bytes((code,)) if code else b""


def _frame(first: int, body: bytes) -> bytes:
    size = len(body)
    if size < 0x80:
        return bytes((first, size)) + body
    return bytes((first,)) + varint(size) + body


def _text(text: str) -> bytes:
    return _binary(text.encode())


def _binary(raw: bytes) -> bytes:
    return len(raw).to_bytes(2, "big") + raw
