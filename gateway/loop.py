"""Take, decide, commit, and only then acknowledge and publish: the one loop of the alarm process.

Theory of operation
-------------------
Everything that can change what Anju believes comes through here, one batch at a time: messages of devices, commands of people,
outcomes of notifications, changes of MQTT sessions, and the moments that are due. A turn is

    take a bounded batch, calls alone and first  ->  the engine gives facts  ->  items and facts are one row of the journal,
    committed on the journal's own thread  ->  then, and only then: PUBACKs, answers, receipts, notifications, the desk.

The batch is the group commit: whatever queued up while the last one ran. Calls, what people do, and what is due are taken at once.
Readings wait for company (`gathering`); a call is the quicker for it, since it seldom finds a commit under way. They are decided in
pieces, between which sockets are read, and their batch ends with the call that has come meanwhile.

**A full disk** is a state, not an error. A batch that was decided and could not be committed is kept as it stands, as a *debt*:
not acknowledged, not published, tried again. (Folding the engine again from the last commit would give the same bytes a second
time, at the price of a recovery each time; since nothing but calls is decided while there is a debt, keeping it is the simpler
form.) In that state only the urgent lane is served: calls, what operators do, what is due, and what became of notifications; and
changes of sessions, without which a kit may not speak. Readings wait, and past a bound they are left with the kits (`inbox`).
The reserve is released for them. When that is gone too, what stands under the safety floor is shown and rung at once, marked as not
stored, while its acknowledgement is withheld: hearing twice is better than not at all. The debt is then committed when there is
room, with the same alert and notification ids.

**Any other failure of a commit** ends the process: kits deliver again what was not acknowledged, to a process that starts from
what is on disk.

**A fault in judging** must not do the same: the message that woke it would be delivered again, and again, and nobody would be heard.
`mending` puts the engine back to what is committed and decided, and answers that one thing without judging it.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic
from typing import TypeVar

import msgspec

from alerting.commands import AlertCommand, Asked
from alerting.engine import Engine
from alerting.facts import AlertRaised, Fact
from alerting.items import DeliveryEnded, DeliveryReported, Item
from alerting.refusals import IllegalTransition
from alerting.suppression import under_floor
from alerting.terms import Sentence
from devices.mqtt.entries import SessionEntry
from gateway.bell import Bell
from gateway.clock import Clock
from gateway.gathering import Gathering, telling
from gateway.inbox import Lanes, Outcome, Published, Waiting
from gateway.journal_thread import JournalThread
from gateway.mending import Debt, Mending
from gateway.reading import Counters, Reading
from gateway.store.entry import Commit, Stamp, encode
from gateway.store.journal import DiskFull, Journal
from gateway.store.snapshots import Roller

BATCH = 256
"""Things decided and committed at once, at most."""
PIECE = 32
"""Decided at once, at most: half a millisecond in which no socket is read. A call that comes then is the end of the batch."""

BATCH_BYTES = 1024 * 1024
"""And about so much: a hub's lists are megabytes, and a call that comes meanwhile waits for the commit."""

RETRY_S = 1.0
"""How often a full disk is tried again."""

LONGEST_REST_S = 5.0
"""However far the next deadline: timers stand still while the machine sleeps, and a step of the wall clock is to be noticed."""

HELD_BYTES = 32 * 1024 * 1024
"""Readings that wait in memory while the disk is full; more are left with the kits."""

QUARANTINE_WAITING = 1000
"""Refused messages that wait; nobody is kept from sending more, so more are only counted."""


T = TypeVar("T")


class Space(msgspec.Struct):
    """The disk, as the loop asks about it; `gateway.store.reserve` knows it."""

    telemetry: Callable[[], bool]
    """Whether there is room for more than calls."""
    release: Callable[[], bool]
    """Give up some of the reserve; False when there is none left."""
    recover: Callable[[], None]
    """Take the reserve again, if there is room."""


class Loop:
    """`published(commit, body)` is called after each commit; `unstored(facts, fresh)` when the disk takes not even calls.

    `refold()`, on the journal's thread: an engine as it was after the last commit.
    """

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        roller: Roller,
        clock: Clock,
        space: Space,
        *,
        refold: Callable[[], Engine],
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
        self._refused_waiting = 0
        self._reading = Reading(engine, clock, self.counters)
        self._thread = JournalThread()
        self._mending = Mending(engine, refold, self.aside)
        self._bell = Bell()
        self._gathering = Gathering()
        self._asked = False
        """Whether somebody waits for an answer."""
        self._stopping = False
        self._begun = False

    # --- the ways in ---------------------------------------------------------------------------------------------------------

    @property
    def waiting_bytes(self) -> int:
        return self._lanes.waiting_bytes

    @property
    def waiting(self) -> int:
        return len(self._lanes)

    @property
    def faults(self) -> tuple[Sentence, ...]:
        """What could not be judged by a fault of ours, the latest last."""
        return tuple(self._mending.told)

    def publish(self, published: Published) -> None:
        """A message from a kit: read and sorted now, decided in its turn."""
        items, urgent = self._reading.read(published)
        if not items and published.entry is None:
            published.done()  # understood, and nothing for us: there is nothing that could be lost
            return
        waiting = Waiting(items, published.size, published.done, published.entry, None, published.forgotten)
        if self.full and not urgent and self._lanes.ordinary_bytes + waiting.bytes > HELD_BYTES:
            self._forget(waiting)
        else:
            self._put(waiting, self._lanes.urgent if urgent else self._lanes.ordinary)

    def refuse(self, topic: str, username: str, reason: str, raw: bytes, size: int) -> None:
        """A message that the sender's rights forbid: kept with its reason, so that the installer sees why nothing arrives."""
        item = self._reading.refused(topic, username, reason, raw, size)
        if item is not None and self._refused_waiting < QUARANTINE_WAITING:
            self._refused_waiting += 1
            self._put(Waiting((item,), len(item.raw), self._refused_kept), self._lanes.ordinary)

    def _refused_kept(self) -> None:
        self._refused_waiting -= 1

    def record(self, entry: SessionEntry, done: Callable[[], None] | None = None) -> None:
        self._put(Waiting((), 64, done, entry), self._lanes.sessions)

    def ask(self, asked: Asked, answer: Callable[[Outcome], None]) -> None:
        """A command; what operators do to alerts goes with the calls."""
        waiting = Waiting((asked,), 256, answer=answer)
        if isinstance(asked.command, AlertCommand):
            self._put(waiting, self._lanes.urgent)
        elif self.full:
            _no_room(answer)
        else:
            self._put(waiting, self._lanes.ordinary)

    def ended(self, ended: DeliveryEnded) -> None:
        self._put(Waiting((ended,), 128), self._lanes.urgent)

    def reported(self, reports: Sequence[DeliveryReported], done: Callable[[], None]) -> None:
        """What was heard of notifications; `done` when it is on disk."""
        self._put(Waiting(tuple(reports), 128 * len(reports), done), self._lanes.urgent)

    def give(self, item: Item, *, first: bool = False) -> None:
        """Something of the service's own. `first`: what everything that follows is judged with, whatever the disk is like."""
        self._put(Waiting((item,), 0), self._lanes.urgent if first else self._lanes.ordinary)

    def save_rows(self) -> None:
        """Have every snapshot that is behind written, a few after each turn: files of the journal are to be removed."""
        self._roller.hurry()
        self._bell.ring()

    async def aside(self, work: Callable[[], T]) -> T:
        """Do something on the journal's thread, between two commits."""
        return await self._thread.do(work)

    def _put(self, waiting: Waiting, lane: deque[Waiting]) -> None:
        lanes = self._lanes
        lanes.put(waiting, lane)
        if waiting.answer is not None:
            self._asked = True
        elif lane is lanes.ordinary and (self.full or not telling(len(lane))):
            return
        self._bell.ring()

    def _forget(self, waiting: Waiting) -> None:
        self.counters.forgotten += 1
        if waiting.forgotten is not None:
            waiting.forgotten()

    # --- the turn ------------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until `stop()`; what is waiting then is still committed. Raises what a commit raised, other than a full disk."""
        try:
            while not (self._stopping and (not self._lanes or self.full)):
                await self._rest()
                await self._turn()
            self._roller.hurry()  # so that the next start replays nothing
            while self._owes_rows():
                await self._snapshot(self._journal.last_seq)
        finally:
            self._thread.close()

    def stop(self) -> None:
        self._stopping = True
        self._bell.ring()

    async def _rest(self) -> None:
        """Wait until something is due, or there is something to take that does not, or does no longer, wait for company."""
        while (seconds := self._patience()) > 0:
            if not await self._bell.wait(seconds):
                return
        await asyncio.sleep(0)  # the sockets are served between two turns, however much there is to do

    def _patience(self) -> float:
        """Seconds until the next turn, if nothing comes."""
        if self._stopping or self._lanes.urgent or self._asked or self._owes_rows():
            return 0
        due = self.engine.next_deadline
        seconds = RETRY_S if self.full else LONGEST_REST_S
        if due is not None:
            seconds = min(seconds, (due - self._clock.now()).total_seconds())
        if any(self._served()):
            seconds = min(seconds, self._gathering.patience(len(self._lanes), monotonic()))
        return seconds

    def _served(self) -> tuple[deque[Waiting], ...]:
        """The lanes that are served now: calls alone as long as there are any, then what the disk has room for."""
        lanes = self._lanes
        if lanes.urgent or self.blind:
            return (lanes.urgent,)
        return (lanes.sessions,) if self.full else (lanes.sessions, lanes.ordinary)

    async def _turn(self) -> None:
        self._asked = False
        self._look_at_the_disk()
        stamp = self._clock.stamp()
        now = stamp.service_at
        debt, mending = self._debt, self._mending
        if not self._begun:
            self._begun = True  # before anything is due it must be known since when nobody listened: absence does not count from then on
            await mending.decide(self._lanes.take(1, BATCH_BYTES, (self._lanes.urgent,)), debt, now)
        step = self._clock.take_step()
        if step is not None:
            await mending.decide([Waiting((step,), 0)], debt, now)
        await mending.advance(debt, now)
        await self._decide(now)
        if debt.entries or debt.waiting or debt.outcomes:
            await self._settle(stamp)
        if self._owes_rows() and not self._lanes.urgent:  # a call is not to stand behind them on the journal's thread
            await self._snapshot(self._journal.last_seq)

    async def _decide(self, now: datetime) -> None:
        """What is waiting, up to a batch; between two pieces sockets are read. A call that comes then waits for no commit of theirs."""
        lanes, served, things, size = self._lanes, self._served(), 0, 0
        while things < BATCH and size < BATCH_BYTES:
            piece = lanes.take(min(PIECE, BATCH - things), BATCH_BYTES - size, served)
            await self._mending.decide(piece, self._debt, now)
            things += len(piece)
            size += sum(waiting.size for waiting in piece)
            if len(piece) < PIECE or not any(served):
                return
            await asyncio.sleep(0)
            if lanes.urgent and served[0] is not lanes.urgent:
                await self._mending.decide(lanes.take(BATCH, BATCH_BYTES, (lanes.urgent,)), self._debt, now)
                return

    async def _settle(self, stamp: Stamp) -> None:
        """Commit the debt; then tell everyone. On a full disk it stays."""
        debt = self._debt
        if debt.entries:
            try:
                body = encode(debt.entries)
            except (ValueError, TypeError, OverflowError):
                await self._mending.weed(debt, stamp.service_at)
                body = encode(debt.entries)
            began = monotonic()
            try:
                first = await self._write(stamp, body, len(debt.entries))
            except DiskFull:
                self._go_blind()
                return
            ended = monotonic()
            self.counters.commit_s += ended - began
            self._gathering.committed(len(debt.waiting), ended)
            self.counters.commits += 1
            self._debt = Debt()
            self._published(Commit(first, stamp, tuple(debt.entries)), body)
            self._roller.committed(first, first + len(debt.entries) - 1)
            self._reading.committed(debt.entries)
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

    def _owes_rows(self) -> bool:
        return self._roller.owes and not self.full and not self._debt.entries

    async def _snapshot(self, last: int) -> None:
        """Write a few of the oldest snapshots; everybody has been answered by now. Their loss costs a longer replay, no more.

        Only here, between two turns, is the engine's state that of the last commit.
        """
        rows = self._roller.pick(last)
        if rows:
            with contextlib.suppress(DiskFull):
                await self._thread.do(self._roller.write, rows)

    async def _write(self, stamp: Stamp, body: bytes, count: int) -> int:
        """The commit itself, giving up the reserve piece by piece as long as the disk says it is full."""
        while True:
            try:
                return await self._thread.do(self._journal.commit, stamp, body, count)
            except DiskFull:
                self._fill()
                if not self._space.release():
                    raise

    def _look_at_the_disk(self) -> None:
        if self._space.telemetry():
            if self.full and not self._debt.entries:
                self.full = False
                self._space.recover()
        else:
            self._fill()

    def _fill(self) -> None:
        """The disk is full now: who waits for an answer is not kept for hours, and readings past the bound are left with their kits."""
        if self.full:
            return
        self.full = True
        for waiting in self._lanes.give_up(HELD_BYTES):
            if waiting.answer is not None:
                _no_room(waiting.answer)
            else:
                self._forget(waiting)

    def _go_blind(self) -> None:
        """The disk takes nothing at all: show and ring what the safety floor covers, and keep trying."""
        if self.blind and self._debt.shown == len(self._debt.entries):
            return
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


def _no_room(answer: Callable[[Outcome], None]) -> None:
    sentence = Sentence("磁盘已满，暂时只处理求助和报警。", "The disk is full: for now only calls and alerts are handled.")
    answer(Outcome(error=IllegalTransition(sentence)))
