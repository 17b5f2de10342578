"""Time for what lives on real sockets: as fast as asked, and blind to stalls of the machine where both ends live in one process.

A device that waits ten seconds for an answer, sixty times as fast as life, waits a sixth of a second; a machine that stops for that long
would make a sound device look broken. So of a pause between two looks at the clock only `STALL_S` counts, where nobody else's clock
has to be kept up with.
"""

import time
from datetime import datetime, timedelta

from simulator.clock import begin

STALL_S = 0.02


class Pace:
    """`capped`: for our own device on our own bench. A stranger's device lives by the true clock: speed 1, and no cap."""

    def __init__(self, speed: float = 1.0, *, capped: bool = False) -> None:
        self.speed = speed
        self._capped = capped
        self._now = begin().began_at
        self._read_s = time.monotonic()

    @property
    def now(self) -> datetime:
        """It only grows."""
        at_s = time.monotonic()
        passed = at_s - self._read_s
        self._read_s = at_s
        if self._capped:
            passed = min(passed, STALL_S)
        self._now += timedelta(seconds=passed * self.speed)
        return self._now

    def delay_s(self, moment: datetime) -> float:
        """Real seconds until a moment, at least; to be asked again then. A capped clock is looked at often, or it would stand still."""
        left = max(0.0, (moment - self.now).total_seconds() / self.speed)
        return min(left, STALL_S / 2) if self._capped else left
