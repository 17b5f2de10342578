"""Who answers at a moment: layers of turns, overrides and swaps, by the clocks on walls. Calendar alone, no clock.

A roster has layers, which all count: the first is asked first. In a layer the members take turns of whole days or weeks; within a turn
they are on in the layer's hours, or around the clock from one change of turn to the next. An override puts somebody, or nobody, into a
layer's place for a while; a swap is two of them. Where no layer has anybody there is a gap.

Moments are UTC by the wall clock; `zone` is local time minus UTC. A window over midnight belongs to the day that it begins on.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NewType

import msgspec

from alerting.schedule import Schedule, Weekday, minutes_of, parse
from alerting.terms import Actor
from devices.home import AreaId

RosterId = NewType("RosterId", str)
StaffId = NewType("StaffId", str)

HORIZON = timedelta(days=35)
"""How far one looks for the next change: longer than any turn."""
MOST_WEEKS = 4
_DAY = timedelta(days=1)


class Staff(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Somebody who can be on duty. `user` is the name they log in by, where they work at the desk."""

    id: StaffId
    name: str
    phone: str = ""
    user: str = ""
    role: str = ""
    """What a policy may call them by: `lead`, `grid_worker`, …"""
    channels: tuple[str, ...] = ()
    """What reaches them; empty: the channels of the target that names them."""

    @property
    def actor(self) -> Actor:
        """How they are named as the owner of something."""
        return Actor(self.user or self.name)


class Turn(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"


class Layer(msgspec.Struct, frozen=True, array_like=True):
    """Turns begin on the local day `starts`, with the first member; each is `every` days or weeks long."""

    name: str
    members: tuple[StaffId, ...]
    turn: Turn
    starts: date
    every: int = 1
    hours: tuple[str, ...] = ()
    """`22:00-06:00`; empty: around the clock, changing at `at`."""
    weekdays: tuple[Weekday, ...] = ()
    at: str = "00:00"

    @property
    def days(self) -> int:
        """Of one turn."""
        return self.every * (7 if self.turn is Turn.WEEKLY else 1)


class Roster(msgspec.Struct, frozen=True, array_like=True):
    """`area`: it serves that one and all below; empty: everywhere. `desk`: its people own what the desk has open."""

    id: RosterId
    zh: str
    en: str
    layers: tuple[Layer, ...]
    area: AreaId = AreaId("")
    desk: bool = False
    hours: tuple[str, ...] = ()
    weekdays: tuple[Weekday, ...] = ()
    """When somebody has to be on; both empty: always."""


class Override(msgspec.Struct, frozen=True, array_like=True):
    """From `since` to `until` this person has the layer's place; None: nobody."""

    id: str
    roster: RosterId
    layer: str
    since: datetime
    until: datetime
    staff: StaffId | None
    reason: str
    by: Actor = Actor("")
    swap: str = ""
    """The swap that it is one half of."""


class Shift(msgspec.Struct, frozen=True):
    roster: RosterId
    layer: str
    staff: StaffId
    since: datetime
    until: datetime
    override: str = ""
    """By which it came to be so."""


class Gap(msgspec.Struct, frozen=True):
    roster: RosterId
    since: datetime
    until: datetime


def shifts(roster: Roster, overrides: Iterable[Override], since: datetime, until: datetime, zone: timedelta) -> list[Shift]:
    """Those that touch the span, whole, by their beginning and then by layer; a later override goes over an earlier one."""
    overrides = [o for o in overrides if o.roster == roster.id]
    found: list[tuple[datetime, int, Shift]] = []
    for number, layer in enumerate(roster.layers):
        standing = list(_turns(roster, layer, since, until, zone))
        for override in overrides:
            if override.layer == layer.name and override.since < until and override.until > since:
                standing = [piece for shift in standing for piece in _without(shift, override.since, override.until)]
                if override.staff is not None:
                    put = Shift(roster.id, layer.name, override.staff, override.since, override.until, override.id)
                    standing.append(put)
        found += [(shift.since, number, shift) for shift in standing if shift.since < until and shift.until > since]
    return [shift for _, _, shift in sorted(found, key=lambda each: each[:2])]


def on(roster: Roster, overrides: Iterable[Override], at: datetime, zone: timedelta) -> list[Shift]:
    """Who is on at a moment, the first layer first."""
    order = {layer.name: number for number, layer in enumerate(roster.layers)}
    here = shifts(roster, overrides, at, at + timedelta(microseconds=1), zone)
    return sorted((shift for shift in here if shift.since <= at < shift.until), key=lambda shift: order[shift.layer])


def next_change(roster: Roster, overrides: Iterable[Override], after: datetime, zone: timedelta) -> datetime | None:
    """When a shift begins or ends next; None: nothing does, as far as one looks."""
    edges = (edge for s in shifts(roster, overrides, after, after + HORIZON, zone) for edge in (s.since, s.until) if edge > after)
    return min(edges, default=None)


def gaps(
    roster: Roster, overrides: Iterable[Override], since: datetime, until: datetime, zone: timedelta, *, known: Iterable[StaffId],
) -> list[Gap]:  # fmt: skip
    """Where nobody is on though somebody has to be; who is not known (any more) covers nothing."""
    there = frozenset(known)
    covered = [(s.since, s.until) for s in shifts(roster, overrides, since, until, zone) if s.staff in there]
    found: list[Gap] = []
    for begins, ends in _needed(roster, since, until, zone):
        at = begins
        for first, last in sorted(covered):
            if first > at:
                if first >= ends:
                    break
                found.append(Gap(roster.id, at, first))
            at = max(at, last)
        if at < ends:
            found.append(Gap(roster.id, at, ends))
    return _joined(found)


def problems(roster: Roster, known: Iterable[StaffId]) -> Iterator[tuple[str, str]]:
    """What is wrong with it, in Chinese and English; nothing for one that may stand."""
    there = frozenset(known)
    if not roster.layers:
        yield "没有班次层", "has no layer"
    names = [layer.name for layer in roster.layers]
    if len(set(names)) != len(names):
        yield "班次层重名", "two layers have one name"
    for layer in roster.layers:
        if not layer.members:
            yield f"层“{layer.name}”没有成员", f"layer {layer.name!r} has no members"
        for member in layer.members:
            if member not in there:
                yield f"层“{layer.name}”：没有值班人员 {member}", f"layer {layer.name!r}: there is no member of staff {member!r}"
        if not 1 <= layer.every <= (MOST_WEEKS if layer.turn is Turn.WEEKLY else MOST_WEEKS * 7):
            yield f"层“{layer.name}”：轮换周期须为 1 天至 {MOST_WEEKS} 周", f"layer {layer.name!r}: a turn is 1 day to {MOST_WEEKS} weeks"
        for what, text in _clocks(layer):
            yield f"层“{layer.name}”：{text}", f"layer {layer.name!r}: {what}: {text}"
    try:
        parse(roster.hours, roster.weekdays)
    except ValueError as problem:
        yield f"{problem}", f"{problem}"


def _clocks(layer: Layer) -> Iterator[tuple[str, str]]:
    try:
        parse(layer.hours, layer.weekdays)
    except ValueError as problem:
        yield "hours", str(problem)
    try:
        if minutes_of(layer.at) == 24 * 60:
            yield "at", "24:00 is 00:00 of the next day"
    except ValueError as problem:
        yield "at", str(problem)


def _turns(roster: Roster, layer: Layer, since: datetime, until: datetime, zone: timedelta) -> Iterator[Shift]:
    """The layer's own shifts that may touch the span."""
    if not layer.members:
        return
    schedule = parse(layer.hours, layer.weekdays)
    day, last = (since + zone).date() - _DAY, (until + zone).date()
    turn = max(0, (day - layer.starts).days // layer.days)
    while (first := layer.starts + turn * layer.days * _DAY) <= last:
        member = layer.members[turn % len(layer.members)]
        begun = ended = None
        for begins, ends in _windows(layer, schedule, first, zone):
            if ended is None or begins > ended:
                if begun is not None and ended is not None:
                    yield Shift(roster.id, layer.name, member, begun, ended)
                begun = begins
            ended = ends if ended is None else max(ended, ends)
        if begun is not None and ended is not None:
            yield Shift(roster.id, layer.name, member, begun, ended)
        turn += 1


def _windows(layer: Layer, schedule: Schedule, first: date, zone: timedelta) -> Iterator[tuple[datetime, datetime]]:
    at = minutes_of(layer.at)
    for number in range(layer.days):
        day = first + number * _DAY
        if schedule.weekdays and day.weekday() not in schedule.weekdays:
            continue
        midnight = datetime.combine(day, time(0), UTC) - zone
        for begins, ends in schedule.hours or ((at, at),):
            over = ends if ends > begins else ends + 24 * 60
            yield midnight + timedelta(minutes=begins), midnight + timedelta(minutes=over)


def _without(shift: Shift, since: datetime, until: datetime) -> Iterator[Shift]:
    """What is left of a shift beside a span."""
    if shift.since < since:
        yield msgspec.structs.replace(shift, until=min(shift.until, since))
    if shift.until > until:
        yield msgspec.structs.replace(shift, since=max(shift.since, until))


def _needed(roster: Roster, since: datetime, until: datetime, zone: timedelta) -> Iterator[tuple[datetime, datetime]]:
    schedule = parse(roster.hours, roster.weekdays)
    if not schedule.calendar:
        yield since, until
        return
    day = (since + zone).date() - _DAY
    while day <= (until + zone).date():
        if not schedule.weekdays or day.weekday() in schedule.weekdays:
            midnight = datetime.combine(day, time(0), UTC) - zone
            for begins, ends in schedule.hours or ((0, 24 * 60),):
                over = ends if ends > begins else ends + 24 * 60
                first, last = max(since, midnight + timedelta(minutes=begins)), min(until, midnight + timedelta(minutes=over))
                if first < last:
                    yield first, last
        day += _DAY


def _joined(found: list[Gap]) -> list[Gap]:
    """Gaps that touch are one."""
    joined: list[Gap] = []
    for gap in sorted(found, key=lambda g: g.since):
        if joined and gap.since <= joined[-1].until:
            joined[-1] = msgspec.structs.replace(joined[-1], until=max(joined[-1].until, gap.until))
        else:
            joined.append(gap)
    return joined
