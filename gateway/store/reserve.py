"""Room on the disk that is kept for calls: taken at the start, given back piece by piece when the disk is full.

A piece given back is anybody's who writes to that disk, so pieces are small and given when a commit of a call has just failed. A call
alone in its commit takes up to 40 KiB: its pages in the WAL, later the same in the file, and the WAL's index. 64 MiB so take more
than 1,000 calls even if each comes alone.
"""

import errno
import os
from contextlib import suppress
from enum import Enum
from pathlib import Path

from gateway.store.failure import failure

MIB = 1 << 20

NO_ROOM = "the little room left on the disk is kept for calls"
"""Why what is no call is not written just now."""


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
                _allocate(handle, self._size)
            except OSError as problem:
                if problem.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise failure(problem, self._path) from problem
                os.ftruncate(handle, before)
                self._held = before
            else:
                os.ftruncate(handle, self._size)
                self._held = self._size
            with suppress(OSError):  # it holds nothing that could be lost
                os.fsync(handle)
        finally:
            os.close(handle)
        return self.state

    def release(self) -> bool:
        """Give one piece back to the file system; False when nothing is left."""
        if not self._held:
            return False
        self._held = max(self._held - self._step, 0)
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:  # whoever needed room has removed it: what it held is free already
            self._held = 0
            return True
        try:
            os.ftruncate(handle, self._held)
            with suppress(OSError):
                # Journaling file systems hand freed blocks out again only after their own commit.
                os.fsync(handle)
        finally:
            os.close(handle)
        return True


def _allocate(handle: int, size: int) -> None:
    """All of it, also of what seems to be there: a copy of the file may be all holes. OSError when there is no room."""
    status = os.fstatvfs(handle)
    if status.f_bavail * status.f_frsize < size - os.fstat(handle).st_blocks * 512:
        # Not even tried: an attempt takes all the room there is before it fails, and others write to this disk meanwhile.
        raise OSError(errno.ENOSPC, "less room than is missing")
    os.posix_fallocate(handle, 0, size)


def lend(path: Path, room: int) -> None:
    """Give back so much of a reserve that no process holds now: a start on a full disk needs a little."""
    with suppress(FileNotFoundError):
        os.truncate(path, max(path.stat().st_size - room, 0))


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
