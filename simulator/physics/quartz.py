"""A device's clock: a tuning-fork crystal that is some ppm off, and slower the farther its temperature is from 25 °C.

-0.034 ppm/K² around 25 °C and a tolerance of 20 ppm at it are what data sheets of 32.768 kHz crystals commonly state: a device at 20 °C is
within about two seconds a day. A hub sets its devices' clocks once a day; a fault may leave a clock wrong by more.
"""

import msgspec

TOLERANCE_PPM = 20.0
PARABOLA_PPM_K2 = -0.034
TURNOVER_C = 25.0
SET_EVERY_S = 86400.0


class Quartz(msgspec.Struct):
    """`ppm` at 25 °C; `wrong_s`: by how much somebody or something has set it wrong."""

    ppm: float = 0.0
    celsius: float = 21.0
    wrong_s: float = 0.0

    @property
    def rate_ppm(self) -> float:
        return self.ppm + PARABOLA_PPM_K2 * (self.celsius - TURNOVER_C) ** 2

    def error_s(self, now: float) -> float:
        """Seconds that it is ahead at a virtual second; whole milliseconds, as devices stamp."""
        return round(self.rate_ppm * 1e-6 * (now % SET_EVERY_S) + self.wrong_s, 3)
