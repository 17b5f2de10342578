"""Moments that people and programs name."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime

EARLIEST, LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)
"""A year from either end of the calendar: what is reckoned from a moment, in whichever zone, stays on it."""


def _on_the_calendar(named: datetime) -> datetime:
    if not EARLIEST <= named <= LATEST:
        raise ValueError(f"no moment between the years {EARLIEST.year} and {LATEST.year}")
    return named.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_on_the_calendar)]
"""In UTC, whichever offset it was written with."""
