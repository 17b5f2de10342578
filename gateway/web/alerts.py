"""The queue, one alert with all that is known of it, and what people do about it."""

from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import Field

from alerting.commands import Acknowledge, AlertCommand, Claim, Close, Escalate, Hold, MarkWelfare, Note, Respond, Transfer
from alerting.terms import AlertId, Category, Origin
from devices.home import AreaId, HomeId
from gateway.web import paging
from gateway.web.auth import ACT, READ, Identity, identity
from gateway.web.bodies import ClaimBody, CloseBody, EscalateBody, HoldBody, NoteBody, Nothing, RespondBody, TransferBody, WelfareBody
from gateway.web.closing import disposition
from gateway.web.desk import Desk, OnDesk
from gateway.web.handing_on import receiver
from gateway.web.idempotency import HEADER
from gateway.web.instants import Instant
from gateway.web.paging import NO_QUERY
from gateway.web.present import alert_shape
from gateway.web.problems import ProblemDetails, Words, missing
from gateway.web.shapes import AlertShape, DispositionShape, Page, WelfareShape
from gateway.web.viewrows import AlertFilter, AlertKey, AlertRecord, key_of
from gateway.web.welfare_page import WELFARE_FIRST, welfare_page, welfare_row

router = APIRouter(tags=["alerts"])

ALERT_KEY: msgspec.json.Decoder[AlertKey] = msgspec.json.Decoder(AlertKey)

Status = Literal["open", "triggered", "acknowledged", "closed"]
ACTIONS = ("claim", "acknowledge", "note", "hold", "escalate", "transfer", "respond", "close")


class AlertsQuery(paging.Query):
    """`start` and `end` bound the moment of raising. `newest`: latest first, instead of open ones first by priority and then age."""

    status: Status | None = None
    area: str | None = None
    """The area and all that lies in it."""
    home: str | None = None
    priority: Annotated[int, Field(ge=1, le=4)] | None = None
    category: Category | None = None
    origin: Origin = Origin.REAL
    start: Instant | None = None
    end: Instant | None = None
    sort: Literal["queue", "newest"] = "queue"


@router.get("/alerts", dependencies=[READ])
async def list_alerts(desk: OnDesk, asked: Annotated[AlertsQuery, Query()]) -> Page[AlertShape]:
    """The queue: open alerts before closed ones, by priority and then age."""
    wanted = _filter(desk, asked)
    after = paging.decode(asked.cursor, ALERT_KEY)
    found = await desk.views.alerts(wanted, after, asked.limit + 1)
    shown = found[: asked.limit]
    following = paging.encode(key_of(shown[-1].alert, newest=wanted.newest)) if len(found) > asked.limit else None
    return Page(items=[alert_shape(record, desk.views.places) for record in shown], next=following)


def _filter(desk: Desk, asked: AlertsQuery) -> AlertFilter:
    only = {"open": True, "closed": False}
    return AlertFilter(
        origin=asked.origin.value,
        open=only.get(asked.status or ""),
        status=asked.status if asked.status in ("triggered", "acknowledged") else None,
        areas=None if asked.area is None else desk.views.places.within(AreaId(asked.area)),
        home=asked.home,
        priority=asked.priority,
        category=asked.category.value if asked.category else None,
        raised_from=asked.start,
        raised_before=asked.end,
        newest=asked.sort == "newest",
    )


@router.get("/alerts/{alert_id}", dependencies=[NO_QUERY], responses={404: {"model": ProblemDetails}})
async def one_alert(desk: OnDesk, alert_id: str, who: Annotated[Identity, READ]) -> AlertShape:
    """One alert with its evidence, raw messages included, and its whole timeline. Who looks is recorded."""
    record = await found(desk, alert_id)
    if record.alert.home:
        desk.users.looked(who.user, record.alert.home, f"alert {alert_id}")
    desk.looks.look(desk, record.alert, who)
    return _whole(desk, record, who)


def _whole(desk: Desk, record: AlertRecord, who: Identity) -> AlertShape:
    shape = alert_shape(record, desk.views.places, whole=True)
    if record.alert.home:
        return shape
    page = welfare_page(desk, record.alert.id, who, None, WELFARE_FIRST)
    return shape.model_copy(update={"welfare": page.items, "welfare_next": page.next})


@router.get("/alerts/{alert_id}/welfare", responses={404: {"model": ProblemDetails}})
async def welfare(
    desk: OnDesk, alert_id: str, asked: Annotated[paging.Query, Query()], who: Annotated[Identity, READ],
) -> Page[WelfareShape]:
    """The homes that an area's alert is about, in the order in which they should be looked to. Who looks is recorded, home by home."""
    record = await found(desk, alert_id)
    return welfare_page(desk, record.alert.id, who, asked.cursor, asked.limit)


async def found(desk: Desk, alert_id: str) -> AlertRecord:
    record = await desk.views.alert(AlertId(alert_id)) if len(alert_id) <= 200 else None
    if record is None:
        raise missing(f"没有告警 {alert_id[:80]}", f"there is no alert {alert_id[:80]}")
    return record


def _keyed(key: Annotated[str | None, Header(alias=HEADER, description="A repeated call is answered as the first was.")] = None) -> None:
    """Only tells the documentation of the header; `Once` reads it."""
    del key


actions = APIRouter(
    prefix="/alerts/{alert_id}",
    tags=["alerts"],
    dependencies=[ACT, NO_QUERY, Depends(_keyed)],
    responses={
        403: {"model": ProblemDetails, "description": "The role may not."},
        404: {"model": ProblemDetails},
        409: {"model": ProblemDetails, "description": "The alert's state forbids it; the reason says why."},
    },
)


async def act(desk: Desk, request: Request, command: AlertCommand, settled: Callable[[], AlertCommand] | None = None) -> Response:
    """The alert after the command, which is on disk by then. `settled`: the command as it is given on; it may refuse."""
    who = identity(request)

    async def work(key: str) -> Response:
        await found(desk, command.alert)
        await desk.ask(settled() if settled else command, who, key)
        record = await found(desk, command.alert)
        return Response(_whole(desk, record, who).model_dump_json(), media_type="application/json")

    return await desk.once.answer(request, who, work)


@actions.post("/claim", response_model=AlertShape)
async def claim(desk: OnDesk, request: Request, alert_id: str, body: ClaimBody | None = None) -> Response:
    """It is mine from here on, and so are the home's others that nobody has; also when it was somebody else's."""
    return await act(desk, request, Claim(AlertId(alert_id), body.expects if body else None))


@actions.post("/acknowledge", response_model=AlertShape)
async def acknowledge(desk: OnDesk, request: Request, alert_id: str, _: Nothing | None = None) -> Response:
    """I am helping: escalation stops, for as long as there are signs of life."""
    return await act(desk, request, Acknowledge(AlertId(alert_id)))


@actions.post("/note", response_model=AlertShape)
async def note(desk: OnDesk, request: Request, alert_id: str, body: NoteBody) -> Response:
    return await act(desk, request, Note(AlertId(alert_id), body.text))


@actions.post("/hold", response_model=AlertShape)
async def hold(desk: OnDesk, request: Request, alert_id: str, body: HoldBody) -> Response:
    """Not now, and until when; then it rings again by itself."""
    return await act(desk, request, Hold(AlertId(alert_id), body.minutes, body.reason, body.returns))


@actions.post("/escalate", response_model=AlertShape)
async def escalate(desk: OnDesk, request: Request, alert_id: str, body: EscalateBody) -> Response:
    """The next step of the policy, now."""
    return await act(desk, request, Escalate(AlertId(alert_id), body.reason))


@actions.post("/transfer", response_model=AlertShape)
async def transfer(desk: OnDesk, request: Request, alert_id: str, body: TransferBody) -> Response:
    """To a user, a member of staff, or whoever of a roster is on now; a name that is nobody's is 422 and changes nothing."""
    asked = Transfer(AlertId(alert_id), body.to, body.reason)
    return await act(desk, request, asked, lambda: msgspec.structs.replace(asked, to=receiver(desk, body.to)))


@actions.post("/respond", response_model=AlertShape)
async def respond(desk: OnDesk, request: Request, alert_id: str, body: RespondBody) -> Response:
    """How far help has come: a contact accepted, is on the way, has arrived."""
    return await act(desk, request, Respond(AlertId(alert_id), body.responder, body.stage))


@actions.post("/close", response_model=AlertShape)
async def close(desk: OnDesk, request: Request, alert_id: str, body: CloseBody) -> Response:
    """It is over, and what it turned out to be (`GET /dispositions`). What still holds is looked at again at `rearm_at`."""
    asked = Close(AlertId(alert_id), body.disposition, body.reason, body.rearm_minutes)
    return await act(desk, request, asked, lambda: msgspec.structs.replace(asked, disposition=disposition(desk, body.disposition)))


@actions.post("/welfare/{home_id}", response_model=WelfareShape)
async def mark_welfare(desk: OnDesk, request: Request, alert_id: str, home_id: str, body: WelfareBody) -> Response:
    """A home of an area's alert was looked to; it is in the timeline, and the list begins with those that were not."""
    who = identity(request)

    async def work(key: str) -> Response:
        await found(desk, alert_id)
        await desk.ask(MarkWelfare(AlertId(alert_id), HomeId(home_id), body.result, body.note), who, key)
        return Response(welfare_row(desk, AlertId(alert_id), HomeId(home_id), who).model_dump_json(), media_type="application/json")

    return await desk.once.answer(request, who, work)


@actions.post("/{action}", include_in_schema=False)
async def no_such_action(action: str) -> Response:
    known = " ".join(ACTIONS)
    raise missing(f"没有操作 {action[:80]}，可用的有：{known}", f"there is no action {action[:80]}; there are: {known}")


@router.get("/dispositions", dependencies=[READ, NO_QUERY])
async def dispositions(desk: OnDesk) -> Page[DispositionShape]:
    """What an alert can turn out to be; closing one has to say."""
    known = desk.views.places.ruleset.dispositions
    return Page(items=[DispositionShape(code=d.id, title=Words(zh=d.zh, en=d.en), false_alarm=d.false_alarm) for d in known])
