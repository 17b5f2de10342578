"""Figures of many: percentiles by nearest rank, and the median of runs."""

from collections.abc import Iterable, Sequence
from math import ceil

import msgspec


class Spread(msgspec.Struct, frozen=True):
    """p50, p99, p99.9 and the largest; in the unit of what was given."""

    p50: float
    p99: float
    p999: float
    largest: float


def spread(values: Iterable[float]) -> Spread:
    ordered = sorted(values)
    return Spread(*(nearest(ordered, share) for share in (0.50, 0.99, 0.999, 1.0)))


def nearest(ordered: Sequence[float], share: float) -> float:
    """The smallest value that so large a share of all does not exceed."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def median(values: Iterable[float]) -> float:
    """The middle one; of two, the mean."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
