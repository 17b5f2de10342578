"""Big files, moved so that nobody notices: in pieces, each on disk before the next, with a rest behind each; and how far it is, said."""

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import TextIO

PIECE = 4 * 1024 * 1024
LONGEST_REST_S = 0.25
BAR = 30
QUIET_S = 2.0
"""What takes less needs no bar."""


class Pace:
    """`gentle`: rest after each piece as long as the piece took, so that a commit waits behind one piece at most, every other moment."""

    def __init__(self, *, gentle: bool, told: Callable[[int], None] = lambda _: None) -> None:
        self._gentle = gentle
        self._told = told
        self._began = monotonic()
        self._bytes = 0

    def step(self, size: int) -> None:
        """So many bytes were moved."""
        self._told(size)
        self._bytes += size
        if self._bytes < PIECE:
            return
        self._bytes = 0
        if self._gentle:
            sleep(min(monotonic() - self._began, LONGEST_REST_S))
        self._began = monotonic()


class Bar:
    """A line on a terminal that fills; nothing anywhere else, nor for what is quick."""

    def __init__(self, what: str, total: int, stream: TextIO | None = None) -> None:
        self._what = what
        self._total = max(total, 1)
        self._stream = sys.stderr if stream is None else stream
        self._shown = self._stream.isatty()
        self._began = self._drawn = monotonic()
        self._done = 0

    def add(self, size: int) -> None:
        self._done += size
        now = monotonic()
        if self._shown and now - self._began > QUIET_S and now - self._drawn > 0.1:
            self._drawn = now
            part = min(self._done / self._total, 1.0)
            filled = round(part * BAR)
            self._stream.write(f"\r{self._what} [{'#' * filled}{'.' * (BAR - filled)}] {part:4.0%}")
            self._stream.flush()

    def close(self) -> None:
        if self._shown and self._drawn > self._began:
            self._stream.write("\r" + " " * (len(self._what) + BAR + 10) + "\r")
            self._stream.flush()


def copy(source: int, target: Path, pace: Pace) -> str:
    """Everything of an open file into a new one, readable by this user alone, on disk when this returns; its SHA-256."""
    digest = hashlib.sha256()
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        at = 0
        while piece := os.pread(source, PIECE, at):
            digest.update(piece)
            written = 0
            while written < len(piece):
                written += os.write(handle, memoryview(piece)[written:])
            os.fdatasync(handle)
            for one in (source, handle):
                os.posix_fadvise(one, at, len(piece), os.POSIX_FADV_DONTNEED)  # what the service has cached stays cached
            at += len(piece)
            pace.step(len(piece))
        os.fsync(handle)
    finally:
        os.close(handle)
    return digest.hexdigest()


def digest_of(path: Path, pace: Pace) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            pace.step(len(piece))
    return digest.hexdigest()
