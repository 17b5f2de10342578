"""`GET /stream`."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from alerting.terms import Origin
from gateway.web.auth import Right, identity, needs
from gateway.web.bodies import Body
from gateway.web.desk import OnDesk
from gateway.web.lines import line_of
from gateway.web.problems import unprocessable
from gateway.web.stream import Console, EventStream
from gateway.web.users import WATCHDOG

router = APIRouter(tags=["stream"])

DESCRIPTION = """Server-sent events. `event: alert` has the alert as lists show it, `event: beat` (every 5 s, and when something changes)
`{"now", "seq", "alarm_process", "ready", "problems"}`, `event: reset` means: load the queue anew. `id:` is a position; given back as
`Last-Event-ID`, all that came after it is sent first."""


class StreamQuery(Body):
    origin: Origin = Origin.REAL


@router.get(
    "/stream",
    response_class=Response,
    description=DESCRIPTION,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def stream(
    desk: OnDesk,
    request: Request,
    asked: Annotated[StreamQuery, Query()],
    last_event_id: Annotated[str, Header(alias="Last-Event-ID")] = "",
) -> Response:
    if len(last_event_id) > 100:
        raise unprocessable("Last-Event-ID", "not a position of this stream", place="header")
    who = identity(request)
    if who.user != WATCHDOG or asked.origin is not Origin.SYNTHETIC:  # that one hears its own calls, and may do nothing else
        needs(Right.READ)(request)
    return EventStream(desk.hub, Console(who, asked.origin.value, line_of(request.scope)), last_event_id)
