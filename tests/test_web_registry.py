"""Areas, homes, people, devices, credentials, silences and quarantine over HTTP."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import httpx
import pytest

from devices.credential import Scope
from devices.topic import parse
from gateway.clock import MACHINE
from gateway.web import telemetry
from tests.patience import PATIENCE_S
from tests.web_alarm import AREA, HOME, unreadable
from tests.web_desk import Console, Json, Service, service, tomorrow, until


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("registry") / "data") as running:
        running.register()
        yield running


MINIMAL = [
    ("/areas", {"id": "a1", "name": "翠苑街道"}),
    ("/homes", {"id": "h1", "area": "a1", "name": "1 号"}),
    ("/people", {"id": "p1", "home": "h1", "role": "resident", "name": "王秀兰"}),
    ("/devices", {"id": "d1", "home": "h1", "model": "any-model"}),
]


def test_each_kind_is_added_read_changed_and_retired_with_the_least_it_takes(desk: Service) -> None:
    for path, body in MINIMAL:
        made = desk.admin.post(path, json=body)
        assert made.status_code == 201, made.text
        assert body.items() <= made.json().items()
        assert desk.admin.post(path, json=body).status_code == 409
        one = desk.operator.get(f"{path}/{body['id']}")
        assert one.status_code == 200
        assert body.items() <= one.json().items()
        assert body["id"] in [item["id"] for item in desk.operator.get(path).json()["items"]]
    for path, change in (
        ("/areas/a1", {"name": "新名字"}),
        ("/homes/h1", {"phone": "0571-88001122", "access": "三楼，没有电梯"}),
        ("/people/p1", {"medical": "心脏支架", "birth_year": 1940}),
        ("/devices/d1", {"room": "bathroom", "exposes": ["sos"]}),
    ):
        changed = desk.admin.patch(path, json=change)
        assert changed.status_code == 200, changed.text
        assert change.items() <= changed.json().items()
        assert change.items() <= desk.operator.get(path).json().items()
    cleared = desk.admin.patch("/people/p1", json={"birth_year": None})
    assert cleared.json()["birth_year"] is None
    assert cleared.json()["medical"] == "心脏支架"
    for path in ("/devices/d1", "/people/p1", "/homes/h1", "/areas/a1"):
        assert desk.admin.delete(path).status_code == 204, path
        assert desk.operator.get(path).status_code == 404
        assert desk.admin.delete(path).status_code == 404


def test_what_is_open_is_on_the_queue_of_the_area_that_its_home_was_put_right_to(desk: Service) -> None:
    right = {"id": "330106077", "name": "西溪街道"}
    assert desk.admin.post("/areas", json=right).status_code == 201
    desk.register("put-right")
    over = desk.pull_cord("put-right")
    desk.operator.post(f"/alerts/{over['id']}/close", json={"disposition": "test"})
    call = desk.pull_cord("put-right")
    console = Console(desk.web)
    assert desk.admin.patch("/homes/put-right", json={"area": right["id"]}).status_code == 200
    queue = desk.operator.get("/alerts", params={"status": "open", "area": right["id"]}).json()["items"]
    assert [(one["id"], one["area"], one["area_name"]) for one in queue] == [(call["id"], right["id"], right["name"])]
    until("a console hears of its new area", lambda: (call["id"], right["id"]) in [(one["id"], one["area"]) for _, one in console.alerts()])
    console.close()
    assert desk.operator.get(f"/alerts/{over['id']}").json()["area"] == AREA, "what was over stays in the area that it was in"
    desk.web.stop()
    desk.web.start()
    desk.web.ready()
    queue = desk.operator.get("/alerts", params={"status": "open", "area": right["id"]}).json()["items"]
    assert [one["id"] for one in queue] == [call["id"]], "also after a restart"


def test_a_device_that_was_taken_down_is_put_up_in_another_home(desk: Service) -> None:
    for home in ("h-from", "h-to"):
        assert desk.admin.post("/homes", json={"id": home, "area": AREA, "name": home}).status_code == 201
    here, there = ({"id": "0x00158d0000000001", "home": home, "model": "any-model"} for home in ("h-from", "h-to"))
    assert desk.admin.post("/devices", json=here).status_code == 201
    assert desk.admin.post("/devices", json=there).status_code == 409
    assert desk.admin.delete("/homes/h-from").status_code == 204
    again = desk.admin.post("/homes", json={"id": "h-from", "area": AREA, "name": "x"})
    assert (again.status_code, "retired" in again.json()["detail"]) == (409, True), again.text
    assert desk.admin.post("/devices", json=there).status_code == 201
    assert desk.operator.get(f"/devices/{there['id']}").json()["home"] == "h-to"
    assert desk.admin.delete(f"/devices/{there['id']}").status_code == 204
    again = desk.admin.post("/devices", json=there)
    assert (again.status_code, "retired" in again.json()["detail"]) == (409, True), again.text
    assert desk.admin.delete("/homes/h-to").status_code == 204


def test_what_cannot_be_seen_does_not_get_into_the_registry(desk: Service) -> None:
    """Pasted along from a table or a telephone; some of it turns round whatever stands behind it on the page."""
    said = {"name": "\u202e张家\u202c", "address": "1 栋\n2 单元", "phone": "\u202d0571-1\u202c", "note": "a\nb\0"}
    made = desk.admin.post("/homes", json={"id": "h-unseen", "area": AREA, **said})
    assert made.status_code == 201, made.text
    assert [made.json()[name] for name in ("name", "address", "phone", "note")] == ["张家", "1 栋 2 单元", "0571-1", "a\nb"]
    turned = {"id": "d-unseen", "home": "h-unseen", "model": "m", "name": "\u200fcord\u200e", "room": "bed\u2066room"}
    shown = desk.admin.post("/devices", json=turned).json()
    assert (shown["name"], shown["room"]) == ("cord", "bedroom")
    family = "👨\u200d👩\u200d👧 مرحبا"
    assert desk.admin.patch("/homes/h-unseen", json={"name": family}).json()["name"] == family
    assert desk.admin.patch("/homes/h-unseen", json={"name": "\u202e \n"}).status_code == 422
    assert desk.admin.delete("/homes/h-unseen").status_code == 204


def test_a_hubs_names_are_cleaned_as_a_persons_are_and_the_hub_is_still_understood_by_its_own(desk: Service) -> None:
    assert desk.admin.post("/homes", json={"id": "h-hub", "area": AREA, "name": "h-hub"}).status_code == 201
    listed, base = "\u202ecord\u2069\u200e of\tanna", f"anju/v1/{AREA}/h-hub/bridge/zigbee2mqtt/zigbee2mqtt"
    definition = {"model": "\u2067M-1", "exposes": [{"type": "binary", "property": "sos", "access": 1}]}
    device: Json = {"ieee_address": "0x00158d00000000aa", "friendly_name": listed, "type": "EndDevice", "manufacturer": "\u202eMaker"}
    device["definition"] = definition
    desk.alarm.publish(f"{base}/bridge/devices", json.dumps([device]).encode())
    desk.alarm.publish(f"{base}/\u2066un\u200flisted", b'{"linkquality": 7}')
    desk.see(desk.alarm.publish(f"anju/v1/{AREA}/h-hub/kit/status", '{"status":"online","firmware":"\u202e1.0"}'.encode()))
    shown = {item["name"]: item for item in desk.operator.get("/devices", params={"home": "h-hub"}).json()["items"]}
    assert {"cord of anna", "unlisted"} <= {*shown}
    assert [shown["cord of anna"][field] for field in ("id", "vendor", "model")] == ["0x00158d00000000aa", "Maker", "M-1"]
    assert desk.operator.get("/devices/kit", params={"home": "h-hub"}).json()["firmware"] == "1.0"
    desk.see(desk.alarm.publish(f"{base}/{listed}", b'{"sos": true}'))
    (alert,) = desk.operator.get("/alerts", params={"status": "open", "home": "h-hub"}).json()["items"]
    assert alert["device"] == "0x00158d00000000aa"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/areas", {"id": "a b", "name": "x"}, "id"),
        ("/areas", {"id": "a", "name": ""}, "name"),
        ("/homes", {"id": "h" * 65, "area": AREA, "name": "x"}, "id"),
        ("/homes", {"id": "h", "name": "x"}, "area"),
        ("/homes", {"id": "h", "area": AREA, "name": "x", "colour": "red"}, "colour"),
        ("/people", {"id": "p", "home": HOME, "role": "cat", "name": "x"}, "role"),
        ("/people", {"id": "p", "home": HOME, "role": "family", "name": "x", "phone": "<script>"}, "phone"),
        ("/devices", {"id": "d", "home": HOME, "model": "m", "exposes": ["telepathy"]}, "exposes.0"),
        ("/devices", {"id": "bridge", "home": HOME, "model": "m", "room": ""}, "id"),
        ("/silences", {"home": HOME, "until": "2100-01-01T00:00:00", "reason": "x"}, "until"),
        ("/silences", {"home": HOME, "until": "2100-01-01T00:00:00Z"}, "reason"),
    ],
)
def test_what_is_wrong_is_refused_by_the_name_of_its_field(desk: Service, path: str, body: Json, field: str) -> None:
    answer = desk.admin.post(path, json=body)
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(("home", "body", "status"), [(HOME, {"name": None}, 422), ("none", {"name": "x"}, 404), (HOME, {"id": "x"}, 422)])
def test_a_change_that_cannot_be_is_refused(desk: Service, home: str, body: Json, status: int) -> None:
    assert desk.admin.patch(f"/homes/{home}", json=body).status_code == status


def test_a_home_in_an_area_that_nobody_registered_is_refused(desk: Service) -> None:
    assert desk.admin.post("/homes", json={"id": "lost", "area": "atlantis", "name": "x"}).status_code in (404, 409)
    assert desk.admin.post("/devices", json={"id": "lost", "home": "atlantis", "model": "x"}).status_code in (404, 409)


def test_the_homes_card_has_residents_contacts_in_order_devices_and_open_alerts(desk: Service) -> None:
    alert = desk.pull_cord()
    card = desk.operator.get(f"/homes/{HOME}").json()
    assert [person["name"] for person in card["residents"]] == ["陈桂英"]
    assert [person["name"] for person in card["contacts"]] == ["陈志强", "周敏"]
    assert [device["id"] for device in card["devices"]] == [f"{HOME}-cord"]
    assert card["open_alerts"] == [alert["id"]]
    assert card["area_name"] == "翠苑一区"


def test_homes_are_found_by_area_and_by_words_and_paged(desk: Service) -> None:
    desk.admin.post("/areas", json={"id": "top", "name": "杭州"})
    desk.admin.post("/areas", json={"id": "low", "name": "文三路", "parent": "top"})
    for number in range(5):
        desk.admin.post("/homes", json={"id": f"low-{number}", "area": "low", "name": f"{number} 栋", "address": "文三路"})
    desk.admin.post("/people", json={"id": "zhao", "home": "low-3", "role": "resident", "name": "赵玉兰"})

    def found(**query: str | int) -> list[str]:
        return [home["id"] for home in desk.operator.get("/homes", params=query).json()["items"]]

    assert found(area="top") == [f"low-{n}" for n in range(5)]
    assert found(area="low", q="2 栋") == ["low-2"]
    assert found(q="赵玉兰") == ["low-3"]
    assert found(q="nobody at all") == []
    assert found(area="low", q="  ") == [f"low-{n}" for n in range(5)]
    first = desk.operator.get("/homes", params={"area": "low", "limit": 2}).json()
    second = desk.operator.get("/homes", params={"area": "low", "limit": 3, "cursor": first["next"]}).json()
    assert [home["id"] for home in first["items"] + second["items"]] == [f"low-{n}" for n in range(5)]
    assert second["next"] is None
    assert [area["id"] for area in desk.operator.get("/areas", params={"parent": "top"}).json()["items"]] == ["low"]


def test_a_device_shows_what_is_known_of_it(desk: Service) -> None:
    model = desk.operator.get("/models").json()["items"][0]
    made = desk.admin.post("/devices", json={"id": "known", "home": HOME, "model": model["id"], "room": "bedroom"}).json()
    assert made["exposes"] == model["exposes"]
    assert made["vendor"] == model["vendor"]
    assert made["online"] is None
    desk.see(desk.alarm.report("known", battery=64, rssi=-71))
    device = desk.operator.get("/devices/known").json()
    assert device["online"] is True
    assert device["battery"] == 64
    assert device["signal"] == -71
    assert device["last_heard_at"].endswith("Z")
    topic = f"anju/v1/{AREA}/{HOME}/known/status"
    desk.see(desk.alarm.publish(topic, b'{"status": "offline"}'))
    assert desk.operator.get("/devices/known").json()["online"] is False
    assert "known" in [d["id"] for d in desk.operator.get("/devices", params={"home": HOME, "online": "false"}).json()["items"]]
    assert "known" not in [d["id"] for d in desk.operator.get("/devices", params={"online": "true"}).json()["items"]]
    assert "known" in [d["id"] for d in desk.operator.get("/devices", params={"area": AREA, "model": device["model"]}).json()["items"]]
    for elsewhere in ({"area": "nowhere"}, {"home": HOME, "area": "nowhere"}, {"home": "nowhere"}, {"model": "nobody-makes-it"}):
        assert desk.operator.get("/devices", params=elsewhere).json() == {"items": [], "next": None}
    promised = "id home area model vendor dialect room exposes lifecycle online last_heard_at battery"
    assert set(promised.split()) <= set(device)


def test_a_device_that_nobody_registered_is_listed_as_such_and_needs_its_home_where_two_share_an_id(desk: Service) -> None:
    desk.admin.post("/homes", json={"id": "home-2", "area": AREA, "name": "13 栋"})
    desk.see(desk.alarm.report("stranger", home=HOME, sos=True))
    assert desk.operator.get("/devices/stranger").json()["lifecycle"] == "unregistered"
    desk.see(desk.alarm.report("stranger", home="home-2", battery=50))
    assert desk.operator.get("/devices/stranger").status_code == 422
    assert desk.operator.get("/devices/stranger", params={"home": "home-2"}).json()["battery"] == 50
    listed = desk.operator.get("/devices", params={"lifecycle": "unregistered"}).json()["items"]
    assert {(device["id"], device["home"]) for device in listed} >= {("stranger", HOME), ("stranger", "home-2")}


def test_a_credential_is_shown_once_works_and_is_shut_out(desk: Service) -> None:
    issued = desk.admin.post(f"/devices/{HOME}-cord/credentials")
    assert issued.status_code == 201
    secret = issued.json()
    assert len(secret["password"]) >= 22
    assert secret["scope"] == "device"
    credential = desk.alarm.credential(secret["username"])
    assert credential is not None
    assert credential.verify(secret["password"].encode())
    assert credential.may_publish(parse(f"anju/v1/{AREA}/{HOME}/{HOME}-cord/alarm"))
    assert not credential.may_publish(parse(f"anju/v1/{AREA}/{HOME}/other/alarm"))
    shown = desk.operator.get(f"/devices/{HOME}-cord").json()["credentials"]
    assert [one["username"] for one in shown] == [secret["username"]]
    assert secret["password"] not in desk.operator.get(f"/devices/{HOME}-cord").text
    assert desk.admin.delete(f"/devices/{HOME}-cord/credentials").status_code == 204
    assert desk.alarm.credential(secret["username"]) is None
    assert desk.operator.get(f"/devices/{HOME}-cord").json()["credentials"] == []


def test_a_hub_may_speak_for_its_home(desk: Service) -> None:
    hub = next(model for model in desk.operator.get("/models").json()["items"] if model["kind"] == "hub")
    desk.admin.post("/devices", json={"id": "hub", "home": HOME, "model": hub["id"]})
    by_model = desk.admin.post("/devices/hub/credentials").json()
    by_wish = desk.admin.post(f"/devices/{HOME}-cord/credentials", json={"scope": "home"}).json()
    for secret in (by_model, by_wish):
        credential = desk.alarm.credential(secret["username"])
        assert credential is not None
        assert credential.scope is Scope.HOME
        assert credential.may_publish(parse(f"anju/v1/{AREA}/{HOME}/anything/report"))
        assert not credential.may_publish(parse(f"anju/v1/{AREA}/another/anything/report"))
    assert desk.admin.post("/devices/hub/credentials", json={"scope": "anywhere"}).status_code == 422
    assert desk.admin.delete("/devices/hub/credentials").status_code == 204
    assert desk.alarm.credential(by_model["username"]) is None


def test_a_silence_is_set_seen_and_ended_and_never_covers_a_call(desk: Service) -> None:
    body: Json = {"home": HOME, "categories": ["technical"], "until": tomorrow(), "reason": "换电池"}
    made = desk.operator.post("/silences", json=body, headers={"Idempotency-Key": "s1"})
    assert made.status_code == 201, made.text
    silence = made.json()
    assert silence["until"].endswith("Z")
    assert datetime.fromisoformat(silence["until"]) == datetime.fromisoformat(body["until"])
    assert silence["by"] == "li.na"
    assert desk.operator.post("/silences", json=body, headers={"Idempotency-Key": "s1"}).json() == silence
    assert desk.operator.get("/silences", params={"home": HOME}).json()["items"] == [silence]
    refused = desk.operator.post("/silences", json=body | {"categories": ["call_for_help"]})
    assert refused.status_code == 409
    assert refused.json()["sentence"]["zh"]
    assert desk.operator.delete(f"/silences/{silence['id']}").status_code == 204
    assert desk.operator.get("/silences").json()["items"] == []
    assert desk.operator.delete(f"/silences/{silence['id']}").status_code == 404


def test_what_could_not_be_read_is_shown_with_its_reason_newest_first(desk: Service) -> None:
    for text in ("{", "\xff", '{"values": 7}'):
        seq = desk.alarm.take(unreadable(text))
    desk.see(seq)
    page = desk.operator.get("/quarantine", params={"limit": 2}).json()
    assert [item["raw"] for item in page["items"]] == ['{"values": 7}', "ÿ"]
    assert page["items"][0]["reason"] == "not JSON"
    assert page["items"][0]["username"] == "cord.1"
    assert page["total"] == page["by_place"]["payload"] == 3
    rest = desk.operator.get("/quarantine", params={"cursor": page["next"]}).json()
    assert [item["raw"] for item in rest["items"]] == ["{"]
    assert rest["next"] is None
    assert desk.operator.get("/quarantine", params={"topic": "elsewhere"}).json()["items"] == []


# --- history -------------------------------------------------------------------------------------------------------------------


def history(client: httpx.Client, **query: str | int) -> list[Json]:
    answer = client.get("/telemetry", params=query)
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


WATCHED = MACHINE.wall().astimezone(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)


def moment(minutes: float) -> str:
    return f"{WATCHED + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture(scope="module")
def watch(desk: Service) -> str:
    """Ten minutes of a wearable, a reading every half minute."""
    for number in range(20):
        body = {"id": f"w{number}", "at": moment(0.5 * number), "values": {"heart_rate": 60 + number, "occupancy": number % 2 == 0}}
        seq = desk.alarm.publish(f"anju/v1/{AREA}/{HOME}/watch/report", json.dumps(body).encode())
    desk.see(seq)
    until("the history has them", lambda: desk.web.desk.historian.position >= seq)
    return "watch"


SPAN = {"start": moment(0), "end": moment(10)}


def test_a_day_begins_at_midnight_where_the_people_live(desk: Service) -> None:
    """Nothing is set, so it is China's: 16:00 UTC."""
    today = MACHINE.wall().astimezone(timezone(timedelta(hours=8))).replace(hour=0, minute=0, second=0, microsecond=0)
    midnight = today - timedelta(days=1)
    for number, seconds in enumerate((-1, 0, 1, 86_399)):
        body = {"id": f"d{number}", "at": (midnight + timedelta(seconds=seconds)).isoformat(), "values": {"heart_rate": 60 + number}}
        seq = desk.alarm.publish(f"anju/v1/{AREA}/{HOME}/band/report", json.dumps(body).encode())
    desk.see(seq)
    until("the history has them", lambda: desk.web.desk.historian.position >= seq)
    start, end = (midnight - timedelta(days=1)).isoformat(), (midnight + timedelta(days=1)).isoformat()
    days = history(desk.operator, device="band", property="heart_rate", every="1d", aggregate="count", start=start, end=end)
    assert [day["value"] for day in days] == [1, 3]
    assert [datetime.fromisoformat(day["at"]) for day in days] == [midnight - timedelta(days=1), midnight]
    assert days[0]["at"].endswith("T16:00:00Z")


def test_readings_come_as_they_were_heard_thinned_and_paged(desk: Service, watch: str) -> None:
    whole = history(desk.operator, device=watch, property="heart_rate", **SPAN)
    assert [item["value"] for item in whole] == list(range(60, 80))
    assert whole[1]["at"] == moment(0.5)
    thinned = history(desk.operator, device=watch, property="heart_rate", every="5m", aggregate="max", **SPAN)
    assert thinned == [{"at": moment(0), "value": 69}, {"at": moment(5), "value": 79}]
    assert [i["value"] for i in history(desk.operator, device=watch, property="heart_rate", every="5m", **SPAN)] == [64.5, 74.5]
    assert [i["value"] for i in history(desk.operator, device=watch, property="occupancy", **SPAN)][:2] == [True, False]
    items, cursor = [], ""
    while True:
        query: dict[str, str | int] = {"device": watch, "property": "heart_rate", "limit": 7, **SPAN}
        page = desk.operator.get("/telemetry", params=query | ({"cursor": cursor} if cursor else {})).json()
        items += page["items"]
        cursor = page["next"]
        if not cursor:
            break
    assert items == whole


@pytest.fixture
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question for the present waits for what is on its way, here as long as a busy machine may take."""
    monkeypatch.setattr(telemetry, "WAIT_S", PATIENCE_S)


@pytest.mark.usefixtures("_patient")
def test_a_reading_just_heard_is_in_the_chart_that_is_asked_for_next(desk: Service) -> None:
    desk.see(desk.alarm.report("quick", temperature=21.5))
    assert [item["value"] for item in history(desk.operator, device="quick", property="temperature")] == [21.5]
    latest = desk.operator.get("/devices/quick/latest").json()["items"]
    assert [(one["property"], one["unit"], one["value"]) for one in latest] == [("temperature", "°C", 21.5)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("property=heart_rate", "device"),
        ("device=watch&property=mood", "property"),
        ("device=watch&property=heart_rate&every=often", "every"),
        ("device=watch&property=heart_rate&every=0s", "every"),
        ("device=watch&property=heart_rate&every=1000d", "every"),
        ("device=watch&property=heart_rate&aggregate=max", "aggregate"),
        ("device=watch&property=heart_rate&every=1m&aggregate=median", "aggregate"),
        ("device=watch&property=heart_rate&cursor=IngiIg", "cursor"),
        ("device=watch&property=heart_rate&cursor=!", "cursor"),
        ("device=watch&property=heart_rate&start=2030-01-01T00:00:00Z", "start"),
        ("device=watch&property=heart_rate&unit=x", "unit"),
    ],
)
def test_a_question_that_is_wrong_is_refused_by_the_name_of_its_parameter(desk: Service, watch: str, query: str, field: str) -> None:
    answer = desk.operator.get(f"/telemetry?{query}")
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]


@pytest.mark.usefixtures("_patient")
def test_history_goes_on_where_it_stopped(desk: Service, watch: str) -> None:
    """The journal tells what was committed while nobody fed the history."""
    desk.web.stop()
    desk.alarm.report("while-away", temperature=18.0)
    desk.alarm.report("while-away", temperature=19.0)
    desk.web.start()
    desk.web.ready()
    desk.see(desk.alarm.report("while-away", temperature=20.0))
    assert [item["value"] for item in history(desk.operator, device="while-away", property="temperature")] == [18.0, 19.0, 20.0]
    assert desk.operator.get("/telemetry", params={"device": "nobody", "property": "sos"}).status_code == 404
