"""What the ways in hand to the loop, and where it waits: one lane for people in need, one for MQTT sessions, one for everything else.

A message is read and sorted before it waits, so a call never stands behind readings. What waits is counted in bytes; the ways in
look at `waiting_bytes` and leave readings in their sockets when it is too much. Calls are always taken.

While the disk is full readings wait for hours. Of them only so many are held; the others are *forgotten*: not acknowledged, not kept,
and the kit says them again once there is room. Their sockets go on being read, since the next packet may be a call.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from alerting.facts import Fact
from alerting.items import Item
from alerting.refusals import IllegalTransition
from devices.mqtt.entries import SessionEntry
from devices.topic import BridgeTopic, DeviceTopic

OVERHEAD = 1536
"""Bytes that a waiting thing takes besides its payload: read, sorted, with what is to happen after its commit (1,350 were measured)."""


def nothing() -> None:
    """For whom there is nothing to do."""


class Published(msgspec.Struct, frozen=True, gc=False):
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
    forgotten: Callable[[], None] = nothing
    """Called instead of `done` when a full disk leaves no room for it to wait: it must come again, and nothing else stands behind it."""
    parsed: DeviceTopic | BridgeTopic | None = None
    """The topic, where the way in has read it already."""


class Intake(Protocol):
    """The loop, as the ways in see it."""

    @property
    def waiting_bytes(self) -> int: ...

    @property
    def full(self) -> bool:
        """Whether the disk is, so that readings are not decided for now."""

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


class Waiting(msgspec.Struct, frozen=True, gc=False):
    """One thing to be decided and committed, with what happens after its commit."""

    items: tuple[Item, ...]
    size: int
    """Bytes of what came in."""
    done: Callable[[], None] | None = None
    entry: SessionEntry | None = None
    answer: Callable[[Outcome], None] | None = None
    forgotten: Callable[[], None] | None = None
    """None: it is kept whatever happens."""

    @property
    def bytes(self) -> int:
        return self.size + OVERHEAD


class Lanes:
    """Three queues. `take` gives everything urgent first, alone; when there is nothing urgent, sessions, and then the rest.

    Sessions have a lane of their own since the disk may be too full for readings and a kit must still be able to subscribe, and to
    release the identifier of its last call: a client that waits for either says nothing more.
    """

    def __init__(self) -> None:
        self.urgent: deque[Waiting] = deque()
        self.sessions: deque[Waiting] = deque()
        self.ordinary: deque[Waiting] = deque()
        self.waiting_bytes = 0
        self.ordinary_bytes = 0

    def put(self, waiting: Waiting, lane: deque[Waiting]) -> None:
        lane.append(waiting)
        taken = waiting.size + OVERHEAD
        self.waiting_bytes += taken
        if lane is self.ordinary:
            self.ordinary_bytes += taken

    def take(self, most: int, most_bytes: int, lanes: Sequence[deque[Waiting]]) -> list[Waiting]:
        """Of these lanes in their order, at most so many things and about so many bytes."""
        batch: list[Waiting] = []
        size = 0
        for lane in lanes:
            before, bytes_before = len(batch), size
            while lane and len(batch) < most and size < most_bytes:
                batch.append(waiting := lane.popleft())
                size += waiting.size
            self._taken(lane, len(batch) - before, size - bytes_before)
        return batch

    def give_up(self, most_bytes: int) -> list[Waiting]:
        """Out of the ordinary lane: who waits for an answer, and past so many bytes what may be forgotten. The rest keeps its order."""
        out: list[Waiting] = []
        for _ in range(len(self.ordinary)):
            waiting = self.ordinary.popleft()
            self._taken(self.ordinary, 1, waiting.size)
            if waiting.answer is not None or (waiting.forgotten is not None and self.ordinary_bytes + waiting.bytes > most_bytes):
                out.append(waiting)
            else:
                self.put(waiting, self.ordinary)
        return out

    def __len__(self) -> int:
        return len(self.urgent) + len(self.sessions) + len(self.ordinary)

    def _taken(self, lane: deque[Waiting], things: int, size: int) -> None:
        taken = things * OVERHEAD + size
        self.waiting_bytes -= taken
        if lane is self.ordinary:
            self.ordinary_bytes -= taken
