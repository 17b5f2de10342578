"""The device's server: correct by default, wrong on demand, and a witness to every byte. No socket, no clock.

`open`, `receive` and `lost` bring what a device does; `take` gives what is to be sent to it now, `ended` whether its connection is then
to be closed; `advance` is due at `next_deadline`. What it does wrong on purpose stands in `behaviour`.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from heapq import heappop, heappush

import msgspec

from devices.mqtt.encode import encode
from devices.mqtt.filters import matches
from devices.mqtt.packets import (
    FIVE,
    LEVELS,
    Connack,
    Connect,
    Disconnect,
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
    Refusal,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
)
from simulator.certification.behaviour import Behaviour, Deal
from simulator.certification.line import Line, Session
from simulator.certification.reading import read
from simulator.certification.trace import Broke, Closed, Opened, Passed, Report, Side, Trace, Way
from simulator.virtual.speech import Identity
from simulator.wire import Channel, Stage

_encoder = msgspec.json.Encoder()
SWAPPED_WITHIN = timedelta(seconds=2)
"""A packet that waits to change places with a next one goes by itself after this."""


class Receipt(msgspec.Struct):
    id: str
    command: str
    alert: str
    stage: str


class Server:
    """For one device, whose `identity` says what it must use."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.trace = Trace()
        self.behaviour = Behaviour()
        self.lines: dict[int, Line] = {}
        self.sessions: dict[str, Session] = {}
        self._opened = 0
        self.held: list[tuple[int, Passed]] = []
        self.planned: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._turn = 0
        self._receipted: set[str] = set()
        self.commands = 0

    # --- driven by whoever has the sockets ---

    def open(self, now: datetime, secured: str = "") -> int | None:
        """A device connects; None: nobody is there."""
        if not self.behaviour.reachable:
            return None
        self._opened += 1
        self.lines[self._opened] = Line(self._opened, now)
        self.trace.add(Opened(self.trace.mark, now, self._opened, secured))
        return self._opened

    def receive(self, connection: int, data: bytes, now: datetime) -> None:
        line = self.lines.get(connection)
        if line is not None and not line.ended:
            how = self.behaviour
            if how.delay_up or how.bytes_per_second or line.up.due is not None:
                line.up.put(data, now, how.delay_up, how.bytes_per_second)
                data = line.up.take(now)
            self._take_in(line, data, now)

    def lost(self, connection: int, now: datetime) -> None:
        """The device, or its network, ended the connection."""
        line = self.lines.pop(connection, None)
        if line is not None and not line.ended:
            self.trace.add(Closed(self.trace.mark, now, connection, Side.DEVICE, will=self._has_will(line)))

    def take(self, connection: int, now: datetime) -> bytes:
        line = self.lines.get(connection)
        return b"" if line is None else line.down.take(now)

    def ended(self, connection: int) -> bool:
        """Nothing more will come out of it."""
        line = self.lines.get(connection)
        return line is None or (line.ended and line.down.due is None)

    @property
    def next_deadline(self) -> datetime | None:
        due = [self.planned[0][0]] if self.planned else []
        for line in self.lines.values():
            due += [moment for moment in (line.up.due, line.down.due) if moment is not None]
            ends = line.keep_alive_ends
            if ends is not None and not line.ended and not self.behaviour.mute:
                due.append(ends)
        return min(due, default=None)

    def advance(self, now: datetime) -> None:
        while self.planned and self.planned[0][0] <= now:
            heappop(self.planned)[2](now)
        for line in list(self.lines.values()):
            self._take_in(line, line.up.take(now), now)
            ends = line.keep_alive_ends
            if ends is not None and ends <= now and not line.ended and not self.behaviour.mute:
                self.end(line, now, "keep-alive passed")

    # --- of its own doing ---

    @property
    def current(self) -> Line | None:
        """The newest connection that was welcomed and stands."""
        return next((line for line in reversed(self.lines.values()) if line.welcomed and not line.ended), None)

    def command(self, payload: bytes, now: datetime, *, qos: int = 1) -> int:
        """To the device's command topic; kept for a client with a session. The packet identifier, 0 where there was nobody to tell."""
        topic = self.identity.topic(Channel.COMMAND)
        line = self.listener()
        if line is None:
            for session in self.sessions.values():
                if any(matches(text, topic) for text in session.filters):
                    return self._queue(session, topic, payload)
            return 0
        assert line.connect is not None
        session = self.sessions[line.connect.client_id]
        if not qos:
            self.send(line, Publish(topic, payload), now)
            return 0
        number = self._queue(session, topic, payload)
        self.send(line, Publish(topic, payload, 1, packet_id=number), now)
        return number

    def tell(self, stage: Stage, alert: str, now: datetime) -> None:
        """A receipt."""
        self.commands += 1
        self.command(_encoder.encode(Receipt(f"r{self.commands}", "receipt", alert, stage)), now)

    def later(self, due: datetime, deed: Callable[[datetime], None]) -> None:
        """Do this at a moment."""
        self._turn += 1
        heappush(self.planned, (due, self._turn, deed))

    def end(self, line: Line, now: datetime, why: str) -> None:
        """Of the bench's own doing."""
        if not line.ended:
            line.ended = True
            self.trace.add(Closed(self.trace.mark, now, line.number, Side.BENCH, why, will=self._has_will(line)))

    # --- what comes ---

    def _take_in(self, line: Line, data: bytes, now: datetime) -> None:
        if data and not line.ended:
            self._feed(line, data, now)

    def _feed(self, line: Line, data: bytes, now: datetime) -> None:
        allowed = self.behaviour.cut_after_bytes
        if allowed is not None:
            self.behaviour.cut_after_bytes = max(0, allowed - len(data))
            data = data[:allowed]
        line.heard_at = now
        line.bytes_up += len(data)
        try:
            for packet, raw in line.frames.feed(data):
                self._packet(line, packet, raw, now)
                if line.ended:
                    return
        except ProtocolViolation as wrong:
            self.trace.add(Broke(self.trace.mark, now, line.number, wrong.statement, wrong.reason, bytes(line.frames.rest[:4096])))
            self.end(line, now, "the device broke the protocol")
        if allowed is not None and not self.behaviour.cut_after_bytes:
            self.behaviour.cut_after_bytes = None
            self.end(line, now, "cut after so many bytes")

    def _packet(self, line: Line, packet: Packet, raw: bytes, now: datetime) -> None:
        channel, said = read(packet, now) if isinstance(packet, Publish) else (None, None)
        entry = Passed(
            self.trace.mark, now, line.number, Way.UP, packet, raw, channel, said, ignored=self.behaviour.mute,
        )  # fmt: skip
        deal = Deal.USUAL
        for rule in self.behaviour.rules:
            if rule.times > 0 and rule.match(entry):
                rule.times -= 1
                deal = rule.deal
                break
        if deal is Deal.IGNORE:
            entry = msgspec.structs.replace(entry, ignored=True)
        self.trace.add(entry)
        if deal is Deal.CUT:
            self.end(line, now, "cut before an answer")
        elif not entry.ignored:
            self._answer(line, entry, now)
            if deal is Deal.ANSWER_AND_CUT:
                self.end(line, now, "cut behind the answer")

    def _answer(self, line: Line, entry: Passed, now: datetime) -> None:
        match entry.packet:
            case Connect() as connect:
                self._greet(line, connect, now)
            case Subscribe(number, filters):
                self._subscribe(line, number, filters, now)
            case Unsubscribe(number, names):
                for name in names:
                    self.session_of(line).filters.pop(name, None)
                self.send(line, Unsuback(number, tuple(Reason.SUCCESS for _ in names) if line.level == FIVE else ()), now)
            case Publish(qos=0):
                self._receipt(entry, now)
            case Publish():
                if not self.behaviour.acknowledge:
                    self.held.append((line.number, entry))
                elif self.behaviour.acknowledge_after:
                    self.later(now + self.behaviour.acknowledge_after, lambda then: self.acknowledged(line, entry, then))
                else:
                    self.acknowledged(line, entry, now)
            case Pubrel(number):
                self.session_of(line).received.discard(number)
                self.send(line, Pubcomp(number), now)
            case Puback(number) | Pubcomp(number):
                self.session_of(line).unacknowledged.pop(number, None)
            case Pubrec(number):
                self.send(line, Pubrel(number), now)
            case Pingreq():
                if self.behaviour.pings:
                    self.send(line, Pingresp(), now)
            case Disconnect():
                line.said_goodbye = True
                self.end(line, now, "the device said goodbye")
            case packet:
                self.trace.add(Broke(self.trace.mark, now, line.number, "", f"a {type(packet).__name__.upper()} from a client", entry.raw))
                self.end(line, now, "the device broke the protocol")

    def _greet(self, line: Line, connect: Connect, now: datetime) -> None:
        line.connect = connect
        refusal = self._refusal(connect)
        if refusal:
            self.send(line, Connack(code=refusal), now)
            self.end(line, now, "refused")
            return
        for other in list(self.lines.values()):
            if other is not line and other.connect is not None and other.connect.client_id == connect.client_id:
                self.end(other, now, "taken over")
        present = connect.client_id in self.sessions and not connect.clean_session
        if not present:
            self.sessions[connect.client_id] = Session()
        line.frames.welcome()
        line.welcomed = True
        said = present if self.behaviour.session_present is None else self.behaviour.session_present
        self.send(line, Connack(said, 0, self.behaviour.welcome), now)
        for number, (topic, payload) in self.sessions[connect.client_id].unacknowledged.items():
            self.send(line, Publish(topic, payload, 1, dup=True, packet_id=number), now)

    def _refusal(self, connect: Connect) -> int:
        if self.behaviour.refuse:
            return self.behaviour.refuse
        if connect.level not in LEVELS:
            return Refusal.PROTOCOL_LEVEL
        right = connect.username == self.identity.username and connect.password == self.identity.password.encode()
        if self.behaviour.check_credentials and not right:
            return Reason.BAD_CREDENTIALS if connect.level == FIVE else Refusal.BAD_CREDENTIALS
        return 0

    def _subscribe(self, line: Line, number: int, filters: tuple[tuple[str, int], ...], now: datetime) -> None:
        codes = []
        for text, options in filters:
            code = min(options & 3, 1) if self.behaviour.grant is None else self.behaviour.grant
            codes.append(code)
            if code < 0x80:
                self.session_of(line).filters[text] = code
        self.send(line, Suback(number, tuple(codes)), now)
        if self.behaviour.retained:
            self.send(line, Publish(self.identity.topic(Channel.COMMAND), self.behaviour.retained, retain=True), now)

    def acknowledged(self, line: Line, entry: Passed, now: datetime) -> None:
        """A report is on disk, so to say: it is acknowledged, and a call gets its first receipt."""
        packet = entry.packet
        if line.ended or not isinstance(packet, Publish):
            return
        number = packet.packet_id if self.behaviour.acknowledge_as is None else self.behaviour.acknowledge_as(packet.packet_id)
        code = self.behaviour.acknowledge_code if line.level == FIVE else 0
        if packet.qos == 2:
            self.session_of(line).received.add(packet.packet_id)
            self.send(line, Pubrec(number, code), now)
        else:
            self.send(line, Puback(number, code), now)
        if not code:
            self._receipt(entry, now)

    def _receipt(self, entry: Passed, now: datetime) -> None:
        """A call that is new here gets its first."""
        said = entry.said
        if isinstance(said, Report) and said.is_alarm and self.behaviour.receipts and said.id not in self._receipted:
            self._receipted.add(said.id)
            alert = f"alert-{len(self._receipted)}"
            self.later(now + self.behaviour.receipt_after, lambda then: self.tell(Stage.ACCEPTED, alert, then))

    # --- within ---

    def send(self, line: Line, packet: Packet, now: datetime) -> None:
        if line.ended:
            return
        raw = encode(packet, line.level if line.level in LEVELS else 4)
        how = self.behaviour
        if how.corrupt is not None:
            raw = how.corrupt(packet, raw)
        for _ in range(2 if how.twice else 1):
            self.trace.add(Passed(self.trace.mark, now, line.number, Way.DOWN, packet, raw))
            if how.swap and line.kept is None and line.welcomed and not isinstance(packet, Connack):
                line.kept = raw
                self.later(now + SWAPPED_WITHIN, lambda then: self._let_go(line, then))
            else:
                line.down.put(raw, now, how.delay_down, how.bytes_per_second)
                self._let_go(line, now)

    def _let_go(self, line: Line, now: datetime) -> None:
        kept, line.kept = line.kept, None
        if kept is not None and not line.ended:
            line.down.put(kept, now, self.behaviour.delay_down, self.behaviour.bytes_per_second)

    def _queue(self, session: Session, topic: str, payload: bytes) -> int:
        number = session.next_id
        session.next_id = number % 0xFFFF + 1
        session.unacknowledged[number] = (topic, payload)
        return number

    def listener(self) -> Line | None:
        """The connection on which the device listens to its commands."""
        topic = self.identity.topic(Channel.COMMAND)
        for line in reversed(self.lines.values()):
            if line.welcomed and not line.ended and any(matches(text, topic) for text in self.session_of(line).filters):
                return line
        return None

    def session_of(self, line: Line) -> Session:
        assert line.connect is not None
        return self.sessions.setdefault(line.connect.client_id, Session())

    def _has_will(self, line: Line) -> bool:
        return line.welcomed and not line.said_goodbye and line.connect is not None and line.connect.will is not None
