"""Packets to bytes, as MQTT 3.1.1 writes them."""

from devices.mqtt.packets import (
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


def encode(packet: Packet) -> bytes:
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


def _encode_publish(packet: Publish) -> bytes:
    first = 0x30 | packet.dup << 3 | packet.qos << 1 | packet.retain
    number = packet.packet_id.to_bytes(2, "big") if packet.qos else b""
    return _frame(first, _text(packet.topic) + number + packet.payload)


def _encode_connect(packet: Connect) -> bytes:
    will = packet.will
    flags = packet.clean_session << 1 | (packet.username is not None) << 7 | (packet.password is not None) << 6
    body = _text(packet.client_id)
    if will is not None:
        flags |= 0x04 | will.qos << 3 | will.retain << 5
        body += _text(will.topic) + _binary(will.payload)
    if packet.username is not None:
        body += _text(packet.username)
    if packet.password is not None:
        body += _binary(packet.password)
    return _frame(0x10, b"\x00\x04MQTT" + bytes((packet.level, flags)) + packet.keep_alive.to_bytes(2, "big") + body)


def _frame(first: int, body: bytes) -> bytes:
    size = len(body)
    if size < 0x80:
        return bytes((first, size)) + body
    length = bytearray((first,))
    while size >= 0x80:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return bytes(length) + body


def _text(text: str) -> bytes:
    return _binary(text.encode())


def _binary(raw: bytes) -> bytes:
    return len(raw).to_bytes(2, "big") + raw
