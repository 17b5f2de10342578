"""What a backup says of itself, and where backups lie: one folder each under the folder that was named, the newest by its name.

`<folder>/2026-11-22T033000Z-000000012345/` has `data/`, `config/` and `manifest.json`. It has that name once it is whole; what several
of them have in common they share as hard links.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from alerting.terms import Status
from gateway.recovery import look
from gateway.store.identity import Identity
from gateway.store.journal import Reader
from gateway.store.snapshots import Loaded
from gateway.store.snapshots import read as read_snapshots

NAME = "manifest.json"
UNFINISHED = ".unfinished"
FORMAT = 1


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One file. `source_size` and `source_mtime_ns` are of the file it was made from: the same again need not be copied again."""

    sha256: str
    bytes: int
    source_size: int = -1
    source_mtime_ns: int = -1


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What there is, by a fold of the journal to its last number."""

    open_alerts: int
    homes: int
    devices: int
    people: int
    sessions: int
    """Of MQTT clients that are remembered while they are away."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    format: int = FORMAT
    made_at: datetime
    """Wall clock, UTC."""
    version: str
    identity: Identity
    first_seq: int
    last_seq: int
    service_at: datetime | None
    """Service time of the last commit; None where there is none."""
    counts: Counts
    history: bool
    files: dict[str, Record]


class Kept(msgspec.Struct, frozen=True):
    """A whole backup."""

    path: Path
    manifest: Manifest


class BadBackup(Exception):  # noqa: N818 - what is bad is in its name
    """The sentence says what is wrong with which backup."""


def named(made_at: datetime, last_seq: int) -> str:
    return f"{made_at:%Y-%m-%dT%H%M%SZ}-{last_seq:012}"


def number_of(path: Path) -> int:
    """The last sequence number in a backup, by its name."""
    return int(path.name.rpartition("-")[2])


def listed(folder: Path) -> list[Path]:
    """Every whole backup, oldest first."""
    return sorted(p for p in folder.glob("[0-9]*Z-[0-9]*") if p.name.rpartition("-")[2].isdigit() and (p / NAME).exists())


def read(path: Path) -> Kept:
    """BadBackup when it has no manifest that can be read."""
    try:
        manifest = msgspec.json.decode((path / NAME).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise BadBackup(f"{path / NAME}: {problem}") from problem
    if manifest.format > FORMAT:
        raise BadBackup(f"{path}: was made by a newer Anju ({manifest.version})")
    return Kept(path, manifest)


def newest(folder: Path) -> Kept | None:
    """The last one that can be read."""
    for path in reversed(listed(folder)):
        try:
            return read(path)
        except BadBackup:
            continue
    return None


def count(data: Path) -> tuple[Counts, int, int, datetime | None]:
    """What a start on a data folder would find, and the first and last number of its journal and the last service time.

    Opens nothing for writing; the folder should be at rest. StoreBroken, Pruned or DiskFull.
    """
    journal, last = Reader(data), Reader(data).last
    snapshots = data / "snapshots.db"
    last_seq = 0 if last is None else last.last_seq
    loaded = read_snapshots(snapshots) if snapshots.exists() else Loaded({}, 0, [])
    if loaded.floor > last_seq:
        loaded = Loaded({}, 0, [])
    engine, sessions = look(journal, loaded, last_seq)
    remembered = list(sessions.keys())
    homes = [home for home in engine.homes.values() if home.record is not None and not home.retired]
    counts = Counts(
        open_alerts=sum(alert.status is not Status.CLOSED for alert in engine.alerts.values()),
        homes=len(homes),
        devices=sum(len(home.devices) for home in homes),
        people=sum(len(home.people) for home in homes),
        sessions=sum(key.startswith("session/") for key in remembered),
    )
    return counts, journal.first_seq, last_seq, None if last is None else last.stamp.service_at


def differences(wanted: Counts, found: Counts) -> Iterator[str]:
    for name in Counts.__struct_fields__:
        before, after = getattr(wanted, name), getattr(found, name)
        if before != after:
            yield f"{name.replace('_', ' ')}: {before} were backed up, {after} are there"
