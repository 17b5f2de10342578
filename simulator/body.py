"""Vital signs of an old person, plausible over a day: a resting rate, the body's clock, what the person is doing, and noise.

Bounds are those at which a healthy day raises nothing (NEWS2's outer limits are far off). Circadian figures, rounded: the heart is
slowest about 4 in the morning, core temperature lowest about 5 and highest about 18 o'clock, half a degree apart.
"""

from math import cos, pi
from random import Random

import msgspec

from simulator.wire import Values


class Episode(msgspec.Struct, frozen=True):
    """Illness or fright, until a virtual second: added to the heart's rate, taken off the oxygen."""

    until: float
    heart_rate: float = 0.0
    spo2: float = 0.0


class Body:
    """One resident's. `seed` gives the person; the day's noise follows from it."""

    def __init__(self, seed: str) -> None:
        self._chance = Random(seed)  # noqa: S311 - a story, not a secret
        self._resting = self._chance.uniform(60, 74)
        self._oxygen = self._chance.uniform(95.5, 97.8)
        self._warmth = self._chance.uniform(36.3, 36.7)
        self._drift = 0.0
        self._steps = 0.0
        self._day = -1
        self.episode = Episode(0.0)

    def vitals(self, now: float, local_s: float, effort: float, since_s: float) -> Values:
        """What a wearable measures at a virtual second; `effort` 0 asleep to 1 walking briskly, over the `since_s` before."""
        hour = local_s / 3600 % 24
        self._drift = 0.85 * self._drift + self._chance.gauss(0, 1.6)
        day = int(local_s // 86400)
        if day != self._day:
            self._day, self._steps = day, 0.0
        self._steps += effort * effort * 95 * since_s / 60 * self._chance.uniform(0.7, 1.1)
        ill = self.episode if now < self.episode.until else Episode(0.0)
        rate = self._resting - 6 * cos((hour - 4) / 12 * pi) + 34 * effort + self._drift
        oxygen = self._oxygen - (0.8 if effort == 0 else 0) + self._chance.gauss(0, 0.35)
        warmth = self._warmth - 0.25 * cos((hour - 5.5) / 12 * pi) + self._chance.gauss(0, 0.05)
        return Values(
            heart_rate=round(min(max(rate, 48), 118) + ill.heart_rate),
            spo2=round(min(max(oxygen, 93.5), 99) - ill.spo2),
            body_temperature=round(min(max(warmth, 35.8), 37.4), 1),
            steps=int(self._steps),
        )
