"""The two ways in which a store fails: the disk has no room, which passes, and anything else, which does not."""

import errno
import os
import sqlite3
import tempfile
from pathlib import Path

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_PROBE = bytes(128 * 1024)
"""More than the largest piece SQLite asks for at once (32 KiB of its -shm)."""


class DiskFull(Exception):  # noqa: N818 - a state of the world, not a mistake
    """No room on the disk: nothing was changed, and the same may be tried again."""


class StoreBroken(Exception):  # noqa: N818 - the same
    """A store cannot be read or written; the sentence names the place. Start again from what is on disk, or restore a backup."""


def failure(problem: sqlite3.Error | OSError, place: Path) -> DiskFull | StoreBroken:
    """What a failed read or write of `place` means.

    SQLite says SQLITE_FULL when a write finds no room; when a sync, or the growing of its -shm, does, it says IOERR and keeps the
    errno to itself. So after an IOERR the file system is asked with a small file.
    """
    if isinstance(problem, OSError):
        full = problem.errno in _NO_ROOM
    else:
        code = getattr(problem, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        full = code == sqlite3.SQLITE_FULL or (code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and not _has_room(place.parent))
    name = getattr(problem, "sqlite_errorname", type(problem).__name__)
    return DiskFull(f"no room for {place}") if full else StoreBroken(f"{place}: {name}: {problem}")


def _has_room(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(_PROBE)
            file.flush()
            os.fsync(file.fileno())
    except OSError as problem:
        return problem.errno not in _NO_ROOM
    return True


def sync_folder(folder: Path) -> None:
    """Make names that were created, renamed or removed in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
