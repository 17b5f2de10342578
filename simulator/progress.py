"""A bar on the terminal while a scenario is played: first the homes that connect, then the story; gone at the end."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

WIDTH = 24
EVERY_S = 0.5


class Progress:
    """What there is to show. `lines` gives (connected, delivered, errors) so far, `figures` (planted events, alerts seen)."""

    def __init__(
        self, homes: int, duration_s: float, lines: Callable[[], tuple[int, int, int]], figures: Callable[[], tuple[int, int]],
    ) -> None:  # fmt: skip
        self.story_s: Callable[[float], float] | None = None
        """How far the story is at a monotonic second; None until everybody is connected."""
        self._homes, self._duration_s, self._lines, self._figures = homes, duration_s, lines, figures
        self._before, self._before_s = (0, 0), time.monotonic()

    def line(self, now_s: float) -> str:
        """At a monotonic second; the rates are those since the last line."""
        connected, delivered, errors = self._lines()
        span_s = max(now_s - self._before_s, 0.001)
        came, sent = ((now - before) / span_s for now, before in zip((connected, delivered), self._before, strict=True))
        self._before, self._before_s = (connected, delivered), now_s
        trouble = f"  {errors} errors" if errors else ""
        if self.story_s is None:
            rate = f"  {came:.0f} a second" if connected else ""
            return f"{bar(connected / self._homes)} {connected} of {self._homes} homes on line{rate}{trouble}"
        told = min(max(self.story_s(now_s), 0.0), self._duration_s)
        planted, seen = self._figures()
        return (
            f"{bar(told / self._duration_s)} {_minutes(told)} of {_minutes(self._duration_s)}  {connected} homes on line  "
            f"{sent:.0f} messages/s  planted {planted}  alerts seen {seen}{trouble}"
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
