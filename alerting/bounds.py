"""Numbers and spans of a ruleset that can be what they say: finite, not negative, within the calendar. One line a problem."""

import math
from collections.abc import Iterator
from datetime import timedelta

LONGEST = timedelta(days=366)


def numbers(**given: float | None) -> Iterator[str]:
    """`nan` compares with nothing: the rule would be there and never fire."""
    yield from (f"{name} is no finite number" for name, value in given.items() if value is not None and not math.isfinite(value))


def spans(**given: timedelta | None) -> Iterator[str]:
    yield from (f"{name} is over {LONGEST.days} days" for name, span in given.items() if span is not None and abs(span) > LONGEST)


def positive(**given: timedelta) -> Iterator[str]:
    yield from spans(**given)
    yield from (f"{name} is not longer than nothing" for name, span in given.items() if span <= timedelta(0))


def not_under_nothing(**given: float | None) -> Iterator[str]:
    yield from numbers(**given)
    yield from (f"{name} is negative" for name, value in given.items() if value is not None and value < 0)
