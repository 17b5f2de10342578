"""What the pages know of the watchdog: by the file that it writes, so also while the alarm process hangs; and by its age that it lives."""

from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from time import monotonic
from zoneinfo import ZoneInfo

from alerting.terms import Sentence
from gateway import watchdog_status
from gateway.clock import MACHINE, Readings
from gateway.watchdog_status import SILENT_AFTER_S, Watched

LOOK_S = 1.0


class CheckState(StrEnum):
    """How the service's own calls are."""

    ABSENT = "absent"
    """There is no watchdog."""
    NOT_YET_RUN = "not_yet_run"
    """No call has come out since the service was started, and none is missed yet."""
    WELL = "well"
    BROKEN = "broken"
    """They do not get through."""
    SILENT = "silent"
    """The watchdog does not speak: nothing is known of them."""


class SelfCheck:
    """`every_s` 0: there is no watchdog, and nobody misses it."""

    def __init__(
        self, data: Path, every_s: float, zone: ZoneInfo, clocks: Readings = MACHINE, now: Callable[[], float] = monotonic,
    ) -> None:  # fmt: skip
        self.every_s = every_s
        self._data = data
        self._zone = zone
        self._clocks = clocks
        self._now = now
        self._boot_id = clocks.boot_id()
        self._began = clocks.boottime()
        self._looked_at = -LOOK_S
        self._watched: Watched | None = None

    @property
    def watched(self) -> Watched | None:
        """What it wrote last; None where it never did."""
        if self.every_s and self._now() - self._looked_at >= LOOK_S:
            self._looked_at = self._now()
            self._watched = watchdog_status.read(self._data) or self._watched
        return self._watched

    @property
    def speaks(self) -> bool:
        """Whether it lives, as far as can be known: a start is given its time."""
        now, watched = self._clocks.boottime(), self.watched
        spoke = watched.spoke_boottime if watched is not None and watched.boot_id == self._boot_id else self._began
        return now - max(spoke, self._began) <= SILENT_AFTER_S

    @property
    def state(self) -> CheckState:
        """In one word; before the first call of this start came out nothing is known of it."""
        watched = self.watched
        if not self.every_s:
            return CheckState.ABSENT
        if not self.speaks:
            return CheckState.SILENT
        if watched is None or watched.boot_id != self._boot_id:
            return CheckState.NOT_YET_RUN
        if watched.missing is not None:
            return CheckState.BROKEN
        return CheckState.WELL if watched.ran else CheckState.NOT_YET_RUN

    def broken(self) -> Iterator[Sentence]:
        """That calls do not get through."""
        watched = self.watched
        if self.every_s and watched and watched.missing is not None and watched.missing_since is not None and self.speaks:
            said, since = watched.missing, self._clock(watched.missing_since)
            yield Sentence(f"{said.zh}（自 {since}）", f"{said.en} (since {since})")

    def warnings(self) -> Iterator[Sentence]:
        """What else is wrong: with channels, with the watchdog's own ways, with itself."""
        if not self.every_s:
            return
        watched = self.watched
        if not self.speaks:
            if watched is None:
                yield Sentence("自检程序没有动静", "the watchdog has not spoken")
            else:
                since = self._clock(watched.spoke_at)
                yield Sentence(f"自检程序自 {since} 起没有动静", f"the watchdog has not spoken since {since}")
            return
        if watched is None:
            return
        yield from watched.channels.values()
        for way, problem in watched.ways.items():
            if problem:
                yield Sentence(f"自检的告警途径“{way}”发不出去：{problem}", f"the watchdog's own way “{way}” takes nothing: {problem}")

    def _clock(self, at: datetime) -> str:
        return at.astimezone(self._zone).strftime("%m-%d %H:%M:%S")
