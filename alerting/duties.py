"""Staff and rosters as they are: the fold of their facts, what people may ask of them, who is on, and what is wrong before it matters.

All of it is in the row of the whole. Moments that people name (overrides, swaps) are UTC by the wall clock; `wall` is that clock's now.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from alerting import roster as calendar
from alerting.duty_commands import (
    DutyCommand,
    EndOverride,
    HandOver,
    OverrideShift,
    RetireRoster,
    RetireStaff,
    SetRoster,
    SetStaff,
    SwapShifts,
)
from alerting.duty_facts import (
    DutyChanged,
    HandedOver,
    OverridesEnded,
    RosterFact,
    RosterRetired,
    RosterSet,
    ShiftsOverridden,
    StaffRetired,
    StaffSet,
)
from alerting.refusals import IllegalTransition, Unknown
from alerting.roster import Gap, Override, Roster, RosterId, Shift, Staff, StaffId
from alerting.terms import Actor, Sentence
from devices.home import AreaId
from devices.topic import ID

OVERRIDE_LIMIT = timedelta(days=62)
OVERRIDES_KEPT = timedelta(days=90)
"""Behind their end, for whoever looks back at a week."""
OVERRIDES_MOST = 2_000
TEXT_LIMIT = 1_000
GAP_AHEAD = timedelta(hours=24)
"""A gap that begins within this is raised."""


class Note(msgspec.Struct, frozen=True, array_like=True):
    """What the shift that goes wants the next to know."""

    at: datetime
    by: Actor
    text: str


class Duties(msgspec.Struct, array_like=True):
    staff: dict[StaffId, Staff] = {}
    rosters: dict[RosterId, Roster] = {}
    overrides: dict[str, Override] = {}
    charge: dict[RosterId, tuple[StaffId, ...]] = {}
    """Who is on, or was on last: what is open is somebody's, also in a gap."""
    notes: dict[RosterId, Note] = {}
    present: dict[RosterId, tuple[StaffId, ...]] = {}
    """Who is on; nobody in a gap."""

    # --- reading ---------------------------------------------------------------------------------------------------------------

    def on(self, roster: Roster, wall: datetime, zone: timedelta) -> list[Shift]:
        """Known people who are on now, the first layer first."""
        here = calendar.on(roster, self.overrides.values(), wall, zone)
        return [shift for shift in here if shift.staff in self.staff]

    def shifts(self, roster: Roster, since: datetime, until: datetime, zone: timedelta) -> list[Shift]:
        return calendar.shifts(roster, self.overrides.values(), since, until, zone)

    def next_on(self, roster: Roster, wall: datetime, zone: timedelta) -> list[Shift]:
        """Who comes at the next change, as far as one looks."""
        at = calendar.next_change(roster, self.overrides.values(), wall, zone)
        return self.on(roster, at, zone) if at is not None else []

    def gaps(self, roster: Roster, since: datetime, until: datetime, zone: timedelta) -> list[Gap]:
        return calendar.gaps(roster, self.overrides.values(), since, until, zone, known=self.staff)

    def look_at(self, roster: Roster, wall: datetime, zone: timedelta) -> datetime | None:
        """When something of it changes next: who is on, or that a gap comes near."""
        change = calendar.next_change(roster, self.overrides.values(), wall, zone)
        ahead = self.gaps(roster, wall + GAP_AHEAD, wall + calendar.HORIZON, zone)
        near = next((gap.since - GAP_AHEAD for gap in ahead if gap.since - GAP_AHEAD > wall), None)
        return min((at for at in (change, near) if at is not None), default=None)

    def serving(self, areas: Iterable[AreaId], *, desk: bool = False) -> list[Roster]:
        """The rosters of the nearest of these areas that has one, else those of no area; `areas` from the home's upwards."""
        wanted = [roster for roster in self.rosters.values() if roster.desk or not desk]
        for area in (*areas, AreaId("")):
            if here := [roster for roster in wanted if roster.area == area]:
                return here
        return []

    def owner(self, areas: Iterable[AreaId]) -> Actor | None:
        """Whose it is when something begins in an area; None where no roster of a desk serves it, or nobody ever was on."""
        for roster in self.serving(areas, desk=True):
            for staff in self.charge.get(roster.id, ()):
                if staff in self.staff:
                    return self.staff[staff].actor
        return None

    def actors(self, roster: RosterId) -> list[Actor]:
        """Who is on, or was on last, by how they are named as owners."""
        return [self.staff[staff].actor for staff in self.charge.get(roster, ()) if staff in self.staff]

    def role(self, role: str, areas: Iterable[AreaId], wall: datetime, zone: timedelta) -> list[Staff]:
        """Those of the role who are on now in any roster that serves one of the areas, or all."""
        within = {*areas, AreaId("")}
        here = (s.staff for roster in self.rosters.values() if roster.area in within for s in self.on(roster, wall, zone))
        return [self.staff[id_] for id_ in dict.fromkeys(here) if self.staff[id_].role == role]

    # --- deciding --------------------------------------------------------------------------------------------------------------

    def decide(self, command: DutyCommand, by: Actor, now: datetime, wall: datetime, zone: timedelta) -> RosterFact:
        """The fact that a command becomes; Unknown or IllegalTransition, and nothing, where it may not be."""
        match command:
            case SetStaff(staff=staff):
                _check_id(staff.id)
                if not staff.name.strip():
                    raise IllegalTransition(Sentence("请填写姓名", "the name is missing"))
                return StaffSet(now, by, staff)
            case RetireStaff(staff=id_):
                if id_ not in self.staff:
                    raise Unknown(Sentence(f"没有值班人员 {id_[:80]}", f"there is no member of staff {id_[:80]}"))
                return StaffRetired(now, by, id_)
            case SetRoster(roster=roster):
                _check_id(roster.id)
                for zh, en in calendar.problems(roster, self.staff):
                    raise IllegalTransition(Sentence(f"值班表 {roster.id}：{zh}", f"roster {roster.id}: {en}"))
                return RosterSet(now, by, roster)
            case RetireRoster(roster=id_):
                return RosterRetired(now, by, self._roster(id_).id)
            case OverrideShift(override=override):
                return ShiftsOverridden(now, by, (self._override(override, by, wall),))
            case EndOverride(override=id_):
                known = self.overrides.get(id_)
                if known is None:
                    raise Unknown(Sentence(f"没有替班 {id_[:80]}", f"there is no override {id_[:80]}"))
                both = [o.id for o in self.overrides.values() if o.id == id_ or (known.swap and o.swap == known.swap)]
                return OverridesEnded(now, by, tuple(both))
            case SwapShifts():
                return ShiftsOverridden(now, by, self._swap(command, by, wall, zone))
            case HandOver(roster=id_, note=note):
                return HandedOver(now, by, self._roster(id_).id, note.strip()[:TEXT_LIMIT])

    def _roster(self, id_: RosterId) -> Roster:
        roster = self.rosters.get(id_)
        if roster is None:
            raise Unknown(Sentence(f"没有值班表 {id_[:80]}", f"there is no roster {id_[:80]}"))
        return roster

    def _override(self, override: Override, by: Actor, wall: datetime) -> Override:
        _check_id(override.id)
        roster = self._roster(override.roster)
        if override.layer not in {layer.name for layer in roster.layers}:
            raise Unknown(Sentence(f"值班表 {roster.id} 没有层“{override.layer}”", f"roster {roster.id} has no layer {override.layer!r}"))
        if override.staff is not None and override.staff not in self.staff:
            raise Unknown(Sentence(f"没有值班人员 {override.staff}", f"there is no member of staff {override.staff}"))
        if override.id in self.overrides:
            raise IllegalTransition(Sentence(f"替班 {override.id} 已存在", f"override {override.id} exists already"))
        if not override.since < override.until or override.until <= wall:
            raise IllegalTransition(Sentence("替班须在开始之后、将来结束", "an override ends after it begins, and in the future"))
        if override.until - override.since > OVERRIDE_LIMIT:
            days = OVERRIDE_LIMIT.days
            raise IllegalTransition(Sentence(f"替班最长 {days} 天", f"an override lasts {days} days at most"))
        if not override.reason.strip():
            raise IllegalTransition(Sentence("请填写替班原因", "the reason for the override is missing"))
        return msgspec.structs.replace(override, by=by, reason=override.reason.strip()[:TEXT_LIMIT])

    def _swap(self, command: SwapShifts, by: Actor, wall: datetime, zone: timedelta) -> tuple[Override, ...]:
        _check_id(command.swap)
        roster = self._roster(command.roster)
        one, other = (self._shift(roster, command.layer, at, zone) for at in (command.first, command.second))
        if one.staff == other.staff:
            raise IllegalTransition(Sentence("两个班次是同一人", "both shifts are the same person's"))
        halves = ((one, other.staff), (other, one.staff))
        return tuple(
            msgspec.structs.replace(
                self._override(
                    Override(
                        f"{command.swap}-{number}", roster.id, command.layer, max(shift.since, wall), shift.until, staff, command.reason,
                    ),
                    by, wall,
                ),
                swap=command.swap,
            )
            for number, (shift, staff) in enumerate(halves, 1)
        )  # fmt: skip

    def _shift(self, roster: Roster, layer: str, at: datetime, zone: timedelta) -> Shift:
        for shift in self.shifts(roster, at, at + timedelta(microseconds=1), zone):
            if shift.layer == layer and shift.since <= at < shift.until:
                return shift
        said = f"{at + zone:%Y-%m-%d %H:%M}"
        raise Unknown(Sentence(f"{said} 的“{layer}”没有班次", f"there is no shift in layer {layer!r} at {said}"))

    # --- the fold --------------------------------------------------------------------------------------------------------------

    def apply(self, fact: RosterFact) -> None:
        match fact:
            case StaffSet(staff=staff):
                self.staff[staff.id] = staff
            case StaffRetired(staff=id_):
                self.staff.pop(id_, None)
            case RosterSet(roster=roster):
                self.rosters[roster.id] = roster
            case RosterRetired(roster=id_):
                self.rosters.pop(id_, None)
                self.charge.pop(id_, None)
                self.present.pop(id_, None)
                self.notes.pop(id_, None)
                for gone in [o.id for o in self.overrides.values() if o.roster == id_]:
                    del self.overrides[gone]
            case ShiftsOverridden(overrides=overrides, at=at):
                self._forget(at)
                self.overrides.update((override.id, override) for override in overrides)
            case OverridesEnded(overrides=ids):
                for gone in ids:
                    self.overrides.pop(gone, None)
            case DutyChanged(roster=id_, on=on):
                self.present[id_] = on
                if on:
                    self.charge[id_] = on
            case HandedOver(roster=id_):
                self.notes[id_] = Note(fact.at, fact.by, fact.note)

    def _forget(self, at: datetime) -> None:
        for old in [o.id for o in self.overrides.values() if o.until < at - OVERRIDES_KEPT]:
            del self.overrides[old]
        while len(self.overrides) >= OVERRIDES_MOST:
            del self.overrides[next(iter(self.overrides))]


def unreachable(roster: Roster, staff: dict[StaffId, Staff]) -> Iterator[Staff]:
    """Members whom no number and no channel of their own reaches."""
    members = dict.fromkeys(member for layer in roster.layers for member in layer.members)
    yield from (staff[id_] for id_ in members if id_ in staff and not staff[id_].phone.strip() and not staff[id_].channels)


def _check_id(id_: str) -> None:
    if not ID.match(id_):
        raise IllegalTransition(
            Sentence("编号须为 1 到 64 位字母、数字、下划线或连字符", f"{id_[:80]!r} is not 1 to 64 of A-Z a-z 0-9 _ -"),
        )
