"""The device's body: what its sensors feel, its battery, its clock chip, its lamps. It goes on when the firmware starts anew."""

from datetime import datetime, timedelta

import msgspec

from simulator.virtual.stimulus import Sign, Stimulus
from simulator.wire import Words


class Hardware(msgspec.Struct):
    """`charge` in % at `charged_at`; a battery of `battery_days` falls in a straight line, 0 days is mains."""

    battery_days: float
    charged_at: datetime
    charge: float = 100.0
    felt: dict[Stimulus, float] = {}
    clock_error: timedelta | None = None
    """How far the clock is ahead of the world; None: it does not know the time."""
    lamps: set[Sign] = set()
    words: Words | None = None
    """What its voice or its screen said last."""
    rssi: int = -61

    def battery(self, now: datetime) -> float:
        """% at a moment."""
        if not self.battery_days:
            return 100.0
        return max(0.0, self.charge - (now - self.charged_at) / timedelta(days=self.battery_days) * 100)

    def charge_to(self, percent: float, now: datetime) -> None:
        self.charge, self.charged_at = percent, now

    def feels(self, stimulus: Stimulus, default: float = 0.0) -> float:
        return self.felt.get(stimulus, default)
