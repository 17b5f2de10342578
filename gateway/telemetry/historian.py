"""The follower that feeds the embedded history."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from alerting.items import Said
from devices.home import SYNTHETIC_HOME
from devices.message import Heard
from gateway.outside_stores import HISTORY
from gateway.store.entry import Commit
from gateway.store.failure import DiskFull
from gateway.store.history import History, Point
from gateway.store.reserve import NO_ROOM

BATCH_POINTS = 60_000
"""Of a follower that is behind. A page, and a newest value, is written once a batch: a report costs half of what it does with 20,000."""
BATCH_COMMITS = 500


class Historian:
    """A `Sink`. `room` says whether this process may fill the disk."""

    name = HISTORY
    refused = 0

    def __init__(self, folder: Path, room: Callable[[], bool]) -> None:
        self._folder = folder
        self._room = room
        self._history: History | None = None
        self._points: list[Point] = []
        self._commits = 0

    def open(self) -> int:
        self._points, self._commits = [], 0
        return self._opened().position

    def missed(self) -> None:
        """Charts begin later; there is nothing to do about it."""

    def take(self, commit: Commit) -> bool:
        self._points.extend(points_of(commit))
        self._commits += 1
        return len(self._points) >= BATCH_POINTS or self._commits >= BATCH_COMMITS

    def write(self, position: int) -> int:
        self._need_room()
        count = len(self._points)
        self._opened().write(self._points, position)
        self._points, self._commits = [], 0
        return count

    def prune(self, before: datetime) -> int:
        """Remove the months that ended by then; how many went. Needs no room, it makes some."""
        return self._opened().prune(before)

    def close(self) -> None:
        if self._history is not None:
            self._history.close()
            self._history = None

    def _opened(self) -> History:
        if self._history is None:
            self._need_room()
            self._history = History.open(self._folder)
        return self._history

    def _need_room(self) -> None:
        if not self._room():
            raise DiskFull(NO_ROOM)


def points_of(commit: Commit) -> Iterator[Point]:
    for entry in commit.entries:
        if isinstance(entry, Said) and isinstance(entry.message, Heard) and entry.message.home != SYNTHETIC_HOME:
            heard = entry.message
            for o in heard.report.observations:
                yield Point(heard.home, heard.device, o.property, heard.report.observed_at, o.value)
