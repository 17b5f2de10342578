"""The same inputs through two engines: what each raised, and when.

The desk of a backtest is the same for both sides: an alert is closed an hour after its last occurrence once it has cleared, a call or
fall, which nothing clears, likewise, and anything a day after its last occurrence. So each side's later alerts are as many as they
would be behind a desk at work, and no side's depend on what people did about the other's.
"""

import heapq
from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from alerting.commands import Asked, Close, RegistryCommand
from alerting.engine import Engine
from alerting.facts import AlertRaised, Fact
from alerting.items import Item, LineLost, LineRestored, Said, ServiceStarted, WallClockStepped
from alerting.policy import DESK, Policy, Step
from alerting.refusals import IllegalTransition
from alerting.registry_facts import RegistryFact
from alerting.rules import Ruleset
from alerting.terms import SERVICE, AlertId, Category
from devices.home import AreaId
from gateway.rules.backtest.result import Raised, Shown

CLOSED_AFTER = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=1)
CALLS = frozenset({Category.CALL_FOR_HELP, Category.FALL})

QUIET = (Policy(id="backtest", steps=(Step(timedelta(0), (DESK,)),), categories=tuple(Category)),)
"""Nobody is told of anything."""


class Side:
    """One set of rules at work."""

    def __init__(self, ruleset: Ruleset) -> None:
        rules = tuple(replace(rule, policy="") for rule in ruleset.rules)
        self.engine = Engine(replace(ruleset, rules=rules, policies=QUIET, targets=()))
        self.raised: dict[AlertId, Raised] = {}
        self._due: list[tuple[datetime, AlertId]] = []

    def take(self, item: Item, now: datetime) -> None:
        """Something that happened; a command that this side does not let be is none."""
        self._until(now)
        try:
            facts = self.engine.handle(item, now)
        except IllegalTransition:
            facts = []
        if facts:
            self._keep(facts)

    def end(self, at: datetime) -> list[Raised]:
        """Everything raised up to a moment."""
        self._until(at)
        self._keep(self.engine.advance(at))
        return list(self.raised.values())

    def _until(self, now: datetime) -> None:
        """Everything due comes in its order, the desk's looks among it: however long nothing was said, an alert is closed in its hour."""
        engine, due = self.engine, self._due
        while True:
            deadline = engine.next_deadline
            if due and due[0][0] <= now and (deadline is None or due[0][0] <= deadline):
                self._look(*heapq.heappop(due))
            elif deadline is not None and deadline <= now:
                self._keep(engine.advance(deadline))
            else:
                return

    def _keep(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            if isinstance(fact, AlertRaised):
                self.raised[fact.alert] = _raised(fact)
                heapq.heappush(self._due, (fact.at + CLOSED_AFTER, fact.alert))

    def _look(self, at: datetime, id_: AlertId) -> None:
        """Close it, or look again later."""
        self._keep(self.engine.advance(at))
        alert = self.engine.alerts.get(id_)
        if alert is None or not alert.open:
            return
        last = alert.last_at or alert.raised_at
        if alert.cleared_at is not None or alert.category in CALLS:
            close_at = max(last, alert.cleared_at or last) + CLOSED_AFTER
        else:
            close_at = last + GIVEN_UP_AFTER
        if close_at > at:
            heapq.heappush(self._due, (min(close_at, at + CLOSED_AFTER), id_))
            return
        self._keep(self.engine.handle(Asked(Close(id_, "real_emergency"), SERVICE), at))
        self.raised[id_] = replace(self.raised[id_], until=at)


class Replay:
    """Both sides. `begin` once, with what the registry held; then everything that happened, in order."""

    def __init__(self, now: Ruleset, draft: Ruleset) -> None:
        self.sides = (Side(now), Side(draft))
        self.reports = 0

    def begin(self, registry: Iterable[RegistryFact], deaf: Iterable[tuple[datetime, datetime]], offset_s: float, at: datetime) -> None:
        facts = list(registry)
        for side in self.sides:
            engine = side.engine
            for since, until in deaf:
                engine.fold(ServiceStarted(since), until)
            if offset_s:
                engine.fold(WallClockStepped(offset_s), at)
            for fact in facts:
                engine.fold(fact, min(fact.at, at))
            side.take(ServiceStarted(None), at)

    def take(self, item: Item, now: datetime) -> None:
        """An input of the journal; what is none comes to nothing."""
        if type(item) is Said:
            self.reports += 1
        elif not isinstance(item, ServiceStarted | WallClockStepped | LineLost | LineRestored) and not (
            isinstance(item, Asked) and isinstance(item.command, RegistryCommand)
        ):
            return
        for side in self.sides:
            side.take(item, now)

    def homes(self, areas: frozenset[AreaId]) -> int:
        """That are lived in, in these areas; none named: everywhere."""
        return sum(1 for home in self.sides[0].engine.homes.values() if not home.retired and (not areas or home.area in areas))

    def end(self, at: datetime) -> tuple[list[Raised], list[Raised]]:
        return self.sides[0].end(at), self.sides[1].end(at)


def _raised(fact: AlertRaised) -> Raised:
    evidence = tuple(Shown(e.at, e.device, e.observation.property.value, e.observation.value) for e in fact.evidence)
    return Raised(
        fact.at, fact.area, fact.home, fact.matter, fact.category.value, int(fact.priority), fact.rule, fact.title, fact.reason, evidence,
    )  # fmt: skip
