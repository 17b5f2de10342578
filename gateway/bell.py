"""What wakes the loop: rung by whoever has something for it, or by the time that is over."""

import asyncio


class Bell:
    """One waits, many ring. An Event with `wait_for` does the same with a task for every wait, which costs more than a small commit."""

    def __init__(self) -> None:
        self._rung = False
        self._waiting: asyncio.Future[bool] | None = None

    def ring(self) -> None:
        self._rung = True
        self._end(rung=True)

    async def wait(self, seconds: float) -> bool:
        """Until it is rung (also if it was since the last wait), at most so long; whether it was."""
        if not self._rung:
            loop = asyncio.get_running_loop()
            self._waiting = loop.create_future()
            timer = loop.call_later(seconds, self._end)
            try:
                await self._waiting
            finally:
                timer.cancel()
                self._waiting = None
        rung, self._rung = self._rung, False
        return rung

    def _end(self, *, rung: bool = False) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(rung)
