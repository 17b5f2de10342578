"""What goes to one client: its queue of commands, commands that wait under a topic, retained status, relayed reports.

Commands first. All of it waits here while the client's window or its socket's buffer is full; what is only relayed is bounded, and
a client that falls behind by more than the bound is cut off rather than given a stream with holes in it.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime
from math import ceil

import msgspec

from devices.mqtt.entries import Delivered, SessionEntry
from devices.mqtt.packets import FIVE, Option
from devices.mqtt.properties import NONE, Properties
from devices.mqtt.rights import Rights
from devices.mqtt.server import Connection
from devices.mqtt.session import Grant, Message, Session
from devices.mqtt.sessions import Sessions
from gateway.mqtt.company import Beside

WINDOW = 20
RELAY_WINDOW = 500
"""Unacknowledged commands, and unacknowledged messages in all, on their way to one client; fewer when it takes fewer."""
COMMANDS = 1000
"""That wait for a client whose session does not last; the oldest goes first."""
BACKLOG_MESSAGES = 4000
BACKLOG_BYTES = 1024 * 1024
"""Relayed messages that wait for one client."""


class Departures:
    """One connection's. What it has not acknowledged of what was relayed stays with a session that lasts, for the next."""

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
        self._relayed = session.relayed or deque[Message]()
        self._relayed_bytes = sum(map(weight, self._relayed))
        session.relayed = None
        self._retained: OrderedDict[str, Grant] = OrderedDict()
        self._five = connection.terms.level == FIVE
        self._window = min(WINDOW, connection.terms.window)
        self._relay_window = min(RELAY_WINDOW, connection.terms.window)

    def granted(self, topic_filter: str, options: int, identifier: int = 0, *, new: bool = True) -> None:
        """A subscription was made, or made again: what is retained and what is kept under its topics [MQTT-3.3.1-6, -3.8.4-3].

        5.0 may ask for what is retained only with a subscription that is `new`, or not at all [MQTT-3.3.1-9, -10, -11 of 5.0].
        """
        qos = options & Option.QOS
        if not options & Option.NOTHING_RETAINED and (new or not options & Option.RETAINED_IF_NEW):
            grant = Grant(qos, (identifier,) if identifier else ())
            self._retained.update((t, grant) for t in self._sessions.retained.matching(topic_filter) if self._rights.receiving(t))
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

    def relay(self, message: Message) -> bool:
        """A report or status as it was committed. False when the client is too far behind to be given more."""
        self._relayed.append(message)
        self._relayed_bytes += weight(message)
        return len(self._relayed) <= BACKLOG_MESSAGES and self._relayed_bytes <= BACKLOG_BYTES

    def leave(self) -> None:
        """The connection is over."""
        if self._session.durable:
            begun = [message for message in self._connection.inflight.values() if not message.id]
            self._session.relayed = deque((*begun, *(message for message in self._relayed if message.qos))) or None

    def pump(self, now: datetime, room: int) -> None:
        """Send what may be sent now: about `room` bytes, and what the window holds."""
        connection, stop = self._connection, len(self._connection.output) + room
        inflight = connection.inflight
        if self._session.durable:
            for message in list(self._session.queue.values()):
                if len(inflight) >= self._window or len(connection.output) >= stop:
                    break
                if message.done or message.packet_id in inflight:
                    continue
                if message.expired(now) and not message.sent and not message.received:
                    self._finish(message)  # also one that the process before may have sent: better not at all than too late
                    continue
                self._send(message, now)
        while self._commands and len(inflight) < self._window and len(connection.output) < stop:
            message = self._commands.popleft()
            if message.expired(now):
                self._offered.discard(message.id)
            else:
                self._send(message, now)
        while self._retained and len(inflight) < self._relay_window and len(connection.output) < stop:
            topic, grant = self._retained.popitem(last=False)
            status = self._sessions.retained.get(topic)
            if status is not None and not status.expired(now):
                message = Message("", topic, status.payload, retain=True, expires_at=status.expires_at, properties=status.properties)
                if grant.ids:
                    message.properties = msgspec.structs.replace(message.properties, subscription_ids=grant.ids)
                self._send(self._passing(message, min(grant.qos, status.qos)), now)
        while self._relayed and len(inflight) < self._relay_window and len(connection.output) < stop:
            message = self._relayed.popleft()
            self._relayed_bytes -= weight(message)
            if message.sent or not message.expired(now):
                self._send(message, now)

    def completed(self, message: Message) -> None:
        """The client is done with it."""
        if message.id:
            self._finish(message)

    def _send(self, message: Message, now: datetime) -> None:
        sent = self._connection.send(message, self._beside(message, now) if self._five else NONE)
        if message.id and not (sent and message.qos):
            self._finish(message)

    def _beside(self, message: Message, now: datetime) -> Properties:
        """What is said with it: its publisher's properties, the time that is left to it, the subscriptions that it is sent for."""
        properties = message.properties
        if message.expires_at is not None:
            left = (message.expires_at - now).total_seconds()
            properties = msgspec.structs.replace(properties, message_expiry=max(0, ceil(left)))
        if message.id and self._session.ids:
            grant = self._session.granted(message.topic)
            if grant is not None and grant.ids:
                properties = msgspec.structs.replace(properties, subscription_ids=grant.ids)
        return properties

    def _finish(self, message: Message) -> None:
        message.done = True
        self._offered.discard(message.id)
        if self._session.queue.get(message.id) is message:
            self._record(Delivered(self._session.key, message.id))
        elif self._sessions.keeps(message.id):
            self._record(Delivered("", message.id))

    def _passing(self, message: Message, qos: int) -> Message:
        return passing(message, qos, durable=self._session.durable)


def passing(message: Message, qos: int, *, durable: bool) -> Message:
    """A copy for one client. A restart forgets it, so to a session that outlasts one, more than QoS 1 would be a lie."""
    return msgspec.structs.replace(message, qos=min(qos, 1) if durable else qos, packet_id=0)


def relayed(topic: str, payload: bytes, grant: Grant, beside: Beside | None, *, durable: bool) -> Message:
    """A report or status for one client. Without company it was published with QoS 1, and nothing was said of it."""
    message = Message("", topic, payload)
    qos = min(grant.qos, 1)
    if beside is not None:
        message.retain = beside.retain and grant.as_published
        message.properties, message.expires_at = beside.properties, beside.expires_at
        qos = min(grant.qos, beside.qos)
    if grant.ids:
        message.properties = msgspec.structs.replace(message.properties, subscription_ids=grant.ids)
    return passing(message, qos, durable=durable)


def weight(message: Message) -> int:
    return len(message.payload) + len(message.topic)
