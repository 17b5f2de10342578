"""The journal: every input and every fact it gave, one transaction and one row a commit, under one growing sequence number.

Theory of operation. One thread commits: one INSERT, one sync of the WAL, nothing else. All that is slow happens on a second thread,
the upkeep, and the two meet in one lock (`_turn`):

- The WAL grows with the commits. Past `wal_bytes` the upkeep copies it into the file while commits go on (a passive checkpoint), then
  takes the turn for the little that came meanwhile, so that the next commit begins the WAL anew. Under steady load a passive
  checkpoint alone never catches up, and the WAL would grow without bound.
- When a segment is full (a GiB) or old (a day), the upkeep makes the next one, named `lead` numbers ahead. The commit that reaches that
  number goes to it; the upkeep then seals the one before. Had the commits overtaken it meanwhile, it is named further ahead.
- Retention removes sealed files, whole.

A disk without room stops the upkeep's work for a while, not the commits, as long as the WAL itself finds room.
"""

import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from gateway.store import segments
from gateway.store.entry import Commit, Stamp, decode
from gateway.store.failure import DiskFull, StoreBroken, sync_folder
from gateway.store.segments import Segment, Stored

__all__ = ["DiskFull", "Journal", "Pruned", "Reader", "StoreBroken", "Stored"]

FOLDER = "segments"
PAGE_OF_COMMITS = 64
"""Read in one transaction: short, since a reader keeps the WAL from beginning anew."""
RETRY_S = 1.0


class Pruned(Exception):  # noqa: N818 - a state of the world, not a mistake
    """Asked for commits that retention has removed; `first_seq` is the oldest there is."""

    def __init__(self, first_seq: int) -> None:
        self.first_seq = first_seq
        super().__init__(f"the journal begins at {first_seq}")


class Reader:
    """The journal as any thread or process may read it, also while it is written. Holds nothing open between calls."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    @property
    def first_seq(self) -> int:
        """The oldest sequence number there is; 1 when there is none yet."""
        return next((first.first_seq for p in segments.listed(self._folder) if (first := segments.edge(p, newest=False))), 1)

    @property
    def last(self) -> Stored | None:
        """The newest commit."""
        return next((last for p in reversed(segments.listed(self._folder)) if (last := segments.edge(p, newest=True))), None)

    def rows(self, after_seq: int = 0) -> Iterator[Stored]:
        """Every commit with an entry past `after_seq`, up to what is on disk when the end is reached, without a gap.

        0 gives all there is; any other number that retention has overtaken raises Pruned. StoreBroken names a damaged place.
        """
        begin, holder = self._holder(after_seq)
        if holder is not None and holder.last_seq > after_seq:
            yield holder
            after_seq = holder.last_seq
        while True:
            reached = after_seq
            for row in self._pass(after_seq, begin):
                if after_seq and row.first_seq != after_seq + 1:
                    break
                yield row
                after_seq = row.last_seq
            else:
                return
            if reached == after_seq:
                self._explain_gap(after_seq)
            begin, _ = self._holder(after_seq)

    def read(self, after_seq: int = 0) -> Iterator[Commit]:
        """`rows`, decoded."""
        for row in self.rows(after_seq):
            try:
                entries = decode(row.body)
            except ValueError as problem:
                raise StoreBroken(f"{self._folder}: commit {row.first_seq} cannot be decoded: {problem}") from problem
            yield Commit(row.first_seq, row.stamp, entries)

    def _holder(self, seq: int) -> tuple[Path | None, Stored | None]:
        """The newest commit that begins at or before `seq`, and its file."""
        for path in reversed(segments.listed(self._folder)):
            if segments.number_of(path) <= seq and (row := segments.edge(path, newest=True, upto=seq)) is not None:
                return path, row
        return None, None

    def _pass(self, after_seq: int, begin: Path | None) -> Iterator[Stored]:
        """One walk over the files from `begin` on. It has a gap when a segment was filled, and the next begun, behind its back.

        `begin`: the file of the holder. A name says where a file begins at the earliest: where the commits overtook its making, the one
        before goes on past it.
        """
        for path in segments.listed(self._folder):
            if begin is not None and path < begin:
                continue
            with suppress(FileNotFoundError), segments.opened(path) as connection:
                while page := segments.rows(connection, path, after_seq, PAGE_OF_COMMITS):
                    yield from page
                    after_seq = page[-1].last_seq

    def _explain_gap(self, after_seq: int) -> None:
        """Raise Pruned or StoreBroken, unless the commit has appeared by now."""
        begin, _ = self._holder(after_seq)
        first = next(self._pass(after_seq, begin), None)
        if first is None or first.first_seq == after_seq + 1:
            return
        oldest = self.first_seq
        if oldest > after_seq:
            raise Pruned(oldest)
        raise StoreBroken(f"{self._folder}: commit {after_seq + 1} is missing, the next is {first.first_seq}")


class Limits(msgspec.Struct, frozen=True):
    segment_bytes: int
    segment_age: timedelta
    wal_bytes: int
    lead: int


class Journal(Reader):
    """The one writer. `commit` on one thread at a time; the rest from any."""

    def __init__(self, folder: Path, current: Segment, following: Segment | None, last: Stored | None, limits: Limits) -> None:
        super().__init__(folder)
        self.last_seq = 0 if last is None else last.last_seq
        self.last_stamp = None if last is None else last.stamp
        self._limits = limits
        self._current = current
        self._following = following
        self._full: list[Segment] = []
        first = segments.edge(current.path, newest=False)
        self._begun_at = None if first is None else first.stamp.service_at
        self._bytes = current.path.stat().st_size
        self._wal_bytes = 0
        self._turn = threading.Lock()
        self._work = threading.Event()
        self._closing = threading.Event()
        self._broken: StoreBroken | None = None
        self._upkeep = threading.Thread(target=self._keep_up, name="journal-upkeep", daemon=True)
        self._upkeep.start()

    @staticmethod
    def reader(folder: Path) -> Reader:
        return Reader(folder)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        segment_bytes: int = 1 << 30,
        segment_age: timedelta = timedelta(days=1),
        wal_bytes: int = 16 << 20,
        lead: int = 1024,
    ) -> "Journal":
        """Open or create. Everything that can be read afterwards is on disk, also what a dead process had left unsynced.

        DiskFull: there is no room even for SQLite's lock file; give back a piece of the reserve and open again.
        """
        home = folder / FOLDER
        if not home.is_dir():
            home.mkdir(parents=True)
            sync_folder(folder)
        for draft in home.glob(f"*{segments.SUFFIX}.new"):
            segments.remove(draft)
        paths = segments.listed(home) or [segments.create(home, 1)]
        last = Reader(folder).last
        next_seq = 1 if last is None else last.last_seq + 1
        begun = [p for p in paths if segments.number_of(p) <= next_seq]
        ahead = [p for p in paths if segments.number_of(p) > next_seq]
        for path in begun[:-1]:
            segments.seal_left_open(path)
        for path in ahead[1:]:
            segments.remove(path)
        current = Segment(begun[-1])
        following = Segment(ahead[0]) if ahead else None
        return cls(folder, current, following, Reader(folder).last, Limits(segment_bytes, segment_age, wal_bytes, lead))

    def commit(self, stamp: Stamp, body: bytes, count: int) -> int:
        """Put `count` encoded entries on disk, on this thread; returns the number of the first.

        DiskFull: nothing has changed, the same may be tried again. StoreBroken: stop, start again, and let kits deliver again.
        """
        with self._turn:
            if self._broken is not None:
                raise self._broken
            first_seq = self.last_seq + 1
            if self._following is not None and first_seq >= self._following.number:
                self._full.append(self._current)
                self._current, self._following = self._following, None
                self._begun_at, self._bytes, self._wal_bytes = None, 0, 0
                self._work.set()
            self._current.append(first_seq, count, stamp, body)
            self.last_seq += count
            self.last_stamp = stamp
            if self._begun_at is None:
                self._begun_at = stamp.service_at
            size = len(body) + segments.PAGE
            self._bytes += size
            self._wal_bytes += size
            if self._wal_bytes > self._limits.wal_bytes or (self._following is None and self._is_full()):
                self._work.set()
            return first_seq

    def prune(self, keep_after_seq: int, keep_since: datetime) -> int:
        """Remove segments of which every entry is at or below `keep_after_seq` and older than `keep_since`; how many went.

        The segment with the newest commit stays. Off the loop's thread: removing a GiB takes a while.
        """
        removed = 0
        with self._turn:
            writing = self._current.number
        for path in segments.listed(self._folder):
            if segments.number_of(path) >= writing or not segments.is_sealed(path):
                break
            newest = segments.edge(path, newest=True)
            if newest is not None and (newest.last_seq > keep_after_seq or newest.stamp.service_at >= keep_since):
                break
            segments.remove(path)
            removed += 1
        if removed:
            sync_folder(self._folder)
        return removed

    def close(self) -> None:
        """Let the upkeep finish what it is at and close the files. Not needed for what was committed to be safe."""
        self._closing.set()
        self._work.set()
        self._upkeep.join()
        for segment in (*self._full, self._current, self._following):
            if segment is not None:
                segment.close()

    def _is_full(self) -> bool:
        if self._bytes >= self._limits.segment_bytes:
            return True
        return (
            self._begun_at is not None
            and self.last_stamp is not None
            and self.last_stamp.service_at - self._begun_at >= self._limits.segment_age
        )

    def _keep_up(self) -> None:
        done = True
        while True:
            self._work.wait(None if done else RETRY_S)
            self._work.clear()
            if self._closing.is_set():
                return
            try:
                done = self._seal_full() & self._prepare_following() & self._empty_wal()
            except DiskFull:
                done = False
            except StoreBroken as problem:
                self._broken = problem
                return
            except Exception as bug:  # noqa: BLE001 - a dead thread would let the WAL grow until the disk is full: the next commit says so
                self._broken = StoreBroken(f"{self._folder}: the upkeep failed: {bug!r}")
                return

    def _seal_full(self) -> bool:
        while self._full:
            if not self._full[0].seal():
                return False
            self._full.pop(0)
        return True

    def _prepare_following(self) -> bool:
        lead = self._limits.lead
        while self._following is None and self._is_full():
            following = Segment(segments.create(self._folder, self.last_seq + 1 + lead))
            with self._turn:
                if self.last_seq < following.number:
                    self._following = following
                    return True
            following.close()
            segments.remove(following.path)
            lead *= 2
        return True

    def _empty_wal(self) -> bool:
        segment = self._current
        if self._wal_bytes <= self._limits.wal_bytes:
            return True
        segment.checkpoint()
        with self._turn:
            if segment is not self._current:
                return True
            emptied = segment.restart()
            if emptied:
                self._wal_bytes = 0
        return emptied
