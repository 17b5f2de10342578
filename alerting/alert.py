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

`evolve(alert, fact)` is the only place where an alert changes; the engine and the desk's read model both call it, so what the
operator sees cannot differ from what the engine believes.
"""

from datetime import datetime

import msgspec

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
from devices.home import AreaId, DeviceId, HomeId

T, A, C = Status.TRIGGERED, Status.ACKNOWLEDGED, Status.CLOSED

TRANSITIONS: dict[tuple[Status, type[AlertFact]], Status] = {
    (T, AlertRepeated): T,
    (A, AlertRepeated): A,
    (T, AlertCleared): T,
    (A, AlertCleared): A,
    (T, AlertRecurred): T,
    (A, AlertRecurred): T,
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

    @property
    def open(self) -> bool:
        return self.status is not Status.CLOSED
