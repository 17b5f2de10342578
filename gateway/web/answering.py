"""How fast people answered, counted from the timelines of a month; made by a process of its own, at the lowest priority, gone afterwards.

Counting a month of a city is a second of Python, and in the web process it would stand between every alarm and the screens.
"""

import sqlite3
import sys
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from alerting.alert import Alert
from alerting.terms import SERVICE
from gateway.evidence import apart
from gateway.evidence.answers import Answered, Figures, figures

ANSWERS = ("claimed", "acknowledged")
_decode = msgspec.msgpack.Decoder(Alert).decode


class Month(msgspec.Struct, frozen=True):
    all: Figures
    by_priority: dict[str, Figures]
    by_category: dict[str, Figures]


_month = msgspec.json.Decoder(Month)


async def month(views: Path, start: datetime, end: datetime) -> Month:
    """The figures of every real alert raised from `start` until before `end`, as `views.db` knows them."""
    return _month.decode(await apart.made(__name__, str(views), str(start.timestamp()), str(end.timestamp())))


def main() -> None:
    apart.give_way()
    views, start, end = sys.argv[1:]
    apart.answer(msgspec.json.encode(count(Path(views), float(start), float(end))))


def count(views: Path, start: float, end: float) -> Month:
    """`start`, `end`: seconds since 1970. Silenced alerts, and parts of an area's, rang at nobody and are left out."""
    rang = ((alert, at) for alert, at in _first_answers(views, start, end) if alert.silenced_by is None and alert.folded_into is None)
    alerts = [answered(alert, at) for alert, at in rang]
    by_priority: dict[str, list[Answered]] = defaultdict(list)
    by_category: dict[str, list[Answered]] = defaultdict(list)
    for alert in alerts:
        by_priority[str(alert.priority)].append(alert)
        by_category[alert.category].append(alert)
    return Month(
        figures(alerts),
        {name: figures(some) for name, some in sorted(by_priority.items())},
        {name: figures(some) for name, some in sorted(by_category.items())},
    )


def _first_answers(views: Path, start: float, end: float) -> list[tuple[Alert, datetime | None]]:
    """Every real alert raised in the span, with the moment of its first entry that is an answer."""
    marks = ", ".join("?" * len(ANSWERS))
    query = (
        "SELECT a.body, (SELECT MIN(at) FROM line WHERE alert = a.id AND kind IN (" + marks + ")) FROM alert a"  # noqa: S608
        " WHERE a.origin = 'real' AND a.raised_at >= ? AND a.raised_at < ?"
    )
    with closing(sqlite3.connect(f"{views.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)) as file:
        rows = file.execute(query, (*ANSWERS, start, end)).fetchall()
    return [(_decode(body), None if at is None else datetime.fromtimestamp(at, UTC)) for body, at in rows]


def answered(alert: Alert, at: datetime | None) -> Answered:
    """`at`: as its timeline says. Where the beginning of that was lost, the alert itself knows."""
    at = min((moment for moment in (at, alert.first_claimed_at) if moment), default=alert.acknowledged_at)
    if at is None and alert.closed_by != SERVICE:  # who closes it at once has answered it
        at = alert.closed_at
    seconds = None if at is None else max((at - alert.raised_at).total_seconds(), 0.0)
    return Answered(int(alert.priority), alert.category.value, seconds, alert.open)


if __name__ == "__main__":
    main()
