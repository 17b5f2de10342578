"""Drills of plans: held at once on simulated homes, reported, kept. Nobody real is told of anything."""

import asyncio
import secrets
from datetime import UTC, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from alerting.drill import Answer, Drill, Setting, held
from alerting.duties import Duties
from alerting.plan_facts import Scale
from devices.home import AreaId
from gateway.web import paging
from gateway.web.auth import READ, SUPERVISE, Identity
from gateway.web.desk import Desk, OnDesk
from gateway.web.drill_shapes import DrillBody, DrillShape
from gateway.web.drilled import Occasion, report
from gateway.web.paging import NO_QUERY
from gateway.web.problems import ProblemDetails, missing
from gateway.web.shapes import Page

router = APIRouter(tags=["drills"], responses={404: {"model": ProblemDetails}})


@router.post(
    "/drills", status_code=201, dependencies=[NO_QUERY], response_model=DrillShape,
    responses={409: {"model": ProblemDetails, "description": "There is no such area or grade, or the category is not drilled."}},
)  # fmt: skip
async def hold_drill(desk: OnDesk, request: Request, body: DrillBody, who: Annotated[Identity, SUPERVISE]) -> Response:
    """The plan, staff and rosters that hold, on simulated homes in this area: who would have been told, when, and what was wanting."""

    async def work(key: str) -> Response:
        id_, now = key[:16] or secrets.token_hex(8), desk.wall().astimezone(UTC)  # the same call again means the same drill
        drill = Drill(
            category=body.category, area=AreaId(body.area), at=body.at or now, by=who.user,
            scale=body.scale or Scale.SINGLE, grade=body.grade, homes=body.homes, lasts=timedelta(minutes=body.minutes),
            raised_after=timedelta(seconds=body.raised_after_s),
            desk_after=None if body.desk_after_s is None else timedelta(seconds=body.desk_after_s),
            answers=tuple(Answer(one.target, timedelta(seconds=one.after_s), one.stage) for one in body.answers),
            unreachable=tuple(body.unreachable),
        )  # fmt: skip
        places, duties = desk.views.places, desk.views.places.duties
        # Copies: the view goes on while the drill is held.
        apart = Duties(dict(duties.staff), dict(duties.rosters), dict(duties.overrides))
        setting = Setting(places.ruleset, tuple(places.areas.values()), apart)
        async with desk.examining:
            done = await asyncio.to_thread(held, drill, setting)
        kept = report(Occasion(id_, now, body.reason), drill, setting, done).model_dump_json().encode()
        await asyncio.to_thread(desk.drills.keep, id_, kept)
        return Response(kept, 201, media_type="application/json")

    return await desk.once.answer(request, who, work)


@router.get("/drills", dependencies=[READ])
async def list_drills(desk: OnDesk, asked: Annotated[paging.Query, Query()]) -> Page[DrillShape]:
    """The newest first, without their lines."""
    found = {one.id: one for one in await asyncio.to_thread(_all, desk)}
    order = {f"{n:06d}": id_ for n, id_ in enumerate(found)}
    shown, following = paging.page(order, asked.cursor, asked.limit)
    return Page(items=[found[order[key]].model_copy(update={"lines": None}) for key in shown], next=following)


@router.get("/drills/{drill_id}", dependencies=[READ, NO_QUERY])
async def one_drill(desk: OnDesk, drill_id: str) -> DrillShape:
    """With every line of it."""
    kept = await asyncio.to_thread(desk.drills.one, drill_id)
    if kept is None:
        raise missing(f"没有演练 {drill_id[:80]}", f"there is no drill {drill_id[:80]}")
    return DrillShape.model_validate_json(kept)


def _all(desk: Desk) -> list[DrillShape]:
    return [DrillShape.model_validate_json(kept) for kept in desk.drills.all()]
