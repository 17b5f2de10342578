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
                              +---- lapsed, recurred ------+

A T that somebody has claimed does not escalate, nor does one on hold or muted by a silence; `Alert.ringing` says which one does. When a
claim lapses, the steps that became due meanwhile come at once, in order. When an acknowledgement lapses or a hold ends, the policy
begins anew (`first_round` marks where), so that a forgotten alert rings as loudly as a new one.

`evolve(alert, fact)` is the only place where an alert changes; the engine and the desk's read model both call it, so what the
operator sees cannot differ from what the engine believes.
"""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from alerting.facts import (
    AcknowledgementLapsed,
    Actor,
    AlertAcknowledged,
    AlertClaimed,
    AlertCleared,
    AlertClosed,
    AlertEscalated,
    AlertFact,
    AlertHeld,
    AlertId,
    AlertNoted,
    AlertRaised,
    AlertRecurred,
    AlertRepeated,
    AlertTransferred,
    CallCancelled,
    Category,
    ClaimLapsed,
    Evidence,
    HelpReported,
    HoldEnded,
    IllegalTransition,
    NotificationEnded,
    NotificationRequested,
    NotificationSkipped,
    Origin,
    Priority,
    Sentence,
    SilenceId,
    Stage,
    Status,
    StepReached,
)
from alerting.suppression import may_hold
from devices.home import AreaId, DeviceId, HomeId
from devices.observation import Property

T, A, C = Status.TRIGGERED, Status.ACKNOWLEDGED, Status.CLOSED

TRANSITIONS: dict[tuple[Status, type[AlertFact]], Status] = {
    (T, AlertRepeated): T,
    (A, AlertRepeated): A,
    (T, AlertCleared): T,
    (A, AlertCleared): A,
    (T, AlertRecurred): T,
    (A, AlertRecurred): T,
    (T, CallCancelled): T,
    (A, CallCancelled): A,
    (T, AlertClaimed): T,
    (A, AlertClaimed): A,
    (T, ClaimLapsed): T,
    (T, AlertAcknowledged): A,
    (A, AlertAcknowledged): A,
    (A, AcknowledgementLapsed): T,
    (T, AlertNoted): T,
    (A, AlertNoted): A,
    (C, AlertNoted): C,
    (T, AlertHeld): T,
    (A, AlertHeld): A,
    (T, HoldEnded): T,
    (A, HoldEnded): T,
    (T, AlertEscalated): T,
    (A, AlertEscalated): T,
    (T, StepReached): T,
    (T, AlertTransferred): T,
    (A, AlertTransferred): A,
    (T, HelpReported): T,
    (A, HelpReported): A,
    (T, AlertClosed): C,
    (A, AlertClosed): C,
    (T, NotificationRequested): T,
    (A, NotificationRequested): A,
    (C, NotificationRequested): C,
    (T, NotificationSkipped): T,
    (A, NotificationSkipped): A,
    (T, NotificationEnded): T,
    (A, NotificationEnded): A,
    (C, NotificationEnded): C,
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

Source = tuple[DeviceId, Property]

EVIDENCE_KEPT = 32
"""Per alert: the first of them and the latest; the count of repeats is never cut."""


class Responder(msgspec.Struct, frozen=True):
    name: str
    stage: Stage
    at: datetime


class Alert(msgspec.Struct, frozen=True):
    id: AlertId
    home: HomeId
    area: AreaId
    category: Category
    priority: Priority
    matter: str
    status: Status
    raised_at: datetime
    title: Sentence
    reason: Sentence
    rule: str
    rule_version: str
    evidence: tuple[Evidence, ...]
    device: DeviceId | None = None
    room: str = ""
    origin: Origin = Origin.REAL
    policy: str = ""
    repeats: int = 0
    last_at: datetime | None = None
    """The latest occurrence: raised, repeated or recurred."""
    cleared_at: datetime | None = None
    claimed_by: Actor | None = None
    claimed_at: datetime | None = None
    first_claimed_at: datetime | None = None
    """When a person first had it: the answer time is measured to here."""
    acknowledged_by: Actor | None = None
    acknowledged_at: datetime | None = None
    held_until: datetime | None = None
    held_reason: str = ""
    transferred_to: str = ""
    step: int = -1
    """The last step of the policy that was reached; -1 before the first."""
    round: int = 0
    next_step_at: datetime | None = None
    responders: tuple[Responder, ...] = ()
    closed_at: datetime | None = None
    closed_by: Actor | None = None
    disposition: str = ""
    silenced_by: SilenceId | None = None
    folded_into: AlertId | None = None
    sources: tuple[Source, ...] = ()
    """Every device and property that ever asserted it, in the order they did; unlike the evidence it is never cut."""
    cancelled_at: datetime | None = None
    """When the caller took the call back, unless it was repeated since. It lowers nothing."""
    helping_at: datetime | None = None
    """When a person first took it on (acknowledged it, or accepted): the caller is told once."""
    renewed_at: datetime | None = None
    """The last sign of life of whoever has it; the acknowledgement lapses so long after."""
    round_started_at: datetime | None = None
    first_round: int = 0
    """The round in which the policy last began from its first round; lapses and holds move it."""

    @property
    def open(self) -> bool:
        return self.status is not Status.CLOSED

    @property
    def ringing(self) -> bool:
        """Whether it asks for a person now: triggered, claimed by nobody, not on hold. (A silence is the home's matter, not its own.)"""
        return self.status is Status.TRIGGERED and self.claimed_by is None and self.held_until is None


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
            again = replace(_occurred(alert, fact), status=status, cleared_at=None)
            if alert.status is T and alert.held_until is None:
                return again
            # Whoever has it keeps it for one more claim limit: a flapping detector must not throw people off the telephone.
            held_by = alert.claimed_by
            return replace(_anew(again, fact.at), claimed_by=held_by, claimed_at=fact.at if held_by else None)
        case AlertCleared():
            return replace(alert, cleared_at=fact.at)
        case CallCancelled():
            return replace(alert, cancelled_at=fact.at)
        case AlertClaimed():
            first = alert.first_claimed_at or fact.at
            return replace(alert, claimed_by=fact.by, claimed_at=fact.at, first_claimed_at=first, renewed_at=fact.at)
        case ClaimLapsed():
            due = max(alert.next_step_at or fact.at, fact.at)
            return replace(alert, claimed_by=None, claimed_at=None, next_step_at=due)
        case AlertAcknowledged():
            return replace(
                alert, status=status, acknowledged_by=fact.by, acknowledged_at=fact.at, renewed_at=fact.at,
                helping_at=alert.helping_at or fact.at,
            )  # fmt: skip
        case AcknowledgementLapsed() | HoldEnded():
            return _anew(replace(alert, status=status), fact.at)
        case AlertNoted():
            return replace(alert, renewed_at=fact.at) if alert.open else alert
        case AlertHeld():
            return replace(alert, held_until=fact.until, held_reason=fact.reason, renewed_at=fact.at)
        case AlertEscalated():
            return replace(
                alert, status=status, held_until=None, held_reason="", acknowledged_by=None, acknowledged_at=None, renewed_at=fact.at,
                claimed_at=fact.at if alert.claimed_by else None,
            )  # fmt: skip
        case StepReached():
            return replace(
                alert, step=fact.step, round=fact.round, next_step_at=fact.next_step_at, silenced_by=None,
                round_started_at=fact.round_started_at or alert.round_started_at,
            )  # fmt: skip
        case AlertTransferred():
            return replace(alert, transferred_to=fact.to, claimed_by=Actor(fact.to), claimed_at=fact.at, renewed_at=fact.at)
        case HelpReported():
            others = tuple(r for r in alert.responders if r.name != fact.responder)
            helping = alert.helping_at or (fact.at if fact.stage in TAKEN_ON else None)
            responders = (*others, Responder(fact.responder, fact.stage, fact.at))
            return replace(alert, responders=responders, helping_at=helping, renewed_at=fact.at)
        case AlertClosed():
            return replace(
                alert, status=status, closed_at=fact.at, closed_by=fact.by, disposition=fact.disposition, next_step_at=None,
                held_until=None, held_reason="",
            )  # fmt: skip
        case NotificationRequested() | NotificationSkipped() | NotificationEnded():
            return alert
        case AlertRaised():
            raise AssertionError("an alert is raised once; the table has no second time")


def permits(alert: Alert, fact: type[AlertFact]) -> bool:
    return (alert.status, fact) in TRANSITIONS


def allowed_actions(alert: Alert) -> tuple[str, ...]:
    """What people may ask of it now, by the names of the contract."""
    return tuple(
        name for name, fact in ACTIONS.items()
        if permits(alert, fact) and (name != "hold" or may_hold(alert.category, in_hand=alert.claimed_by is not None))
    )  # fmt: skip


def _occurred(alert: Alert, fact: AlertRepeated | AlertRecurred) -> Alert:
    evidence = alert.evidence + fact.evidence
    if len(evidence) > EVIDENCE_KEPT:
        evidence = evidence[:1] + evidence[1 - EVIDENCE_KEPT :]
    return replace(
        alert, repeats=alert.repeats + 1, last_at=fact.at, evidence=evidence, sources=_sources(alert.sources, fact.evidence),
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
        alert, claimed_by=None, claimed_at=None, acknowledged_by=None, acknowledged_at=None, held_until=None, held_reason="",
        step=-1, round=alert.round + 1, first_round=alert.round + 1, round_started_at=at, next_step_at=at,
    )  # fmt: skip
