"""Who is on duty now and next, the calendar of shifts, the change of shifts, and the policies."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from alerting.duty_commands import (
    EndOverride,
    HandOver,
    OverrideShift,
    RetireRoster,
    RetireStaff,
    SetRoster,
    SetStaff,
    SwapShifts,
    TakeOver,
)
from alerting.roster import Layer, Override, Roster, RosterId, Staff, StaffId
from devices.home import AreaId
from gateway.web import paging
from gateway.web.auth import ACT, READ, SUPERVISE, Identity
from gateway.web.desk import Desk, OnDesk
from gateway.web.instants import Instant
from gateway.web.paging import NO_QUERY
from gateway.web.problems import ProblemDetails, missing, unprocessable
from gateway.web.roster_bodies import HandOverBody, OverrideBody, RosterBody, StaffBody, SwapBody, TakeOverBody
from gateway.web.roster_shapes import (
    ItemShape,
    PolicyShape,
    RosterShape,
    ShiftShape,
    StaffShape,
    items,
    policy_shape,
    roster_shape,
    shift_shape,
    staff_shape,
)
from gateway.web.shapes import Page

router = APIRouter(tags=["rosters"], responses={404: {"model": ProblemDetails}})

LONGEST_CALENDAR = timedelta(days=62)
NOT_SO: dict[int | str, dict[str, Any]] = {409: {"model": ProblemDetails, "description": "It cannot stand so; the words say why."}}


def moment(desk: Desk) -> tuple[datetime, timedelta]:
    """What clocks on walls show, UTC, and local time minus that."""
    return desk.wall(), timedelta(minutes=desk.views.places.ruleset.utc_offset_minutes)


def _roster(desk: Desk, roster: str) -> Roster:
    known = desk.views.places.duties.rosters.get(RosterId(roster))
    if known is None:
        raise missing(f"没有值班表 {roster[:80]}", f"there is no roster {roster[:80]}")
    return known


def _shape(desk: Desk, roster: Roster) -> RosterShape:
    return roster_shape(roster, desk.views.places, desk.views.board, *moment(desk))


# --- rosters -------------------------------------------------------------------------------------------------------------------


class RostersQuery(paging.Query):
    area: str | None = None
    """The rosters that serve it: its own, and those above."""


@router.get("/rosters", dependencies=[READ])
async def list_rosters(desk: OnDesk, asked: Annotated[RostersQuery, Query()]) -> Page[RosterShape]:
    places = desk.views.places
    serving = None if asked.area is None else {*places.above(AreaId(asked.area)), ""}
    keys = (id_ for id_, roster in places.duties.rosters.items() if serving is None or roster.area in serving)
    found, following = paging.page(keys, asked.cursor, asked.limit)
    return Page(items=[_shape(desk, places.duties.rosters[RosterId(key)]) for key in found], next=following)


@router.get("/rosters/{roster_id}", dependencies=[READ, NO_QUERY])
async def one_roster(desk: OnDesk, roster_id: str) -> RosterShape:
    return _shape(desk, _roster(desk, roster_id))


@router.put("/rosters/{roster_id}", dependencies=[NO_QUERY], responses=NOT_SO)
async def set_roster(desk: OnDesk, roster_id: str, body: RosterBody, who: Annotated[Identity, SUPERVISE]) -> RosterShape:
    """Made, or changed as a whole. Its overrides stay."""
    if body.area and AreaId(body.area) not in desk.views.places.areas:
        raise missing(f"没有区域 {body.area}", f"there is no area {body.area}")
    layers = tuple(
        Layer(
            layer.name, tuple(StaffId(member) for member in layer.members), layer.turn, layer.starts, layer.every, tuple(layer.hours),
            tuple(layer.weekdays), layer.at,
        )
        for layer in body.layers
    )  # fmt: skip
    made = Roster(
        RosterId(roster_id), body.zh, body.en, layers, AreaId(body.area), body.desk, tuple(body.hours), tuple(body.weekdays),
    )  # fmt: skip
    await desk.ask(SetRoster(made), who)
    return _shape(desk, _roster(desk, roster_id))


@router.delete("/rosters/{roster_id}", status_code=204, dependencies=[NO_QUERY])
async def retire_roster(desk: OnDesk, roster_id: str, who: Annotated[Identity, SUPERVISE]) -> None:
    await desk.ask(RetireRoster(RosterId(roster_id)), who)


# --- shifts --------------------------------------------------------------------------------------------------------------------


class ShiftsQuery(paging.Query):
    roster: str | None = None
    start: Instant | None = None
    """Now, where it is not said."""
    end: Instant | None = None
    """A week behind the start, where it is not said; sixty-two days at most."""


@router.get("/shifts", dependencies=[READ])
async def list_shifts(desk: OnDesk, asked: Annotated[ShiftsQuery, Query()]) -> Page[ShiftShape]:
    """Every shift that touches the span, whole, by its beginning."""
    (wall, zone), duties = moment(desk), desk.views.places.duties
    start = (asked.start or wall).astimezone(UTC)
    end = (asked.end or start + timedelta(days=7)).astimezone(UTC)
    if not start < end <= start + LONGEST_CALENDAR:
        raise unprocessable("end", "is behind the start, by sixty-two days at most", zh="须在开始之后，最长 62 天")
    rosters = [_roster(desk, asked.roster)] if asked.roster is not None else list(duties.rosters.values())
    found = {
        f"{shift.since.isoformat()} {shift.roster} {shift.layer}": shift
        for roster in rosters for shift in duties.shifts(roster, start, end, zone)
    }  # fmt: skip
    keys, following = paging.page(found, asked.cursor, asked.limit)
    return Page(items=[shift_shape(found[key], duties) for key in keys], next=following)


@router.post("/rosters/{roster_id}/overrides", status_code=201, dependencies=[NO_QUERY], response_model=RosterShape, responses=NOT_SO)
async def override(
    desk: OnDesk, request: Request, roster_id: str, body: OverrideBody, who: Annotated[Identity, SUPERVISE],
) -> Response:
    """Somebody, or nobody, has a layer's place for a while."""
    roster = _roster(desk, roster_id)

    async def work(key: str) -> Response:
        staff = None if body.staff is None else StaffId(body.staff)
        since, until = body.since, body.until
        made = Override(key[:16] or secrets.token_hex(8), roster.id, body.layer, since, until, staff, body.reason)
        await desk.ask(OverrideShift(made), who, key)
        return Response(_shape(desk, roster).model_dump_json(), 201, media_type="application/json")

    return await desk.once.answer(request, who, work)


@router.post("/rosters/{roster_id}/swaps", status_code=201, dependencies=[NO_QUERY], response_model=RosterShape, responses=NOT_SO)
async def swap(desk: OnDesk, request: Request, roster_id: str, body: SwapBody, who: Annotated[Identity, SUPERVISE]) -> Response:
    """Two shifts of a layer change their people."""
    roster = _roster(desk, roster_id)

    async def work(key: str) -> Response:
        id_, first, second = key[:16] or secrets.token_hex(8), body.first, body.second
        await desk.ask(SwapShifts(id_, roster.id, body.layer, first, second, body.reason), who, key)
        return Response(_shape(desk, roster).model_dump_json(), 201, media_type="application/json")

    return await desk.once.answer(request, who, work)


@router.delete("/rosters/{roster_id}/overrides/{override_id}", status_code=204, dependencies=[NO_QUERY])
async def end_override(desk: OnDesk, roster_id: str, override_id: str, who: Annotated[Identity, SUPERVISE]) -> None:
    """With the other half, where it is one of a swap."""
    known = desk.views.places.duties.overrides.get(override_id)
    if known is None or known.roster != _roster(desk, roster_id).id:
        raise missing(f"没有替班 {override_id[:80]}", f"there is no override {override_id[:80]}")
    await desk.ask(EndOverride(override_id), who)


# --- the change of shifts ------------------------------------------------------------------------------------------------------


class HandOverQuery(paging.Query):
    earlier: bool = False
    """Only what is still an earlier shift's."""


@router.get("/rosters/{roster_id}/handover", dependencies=[READ])
async def handed_over(desk: OnDesk, roster_id: str, asked: Annotated[HandOverQuery, Query()]) -> Page[ItemShape]:
    """What is open, and whose it is by name."""
    roster = _roster(desk, roster_id)
    everything = items(roster, desk.views.places, desk.views.board, *moment(desk))
    found = {f"{number:07}": item for number, item in enumerate(everything) if item.earlier or not asked.earlier}
    keys, following = paging.page(found, asked.cursor, asked.limit)
    return Page(items=[found[key] for key in keys], next=following)


@router.post("/rosters/{roster_id}/handover", dependencies=[NO_QUERY])
async def hand_over(desk: OnDesk, roster_id: str, body: HandOverBody, who: Annotated[Identity, ACT]) -> RosterShape:
    """A word for the shift that comes. It moves nothing: whoever comes takes over."""
    await desk.ask(HandOver(RosterId(roster_id), body.note), who)
    return _shape(desk, _roster(desk, roster_id))


@router.post("/rosters/{roster_id}/takeover", dependencies=[NO_QUERY], responses=NOT_SO)
async def take_over(desk: OnDesk, roster_id: str, body: TakeOverBody, who: Annotated[Identity, ACT]) -> RosterShape:
    """Whoever asks, and is on duty, owns these from here on, by name."""
    await desk.ask(TakeOver(RosterId(roster_id), tuple(body.items)), who)
    return _shape(desk, _roster(desk, roster_id))


# --- people on duty, policies --------------------------------------------------------------------------------------------------


@router.get("/staff", dependencies=[READ])
async def list_staff(desk: OnDesk, asked: Annotated[paging.Query, Query()]) -> Page[StaffShape]:
    known = desk.views.places.duties.staff
    keys, following = paging.page(known, asked.cursor, asked.limit)
    return Page(items=[staff_shape(known[StaffId(key)]) for key in keys], next=following)


@router.put("/staff/{staff_id}", dependencies=[NO_QUERY], responses=NOT_SO)
async def set_staff(desk: OnDesk, staff_id: str, body: StaffBody, who: Annotated[Identity, SUPERVISE]) -> StaffShape:
    staff = Staff(StaffId(staff_id), body.name, body.phone, body.user, body.role, tuple(body.channels))
    await desk.ask(SetStaff(staff), who)
    return staff_shape(staff)


@router.delete("/staff/{staff_id}", status_code=204, dependencies=[NO_QUERY])
async def retire_staff(desk: OnDesk, staff_id: str, who: Annotated[Identity, SUPERVISE]) -> None:
    """Their turns are gaps from here on."""
    await desk.ask(RetireStaff(StaffId(staff_id)), who)


@router.get("/policies", dependencies=[READ])
async def policies(desk: OnDesk, asked: Annotated[paging.Query, Query()]) -> Page[PolicyShape]:
    """Who is told, how many seconds after what, as it holds now."""
    ruleset = desk.views.places.ruleset
    targets, known = {target.name: target for target in ruleset.targets}, {policy.id: policy for policy in ruleset.policies}
    keys, following = paging.page(known, asked.cursor, asked.limit)
    return Page(items=[policy_shape(known[key], targets) for key in keys], next=following)
