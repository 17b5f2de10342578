"""The month counted by somebody else: from the journal's facts as they were committed, alert by alert, without the archive and its code."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerting.facts import (
    AcknowledgementLapsed,
    AlertAcknowledged,
    AlertClaimed,
    AlertClosed,
    AlertFact,
    AlertFolded,
    AlertRaised,
    AlertRecurred,
    AlertRepeated,
    AlertUnfolded,
    AlertWorsened,
    ClaimLapsed,
    HelpReported,
    NotificationEnded,
    NotificationRequested,
    StepReached,
)
from alerting.registry_facts import DeviceRegistered
from alerting.terms import SERVICE, Origin, Stage
from gateway.store.entry import Commit


@dataclass
class Case:
    raised: AlertRaised
    model: str
    facts: list[AlertFact] = field(default_factory=list)

    def first(self, *kinds: type) -> AlertFact | None:
        return next((fact for fact in self.facts if isinstance(fact, kinds)), None)

    @property
    def folded(self) -> bool:
        """Part of an area's alert at the end."""
        moves = [fact for fact in self.facts if isinstance(fact, AlertFolded | AlertUnfolded)]
        return bool(moves) and isinstance(moves[-1], AlertFolded)

    @property
    def answer(self) -> AlertFact | None:
        """A person's first: what the service itself closes is no answer."""
        kinds = (AlertClaimed, AlertAcknowledged)
        return next((f for f in self.facts if isinstance(f, kinds) or (isinstance(f, AlertClosed) and f.by != SERVICE)), None)

    @property
    def wait(self) -> float | None:
        answer = self.answer
        return None if answer is None else (answer.at - self.raised.at).total_seconds()

    @property
    def closed(self) -> AlertClosed | None:
        found = self.first(AlertClosed)
        assert found is None or isinstance(found, AlertClosed)
        return found


def cases(commits: list[Commit], start: datetime, end: datetime) -> list[Case]:
    """Real alerts of the span that rang at somebody."""
    found: dict[str, Case] = {}
    models: dict[str, str] = {}
    for commit in commits:
        for entry in commit.entries:
            if isinstance(entry, DeviceRegistered):
                models[entry.device.id] = entry.device.model
            elif isinstance(entry, AlertRaised):
                found[entry.alert] = Case(entry, models.get(entry.device or "", ""))
            if isinstance(entry, AlertFact) and entry.alert in found:
                found[entry.alert].facts.append(entry)
    return [
        case for case in found.values()
        if start <= case.raised.at < end and case.raised.origin is Origin.REAL and not case.folded
        and (case.raised.silenced_by is None or case.first(StepReached))
    ]  # fmt: skip


def by_operator(some: list[Case]) -> dict[str, tuple[int, int, int]]:
    """(answered first, within a minute, closed)."""
    answered: Counter[str] = Counter()
    soon: Counter[str] = Counter()
    closed: Counter[str] = Counter()
    for case in some:
        answer = case.answer
        if isinstance(answer, AlertClaimed | AlertAcknowledged | AlertClosed):
            answered[answer.by] += 1
            soon[answer.by] += (answer.at - case.raised.at) <= timedelta(minutes=1)
        if case.closed is not None:
            closed[case.closed.by] += 1
    return {who: (answered[who], soon[who], closed[who]) for who in answered | closed}


def arrivals(some: list[Case]) -> int:
    return sum(any(isinstance(f, HelpReported) and f.stage in (Stage.ARRIVED, Stage.DONE) for f in case.facts) for case in some)


def per_day(some: list[Case], zone: ZoneInfo) -> dict[str, int]:
    return Counter(str(case.raised.at.astimezone(zone).date()) for case in some)


def rings(some: list[Case], start: datetime, end: datetime) -> list[datetime]:
    kinds = (AlertRaised, AlertRecurred, AlertWorsened)
    return sorted(f.at for case in some for f in case.facts if isinstance(f, kinds) and start <= f.at < end)


def ten_minutes(moments: list[datetime], start: datetime) -> list[int]:
    """How many in each ten minutes up to the last of them, one after the other."""
    counts = [0] * (int((moments[-1] - start).total_seconds() // 600) + 2)
    for moment in moments:
        counts[int((moment - start).total_seconds() // 600)] += 1
    return counts


def flood_minutes(counts: list[int]) -> int:
    minutes, flooding = 0, False
    for count in counts:
        flooding = count >= 10 or (flooding and count >= 5)
        minutes += 10 * flooding
    return minutes


def chatters(case: Case) -> bool:
    kinds = (AlertRaised, AlertRepeated, AlertRecurred, AlertWorsened)
    at = [f.at for f in case.facts if isinstance(f, kinds)]
    return any(sum(first <= other <= first + timedelta(minutes=1) for other in at) >= 3 for first in at)


def missed(case: Case, upto: datetime) -> set[str]:
    found = set()
    wait = case.wait
    if wait is None:
        wait = ((case.closed.at if case.closed else upto) - case.raised.at).total_seconds()
    if wait > 180 and case.raised.priority in (1, 2):
        found.add("late")
    if case.first(ClaimLapsed, AcknowledgementLapsed):
        found.add("forgotten")
    arrived = {f.notification: f.delivered for f in case.facts if isinstance(f, NotificationEnded)}
    asked: dict[tuple[int, int], list[bool | None]] = {}
    for fact in case.facts:
        if isinstance(fact, NotificationRequested) and not fact.stand_down:
            asked.setdefault((fact.round, fact.step), []).append(arrived.get(fact.notification))
    if any(set(ends) == {False} for ends in asked.values()):
        found.add("undelivered")
    return found
