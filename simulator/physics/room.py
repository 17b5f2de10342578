"""A room as a box of well-mixed air: what is released in it spreads at once, and leaves with the air that is changed.

The single-zone mass balance of indoor air, d(c)/dt = s/V - a c, with its exact solution over a step in which the source s is constant, so
that a long step gives what many short ones give. Source: the box model as ASTM D6245 (indoor CO2) has it; mixing is taken for perfect,
which a detector at the ceiling flatters by some seconds.
"""

from math import exp

import msgspec

HOUR_S = 3600.0


class Air(msgspec.Struct, frozen=True):
    """`volume_m3` of the room; `changes_h`: how often an hour its air is another. 0.5 with shut windows, 10 to 20 with open ones."""

    volume_m3: float = 22.0
    changes_h: float = 0.6


def mixed(amount: float, source: float, air: Air, seconds: float) -> float:
    """What is in the room after so many seconds, of an amount there and a source in the same unit a second."""
    rate = air.changes_h / HOUR_S
    if rate <= 0:
        return amount + source * seconds
    settled = source / rate
    return settled + (amount - settled) * exp(-rate * seconds)
