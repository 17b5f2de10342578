"""What goes to one client: its queue of commands, commands that wait under a topic, retained status, relayed reports.

Commands first. All of it waits here while the client's window or its socket's buffer is full; what is only relayed is bounded, and
a client that falls behind by more than the bound is cut off rather than given a stream with holes in it.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime

import msgspec

from devices.mqtt.rights import Rights
from devices.mqtt.server import Connection
from devices.mqtt.session import Message, Session
from devices.mqtt.sessions import Delivered, SessionEntry, Sessions

WINDOW = 20
RELAY_WINDOW = 500
"""Unacknowledged commands, and unacknowledged messages in all, on their way to one client."""
COMMANDS = 1000
"""That wait for a client whose session does not last; the oldest goes first."""
BACKLOG_MESSAGES = 4000
BACKLOG_BYTES = 1024 * 1024
"""Relayed messages that wait for one client."""


class Departures:
    def __init__(
        self, connection: Connection, session: Session, rights: Rights, sessions: Sessions, record: Callable[[SessionEntry], None],
    ) -> None:  # fmt: skip
        self._connection = connection
        self._session = session
        self._rights = rights
        self._sessions = sessions
        self._record = record
        self._commands: deque[Message] = deque()
        self._offered: set[str] = set()
        self._relayed: deque[Message] = deque()
        self._relayed_bytes = 0
        self._retained: OrderedDict[str, int] = OrderedDict()

    def granted(self, topic_filter: str, qos: int) -> None:
        """A subscription was made, or made again: what is retained and what is kept under its topics [MQTT-3.3.1-6, -3.8.4-3]."""
        self._retained.update((t, qos) for t in self._sessions.retained.matching(topic_filter) if self._rights.receiving(t))
        self.offer_kept(topic_filter, qos)

    def offer_kept(self, topic_filter: str, qos: int) -> None:
        for topic in self._sessions.kept.matching(topic_filter):
            if self._rights.receiving(topic):
                for message in self._sessions.kept.get(topic) or []:
                    self.offer(message, qos)

    def offer(self, message: Message, qos: int) -> None:
        """A command that is not in the session's own queue."""
        if message.id not in self._offered:
            self._offered.add(message.id)
            self._commands.append(self._passing(message, qos))
            if len(self._commands) > COMMANDS:
                self._offered.discard(self._commands.popleft().id)

    def relay(self, topic: str, payload: bytes, qos: int) -> bool:
        """A report or status as it was committed. False when the client is too far behind to be given more."""
        self._relayed.append(self._passing(Message("", topic, payload), qos))
        self._relayed_bytes += len(payload) + len(topic)
        return len(self._relayed) <= BACKLOG_MESSAGES and self._relayed_bytes <= BACKLOG_BYTES

    def pump(self, now: datetime, room: int) -> None:
        """Send what may be sent now: about `room` bytes, and what the window holds."""
        connection, stop = self._connection, len(self._connection.output) + room
        inflight = connection.inflight
        if self._session.durable:
            for message in list(self._session.queue.values()):
                if len(inflight) >= WINDOW or len(connection.output) >= stop:
                    break
                if message.done or message.packet_id in inflight:
                    continue
                if message.expired(now) and not message.sent:
                    self._finish(message)
                    continue
                self._send(message)
        while self._commands and len(inflight) < WINDOW and len(connection.output) < stop:
            message = self._commands.popleft()
            if message.expired(now):
                self._offered.discard(message.id)
            else:
                self._send(message)
        while self._retained and len(inflight) < RELAY_WINDOW and len(connection.output) < stop:
            topic, qos = self._retained.popitem(last=False)
            payload = self._sessions.retained.get(topic)
            if payload:
                self._send(self._passing(Message("", topic, payload, retain=True), qos))
        while self._relayed and len(inflight) < RELAY_WINDOW and len(connection.output) < stop:
            message = self._relayed.popleft()
            self._relayed_bytes -= len(message.payload) + len(message.topic)
            self._send(message)

    def completed(self, message: Message) -> None:
        """The client is done with it."""
        if message.id:
            self._finish(message)

    def _send(self, message: Message) -> None:
        self._connection.send(message)
        if not message.qos and message.id:
            self._finish(message)

    def _finish(self, message: Message) -> None:
        message.done = True
        self._offered.discard(message.id)
        if self._session.queue.get(message.id) is message:
            self._record(Delivered(self._session.key, message.id))
        elif self._sessions.keeps(message.id):
            self._record(Delivered("", message.id))

    def _passing(self, message: Message, qos: int) -> Message:
        """A copy for this connection alone. A restart forgets it, so to a session that outlasts one, more than QoS 1 would be a lie."""
        return msgspec.structs.replace(message, qos=min(qos, 1) if self._session.durable else qos, packet_id=0)
