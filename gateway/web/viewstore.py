"""`views.db`: what the web process remembers of the journal, so that a restart goes on from its position instead of from the beginning.

It is written behind the memory that is already right: what changed waits in `Pending`, and one transaction writes all of it together
with the position it reflects. A full disk makes it late, never wrong, and the desk sees everything meanwhile. What waits is bounded:
past that the file stays at its position until the next start, which reads the rest from the journal. The file is a cache in all but
one thing, closed alerts whose journal segments retention has removed; those are in backups with it.
"""

import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from alerting.alert import Alert
from alerting.items import Quarantined
from alerting.terms import AlertId, Origin
from gateway.web.erasing import bare_alert, bare_line
from gateway.web.viewrows import AlertFilter, AlertKey, AlertRecord, Event, Line, Loaded, Pending

logger = logging.getLogger(__name__)

FORMAT = 1
EVENTS_KEPT = 20_000
ROWS_WAITING = 200_000
QUARANTINE_KEPT = 5_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS record (kind TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (kind, key)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alert (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, area TEXT NOT NULL, home TEXT NOT NULL,
  category TEXT NOT NULL, priority INTEGER NOT NULL, status TEXT NOT NULL, origin TEXT NOT NULL,
  raised_at REAL NOT NULL, closed_at REAL, body BLOB NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS alert_queue ON alert (priority, raised_at, id);
CREATE INDEX IF NOT EXISTS alert_age ON alert (raised_at, id);
CREATE INDEX IF NOT EXISTS alert_home ON alert (home, raised_at);
CREATE INDEX IF NOT EXISTS alert_open ON alert (closed_at);
CREATE TABLE IF NOT EXISTS line (alert TEXT NOT NULL, seq INTEGER NOT NULL, at REAL NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (alert, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY, origin TEXT NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS quarantine (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS fault (place TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT;
"""

_encoder = msgspec.msgpack.Encoder()
_alert = msgspec.msgpack.Decoder(Alert)
_line = msgspec.msgpack.Decoder(Line)
_quarantined = msgspec.msgpack.Decoder(Quarantined)


class _OtherFormat(Exception):  # noqa: N818 - a state, not a mistake
    pass


class ViewStore:
    """One connection that writes, under a lock; a short-lived one for each reading. All of it blocks: call it on a thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pending = Pending()
        self.written = 0
        """The position that the file reflects."""
        self.synced = 0
        """The position that it still reflects after a power cut."""
        self.whole_from = 0
        """While the view is built from snapshots, no position before this one is noted: a start in between begins that anew."""
        self.problem = ""
        """Why the file is behind, or empty."""
        self.given_up = False
        self._batch: Pending | None = None
        self._lock = threading.Lock()
        self._file = self._open()
        self._looking = threading.Lock()
        self._glass = self._reader()
        """Open for as long as this is: every new alert looks whether it is known, before anybody is told."""
        self.written = self._meta("position")

    def _open(self) -> sqlite3.Connection:
        """A damaged file, or one of another format, is put aside and made anew from the journal."""
        try:
            return self._connect()
        except (sqlite3.DatabaseError, _OtherFormat) as problem:
            if isinstance(problem, sqlite3.OperationalError):
                raise
            aside = self.path.with_name(self.path.name + ".aside")
            logger.warning("%s is put aside as %s: %s", self.path, aside.name, problem)
            self.path.replace(aside)
            for tail in ("-wal", "-shm"):
                self.path.with_name(self.path.name + tail).unlink(missing_ok=True)
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        file = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=5.0)
        try:
            file.execute("PRAGMA journal_mode = WAL")
            file.execute("PRAGMA secure_delete = ON")
            file.execute("PRAGMA synchronous = NORMAL")  # a power cut may take the last moments: the journal has them
            found = file.execute("PRAGMA user_version").fetchone()[0]
            if found not in (0, FORMAT):
                raise _OtherFormat(f"its format is {found}, not {FORMAT}")  # noqa: TRY301 - closed like any other failure
            if found == 0:
                file.executescript(_SCHEMA)
                file.execute(f"PRAGMA user_version = {FORMAT}")
            file.execute("SELECT value FROM meta").fetchall()
        except Exception:
            file.close()
            raise
        return file

    def close(self) -> None:
        self.write(self.take())
        with self._looking:
            self._glass.close()
        with self._lock:
            self._file.close()

    # --- writing -------------------------------------------------------------------------------------------------------------

    def take(self) -> Pending | None:
        """What to write next. Called where `pending` is filled; what failed before stays first, and more gathers behind it."""
        if self._batch is None and self.pending.position > self.written and not self.given_up:
            self._batch, self.pending = self.pending, Pending(position=self.pending.position)
        elif self.pending.rows > ROWS_WAITING or self.given_up:
            self.given_up = True
            self.problem = self.problem or "too much waits for views.db; it goes on at the next start"
            self._batch, self.pending = None, Pending(position=self.pending.position, event_floor=self.pending.position)
        return self._batch

    def write(self, batch: Pending | None) -> bool:
        """One transaction; False when the disk refuses it, which `problem` then explains."""
        if batch is None:
            return True
        position = batch.position if batch.position >= self.whole_from else self.written
        with self._lock:
            try:
                self._file.execute("BEGIN IMMEDIATE")
                self._write(batch, position)
                self._file.execute("COMMIT")
            except sqlite3.Error as problem:
                if self._file.in_transaction:
                    self._file.execute("ROLLBACK")
                self.problem = str(problem)
                return False
        self.written, self.problem, self._batch = position, "", None
        return True

    def sync(self) -> int:
        """`synced`, after a checkpoint: without one a commit is only in the page cache. What a reader holds up waits for the next."""
        with self._lock:
            written = self.written
            try:
                busy, pages, done = self._file.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            except sqlite3.Error as problem:
                self.problem = str(problem)
            else:
                if not busy and pages == done:  # the WAL was synced before it was copied, and the file after
                    self.synced = written
        return self.synced

    def works(self) -> bool:
        """Whether a write would succeed now."""
        with self._lock:
            try:
                self._set("position", self.written)
            except sqlite3.Error:
                return False
        return True

    def _write(self, batch: Pending, position: int) -> None:
        run, many = self._file.execute, self._file.executemany
        kept = [(kind, key, _encoder.encode(body)) for (kind, key), body in batch.records.items() if body is not None]
        many("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", kept)
        many("DELETE FROM record WHERE kind = ? AND key = ?", [at for at, body in batch.records.items() if body is None])
        many("INSERT OR REPLACE INTO alert VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [_row(a, seq) for a, seq in batch.alerts.values()])
        lines = [(alert, line.seq, line.at.timestamp(), line.kind, _encoder.encode(line)) for alert, line in batch.lines]
        many("INSERT OR REPLACE INTO line VALUES (?, ?, ?, ?, ?)", lines)
        many("INSERT OR REPLACE INTO event VALUES (?, ?, ?)", [(e.seq, e.origin, e.body) for e in batch.events])
        for home in batch.erased:
            self._erase(home)
        if batch.event_floor:
            run("DELETE FROM event WHERE seq <= ?", (batch.event_floor,))
            self._set("event_floor", batch.event_floor)
        if batch.events:
            oldest = run("SELECT seq FROM event ORDER BY seq DESC LIMIT 1 OFFSET ?", (EVENTS_KEPT,)).fetchone()
            if oldest is not None:
                run("DELETE FROM event WHERE seq <= ?", oldest)
                self._set("event_floor", oldest[0])
        if batch.quarantine:
            many("INSERT OR REPLACE INTO quarantine VALUES (?, ?)", [(seq, _encoder.encode(q)) for seq, q in batch.quarantine])
            run(
                "DELETE FROM quarantine WHERE seq <= (SELECT seq FROM quarantine ORDER BY seq DESC LIMIT 1 OFFSET ?)",
                (QUARANTINE_KEPT,),
            )
        many(
            "INSERT INTO fault VALUES (?, ?) ON CONFLICT (place) DO UPDATE SET count = count + excluded.count",
            list(batch.faults.items()),
        )
        self._set("position", position)

    def _erase(self, home: str) -> None:
        run, many = self._file.execute, self._file.executemany
        alerts = run("SELECT id, body FROM alert WHERE home = ?", (home,)).fetchall()
        many("UPDATE alert SET body = ? WHERE id = ?", [(_encoder.encode(bare_alert(_alert.decode(body))), id_) for id_, body in alerts])
        for id_, _ in alerts:
            run("DELETE FROM event WHERE seq IN (SELECT seq FROM line WHERE alert = ?)", (id_,))
            lines = run("SELECT seq, body FROM line WHERE alert = ?", (id_,)).fetchall()
            bared = [(_encoder.encode(bare_line(_line.decode(body))), id_, seq) for seq, body in lines]
            many("UPDATE line SET body = ? WHERE alert = ? AND seq = ?", bared)

    def _set(self, name: str, value: int) -> None:
        self._file.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def _meta(self, name: str) -> int:
        row = self._file.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return 0 if row is None else int(row[0])

    def prune_alerts(self, closed_before: datetime, most: int, origin: Origin | None = None) -> int:
        """Remove alerts closed before then, with their timelines and what the stream said of them, `most` at a time; how many went."""
        of = "" if origin is None else origin.value
        with self._change():
            rows = self._file.execute(
                "SELECT id FROM alert WHERE closed_at < ? AND ? IN ('', origin) LIMIT ?", (closed_before.timestamp(), of, most),
            ).fetchall()  # fmt: skip
            self._file.executemany("DELETE FROM event WHERE seq IN (SELECT seq FROM line WHERE alert = ?)", rows)
            self._file.executemany("DELETE FROM line WHERE alert = ?", rows)
            self._file.executemany("DELETE FROM alert WHERE id = ?", rows)
        return len(rows)

    def prune_quarantine(self, upto: int) -> None:
        """Remove what could not be read, up to this number."""
        with self._change():
            self._file.execute("DELETE FROM quarantine WHERE seq <= ?", (upto,))

    @contextmanager
    def _change(self) -> Iterator[None]:
        """One transaction of its own; sqlite3.Error: nothing was changed."""
        with self._lock:
            self._file.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._file.execute("COMMIT")
            finally:
                if self._file.in_transaction:
                    self._file.execute("ROLLBACK")

    # --- reading -------------------------------------------------------------------------------------------------------------

    def _reader(self) -> sqlite3.Connection:
        address = f"{self.path.absolute().as_uri()}?mode=ro"
        return sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False, timeout=5.0)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        file = self._reader()
        try:
            yield file
        finally:
            file.close()

    def load(self, closed_after: datetime, events: int) -> Loaded:
        """What memory holds at a start: the registry, open alerts and those closed since, the newest of quarantine and events."""
        with self._reading() as file:
            file.execute("BEGIN")
            alerts = file.execute("SELECT body, seq FROM alert WHERE closed_at IS NULL OR closed_at > ?", (closed_after.timestamp(),))
            newest = file.execute("SELECT seq, origin, body FROM event ORDER BY seq DESC LIMIT ?", (events,)).fetchall()
            rows = file.execute("SELECT seq, body FROM quarantine ORDER BY seq").fetchall()
            return Loaded(
                position=self._meta("position"),
                records=file.execute("SELECT kind, key, body FROM record").fetchall(),
                alerts=[self._record(file, body, seq) for body, seq in alerts.fetchall()],
                quarantine=[(seq, _quarantined.decode(body)) for seq, body in rows],
                faults=dict(file.execute("SELECT place, count FROM fault").fetchall()),
                events=[Event(*row) for row in reversed(newest)],
                event_floor=self._meta("event_floor"),
            )

    def _record(self, file: sqlite3.Connection, body: bytes, seq: int) -> AlertRecord:
        alert = _alert.decode(body)
        rows = file.execute("SELECT body FROM line WHERE alert = ? ORDER BY seq", (alert.id,))
        return AlertRecord(alert, seq, [_line.decode(line) for (line,) in rows])

    def alert(self, alert: AlertId) -> AlertRecord | None:
        with self._looking:
            row = self._glass.execute("SELECT body, seq FROM alert WHERE id = ?", (alert,)).fetchone()
            return None if row is None else self._record(self._glass, *row)

    def alerts(self, wanted: AlertFilter, after: AlertKey | None, limit: int) -> list[AlertRecord]:
        """At most `limit`, in the order of the list, past the key."""
        where, values = _conditions(wanted, after)
        order = "raised_at DESC, id" if wanted.newest else "closed_at IS NOT NULL, priority, raised_at, id"
        query = f"SELECT body, seq FROM alert WHERE {' AND '.join(where)} ORDER BY {order} LIMIT ?"  # noqa: S608 - our own words
        with self._reading() as file:
            file.execute("BEGIN")
            return [self._record(file, body, seq) for body, seq in file.execute(query, (*values, limit)).fetchall()]

    def events(self, after: int, limit: int) -> tuple[int, list[Event]]:
        """(the floor: every later event is there, up to `limit` events past `after`)."""
        with self._reading() as file:
            file.execute("BEGIN")
            floor = file.execute("SELECT value FROM meta WHERE name = 'event_floor'").fetchone()
            rows = file.execute("SELECT seq, origin, body FROM event WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit)).fetchall()
            return (floor[0] if floor else 0), [Event(*row) for row in rows]


def _row(alert: Alert, seq: int) -> tuple[object, ...]:
    closed = None if alert.closed_at is None else alert.closed_at.timestamp()
    return (
        alert.id, seq, alert.area, alert.home, alert.category.value, int(alert.priority), alert.status.value, alert.origin.value,
        alert.raised_at.timestamp(), closed, _encoder.encode(alert),
    )  # fmt: skip


def _conditions(wanted: AlertFilter, after: AlertKey | None) -> tuple[list[str], list[object]]:
    where: list[str] = ["origin = ?"]
    values: list[object] = [wanted.origin]

    def add(condition: str, *given: object) -> None:
        where.append(condition)
        values.extend(given)

    if wanted.open is not None:
        where.append("closed_at IS NULL" if wanted.open else "closed_at IS NOT NULL")
    for name in ("status", "home", "priority", "category"):
        value = getattr(wanted, name)
        if value is not None:
            add(f"{name} = ?", value)
    if wanted.areas is not None:
        add("area IN (SELECT value FROM json_each(?))", msgspec.json.encode(sorted(wanted.areas)).decode())
    if wanted.raised_from is not None:
        add("raised_at >= ?", wanted.raised_from.timestamp())
    if wanted.raised_before is not None:
        add("raised_at < ?", wanted.raised_before.timestamp())
    if after is not None and wanted.newest:
        add("(0, 0, -raised_at, id) > (?, ?, ?, ?)", *after)
    elif after is not None:
        add("(closed_at IS NOT NULL, priority, raised_at, id) > (?, ?, ?, ?)", *after)
    return where, values
