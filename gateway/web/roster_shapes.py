"""Rosters, shifts, policies and what is handed over, as the API shows them."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from alerting.duties import Duties, unreachable
from alerting.grading import named
from alerting.plan_facts import Scale
from alerting.policy import BUILT_IN, DESK, SIREN, Policy, Reach, Target
from alerting.roster import Gap, Layer, Override, Roster, Shift, Staff, Turn
from alerting.schedule import Weekday
from alerting.terms import Category, Priority, Sentence, Status
from gateway.web.board import Board
from gateway.web.places import Places
from gateway.web.present import area_name
from gateway.web.problems import Words
from gateway.web.shapes import Shape

if TYPE_CHECKING:
    from devices.home import AreaId, HomeId


ALWAYS_THERE = {DESK: Sentence("值守台", "the desk"), SIREN: Sentence("家中警号", "the siren in the home")}


class StaffShape(Shape):
    id: str
    name: str
    phone: str
    user: str
    role: str
    channels: list[str]


class ShiftShape(Shape):
    """`override`: by which it came to be so, else empty. A shift of somebody who is not known any more has an empty name: nobody comes."""

    roster: str
    layer: str
    staff: str
    name: str
    phone: str
    since: datetime
    until: datetime
    override: str


class GapShape(Shape):
    roster: str
    since: datetime
    until: datetime


class LayerShape(Shape):
    name: str
    members: list[str]
    turn: Turn
    starts: date
    every: int
    hours: list[str]
    weekdays: list[Weekday]
    at: str


class OverrideShape(Shape):
    id: str
    layer: str
    since: datetime
    until: datetime
    staff: str | None
    reason: str
    by: str
    swap: str


class NoteShape(Shape):
    at: datetime
    by: str
    text: str


class RosterShape(Shape):
    """`now` and `next`: who is on, and who comes at the next change; both empty in a gap. `gaps`: within seven days."""

    id: str
    zh: str
    en: str
    area: str
    desk: bool
    hours: list[str]
    weekdays: list[Weekday]
    layers: list[LayerShape]
    overrides: list[OverrideShape]
    now: list[ShiftShape]
    next: list[ShiftShape]
    gaps: list[GapShape]
    unreachable: list[str]
    note: NoteShape | None
    waiting: int
    """Open things that are still an earlier shift's."""


class WantingShape(Shape):
    """`kind`: `gap`, `unreachable` (staff), `contacts` (a home), `target` (of the policies)."""

    id: str
    kind: Literal["gap", "unreachable", "contacts", "target"]
    sentence: Words
    roster: str | None = None
    staff: str | None = None
    home: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class ItemShape(Shape):
    """Something open. `earlier`: it is still that of somebody who is not on any more. `held_until`: it is on hold."""

    id: str
    kind: Literal["alert", "silence", "test"]
    home: str | None
    home_name: str
    title: Words
    owner: str | None
    earlier: bool
    since: datetime
    priority: Priority | None = None
    status: Status | None = None
    claimed_by: str | None = None
    held_until: datetime | None = None
    until: datetime | None = None


class TargetShape(Shape):
    name: str
    zh: str
    en: str
    reach: Reach
    of: str
    channels: list[str]
    hours: list[str]
    weekdays: list[Weekday]
    always: bool = False
    """The desk, the siren: they need no channel."""


class StepShape(Shape):
    after_s: float
    targets: list[TargetShape]
    hours: list[str]
    weekdays: list[Weekday]


class PlanGradeShape(Shape):
    """A class and grade of the plan: whom it tells, and which roles of the staff may raise it; none: whoever may act."""

    scale: Scale
    grade: int
    title: Words
    targets: list[TargetShape]
    may_raise: list[str]


class PolicyShape(Shape):
    """Spans are in seconds. `keep_ringing_s` null: after the last round it stays on the desk in silence."""

    id: str
    categories: list[Category]
    areas: list[str]
    instead_of: str
    steps: list[StepShape]
    rounds: int
    repeat_after_s: float
    keep_ringing_s: float | None
    claim_limit_s: float
    acknowledge_limit_s: float
    accepts: int
    accept_limit_s: float
    grades: list[PlanGradeShape]


def staff_shape(staff: Staff) -> StaffShape:
    return StaffShape(
        id=staff.id, name=staff.name, phone=staff.phone, user=staff.user, role=staff.role, channels=list(staff.channels),
    )  # fmt: skip


def shift_shape(shift: Shift, duties: Duties) -> ShiftShape:
    known = duties.staff.get(shift.staff)
    return ShiftShape(
        roster=shift.roster, layer=shift.layer, staff=shift.staff, name=known.name if known else "", phone=known.phone if known else "",
        since=shift.since, until=shift.until, override=shift.override,
    )  # fmt: skip


def gap_shape(gap: Gap) -> GapShape:
    return GapShape(roster=gap.roster, since=gap.since, until=gap.until)


def _layer_shape(layer: Layer) -> LayerShape:
    return LayerShape(
        name=layer.name, members=list(layer.members), turn=layer.turn, starts=layer.starts, every=layer.every,
        hours=list(layer.hours), weekdays=list(layer.weekdays), at=layer.at,
    )  # fmt: skip


def _override_shape(override: Override) -> OverrideShape:
    return OverrideShape(
        id=override.id, layer=override.layer, since=override.since, until=override.until, staff=override.staff,
        reason=override.reason, by=override.by, swap=override.swap,
    )  # fmt: skip


def roster_shape(roster: Roster, places: Places, board: Board, wall: datetime, zone: timedelta) -> RosterShape:
    duties = places.duties
    note = duties.notes.get(roster.id)
    return RosterShape(
        id=roster.id,
        zh=roster.zh,
        en=roster.en,
        area=roster.area,
        desk=roster.desk,
        hours=list(roster.hours),
        weekdays=list(roster.weekdays),
        layers=[_layer_shape(layer) for layer in roster.layers],
        overrides=[_override_shape(o) for o in duties.overrides.values() if o.roster == roster.id and o.until > wall],
        now=[shift_shape(shift, duties) for shift in duties.on(roster, wall, zone)],
        next=[shift_shape(shift, duties) for shift in duties.next_on(roster, wall, zone)],
        gaps=[gap_shape(gap) for gap in duties.gaps(roster, wall, wall + timedelta(days=7), zone)],
        unreachable=[staff.name for staff in unreachable(roster, duties.staff)],
        note=NoteShape(at=note.at, by=note.by, text=note.text) if note is not None and note.text else None,
        waiting=sum(item.earlier for item in items(roster, places, board, wall, zone)) if roster.desk else 0,
    )


def items(roster: Roster, places: Places, board: Board, wall: datetime, zone: timedelta) -> Iterator[ItemShape]:
    """What is open where the roster's desk serves, alerts first, the most urgent and then the oldest first."""
    duties = places.duties
    here = {duties.staff[shift.staff].actor for shift in duties.on(roster, wall, zone)}
    served = {area: roster in duties.serving(places.above(area), desk=True) for area in {*places.areas, roster.area}}
    others: list[tuple[str, HomeId, AreaId | None, Words, datetime, datetime]] = []
    alerts = sorted((record.alert for record in board.open()), key=lambda alert: (alert.priority, alert.raised_at, alert.id))
    for alert in alerts:
        if alert.origin.value == "real" and served.get(alert.area, not roster.area):
            home = places.homes.get(alert.home)
            yield ItemShape(
                id=f"alert:{alert.id}", kind="alert", home=alert.home or None, home_name=home.name if home else "",
                title=Words.of(alert.title), owner=alert.owner, earlier=alert.owner not in here, since=alert.raised_at,
                priority=alert.priority, status=alert.status, claimed_by=alert.claimed_by, held_until=alert.held_until,
            )  # fmt: skip
    for silence in sorted(places.silences.values(), key=lambda each: each.until):
        said = Words(zh=f"静默：{silence.reason}", en=f"silence: {silence.reason}")
        area = silence.areas[0] if silence.areas else None
        others.append((f"silence:{silence.silence}", silence.home, area, said, silence.at, silence.until))
    for test in sorted(places.tests.values(), key=lambda each: each.ends_at):
        said = Words(zh=f"测试中：{test.reason}", en=f"on test: {test.reason}")
        others.append((f"test:{test.test}", test.home, None, said, test.at, test.ends_at))
    for id_, home_id, within, title, since, until in others:
        home = places.homes.get(home_id)
        area = within or (home.area if home is not None else None)
        if area is not None and served.get(area, not roster.area):
            owner = places.owners.get(id_)
            kind: Literal["silence", "test"] = "silence" if id_.startswith("silence:") else "test"
            yield ItemShape(
                id=id_, kind=kind, home=home.id if home else None, home_name=home.name if home else area_name(places, area), title=title,
                owner=owner, earlier=owner not in here, since=since, until=until,
            )  # fmt: skip


def policy_shape(policy: Policy, targets: dict[str, Target]) -> PolicyShape:
    return PolicyShape(
        id=policy.id,
        categories=list(policy.categories),
        areas=list(policy.areas),
        instead_of=policy.instead_of,
        steps=[
            StepShape(
                after_s=step.after.total_seconds(), targets=[_target_shape(name, targets.get(name)) for name in step.targets],
                hours=list(step.hours), weekdays=list(step.weekdays),
            )
            for step in policy.steps
        ],
        rounds=policy.rounds,
        repeat_after_s=policy.repeat_after.total_seconds(),
        keep_ringing_s=policy.keep_ringing.total_seconds() if policy.keep_ringing is not None else None,
        claim_limit_s=policy.claim_limit.total_seconds(),
        acknowledge_limit_s=policy.acknowledge_limit.total_seconds(),
        accepts=policy.accepts,
        accept_limit_s=policy.accept_limit.total_seconds(),
        grades=[
            PlanGradeShape(
                scale=one.scale, grade=one.grade, title=Words(zh=(name := named(one.scale, one.grade)).zh, en=name.en),
                targets=[_target_shape(target, targets.get(target)) for target in one.targets], may_raise=list(one.may_raise),
            )
            for one in policy.grades
        ],
    )  # fmt: skip


def _target_shape(name: str, target: Target | None) -> TargetShape:
    if target is None:
        words = ALWAYS_THERE.get(name, Sentence(name, name))
        return TargetShape(
            name=name, zh=words.zh, en=words.en, reach=Reach.CHANNELS, of="", channels=[], hours=[], weekdays=[], always=name in BUILT_IN,
        )  # fmt: skip
    return TargetShape(
        name=name, zh=target.zh or name, en=target.en or name, reach=target.reach, of=target.of, channels=list(target.channels),
        hours=list(target.hours), weekdays=list(target.weekdays),
    )  # fmt: skip
