"""Moments and spans as a person writes them in a rule test: `10m`, `1h 30m`, `day 3 07:40`."""

import re
from datetime import datetime, time, timedelta

_SPAN = re.compile(r"(?:(\d+) ?d)? ?(?:(\d+) ?h)? ?(?:(\d+) ?m(?:in)?)? ?(?:(\d+(?:\.\d+)?) ?s)?")
_CLOCK = re.compile(r"(?:day (\d+) )?(\d\d):(\d\d)(?::(\d\d))?")
FORMS = "a span since the beginning (`90s`, `1h 30m`, `2d`) nor a time of day (`07:40`, `day 3 07:40:30`)"


def span(text: str) -> timedelta:
    """`2d 1h 30m 15s`, any of the four; ValueError says what it may be."""
    match = _SPAN.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise ValueError(f"{text!r} is no span like 45s, 10m, 1h 30m or 2d")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def moment(text: str, start: datetime) -> datetime:
    """On the same clock as `start`, whose day is day 1; ValueError says what it may be."""
    if (match := _CLOCK.fullmatch(text.strip())) is None:
        try:
            return start + span(text)
        except ValueError:
            raise ValueError(f"{text!r} is neither {FORMS}") from None
    day, hour, minute, second = (int(part or 0) for part in match.groups())
    try:
        at = datetime.combine(start.date(), time(hour, minute, second), start.tzinfo) + timedelta(days=max(day - 1, 0))
    except (ValueError, OverflowError) as problem:
        raise ValueError(f"{text!r}: {problem}") from None
    if at < start:
        raise ValueError(f"{text!r} is before the beginning, {start:%H:%M}")
    return at


def written(at: datetime, start: datetime) -> str:
    """How a difference says it: `day 3 07:40:00`, or the span where the story is shorter than a day."""
    if at - start >= timedelta(days=1) or at < start:
        return f"day {(at.date() - start.date()).days + 1} {at:%H:%M:%S}"
    seconds = (at - start).total_seconds()
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    parts = [f"{hours:g}h" if hours else "", f"{minutes:g}m" if minutes else "", f"{left:g}s" if left else ""]
    return " ".join(part for part in parts if part) or "0s"
