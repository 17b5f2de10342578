"""What real devices say, through MQTT to the alert: every line of the recorded Zigbee2MQTT payloads, each in a home of its own."""

import json
from collections import Counter
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.patience import PATIENCE_S
from tests.service import ROOT, SHARED, Anju, Json, running, until

RECORDED = SHARED / "data" / "payloads" / "zigbee2mqtt.jsonl"
COMMITTED = ROOT / "tests" / "data" / "zigbee2mqtt_cases.jsonl"

CATEGORY = {"smoke": "fire", "co": "gas", "gas": "gas", "sos": "call_for_help", "water_leak": "water", "fall": "fall"}

DIFFERENT = {
    "maybe_fall": "a radar that may have seen a fall: in doubt the alert is raised",
    "fall": "the definition gives a fall as a state, with no `active`; it is a fall",
}
"""`expected.state` of lines without `active`, and why they raise."""


TECHNICAL = {
    '"battery_state":"low"': "its only word on the battery is an enum, which the expectations do not count; a technician is needed",
    '"battery_low_1":"Low"': "one of its many batteries is low, under a numbered name that the expectations do not carry",
    '"mains_power_connected":false': "it runs on its battery, which the expectations do not count",
}
"""What a line says besides, that makes a technical alert nobody expected there, and why it stands."""


def why(payload: str) -> str:
    return next((reason for words, reason in TECHNICAL.items() if words in payload), "")


def lines() -> list[Json]:
    path = RECORDED if RECORDED.exists() else COMMITTED
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def wanted(expected: Json) -> set[str]:
    """The categories that a line must raise."""
    fields = expected["fields"]
    found = {"technical"} if fields.get("battery_low") or fields.get("tamper") else set()
    if expected["kind"] in CATEGORY and (expected.get("active") or expected.get("state") in DIFFERENT):
        found.add(CATEGORY[expected["kind"]])
    return found


@pytest.fixture(scope="module")
def anju(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anju]:
    with running(tmp_path_factory.mktemp("payloads") / "data", homes=1, words=("--no-simulator",)) as service:
        yield service


def test_every_recorded_line_raises_what_it_means_and_nothing_else(anju: Anju) -> None:
    area = anju.home()["area"]
    kit = anju.kit()
    cases = lines()
    sent = []
    for number, case in enumerate(cases):
        topic = f"anju/v1/{area}/z2m-{number:04d}/bridge/zigbee2mqtt/{case['topic']}"
        sent.append(kit.client.publish(topic, case["payload"].encode(), qos=1))
    for info in sent:
        info.wait_for_publish(PATIENCE_S)
    raised: dict[str, set[str]] = {}
    with anju.api() as client:
        last = f"z2m-{len(cases) - 1:04d}"
        until("the last line", lambda: client.get(f"/homes/{quote(last)}").status_code in (200, 404))
        cursor = ""
        while True:
            page = client.get("/alerts", params={"status": "open", "limit": 500, **({"cursor": cursor} if cursor else {})}).json()
            for alert in page["items"]:
                raised.setdefault(alert["home"], set()).add(alert["category"])
            cursor = page["next"]
            if not cursor:
                break
    unexplained, explained = [], Counter[str]()
    for number, case in enumerate(cases):
        want, got = wanted(case["expected"]), raised.get(f"z2m-{number:04d}", set())
        if got != want:
            reason = why(case["payload"]) if got - want == {"technical"} and want <= got else ""
            explained[reason] += 1
            if not reason:
                unexplained.append((case["vendor"], case["model"], case["payload"], sorted(want), sorted(got)))
    assert unexplained == []
    assert set(explained) <= set(TECHNICAL.values())
    kit.close()
