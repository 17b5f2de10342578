"""Plans of care and the day's list, by HTTP: made, worked through, refused in words, kept over a restart."""

from collections.abc import Iterator

import pytest

from alerting.caring.commands import SeeToCare
from alerting.commands import Asked
from alerting.items import WallClockStepped
from alerting.terms import SERVICE
from devices.home import HomeId
from tests.web_alarm import AREA, HOME
from tests.web_desk import OPERATOR, Json, Service, service, until

DAY_S = 86_400.0


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("care") / "data") as running:
        running.register()
        yield running


class Days:
    """The county's clock, put on by days: what the calendar sees each minute."""

    passed = 0

    @classmethod
    def pass_by(cls, desk: Service, days: int = 1) -> None:
        for _ in range(days):
            cls.passed += 1
            desk.alarm.take(WallClockStepped(cls.passed * DAY_S))
            desk.see(desk.alarm.take(Asked(SeeToCare((HomeId(HOME),)), SERVICE)))


def planned(desk: Service, **more: object) -> Json:
    body = {"home": HOME, "errand": "visit", "every": "day", "at": "09:00", "within_minutes": 600, "who": "周敏"} | more
    answer = desk.operator.post("/care-plans", json=body)
    assert answer.status_code == 201, answer.text
    plan: Json = answer.json()
    return plan


def listed(desk: Service, **query: object) -> list[Json]:
    answer = desk.operator.get("/visits", params={"state": "open"} | query)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


def test_a_plan_is_made_listed_changed_and_ended(desk: Service) -> None:
    plan = planned(desk, id="tea", errand="greeting", every="week", days=[1, 4], at="15:30")
    assert (plan["id"], plan["title"], plan["title_en"]) == (f"{HOME}.tea", "问候电话", "greeting call")
    assert plan["next_at"].endswith("07:30:00Z"), "half past three in China"
    found = desk.operator.get("/care-plans", params={"area": AREA, "errand": "greeting"}).json()["items"]
    assert found == [plan]
    assert planned(desk, id="tea", errand="greeting", at="16:00")["at"] == "16:00"
    assert desk.operator.delete(f"/care-plans/{HOME}.tea").status_code == 204
    assert desk.operator.get("/care-plans").json()["items"] == []
    assert desk.operator.delete(f"/care-plans/{HOME}.tea").status_code == 404


def test_what_is_planned_for_nine_is_listed_for_nine_though_the_two_clocks_never_quite_agree(desk: Service) -> None:
    plan = planned(desk, id="round", at="00:00")
    assert plan["next_at"].endswith("T16:00:00Z"), "not a moment before midnight: that is shown as 23:59 of the day before"
    coming = [visit for visit in listed(desk, state="all") if visit["plan"] == plan["id"]]
    assert all(visit["due_at"].endswith("T16:00:00Z") for visit in coming)
    assert desk.operator.delete(f"/care-plans/{plan['id']}").status_code == 204


def test_the_same_call_again_makes_one_plan(desk: Service) -> None:
    body = {"home": HOME, "errand": "visit", "every": "day", "at": "09:00"}
    first, second = (desk.operator.post("/care-plans", json=body, headers={"Idempotency-Key": "one"}).json() for _ in range(2))
    assert first == second
    assert len(desk.operator.get("/care-plans").json()["items"]) == 1
    desk.operator.delete(f"/care-plans/{first['id']}")


@pytest.mark.parametrize(
    ("sentence", "status", "wrong"),
    [
        ("a day that no week has", 409, {"every": "week", "days": [8]}),
        ("a month without a day", 409, {"every": "month"}),
        ("an hour that no clock shows", 422, {"at": "25:00"}),
        ("a home that is not there", 404, {"home": "nobody"}),
        ("a field that is not known", 422, {"evry": "day"}),
    ],
)
def test_what_cannot_be_planned_is_refused_in_words(desk: Service, sentence: str, status: int, wrong: Json) -> None:
    body = {"home": HOME, "errand": "visit", "every": "day", "at": "09:00"} | wrong
    answer = desk.operator.post("/care-plans", json=body)
    assert answer.status_code == status, f"{sentence}: {answer.text}"
    assert answer.json()["sentence"]["zh"]


def test_the_list_is_worked_through_with_a_word_and_outlives_the_processes(desk: Service) -> None:
    visit = planned(desk, id="visit")
    call = planned(desk, id="call", errand="greeting", every="week", days=[1, 2, 3, 4, 5, 6, 7], within_minutes=1)
    Days.pass_by(desk)
    first, second = listed(desk)
    assert {first["plan"], second["plan"]} == {visit["id"], call["id"]}
    assert first["residents"] == ["陈桂英"]
    assert {one["who"] for one in (first, second)} == {"周敏"}
    by_plan = {one["plan"]: one["id"] for one in (first, second)}

    nothing_said = desk.operator.post(f"/visits/{by_plan[call['id']]}/missed", json={})
    assert (nothing_said.status_code, nothing_said.json()["sentence"]["zh"]) == (409, "请填写未完成的原因")
    assert desk.operator.post(f"/visits/{by_plan[call['id']]}/missed", json={"word": "电话占线"}).json()["state"] == "missed"
    done = desk.operator.post(f"/visits/{by_plan[visit['id']]}/done", json={"word": "一切都好"}).json()
    assert (done["state"], done["by"], done["word"]) == ("done", OPERATOR, "一切都好")
    again = desk.operator.post(f"/visits/{done['id']}/done", json={})
    assert again.status_code == 409
    assert desk.operator.post(f"/visits/{HOME}.nothing.2026-11-22/done", json={}).status_code == 404

    assert listed(desk) == []
    settled = listed(desk, state="settled")
    assert [one["word"] for one in settled] == ["一切都好", "电话占线"], "the latest first"

    desk.alarm.kill()
    desk.web.stop()
    desk.alarm.start()
    desk.web.start()
    desk.web.ready()
    until("the list is there again", lambda: listed(desk, state="settled") == settled)
    Days.pass_by(desk)
    assert len(listed(desk)) == 2, "and the plans go on"
    for plan in (visit, call):
        desk.operator.delete(f"/care-plans/{plan['id']}")
    for one in listed(desk):
        desk.operator.post(f"/visits/{one['id']}/done", json={})


def test_a_list_is_paged_in_its_order(desk: Service) -> None:
    for number in range(5):
        planned(desk, id=f"p{number}", at=f"1{number}:00")
    Days.pass_by(desk)
    first = desk.operator.get("/visits", params={"state": "open", "limit": 3}).json()
    rest = desk.operator.get("/visits", params={"state": "open", "limit": 3, "cursor": first["next"]}).json()
    moments = [one["due_at"] for one in (*first["items"], *rest["items"])]
    assert len(moments) == 5
    assert moments == sorted(moments)
    assert rest["next"] is None


def test_a_check_in_that_is_missed_is_an_alert_like_any_other_at_the_desk(desk: Service) -> None:
    plan = planned(desk, id="well", errand="check_in", within_minutes=1)
    Days.pass_by(desk)
    (alert,) = desk.operator.get("/alerts", params={"status": "open", "home": HOME, "category": "inactivity"}).json()["items"]
    assert (alert["title"], alert["title_en"]) == ("未按时报平安", "check-in missed")
    shown = desk.operator.get(f"/alerts/{alert['id']}")
    assert shown.status_code == 200, shown.text
    assert "09:00" in shown.json()["reason"]
    (open_,) = listed(desk, errand="check_in")
    desk.operator.post(f"/visits/{open_['id']}/done", json={"word": "电话里说一切都好"})
    after = desk.operator.get(f"/alerts/{alert['id']}").json()
    assert after["cleared_at"]
    assert desk.operator.post(f"/alerts/{alert['id']}/claim", json={}).status_code == 200
    closed = desk.operator.post(f"/alerts/{alert['id']}/close", json={"disposition": "assistance_given"})
    assert closed.status_code == 200, closed.text
    desk.operator.delete(f"/care-plans/{plan['id']}")


def test_what_is_planned_and_who_may_be_asked_are_there_again_when_the_desks_own_view_is_lost(desk: Service) -> None:
    station = {"id": "station", "area": AREA, "kind": "station", "name": "翠苑驿站"}
    assert desk.admin.post("/responders", json=station).status_code == 201
    plan = planned(desk, id="kept")
    desk.web.stop()
    for file in desk.data.glob("views.db*"):
        file.unlink()
    desk.web.start()
    desk.web.ready()
    until("the plan is there", lambda: plan["id"] in [one["id"] for one in desk.operator.get("/care-plans").json()["items"]])
    assert [one["id"] for one in desk.operator.get("/responders").json()["items"]] == ["station"]
