"""How a home is lived in just now, its own numbers of rules, and what was arranged for it when and by whom."""

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from alerting import wording
from alerting.arrangements import NOTHING_ARRANGED, Arrangements
from alerting.commands import ChangeParameters, EndHomeMode, SetHomeMode
from alerting.parameters import own_value, rule_value
from alerting.rules import Rule
from alerting.terms import Mode, Value
from devices.home import AreaId, Home, HomeId
from gateway.web import paging
from gateway.web.auth import ARRANGE, READ, REGISTER, Identity
from gateway.web.bodies import ModeBody, ParametersBody
from gateway.web.desk import Desk, OnDesk
from gateway.web.home_shapes import ModeShape, NumberShape, OwnRuleShape
from gateway.web.paging import NO_QUERY
from gateway.web.present import entry_shape, mode_shape
from gateway.web.problems import ProblemDetails, missing, unprocessable
from gateway.web.shapes import Page, TimelineEntry

router = APIRouter(responses={404: {"model": ProblemDetails}})

NOT_NOW: dict[int | str, dict[str, Any]] = {
    409: {"model": ProblemDetails, "description": "It has no end, no reason, or lies outside the rule's bounds."},
}


def _home(desk: Desk, home_id: str) -> Home:
    home = desk.views.places.homes.get(HomeId(home_id))
    if home is None:
        raise missing(f"没有住户 {home_id[:80]}", f"there is no home {home_id[:80]}")
    return home


def _arranged(desk: Desk, home: HomeId) -> Arrangements:
    return desk.views.places.arranged.get(home, NOTHING_ARRANGED)


# --- modes ---------------------------------------------------------------------------------------------------------------------


class ModesQuery(paging.Query):
    area: str | None = None
    """The area and all that lies in it."""
    ending: bool | None = None
    """Those that end soon: the reminder that stands before every end."""


@router.get("/modes", dependencies=[READ], tags=["homes"])
async def list_modes(desk: OnDesk, asked: Annotated[ModesQuery, Query()]) -> Page[ModeShape]:
    """The homes that are in another mode than `home`."""
    places = desk.views.places
    areas = None if asked.area is None else places.within(AreaId(asked.area))
    spans = {
        home: span
        for home, arranged in places.arranged.items()
        if (span := arranged.mode) is not None
        and home in places.homes
        and (areas is None or places.homes[home].area in areas)
        and asked.ending in (None, span.reminded)
    }
    found, following = paging.page(spans, asked.cursor, asked.limit)
    return Page(items=[mode_shape(places.homes[HomeId(key)], spans[HomeId(key)]) for key in found], next=following)


@router.get("/homes/{home_id}/mode", dependencies=[READ, NO_QUERY], tags=["homes"])
async def one_mode(desk: OnDesk, home_id: str) -> ModeShape:
    home = _home(desk, home_id)
    return mode_shape(home, _arranged(desk, home.id).mode)


@router.post(
    "/homes/{home_id}/mode", status_code=201, dependencies=[NO_QUERY], tags=["homes"], response_model=ModeShape, responses=NOT_NOW,
)  # fmt: skip
async def set_mode(desk: OnDesk, request: Request, home_id: str, body: ModeBody, who: Annotated[Identity, ARRANGE]) -> Response:
    """From now until a moment; the mode before gives way to it. `{"mode": "home"}` ends the one that holds."""
    home = _home(desk, home_id)

    async def work(key: str) -> Response:
        if body.mode is not Mode.HOME:
            if body.until is None:
                raise unprocessable("until", "a mode has an end", place="body", zh="模式须有结束时间")
            await desk.ask(SetHomeMode(home.id, body.mode, body.until, body.reason), who, key)
        elif _arranged(desk, home.id).mode is not None:
            await desk.ask(EndHomeMode(home.id), who, key)
        shape = mode_shape(home, _arranged(desk, home.id).mode)
        return Response(shape.model_dump_json(), 201, media_type="application/json")

    return await desk.once.answer(request, who, work)


@router.delete("/homes/{home_id}/mode", status_code=204, dependencies=[NO_QUERY], tags=["homes"], responses=NOT_NOW)
async def end_mode(desk: OnDesk, home_id: str, who: Annotated[Identity, ARRANGE]) -> None:
    """The resident counts as at home again."""
    await desk.ask(EndHomeMode(_home(desk, home_id).id), who)


# --- numbers -------------------------------------------------------------------------------------------------------------------


def _plain(value: Value | None) -> float | list[str] | None:
    return list(value) if isinstance(value, tuple) else value


def _own_rule(rule: Rule, arranged: Arrangements) -> OwnRuleShape:
    kept = arranged.own.get(rule.id)
    return OwnRuleShape(
        rule=rule.id,
        category=rule.category,
        title=wording.render(rule.title, {}).zh,
        title_en=wording.render(rule.title, {}).en,
        numbers=[
            NumberShape(
                name=name, least=least, most=most, usual=_plain(rule_value(rule, name)), own=_plain(own_value(rule, name, arranged.own)),
            )
            for name, (least, most) in rule.adjustable.items()
        ],
        by=kept.by if kept else None,
        at=kept.at if kept else None,
        reason=kept.reason if kept else "",
    )


@router.get("/homes/{home_id}/parameters", dependencies=[READ, NO_QUERY], tags=["homes"])
async def parameters(desk: OnDesk, home_id: str) -> Page[OwnRuleShape]:
    """The rules of which a home may set numbers for itself: in what bounds, what holds usually, and what this home has set."""
    arranged = _arranged(desk, _home(desk, home_id).id)
    return Page(items=[_own_rule(rule, arranged) for rule in desk.views.places.ruleset.rules if rule.adjustable])


@router.put("/homes/{home_id}/parameters", dependencies=[NO_QUERY], tags=["homes"], responses=NOT_NOW)
async def change_parameters(desk: OnDesk, home_id: str, body: ParametersBody, who: Annotated[Identity, REGISTER]) -> OwnRuleShape:
    """All numbers of one rule that this home has for itself; what is left out is the rule's own again. Says who and why."""
    home = _home(desk, home_id)
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in body.values.items()}
    await desk.ask(ChangeParameters(home.id, body.rule, values, body.reason), who, secrets.token_hex(8))
    rule = next((rule for rule in desk.views.places.ruleset.rules if rule.id == body.rule), None)
    if rule is None:
        raise missing(f"没有规则 {body.rule}", f"there is no rule {body.rule}")
    return _own_rule(rule, _arranged(desk, home.id))


# --- what was arranged ---------------------------------------------------------------------------------------------------------


@router.get("/homes/{home_id}/timeline", dependencies=[READ, NO_QUERY], tags=["homes"])
async def home_timeline(desk: OnDesk, home_id: str) -> Page[TimelineEntry]:
    """What was arranged for the home and what ended, the latest first; the newest hundred are kept."""
    home = _home(desk, home_id)
    return Page(items=[entry_shape(line) for line in reversed(desk.views.places.stories.lines(home.id))])
