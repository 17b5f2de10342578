"""What is on test: planned, shown with its calls, confirmed by whoever is testing, ended."""

import secrets
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from alerting.commands import ConfirmCall, EndOnTest, PutOnTest
from alerting.life_facts import OnTestSet
from alerting.suppression import CONFIRM_WITHIN
from alerting.terms import Actor, AlertId, Category, Origin, Status, TestId
from devices.home import DeviceId, HomeId
from gateway.web import paging
from gateway.web.alerts import act
from gateway.web.auth import ACT, READ, SILENCE, Identity
from gateway.web.bodies import Nothing, OnTestBody
from gateway.web.desk import Desk, OnDesk
from gateway.web.paging import NO_QUERY
from gateway.web.problems import ProblemDetails, missing
from gateway.web.shapes import AlertShape, Page, Shape

router = APIRouter(tags=["tests"], responses={404: {"model": ProblemDetails}})


class TestedDevice(Shape):
    id: str
    name: str
    room: str
    model: str


class TestCall(Shape):
    """`origin` is `real` once it was not confirmed by `confirm_by`; `confirmed`: the tester closed it as a test."""

    alert: str
    device: str | None
    room: str
    category: Category
    raised_at: datetime
    confirm_by: datetime
    origin: Origin
    status: Status
    confirmed: bool


class OnTestShape(Shape):
    """Without devices: all of the home but calls, fire, gas and falls."""

    id: str
    home: str
    home_name: str
    devices: list[TestedDevice]
    start: datetime
    end: datetime
    under_way: bool
    tester: str
    by: str
    reason: str
    calls: list[TestCall]


class TestsQuery(paging.Query):
    home: str | None = None


@router.get("/tests", dependencies=[READ])
async def list_tests(desk: OnDesk, asked: Annotated[TestsQuery, Query()]) -> Page[OnTestShape]:
    """Planned and under way, each with its calls, the latest first."""
    tests = desk.views.places.tests
    found, following = paging.page((t.test for t in tests.values() if asked.home in (None, t.home)), asked.cursor, asked.limit)
    return Page(items=[_shape(desk, tests[TestId(key)]) for key in found], next=following)


@router.get("/tests/{test_id}", dependencies=[READ, NO_QUERY])
async def one_test(desk: OnDesk, test_id: str) -> OnTestShape:
    return _shape(desk, _found(desk, test_id))


@router.post(
    "/tests", status_code=201, dependencies=[NO_QUERY], response_model=OnTestShape,
    responses={409: {"model": ProblemDetails, "description": "Too long, or nobody is there."}},
)  # fmt: skip
async def put_on_test(desk: OnDesk, request: Request, body: OnTestBody, who: Annotated[Identity, SILENCE]) -> Response:
    """From `start` (left out: now) to `end` what these devices say is a test: 30 min at most for devices that may call, named by one who is
    there. A call that the tester does not confirm within 60 s, or of any other device, is real.
    """

    async def work(key: str) -> Response:
        test = TestId(key[:16] or secrets.token_hex(8))  # the same call again means the same test
        starts_at = body.start
        devices, tester = tuple(map(DeviceId, body.devices)), Actor(body.tester or who.user)
        wish = PutOnTest(test, HomeId(body.home), devices, starts_at, body.end, tester, body.on_site, body.reason)
        await desk.ask(wish, who, key)
        return Response(_shape(desk, _found(desk, test)).model_dump_json(), 201, media_type="application/json")

    return await desk.once.answer(request, who, work)


@router.delete("/tests/{test_id}", status_code=204, dependencies=[NO_QUERY])
async def end_test(desk: OnDesk, test_id: str, who: Annotated[Identity, SILENCE]) -> None:
    """What the devices say is meant from here on. A call that waits for its tester goes on waiting, for its minute."""
    await desk.ask(EndOnTest(_found(desk, test_id).test), who)


@router.post(
    "/tests/calls/{alert_id}/confirm", dependencies=[ACT, NO_QUERY], response_model=AlertShape,
    responses={409: {"model": ProblemDetails, "description": "It is no test any more, or somebody else's."}},
)  # fmt: skip
async def confirm(desk: OnDesk, request: Request, alert_id: str, _: Nothing | None = None) -> Response:
    """I am testing, and I have seen this call come in: it is closed as a test."""
    return await act(desk, request, ConfirmCall(AlertId(alert_id)))


def _found(desk: Desk, test_id: str) -> OnTestSet:
    known = desk.views.places.tests.get(TestId(test_id))
    if known is None:
        raise missing(f"没有测试 {test_id[:80]}，或已结束", f"there is no test {test_id[:80]}, or it is over")
    return known


def _shape(desk: Desk, test: OnTestSet) -> OnTestShape:
    places, now = desk.views.places, desk.condition.now()
    home = places.homes.get(test.home)
    devices = [places.devices.get((test.home, id_)) for id_ in test.devices]
    return OnTestShape(
        id=test.test,
        home=test.home,
        home_name=home.name if home else "",
        devices=[TestedDevice(id=d.id, name=d.name, room=d.room, model=d.model) for d in devices if d is not None],
        start=test.starts_at,
        end=test.ends_at,
        under_way=test.starts_at <= now < test.ends_at,
        tester=test.tester,
        by=test.by,
        reason=test.reason,
        calls=_calls(desk, test),
    )


def _calls(desk: Desk, test: OnTestSet) -> list[TestCall]:
    of_test = [
        record.alert for record in desk.views.board.of_home(test.home)
        if record.alert.testers and test.starts_at <= record.alert.raised_at < test.ends_at
        and (not test.devices or record.alert.device in test.devices)
    ]  # fmt: skip
    return [
        TestCall(
            alert=alert.id,
            device=alert.device,
            room=alert.room,
            category=alert.category,
            raised_at=alert.raised_at,
            confirm_by=alert.raised_at + CONFIRM_WITHIN,
            origin=alert.origin,
            status=alert.status,
            confirmed=alert.origin is Origin.TEST and not alert.open,
        )
        for alert in sorted(of_test, key=lambda alert: alert.raised_at, reverse=True)
    ]
