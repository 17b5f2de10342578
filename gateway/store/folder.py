"""The data folder: what lies where in it, whose it is, and how much room there is."""

import contextlib
import fcntl
import os
import shutil
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Self

import msgspec


class FolderInUse(Exception):  # noqa: N818 - a state of the world, not a mistake
    """Another Anju has this folder."""


class Layout(msgspec.Struct, frozen=True):
    """Where things stay. The journal has its segments in `root/segments`."""

    root: Path

    @property
    def snapshots(self) -> Path:
        return self.root / "snapshots.db"

    @property
    def history(self) -> Path:
        return self.root / "history"

    @property
    def reserve(self) -> Path:
        return self.root / "reserve"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    def free(self) -> int:
        """Bytes that this user may still write, the reserve apart."""
        return shutil.disk_usage(self.root).free


class Folder:
    """The folder, ours until closed or until the process ends in whatever way: the kernel keeps the lock, not the file."""

    def __init__(self, root: Path, handle: int) -> None:
        self.layout = Layout(root)
        self._handle = handle

    @classmethod
    def lock(cls, root: Path) -> Self:
        """Make the folder where there is none, and take it. Raises FolderInUse, or OSError when it cannot be made or written."""
        root.mkdir(mode=0o700, parents=True, exist_ok=True)  # people's homes and illnesses are in it
        path = Layout(root).lock
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            holder = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
            os.close(handle)
            raise FolderInUse(f"{root} is in use by another Anju (process {holder or 'unknown'})") from problem
        except OSError:
            os.close(handle)
            raise
        with contextlib.suppress(OSError):  # only for the sentence above; a full disk must not keep a service from starting
            os.pwrite(handle, f"{os.getpid()}".ljust(19).encode() + b"\n", 0)
        return cls(root, handle)

    @classmethod
    def lock_within(cls, root: Path, seconds: float) -> Self:
        """`lock`, waiting so long for a process that is ending; then FolderInUse."""
        end = monotonic() + seconds
        while True:
            try:
                return cls.lock(root)
            except FolderInUse:
                if monotonic() >= end:
                    raise
                sleep(0.05)

    def close(self) -> None:
        os.close(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
