"""How fast alerts were answered: shares of all that rang, and the times of those that were answered."""

import math
from collections.abc import Sequence

import msgspec


class Answered(msgspec.Struct, frozen=True):
    """One alert: `seconds` to its answer, or None; `open`: it still waits."""

    priority: int
    category: str
    seconds: float | None
    open: bool


class Figures(msgspec.Struct, frozen=True):
    """Shares are of `count`; seconds from raised to first claimed, acknowledged or closed by a person."""

    count: int
    answered: int
    waiting: int
    never_answered: int
    within_60_s: float | None
    within_180_s: float | None
    p50_s: float | None
    p95_s: float | None
    max_s: float | None


def figures(alerts: Sequence[Answered]) -> Figures:
    times = sorted(alert.seconds for alert in alerts if alert.seconds is not None)
    waiting = sum(alert.seconds is None and alert.open for alert in alerts)
    count = len(alerts)

    def share(seconds: float) -> float | None:
        return round(sum(time <= seconds for time in times) / count, 4) if count else None

    return Figures(
        count=count,
        answered=len(times),
        waiting=waiting,
        never_answered=count - len(times) - waiting,
        within_60_s=share(60),
        within_180_s=share(180),
        p50_s=percentile(times, 0.5),
        p95_s=percentile(times, 0.95),
        max_s=times[-1] if times else None,
    )


def percentile(times: Sequence[float], share: float) -> float | None:
    """The nearest rank of sorted times: one in which somebody was really answered."""
    return times[math.ceil(share * len(times)) - 1] if times else None
