"""What runs through a home: litres of water and kilowatt-hours, by what its resident does and by what runs alone.

Water: a flush 6 l (GB/T 31436's economical closets 5, older ones 6 to 9), a shower 9 l/min, a tap 6 l/min, an amount for each thing done.
Power: a fridge's compressor runs 14 of 40 minutes at 90 W, a kettle draws 1,800 W for four minutes, a rice cooker 600 W, a television
80 W; standby 18 W. Figures of common appliances' plates, rounded. A meter counts upward for ever and in whole litres or watt-hours.
"""

from random import Random

from simulator.resident import Doing

FLUSH_L = 6.0
TAP_L_S = 6.0 / 60
LITRES = {Doing.TOILET: (FLUSH_L, FLUSH_L + 3), Doing.WASHING: (5.0, 45.0), Doing.COOKING: (4.0, 10.0), Doing.TIDYING: (0.0, 25.0)}
"""(least, most) for one time of doing it."""

STANDBY_W = 18.0
FRIDGE_W, FRIDGE_ON_S, FRIDGE_CYCLE_S = 90.0, 14 * 60.0, 40 * 60.0
KETTLE_W, KETTLE_S = 1800.0, 240.0
WATTS = {Doing.COOKING: 600.0, Doing.RESTING: 80.0, Doing.VISITED: 80.0, Doing.EATING: 60.0, Doing.TIDYING: 150.0}


class WaterMeter:
    """m³ that went through. A tap that runs, runs until it is shut."""

    def __init__(self, chance: Random) -> None:
        self._litres = chance.uniform(20_000, 400_000)
        self._runs_since: float | None = None
        self._chance = chance

    def draw(self, doing: Doing) -> float:
        """For one time of doing it; the litres."""
        least, most = LITRES.get(doing, (0.0, 0.0))
        drawn = self._chance.uniform(least, most)
        self._litres += drawn
        return drawn

    def open_tap(self, now: float) -> None:
        self._runs_since = now if self._runs_since is None else self._runs_since

    def shut_tap(self, now: float) -> None:
        self._litres += self._running(now)
        self._runs_since = None

    def reads(self, now: float) -> float:
        return round((self._litres + self._running(now)) / 1000, 3)

    def _running(self, now: float) -> float:
        return 0.0 if self._runs_since is None else (now - self._runs_since) * TAP_L_S


class PowerMeter:
    """kWh that went through. Without mains nothing does."""

    def __init__(self, chance: Random) -> None:
        self._joules = chance.uniform(500, 9000) * 3.6e6
        self._at = 0.0
        self._watts = STANDBY_W
        self._phase_s = chance.uniform(0, FRIDGE_CYCLE_S)
        self.live = True

    def goes_on(self, doing: Doing, now: float) -> None:
        """From now on he does this; a meal begins with the kettle."""
        self._count(now)
        self._watts = STANDBY_W + WATTS.get(doing, 0.0)
        if doing in (Doing.EATING, Doing.VISITED) and self.live:
            self._joules += KETTLE_W * KETTLE_S

    def mains(self, now: float, *, live: bool) -> None:
        self._count(now)
        self.live = live

    def reads(self, now: float) -> float:
        self._count(now)
        return round(self._joules / 3.6e6, 3)

    def _count(self, now: float) -> None:
        if self.live:
            self._joules += self._watts * (now - self._at) + FRIDGE_W * (self._fridge_s(now) - self._fridge_s(self._at))
        self._at = now

    def _fridge_s(self, now: float) -> float:
        """How long its compressor has run by a moment."""
        whole, rest = divmod(now + self._phase_s, FRIDGE_CYCLE_S)
        return whole * FRIDGE_ON_S + min(rest, FRIDGE_ON_S)
