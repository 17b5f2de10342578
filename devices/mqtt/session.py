"""One client's session: what it subscribes to, what waits for it, which identifiers are in use."""

from datetime import datetime
from typing import NewType

import msgspec

from devices.mqtt.filters import matches

SessionKey = NewType("SessionKey", str)
"""User name and client id: what the entries below call `client`."""


def session_key(username: str, client_id: str) -> SessionKey:
    """The user name's own slashes are escaped, so two pairs never make the same key."""
    return SessionKey(f"{username.replace('%', '%25').replace('/', '%2F')}/{client_id}")


QUEUE_MESSAGES = 1000
QUEUE_BYTES = 1_048_576
"""Of one session; the oldest goes first, and is counted."""
DURABLE_IDS = 0x8000
"""Packet identifiers below are given out with a queued command and last over a restart; those from it on belong to a connection."""
_REMEMBERED = 256


class Message(msgspec.Struct, array_like=True):
    """A message on its way to one client. `id` is the command's; empty for what is only relayed."""

    id: str
    topic: str
    payload: bytes
    qos: int = 1
    packet_id: int = 0
    expires_at: datetime | None = None
    received: bool = False
    """The client has it, and awaits PUBREL."""
    retain: bool = False
    sent: bool = False
    """It may have been sent before: once more is a duplicate."""
    done: bool = False
    """It need not be sent again, though the journal does not say so yet."""

    def expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


class Session:
    """One client's state between connections. `holding`: QoS 2 identifiers whose messages are not on disk yet, with who waits."""

    def __init__(self, key: SessionKey, username: str, begun_at: datetime | None, *, durable: bool) -> None:
        self.key = key
        self.username = username
        self.begun_at = begun_at
        self.durable = durable
        self.subscriptions: dict[str, int] = {}
        self._grants: dict[str, int | None] = {}
        self.queue: dict[str, Message] = {}
        self.queued_bytes = 0
        self.held: set[int] = set()
        self.holding: dict[int, object] = {}
        self.dropped = 0
        self.next_id = 1
        self._ids: set[int] = set()
        self.begun = False
        self.ending = False
        self.as_of = 0
        """The sequence number that the snapshot it was restored from reflects."""

    def subscribe(self, topic_filter: str, qos: int) -> None:
        """Instead of an identical filter's, if there is one [MQTT-3.8.4-3]."""
        self.subscriptions[topic_filter] = qos
        self._grants.clear()

    def unsubscribe(self, topic_filter: str) -> bool:
        """Whether there was such a subscription."""
        self._grants.clear()
        return self.subscriptions.pop(topic_filter, None) is not None

    def granted(self, topic: str) -> int | None:
        """The highest QoS of the subscriptions that match [MQTT-3.3.5-1]; None when none does."""
        if topic not in self._grants:
            if len(self._grants) >= _REMEMBERED:
                self._grants.clear()
            self._grants[topic] = max((qos for text, qos in self.subscriptions.items() if matches(text, topic)), default=None)
        return self._grants[topic]

    def enqueue(self, message: Message, now: datetime) -> None:
        """Add a command under an identifier of its own; the oldest make room when they have expired, or past the bounds."""
        if message.id in self.queue:
            return
        while self.queue and (oldest := next(iter(self.queue.values()))).expired(now):
            self.forget(oldest.id)
        while self.next_id in self._ids:
            self._step()
        message.packet_id = self.next_id
        self._step()
        self.put(message)
        while len(self.queue) > QUEUE_MESSAGES or self.queued_bytes > QUEUE_BYTES:
            self.forget(next(iter(self.queue)))
            self.dropped += 1

    def put(self, message: Message) -> None:
        """A command that has its identifier."""
        self.queue[message.id] = message
        self.queued_bytes += len(message.payload)
        self._ids.add(message.packet_id)

    def forget(self, message: str) -> None:
        old = self.queue.pop(message, None)
        if old is not None:
            self.queued_bytes -= len(old.payload)
            self._ids.discard(old.packet_id)

    def _step(self) -> None:
        self.next_id = self.next_id % (DURABLE_IDS - 1) + 1
