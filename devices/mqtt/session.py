"""One client's session: what it subscribes to, what waits for it, which identifiers are in use."""

from collections import deque  # noqa: TC003 - msgspec reads annotations
from datetime import datetime
from typing import NewType

import msgspec

from devices.mqtt.filters import matches
from devices.mqtt.packets import Option
from devices.mqtt.properties import NONE, Properties

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
    properties: Properties = NONE
    """What its publisher said of it; only of what is relayed or retained."""
    uncertain: bool = False
    """Perhaps the process before has sent it."""

    def expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


class Grant(msgspec.Struct, frozen=True):
    """What a session's subscriptions say of a message: at most this QoS, with these identifiers, with its publisher's retain flag."""

    qos: int
    ids: tuple[int, ...] = ()
    as_published: bool = False


class Session:
    """One client's state between connections. `holding`: QoS 2 identifiers whose messages are not on disk yet, with who waits.

    `subscriptions` are their options (`Option`). `expiry_s`: how long the session outlasts its connection, None for ever; `ends_at`:
    when that is, while nobody has it.
    """

    def __init__(self, key: SessionKey, username: str, begun_at: datetime | None, *, durable: bool, expiry_s: int | None = None) -> None:
        self.key = key
        self.username = username
        self.begun_at = begun_at
        self.durable = durable
        self.expiry_s = expiry_s
        self.ends_at: datetime | None = None
        self.subscriptions: dict[str, int] = {}
        self.ids: dict[str, int] = {}
        """The subscriptions that have an identifier."""
        self._grants: dict[str, Grant | None] = {}
        self.queue: dict[str, Message] = {}
        self.queued_bytes = 0
        self.held: set[int] = set()
        self.holding: dict[int, object] = {}
        self.dropped = 0
        self.next_id = 1
        self.relayed: deque[Message] | None = None
        """What was relayed to it and is not acknowledged, while nobody has it. No snapshot holds it: a restart forgets it."""
        self.next_passing_id = DURABLE_IDS
        self._ids: set[int] = set()
        self.begun = False
        self.ending = False
        self.as_of = 0
        """The sequence number that the snapshot it was restored from reflects."""

    @property
    def hears_itself(self) -> bool:
        """Whether none of its subscriptions says No Local."""
        return not any(options & Option.NO_LOCAL for options in self.subscriptions.values())

    def subscribe(self, topic_filter: str, options: int, identifier: int = 0) -> None:
        """Instead of an identical filter's, if there is one [MQTT-3.8.4-3]."""
        self.subscriptions[topic_filter] = options
        self.ids.pop(topic_filter, None)
        if identifier:
            self.ids[topic_filter] = identifier
        self._grants.clear()

    def unsubscribe(self, topic_filter: str) -> bool:
        """Whether there was such a subscription."""
        self._grants.clear()
        self.ids.pop(topic_filter, None)
        return self.subscriptions.pop(topic_filter, None) is not None

    def granted(self, topic: str) -> Grant | None:
        """The highest QoS of the subscriptions that match [MQTT-3.3.5-1], the identifiers of all of them; None when none does."""
        if topic not in self._grants:
            if len(self._grants) >= _REMEMBERED:
                self._grants.clear()
            self._grants[topic] = self._grant(topic, 0)
        return self._grants[topic]

    def granted_own(self, topic: str) -> Grant | None:
        """The same for what the client itself has published: not by a subscription that says No Local [MQTT-3.8.3-3 of 5.0]."""
        return self._grant(topic, Option.NO_LOCAL)

    def _grant(self, topic: str, without: int) -> Grant | None:
        found = [text for text, options in self.subscriptions.items() if not options & without and matches(text, topic)]
        if not found:
            return None
        options = [self.subscriptions[text] for text in found]
        ids = tuple(self.ids[text] for text in found if text in self.ids)
        return Grant(max(o & Option.QOS for o in options), ids, any(o & Option.AS_PUBLISHED for o in options))

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
