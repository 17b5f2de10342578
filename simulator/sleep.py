"""A night in stages: cycles of ninety minutes, deep sleep early, dreams late, and the restlessness of old age.

Shape after Carskadon and Dement, "Normal Human Sleep" (Principles and Practice of Sleep Medicine), from memory: a cycle takes 70 to 120
minutes; deep sleep fills the first third of the night and shrinks with age to a tenth of it; dreaming grows from minutes to half an hour a
cycle; the old wake some ten times a night, mostly for less than they remember.
"""

from collections.abc import Iterator
from enum import StrEnum
from random import Random

import msgspec


class Phase(StrEnum):
    LIGHT = "light"
    DEEP = "deep"
    DREAM = "dream"
    AWAKE = "awake"


class Spell(msgspec.Struct, frozen=True):
    """One phase; seconds, on the clock of whoever asked."""

    begins: float
    ends: float
    phase: Phase


TURNS_EVERY_S = {Phase.LIGHT: 1500.0, Phase.DEEP: 5400.0, Phase.DREAM: 1200.0, Phase.AWAKE: 180.0}
"""How long he lies still on average between two movements that a sensor sees."""


def night(begins: float, ends: float, chance: Random, restless: float = 1.0) -> Iterator[Spell]:
    """Without a gap from one second to the other. `restless`: 1 as most old people, 3 a bad sleeper, in awakenings."""
    at = begins
    cycle = 0
    while at < ends:
        length = chance.uniform(75, 105) * 60
        deep = max(0.22 - 0.09 * cycle, 0.02)
        dream = min(0.08 + 0.07 * cycle, 0.32)
        awake = min(0.05 * restless * chance.uniform(0.4, 1.6), 0.4)
        for phase, share in ((Phase.LIGHT, 0.6 * (1 - deep - dream - awake)), (Phase.DEEP, deep), (Phase.AWAKE, awake),
                             (Phase.LIGHT, 0.4 * (1 - deep - dream - awake)), (Phase.DREAM, dream)):  # fmt: skip
            until = min(at + length * share, ends)
            if until > at:
                yield Spell(at, until, phase)
            at = until
        cycle += 1
