"""A device's side of MQTT 3.1.1 or 5.0, as its CONNECT says, without its socket: for fleets of thousands of virtual kits in one process.

`open(now)` begins a connection and `lost()` ends it; between them `receive` takes bytes, and `output` is what to send. What was
published with QoS 1 or 2 and not acknowledged is kept over connections and sent again as a duplicate, in its order [MQTT-4.4.0-1,
-4.6.0-1]. Time is an argument: `next_deadline` says when `advance(now)` is due.

In 5.0 it keeps to what the server takes (receive maximum, packet size, keep alive), comes back under the client id that it was given,
and says a topic once: from then on a number stands for it, if the server takes numbers.
"""

from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from devices.mqtt.encode import encode
from devices.mqtt.packets import (
    FIVE,
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
    Publish,
    Pubrec,
    Pubrel,
    Reason,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
)
from devices.mqtt.properties import NONE, Properties
from devices.mqtt.reader import Reader

LIMIT = 4 * 1024 * 1024
WINDOW = 20
"""Unacknowledged messages on the way at a time; further ones wait here."""
_LAST_ID = 0xFFFF


class Acknowledged(msgspec.Struct, frozen=True):
    """PUBACK or PUBCOMP for the message that `publish` gave this number. In 5.0 a `code` from 0x80 on: the server did not take it."""

    packet_id: int
    code: int = 0


class Silent(Exception):  # noqa: N818 - a state of the world
    """The server did not answer a PINGREQ within a keep-alive: the connection is dead."""


Event = Connack | Publish | Acknowledged | Suback | Unsuback | Disconnect


class Client:
    """`connect` is said anew at each `open`. With a clean session too, what was not acknowledged is sent again.

    A Disconnect is a server's of 5.0 that says why it hangs up.
    """

    def __init__(self, connect: Connect) -> None:
        self.connect = connect
        self.output = bytearray()
        self.welcome = False
        """Whether the server has accepted this connection."""
        self._level = connect.level
        self._server = NONE
        self._aliases: dict[str, int] = {}
        self._reader = self._new_reader()
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
        self._reader = self._new_reader()
        self.output = bytearray(encode(self.connect))
        self.welcome = False
        self._server = NONE
        self._aliases.clear()
        self._spoke_at, self._pinged_at = now, None

    def lost(self) -> None:
        """The socket is gone; what is not acknowledged waits for the next `open`."""
        self.welcome = False
        self.output = bytearray()
        self._asked.clear()
        self._spoke_at = self._pinged_at = None

    def close(self, code: int = Reason.SUCCESS, properties: Properties = NONE) -> None:
        """Say good-bye: no will, unless a `code` of 5.0 asks for it."""
        self.output += encode(Disconnect(code, properties), self._level)
        self.welcome = False

    @property
    def next_deadline(self) -> datetime | None:
        """A PINGREQ is due, or the answer to one."""
        asked = self._server.server_keep_alive
        keep_alive = self.connect.keep_alive if asked is None else asked  # [MQTT-3.2.2-21]
        if self._spoke_at is None or not keep_alive:
            return None
        return (self._pinged_at or self._spoke_at) + timedelta(seconds=keep_alive)

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

    def publish(
        self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False, now: datetime | None = None, properties: Properties = NONE,
    ) -> int:  # fmt: skip
        """Send, or keep until there is a connection. The number it is acknowledged by; QoS 0 has none, and is lost without one.

        Raises ValueError for what the server has said is too long for it; of what had to wait until then, `receive` tells.
        """
        if qos == 0:
            if self.welcome and not self._send(Publish(topic, payload, 0, retain, properties=properties), now):
                raise ValueError(f"{len(payload)} bytes are more than the server takes")
            return 0
        number = self._free_id()
        packet = Publish(topic, payload, qos, retain, packet_id=number, properties=properties)
        if self.welcome and len(self._inflight) < self._window and not self._waiting:
            if not self._send(packet, now):
                raise ValueError(f"{len(payload)} bytes are more than the server takes")
            self._inflight[number] = packet
        else:
            self._waiting.append(packet)
            self._waiting_ids.add(number)
        return number

    def subscribe(self, filters: tuple[tuple[str, int], ...], properties: Properties = NONE) -> int:
        return self._ask(Subscribe(self._free_id(), filters, properties))

    def unsubscribe(self, filters: tuple[str, ...], properties: Properties = NONE) -> int:
        return self._ask(Unsubscribe(self._free_id(), filters, properties))

    # --- what the server says ---

    def receive(self, data: bytes, now: datetime) -> Iterator[Event]:
        """What came, in order; to be taken to its end. A message is acknowledged once the caller asks for what follows it."""
        for packet in self._reader.feed(data):
            match packet:
                case Publish():
                    yield from self._arrived(packet)
                case Puback(number, code) | Pubcomp(number, code):
                    was = self._inflight.get(number)
                    fits = isinstance(was, Pubrel) if isinstance(packet, Pubcomp) else isinstance(was, Publish) and was.qos == 1
                    if fits:
                        yield from self._settled(number, code, now)
                case Pubrec(number, code) if code >= REFUSED:
                    if isinstance(self._inflight.get(number), Publish):
                        yield from self._settled(number, code, now)
                case Pubrec(number):
                    known = number in self._inflight
                    if known:
                        self._inflight[number] = Pubrel(number)
                    self._say(Pubrel(number) if known else Pubrel(number, Reason.PACKET_ID_NOT_FOUND), now)
                case Pubrel(number):
                    known = number in self._held
                    self._held.discard(number)
                    self._say(Pubcomp(number) if known else Pubcomp(number, Reason.PACKET_ID_NOT_FOUND), now)
                case Suback(number) | Unsuback(number):
                    if self._asked.pop(number, None) is None:
                        raise ProtocolViolation("MQTT-3.8.4-2", f"an answer to packet {number}, which asked nothing")
                    yield packet
                case Pingresp():
                    self._pinged_at = None
                case Connack():
                    if self.welcome:
                        raise ProtocolViolation("MQTT-3.2.0-1", "a second CONNACK", Reason.PROTOCOL_ERROR)
                    if packet.code == 0:
                        yield from self._resume(packet, now)
                    yield packet
                case Disconnect() if self._level == FIVE:
                    self.welcome = False
                    yield packet
                case _:
                    raise ProtocolViolation("", f"a {type(packet).__name__.upper()} from a server", Reason.PROTOCOL_ERROR)

    # --- within ---

    @property
    def _window(self) -> int:
        return min(WINDOW, self._server.receive_maximum or WINDOW)

    def _new_reader(self) -> Reader:
        asked = self.connect.properties
        aliases, largest = asked.topic_alias_maximum or 0, asked.maximum_packet_size
        return Reader(lambda _: LIMIT, Kind.CONNACK, self._level, aliases=aliases, largest=largest)

    def _resume(self, packet: Connack, now: datetime) -> Iterator[Acknowledged]:
        self._reader.only = None
        self.welcome = True
        self._server = packet.properties
        if self._server.assigned_client_id is not None:
            self.connect = msgspec.structs.replace(self.connect, client_id=self._server.assigned_client_id)
        if not packet.session_present:
            self._held.clear()
        again = packet.session_present or self._level != FIVE
        before, self._inflight = self._inflight, {}
        for number, sent in before.items():
            if isinstance(sent, Publish):
                self._waiting_ids.add(number)
            elif packet.session_present:
                self._inflight[number] = sent
                self._say(sent, now)
            else:  # the server took it, and has forgotten that it did
                yield Acknowledged(number)
        first = [msgspec.structs.replace(sent, dup=again) for sent in before.values() if isinstance(sent, Publish)]
        self._waiting.extendleft(reversed(first))
        for asked in self._asked.values():
            self._say(asked, now)
        yield from self._refill(now)

    def _settled(self, number: int, code: int, now: datetime) -> Iterator[Acknowledged]:
        del self._inflight[number]
        refused = list(self._refill(now))
        yield Acknowledged(number, code)
        yield from refused

    def _arrived(self, packet: Publish) -> Iterator[Publish]:
        if packet.qos < 2:
            yield packet
            if packet.qos:
                self._say(Puback(packet.packet_id), None)
            return
        if packet.packet_id not in self._held:
            self._held.add(packet.packet_id)
            most = self.connect.properties.receive_maximum
            if most is not None and len(self._held) > most:
                raise ProtocolViolation("MQTT-3.3.4-9", f"more than {most} messages at a time", Reason.RECEIVE_MAXIMUM_EXCEEDED)
            yield packet
        self._say(Pubrec(packet.packet_id), None)

    def _refill(self, now: datetime) -> Iterator[Acknowledged]:
        while self._waiting and len(self._inflight) < self._window:
            packet = self._waiting.popleft()
            self._waiting_ids.discard(packet.packet_id)
            if self._send(packet, now):
                self._inflight[packet.packet_id] = packet
            else:
                yield Acknowledged(packet.packet_id, Reason.PACKET_TOO_LARGE)

    def _ask(self, packet: Subscribe | Unsubscribe) -> int:
        self._asked[packet.packet_id] = packet
        if self.welcome:
            self._say(packet, None)
        return packet.packet_id

    def _send(self, packet: Publish, now: datetime | None) -> bool:
        """False: it is longer than the server takes [MQTT-3.2.2-15]."""
        said = packet
        if self._server.topic_alias_maximum:
            alias = self._aliases.get(packet.topic)
            known = alias is not None
            if alias is None and len(self._aliases) < self._server.topic_alias_maximum:
                alias = len(self._aliases) + 1
            if alias is not None:
                properties = msgspec.structs.replace(packet.properties, topic_alias=alias)
                said = msgspec.structs.replace(packet, topic="" if known else packet.topic, properties=properties)
        data = encode(said, self._level)
        if self._server.maximum_packet_size is not None and len(data) > self._server.maximum_packet_size:
            return False
        if said.properties.topic_alias is not None:
            self._aliases[packet.topic] = said.properties.topic_alias
        self._spoke(data, now)
        return True

    def _say(self, packet: Packet, now: datetime | None) -> None:
        self._spoke(encode(packet, self._level), now)

    def _spoke(self, data: bytes, now: datetime | None) -> None:
        self.output += data
        if now is not None and self._pinged_at is None:
            self._spoke_at = now

    def _free_id(self) -> int:
        while True:
            number = self._next_id
            self._next_id = number % _LAST_ID + 1
            if number not in self._inflight and number not in self._waiting_ids and number not in self._asked:
                return number
