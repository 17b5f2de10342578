"""`watchdog-status.json`: what the watchdog last saw, written by its process, read by the one that serves the pages.

A file, so that the pages know it while the alarm process hangs, and so that its age tells when the watchdog itself does. It keeps its
size, whatever is in it, and is written where it lies: a full disk has room for it.
"""

import os
from datetime import datetime
from pathlib import Path

import msgspec

from alerting.terms import Sentence

NAME = "watchdog-status.json"
SIZE = 32 * 1024
SILENT_AFTER_S = 30.0
"""It writes every two seconds: later than this it does not live."""
BUCKETS_S = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
"""Upper bounds of the histogram of round trips, in seconds."""


class Trips(msgspec.Struct, frozen=True):
    """Round trips since the data folder began: how many took no longer than each bound, how many in all, and their seconds."""

    within: tuple[int, ...] = (0,) * len(BUCKETS_S)
    count: int = 0
    seconds: float = 0.0

    def and_one(self, took_s: float) -> "Trips":
        within = tuple(known + (took_s <= bound) for known, bound in zip(self.within, BUCKETS_S, strict=True))
        return Trips(within, self.count + 1, self.seconds + took_s)


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """`boot_id` and `spoke_boottime` say how old it is, whatever the wall clock does."""

    boot_id: str
    spoke_boottime: float
    spoke_at: datetime
    began_boottime: float
    """When the service was started."""
    every_s: float
    sent: int = 0
    seen: int = 0
    missed: int = 0
    alarms: int = 0
    trips: Trips = Trips()
    last_sent_at: datetime | None = None
    last_seen_at: datetime | None = None
    last_seen_boottime: float | None = None
    last_took_s: float | None = None
    missing_since: datetime | None = None
    """Since when it alarms that calls do not get through; None while they do."""
    missing: Sentence | None = None
    """What is broken, as far as it can tell."""
    channels: dict[str, Sentence] = {}
    """Channels of notifications that are broken, by name."""
    ways: dict[str, str] = {}
    """Its own ways, and why one did not take what it was given last; empty where it did."""

    @property
    def ran(self) -> bool:
        """Whether a call has come out since the service was started; till then nothing is known, good or bad."""
        return self.last_seen_boottime is not None and self.last_seen_boottime >= self.began_boottime


def read(data: Path) -> Watched | None:
    """None where there is none, or it is just being written."""
    try:
        return msgspec.json.decode((data / NAME).read_bytes(), type=Watched)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def write(data: Path, watched: Watched) -> None:
    """OSError where even that cannot be."""
    body = msgspec.json.encode(watched)
    file = os.open(data / NAME, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(file, body[:SIZE].ljust(SIZE), 0)
    finally:
        os.close(file)
