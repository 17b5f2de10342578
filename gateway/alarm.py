"""The alarm process: MQTT, the loop, the engine, the journal, the delivery of notifications; nothing else.

One straight function puts it together, so that what hangs on what can be read from top to bottom.
"""

import asyncio
import contextlib
import faulthandler
import logging
import os
import resource
import signal
import sys
from collections import deque
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from time import monotonic, process_time
from typing import TYPE_CHECKING, TypeVar

import uvloop

from alerting.caring.help_facts import MessageRequested
from alerting.commands import CheckHomes
from alerting.daily_check import daily_check
from alerting.facts import CommandIssued, Fact, NotificationRequested
from alerting.field_failures import FieldTally
from alerting.items import Configured, Finding, HomesChecked, LineLost, LineRestored, Said, ServiceStarted, WallClockStepped
from alerting.refusals import Exists, Unknown
from alerting.rulebook import settled
from alerting.terms import Sentence
from devices.mqtt.sessions import Sessions
from gateway.answers import Answers, Codes, deliveries, link_key
from gateway.care_round import CareRound
from gateway.children import end_with_parent, still_alive
from gateway.clock import MACHINE, Clock
from gateway.collector import settle_memory
from gateway.control import KITS_SOCKET, Answered, Ask, Committed, Health, Inquire, Push, Stands, Unstored, socket_path
from gateway.control_server import ControlServer
from gateway.inbox import Outcome
from gateway.jobs import Job, Jobs, Ledger, Round
from gateway.judging import load_ruleset
from gateway.loop import Loop, Space
from gateway.mqtt.keys import Keys
from gateway.mqtt.listener import Listener
from gateway.mqtt.ways import listen
from gateway.notices import Notices
from gateway.notify.channel import Channel
from gateway.notify.delivery import Delivery
from gateway.notify.pulling import keep_pulling
from gateway.notify.settings import channels, load_notify
from gateway.operations.mark import Tally
from gateway.problem import CommandFailed
from gateway.recovery import recover, refold
from gateway.settings import Settings, handed_down
from gateway.store.entry import Commit
from gateway.store.folder import Folder, FolderInUse, Layout
from gateway.store.journal import DiskFull, Journal, StoreBroken
from gateway.store.reserve import MIB, Admission, Reserve, ReserveState
from gateway.store.snapshots import Snapshots

if TYPE_CHECKING:
    from gateway.mqtt.broker import Broker

log = logging.getLogger(__name__)

T = TypeVar("T")

LOCK_PATIENCE_S = 10.0
"""How long a start waits for the folder: the process before may still be ending."""
HEALTH_S = 1.0
HUNG_S = 30.0
"""Without a turn of the event loop for so long the process counts as hung, and ends; whoever watches it starts it again."""
INNER_FAULTS = 3
"""That the pages name, the latest ones."""
CARE_EVERY = timedelta(minutes=1)
SWITCH_S = 0.0005
"""How long readings keep the journal's thread from the interpreter, with each step of a commit: a tenth of Python's default."""
HOMES_AT_ONCE = 100
"""Checked between two turns of the loop: a few milliseconds."""


def run(settings_file: Path, *, watch_stdin: bool) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    for chatty in ("httpx", "apscheduler"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # it asks for the certificates to be read again, where there are any
    settings = handed_down(settings_file)
    if watch_stdin:
        end_with_parent()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a line to every kit; the shell's 1,024 would shut the others out
    sys.setswitchinterval(SWITCH_S)
    try:
        with Folder.lock_within(Path(settings.data), LOCK_PATIENCE_S) as folder:
            uvloop.run(_alarm(settings, folder.layout))
    except (FolderInUse, StoreBroken) as problem:
        raise CommandFailed(str(problem)) from problem
    return 0


async def _alarm(settings: Settings, layout: Layout) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)

    # What was.
    disk = Disk(layout, settings)
    journal = disk.open_journal()
    snapshots = disk.make_room(lambda: Snapshots(layout.snapshots))
    began = monotonic()
    recovered = recover(journal, snapshots)
    settle_memory()
    engine, sessions = recovered.engine, recovered.sessions
    clock = Clock(journal.last_stamp)
    log.info("recovered %d entries to number %d in %.2f s", recovered.replayed, journal.last_seq, monotonic() - began)

    had_back = tuple(Sentence(f"启动时未能完全恢复：{p}", f"not everything was recovered: {p}") for p in recovered.problems)

    # What goes out, each after its commit.
    def published(commit: Commit, body: bytes) -> None:
        if settings.backup.folder:
            tally.add(commit.entries, commit.last_seq)
        listener.committed(commit.entries)
        if broker is not None:
            broker.committed(commit.first_seq, commit.entries)
        news = [entry for entry in commit.entries if type(entry) is not Said]  # thousands a second are, and say nothing to these
        if any(isinstance(entry, WallClockStepped) for entry in news):
            jobs.wake()
        requests = [entry for entry in news if isinstance(entry, NotificationRequested | MessageRequested)]
        if requests:
            delivery.offer(requests)
        control.push(Committed(commit.first_seq, len(commit.entries), commit.stamp, body))

    def unstored(facts: Sequence[Fact], fresh: Sequence[Fact]) -> None:
        """The disk takes nothing: ring and show all the same. Receipts wait: they say that a call is on disk."""
        delivery.offer([fact for fact in fresh if isinstance(fact, NotificationRequested)])
        shown = Unstored(tuple(fact for fact in facts if not isinstance(fact, CommandIssued)))
        control.push(shown)
        held[:] = [shown] if shown.facts else []
        control.push(health())

    def failed(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """A task or callback ended by a bug of ours: it cost one connection or one notification, and must not do so in silence."""
        bug = context.get("exception")
        log.error("%s", context.get("message"), exc_info=bug if isinstance(bug, BaseException) else None)
        what = f"{context.get('message')}: {bug!r}"[:200]
        inner.append(Sentence(f"服务内部错误：{what}", f"a fault inside: {what}"))

    inner: deque[Sentence] = deque(maxlen=INNER_FAULTS)
    asyncio.get_running_loop().set_exception_handler(failed)
    held: list[Push] = []
    under_way: set[asyncio.Task[None]] = set()
    loop = Loop(
        engine, journal, recovered.roller, clock, disk.space(),
        refold=lambda: refold(journal, snapshots), published=published, unstored=unstored,
    )  # fmt: skip
    keys = None if settings.mqtt.tls is None else Keys(settings.mqtt.tls, MACHINE.wall)
    listener = Listener(loop, engine.credential, sessions, clock.now, loop.refuse, keys=keys)
    broker = _broker(settings, loop, sessions, clock, journal) if settings.broker.url else None
    ways = _channels(settings)
    codes = Codes(link_key(layout.root / "links.key"))
    delivery = Delivery(ways, Notices(engine, codes, ways, settings.http.public_url).of, loop.ended, clock.now)
    answers = Answers(engine, loop, delivery, codes, clock.now)

    # The calendar.
    async def retire(_: date) -> None:
        """Whole files of the journal that are old, that no snapshot needs and of which every keeper has what it keeps."""
        loop.save_rows()  # what is not written by now keeps a file for one more day
        keep_after = min(await loop.aside(snapshots.floor), control.kept)
        before = clock.now() - timedelta(days=settings.retention.journal_days)
        removed = await asyncio.to_thread(journal.prune, keep_after, before)
        log.info("retention: %d journal files removed", removed)

    async def check_homes(day: date) -> None:
        """In pieces: no call waits behind a county's homes."""
        homes = sorted(engine.homes.values(), key=lambda home: (home.area, home.id))
        found: list[Finding] = []
        tally = FieldTally(clock.now())
        for begin in range(0, len(homes), HOMES_AT_ONCE):
            found += daily_check(homes[begin : begin + HOMES_AT_ONCE])
            tally.add(homes[begin : begin + HOMES_AT_ONCE])
            await asyncio.sleep(0)
        found += tally.findings(engine.registry.certificates)
        loop.give(HomesChecked(day.isoformat(), tuple(found)))

    jobs = Jobs(
        [Job("retention", settings.calendar.retention_at, retire), Job("daily_check", settings.calendar.daily_check_at, check_homes)],
        Ledger(layout.root / "calendar.json"),
        settings.zone,
        MACHINE.wall,
        [Round("care", CARE_EVERY, CareRound(engine, loop.ask, clock.now).run)],
    )

    # The desk's line.
    def ask(frame: Ask, answer: Callable[[Answered], None]) -> None:
        if isinstance(frame.asked.command, CheckHomes):
            checking = asyncio.create_task(check_homes(MACHINE.wall().astimezone(settings.zone).date()), name="check of homes")
            under_way.add(checking)
            checking.add_done_callback(under_way.discard)
            checking.add_done_callback(lambda _: forward(frame, answer))
        else:
            forward(frame, answer)

    def forward(frame: Ask, answer: Callable[[Answered], None]) -> None:
        loop.ask(frame.asked, lambda outcome: answer(_answered(frame.id, outcome)))

    def inquired(asked: Inquire) -> Stands:
        try:
            return Stands(asked.id, clock.now(), tuple(engine.standings(asked.home)))
        except Unknown:
            return Stands(asked.id)

    def health() -> Health:
        counters = loop.counters
        deaf = keys is not None and keys.context is None and not settings.mqtt.plain
        return Health(
            now=clock.now(),
            wall_offset_s=clock.wall_offset.total_seconds(),
            reckoned_offset_s=engine.wall_offset.total_seconds(),
            seq=journal.last_seq,
            ready=not loop.full and not loop.blind and not deaf and (broker is None or broker.hearing),
            problems=(
                *disk.problems(full=loop.full, blind=loop.blind), *loop.faults, *inner, *had_back, *(keys.problems if keys else ()),
                *(broker.problems if broker else ()),
            ),
            connections=listener.connections,
            waiting_bytes=loop.waiting_bytes,
            waiting=loop.waiting,
            reports=counters.reports,
            alarms=counters.alarms,
            quarantined=counters.quarantined,
            commits=counters.commits,
            commit_s=counters.commit_s,
            cpu_s=process_time(),
            rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            disk_free_bytes=layout.free(),
            pending_notifications=delivery.pending,
            started_at=started_at,
            differences=engine.differences,
            deliveries=deliveries(delivery),
            failed_jobs=dict(jobs.failures),
            began_seq=began_seq,
            kept_seq=tally.upto,
            kept_reports=tally.reports,
            kept_calls=tally.calls,
            ways=listener.connections_by_way,
            at_the_door=len(listener.lobby),
            turned_out=listener.lobby.turned_out,
            tls_failures=listener.tls_failures,
            certificate_expires_at=keys.expires_at if keys else None,
        )

    started_at, began_seq, tally = clock.now(), journal.last_seq, Tally(upto=journal.last_seq)
    control = ControlServer(socket_path(layout.root), ask, answers.grant)
    control.greeting = lambda: [health(), *held]
    control.inquired = inquired

    # Life. What judging depends on comes first, through the loop like everything else.
    loop.give(ServiceStarted(journal.last_stamp.service_at if journal.last_stamp else None, clock.clock_suspect), first=True)
    ruleset, unfit = settled(load_ruleset(settings), engine.ruleset, chosen=engine.rules_chosen)
    had_back += tuple(
        Sentence(f"判读文件与已启用的规则不符，沿用原配置：{p}", f"the files do not fit the rules that were put live: {p}") for p in unfit
    )
    if ruleset.version != engine.ruleset.version:
        loop.give(Configured(ruleset, why="the files that the service was started with"), first=True)
    if broker is None and engine.line_lost_since is not None:
        loop.give(LineRestored(), first=True)  # the settings name no broker any more
    turning = asyncio.create_task(loop.run(), name="loop")
    delivery.offer(engine.pending_notifications())
    delivery.offer(engine.pending_messages())
    await control.start()
    if keys is not None:
        keys.read()
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, keys.reload)
    await listen(listener, settings.mqtt, socket_path(layout.root, KITS_SOCKET))
    if broker is not None:
        broker.start()
    watching = asyncio.create_task(keys.watch(listener.shut_out_revoked), name="certificates") if keys else None
    asking = asyncio.create_task(keep_pulling(ways, answers.pulled), name="reports")
    beating = asyncio.create_task(_beat(control, health), name="health")

    await jobs.start()
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait({turning, stop}, return_when=asyncio.FIRST_COMPLETED)
    beating.cancel()
    asking.cancel()
    if watching is not None:
        watching.cancel()
    await jobs.close()
    if turning.done():
        turning.result()  # a broken store, or a bug: end at once, kits and the desk come again
    await delivery.close()
    loop.stop()
    await turning
    await listener.close()
    if broker is not None:
        await broker.close()
    await control.close()
    journal.close()
    snapshots.close()


async def _beat(control: ControlServer, health: Callable[[], Health]) -> None:
    try:
        while True:
            still_alive(HUNG_S)
            with contextlib.suppress(OSError):  # a data folder that cannot be looked at is the journal's to tell
                control.push(health())
            await asyncio.sleep(HEALTH_S)
    finally:
        faulthandler.cancel_dump_traceback_later()


def _answered(number: int, outcome: Outcome) -> Answered:
    if outcome.error is None:
        return Answered(number, outcome.seq, outcome.facts, repeated=outcome.repeated)
    kind = {Unknown: "unknown", Exists: "exists"}.get(type(outcome.error), "illegal")
    return Answered(number, outcome.seq, error=kind, sentence=outcome.error.sentence)


def _channels(settings: Settings) -> tuple[Channel, ...]:
    if not settings.notify:
        return ()
    path = Path(settings.notify)
    return channels(load_notify(path), path, wall=MACHINE.wall, zone=settings.zone, environment=os.environ)


def _broker(settings: Settings, loop: Loop, sessions: Sessions, clock: Clock, journal: Journal) -> "Broker":
    """The other way in; its client is loaded where there is one, and costs nobody else start or memory."""
    from gateway.mqtt.broker import Broker, entrance  # noqa: PLC0415

    return Broker(
        entrance(settings.broker), loop, sessions.status, clock.now,
        journal=journal, last_seq=journal.last_seq, memory=Path(settings.data) / "broker.json",
        line=lambda since: loop.give(LineRestored() if since is None else LineLost(since), first=True),
    )  # fmt: skip


class Disk:
    """Room for what must be written: the reserve, and whether readings are admitted."""

    def __init__(self, layout: Layout, settings: Settings) -> None:
        self._layout = layout
        self._reserve = Reserve(layout.reserve, settings.disk.reserve_mib * MIB)
        self._admission = Admission(settings.disk.readings_stop_mib * MIB)
        self._warn = settings.disk.warn_mib * MIB
        self._free = 0
        self._looked_at = -1.0

    def open_journal(self) -> Journal:
        with contextlib.suppress(DiskFull):
            self._reserve.take()
        return self.make_room(lambda: Journal.open(self._layout.root))

    def make_room(self, open_: Callable[[], T]) -> T:
        """Open a file, giving up the reserve piece by piece as long as the disk has no room even for its lock."""
        while True:
            try:
                return open_()
            except DiskFull as full:
                if not self._reserve.release():
                    raise CommandFailed(f"the disk of {self._layout.root} is full: {full}, not even to open it") from None

    def space(self) -> Space:
        return Space(self._telemetry, self._reserve.release, self._recover)

    def _telemetry(self) -> bool:
        """Looked up at most ten times a second: a question to the kernel is dear beside a batch."""
        now = monotonic()
        if now - self._looked_at >= 0.1:
            self._looked_at = now
            self._free = self._layout.free()
        return self._admission.admits(self._free, self._reserve.missing)

    def _recover(self) -> None:
        if self._reserve.state is not ReserveState.WHOLE:
            self._reserve.take()

    def problems(self, *, full: bool, blind: bool) -> tuple[Sentence, ...]:
        free = f"{self._free / MIB:.0f} MiB"
        if blind:
            return (Sentence(
                "磁盘已满，连求助也写不进去：求助照常显示和通知，标为“未写入磁盘”。",
                "The disk is full and takes not even calls: they are shown and rung all the same, marked as not stored.",
            ),)  # fmt: skip
        if full:
            return (Sentence(
                f"磁盘将满（剩余 {free}）：只接收求助和报警，普通读数留在设备里等待。",
                f"The disk is nearly full ({free} free): calls are taken, readings wait in the kits.",
            ),)  # fmt: skip
        if self._free and self._free < self._warn:
            return (Sentence(f"磁盘空间不多了（剩余 {free}）。", f"The disk is getting full ({free} free)."),)
        return ()
