"""Room on the disk that is kept for calls: taken at the start, given back piece by piece when the disk is full.

A piece given back is anybody's who writes to that disk, so pieces are small and given when a commit of a call has just failed. A call
alone in its commit takes up to 40 KiB: its pages in the WAL, later the same in the file, and the WAL's index. 64 MiB so take more
than 1,000 calls even if each comes alone.
"""

import errno
import os
from enum import Enum
from pathlib import Path

from gateway.store.failure import failure

MIB = 1 << 20


class ReserveState(Enum):
    WHOLE = "whole"
    PARTLY = "partly"
    """Some was given back, and the disk has not had room for it since."""
    GONE = "gone"


class Reserve:
    """A file of `size` bytes that is never read. What was left of it at the last end is what there is at the start."""

    def __init__(self, path: Path, size: int = 64 * MIB, step: int = MIB) -> None:
        self._path = path
        self._size = size
        self._step = step
        self._held = 0

    @property
    def held(self) -> int:
        return self._held

    @property
    def missing(self) -> int:
        return self._size - self._held

    @property
    def state(self) -> ReserveState:
        if self._held >= self._size:
            return ReserveState.WHOLE
        return ReserveState.PARTLY if self._held else ReserveState.GONE

    def take(self) -> ReserveState:
        """Take what is missing, if the disk has room for all of it; else keep what there is. Also for taking it again later."""
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise failure(problem, self._path) from problem
        try:
            before = min(os.fstat(handle).st_size, self._size)
            try:
                # Of the whole, also of what seems to be there: a copy of the file may be all holes.
                os.posix_fallocate(handle, 0, self._size)
            except OSError as problem:
                if problem.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise failure(problem, self._path) from problem
                os.ftruncate(handle, before)
                self._held = before
            else:
                os.ftruncate(handle, self._size)
                self._held = self._size
            os.fsync(handle)
        finally:
            os.close(handle)
        return self.state

    def release(self) -> bool:
        """Give one piece back to the file system; False when nothing is left."""
        if not self._held:
            return False
        self._held = max(self._held - self._step, 0)
        handle = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        try:
            os.ftruncate(handle, self._held)
            # Journaling file systems hand freed blocks out again only after their own commit.
            os.fsync(handle)
        finally:
            os.close(handle)
        return True


class Admission:
    """Whether readings are taken: not below `low` bytes free, and again only above `high`; what the reserve lacks is not free."""

    def __init__(self, low: int = 32 * MIB, high: int | None = None) -> None:
        self._low = low
        self._high = low * 3 // 2 if high is None else high
        self.open = True

    def admits(self, free: int, missing: int = 0) -> bool:
        """`free`: bytes free on the disk; `missing`: bytes that the reserve will take back first."""
        room = free - missing
        self.open = room >= (self._low if self.open else self._high)
        return self.open
