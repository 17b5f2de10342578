"""Take, decide, commit, and only then acknowledge and publish: the one loop of the alarm process.

Theory of operation
-------------------
Everything that can change what Anju believes comes through here, one batch at a time: messages of devices, commands of people,
outcomes of notifications, changes of MQTT sessions, and the moments that are due. A turn is

    take a bounded batch, calls alone and first  ->  the engine gives facts  ->  items and facts are one row of the journal,
    committed on the journal's own thread  ->  then, and only then: PUBACKs, answers, receipts, notifications, the desk.

There is no timer in the group commit: whatever queued up while the last commit ran is the next batch.

**A full disk** is a state, not an error. A batch that was decided and could not be committed is kept as it stands, as a *debt*:
not acknowledged, not published, tried again. (Folding the engine again from the last commit would give the same bytes a second
time, at the price of a recovery each time; since nothing but calls is decided while there is a debt, keeping it is the simpler
form.) In that state only the urgent lane is served: calls, what operators do, what is due, and what became of notifications. The
reserve is released for them. When that is gone too, what stands under the safety floor is shown and rung at once, marked as not
stored, while its acknowledgement is withheld: hearing twice is better than not at all. The debt is then committed when there is
room, with the same alert and notification ids.

**Any other failure of a commit** ends the process: kits deliver again what was not acknowledged, to a process that starts from
what is on disk.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from time import perf_counter

import msgspec

from alerting.engine import Engine
from alerting.facts import AlertCommand, AlertRaised, Asked, DeliveryEnded, Fact, IllegalTransition, Item, Quarantined, Said, Sentence
from alerting.suppression import under_floor
from devices.decode import decode
from devices.home import HomeId
from devices.message import NO_DIRECTORY, Carrier, Directory, DirectoryHeard, Heard, Ignored
from devices.mqtt.sessions import SessionEntry
from devices.observation import DecodeError
from devices.topic import BRIDGE
from gateway.clock import Clock
from gateway.inbox import Lanes, Outcome, Published, Waiting
from gateway.store.entry import Commit, Entry, Stamp, encode
from gateway.store.journal import DiskFull, Journal
from gateway.store.snapshots import Roller

BATCH = 100
"""Things decided and committed at once, at most: about a millisecond of deciding."""

RETRY_S = 1.0
"""How often a full disk is tried again."""

RAW_KEPT = 1024
"""Bytes of an unreadable message that are kept."""


class Space(msgspec.Struct):
    """The disk, as the loop asks about it; `gateway.store.reserve` knows it."""

    telemetry: Callable[[], bool]
    """Whether there is room for more than calls."""
    release: Callable[[], bool]
    """Give up some of the reserve; False when there is none left."""
    recover: Callable[[], None]
    """Take the reserve again, if there is room."""


class Counters(msgspec.Struct):
    reports: int = 0
    alarms: int = 0
    quarantined: int = 0
    commits: int = 0
    commit_s: float = 0.0


class Debt(msgspec.Struct):
    """What was decided and is not on disk yet, in order."""

    entries: list[Entry] = msgspec.field(default_factory=list)
    waiting: list[Waiting] = msgspec.field(default_factory=list)
    outcomes: list[tuple[Callable[[Outcome], None], Outcome]] = msgspec.field(default_factory=list)
    shown: int = 0
    """How many of the entries have been shown as not stored."""


class Loop:
    """`published(commit, body)` is called after each commit; `unstored(facts, fresh)` when the disk takes not even calls."""

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        roller: Roller,
        clock: Clock,
        space: Space,
        *,
        published: Callable[[Commit, bytes], None],
        unstored: Callable[[Sequence[Fact], Sequence[Fact]], None],
    ) -> None:
        self.engine = engine
        self.counters = Counters()
        self.full = False
        self.blind = False
        self._journal = journal
        self._roller = roller
        self._clock = clock
        self._space = space
        self._published = published
        self._unstored = unstored
        self._lanes = Lanes()
        self._debt = Debt()
        self._coming: dict[tuple[HomeId, str], Directory] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._wake = asyncio.Event()
        self._stopping = False
        self._refused_at = 0.0

    # --- the ways in ---------------------------------------------------------------------------------------------------------

    @property
    def waiting_bytes(self) -> int:
        return self._lanes.waiting_bytes

    @property
    def waiting(self) -> int:
        return len(self._lanes)

    def publish(self, published: Published) -> None:
        """A message from a kit: read and sorted now, decided in its turn."""
        items, urgent = self._read(published)
        if not items and published.entry is None:
            published.done()  # understood, and nothing for us: there is nothing that could be lost
            return
        self._put(Waiting(items, published.size, published.done, published.entry), urgent=urgent)

    def _read(self, published: Published) -> tuple[tuple[Item, ...], bool]:
        now = self._clock.now()
        topic, raw = published.topic, published.payload
        try:
            message = decode(topic, raw, now, self._directory(topic), size=published.size)
        except DecodeError as error:
            self.counters.quarantined += 1
            problem = error.problem
            kept = raw[:RAW_KEPT]
            return (Quarantined(now, topic, problem.place, problem.reason, kept, published.size, published.username),), False
        if isinstance(message, Ignored):
            return (), False
        items: tuple[Item, ...] = (Said(message, topic, raw),)
        if isinstance(message, DirectoryHeard):
            self._coming[message.home, message.dialect] = Directory({d.name: d for d in message.devices})
        if not isinstance(message, Heard):
            return items, False
        self.counters.reports += 1
        report = message.report
        if report.problems:
            self.counters.quarantined += 1
            place = ", ".join(p.place for p in report.problems)
            reason = "; ".join(p.reason for p in report.problems)
            items += (Quarantined(now, topic, place, reason, raw[:RAW_KEPT], published.size, published.username),)
        urgent = report.urgent
        self.counters.alarms += urgent
        return items, urgent or message.carrier is Carrier.ALARM

    def _directory(self, topic: str) -> Directory:
        """What is known of the home's bridged devices, a list that still waits for its commit included."""
        levels = topic.split("/", 6)
        if len(levels) < 7 or levels[4] != BRIDGE:
            return NO_DIRECTORY
        home, dialect = HomeId(levels[3]), levels[5]
        return self._coming.get((home, dialect)) or self.engine.directory(home, dialect)

    def quarantine(self, topic: str, username: str, reason: str, raw: bytes, size: int) -> None:
        """A message that the sender's rights forbid: kept with its reason, so that the installer sees why nothing arrives."""
        self.counters.quarantined += 1
        item = Quarantined(self._clock.now(), topic, "topic", reason, raw[:RAW_KEPT], size, username)
        self._put(Waiting((item,), len(raw)), urgent=False)

    def record(self, entry: SessionEntry, done: Callable[[], None] | None = None) -> None:
        self._put(Waiting((), 64, done, entry), urgent=False)

    def ask(self, asked: Asked, answer: Callable[[Outcome], None]) -> None:
        """A command; what operators do to alerts goes with the calls."""
        urgent = isinstance(asked.command, AlertCommand)
        if self.full and not urgent:
            sentence = Sentence("磁盘已满，暂时只处理求助和报警。", "The disk is full: for now only calls and alerts are handled.")
            answer(Outcome(error=IllegalTransition(sentence)))
            return
        self._put(Waiting((asked,), 256, answer=answer), urgent=urgent)

    def ended(self, ended: DeliveryEnded) -> None:
        self._put(Waiting((ended,), 128), urgent=True)

    def give(self, item: Item) -> None:
        """Something of the service's own: a configuration, a start."""
        self._put(Waiting((item,), 0), urgent=False)

    async def aside(self, work: Callable[[], int]) -> int:
        """Do something on the journal's thread, between two commits."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _put(self, waiting: Waiting, *, urgent: bool) -> None:
        self._lanes.put(waiting, urgent=urgent)
        self._wake.set()

    # --- the turn ------------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until `stop()`; what is waiting then is still committed. Raises what a commit raised, other than a full disk."""
        try:
            while not (self._stopping and (not self._lanes or self.full)):
                await self._rest()
                await self._turn()
        finally:
            self._thread.shutdown(wait=True)

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()

    async def _rest(self) -> None:
        """Wait until there is something to take or something is due."""
        self._wake.clear()
        if self._lanes.urgent or self._stopping or (self._lanes.ordinary and not self.full):
            await asyncio.sleep(0)
            return
        due = self.engine.next_deadline
        seconds = None if due is None else (due - self._clock.now()).total_seconds()
        if self.full:
            seconds = RETRY_S if seconds is None else min(seconds, RETRY_S)
        if seconds is not None and seconds <= 0:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)

    async def _turn(self) -> None:
        self._look_at_the_disk()
        stamp = self._clock.stamp()
        now = stamp.service_at
        debt = self._debt
        step = self._clock.take_step()
        if step is not None:
            debt.entries.append(step)
            debt.entries.extend(self.engine.handle(step, now))
        debt.entries.extend(self.engine.advance(now))
        for waiting in self._lanes.take(BATCH, only_urgent=self.full):
            self._decide(waiting, now, debt)
        if debt.entries or debt.waiting or debt.outcomes:
            await self._settle(stamp)

    def _decide(self, waiting: Waiting, now: datetime, debt: Debt) -> None:
        for item in waiting.items:
            if waiting.answer is not None and isinstance(item, Asked) and self.engine.answered(item):
                debt.outcomes.append((waiting.answer, Outcome(repeated=True)))
                continue
            try:
                facts = self.engine.handle(item, now)
            except IllegalTransition as error:
                if waiting.answer is not None:
                    debt.outcomes.append((waiting.answer, Outcome(error=error)))
                continue
            debt.entries.append(item)
            debt.entries.extend(facts)
            if waiting.answer is not None:
                debt.outcomes.append((waiting.answer, Outcome(facts=tuple(facts))))
        if waiting.entry is not None:
            debt.entries.append(waiting.entry)
        debt.waiting.append(waiting)

    async def _settle(self, stamp: Stamp) -> None:
        """Commit the debt; then tell everyone. On a full disk it stays."""
        debt = self._debt
        first = self._journal.last_seq + 1
        if debt.entries:
            body = encode(debt.entries)
            began = perf_counter()
            try:
                first = await self._write(stamp, body, len(debt.entries))
            except DiskFull:
                self._go_blind()
                return
            self.counters.commit_s += perf_counter() - began
            self.counters.commits += 1
            self._debt = Debt()
            self._published(Commit(first, stamp, tuple(debt.entries)), body)
            self._roller.committed(debt.entries, first)
            self._coming.clear()
        else:
            self._debt = Debt()
        last = self._journal.last_seq
        for waiting in debt.waiting:
            if waiting.done is not None:
                waiting.done()
        for answer, outcome in debt.outcomes:
            answer(msgspec.structs.replace(outcome, seq=last))
        if self.blind:
            self.blind = False
            self._unstored((), ())
        if debt.entries and not self.full:
            await self._snapshot(last)

    async def _snapshot(self, last: int) -> None:
        """Write a few of the oldest snapshots; everybody has been answered by now. Their loss costs a longer replay, no more."""
        rows = self._roller.pick(last)
        if rows:
            with contextlib.suppress(DiskFull):
                await asyncio.get_running_loop().run_in_executor(self._thread, self._roller.write, rows)

    async def _write(self, stamp: Stamp, body: bytes, count: int) -> int:
        """The commit itself, giving up the reserve piece by piece as long as the disk says it is full."""
        while True:
            try:
                return await asyncio.get_running_loop().run_in_executor(self._thread, self._journal.commit, stamp, body, count)
            except DiskFull:
                self.full = True
                if not self._space.release():
                    raise

    def _look_at_the_disk(self) -> None:
        if self._space.telemetry():
            if self.full and not self._debt.entries:
                self.full = False
                self._space.recover()
        else:
            self.full = True

    def _go_blind(self) -> None:
        """The disk takes nothing at all: show and ring what the safety floor covers, and keep trying."""
        self.blind = True
        facts = [e for e in self._debt.entries if isinstance(e, Fact) and self._floor(e)]
        fresh = [e for e in self._debt.entries[self._debt.shown :] if isinstance(e, Fact) and self._floor(e)]
        self._debt.shown = len(self._debt.entries)
        self._unstored(facts, fresh)

    def _floor(self, fact: Fact) -> bool:
        """Whether it is of an alert that nothing may keep from being shown and rung."""
        alert = getattr(fact, "alert", None)
        if alert is None:
            return False
        if isinstance(fact, AlertRaised):
            return under_floor(fact.category)
        known = self.engine.alerts.get(alert)
        return known is not None and under_floor(known.category)
