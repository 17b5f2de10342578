"""The disk's own pace: a bare loop that appends 4 KiB and syncs it, in the filesystem that the services write to."""

import os
from pathlib import Path
from tempfile import TemporaryFile
from time import monotonic, monotonic_ns, sleep

import msgspec

from benchmarks.statistics import Spread, spread

PAGE = b"\xa5" * 4096


class Synced(msgspec.Struct, frozen=True):
    """Milliseconds of one append with its `fdatasync`, by itself: nothing of ours runs in between. `rate` 0 is back to back."""

    when: str
    rate: float
    count: int
    a_second: float
    ms: Spread


def fdatasync_loop(folder: Path, when: str, *, seconds: float, rate: float = 0.0) -> Synced:
    took: list[float] = []
    seconds = max(seconds, 0.05)
    with TemporaryFile(dir=folder, buffering=0) as file:
        began = monotonic()
        while (now := monotonic()) - began < seconds:
            due = began + len(took) / rate if rate else now
            if due > now:
                sleep(due - now)
            before = monotonic_ns()
            file.write(PAGE)
            os.fdatasync(file.fileno())
            took.append((monotonic_ns() - before) / 1e6)
        lasted = monotonic() - began
    return Synced(when, rate, len(took), len(took) / lasted, spread(took))
