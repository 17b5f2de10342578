"""Requests for help by HTTP: asked by an operator, answered by a service with its own token, rated; who may not, and in what words."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from alerting.caring.help_records import Help, HelpId, HelpRequest, ResponderId
from devices.home import HomeId
from gateway.answers import Codes
from gateway.clock import MACHINE
from tests.web_alarm import AREA, HOME
from tests.web_desk import Json, Service, service


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("help") / "data") as running:
        running.register()
        kitchen = {"id": "kitchen", "area": AREA, "kind": "service", "name": "安和助餐点", "helps": ["meal", "bath"]}
        known = {"phone": "0579-5550001", "channel": "hook", "latitude": 30.0, "longitude": 120.0}
        answer = running.admin.post("/responders", json=kitchen | known)
        assert answer.status_code == 201, answer.text
        yield running


def asked(desk: Service, **more: object) -> Json:
    due = (MACHINE.wall() + timedelta(hours=3)).isoformat()
    body = {"home": HOME, "help": "meal", "responder": "kitchen", "due_at": due, "word": "少盐"} | more
    answer = desk.operator.post("/help-requests", json=body)
    assert answer.status_code == 201, answer.text
    request: Json = answer.json()
    return request


def token(request: Json) -> str:
    """What the webhook carries; the alarm process of these tests has a key of zeros."""
    home, _, id_ = request["id"].partition(".")
    of = HelpRequest(HelpId(id_), HomeId(home), Help.MEAL, ResponderId("kitchen"), MACHINE.wall())
    return Codes(bytes(32)).for_help(of)


def says(desk: Service, request: Json, stage: str, bearer: str | None = None) -> httpx.Response:
    """The service's own call: no session."""
    headers = {"Authorization": f"Bearer {token(request) if bearer is None else bearer}"}
    with desk.web.client("") as stranger:
        return stranger.post(f"/help-requests/{request['id']}/answer", json={"stage": stage, "word": "马上到"}, headers=headers)


def test_a_service_takes_a_request_and_answers_it_by_its_token_and_the_resident_has_the_last_word(desk: Service) -> None:
    request = asked(desk)
    assert (request["stage"], request["title"], request["responder_phone"]) == ("asked", "助餐", "0579-5550001")
    for stage in ("accepted", "accepted", "on_the_way", "done"):
        answer = says(desk, request, stage)
        assert (answer.status_code, answer.json()) == (200, {"stage": stage}), "told again it is the same"
    again = says(desk, request, "declined")
    assert (again.status_code, again.json()["sentence"]["zh"]) == (409, "请求已完成，不能改为已拒绝")
    rated = desk.operator.post(f"/help-requests/{request['id']}/rating", json={"stars": 5, "word": "很好吃"}).json()
    assert (rated["stars"], rated["opinion"]) == (5, "很好吃")
    assert [(step["stage"], step["by"]) for step in rated["steps"][1:]] == [
        ("accepted", "responder:kitchen"), ("on_the_way", "responder:kitchen"), ("done", "responder:kitchen"),
    ]  # fmt: skip
    assert desk.operator.get("/help-requests").json()["items"] == []
    assert desk.operator.get("/help-requests", params={"state": "ended", "area": AREA}).json()["items"] == [rated]


@pytest.mark.parametrize("bearer", ["none", "wrong", "a" * 32, "é", "x" * 5000])
def test_nobody_answers_without_the_token_of_the_request(desk: Service, bearer: str) -> None:
    request = asked(desk)
    with desk.web.client("") as stranger:
        answer = stranger.post(
            f"/help-requests/{request['id']}/answer", json={"stage": "accepted"},
            headers=[(b"authorization", b"Bearer " + bearer.encode("latin-1"))],
        )  # fmt: skip
        assert answer.status_code == 401
        assert stranger.post("/help-requests/nobody.r/answer", json={"stage": "done"}).status_code == 401
        assert stranger.get(f"/help-requests/{request['id']}").status_code == 401, "it opens nothing else"
    assert desk.operator.get(f"/help-requests/{request['id']}").json()["stage"] == "asked"
    cancelled = desk.operator.post(f"/help-requests/{request['id']}/stage", json={"stage": "cancelled", "word": "不需要了"})
    assert cancelled.json()["stage"] == "cancelled"


def test_a_token_of_one_request_answers_no_other(desk: Service) -> None:
    first, second = asked(desk), asked(desk)
    assert says(desk, second, "accepted", token(first)).status_code == 401
    for one in (first, second):
        desk.operator.post(f"/help-requests/{one['id']}/stage", json={"stage": "declined"})


def test_a_call_becomes_a_request_and_its_timeline_says_so(desk: Service) -> None:
    alert = desk.pull_cord()
    request = asked(desk, alert=alert["id"])
    assert request["alert"] == alert["id"]
    noted = [entry for entry in desk.operator.get(f"/alerts/{alert['id']}").json()["timeline"] if entry["kind"] == "noted"]
    assert "助餐，安和助餐点" in noted[-1]["text"]


def test_responders_of_a_home_come_by_distance_and_hour(desk: Service) -> None:
    desk.admin.patch(f"/homes/{HOME}", json={"latitude": 30.0, "longitude": 120.01})
    for id_, longitude, hours in (("near", 120.009, []), ("far", 120.2, []), ("asleep", 120.0101, _closed())):
        body = {"id": id_, "area": AREA, "kind": "neighbour", "name": id_, "latitude": 30.0, "longitude": longitude, "hours": hours}
        assert desk.admin.post("/responders", json=body).status_code == 201
    found = desk.operator.get("/responders", params={"home": HOME, "kind": "neighbour"}).json()["items"]
    assert [(one["id"], one["open"]) for one in found] == [("near", True), ("far", True), ("asleep", False)]
    assert found[0]["kilometres"] == pytest.approx(0.1, abs=0.01)
    assert desk.operator.get("/responders", params={"home": HOME, "help": "bath"}).json()["items"][0]["id"] == "kitchen"
    assert desk.admin.delete("/responders/far").status_code == 204
    assert desk.admin.delete("/responders/far").status_code == 404


def _closed() -> list[str]:
    """Hours of one minute, twelve hours from now."""
    then = MACHINE.wall() + timedelta(hours=8 + 12)
    begin = then.replace(minute=min(then.minute, 58))
    return [f"{begin:%H:%M}-{begin + timedelta(minutes=1):%H:%M}"]


@pytest.mark.parametrize(
    ("status", "change"),
    [
        (409, {"help": "cleaning"}), (404, {"responder": "nobody"}), (404, {"home": "nobody"}), (422, {"help": "magic"}),
        (409, {"due_at": "2020-01-01T00:00:00Z"}), (404, {"alert": "none"}), (422, {"stars": 5}),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_in_words(desk: Service, status: int, change: Json) -> None:
    due = (MACHINE.wall() + timedelta(hours=3)).isoformat()
    answer = desk.operator.post("/help-requests", json={"home": HOME, "help": "meal", "responder": "kitchen", "due_at": due} | change)
    assert answer.status_code == status, answer.text
    assert answer.json()["sentence"]["zh"]


def test_the_register_is_the_offices_and_names_channels_that_are_there(desk: Service) -> None:
    body = {"id": "x", "area": AREA, "kind": "station", "name": "x"}
    assert desk.operator.post("/responders", json=body).status_code == 403
    refused = desk.admin.post("/responders", json=body | {"channel": "pigeon"})
    assert (refused.status_code, refused.json()["sentence"]["zh"]) == (409, "没有名为 pigeon 的通知渠道")
