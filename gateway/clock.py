"""Service time: the one `now`, which only grows. The only reader of the wall clock, of boottime and of the boot id.

Service time is that of the last commit plus what has passed since: boottime while the machine is up (it also counts suspend, and no
one can set it), wall time across a reboot. So a wall clock that steps moves what people see and never a deadline.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec

from alerting.items import WallClockStepped
from gateway.store.entry import Stamp

STEP = timedelta(seconds=1)
"""A difference past this is a step; below it the clock is being slewed, or read a little late."""
SUSPECT = timedelta(days=1)
"""Longer than this nobody leaves a county's server off; more likely the clock of the board is wrong."""

TICK_S = 0.0005
"""Half a millisecond: what is read anew no more often costs a third, and no deadline here is finer."""


class Readings(msgspec.Struct, frozen=True):
    """The three clocks of a machine, as they are read. A test gives those of a machine of its own."""

    wall: Callable[[], datetime]
    boottime: Callable[[], float]
    """Seconds since the machine started, suspend included."""
    boot_id: Callable[[], str]


MACHINE = Readings(
    wall=lambda: datetime.now(UTC),  # noqa: TID251 - this is that one place
    boottime=partial(time.clock_gettime, time.CLOCK_BOOTTIME),
    boot_id=lambda: Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip(),
)


class Clock:
    """Goes on from the last commit's stamp; from the wall clock where there is none.

    `told` is the offset (wall minus service time) that was last journaled, where it is known; else that of the last stamp counts.
    `clock_suspect`: while the machine was down the wall clock went backwards, or forwards by more than a day. Service time then
    stands still, or leaps: what fell due in a leap is due now.
    """

    def __init__(self, last: Stamp | None, readings: Readings = MACHINE, *, told: timedelta | None = None) -> None:
        wall, boottime, boot_id = readings.wall(), readings.boottime(), readings.boot_id()
        self._readings = readings
        self._boot_id = boot_id
        self._origin_boottime = boottime
        if last is None:
            self._origin, self.clock_suspect = wall, False
            self._told = told or timedelta()
        else:
            same_boot = boot_id == last.boot_id
            elapsed = timedelta(seconds=boottime - last.boottime) if same_boot else wall - last.wall_at
            self._origin = last.service_at + max(elapsed, timedelta())
            # A boottime that went back within one boot is a virtual machine put back to an earlier state.
            self.clock_suspect = elapsed < -STEP or (not same_boot and elapsed > SUSPECT)
            self._told = last.wall_at - last.service_at if told is None else told
        self._latest = self._origin
        self._boottime = self._readings.boottime
        self._next = boottime + TICK_S

    def now(self) -> datetime:
        """Service time, UTC; never smaller than it was before. It moves in ticks: each report asks for it, thousands a second."""
        boottime = self._boottime()
        if boottime >= self._next:
            self._next = boottime + TICK_S
            self._latest = max(self._latest, self._origin + timedelta(seconds=boottime - self._origin_boottime))
        return self._latest

    def stamp(self) -> Stamp:
        """What a commit made at this moment is stamped with."""
        return Stamp(self.now(), self._readings.wall(), self._readings.boottime(), self._boot_id)

    @property
    def wall_offset(self) -> timedelta:
        """Wall minus service time: what people's clocks show for an instant is the instant plus this."""
        return self._readings.wall() - self.now()

    def take_step(self) -> WallClockStepped | None:
        """The wall clock's step since this was last asked, once; None while it keeps pace. Journal it before what comes after."""
        offset = self.wall_offset
        if abs(offset - self._told) <= STEP:
            return None
        self._told = offset
        return WallClockStepped(offset.total_seconds())

    def monotonic_until(self, deadline: datetime) -> float:
        """Seconds to sleep until `deadline`, 0 when it is due."""
        return max((deadline - self.now()).total_seconds(), 0.0)
