"""The load of alarms on a desk, after ISA-18.2 and IEC 62682: average, peak, floods, the top ten, chattering and standing alarms.

What is counted is each time an alert asked for a person: raised, come back, worsened. In windows of ten minutes by the clock, over the
whole desk: a flood begins with a window of ten or more and ends with the first of fewer than five.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from gateway.evidence.course import STANDING, Course

WINDOW = timedelta(minutes=10)
FLOOD_BEGINS, FLOOD_ENDS = 10, 5
CHATTERING, CHATTER_WITHIN = 3, timedelta(seconds=60)
TOP = 10


class Source(msgspec.Struct, frozen=True):
    """A rule and the device it saw it by (empty where it saw it by none). `share` is of all that was counted."""

    rule: str
    device: str
    home: str
    count: int
    share: float


class Flood(msgspec.Struct, frozen=True):
    began_at: datetime
    minutes: int
    count: int


class Load(msgspec.Struct, frozen=True):
    """`hours`: of the month that have passed. Averages are of these."""

    count: int
    hours: float
    per_hour: float | None
    per_10_min: float | None
    peak_10_min: int
    peak_at: datetime | None
    floods: tuple[Flood, ...]
    flood_minutes: int
    flood_share: float | None
    top: tuple[Source, ...]
    chattering: int
    """Alerts that occurred three times or more within a minute."""
    standing: int
    """Alerts that were open for more than a day."""


def load(courses: Sequence[Course], start: datetime, until: datetime) -> Load:
    """Of alerts that rang, from `start` to `until`."""
    rings = sorted(at for course in courses for at in course.rings if start <= at < until)
    windows = Counter(int((at - start) / WINDOW) for at in rings)
    hours = (until - start).total_seconds() / 3600
    floods = _floods(windows, start)
    minutes = sum(flood.minutes for flood in floods)
    peak = max(windows, key=lambda number: (windows[number], -number)) if windows else None
    return Load(
        count=len(rings),
        hours=round(hours, 2),
        per_hour=round(len(rings) / hours, 3) if hours else None,
        per_10_min=round(len(rings) / hours / 6, 3) if hours else None,
        peak_10_min=0 if peak is None else windows[peak],
        peak_at=None if peak is None else start + peak * WINDOW,
        floods=floods,
        flood_minutes=minutes,
        flood_share=round(minutes / 60 / hours, 5) if hours else None,
        top=_top(courses, len(rings), start, until),
        chattering=sum(_chatters(course.occurrences) for course in courses),
        standing=sum((course.closed_at or until) - course.raised_at > STANDING for course in courses),
    )


def _floods(windows: Counter[int], start: datetime) -> tuple[Flood, ...]:
    found: list[Flood] = []
    last = -1
    for number in sorted(windows):
        if number <= last or windows[number] < FLOOD_BEGINS:
            continue
        end = number
        while windows[end] >= FLOOD_ENDS:
            end += 1
        count = sum(windows[n] for n in range(number, end))
        found.append(Flood(start + number * WINDOW, (end - number) * 10, count))
        last = end
    return tuple(found)


def _top(courses: Sequence[Course], count: int, start: datetime, until: datetime) -> tuple[Source, ...]:
    sources: Counter[tuple[str, str, str]] = Counter()
    for course in courses:
        sources[course.rule, course.device, course.home] += sum(start <= at < until for at in course.rings)
    ordered = sorted(sources.items(), key=lambda item: (-item[1], item[0]))[:TOP]
    return tuple(Source(*source, n, round(n / count, 4)) for source, n in ordered if n)


def _chatters(occurrences: Sequence[datetime]) -> bool:
    return any(
        later - first <= CHATTER_WITHIN for first, later in zip(occurrences, occurrences[CHATTERING - 1 :], strict=False)
    )  # fmt: skip
