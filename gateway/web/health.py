"""Whether the service works, for those who watch it: `/healthz`, `/readyz`, `/metrics`. They stand outside the API and its log-in."""

import ipaddress

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from alerting.terms import Sentence
from gateway.web.auth import identify
from gateway.web.desk import OnDesk
from gateway.web.paging import NO_QUERY
from gateway.web.problems import Problem, Words
from gateway.web.shapes import Healthy, Readiness

router = APIRouter(tags=["health"])


@router.head("/healthz", include_in_schema=False)  # what load balancers and monitors ask
@router.get("/healthz", dependencies=[NO_QUERY])
async def healthz() -> Healthy:
    """The process that answers is alive."""
    return Healthy(status="alive")


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", dependencies=[NO_QUERY], response_model=Readiness, responses={503: {"model": Readiness}})
async def readyz(desk: OnDesk) -> JSONResponse:
    """200 when the way in, the stores and the engine all work, 503 with the reasons when one does not."""
    problems = desk.condition.problems()
    body = Readiness(
        ready=desk.condition.ready,
        alarm_process="up" if desk.condition.alarm_process_up else "down",
        seq=desk.views.position,
        problems=[Words.of(problem) for problem in problems],
    )
    return JSONResponse(body.model_dump(), 200 if body.ready else 503)


@router.get("/metrics", dependencies=[NO_QUERY], response_class=Response)
async def metrics(desk: OnDesk, request: Request) -> Response:
    """Prometheus text of both processes. From this machine freely, from another one with a bearer token."""
    if not _on_this_machine(request) and identify(desk.users, request.headers) is None:
        said = Sentence("从其他机器读取指标需要令牌", "from another machine the metrics need a bearer token")
        raise Problem(401, said, headers={"WWW-Authenticate": 'Bearer realm="anju"'})
    return Response(desk.metrics.text(desk), media_type="text/plain; version=0.0.4; charset=utf-8")


def _on_this_machine(request: Request) -> bool:
    """A proxy on this machine speaks for others, so what it forwards counts as theirs."""
    if request.client is None or "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
