"""A consistent copy of a running service, taken so that no call notices.

Theory of operation. The journal is the truth and everything else a fold of it, so the order of copying is the consistency: first the
sealed files of the journal are held (by a link, or open), so that retention may remove their names and nothing of them; then come the
databases and small files, each as one of its own moments; last the journal from the held files to its end, row by row in short
transactions. Whatever a database reflects is then in the journal that was copied after it, and the last number of that journal is the
backup's number: a start on the copy folds to the state that the service had at that commit.

What has not changed since the backup before (sealed files of the journal, closed months of readings) becomes a link to it. A backup
that was cut short leaves `.unfinished`, which the next one removes; one that has its name is whole, and was opened and folded once.
"""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

import msgspec

from gateway.operations import manifest
from gateway.operations.configuration import files_of
from gateway.operations.manifest import Kept, Manifest, Record
from gateway.operations.pace import Pace, copy, digest_of
from gateway.problem import CommandFailed
from gateway.settings import Settings
from gateway.store import identity, segments
from gateway.store.failure import DiskFull, StoreBroken, sync_folder
from gateway.store.journal import FOLDER as SEGMENTS
from gateway.store.journal import Pruned

NICENESS = 19
ATTEMPTS = 3
"""Retention may remove what a backup has not come to yet: what is held then has a hole, and it begins again from what there is now."""
DATABASE_PAGES = 256

_NOT_KEPT = frozenset({"reserve", "lock", "endpoints.json", identity.NAME, identity.UNFINISHED})
_NOT_KEPT_TAILS = ("-wal", "-shm", ".sock", ".new", ".damaged", ".aside")
_NOT_KEPT_FOLDERS = ("before-format-", "replaced-", "restored-config", SEGMENTS)
HISTORY = "history"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    settings: Settings
    config: Path | None
    """The file that the settings are from, to be kept with them."""
    history: bool
    keep: int
    """Backups that stay; older ones are removed when this one is whole."""
    version: str
    made_at: datetime


def back_up(wanted: Wanted, folder: Path, pace: Pace) -> Kept:
    """One more backup in `folder`, whole and folded. CommandFailed says why there is none."""
    data = Path(wanted.settings.data)
    if not (data / SEGMENTS).is_dir():
        raise CommandFailed(f"{data} is no data folder: it has no {SEGMENTS}")
    if folder.resolve() == data.resolve() or data.resolve() in folder.resolve().parents:
        raise CommandFailed(f"{folder} lies in the data folder; a backup belongs outside, best on another disk")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(folder):
            draft = folder / manifest.UNFINISHED
            kept: Kept | None = None
            for _ in range(ATTEMPTS - 1):
                with suppress(Pruned):
                    kept = _drafted(wanted, draft, pace)
                    break
            kept = kept or _drafted(wanted, draft, pace)
            whole = folder / manifest.named(wanted.made_at, kept.manifest.last_seq)
            draft.rename(whole)
            sync_folder(folder)
            for old in manifest.listed(folder)[: -max(wanted.keep, 1)]:
                shutil.rmtree(old, ignore_errors=True)
            return Kept(whole, kept.manifest)
    except (OSError, sqlite3.Error, StoreBroken, DiskFull, Pruned, identity.FolderRefused) as problem:
        raise CommandFailed(f"the backup into {folder} failed: {problem}") from problem


def _drafted(wanted: Wanted, draft: Path, pace: Pace) -> Kept:
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    try:
        return _Run(wanted, draft, manifest.newest(draft.parent), pace).run()
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as problem:
        os.close(handle)
        raise CommandFailed(f"another backup into {folder} is under way") from problem
    try:
        yield
    finally:
        os.close(handle)


class _Run:
    def __init__(self, wanted: Wanted, draft: Path, previous: Kept | None, pace: Pace) -> None:
        self._wanted = wanted
        self._data = Path(wanted.settings.data)
        self._into = draft
        self._previous = previous
        self._pace = pace
        self._files: dict[str, Record] = {}

    def run(self) -> Kept:
        life = identity.read(self._data)
        (self._into / "data" / SEGMENTS).mkdir(parents=True)
        held = self._hold_sealed()
        try:
            for path in self._databases():
                self._database(path)
            for path in self._plain():
                self._plain_file(path)
            for name, handle in held.items():
                self._record(name, copy(handle, self._into / name, self._pace), os.fstat(handle))
        finally:
            for handle in held.values():
                os.close(handle)
        self._journal()
        for name, path in files_of(self._wanted.settings, self._wanted.config):
            self._whole(path, f"config/{name}")
        counts, first_seq, last_seq, service_at = manifest.count(self._into / "data")
        made = Manifest(
            made_at=self._wanted.made_at, version=self._wanted.version, identity=life, first_seq=first_seq, last_seq=last_seq,
            service_at=service_at, counts=counts, history=self._wanted.history, files=self._files,
        )  # fmt: skip
        with (self._into / manifest.NAME).open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(made)))
            file.flush()
            os.fsync(file.fileno())
        for place, _, _ in os.walk(self._into):
            sync_folder(Path(place))
        return Kept(self._into, made)

    # --- the journal ---------------------------------------------------------------------------------------------------------

    def _hold_sealed(self) -> dict[str, int]:
        """Link every sealed file, from the backup before or from the data; of those that can only be copied, open handles by name."""
        held: dict[str, int] = {}
        for path in segments.listed(self._data / SEGMENTS):
            name = f"data/{SEGMENTS}/{path.name}"
            try:
                if not segments.is_sealed(path):
                    break
                if self._from_previous(path, name) or self._linked(path, name):
                    continue
                held[name] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                self._let_go(held)
        return held

    def _let_go(self, held: dict[str, int]) -> None:
        """A file went away. Was it retention, a moment faster, all before it is out of time too; else it was one made ahead, and empty."""
        before = [name for name in (*self._files, *held) if name.startswith(f"data/{SEGMENTS}/")]
        if any((self._data / name.removeprefix("data/")).exists() for name in before):
            return
        for name in before:
            if name in held:
                os.close(held.pop(name))
            else:
                (self._into / name).unlink()
                del self._files[name]

    def _linked(self, path: Path, name: str) -> bool:
        try:
            os.link(path, self._into / name)
        except FileNotFoundError:
            raise
        except OSError:  # another file system, or one without links
            return False
        self._record(name, digest_of(self._into / name, self._pace), path.stat())
        return True

    def _journal(self) -> None:
        """From the held files to the end, wherever the journal goes on meanwhile."""
        into = self._into / "data" / SEGMENTS
        held = segments.listed(into)
        done = segments.number_of(held[-1]) if held else 0
        had = segments.edge(held[-1], newest=True) if held else None
        current: segments.Duplicate | None = None
        for _ in range(1000):
            following = next((p for p in segments.listed(self._data / SEGMENTS) if segments.number_of(p) > done), None)
            first = None if following is None else segments.edge(following, newest=False)
            begun = first is not None
            if current is None and had is not None and following is not None:
                begins = segments.number_of(following) if first is None else first.first_seq
                if begins > had.last_seq + 1:  # the file between was not sealed when these were held, and is gone
                    raise Pruned(begins)
            if current is not None:
                self._end(current, following)
                if not begun:
                    break
                self._seal(current)
            if following is None or (current is not None and not begun):
                break
            done = segments.number_of(following)
            current = segments.Duplicate(following, into)
            try:
                current.catch_up(self._pace.step)
            except FileNotFoundError:
                raise Pruned(done + 1) from None
        if current is not None:
            self._seal(current)

    def _end(self, current: segments.Duplicate, following: Path | None) -> None:
        """Once more: it ended where the next begins. Retention may have been faster; then that is how to know whether all of it is had."""
        try:
            current.catch_up(self._pace.step)
        except FileNotFoundError:
            first = segments.number_of(following) if following is not None else None
            if first != current.last_seq + 1:
                raise Pruned(first or current.last_seq + 1) from None

    def _seal(self, duplicate: segments.Duplicate) -> None:
        duplicate.seal()
        path = duplicate.path
        for tail in ("-wal", "-shm"):
            path.with_name(path.name + tail).unlink(missing_ok=True)
        self._record(f"data/{SEGMENTS}/{path.name}", digest_of(path, self._pace), None)

    # --- what follows it -----------------------------------------------------------------------------------------------------

    def _kept(self) -> Iterator[Path]:
        """Every file of the data folder that is kept, the journal apart."""
        for place, folders, names in os.walk(self._data):
            folders[:] = sorted(
                f for f in folders if not f.startswith(_NOT_KEPT_FOLDERS) and (self._wanted.history or f != HISTORY)
            )  # fmt: skip
            for name in sorted(names):
                path = Path(place) / name
                if name not in _NOT_KEPT and not name.endswith(_NOT_KEPT_TAILS) and path.is_file():
                    yield path

    def _databases(self) -> list[Path]:
        """The snapshots first: whatever they reflect, the journal copied later has."""
        found = [path for path in self._kept() if path.suffix == ".db"]
        return sorted(found, key=lambda path: (path.name != "snapshots.db", path))

    def _plain(self) -> list[Path]:
        return [path for path in self._kept() if path.suffix != ".db"]

    def _database(self, path: Path) -> None:
        name = f"data/{path.relative_to(self._data)}"
        target = self._into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        wal = path.with_name(path.name + "-wal")
        quiet = not wal.exists() or wal.stat().st_size == 0
        with suppress(FileNotFoundError):  # a month of readings that retention has just removed
            before = path.stat()
            if quiet and self._from_previous(path, name):
                return
            _copy_database(path, target, self._pace)
            self._record(name, digest_of(target, self._pace), before if quiet else None)

    def _plain_file(self, path: Path) -> None:
        with suppress(FileNotFoundError):
            self._whole(path, f"data/{path.relative_to(self._data)}")

    def _whole(self, path: Path, name: str) -> None:
        target = self._into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._record(name, copy(handle, target, self._pace), None)
        finally:
            os.close(handle)

    # --- the backup before ---------------------------------------------------------------------------------------------------

    def _from_previous(self, path: Path, name: str) -> bool:
        """Link what the backup before has of the same file, unchanged."""
        if self._previous is None:
            return False
        known = self._previous.manifest.files.get(name)
        now = path.stat()
        if known is None or (known.source_size, known.source_mtime_ns) != (now.st_size, now.st_mtime_ns):
            return False
        try:
            os.link(self._previous.path / name, self._into / name)
        except OSError:
            return False
        self._files[name] = known
        return True

    def _record(self, name: str, sha256: str, source: os.stat_result | None) -> None:
        size = (self._into / name).stat().st_size
        if source is None:
            self._files[name] = Record(sha256=sha256, bytes=size)
        else:
            self._files[name] = Record(
                sha256=sha256, bytes=size, source_size=source.st_size, source_mtime_ns=source.st_mtime_ns,
            )  # fmt: skip


def _copy_database(source: Path, target: Path, pace: Pace) -> None:
    """A database as it was at one moment, as one file without a WAL, while others write to it."""
    handle = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def breathe(_status: int, _remaining: int, _total: int) -> None:
        os.fdatasync(handle)
        pace.step(DATABASE_PAGES * 4096)

    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=5.0)) as reading,
            closing(sqlite3.connect(target, isolation_level=None)) as writing,
        ):
            writing.execute("PRAGMA synchronous = OFF")
            # One moment for all its pages: without it every write of others would begin the copy anew.
            reading.execute("BEGIN")
            reading.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            reading.backup(writing, pages=DATABASE_PAGES, progress=breathe)
            reading.execute("COMMIT")
            writing.execute("PRAGMA journal_mode = DELETE")
        os.fsync(handle)
    finally:
        os.close(handle)
