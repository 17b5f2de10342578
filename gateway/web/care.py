"""What is planned for homes: calls, check-ins, visits, tests of devices; the day's list, and what became of each."""

import re
import secrets
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response

from alerting.caring.commands import EndCarePlan, SetCarePlan, SettleCare
from alerting.caring.days import falls_on, moment, next_day
from alerting.caring.records import ERRANDS, CarePlan, Errand, Every, Occasion, OccasionId, PlanId, Planned, State
from devices.home import AreaId, HomeId
from gateway.web import paging
from gateway.web.auth import ACT, ARRANGE, READ, Identity
from gateway.web.bodies import CarePlanBody, WordBody
from gateway.web.desk import Desk, OnDesk
from gateway.web.paging import NO_QUERY
from gateway.web.present import area_name, residents
from gateway.web.problems import ProblemDetails, missing
from gateway.web.shapes import Page, Shape

router = APIRouter(tags=["care"], responses={404: {"model": ProblemDetails}})

_KEY = re.compile(r"([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{1,64})")
_FIRST = {"overdue": 0, "due": 1, "coming": 2, "missed": 3, "done": 3}
"""The order of the list: what is late, what is due, what comes today, what is over."""


class CarePlanShape(Shape):
    """`next_at`: when it is due next; null where no day is to come. `id` holds the home's."""

    id: str
    home: str
    home_name: str
    area: str
    area_name: str
    errand: Errand
    title: str
    title_en: str
    every: Every
    at: str
    days: list[int]
    day: date | None
    within_minutes: int
    remind_minutes: int
    who: str
    note: str
    next_at: datetime | None


class VisitShape(Shape):
    """One occasion: a call, check-in, visit or test. `coming`: planned for later today, nothing to settle yet."""

    id: str
    plan: str
    home: str
    home_name: str
    area: str
    area_name: str
    address: str
    phone: str
    residents: list[str]
    errand: Errand
    title: str
    title_en: str
    state: Literal["coming", "due", "overdue", "done", "missed"]
    due_at: datetime
    late_at: datetime
    reminded: bool
    who: str
    note: str
    by: str | None
    settled_at: datetime | None
    word: str


# --- plans ---------------------------------------------------------------------------------------------------------------------


class PlansQuery(paging.Query):
    home: str | None = None
    area: str | None = None
    """The area and all that lies in it."""
    errand: Errand | None = None


def _shift(desk: Desk) -> timedelta:
    """Local time minus service time, as the engine reckons it."""
    health = desk.condition.health
    stepped = timedelta(seconds=health.reckoned_offset_s) if health is not None else timedelta(0)
    return stepped + timedelta(minutes=desk.views.places.ruleset.utc_offset_minutes)


def _homes(desk: Desk, home: str | None, area: str | None) -> Iterator[HomeId]:
    """The homes of which something is planned, or was."""
    places = desk.views.places
    areas = None if area is None else places.within(AreaId(area))
    for id_, _ in places.care.homes():
        known = places.homes.get(id_)
        if known is not None and home in (None, id_) and (areas is None or known.area in areas):
            yield id_


@router.get("/care-plans", dependencies=[READ])
async def list_plans(desk: OnDesk, asked: Annotated[PlansQuery, Query()]) -> Page[CarePlanShape]:
    """Every plan that stands, by home."""
    found = {
        f"{home}.{planned.plan.id}": planned
        for home in _homes(desk, asked.home, asked.area)
        for planned in desk.views.places.care.of(home).plans.values()
        if asked.errand in (None, planned.plan.errand)
    }
    keys, following = paging.page(found, asked.cursor, asked.limit)
    return Page(items=[_plan_shape(desk, found[key]) for key in keys], next=following)


@router.post(
    "/care-plans",
    status_code=201,
    dependencies=[NO_QUERY],
    response_model=CarePlanShape,
    responses={409: {"model": ProblemDetails, "description": "Its days, its hour or its limits do not go together."}},
)
async def set_plan(desk: OnDesk, request: Request, body: CarePlanBody, who: Annotated[Identity, ARRANGE]) -> Response:
    """From its next moment on. What is open of a plan that is changed stays as it is."""

    async def work(key: str) -> Response:
        id_ = PlanId(body.id or key[:16] or secrets.token_hex(8))
        plan = CarePlan(
            id_, HomeId(body.home), body.errand, body.every, body.at, tuple(body.days), body.day.isoformat() if body.day else "",
            body.within_minutes, body.remind_minutes, body.who, body.note,
        )  # fmt: skip
        await desk.ask(SetCarePlan(plan), who, key)
        planned = desk.views.places.care.of(plan.home).plans.get(id_)
        if planned is None:
            raise missing("该计划已结束", "that plan is over")
        return Response(_plan_shape(desk, planned).model_dump_json(), 201, media_type="application/json")

    return await desk.once.answer(request, who, work)


@router.delete("/care-plans/{plan_id}", status_code=204, dependencies=[NO_QUERY])
async def end_plan(desk: OnDesk, plan_id: str, who: Annotated[Identity, ARRANGE]) -> None:
    """Nothing more comes due of it; what is open stays on the list until somebody settles it."""
    found = _KEY.fullmatch(plan_id)
    if found is None or PlanId(found[2]) not in desk.views.places.care.of(HomeId(found[1])).plans:
        raise missing(f"没有计划 {plan_id[:80]}", f"there is no plan {plan_id[:80]}")
    await desk.ask(EndCarePlan(HomeId(found[1]), PlanId(found[2])), who)


def _plan_shape(desk: Desk, planned: Planned) -> CarePlanShape:
    plan, places, shift = planned.plan, desk.views.places, _shift(desk)
    home, words, day = places.homes.get(plan.home), ERRANDS[plan.errand], next_day(planned, shift)
    return CarePlanShape(
        id=f"{plan.home}.{plan.id}",
        home=plan.home,
        home_name=home.name if home else "",
        area=home.area if home else "",
        area_name=area_name(places, home.area) if home else "",
        errand=plan.errand,
        title=words.zh,
        title_en=words.en,
        every=plan.every,
        at=plan.at,
        days=list(plan.days),
        day=date.fromisoformat(plan.day) if plan.day else None,
        within_minutes=plan.within_min,
        remind_minutes=plan.remind_min,
        who=plan.who,
        note=plan.note,
        next_at=moment(plan, day, shift) if day else None,
    )


# --- occasions -----------------------------------------------------------------------------------------------------------------


class VisitsQuery(paging.Query):
    state: Literal["today", "open", "overdue", "settled", "all"] = "today"
    """`today`: open ones, overdue first, and those that come later today; `settled`: done or missed, the latest first."""
    home: str | None = None
    area: str | None = None
    """The area and all that lies in it."""
    errand: Errand | None = None


@router.get("/visits", dependencies=[READ])
async def list_visits(desk: OnDesk, asked: Annotated[VisitsQuery, Query()]) -> Page[VisitShape]:
    """The list to work on. Of those that are settled the latest sixty of each home are kept here, all in the journal."""
    found: dict[str, tuple[Occasion, str]] = {}
    for home in _homes(desk, asked.home, asked.area):
        for occasion, state in _occasions(desk, home, asked.state):
            if asked.errand in (None, occasion.errand):
                found[_place(occasion, state)] = (occasion, state)
    keys, following = paging.page(found, asked.cursor, asked.limit)
    return Page(items=[_visit_shape(desk, *found[key]) for key in keys], next=following)


def _occasions(desk: Desk, home: HomeId, wanted: str) -> Iterator[tuple[Occasion, str]]:
    care = desk.views.places.care.of(home)
    if wanted != "settled":
        yield from ((o, o.state.value) for o in care.open.values() if wanted != "overdue" or o.state is State.OVERDUE)
    if wanted in ("settled", "all"):
        yield from ((o, o.state.value) for o in care.settled)
    if wanted in ("today", "all"):
        shift = _shift(desk)
        today = desk.wall().astimezone(ZoneInfo(desk.timezone)).date()
        for planned in care.plans.values():
            plan = planned.plan
            if next_day(planned, shift) == today and falls_on(plan, today):
                due = moment(plan, today, shift)
                late = due + timedelta(minutes=plan.within_min)
                id_ = OccasionId(f"{home}.{plan.id}.{today.isoformat()}")
                yield Occasion(id_, home, plan.id, plan.errand, today.isoformat(), due, late, None, plan.who, plan.note), "coming"


def _place(occasion: Occasion, state: str) -> str:
    """A key that sorts as people should see to them."""
    first = _FIRST[state]
    moment_s = occasion.due_at.timestamp() if first < _FIRST["done"] else 1e11 - (occasion.settled_at or occasion.due_at).timestamp()
    return f"{first}{moment_s:015.3f}/{occasion.id}"


@router.post("/visits/{visit_id}/done", dependencies=[NO_QUERY])
async def done(desk: OnDesk, visit_id: str, body: WordBody, who: Annotated[Identity, ACT]) -> VisitShape:
    """Somebody has done it; `word` is what they found."""
    return await _settled(desk, visit_id, body.word, who, done=True)


@router.post("/visits/{visit_id}/missed", dependencies=[NO_QUERY])
async def missed(desk: OnDesk, visit_id: str, body: WordBody, who: Annotated[Identity, ACT]) -> VisitShape:
    """It was not done; `word` says why."""
    return await _settled(desk, visit_id, body.word, who, done=False)


async def _settled(desk: Desk, visit_id: str, word: str, who: Identity, *, done: bool) -> VisitShape:
    home, id_ = HomeId(visit_id.partition(".")[0]), OccasionId(visit_id)
    if desk.views.places.care.of(home).occasion(id_) is None:
        raise missing(f"没有这项任务：{visit_id[:80]}", f"there is nothing planned as {visit_id[:80]}")
    await desk.ask(SettleCare(home, id_, done, word), who)
    settled = desk.views.places.care.of(home).occasion(id_)
    if settled is None:
        raise missing(f"没有这项任务：{visit_id[:80]}", f"there is nothing planned as {visit_id[:80]}")
    return _visit_shape(desk, settled, settled.state.value)


def _visit_shape(desk: Desk, occasion: Occasion, state: str) -> VisitShape:
    places, words = desk.views.places, ERRANDS[occasion.errand]
    home = places.homes.get(occasion.home)
    return VisitShape.model_validate(
        {
            "id": occasion.id,
            "plan": f"{occasion.home}.{occasion.plan}",
            "home": occasion.home,
            "home_name": home.name if home else "",
            "area": home.area if home else "",
            "area_name": area_name(places, home.area) if home else "",
            "address": home.address if home else "",
            "phone": home.phone if home else "",
            "residents": residents(places, occasion.home),
            "errand": occasion.errand,
            "title": words.zh,
            "title_en": words.en,
            "state": state,
            "due_at": occasion.due_at,
            "late_at": occasion.late_at,
            "reminded": occasion.reminded,
            "who": occasion.who,
            "note": occasion.note,
            "by": occasion.by,
            "settled_at": occasion.settled_at,
            "word": occasion.word,
        },
    )
