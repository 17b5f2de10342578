"""What the providers received, laid beside the journal: whatever of a night does not fit is said, one sentence each. Pure.

It knows the promises, not the product: steps are counted here once more, from the policy alone. Two clocks meet in it. Steps are due in
service time; what left the house is compared by boottime, which each commit is stamped with and the providers read as well.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise
from typing import NamedTuple, TypeVar

from alerting.facts import (
    AcknowledgementLapsed,
    AlertAcknowledged,
    AlertClaimed,
    AlertClosed,
    AlertFact,
    AlertHeld,
    AlertNoted,
    AlertRaised,
    AlertTransferred,
    ClaimLapsed,
    HoldEnded,
    NotificationEnded,
    NotificationReported,
    NotificationRequested,
    StepReached,
)
from alerting.items import ServiceStarted
from alerting.terms import Category, Progress

T = TypeVar("T")

RINGS_AGAIN = timedelta(minutes=10)
"""Behind the last step, for what stands under the safety floor."""

Act = AlertClaimed | AlertAcknowledged | AlertNoted | AlertHeld | AlertTransferred | AlertClosed
ACTS: dict[type, str] = {
    AlertClaimed: "claim", AlertAcknowledged: "acknowledge", AlertNoted: "note", AlertHeld: "hold", AlertTransferred: "transfer",
    AlertClosed: "close",
}  # fmt: skip


class Answer(Enum):
    TAKEN = "taken"
    LOST = "taken, and the answer never came back"
    LATER = "not now"
    NEVER = "not like this"


class Arrival(NamedTuple):
    """One attempt, as the provider saw it, in seconds of boottime.

    `begun` is when the service says that it set out (the time that is signed, the mail's date), in whole seconds, rounded down.
    """

    at: float
    channel: str
    notification: str
    answer: Answer
    begun: float


class Line(NamedTuple):
    """An entry of the journal, with the boottime and the service time of its commit."""

    seq: int
    boottime: float
    service_at: datetime
    entry: object


class Policy(NamedTuple):
    """`after`: of each step, from the beginning of its round. `told`: whom each step tells, (target, channel)."""

    after: tuple[timedelta, ...]
    told: tuple[frozenset[tuple[str, str]], ...]


class Night(NamedTuple):
    """`cuts`: when the alarm process was ended without being asked. `done`: (alert, action, operator) answered with 200.

    `receipts`: (notification, what became of it) that the service answered with 200. `dispositions`: those there are. `late_s`: from the
    commit of a request to the first attempt, while the service lives; no measure of speed, what is later was forgotten.
    """

    policy: Policy
    planted: Sequence[tuple[str, Category]]
    journal: Sequence[Line]
    arrivals: Sequence[Arrival]
    cuts: Sequence[float]
    done: Sequence[tuple[str, str, str]]
    receipts: Sequence[tuple[str, Progress]]
    dispositions: frozenset[str]
    late_s: float


class Verdict(NamedTuple):
    findings: list[str]
    counts: Counter[str]
    """What is allowed, and told all the same: on the wire, said again over a crash, steps brought forward, …"""


class Story:
    """One alert's steps, counted from the policy: what is due and when, as long as nobody has it."""

    def __init__(self, policy: Policy, raised: AlertRaised) -> None:
        self.policy = policy
        self.alert = raised.alert
        self.step, self.round = -1, 0
        self.due: datetime | None = raised.at
        self.begun = raised.at
        """The moment that the steps of the round are counted from: what came late leaves the others where they were."""
        self.waiting = raised.at
        """The step's moment, kept while somebody has it."""
        self.seen: set[tuple[int, int]] = set()
        self.asked: dict[str, NotificationRequested] = {}
        self.owing: Counter[tuple[int, int, str, str]] = Counter()
        self.ended: set[str] = set()
        self.failed: set[str] = set()
        self.hurried = 0
        self.closed = False

    def take(self, fact: AlertFact) -> Iterator[str]:
        at = fact.at
        if not isinstance(fact, StepReached) and self.due is not None and self.due < at:
            yield f"step missing: alert {self.alert}, {self._next()} was due at {self.due}, {type(fact).__name__} came at {at}"
            self.due = None
        match fact:
            case StepReached():
                yield from self._stepped(fact)
            case AlertClaimed() | AlertTransferred() | AlertAcknowledged() | AlertHeld():
                if not fact.by:
                    yield f"nobody's: {type(fact).__name__} of alert {self.alert} names no person"
                self.due = None
            case ClaimLapsed():
                self.due = max(self.waiting, at)
            case AcknowledgementLapsed() | HoldEnded():
                self.step, self.round, self.due, self.waiting, self.begun = -1, self.round + 1, at, at, at
            case AlertClosed():
                self.due, self.closed = None, True
                if not fact.by:
                    yield f"nobody's: AlertClosed of alert {self.alert} names no person"
            case NotificationRequested():
                yield from self._requested(fact)
            case NotificationEnded():
                if fact.notification in self.ended:
                    yield f"end doubled: notification {fact.notification}"
                self.ended.add(fact.notification)
                if not fact.delivered:
                    self.failed.add(fact.notification)
                    self._hurry(fact.notification, at)
            case NotificationReported() if fact.progress is Progress.FAILED:
                self.failed.add(fact.notification)
                self._hurry(fact.notification, at)

    def over(self) -> Iterator[str]:
        if not self.closed:
            yield f"not closed: alert {self.alert}"
        for round_, step, target, channel in self.owing:
            yield f"notification missing: alert {self.alert}, round {round_}, step {step}: {target} by {channel} was never asked for"
        for id_ in self.asked.keys() - self.ended:
            yield f"end missing: notification {id_} of alert {self.alert}"

    def _next(self) -> tuple[int, int]:
        """(round, step)"""
        last = len(self.policy.after) - 1
        return (self.round, self.step + 1) if self.step < last else (self.round + 1, last)

    def _stepped(self, fact: StepReached) -> Iterator[str]:
        came = (fact.round, fact.step)
        if came in self.seen:
            yield f"step doubled: alert {self.alert}, {came} at {fact.at}"
            return
        if self.due is None:
            yield f"step too many: alert {self.alert}, {came} at {fact.at}, while somebody had it"
        elif came != self._next():
            yield f"step missing: alert {self.alert}, {self._next()} was due at {self.due}, {came} came"
        elif fact.at != self.due:
            yield f"step out of time: alert {self.alert}, {came} was due at {self.due} and stands at {fact.at}"
        self.seen.add(came)
        self.round, self.step = came
        after, first = self.policy.after, fact.at - self.policy.after[self.step]
        self.begun = first if self.step == len(after) - 1 else min(self.begun, first)
        self.waiting = max(fact.at, self.begun + after[self.step + 1]) if self.step < len(after) - 1 else fact.at + RINGS_AGAIN
        if self.due is not None:
            self.due = self.waiting
        for target, channel in self.policy.told[self.step]:
            self.owing[self.round, self.step, target, channel] += 1

    def _requested(self, fact: NotificationRequested) -> Iterator[str]:
        what = (fact.round, fact.step, fact.target, fact.channel)
        if fact.notification in self.asked:
            yield f"request doubled: notification {fact.notification}"
        elif not self.owing[what]:
            yield f"request of nothing: notification {fact.notification} of alert {self.alert}, {what}"
        self.asked.setdefault(fact.notification, fact)
        del self.owing[what]

    def _hurry(self, id_: str, at: datetime) -> None:
        """The step's target was reached in no way: the next step is due now."""
        told = self.asked.get(id_)
        if told is None or self.due is None or self.step >= len(self.policy.after) - 1:
            return
        if (told.round, told.step) != (self.round, self.step):
            return
        together = (other.notification for other in self.asked.values()
                    if (other.round, other.step, other.target) == (told.round, told.step, told.target))  # fmt: skip
        if all(other in self.failed for other in together):
            self.hurried += self.due != at
            self.due = at


class InHand(NamedTuple):
    """Acknowledged or closed from here on."""

    seq: int
    boottime: float


def check(night: Night) -> Verdict:
    findings: list[str] = []
    counts: Counter[str] = Counter()
    stories: dict[str, Story] = {}
    asked: dict[str, Line] = {}
    in_hand: dict[str, list[InHand]] = defaultdict(list)
    moment = night.journal[0].service_at
    for line in night.journal:
        entry = line.entry
        if line.service_at < moment:
            findings.append(f"time went back: commit of {line.seq} at {line.service_at}, after {moment}")
        moment = max(moment, line.service_at)
        if isinstance(entry, AlertClosed) and entry.disposition not in night.dispositions:
            findings.append(f"no disposition: alert {entry.alert} was closed as {entry.disposition!r}")
        if isinstance(entry, AlertAcknowledged | AlertClosed):
            in_hand[entry.alert].append(InHand(line.seq, line.boottime))
        if isinstance(entry, NotificationRequested):
            asked.setdefault(entry.notification, line)
        if isinstance(entry, AlertRaised):
            if entry.alert in stories:
                findings.append(f"call doubled: alert {entry.alert} was raised twice")
            stories[entry.alert] = Story(night.policy, entry)
        elif isinstance(entry, AlertFact) and entry.alert in stories:
            findings.extend(stories[entry.alert].take(entry))
    for story in stories.values():
        findings.extend(story.over())
        counts["steps"] += len(story.seen)
        counts["notifications"] += len(story.asked)
        counts["steps brought forward"] += story.hurried
    findings.extend(_calls(night))
    findings.extend(_answers(night))
    findings.extend(_receipts(night))
    findings.extend(_wire(night, asked, in_hand, counts))
    return Verdict(findings, counts)


def _calls(night: Night) -> Iterator[str]:
    raised: Counter[tuple[str, Category]] = Counter((e.home, e.category) for e in _facts(night, AlertRaised))
    for home, category in night.planted:
        came = raised.pop((home, category), 0)
        if came != 1:
            yield f"call {'lost' if came == 0 else 'doubled'}: {category} of {home} raised {came} alerts"
    for home, category in raised:
        yield f"call of nobody: {category} of {home}"


def _answers(night: Night) -> Iterator[str]:
    """What an operator was told is done, is in the journal, once."""
    acts = (line.entry for line in night.journal if isinstance(line.entry, Act))
    stands: Counter[tuple[str, str, str]] = Counter((act.alert, ACTS[type(act)], act.by) for act in acts)
    for what, said in Counter(night.done).items():
        if stands[what] < said:
            yield f"answer lost: {what} was answered {said} times and stands {stands[what]} times"


def _receipts(night: Night) -> Iterator[str]:
    stands: Counter[tuple[str, Progress]] = Counter((e.notification, e.progress) for e in _facts(night, NotificationReported))
    for what in dict.fromkeys(night.receipts):
        if not stands[what]:
            yield f"receipt lost: {what}"
    for what, times in stands.items():
        if times > 1:
            yield f"receipt doubled: {what}, {times} times"


def _wire(night: Night, asked: dict[str, Line], in_hand: dict[str, list[InHand]], counts: Counter[str]) -> Iterator[str]:
    """What came to the providers, and what should have."""
    arrivals: dict[str, list[Arrival]] = defaultdict(list)
    for arrival in sorted(night.arrivals):
        if arrival.notification not in asked:
            yield f"notification of nothing: {arrival.notification} came by {arrival.channel}"
        arrivals[arrival.notification].append(arrival)
    ends: dict[str, tuple[int, bool]] = {}
    for line in night.journal:
        if isinstance(line.entry, NotificationEnded):
            ends[line.entry.notification] = (line.seq, line.entry.delivered)
    down = list(_down(night))
    for id_, line in asked.items():
        request, came = line.entry, arrivals[id_]
        assert isinstance(request, NotificationRequested)
        had = min((hand for hand in in_hand[request.alert] if hand.seq > line.seq), default=None)
        yield from _came(line, came, had, down, night.late_s)
        if had is not None:
            counts["on the wire at the acknowledgement"] += sum(arrival.begun <= had.boottime < arrival.at for arrival in came)
        ended, delivered = ends.get(id_, (0, False))
        if delivered and not any(arrival.answer is Answer.TAKEN for arrival in came):
            yield f"notification lost: {id_} stands as delivered, and no provider took it"
        needed = had is None or ended < had.seq
        if ended and not delivered and needed and not any(arrival.answer is Answer.NEVER for arrival in came):
            yield f"notification lost: {id_} was given up, nobody had the alert, and no provider refused it for good"
        yield from _again(id_, came, down, counts)


def _down(night: Night) -> Iterator[tuple[float, float]]:
    """From a cut to the start behind it; what is cut again while it starts was down all the time."""
    starts = [line.boottime for line in night.journal if isinstance(line.entry, ServiceStarted)]
    back = 0.0
    for cut in sorted(night.cuts):
        if cut >= back:
            back = min((start for start in starts if start > cut), default=float("inf"))
            yield cut, back


def _came(line: Line, came: list[Arrival], had: InHand | None, down: list[tuple[float, float]], late_s: float) -> Iterator[str]:
    request, asked_at = line.entry, line.boottime
    assert isinstance(request, NotificationRequested)
    id_ = request.notification
    for arrival in came:
        if arrival.channel != request.channel:
            yield f"wrong channel: {id_} came by {arrival.channel} instead of {request.channel}"
        if arrival.at < asked_at:
            yield f"notification too early: {id_} came {asked_at - arrival.at:.3f} s before it was on disk"
        if had is not None and arrival.begun > had.boottime:
            yield f"notification after the acknowledgement: {id_}, begun {arrival.begun - had.boottime:.3f} s behind it"
    first = min((arrival.at for arrival in came), default=None)
    if first is None:
        if had is None:
            yield f"notification lost: {id_} never came to {request.channel}, and nobody had the alert"
    else:
        dead = sum(max(0.0, min(until, first) - max(since, asked_at)) for since, until in down)
        if first - asked_at - dead > late_s:
            yield f"notification late: {id_} came {first - asked_at:.1f} s after it was on disk, {dead:.1f} s of them the service was dead"


def _again(id_: str, came: list[Arrival], down: list[tuple[float, float]], counts: Counter[str]) -> Iterator[str]:
    """Who took it is not told again, unless it was not heard that they did: the answer was lost, or we were killed meanwhile."""
    for before, after in pairwise(came):
        killed = any(before.at <= until and since <= after.at for since, until in down)
        if before.answer is Answer.TAKEN:
            if killed:
                counts["said again over a crash"] += 1
            else:
                yield f"notification doubled: {id_} by {after.channel}, taken at {before.at:.3f} and sent again at {after.at:.3f}"
        elif before.answer is Answer.NEVER and not killed:
            yield f"asked again: {id_} by {after.channel}, refused for good at {before.at:.3f}"
        elif before.answer is Answer.LOST:
            counts["said again, its answer was lost"] += 1


def _facts(night: Night, kind: type[T]) -> Iterable[T]:
    return (line.entry for line in night.journal if isinstance(line.entry, kind))
