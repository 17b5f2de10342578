"""The evidence by HTTP and from a shell: verified, and a resident erased from everything that is kept."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gateway.__main__ import main
from tests.evidence import change
from tests.json_schema import faults
from tests.patience import PATIENCE_S
from tests.service import until
from tests.web_alarm import HOME
from tests.web_desk import ADMIN, Service, service

NAMES = ("陈桂英", "12 栋 3 单元 402", "已联系陈志强")


@pytest.fixture
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("audit") / "data") as running:
        running.register()
        yield running


def kept(desk: Service) -> None:
    """The evidence has what the journal has."""
    until("the evidence is written", lambda: desk.web.desk.historian.followed("evidence").position >= desk.alarm.seq)  # type: ignore[union-attr]


def closed_call(desk: Service) -> str:
    alert = str(desk.pull_cord()["id"])
    for path, body in (("claim", {}), ("acknowledge", {}), ("note", {"text": NAMES[2]}), ("close", {"disposition": "assistance_given"})):
        answer = desk.operator.post(f"/alerts/{alert}/{path}", json=body)
        assert answer.status_code < 300, answer.text
    return alert


def test_a_resident_is_erased_and_the_evidence_still_verifies(desk: Service, capsys: pytest.CaptureFixture[str]) -> None:
    alert = closed_call(desk)
    lived_in = desk.admin.post(f"/homes/{HOME}/erase", json={"reason": "asked"})
    assert (lived_in.status_code, "not retired" in lived_in.text) == (409, True)
    assert desk.admin.delete(f"/homes/{HOME}").status_code == 204
    assert desk.operator.post(f"/homes/{HOME}/erase", json={"reason": "asked"}).status_code == 403
    assert desk.admin.post(f"/homes/{HOME}/erase", json={"reason": " "}).status_code == 422
    assert desk.admin.post("/homes/nobody/erase", json={"reason": "asked"}).status_code == 404
    done = desk.admin.post(f"/homes/{HOME}/erase", json={"reason": "家属申请"})
    assert (done.status_code, done.json()["home"]) == (200, HOME)

    told = desk.operator.get(f"/alerts/{alert}").text
    assert not any(name in told for name in NAMES)
    assert '"disposition":"assistance_given"' in told, "what was found stays"
    kept(desk)
    found = desk.admin.post("/audit/verify", timeout=PATIENCE_S).json()
    assert (found["good"], found["findings"]) == (True, [])
    [erased] = found["erased"]
    assert (erased["home"], erased["by"]) == (HOME, ADMIN)
    assert erased["entries"] >= 3

    assert main(["audit", "verify", "--data", str(desk.data)]) == 0
    assert f"{HOME}: erased on" in capsys.readouterr().out
    until("the desk's view is written", lambda: desk.web.desk.views.store.written >= desk.alarm.seq)
    desk.web.stop()
    files = b"".join(path.read_bytes() for path in desk.data.iterdir() if path.name.startswith(("evidence.db", "views.db")))
    assert not any(name.encode() in files for name in NAMES)


def test_whoever_changed_the_file_is_found_out_from_a_shell(desk: Service, capsys: pytest.CaptureFixture[str]) -> None:
    closed_call(desk)
    kept(desk)
    assert main(["audit", "verify", "--data", str(desk.data), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["good"]
    desk.telemetry.stop()
    change(desk.data, "DELETE FROM entry WHERE kind = 'acked'")
    assert main(["audit", "verify", "--data", str(desk.data), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert {one["fault"] for one in said["findings"]} >= {"missing"}
    assert main(["audit", "verify", "--data", str(desk.data), "--anchor", "2026-11-22=beef"]) == 1
    assert "DAY=HEX" in capsys.readouterr().err


def test_without_evidence_there_is_nothing_to_verify(tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify", "--data", str(tmp_path_factory.mktemp("empty"))]) == 1
    assert "no evidence" in capsys.readouterr().err


def test_the_month_is_counted_from_the_evidence_and_a_near_miss_is_reviewed(desk: Service) -> None:
    alert = closed_call(desk)
    kept(desk)
    month = desk.web.desk.condition.now().astimezone(desk.web.settings.zone).strftime("%Y-%m")
    found = desk.operator.get("/reports/month", params={"month": month}, timeout=PATIENCE_S)
    assert found.status_code == 200, found.text
    assert (found.json()["answering"]["count"], found.json()["by_disposition"]) == (1, {"assistance_given": 1})
    assert found.json()["answering"] == {**desk.operator.get("/reports/answering", params={"month": month}).json()["all"]}
    document = httpx.get(f"{desk.web.url}/openapi.json", trust_env=False, timeout=PATIENCE_S).json()
    schema = document["paths"]["/api/v1/reports/month"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema["properties"]["answering"]["properties"]["count"] == {"type": "integer"}
    assert list(faults(found.json(), plain(schema), plain(schema))) == []
    assert list(faults({**found.json(), "raised": "many"}, plain(schema), plain(schema))) != [], "the schema does say something"
    assert set(found.json()) == set(schema["required"])
    for form, begins in (("pdf", b"%PDF-"), ("xlsx", b"PK")):
        answer = desk.operator.get(f"/reports/month.{form}", params={"month": month}, timeout=PATIENCE_S)
        assert (answer.status_code, answer.content[: len(begins)]) == (200, begins)
    assert desk.operator.get("/reports/month", params={"month": "2026-13"}).status_code == 422
    assert desk.operator.post(f"/alerts/{alert}/review", json={"outcome": "person"}).status_code == 403
    assert desk.admin.post("/alerts/none/review", json={"outcome": "person"}).status_code == 404
    done = desk.admin.post(f"/alerts/{alert}/review", json={"outcome": "person", "text": "已谈话"})
    assert (done.status_code, done.json()["by"]) == (200, ADMIN)
    kept(desk)
    assert desk.admin.post("/audit/verify", timeout=PATIENCE_S).json()["good"]


def plain(schema: Any) -> Any:
    """Without the words that are for people, which the validator does not read."""
    if isinstance(schema, dict):
        return {key: plain(value) for key, value in schema.items() if key != "description" or isinstance(value, dict)}
    return [plain(one) for one in schema] if isinstance(schema, list) else schema
