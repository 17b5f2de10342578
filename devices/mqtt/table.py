"""The properties of MQTT 5.0 on the wire: one table says each one's form and the packets it may stand in (2.2.2.2)."""

from enum import Enum, auto

import msgspec

from devices.mqtt.body import Body
from devices.mqtt.packets import Kind, ProtocolViolation, Reason
from devices.mqtt.properties import NONE, Properties

WILL = 0
"""The place of a will's properties, beside the packets' own kinds."""
LIMIT = 65_536
"""Most bytes of one packet's properties. The specification has no such limit; a hundred user properties fit many times."""


class _Form(Enum):
    FLAG = auto()
    """A byte that is 0 or 1."""
    TWO = auto()
    FOUR = auto()
    VARINT = auto()
    TEXT = auto()
    TOPIC = auto()
    BINARY = auto()
    PAIR = auto()


class _Row(msgspec.Struct, frozen=True):
    """`positive`: 0 is not allowed. `several`: where it may come more than once."""

    name: str
    form: _Form
    places: frozenset[int]
    positive: bool = False
    several: frozenset[int] = frozenset()


def _row(name: str, form: _Form, *places: int, positive: bool = False, several: tuple[int, ...] = ()) -> _Row:
    return _Row(name, form, frozenset(places), positive, frozenset(several))


_CONNECT, _CONNACK, _PUBLISH, _DISCONNECT, _AUTH = Kind.CONNECT, Kind.CONNACK, Kind.PUBLISH, Kind.DISCONNECT, Kind.AUTH
_ANSWERS = (Kind.PUBACK, Kind.PUBREC, Kind.PUBREL, Kind.PUBCOMP, Kind.SUBACK, Kind.UNSUBACK)
_ANYWHERE = (*_ANSWERS, _CONNECT, _CONNACK, _PUBLISH, WILL, Kind.SUBSCRIBE, Kind.UNSUBSCRIBE, _DISCONNECT, _AUTH)
_TABLE = {
    0x01: _row("payload_format", _Form.FLAG, _PUBLISH, WILL),
    0x02: _row("message_expiry", _Form.FOUR, _PUBLISH, WILL),
    0x03: _row("content_type", _Form.TEXT, _PUBLISH, WILL),
    0x08: _row("response_topic", _Form.TOPIC, _PUBLISH, WILL),
    0x09: _row("correlation_data", _Form.BINARY, _PUBLISH, WILL),
    0x0B: _row("subscription_ids", _Form.VARINT, _PUBLISH, Kind.SUBSCRIBE, positive=True, several=(_PUBLISH,)),
    0x11: _row("session_expiry", _Form.FOUR, _CONNECT, _CONNACK, _DISCONNECT),
    0x12: _row("assigned_client_id", _Form.TEXT, _CONNACK),
    0x13: _row("server_keep_alive", _Form.TWO, _CONNACK),
    0x15: _row("authentication_method", _Form.TEXT, _CONNECT, _CONNACK, _AUTH),
    0x16: _row("authentication_data", _Form.BINARY, _CONNECT, _CONNACK, _AUTH),
    0x17: _row("request_problem_information", _Form.FLAG, _CONNECT),
    0x18: _row("will_delay", _Form.FOUR, WILL),
    0x19: _row("request_response_information", _Form.FLAG, _CONNECT),
    0x1A: _row("response_information", _Form.TEXT, _CONNACK),
    0x1C: _row("server_reference", _Form.TEXT, _CONNACK, _DISCONNECT),
    0x1F: _row("reason", _Form.TEXT, _CONNACK, *_ANSWERS, _DISCONNECT, _AUTH),
    0x21: _row("receive_maximum", _Form.TWO, _CONNECT, _CONNACK, positive=True),
    0x22: _row("topic_alias_maximum", _Form.TWO, _CONNECT, _CONNACK),
    0x23: _row("topic_alias", _Form.TWO, _PUBLISH, positive=True),
    0x24: _row("maximum_qos", _Form.FLAG, _CONNACK),
    0x25: _row("retain_available", _Form.FLAG, _CONNACK),
    0x26: _row("user", _Form.PAIR, *_ANYWHERE, several=_ANYWHERE),
    0x27: _row("maximum_packet_size", _Form.FOUR, _CONNECT, _CONNACK, positive=True),
    0x28: _row("wildcards_available", _Form.FLAG, _CONNACK),
    0x29: _row("subscription_ids_available", _Form.FLAG, _CONNACK),
    0x2A: _row("shared_available", _Form.FLAG, _CONNACK),
}


def read_properties(body: Body, place: int) -> Properties:
    """The properties at the cursor. Raises ProtocolViolation for what may not stand there, or not twice, or not with that value."""
    size = body.varint()
    if not size:
        return NONE
    if size > LIMIT:
        raise ProtocolViolation("", f"{size} bytes of properties", Reason.QUOTA_EXCEEDED)
    part = body.part(size)
    found = Properties()
    ids: list[int] = []
    user: list[tuple[str, str]] = []
    seen: set[int] = set()
    while part.left:
        identifier = part.varint()
        row = _TABLE.get(identifier)
        if row is None or place not in row.places:
            raise ProtocolViolation("", f"property {identifier:#04x} may not stand here (2.2.2.2)")
        if identifier in seen and place not in row.several:
            raise ProtocolViolation("", f"{row.name} is said twice", Reason.PROTOCOL_ERROR)
        seen.add(identifier)
        if row.form is _Form.PAIR:
            user.append((part.text(), part.text()))
        elif row.form is _Form.VARINT:
            ids.append(_positive(row, part.varint()))
        else:
            msgspec.structs.force_setattr(found, row.name, _read(row, part))
    if ids:
        msgspec.structs.force_setattr(found, "subscription_ids", tuple(ids))
    if user:
        msgspec.structs.force_setattr(found, "user", tuple(user))
    return found


def write_properties(properties: Properties) -> bytes:
    """With their length in front."""
    if properties is NONE:
        return b"\0"
    out = bytearray()
    for identifier, row in _TABLE.items():
        value: object = getattr(properties, row.name)
        if value is None:
            continue
        if isinstance(value, tuple):
            for each in value:
                out.append(identifier)
                out += _write(row.form, each)
        else:
            out.append(identifier)
            out += _write(row.form, value)
    return varint(len(out)) + out


def varint(value: int) -> bytes:
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read(row: _Row, body: Body) -> int | str | bytes:
    match row.form:
        case _Form.TEXT:
            return body.text()
        case _Form.TOPIC:
            return _topic(body.text())
        case _Form.FLAG:
            value = body.byte()
            if value > 1:
                raise ProtocolViolation("", f"{row.name} is 0 or 1, not {value}", Reason.PROTOCOL_ERROR)
            return value
        case _Form.TWO:
            return _positive(row, body.two())
        case _Form.FOUR:
            return _positive(row, body.four())
        case _:
            return body.binary()


def _positive(row: _Row, value: int) -> int:
    if row.positive and not value:
        alias = row.name == "topic_alias"
        raise ProtocolViolation(
            "MQTT-3.3.2-8" if alias else "", f"{row.name} is 0", Reason.TOPIC_ALIAS_INVALID if alias else Reason.PROTOCOL_ERROR,
        )  # fmt: skip
    return value


def _topic(text: str) -> str:
    if not text or "+" in text or "#" in text:
        raise ProtocolViolation("MQTT-3.3.2-14", f"{text[:200]!r} is no topic to respond to", Reason.PROTOCOL_ERROR)
    return text


def _write(form: _Form, value: object) -> bytes:
    match value:
        case (str(name), str(text)):
            return _text(name) + _text(text)
        case str():
            return _text(value)
        case bytes():
            return len(value).to_bytes(2, "big") + value
        case int() if form is _Form.VARINT:
            return varint(value)
        case int():
            return value.to_bytes(_WIDTHS[form], "big")
        case _:
            raise TypeError(value)


_WIDTHS = {_Form.FLAG: 1, _Form.TWO: 2, _Form.FOUR: 4}


def _text(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(2, "big") + raw
