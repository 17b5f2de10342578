"""Bytes as they arrive, in pieces of any size, to whole packets; what is held for a peer is bounded at every moment.

A packet is judged by its first bytes: a type that may not come now, reserved flags, a length that its type cannot have end the
connection before anything is buffered. A PUBLISH longer than its topic may carry is read past: its first KiB is kept, the rest
counted, and it comes out like any other with `skipped` > 0, so that it is acknowledged and somebody can see what it was.

The CONNECT says which version is spoken from its first byte on: it is read as that version writes it, and so is all that follows.
Each version has its own functions and tables, taken once, so that a connection of 3.1.1 asks of no packet whether it is one of 5.0.
"""

from collections.abc import Callable, Iterator

import msgspec

from devices.mqtt import bodies, five
from devices.mqtt.bodies import asked_level
from devices.mqtt.five import numbered
from devices.mqtt.packets import FIVE, LEVEL, Kind, Packet, ProtocolViolation, Publish, Reason
from devices.mqtt.publish import Aliases, Names, behind_head, behind_properties

CONTROL_LIMIT = 65_536
"""The longest body of any packet but PUBLISH. The specification has no such limit; a list of subscriptions fits a hundred times."""
EXCERPT = 1024
"""How much of an over-long payload is kept."""
_HEAD = 5
"""Bytes before the body of a packet near the longest: its type, and a length of four."""

_STATEMENTS = {
    Kind.PUBREL: "MQTT-3.6.1-1", Kind.SUBSCRIBE: "MQTT-3.8.1-1", Kind.UNSUBSCRIBE: "MQTT-3.10.1-1", Kind.DISCONNECT: "MQTT-3.14.1-1",
    Kind.AUTH: "MQTT-3.15.1-1",
}  # fmt: skip


class _Version:
    """What a packet's first byte and its length may be."""

    def __init__(self, sizes: dict[Kind, range], *kinds: Kind) -> None:
        self.flags: dict[int, int] = {kind: 2 if kind in {Kind.PUBREL, Kind.SUBSCRIBE, Kind.UNSUBSCRIBE} else 0 for kind in kinds}
        self.sizes: dict[int, range] = {kind: sizes.get(kind, range(CONTROL_LIMIT + 1)) for kind in kinds}
        self.valid = bytes(
            first >> 1 & 3 != 3 and (first & 8 == 0 or first >> 1 & 3 > 0)
            if first >> 4 == Kind.PUBLISH
            else self.flags.get(first >> 4) == first & 15
            for first in range(256)
        )
        """By a packet's first byte: whether there is such a packet."""


_KINDS = tuple(kind for kind in Kind if kind not in {Kind.PUBLISH, Kind.AUTH})
_TWO, _NOTHING = range(2, 3), range(1)
_OF_311 = _Version(
    {Kind.CONNACK: _TWO, Kind.PUBACK: _TWO, Kind.PUBREC: _TWO, Kind.PUBREL: _TWO, Kind.PUBCOMP: _TWO, Kind.UNSUBACK: _TWO,
     Kind.PINGREQ: _NOTHING, Kind.PINGRESP: _NOTHING, Kind.DISCONNECT: _NOTHING}, *_KINDS,
)  # fmt: skip
_CONNECT = Kind.CONNECT << 4
_OF_5 = _Version({Kind.PINGREQ: _NOTHING, Kind.PINGRESP: _NOTHING}, *_KINDS, Kind.AUTH)


class Reader:
    """One direction of one connection. `limit(topic)` is the longest payload held for a message on that topic, in bytes.

    In 5.0: so many topics as `aliases` may be named by a number, a PUBLISH longer than `largest` ends the connection, and only a
    server's messages name the subscriptions that they are sent for.
    """

    __slots__ = (
        "_bodies", "_excerpt", "_held", "_limit", "_need", "_publish", "_size", "_skip", "_skipping", "_valid", "_version",
        "aliases", "largest", "level", "names_subscriptions", "only",
    )  # fmt: skip

    def __init__(
        self, limit: Callable[[str], int], only: Kind | None = None, level: int = LEVEL, *,
        aliases: int = 0, largest: int | None = None, names_subscriptions: bool = True,
    ) -> None:  # fmt: skip
        self.only = only
        """The one kind that may come now; None for any."""
        self.aliases = aliases
        self.largest = largest
        self.names_subscriptions = names_subscriptions
        self._limit = limit
        self._speak(level)
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
        valid, publish = self._valid, self._publish
        while at < end:
            first = data[at]
            if not valid[first]:
                raise _bad_header(first, self._version, self.level)
            if self.only is not None and first >> 4 != self.only:
                raise ProtocolViolation("MQTT-3.1.0-1", f"{Kind(first >> 4).name} where only {self.only.name} may come")
            start = at + 2
            if start <= end and data[at + 1] < 0x80:
                size = data[at + 1]
            elif start < end and data[start] < 0x80:  # what nearly every report has
                size = data[at + 1] & 0x7F | data[start] << 7
                start += 1
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
                yield publish(first, data, start, stop)
            else:
                if size not in self._version.sizes[first >> 4]:
                    code = Reason.QUOTA_EXCEEDED if size > CONTROL_LIMIT else Reason.MALFORMED_PACKET
                    raise ProtocolViolation("", f"a {Kind(first >> 4).name} of {size} bytes", code)
                if stop > end:
                    self._hold(data, at, stop)
                    return
                body = data[start:stop]
                if first == _CONNECT:
                    self._speak(asked_level(body))
                    valid, publish = self._valid, self._publish
                yield self._bodies[first >> 4](body)
            at = stop

    def _speak(self, level: int) -> None:
        self.level = level
        if level == FIVE:
            self._version, self._bodies, self._publish = _OF_5, five.BODIES, self._aliased()
        else:
            self._version, self._bodies, self._publish = _OF_311, bodies.BODIES, Names().read_publish
        self._valid = self._version.valid

    def _aliased(self) -> Callable[[int, bytes, int, int], Publish]:
        return Aliases(self.aliases, names_subscriptions=self.names_subscriptions).read_publish

    def _hold(self, data: bytes, at: int, needed: int) -> None:
        """Keep what came from `at` on, until there is as much as to the index `needed`."""
        self._held += data[at:]
        self._need = needed - at

    def _measure(self, first: int, data: bytes, start: int, stop: int) -> int:
        """The index to which a long PUBLISH must be here: its topic first, then all of it; or its payload, when that is read past."""
        spoken = self.level
        whole = _HEAD + stop - start
        if spoken == FIVE and self.largest is not None and whole > self.largest:
            raise ProtocolViolation("MQTT-3.2.2-15", f"a PUBLISH of {whole} bytes", Reason.PACKET_TOO_LARGE)
        if len(data) < start + 2 <= stop:
            return start + 2
        payload = behind_head(first, data, start, stop)
        if spoken == FIVE:
            payload = behind_properties(data, payload, stop)
        if len(data) < payload:
            return payload
        head = self._publish(first, data, start, payload)
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


def _bad_header(first: int, version: _Version, level: int) -> ProtocolViolation:
    kind = first >> 4
    if kind == Kind.PUBLISH:
        if first >> 1 & 3 == 3:
            return ProtocolViolation("MQTT-3.3.1-4", "QoS 3")
        return ProtocolViolation("MQTT-3.3.1-2", "a QoS 0 message that says it is sent again")
    if kind not in version.flags:
        return ProtocolViolation("", f"packet type {kind} is reserved (2.2.1)")
    violation = ProtocolViolation(_STATEMENTS.get(Kind(kind), "MQTT-2.2.2-2"), f"flags {first & 15:#x} of a {Kind(kind).name}")
    return numbered(violation) if level == FIVE else violation
