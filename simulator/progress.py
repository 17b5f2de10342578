"""A bar on the terminal while a scenario is played: first the homes that connect, then the story; gone at the end."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress

from simulator.hub import Hub

WIDTH = 24
EVERY_S = 0.5


class Progress:
    """What there is to show. `figures` gives (planted events, alerts seen) so far."""

    def __init__(self, hubs: Iterable[Hub], duration_s: float, figures: Callable[[], tuple[int, int]]) -> None:
        self.story_s: Callable[[float], float] | None = None
        """How far the story is at a monotonic second; None until everybody is connected."""
        self._hubs, self._duration_s, self._figures = tuple(hubs), duration_s, figures
        self._before, self._before_s = 0, time.monotonic()

    def line(self, now_s: float) -> str:
        """At a monotonic second; the rate is that since the last line."""
        connected = sum(hub.connected for hub in self._hubs)
        if self.story_s is None:
            return f"{bar(connected / len(self._hubs))} {connected} of {len(self._hubs)} homes on line"
        told = min(max(self.story_s(now_s), 0.0), self._duration_s)
        delivered = sum(hub.delivered for hub in self._hubs)
        rate = (delivered - self._before) / max(now_s - self._before_s, 0.001)
        self._before, self._before_s = delivered, now_s
        planted, seen = self._figures()
        return (
            f"{bar(told / self._duration_s)} {_minutes(told)} of {_minutes(self._duration_s)}  {connected} homes on line  "
            f"{rate:.0f} messages/s  planted {planted}  alerts seen {seen}"
        )


@asynccontextmanager
async def shown(progress: Progress) -> AsyncIterator[None]:
    async def show() -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            sys.stderr.write(f"\r\x1b[K{progress.line(time.monotonic())}")
            sys.stderr.flush()

    showing = asyncio.create_task(show())
    try:
        yield
    finally:
        showing.cancel()
        with suppress(asyncio.CancelledError):
            await showing
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def bar(share: float) -> str:
    """`[######..................]  25 %`"""
    full = round(min(max(share, 0.0), 1.0) * WIDTH)
    return f"[{'#' * full}{'.' * (WIDTH - full)}] {share:4.0%}".replace("%", " %")


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
