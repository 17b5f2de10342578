"""The course of an alert, folded from its chained timeline: what the month's figures are counted from, and nothing else."""

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from alerting.terms import SERVICE
from gateway.evidence.entry import Entry, Open, decode

ANSWERS = frozenset({"claimed", "acked"})
UNDERWAY = frozenset({"accepted", "on_the_way", "arrived", "done"})
THERE = frozenset({"arrived", "done"})
LAPSES = frozenset({"unclaim", "unack"})
RINGS = frozenset({"raised", "recur", "worse"})
OCCURS = frozenset({"raised", "again", "recur", "worse"})


class Review(msgspec.Struct, frozen=True):
    """What came of looking into a near miss."""

    outcome: str
    by: str
    at: datetime


class Course(msgspec.Struct):
    """`…_at` is the first time, None where it never came. A person who claims an alert has seen it."""

    alert: str
    home: str
    raised_at: datetime
    available_at: datetime
    """When it was committed, and went to the desk."""
    area: str = ""
    category: str = ""
    priority: int = 0
    origin: str = ""
    rule: str = ""
    device: str = ""
    model: str = ""
    silenced: bool = False
    folded: bool = False
    viewed_at: datetime | None = None
    answered_at: datetime | None = None
    answered_by: str = ""
    acted_at: datetime | None = None
    """Acknowledged, or somebody was under way."""
    arrived_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str = ""
    disposition: str = ""
    lapses: int = 0
    """How often whoever had it forgot it."""
    rings: list[datetime] = []
    occurrences: list[datetime] = []
    steps: dict[tuple[int, int], list[str]] = {}
    """Notifications of a step of a round, by their ids."""
    ended: dict[str, bool] = {}
    """Whether a notification was delivered."""
    review: Review | None = None

    @property
    def rang(self) -> bool:
        """Whether it asked for a person: neither muted to its end nor part of an area's alert."""
        return not self.silenced and not self.folded

    @property
    def reached_nobody(self) -> int:
        """How many steps had all their notifications fail."""
        return sum(
            all(self.ended.get(id_) is False for id_ in ids) for ids in self.steps.values()
        )  # fmt: skip

    def seconds(self, moment: datetime | None) -> float | None:
        """From raised to then."""
        return None if moment is None else max((moment - self.raised_at).total_seconds(), 0.0)


def courses(file: sqlite3.Connection, start: datetime, end: datetime) -> Iterator[Course]:
    """Of every alert raised from `start` until before `end`, all that is known of each by now; in the order of the journal."""
    raised = file.execute(
        "SELECT alert FROM entry WHERE kind = 'raised' AND at >= ? AND at < ? ORDER BY seq", (start.timestamp(), end.timestamp()),
    ).fetchall()
    reviews = _reviews(file)
    for (alert,) in raised:
        course: Course | None = None
        for (body,) in file.execute("SELECT body FROM entry WHERE alert = ? ORDER BY n", (alert,)):
            entry = decode(body)
            if entry.kind == "raised":
                course = _raised(entry)
            if course is not None:
                _take(course, entry)
        if course is not None:
            course.review = reviews.get(alert)
            yield course


def _reviews(file: sqlite3.Connection) -> dict[str, Review]:
    """The latest of each alert."""
    found = {}
    for (body,) in file.execute("SELECT body FROM entry WHERE kind = 'f:near' ORDER BY seq"):
        entry = decode(body)
        found[entry.alert] = Review(str(entry.open["outcome"]), entry.actor, entry.at)
    return found


def _raised(entry: Entry) -> Course:
    said = entry.open
    return Course(
        alert=entry.alert, home=entry.home, raised_at=entry.at, available_at=max(entry.service_at, entry.at), area=_word(said.get("area")),
        category=_word(said.get("category")), priority=int(said.get("priority") or 0), origin=_word(said.get("origin")),
        rule=_word(said.get("rule")), device=_word(said.get("device")), model=_word(said.get("model")),
        silenced=said.get("silenced_by") is not None,
    )  # fmt: skip


def _take(course: Course, entry: Entry) -> None:
    kind, at, said = entry.kind, entry.at, entry.open
    if kind in OCCURS:
        course.occurrences.append(at)
    if kind in RINGS:
        course.rings.append(at)
    answers = kind in ANSWERS or (kind == "closed" and entry.actor != SERVICE)  # who closes it at once has answered it
    if kind == "viewed" or answers:
        course.viewed_at = course.viewed_at or at
    if answers and course.answered_at is None:
        course.answered_at, course.answered_by = at, entry.actor
    if kind == "acked" or (kind == "help" and said.get("stage") in UNDERWAY):
        course.acted_at = course.acted_at or at
    if kind == "help" and said.get("stage") in THERE:
        course.arrived_at = course.arrived_at or at
    if kind in LAPSES:
        course.lapses += 1
    match kind:
        case "stepped":
            course.silenced = False
        case "fold":
            course.folded = True
        case "unfold":
            course.folded = False
        case "closed":
            course.closed_at, course.closed_by, course.disposition = at, entry.actor, _word(said.get("disposition"))
        case "ntfy":
            if not said.get("stand_down"):
                step = (int(said.get("round") or 0), int(said.get("step") or 0))
                course.steps.setdefault(step, []).append(_word(said.get("notification")))
        case "ntfd":
            course.ended[_word(said.get("notification"))] = bool(said.get("delivered"))
        case "ntfr" if said.get("progress") == "failed":
            course.ended[_word(said.get("notification"))] = False
        case _:
            pass


def _word(value: Open) -> str:
    return "" if value is None else str(value)


STANDING = timedelta(hours=24)
