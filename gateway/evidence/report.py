"""The figures of a month, from the chained timelines alone: whoever has the archive counts the same, today or in a year.

Which outcomes count as false alarms is said by the configuration; everything else is in the chain.
"""

import sqlite3
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from gateway.evidence.answers import Answered, Figures, figures, percentile
from gateway.evidence.apart import answer, give_way
from gateway.evidence.archive import Anchor, reading
from gateway.evidence.course import Course, Review, courses
from gateway.evidence.entry import decode
from gateway.evidence.load import Load, load

TARGET_60_S, TARGET_180_S = 0.975, 0.99
"""EN 50518 and the product's own figures: shares of alerts answered within 60 s and 180 s."""
LATE_S = 180.0
LATE_PRIORITY = 2
"""Of the priorities 1 and 2, which wait for somebody at once; what is only for awareness may wait."""


class Wish(msgspec.Struct, frozen=True):
    """`month`: YYYY-MM, local time of `zone`. `false`: the outcomes that are false alarms."""

    data: str
    month: str
    zone: str
    false: tuple[str, ...]


class Phase(msgspec.Struct, frozen=True):
    """Of those that came so far; seconds since they were raised."""

    count: int
    p50_s: float | None
    p95_s: float | None
    max_s: float | None


class Person(msgspec.Struct, frozen=True):
    """What one operator answered first, and closed."""

    answered: int
    within_60_s: int
    within_180_s: int
    p50_s: float | None
    closed: int


class Day(msgspec.Struct, frozen=True):
    day: str
    count: int
    within_60_s: int
    within_180_s: int


class FalseShare(msgspec.Struct, frozen=True):
    """Of a model: `false` of `closed` were no emergency and no test, but a mistake."""

    raised: int
    closed: int
    false: int
    share: float | None


class Miss(StrEnum):
    LATE = "late"
    """Answered after three minutes, or never, though it could not wait."""
    FORGOTTEN = "forgotten"
    """Whoever had it let it lapse."""
    UNDELIVERED = "undelivered"
    """A step was due, and nobody it named was reached."""


class NearMiss(msgspec.Struct, frozen=True):
    alert: str
    home: str
    area: str
    category: str
    priority: int
    raised_at: datetime
    misses: tuple[Miss, ...]
    answered_s: float | None
    lapses: int
    reached_nobody: int
    review: Review | None


class Report(msgspec.Struct, frozen=True):
    """Real alerts raised in the month. `upto`: the last moment that the archive knows, where that is within the month."""

    month: str
    start: datetime
    end: datetime
    upto: datetime
    position: int
    target_60_s: float
    target_180_s: float
    raised: int
    """All of them; muted ones, and parts of an area's, rang at nobody and are counted nowhere else."""
    answering: Figures
    by_priority: dict[str, Figures]
    by_category: dict[str, Figures]
    by_area: dict[str, Figures]
    by_operator: dict[str, Person]
    phases: dict[str, Phase]
    """available, viewed, acted, arrived, closed."""
    days: tuple[Day, ...]
    closed: int
    false: int
    false_share: float | None
    by_disposition: dict[str, int]
    by_model: dict[str, FalseShare]
    load: Load
    near_misses: tuple[NearMiss, ...]
    reviewed: int
    anchor: Anchor | None
    """The latest of the archive: kept with the report, it proves what it was counted from."""


def span(month: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The month's first moment and the next one's, in UTC. ValueError for what is no month."""
    start = datetime.strptime(month, "%Y-%m").replace(tzinfo=zone)
    following = (start.replace(day=28) + timedelta(days=4)).replace(day=1)
    return start.astimezone(UTC), following.astimezone(UTC)


def report(wish: Wish) -> Report:
    """Blocks, a second for some ten thousand alerts. sqlite3.OperationalError where there is no archive."""
    zone = ZoneInfo(wish.zone)
    start, end = span(wish.month, zone)
    with closing(reading(Path(wish.data))) as file:
        upto, position = _upto(file)
        every = [course for course in courses(file, start, end) if course.origin == "real"]
        row = file.execute("SELECT day, seq, entries, total FROM anchor ORDER BY day DESC LIMIT 1").fetchone()
    rang = [course for course in every if course.rang]
    until = max(min(end, upto), start)
    closed = [course for course in rang if course.closed_at is not None]
    false = [course for course in closed if course.disposition in wish.false]
    misses = near_misses(rang, upto)
    return Report(
        month=wish.month, start=start, end=end, upto=until, position=position, target_60_s=TARGET_60_S, target_180_s=TARGET_180_S,
        raised=len(every), answering=figures([_answered(course) for course in rang]),
        by_priority=_by(rang, lambda course: str(course.priority)), by_category=_by(rang, lambda course: course.category),
        by_area=_by(rang, lambda course: course.area), by_operator=_operators(rang), phases=_phases(rang), days=_days(rang, zone),
        closed=len(closed), false=len(false), false_share=_share(len(false), len(closed)),
        by_disposition=_counted(course.disposition for course in closed), by_model=_models(rang, frozenset(wish.false)),
        load=load(rang, start, until), near_misses=misses, reviewed=sum(miss.review is not None for miss in misses),
        anchor=None if row is None else Anchor(row[0], row[1], row[2], row[3].hex()),
    )  # fmt: skip


def near_misses(rang: Iterable[Course], upto: datetime) -> tuple[NearMiss, ...]:
    found = []
    for course in rang:
        seconds = course.seconds(course.answered_at)
        waited = ((course.closed_at or upto) - course.raised_at).total_seconds() if seconds is None else seconds
        misses = [
            miss for miss, so in (
                (Miss.LATE, course.priority <= LATE_PRIORITY and waited > LATE_S),
                (Miss.FORGOTTEN, course.lapses > 0),
                (Miss.UNDELIVERED, course.reached_nobody > 0),
            ) if so
        ]  # fmt: skip
        if misses:
            found.append(
                NearMiss(
                    course.alert, course.home, course.area, course.category, course.priority, course.raised_at, tuple(misses), seconds,
                    course.lapses, course.reached_nobody, course.review,
                ),
            )  # fmt: skip
    return tuple(found)


def _upto(file: sqlite3.Connection) -> tuple[datetime, int]:
    row = file.execute("SELECT body FROM entry ORDER BY seq DESC LIMIT 1").fetchone()
    known = dict(file.execute("SELECT name, value FROM meta").fetchall())
    return (datetime(1970, 1, 1, tzinfo=UTC) if row is None else decode(row[0]).service_at), int(known.get("position", 0))


def _answered(course: Course) -> Answered:
    return Answered(course.priority, course.category, course.seconds(course.answered_at), course.closed_at is None)


def _by(rang: Sequence[Course], key: Callable[[Course], str]) -> dict[str, Figures]:
    groups: dict[str, list[Answered]] = defaultdict(list)
    for course in rang:
        groups[key(course)].append(_answered(course))
    return {name: figures(some) for name, some in sorted(groups.items())}


def _operators(rang: Sequence[Course]) -> dict[str, Person]:
    times: dict[str, list[float]] = defaultdict(list)
    closed = _counted(course.closed_by for course in rang if course.closed_at is not None)
    for course in rang:
        seconds = course.seconds(course.answered_at)
        if seconds is not None:
            times[course.answered_by].append(seconds)
    return {
        name: Person(
            len(times[name]), sum(s <= 60 for s in times[name]), sum(s <= 180 for s in times[name]),
            percentile(sorted(times[name]), 0.5), closed.get(name, 0),
        )
        for name in sorted(times.keys() | closed.keys())
    }  # fmt: skip


def _phases(rang: Sequence[Course]) -> dict[str, Phase]:
    moments: dict[str, Callable[[Course], datetime | None]] = {
        "available": lambda course: course.available_at,
        "viewed": lambda course: course.viewed_at,
        "acted": lambda course: course.acted_at,
        "arrived": lambda course: course.arrived_at,
        "closed": lambda course: course.closed_at,
    }
    found = {}
    for name, moment in moments.items():
        times = sorted(s for course in rang if (s := course.seconds(moment(course))) is not None)
        found[name] = Phase(len(times), percentile(times, 0.5), percentile(times, 0.95), times[-1] if times else None)
    return found


def _days(rang: Sequence[Course], zone: ZoneInfo) -> tuple[Day, ...]:
    days: dict[str, list[float | None]] = defaultdict(list)
    for course in rang:
        days[course.raised_at.astimezone(zone).date().isoformat()].append(course.seconds(course.answered_at))
    return tuple(
        Day(day, len(times), sum(s is not None and s <= 60 for s in times), sum(s is not None and s <= 180 for s in times))
        for day, times in sorted(days.items())
    )


def _models(rang: Sequence[Course], false: frozenset[str]) -> dict[str, FalseShare]:
    models: dict[str, list[Course]] = defaultdict(list)
    for course in rang:
        models[course.model].append(course)
    found = {}
    for name, some in sorted(models.items()):
        closed = [course for course in some if course.closed_at is not None]
        wrong = sum(course.disposition in false for course in closed)
        found[name] = FalseShare(len(some), len(closed), wrong, _share(wrong, len(closed)))
    return found


def _counted(words: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for word in words:
        counts[word] += 1
    return dict(sorted(counts.items()))


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def main() -> None:
    """`python -m gateway.evidence.report WISH`: the report as JSON."""
    give_way()
    answer(msgspec.json.encode(report(msgspec.json.decode(sys.argv[1], type=Wish))))


if __name__ == "__main__":
    main()
