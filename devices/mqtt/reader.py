"""Bytes as they arrive, in pieces of any size, to whole packets; what is held for a peer is bounded at every moment.

A packet is judged by its first bytes: a type that may not come now, reserved flags, a length that its type cannot have end the
connection before anything is buffered. A PUBLISH longer than its topic may carry is read past: its first KiB is kept, the rest
counted, and it comes out like any other with `skipped` > 0, so that it is acknowledged and somebody can see what it was.
"""

from collections.abc import Callable, Iterator

import msgspec

from devices.mqtt.bodies import BODIES, packet_id, topic_name
from devices.mqtt.packets import Kind, Packet, ProtocolViolation, Publish

CONTROL_LIMIT = 65_536
"""The longest body of any packet but PUBLISH. The specification has no such limit; a list of subscriptions fits a hundred times."""
EXCERPT = 1024
"""How much of an over-long payload is kept."""

_FLAGS = {kind: 2 if kind in {Kind.PUBREL, Kind.SUBSCRIBE, Kind.UNSUBSCRIBE} else 0 for kind in BODIES}
_STATEMENTS = {
    Kind.PUBREL: "MQTT-3.6.1-1", Kind.SUBSCRIBE: "MQTT-3.8.1-1", Kind.UNSUBSCRIBE: "MQTT-3.10.1-1", Kind.DISCONNECT: "MQTT-3.14.1-1",
}  # fmt: skip
_SIZES: dict[int, int] = {
    Kind.CONNACK: 2, Kind.PUBACK: 2, Kind.PUBREC: 2, Kind.PUBREL: 2, Kind.PUBCOMP: 2, Kind.UNSUBACK: 2,
    Kind.PINGREQ: 0, Kind.PINGRESP: 0, Kind.DISCONNECT: 0,
}  # fmt: skip
_VALID = bytes(
    first >> 1 & 3 != 3 and (first & 8 == 0 or first >> 1 & 3 > 0) if first >> 4 == Kind.PUBLISH else _FLAGS.get(first >> 4) == first & 15
    for first in range(256)
)
"""By a packet's first byte: whether there is such a packet."""


class Reader:
    """One direction of one connection. `limit(topic)` is the longest payload held for a message on that topic, in bytes."""

    __slots__ = ("_excerpt", "_held", "_limit", "_need", "_size", "_skip", "_skipping", "only")

    def __init__(self, limit: Callable[[str], int], only: Kind | None = None) -> None:
        self.only = only
        """The one kind that may come now; None for any."""
        self._limit = limit
        self._held = bytearray()
        self._need = 0
        self._skipping: Publish | None = None
        self._size = 0
        self._skip = 0
        self._excerpt = bytearray()

    @property
    def held(self) -> int:
        """Bytes kept for a packet that has not come whole."""
        return len(self._held) + len(self._excerpt)

    def feed(self, data: bytes) -> Iterator[Packet]:
        """Packets that are now whole, in order; to be taken to its end. Raises ProtocolViolation behind the sound ones before it."""
        at = 0
        if self._skipping is not None:
            at = self._read_past(data, 0)
            if self._skip:
                return
            yield self._passed()
        elif self._held:
            self._held += data
            if len(self._held) < self._need:
                return
            data = bytes(self._held)
            self._held.clear()
        end = len(data)
        while at < end:
            first = data[at]
            if not _VALID[first]:
                raise _bad_header(first)
            if self.only is not None and first >> 4 != self.only:
                raise ProtocolViolation("MQTT-3.1.0-1", f"{Kind(first >> 4).name} where only {self.only.name} may come")
            start = at + 2
            if start <= end and data[at + 1] < 0x80:
                size = data[at + 1]
            else:
                size, start = _remaining_length(data, at + 1)
                if start > end:
                    self._hold(data, at, start)
                    return
            stop = start + size
            if 0x30 <= first < 0x40:
                if stop > end or size > EXCERPT:
                    needed = self._measure(first, data, start, stop)
                    if needed > end:
                        self._hold(data, at, needed)
                        return
                    if self._skipping is not None:
                        at = self._read_past(data, needed)
                        if self._skip:
                            return
                        yield self._passed()
                        continue
                yield _publish(first, data, start, stop)
            else:
                if size != _SIZES.get(first >> 4, size) or size > CONTROL_LIMIT:
                    raise ProtocolViolation("", f"a {Kind(first >> 4).name} of {size} bytes")
                if stop > end:
                    self._hold(data, at, stop)
                    return
                yield BODIES[first >> 4](data[start:stop])
            at = stop

    def _hold(self, data: bytes, at: int, needed: int) -> None:
        """Keep what came from `at` on, until there is as much as to the index `needed`."""
        self._held += data[at:]
        self._need = needed - at

    def _measure(self, first: int, data: bytes, start: int, stop: int) -> int:
        """The index to which a long PUBLISH must be here: its topic first, then all of it; or its payload, when that is read past."""
        if len(data) < start + 2 <= stop:
            return start + 2
        payload = _payload_start(first, data, start, stop)
        if len(data) < payload:
            return payload
        head = _publish(first, data, start, payload)
        if stop - payload <= self._limit(head.topic):
            return stop
        self._skipping = head
        self._size = self._skip = stop - payload
        return payload

    def _read_past(self, data: bytes, at: int) -> int:
        """Take of `data` what belongs to the packet being read past; the index behind it."""
        stop = min(len(data), at + self._skip)
        self._skip -= stop - at
        self._excerpt += data[at : min(stop, at + EXCERPT - len(self._excerpt))]
        return stop

    def _passed(self) -> Publish:
        head, size = self._skipping, self._size
        assert head is not None
        packet = msgspec.structs.replace(head, payload=bytes(self._excerpt), skipped=size - len(self._excerpt))
        self._skipping = None
        self._excerpt.clear()
        return packet


def _remaining_length(data: bytes, at: int) -> tuple[int, int]:
    """(the length, the index behind it); the index lies past the end of `data` where more bytes of it must come."""
    size = 0
    for shift in (0, 7, 14, 21):
        if at >= len(data):
            return 0, at + 1
        size |= (data[at] & 0x7F) << shift
        if data[at] < 0x80:
            return size, at + 1
        at += 1
    raise ProtocolViolation("", "a remaining length of more than four bytes (2.2.3)")


def _payload_start(first: int, data: bytes, start: int, stop: int) -> int:
    if start + 2 > stop:
        raise ProtocolViolation("MQTT-3.3.2-1", "a PUBLISH without a topic")
    payload = start + 2 + (data[start] << 8 | data[start + 1]) + (2 if first & 6 else 0)
    if payload > stop:
        raise ProtocolViolation("", "a field reaches past the end of its packet")
    return payload


def _publish(first: int, data: bytes, start: int, stop: int) -> Publish:
    payload = _payload_start(first, data, start, stop)
    qos = first >> 1 & 3
    if qos:
        number = packet_id(data[payload - 2] << 8 | data[payload - 1])
        topic = topic_name(data[start + 2 : payload - 2])
    else:
        number = 0
        topic = topic_name(data[start + 2 : payload])
    return Publish(topic, data[payload:stop], qos, first & 1 == 1, first & 8 == 8, number)


def _bad_header(first: int) -> ProtocolViolation:
    kind = first >> 4
    if kind == Kind.PUBLISH:
        if first >> 1 & 3 == 3:
            return ProtocolViolation("MQTT-3.3.1-4", "QoS 3")
        return ProtocolViolation("MQTT-3.3.1-2", "a QoS 0 message that says it is sent again")
    if kind not in _FLAGS:
        return ProtocolViolation("", f"packet type {kind} is reserved (2.2.1)")
    return ProtocolViolation(_STATEMENTS.get(Kind(kind), "MQTT-2.2.2-2"), f"flags {first & 15:#x} of a {Kind(kind).name}")
