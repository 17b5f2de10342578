"""The endpoint's side of one connection, without its socket.

Theory of operation
-------------------
`receive(data, now)` yields what the client asks for; whoever drives the connection answers by a method, at once or when the disk has
it, and sends what then stands in `output`. Nothing is answered that was not told to be:

    Connect      -> accept(session) or refuse(code), before the next packet is looked at
    Arrival      -> stored(arrival), when the message is on disk
    Pubrel       -> complete(packet_id), when the identifier's release is
    Subscribe    -> grant(packet_id, codes)         Unsubscribe -> ungrant(packet_id)
    Received     -> release(packet_id)              Completed   -> nothing; there is room for one more
    Disconnect   -> the end, without a will

PUBACK and PUBREC leave in the order in which their messages came [MQTT-4.6.0-2, -3], although commits finish in an order of their
own: each is ready on its own, and goes when all before it have gone.

A ProtocolViolation out of `receive` ends the connection; what came before it in the same bytes has been yielded.
"""

from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from enum import Enum, auto

import msgspec

from devices.mqtt.encode import encode
from devices.mqtt.packets import (
    Connack,
    Connect,
    Disconnect,
    Kind,
    Packet,
    Pingreq,
    ProtocolViolation,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Refusal,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
)
from devices.mqtt.reader import Reader
from devices.mqtt.session import DURABLE_IDS, Message, Session

CONNECT_WITHIN = timedelta(seconds=10)
"""From the first byte possible to a whole CONNECT."""
_LAST_ID = 0xFFFF


class Arrival(msgspec.Struct, eq=False, gc=False):
    """A PUBLISH that came, and its place in the row of acknowledgements."""

    publish: Publish
    ready: bool = False


class Received(msgspec.Struct, frozen=True):
    """PUBREC: the client has a QoS 2 message."""

    message: Message


class Completed(msgspec.Struct, frozen=True):
    """PUBACK or PUBCOMP: the client is done with a message."""

    message: Message


Event = Connect | Arrival | Pubrel | Subscribe | Unsubscribe | Received | Completed | Disconnect


class Phase(Enum):
    GREETING = auto()
    OPEN = auto()
    CLOSED = auto()
    """Nothing that comes is looked at any more; `output` may still be sent."""


class Connection:
    """See above. `limit(topic)`: the longest payload held, in bytes."""

    def __init__(self, now: datetime, limit: Callable[[str], int]) -> None:
        self.phase = Phase.GREETING
        self.output = bytearray()
        self.heard_at = now
        self.inflight: dict[int, Message] = {}
        """Sent with QoS 1 or 2 and not completed, by packet identifier."""
        self._reader = Reader(limit, Kind.CONNECT)
        self._patience: timedelta | None = CONNECT_WITHIN
        self._session: Session | None = None
        self._rows: tuple[deque[Arrival], deque[Arrival]] = (deque(), deque())
        self._next_id = DURABLE_IDS

    @property
    def deadline(self) -> datetime | None:
        """When the client has been quiet for too long: 10 s for a CONNECT, one and a half keep-alives from then on [MQTT-3.1.2-24]."""
        return None if self._patience is None else self.heard_at + self._patience

    def receive(self, data: bytes, now: datetime) -> Iterator[Event]:
        """What the client asks for, in order; to be taken to its end."""
        if self.phase is Phase.CLOSED:
            return
        if self.phase is Phase.OPEN:  # a half-sent CONNECT buys no time
            self.heard_at = now
        for packet in self._reader.feed(data):
            if type(packet) is Publish:
                if packet.qos < 2:
                    arrival = Arrival(packet)
                    if packet.qos:
                        self._rows[0].append(arrival)
                    yield arrival
                else:
                    yield from self._exactly_once(packet)
            else:
                yield from self._controlled(packet, now)
            if self.phase is not Phase.OPEN:
                return

    # --- answers ---

    def accept(self, session: Session, *, present: bool) -> None:
        """Welcome. `present`: the session is one that was kept [MQTT-3.2.2-2]."""
        self._session = session
        self._reader.only = None
        self.phase = Phase.OPEN
        self.output += encode(Connack(present, 0))

    def refuse(self, code: Refusal) -> None:
        """No welcome; nothing that came behind the CONNECT is looked at [MQTT-3.1.4-5]."""
        self.output += encode(Connack(False, code))
        self.close()

    def close(self) -> None:
        self.phase = Phase.CLOSED

    def stored(self, arrival: Arrival) -> None:
        """The message is on disk, or will never have to be."""
        arrival.ready = True
        publish = arrival.publish
        if publish.qos == 2 and self._session is not None:
            if self._session.holding.get(publish.packet_id) is arrival:
                del self._session.holding[publish.packet_id]
            self._session.held.add(publish.packet_id)
        if publish.qos:
            self.acknowledge()

    def forget(self, arrival: Arrival) -> None:
        """The message was not taken and is not answered: what came behind it need not wait for it. The client sends it again later."""
        for row in self._rows:
            if arrival in row:
                row.remove(arrival)
        number = arrival.publish.packet_id
        if self._session is not None and self._session.holding.get(number) is arrival:
            del self._session.holding[number]
        self.acknowledge()

    def acknowledge(self) -> None:
        """Send the PUBACKs and PUBRECs whose turn it is."""
        for row, head in zip(self._rows, (b"\x40\x02", b"\x50\x02"), strict=True):
            while row and row[0].ready:
                self.output += head + row.popleft().publish.packet_id.to_bytes(2, "big")

    def complete(self, packet_id: int) -> None:
        assert self._session is not None
        self._session.held.discard(packet_id)
        self.output += encode(Pubcomp(packet_id))

    def grant(self, packet_id: int, codes: tuple[int, ...]) -> None:
        self.output += encode(Suback(packet_id, codes))

    def ungrant(self, packet_id: int) -> None:
        self.output += encode(Unsuback(packet_id))

    def release(self, packet_id: int) -> None:
        self.output += encode(Pubrel(packet_id))

    # --- sending ---

    def send(self, message: Message) -> None:
        """Send a message; what may have been sent before goes as a duplicate, of what was received only the PUBREL goes again."""
        if message.qos:
            if not message.packet_id:
                message.packet_id = self._free_id()
            self.inflight[message.packet_id] = message
            if message.received:
                self.release(message.packet_id)
                return
        self.output += encode(Publish(
            message.topic, message.payload, message.qos, message.retain, bool(message.qos and message.sent), message.packet_id,
        ))  # fmt: skip
        message.sent = True

    # --- within ---

    def _controlled(self, packet: Packet, now: datetime) -> Iterator[Event]:
        """Everything but a PUBLISH."""
        match packet:
            case Puback(number):
                yield from self._completed(number, 1)
            case Pubrec(number):
                message = self.inflight.get(number)
                if message is None or message.qos != 2:
                    # It is from before a restart, or sent twice: PUBREL lets the client forget it.
                    self.release(number)
                elif message.received:
                    self.release(number)
                else:
                    yield Received(message)
            case Pubcomp(number):
                yield from self._completed(number, 2)
            case Pubrel(number):
                yield from self._released(packet)
            case Pingreq():
                self.output += b"\xd0\x00"
            case Subscribe() | Unsubscribe():
                yield packet
            case Disconnect():
                self.close()
                yield packet
            case Connect():
                if self.phase is Phase.OPEN:
                    raise ProtocolViolation("MQTT-3.1.0-2", "a second CONNECT")
                self._patience = timedelta(seconds=packet.keep_alive * 1.5) if packet.keep_alive else None
                self.heard_at = now
                yield packet
            case _:
                raise ProtocolViolation("", f"a {type(packet).__name__.upper()} from a client")

    def _exactly_once(self, packet: Publish) -> Iterator[Arrival]:
        """A QoS 2 message; one whose identifier is held already is the same message, and is only answered again [MQTT-4.3.3-2]."""
        session = self._session
        assert session is not None
        number, row = packet.packet_id, self._rows[1]
        before = session.holding.get(number)
        if isinstance(before, Arrival):
            if not any(arrival is before for arrival in row):
                row.append(before)  # it came on the connection before this one, and is not on disk yet
        elif number in session.held:
            row.append(Arrival(packet, ready=True))
            self.acknowledge()
        else:
            arrival = Arrival(packet)
            session.holding[number] = arrival
            row.append(arrival)
            yield arrival

    def _released(self, packet: Pubrel) -> Iterator[Pubrel]:
        session = self._session
        assert session is not None
        if packet.packet_id in session.holding:
            raise ProtocolViolation("MQTT-4.3.3-1", "a PUBREL before its PUBREC")
        if packet.packet_id in session.held:
            yield packet
        else:
            self.output += encode(Pubcomp(packet.packet_id))

    def _completed(self, number: int, qos: int) -> Iterator[Completed]:
        message = self.inflight.get(number)
        if message is not None and message.qos == qos:
            del self.inflight[number]
            yield Completed(message)

    def _free_id(self) -> int:
        while True:
            number = self._next_id
            self._next_id = DURABLE_IDS if number == _LAST_ID else number + 1
            if number not in self.inflight:
                return number
