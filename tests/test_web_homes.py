"""How a home is lived in, its own numbers and what was arranged for it, by HTTP: asked, refused in words, kept over a restart."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from gateway.clock import MACHINE
from tests.web_alarm import AREA, HOME
from tests.web_desk import ADMIN, OPERATOR, Service, service


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("homes") / "data") as running:
        running.register()
        yield running


@pytest.fixture
def desk(shared: Service) -> Iterator[Service]:
    """With the home at home, and no numbers of its own."""
    yield shared
    shared.operator.post(f"/homes/{HOME}/mode", json={"mode": "home"})
    shared.admin.put(f"/homes/{HOME}/parameters", json={"rule": "spo2-low", "values": {}, "reason": "恢复"})


def in_days(days: float) -> str:
    return (MACHINE.wall() + timedelta(days=days)).isoformat()


def away(desk: Service, days: float = 4) -> None:
    body = {"mode": "away", "until": in_days(days), "reason": "去女儿家"}
    answer = desk.operator.post(f"/homes/{HOME}/mode", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["mode"] == "away"


def test_a_home_is_at_home_until_somebody_says_otherwise_and_its_card_says_how(desk: Service) -> None:
    path = f"/homes/{HOME}/mode"
    before = desk.operator.get(path).json()
    assert (before["mode"], before["since"], before["until"]) == ("home", None, None)
    away(desk)
    mode = desk.operator.get(path).json()
    assert (mode["mode"], mode["by"], mode["reason"], mode["ending"]) == ("away", OPERATOR, "去女儿家", False)
    assert desk.operator.get(f"/homes/{HOME}").json()["mode"] == mode
    assert [one["home"] for one in desk.operator.get("/modes", params={"area": AREA}).json()["items"]] == [HOME]
    assert desk.operator.get("/modes", params={"ending": True}).json()["items"] == []
    assert desk.operator.delete(path).status_code == 204
    assert desk.operator.get(path).json() == before
    again = desk.operator.delete(path)
    assert (again.status_code, again.json()["sentence"]["zh"]) == (409, f"住户 {HOME} 本来就是在家模式")


def test_the_same_call_again_sets_the_mode_once(desk: Service) -> None:
    body = {"mode": "hospital", "until": in_days(9), "reason": "髋部手术"}
    first, second = (
        desk.operator.post(f"/homes/{HOME}/mode", json=body, headers={"Idempotency-Key": "once"}) for _ in range(2)
    )
    assert (first.status_code, first.json()) == (201, second.json())
    kinds = [entry["kind"] for entry in desk.operator.get(f"/homes/{HOME}/timeline").json()["items"]]
    assert kinds[0] == "mode_set"
    assert "mode_set" not in kinds[1:2]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"mode": "away", "reason": "x"}, 422, "until"),
        ({"mode": "abroad", "until": "2099-01-01T00:00:00Z", "reason": "x"}, 422, "mode"),
        ({"mode": "away", "until": "2099-01-01T00:00:00", "reason": "x"}, 422, "until"),
        ({"mode": "away", "until": "2099-01-01T00:00:00Z", "reason": "x"}, 409, ""),
        ({"mode": "away", "until": "2020-01-01T00:00:00Z", "reason": "x"}, 409, ""),
        ({"mode": "away", "until": "2099-01-01T00:00:00Z", "reason": ""}, 409, ""),
    ],
)
def test_a_mode_that_may_not_be_is_refused_by_its_field(desk: Service, body: dict[str, str], status: int, field: str) -> None:
    answer = desk.operator.post(f"/homes/{HOME}/mode", json=body)
    assert answer.status_code == status, answer.text
    assert [fault["field"] for fault in answer.json()["errors"]] == ([field] if field else [])


def test_a_home_that_is_not_there_has_no_mode(desk: Service) -> None:
    body = {"mode": "away", "until": in_days(1), "reason": "x"}
    assert desk.operator.post("/homes/nowhere/mode", json=body).status_code == 404
    assert {desk.operator.get(f"/homes/nowhere/{what}").status_code for what in ("mode", "parameters", "timeline")} == {404}


def test_a_cord_pulled_in_a_home_that_is_away_is_a_call_whose_reason_says_so(desk: Service) -> None:
    away(desk)
    alert = desk.pull_cord()
    assert (alert["priority"], alert["status"], alert["silenced_by"]) == (1, "triggered", None)
    assert "登记为外出" in alert["reason"]
    assert "registered as away until" in alert["reason_en"]


def test_a_residents_own_number_is_set_in_bounds_with_who_and_why(desk: Service) -> None:
    path = f"/homes/{HOME}/parameters"
    rules = {rule["rule"]: rule for rule in desk.operator.get(path).json()["items"]}
    assert rules["spo2-low"]["numbers"] == [{"name": "at_most", "least": 80.0, "most": 95.0, "usual": 91.0, "own": None}]
    assert "pull-cord" not in rules, "what stands under the safety floor is the same in every home"
    body = {"rule": "spo2-low", "values": {"at_most": 86}, "reason": "慢阻肺，医生要求"}
    changed = desk.admin.put(path, json=body)
    assert changed.status_code == 200, changed.text
    assert (changed.json()["numbers"][0]["own"], changed.json()["by"], changed.json()["reason"]) == (86.0, ADMIN, "慢阻肺，医生要求")
    entry = desk.operator.get(f"/homes/{HOME}/timeline").json()["items"][0]
    assert (entry["kind"], entry["text"]) == ("parameters_changed", f"{ADMIN} 调整规则 spo2-low：at_most = 86：慢阻肺，医生要求")
    assert desk.operator.put(path, json=body).status_code == 403, "an operator does not change what a doctor asked for"
    outside = desk.admin.put(path, json=body | {"values": {"at_most": 70}})
    assert (outside.status_code, outside.json()["detail"]) == (409, "at_most of rule spo2-low lies between 80 and 95; 70 does not")
    floor = desk.admin.put(path, json={"rule": "pull-cord", "values": {"priority": 4}, "reason": "x"})
    assert floor.status_code == 409
    assert desk.admin.put(path, json=body | {"rule": "no-such"}).status_code == 404
    times = desk.admin.put(path, json={"rule": "check-in-missed", "values": {"times": ["10:00", "08:30"]}, "reason": "约定"})
    assert times.json()["numbers"][0]["own"] == ["08:30", "10:00"]


def test_where_a_home_stands_is_in_its_record(desk: Service) -> None:
    ground = [[30.29, 120.15], [30.29, 120.16], [30.28, 120.16]]
    changed = desk.admin.patch(f"/homes/{HOME}", json={"latitude": 30.2851, "longitude": 120.1552, "ground": ground})
    assert changed.status_code == 200, changed.text
    card = desk.operator.get(f"/homes/{HOME}").json()
    assert (card["latitude"], card["longitude"], card["ground"]) == (30.2851, 120.1552, ground)
    assert desk.admin.patch(f"/homes/{HOME}", json={"latitude": 91}).status_code == 422
    assert desk.operator.patch(f"/homes/{HOME}", json={"latitude": 30.0}).status_code == 403
    assert desk.admin.patch(f"/homes/{HOME}", json={"latitude": None, "longitude": None, "ground": []}).json()["latitude"] is None


def test_modes_numbers_and_their_story_outlive_both_processes(desk: Service) -> None:
    away(desk, 3)
    desk.admin.put(f"/homes/{HOME}/parameters", json={"rule": "spo2-low", "values": {"at_most": 86}, "reason": "医生要求"})
    paths = [f"/homes/{HOME}/{what}" for what in ("mode", "parameters", "timeline")]
    before = [desk.operator.get(path).json() for path in paths]
    desk.web.stop()
    desk.alarm.kill()
    desk.alarm.start()
    desk.web.start()
    desk.web.ready()
    assert [desk.operator.get(path).json() for path in paths] == before
    assert desk.operator.delete(f"/homes/{HOME}/mode").status_code == 204
