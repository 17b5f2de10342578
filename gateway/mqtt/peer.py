"""One client of the endpoint: its socket, its place among the others, what it asks for.

Every bound is this client's alone. Past what it may have sent and not on disk, its socket is left unread (`arrivals.py`); past what
it may leave unread itself, it is cut off. Packets are bounded in the reader, queued commands in the session, relayed reports in
`departures.py`.
"""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, cast

from devices.mqtt.entries import PacketIdReleased, SessionEntry
from devices.mqtt.entries import Received as TakenByClient
from devices.mqtt.packets import (
    Connect,
    Disconnect,
    Option,
    ProtocolViolation,
    Pubrel,
    Reason,
    Refusal,
    Subscribe,
    Unsubscribe,
    Will,
)
from devices.mqtt.server import Arrival, Completed, Connection, Event, Received
from devices.mqtt.session import Message, Session
from devices.mqtt.terms import lasting
from gateway.mqtt.arrivals import Arrivals, limit
from gateway.mqtt.company import Beside
from gateway.mqtt.departures import Departures, relayed
from gateway.mqtt.door import DELAY, Caller, Refused
from gateway.mqtt.subscriptions import Subscriptions

if TYPE_CHECKING:
    from devices.mqtt.rights import Rights
    from gateway.mqtt.listener import Listener

UNSENT_BYTES = 1024 * 1024
"""What a client may leave unread before it is cut off."""
SLICE_BYTES = 16 * 1024
"""Of what one client sent, taken at once: about a millisecond."""
SEND_AHEAD_BYTES = 64 * 1024
"""What we send of ourselves waits on our side while more than this is in the socket's buffer."""
LOOK = timedelta(minutes=1)
"""How often a connection's keep-alive is looked at, however long it is: what has ended meanwhile is let go of."""
LINGER = timedelta(seconds=10)
"""How long a connection that has ended may take to read its last words, and to end its own side."""


class Peer(asyncio.Protocol):
    """Made for each socket that is accepted. `session` is None until its CONNECT is taken."""

    def __init__(self, listener: "Listener", caller: Caller) -> None:
        self._listener = listener
        self.caller = caller
        self.connection = Connection(listener.now, self._limit)
        self.session: Session | None = None
        self.rights: Rights | None = None
        self.arrivals: Arrivals | None = None
        self.departures: Departures | None = None
        self.ended = False
        self.expiry_s: int | None = None
        """Seconds that its session outlasts the connection; None: for ever."""
        self.subscriptions: Subscriptions | None = None
        self.routed: set[str] = set()
        """The filters under which what is committed reaches it."""
        self._transport: asyncio.Transport | None = None
        self._will: Will | None = None
        self._paused = False
        self._writable = True
        self._rest = b""
        """Of one read, what has not been looked at yet."""

    @property
    def username(self) -> str:
        return "" if self.rights is None else self.rights.credential.username

    # --- asyncio's side ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=SEND_AHEAD_BYTES)
        self._listener.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        rest, self._rest = self._rest, b""
        self._take(rest)  # what it had said before it went was heard
        self._transport = None
        self.end(will=True)
        self._listener.lost(self)

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self.pump()

    def data_received(self, data: bytes) -> None:
        """A hub that empties its memory sends a quarter of a MiB at once: it is taken in slices, and everybody else between them."""
        if self._rest:  # a layer above the socket may still have something to give
            self._rest += data
            return
        self._take(data[:SLICE_BYTES])
        if len(data) > SLICE_BYTES and not self.ended:
            self._rest = data[SLICE_BYTES:]
            if self._transport is not None and not self._paused:
                self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._take_more)

    def _take_more(self) -> None:
        piece, self._rest = self._rest[:SLICE_BYTES], self._rest[SLICE_BYTES:]
        self._take(piece)
        if self.ended:
            self._rest = b""
        elif self._rest:
            asyncio.get_running_loop().call_soon(self._take_more)
        elif self._transport is not None and not self._paused:
            self._transport.resume_reading()

    def _take(self, data: bytes) -> None:
        try:
            for event in self.connection.receive(data, self._listener.now):
                if type(event) is Arrival:
                    assert self.arrivals is not None
                    self.arrivals.take(event, self._listener.now)
                else:
                    self._asked(event)
        except ProtocolViolation as violation:
            self._listener.violated(self, violation)
            self.end(violation.code, str(violation), will=True)
        if self._transport is not None and not self._paused and not self.ended and self.arrivals is not None and self.arrivals.too_much:
            self._paused = True
            self._transport.pause_reading()
        self.wake()

    def _limit(self, topic: str) -> int:
        return limit(self.rights, topic)

    def _stored(self) -> None:
        """Messages of this client are on disk: `flush` sees to all that are by then."""
        if self.ended:
            if self.arrivals is not None:
                self.arrivals.looked()
            self._listener.settled(self)
        else:
            self._listener.wake(self)

    def _forgotten(self, arrival: Arrival) -> None:
        """A message of this client was left with it: it sends it again when it comes again, which is seen to once there is room."""
        for peer in (self, self._listener.heir(self)):
            if peer is not None and not peer.ended:
                peer.connection.forget(arrival)
                if arrival.publish.qos:
                    self._listener.owing[peer] = None
        self._stored()

    def listen_again(self) -> None:
        """Read on, if too much waited and no longer does."""
        if self._paused and self._transport is not None and self.arrivals is not None and not self.arrivals.too_much:
            self._paused = False
            if not self._rest:
                self._transport.resume_reading()

    # --- what it asks for ---

    def _asked(self, event: Event) -> None:
        if isinstance(event, Connect):
            self._greet(event)
            return
        session, departures, subscriptions = self.session, self.departures, self.subscriptions
        assert session is not None
        assert departures is not None
        assert subscriptions is not None
        match event:
            case Pubrel(number):
                self._change(PacketIdReleased(session.key, number), partial(self.connection.complete, number))
            case Subscribe():
                subscriptions.ask(event)
            case Unsubscribe():
                subscriptions.end(event)
            case Received(message):
                if session.queue.get(message.id) is message:
                    self._change(TakenByClient(session.key, message.id), partial(self._release, message))
                else:
                    self._release(message)
            case Completed(message):
                departures.completed(message)
                self.pump()
            case Disconnect(code, properties):
                if properties.session_expiry is not None:
                    self.expiry_s = lasting(properties.session_expiry)
                self.end(will=code != Reason.SUCCESS)  # [MQTT-3.14.4-3]

    def _change(self, entry: SessionEntry, then: Callable[[], None]) -> None:
        """For a session that lasts, `then` comes when the entry is on disk; for one that does not, now."""
        assert self.session is not None
        if self.session.durable:
            self._listener.intake.record(entry, partial(self._on_disk, then))
        else:
            then()

    def _on_disk(self, then: Callable[[], None]) -> None:
        if not self.ended:
            then()
            self.wake()

    def _greet(self, connect: Connect) -> None:
        if connect.properties.authentication_method is not None:
            self.connection.refuse(Reason.BAD_AUTHENTICATION_METHOD, "there is no enhanced authentication here, passwords and certificates")
            self.end(will=False)
            return
        answer = self._listener.admit(self, connect)
        if isinstance(answer, Refused):
            if answer.late:
                self.connection.close()
                self._listener.wheel.put(partial(self._refuse, answer.code), self._listener.now + DELAY)
            else:
                self.connection.refuse(answer.code, answer.why)
                self.end(will=False)
            return
        session, self.rights = answer.session, answer.rights
        self.session, self.expiry_s = session, self.connection.terms.expiry_s
        self.connection.accept(session, present=answer.present, assigned=answer.assigned)
        intake = self._listener.intake
        self.arrivals = Arrivals(
            self.connection, session, self.rights, intake, self._listener.company,
            refused=self._listener.refused, stored=self._stored, forgotten=self._forgotten,
        )  # fmt: skip
        self.arrivals.hears_itself = session.hears_itself
        self.departures = Departures(self.connection, session, self.rights, self._listener.sessions, intake.record)
        if connect.will is not None and self.arrivals.admit_will(connect.will):
            self._will = connect.will
        self.subscriptions = Subscriptions(
            self.connection, session, self.rights, self.departures,
            change=self._change, route=partial(self._listener.route, self), unroute=partial(self._listener.unroute, self),
            changed=self._subscribed,
        )  # fmt: skip
        self._watch(self._listener.now)
        for text, options in session.subscriptions.items():
            self._listener.route(self, text)
            self.departures.offer_kept(text, options & Option.QOS)
        self.pump()

    def _subscribed(self) -> None:
        assert self.session is not None
        assert self.arrivals is not None
        self.arrivals.hears_itself = self.session.hears_itself
        self.pump()

    def _release(self, message: Message) -> None:
        message.received = True
        self.connection.release(message.packet_id)

    # --- what goes to it ---

    def pump(self) -> None:
        if self.departures is not None and self._writable and not self.ended:
            self.departures.pump(self._listener.now, SEND_AHEAD_BYTES)
            self.wake()

    def offer(self, message: Message) -> None:
        """A command was issued; the sessions that last have it in their queue already."""
        if self.session is None or self.rights is None or self.departures is None or message.id in self.session.queue:
            return
        grant = self.session.granted(message.topic)
        if grant is not None and self.rights.receiving(message.topic):
            self.departures.offer(message, grant.qos)
            self.pump()

    def relay(self, topic: str, payload: bytes, beside: Beside | None) -> None:
        """A report or status was committed."""
        if self.session is None or self.rights is None or self.departures is None:
            return
        own = beside is not None and beside.publisher == self.session.key
        grant = self.session.granted_own(topic) if own else self.session.granted(topic)
        if grant is None or not self.rights.receiving(topic):
            return
        if self.departures.relay(relayed(topic, payload, grant, beside, durable=self.session.durable)):
            self.pump()
        else:
            why = "it reads what is relayed to it too slowly"
            self._listener.told(self, why)
            self.end(Reason.QUOTA_EXCEEDED, why, will=True)

    def wake(self) -> None:
        if self.connection.output:
            self._listener.wake(self)

    def flush(self) -> None:
        """Send what the connection has to say, and read on where there was too much to. A client that does not read is cut off."""
        if self.arrivals is not None and not self.ended:
            self.arrivals.looked()
            self.listen_again()
        self.connection.acknowledge()
        output = self.connection.output
        if not output or self._transport is None:
            return
        self._transport.write(bytes(output))
        output.clear()
        if self._transport.get_write_buffer_size() > UNSENT_BYTES:
            self.cut_off(f"{UNSENT_BYTES} bytes unread by the client")

    # --- the end ---

    def _refuse(self, code: Refusal, _now: datetime) -> None:
        if not self.ended:
            self.connection.refuse(code)
            self.end(will=False)

    def _watch(self, now: datetime) -> None:
        """Its keep-alive: at most one such look is ahead of a connection."""
        if self.ended:
            return
        if self._paused:
            self.connection.heard_at = now  # it is we who do not listen: its silence says nothing
        deadline = self.connection.deadline
        if deadline is not None and deadline <= now:
            self.end(Reason.KEEP_ALIVE_TIMEOUT, will=True)
        elif deadline is not None:
            self._listener.wheel.put(self._watch, min(deadline, now + LOOK))

    def _linger(self, _now: datetime) -> None:
        self.abort()

    def cut_off(self, why: str) -> None:
        self._listener.told(self, why)
        transport, self._transport = self._transport, None
        self.end(will=True)
        if transport is not None:
            transport.abort()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Not waiting for the client to close its side."""
        if self._transport is not None:
            self._transport.close()

    def end(self, code: Reason | None = None, why: str = "", *, will: bool) -> None:
        """Once: its will, unless it said good-bye; what stands in `output` is still sent. `code`, `why`: for a client that can be told."""
        if self.ended:
            return
        self.ended = True
        if self.arrivals is not None:
            self.arrivals.looked()
        self.connection.acknowledge()  # what is on disk is said to be so, before the last word
        if code is not None:
            self.connection.break_off(code, why)
        self.connection.close()
        if self.session is not None:
            self._listener.left(self)
            if will and self._will is not None:
                self._listener.wills.left(self.session, self._will, self.expiry_s, self._listener.now)
        told = bool(self.connection.output)
        if self._transport is not None:
            self.flush()
        if self._transport is not None:
            if not (told and finish(self._transport)):
                self._transport.close()
            self._listener.wheel.put(self._linger, self._listener.now + LINGER)


def finish(line: asyncio.Transport) -> bool:
    """End our side of it alone, where that can be done; what still comes is read past until the client ends the other.

    A line closed while the client talks is reset, and the client hears of that instead of what it was told.
    """
    if line.can_write_eof() and not line.get_write_buffer_size():
        with contextlib.suppress(OSError):  # the client is gone already
            line.write_eof()
            line.resume_reading()
            return True
    return False
