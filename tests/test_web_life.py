"""An alert's life over HTTP, against the real engine: one person for one home, looks, endings that do not stay, many at once, tests."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from gateway.clock import MACHINE
from tests.web_desk import ADMIN, Console, Json, Service, service, until


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("life") / "data") as running:
        running.register()
        yield running


def a_home(homes: Service, name: str) -> str:
    """A home of the test's own with a leak sensor besides its cord."""
    homes.register(name)
    body = {"id": f"{name}-leak", "home": name, "model": "a-leak", "room": "kitchen", "exposes": ["water_leak"]}
    assert homes.admin.post("/devices", json=body).status_code == 201
    return name


def leaks(homes: Service, home: str, *, wet: bool = True) -> Json:
    homes.see(homes.alarm.report(f"{home}-leak", home=home, water_leak=wet))
    found: Json = homes.operator.get("/alerts", params={"home": home, "category": "water"}).json()["items"][0]
    return found


def act(homes: Service, alert: Json, action: str, body: Json | None = None, *, status: int = 200) -> Json:
    answer = homes.operator.post(f"/alerts/{alert['id']}/{action}", json=body or {})
    assert answer.status_code == status, answer.text
    answered: Json = answer.json()
    return answered


def look(homes: Service, alert: Json) -> Json:
    """Open it, and wait until that is on record."""
    homes.operator.get(f"/alerts/{alert['id']}")

    def seen() -> Json | None:
        card: Json = homes.admin.get(f"/alerts/{alert['id']}").json()
        return card if card["viewed_at"] else None

    return until("the look is on record", seen)


def test_taking_one_alert_of_a_home_takes_the_others_with_it(homes: Service) -> None:
    home = a_home(homes, "one-hand")
    leak, call = leaks(homes, home), homes.pull_cord(home)
    act(homes, call, "claim", {"take_over_from": None})
    with_it = homes.operator.get(f"/alerts/{leak['id']}").json()
    assert (with_it["claimed_by"], with_it["claim_follows"]) == ("li.na", call["id"])
    refused = homes.admin.post(f"/alerts/{call['id']}/claim", json={"take_over_from": None})
    assert refused.status_code == 409
    assert "li.na has had this alert since" in refused.json()["detail"]
    taken = homes.admin.post(f"/alerts/{call['id']}/claim", json={"take_over_from": "li.na"}).json()
    assert taken["claimed_by"] == ADMIN
    assert [entry["data"].get("taken_over_from") for entry in taken["timeline"] if entry["kind"] == "claimed"] == [None, "li.na"]


def test_the_first_look_is_recorded_with_its_name_and_shown_on_the_stream(homes: Service) -> None:
    call = homes.pull_cord(a_home(homes, "looked"))
    assert call["viewed_at"] is None
    console = Console(homes.web)
    card = look(homes, call)
    assert card["viewed_by"] == "li.na"
    assert [entry["by"] for entry in card["timeline"] if entry["kind"] == "viewed"] == ["li.na"], "the second look is not recorded"
    until("the stream tells", lambda: any(data["id"] == call["id"] and data["viewed_by"] == "li.na" for _, data in console.alerts()))


def test_a_leak_that_still_leaks_is_closed_with_a_reason_and_a_time(homes: Service) -> None:
    leak = leaks(homes, a_home(homes, "wet"))
    assert "still holds" in act(homes, leak, "close", {"disposition": "device_serviced"}, status=409)["detail"]
    closed = act(homes, leak, "close", {"disposition": "device_serviced", "reason": "物业已关总阀", "rearm_minutes": 120})
    assert closed["rearm_at"] is not None
    assert closed["timeline"][-1]["data"]["rearm_at"].startswith(closed["rearm_at"][:19])


def test_a_hold_says_with_what_priority_it_comes_back(homes: Service) -> None:
    home = a_home(homes, "held")
    leak, call = leaks(homes, home), homes.pull_cord(home)
    assert act(homes, leak, "hold", {"minutes": 30, "reason": "等物业", "return_priority": 1})["return_priority"] == 1
    act(homes, call, "claim")
    refused = act(homes, call, "hold", {"minutes": 30, "reason": "等家属", "return_priority": 3}, status=409)
    assert "no lower a priority" in refused["detail"]


def test_many_are_closed_as_one_event_and_the_answer_names_what_stays_open_and_why(homes: Service) -> None:
    seen, unseen, wet, gone = (a_home(homes, f"many-{n}") for n in range(4))
    looked_at, blind, leaking, closed = homes.pull_cord(seen), homes.pull_cord(unseen), leaks(homes, wet), homes.pull_cord(gone)
    look(homes, looked_at)
    look(homes, leaking)
    act(homes, closed, "close", {"disposition": "test"})
    body = {"alerts": [a["id"] for a in (looked_at, blind, leaking, closed)] + ["nobody"]}
    body_of = body | {"disposition": "assistance_given", "reason": "12栋水管爆裂", "event": "水管爆裂"}
    answer = homes.operator.post("/alerts/close", json=body_of).json()
    assert answer["closed"] == [looked_at["id"]]
    assert {left["alert"]: left["why"] for left in answer["left"]} == {
        blind["id"]: "never_looked_at", leaking["id"]: "still_holds", closed["id"]: "closed", "nobody": "unknown",
    }  # fmt: skip
    assert all(left["text"]["zh"] and left["text"]["en"] for left in answer["left"])
    card = homes.operator.get(f"/alerts/{looked_at['id']}").json()
    assert (card["status"], card["event"], card["closed_by"]) == ("closed", "水管爆裂", "li.na")


def test_many_are_found_by_a_filter(homes: Service) -> None:
    home = a_home(homes, "filtered")
    leak = leaks(homes, home)
    look(homes, leak)
    leaks(homes, home, wet=False)
    homes.pull_cord(home)
    body = {"filter": {"home": home, "category": "water"}, "disposition": "device_serviced", "reason": "水管已修", "event": "水管"}
    assert homes.operator.post("/alerts/close", json=body).json() == {"closed": [leak["id"]], "left": []}
    more: tuple[Json, ...] = ({"alerts": ["x"]}, {"filter": None}, {"reason": ""}, {"filter": {"floor": 3}}, {"disposition": "flood"})
    for wrong in (body | one for one in more):
        assert homes.operator.post("/alerts/close", json=wrong).status_code == 422


def put_on_test(homes: Service, home: str, *, status: int = 201, **fields: object) -> Json:
    end = (MACHINE.wall() + timedelta(minutes=20)).isoformat()
    body = {"home": home, "devices": [f"{home}-cord"], "end": end, "on_site": True, "reason": "安装后试拉", **fields}
    answer = homes.operator.post("/tests", json=body)
    assert answer.status_code == status, answer.text
    made: Json = answer.json()
    return made


def test_a_test_call_reaches_its_tester_and_no_queue_and_is_closed_by_the_testers_word(homes: Service) -> None:
    home = a_home(homes, "tested")
    test = put_on_test(homes, home)
    assert (test["under_way"], test["tester"], [d["id"] for d in test["devices"]]) == (True, "li.na", [f"{home}-cord"])
    homes.see(homes.alarm.report(f"{home}-cord", home=home, pull_cord=True))
    assert homes.operator.get("/alerts", params={"home": home}).json()["items"] == [], "no operator is rung"
    (call,) = homes.operator.get(f"/tests/{test['id']}").json()["calls"]
    assert (call["origin"], call["confirmed"]) == ("test", False)
    assert homes.operator.get("/alerts", params={"home": home, "origin": "test"}).json()["items"][0]["id"] == call["alert"]
    assert homes.admin.post(f"/tests/calls/{call['alert']}/confirm").status_code == 409
    closed = homes.operator.post(f"/tests/calls/{call['alert']}/confirm").json()
    assert (closed["status"], closed["disposition"], closed["origin"]) == ("closed", "test", "test")
    (call,) = homes.operator.get("/tests", params={"home": home}).json()["items"][0]["calls"]
    assert call["confirmed"] is True
    assert homes.operator.delete(f"/tests/{test['id']}").status_code == 204
    assert homes.operator.get(f"/tests/{test['id']}").status_code == 404
    assert homes.pull_cord(home)["origin"] == "real"


def test_a_test_that_may_not_be_is_refused(homes: Service) -> None:
    home = a_home(homes, "refused")
    assert "who is there" in put_on_test(homes, home, on_site=False, status=409)["detail"]
    late = (MACHINE.wall() + timedelta(hours=2)).isoformat()
    assert "within 30 minutes" in put_on_test(homes, home, end=late, status=409)["detail"]
    put_on_test(homes, home, devices=["nothing"], status=404)
    put_on_test(homes, home, devices=[], end=late, on_site=False)
