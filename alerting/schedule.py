"""When a rule counts: hours of the day, days of the week, seasons, and how the home is lived in. Calendar alone, no clock.

Hours are the local time that clocks on walls show. A window over midnight belongs to the day that it begins on: `22:00-06:00` with
`weekdays = ["fri"]` is the night from Friday to Saturday. A season's days are both in it, and it may run over the new year.

What holds already when a schedule opens counts from the opening, never from before it: who went out at 20:00 has, by a rule for
22:00-06:00, been out for five minutes at 22:05. What waited for its time when the schedule closes is dropped and begins anew at the next
opening. An alert that was raised stays, and is cleared at any hour.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache

import msgspec

from alerting.terms import Mode

LOOKED_AHEAD = 400
"""Days. A schedule that does not open for so long never does."""

_DAY = 24 * 60
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
_FAR = datetime(9000, 1, 1, tzinfo=UTC)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Weekday(StrEnum):
    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"


class ModeSpan(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A mode that a home was or is in; between two of them it is `home`."""

    mode: Mode
    since: datetime
    until: datetime
    """When it ends by itself."""
    by: str
    reason: str
    ended_at: datetime | None = None
    reminded: bool = False

    @property
    def ends_at(self) -> datetime:
        return self.until if self.ended_at is None else self.ended_at


class Schedule(msgspec.Struct, frozen=True):
    """Parsed. Minutes of the day, Monday 0, (month, day); each empty where it restricts nothing."""

    hours: tuple[tuple[int, int], ...] = ()
    weekdays: frozenset[int] = frozenset()
    seasons: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = ()
    modes: frozenset[Mode] = frozenset()

    @property
    def calendar(self) -> bool:
        return bool(self.hours or self.weekdays or self.seasons)


ALWAYS = Schedule()


def minutes_of(clock: str) -> int:
    """Minutes since midnight of `08:00`, 1440 of `24:00`; ValueError."""
    if not _CLOCK.fullmatch(clock):
        raise ValueError(f"{clock!r} is no time of day such as 08:00")
    return int(clock[:2]) * 60 + int(clock[3:])


@lru_cache(maxsize=1024)
def parse(
    hours: tuple[str, ...] = (), weekdays: tuple[Weekday, ...] = (), season: tuple[str, ...] = (), modes: tuple[Mode, ...] = (),
) -> Schedule:  # fmt: skip
    """The schedule that a rule writes as `hours = ["22:00-06:00"]`, `season = ["11-15..03-15"]`; ValueError says which word is wrong."""
    numbers = {day: number for number, day in enumerate(Weekday)}
    return Schedule(
        tuple(sorted(_window(text) for text in hours)),
        frozenset(numbers[day] for day in weekdays),
        tuple(_season(text) for text in season),
        frozenset(modes),
    )


class Openings:
    """A schedule in one home. `shift`: local time minus service time. `modes`: what the home was and is in, oldest first."""

    def __init__(self, schedule: Schedule, shift: timedelta, modes: tuple[ModeSpan, ...]) -> None:
        self._schedule = schedule
        self._shift = shift
        self._allowed = list(_allowed(schedule.modes, modes))

    def open(self, at: datetime) -> bool:
        return self.since(at, at) is not None

    def since(self, at: datetime, earliest: datetime) -> datetime | None:
        """Since when it has been open without a break, `earliest` at the earliest; None while it is closed."""
        begun = ended = None
        for begins, ends in self._pieces(earliest):
            if begins > at:
                break
            if ended is None or begins > ended:
                begun, ended = max(begins, earliest), ends
            else:
                ended = max(ended, ends)
            if ended > at:
                return begun
        return None

    def after(self, since: datetime, span: timedelta, clock: Callable[[datetime, timedelta], datetime] | None = None) -> datetime | None:
        """When it will have been open for `span` without a break, behind `since`; None: never, as far as one can see.

        `clock(begun, span)`: when a span that begins then is over; for one that stands still while nobody listens.
        """
        begun = ended = None
        for begins, ends in self._pieces(since):
            if ended is None or begins > ended:
                begun, ended = max(begins, since), ends
            else:
                ended = max(ended, ends)
            assert begun is not None  # with `ended`
            due = clock(begun, span) if clock else begun + span
            if due <= ended:
                return due
        return None

    def _pieces(self, since: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Where it is open, from `since` on, in order of their beginnings; neighbours may touch."""
        for begins, ends in self._windows(since):
            for allowed_from, allowed_until in self._allowed:
                start, end = max(begins, allowed_from), min(ends, allowed_until)
                if start < end and end > since:
                    yield start, end

    def _windows(self, since: datetime) -> Iterator[tuple[datetime, datetime]]:
        schedule = self._schedule
        if not schedule.calendar:
            yield since, _FAR
            return
        first = (since + self._shift).date() - timedelta(days=1)
        for number in range(LOOKED_AHEAD):
            day = first + timedelta(days=number)
            if (schedule.weekdays and day.weekday() not in schedule.weekdays) or not _in_season(schedule, day):
                continue
            midnight = datetime.combine(day, time(0), UTC) - self._shift
            for begins, ends in schedule.hours or ((0, _DAY),):
                over = ends if ends > begins else ends + _DAY
                yield midnight + timedelta(minutes=begins), midnight + timedelta(minutes=over)


def mode_at(modes: tuple[ModeSpan, ...], at: datetime) -> Mode:
    """The mode of a moment, which may be past, or to come as far as it is settled now."""
    return next((span.mode for span in reversed(modes) if span.since <= at < span.ends_at), Mode.HOME)


def next_clock(minutes: int, shift: timedelta, after: datetime) -> datetime:
    """The first moment behind `after` at which local clocks show this minute of the day."""
    local = after + shift
    at = datetime.combine(local.date(), time(0), UTC) + timedelta(minutes=minutes)
    return (at if at > local else at + timedelta(days=1)) - shift


def _allowed(wanted: frozenset[Mode], modes: tuple[ModeSpan, ...]) -> Iterator[tuple[datetime, datetime]]:
    if not wanted:
        yield _LONG_AGO, _FAR
        return
    at = _LONG_AGO
    for span in modes:
        if Mode.HOME in wanted and at < span.since:
            yield at, span.since
        if span.mode in wanted:
            yield span.since, span.ends_at
        at = max(at, span.ends_at)
    if Mode.HOME in wanted:
        yield at, _FAR


def _window(text: str) -> tuple[int, int]:
    begins, dash, ends = text.partition("-")
    if not dash:
        raise ValueError(f"hours: {text!r} is not written as 22:00-06:00")
    try:
        window = minutes_of(begins), minutes_of(ends)
    except ValueError as problem:
        raise ValueError(f"hours: {problem}") from None
    if window[0] == window[1] or window[0] == _DAY or window[1] == 0:
        raise ValueError(f"hours: {text!r} has no length; midnight is 00:00 at the beginning and 24:00 at the end")
    return window


def _season(text: str) -> tuple[tuple[int, int], tuple[int, int]]:
    begins, dots, ends = text.partition("..")
    if not dots:
        raise ValueError(f"season: {text!r} is not written as 11-15..03-15")
    return _day_of_year(begins), _day_of_year(ends)


def _day_of_year(text: str) -> tuple[int, int]:
    try:
        day = date.fromisoformat(f"2024-{text}")
    except ValueError:
        raise ValueError(f"season: {text!r} is no day of the year such as 11-15") from None
    return day.month, day.day


def _in_season(schedule: Schedule, day: date) -> bool:
    if not schedule.seasons:
        return True
    this = (day.month, day.day)
    return any(first <= this <= last if first <= last else this >= first or this <= last for first, last in schedule.seasons)
