"""The month's figures from the evidence: as JSON, on paper, in a workbook; and what came of looking into a near miss."""

import asyncio
from enum import StrEnum
from importlib.util import find_spec
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response
from pydantic import StringConstraints

from alerting.record_commands import ReviewNearMiss
from alerting.record_facts import Outcome
from alerting.terms import AlertId, Sentence
from gateway.evidence import apart
from gateway.evidence.archive import exists
from gateway.evidence.paper import NEEDS
from gateway.evidence.report import Report, Wish
from gateway.evidence.words import Names
from gateway.outside_stores import EVIDENCE
from gateway.web.auth import READ, SUPERVISE, Identity
from gateway.web.bodies import Body
from gateway.web.desk import Desk, OnDesk
from gateway.web.paging import NO_QUERY
from gateway.web.problems import Problem, ProblemDetails, missing
from gateway.web.reports import MonthQuery, span
from gateway.web.schemas import schema_of
from gateway.web.shapes import Shape

router = APIRouter(responses={404: {"model": ProblemDetails}})

SETTLE_S = 2.0
_TYPES = {"pdf": "application/pdf", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


class Form(StrEnum):
    PDF = "pdf"
    XLSX = "xlsx"


class ReviewBody(Body):
    """`text`: what was found, for those who read it later."""

    outcome: Outcome
    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = ""


class ReviewedShape(Shape):
    alert: str
    outcome: Outcome
    by: str
    seq: int


@router.get(
    "/reports/month", dependencies=[READ], tags=["reports"], response_class=Response,
    responses={200: {
        "content": {"application/json": {"schema": schema_of(Report)}}, "description": "As `./anju report --month YYYY-MM --json`.",
    }},
)  # fmt: skip
async def month(desk: OnDesk, asked: Annotated[MonthQuery, Query()]) -> Response:
    """Real alerts raised in the month, counted anew from their chained timelines: answering, phases, false shares, load, near misses."""
    wish = await _wish(desk, asked.month)
    async with desk.counting:
        body = await apart.made("gateway.evidence.report", wish)
    return Response(body, media_type="application/json")


@router.get(
    "/reports/month.{form}", dependencies=[READ], tags=["reports"], response_class=Response,
    responses={200: {"content": {kind: {} for kind in _TYPES.values()}}, 501: {"model": ProblemDetails}},
)  # fmt: skip
async def paper(desk: OnDesk, form: Form, asked: Annotated[MonthQuery, Query()]) -> Response:
    """The same as PDF or as a workbook, in Chinese and English. 501 where the optional extra `reports` is not installed."""
    if find_spec(NEEDS[form]) is None:
        raise Problem(501, Sentence("未安装 reports 组件", f"{NEEDS[form]} is not installed: pip install 'anju[reports]'"))
    places = desk.views.places
    wish = await _wish(desk, asked.month)
    names = Names(
        {area.id: area.name for area in places.areas.values()},
        {one.id: Sentence(one.zh, one.en) for one in places.ruleset.dispositions},
    )
    async with desk.counting:
        body = await apart.made("gateway.evidence.paper", form.value, wish, msgspec.json.encode(names).decode())
    headers = {"Content-Disposition": f'attachment; filename="anju-{asked.month}.{form.value}"'}
    return Response(body, media_type=_TYPES[form.value], headers=headers)


@router.post("/alerts/{alert_id}/review", dependencies=[NO_QUERY], tags=["alerts"])
async def review(desk: OnDesk, alert_id: str, body: ReviewBody, who: Annotated[Identity, SUPERVISE]) -> ReviewedShape:
    """Note what came of looking into a near miss; a later review stands before an earlier one."""
    record = await desk.views.alert(AlertId(alert_id))
    if record is None:
        raise missing(f"没有编号为 {alert_id[:80]} 的警报", f"there is no alert {alert_id[:80]}")
    answered = await desk.ask(ReviewNearMiss(record.alert.id, record.alert.home, body.outcome, body.text), who)
    return ReviewedShape(alert=alert_id, outcome=body.outcome, by=who.user, seq=answered.seq)


async def _wish(desk: Desk, month: str) -> str:
    """What is to be counted, once the archive has what is on the screens, or two seconds have passed."""
    places = desk.views.places
    span(month, places.ruleset.utc_offset_minutes)  # refuses what is no month, in the API's words
    wanted = desk.views.position
    for _ in range(int(SETTLE_S / 0.05)):
        followed = desk.historian.followed(EVIDENCE)
        if followed is None or followed.position >= wanted:
            break
        await asyncio.sleep(0.05)
    data = desk.views.store.path.parent
    if not await asyncio.to_thread(exists, data):
        raise missing("还没有处置档案", "there is no evidence yet")
    false = tuple(one.id for one in places.ruleset.dispositions if one.false_alarm)
    return msgspec.json.encode(Wish(str(data), month, desk.timezone, false)).decode()
