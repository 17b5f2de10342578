"""What the lines of a fleet measure while it runs: how long an acknowledgement takes, how fast things go, what goes wrong.

Times go into a histogram whose bounds grow by a fifth, so that a hundred thousand lines cost a few hundred bytes and several processes'
figures add up; a quantile read from it is at most that fifth too high, never too low.
"""

import os
import time
from collections import Counter
from math import ceil, log
from pathlib import Path

import msgspec

GROWTH = 1.2
FIRST_S = 0.0001


class Histogram(msgspec.Struct):
    """`counts` by bound: bound n is FIRST_S * GROWTH^n seconds."""

    counts: dict[int, int] = {}

    def add(self, seconds: float) -> None:
        bound = 0 if seconds <= FIRST_S else ceil(log(seconds / FIRST_S) / log(GROWTH))
        self.counts[bound] = self.counts.get(bound, 0) + 1

    def join(self, other: "Histogram") -> None:
        for bound, count in other.counts.items():
            self.counts[bound] = self.counts.get(bound, 0) + count

    @property
    def number(self) -> int:
        return sum(self.counts.values())

    def quantile_ms(self, share: float) -> float | None:
        """The upper bound of the class in which it lies; None of nothing."""
        left = ceil(share * self.number)
        if not left:
            return None
        for bound in sorted(self.counts):
            left -= self.counts[bound]
            if left <= 0:
                break
        return upper_ms(bound)


def upper_ms(bound: int) -> float:
    return float(f"{FIRST_S * GROWTH**bound * 1000:.3g}")


class Sample(msgspec.Struct):
    """One second of a run; `second` since the story began, negative while the lines connect. Counts are of this second."""

    second: int
    connected: int = 0
    came: int = 0
    """connections that were accepted"""
    delivered: int = 0
    errors: int = 0
    planted: int = 0
    alerts: int = 0

    def join(self, other: "Sample") -> None:
        self.connected += other.connected
        self.came += other.came
        self.delivered += other.delivered
        self.errors += other.errors
        self.planted += other.planted
        self.alerts += other.alerts


class Gauges:
    """One process's. Lines call it; nothing here waits or writes."""

    def __init__(self) -> None:
        self.puback = Histogram()
        self.connecting = Histogram()
        self.errors: Counter[str] = Counter()
        self.struck: Counter[str] = Counter()
        """What the story's weather did, by what it did."""
        self.came = 0

    def acknowledged(self, seconds: float) -> None:
        self.puback.add(seconds)

    def welcomed(self, seconds: float) -> None:
        """From the first packet to the subscription's acknowledgement."""
        self.came += 1
        self.connecting.add(seconds)

    def failed(self, why: str) -> None:
        """A line that ended without our doing."""
        self.errors[why] += 1


class Cost(msgspec.Struct, frozen=True):
    """What this process has used."""

    at_s: float
    cpu_s: float
    memory_kib: int


def cost() -> Cost:
    """Linux tells memory in pages; elsewhere it is 0."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        pages = 0
    return Cost(time.monotonic(), time.process_time(), pages * os.sysconf("SC_PAGE_SIZE") // 1024)
