"""The alert of an area at the desk: its homes by risk, ticked off by name; what is folded into it; and when homes were not heard."""

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest

from alerting.items import LineLost, LineRestored
from gateway.clock import MACHINE
from tests.web_alarm import AREA, HOME
from tests.web_desk import OPERATOR, Console, Json, Service, service, until

HOMES = [f"w{n}" for n in range(1, 8)]
RESIDENTS: dict[str, list[tuple[str, int, str]]] = {
    "w1": [("甲", 1960, "")],
    "w2": [("乙", 1936, "")],
    "w3": [("丙", 1950, "慢阻肺，夜间吸氧")],
    "w4": [("丁", 1945, "高血压"), ("戊", 1947, "")],
    "w5": [("己", 1955, "")],
    "w6": [("庚", 1955, "")],
    "w7": [("辛", 1955, "")],
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("welfare") / "data") as running:
        running.register()
        for home in HOMES:
            building = "12 栋" if home in HOMES[:2] else ""
            places = {"area": AREA, "name": f"{home} 室", "phone": "0571-5550100", "building": building, "carrier": "移动"}
            running.admin.post("/homes", json={"id": home, **places})
            running.admin.post("/devices", json={"id": f"{home}-gas", "home": home, "model": "anju-gas-1"})
            running.admin.post("/devices", json={"id": f"{home}-hub", "home": home, "model": "anju-hub-1"})
            for number, (name, year, medical) in enumerate(RESIDENTS[home]):
                body = {"id": f"{home}-{number}", "home": home, "role": "resident", "name": name, "birth_year": year, "medical": medical}
                assert running.admin.post("/people", json=body).status_code == 201
        yield running


def mains(desk: Service, home: str, *, lost: bool, minutes_ago: float) -> None:
    at = MACHINE.wall() - timedelta(minutes=minutes_ago)
    body = {"at": at.isoformat(), "values": {"mains_lost": lost}}
    desk.see(desk.alarm.publish(f"anju/v1/{AREA}/{home}/{home}-gas/report", msgspec.json.encode(body)))


@pytest.fixture(scope="module")
def outage(desk: Service) -> str:
    """Six homes without mains for eight minutes; one of them pulled the cord."""
    for home in HOMES[:6]:
        mains(desk, home, lost=True, minutes_ago=8)
    desk.see(desk.alarm.report("w5-button", home="w5", sos=True))
    found = desk.operator.get("/alerts", params={"status": "open", "area": AREA}).json()["items"]
    areas = [alert for alert in found if alert["home"] is None]
    assert [alert["rule"] for alert in areas] == ["area-mains"]
    return str(areas[0]["id"])


def test_the_alert_of_an_area_stands_under_no_home_with_its_homes_in_the_order_of_their_need(desk: Service, outage: str) -> None:
    alert = desk.operator.get(f"/alerts/{outage}").json()
    assert (alert["home"], alert["residents"], alert["area"], alert["category"], alert["priority"]) == (None, [], AREA, "technical", 2)
    assert alert["welfare_counts"] == {"homes": 6, "dark": 6, "unchecked": 6}
    assert [listed["home"] for listed in alert["welfare"]] == ["w5", "w3", "w4", "w2", "w6", "w1"]
    listed = {one["home"]: one for one in alert["welfare"]}
    assert listed["w5"]["risk"] == ["open_alert", "alone"]
    assert len(listed["w5"]["open_alerts"]) == 1
    assert listed["w3"]["risk"] == ["life_support", "medical", "alone"]
    assert listed["w4"]["risk"] == ["medical", "old"]
    assert (listed["w2"]["risk"], listed["w2"]["age"], listed["w2"]["phone"]) == (["old", "alone"], 90, "0571-5550100")
    assert listed["w1"]["dark"] == "mains"
    assert alert["welfare_next"] is None


def test_single_alerts_are_folded_into_it_and_the_call_is_not(desk: Service, outage: str) -> None:
    found = desk.operator.get("/alerts", params={"status": "open", "limit": 100}).json()["items"]
    of_homes = [alert for alert in found if alert["home"] in HOMES]
    assert {alert["folded_into"] for alert in of_homes if alert["category"] == "technical"} == {outage}
    (call,) = [alert for alert in of_homes if alert["category"] == "call_for_help"]
    assert call["folded_into"] is None


def test_a_home_that_was_looked_to_moves_down_and_stands_in_the_timeline(desk: Service, outage: str) -> None:
    key = {"Idempotency-Key": "tick-1"}
    body = {"result": "safe", "note": "电话已通"}
    marked = desk.operator.post(f"/alerts/{outage}/welfare/w3", json=body, headers=key)
    assert marked.status_code == 200, marked.text
    assert (marked.json()["result"], marked.json()["checked_by"], marked.json()["note"]) == ("safe", OPERATOR, "电话已通")
    again = desk.operator.post(f"/alerts/{outage}/welfare/w3", json=body, headers=key)
    assert again.json() == marked.json()
    assert desk.operator.post(f"/alerts/{outage}/welfare/w1", json={"result": "needs_help"}).status_code == 200
    alert = desk.operator.get(f"/alerts/{outage}").json()
    assert [listed["home"] for listed in alert["welfare"]] == ["w1", "w5", "w4", "w2", "w6", "w3"]
    assert alert["welfare_counts"]["unchecked"] == 4
    told = [(line["kind"], line["by"], line["data"]) for line in alert["timeline"] if line["kind"] == "welfare_noted"]
    assert told[0] == ("welfare_noted", OPERATOR, {"home": "w3", "result": "safe", "note": "电话已通"})
    assert len(told) == 2
    looked = desk.admin.get("/homes/w3/looks").json()["items"]
    assert {look["through"] for look in looked} == {f"welfare list of alert {outage}"}


def test_what_cannot_be_ticked_off_is_refused(desk: Service, outage: str) -> None:
    for path, body, status in (
        (f"/alerts/{outage}/welfare/w7", {"result": "safe"}, 404),
        (f"/alerts/{outage}/welfare/nobody", {"result": "safe"}, 404),
        ("/alerts/nothing/welfare/w1", {"result": "safe"}, 404),
        (f"/alerts/{outage}/welfare/w1", {"result": "fine"}, 422),
        (f"/alerts/{outage}/welfare/w1", {"result": "safe", "colour": "red"}, 422),
    ):
        assert desk.operator.post(path, json=body).status_code == status, path
    assert desk.web.client("").post(f"/alerts/{outage}/welfare/w1", json={"result": "safe"}).status_code == 401


def test_a_long_list_comes_in_pages_that_hold_every_home_once(desk: Service, outage: str) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = desk.operator.get(f"/alerts/{outage}/welfare", params=query).json()
        seen += [listed["home"] for listed in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(seen) == HOMES[:6]
    assert desk.operator.get(f"/alerts/{outage}/welfare", params={"cursor": "x"}).status_code == 422


def test_consoles_see_homes_come_back_and_the_alert_clear(desk: Service, outage: str) -> None:
    console = Console(desk.web)
    for home in HOMES[:5]:
        mains(desk, home, lost=False, minutes_ago=0)

    def cleared() -> Json | None:
        return next((alert for _, alert in console.alerts() if alert["id"] == outage and alert["cleared_at"]), None)

    alert = until("the area's alert clears", cleared)
    assert alert["welfare_counts"]["dark"] <= 1
    numbers = [number for number, _ in console.alerts()]
    assert numbers == sorted(set(numbers))
    console.close()
    desk.web.stop()
    desk.web.start()
    desk.web.ready()
    after = desk.operator.get(f"/alerts/{outage}").json()
    assert after["welfare_counts"] == {"homes": 6, "dark": 1, "unchecked": 1}
    assert [one["result"] for one in after["welfare"] if one["home"] == "w3"] == ["safe"]
    closed = desk.operator.post(f"/alerts/{outage}/close", json={"disposition": "false_device", "reason": "已复电"})
    assert closed.status_code == 200
    technical = [a for a in desk.operator.get("/alerts", params={"status": "open"}).json()["items"] if a["category"] == "technical"]
    assert [(alert["home"], alert["folded_into"]) for alert in technical] == [("w6", None)], "five were over, and closed with it"


# --- when a home was not heard


def test_a_home_says_when_it_could_not_be_heard_and_why(desk: Service) -> None:
    now = MACHINE.wall()
    desk.see(desk.alarm.take(LineLost(now - timedelta(hours=2))))
    lost = desk.operator.get(f"/homes/{HOME}").json()["unwatched"]
    assert [(gap["cause"], gap["until"]) for gap in lost] == [("line", None)]
    assert "与消息服务器的连接中断" in lost[0]["text"]
    metrics = desk.web.client().get(f"{desk.web.url}/metrics").text
    assert f"anju_homes_unheard {len(HOMES) + 1}.0" in metrics
    desk.see(desk.alarm.take(LineRestored()))
    desk.see(desk.alarm.publish(f"anju/v1/{AREA}/w7/w7-hub/status", b'{"status": "offline"}'))
    gaps = desk.operator.get("/homes/w7").json()["unwatched"]
    assert [gap["cause"] for gap in gaps] == ["hub", "line"]
    assert gaps[1]["until"] is not None
    assert gaps[1]["text_en"].startswith("not heard from ")
    assert gaps[1]["text_en"].endswith(" because the line to the broker was cut")
    desk.see(desk.alarm.publish(f"anju/v1/{AREA}/w7/w7-hub/status", b'{"status": "online"}'))
    assert [gap["cause"] for gap in desk.operator.get("/homes/w7").json()["unwatched"]] == ["line"], "a few seconds are told of nobody"


def test_the_month_says_how_much_of_it_homes_could_be_heard(desk: Service) -> None:
    month = (MACHINE.wall() + timedelta(hours=8)).strftime("%Y-%m")
    report = desk.operator.get("/reports/watched", params={"month": month}).json()
    assert report["homes"] == len(HOMES) + 1
    passed = (MACHINE.wall() - timedelta(hours=2)).timestamp()
    if report["service_unheard_s"] < 7190:
        assert passed < MACHINE.wall().timestamp(), "the first two hours of a month"
    assert 0 < report["share"] < 1
    assert report["items"][0]["home"] == "w7", "the line's two hours and its own hub's seconds: the worst comes first"
    assert report["items"][0]["unheard_s"] >= report["service_unheard_s"]
    elsewhere = desk.operator.get("/reports/watched", params={"month": "2026-01", "area": "none"}).json()
    assert (elsewhere["homes"], elsewhere["share"], elsewhere["items"]) == (0, None, [])
    assert desk.operator.get("/reports/watched", params={"month": "now"}).status_code == 422


def test_the_building_and_the_carrier_of_a_home_are_kept_and_changed(desk: Service) -> None:
    assert (card := desk.operator.get("/homes/w1").json())["building"] == "12 栋"
    assert card["carrier"] == "移动"
    assert desk.admin.patch("/homes/w1", json={"carrier": "电信"}).json()["carrier"] == "电信"
