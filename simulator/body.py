"""Vital signs of an old person: one body whose numbers move together, and what a cheap sensor on it makes of them.

Day: the heart is slowest about 4 in the morning, core temperature lowest about 5 and highest about 18 o'clock, half a degree apart.
Effort: heart, breath and pressure rise with it, the pressure less than the heart. Sleep: deep sleep slows heart and breath and lowers
pressure by a tenth; dreams make both uneven. Fever: about 9 beats and 2 breaths for each degree (the order of Liebermeister's rule),
highest in the evening. Lungs: what is missing in oxygen is breathed for. All figures rounded, from common physiology; bounds are those at
which a well person's day raises nothing (NEWS2's outer limits are far off), since a sensor's slip is withheld by any firmware worth its
name.
"""

from math import cos, pi
from random import Random

import msgspec

from simulator.sleep import Phase
from simulator.wire import Values

CALM_S = 120.0
"""Pressure is taken from somebody who sits or lies, no sooner than this after he moved."""


class Episode(msgspec.Struct, frozen=True):
    """Fright, or a heart that races, until a virtual second: added to the heart's rate, taken off the oxygen."""

    until: float
    heart_rate: float = 0.0
    spo2: float = 0.0


class Illness(msgspec.Struct, frozen=True):
    """Days of it: comes on within hours, wears off over a day. `fever` in K at its height, `spo2` in % that the lungs lose."""

    begins: float
    ends: float
    fever: float = 1.2
    spo2: float = 1.0

    COMES_S = 6 * 3600.0
    GOES_S = 24 * 3600.0

    def share(self, now: float) -> float:
        """0 well to 1 at its height."""
        if not self.begins <= now <= self.ends + self.GOES_S:
            return 0.0
        if now > self.ends:
            return 1 - (now - self.ends) / self.GOES_S
        return min((now - self.begins) / self.COMES_S, 1.0)


class Health(msgspec.Struct, frozen=True):
    """What a doctor's card would say of a resident at rest; a body is drawn around it."""

    heart_rate: float = 67.0
    spo2: float = 96.7
    respiration: float = 15.0
    systolic: float = 134.0
    diastolic: float = 78.0


class Body:
    """One resident's. `seed` gives the person; the day's noise follows from it."""

    def __init__(self, seed: str, health: Health | None = None) -> None:
        self._chance = Random(seed)  # noqa: S311 - a story, not a secret
        usual = health or Health()
        self._resting = usual.heart_rate + self._chance.uniform(-7, 7)
        self._oxygen = usual.spo2 + self._chance.uniform(-1.1, 1.1)
        self._warmth = self._chance.uniform(36.3, 36.7)
        self._breath = usual.respiration + self._chance.uniform(-1.2, 1.2)
        self._systolic = usual.systolic + self._chance.uniform(-12, 12)
        self._diastolic = usual.diastolic + self._chance.uniform(-6, 6)
        self._drift = 0.0
        self._steps = 0.0
        self._day = -1
        self.episode = Episode(0.0)
        self.illness = Illness(-1.0, -1.0 - Illness.GOES_S)
        self.phase = Phase.AWAKE
        """Of sleep; whoever is up is awake."""

    def heart_and_breath(self, now: float, local_s: float, effort: float) -> tuple[float, float]:
        """/min each, without a sensor's noise: what mat and watch both see."""
        ill = self.illness.share(now)
        fever = self._fever(now, local_s)
        asleep = {Phase.AWAKE: 0.0, Phase.LIGHT: 1.0, Phase.DREAM: 0.4, Phase.DEEP: 1.8}[self.phase]
        rate = self._resting - 6 * cos(_at_hour(local_s, 4)) + 34 * effort - 2.5 * asleep + 9 * fever
        breath = self._breath + 6 * effort - 0.6 * asleep + 2 * fever + 0.5 * self.illness.spo2 * ill
        return min(max(rate, 48), 118), min(max(breath, 10.5), 23.5)

    def vitals(self, now: float, local_s: float, effort: float, since_s: float) -> Values:
        """What a wearable measures at a virtual second; `effort` 0 asleep to 1 walking briskly, over the `since_s` before."""
        noise = self._chance.gauss
        self._drift = 0.85 * self._drift + noise(0, 1.6)
        self._walk(local_s, effort, since_s)
        acute = self.episode if now < self.episode.until else Episode(0.0)
        rate, _ = self.heart_and_breath(now, local_s, effort)
        # The arm swings: light gets in beside the skin, and what is counted is half the steps.
        artefact = noise(0, 9) if effort > 0.6 and self._chance.random() < 0.15 else 0.0
        oxygen = self._oxygen - (0.8 if effort == 0 else 0) - self.illness.spo2 * self.illness.share(now) + noise(0, 0.35)
        warmth = self._warmth - 0.25 * cos(_at_hour(local_s, 5.5)) + noise(0, 0.05)
        fever = self._fever(now, local_s)
        said = Values(
            heart_rate=round(min(max(rate + self._drift + artefact, 48), 118) + acute.heart_rate),
            spo2=round(min(max(oxygen, 93.5), 99) - acute.spo2),
            body_temperature=round(min(max(warmth, 35.8), 37.4) + fever, 1),
            steps=int(self._steps),
        )
        if effort > 0.3 or since_s < CALM_S:
            return said
        dip = 0.9 if effort == 0 else 1.0
        upper = self._systolic * dip - 5 * cos(_at_hour(local_s, 3)) + 0.3 * (self._drift + acute.heart_rate / 4) + noise(0, 4)
        lower = self._diastolic * dip - 2.5 * cos(_at_hour(local_s, 3)) + noise(0, 2.5)
        upper = min(max(upper, 102), 195)
        return msgspec.structs.replace(said, systolic=round(upper), diastolic=round(min(max(lower, 50), upper - 20)))

    def lying(self, now: float, local_s: float) -> Values:
        """What the mat in the bed measures: breath and beats, nothing else."""
        rate, breath = self.heart_and_breath(now, local_s, 0.0)
        uneven = 1.6 if self.phase is Phase.DREAM else 0.7
        acute = self.episode if now < self.episode.until else Episode(0.0)
        return Values(
            bed_occupied=True,
            heart_rate=round(min(max(rate + self._chance.gauss(0, 2 * uneven), 46), 118) + acute.heart_rate),
            respiration_rate=round(min(max(breath + self._chance.gauss(0, uneven), 10), 23)),
        )

    def _fever(self, now: float, local_s: float) -> float:
        return self.illness.fever * self.illness.share(now) * (1 - 0.25 * cos(_at_hour(local_s, 6)))

    def _walk(self, local_s: float, effort: float, since_s: float) -> None:
        day = int(local_s // 86400)
        if day != self._day:
            self._day, self._steps = day, 0.0
        self._steps += effort * effort * 95 * since_s / 60 * self._chance.uniform(0.7, 1.1)


def _at_hour(local_s: float, lowest: float) -> float:
    """The angle of the day at which a rhythm is lowest at that hour."""
    return (local_s / 3600 % 24 - lowest) / 12 * pi
