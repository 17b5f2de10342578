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

What is not kept: readings and status relayed to other platforms. They wait in memory while a platform is away (`Session.relayed`); what
a restart took of them is in the history.

5.0 gives a session an end: so many seconds after its connection's. Each connection and each end of one journals when that is; whoever
drives the sessions ends those that are due (`due`). A will that is to wait is journaled as well, with the moment it is due at, and its
publication takes it off in the same commit: once, also over a restart.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from heapq import heapify, heappop, heappush

import msgspec

from devices.credential import Credential
from devices.mqtt.entries import (
    Delivered,
    PacketIdHeld,
    PacketIdReleased,
    Received,
    Retained,
    SessionBegun,
    SessionEnded,
    SessionEntry,
    SessionLasts,
    Subscribed,
    Unsubscribed,
    WillSettled,
    WillWaits,
    later,
)
from devices.mqtt.filters import Interests
from devices.mqtt.packets import Will
from devices.mqtt.rights import may_receive
from devices.mqtt.session import Message, Session, SessionKey
from devices.mqtt.shelves import KINDS, Shelves, Status, Waiting

SNAPSHOTS = ("session/", *KINDS)
"""How the keys of snapshots begin."""
LIVE = 2**63
"""The sequence number of what happens now: later than every snapshot."""
_SLACK = 64


class _Image(msgspec.Struct, array_like=True):
    """A session as a snapshot holds it."""

    username: str
    begun_at: datetime | None
    subscriptions: dict[str, int]
    queue: list[Message]
    held: list[int]
    next_id: int
    dropped: int
    expiry_s: int | None = None
    ends_at: datetime | None = None
    ids: dict[str, int] = {}


class Sessions(Shelves):
    """All persistent sessions, and what waits for none of them in particular."""

    def __init__(self, credentials: Callable[[str], Credential | None]) -> None:
        super().__init__()
        self._credentials = credentials
        self._sessions: dict[SessionKey, Session] = {}
        self._of: dict[str, list[SessionKey]] = {}
        self._interests: Interests[SessionKey] = Interests()
        self._ends: list[tuple[datetime, SessionKey]] = []

    # --- for a connection ---

    def get(self, key: SessionKey) -> Session | None:
        """The session to resume, if there is one."""
        session = self._sessions.get(key)
        return None if session is None or session.ending or session.begun_at is None else session

    def of(self, username: str) -> list[Session]:
        """Every session of a user, the oldest first."""
        return [self._sessions[key] for key in self._of.get(username, [])]

    def all(self) -> Iterator[Session]:
        return iter(self._sessions.values())

    def count(self, username: str) -> int:
        return len(self._of.get(username, ()))

    def begin(self, key: SessionKey, username: str, now: datetime, expiry_s: int | None = None) -> tuple[Session, SessionBegun]:
        """A new session, usable at once, and the entry to journal; it is durable when that is folded."""
        return self._make(key, username, now, expiry_s), SessionBegun(key, username, now, expiry_s)

    def end(self, session: Session) -> SessionEnded:
        """Nobody resumes it from here on; it is gone when the entry is folded."""
        session.ending = True
        return SessionEnded(session.key)

    def leave(self, session: Session, expiry_s: int, now: datetime) -> SessionEnded | SessionLasts:
        """The connection of a session that has an end is over."""
        return SessionLasts(session.key, expiry_s, later(now, expiry_s)) if expiry_s else self.end(session)

    def due(self, now: datetime) -> list[Session]:
        """Sessions whose time is over; each is told once. One that somebody has again is not to be ended."""
        found: dict[SessionKey, Session] = {}
        while self._ends and self._ends[0][0] <= now:
            at, key = heappop(self._ends)
            session = self.get(key)
            if session is not None and session.ends_at == at:
                found[key] = session
        return list(found.values())

    def leave_will(self, key: SessionKey, username: str, will: Will, due_at: datetime) -> WillWaits:
        """It waits from now on, and over a restart when the entry is folded."""
        self.wait(key, Waiting(username, will, due_at))
        return WillWaits(key, username, will, due_at)

    # --- the fold ---

    def fold(self, entry: SessionEntry, seq: int = LIVE) -> None:
        match entry:
            case Retained(topic, payload, properties, expires_at, qos):
                self.retain(topic, Status(payload, properties, expires_at, qos))
                return
            case WillWaits(client, username, will, due_at):
                self.wait(client, Waiting(username, will, due_at))
                return
            case WillSettled(client, due_at):
                self.settle(client, due_at)
                return
            case Delivered(_, message) if self.keeps(message):
                self.hand_out(message)
        key = SessionKey(entry.client)
        session = self._sessions.get(key)
        if not key or (session is not None and seq <= session.as_of):
            return
        match entry:
            case SessionBegun():
                self._begun(key, session, entry)
            case SessionEnded():
                # One that was begun later and is already in use stays: its own beginning follows.
                if session is not None and (session.begun or session.begun_at is None):
                    self._remove(session)
            case PacketIdHeld(_, number):
                # The lane of calls is faster than the one in which its session's beginning waits.
                (session or self._make(key, "", None)).held.add(number)
            case _ if session is None or not session.begun:
                return
            case SessionLasts(_, expiry_s, ends_at):
                session.expiry_s = expiry_s
                self._end_at(session, ends_at)
            case Subscribed(_, filters, identifier):
                for text, options in filters:
                    self._subscribe(session, text, options, identifier)
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
            grant = session.granted(topic)
            if seq <= session.as_of:
                if id in session.queue:
                    holders.append(key)
            elif grant is not None and self._allowed(session, topic):
                session.enqueue(Message(id, topic, payload, grant.qos, expires_at=expires_at), at)
                self._touch(f"session/{key}")
                holders.append(key)
        if not holders:
            self.keep(Message(id, topic, payload, expires_at=expires_at), at)
        return holders

    def revoke(self, username: str, seq: int = LIVE) -> None:
        """The credential is void: its sessions end, and what it may not say any more, its wills may not say either."""
        self.drop_wills(username)
        for session in self.of(username):
            if seq > session.as_of:
                self._remove(session)

    def resumed(self, now: datetime) -> list[SessionEntry]:
        """Recovery is over: whatever is queued may have been sent by the process before, and whoever was connected is not.

        What is to be journaled: sessions that have an end begin to come to it.
        """
        for session in self._sessions.values():
            for message in session.queue.values():
                message.uncertain = True
        alone = [s for s in self._sessions.values() if s.begun and s.expiry_s is not None and s.ends_at is None]
        return [self.leave(session, session.expiry_s or 0, now) for session in alone]

    # --- snapshots ---

    def keys(self) -> Iterator[str]:
        """Every key that has a snapshot now."""
        yield from (f"session/{key}" for key in self._sessions)
        yield from super().keys()

    def snapshot(self, key: str) -> bytes:
        """The state under a key of `keys()` or `changed`; empty when there is none any more."""
        kind, _, name = key.partition("/")
        if kind != "session":
            return super().snapshot(key)
        session = self._sessions.get(SessionKey(name))
        if session is None or not session.begun:
            return b""
        return msgspec.msgpack.encode(_Image(
            session.username, session.begun_at, session.subscriptions, list(session.queue.values()), sorted(session.held),
            session.next_id, session.dropped, session.expiry_s, session.ends_at, session.ids,
        ))  # fmt: skip

    def restore(self, key: str, data: bytes, seq: int = 0) -> None:
        """Put a snapshot back that reflects the journal up to `seq`; what came after is then folded with its numbers."""
        kind, _, name = key.partition("/")
        if not data:
            return
        if kind != "session":
            super().restore(key, data)
            return
        image = msgspec.msgpack.decode(data, type=_Image)
        session = self._make(SessionKey(name), image.username, image.begun_at, image.expiry_s)
        session.begun, session.next_id, session.dropped = True, image.next_id, image.dropped
        session.as_of, session.held = seq, set(image.held)
        self._end_at(session, image.ends_at)
        for message in image.queue:
            message.done = False
            session.put(message)
        for text, options in image.subscriptions.items():
            self._subscribe(session, text, options, image.ids.get(text, 0))

    # --- within ---

    def _make(self, key: SessionKey, username: str, at: datetime | None, expiry_s: int | None = None) -> Session:
        old = self._sessions.get(key)
        if old is not None:
            self._remove(old)
        session = self._sessions[key] = Session(key, username, at, durable=True, expiry_s=expiry_s)
        self._of.setdefault(username, []).append(key)
        return session

    def _end_at(self, session: Session, at: datetime | None) -> None:
        session.ends_at = at
        if at is None:
            return
        heappush(self._ends, (at, session.key))
        if len(self._ends) > _SLACK + 2 * len(self._sessions):  # of who comes and goes often, only the last counts
            self._ends = [(s.ends_at, s.key) for s in self._sessions.values() if s.ends_at is not None]
            heapify(self._ends)

    def _remove(self, session: Session) -> None:
        for text in session.subscriptions:
            self._interests.discard(text, session.key)
        del self._sessions[session.key]
        of = self._of[session.username]
        of.remove(session.key)
        if not of:
            del self._of[session.username]
        self._touch(f"session/{session.key}")

    def _begun(self, key: SessionKey, session: Session | None, entry: SessionBegun) -> None:
        if session is None or session.begun or session.begun_at is None:
            early = set() if session is None or session.begun else session.held
            session = self._make(key, entry.username, entry.at, entry.expiry_s)
            session.held |= early
        if session.begun_at == entry.at:
            session.begun = True

    def _subscribe(self, session: Session, text: str, options: int, identifier: int) -> None:
        if text not in session.subscriptions:
            self._interests.add(text, session.key)
        session.subscribe(text, options, identifier)

    def _allowed(self, session: Session, topic: str) -> bool:
        credential = self._credentials(session.username)
        return credential is not None and may_receive(credential, topic)
