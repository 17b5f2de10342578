"""The chart of NEWS2: what a reading scores, and what the worst of many come to together.

The tables are those of the Royal College of Physicians, National Early Warning Score (NEWS) 2, 2017.
"""

from collections.abc import Iterable
from functools import lru_cache

import msgspec
from msgspec.structs import force_setattr

from alerting.home_rules import NEWS2_PARAMETERS
from devices.observation import Observation, Property

Band = tuple[float, int]
"""Up to and with this value it scores so much."""

ABOVE = float("inf")

BANDS: dict[Property, tuple[Band, ...]] = {
    Property.RESPIRATION_RATE: ((8, 3), (11, 1), (20, 0), (24, 2), (ABOVE, 3)),
    Property.SPO2: ((91, 3), (93, 2), (95, 1), (ABOVE, 0)),
    Property.SYSTOLIC: ((90, 3), (100, 2), (110, 1), (219, 0), (ABOVE, 3)),
    Property.HEART_RATE: ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (ABOVE, 3)),
    Property.BODY_TEMPERATURE: ((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1), (ABOVE, 2)),
}
SPO2_SCALE_2: tuple[Band, ...] = ((83, 3), (85, 2), (87, 1), (ABOVE, 0))
SPO2_SCALE_2_ON_OXYGEN: tuple[Band, ...] = ((83, 3), (85, 2), (87, 1), (92, 0), (94, 1), (96, 2), (ABOVE, 3))
OXYGEN = 2
SINGLE = 3
"""What one parameter scores at the most."""


class Resident(msgspec.Struct, frozen=True, gc=False):
    """What a person, and no device, knows of the resident."""

    spo2_scale: int = 1
    oxygen: bool = False
    chart: int = 0
    """Its place among `CHARTS`; follows from the two, and is asked for with every report."""

    def __post_init__(self) -> None:
        force_setattr(self, "chart", (2 if self.spo2_scale == 2 else 0) + self.oxygen)


CHARTS = (Resident(), Resident(oxygen=True), Resident(2), Resident(2, oxygen=True))

_PLACES = {property_: number * SINGLE * len(CHARTS) for number, property_ in enumerate(sorted(NEWS2_PARAMETERS))}
_ON_CHART = tuple(sum((1 << SINGLE) - 1 << place + SINGLE * chart for place in _PLACES.values()) for chart in range(len(CHARTS)))
_SINGLES = sum(1 << place + SINGLE * chart + SINGLE - 1 for place in _PLACES.values() for chart in range(len(CHARTS)))


def points(property_: Property, value: float, resident: Resident) -> int:
    """What one reading scores; a reading between two steps of the chart goes to the nearer one."""
    bands = BANDS[property_]
    if property_ is Property.SPO2 and resident.spo2_scale == 2:
        bands = SPO2_SCALE_2_ON_OXYGEN if resident.oxygen else SPO2_SCALE_2
    on_chart = round(value, 1) if property_ is Property.BODY_TEMPERATURE else round(value)
    return next(score for limit, score in bands if on_chart <= limit)


@lru_cache(maxsize=4096)
def _marks(property_: Property, value: float) -> int:
    """What a reading scores: a bit for each point on each chart, at the parameter's own place. So the worst of several readings is their
    union, and its points are its bits. It is the same numbers day after day.
    """
    return sum((1 << points(property_, value, one)) - 1 << _PLACES[property_] + SINGLE * chart for chart, one in enumerate(CHARTS))


def union(readings: Iterable[Observation]) -> int:
    """The worst of them, as `_marks` has it."""
    worst = 0
    for one in readings:
        worst |= _marks(one.property, one.value)
    return worst


def points_of(marks: int, resident: Resident) -> int:
    """What the worst of each parameter comes to; oxygen is not in it."""
    return (marks & _ON_CHART[resident.chart]).bit_count()


def single_of(marks: int, resident: Resident) -> bool:
    """Whether one parameter alone scores 3."""
    return bool(marks & _ON_CHART[resident.chart] & _SINGLES)
