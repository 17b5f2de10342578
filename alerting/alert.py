"""The alert: what people may do with it, as one table, and the fold of its facts.

Theory of operation
-------------------
Two axes, never mixed (ISA-18.2). `status` is what people did: triggered, acknowledged, closed. `cleared_at` is what the world did:
smoke that is gone is *cleared*, and still waits for a person, because an alert latches.

A fact moves an alert only along `TRANSITIONS`; what is absent there is illegal, raises `IllegalTransition` and changes nothing. A
lapse (a claim nobody followed up, an acknowledgement forgotten, a hold that ended) is a fact like any other, given by
`Engine.advance` at the moment it was due.

    (nothing) --raised--> TRIGGERED --acknowledged--> ACKNOWLEDGED --closed--> CLOSED
                              ^                            |
                              +- lapsed, recurred, worsened +

A T that somebody has claimed does not escalate, nor does one on hold or muted by a silence; `Alert.ringing` says which one does. When a
claim lapses, the steps that became due meanwhile come at once, in order. When an acknowledgement lapses or a hold ends, the policy
begins anew (`first_round` marks where), so that a forgotten alert rings as loudly as a new one.

What was closed while its condition held keeps one date, `rearm_at`: what still holds then is raised anew, as another alert. A test call
is an alert of origin `test` whose only deadline is the tester's word; without it the call is real and begins its policy there.

`evolve(alert, fact)` is the only place where an alert changes; the engine and the desk's read model both call it, so what the
operator sees cannot differ from what the engine believes.
"""

from datetime import datetime

from msgspec.structs import replace

from alerting.alert_record import Alert, Responder, Source
from alerting.duty_facts import AlertOwned
from alerting.facts import (
    AcknowledgementLapsed,
    AlertAcknowledged,
    AlertClaimed,
    AlertCleared,
    AlertClosed,
    AlertEscalated,
    AlertFact,
    AlertFolded,
    AlertHeld,
    AlertNoted,
    AlertRaised,
    AlertRecurred,
    AlertRepeated,
    AlertTransferred,
    AlertUnfolded,
    AlertWorsened,
    CallCancelled,
    ClaimLapsed,
    HelpReported,
    HoldEnded,
    NotificationEnded,
    NotificationReported,
    NotificationRequested,
    NotificationSkipped,
    StepReached,
    WelfareNoted,
)
from alerting.life_facts import AlertChattering, AlertRearmed, AlertStanding, AlertViewed, CallConfirmed, CallUnconfirmed
from alerting.plan_facts import GradeRaised
from alerting.refusals import IllegalTransition
from alerting.suppression import may_hold
from alerting.terms import Actor, Evidence, Origin, Sentence, Stage, Status

__all__ = [
    "ACTIONS", "AFTERWARDS", "EVIDENCE_KEPT", "ONSETS_KEPT", "STAYS", "TAKEN_ON", "TRANSITIONS", "Alert", "Responder", "Source",
    "allowed_actions", "born", "evolve", "permits",
]  # fmt: skip

T, A, C = Status.TRIGGERED, Status.ACKNOWLEDGED, Status.CLOSED

STAYS = (
    AlertRepeated, AlertCleared, CallCancelled, AlertClaimed, AlertNoted, AlertHeld, AlertTransferred, HelpReported, AlertFolded,
    AlertUnfolded, WelfareNoted, NotificationRequested, NotificationSkipped, NotificationEnded, NotificationReported, AlertViewed,
    AlertChattering, AlertStanding, CallConfirmed, AlertOwned, GradeRaised,
)  # fmt: skip
"""What leaves an open alert triggered where it was triggered, and acknowledged where it was acknowledged."""
AFTERWARDS = (AlertNoted, WelfareNoted, NotificationRequested, NotificationEnded, NotificationReported, AlertRearmed)
"""What may still happen to a closed one."""

TRANSITIONS: dict[tuple[Status, type[AlertFact]], Status] = {
    **{(status, fact): status for status in (T, A) for fact in STAYS},
    **{(C, fact): C for fact in AFTERWARDS},
    (T, AlertAcknowledged): A,
    (A, AlertAcknowledged): A,
    (T, AlertClosed): C,
    (A, AlertClosed): C,
    (T, StepReached): T,
    (T, ClaimLapsed): T,
    (A, AcknowledgementLapsed): T,
    (T, AlertRecurred): T,
    (A, AlertRecurred): T,
    (T, AlertWorsened): T,
    (A, AlertWorsened): T,
    (T, HoldEnded): T,
    (A, HoldEnded): T,
    (T, AlertEscalated): T,
    (A, AlertEscalated): T,
    (T, CallUnconfirmed): T,
    (A, CallUnconfirmed): T,
}
"""The whole life of an alert. A pair that is not here cannot happen."""

ACTIONS: dict[str, type[AlertFact]] = {
    "claim": AlertClaimed,
    "acknowledge": AlertAcknowledged,
    "note": AlertNoted,
    "hold": AlertHeld,
    "escalate": AlertEscalated,
    "transfer": AlertTransferred,
    "respond": HelpReported,
    "close": AlertClosed,
}
"""What people may ask for, by the names of the contract, and the fact it becomes."""

TAKEN_ON = frozenset({Stage.ACCEPTED, Stage.ON_THE_WAY, Stage.ARRIVED})
"""Responses that mean somebody is helping."""

ONSETS_KEPT = 16
EVIDENCE_KEPT = 32
"""Per alert: the first of them and the latest; the count of repeats is never cut."""


def born(fact: AlertRaised) -> Alert:
    """The alert that a raising makes."""
    return Alert(
        id=fact.alert,
        home=fact.home,
        area=fact.area,
        category=fact.category,
        priority=fact.priority,
        matter=fact.matter,
        status=Status.TRIGGERED,
        raised_at=fact.at,
        title=fact.title,
        reason=fact.reason,
        rule=fact.rule,
        rule_version=fact.rule_version,
        evidence=fact.evidence,
        device=fact.device,
        room=fact.room,
        origin=fact.origin,
        policy=fact.policy,
        last_at=fact.at,
        next_step_at=fact.next_step_at,
        silenced_by=fact.silenced_by,
        sources=_sources((), fact.evidence),
        round_started_at=fact.at,
        onsets=(fact.at,),
        anew_of=fact.anew_of,
        testers=fact.testers,
    )


def evolve(alert: Alert, fact: AlertFact) -> Alert:
    """The alert after a fact of its own; IllegalTransition where the table has none. The first fact is `born`'s."""
    status = TRANSITIONS.get((alert.status, type(fact)))
    if status is None:
        raise IllegalTransition(
            Sentence(
                f"警报 {alert.id} 处于 {alert.status} 状态，没有 {type(fact).__name__} 这一步",
                f"alert {alert.id} is {alert.status}, and {type(fact).__name__} leads nowhere from there",
            ),
        )
    match fact:
        case AlertRepeated():
            return _occurred(alert, fact)
        case AlertRecurred():
            onsets = (*alert.onsets, fact.at)[-ONSETS_KEPT:]
            return _rings_again(alert, replace(_occurred(alert, fact), status=status, cleared_at=None, onsets=onsets), fact.at)
        case AlertWorsened():
            worse = replace(
                _occurred(alert, fact), status=status, cleared_at=None, priority=min(alert.priority, fact.priority),
                title=fact.title, reason=fact.reason, rule=fact.rule, rule_version=fact.rule_version,
            )  # fmt: skip
            return _rings_again(alert, worse, fact.at)
        case AlertCleared():
            return replace(alert, cleared_at=fact.at, standing_at=None)
        case CallCancelled():
            return replace(alert, cancelled_at=fact.at)
        case AlertClaimed():
            claimed = replace(
                alert, claimed_by=fact.by, claimed_at=fact.at, first_claimed_at=alert.first_claimed_at or fact.at, renewed_at=fact.at,
                claim_follows=fact.follows,
            )  # fmt: skip
            return claimed if fact.follows is not None else _viewed(claimed, fact.by, fact.at)
        case ClaimLapsed():
            due = max(alert.next_step_at or fact.at, fact.at)
            return replace(alert, claimed_by=None, claimed_at=None, claim_follows=None, next_step_at=due)
        case AlertAcknowledged():
            return replace(
                _viewed(alert, fact.by, fact.at), status=status, acknowledged_by=fact.by, acknowledged_at=fact.at, renewed_at=fact.at,
                helping_at=alert.helping_at or fact.at,
            )  # fmt: skip
        case AcknowledgementLapsed():
            return _anew(replace(alert, status=status), fact.at)
        case HoldEnded():
            return _anew(replace(alert, status=status, priority=alert.return_priority or alert.priority), fact.at)
        case AlertFolded():
            return replace(alert, folded_into=fact.into)
        case AlertUnfolded():
            alone = replace(alert, folded_into=None)
            return _anew(alone, fact.at) if alone.ringing else alone
        case AlertNoted() | WelfareNoted():
            return replace(alert, renewed_at=fact.at) if alert.open else alert
        case AlertHeld():
            return replace(
                alert, held_until=fact.until, held_reason=fact.reason, return_priority=fact.return_priority, renewed_at=fact.at,
            )  # fmt: skip
        case AlertEscalated():
            return replace(
                alert, status=status, held_until=None, held_reason="", return_priority=None, acknowledged_by=None, acknowledged_at=None,
                renewed_at=fact.at, claimed_at=fact.at if alert.claimed_by else None,
            )  # fmt: skip
        case StepReached():
            return replace(
                alert, step=fact.step, round=fact.round, next_step_at=fact.next_step_at, silenced_by=None,
                round_started_at=fact.round_started_at or alert.round_started_at,
            )  # fmt: skip
        case AlertTransferred():
            return replace(
                alert, transferred_to=fact.to, claimed_by=Actor(fact.to), claimed_at=fact.at, claim_follows=None, renewed_at=fact.at,
            )  # fmt: skip
        case GradeRaised():
            return replace(alert, graded=(fact.scale, fact.grade), renewed_at=fact.at)
        case HelpReported():
            others = tuple(r for r in alert.responders if r.name != fact.responder)
            helping = alert.helping_at or (fact.at if fact.stage in TAKEN_ON else None)
            responders = (*others, Responder(fact.responder, fact.stage, fact.at))
            return replace(alert, responders=responders, helping_at=helping, renewed_at=fact.at)
        case AlertClosed():
            return replace(
                alert, status=status, closed_at=fact.at, closed_by=fact.by, disposition=fact.disposition, next_step_at=None,
                held_until=None, held_reason="", return_priority=None, rearm_at=fact.rearm_at, event=fact.event,
            )  # fmt: skip
        case AlertViewed():
            return _viewed(alert, fact.by, fact.at)
        case AlertChattering():
            return replace(alert, chattering_at=fact.at)
        case AlertStanding():
            return replace(alert, standing_at=fact.at)
        case AlertRearmed():
            return replace(alert, rearm_at=None)
        case CallUnconfirmed():
            return _anew(replace(alert, status=status, origin=Origin.REAL, matter=fact.matter), fact.at)
        case NotificationRequested() | NotificationSkipped() | NotificationEnded() | NotificationReported() | CallConfirmed():
            return alert
        case AlertOwned():
            return replace(alert, owner=fact.owner)
        case AlertRaised():
            raise AssertionError("an alert is raised once; the table has no second time")


def permits(alert: Alert, fact: type[AlertFact]) -> bool:
    return (alert.status, fact) in TRANSITIONS


def allowed_actions(alert: Alert) -> tuple[str, ...]:
    """What people may ask of it now, by the names of the contract; of the service's own call nothing."""
    if alert.origin is Origin.SYNTHETIC:
        return ()
    return tuple(
        name for name, fact in ACTIONS.items()
        if permits(alert, fact) and (name != "hold" or may_hold(alert.category, in_hand=alert.claimed_by is not None))
    )  # fmt: skip


def _rings_again(before: Alert, after: Alert, at: datetime) -> Alert:
    if before.status is T and before.held_until is None:
        return after
    # Whoever has it keeps it for one more claim limit: a flapping detector must not throw people off the telephone.
    held_by = before.claimed_by
    return replace(_anew(after, at), claimed_by=held_by, claimed_at=at if held_by else None)


def _viewed(alert: Alert, by: Actor, at: datetime) -> Alert:
    return alert if alert.viewed_at is not None else replace(alert, viewed_at=at, viewed_by=by)


def _occurred(alert: Alert, fact: AlertRepeated | AlertRecurred | AlertWorsened) -> Alert:
    # What a rule concludes from observations that the alert has already is not one more of them: three pulls are three, not four.
    fresh = tuple(e for e in fact.evidence if e not in alert.evidence)
    evidence = alert.evidence + fresh
    if len(evidence) > EVIDENCE_KEPT:
        evidence = evidence[:1] + evidence[1 - EVIDENCE_KEPT :]
    again = bool(fresh) or not fact.evidence
    return replace(
        alert, repeats=alert.repeats + again, last_at=fact.at, evidence=evidence, sources=_sources(alert.sources, fact.evidence),
        cancelled_at=None,
    )  # fmt: skip


def _sources(known: tuple[Source, ...], evidence: tuple[Evidence, ...]) -> tuple[Source, ...]:
    for e in evidence:
        source = (e.device, e.observation.property)
        if source not in known:
            known = (*known, source)
    return known


def _anew(alert: Alert, at: datetime) -> Alert:
    """Nobody has it, and its policy begins again from the first step."""
    return replace(
        alert, claimed_by=None, claimed_at=None, claim_follows=None, acknowledged_by=None, acknowledged_at=None, held_until=None,
        held_reason="", return_priority=None,
        step=-1, round=alert.round + 1, first_round=alert.round + 1, round_started_at=at, next_step_at=at,
    )  # fmt: skip
