"""The telemetry process: writes the history that charts read, the evidence, and every outside store; nothing else waits for it.

It is a process of its own, at a lower priority, because indexing readings shall stand neither before a cord nor before the desk's
stream. It reads the journal's files; the alarm process tells it the time, is told how far it has kept, and pushes it no commits.
"""

import asyncio
import contextlib
import logging
import os
import resource
import signal
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from time import monotonic, process_time

from gateway.children import end_with_parent
from gateway.clock import MACHINE
from gateway.control import TELEMETRY_SOCKET, Answered, Ask, Control, Health, Keeper, TelemetryHealth, socket_path
from gateway.control_server import ControlServer
from gateway.evidence.archive import Archive
from gateway.jobs import Job, Jobs, Ledger
from gateway.problem import CommandFailed
from gateway.settings import Settings, handed_down
from gateway.store.folder import Folder, FolderInUse, Layout
from gateway.store.journal import Reader
from gateway.store.reserve import Admission
from gateway.telemetry.follower import Follower
from gateway.telemetry.historian import Historian
from gateway.telemetry.outside import Outside

log = logging.getLogger(__name__)

NICENESS = 19
LOCK_PATIENCE_S = 10.0
"""How long a start waits for the folder: the process before may still be ending."""
HEALTH_S = 1.0
KEPT_EVERY_S = 10.0
PATIENCE_S = 5.0


def run(settings_file: Path, *, watch_stdin: bool) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    for chatty in ("httpx", "apscheduler"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    os.nice(NICENESS)
    settings = handed_down(settings_file)
    if watch_stdin:
        end_with_parent()
    folder = Path(settings.data) / "telemetry"
    try:
        lock = Folder.lock_within(folder, LOCK_PATIENCE_S)  # two writers of one history would do no harm but work
    except FolderInUse as problem:
        raise CommandFailed(str(problem)) from problem
    except OSError as problem:
        raise CommandFailed(f"cannot use {folder}: {problem.strerror}") from problem
    with lock:
        asyncio.run(_until_told(settings))
    return 0


async def _until_told(settings: Settings) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await follow(settings, stopping)


async def follow(settings: Settings, stopping: asyncio.Event) -> None:
    """Put together, and running until `stopping` is set."""
    layout, admission = Layout(Path(settings.data)), Admission()
    journal = Reader(layout.root)

    def room() -> bool:
        """Whether this process may fill the disk: the last of it, and what the reserve gives up, are for calls."""
        return admission.admits(layout.free())

    loop = asyncio.get_running_loop()
    changed = asyncio.Event()

    def tell() -> None:
        with contextlib.suppress(RuntimeError):  # a thread that was left behind, in a loop that has ended
            loop.call_soon_threadsafe(changed.set)

    historian = Historian(layout.history, room)
    history = Follower(historian, journal, tell)
    archive = Follower(Archive(layout.root, settings.zone, room), journal, tell)
    followers = [history, archive, *(Follower(Outside(s, layout, journal, room), journal, tell) for s in settings.telemetry.stores)]
    control = Control(socket_path(layout.root), commits=False)
    clock = ServiceTime(journal)

    async def now() -> datetime:
        # The earlier of two clocks: a wall clock that is years ahead must not make everything old.
        return min(MACHINE.wall(), await clock.now())

    async def prune(_: date) -> None:
        gone = await retire(history, historian, await now() - timedelta(days=settings.retention.history_days))
        log.info("retention: %d months of readings removed", gone)

    jobs = Jobs(
        [Job("readings", settings.calendar.retention_at, prune)],
        Ledger(layout.root / "calendar-telemetry.json"),
        settings.zone,
        MACHINE.wall,
    )

    def hurry() -> None:
        for follower in followers:
            follower.hurry()

    server = ControlServer(socket_path(layout.root, TELEMETRY_SOCKET), _refuse)
    server.hurried = hurry

    async def health() -> TelemetryHealth:
        now = await clock.now()
        return TelemetryHealth(tuple(f.followed(now) for f in followers), process_time(), _memory(), dict(jobs.failures))

    async def speak() -> None:
        """Once a second, and at every change, so that a chart that waits for a reading waits no longer than it must."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEALTH_S):
                    await changed.wait()
            changed.clear()
            server.push(await health())

    arrived = asyncio.Event()

    async def listen() -> None:
        async for push in control.follow():
            if isinstance(push, Health):
                if not clock.told:
                    arrived.set()
                clock.hear(push)
            elif push is None:
                clock.told = False

    async def tell_kept() -> None:
        """Every few seconds, and whenever the alarm process has come (back): its files up to there are charts and evidence by now."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(KEPT_EVERY_S):
                    await arrived.wait()
            arrived.clear()
            control.kept(Keeper.TELEMETRY, min(history.position, archive.position))

    await server.start()
    for follower in followers:
        follower.start()
    await jobs.start()
    work = [asyncio.create_task(each(), name=each.__name__) for each in (speak, listen, tell_kept)]
    stop = asyncio.create_task(stopping.wait())
    try:
        done, _ = await asyncio.wait({stop, *work}, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stop}:
            task.result()  # a bug: end at once, and be started again
    finally:
        await jobs.close()
        for task in (stop, *work):
            task.cancel()
        await asyncio.gather(stop, *work, return_exceptions=True)
        await asyncio.to_thread(stop_all, followers)
        await server.close()


async def retire(history: Follower, historian: Historian, before: datetime) -> int:
    """Have the months that ended by then removed, by the thread that writes the others; how many went."""
    return await asyncio.wrap_future(history.run_there(lambda: historian.prune(before)))


class ServiceTime:
    """What the alarm process said last, carried on; before it has said anything, the newest commit's."""

    def __init__(self, journal: Reader) -> None:
        self.told = False
        """Whether the alarm process is here and has said it."""
        self._journal = journal
        self._at: datetime | None = None
        self._heard_at = 0.0

    def hear(self, health: Health) -> None:
        self._at, self._heard_at, self.told = health.now, monotonic(), True

    async def now(self) -> datetime:
        if self._at is not None:
            return self._at + timedelta(seconds=monotonic() - self._heard_at)
        newest = await asyncio.to_thread(lambda: self._journal.last)
        return MACHINE.wall() if newest is None else newest.stamp.service_at


def stop_all(followers: Sequence[Follower]) -> None:
    """All at once, and within one patience for all: whoever watches this process kills what does not end."""
    for follower in followers:
        follower.stop()
    end = monotonic() + PATIENCE_S
    for follower in followers:
        follower.close(max(end - monotonic(), 0.0))


def _refuse(ask: Ask, answer: Callable[[Answered], None]) -> None:
    answer(Answered(ask.id, error="unavailable"))


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
