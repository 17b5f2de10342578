"""The main job as the people see it: a cord is pulled, the desk knows, help is claimed, given and closed."""

import json
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from time import monotonic

import pytest

from tests.patience import PATIENCE_S, within
from tests.service import Anju, Json, running, until
from tests.stream import Stream


@pytest.fixture(scope="module")
def anju(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anju]:
    with running(tmp_path_factory.mktemp("up") / "data", homes=6, words=("--no-simulator",)) as service:
        yield service


def pull(anju: Anju, home: Json, device: str) -> None:
    """As an installer would try it: Debian's mosquitto_pub, QoS 1, with the demo's credentials."""
    device_login = anju.endpoints["device"]
    subprocess.run(
        [
            "mosquitto_pub", "-h", "127.0.0.1", "-p", str(anju.mqtt_port), "-V", "311", "-q", "1",
            "-u", device_login["username"], "-P", device_login["password"],
            "-t", f"anju/v1/{home['area']}/{home['id']}/{device}/report", "-m", json.dumps({"values": {"pull_cord": True}}),
        ],
        check=True, timeout=PATIENCE_S,
    )  # fmt: skip


def open_alerts(anju: Anju, home: str) -> list[Json]:
    with anju.api() as client:
        items: list[Json] = client.get("/alerts", params={"status": "open", "home": home}).json()["items"]
        return items


def test_a_pulled_cord_is_on_the_list_the_stream_and_the_device_knows(anju: Anju) -> None:
    home = anju.home(0)
    cord = anju.device(home["id"], "cord")
    stream = Stream(anju.operator())
    kit = anju.kit("test-bedside")
    kit.hear_commands(home)
    pull(anju, home, cord["id"])
    [alert] = until("the alert", lambda: open_alerts(anju, home["id"]))
    assert (alert["category"], alert["priority"], alert["status"]) == ("call_for_help", 1, "triggered")
    assert alert["reason"]
    assert alert["reason_en"]
    assert home["name"] in alert["title"] + alert["reason"]
    [event] = until("the event", lambda: stream.alerts(home["id"])[:1])
    assert event["id"] == alert["id"]
    until("accepted", lambda: kit.receipts() == ["accepted"])
    stream.close()
    kit.close()


def test_the_alert_reaches_the_stream_within_100_ms(anju: Anju) -> None:
    """The figures under load are in `benchmarks/`."""
    stream = Stream(anju.operator())
    kit = anju.kit()
    area, numbers = anju.home(1)["area"], count()

    def took() -> float:
        home = {"area": area, "id": f"quick-{next(numbers)}"}
        began = monotonic()
        kit.say(home, "cord", {"pull_cord": True}, wait=False)
        until("the event", lambda: stream.alerts(home["id"]), pause=0.001)
        return monotonic() - began

    within(0.1, took)
    stream.close()
    kit.close()


def test_claim_acknowledge_and_close_tell_the_person_who_called(anju: Anju) -> None:
    home = anju.home(1)
    cord = anju.device(home["id"], "cord")
    kit = anju.kit("test-told")
    kit.hear_commands(home)
    kit.say(home, cord["id"], {"pull_cord": True})
    [alert] = until("the alert", lambda: open_alerts(anju, home["id"]))
    with anju.operator() as desk:
        claimed = desk.post(f"/alerts/{alert['id']}/claim", json={})
        assert claimed.status_code == 200, claimed.text
        assert claimed.json()["claimed_by"] == "operator"
        until("seen", lambda: kit.receipts() == ["accepted", "seen"])
        acknowledged = desk.post(f"/alerts/{alert['id']}/acknowledge", json={})
        assert acknowledged.json()["status"] == "acknowledged"
        until("helping", lambda: kit.receipts() == ["accepted", "seen", "helping"])
        key = {"Idempotency-Key": "close-once"}
        body = {"disposition": "assistance_given", "reason": "女儿已到家"}
        closed = desk.post(f"/alerts/{alert['id']}/close", json=body, headers=key)
        assert closed.json()["status"] == "closed"
        until("closed", lambda: kit.receipts() == ["accepted", "seen", "helping", "closed"])
        again = desk.post(f"/alerts/{alert['id']}/close", json=body, headers=key)
        assert (again.status_code, again.json()) == (200, closed.json())
        second = desk.post(f"/alerts/{alert['id']}/close", json=body)
        assert second.status_code == 409
        assert second.json()["detail"]
        assert open_alerts(anju, home["id"]) == []
        whole = desk.get(f"/alerts/{alert['id']}").json()
    kinds = [entry["kind"] for entry in whole["timeline"]]
    assert [k for k in kinds if k in ("raised", "claimed", "acknowledged", "closed")] == ["raised", "claimed", "acknowledged", "closed"]
    kit.close()


def test_a_second_pull_is_the_same_call_and_the_same_report_is_nothing(anju: Anju) -> None:
    home = anju.home(2)
    cord = anju.device(home["id"], "cord")["id"]
    kit = anju.kit()
    kit.say(home, cord, {"pull_cord": True}, id="pull-1")
    kit.say(home, cord, {"pull_cord": True}, id="pull-1")
    kit.say(home, cord, {"pull_cord": True}, id="pull-2")
    [alert] = until("the repeat", lambda: [a for a in open_alerts(anju, home["id"]) if a["repeats"] >= 1])
    assert alert["repeats"] == 1
    kit.close()


def test_a_wearable_and_a_smoke_detector_say_what_they_mean(anju: Anju) -> None:
    """Each reading raises its own category, priority and sentence; a self-test raises nothing; the readings can be charted."""
    home = anju.home(3)
    watch, smoke = anju.device(home["id"], "watch")["id"], anju.device(home["id"], "smoke")["id"]
    kit = anju.kit()
    kit.say(home, smoke, {"test": True, "battery": 90})
    assert open_alerts(anju, home["id"]) == []
    kit.say(home, watch, {"heart_rate": 38})
    kit.say(home, watch, {"spo2": 84})
    kit.say(home, watch, {"fall": True})
    kit.say(home, watch, {"sos": True})
    kit.say(home, smoke, {"smoke": True})
    kit.say(home, smoke, {"heat_alarm": True})

    def found() -> dict[str, list[Json]]:
        by: dict[str, list[Json]] = {}
        for alert in open_alerts(anju, home["id"]):
            by.setdefault(alert["category"], []).append(alert)
        return by

    by = until("all four", lambda: found() if {"health", "fall", "call_for_help", "fire"} <= set(found()) else None)
    assert {category: {a["priority"] for a in alerts} for category, alerts in by.items()} == {
        "health": {2}, "fall": {1}, "call_for_help": {1}, "fire": {1},
    }  # fmt: skip
    sentences = " ".join(alert["reason"] for alert in by["health"])
    assert "38" in sentences
    assert "84" in sentences
    assert all(alert["reason_en"] and alert["title_en"] for alerts in by.values() for alert in alerts)
    assert [a["category"] for a in open_alerts(anju, home["id"])][:3] != ["health"] * 3, "life at risk stands first"
    with anju.api() as client:
        query = {"device": watch, "property": "heart_rate"}
        until("the reading", lambda: [i["value"] for i in client.get("/telemetry", params=query).json()["items"]] == [38])
    kit.close()


def test_a_demo_home_has_its_place_and_those_who_may_go_are_so_far_from_it(anju: Anju) -> None:
    with anju.api() as client:
        home = client.get("/homes/home-0001").json()
        assert None not in (home["latitude"], home["longitude"])
        near = client.get("/responders", params={"home": "home-0001"}).json()["items"]
        wandering = [one for one in client.get("/homes/home-0001/judgement").json()["items"] if one["rule"] == "wandering"]
    assert {one["kind"] for one in near} == {"grid_worker", "service", "station", "ambulance"}
    assert all(0 < one["kilometres"] < 5 for one in near)
    there = [one["kilometres"] for one in near if one["open"]]
    assert there == sorted(there), "the nearest of those who are there at this hour first"
    assert [one["sentence"]["en"] for one in wandering] == ["near the home"], "and not: the home has no place on the map"


def test_stop_is_clean_and_quick(tmp_path: Path) -> None:
    anju = Anju(tmp_path / "data", homes=1, words=("--no-simulator",)).start()

    def stopping() -> float:
        began = monotonic()
        assert anju.stop() == 0
        took = monotonic() - began
        anju.start()
        return took

    def starting() -> float:
        anju.stop()
        began = monotonic()
        anju.start()
        return monotonic() - began

    try:
        within(10, stopping)
        within(15, starting)
    finally:
        anju.stop()
