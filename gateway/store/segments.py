"""The files of the journal: one SQLite file per segment, one row per commit.

`<n>.journal` begins at n or a little later, where the one before ends. So a file can be made, opened and synced ahead of need, named
by a number that has not come yet, and switching to it costs the commit nothing.
A file that will not be written any more has everything out of its WAL and is read-only: that is the mark by which readers open it
without locks (SQLite's `immutable`).
"""

import os
import sqlite3
import stat
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from gateway.store.entry import Stamp
from gateway.store.failure import DiskFull, StoreBroken, failure, sync_folder

SUFFIX = ".journal"
FORMAT = 1
PAGE = 4096
"""Measured with commits of 0.3 to 25 KB: larger pages make small commits dear and large ones no cheaper."""

_LAST = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HEAD = struct.Struct(">qqqqd")
_INSERT = "INSERT INTO commits VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_SELECT = "SELECT first_seq, count, service_at, wall_at, boottime, boot_id, body, crc32 FROM commits "

_Row = tuple[int, int, int, int, float, str, bytes, int]


class Stored(msgspec.Struct, frozen=True, gc=False):
    """One commit as it lies on disk; `gateway.store.entry.decode(body)` gives its `count` entries."""

    first_seq: int
    count: int
    stamp: Stamp
    body: bytes

    @property
    def last_seq(self) -> int:
        return self.first_seq + self.count - 1


def micros(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def instant(since_1970: int) -> datetime:
    return _EPOCH + timedelta(microseconds=since_1970)


def _crc(head: tuple[int, int, int, int, float, str, bytes]) -> int:
    *numbers, boot_id, body = head
    return zlib.crc32(body, zlib.crc32(boot_id.encode(), zlib.crc32(_HEAD.pack(*numbers))))


def path_of(folder: Path, first_seq: int) -> Path:
    return folder / f"{first_seq:020}{SUFFIX}"


def number_of(path: Path) -> int:
    """The smallest sequence number that the segment may hold."""
    return int(path.name.removesuffix(SUFFIX))


def wal_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def listed(folder: Path) -> list[Path]:
    """Every segment, oldest first."""
    return sorted(p for p in folder.glob(f"*{SUFFIX}") if p.name.removesuffix(SUFFIX).isdigit())


def create(folder: Path, first_seq: int) -> Path:
    """A new, empty segment, whose name is on disk when this returns. DiskFull leaves none behind."""
    path = path_of(folder, first_seq)
    draft = path.with_name(path.name + ".new")
    try:
        remove(draft)
        connection = sqlite3.connect(draft, isolation_level=None)
        try:
            connection.execute(f"PRAGMA page_size = {PAGE}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(
                "CREATE TABLE commits (first_seq INTEGER PRIMARY KEY, count INTEGER NOT NULL, service_at INTEGER NOT NULL,"
                " wall_at INTEGER NOT NULL, boottime REAL NOT NULL, boot_id TEXT NOT NULL, body BLOB NOT NULL,"
                " crc32 INTEGER NOT NULL) STRICT",
            )
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()
        draft.rename(path)
        sync_folder(folder)
    except (sqlite3.Error, OSError) as problem:
        reason = failure(problem, path)
        remove(draft)
        raise reason from problem
    return path


def remove(path: Path) -> None:
    """Take a segment, or the draft of one, off the disk: the file before its WAL, so that no half of it is ever taken for whole."""
    for name in (path.name, path.name + "-wal", path.name + "-shm"):
        path.with_name(name).unlink(missing_ok=True)


def is_sealed(path: Path) -> bool:
    return not path.stat().st_mode & stat.S_IWUSR


class Segment:
    """The writing end of a segment. One thread at a time; `checkpoint` and `seal` use a connection of their own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number = number_of(path)
        try:
            self._hot = self._connect()
            self._settle()
            self._cold = self._connect()
        except (sqlite3.Error, OSError) as problem:
            raise failure(problem, path) from problem

    def _settle(self) -> None:
        """What a dead process had written but not synced can be read, and could vanish with the power: put it on disk before use.

        The checkpoint also rewrites what a failed sync may have left half on disk. Without room for it a sync has to do.
        """
        try:
            self._hot.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            # A write that changes nothing: the WAL, its header and its name are on disk before the first commit needs them.
            self._hot.execute(f"PRAGMA user_version = {FORMAT}")
        except sqlite3.Error as problem:
            if not isinstance(failure(problem, self.path), DiskFull):
                raise
            wal = os.open(wal_of(self.path), os.O_RDWR)
            os.fsync(wal)
            os.close(wal)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=5.0)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        return connection

    def append(self, first_seq: int, count: int, stamp: Stamp, body: bytes) -> None:
        """One transaction, on disk when this returns. DiskFull or StoreBroken: nothing of it is there."""
        head = (first_seq, count, micros(stamp.service_at), micros(stamp.wall_at), stamp.boottime, stamp.boot_id, body)
        try:
            self._hot.execute(_INSERT, (*head, _crc(head)))
        except sqlite3.Error as problem:
            if self._hot.in_transaction:
                self._hot.execute("ROLLBACK")
            raise failure(problem, self.path) from problem

    def checkpoint(self) -> None:
        """Copy the WAL into the file while commits go on. Most of the work; what came meanwhile is left for `restart`."""
        self._pragma("PRAGMA wal_checkpoint(PASSIVE)")

    def restart(self) -> bool:
        """Copy the rest, with no commit under way, and let the WAL begin anew; False when a reader stood in the way."""
        self._cold.execute("PRAGMA busy_timeout = 0")
        return self._pragma("PRAGMA wal_checkpoint(RESTART)")

    def seal(self) -> bool:
        """Everything into the file, the WAL gone, the file read-only, closed. False when a reader stood in the way: try again."""
        if not self._pragma("PRAGMA wal_checkpoint(TRUNCATE)"):
            return False
        try:
            self.path.chmod(0o444)
        except OSError as problem:
            raise failure(problem, self.path) from problem
        self.close()
        return True

    def _pragma(self, statement: str) -> bool:
        try:
            busy, _, _ = self._cold.execute(statement).fetchone()
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                return False
            raise failure(problem, self.path) from problem
        except sqlite3.Error as problem:
            raise failure(problem, self.path) from problem
        return not busy

    def close(self) -> None:
        self._cold.close()
        self._hot.close()


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A segment, for reading, from any process; also while it is being written. FileNotFoundError when it went away meanwhile."""
    mode = "immutable=1" if is_sealed(path) else "mode=ro"
    try:
        # A walk over the files may go on in another thread than it began in: who follows takes a piece at a time from a pool.
        uri = f"{path.absolute().as_uri()}?{mode}"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=5.0)) as connection:
            yield connection
    except sqlite3.Error as problem:
        if not path.exists():
            raise FileNotFoundError(path) from problem
        raise failure(problem, path) from problem


def rows(connection: sqlite3.Connection, path: Path, after_seq: int, most: int) -> list[Stored]:
    """At most `most` commits after `after_seq`, in one short transaction."""
    found = connection.execute(_SELECT + "WHERE first_seq > ? ORDER BY first_seq LIMIT ?", (after_seq, most)).fetchall()
    return [_checked(row, path) for row in found]


def edge(path: Path, *, newest: bool, upto: int = _LAST) -> Stored | None:
    """The first or the last commit of a segment that begins at or below `upto`; None when there is none, or the segment is gone."""
    try:
        with opened(path) as connection:
            order = "DESC" if newest else "ASC"
            row = connection.execute(_SELECT + f"WHERE first_seq <= ? ORDER BY first_seq {order} LIMIT 1", (upto,)).fetchone()
    except FileNotFoundError:
        return None
    return None if row is None else _checked(row, path)


def _checked(row: _Row, path: Path) -> Stored:
    first_seq, count, service_at, wall_at, boottime, boot_id, body, crc = row
    try:
        sound = _crc(row[:7]) == crc
    except (TypeError, AttributeError, struct.error):  # a damaged page may give any type
        sound = False
    if not sound:
        raise StoreBroken(f"{path}: commit {first_seq} does not match its checksum")
    return Stored(first_seq, count, Stamp(instant(service_at), instant(wall_at), boottime, boot_id), body)


class Duplicate:
    """A copy of a segment in another folder, also while it is written: each row checked, each page a short transaction of its own."""

    def __init__(self, source: Path, folder: Path) -> None:
        self.path = create(folder, number_of(source))
        self.last_seq = 0
        self._source = source
        self._into = sqlite3.connect(self.path, isolation_level=None)
        self._into.execute("PRAGMA synchronous = OFF")  # `seal` syncs; before it this is nobody's truth

    def catch_up(self, breathe: Callable[[int], None], page: int = 64) -> None:
        """Take what has come since, to the end. `breathe` hears of every page how many bytes it was. StoreBroken for a damaged row."""
        try:
            with opened(self._source) as reading:
                while raw := reading.execute(_SELECT + "WHERE first_seq > ? ORDER BY first_seq LIMIT ?", (self.last_seq, page)).fetchall():
                    size = 0
                    for row in raw:
                        stored = _checked(row, self._source)
                        self.last_seq = stored.last_seq
                        size += len(stored.body)
                    self._into.execute("BEGIN")
                    self._into.executemany(_INSERT, raw)
                    self._into.execute("COMMIT")
                    breathe(size)
        except sqlite3.Error as problem:
            raise failure(problem, self.path) from problem

    def seal(self) -> None:
        """No more will come."""
        try:
            self._into.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._into.close()
            handle = os.open(self.path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
            self.path.chmod(0o444)
        except (sqlite3.Error, OSError) as problem:
            raise failure(problem, self.path) from problem

    def close(self) -> None:
        self._into.close()


def seal_left_open(path: Path) -> None:
    """Seal what a process that died had left behind."""
    if not is_sealed(path):
        segment = Segment(path)
        if not segment.seal():
            segment.close()
