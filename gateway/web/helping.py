"""The six helps: who gives them, requests for them and how far those have come; and the door by which a service answers."""

import re
import secrets
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response

from alerting.caring.asking import in_hours, kilometres, serves
from alerting.caring.help_commands import AnswerHelp, AskHelp, RateHelp, RetireResponder, SetResponder
from alerting.caring.help_records import Help, HelpId, HelpRequest, HelpStage, Responder, ResponderId, ResponderKind
from alerting.terms import AlertId, Sentence
from devices.home import AreaId, HomeId
from gateway import reaching
from gateway.web import paging
from gateway.web.auth import ACT, READ, REGISTER, Identity, bearer_token
from gateway.web.bodies import HelpAnswerBody, HelpBody, HelpStageBody, RatingBody, ResponderBody
from gateway.web.desk import Desk, OnDesk
from gateway.web.help_shapes import HelpShape, ResponderShape, help_shape, responder_shape, responders
from gateway.web.paging import NO_QUERY
from gateway.web.problems import Problem, ProblemDetails, away, missing
from gateway.web.shapes import Page, Shape

router = APIRouter(tags=["help"], responses={404: {"model": ProblemDetails}})

_KEY = re.compile(r"([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{1,64})")
FAR_KM = 99_999.0


# --- responders ----------------------------------------------------------------------------------------------------------------


class RespondersQuery(paging.Query):
    area: str | None = None
    """Those who serve this area."""
    home: str | None = None
    """Those who serve this home, the nearest of those who are there at this hour first."""
    kind: ResponderKind | None = None
    help: Help | None = None


@router.get("/responders", dependencies=[READ])
async def list_responders(desk: OnDesk, asked: Annotated[RespondersQuery, Query()]) -> Page[ResponderShape]:
    """Who may be asked to go: neighbours, grid workers, stations, ambulances, and the services of the six helps."""
    places = desk.views.places
    home = None if asked.home is None else places.homes.get(HomeId(asked.home))
    if asked.home is not None and home is None:
        raise missing(f"没有住户 {asked.home[:80]}", f"there is no home {asked.home[:80]}")
    area = home.area if home is not None else AreaId(asked.area) if asked.area is not None else None

    def parent(id_: AreaId) -> AreaId | None:
        known = places.areas.get(id_)
        return known.parent if known is not None else None

    found: dict[str, tuple[Responder, float | None, bool]] = {}
    there = _there(desk)
    for one in responders(places).values():
        if asked.kind in (None, one.kind) and (asked.help is None or asked.help in one.helps):
            if area is not None and not serves(one, area, parent):
                continue
            far = kilometres(one, home)
            key = f"{0 if one.id in there else 1}{FAR_KM if far is None else far:012.3f}/{one.id}" if home is not None else one.id
            found[key] = (one, far, one.id in there)
    keys, following = paging.page(found, asked.cursor, asked.limit)
    items = [responder_shape(places, found[key][0], found[key][1], there=found[key][2]) for key in keys]
    return Page(items=items, next=following)


def _there(desk: Desk) -> set[ResponderId]:
    """Who is there at this hour."""
    now = desk.wall().astimezone(ZoneInfo(desk.timezone))
    return {one.id for one in in_hours(responders(desk.views.places).values(), now.hour * 60 + now.minute)}


@router.post(
    "/responders", status_code=201, dependencies=[NO_QUERY], responses={409: {"model": ProblemDetails, "description": "What is wrong."}},
)  # fmt: skip
async def set_responder(desk: OnDesk, body: ResponderBody, who: Annotated[Identity, REGISTER]) -> ResponderShape:
    responder = Responder(
        ResponderId(body.id), AreaId(body.area), body.kind, body.name, body.phone, tuple(dict.fromkeys(body.helps)), tuple(body.hours),
        body.latitude, body.longitude, body.channel, body.note,
    )  # fmt: skip
    known = desk.condition.health.deliveries if desk.condition.health is not None else {}
    if body.channel and body.channel not in known:
        raise Problem(409, Sentence(f"没有名为 {body.channel} 的通知渠道", f"no channel is named {body.channel}"))
    await desk.ask(SetResponder(responder), who)
    return responder_shape(desk.views.places, responder, None, there=responder.id in _there(desk))


@router.delete("/responders/{responder_id}", status_code=204, dependencies=[NO_QUERY])
async def retire_responder(desk: OnDesk, responder_id: str, who: Annotated[Identity, REGISTER]) -> None:
    """Nothing more is asked of them; what was asked stays."""
    await desk.ask(RetireResponder(ResponderId(responder_id)), who)


# --- requests ------------------------------------------------------------------------------------------------------------------


class RequestsQuery(paging.Query):
    state: Literal["open", "ended", "all"] = "open"
    home: str | None = None
    area: str | None = None
    """The area and all that lies in it."""
    help: Help | None = None


@router.get("/help-requests", dependencies=[READ])
async def list_requests(desk: OnDesk, asked: Annotated[RequestsQuery, Query()]) -> Page[HelpShape]:
    """Open ones first, by when they are due; then those that ended, the latest first (the newest forty of each home)."""
    places = desk.views.places
    areas = None if asked.area is None else places.within(AreaId(asked.area))
    found: dict[str, HelpRequest] = {}
    for id_, care in places.care.homes():
        home = places.homes.get(id_)
        if home is None or asked.home not in (None, id_) or (areas is not None and home.area not in areas):
            continue
        for request in (*care.helping.open.values(), *care.helping.ended):
            if asked.help in (None, request.help) and (asked.state == "all" or request.open == (asked.state == "open")):
                found[_place(request)] = request
    keys, following = paging.page(found, asked.cursor, asked.limit)
    return Page(items=[help_shape(places, found[key]) for key in keys], next=following)


def _place(request: HelpRequest) -> str:
    if request.open:
        return f"0{request.due_at.timestamp():015.3f}/{request.home}.{request.id}"
    return f"1{1e11 - request.steps[-1].at.timestamp():015.3f}/{request.home}.{request.id}"


def _request(desk: Desk, key: str) -> HelpRequest:
    found = _KEY.fullmatch(key)
    request = desk.views.places.care.of(HomeId(found[1])).helping.request(HelpId(found[2])) if found else None
    if request is None:
        raise missing(f"没有服务请求 {key[:80]}", f"there is no request {key[:80]}")
    return request


@router.get("/help-requests/{request_id}", dependencies=[READ, NO_QUERY])
async def one_request(desk: OnDesk, request_id: str) -> HelpShape:
    return help_shape(desk.views.places, _request(desk, request_id))


@router.post(
    "/help-requests",
    status_code=201,
    dependencies=[NO_QUERY],
    response_model=HelpShape,
    responses={409: {"model": ProblemDetails, "description": "The service does not give this help, or not there."}},
)
async def ask_help(desk: OnDesk, request: Request, body: HelpBody, who: Annotated[Identity, ACT]) -> Response:
    """A request to a registered service. One with a channel is sent it, with a token by which it answers; another is rung."""

    async def work(key: str) -> Response:
        id_ = HelpId(key[:16] or secrets.token_hex(8))
        wanted = HelpRequest(
            id_, HomeId(body.home), body.help, ResponderId(body.responder), body.due_at, body.word,
            AlertId(body.alert) if body.alert else None,
        )  # fmt: skip
        await desk.ask(AskHelp(wanted), who, key)
        shape = help_shape(desk.views.places, _request(desk, f"{body.home}.{id_}"))
        return Response(shape.model_dump_json(), 201, media_type="application/json")

    return await desk.once.answer(request, who, work)


@router.post("/help-requests/{request_id}/stage", dependencies=[NO_QUERY])
async def set_stage(desk: OnDesk, request_id: str, body: HelpStageBody, who: Annotated[Identity, ACT]) -> HelpShape:
    """What the service said on the telephone; or that it is not needed any more."""
    known = _request(desk, request_id)
    await desk.ask(AnswerHelp(known.home, known.id, HelpStage(body.stage), body.word), who)
    return help_shape(desk.views.places, _request(desk, request_id))


@router.post("/help-requests/{request_id}/rating", dependencies=[NO_QUERY])
async def rate(desk: OnDesk, request_id: str, body: RatingBody, who: Annotated[Identity, ACT]) -> HelpShape:
    """The resident's word on what was done."""
    known = _request(desk, request_id)
    await desk.ask(RateHelp(known.home, known.id, body.stars, body.word), who)
    return help_shape(desk.views.places, _request(desk, request_id))


# --- the service's answer --------------------------------------------------------------------------------------------------------


class AnswerTaken(Shape):
    stage: HelpStage


@router.post(
    "/help-requests/{request_id}/answer",
    dependencies=[NO_QUERY],
    responses={401: {"model": ProblemDetails, "description": "The token is not that of this request."}, 409: {"model": ProblemDetails}},
)
async def take_answer(desk: OnDesk, request: Request, request_id: str, body: HelpAnswerBody) -> AnswerTaken:
    """A service answers, with the bearer token that came with the request; it needs no session. The same answer again changes nothing."""
    if not desk.strangers.passes():
        raise Problem(429, Sentence("请求过多，请稍后再试", "too many requests: try again in a second"))
    found = _KEY.fullmatch(request_id)
    refused = Problem(401, Sentence("令牌与该请求不符", "there is no such request, or the token is not its own"))
    token = bearer_token(request.headers)
    if found is None or not token or len(token) > reaching.TOKEN_LONGEST:
        raise refused
    taken = await desk.control.wish(reaching.AnswerHelp(HomeId(found[1]), HelpId(found[2]), token, HelpStage(body.stage), body.word))
    if not isinstance(taken, reaching.HelpTaken):
        raise away()
    if not taken.known:
        raise refused
    if taken.problem is not None or taken.stage is None:
        raise Problem(409, taken.problem or Sentence("请求已不存在", "the request is gone"))
    return AnswerTaken(stage=taken.stage)
