"""Time for what lives on real sockets: as fast as asked, and blind to stalls of the machine where both ends live in one process.

A device that waits ten seconds for an answer, sixty times as fast as life, waits a sixth of a second; a machine that stops for that long
would make a sound device look broken. So of a turn of the event loop only `STALL_S` counts, where nobody else's clock has to be kept up
with: what passes between the two ends takes a few turns, however long each of them is.
"""

import asyncio
import time
from datetime import datetime, timedelta

from simulator.clock import begin

STALL_S = 0.01
TURNS = 30
"""Of the loop, that something between two ends in one process may take: a handshake of TLS and what is said after it."""
PATIENCE_S = 2.0
"""Real seconds that a network and this machine may take, where the clock is the true one."""


class Pace:
    """`capped`: for our own device on our own bench. A stranger's device lives by the true clock: speed 1, and no cap."""

    def __init__(self, speed: float = 1.0, *, capped: bool = False) -> None:
        self.speed = speed
        self._capped = capped
        self._now = begin().began_at
        self._read_s = time.monotonic()
        self._counted = False
        """This turn of the loop has been, where it is capped."""

    @property
    def now(self) -> datetime:
        """It only grows."""
        if self._counted:
            return self._now
        at_s = time.monotonic()
        passed = at_s - self._read_s
        self._read_s = at_s
        if self._capped:
            passed = min(passed, STALL_S)
            self._count()
        self._now += timedelta(seconds=passed * self.speed)
        return self._now

    def _count(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # nobody's loop turns
            return
        self._counted = True
        loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._counted = False

    @property
    def patience(self) -> timedelta:
        """What may be allowed on top of any bound."""
        return timedelta(seconds=(TURNS * STALL_S if self._capped else PATIENCE_S) * self.speed)

    def delay_s(self, moment: datetime) -> float:
        """Real seconds until a moment, at least; to be asked again then. A capped clock is looked at often, or it would stand still."""
        left = max(0.0, (moment - self.now).total_seconds() / self.speed)
        return min(left, STALL_S / 2) if self._capped else left
