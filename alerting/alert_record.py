"""The alert as a record: all that is known of it at a moment. How it changes, and along which table, is `alert.py`."""

from datetime import datetime

import msgspec

from alerting.plan_facts import Scale
from alerting.terms import Actor, AlertId, Category, Evidence, Origin, Priority, Sentence, SilenceId, Stage, Status
from devices.home import AreaId, DeviceId, HomeId
from devices.observation import Property

Source = tuple[DeviceId, Property]


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
    """The area's alert that it is part of; it does not ring meanwhile."""
    sources: tuple[Source, ...] = ()
    """Every device and property that ever asserted it, in the order they did; unlike the evidence it is never cut."""
    cancelled_at: datetime | None = None
    """When the caller took the call back, unless it was repeated since. It is shown lower, and rings on."""
    helping_at: datetime | None = None
    """When a person first took it on (acknowledged it, or accepted): the caller is told once."""
    renewed_at: datetime | None = None
    """The last sign of life of whoever has it; the acknowledgement lapses so long after."""
    round_started_at: datetime | None = None
    first_round: int = 0
    """The round in which the policy last began from its first round; lapses and holds move it."""
    owner: Actor | None = None
    """Whose it is by name: of the shift that was on, or of whoever took it over from that. Empty where no roster serves the home."""
    viewed_at: datetime | None = None
    """When a person first opened or took it."""
    viewed_by: Actor | None = None
    claim_follows: AlertId | None = None
    """The alert of the home with whose claim it came along."""
    return_priority: Priority | None = None
    """What it comes back as from the hold that it is on."""
    rearm_at: datetime | None = None
    """Closed while its condition held: when it is looked at again."""
    event: str = ""
    onsets: tuple[datetime, ...] = ()
    """The latest times that it became active, the raising among them."""
    chattering_at: datetime | None = None
    standing_at: datetime | None = None
    """Since when it counts as a standing alarm (and chattering at: when it was last seen to come and go too often); see `marks`."""
    anew_of: AlertId | None = None
    testers: tuple[Actor, ...] = ()
    graded: tuple[Scale, int] | None = None
    """The class and grade that a person raised it to."""

    @property
    def open(self) -> bool:
        return self.status is not Status.CLOSED

    @property
    def shown_priority(self) -> Priority:
        """How it is shown: a call that was taken back stands behind those that were not. It rings as what it is."""
        lower = self.cancelled_at is not None and self.priority < Priority.AWARE
        return Priority(self.priority + 1) if lower else self.priority

    @property
    def active_since(self) -> datetime | None:
        """Since when its condition has held without a break; None when it does not."""
        return (self.onsets[-1] if self.onsets else self.raised_at) if self.cleared_at is None else None

    @property
    def ringing(self) -> bool:
        """Whether it asks for a person now: triggered, claimed by nobody, not on hold. (A silence is the home's matter, not its own.)"""
        return self.status is Status.TRIGGERED and self.claimed_by is None and self.held_until is None
