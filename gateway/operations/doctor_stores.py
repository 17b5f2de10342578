"""The stores of the data folder, looked at without writing, while the service runs and while it does not; and the backups of them."""

import sqlite3
from collections.abc import Generator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from gateway import backup_status
from gateway.clock import MACHINE
from gateway.evidence import archive
from gateway.operations import manifest
from gateway.operations.finding import Finding, Findings, fail, ok, warn
from gateway.settings import Settings
from gateway.store import identity, segments
from gateway.store.failure import DiskFull, StoreBroken
from gateway.store.folder import Layout
from gateway.store.history import HistoryReader
from gateway.store.journal import FOLDER, Reader
from gateway.store.snapshots import read as read_snapshots

CHECKED = 20_000
"""Commits, the newest: seconds at most, however large the segment."""
BEHIND = 200_000
LATE = timedelta(hours=36)


def stores(settings: Settings) -> Findings:
    data = Path(settings.data)
    yield from _identity(data)
    last_seq = yield from _journal(data)
    yield from _snapshots(data, last_seq)
    yield from _users(data)
    yield from _followers(data, last_seq)


def _identity(data: Path) -> Findings:
    try:
        found = identity.read(data)
    except identity.FolderRefused as problem:
        yield fail("format", str(problem))
        return
    newest = identity.STEPS[-1].to
    if (data / identity.UNFINISHED).exists():
        yield fail("format", "a restore was not finished: run it again, with --replace")
    elif found.format > newest:
        yield fail("format", f"{found.format}, written by a newer Anju; this one knows formats up to {newest}")
    elif found.format < newest:
        yield ok("format", f"{found.format}; the next start brings it to {newest}")
    else:
        yield ok("format", f"{found.format}" + (f", restored {found.restores} times" if found.restores else ""))


def _journal(data: Path) -> Generator[Finding, None, int]:
    journal = Reader(data)
    try:
        last = journal.last
        if last is None:
            yield ok("journal", "empty")
            return 0
        paths = [p for p in segments.listed(data / FOLDER) if segments.edge(p, newest=False) is not None]
        checked = _check(paths[-1])
        sealed = sum(segments.is_sealed(p) for p in paths)
        first_seq = journal.first_seq
    except (StoreBroken, DiskFull, OSError) as problem:
        yield fail("journal", f"{problem}: restore the last backup into another folder and compare, docs/operations.md says how")
        return 0
    said = f"numbers {first_seq:,} to {last.last_seq:,} in {len(paths)} files ({sealed} closed)"
    yield ok("journal", f"{said}; the newest {checked:,} commits match their checksums")
    return last.last_seq


def _check(path: Path) -> int:
    """How many of the newest commits of a segment were read and match their checksums; StoreBroken for one that does not."""
    checked = 0
    with segments.opened(path) as connection:
        row = connection.execute("SELECT first_seq FROM commits ORDER BY first_seq DESC LIMIT 1 OFFSET ?", (CHECKED,)).fetchone()
        after = 0 if row is None else row[0]
        while page := segments.rows(connection, path, after, 256):
            checked += len(page)
            after = page[-1].first_seq
            if checked >= CHECKED:
                break
    return checked


def _snapshots(data: Path, last_seq: int) -> Findings:
    path = Layout(data).snapshots
    if not path.exists():
        if last_seq:
            yield warn("snapshots", "there are none: the next start reads the whole journal")
        return
    try:
        loaded = read_snapshots(path)
        gap = loaded.gap(Reader(data).first_seq)
    except (StoreBroken, DiskFull, OSError) as problem:
        yield warn("snapshots", f"{problem}: the next start reads the whole journal")
        return
    if gap:
        yield fail("snapshots", gap)
    elif loaded.problems:
        yield warn("snapshots", f"{loaded.problems[0]}: the next start reads the whole journal")
    else:
        behind = max(last_seq - loaded.floor, 0)
        yield ok("snapshots", f"{len(loaded.rows):,}; a start reads {behind:,} entries behind them")


def _users(data: Path) -> Findings:
    path = data / "users.db"
    if not path.exists():
        yield ok("log-ins", "none yet; the first start of `serve` makes one")
        return
    try:
        with closing(_reading(path)) as file:
            admins, all_ = file.execute("SELECT coalesce(sum(role = 'admin'), 0), count(*) FROM user WHERE NOT disabled").fetchone()
    except sqlite3.Error as problem:
        yield fail("log-ins", f"{path}: {problem}: restore it from the last backup")
        return
    if not admins:
        yield warn("log-ins", f"{all_} people can log in, and none of them is an administrator")
    else:
        yield ok("log-ins", f"{all_} people can log in, {admins} of them administrators")


def _followers(data: Path, last_seq: int) -> Findings:
    """What follows the journal, by how far it is."""
    views = data / "views.db"
    if views.exists():
        try:
            with closing(_reading(views)) as file:
                row = file.execute("SELECT value FROM meta WHERE name = 'position'").fetchone()
        except sqlite3.Error as problem:
            yield warn("desk", f"{views}: {problem}; it is built anew from the journal")
        else:
            yield _position("desk", 0 if row is None else int(row[0]), last_seq)
    history = Layout(data).history
    if (history / "last.db").exists():
        try:
            position = HistoryReader(history).position
        except sqlite3.Error as problem:
            yield warn("history", f"{history}: {problem}")
        else:
            yield _position("history", position, last_seq)
    if (data / archive.NAME).exists():
        try:
            with closing(archive.reading(data)) as file:
                row = file.execute("SELECT value FROM meta WHERE name = 'position'").fetchone()
        except sqlite3.Error as problem:
            yield fail("evidence", f"{data / archive.NAME}: {problem}; it is in every backup")
        else:
            yield _position("evidence", 0 if row is None else int(row[0]), last_seq)


def _position(what: str, position: int, last_seq: int) -> Finding:
    if position > last_seq:
        return warn(what, f"it is at {position:,}, the journal at {last_seq:,}: it is of another life of the journal, and is built anew")
    behind = last_seq - position
    if behind > BEHIND:
        return warn(what, f"it is {behind:,} entries behind the journal; is its process running?")
    return ok(what, f"at {position:,}, {behind:,} behind the journal")


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)


def backups(settings: Settings) -> Findings:
    if not settings.backup.folder:
        yield warn("backup", "none is configured: [backup] folder, best on another disk")
        return
    folder, data = Path(settings.backup.folder), Path(settings.data)
    kept = manifest.newest(folder)
    status = backup_status.read(data)
    if status is not None and not status.good:
        yield fail("backup", f"that of {status.day} failed: {status.sentence}")
    elif kept is None:
        yield warn("backup", f"none yet in {folder}; the first is made at {settings.backup.at:%H:%M}, or now by ./anju backup {folder}")
    elif (age := MACHINE.wall() - kept.manifest.made_at) > LATE:
        yield fail("backup", f"the last one is {age.days} days old ({kept.path.name}): what keeps it from being made?")
    elif folder.stat().st_dev == data.stat().st_dev:
        yield warn("backup", f"{kept.path.name}, on the disk of the data: that does not help against a disk that dies")
    else:
        yield ok("backup", f"{kept.path.name}, up to number {kept.manifest.last_seq:,}")
