"""One connection as the bench sees it: bytes cut into whole packets that keep their bytes, each way over a wire that may be slow."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from devices.mqtt.packets import LEVEL, Connect, Kind, Packet, ProtocolViolation
from devices.mqtt.reader import Reader
from simulator.slow import Wire

LONGEST = 1024 * 1024
"""Bytes of one packet that are held for a device; none of the contract is as long."""
PAYLOAD = 128 * 1024


class Frames:
    """Bytes in pieces of any size to (packet, its bytes). ProtocolViolation as the reader says; `rest` is then what broke it."""

    def __init__(self) -> None:
        self._reader = Reader(lambda _: PAYLOAD, Kind.CONNECT, names_subscriptions=False)
        self.rest = bytearray()

    def welcome(self) -> None:
        """Anything may come now."""
        self._reader.only = None

    def feed(self, data: bytes) -> Iterator[tuple[Packet, bytes]]:
        self.rest += data
        while (size := _whole(self.rest)) is not None:
            raw = bytes(self.rest[:size])
            for packet in self._reader.feed(raw):
                yield packet, raw
            del self.rest[:size]


def _whole(data: bytearray) -> int | None:
    """Length of the first packet; None while it has not come whole."""
    size = 0
    for index in range(1, min(len(data), 5)):
        size |= (data[index] & 0x7F) << 7 * (index - 1)
        if data[index] < 0x80:
            size += index + 1
            if size > LONGEST:
                raise ProtocolViolation("", f"a packet of {size} bytes")
            return size if len(data) >= size else None
    if len(data) >= 5:
        raise ProtocolViolation("", "a remaining length of more than four bytes (2.2.3)")
    return None


class Line:
    """`packet_ids`: of what the bench has sent and the device has not acknowledged."""

    def __init__(self, number: int, now: datetime) -> None:
        self.number = number
        self.frames = Frames()
        self.up, self.down = Wire(), Wire()
        self.connect: Connect | None = None
        self.welcomed = False
        self.ended = False
        """The bench is done with it: what is on the wire down still goes, then it is closed."""
        self.said_goodbye = False
        self.heard_at = now
        self.bytes_up = 0
        self.asides: list[tuple[int, bytes]] = []
        """Frames of a WebSocket that carry no MQTT, to be sent: op and payload."""
        self.kept: bytes | None = None
        """A packet that waits to change places with the next."""

    @property
    def level(self) -> int:
        return LEVEL if self.connect is None else self.connect.level

    @property
    def keep_alive_ends(self) -> datetime | None:
        """When the device has been quiet for one and a half of its keep-alives [MQTT-3.1.2-24]."""
        if self.connect is None or not self.connect.keep_alive:
            return None
        return self.heard_at + timedelta(seconds=self.connect.keep_alive * 1.5)


class Session(msgspec.Struct):
    """What the endpoint keeps of a client over its connections."""

    filters: dict[str, int] = {}
    unacknowledged: dict[int, tuple[str, bytes]] = {}
    """(topic, payload) of commands sent and not acknowledged, by packet identifier."""
    next_id: int = 1
    received: set[int] = set()
    """Of QoS 2, not yet released."""
