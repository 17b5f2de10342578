"""Deciding, and what happens when that fails by a fault of ours.

A message that wakes a bug must not stop the hearing of every home: it is not acknowledged, so it would be delivered again to the next
process, and to the one after that. So the engine, whose state is not sound any more, is folded again from the last commit and from
what has been decided since; the message is kept in the quarantine with the fault as its reason; a call on it becomes the plainest alert
there is (`alerting.unjudged`); every page says that it happened. A command is refused. A deadline that fails is left out, and said.

Another message of the same home and sort within `PAUSE` is answered in the same way at once: folding costs about a second, in which
nobody else is heard. What fails in the folding itself ends the process.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from alerting.commands import Asked
from alerting.deadlines import DeadlineFailed
from alerting.engine import Engine
from alerting.items import Item, Quarantined, Said, ServiceStarted
from alerting.refusals import IllegalTransition
from alerting.terms import Sentence
from devices.home import HomeId
from devices.message import Heard
from devices.mqtt.entries import SessionEntry
from gateway.inbox import Outcome, Waiting
from gateway.reading import RAW_KEPT
from gateway.store.entry import Entry, encode

if TYPE_CHECKING:
    from alerting.facts import Fact

log = logging.getLogger(__name__)

PAUSE = timedelta(minutes=1)
TOLD = 5
"""Faults that the pages name, the latest ones."""


class Debt(msgspec.Struct):
    """What was decided and is not on disk yet, in order."""

    entries: list[Entry] = msgspec.field(default_factory=list)
    waiting: list[Waiting] = msgspec.field(default_factory=list)
    outcomes: list[tuple[Callable[[Outcome], None], Outcome]] = msgspec.field(default_factory=list)
    shown: int = 0
    """How many of the entries have been shown as not stored."""
    begins: list[int] = msgspec.field(default_factory=list)
    """For each of `waiting`, where its entries begin."""

    def add(self, waiting: Waiting, begins: int, outcome: Outcome | None) -> None:
        """Of whom the entries from `begins` on are."""
        self.begins.append(begins)
        self.waiting.append(waiting)
        if waiting.entry is not None:
            self.entries.append(waiting.entry)
        if waiting.answer is not None and outcome is not None:
            self.outcomes.append((waiting.answer, outcome))


class Mending:
    """`refold()` gives an engine as it was after the last commit; `aside` runs it on the journal's thread."""

    def __init__(self, engine: Engine, refold: Callable[[], Engine], aside: Callable[[Callable[[], Engine]], Awaitable[Engine]]) -> None:
        self.told: deque[Sentence] = deque(maxlen=TOLD)
        self._engine = engine
        self._refold = refold
        self._aside = aside
        self._paused: dict[tuple[HomeId, bool], datetime] = {}

    async def advance(self, debt: Debt, now: datetime) -> None:
        """What is due by `now`."""
        while True:
            try:
                debt.entries += self._engine.advance(now)
            except DeadlineFailed as failed:
                self._leave_out(failed)
                await self._restore(debt, now)
            else:
                return

    async def decide(self, batch: Sequence[Waiting], debt: Debt, now: datetime) -> None:
        """Each in its turn."""
        for waiting in batch:
            if self._paused and self._pauses(waiting, now):
                await self._instead(waiting, "not judged: judging another message of this home has just failed", debt, now)
                continue
            try:
                self._decide(waiting, debt, now)
            except Exception as bug:  # noqa: BLE001 - what follows knows them apart
                await self._mend(waiting, bug, debt, now)

    async def weed(self, debt: Debt, now: datetime) -> None:
        """The debt cannot be encoded: take out the things of which that is true, and answer them without what they said."""
        parts = [debt.entries[a:b] for a, b in pairwise((*debt.begins, len(debt.entries)))]
        sound = [_encodable(part) for part in parts]
        bad = [waiting for waiting, good in zip(debt.waiting, sound, strict=True) if not good]
        log.error("%d of %d decided things cannot be encoded", len(bad), len(parts))
        fresh = Debt(debt.entries[: debt.begins[0] if debt.begins else None])
        for waiting, part, good in zip(debt.waiting, parts, sound, strict=True):
            if good:
                fresh.begins.append(len(fresh.entries))
                fresh.waiting.append(waiting)
                fresh.entries += part
        debt.entries, debt.waiting, debt.begins = fresh.entries, fresh.waiting, fresh.begins
        debt.outcomes = [(answer, outcome) for answer, outcome in debt.outcomes if all(answer is not w.answer for w in bad)]
        debt.shown = min(debt.shown, len(debt.entries))
        await self._restore(debt, now)
        for waiting in bad:
            await self._instead(waiting, "what it came to cannot be encoded", debt, now)

    # --- within ------------------------------------------------------------------------------------------------------------------

    def _decide(self, waiting: Waiting, debt: Debt, now: datetime) -> None:
        """All of it or, with an exception, nothing in the debt."""
        entries = debt.entries
        begins, outcome = len(entries), None
        try:
            for item in waiting.items:
                if type(item) is Asked:
                    outcome = self._ask(item, entries, now)
                else:
                    facts = self._engine.handle(item, now)
                    entries.append(item)
                    entries += facts
        except BaseException:
            del entries[begins:]
            raise
        debt.add(waiting, begins, outcome)

    def _ask(self, asked: Asked, entries: list[Entry], now: datetime) -> Outcome:
        if self._engine.answered(asked):
            return Outcome(repeated=True)
        try:
            facts = self._engine.handle(asked, now)
        except IllegalTransition as error:
            return Outcome(error=error)
        entries.append(asked)
        entries += facts
        return Outcome(facts=tuple(facts))

    async def _mend(self, waiting: Waiting, bug: Exception, debt: Debt, now: datetime) -> None:
        """Judging failed on this one: it is judged again without the deadline that failed, or answered without being judged."""
        while isinstance(bug, DeadlineFailed):
            self._leave_out(bug)
            await self._restore(debt, now)
            try:
                self._decide(waiting, debt, now)
            except Exception as another:  # noqa: BLE001 - as in `decide`
                bug = another
            else:
                return
        said = _said(waiting)
        log.error("judging failed on %s", "a message on " + said.topic if said is not None else waiting.items, exc_info=bug)
        if said is not None:
            self._pause(_sort(said), now)
        await self._restore(debt, now)
        await self._instead(waiting, f"judging failed: {bug!r}"[:200], debt, now)

    def _pauses(self, waiting: Waiting, now: datetime) -> bool:
        said = _said(waiting)
        return said is not None and self._paused.get(_sort(said), now) > now

    async def _restore(self, debt: Debt, now: datetime) -> None:
        """The engine as it was after the last commit, with what has been decided since folded behind it."""
        while True:
            sound = await self._aside(self._refold)
            for entry in debt.entries:
                if not isinstance(entry, SessionEntry):
                    sound.fold(entry, now)
            self._engine.take_over(sound)
            started = ServiceStarted(now)  # without it a folded engine takes nobody's silence for one
            try:
                facts = self._engine.handle(started, now)
            except DeadlineFailed as failed:
                self._leave_out(failed)
            else:
                debt.entries += [started, *facts]
                return

    async def _instead(self, waiting: Waiting, why: str, debt: Debt, now: datetime) -> None:
        """What is kept of a thing that could not be judged."""
        said = _said(waiting)
        entries: list[Item | Fact] = [item for item in waiting.items if isinstance(item, Quarantined) and _encodable([item])]
        if said is not None:
            entries.append(Quarantined(now, said.topic, "judging", why, said.raw[:RAW_KEPT], len(said.raw)))
            device = f"{said.message.home}/{getattr(said.message, 'device', '')}"
            self._tell(f"设备 {device} 的一条消息未能判读（已隔离）：{why}", f"a message of {device} could not be judged: {why}")
        else:
            what = ", ".join(type(item.command if isinstance(item, Asked) else item).__name__ for item in waiting.items)
            self._tell(f"{what} 未能处理：{why}", f"{what} could not be handled: {why}")
        call = _call(said) if said is not None else None
        if said is not None and call is not None:
            try:
                facts = self._engine.raise_unjudged(call, said.raw[:RAW_KEPT], now)
                encode([*facts])
                entries += facts
            except Exception:
                log.exception("not even the plainest alert could be raised for a call on %s", said.topic)
                self._tell(
                    f"住户 {call.home} 的一次求助未能显示为警报，请立即联系！",
                    f"a call of home {call.home} could not be shown as an alert: ring them now",
                )
                await self._restore(debt, now)
        sentence = Sentence("系统内部错误，操作未执行。", "A fault of the service: nothing was done.")
        begins = len(debt.entries)
        debt.entries += entries
        debt.add(waiting, begins, Outcome(error=IllegalTransition(sentence)))

    def _leave_out(self, failed: DeadlineFailed) -> None:
        log.error("a deadline could not be judged and is left out", exc_info=failed)
        self._engine.leave_out(failed.entry)
        entry = failed.entry
        self._tell(
            f"住户 {entry.home} 的定时事项 {entry.name} 无法处理，请人工跟进。",
            f"what was due for {entry.name} of home {entry.home} could not be judged and is left out: see to it by hand",
        )

    def _pause(self, sort: tuple[HomeId, bool], now: datetime) -> None:
        self._paused = {key: until for key, until in self._paused.items() if until > now}
        self._paused[sort] = now + PAUSE

    def _tell(self, zh: str, en: str) -> None:
        self.told.append(Sentence(zh, en))


def _said(waiting: Waiting) -> Said | None:
    return next((item for item in waiting.items if isinstance(item, Said)), None)


def _sort(said: Said) -> tuple[HomeId, bool]:
    """What is paused after a fault: calls and readings of a home apart."""
    return said.message.home, _call(said) is not None


def _call(said: Said) -> Heard | None:
    """The message, if it carries a call or hazard."""
    return said.message if isinstance(said.message, Heard) and said.message.report.urgent else None


def _encodable(entries: list[Entry]) -> bool:
    try:
        encode(entries)
    except (ValueError, TypeError, OverflowError):  # UnicodeEncodeError is a ValueError
        return False
    return True
