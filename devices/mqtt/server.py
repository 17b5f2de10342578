"""The endpoint's side of one connection, without its socket.

Theory of operation
-------------------
`receive(data, now)` yields what the client asks for; whoever drives the connection answers by a method, at once or when the disk has
it, and sends what then stands in `output`. Nothing is answered that was not told to be:

    Connect      -> accept(session) or refuse(code), before the next packet is looked at
    Arrival      -> stored(arrival), when the message is on disk; reject(arrival), when it may not be
    Pubrel       -> complete(packet_id), when the identifier's release is
    Subscribe    -> grant(packet_id, codes)         Unsubscribe -> ungrant(packet_id)
    Received     -> release(packet_id)              Completed   -> nothing; there is room for one more
    Disconnect   -> the end, without a will

PUBACK and PUBREC leave in the order in which their messages came [MQTT-4.6.0-2, -3], although commits finish in an order of their
own: each is ready on its own, and goes when all before it have gone.

A ProtocolViolation out of `receive` ends the connection; what came before it in the same bytes has been yielded. `break_off` tells a
client of 5.0 why, and is silent to one of 3.1.1.

5.0 bounds what may be under way (`terms.py`). A client that has sent more than it may is told so when all of a segment is taken: what
has come whole is heard first, it may be a call. We send it no more than it asked for, and no packet longer than it takes (`send` says
so); no topic is given a number by us, since a kit hears a command a week.
"""

from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from enum import Enum, auto

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
    ProtocolViolation,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Reason,
    Refusal,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
)
from devices.mqtt.properties import NONE, Properties
from devices.mqtt.reader import Reader
from devices.mqtt.session import DURABLE_IDS, Message, Session
from devices.mqtt.terms import ANY_NUMBER, OF_311, PACKET_LIMIT, REASONS, RECEIVE_MAXIMUM, TOPIC_ALIASES, WELCOME, Terms, because, terms

CONNECT_WITHIN = timedelta(seconds=10)
"""From the first byte possible to a whole CONNECT."""

class Arrival(msgspec.Struct, eq=False, gc=False):
    """A PUBLISH that came, and its place in the row of acknowledgements. `code` and `why`: how it was rejected."""

    publish: Publish
    ready: bool = False
    code: int = 0
    why: str = ""


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


_OPEN, _CLOSED = Phase.OPEN, Phase.CLOSED
"""Named here, for a member of an enumeration is slow to find, and these are asked for with every packet."""


class Connection:
    """See above. `limit(topic)`: the longest payload held, in bytes."""

    def __init__(self, now: datetime, limit: Callable[[str], int]) -> None:
        self.phase = Phase.GREETING
        self.output = bytearray()
        self.heard_at = now
        self.inflight: dict[int, Message] = {}
        """Sent with QoS 1 or 2 and not completed, by packet identifier."""
        self.terms = OF_311
        """What the client has said of itself."""
        self._five = False
        self._unreleased: set[int] | None = None
        self._too_many = False
        """Of a client of 5.0: identifiers of QoS 2 that it has used on this connection and not been given back."""
        self._reader = Reader(limit, Kind.CONNECT, aliases=TOPIC_ALIASES, largest=PACKET_LIMIT, names_subscriptions=False)
        self._patience: timedelta | None = CONNECT_WITHIN
        self._session: Session | None = None
        self._rows: tuple[deque[Arrival], deque[Arrival]] = (deque(), deque())

    @property
    def deadline(self) -> datetime | None:
        """When the client has been quiet for too long: 10 s for a CONNECT, one and a half keep-alives from then on [MQTT-3.1.2-24]."""
        return None if self._patience is None else self.heard_at + self._patience

    def receive(self, data: bytes, now: datetime) -> Iterator[Event]:
        """What the client asks for, in order; to be taken to its end."""
        if self.phase is _CLOSED:
            return
        if self.phase is _OPEN:  # a half-sent CONNECT buys no time
            self.heard_at = now
        for packet in self._reader.feed(data):
            if type(packet) is Publish:
                if packet.qos < 2:
                    arrival = Arrival(packet)
                    if packet.qos:
                        self._rows[0].append(arrival)
                        if self._unreleased is not None:
                            self._count()
                    yield arrival
                else:
                    yield from self._exactly_once(packet)
            else:
                yield from self._controlled(packet, now)
            if self.phase is not _OPEN:
                return
        if self._too_many:
            reason = f"more than {RECEIVE_MAXIMUM} messages that are not acknowledged"
            raise ProtocolViolation("MQTT-3.3.4-7", reason, Reason.RECEIVE_MAXIMUM_EXCEEDED)

    # --- answers ---

    def accept(self, session: Session, *, present: bool, assigned: str | None = None) -> None:
        """Welcome. `present`: the session is one that was kept [MQTT-3.2.2-2]. `assigned`: the client id that it had none of."""
        self._session = session
        self._reader.only = None
        self.phase = Phase.OPEN
        self._say(Connack(present, 0, WELCOME if assigned is None else msgspec.structs.replace(WELCOME, assigned_client_id=assigned)))

    def refuse(self, code: Refusal | Reason, why: str = "") -> None:
        """No welcome; nothing that came behind the CONNECT is looked at [MQTT-3.1.4-5]. A Reason is for clients of 5.0 alone."""
        if self._five and isinstance(code, Refusal):
            code = REASONS[code]
        self._say(Connack(False, code, because(why)))
        self.close()

    def break_off(self, code: Reason, why: str = "") -> None:
        """The end, said first to a client that can be told; nothing more is heard."""
        if self.phase is Phase.OPEN:
            if self._five:
                self._say(Disconnect(code, because(why)))
        elif self.phase is Phase.GREETING and self._reader.level == FIVE:  # its CONNECT could not be read to its end
            self.terms = Terms(FIVE)
            self._say(Connack(False, code, because(why)))
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

    def reject(self, arrival: Arrival, code: Reason, why: str) -> None:
        """The message is not taken and must not come again. 3.1.1 has no word for that: there it is acknowledged [MQTT-3.3.5-2]."""
        if self._five:
            arrival.ready, arrival.code, arrival.why = True, code, why
            self._let_go(arrival)
            self.acknowledge()
        else:
            self.stored(arrival)

    def forget(self, arrival: Arrival) -> None:
        """The message was not taken and is not answered: what came behind it need not wait for it. The client sends it again later."""
        for row in self._rows:
            if arrival in row:
                row.remove(arrival)
        self._let_go(arrival)
        self.acknowledge()

    def acknowledge(self) -> None:
        """Send the PUBACKs and PUBRECs whose turn it is, unless the last word is said. Of QoS 1, `ready` is: on disk."""
        if self.phase is _CLOSED:
            return
        for row, head in zip(self._rows, (b"\x40\x02", b"\x50\x02"), strict=True):
            while row and row[0].ready:
                arrival = row.popleft()
                if arrival.code:
                    self._rejected(arrival)
                else:
                    self.output += head + arrival.publish.packet_id.to_bytes(2, "big")

    def complete(self, packet_id: int) -> None:
        assert self._session is not None
        self._session.held.discard(packet_id)
        self._give_back(packet_id)
        self._say(Pubcomp(packet_id))

    def grant(self, packet_id: int, codes: tuple[int, ...]) -> None:
        """A code for each filter; 3.1.1 knows one for all that are not granted."""
        self._say(Suback(packet_id, codes if self._five else tuple(min(code, REFUSED) for code in codes)))

    def ungrant(self, packet_id: int, codes: tuple[int, ...] = ()) -> None:
        self._say(Unsuback(packet_id, codes))

    def release(self, packet_id: int) -> None:
        self._say(Pubrel(packet_id))

    # --- sending ---

    def send(self, message: Message, properties: Properties = NONE) -> bool:
        """Send a message; what may have been sent before goes as a duplicate, of what was received only the PUBREL goes again.

        False: it is longer than the client takes, which is as if it had been sent and taken [MQTT-3.1.2-25].
        """
        if message.qos and not message.packet_id:
            message.packet_id = self._free_id()
        if message.qos and message.received:
            self.inflight[message.packet_id] = message
            self.release(message.packet_id)
            return True
        again = message.qos > 0 and (message.sent or message.uncertain)
        packet = encode(
            Publish(message.topic, message.payload, message.qos, message.retain, again, message.packet_id, 0, properties), self.terms.level,
        )  # fmt: skip
        if not self.terms.fits(packet):
            return False
        if message.qos:
            self.inflight[message.packet_id] = message
        self.output += packet
        message.sent = True
        return True

    # --- within ---

    def _controlled(self, packet: Packet, now: datetime) -> Iterator[Event]:
        """Everything but a PUBLISH."""
        match packet:
            case Puback(number):
                yield from self._completed(number, 1)
            case Pubrec(number, code):
                message = self.inflight.get(number)
                if message is None or message.qos != 2:
                    if code < REFUSED:  # it is from before a restart, or sent twice: PUBREL lets the client forget it
                        self._say(Pubrel(number, Reason.PACKET_ID_NOT_FOUND))
                elif code >= REFUSED:  # the client will not have it, and that is the end of it [MQTT-4.3.3-4]
                    yield from self._completed(number, 2)
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
                if packet.properties.session_expiry and self.terms.expiry_s == 0:
                    reason = "a session that was to end with its connection is to last (3.14.2.2.2)"
                    raise ProtocolViolation("", reason, Reason.PROTOCOL_ERROR)
                self.close()
                yield packet
            case Connect():
                if self.phase is Phase.OPEN:
                    raise ProtocolViolation("MQTT-3.1.0-2", "a second CONNECT", Reason.PROTOCOL_ERROR)
                self._patience = timedelta(seconds=packet.keep_alive * 1.5) if packet.keep_alive else None
                self.heard_at = now
                self.terms = terms(packet)
                self._five = self.terms.level == FIVE
                if self._five:
                    self._unreleased = set()
                yield packet
            case _:
                raise ProtocolViolation("", f"a {type(packet).__name__.upper()} from a client", Reason.PROTOCOL_ERROR)

    def _exactly_once(self, packet: Publish) -> Iterator[Arrival]:
        """A QoS 2 message; one whose identifier is held already is the same message, and is only answered again [MQTT-4.3.3-2]."""
        session = self._session
        assert session is not None
        number, row = packet.packet_id, self._rows[1]
        if self._unreleased is not None:
            self._unreleased.add(number)
            self._count()
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
            raise ProtocolViolation("MQTT-4.3.3-1", "a PUBREL before its PUBREC", Reason.PROTOCOL_ERROR)
        if packet.packet_id in session.held:
            yield packet
        else:
            self._give_back(packet.packet_id)
            self._say(Pubcomp(packet.packet_id, Reason.PACKET_ID_NOT_FOUND))

    def _let_go(self, arrival: Arrival) -> None:
        """Its identifier is not held for it any more."""
        number = arrival.publish.packet_id
        if self._session is not None and self._session.holding.get(number) is arrival:
            del self._session.holding[number]

    def _count(self) -> None:
        """What came with the message too many may release others; that it was too many then, stands."""
        if self._unreleased is not None and len(self._rows[0]) + len(self._unreleased) > RECEIVE_MAXIMUM:
            self._too_many = True

    def _give_back(self, packet_id: int) -> None:
        if self._unreleased is not None:
            self._unreleased.discard(packet_id)

    def _rejected(self, arrival: Arrival) -> None:
        number = arrival.publish.packet_id
        said = because(arrival.why) if self.terms.explains else NONE
        if arrival.publish.qos == 2:
            self._give_back(number)
            self._say(Pubrec(number, arrival.code, said))
        else:
            self._say(Puback(number, arrival.code, said))

    def _completed(self, number: int, qos: int) -> Iterator[Completed]:
        message = self.inflight.get(number)
        if message is not None and message.qos == qos:
            del self.inflight[number]
            yield Completed(message)

    def _say(self, packet: Connack | Disconnect | Puback | Pubrec | Pubrel | Pubcomp | Suback | Unsuback) -> None:
        """With its reason, unless that makes it longer than the client takes [MQTT-3.2.2-19, -3.4.2-2, …]."""
        data = encode(packet, self.terms.level)
        if not self.terms.fits(data) and packet.properties is not NONE:
            data = encode(msgspec.structs.replace(packet, properties=NONE), self.terms.level)
        if self.terms.fits(data):
            self.output += data

    def _free_id(self) -> int:
        """The session counts on from connection to connection: what an earlier one left behind keeps its identifiers [MQTT-4.4.0-1]."""
        session = self._session
        assert session is not None
        while True:
            number = session.next_passing_id
            session.next_passing_id = DURABLE_IDS if number == ANY_NUMBER else number + 1
            if number not in self.inflight:
                return number
