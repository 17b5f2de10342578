"""Rosters, shifts, what is wanting, the change of shifts and the policies, over HTTP."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.clock import MACHINE
from tests.web_alarm import AREA, HOME
from tests.web_desk import ADMIN, OPERATOR, Json, Service, service


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("rosters") / "data") as running:
        running.register()
        for id_, body in (
            ("li", {"name": "李娜", "phone": "13800000011", "user": OPERATOR}),
            ("wang", {"name": "王伟", "phone": "13800000012", "user": ADMIN, "role": "lead"}),
            ("mute", {"name": "周无号"}),
        ):
            answer = running.admin.put(f"/staff/{id_}", json=body)
            assert answer.status_code == 200, answer.text
        yield running


def today(days: int = 0) -> str:
    return f"{(MACHINE.wall() + timedelta(hours=8) + timedelta(days=days)):%Y-%m-%d}"


def roster(*members: str, **more: object) -> Json:
    layer = {"name": "first", "members": list(members), "turn": "daily", "starts": today(-2), "at": "00:00"}
    return {"zh": "值守台", "en": "the desk", "layers": [layer], "desk": True, **more}


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_who_is_on_now_and_next_and_the_shifts_of_a_week(desk: Service) -> None:
    set_ = desk.admin.put("/rosters/desk", json=roster("li", "wang"))
    assert set_.status_code == 200, set_.text
    shape = set_.json()
    assert [shift["name"] for shift in shape["now"]] == ["李娜"]
    assert [shift["name"] for shift in shape["next"]] == ["王伟"]
    assert (shape["gaps"], shape["unreachable"]) == ([], [])
    now = shape["now"][0]
    assert instant(now["since"]) <= MACHINE.wall() < instant(now["until"])
    shifts = desk.operator.get("/shifts", params={"roster": "desk"}).json()["items"]
    assert len(shifts) == 8, "a week touches eight days"
    assert [s["name"] for s in shifts[:3]] == ["李娜", "王伟", "李娜"]
    assert desk.operator.get("/rosters", params={"area": AREA}).json()["items"][0]["id"] == "desk"


def test_a_roster_that_cannot_stand_is_refused_in_words(desk: Service) -> None:
    for body, status, said in (
        (roster("nobody"), 409, "there is no member of staff 'nobody'"),
        (roster("li", area="999"), 404, "there is no area 999"),
        (roster("li", hours=["8-20"]), 422, "hours"),
        (roster(), 422, "members"),
    ):
        answer = desk.admin.put("/rosters/broken", json=body)
        assert (answer.status_code, said in answer.text) == (status, True), answer.text
    assert desk.operator.put("/rosters/mine", json=roster("li")).status_code == 403
    assert desk.admin.get("/rosters/broken").status_code == 404


def test_overrides_and_swaps_change_who_is_on_and_end(desk: Service) -> None:
    desk.admin.put("/rosters/desk", json=roster("li", "wang"))
    shifts = desk.admin.get("/shifts", params={"roster": "desk"}).json()["items"]
    body = {"layer": "first", "since": shifts[1]["since"], "until": shifts[1]["until"], "staff": None, "reason": "生病"}
    shape = desk.admin.post("/rosters/desk/overrides", json=body).json()
    (gap,) = shape["gaps"]
    assert (gap["since"], gap["until"]) == (shifts[1]["since"], shifts[1]["until"])
    found = desk.admin.get("/rosters/gaps", params={"kind": "gap"}).json()["items"]
    assert [each["roster"] for each in found] == ["desk"]
    alerts = desk.admin.get("/alerts", params={"status": "open"}).json()["items"]
    raised = [alert for alert in alerts if alert["title_en"] == "Nobody on duty: the desk"]
    assert (raised[0]["home"], raised[0]["category"]) == (None, "technical")
    (override,) = shape["overrides"]
    assert desk.admin.delete(f"/rosters/desk/overrides/{override['id']}").status_code == 204
    assert desk.admin.get("/rosters/desk").json()["gaps"] == []
    assert desk.admin.get(f"/alerts/{raised[0]['id']}").json()["cleared_at"]

    swap = {"layer": "first", "first": shifts[1]["since"], "second": shifts[2]["since"], "reason": "换班"}
    shape = desk.admin.post("/rosters/desk/swaps", json=swap).json()
    assert [o["staff"] for o in shape["overrides"]] == ["li", "wang"]
    assert [s["name"] for s in desk.admin.get("/shifts", params={"roster": "desk"}).json()["items"][:3]] == ["李娜", "李娜", "王伟"]
    desk.admin.delete(f"/rosters/desk/overrides/{shape['overrides'][0]['id']}")
    assert desk.admin.get("/rosters/desk").json()["overrides"] == []
    wrong = desk.admin.post("/rosters/desk/swaps", json={**swap, "second": shifts[3]["since"]})
    assert (wrong.status_code, wrong.json()["detail"]) == (409, "both shifts are the same person's")


def test_what_is_wanting_is_listed_before_it_matters(desk: Service) -> None:
    desk.admin.put("/rosters/other", json=roster("mute", desk=False, en="the other"))
    found = {each["kind"]: each for each in desk.operator.get("/rosters/gaps").json()["items"]}
    assert found["unreachable"]["sentence"]["en"] == "周无号 of the other cannot be reached in any way"
    assert found["contacts"]["home"] == HOME
    assert found["contacts"]["sentence"]["zh"] == "12 栋 3 单元 402 只有 2 个可拨打的联系人"
    grouped = {group["kind"]: group for group in desk.operator.get("/rosters/gaps/groups", params={"most": 1}).json()["items"]}
    (mute,), (area,) = grouped["unreachable"]["parts"], grouped["contacts"]["parts"]
    assert (mute["part"], mute["name"]["en"], mute["count"]) == ("other", "the other", 1)
    assert (area["part"], area["count"], [each["home"] for each in area["items"]]) == (AREA, 1, [HOME])
    desk.admin.delete("/rosters/other")


def test_the_next_shift_takes_over_one_by_one_and_then_all_and_the_timeline_says_from_whom(desk: Service) -> None:
    desk.admin.put("/rosters/desk", json=roster("li"))
    alert = desk.pull_cord()
    assert alert["owner"] == OPERATOR
    silence = {"home": HOME, "categories": ["water"], "until": "2099-01-01T00:00:00Z", "reason": "检修"}
    silence["until"] = f"{(MACHINE.wall() + timedelta(days=2)):%Y-%m-%dT%H:%M:%SZ}"
    assert desk.operator.post("/silences", json=silence).json()["owner"] == OPERATOR
    assert desk.operator.post("/rosters/desk/handover", json={"note": "402 的女儿在路上"}).json()["note"]["by"] == OPERATOR

    assert desk.admin.put("/rosters/desk", json=roster("wang")).json()["waiting"] >= 2
    refused = desk.operator.post("/rosters/desk/takeover", json={})
    assert (refused.status_code, "you are not on duty in the desk" in refused.json()["detail"]) == (409, True)
    items = desk.admin.get("/rosters/desk/handover", params={"earlier": True}).json()["items"]
    assert {item["owner"] for item in items} == {OPERATOR}
    assert f"alert:{alert['id']}" in {item["id"] for item in items}

    one = desk.admin.post("/rosters/desk/takeover", json={"items": [f"alert:{alert['id']}"]}).json()
    assert one["waiting"] == len(items) - 1
    shown = desk.admin.get(f"/alerts/{alert['id']}").json()
    assert shown["owner"] == ADMIN
    told = [line for line in shown["timeline"] if line["kind"] == "owned"]
    assert [line["text_en"] for line in told] == [
        f"{OPERATOR} is on duty and owns it", f"{ADMIN} came on duty and took it over from {OPERATOR}",
    ]  # fmt: skip
    assert desk.admin.post("/rosters/desk/takeover", json={}).json()["waiting"] == 0
    assert desk.admin.get("/silences").json()["items"][0]["owner"] == ADMIN


def test_the_policies_are_shown_as_they_hold(desk: Service) -> None:
    life = next(p for p in desk.operator.get("/policies").json()["items"] if p["id"] == "life")
    assert [(step["after_s"], [target["name"] for target in step["targets"]]) for step in life["steps"]] == [
        (0, ["desk"]), (60, ["desk", "shift_lead"]), (180, ["desk", "shift_lead", "supervisor"]),
    ]  # fmt: skip
    assert (life["accepts"], life["accept_limit_s"], life["steps"][0]["targets"][0]["always"]) == (1, 600, True)


def test_a_contact_has_hours(desk: Service) -> None:
    answer = desk.admin.patch(f"/people/{HOME}-son", json={"hours": ["18:00-08:00"]})
    assert answer.json()["hours"] == ["18:00-08:00"]
    assert desk.admin.patch(f"/people/{HOME}-son", json={"hours": ["6pm"]}).status_code == 422


def test_all_of_it_is_there_after_a_restart_of_either_half(tmp_path: Path) -> None:
    with service(tmp_path / "data") as desk:
        desk.register()
        desk.admin.put("/staff/li", json={"name": "李娜", "user": OPERATOR, "phone": "1"})
        desk.admin.put("/rosters/desk", json=roster("li"))
        owner = desk.pull_cord()["owner"]
        desk.web.stop()
        desk.web.start()
        desk.web.ready()
        assert [s["name"] for s in desk.admin.get("/rosters/desk").json()["now"]] == ["李娜"]
        assert desk.admin.get("/rosters/desk/handover").json()["items"][0]["owner"] == owner == OPERATOR
