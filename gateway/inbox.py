"""What the ways in hand to the loop, and where it waits: one lane for people in need, one for everything else.

A message is read and sorted before it waits, so a call never stands behind readings. What waits is counted in bytes; the ways in
look at `waiting_bytes` and leave readings in their sockets when it is too much. Calls are always taken.
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol

import msgspec

from alerting.facts import Fact, IllegalTransition, Item
from devices.mqtt.sessions import SessionEntry


class Published(msgspec.Struct, frozen=True):
    """A PUBLISH as it came in, rights already checked. Reported through `done` once it is on disk (also when quarantined)."""

    topic: str
    payload: bytes
    """Of an oversized message only the first KiB; `size` tells all of it."""
    size: int
    retain: bool
    username: str
    done: Callable[[], None]
    """Called on the loop's thread after the commit that holds it; acknowledges. Never called when the commit failed for good."""
    entry: SessionEntry | None = None
    """What the same commit must hold of the session (a QoS 2 packet id)."""


class Intake(Protocol):
    """The loop, as the ways in see it."""

    @property
    def waiting_bytes(self) -> int: ...

    def publish(self, published: Published) -> None:
        """Take a message: decoded and sorted here, at once; acknowledged later through `done`."""

    def record(self, entry: SessionEntry, done: Callable[[], None] | None = None) -> None:
        """Journal a change of a session; `done` after its commit."""


class Outcome(msgspec.Struct, frozen=True):
    """What became of a command. With an `error` nothing was committed; `repeated`: its key had been answered before."""

    seq: int = 0
    facts: tuple[Fact, ...] = ()
    error: IllegalTransition | None = None
    repeated: bool = False


class Waiting(msgspec.Struct, frozen=True):
    """One thing to be decided and committed, with what happens after its commit."""

    items: tuple[Item, ...]
    size: int
    done: Callable[[], None] | None = None
    entry: SessionEntry | None = None
    answer: Callable[[Outcome], None] | None = None


class Lanes:
    """Two queues. `take` gives everything urgent first, alone; only when there is nothing urgent does it give the rest."""

    def __init__(self) -> None:
        self.urgent: deque[Waiting] = deque()
        self.ordinary: deque[Waiting] = deque()
        self.waiting_bytes = 0

    def put(self, waiting: Waiting, *, urgent: bool) -> None:
        (self.urgent if urgent else self.ordinary).append(waiting)
        self.waiting_bytes += waiting.size

    def take(self, most: int, *, only_urgent: bool = False) -> list[Waiting]:
        """At most `most` of one lane: of the urgent one as long as it holds anything."""
        lane = self.urgent if self.urgent or only_urgent else self.ordinary
        batch = [lane.popleft() for _ in range(min(most, len(lane)))]
        self.waiting_bytes -= sum(w.size for w in batch)
        return batch

    def __len__(self) -> int:
        return len(self.urgent) + len(self.ordinary)
