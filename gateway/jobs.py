"""Calendar work, on APScheduler: what follows the wall clock and may be a minute late. Deadlines of alerts live in the engine.

Nothing is dropped because it was due while the service was down, or because it failed: a small ledger beside the data says up to
when each job is done, and `missed` says what is owed. It is asked at the start, at every due moment and every hour: a job that failed
is still owed, and comes again.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from gateway.store.failure import sync_folder

log = logging.getLogger(__name__)

CATCH_UP = timedelta(hours=1)


class Job(msgspec.Struct, frozen=True):
    """Runs once a day at `at`, local time. `run` gets the local day it is for; what takes long in it belongs in a thread of its own."""

    name: str
    at: time
    run: Callable[[date], Awaitable[None]]


class Round(msgspec.Struct, frozen=True):
    """Runs again and again, `every` so often, and at the start. It finds out by itself what is owed, so a round that was missed is none."""

    name: str
    every: timedelta
    run: Callable[[], Awaitable[None]]


def last_due(at: time, now: datetime, zone: ZoneInfo) -> datetime:
    """The latest moment up to `now` at which a daily job was due, UTC.

    A local time that the change to summer time leaps over falls an hour later; one that comes twice counts the first time.
    """
    today = now.astimezone(zone).date()
    for day in (today, today - timedelta(days=1)):
        due = datetime.combine(day, at, zone).astimezone(UTC)
        if due <= now:
            return due
    raise AssertionError("the day before is before now")


def missed(jobs: Iterable[Job], done: dict[str, datetime], now: datetime, zone: ZoneInfo) -> list[Job]:
    """The jobs that are owed: due after `done` says, oldest debt first. A job that `done` does not know owes nothing yet."""
    owed = []
    for job in jobs:
        until = done.get(job.name)
        # A ledger that is ahead of now was written under a clock that was wrong: once too often is better than not for years.
        if until is not None and (until > now or until < last_due(job.at, now, zone)):
            owed.append((min(until, now), job))
    return [job for _, job in sorted(owed, key=lambda debt: debt[0])]


class Ledger:
    """Up to when each job is done: one small JSON file, replaced as a whole, so that a crash leaves the old one or the new one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, datetime]:
        """Empty where there is none, or none that can be read: then what is owed is not known, and the next due moment counts."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, datetime])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as problem:
            log.warning("%s cannot be read (%s): missed calendar work is not known", self._path, problem)
            return {}

    def write(self, done: dict[str, datetime]) -> None:
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(done)))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        sync_folder(self._path.parent)


class Jobs:
    """Runs each job once a day, one at a time. `wall` is the wall clock, UTC; `failures` holds the latest fault of each that is owed.

    The scheduler only wakes; what runs is what the ledger and the wall clock say is owed, so that a wake too many does nothing.
    """

    def __init__(
        self, jobs: Iterable[Job], ledger: Ledger, zone: ZoneInfo, wall: Callable[[], datetime], rounds: Iterable[Round] = (),
    ) -> None:  # fmt: skip
        self.failures: dict[str, str] = {}
        self._jobs = tuple(jobs)
        self._rounds = tuple(rounds)
        self._ledger = ledger
        self._zone = zone
        self._wall = wall
        self._done: dict[str, datetime] = {}
        self._wake = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._going = asyncio.Lock()
        self._keeping: asyncio.Task[None] | None = None
        # Its own default drops what is a second late; here late is late, and several missed moments are one.
        late = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        self._scheduler = AsyncIOScheduler(timezone=zone, job_defaults=late)

    async def start(self) -> None:
        """Begin to keep the calendar; what is owed already runs at once, in the background."""
        self._done = await asyncio.to_thread(self._ledger.read)
        now = self._wall()
        for job in self._jobs:
            self._done.setdefault(job.name, now)
            at = CronTrigger(hour=job.at.hour, minute=job.at.minute, second=job.at.second, timezone=self._zone)
            self._scheduler.add_job(self._due, at, id=job.name)
        await self._note()
        self._scheduler.add_job(self._due, IntervalTrigger(seconds=int(CATCH_UP.total_seconds())), id="catch up")
        for each in self._rounds:
            self._scheduler.add_job(self._go_round, IntervalTrigger(seconds=int(each.every.total_seconds())), args=(each,), id=each.name)
        self._scheduler.start()
        self._keeping = asyncio.create_task(self._keep(), name="calendar")
        self._keeping.add_done_callback(_surface)
        self.wake()

    def wake(self) -> None:
        """See what is owed: from the loop's thread, also worth a call when the wall clock was stepped."""
        self._wake.set()

    async def _due(self) -> None:
        self.wake()  # the scheduler runs what is no coroutine in a thread, and an event belongs to the loop's

    async def _go_round(self, each: Round) -> None:
        """A round that fails is logged, and the next one does what it left."""
        try:
            async with self._going:
                await each.run()
        except Exception as fault:  # as with a job: neither the others nor the service stop for it
            log.exception("round %s of the calendar failed", each.name)
            self.failures[each.name] = f"{type(fault).__name__}: {fault}"
        else:
            self.failures.pop(each.name, None)

    async def _keep(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.catch_up()
            for each in self._rounds:
                await self._go_round(each)

    async def catch_up(self) -> None:
        """Run what is owed now, each once however often it was missed. A job that fails is logged and stays owed."""
        async with self._one_at_a_time:
            now = self._wall()
            for job in missed(self._jobs, self._done, now, self._zone):
                day = last_due(job.at, now, self._zone).astimezone(self._zone).date()
                try:
                    await job.run(day)
                except Exception as fault:  # one job's fault stops neither the others nor the service
                    log.exception("calendar job %s failed and is tried again within the hour", job.name)
                    self.failures[job.name] = f"{type(fault).__name__}: {fault}"
                    continue
                self.failures.pop(job.name, None)
                self._done[job.name] = now
                await self._note()

    async def _note(self) -> None:
        """Where the disk takes nothing, a job may run once more after a restart; each of them may."""
        try:
            await asyncio.to_thread(self._ledger.write, dict(self._done))
        except OSError as problem:
            log.warning("what calendar work is done cannot be noted: %s", problem)

    async def close(self) -> None:
        """Stop; a job in the middle is cancelled and stays owed."""
        if self._keeping is not None:
            self._scheduler.shutdown(wait=False)
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)


def _surface(keeping: asyncio.Task[None]) -> None:
    """A calendar that stopped by a bug of its own must not do so in silence."""
    if not keeping.cancelled() and (bug := keeping.exception()) is not None:
        keeping.get_loop().call_exception_handler({"message": "the calendar stopped", "exception": bug, "task": keeping})
