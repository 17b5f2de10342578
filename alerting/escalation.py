"""What is due on an alert, and when: the steps of its policy, and the limits of those who have it. Pure; the engine asks.

The times of a round's steps are counted from the round's beginning, so that a claim that lapses late makes the overdue steps come at
once and leaves the others where they were.
"""

from datetime import datetime, timedelta
from enum import Enum

import msgspec

from alerting import on_test, reach, synthetic, wording
from alerting.alert import Alert
from alerting.facts import AcknowledgementLapsed, AlertFact, ClaimLapsed, HoldEnded, NotificationSkipped, StepReached
from alerting.home_state import HomeState
from alerting.policy import DESK, Policy, Step
from alerting.reach import Announcement, Around
from alerting.rules import Ruleset
from alerting.suppression import CONFIRM_WITHIN, RINGS_AT_LEAST_EVERY, acknowledge_limit, claim_limit, may_ring, ring_by, under_floor
from alerting.terms import Actor, Category, Origin, Sentence, Status
from devices.home import AreaId

LAST_RESORT = Policy(id="last-resort", steps=(Step(timedelta(0), (DESK,)),), keep_ringing=RINGS_AT_LEAST_EVERY)
"""For an alert whose policy the ruleset does not have. `alerting.assembly` refuses such rulesets; an alert never depends on that."""

SHORTEST_ROUND = timedelta(seconds=10)


class Due(Enum):
    STEP = "step"
    CLAIM = "claim"
    ACKNOWLEDGEMENT = "acknowledgement"
    HOLD = "hold"
    TESTER = "tester"
    """Of a test call: until its tester has confirmed it. `on_test` says what it becomes."""
    SELF_CHECK = "self_check"
    """Of the service's own call: until it closes by itself."""


class Deadline(msgspec.Struct, frozen=True):
    at: datetime
    due: Due


def policy_for(ruleset: Ruleset, category: Category, policy: str = "", areas: tuple[AreaId, ...] = ()) -> Policy:
    """By its name, else the one that serves the category; of several the nearest one's. `areas`: from the home's own upwards."""

    def serves(candidate: Policy) -> bool:
        return policy in (candidate.id, candidate.instead_of) if policy else category in candidate.categories

    if policy and not areas:
        named = next((candidate for candidate in ruleset.policies if candidate.id == policy), None)
        return named or policy_for(ruleset, category)
    for area in areas:
        for candidate in ruleset.policies:
            if area in candidate.areas and serves(candidate):
                return candidate
    everywhere = next((candidate for candidate in ruleset.policies if not candidate.areas and serves(candidate)), None)
    if everywhere is not None:
        return everywhere
    return policy_for(ruleset, category, "", areas) if policy else LAST_RESORT


def first_step_at(policy: Policy, category: Category, at: datetime) -> datetime:
    return at if under_floor(category) else at + policy.steps[0].after


def deadline(alert: Alert, policy: Policy, *, muted: bool) -> Deadline | None:
    """What happens next by time alone; None for an alert that is closed, or that stays as it is until somebody does something."""
    if not alert.open:
        return None
    if alert.origin is Origin.TEST:
        return Deadline(alert.raised_at + CONFIRM_WITHIN, Due.TESTER)
    if alert.origin is Origin.SYNTHETIC:
        return Deadline(alert.raised_at + synthetic.CLOSES_AFTER, Due.SELF_CHECK)
    if alert.held_until is not None:
        return Deadline(alert.held_until, Due.HOLD)
    if alert.status is Status.ACKNOWLEDGED:
        limit = acknowledge_limit(alert.category, policy.acknowledge_limit)
        return Deadline((alert.renewed_at or alert.raised_at) + limit, Due.ACKNOWLEDGEMENT)
    if alert.claimed_by is not None:
        limit = claim_limit(alert.category, policy.claim_limit)
        return Deadline((alert.claimed_at or alert.raised_at) + limit, Due.CLAIM)
    if alert.next_step_at is not None and may_ring(alert.category, muted=muted):
        return Deadline(alert.next_step_at, Due.STEP)
    return None


def reached(alert: Alert, policy: Policy, due: Due, at: datetime, home: HomeState) -> AlertFact:
    """The fact that a deadline becomes when its moment comes; `home` is its own."""
    match due:
        case Due.STEP:
            return next_step(alert, policy, at)
        case Due.CLAIM:
            return ClaimLapsed(alert.id, at, alert.home, alert.claimed_by or Actor(""))
        case Due.ACKNOWLEDGEMENT:
            return AcknowledgementLapsed(alert.id, at, alert.home, alert.acknowledged_by or Actor(""))
        case Due.HOLD:
            return HoldEnded(alert.id, at, alert.home)
        case Due.TESTER:
            return on_test.unconfirmed(alert, home, at)
        case Due.SELF_CHECK:
            return synthetic.closed(alert, at)


def next_step(alert: Alert, policy: Policy, at: datetime) -> StepReached:
    """The step behind the one last reached, now; in a new round where the last one is over, the last step again after the last round."""
    steps, last = policy.steps, len(policy.steps) - 1
    step, round_ = alert.step + 1, alert.round
    begun = alert.round_started_at or alert.raised_at
    if step > last:
        step = 0 if _rounds_left(alert, round_, policy) else last
        round_ += 1
        begun = at - steps[step].after
    else:
        begun = min(begun, at - steps[step].after)  # earlier when a person asked for the step before its time
    if step < last:
        then: datetime | None = max(at, begun + steps[step + 1].after)
    elif _rounds_left(alert, round_, policy):
        then = at + max(policy.repeat_after, SHORTEST_ROUND)
    else:
        then = at + max(policy.keep_ringing, SHORTEST_ROUND) if policy.keep_ringing is not None else None
    then = ring_by(alert.category, at, then)
    return StepReached(alert.id, at, alert.home, step, round_, steps[step].targets, then, begun)


def announcements(alert: Alert, fact: StepReached, around: Around) -> list[Announcement]:
    """Who is told of a step, through what; and who is not, and why."""
    return list(reach.announcements(alert, fact, around, _why(alert, fact)))


def hurried(alert: Alert, policy: Policy, announced: list[Announcement], at: datetime) -> StepReached | None:
    """The next step at once, where the one just reached had somebody to tell and no way to; within the round alone."""
    undeliverable = any(isinstance(each, NotificationSkipped) and each.undeliverable for each in announced)
    if not undeliverable or not alert.ringing or alert.step >= len(policy.steps) - 1:
        return None
    return next_step(alert, policy, at)


def _rounds_left(alert: Alert, round_: int, policy: Policy) -> bool:
    return round_ - alert.first_round + 1 < policy.rounds


def _why(alert: Alert, fact: StepReached) -> Sentence:
    waited = wording.duration(fact.at - alert.raised_at)
    number = f"{fact.step + 1}"
    if fact.at - alert.raised_at < timedelta(seconds=1):
        return Sentence(f"{alert.title.zh}：刚刚触发", f"{alert.title.en}: just raised")
    return Sentence(
        f"{alert.title.zh}：触发 {waited.zh}后仍无人处置（第 {number} 步）",
        f"{alert.title.en}: nobody has it {waited.en} after it was raised (step {number})",
    )
