"""Carbon monoxide of a boiler whose flue is blocked, and the detector that integrates it.

The room is the box of `room.py`; a faulty appliance gives 0.01 to 0.1 m³ of CO an hour while its burner is on. The detector alarms by dose,
at the early end of the spans that EN 50291-1 allows (from memory): 30 ppm never within 120 min, 50 ppm after 60 min, 100 ppm after 10 min,
300 ppm at once.
"""

import msgspec

from simulator.physics.room import Air, mixed

LIMITS = ((50.0, 3600.0), (100.0, 600.0), (300.0, 0.0))
"""(ppm, seconds at or over it until the alarm)"""
CLEAR_PPM = 30.0
AMBIENT_PPM = 1.0


class Leak(msgspec.Struct):
    """A room into which an appliance gives `source_m3_h` of CO."""

    source_m3_h: float
    air: Air
    co_m3: float = 0.0

    def advance(self, seconds: float) -> None:
        self.co_m3 = mixed(self.co_m3, self.source_m3_h / 3600, self.air, seconds)

    @property
    def ppm(self) -> float:
        return AMBIENT_PPM + self.co_m3 / self.air.volume_m3 * 1e6


class Detector:
    """What it makes of the readings it is given, in order."""

    def __init__(self) -> None:
        self.alarm = False
        self._over_s = [-1.0] * len(LIMITS)

    def measure(self, ppm: float, seconds: float) -> bool:
        """After so many seconds at this level: whether it alarms."""
        for index, (limit, span_s) in enumerate(LIMITS):
            before = self._over_s[index]
            self._over_s[index] = -1.0 if ppm < limit else 0.0 if before < 0 else before + seconds
            if 0 <= span_s <= self._over_s[index]:
                self.alarm = True
        if ppm < CLEAR_PPM:
            self.alarm = False
        return self.alarm
