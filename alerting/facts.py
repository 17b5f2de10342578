"""What came of it, past tense: everything that the engine decided.

Everything here is journaled as it stands, in the array form of msgpack with a short tag, so a field is only ever added at the end
with a default, and a tag is never given a second meaning. Instants are UTC and in service time (`gateway/clock.py`).
"""

from datetime import datetime

import msgspec

from alerting.area_rules import Dark
from alerting.caring.facts import PlanFact
from alerting.caring.family import FamilyFact
from alerting.caring.help_facts import HelpFact, MessageFact
from alerting.caring.prompt_facts import PromptFact
from alerting.duty_facts import AlertOwned, DutyFact
from alerting.heard_facts import DeviceReturned, DeviceSilent, HubLost, HubReturned
from alerting.life_facts import (
    AlertChattering,
    AlertRearmed,
    AlertStanding,
    AlertViewed,
    CallConfirmed,
    CallUnconfirmed,
)
from alerting.plan_facts import GradeRaised
from alerting.record_facts import RecordFact
from alerting.registry_facts import RegistryFact
from alerting.roster import StaffId
from alerting.rules import Ruleset
from alerting.terms import (
    Actor,
    AlertId,
    Category,
    Evidence,
    NotificationId,
    Origin,
    Priority,
    Progress,
    Sentence,
    SilenceId,
    Stage,
    Welfare,
)
from devices.home import AreaId, DeviceId, HomeId, PersonId


class AlertRaised(msgspec.Struct, frozen=True, array_like=True, tag="raised"):
    alert: AlertId
    at: datetime
    home: HomeId
    area: AreaId
    category: Category
    priority: Priority
    matter: str
    """What makes a second occurrence the same alert: home and matter, e.g. `fire`, `silence:dev-7`."""
    title: Sentence
    reason: Sentence
    rule: str
    rule_version: str
    evidence: tuple[Evidence, ...]
    device: DeviceId | None = None
    room: str = ""
    origin: Origin = Origin.REAL
    policy: str = ""
    silenced_by: SilenceId | None = None
    """A silence keeps it off the ring, never off the list; the safety floor has none."""
    next_step_at: datetime | None = None
    """When the first step of its policy is due; None while a silence keeps it off the ring."""
    key: str = ""
    """What the firing is kept under in `HomeState.fired`: the rule that saw it, or rule:device; empty: the alert's rule."""
    anew_of: AlertId | None = None
    """The alert that was closed while its condition held, and still did when its time was over; no new occurrence."""
    testers: tuple[Actor, ...] = ()
    """Of a test call: who may say that it was one."""


class AlertRepeated(msgspec.Struct, frozen=True, array_like=True, tag="again"):
    alert: AlertId
    at: datetime
    home: HomeId
    evidence: tuple[Evidence, ...]
    key: str = ""
    """What the firing is kept under in `HomeState.fired`: the rule that saw it, or rule:device; empty: the alert's rule."""


class AlertCleared(msgspec.Struct, frozen=True, array_like=True, tag="clear"):
    """The world went back to normal; the alert latches and still waits for a person."""

    alert: AlertId
    at: datetime
    home: HomeId
    evidence: tuple[Evidence, ...] = ()


class AlertRecurred(msgspec.Struct, frozen=True, array_like=True, tag="recur"):
    """The condition came back while the alert was still open: `cleared_at` is empty again, and it rings again."""

    alert: AlertId
    at: datetime
    home: HomeId
    evidence: tuple[Evidence, ...]
    key: str = ""
    """What the firing is kept under in `HomeState.fired`: the rule that saw it, or rule:device; empty: the alert's rule."""


class AlertWorsened(msgspec.Struct, frozen=True, array_like=True, tag="worse"):
    """Another rule saw more in the same matter: its words stand from here on, its priority where that is higher, and it rings again."""

    alert: AlertId
    at: datetime
    home: HomeId
    priority: Priority
    title: Sentence
    reason: Sentence
    rule: str
    rule_version: str
    evidence: tuple[Evidence, ...]
    key: str = ""
    """As of a firing: the rule, or rule:device."""


class CallCancelled(msgspec.Struct, frozen=True, array_like=True, tag="cancel"):
    """The person or the device took the call back. It is shown lower and rings on: somebody still has to make sure."""

    alert: AlertId
    at: datetime
    home: HomeId
    evidence: tuple[Evidence, ...]


class AlertClaimed(msgspec.Struct, frozen=True, array_like=True, tag="claimed"):
    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor
    taken_over_from: Actor | None = None
    follows: AlertId | None = None
    """The claimed alert of the same home that this one came along with."""


class ClaimLapsed(msgspec.Struct, frozen=True, array_like=True, tag="unclaim"):
    """Claimed and not acknowledged in time: it belongs to everybody again and escalation goes on."""

    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor


class AlertAcknowledged(msgspec.Struct, frozen=True, array_like=True, tag="acked"):
    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor


class AcknowledgementLapsed(msgspec.Struct, frozen=True, array_like=True, tag="unack"):
    """Acknowledged and forgotten: it is triggered again and escalates from the first step."""

    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor


class AlertNoted(msgspec.Struct, frozen=True, array_like=True, tag="noted"):
    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor
    text: str


class AlertHeld(msgspec.Struct, frozen=True, array_like=True, tag="held"):
    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor
    until: datetime
    reason: str
    return_priority: Priority | None = None
    """What it comes back as; None: as it was."""


class HoldEnded(msgspec.Struct, frozen=True, array_like=True, tag="unheld"):
    alert: AlertId
    at: datetime
    home: HomeId


class AlertEscalated(msgspec.Struct, frozen=True, array_like=True, tag="escd"):
    """A person asked for the next step now."""

    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor
    reason: str


class StepReached(msgspec.Struct, frozen=True, array_like=True, tag="stepped"):
    """A step of the policy was due at `at`. `round` counts how often the policy has begun anew for this alert."""

    alert: AlertId
    at: datetime
    home: HomeId
    step: int
    round: int
    targets: tuple[str, ...]
    next_step_at: datetime | None
    round_started_at: datetime | None = None
    """The moment that the steps of this round are counted from."""


class AlertTransferred(msgspec.Struct, frozen=True, array_like=True, tag="xferd"):
    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor
    to: str
    reason: str


class HelpReported(msgspec.Struct, frozen=True, array_like=True, tag="help"):
    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor
    responder: str
    stage: Stage
    notification: NotificationId | None = None
    """What they answered; None: somebody wrote it down for them."""


class AlertClosed(msgspec.Struct, frozen=True, array_like=True, tag="closed"):
    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor
    disposition: str
    reason: str
    rearm_at: datetime | None = None
    """Its condition held when it was closed: what still holds then is raised anew."""
    event: str = ""
    """What it was closed together with others for."""


class NotificationRequested(msgspec.Struct, frozen=True, array_like=True, tag="ntfy"):
    """Tell one target through one channel. The id is made of alert, round, step and target: sent again, it is the same."""

    notification: NotificationId
    alert: AlertId
    at: datetime
    home: HomeId
    target: str
    channel: str
    step: int
    why: Sentence
    person: PersonId | None = None
    """Somebody of the home, by whose own number they are told; None: whomever the channel's settings name."""
    round: int = 0
    staff: StaffId | None = None
    """Somebody on duty, by whose own number they are told."""
    stand_down: bool = False
    """They were told before, and need not come: `why` says who does."""


class NotificationSkipped(msgspec.Struct, frozen=True, array_like=True, tag="skip"):
    """A step named a target, and nobody was told: `why` says it."""

    alert: AlertId
    at: datetime
    home: HomeId
    target: str
    step: int
    why: Sentence
    undeliverable: bool = False
    """Somebody was to be told, and there is no way to; the next step comes at once."""


class NotificationEnded(msgspec.Struct, frozen=True, array_like=True, tag="ntfd"):
    """Taken by its receiver, or (`delivered` False) by nobody, and not tried again: `detail` says what was answered last."""

    notification: NotificationId
    alert: AlertId
    at: datetime
    home: HomeId
    delivered: bool
    attempts: int
    detail: str
    references: tuple[str, ...] = ()
    """What later reports may call it by."""


class NotificationReported(msgspec.Struct, frozen=True, array_like=True, tag="ntfr"):
    """Heard later of one that its receiver took: delivered, read, never delivered, accepted, declined. Each once."""

    notification: NotificationId
    alert: AlertId
    at: datetime
    home: HomeId
    progress: Progress
    detail: str


class AlertFolded(msgspec.Struct, frozen=True, array_like=True, tag="fold"):
    """It is part of an area's alert from here on, and asks for nobody by itself; never one under the safety floor."""

    alert: AlertId
    at: datetime
    home: HomeId
    into: AlertId


class AlertUnfolded(msgspec.Struct, frozen=True, array_like=True, tag="unfold"):
    """The area's alert explains it no longer: it asks for a person of its own, from the first step."""

    alert: AlertId
    at: datetime
    home: HomeId


class WelfareNoted(msgspec.Struct, frozen=True, array_like=True, tag="wnote"):
    """In the timeline of an area's alert (`home` is empty): somebody looked to a home of its list."""

    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor
    member: HomeId
    result: Welfare
    note: str = ""


class AreaJoined(msgspec.Struct, frozen=True, array_like=True, tag="join"):
    """A home is on the list of an area's alert; it is dark since `since`, and counted by `rule`."""

    alert: AlertId
    at: datetime
    home: HomeId
    dark: Dark
    since: datetime
    rule: str


class AreaLeft(msgspec.Struct, frozen=True, array_like=True, tag="left"):
    """A home of the list is back."""

    alert: AlertId
    at: datetime
    home: HomeId


class CommandIssued(msgspec.Struct, frozen=True, array_like=True, tag="cmd"):
    """A command to a device, to be kept for it while it sleeps. `payload` is what goes on the wire."""

    id: str
    at: datetime
    topic: str
    payload: bytes
    home: HomeId
    alert: AlertId | None = None
    expires_at: datetime | None = None


class RulesActivated(msgspec.Struct, frozen=True, array_like=True, tag="f:rules"):
    """A person put a version of the rules live: `ruleset` holds from here on. `version` is that of the rules alone."""

    at: datetime
    by: Actor
    version: str
    reason: str
    backtest: str
    ruleset: Ruleset


AlertFact = (
    AlertRaised | AlertRepeated | AlertCleared | AlertRecurred | AlertClaimed | ClaimLapsed | AlertAcknowledged | AcknowledgementLapsed
    | AlertNoted | AlertHeld | HoldEnded | AlertEscalated | StepReached | AlertTransferred | HelpReported | AlertClosed
    | NotificationRequested | NotificationSkipped | NotificationEnded | CallCancelled | AlertWorsened
    | AlertFolded | AlertUnfolded | WelfareNoted | NotificationReported | AlertOwned
    | AlertViewed | AlertChattering | AlertStanding | AlertRearmed | CallConfirmed | CallUnconfirmed
    | GradeRaised
)  # fmt: skip
"""Facts of one alert: each has `alert`, `at` and `home`, and `alerting.alert.evolve` folds them."""


AreaFact = AreaJoined | AreaLeft
"""Of a home and the alert of an area; the home's row keeps it."""

CareFact = PlanFact | HelpFact | MessageFact | PromptFact | FamilyFact
"""Of what is planned for homes; each has `at` and `home`, and `alerting.caring` folds them."""

Fact = (
    AlertFact | AreaFact | RegistryFact | CareFact | CommandIssued | DeviceSilent | DeviceReturned | HubLost | HubReturned | RulesActivated
    | DutyFact | RecordFact
)  # fmt: skip
