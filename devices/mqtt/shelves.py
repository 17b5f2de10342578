"""What waits for no session in particular: commands that none of them holds, the retained status of every topic, wills not due yet.

Each change is noted in `changed`, under the key that its snapshot has.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from heapq import heapify, heappop, heappush

import msgspec

from devices.mqtt.filters import Shelf
from devices.mqtt.packets import Will
from devices.mqtt.properties import NONE, Properties
from devices.mqtt.session import Message

KEPT_MESSAGES = 32
"""Of one topic that no session holds."""
RETAINED_BYTES = 4096
"""Longest status that is retained, its properties included."""
RETAINED_TOPICS = 256
"""Of one home."""
KINDS = ("kept/", "retained/", "status/", "will/")
"""How the keys of their snapshots begin. `retained/` is of a time when a status was its payload alone."""
_SLACK = 64
_EARLIEST = datetime.min.replace(tzinfo=UTC)


class Status(msgspec.Struct, frozen=True, array_like=True):
    """A retained message."""

    payload: bytes
    properties: Properties = NONE
    expires_at: datetime | None = None
    qos: int = 1

    def expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


class Waiting(msgspec.Struct, frozen=True, array_like=True):
    """A will whose client has gone, to be published unless its client comes back before (3.1.3.2.2)."""

    username: str
    will: Will
    due_at: datetime


class Shelves:
    def __init__(self) -> None:
        self.kept: Shelf[list[Message]] = Shelf()
        self.retained: Shelf[Status] = Shelf()
        self.wills: dict[str, Waiting] = {}
        """By session key."""
        self._due: list[tuple[datetime, str]] = []
        self._taken: set[tuple[str, datetime]] = set()
        self._kept_under: dict[str, str] = {}
        self.changed: dict[str, None] = {}
        """Keys whose snapshot is older than the state, the longest waiting first; whoever takes a snapshot removes its key."""

    def status(self, topic: str) -> bytes | None:
        """The payload that is retained there."""
        status = self.retained.get(topic)
        return None if status is None else status.payload

    def keeps(self, message: str) -> bool:
        """Whether the command waits under its topic, for anybody."""
        return message in self._kept_under

    def keep(self, message: Message, now: datetime) -> None:
        before = self.kept.get(message.topic) or []
        kept = [m for m in before if not m.expired(now) and m.id != message.id][1 - KEPT_MESSAGES :]
        for old in before:
            self._kept_under.pop(old.id, None)
        kept.append(message)
        self.kept.put(message.topic, kept)
        self._kept_under.update((m.id, m.topic) for m in kept)
        self._touch(f"kept/{message.topic}")

    def hand_out(self, message: str) -> None:
        topic = self._kept_under.pop(message)
        left = [m for m in self.kept.get(topic) or [] if m.id != message]
        if left:
            self.kept.put(topic, left)
        else:
            self.kept.remove(topic)
        self._touch(f"kept/{topic}")

    def retain(self, topic: str, status: Status) -> None:
        """An empty payload forgets it."""
        if not status.payload:
            self.retained.remove(topic)
        elif len(status.payload) <= RETAINED_BYTES and (
            self.retained.get(topic) is not None or self.retained.beside(topic) < RETAINED_TOPICS
        ):
            self.retained.put(topic, status)
        self._touch(f"status/{topic}")
        self._touch(f"retained/{topic}")

    def wait(self, key: str, waiting: Waiting) -> None:
        self.wills[key] = waiting
        heappush(self._due, (waiting.due_at, key))
        if len(self._due) > _SLACK + 2 * len(self.wills):  # of who comes and goes often, only the last counts
            self._due = [(w.due_at, k) for k, w in self.wills.items()]
            heapify(self._due)
        self._touch(f"will/{key}")

    def settle(self, key: str, due_at: datetime) -> None:
        """The will that was due then was published, or is not wanted any more."""
        self._taken.discard((key, due_at))
        waiting = self.wills.get(key)
        if waiting is not None and waiting.due_at == due_at:
            del self.wills[key]
            self._touch(f"will/{key}")

    def take_will(self, key: str) -> Waiting | None:
        """To be published or given up now; nobody else is given it."""
        waiting = self.wills.get(key)
        if waiting is None or (key, waiting.due_at) in self._taken:
            return None
        self._taken.add((key, waiting.due_at))
        return waiting

    def put_back_will(self, key: str, waiting: Waiting, at: datetime) -> None:
        """It could not be published: it is due once more then."""
        self._taken.discard((key, waiting.due_at))
        heappush(self._due, (at, key))

    def due_wills(self, now: datetime) -> list[tuple[str, Waiting]]:
        """Wills whose time has come, taken."""
        found = []
        while self._due and self._due[0][0] <= now:
            _, key = heappop(self._due)
            waiting = self.wills.get(key)
            if waiting is not None and waiting.due_at <= now and self.take_will(key) is not None:
                found.append((key, waiting))
        return found

    def drop_wills(self, username: str) -> None:
        for key, waiting in list(self.wills.items()):
            if waiting.username == username:
                self.settle(key, waiting.due_at)

    # --- snapshots ---

    def keys(self) -> Iterator[str]:
        yield from (f"status/{topic}" for topic in self.retained.topics())
        yield from (f"kept/{topic}" for topic in self.kept.topics())
        yield from (f"will/{key}" for key in self.wills)

    def snapshot(self, key: str) -> bytes:
        kind, _, name = key.partition("/")
        held: object = None
        match kind:
            case "status":
                held = self.retained.get(name)
            case "kept":
                held = self.kept.get(name)
            case "will":
                held = self.wills.get(name)
        return msgspec.msgpack.encode(held) if held else b""

    def restore(self, key: str, data: bytes) -> None:
        kind, _, name = key.partition("/")
        match kind:
            case "retained":
                self.retained.put(name, Status(data))
            case "status":
                self.retained.put(name, msgspec.msgpack.decode(data, type=Status))
            case "kept":
                for message in msgspec.msgpack.decode(data, type=list[Message]):
                    self.keep(message, _EARLIEST)
            case "will":
                self.wait(name, msgspec.msgpack.decode(data, type=Waiting))

    def _touch(self, key: str) -> None:
        self.changed[key] = None
