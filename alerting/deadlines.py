"""Every moment that something is due at, in one heap, lazily: what lies in it may be out of date, and is looked at again when it comes up.

So a report that postpones a device's silence costs nothing here; and the order of what is due in the same instant is that of the names,
whatever the history, so that a restored engine goes on as the one that died would have.
"""

import heapq
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from devices.home import HomeId


class Kind(IntEnum):
    AREA = -1
    """Before what it explains."""
    ALERT = 0
    SILENCE_ENDS = 1
    LIMIT = 2
    DEVICE = 3
    FORGET = 4
    RULE = 5
    MODE = 6
    DUTY = 7
    REARM = 8
    STANDING = 9
    TEST_ENDS = 10


class Entry(NamedTuple):
    at: datetime
    kind: Kind
    home: HomeId
    name: str
    """Alert, silence, test or device; the matter of an area's alert; empty for a rule that watches the home as a whole."""
    rule: str = ""


class DeadlineFailed(Exception):  # noqa: N818 - a fault of ours, told where it happened
    """What was due could not be judged."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        super().__init__(f"{entry.kind.name} {entry.home}/{entry.name} due {entry.at:%Y-%m-%d %H:%M:%S}")


class Deadlines:
    def __init__(self) -> None:
        self._heap: list[Entry] = []

    def push(self, entry: Entry) -> None:
        heapq.heappush(self._heap, entry)

    def clear(self) -> None:
        self._heap.clear()

    def pop_due(self, now: datetime) -> Entry | None:
        """The next one that is due by `now`, taken out; the same entry twice in a row comes once."""
        if not self._heap or self._heap[0].at > now:
            return None
        entry = heapq.heappop(self._heap)
        while self._heap and self._heap[0] == entry:
            heapq.heappop(self._heap)
        return entry

    def is_due(self, now: datetime) -> bool:
        return bool(self._heap) and self._heap[0].at <= now

    @property
    def next_at(self) -> datetime | None:
        return self._heap[0].at if self._heap else None

    def __len__(self) -> int:
        return len(self._heap)
