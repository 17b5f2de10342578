"""The queue and what operators do, over HTTP, against the real engine."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.web_alarm import AREA, HOME
from tests.web_desk import Json, Service, month_of, service, until


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("alerts") / "data") as running:
        running.register()
        yield running


def a_home(homes: Service, name: str) -> str:
    """A home of the test's own, so that the tests do not meet."""
    homes.register(name)
    return name


def act(homes: Service, alert: Json, action: str, body: Json | None = None, *, key: str = "", status: int = 200) -> Json:
    headers = {"Idempotency-Key": key} if key else {}
    answer = homes.operator.post(f"/alerts/{alert['id']}/{action}", json=body or {}, headers=headers)
    assert answer.status_code == status, answer.text
    answered: Json = answer.json()
    return answered


def test_a_pulled_cord_stands_in_the_queue_with_its_reason_in_two_languages(homes: Service) -> None:
    alert = homes.pull_cord(a_home(homes, "told"))
    assert alert["category"] == "call_for_help"
    assert alert["priority"] == 1
    assert alert["status"] == "triggered"
    assert alert["origin"] == "real"
    assert alert["stored"] is True
    assert alert["area"] == AREA
    assert alert["area_name"] == "翠苑一区"
    assert alert["residents"] == ["陈桂英"]
    assert alert["raised_at"].endswith("Z")
    assert "陈桂英" in alert["reason"]
    assert "Pull cord" in alert["reason_en"]
    assert set(alert["allowed_actions"]) >= {"claim", "acknowledge", "note", "close"}
    promised = (
        "id home area category priority status raised_at cleared_at acknowledged_at closed_at claimed_by step next_step_at title evidence "
        "timeline allowed_actions origin rule rule_version held_until folded_into"
    )
    assert set(promised.split()) <= set(alert)


def test_the_card_holds_the_message_as_it_came_and_the_list_does_not(homes: Service) -> None:
    alert = homes.pull_cord(a_home(homes, "evidence"))
    card = homes.operator.get(f"/alerts/{alert['id']}").json()
    (evidence,) = card["evidence"]
    assert evidence["property"] == "pull_cord"
    assert evidence["value"] is True
    assert evidence["raw_encoding"] == "utf-8"
    assert '"pull_cord":true' in evidence["raw"]
    assert alert["evidence"][0]["raw"] is None
    assert card["timeline"][0]["kind"] == "raised"
    assert all(set(entry) >= {"at", "kind", "by", "text", "text_en", "data"} for entry in card["timeline"])


def test_an_alert_goes_from_claim_to_close_and_every_answer_shows_what_was_just_done(homes: Service) -> None:
    alert = homes.pull_cord(a_home(homes, "life"))
    claimed = act(homes, alert, "claim")
    assert claimed["claimed_by"] == "li.na"
    assert act(homes, alert, "acknowledge")["status"] == "acknowledged"
    assert act(homes, alert, "note", {"text": "没有应答，正在联系儿子"})["timeline"][-1]["data"] == {"text": "没有应答，正在联系儿子"}
    responded = act(homes, alert, "respond", {"responder": "陈志强", "stage": "on_the_way"})
    assert responded["responders"][-1]["stage"] == "on_the_way"
    held = act(homes, alert, "hold", {"minutes": 5, "reason": "等邻居上门"})
    assert held["held_until"] is not None
    assert act(homes, alert, "transfer", {"to": "wang.wei", "reason": "交班"})["transferred_to"] == "wang.wei"
    assert act(homes, alert, "escalate", {"reason": "没有人接电话"})["status"] == "triggered"
    closed = act(homes, alert, "close", {"disposition": "assistance_given", "reason": "已送医"})
    assert closed["status"] == "closed"
    assert closed["disposition"] == "assistance_given"
    assert closed["closed_by"] == "li.na"
    kinds = [entry["kind"] for entry in closed["timeline"]]
    assert kinds[-1] == "closed"
    assert {"raised", "claimed", "acknowledged", "noted", "help_reported", "transferred", "held", "escalated"} <= set(kinds)
    assert closed["timeline_count"] == len(closed["timeline"])


def test_the_next_step_is_said_to_come_when_it_would_come_if_nobody_did_anything(homes: Service) -> None:
    alert = homes.pull_cord(a_home(homes, "next"))
    ringing = alert["next_step_at"]
    assert ringing > alert["raised_at"]
    claimed = act(homes, alert, "claim")
    lapse = datetime.fromisoformat(claimed["claimed_at"]) + timedelta(seconds=120)
    assert datetime.fromisoformat(claimed["next_step_at"]) == lapse, "a claim holds the steps back until it lapses, and no longer"
    held = act(homes, alert, "hold", {"minutes": 5, "reason": "等邻居上门"})
    assert held["next_step_at"] == held["held_until"]
    assert homes.operator.get(f"/alerts/{alert['id']}").json()["next_step_at"] == held["held_until"]
    assert act(homes, alert, "acknowledge")["next_step_at"] is None
    assert act(homes, alert, "close", {"disposition": "test"})["next_step_at"] is None


def on_duty(homes: Service, roster: str, staff: str, **more: str) -> None:
    """Somebody of the staff, alone in a roster, at any hour."""
    assert homes.admin.put(f"/staff/{staff}", json={"name": staff, "phone": "13800000012"} | more).status_code == 200
    layer = {"name": "only", "members": [staff], "turn": "daily", "starts": "2026-01-01", "at": "00:00"}
    answer = homes.admin.put(f"/rosters/{roster}", json={"zh": roster, "en": roster, "layers": [layer]})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("sentence", "name"), [("a slip of the pen", "wang.wie"), ("staff without a user", "mute"), ("a roster with nobody who can", "night")],
)
def test_a_transfer_to_nobody_is_refused_and_the_alert_goes_on_ringing(homes: Service, sentence: str, name: str) -> None:
    on_duty(homes, "night", "mute")
    alert = homes.pull_cord(a_home(homes, sentence.replace(" ", "-")))
    before = homes.operator.get(f"/alerts/{alert['id']}").json()
    answer = homes.operator.post(f"/alerts/{alert['id']}/transfer", json={"to": name, "reason": "交班"})
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["errors"]] == ["to"]
    after = homes.operator.get(f"/alerts/{alert['id']}").json()
    assert (after["claimed_by"], after["transferred_to"], after["next_step_at"]) == (None, "", before["next_step_at"])


@pytest.mark.parametrize("name", ["wang", "leads"])
def test_a_transfer_to_somebody_of_the_staff_or_a_roster_reaches_their_user(homes: Service, name: str) -> None:
    on_duty(homes, "leads", "wang", user="wang.wei")
    alert = homes.pull_cord(a_home(homes, f"by-{name}"))
    assert act(homes, alert, "transfer", {"to": name, "reason": "交班"})["claimed_by"] == "wang.wei"


def test_a_grade_is_raised_by_its_plan_and_stands_in_the_timeline(homes: Service) -> None:
    alert = homes.pull_cord(a_home(homes, "graded"))
    plan = homes.operator.get(f"/alerts/{alert['id']}/grades").json()
    assert (plan["policy"], [one["title_en"] for one in plan["items"]][:2]) == ("life", ["single call grade III", "single call grade II"])
    shown = act(homes, alert, "grade", {"scale": "single", "grade": 2, "reason": "门打不开"})
    (line,) = [entry for entry in shown["timeline"] if entry["kind"] == "graded"]
    assert (line["by"], line["data"]["grade"], line["text"]) == ("li.na", 2, "li.na 提高到单户 II 级：门打不开")
    assert [one["title"] for one in homes.operator.get(f"/alerts/{alert['id']}/grades").json()["items"] if one["now"]] == ["单户 II 级"]
    refused = homes.operator.post(f"/alerts/{alert['id']}/grade", json={"scale": "area", "grade": 1, "reason": "停气"})
    assert (refused.status_code, "lead" in refused.text) == (409, True)
    assert homes.operator.post(f"/alerts/{alert['id']}/grade", json={"scale": "area", "grade": 9, "reason": "x"}).status_code == 422


def test_what_the_state_forbids_is_a_conflict_with_its_reason(homes: Service) -> None:
    alert = homes.pull_cord(a_home(homes, "twice"))
    act(homes, alert, "close", {"disposition": "false_person"})
    problem = act(homes, alert, "close", {"disposition": "false_person"}, status=409)
    assert problem["status"] == 409
    assert problem["title"] == "Conflict"
    assert problem["detail"] == problem["sentence"]["en"]
    assert problem["sentence"]["zh"]
    assert act(homes, alert, "note", {"text": "补记"})["status"] == "closed"


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("note", {}, "text"),
        ("note", {"text": "   "}, "text"),
        ("note", {"text": 7}, "text"),
        ("hold", {"minutes": 0, "reason": "x"}, "minutes"),
        ("hold", {"minutes": "soon", "reason": "x"}, "minutes"),
        ("hold", {"minutes": 5}, "reason"),
        ("respond", {"responder": "x", "stage": "flying"}, "stage"),
        ("transfer", {"to": "", "reason": "x"}, "to"),
        ("transfer", {"to": "wang.wei"}, "reason"),
        ("escalate", {}, "reason"),
        ("close", {}, "disposition"),
        ("close", {"disposition": "test", "why": "x"}, "why"),
        ("claim", {"by": "somebody else"}, "by"),
        ("claim", [], "body"),
    ],
)
def test_a_body_that_is_wrong_is_refused_by_the_name_of_its_field(homes: Service, action: str, body: Json, field: str) -> None:
    answer = homes.operator.post(f"/alerts/whatever/{action}", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]


def test_a_disposition_that_is_none_of_the_list_is_refused_and_the_list_told(homes: Service) -> None:
    alert = homes.pull_cord(a_home(homes, "undisposed"))
    problem = act(homes, alert, "close", {"disposition": "nonsense"}, status=422)
    assert [(fault["field"], fault["place"]) for fault in problem["errors"]] == [("disposition", "body")]
    for known in homes.operator.get("/dispositions").json()["items"]:
        assert known["code"] in problem["sentence"]["en"]
        assert known["title"]["zh"] in problem["sentence"]["zh"]
    assert homes.operator.get(f"/alerts/{alert['id']}").json()["status"] != "closed"


def test_an_action_needs_no_body_when_it_takes_nothing(homes: Service) -> None:
    alert = homes.pull_cord(a_home(homes, "bare"))
    assert homes.operator.post(f"/alerts/{alert['id']}/claim").status_code == 200


@pytest.mark.parametrize("path", ["/alerts/unknown", "/alerts/%00", "/alerts/" + "x" * 3000, "/alerts/陈"])
def test_an_unknown_alert_is_not_found(homes: Service, path: str) -> None:
    assert homes.operator.get(path).status_code == 404
    assert homes.operator.post(f"{path}/claim", json={}).status_code == 404


def test_an_unknown_action_is_not_found_and_the_known_ones_are_named(homes: Service) -> None:
    answer = homes.operator.post(f"/alerts/{homes.pull_cord(a_home(homes, 'odd'))['id']}/dance")
    assert answer.status_code == 404
    assert "acknowledge" in answer.json()["detail"]


# --- the same call again -------------------------------------------------------------------------------------------------------


def test_a_repeated_call_is_answered_as_the_first_and_done_once(homes: Service) -> None:
    alert = homes.pull_cord(a_home(homes, "again"))
    first = act(homes, alert, "note", {"text": "一"}, key="k1")
    act(homes, alert, "note", {"text": "二"})
    assert act(homes, alert, "note", {"text": "一"}, key="k1") == first
    card = homes.operator.get(f"/alerts/{alert['id']}").json()
    assert [entry["data"]["text"] for entry in card["timeline"] if entry["kind"] == "noted"] == ["一", "二"]


def test_a_refusal_repeated_is_the_same_refusal(homes: Service) -> None:
    alert = homes.pull_cord(a_home(homes, "refused"))
    act(homes, alert, "close", {"disposition": "false_person"})
    body = {"minutes": 5, "reason": "等家属回电"}
    first = act(homes, alert, "hold", body, key="k2", status=409)
    assert act(homes, alert, "hold", body, key="k2", status=409) == first


def test_one_key_for_two_different_requests_is_refused(homes: Service) -> None:
    alert = homes.pull_cord(a_home(homes, "reused"))
    act(homes, alert, "note", {"text": "一"}, key="k3")
    act(homes, alert, "note", {"text": "二"}, key="k3", status=422)


def test_the_same_key_of_another_user_or_alert_is_another_call(homes: Service) -> None:
    alert, other = homes.pull_cord(a_home(homes, "mine")), homes.pull_cord(a_home(homes, "yours"))
    act(homes, alert, "claim", key="k4")
    act(homes, other, "claim", key="k4")
    taken = homes.admin.post(f"/alerts/{alert['id']}/claim", json={}, headers={"Idempotency-Key": "k4"})
    assert taken.json()["claimed_by"] == "wang.wei"


def test_twenty_calls_at_once_under_one_key_are_one_note(homes: Service) -> None:
    alert = homes.pull_cord(a_home(homes, "rush"))
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: act(homes, alert, "note", {"text": "一"}, key="k5"), range(20)))
    assert all(answer == answers[0] for answer in answers)
    card = homes.operator.get(f"/alerts/{alert['id']}").json()
    assert sum(entry["kind"] == "noted" for entry in card["timeline"]) == 1


# --- lists ---------------------------------------------------------------------------------------------------------------------


def listed(homes: Service, **query: str | int) -> list[Json]:
    """Every page of it."""
    items: list[Json] = []
    cursor = ""
    while True:
        answer = homes.operator.get("/alerts", params=query | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        if not page["next"]:
            return items
        cursor = page["next"]


@pytest.fixture(scope="module")
def street(homes: Service) -> list[Json]:
    """Seven homes of an area of their own: three call, two are on fire, one is flooded, one call is over."""
    homes.admin.post("/areas", json={"id": "city", "name": "杭州"})
    homes.admin.post("/areas", json={"id": "street", "name": "文三路", "parent": "city"})
    for number in range(7):
        homes.admin.post("/homes", json={"id": f"s{number}", "area": "street", "name": f"{number} 号"})
    for number, values in enumerate(
        ({"water_leak": True}, {"pull_cord": True}, {"smoke": True}, {"sos": True}, {"smoke": True}, {"sos": True}, {"sos": True}),
    ):
        homes.see(homes.alarm.report("thing", home=f"s{number}", area="street", **values))
    (over,) = listed(homes, home="s6")
    act(homes, over, "close", {"disposition": "false_person"})
    return listed(homes, area="street")


def test_the_queue_is_by_priority_and_then_age_and_what_is_over_comes_last(street: list[Json]) -> None:
    order = [(alert["status"] == "closed", alert["priority"], alert["raised_at"]) for alert in street]
    assert order == sorted(order)
    assert [alert["home"] for alert in street] == ["s1", "s2", "s3", "s4", "s5", "s0", "s6"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "open"}, "s1 s2 s3 s4 s5 s0"),
        ({"status": "triggered"}, "s1 s2 s3 s4 s5 s0"),
        ({"status": "acknowledged"}, ""),
        ({"status": "closed"}, "s6"),
        ({"category": "fire"}, "s2 s4"),
        ({"priority": 2}, "s0"),
        ({"home": "s3"}, "s3"),
        ({"origin": "test"}, ""),
        ({"sort": "newest"}, "s6 s5 s4 s3 s2 s1 s0"),
        ({"start": "2100-01-01T00:00:00Z"}, ""),
        ({"end": "2100-01-01T00:00:00+08:00", "status": "closed"}, "s6"),
        ({"area": "street"}, "s1 s2 s3 s4 s5 s0 s6"),
        ({"area": "elsewhere"}, ""),
    ],
)
def test_the_queue_can_be_narrowed(homes: Service, street: list[Json], query: dict[str, str | int], found: str) -> None:
    assert [alert["home"] for alert in listed(homes, **({"area": "city"} | query))] == found.split()


@pytest.mark.parametrize("sort", ["queue", "newest"])
def test_pages_of_any_size_make_the_same_list(homes: Service, street: list[Json], sort: str) -> None:
    whole = [alert["id"] for alert in listed(homes, area="city", sort=sort)]
    for limit in (1, 2, 3, 7, 8):
        assert [alert["id"] for alert in listed(homes, area="city", sort=sort, limit=limit)] == whole


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=asleep", "status"),
        ("priority=0", "priority"),
        ("priority=high", "priority"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("cursor=%21%21", "cursor"),
        ("cursor=eyJhIjoxfQ", "cursor"),
        ("cursor=WzEsMl0", "cursor"),
        ("origin=dream", "origin"),
        ("colour=red", "colour"),
        ("start=yesterday", "start"),
        ("start=2026-11-22T10:00:00", "start"),
    ],
)
def test_a_query_that_is_wrong_is_refused_by_the_name_of_its_parameter(homes: Service, query: str, field: str) -> None:
    answer = homes.operator.get(f"/alerts?{query}")
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]


def test_dispositions_have_a_code_and_a_title_in_both_languages(homes: Service) -> None:
    items = homes.operator.get("/dispositions").json()["items"]
    codes = {item["code"] for item in items}
    assert {"real_emergency", "assistance_given", "false_cooking", "false_device", "false_person", "test"} <= codes
    assert all(item["title"]["zh"] and item["title"]["en"] for item in items)


def test_answer_times_of_the_month_are_counted_from_the_timelines(homes: Service, street: list[Json]) -> None:
    act(homes, street[0], "claim")
    until("the desk's file has it", lambda: homes.web.desk.views.store.written >= homes.alarm.seq)
    month = month_of(street[0]["raised_at"])
    report = homes.operator.get("/reports/answering", params={"month": month}).json()
    assert report["reflects"] >= homes.web.desk.views.position - 50
    figures = report["by_category"]["call_for_help"]
    assert figures["count"] == figures["answered"] + figures["waiting"] + figures["never_answered"]
    assert figures["answered"] >= 1
    assert figures["waiting"] >= 1
    assert figures["never_answered"] == 0, "the one that was closed at once was answered by that"
    assert figures["answered"] >= 2
    assert 0 < figures["within_60_s"] < 1
    assert figures["p50_s"] <= figures["p95_s"] <= figures["max_s"]
    assert report["by_category"]["water"]["within_60_s"] == 0
    assert report["by_category"]["water"]["p50_s"] is None
    for wrong in ("2026", "2026-13", "next", ""):
        assert homes.operator.get("/reports/answering", params={"month": wrong}).status_code == 422
    empty = homes.operator.get("/reports/answering", params={"month": "2001-01"}).json()
    assert empty["all"]["count"] == 0
    assert empty["all"]["within_60_s"] is None


def test_only_a_person_known_to_the_desk_reaches_the_queue(homes: Service, tmp_path: Path) -> None:
    assert homes.web.client("").get("/alerts").status_code == 401
    assert homes.web.client("").post(f"/alerts/{HOME}/claim", json={}).status_code == 401
