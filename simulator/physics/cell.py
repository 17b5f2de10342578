"""Cells: the voltage that a device sees, and what it takes it for.

A lithium cell (Li-MnO2) stays on a plateau until a knee and is then gone within days; an alkaline one slopes all its life; a watch's
lithium-ion cell lies between. The curves are the shape that makers' data sheets show at 20 °C and light load (CR123A, LR6, 18650; from
memory, rounded). In the cold the inner resistance about doubles every 15 K, so that a weak cell reads low on a winter's night and
recovers by noon. A device knows voltage alone: its `percent` is the straight line between full and empty, as cheap firmware has it.
"""

from enum import StrEnum

import msgspec


class Chemistry(StrEnum):
    LITHIUM = "lithium"
    ALKALINE = "alkaline"
    LITHIUM_ION = "lithium_ion"


class _Kind(msgspec.Struct, frozen=True):
    curve: tuple[tuple[float, float], ...]
    """(share of the charge that is left, volts), falling"""
    ohm: float
    """inner, at 20 °C and full"""
    low: float
    """volts under load at which firmware says `battery_low`"""


_KINDS = {
    Chemistry.LITHIUM: _Kind(((1, 3.20), (0.95, 3.02), (0.5, 2.95), (0.12, 2.86), (0.05, 2.60), (0, 2.00)), 0.4, 2.60),
    Chemistry.ALKALINE: _Kind(((1, 1.60), (0.9, 1.46), (0.5, 1.27), (0.2, 1.12), (0.05, 0.98), (0, 0.80)), 0.25, 1.05),
    Chemistry.LITHIUM_ION: _Kind(((1, 4.20), (0.8, 3.98), (0.5, 3.78), (0.2, 3.64), (0.05, 3.40), (0, 3.00)), 0.12, 3.50),
}
ROOM_C = 20.0
DOUBLES_EVERY_K = 15.0
LOAD_A = 0.05
"""while it transmits"""


def volts(chemistry: Chemistry, left: float, celsius: float = ROOM_C) -> float:
    """Under the load of a transmission; `left`: 0 to 1 of the charge. The inner resistance triples towards the end."""
    kind = _KINDS[chemistry]
    left = min(max(left, 0.0), 1.0)
    (high, above), (low, below) = next(
        (upper, lower) for upper, lower in zip(kind.curve, kind.curve[1:], strict=False) if left >= lower[0]
    )
    resting = below + (above - below) * (left - low) / (high - low)
    ohm = kind.ohm * (3 - 2 * left) * 2.0 ** ((ROOM_C - celsius) / DOUBLES_EVERY_K)
    return float(resting - LOAD_A * ohm)


def percent(chemistry: Chemistry, left: float, celsius: float = ROOM_C) -> int:
    """What the device reports: voltage on a straight line, 0 to 100."""
    curve = _KINDS[chemistry].curve
    full, empty = curve[0][1], curve[-1][1]
    return round(min(max((volts(chemistry, left, celsius) - empty) / (full - empty), 0.0), 1.0) * 100)


def is_low(chemistry: Chemistry, left: float, celsius: float = ROOM_C) -> bool:
    return volts(chemistry, left, celsius) < _KINDS[chemistry].low
