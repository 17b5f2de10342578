"""How fast people answered, counted from the timelines of a month; made by a process of its own, at the lowest priority, gone afterwards.

Counting a month of a city is a second of Python, and in the web process it would stand between every alarm and the screens.
"""

import asyncio
import math
import os
import sqlite3
import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from alerting.alert import Alert

ANSWERS = ("claimed", "acknowledged")
NICE = 15
_decode = msgspec.msgpack.Decoder(Alert).decode


class Answered(msgspec.Struct, frozen=True):
    """One alert: `seconds` to its answer, or None; `open`: it still waits."""

    priority: int
    category: str
    seconds: float | None
    open: bool


class Figures(msgspec.Struct, frozen=True):
    """Shares are of `count`; seconds from raised to first claimed or acknowledged."""

    count: int
    answered: int
    waiting: int
    never_answered: int
    within_60_s: float | None
    within_180_s: float | None
    p50_s: float | None
    p95_s: float | None
    max_s: float | None


class Month(msgspec.Struct, frozen=True):
    all: Figures
    by_priority: dict[str, Figures]
    by_category: dict[str, Figures]


_month = msgspec.json.Decoder(Month)


async def month(views: Path, start: datetime, end: datetime) -> Month:
    """The figures of every real alert raised from `start` until before `end`, as `views.db` knows them."""
    words = [sys.executable, "-m", __name__, str(views), str(start.timestamp()), str(end.timestamp())]
    child = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE)
    try:
        body, _ = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
    if child.returncode != 0:
        raise RuntimeError(f"the figures of the month could not be made: exit {child.returncode}")
    return _month.decode(body)


def main() -> None:
    os.nice(NICE)
    views, start, end = sys.argv[1:]
    sys.stdout.buffer.write(msgspec.json.encode(count(Path(views), float(start), float(end))))


def count(views: Path, start: float, end: float) -> Month:
    """`start`, `end`: seconds since 1970. Silenced alerts rang at nobody and are left out."""
    alerts = [answered(alert, at) for alert, at in _first_answers(views, start, end) if alert.silenced_by is None]
    by_priority: dict[str, list[Answered]] = defaultdict(list)
    by_category: dict[str, list[Answered]] = defaultdict(list)
    for alert in alerts:
        by_priority[str(alert.priority)].append(alert)
        by_category[alert.category].append(alert)
    return Month(
        figures(alerts),
        {name: figures(some) for name, some in sorted(by_priority.items())},
        {name: figures(some) for name, some in sorted(by_category.items())},
    )


def _first_answers(views: Path, start: float, end: float) -> list[tuple[Alert, datetime | None]]:
    """Every real alert raised in the span, with the moment of its first entry that is an answer."""
    marks = ", ".join("?" * len(ANSWERS))
    query = (
        "SELECT a.body, (SELECT MIN(at) FROM line WHERE alert = a.id AND kind IN (" + marks + ")) FROM alert a"  # noqa: S608
        " WHERE a.origin = 'real' AND a.raised_at >= ? AND a.raised_at < ?"
    )
    with closing(sqlite3.connect(f"{views.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)) as file:
        rows = file.execute(query, (*ANSWERS, start, end)).fetchall()
    return [(_decode(body), None if at is None else datetime.fromtimestamp(at, UTC)) for body, at in rows]


def answered(alert: Alert, at: datetime | None) -> Answered:
    """`at`: as its timeline says. Where the beginning of that was lost, the alert itself knows."""
    at = min((moment for moment in (at, alert.first_claimed_at) if moment), default=alert.acknowledged_at)
    seconds = None if at is None else max((at - alert.raised_at).total_seconds(), 0.0)
    return Answered(int(alert.priority), alert.category.value, seconds, alert.open)


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


if __name__ == "__main__":
    main()
