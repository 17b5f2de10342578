"""The radio between a device and its hub: loss by distance and walls, fading, and what is not heard for it.

Path loss: L = L_1m + 10 n lg(d) + sum of walls, the log-distance law with the multi-wall term of COST 231 (final report, chapter 4: 3.4
dB a light wall, 6.9 dB a heavy one at 1.8 GHz; taken here for 868 MHz, a little pessimistic); concrete and field stone by rule of thumb.
L_1m is free space, 20 lg(4 pi / wavelength) = 31.2 dB at 868 MHz. n = 2, since walls are counted by themselves. Around the mean the level
fades by chance, normally in dB. A frame is heard with a chance that falls from one to nothing within some dB of the receiver's
sensitivity.
"""

from enum import Enum
from math import exp, log10
from random import Random

import msgspec

LOSS_AT_1_M = 31.2
EXPONENT = 2.0
SENT_DBM = 10.0
SENSITIVITY_DBM = -105.0
FADING_DB = 4.0
STEEPNESS_DB = 1.5
TRIES = 8
"""An alarm is sent again until the hub confirms it, so often at most; a reading once."""


class Wall(Enum):
    """dB for each."""

    LIGHT = 3.4
    BRICK = 6.9
    CONCRETE = 14.0
    STONE = 22.0


def level(metres: float, walls: int, wall: Wall) -> float:
    """At the hub, dBm, on average."""
    return SENT_DBM - LOSS_AT_1_M - 10 * EXPONENT * log10(max(metres, 1.0)) - walls * wall.value


def heard_chance(dbm: float) -> float:
    return 1 / (1 + exp(min(max((SENSITIVITY_DBM - dbm) / STEEPNESS_DB, -50.0), 50.0)))


class Reception(msgspec.Struct, frozen=True):
    """`tries` that it took; 0: never heard."""

    dbm: int
    tries: int


def received(mean_dbm: float, chance: Random, *, tries: int = 1, lost: float = 0.0) -> Reception:
    """One message over the air; `lost`: the share that interference takes besides."""
    dbm = mean_dbm
    for attempt in range(1, tries + 1):
        dbm = mean_dbm + chance.gauss(0, FADING_DB)
        if chance.random() < heard_chance(dbm) * (1 - lost):
            return Reception(round(dbm), attempt)
    return Reception(round(dbm), 0)
