"""When a home could not be heard, and why: the spans, and how they stop the clocks of absence.

A clock of absence (silence, inactivity, a missed check-in) counts listening, not time: what happens in a span in which nobody could be
heard adds nothing to it. The clocks of escalation never ask here.

After a return comes what waited meanwhile: hubs connect again one after the other, and a hub that queues says the past first. So a span
ends for these clocks `SETTLE` after the return, and as long as a home goes on delivering its past, nothing is concluded there from what
it has not said, for `SETTLE_MOST` at most.
"""

from bisect import bisect_right, insort
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

from devices.home import DeviceId

SETTLE = timedelta(minutes=2)
"""After a return, and after each report of the past that follows it."""
SETTLE_MOST = timedelta(minutes=10)
BACKLOG_AGE = timedelta(minutes=1)
"""A report observed so long before it came has waited somewhere."""
SPANS_KEPT = 1024
"""Of the whole service."""
GAPS_KEPT = 16
"""Of one home."""
UNHEARD = datetime(9000, 1, 1, tzinfo=UTC)
"""A moment that is not in sight, since nobody can be heard and nobody knows until when. (Not the last of the calendar: spans are added.)"""
_OVERLAPPING = 32
"""Restarts within one cut of the line that are looked past, to find the cut."""


class Cause(StrEnum):
    """Why nobody could be heard."""

    SERVICE = "service"
    """The service itself was down."""
    LINE = "line"
    """The line to the outside broker was cut."""
    HUB = "hub"
    """The home's hub was known to be away."""


class Span(msgspec.Struct, array_like=True, frozen=True, order=True, gc=False):
    """From `since` until somebody listened again."""

    since: datetime
    until: datetime
    cause: Cause = Cause.SERVICE


class Away(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A home's hub is not heard. A device of the home that was heard after `known_at` speaks without it."""

    device: DeviceId
    since: datetime
    known_at: datetime


class Backlog(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The latest run of reports that had waited: none came later than `SETTLE` behind the one before. Times of receipt."""

    first_at: datetime
    last_at: datetime

    def joined(self, at: datetime) -> "Backlog":
        """The run with one more, or a new one."""
        return Backlog(self.first_at, max(at, self.last_at)) if at <= self.last_at + SETTLE else Backlog(at, at)


class Deafness(msgspec.Struct, array_like=True):
    """The spans in which the whole service heard nobody, by their beginning."""

    spans: list[Span] = []
    line_lost_since: datetime | None = None

    def add(self, since: datetime, until: datetime, cause: Cause = Cause.SERVICE) -> None:
        span = Span(since, until, cause)
        if since < until and span not in self.spans[-_OVERLAPPING:]:
            insort(self.spans, span)
            del self.spans[:-SPANS_KEPT]

    def line_lost(self, since: datetime) -> None:
        """A line that was lost already stays lost since then."""
        self.line_lost_since = self.line_lost_since or since

    def line_restored(self, at: datetime) -> None:
        if self.line_lost_since is not None:
            self.add(self.line_lost_since, at, Cause.LINE)
            self.line_lost_since = None

    def behind(self, since: datetime) -> list[Span]:
        """Those that may reach past a moment: a service that is years old has many, and nearly every clock began behind them."""
        first = bisect_right(self.spans, since, key=lambda span: span.since)
        return self.spans[max(0, first - _OVERLAPPING) :]

    @property
    def returned_at(self) -> datetime | None:
        """When the service last heard again."""
        return max((span.until for span in self.spans[-8:]), default=None)


def listened(spans: Iterable[Span], lost_since: datetime | None, since: datetime, patience: timedelta) -> datetime:
    """When `patience` of listening since a moment is over; UNHEARD while that is not in sight, since nobody is heard from `lost_since` on.

    `spans` by their beginning; they may overlap.
    """
    end, reached = since + patience, since
    for span in spans:
        begun, ended = max(span.since, reached), span.until + SETTLE
        if begun >= end or (lost_since is not None and lost_since <= begun):
            break
        if ended > begun:
            end += ended - begun
            reached = ended
    return UNHEARD if lost_since is not None and lost_since < end else end


def settled(at: datetime, returned_at: datetime | None, backlog: Backlog | None) -> datetime:
    """Not before the past has been delivered: `at`, or when the home that returned has said what it had kept."""
    if returned_at is None or not returned_at <= at < UNHEARD:
        return at
    until = returned_at + SETTLE
    if backlog is not None and backlog.first_at <= until and backlog.last_at >= returned_at:
        until = min(max(until, backlog.last_at + SETTLE), returned_at + SETTLE_MOST)
    return max(at, until)
