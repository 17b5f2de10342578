"""What a backtest comes to, as data: the same for the table, `--json` and the page."""

from datetime import date, datetime
from enum import StrEnum

import msgspec

from alerting.terms import Sentence


class Shown(msgspec.Struct, frozen=True, array_like=True):
    """One observation that an alert rests on."""

    at: datetime
    device: str
    property: str
    value: bool | int | float


class Raised(msgspec.Struct, frozen=True, array_like=True):
    """An alert that a set of rules raised. `home` is empty for an area's."""

    at: datetime
    area: str
    home: str
    matter: str
    category: str
    priority: int
    rule: str
    title: Sentence
    reason: Sentence
    evidence: tuple[Shown, ...]
    until: datetime | None = None
    """When the desk of the backtest closed it; None: it was open at the end."""


class What(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    EARLIER = "earlier"
    LATER = "later"
    CHANGED = "changed"
    """At the same moment, by another rule or with another priority."""


class Change(msgspec.Struct, frozen=True):
    """`now` is by the rules that hold, `draft` by the draft; of an added or removed alert there is one only."""

    what: What
    day: date
    """Where people live."""
    area: str
    home: str
    now: Raised | None
    draft: Raised | None

    @property
    def shift_s(self) -> float:
        """How much later the draft raises it, in seconds; 0 where there are not both."""
        return (self.draft.at - self.now.at).total_seconds() if self.now and self.draft else 0.0

    @property
    def alert(self) -> Raised:
        one = self.draft or self.now
        assert one is not None
        return one


class Day(msgspec.Struct):
    """Alerts of a local day, by the rules that hold and by the draft."""

    day: date
    now: int = 0
    draft: int = 0
    added: int = 0
    removed: int = 0
    earlier: int = 0
    later: int = 0
    changed: int = 0


class Backtest(msgspec.Struct, frozen=True, kw_only=True):
    """`start` and `end` bound the moments of raising. `notes`: what could not be as it was."""

    start: datetime
    end: datetime
    now_version: str
    draft_version: str
    utc_offset_minutes: int
    homes: int
    reports: int
    now_alerts: int
    draft_alerts: int
    changes: tuple[Change, ...]
    days: tuple[Day, ...]
    took_s: float
    processes: int
    notes: tuple[str, ...] = ()

    def count(self, what: What) -> int:
        return sum(1 for change in self.changes if change.what is what)

    @property
    def summary(self) -> str:
        """In one line, as it is recorded with an activation."""
        counts = ", ".join(f"{self.count(what)} {what.value}" for what in What if self.count(what)) or "no difference"
        return (
            f"{self.now_version} -> {self.draft_version}, {self.start:%Y-%m-%d} to {self.end:%Y-%m-%d}, {self.homes:,} homes, "
            f"{self.reports:,} reports: {self.now_alerts:,} -> {self.draft_alerts:,} alerts, {counts}"
        )
