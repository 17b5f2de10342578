"""What people ask of rosters and at the change of shifts, imperative; under the same rule as `alerting.commands`."""

from datetime import datetime

import msgspec

from alerting.roster import Override, Roster, RosterId, Staff, StaffId


class SetStaff(msgspec.Struct, frozen=True, array_like=True, tag="staff="):
    """Known from here on, or changed."""

    staff: Staff


class RetireStaff(msgspec.Struct, frozen=True, array_like=True, tag="staff-"):
    """Their turns are gaps from here on; those who make rosters are told."""

    staff: StaffId


class SetRoster(msgspec.Struct, frozen=True, array_like=True, tag="rost="):
    roster: Roster


class RetireRoster(msgspec.Struct, frozen=True, array_like=True, tag="rost-"):
    roster: RosterId


class OverrideShift(msgspec.Struct, frozen=True, array_like=True, tag="over+"):
    """`override.by` is whoever asks, whatever stands there."""

    override: Override


class EndOverride(msgspec.Struct, frozen=True, array_like=True, tag="over-"):
    """With the other half, where it is one of a swap."""

    override: str


class SwapShifts(msgspec.Struct, frozen=True, array_like=True, tag="swap+"):
    """Whoever is on in the layer at `first` has the shift of whoever is on at `second`, and the other way round. Wall-clock UTC."""

    swap: str
    roster: RosterId
    layer: str
    first: datetime
    second: datetime
    reason: str


class HandOver(msgspec.Struct, frozen=True, array_like=True, tag="hand!"):
    """A word from the shift that goes to the one that comes. It moves nothing: whoever comes takes over."""

    roster: RosterId
    note: str


class TakeOver(msgspec.Struct, frozen=True, array_like=True, tag="take!"):
    """Whoever asks owns these from here on, by `kind:id`; none named: everything that is still an earlier shift's."""

    roster: RosterId
    items: tuple[str, ...] = ()


DutyCommand = SetStaff | RetireStaff | SetRoster | RetireRoster | OverrideShift | EndOverride | SwapShifts | HandOver
"""Of the rosters themselves. TakeOver moves what is open, and is decided beside the homes."""
