"""A cursor over a packet's body, and the rules that strings, identifiers and topics keep in both versions.

A violation here is named by its number in 3.1.1; `five.py` says the number that 5.0 gives the same statement.
"""

from devices.mqtt.packets import ProtocolViolation, Reason


class Body:
    """A cursor over one packet's body."""

    __slots__ = ("_at", "_bytes")

    def __init__(self, body: bytes) -> None:
        self._bytes = body
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._bytes) - self._at

    def byte(self) -> int:
        return self._take(1)[0]

    def two(self) -> int:
        return int.from_bytes(self._take(2), "big")

    def four(self) -> int:
        return int.from_bytes(self._take(4), "big")

    def varint(self) -> int:
        """A variable byte integer; 5.0 wants it in as few bytes as it fits [MQTT-1.5.5-1]."""
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if shift and not byte:
                    raise ProtocolViolation("MQTT-1.5.5-1", "a variable byte integer longer than it need be")
                return value
        raise ProtocolViolation("", "a variable byte integer of more than four bytes (1.5.5)")

    def binary(self) -> bytes:
        return self._take(self.two())

    def text(self) -> str:
        return utf8(self.binary())

    def packet_id(self) -> int:
        return packet_id(self.two())

    def part(self, size: int) -> "Body":
        """The next bytes as a body of their own."""
        return Body(self._take(size))

    def rest(self) -> bytes:
        return self._take(self.left)

    def end(self) -> None:
        if self.left:
            raise ProtocolViolation("", f"{self.left} bytes behind the packet's last field")

    def _take(self, count: int) -> bytes:
        start, self._at = self._at, self._at + count
        if self._at > len(self._bytes):
            raise ProtocolViolation("", "a field reaches past the end of its packet")
        return self._bytes[start : self._at]


def utf8(raw: bytes) -> str:
    """A UTF-8 string as MQTT allows it. Python's own decoder refuses surrogates and keeps a BOM [MQTT-1.5.3-3]."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as problem:
        raise ProtocolViolation("MQTT-1.5.3-1", f"ill-formed UTF-8: {problem.reason}") from None
    if "\0" in text:
        raise ProtocolViolation("MQTT-1.5.3-2", "a string with U+0000")
    return text


def packet_id(number: int) -> int:
    if number == 0:
        raise ProtocolViolation("MQTT-2.3.1-1", "packet identifier 0", Reason.PROTOCOL_ERROR)
    return number


def topic_name(raw: bytes) -> str:
    """The topic of a message: at least one character, no wildcard."""
    topic = utf8(raw)
    if not topic:
        raise ProtocolViolation("MQTT-4.7.3-1", "an empty topic name", Reason.PROTOCOL_ERROR)
    if "+" in topic or "#" in topic:
        raise ProtocolViolation("MQTT-3.3.2-2", "a wildcard in a topic name", Reason.PROTOCOL_ERROR)
    return topic


def topic_filter(text: str) -> str:
    """`#` stands alone in the last level, `+` alone in its level."""
    if not text:
        raise ProtocolViolation("MQTT-4.7.3-1", "an empty topic filter", Reason.PROTOCOL_ERROR)
    if "#" in text and (text.index("#") != len(text) - 1 or not (text == "#" or text.endswith("/#"))):
        raise ProtocolViolation("MQTT-4.7.1-2", f"{text[:200]!r} has a # that is not the whole last level", Reason.PROTOCOL_ERROR)
    if "+" in text and any("+" in level and level != "+" for level in text.split("/")):
        raise ProtocolViolation("MQTT-4.7.1-3", f"{text[:200]!r} has a + that is not a whole level", Reason.PROTOCOL_ERROR)
    return text
