"""A device's side of MQTT 3.1.1, without its socket: for fleets of thousands of virtual kits in one process.

`open(now)` begins a connection and `lost()` ends it; between them `receive` takes bytes, and `output` is what to send. What was
published with QoS 1 or 2 and not acknowledged is kept over connections and sent again as a duplicate, in its order [MQTT-4.4.0-1,
-4.6.0-1]. Time is an argument: `next_deadline` says when `advance(now)` is due.
"""

from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from devices.mqtt.encode import encode
from devices.mqtt.packets import (
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
    Publish,
    Pubrec,
    Pubrel,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
)
from devices.mqtt.reader import Reader

LIMIT = 4 * 1024 * 1024
WINDOW = 20
"""Unacknowledged messages on the way at a time; further ones wait here."""
_LAST_ID = 0xFFFF


class Acknowledged(msgspec.Struct, frozen=True):
    """PUBACK or PUBCOMP for the message that `publish` gave this number."""

    packet_id: int


class Silent(Exception):  # noqa: N818 - a state of the world
    """The server did not answer a PINGREQ within a keep-alive: the connection is dead."""


Event = Connack | Publish | Acknowledged | Suback | Unsuback


class Client:
    """`connect` is said anew at each `open`. With a clean session too, what was not acknowledged is sent again."""

    def __init__(self, connect: Connect) -> None:
        self.connect = connect
        self.output = bytearray()
        self.welcome = False
        """Whether the server has accepted this connection."""
        self._reader = Reader(lambda _: LIMIT, Kind.CONNACK)
        self._inflight: dict[int, Publish | Pubrel] = {}
        self._waiting: deque[Publish] = deque()
        self._waiting_ids: set[int] = set()
        self._asked: dict[int, Subscribe | Unsubscribe] = {}
        self._held: set[int] = set()
        self._next_id = 1
        self._spoke_at: datetime | None = None
        self._pinged_at: datetime | None = None

    @property
    def unacknowledged(self) -> int:
        """Messages that the server has not taken yet."""
        return len(self._inflight) + len(self._waiting)

    # --- the connection ---

    def open(self, now: datetime) -> None:
        """A socket is connected."""
        self._reader = Reader(lambda _: LIMIT, Kind.CONNACK)
        self.output = bytearray(encode(self.connect))
        self.welcome = False
        self._spoke_at, self._pinged_at = now, None

    def lost(self) -> None:
        """The socket is gone; what is not acknowledged waits for the next `open`."""
        self.welcome = False
        self.output = bytearray()
        self._asked.clear()
        self._spoke_at = self._pinged_at = None

    def close(self) -> None:
        """Say good-bye: no will."""
        self.output += encode(Disconnect())
        self.welcome = False

    @property
    def next_deadline(self) -> datetime | None:
        """A PINGREQ is due, or the answer to one."""
        if self._spoke_at is None or not self.connect.keep_alive:
            return None
        return (self._pinged_at or self._spoke_at) + timedelta(seconds=self.connect.keep_alive)

    def advance(self, now: datetime) -> None:
        """Ping when nothing was sent for a keep-alive [MQTT-3.1.2-23]; Silent when the last ping got no answer."""
        deadline = self.next_deadline
        if deadline is None or now < deadline:
            return
        if self._pinged_at is not None or not self.welcome:
            raise Silent
        self.output += encode(Pingreq())
        self._spoke_at = self._pinged_at = now

    # --- what the device wants ---

    def publish(self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False, now: datetime | None = None) -> int:
        """Send, or keep until there is a connection. The number it is acknowledged by; QoS 0 has none, and is lost without one."""
        if qos == 0:
            if self.welcome:
                self._say(Publish(topic, payload, 0, retain), now)
            return 0
        number = self._free_id()
        packet = Publish(topic, payload, qos, retain, packet_id=number)
        if self.welcome and len(self._inflight) < WINDOW and not self._waiting:
            self._inflight[number] = packet
            self._say(packet, now)
        else:
            self._waiting.append(packet)
            self._waiting_ids.add(number)
        return number

    def subscribe(self, filters: tuple[tuple[str, int], ...]) -> int:
        return self._ask(Subscribe(self._free_id(), filters))

    def unsubscribe(self, filters: tuple[str, ...]) -> int:
        return self._ask(Unsubscribe(self._free_id(), filters))

    # --- what the server says ---

    def receive(self, data: bytes, now: datetime) -> Iterator[Event]:
        """What came, in order; to be taken to its end. A message is acknowledged once the caller asks for what follows it."""
        for packet in self._reader.feed(data):
            match packet:
                case Publish():
                    yield from self._arrived(packet)
                case Puback(number) | Pubcomp(number):
                    was = self._inflight.get(number)
                    fits = isinstance(was, Pubrel) if isinstance(packet, Pubcomp) else isinstance(was, Publish) and was.qos == 1
                    if fits:
                        del self._inflight[number]
                        self._refill(now)
                        yield Acknowledged(number)
                case Pubrec(number):
                    if number in self._inflight:
                        self._inflight[number] = Pubrel(number)
                    self._say(Pubrel(number), now)
                case Pubrel(number):
                    self._held.discard(number)
                    self._say(Pubcomp(number), now)
                case Suback(number) | Unsuback(number):
                    if self._asked.pop(number, None) is None:
                        raise ProtocolViolation("MQTT-3.8.4-2", f"an answer to packet {number}, which asked nothing")
                    yield packet
                case Pingresp():
                    self._pinged_at = None
                case Connack():
                    if self.welcome:
                        raise ProtocolViolation("MQTT-3.2.0-1", "a second CONNACK")
                    if packet.code == 0:
                        yield from self._resume(packet, now)
                    yield packet
                case _:
                    raise ProtocolViolation("", f"a {type(packet).__name__.upper()} from a server")

    # --- within ---

    def _resume(self, packet: Connack, now: datetime) -> Iterator[Acknowledged]:
        self._reader.only = None
        self.welcome = True
        if not packet.session_present:
            self._held.clear()
        for number, sent in list(self._inflight.items()):
            if isinstance(sent, Publish):
                self._say(msgspec.structs.replace(sent, dup=True), now)
            elif packet.session_present:
                self._say(sent, now)
            else:  # the server took it, and has forgotten that it did
                del self._inflight[number]
                yield Acknowledged(number)
        for asked in self._asked.values():
            self._say(asked, now)
        self._refill(now)

    def _arrived(self, packet: Publish) -> Iterator[Publish]:
        if packet.qos < 2:
            yield packet
            if packet.qos:
                self.output += encode(Puback(packet.packet_id))
            return
        if packet.packet_id not in self._held:
            self._held.add(packet.packet_id)
            yield packet
        self.output += encode(Pubrec(packet.packet_id))

    def _refill(self, now: datetime) -> None:
        while self._waiting and len(self._inflight) < WINDOW:
            packet = self._waiting.popleft()
            self._waiting_ids.discard(packet.packet_id)
            self._inflight[packet.packet_id] = packet
            self._say(packet, now)

    def _ask(self, packet: Subscribe | Unsubscribe) -> int:
        self._asked[packet.packet_id] = packet
        if self.welcome:
            self._say(packet, None)
        return packet.packet_id

    def _say(self, packet: Packet, now: datetime | None) -> None:
        self.output += encode(packet)
        if now is not None and self._pinged_at is None:
            self._spoke_at = now

    def _free_id(self) -> int:
        while True:
            number = self._next_id
            self._next_id = number % _LAST_ID + 1
            if number not in self._inflight and number not in self._waiting_ids and number not in self._asked:
                return number
