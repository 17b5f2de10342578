"""What the endpoint must remember of its sessions over a restart, as a fold of journaled entries.

Theory of operation
-------------------
`fold(entry)` and `command(…)` are called in the order of the journal, when a commit has happened and again in recovery; from the
same entries they give the same state. A live connection reads the same `Session` objects that the fold changes, so the two cannot
disagree. What it has done and the disk does not know yet is marked in fields that no snapshot holds (`Session.begun`, `.ending`,
`.holding`, `Message.sent`, `.done`): they say "do not do it twice", never "it is safe".

A client id belongs to its user name: sessions are named by both, so another credential cannot take one over.

A command is queued for every persistent session that subscribes to its topic and may receive it. When there is none (a kit that was
never connected, or one that always connects clean), it is kept under its topic, the last 32 that have not expired, and offered to
whoever subscribes there until one of them has it: the receipt to a person in need should not depend on how her kit was programmed.
The fold gives each queued command its packet identifier, so that what is sent again after a restart carries the identifier it had
before [MQTT-4.4.0-1] and a QoS 2 receiver knows it [MQTT-4.3.3-2].

Snapshots roll: each key has its own row, which reflects the journal up to a number of its own. Recovery restores the rows with their
numbers and folds everything since the oldest; a session ignores what its row already reflects. Where two rows of different age leave
it open whether a command was delivered, it is kept: twice is better than never, and commands carry an id.

What is not kept: readings and status relayed to other platforms. They get them live; what they missed is in the history.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import msgspec

from devices.credential import Credential
from devices.mqtt.filters import Interests, Shelf
from devices.mqtt.rights import may_receive
from devices.mqtt.session import Message, Session, SessionKey


class SessionBegun(msgspec.Struct, frozen=True, array_like=True, tag="s:new", gc=False):
    """A persistent session was made (clean session 0), or made anew."""

    client: str
    username: str
    at: datetime


class SessionEnded(msgspec.Struct, frozen=True, array_like=True, tag="s:end", gc=False):
    """Discarded: by a clean connect, by expiry, or because its credential was revoked."""

    client: str


class Subscribed(msgspec.Struct, frozen=True, array_like=True, tag="s:sub", gc=False):
    client: str
    filters: tuple[tuple[str, int], ...]
    """(topic filter, granted QoS)"""


class Unsubscribed(msgspec.Struct, frozen=True, array_like=True, tag="s:uns", gc=False):
    client: str
    filters: tuple[str, ...]


class PacketIdHeld(msgspec.Struct, frozen=True, array_like=True, tag="s:hold", gc=False):
    """A QoS 2 PUBLISH was taken under this id; another one before its PUBREL is the same message."""

    client: str
    packet_id: int


class PacketIdReleased(msgspec.Struct, frozen=True, array_like=True, tag="s:rel", gc=False):
    client: str
    packet_id: int


class Received(msgspec.Struct, frozen=True, array_like=True, tag="s:rec", gc=False):
    """The client has a QoS 2 message of ours (PUBREC came): from here on only its PUBREL may be sent again [MQTT-4.3.3-1]."""

    client: str
    message: str


class Delivered(msgspec.Struct, frozen=True, array_like=True, tag="s:dlv", gc=False):
    """The client has the message for good: PUBACK or PUBCOMP came, or it was sent at QoS 0, or it expired.

    `client` is empty for a command that was kept under its topic.
    """

    client: str
    message: str


class Retained(msgspec.Struct, frozen=True, array_like=True, tag="s:ret", gc=False):
    """The retained `status` of a topic; an empty payload forgets it."""

    topic: str
    payload: bytes


SessionEntry = SessionBegun | SessionEnded | Subscribed | Unsubscribed | PacketIdHeld | PacketIdReleased | Received | Delivered | Retained

KEPT_MESSAGES = 32
"""Of one topic that no session holds."""
RETAINED_BYTES = 4096
"""Longest status that is retained."""
RETAINED_TOPICS = 256
"""Of one home."""
LIVE = 2**63
"""The sequence number of what happens now: later than every snapshot."""
EARLIEST = datetime.min.replace(tzinfo=UTC)


class _Image(msgspec.Struct, array_like=True):
    """A session as a snapshot holds it."""

    username: str
    begun_at: datetime | None
    subscriptions: dict[str, int]
    queue: list[Message]
    held: list[int]
    next_id: int
    dropped: int


class Sessions:
    """All persistent sessions, the commands that none of them holds, and the retained status of every topic."""

    def __init__(self, credentials: Callable[[str], Credential | None]) -> None:
        self._credentials = credentials
        self._sessions: dict[SessionKey, Session] = {}
        self._of: dict[str, list[SessionKey]] = {}
        self._interests: Interests[SessionKey] = Interests()
        self.kept: Shelf[list[Message]] = Shelf()
        self.retained: Shelf[bytes] = Shelf()
        self._kept_under: dict[str, str] = {}
        self.changed: dict[str, None] = {}
        """Keys whose snapshot is older than the state, the longest waiting first; whoever takes a snapshot removes its key."""

    # --- for a connection ---

    def get(self, key: SessionKey) -> Session | None:
        """The session to resume, if there is one."""
        session = self._sessions.get(key)
        return None if session is None or session.ending or session.begun_at is None else session

    def of(self, username: str) -> list[Session]:
        """Every session of a user, the oldest first."""
        return [self._sessions[key] for key in self._of.get(username, [])]

    def count(self, username: str) -> int:
        return len(self._of.get(username, ()))

    def begin(self, key: SessionKey, username: str, now: datetime) -> tuple[Session, SessionBegun]:
        """A new session, usable at once, and the entry to journal; it is durable when that is folded."""
        return self._make(key, username, now), SessionBegun(key, username, now)

    def keeps(self, message: str) -> bool:
        """Whether the command waits under its topic, for anybody."""
        return message in self._kept_under

    def end(self, session: Session) -> SessionEnded:
        """Nobody resumes it from here on; it is gone when the entry is folded."""
        session.ending = True
        return SessionEnded(session.key)

    # --- the fold ---

    def fold(self, entry: SessionEntry, seq: int = LIVE) -> None:
        match entry:
            case Retained(topic, payload):
                self._retain(topic, payload)
                return
            case Delivered(_, message) if message in self._kept_under:
                self._hand_out(message)
        key = SessionKey(entry.client)
        session = self._sessions.get(key)
        if not key or (session is not None and seq <= session.as_of):
            return
        match entry:
            case SessionBegun(_, username, at):
                self._begun(key, session, username, at)
            case SessionEnded():
                # One that was begun later and is already in use stays: its own beginning follows.
                if session is not None and (session.begun or session.begun_at is None):
                    self._remove(session)
            case PacketIdHeld(_, number):
                # The lane of calls is faster than the one in which its session's beginning waits.
                (session or self._make(key, "", None)).held.add(number)
            case _ if session is None or not session.begun:
                return
            case Subscribed(_, filters):
                for text, qos in filters:
                    self._subscribe(session, text, qos)
            case Unsubscribed(_, names):
                for text in names:
                    if session.unsubscribe(text):
                        self._interests.discard(text, key)
            case PacketIdReleased(_, number):
                session.held.discard(number)
            case Received(_, message):
                if message in session.queue:
                    session.queue[message].received = True
            case Delivered(_, message):
                session.forget(message)
        self._touch(f"session/{key}")

    def command(
        self, id: str, topic: str, payload: bytes, at: datetime, expires_at: datetime | None, *, seq: int = LIVE,  # noqa: A002
    ) -> list[SessionKey]:  # fmt: skip
        """A command was issued at `at`. The sessions that it was queued for; kept under its topic when there are none."""
        holders = []
        for key in self._interests.find(topic):
            session = self._sessions[key]
            qos = session.granted(topic)
            if seq <= session.as_of:
                if id in session.queue:
                    holders.append(key)
            elif qos is not None and self._allowed(session, topic):
                session.enqueue(Message(id, topic, payload, qos, expires_at=expires_at), at)
                self._touch(f"session/{key}")
                holders.append(key)
        if not holders:
            self._keep(Message(id, topic, payload, expires_at=expires_at), at)
        return holders

    def revoke(self, username: str, seq: int = LIVE) -> None:
        """The credential is void: its sessions end."""
        for session in self.of(username):
            if seq > session.as_of:
                self._remove(session)

    def resumed(self) -> None:
        """Recovery is over: whatever is queued may have been sent by the process before."""
        for session in self._sessions.values():
            for message in session.queue.values():
                message.sent = True

    # --- snapshots ---

    def keys(self) -> Iterator[str]:
        """Every key that has a snapshot now."""
        yield from (f"session/{key}" for key in self._sessions)
        yield from (f"retained/{topic}" for topic in self.retained.topics())
        yield from (f"kept/{topic}" for topic in self.kept.topics())

    def snapshot(self, key: str) -> bytes:
        """The state under a key of `keys()` or `changed`; empty when there is none any more."""
        kind, _, name = key.partition("/")
        if kind == "retained":
            return self.retained.get(name) or b""
        if kind == "kept":
            kept = self.kept.get(name)
            return msgspec.msgpack.encode(kept) if kept else b""
        session = self._sessions.get(SessionKey(name))
        if session is None or not session.begun:
            return b""
        return msgspec.msgpack.encode(_Image(
            session.username, session.begun_at, session.subscriptions, list(session.queue.values()), sorted(session.held),
            session.next_id, session.dropped,
        ))  # fmt: skip

    def restore(self, key: str, data: bytes, seq: int = 0) -> None:
        """Put a snapshot back that reflects the journal up to `seq`; what came after is then folded with its numbers."""
        kind, _, name = key.partition("/")
        if not data:
            return
        if kind == "retained":
            self.retained.put(name, data)
        elif kind == "kept":
            for message in msgspec.msgpack.decode(data, type=list[Message]):
                self._keep(message, EARLIEST)
        else:
            image = msgspec.msgpack.decode(data, type=_Image)
            session = self._make(SessionKey(name), image.username, image.begun_at)
            session.begun, session.next_id, session.dropped = True, image.next_id, image.dropped
            session.as_of, session.held = seq, set(image.held)
            for message in image.queue:
                message.done = False
                session.put(message)
            for text, qos in image.subscriptions.items():
                self._subscribe(session, text, qos)

    # --- within ---

    def _make(self, key: SessionKey, username: str, at: datetime | None) -> Session:
        old = self._sessions.get(key)
        if old is not None:
            self._remove(old)
        session = self._sessions[key] = Session(key, username, at, durable=True)
        self._of.setdefault(username, []).append(key)
        return session

    def _remove(self, session: Session) -> None:
        for text in session.subscriptions:
            self._interests.discard(text, session.key)
        del self._sessions[session.key]
        of = self._of[session.username]
        of.remove(session.key)
        if not of:
            del self._of[session.username]
        self._touch(f"session/{session.key}")

    def _begun(self, key: SessionKey, session: Session | None, username: str, at: datetime) -> None:
        if session is None or session.begun or session.begun_at is None:
            early = set() if session is None or session.begun else session.held
            session = self._make(key, username, at)
            session.held |= early
        if session.begun_at == at:
            session.begun = True

    def _subscribe(self, session: Session, text: str, qos: int) -> None:
        if text not in session.subscriptions:
            self._interests.add(text, session.key)
        session.subscribe(text, qos)

    def _keep(self, message: Message, now: datetime) -> None:
        before = self.kept.get(message.topic) or []
        kept = [m for m in before if not m.expired(now) and m.id != message.id][1 - KEPT_MESSAGES :]
        for old in before:
            self._kept_under.pop(old.id, None)
        kept.append(message)
        self.kept.put(message.topic, kept)
        self._kept_under.update((m.id, m.topic) for m in kept)
        self._touch(f"kept/{message.topic}")

    def _hand_out(self, message: str) -> None:
        topic = self._kept_under.pop(message)
        left = [m for m in self.kept.get(topic) or [] if m.id != message]
        if left:
            self.kept.put(topic, left)
        else:
            self.kept.remove(topic)
        self._touch(f"kept/{topic}")

    def _retain(self, topic: str, payload: bytes) -> None:
        if not payload:
            self.retained.remove(topic)
        elif len(payload) <= RETAINED_BYTES and (self.retained.get(topic) is not None or self.retained.beside(topic) < RETAINED_TOPICS):
            self.retained.put(topic, payload)
        self._touch(f"retained/{topic}")

    def _allowed(self, session: Session, topic: str) -> bool:
        credential = self._credentials(session.username)
        return credential is not None and may_receive(credential, topic)

    def _touch(self, key: str) -> None:
        self.changed[key] = None
