"""`evidence.db`: the chained timelines, the texts beside them, the day's anchors. Follows the journal, and can be made again from it.

The same journal and the same keys give the same chain, entry by entry. The file is kept when journal files go; retention waits for it.
Each day's last link is also written to `anchors.jsonl` beside it, and shown to people: whoever has kept one outside can tell whether
anything up to that day was ever made anew.
"""

import os
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from alerting.facts import AlertRaised
from alerting.record_facts import ResidentErased
from alerting.registry_facts import DeviceDiscovered, DeviceRegistered
from gateway.evidence.entry import (
    GAP,
    Entry,
    Open,
    Told,
    actor_of,
    decode,
    digest,
    encode,
    is_told,
    kind_of,
    link,
    open_part,
    sealed_part,
    subject_of,
    total,
    version_of,
)
from gateway.outside_stores import EVIDENCE
from gateway.store.entry import Commit, Stamp
from gateway.store.failure import DiskFull, failure
from gateway.store.reserve import NO_ROOM

NAME, ANCHORS = "evidence.db", "anchors.jsonl"
FORMAT = 1
BATCH_ENTRIES, BATCH_COMMITS = 1000, 500
_DEVICES = (DeviceRegistered, DeviceDiscovered)
"""Asked of every entry; a union that is written out there would be made anew each time."""

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT;
CREATE TABLE entry (seq INTEGER PRIMARY KEY, alert TEXT NOT NULL, n INTEGER NOT NULL, kind TEXT NOT NULL, at REAL NOT NULL,
  body BLOB NOT NULL, link BLOB NOT NULL, total BLOB NOT NULL) STRICT;
CREATE INDEX entry_alert ON entry (alert, n);
CREATE INDEX entry_at ON entry (kind, at);
CREATE TABLE sealed (seq INTEGER PRIMARY KEY, subject TEXT NOT NULL, body BLOB NOT NULL) STRICT;
CREATE INDEX sealed_subject ON sealed (subject);
CREATE TABLE subject (home TEXT PRIMARY KEY, key BLOB NOT NULL) STRICT;
CREATE TABLE anchor (day TEXT PRIMARY KEY, seq INTEGER NOT NULL, entries INTEGER NOT NULL, total BLOB NOT NULL) STRICT;
CREATE TABLE model (home TEXT NOT NULL, device TEXT NOT NULL, model TEXT NOT NULL, PRIMARY KEY (home, device)) STRICT, WITHOUT ROWID;
"""


class Anchor(msgspec.Struct, frozen=True):
    """The last link over everything up to the end of a local day; `entries` is how many there are up to it."""

    day: str
    seq: int
    entries: int
    total: str
    """Hexadecimal."""


class _Tip(msgspec.Struct):
    """Where the chain of an alert ends."""

    n: int
    link: bytes
    version: str


class Archive:
    """A `Sink` of the telemetry process. `zone`: whose days are anchored. `room` says whether this process may fill the disk."""

    name = EVIDENCE
    refused = 0

    def __init__(self, data: Path, zone: ZoneInfo, room: Callable[[], bool]) -> None:
        self._path, self._anchors = data / NAME, data / ANCHORS
        self._zone, self._room = zone, room
        self._file: sqlite3.Connection | None = None
        self._position = 0
        self._missed = self._erased = False
        self._commits = self._count = self._entries = 0
        self._day = ""
        self._total = b""
        self._last = 0
        self._tips: dict[str, _Tip] = {}

    def open(self) -> int:
        """What was taken and not written is let go of."""
        if self._file is None:
            self._need_room()
            self._file = _connected(self._path)
        if self._file.in_transaction:
            self._file.execute("ROLLBACK")
        self._tips.clear()
        self._commits = self._entries = 0
        known = dict(self._file.execute("SELECT name, value FROM meta").fetchall())
        self._position, self._day = int(known.get("position", 0)), str(known.get("day", ""))
        last = self._file.execute("SELECT seq, total FROM entry ORDER BY seq DESC LIMIT 1").fetchone()
        self._last, self._total = (0, b"") if last is None else last
        self._count = self._file.execute("SELECT count(*) FROM entry").fetchone()[0]
        self._write_anchors()
        return self._position

    def missed(self) -> None:
        self._missed = True

    def take(self, commit: Commit) -> bool:
        if commit.last_seq <= self._position:
            return False
        if self._missed:
            self._missed = False
            if commit.first_seq > self._position + 1:
                self._note_gap(commit)
        self._turn_of_day(commit.stamp)
        for seq, fact in enumerate(commit.entries, commit.first_seq):
            if seq <= self._position:
                continue
            if isinstance(fact, _DEVICES):
                device = fact.device
                self._run("INSERT OR REPLACE INTO model VALUES (?, ?, ?)", device.home, device.id, device.model)
            elif is_told(fact):
                self._add(fact, seq, commit.stamp)
        self._commits += 1
        return self._entries >= BATCH_ENTRIES or self._commits >= BATCH_COMMITS

    def write(self, position: int) -> int:
        """On disk, and the position behind it. DiskFull, StoreBroken."""
        self._need_room()
        self._run("INSERT OR REPLACE INTO meta VALUES ('position', ?)", position)
        self._run("INSERT OR REPLACE INTO meta VALUES ('day', ?)", self._day)
        try:
            self._begun().execute("COMMIT")
            self._write_anchors()
            if self._erased:  # what was erased is still in the pages of the log
                self._opened().execute("PRAGMA wal_checkpoint(TRUNCATE)")
                self._erased = False
        except (sqlite3.Error, OSError) as problem:
            raise failure(problem, self._path) from problem
        count, self._entries, self._commits, self._position = self._entries, 0, 0, position
        if len(self._tips) > 20 * BATCH_ENTRIES:
            self._tips.clear()
        return count

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    # --- entries -------------------------------------------------------------------------------------------------------------

    def _add(self, fact: Told, seq: int, stamp: Stamp) -> None:
        texts = sealed_part(fact)
        subject = subject_of(fact)
        sealed: dict[str, str] = {}
        if texts:
            key = self._key(subject)
            sealed = {field: digest(key, seq, field, text) for field, text in texts.items()}
        alert = str(getattr(fact, "alert", ""))
        tip = self._tip(alert)
        version = version_of(fact, tip.version)
        self._append(
            Entry(
                seq=seq, alert=alert, n=tip.n + 1, kind=kind_of(fact), home=fact.home, actor=actor_of(fact), at=fact.at,
                service_at=stamp.service_at, wall_at=stamp.wall_at, boottime=stamp.boottime, boot_id=stamp.boot_id, rule_version=version,
                open=open_part(fact) | self._more(fact), sealed=sealed,
            ),
        )  # fmt: skip
        if texts:
            self._run("INSERT OR REPLACE INTO sealed VALUES (?, ?, ?)", seq, subject, msgspec.json.encode(texts))
        if isinstance(fact, ResidentErased):
            self._erase(fact.home)

    def _append(self, entry: Entry) -> None:
        body, tip = encode(entry), self._tip(entry.alert)
        own = link(tip.link, body)
        self._total, self._last = total(self._total, own), entry.seq
        self._tips[entry.alert] = _Tip(entry.n, own, entry.rule_version)
        row = (entry.seq, entry.alert, entry.n, entry.kind, entry.at.timestamp(), body, own, self._total)
        self._run("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *row)
        self._entries += 1
        self._count += 1

    def _more(self, fact: Told) -> dict[str, Open]:
        """The model of the device that an alert was raised by, as it was then."""
        if not isinstance(fact, AlertRaised) or fact.device is None:
            return {}
        row = self._begun().execute("SELECT model FROM model WHERE home = ? AND device = ?", (fact.home, fact.device)).fetchone()
        return {"model": row[0]} if row and row[0] else {}

    def _note_gap(self, commit: Commit) -> None:
        tip, stamp, last = self._tip(""), commit.stamp, commit.first_seq - 1
        self._append(
            Entry(
                seq=last, alert="", n=tip.n + 1, kind=GAP, home="", actor="service", at=stamp.service_at, service_at=stamp.service_at,
                wall_at=stamp.wall_at, boottime=stamp.boottime, boot_id=stamp.boot_id, rule_version="",
                open={"from": self._position + 1, "to": last}, sealed={},
            ),
        )  # fmt: skip

    def _erase(self, home: str) -> None:
        """With the key goes every salt; `secure_delete` writes zeroes over the texts."""
        self._run("DELETE FROM sealed WHERE subject = ?", home)
        self._run("DELETE FROM subject WHERE home = ?", home)
        self._erased = True

    def _key(self, home: str) -> bytes:
        row = self._begun().execute("SELECT key FROM subject WHERE home = ?", (home,)).fetchone()
        if row is not None:
            return bytes(row[0])
        key = secrets.token_bytes(32)
        self._run("INSERT INTO subject VALUES (?, ?)", home, key)
        return key

    def _tip(self, alert: str) -> _Tip:
        known = self._tips.get(alert)
        if known is None:
            row = self._begun().execute("SELECT n, link, body FROM entry WHERE alert = ? ORDER BY n DESC LIMIT 1", (alert,)).fetchone()
            known = _Tip(0, b"", "") if row is None else _Tip(row[0], row[1], decode(row[2]).rule_version)
            self._tips[alert] = known
        return known

    # --- days ----------------------------------------------------------------------------------------------------------------

    def _turn_of_day(self, stamp: Stamp) -> None:
        today = day_of(stamp, self._zone)
        if self._day and today > self._day:
            self._run("INSERT OR IGNORE INTO anchor VALUES (?, ?, ?, ?)", self._day, self._last, self._count, self._total)
        self._day = max(today, self._day)

    def _write_anchors(self) -> None:
        """The lines that the file beside lacks; a crash between the two is made good at the next opening."""
        there = len(read_anchors(self._anchors))
        rows = self._opened().execute("SELECT day, seq, entries, total FROM anchor ORDER BY day LIMIT -1 OFFSET ?", (there,)).fetchall()
        if not rows:
            return
        with self._anchors.open("ab") as file:
            for day, seq, entries, ended in rows:
                file.write(msgspec.json.encode(Anchor(day, seq, entries, ended.hex())) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    # --- the file ------------------------------------------------------------------------------------------------------------

    def _opened(self) -> sqlite3.Connection:
        assert self._file is not None
        return self._file

    def _begun(self) -> sqlite3.Connection:
        file = self._opened()
        if not file.in_transaction:
            file.execute("BEGIN IMMEDIATE")
        return file

    def _run(self, words: str, *values: object) -> None:
        try:
            self._begun().execute(words, values)
        except sqlite3.Error as problem:
            raise failure(problem, self._path) from problem

    def _need_room(self) -> None:
        if not self._room():
            raise DiskFull(NO_ROOM)


def day_of(stamp: Stamp, zone: ZoneInfo) -> str:
    return stamp.service_at.astimezone(zone).date().isoformat()


def read_anchors(path: Path) -> list[Anchor]:
    """ValueError for a line that is none."""
    if not path.exists():
        return []
    return [msgspec.json.decode(line, type=Anchor) for line in path.read_bytes().splitlines() if line]


def _connected(path: Path) -> sqlite3.Connection:
    try:
        file = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = FULL")
        file.execute("PRAGMA secure_delete = ON")
        if file.execute("PRAGMA user_version").fetchone()[0] == 0:
            file.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
    except (sqlite3.Error, OSError) as problem:
        raise failure(problem, path) from problem
    return file


def reading(data: Path) -> sqlite3.Connection:
    """The archive as any process may read it. sqlite3.OperationalError where there is none."""
    path = (data / NAME).absolute()
    file = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=5.0)
    file.execute("BEGIN")
    return file


def exists(data: Path) -> bool:
    """Whether there is an archive that can be read."""
    try:
        reading(data).close()
    except sqlite3.OperationalError:
        return False
    return True
