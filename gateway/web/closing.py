"""Closing many alerts as one event: those that somebody has looked at and whose condition is over. What stays open, the answer tells."""

from typing import Literal

from fastapi import APIRouter, Request, Response

from alerting.commands import CloseTogether
from alerting.terms import AlertId, Origin
from devices.home import AreaId
from gateway.web.auth import ACT, identity
from gateway.web.bodies import CloseTogetherBody, ClosingFilter
from gateway.web.desk import Desk, OnDesk
from gateway.web.paging import NO_QUERY
from gateway.web.problems import Words, unprocessable
from gateway.web.shapes import Shape
from gateway.web.viewrows import AlertFilter, AlertRecord

router = APIRouter(tags=["alerts"])

MOST = 1000

Why = Literal["unknown", "closed", "test", "never_looked_at", "still_holds"]

SAID: dict[Why, Words] = {
    "unknown": Words(zh="没有这条警报", en="there is no such alert"),
    "closed": Words(zh="此前已办结", en="it was closed before"),
    "test": Words(zh="测试呼叫由测试人确认", en="a test call is its tester's to confirm"),
    "never_looked_at": Words(zh="还没有人查看过，请逐条查看", en="nobody has looked at it: open it by itself"),
    "still_holds": Words(zh="警情尚未恢复，请逐条办结并说明复查时间", en="its condition still holds: close it by itself, with a time"),
}


class Left(Shape):
    alert: str
    why: Why
    text: Words


class ClosedTogether(Shape):
    """`left`: what stays as it was."""

    closed: list[str]
    left: list[Left]


@router.post("/alerts/close", dependencies=[ACT, NO_QUERY], response_model=ClosedTogether)
async def close_together(desk: OnDesk, request: Request, body: CloseTogetherBody) -> Response:
    """Many alerts, one event. Never those that no person has looked at, and none whose condition still holds: the answer names them."""
    who = identity(request)
    if (body.alerts is None) == (body.filter is None):
        raise unprocessable("alerts", "give either alerts or a filter", place="body", zh="alerts 与 filter 须二者取一")

    async def work(key: str) -> Response:
        before = {id_: _stays(record) for id_, record in (await _meant(desk, body)).items()}
        asked = tuple(AlertId(id_) for id_, why in before.items() if why is None)
        await desk.ask(CloseTogether(asked, disposition(desk, body.disposition), body.reason, body.event), who, key)
        closed, left = [], []
        for id_, at_first in before.items():
            why = at_first or _stays(await desk.views.alert(AlertId(id_)), asked=True)
            if why is None:
                closed.append(id_)
            else:
                left.append(Left(alert=id_, why=why, text=SAID[why]))
        return Response(ClosedTogether(closed=closed, left=left).model_dump_json(), media_type="application/json")

    return await desk.once.answer(request, who, work)


def disposition(desk: Desk, name: str) -> str:
    """As it was given; 422 where it is none of the list's, which is then told."""
    known = desk.views.places.ruleset.dispositions
    if name not in [one.id for one in known]:
        zh = f"须是处置结果之一：{'、'.join(f'{one.zh}（{one.id}）' for one in known)}"
        raise unprocessable("disposition", f"{name[:40]!r} is none of {', '.join(one.id for one in known)}", place="body", zh=zh)
    return name


async def _meant(desk: Desk, body: CloseTogetherBody) -> dict[str, AlertRecord | None]:
    if body.filter is not None:
        found = await desk.views.alerts(_filter(desk, body.filter), None, MOST)
        return {record.alert.id: record for record in found}
    return {id_: await desk.views.alert(AlertId(id_)) for id_ in body.alerts or ()}


def _filter(desk: Desk, asked: ClosingFilter) -> AlertFilter:
    return AlertFilter(
        origin=Origin.REAL.value,
        open=True,
        areas=None if asked.area is None else desk.views.places.within(AreaId(asked.area)),
        home=asked.home,
        category=asked.category.value if asked.category else None,
        raised_from=asked.start,
        raised_before=asked.end,
    )


def _stays(record: AlertRecord | None, *, asked: bool = False) -> Why | None:
    """Why it stays as it is; `asked`: what was asked has been done where it may be."""
    if record is None:
        return "unknown"
    alert = record.alert
    if not alert.open:
        return None if asked else "closed"
    if alert.origin is Origin.TEST:
        return "test"
    if alert.viewed_at is None:
        return "never_looked_at"
    return "still_holds" if asked else None
