"""How far an outside store is, in one SQLite file each: the position, the models of devices as they were there, what was refused.

Only the position makes a batch done; it is written after the store said yes, together with all else. A power cut may take the last
moments of it, which then come again.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import msgspec

from devices.home import DeviceId, HomeId, ModelId
from gateway.store.failure import failure
from gateway.store.segments import instant, micros

DeviceKey = tuple[HomeId, DeviceId]

REFUSED_KEPT = 1000
"""Enough to see what is wrong; the journal has all of it."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS model (home TEXT NOT NULL, device TEXT NOT NULL, model TEXT NOT NULL, PRIMARY KEY (home, device))
 STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refused (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, line TEXT NOT NULL, reason TEXT NOT NULL) STRICT;
"""


class Refused(msgspec.Struct, frozen=True):
    """One observation that the store would not take, as it was offered. `at`: when, by the wall clock."""

    at: datetime
    line: str
    reason: str


class Standing:
    """The one writer; one thread at a time. `target` names the database: another one than before is known to have nothing."""

    def __init__(self, path: Path, target: str) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = NORMAL")
            self._file.executescript(_SCHEMA)
            if self._file.execute("SELECT value FROM meta WHERE name = 'target'").fetchone() != (target,):
                self._file.execute("BEGIN IMMEDIATE")
                for table in ("meta", "model", "refused"):
                    self._file.execute(f"DELETE FROM {table}")  # noqa: S608 - of the three above
                self._file.execute("INSERT INTO meta VALUES ('target', ?)", (target,))
                self._file.execute("COMMIT")
        except (sqlite3.Error, OSError) as problem:
            raise failure(problem, path) from problem

    @property
    def position(self) -> int | None:
        """None: nothing was ever written there."""
        return self._number("position")

    @property
    def refused(self) -> int:
        """All told."""
        return self._number("refused") or 0

    def models(self) -> dict[DeviceKey, ModelId]:
        rows = self._file.execute("SELECT home, device, model FROM model")
        return {(HomeId(home), DeviceId(device)): ModelId(model) for home, device, model in rows}

    def advance(self, position: int, models: Mapping[DeviceKey, ModelId], refused: Sequence[Refused] = (), more: int = 0) -> None:
        """`refused` are kept, up to a bound; `more` were refused beside them. DiskFull or StoreBroken: nothing of it is noted."""
        try:
            self._file.execute("BEGIN IMMEDIATE")
            self._file.execute("INSERT OR REPLACE INTO meta VALUES ('position', ?)", (position,))
            rows = [(home, device, model) for (home, device), model in models.items()]
            self._file.executemany("INSERT OR REPLACE INTO model VALUES (?, ?, ?)", rows)
            if refused or more:
                self._refuse(refused, self.refused + len(refused) + more)
            self._file.execute("COMMIT")
        except (sqlite3.Error, OSError) as problem:
            if self._file.in_transaction:
                self._file.execute("ROLLBACK")
            raise failure(problem, self._path) from problem

    def _refuse(self, refused: Iterable[Refused], count: int) -> None:
        rows = [(micros(one.at), one.line, one.reason) for one in refused]
        self._file.executemany("INSERT INTO refused (at, line, reason) VALUES (?, ?, ?)", rows)
        self._file.execute("DELETE FROM refused WHERE id <= (SELECT max(id) FROM refused) - ?", (REFUSED_KEPT,))
        self._file.execute("INSERT OR REPLACE INTO meta VALUES ('refused', ?)", (count,))

    def _number(self, name: str) -> int | None:
        row = self._file.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else int(row[0])

    def close(self) -> None:
        self._file.close()


def path_of(data: Path, store: str) -> Path:
    """The file of a store, by its name in the settings."""
    return data / "telemetry" / f"{store}.db"


def read_refused(path: Path, limit: int) -> list[Refused]:
    """The latest first, from any process. sqlite3.Error where there is no such file yet."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=5.0)) as file:
        rows = file.execute("SELECT at, line, reason FROM refused ORDER BY id DESC LIMIT ?", (limit,)).fetchall()
    return [Refused(instant(at), line, reason) for at, line, reason in rows]
