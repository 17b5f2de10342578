"""The embedded time series that charts read: a follower of the journal, never its judge.

One SQLite file a month (UTC), one row per device and moment with a column per property (wide rows took three times the points of
narrow ones here), and `last.db` with the newest value of each property, the devices' numbers and the journal position reached.
A batch goes to the months' files first and to `last.db` with its position after them, each synced. The same reading written twice is
one reading, so a crash between the two only means that the batch comes again. Booleans are stored as 0 and 1.
"""

import calendar
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from operator import itemgetter
from pathlib import Path
from typing import Protocol

import msgspec

from alerting.terms import Sentence
from devices.home import DeviceId, HomeId
from devices.observation import BOOLEANS, Property
from gateway.outside_stores import HISTORY
from gateway.store.failure import failure, sync_folder
from gateway.store.segments import instant, micros

Value = bool | int | float
MICROSECOND = timedelta(microseconds=1)
Values = dict[Property, Value]
_Row = tuple[tuple[int, int], Values]
"""A series and a moment in Unix microseconds; what was said then."""
_place = itemgetter(0)
_LAST = """
CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY, home TEXT NOT NULL, device TEXT NOT NULL, UNIQUE (home, device)) STRICT;
CREATE TABLE IF NOT EXISTS last (series INTEGER NOT NULL, property TEXT NOT NULL, at INTEGER NOT NULL, value ANY NOT NULL,
 PRIMARY KEY (series, property)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS position (id INTEGER PRIMARY KEY CHECK (id = 0), seq INTEGER NOT NULL) STRICT;
"""


class Aggregate(StrEnum):
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    LAST = "last"
    COUNT = "count"


class Point(msgspec.Struct, frozen=True, gc=False):
    """One reading, in the property's one unit; `at` in UTC."""

    home: HomeId
    device: DeviceId
    property: Property
    at: datetime
    value: Value


Answer = tuple[list[tuple[datetime, Value]], str | None]
"""Values in the order of time, and the cursor of the next page, if there is one."""


class ChartsAway(Exception):  # noqa: N818 - a state of the world, not a mistake
    """The store that charts are read from does not answer; the sentence is for whoever looks at one."""

    def __init__(self, sentence: Sentence) -> None:
        self.sentence = sentence
        super().__init__(sentence.en)


class Question(msgspec.Struct, frozen=True):
    """What a chart asks: readings of one property from `start` until before `end`, at most `limit`, from `cursor` on.

    With `every`, one value a step: steps are aligned to multiples of `every` since 1970 by a clock that is `ahead` of UTC, stamped with
    their beginning, and empty ones are left out. So a day is one of the clock's days.
    """

    home: HomeId
    device: DeviceId
    property: Property
    start: datetime
    end: datetime
    every: timedelta | None = None
    aggregate: Aggregate = Aggregate.MEAN
    limit: int = 1000
    cursor: str | None = None
    ahead: timedelta = timedelta(0)


class Charts(Protocol):
    """Where charts are read from; each gives the same numbers for the same question, and takes the cursors of the others."""

    @property
    def name(self) -> str: ...

    def answer(self, question: Question) -> Answer:
        """From any thread. ValueError for a cursor that none gave; ChartsAway."""
        ...

    def close(self) -> None: ...


class HistoryReader:
    """`Charts` from the embedded history. For any thread and process; opens what a question needs and closes it."""

    name = HISTORY

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def close(self) -> None:
        """There is nothing that stays open."""

    @property
    def position(self) -> int:
        """The last sequence number of the journal that is in here; 0 when nothing is."""
        with closing(_reading(self._folder / "last.db")) as connection:
            row = connection.execute("SELECT seq FROM position").fetchone()
        return 0 if row is None else int(row[0])

    def last(self, home: HomeId, device: DeviceId) -> dict[Property, tuple[datetime, Value]]:
        """The newest value of each property of a device; kept when retention has taken the readings themselves."""
        with closing(_reading(self._folder / "last.db")) as connection:
            rows = connection.execute(
                "SELECT property, at, value FROM last WHERE series = (SELECT id FROM series WHERE home = ? AND device = ?)", (home, device),
            ).fetchall()
        return {Property(name): (instant(at), _value(Property(name), value)) for name, at, value in rows}

    def answer(self, question: Question) -> Answer:
        """As `query`."""
        q = question
        return self.query(
            q.home, q.device, q.property, q.start, q.end, every=q.every, aggregate=q.aggregate, limit=q.limit, cursor=q.cursor,
            ahead=q.ahead,
        )  # fmt: skip

    def query(
        self,
        home: HomeId,
        device: DeviceId,
        prop: Property,
        start: datetime,
        end: datetime,
        *,
        every: timedelta | None = None,
        aggregate: Aggregate = Aggregate.MEAN,
        limit: int = 1000,
        cursor: str | None = None,
        ahead: timedelta = timedelta(0),
    ) -> Answer:
        """As `Question` has it. ValueError for a cursor that was not given here."""
        low, high = micros(start) if cursor is None else int(cursor), micros(end)
        step = None if every is None else max(every // MICROSECOND, 1)
        shift = 0 if step is None else ahead // MICROSECOND % step
        kind = Aggregate.LAST if every is None else aggregate
        with closing(_reading(self._folder / "last.db")) as connection:
            series = connection.execute("SELECT id FROM series WHERE home = ? AND device = ?", (home, device)).fetchone()
        steps: list[_Step] = []
        for path in [] if series is None else _months(self._folder):
            if len(steps) <= limit and _beginning(path) < high and _end(path) > low:
                for following in _steps(path, int(series[0]), prop, (low, high), step=step, shift=shift, kind=kind, most=limit + 1):
                    if steps and steps[-1].at == following.at:  # it began in the month before
                        steps[-1] = steps[-1].joined(following, kind)
                    else:
                        steps.append(following)
        return page([(s.at, s.result(kind)) for s in steps], prop, kind, limit)


class History(HistoryReader):
    """The one writer; one thread at a time."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        try:
            if not folder.is_dir():
                folder.mkdir(parents=True)
                sync_folder(folder.parent)
            self._last = _writing(folder / "last.db", _LAST)
            self._numbers = {(home, device): number for number, home, device in self._last.execute("SELECT id, home, device FROM series")}
        except (sqlite3.Error, OSError) as problem:
            raise failure(problem, folder / "last.db") from problem
        self._open: dict[Path, sqlite3.Connection] = {}

    @classmethod
    def open(cls, folder: Path) -> "History":
        return cls(folder)

    @staticmethod
    def reader(folder: Path) -> HistoryReader:
        """Of a history that has been opened once."""
        return HistoryReader(folder)

    def write(self, points: Sequence[Point], position: int) -> None:
        """All of them and the position, on disk when this returns. After DiskFull or StoreBroken write the same again."""
        try:
            months = self._by_month(points)
            newest: dict[tuple[int, Property], tuple[int, Value]] = {}
            for year, month in sorted(months):
                rows = sorted(months[year, month].items(), key=_place)  # as they lie in the file: each page is touched once
                self._write_month(self._folder / f"{year:04}-{month:02}.db", rows)
                for (series, at), values in rows:
                    for prop, value in values.items():
                        newest[series, prop] = (at, value)
            self._last.execute("BEGIN IMMEDIATE")
            self._last.executemany(
                "INSERT INTO last VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at, value = excluded.value"
                " WHERE excluded.at >= last.at",
                [(*key, *newest[key]) for key in sorted(newest)],
            )
            self._last.execute("INSERT INTO position VALUES (0, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq", (position,))
            self._last.execute("COMMIT")
        except (sqlite3.Error, OSError) as problem:
            for connection in (self._last, *self._open.values()):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            raise failure(problem, self._folder / "last.db") from problem

    def _by_month(self, points: Sequence[Point]) -> dict[tuple[int, int], dict[tuple[int, int], Values]]:
        """Rows, by the moment's year and month, and by their series and the moment itself."""
        reports = _reports(points)
        numbers = self._numbered({(first.home, first.device) for first, _ in reports})
        months: dict[tuple[int, int], dict[tuple[int, int], Values]] = defaultdict(dict)
        for first, values in reports:
            place = (numbers[first.home, first.device], micros(first.at))
            months[first.at.year, first.at.month].setdefault(place, {}).update(values)
        return months

    def _numbered(self, devices: set[tuple[HomeId, DeviceId]]) -> dict[tuple[str, str], int]:
        numbers = self._numbers
        fresh = devices - numbers.keys()
        if fresh:
            found = {}
            self._last.execute("BEGIN IMMEDIATE")  # one for all: each of its own would be synced by itself
            for home, device in sorted(fresh):
                self._last.execute("INSERT OR IGNORE INTO series (home, device) VALUES (?, ?)", (home, device))
                [number] = self._last.execute("SELECT id FROM series WHERE home = ? AND device = ?", (home, device)).fetchone()
                found[home, device] = number
            self._last.execute("COMMIT")
            numbers |= found  # known when they are on disk
        return numbers

    def _write_month(self, path: Path, rows: Sequence[_Row]) -> None:
        statements: dict[tuple[Property, ...], list[tuple[Value, ...]]] = defaultdict(list)
        for (series, at), values in rows:
            statements[tuple(values)].append((series, at, *values.values()))
        connection = self._month(path)
        connection.execute("BEGIN IMMEDIATE")
        for columns, filled in statements.items():
            names = ", ".join(f"[{c}]" for c in columns)
            changes = ", ".join(f"[{c}] = excluded.[{c}]" for c in columns)
            connection.executemany(
                f"INSERT INTO readings (series, at, {names}) VALUES (?, ?{', ?' * len(columns)}) ON CONFLICT DO UPDATE SET {changes}",  # noqa: S608 - of Property
                filled,
            )
        connection.execute("COMMIT")

    def _month(self, path: Path) -> sqlite3.Connection:
        """The writing end of a month's file; the two last used stay open."""
        connection = self._open.pop(path, None)
        if connection is None:
            columns = ", ".join(f"[{c}]" for c in Property)
            schema = f"CREATE TABLE IF NOT EXISTS readings (series INTEGER, at INTEGER, {columns}, PRIMARY KEY (series, at)) WITHOUT ROWID;"
            connection = _writing(path, schema)
            for column in set(Property) - _columns(connection):
                connection.execute(f"ALTER TABLE readings ADD COLUMN [{column}]")
            while len(self._open) > 1:
                self._open.pop(next(iter(self._open))).close()
        self._open[path] = connection
        return connection

    def prune(self, before: datetime) -> int:
        """Remove the files of months that ended by `before`; how many went."""
        gone = [path for path in _months(self._folder) if _end(path) <= micros(before)]
        for path in gone:
            if path in self._open:
                self._open.pop(path).close()
            for tail in ("", "-wal", "-shm"):
                path.with_name(path.name + tail).unlink(missing_ok=True)
        if gone:
            sync_folder(self._folder)
        return len(gone)

    def close(self) -> None:
        for connection in (self._last, *self._open.values()):
            connection.close()


def _reports(points: Sequence[Point]) -> list[tuple[Point, Values]]:
    """The readings of each report, which follow each other and share its moment, beside the first of them."""
    reports: list[tuple[Point, Values]] = []
    first: Point | None = None
    values: Values = {}
    for point in points:
        if first is None or point.at is not first.at or point.device != first.device or point.home != first.home:
            first, values = point, {}
            reports.append((first, values))
        value = point.value
        values[point.property] = int(value) if isinstance(value, bool) else value
    return reports


def page(values: list[tuple[int, int | float]], prop: Property, kind: Aggregate, limit: int) -> Answer:
    """The first `limit` of values with their microseconds since 1970, booleans as such again."""
    boolean = prop in BOOLEANS and kind in (Aggregate.LAST, Aggregate.MIN, Aggregate.MAX)
    items = [(instant(at), bool(value) if boolean else value) for at, value in values[:limit]]
    return items, str(values[limit][0]) if len(values) > limit else None


class _Step(msgspec.Struct, frozen=True, gc=False):
    """Readings of one step (or one reading), in Unix microseconds; `value` is their sum where the mean is asked for."""

    at: int
    count: int
    value: int | float

    def joined(self, later: "_Step", kind: Aggregate) -> "_Step":
        match kind:
            case Aggregate.MEAN | Aggregate.COUNT:
                value = self.value + later.value
            case Aggregate.MIN:
                value = min(self.value, later.value)
            case Aggregate.MAX:
                value = max(self.value, later.value)
            case Aggregate.LAST:
                value = later.value
        return _Step(self.at, self.count + later.count, value)

    def result(self, kind: Aggregate) -> int | float:
        return self.value / self.count if kind is Aggregate.MEAN else self.value


_FUNCTION = {
    Aggregate.MEAN: "sum([{}])",
    Aggregate.MIN: "min([{}])",
    Aggregate.MAX: "max([{}])",
    Aggregate.LAST: "[{}], max(at)",  # SQLite gives the row in which the maximum stands
    Aggregate.COUNT: "count(*)",
}


def _steps(
    path: Path, series: int, prop: Property, span: tuple[int, int], *, step: int | None, shift: int, kind: Aggregate, most: int,
) -> list[_Step]:
    where = f"FROM readings WHERE series = ? AND at >= ? AND at < ? AND [{prop}] IS NOT NULL"
    with closing(_reading(path)) as connection:
        if prop not in _columns(connection):  # the file is older than the property
            return []
        if step is None:
            rows = connection.execute(f"SELECT at, 1, [{prop}] {where} ORDER BY at LIMIT ?", (series, *span, most)).fetchall()
        else:
            function = _FUNCTION[kind].format(prop)
            begins = f"at - (at + {shift}) % {step}"
            rows = connection.execute(
                f"SELECT {begins} AS step, count(*), {function} {where} GROUP BY step ORDER BY step LIMIT ?", (series, *span, most),
            ).fetchall()
    return [_Step(row[0], row[1], row[2]) for row in rows]


def _months(folder: Path) -> list[Path]:
    return sorted(folder.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9].db"))


def _beginning(path: Path) -> int:
    return micros(datetime.strptime(path.stem, "%Y-%m").replace(tzinfo=UTC))


def _end(path: Path) -> int:
    first = datetime.strptime(path.stem, "%Y-%m").replace(tzinfo=UTC)
    return micros(first + timedelta(days=calendar.monthrange(first.year, first.month)[1]))


def _columns(connection: sqlite3.Connection) -> set[str]:
    return {row[1] for row in connection.execute("PRAGMA table_info(readings)")}


def _writing(path: Path, schema: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(schema)
    return connection


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, timeout=5.0)


def _value(prop: Property, value: float) -> Value:
    return bool(value) if prop in BOOLEANS else value
