"""The desk and its stores: charts from one outside, from the history when that one is away; how far each is; what was refused."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from gateway.settings import load_settings
from gateway.telemetry import follower as follower_module
from gateway.telemetry import outside as outside_module
from gateway.telemetry.reading import open_charts
from gateway.web import historian as historian_module
from gateway.web import telemetry as telemetry_module
from tests.influx2_fake import TOKEN, Influx2Fake
from tests.patience import PATIENCE_S
from tests.timeseries import Influx, served
from tests.web_alarm import HOME
from tests.web_desk import Json, Service, TelemetryProcess, service, until

CORD = f"{HOME}-cord"
ASKED = {"device": CORD, "property": "battery"}


@pytest.fixture
def influx(tmp_path: Path) -> Iterator[Influx]:
    influx = Influx(tmp_path / "influx")
    with served(influx):
        yield influx


@pytest.fixture
def home(tmp_path: Path, influx: Influx, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Charts are read from InfluxDB; `broken` is a second store."""
    monkeypatch.setenv("ANJU_TEST_TOKEN", TOKEN)
    monkeypatch.setattr(follower_module, "POLL_S", 0.02)
    monkeypatch.setattr(outside_module, "FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr(outside_module, "LONGEST_PAUSE_S", 0.05)
    monkeypatch.setattr(historian_module, "ASK_AGAIN_S", 0.2)
    fake = Influx2Fake()
    fake.refuses = lambda measurement: measurement == "steps"
    file = tmp_path / "anju.toml"
    file.write_text('[telemetry]\nread = "influx"\n' + influx.settings() + fake.settings("picky"))
    telemetry = load_settings(file).telemetry
    with service(tmp_path / "data") as running:
        running.telemetry.stop()
        running.web.stop()
        running.web.settings = msgspec.structs.replace(running.web.settings, telemetry=telemetry)
        assert telemetry.read_from is not None
        running.web.charts = open_charts(telemetry.read_from)
        running.telemetry = TelemetryProcess(running.web.settings).start()
        running.web.start()
        running.web.ready()
        running.register()
        yield running
    fake.close()


def chart(home: Service) -> Json:
    answer = home.operator.get("/telemetry", params=ASKED)
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


def stores(home: Service) -> dict[str, Json]:
    return {one["name"]: one for one in home.operator.get("/telemetry/stores").json()["items"]}


def readyz(home: Service) -> Json:
    body: Json = httpx.get(f"{home.web.url}/readyz", trust_env=False, timeout=PATIENCE_S).json()
    return body


def test_a_chart_comes_from_the_store_and_says_so(home: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry_module, "WAIT_S", PATIENCE_S)
    home.see(home.alarm.report(CORD, battery=80))
    drawn = chart(home)
    assert ([item["value"] for item in drawn["items"]], drawn["source"], drawn["instead"]) == ([80], "influx", None)


def test_when_the_store_is_away_the_chart_comes_from_the_history_marked(home: Service, influx: Influx) -> None:
    home.see(home.alarm.report(CORD, battery=80))
    assert chart(home)["source"] == "influx"
    influx.stop()
    home.see(home.alarm.report(CORD, battery=79))
    until("the history has it", lambda: [item["value"] for item in chart(home)["items"]] == [80, 79])
    drawn = chart(home)
    assert drawn["source"] == "history"
    assert "influx" in drawn["instead"]["en"]
    assert "influx" in drawn["instead"]["zh"]
    until("it is said on every page", lambda: [p for p in readyz(home)["problems"] if "'influx' is not being written" in p["en"]])
    assert readyz(home)["ready"] is True, "calls are heard and shown; readings are caught up"
    influx.start()
    until("the store has caught up", lambda: chart(home)["source"] == "influx" and len(chart(home)["items"]) == 2)
    until("nothing more is said", lambda: not readyz(home)["problems"])


def test_a_store_that_lags_is_not_shown_as_the_present(home: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    seq = home.alarm.report(CORD, battery=80)
    until("it is in the store", lambda: stores(home)["influx"]["position"] >= seq)
    until("it is the store's", lambda: chart(home)["source"] == "influx")
    monkeypatch.setattr(historian_module, "BEHIND_S", -1.0)
    drawn = chart(home)
    assert (drawn["source"], drawn["instead"]["en"]) == ("history", "the store 'influx' is 0 s behind")


def test_how_far_each_store_is_and_what_it_refused(home: Service) -> None:
    home.alarm.report(CORD, battery=80)
    seq = home.alarm.report("watch", steps=7)
    until("all are there", lambda: all(one["position"] >= seq for one in stores(home).values()))
    assert set(stores(home)) == {"history", "evidence", "influx", "picky"}
    assert {name: one["refused"] for name, one in stores(home).items()} == {"history": 0, "evidence": 0, "influx": 0, "picky": 1}
    assert {one["behind_entries"] for one in stores(home).values()} == {0}
    [refused] = home.operator.get("/telemetry/stores/picky/refused").json()["items"]
    assert refused["line"].startswith("steps,area=")
    assert "field type conflict" in refused["reason"]
    assert home.operator.get("/telemetry/stores/influx/refused").json()["items"] == []
    assert home.operator.get("/telemetry/stores/history/refused").json()["items"] == []
    assert home.operator.get("/telemetry/stores/nobody/refused").status_code == 404
    assert home.operator.get("/telemetry/stores/picky/refused", params={"limit": 0}).status_code == 422
    assert httpx.get(f"{home.web.url}/api/v1/telemetry/stores", trust_env=False, timeout=PATIENCE_S).status_code == 401


def test_the_figures_have_a_line_for_every_store(home: Service) -> None:
    seq = home.alarm.report("watch", steps=7, heart_rate=60)
    until("all are there", lambda: all(one["position"] >= seq for one in stores(home).values()))
    text = httpx.get(f"{home.web.url}/metrics", trust_env=False, timeout=PATIENCE_S).text
    for store in ("history", "influx", "picky"):
        assert f'anju_store_behind_entries{{store="{store}"}} 0.0' in text
        assert f'anju_store_waits{{store="{store}"}} 0.0' in text
    assert 'anju_store_refused_total{store="picky"} 1.0' in text
    assert 'anju_store_points_total{store="influx"}' in text
    assert "anju_telemetry_up 1.0" in text
    assert 'anju_jobs_failed{process="telemetry"} 0.0' in text
    home.telemetry.stop()
    until("it is down", lambda: "anju_telemetry_up 0.0" in httpx.get(f"{home.web.url}/metrics", trust_env=False, timeout=PATIENCE_S).text)
