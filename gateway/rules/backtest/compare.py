"""Which alert of one side is which of the other: the same home and matter, and open at the same time."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from gateway.rules.backtest.result import Change, Day, Raised, What

SAME = timedelta(seconds=1)
"""A difference under this is none."""

Key = tuple[str, str, str]


def changes(now: Iterable[Raised], draft: Iterable[Raised], start: datetime, end: datetime, offset: timedelta) -> list[Change]:
    """What the draft does otherwise, in order of time; `start` and `end` bound the moments of raising."""
    ours, theirs = _by_key(now), _by_key(draft)
    found: list[Change] = []
    for key in ours.keys() | theirs.keys():
        found += _of_matter(ours.get(key, []), theirs.get(key, []), start, end, offset)
    return sorted(found, key=lambda change: (change.alert.at, change.area, change.home, change.alert.matter))


def days(now: Iterable[Raised], draft: Iterable[Raised], found: Iterable[Change], offset: timedelta) -> list[Day]:
    """Every day on which either side raised something."""
    by_day: dict[date, Day] = {}

    def of(day: date) -> Day:
        return by_day.setdefault(day, Day(day))

    for raised in now:
        of(local_day(raised.at, offset)).now += 1
    for raised in draft:
        of(local_day(raised.at, offset)).draft += 1
    for change in found:
        day = of(change.day)
        setattr(day, change.what.value, getattr(day, change.what.value) + 1)
    return sorted(by_day.values(), key=lambda day: day.day)


def local_day(at: datetime, offset: timedelta) -> date:
    return (at + offset).date()


def _by_key(raised: Iterable[Raised]) -> dict[Key, list[Raised]]:
    found: dict[Key, list[Raised]] = defaultdict(list)
    for one in sorted(raised, key=lambda one: one.at):
        found[one.area, one.home, one.matter].append(one)
    return found


def _of_matter(ours: list[Raised], theirs: list[Raised], start: datetime, end: datetime, offset: timedelta) -> Iterable[Change]:
    """Of one home and matter there is one open alert at most, so the two rows of spans are walked side by side."""
    left, right = list(ours), list(theirs)
    while left or right:
        if left and right and _meet(left[0], right[0], end):
            one, other = left.pop(0), right.pop(0)
            what = _otherwise(one, other)
            if what is not None and (start <= one.at < end or start <= other.at < end):
                yield Change(what, local_day(other.at, offset), other.area, other.home, one, other)
        elif left and (not right or left[0].at <= right[0].at):
            one = left.pop(0)
            if start <= one.at < end:
                yield Change(What.REMOVED, local_day(one.at, offset), one.area, one.home, one, None)
        else:
            other = right.pop(0)
            if start <= other.at < end:
                yield Change(What.ADDED, local_day(other.at, offset), other.area, other.home, None, other)


def _meet(one: Raised, other: Raised, end: datetime) -> bool:
    return one.at <= (other.until or end) and other.at <= (one.until or end)


def _otherwise(now: Raised, draft: Raised) -> What | None:
    if abs(draft.at - now.at) >= SAME:
        return What.EARLIER if draft.at < now.at else What.LATER
    return What.CHANGED if (now.rule, now.priority) != (draft.rule, draft.priority) else None
