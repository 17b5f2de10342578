"""What no device should send: never a crash, never lost in silence, and a call in it is still a call."""

import json
from collections.abc import Iterator
from time import monotonic

import pytest

from tests.patience import PATIENCE_S, within
from tests.service import Anju, running, until

CALLS: dict[str, bytes] = {
    "nan-beside": b'{"values": {"heart_rate": NaN, "sos": true}}',
    "huge-number-beside": b'{"values": {"heart_rate": 1e400, "sos": true}}',
    "bad-utf8-in-id": b'{"id": "\xff\xfe", "values": {"sos": true}}',
    "duplicate-keys": b'{"values": {"sos": false, "sos": true}}',
    "cut-off": b'{"id": "x", "values": {"sos": true',
    "wrong-type-beside": b'{"values": {"heart_rate": "fast", "sos": true}}',
    "clock-2038": b'{"at": "2038-01-19T03:14:08Z", "values": {"sos": true}}',
    "clock-1970": b'{"at": 0, "values": {"sos": true}}',
    "clock-words": b'{"at": "gestern", "values": {"sos": true}}',
    "id-a-list": b'{"id": [1, 2], "values": {"sos": true}}',
    "unknown-beside": b'{"values": {"aura": "violet", "sos": true}, "extra": {"deep": [1, 2]}}',
}
"""The call in each must be raised."""

NOTHING: dict[str, bytes] = {
    "empty": b"",
    "bad-utf8": b"\xff\xfe\x00",
    "deep": b'{"values": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "not-json": b"hello",
    "a-list": b"[1, 2, 3]",
    "no-values": b'{"id": "x"}',
    "values-a-number": b'{"values": 7}',
    "nan": b'{"values": {"heart_rate": NaN}}',
    "ten-megabytes": b'{"values": {"note": "' + b"x" * 10_000_000 + b'"}}',
    "impossible": b'{"values": {"heart_rate": 90000}}',
}
"""Nothing can be read from these; each must be on the quarantine list with its reason."""


@pytest.fixture(scope="module")
def anju(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anju]:
    with running(tmp_path_factory.mktemp("bad") / "data", homes=1, words=("--no-simulator",)) as service:
        yield service


def test_a_call_in_a_spoilt_message_is_raised(anju: Anju) -> None:
    area = anju.home()["area"]
    kit = anju.kit()
    for name, payload in CALLS.items():
        kit.client.publish(f"anju/v1/{area}/{name}/watch/report", payload, qos=1).wait_for_publish(PATIENCE_S)
    with anju.api() as client:
        for name in CALLS:
            found = until(name, lambda name=name: client.get("/alerts", params={"home": name}).json()["items"])  # type: ignore[misc]
            assert [alert["category"] for alert in found] == ["call_for_help"], name
            if name.startswith("clock"):
                whole = client.get(f"/alerts/{found[0]['id']}").json()
                assert any(evidence["clock_suspect"] for evidence in whole["evidence"]), name
    kit.close()


def test_what_cannot_be_read_is_listed_with_its_reason(anju: Anju) -> None:
    area = anju.home()["area"]
    kit = anju.kit()
    for name, payload in NOTHING.items():
        kit.client.publish(f"anju/v1/{area}/{name}/watch/report", payload, qos=1).wait_for_publish(PATIENCE_S)
    with anju.api() as client:

        def listed() -> dict[str, str] | None:
            items = client.get("/quarantine", params={"limit": 200}).json()["items"]
            by = {item["topic"].split("/")[3]: item["reason"] for item in items}
            return by if set(NOTHING) <= set(by) else None

        reasons = until("all of them", listed)
        assert all(reasons[name] for name in NOTHING)
        assert [client.get("/alerts", params={"home": name}).json()["items"] for name in NOTHING] == [[]] * len(NOTHING)


    def took() -> float:
        began = monotonic()
        kit.say({"area": area, "id": "after-all-that"}, "cord", {"pull_cord": True})
        return monotonic() - began

    within(5, took)
    kit.close()


def test_topics_outside_the_grammar_cost_only_themselves(anju: Anju) -> None:
    kit = anju.kit()
    area = anju.home()["area"]
    for topic in (
        "hello", "anju/v1/x", f"anju/v1/{area}/home/dev/unheard-of", f"anju/v1/{area}/ho me/dev/report", f"anju/v2/{area}/h/d/report",
    ):  # fmt: skip
        kit.client.publish(topic, json.dumps({"values": {"sos": True}}), qos=1)
    other = anju.kit()
    other.say({"area": area, "id": "still-heard"}, "cord", {"pull_cord": True})
    with anju.api() as client:
        until("the call", lambda: client.get("/alerts", params={"home": "still-heard"}).json()["items"])
    kit.close()
    other.close()
