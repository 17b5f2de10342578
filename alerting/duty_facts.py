"""What became of rosters and shifts, past tense: facts like those of `alerting.facts`, under the same rule of how they are journaled."""

from datetime import datetime

import msgspec

from alerting.roster import Override, Roster, RosterId, Staff, StaffId
from alerting.terms import Actor, AlertId
from devices.home import HomeId


class StaffSet(msgspec.Struct, frozen=True, array_like=True, tag="d:staff"):
    at: datetime
    by: Actor
    staff: Staff


class StaffRetired(msgspec.Struct, frozen=True, array_like=True, tag="d:staff-"):
    at: datetime
    by: Actor
    staff: StaffId


class RosterSet(msgspec.Struct, frozen=True, array_like=True, tag="d:rost"):
    at: datetime
    by: Actor
    roster: Roster


class RosterRetired(msgspec.Struct, frozen=True, array_like=True, tag="d:rost-"):
    at: datetime
    by: Actor
    roster: RosterId


class ShiftsOverridden(msgspec.Struct, frozen=True, array_like=True, tag="d:over"):
    """One override, or the two of a swap."""

    at: datetime
    by: Actor
    overrides: tuple[Override, ...]


class OverridesEnded(msgspec.Struct, frozen=True, array_like=True, tag="d:over-"):
    at: datetime
    by: Actor
    overrides: tuple[str, ...]


class DutyChanged(msgspec.Struct, frozen=True, array_like=True, tag="d:on"):
    """Who is on from here on, the first layer first. With nobody, what the last shift had stays theirs."""

    at: datetime
    roster: RosterId
    on: tuple[StaffId, ...]


class HandedOver(msgspec.Struct, frozen=True, array_like=True, tag="d:hand"):
    at: datetime
    by: Actor
    roster: RosterId
    note: str


class AlertOwned(msgspec.Struct, frozen=True, array_like=True, tag="d:alert"):
    """Whose it is, by name: of whoever was on when it was raised, then of whoever took it over. Not who has it in hand: `claimed_by`."""

    alert: AlertId
    at: datetime
    home: HomeId
    owner: Actor
    before: Actor = Actor("")
    by: Actor = Actor("")


class ItemOwned(msgspec.Struct, frozen=True, array_like=True, tag="d:item"):
    """The same of what is open and no alert: a silence, something on test. `item` is `kind:id`."""

    item: str
    at: datetime
    home: HomeId
    owner: Actor
    before: Actor = Actor("")
    by: Actor = Actor("")


RosterFact = StaffSet | StaffRetired | RosterSet | RosterRetired | ShiftsOverridden | OverridesEnded | DutyChanged | HandedOver
"""Of no home."""
DutyFact = RosterFact | ItemOwned
