"""A wire that is slow: what is put into it comes out later, in its order. No socket, no clock."""

from collections import deque
from datetime import datetime, timedelta


class Wire:
    """One direction: bytes that arrive later, in their order."""

    def __init__(self) -> None:
        self._under_way: deque[tuple[datetime, bytes]] = deque()
        self._free: datetime | None = None

    @property
    def due(self) -> datetime | None:
        return self._under_way[0][0] if self._under_way else None

    def put(self, data: bytes, now: datetime, delay: timedelta, bytes_per_second: int) -> None:
        takes = timedelta(seconds=len(data) / bytes_per_second) if bytes_per_second else timedelta(0)
        self._free = max(now, self._free or now) + takes
        last = self._under_way[-1][0] if self._under_way else now
        self._under_way.append((max(self._free + delay, last), data))

    def take(self, now: datetime) -> bytes:
        """What has arrived by now."""
        found = bytearray()
        while self._under_way and self._under_way[0][0] <= now:
            found += self._under_way.popleft()[1]
        return bytes(found)
