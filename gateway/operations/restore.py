"""A data folder, had back from a backup: every hash compared, the journal folded, and what is lost said by its count.

Nothing of the folder that is there is thrown away: with `replace` it is moved into `replaced-<time>` inside it. Until all of it is in
place and has been opened, a mark keeps the service from starting on half of it.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec

from gateway.operations import manifest, mark
from gateway.operations.manifest import BadBackup, Counts, Kept, Manifest
from gateway.operations.mark import Tally, count
from gateway.operations.pace import Pace, copy, digest_of
from gateway.problem import CommandFailed
from gateway.store import identity, segments
from gateway.store.failure import DiskFull, StoreBroken, sync_folder
from gateway.store.folder import Folder, FolderInUse
from gateway.store.identity import FolderRefused, Identity
from gateway.store.journal import FOLDER as SEGMENTS
from gateway.store.journal import Pruned, Reader

CONFIG = "restored-config"
REPLACED = "replaced-"
_STAYS = frozenset({"lock", identity.UNFINISHED, "lost+found"})


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """What was acknowledged after the backup and is not in it, as far as anything still knows."""

    reports: int
    calls: int
    """Of these reports, those that carried a call for help or a hazard."""
    upto_seq: int
    upto_at: datetime | None
    known_by: str
    """`journal`: what is left of the folder before; `mark`: the note beside the backups; each may lack the last seconds."""


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    backup: str
    made_at: datetime
    last_seq: int
    service_at: datetime | None
    counts: Counts
    history: bool
    files: int
    bytes: int
    lost: Lost | None
    """None: nothing is left that would know."""
    replaced: str
    """Where what was there before is now; empty where nothing was."""
    config: str
    """Where the configuration of the backup lies, to be put in place by hand; empty where it has none."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    source: Path
    """One backup, or the folder of several: then the newest."""
    data: Path
    replace: bool
    old: Path | None
    """What is left of the folder before, to count what is lost by."""
    now: datetime
    """Wall clock, UTC."""


def chosen(source: Path) -> Kept:
    """BadBackup when there is none."""
    if (source / manifest.NAME).exists():
        return manifest.read(source)
    paths = manifest.listed(source)
    if not paths:
        raise BadBackup(f"{source} is no backup and holds none")
    return manifest.read(paths[-1])


def restore(wish: Wish, kept: Kept, verify: Pace, place: Pace) -> Restored:
    """The folder, ready to be started on. CommandFailed: the backup is not what it says it is, or the folder is not free."""
    data = wish.data
    try:
        _verify(kept, verify)
        if not wish.replace and data.is_dir() and any(entry.name not in _STAYS for entry in data.iterdir()):
            raise CommandFailed(f"{data} is not empty; --replace moves what is there aside, or name another folder with --data")
        with Folder.lock(data):
            before, replaced = _make_room(data, wish)
            _place(kept, data, place)
            counts, _, last_seq, _ = manifest.count(data)
            _compare(kept.manifest, counts, last_seq)
            left = wish.old or (Path(replaced) if replaced else None)
            lost = _lost(kept, left)
            identity.write(data, _next_life(kept.manifest, before, left, mark.read(kept.path.parent)))
            (data / identity.UNFINISHED).unlink()
            sync_folder(data)
    except FolderInUse as problem:
        raise CommandFailed(f"{problem}: stop it first") from problem
    except (OSError, StoreBroken, Pruned, DiskFull, FolderRefused, BadBackup) as problem:
        raise CommandFailed(f"the restore into {data} failed: {problem}") from problem
    return Restored(
        backup=str(kept.path), made_at=kept.manifest.made_at, last_seq=last_seq, service_at=kept.manifest.service_at, counts=counts,
        history=kept.manifest.history, files=len(kept.manifest.files), bytes=sum(r.bytes for r in kept.manifest.files.values()),
        lost=lost, replaced=replaced, config=str(data / CONFIG) if (data / CONFIG).is_dir() else "",
    )  # fmt: skip


def _verify(kept: Kept, pace: Pace) -> None:
    """Before anything is touched."""
    bad = []
    for name, record in kept.manifest.files.items():
        path = kept.path / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise BadBackup(f"{kept.path}: its manifest names {name}, outside of it")
        if not path.is_file():
            bad.append(f"{name} is missing")
        elif path.stat().st_size != record.bytes or digest_of(path, pace) != record.sha256:
            bad.append(f"{name} is not as it was written")
    if bad:
        more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
        raise BadBackup(f"{kept.path}: {'; '.join(bad[:5])}{more}; take an older one")


def _make_room(data: Path, wish: Wish) -> tuple[Identity, str]:
    """Everything that is there, moved aside; which life it was, and where it is now. Half of a restore is nobody's, and goes."""
    unfinished = (data / identity.UNFINISHED).exists()
    aside = data / f"{REPLACED}{wish.now:%Y-%m-%dT%H%M%SZ}"
    if unfinished:  # what there was before that half is where it was put then
        aside = max((entry for entry in data.iterdir() if entry.name.startswith(REPLACED)), default=aside)
    (data / identity.UNFINISHED).touch()
    sync_folder(data)
    for entry in sorted(data.iterdir()):
        if entry.name in _STAYS or entry.name.startswith(REPLACED):
            continue
        if entry.name == "reserve" or unfinished:
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        else:
            aside.mkdir(mode=0o700, exist_ok=True)
            entry.rename(aside / entry.name)
    before = Identity()
    with suppress(FolderRefused):
        before = identity.read(aside)
    return before, str(aside) if aside.is_dir() else ""


def _place(kept: Kept, data: Path, pace: Pace) -> None:
    folders = {data}
    for name, record in kept.manifest.files.items():
        where, _, rest = name.partition("/")
        target = data / rest if where == "data" else data / CONFIG / rest
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folders.add(target.parent)
        handle = os.open(kept.path / name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if copy(handle, target, pace) != record.sha256:
                raise BadBackup(f"{kept.path / name} changed while it was read")
        finally:
            os.close(handle)
    journal = segments.listed(data / SEGMENTS)
    for path in journal[:-1]:
        path.chmod(0o444)
    if journal:
        journal[-1].chmod(0o600)  # the one that is written on
    for folder in folders:
        sync_folder(folder)


def _compare(wanted: Manifest, counts: Counts, last_seq: int) -> None:
    wrong = list(manifest.differences(wanted.counts, counts))
    if last_seq != wanted.last_seq:
        wrong.append(f"the journal ends at {last_seq}, the backup at {wanted.last_seq}")
    if wrong:
        raise BadBackup(f"what was restored is not what was backed up: {'; '.join(wrong)}")


def _next_life(kept: Manifest, *others: Identity | Path | mark.Mark | None) -> Identity:
    """Later than every life that is known of: its numbers past the backup's must not be taken for another one's."""
    restores = [kept.identity.restores]
    for other in others:
        if isinstance(other, Identity | mark.Mark):
            restores.append(other.restores)
        elif isinstance(other, Path):
            with suppress(FolderRefused):
                restores.append(identity.read(other).restores)
    return Identity(
        format=kept.identity.format, generation=secrets.token_hex(8), restores=max(restores) + 1, restored_to=kept.last_seq,
    )  # fmt: skip


def _lost(kept: Kept, old: Path | None) -> Lost | None:
    """The most that anything knows."""
    known = [lost for lost in (_by_journal(kept, old), _by_mark(kept)) if lost is not None]
    return max(known, key=lambda lost: lost.upto_seq, default=None)


def _by_journal(kept: Kept, old: Path | None) -> Lost | None:
    if old is None or not _same_life(old, kept.manifest):
        return None
    journal = Reader(old)
    try:
        last = journal.last
    except (StoreBroken, DiskFull, OSError):
        last = None
    tally = count(journal, kept.manifest.last_seq, 2**62)
    reached = tally.upto
    if reached == kept.manifest.last_seq and last is None:
        return None
    at = last.stamp.service_at if last is not None and last.last_seq == reached else None
    return Lost(reports=tally.reports, calls=tally.calls, upto_seq=reached, upto_at=at, known_by="journal")


def _same_life(old: Path, kept: Manifest) -> bool:
    try:
        return identity.read(old).generation == kept.identity.generation
    except FolderRefused:
        return False


def _by_mark(kept: Kept) -> Lost | None:
    """What the mark counted from its base on, less or more what lies between its base and this backup: other backups have that."""
    noted = mark.read(kept.path.parent)
    wanted = kept.manifest
    if noted is None or noted.generation != wanted.identity.generation:
        return None
    if noted.seq <= wanted.last_seq:
        return Lost(reports=0, calls=0, upto_seq=wanted.last_seq, upto_at=wanted.service_at, known_by="mark")
    between = Tally()
    low, high = sorted((noted.base_seq, wanted.last_seq))
    if low < high:
        for other in (kept, *_others(kept)):
            between = count(Reader(other.path / "data"), low, high)
            if between.upto >= high:
                break
        else:
            return None
    sign = -1 if noted.base_seq < wanted.last_seq else 1
    return Lost(
        reports=noted.reports + sign * between.reports, calls=noted.calls + sign * between.calls,
        upto_seq=noted.seq, upto_at=noted.at, known_by="mark",
    )  # fmt: skip


def _others(kept: Kept) -> Iterator[Kept]:
    for path in reversed(manifest.listed(kept.path.parent)):
        with suppress(BadBackup):
            other = manifest.read(path)
            if other.manifest.identity.generation == kept.manifest.identity.generation:
                yield other
