"""Snapshots that roll: one row per key (a home, or the whole registry) with the number of the last entry it reflects.

A few of the oldest are written after each commit, never all at once. A key that has not changed since it was written needs no new
row: what bounds the replay is the first change that is not in a row yet, over all keys, and that one number (`floor`) is written with
them. So quiet homes cost nothing and the tail of the journal to replay is as long as it takes to come round the busy ones.

A row reflects only what the journal had on disk when it was written, and is itself not synced: a power cut may put the file back to
an earlier state of itself, with the floor of that state. Only pruning asks for more, and syncs first.
Losing the file costs a replay of the whole journal, no more, as long as the journal goes back to its beginning; what retention has
removed from there is then gone, and `Loaded.problems` says so.
"""

import sqlite3
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import msgspec

from gateway.store.failure import DiskFull, StoreBroken, failure

_SCHEMA = """
CREATE TABLE IF NOT EXISTS snapshots (key TEXT PRIMARY KEY, seq INTEGER NOT NULL, body BLOB NOT NULL, crc32 INTEGER NOT NULL)
 STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS floor (id INTEGER PRIMARY KEY CHECK (id = 0), seq INTEGER NOT NULL) STRICT;
"""


class Row(msgspec.Struct, frozen=True, gc=False):
    """The state of `key` after the entry `seq`; without a body there is no such key any more."""

    key: str
    seq: int
    body: bytes | None


class Loaded(msgspec.Struct):
    """What a start begins from: replay the journal after `floor`, leaving out for each key what its row reflects already."""

    rows: dict[str, Row]
    floor: int
    problems: list[str]
    """What was found damaged, in English sentences; then `floor` is 0 and all that the journal has is replayed."""

    def gap(self, first_seq: int) -> str:
        """A sentence when the journal, which begins at `first_seq`, does not reach back to `floor`; else empty."""
        if self.floor + 1 >= first_seq:
            return ""
        return f"entries {self.floor + 1} to {first_seq - 1} are in no snapshot, and retention has removed them: what they said is lost"

    def discard(self, key: str, reason: str) -> None:
        """A row that its reader cannot use (written by another version): its key is folded again from the journal's beginning."""
        self.rows.pop(key, None)
        self.floor = 0
        self.problems.append(f"the snapshot of {key!r} {reason}; the whole journal is replayed")


def read(path: Path) -> Loaded:
    """For any process, also beside the one that writes: every sound row as it is now. StoreBroken when the file cannot be read."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=5.0)) as connection:
            connection.execute("BEGIN")
            loaded, damaged = _sound(connection)
    except sqlite3.Error as problem:
        raise failure(problem, path) from problem
    loaded.problems += [f"the snapshot of {key!r} {reason}" for key, reason in damaged]
    return loaded


def _sound(connection: sqlite3.Connection, last_seq: int | None = None) -> tuple[Loaded, list[tuple[str, str]]]:
    """The sound rows; of each other one its key and why not. None: how far the journal goes is not known."""
    floor = connection.execute("SELECT seq FROM floor").fetchone()
    loaded = Loaded({}, 0 if floor is None else floor[0], [])
    damaged: list[tuple[str, str]] = []
    for key, seq, body, crc in connection.execute("SELECT key, seq, body, crc32 FROM snapshots"):
        if _crc(key, seq, body) != crc:
            damaged.append((key, "does not match its checksum"))
        elif last_seq is not None and seq > last_seq:
            damaged.append((key, f"is newer ({seq}) than the journal ({last_seq})"))
        else:
            loaded.rows[key] = Row(key, seq, body)
    return loaded, damaged


def _damaged(problem: BaseException | None) -> bool:
    return getattr(problem, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _crc(key: str, seq: int, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(f"{seq}:{key}".encode()))


class Snapshots:
    """The file. One thread at a time; `load` first. A file that is no sound database any more is put aside as `*.damaged`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._problems: list[str] = []
        try:
            self._connection = self._connect()
        except StoreBroken as problem:
            if not _damaged(problem.__cause__):
                raise
            self._put_aside(str(problem))
            self._connection = self._connect()

    def _put_aside(self, reason: str) -> None:
        aside = self._path.with_name(self._path.name + ".damaged")
        self._path.replace(aside)
        for tail in ("-wal", "-shm"):
            self._path.with_name(self._path.name + tail).unlink(missing_ok=True)
        self._problems.append(f"the snapshots are damaged and put aside as {aside.name} ({reason}); the whole journal is replayed")

    def _connect(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=5.0)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(_SCHEMA)
        except sqlite3.Error as problem:
            if connection is not None:
                connection.close()
            raise failure(problem, self._path) from problem
        return connection

    def load(self, last_seq: int) -> Loaded:
        """Every sound row. `last_seq` is the journal's end: a row past it belongs to another journal."""
        try:
            loaded, damaged = _sound(self._connection, last_seq)
        except sqlite3.Error as problem:
            if not _damaged(problem):
                raise failure(problem, self._path) from problem
            self._connection.close()
            self._put_aside(str(problem))
            self._connection = self._connect()
            return Loaded({}, 0, list(self._problems))
        loaded.problems = list(self._problems)
        if loaded.floor > last_seq:
            return Loaded({}, 0, [f"the snapshots reach to {loaded.floor}, the journal to {last_seq}; the whole journal is replayed"])
        for key, reason in damaged:
            loaded.discard(key, reason)
        return loaded

    def write(self, rows: Sequence[Row], floor: int) -> None:
        """In one transaction. DiskFull or StoreBroken: nothing was written."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "INSERT INTO snapshots VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE"
                " SET seq = excluded.seq, body = excluded.body, crc32 = excluded.crc32",
                [(row.key, row.seq, row.body, _crc(row.key, row.seq, row.body)) for row in rows if row.body is not None],
            )
            self._connection.executemany("DELETE FROM snapshots WHERE key = ?", [(row.key,) for row in rows if row.body is None])
            self._connection.execute("INSERT INTO floor VALUES (0, ?) ON CONFLICT (id) DO UPDATE SET seq = excluded.seq", (floor,))
            self._connection.execute("COMMIT")
        except sqlite3.Error as problem:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise failure(problem, self._path) from problem

    def floor(self) -> int:
        """Replay starts after this entry, whatever happens: synced before it is told. The journal may be pruned up to it."""
        try:
            busy, _, _ = self._connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
            row = None if busy else self._connection.execute("SELECT seq FROM floor").fetchone()
        except sqlite3.Error as problem:
            raise failure(problem, self._path) from problem
        return 0 if row is None else int(row[0])

    def close(self) -> None:
        self._connection.close()


ROWS_MOST = 64
"""Written at once: a few milliseconds of the loop."""


class Roller:
    """Knows which keys have changed since their row was written, oldest change first.

    `changed()` gives, once, the keys that have changed since it was last asked, `capture(key)` a key's state as it is now, None when
    it is gone. `committed` and `pick` on the loop's thread, with the state exactly that of the last commit; `write` on the journal's.
    """

    def __init__(
        self,
        snapshots: Snapshots,
        loaded: Loaded,
        changed: Callable[[], Iterable[str]],
        capture: Callable[[str], bytes | None],
        *,
        tail: int = 50_000,
        share: int = 10,
        at_once: int = 8,
    ) -> None:
        """So many rows that a start replays about `tail` entries; where the busy keys are so many that this would be a row for less than
        `share` entries, `share` entries for each of them. `at_once`: a transaction costs as much as so many rows.
        """
        self._snapshots = snapshots
        self._keys = changed
        self._capture = capture
        self._tail = tail
        self._share = share
        self._at_once = at_once
        self._written = {row.key: row.seq for row in loaded.rows.values()}
        self._changed: dict[str, int] = {}
        """Key to the number of the first change that is in no row; in order of that number."""
        self._owed = 0.0
        self._last = loaded.floor
        self.problem = ""
        """Why no snapshots are written any more, if so: the next start will take longer, nothing is lost."""

    def committed(self, first_seq: int, last_seq: int) -> None:
        """Also for what is replayed at the start; what a row reflects already is left out.

        A key counts as changed from the commit's first entry on: an earlier number than the true one only makes a replay a little longer.
        """
        changed = self._changed
        for key in self._keys():
            if key not in changed and last_seq > self._written.get(key, 0):
                changed[key] = first_seq
        count = last_seq - first_seq + 1
        self._owed += min(count / self._share, count * len(changed) / self._tail)
        self._last = last_seq

    def pick(self, last: int) -> list[Row]:
        """The states of the few keys that have waited longest, after entry `last`; hand them to `write`."""
        rows = min(int(self._owed), ROWS_MOST)
        if not self.owes:
            return []
        self._owed -= rows
        return [Row(key, last, self._capture(key)) for key in islice(self._changed, rows)]

    def hurry(self) -> None:
        """Owe every row: before files of the journal are removed, and before a planned end."""
        self._owed = float(len(self._changed))

    @property
    def owes(self) -> bool:
        """Whether `pick` would give rows."""
        return not self.problem and int(self._owed) >= min(self._at_once, len(self._changed)) > 0

    def write(self, rows: Sequence[Row]) -> None:
        """DiskFull leaves them to be picked again. A broken file ends the rolling, not the service: see `problem`."""
        before = {row.key: self._changed.pop(row.key) for row in rows if row.key in self._changed}
        try:
            self._snapshots.write(rows, self.floor)
        except (DiskFull, StoreBroken) as problem:
            self._changed = before | self._changed
            if isinstance(problem, DiskFull):
                raise
            self.problem = str(problem)
            return
        for row in rows:
            self._written[row.key] = row.seq

    @property
    def floor(self) -> int:
        """The number up to which everything is in rows, as far as this process knows."""
        return next(iter(self._changed.values()), self._last + 1) - 1
