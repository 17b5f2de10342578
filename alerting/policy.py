"""Escalation policies as data: who is told, how many seconds after what, and how long a person may sit on it."""

from datetime import timedelta
from enum import StrEnum

import msgspec

from alerting.plan_facts import Scale
from alerting.schedule import Weekday
from alerting.terms import Category
from devices.home import AreaId

DESK = "desk"
"""The target that is the operators' screens: it rings there by being open, nothing has to be sent."""


SIREN = "siren"
"""The target that is the sirens in the home itself (`alerting.sirens`): it sounds only where a policy names it."""
BUILT_IN = frozenset({DESK, SIREN})
"""Targets that no channel of the gateway leads to."""


class Step(msgspec.Struct, frozen=True):
    """`after`: from the beginning of the round. Outside its hours a step tells nobody but the desk, and the next comes in its time."""

    after: timedelta
    targets: tuple[str, ...]
    hours: tuple[str, ...] = ()
    weekdays: tuple[Weekday, ...] = ()


class Graded(msgspec.Struct, frozen=True):
    """One class and grade of the plan: whom it tells, and who may raise a matter to it."""

    scale: Scale
    grade: int
    """1 (I, the gravest) to 4 (IV)."""
    targets: tuple[str, ...]
    may_raise: tuple[str, ...] = ()
    """Roles of the staff; empty: whoever may act on alerts."""
    by_itself: bool = False
    """An alert of many homes is raised to it by its size, at once, by nobody's hand."""


class Policy(msgspec.Struct, frozen=True):
    """What happens while nobody has an alert, and how long somebody may have it without a sign of life.

    The steps run once in each of `rounds` rounds; a round begins `repeat_after` behind the last step of the one before. After the last
    round the last step comes again every `keep_ringing`, for as long as the alert is open; None: it stays on the desk in silence.
    What stands under the safety floor rings at once and at least as often as `alerting.suppression` says, whatever stands here.
    """

    id: str
    steps: tuple[Step, ...] = msgspec.field(name="step")
    categories: tuple[Category, ...] = ()
    """The categories it serves unless a rule names another policy."""
    repeat_after: timedelta = timedelta(minutes=2)
    rounds: int = 1
    keep_ringing: timedelta | None = None
    claim_limit: timedelta = timedelta(minutes=2)
    """Claimed and not acknowledged by then: it belongs to everybody again, and the steps that became due meanwhile come."""
    acknowledge_limit: timedelta = timedelta(minutes=30)
    """Acknowledged and nothing done for so long (no note, response, transfer): it is triggered again, from the first step."""
    areas: tuple[AreaId, ...] = ()
    """It holds in these and all below, before one that names none or only an area above."""
    instead_of: str = ""
    """In its areas, the policy that it stands for where a rule names that."""
    accepts: int = 0
    """So many people have to accept: then those told who have not may stand down, and later steps tell nobody outside the desk. 0: no
    acceptance changes anything."""
    accept_limit: timedelta = timedelta(minutes=10)
    """Accepted, not arrived, and nothing heard for so long: it counts no longer, and the next step tells people again."""
    grades: tuple[Graded, ...] = msgspec.field(name="grade", default=())


class Reach(StrEnum):
    """What a target's name stands for."""

    CHANNELS = "channels"
    """Whoever the channels lead to: a duty telephone, a group chat, another platform."""
    NEXT_CONTACT = "next_contact"
    """The next one of the home's contacts, in their order, who may be rung at this hour and has not been in this round."""
    CONTACTS = "contacts"
    """All of the home's contacts who may be rung at this hour, at once."""
    ROSTER = "roster"
    """Whoever is on in the roster `of`; without one, in the rosters that serve the home's area."""
    ROLE = "role"
    """Whoever of the role `of` is on in any roster that serves the home's area."""
    PERSON = "person"
    """The member of staff `of`, on duty or not."""
    SERVICE = "service"
    """An emergency service: it is given the alert once, and not again in every round."""


class Target(msgspec.Struct, frozen=True):
    """A name in a step, and the channels of the gateway that reach it."""

    name: str
    zh: str = ""
    en: str = ""
    """How sentences call it; by its name where empty."""
    channels: tuple[str, ...] = ()
    reach: Reach = Reach.CHANNELS
    of: str = ""
    hours: tuple[str, ...] = ()
    weekdays: tuple[Weekday, ...] = ()
    """When it is told at all; both empty: always."""


class AlertLife(msgspec.Struct, frozen=True):
    """The numbers of an alert's life that are no step of anybody's policy. Those of marks and floods follow ISA-18.2 as it is quoted."""

    rearm_after: timedelta = timedelta(minutes=30)
    """Closed while its condition holds, and no time was named: looked at again so long after."""
    chattering_times: int = 3
    chattering_within: timedelta = timedelta(minutes=1)
    """So many onsets of one alert in so short a time are chattering."""
    standing_after: timedelta = timedelta(hours=24)
    flood_from: int = 10
    flood_until: int = 5
    flood_within: timedelta = timedelta(minutes=10)
    """So many alerts raised within that time are a flood, until they are fewer than `flood_until`."""


class EscalationFile(msgspec.Struct, frozen=True):
    """`config/escalation.toml`."""

    policies: tuple[Policy, ...] = msgspec.field(name="policy")
    targets: tuple[Target, ...] = msgspec.field(name="target", default=())
    life: AlertLife = AlertLife()
