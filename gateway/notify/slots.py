"""How many attempts a channel may have in flight, and who goes next: life safety first, and never behind ordinary ones only."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

AT_ONCE = 8
ORDINARY_AT_ONCE = 6
"""Two of the eight are kept free: eight slow mails about batteries must not stand before a fire."""

Waiter = tuple[datetime, int, asyncio.Future[None]]


class Slots:
    """A semaphore with two queues; within each the oldest request goes first. Of one event loop."""

    def __init__(self) -> None:
        self.taken = 0
        self._ordinary_taken = 0
        self._order = 0
        self._life_safety: list[Waiter] = []
        self._ordinary: list[Waiter] = []

    @asynccontextmanager
    async def slot(self, requested_at: datetime, *, life_safety: bool) -> AsyncIterator[None]:
        """Holds one slot for the time of the block; waits for it as long as it takes."""
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._order += 1
        heapq.heappush(self._life_safety if life_safety else self._ordinary, (requested_at, self._order, granted))
        self._grant()
        try:
            await granted
            yield
        finally:
            if granted.done() and not granted.cancelled():
                self.taken -= 1
                self._ordinary_taken -= not life_safety
                self._grant()

    def _grant(self) -> None:
        """Give what is free to those whose turn it is; who was cancelled while waiting is passed over."""
        while self.taken < AT_ONCE and self._pass(self._life_safety):
            self.taken += 1
        while self.taken < AT_ONCE and self._ordinary_taken < ORDINARY_AT_ONCE and self._pass(self._ordinary):
            self.taken += 1
            self._ordinary_taken += 1

    def _pass(self, queue: list[Waiter]) -> bool:
        while queue:
            granted = heapq.heappop(queue)[2]
            if not granted.done():
                granted.set_result(None)
                return True
        return False
