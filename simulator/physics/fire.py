"""A fire in a room: how much burns, how much smoke stands in the air, how hot it gets.

Growth: heat release rises with the square of time, Q = a t^2, with a = 1055 kW / t_g^2 and t_g = 600, 300, 150, 75 s for slow, medium, fast
and ultra-fast (NFPA 72 annex B and NFPA 92, from memory). Before it flames, what lies on a hot plate smoulders: mass goes at a rate that
grows linearly, almost without heat.
Smoke: optical density D = D_m m / V (Mulholland, "Smoke Production and Properties", SFPE Handbook): D in 1/m to base 10, hence 10 D in
dB/m; m the mass burned that is still in the air; D_m about 0.2 m²/g for what lies in a kitchen (wood flaming 0.04, polyurethane 0.3).
Heat: a lump of air that loses warmth to its walls; 0.03 kW/m²K is the order that such balances use for the first minutes.
"""

from enum import Enum
from math import exp

import msgspec

from simulator.physics.room import Air, mixed

MASS_OPTICAL_DENSITY = 0.2
"""m²/g"""
HEAT_OF_COMBUSTION = 13.0
"""kJ/g, wood's effective one"""
AIR_HEAT = 1.2
"""kJ/m³K"""
WALL_LOSS = 0.03
"""kW/m²K"""
CONVECTIVE = 0.7
AMBIENT = 22.0


class Growth(Enum):
    """The value: seconds until 1055 kW."""

    SLOW = 600.0
    MEDIUM = 300.0
    FAST = 150.0
    ULTRA_FAST = 75.0


class Fire(msgspec.Struct, frozen=True):
    """`smoulders_s` before the first flame; `most_kw`: no more than the fuel or the air allows; `out_s`: when it is put out."""

    growth: Growth = Growth.MEDIUM
    smoulders_s: float = 0.0
    smoulder_g_s: float = 0.02
    """Mass a second at the end of smouldering."""
    most_kw: float = 250.0
    out_s: float = 240.0

    def heat_kw(self, second: float) -> float:
        flaming = second - self.smoulders_s
        if flaming <= 0 or second >= self.out_s:
            return 0.0
        return min(1055.0 * (flaming / self.growth.value) ** 2, self.most_kw)

    def burns_g_s(self, second: float) -> float:
        """Mass that becomes smoke and gas, a second."""
        if second >= self.out_s:
            return 0.0
        if second < self.smoulders_s:
            return self.smoulder_g_s * second / self.smoulders_s
        return self.heat_kw(second) / HEAT_OF_COMBUSTION


class Burning(msgspec.Struct):
    """The room while it burns; `advance` moves it on."""

    fire: Fire
    air: Air
    second: float = 0.0
    smoke_g: float = 0.0
    temperature: float = AMBIENT

    def advance(self, seconds: float) -> None:
        """In steps of a second at most: the source grows meanwhile."""
        while seconds > 0:
            step = min(seconds, 1.0)
            self.smoke_g = mixed(self.smoke_g, self.fire.burns_g_s(self.second), self.air, step)
            surface = 6 * self.air.volume_m3 ** (2 / 3)
            loss, store = WALL_LOSS * surface, AIR_HEAT * self.air.volume_m3
            settled = AMBIENT + CONVECTIVE * self.fire.heat_kw(self.second) / loss
            self.temperature = settled + (self.temperature - settled) * exp(-loss / store * step)
            self.second += step
            seconds -= step

    @property
    def density(self) -> float:
        """dB/m, as a detector measures it."""
        return 10 * MASS_OPTICAL_DENSITY * self.smoke_g / self.air.volume_m3
