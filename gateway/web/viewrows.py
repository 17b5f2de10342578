"""What `views.db` is made of: an alert with its timeline, an event of the stream, what waits to be written, and how a list is asked for."""

from collections import deque
from datetime import datetime

import msgspec

from alerting.alert import Alert
from alerting.items import Quarantined
from alerting.terms import AlertId, Sentence
from devices.home import HomeId
from gateway.web.shapes import Datum

EVENT_BYTES_WAITING = 32 * 1024 * 1024


class Line(msgspec.Struct, frozen=True, array_like=True):
    """One entry of an alert's timeline. `seq` 0: not on disk."""

    seq: int
    at: datetime
    kind: str
    by: str
    sentence: Sentence
    data: dict[str, Datum] = {}


class AlertRecord(msgspec.Struct):
    """An alert as the desk sees it. `seq` is the number of its latest fact."""

    alert: Alert
    seq: int
    timeline: list[Line]
    stored: bool = True


class Event(msgspec.Struct, frozen=True):
    """What goes out on the stream, encoded once for all consoles. `seq` is its id, the number of the alert's latest fact in it."""

    seq: int
    origin: str
    body: bytes


class Pending(msgspec.Struct):
    """What the file does not hold yet. Values are frozen when they are put here; a later one of the same key replaces the earlier."""

    position: int = 0
    records: dict[tuple[str, str], msgspec.Struct | None] = {}
    alerts: dict[AlertId, tuple[Alert, int]] = {}
    lines: list[tuple[AlertId, Line]] = []
    events: deque[Event] = msgspec.field(default_factory=deque)
    event_bytes: int = 0
    event_floor: int = 0
    """Events up to this number are not known: they were dropped while they waited, or the journal had lost them."""
    quarantine: list[tuple[int, Quarantined]] = []
    faults: dict[str, int] = {}
    erased: list[HomeId] = []
    """Homes whose people are gone from here on; what waits of their alerts is without a text already."""

    @property
    def rows(self) -> int:
        return len(self.lines) + len(self.quarantine) + len(self.records) + len(self.alerts)

    def event(self, event: Event) -> None:
        self.events.append(event)
        self.event_bytes += len(event.body)
        while self.event_bytes > EVENT_BYTES_WAITING:
            dropped = self.events.popleft()
            self.event_bytes -= len(dropped.body)
            self.event_floor = dropped.seq


class Loaded(msgspec.Struct):
    """What a start finds."""

    position: int
    records: list[tuple[str, str, bytes]]
    alerts: list[AlertRecord]
    quarantine: list[tuple[int, Quarantined]]
    faults: dict[str, int]
    events: list[Event]
    event_floor: int


class AlertFilter(msgspec.Struct, frozen=True):
    """None: whatever. `newest`: latest first, instead of open ones before closed ones, by priority and then age."""

    origin: str
    open: bool | None = None
    status: str | None = None
    areas: frozenset[str] | None = None
    home: str | None = None
    priority: int | None = None
    category: str | None = None
    raised_from: datetime | None = None
    raised_before: datetime | None = None
    newest: bool = False


AlertKey = tuple[int, int, float, str]
"""(closed, priority, raised_at, id), or for the newest first (0, 0, -raised_at, id): ascending, it is the order of the list."""


def key_of(alert: Alert, *, newest: bool) -> AlertKey:
    at = alert.raised_at.timestamp()
    return (0, 0, -at, alert.id) if newest else (int(not alert.open), int(alert.priority), at, alert.id)
