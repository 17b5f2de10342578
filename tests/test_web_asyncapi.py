"""The contract of what goes over MQTT, as the service itself publishes it."""

import copy
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from alerting.terms import Receipt
from devices.decode import decode
from devices.message import Heard, ReplyHeard, StatusHeard
from devices.observation import BOOLEANS, UNITS, Property
from devices.topic import Channel, parse
from gateway.settings import ClientCertificates, Mqtt, Tls
from gateway.web import VERSION
from gateway.web.asyncapi import document
from tests.json_schema import faults
from tests.patience import PATIENCE_S
from tests.web_desk import WebProcess

Json = dict[str, Any]

SCHEMA: Json = json.loads((Path(__file__).parent / "data" / "asyncapi-3.0.0.json").read_bytes())
SECURE = Tls(certificate="server.pem", key="server.key", client_ca="ca.pem", client_certificates=ClientCertificates.OPTIONAL)
DOCUMENT: Json = json.loads(json.dumps(document(Mqtt(port=18830, tls=SECURE))))
NOW = datetime(2026, 11, 22, 2, 0, 1, tzinfo=UTC)


def resolved(ref: str) -> Any:
    found: Any = DOCUMENT
    for step in ref.removeprefix("#/").split("/"):
        found = found[step]
    return found


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "$ref":
                yield inner
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_it_is_served_to_anybody_and_says_where_kits_connect(tmp_path: Path) -> None:
    web = WebProcess(tmp_path / "data").start()
    try:
        answer = httpx.get(f"{web.url}/asyncapi.json", trust_env=False, timeout=PATIENCE_S)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["servers"]["kits"]["variables"]["port"]["default"] == "1883"
    finally:
        web.close()


def test_every_way_in_is_a_server_and_none_that_there_is_not() -> None:
    servers = DOCUMENT["servers"]
    assert {name: server["protocol"] for name, server in servers.items()} == {
        "kits": "mqtt", "kits-websocket": "ws", "kits-tls": "secure-mqtt", "kits-websocket-tls": "wss",
    }  # fmt: skip
    assert servers["kits-websocket-tls"]["pathname"] == "/mqtt"
    assert [len(servers[name]["security"]) for name in ("kits", "kits-tls")] == [1, 2]
    assert set(document(Mqtt())["servers"]) == {"kits", "kits-websocket"}  # type: ignore[call-overload]
    assert set(document(Mqtt(plain=False, tls=SECURE))["servers"]) == {"kits-tls", "kits-websocket-tls"}  # type: ignore[call-overload]


def test_it_fits_the_schema_of_asyncapi_3() -> None:
    assert list(faults(DOCUMENT, SCHEMA, SCHEMA)) == []


def _break(change: Callable[[Json], object]) -> Json:
    broken = copy.deepcopy(DOCUMENT)
    change(broken)
    return broken


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("info"),
        lambda d: d.update(asyncapi="2.6.0"),
        lambda d: d.update(paths={}),
        lambda d: d["channels"]["report"].update(publish={}),
        lambda d: d["channels"]["report"]["parameters"]["home"].update(schema={"type": "string"}),
        lambda d: d["operations"]["receive_report"].update(action="publish"),
        lambda d: d["operations"]["receive_report"]["bindings"]["mqtt"].update(qos=3),
        lambda d: d["operations"]["receive_report"]["bindings"]["mqtt"].update(bindingVersion="9"),
        lambda d: d["operations"]["receive_report"].pop("channel"),
        lambda d: d["components"]["securitySchemes"]["credential"].update(type="password"),
        lambda d: d["components"]["schemas"]["Values"].update(type="map"),
        lambda d: d["components"]["messages"]["report"].update(payload=7),
        lambda d: d["servers"]["kits"].pop("host"),
    ],
)
def test_the_schema_refuses_a_document_that_is_not_one(change: Callable[[Json], object]) -> None:
    assert list(faults(_break(change), SCHEMA, SCHEMA)) != []


def test_every_reference_leads_somewhere() -> None:
    found = list(references(DOCUMENT))
    assert len(found) > 30
    for ref in found:
        resolved(ref)


def test_channels_operations_and_retain_are_those_of_the_grammar() -> None:
    assert set(DOCUMENT["channels"]) == {*Channel, "bridge"}
    for channel in Channel:
        address = DOCUMENT["channels"][channel]["address"]
        topic = re.sub(r"\{\w+\}", "x-1", address)
        assert str(parse(topic)) == topic
    operations = DOCUMENT["operations"]
    sent = {name for name, operation in operations.items() if operation["action"] == "send"}
    assert sent == {"send_command", "send_bridged"}
    assert all(operation["bindings"]["mqtt"]["qos"] == 1 for operation in operations.values())
    assert {name for name, operation in operations.items() if operation["bindings"]["mqtt"]["retain"]} == {"receive_status"}
    assert operations["send_command"]["reply"]["channel"] == {"$ref": "#/channels/reply"}
    pattern = DOCUMENT["channels"]["report"]["parameters"]["home"]["x-pattern"]
    assert re.search(pattern, "a" * 64)
    assert not re.search(pattern, "a" * 65)
    assert not re.search(pattern, "a/b")


def test_every_property_stands_in_it_with_its_unit() -> None:
    values = DOCUMENT["components"]["schemas"]["Values"]["properties"]
    assert set(values) == set(Property)
    assert {name for name, schema in values.items() if schema["type"] == "boolean"} == BOOLEANS
    assert {name: schema["x-unit"] for name, schema in values.items() if schema["type"] == "number"} == UNITS
    assert values["heart_rate"]["maximum"] == 350
    assert set(DOCUMENT["components"]["schemas"]["Receipt"]["enum"]) == set(Receipt)


def test_its_examples_fit_its_own_schemas_and_are_read_without_a_fault() -> None:
    read = 0
    for channel in Channel:
        message = DOCUMENT["components"]["messages"][channel]
        for example in message["examples"]:
            payload = example["payload"]
            assert list(faults(payload, _plain(resolved(message["payload"]["$ref"])), _plain(DOCUMENT))) == []
            if channel is Channel.COMMAND:
                continue
            heard = decode(f"anju/v1/330106001001/home-1/cord-1/{channel}", json.dumps(payload).encode(), NOW)
            assert isinstance(heard, Heard | StatusHeard | ReplyHeard)
            if isinstance(heard, Heard):
                assert heard.report.problems == ()
                assert len(heard.report.observations) == len(payload["values"])
                assert heard.report.clock_suspect is ("at" not in payload)
            read += 1
    assert read == 7


def _plain(schema: Any) -> Any:
    """Without what only people read."""
    if isinstance(schema, dict):
        return {name: _plain(inner) for name, inner in schema.items() if name not in ("description", "default", "x-unit", "examples")}
    return [_plain(inner) for inner in schema] if isinstance(schema, list) else schema


def test_both_documents_have_the_version_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == VERSION
    assert DOCUMENT["info"]["version"] == VERSION
