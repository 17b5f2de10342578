"""What the process that watches the others does besides: tells systemd, keeps the mark beside the backups, has backups made.

It hears the alarm process's health over the same socket as the others do, without the commits.
"""

import asyncio
import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from time import monotonic

import msgspec

from gateway import backup_status
from gateway.backup_status import LastBackup
from gateway.clock import MACHINE
from gateway.control import Control, Health, socket_path
from gateway.jobs import Job, Jobs, Ledger
from gateway.operations.mark import Marker, Sample
from gateway.operations.systemd import notify, watchdog_s
from gateway.settings import Settings
from gateway.store import identity
from gateway.store.journal import Reader

log = logging.getLogger(__name__)

ANSWERS_S = 5.0
"""Health comes every second; without it for so long the alarm process does not answer."""
STARTING_S = 900.0
"""A start may replay a long journal before it answers; a process that is younger is not held to be dead."""
MARK_S = 2.0


class Keeper:
    """`config`: the file that the settings are from, where they are from one. `began()`: when the alarm process was last started."""

    def __init__(self, settings: Settings, config: Path | None, began: Callable[[], float | None], told: Callable[[str], None]) -> None:
        self._settings = settings
        self._data = Path(settings.data)
        self._config = config
        self._began = began
        self._told = told
        self._heard_at: float | None = None
        self._sample: Sample | None = None
        self._fresh = threading.Event()
        self._closing = threading.Event()

    async def run(self) -> None:
        """Until cancelled."""
        backup = self._settings.backup
        jobs = Jobs(
            [Job("backup", backup.at, self._back_up)] if backup.folder else [],
            Ledger(self._data / "calendar-backup.json"),
            self._settings.zone,
            MACHINE.wall,
        )
        feeding = asyncio.create_task(self._feed(), name="watchdog")
        try:
            await self._follow(jobs)
        finally:
            notify(os.environ, STOPPING="1")
            self._closing.set()
            self._fresh.set()
            feeding.cancel()
            await jobs.close()

    async def _follow(self, jobs: Jobs) -> None:
        ready, shown = False, ""
        async for push in Control(socket_path(self._data), commits=False).follow():
            if not isinstance(push, Health):
                continue
            if self._heard_at is None and self._settings.backup.folder:
                threading.Thread(target=self._keep_mark, name="mark", daemon=True).start()
                await jobs.start()  # not before there is a journal
            self._heard_at = monotonic()
            self._sample = Sample(push.began_seq, push.kept_seq, push.kept_reports, push.kept_calls, push.now)
            self._fresh.set()
            status = push.problems[0].en if push.problems else f"{push.connections} kits, journal at {push.seq}"
            if not ready:
                ready = notify(os.environ, READY="1", STATUS=status)  # it hears; what the disk or a store is like, its status says
            elif status != shown:
                notify(os.environ, STATUS=status)
            shown = status

    # --- systemd -------------------------------------------------------------------------------------------------------------

    async def _feed(self) -> None:
        every = watchdog_s(os.environ, os.getpid())
        while every is not None:
            if self.alive:
                notify(os.environ, WATCHDOG="1")
            await asyncio.sleep(every)

    @property
    def alive(self) -> bool:
        """Whether the alarm process answers, or has just been started."""
        now, began = monotonic(), self._began()
        if self._heard_at is not None and now - self._heard_at < ANSWERS_S:
            return True
        return began is None or (now - began < STARTING_S and (self._heard_at is None or began > self._heard_at))

    # --- backups -------------------------------------------------------------------------------------------------------------

    def _keep_mark(self) -> None:
        marker = Marker(Path(self._settings.backup.folder), Reader(self._data), identity.read(self._data))
        while not self._closing.is_set():
            self._fresh.wait()
            self._fresh.clear()
            if self._sample is not None:
                try:
                    marker.note(self._sample)
                except Exception:  # a mark is a courtesy; the next moment tries again
                    log.exception("the mark beside the backups")
            self._closing.wait(MARK_S)

    async def _back_up(self, day: date) -> None:
        """In a process of its own, at the lowest priority; a failure is owed, said, and seen by `doctor`."""
        backup = self._settings.backup
        place = ["--config", str(self._config)] if self._config else ["--data", str(self._data)]
        words = ["backup", backup.folder, *place, "--keep", str(backup.keep), "--json", *([] if backup.history else ["--without-history"])]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", *words,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            made, said = await process.communicate()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
            raise
        last = _status(day, process.returncode == 0, made, said)
        with contextlib.suppress(OSError):
            backup_status.write(self._data, last)
        if not last.good:
            self._told(f"the backup of {day} failed and is tried again within the hour: {last.sentence}")
            raise RuntimeError(last.sentence)


class _Made(msgspec.Struct):
    last_seq: int


def _status(day: date, good: bool, made: bytes, said: bytes) -> LastBackup:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    sentence = lines[-1].removeprefix("anju: ") if lines and not good else ""
    last_seq = 0
    with contextlib.suppress(msgspec.MsgspecError):
        last_seq = msgspec.json.decode(made, type=_Made).last_seq
    return LastBackup(day=day.isoformat(), ended_at=MACHINE.wall(), good=good, sentence=sentence, last_seq=last_seq)
