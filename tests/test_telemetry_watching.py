"""What watches Anju from outside: Prometheus' alert rules and Grafana's dashboard name only figures that there are, and hold water.

promtool is the real one. Grafana itself is not to be had here: the dashboard's form is checked as far as its documentation tells it.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from devices.observation import Property
from gateway import watchdog_status
from gateway.clock import MACHINE
from gateway.watchdog_settings import Watchdog
from gateway.watchdog_status import Watched
from tests.patience import PATIENCE_S
from tests.telemetry import Book, following, outside, reached, said
from tests.timeseries import Influx, Server, Victoria, program, served
from tests.web_alarm import AREA, HOME
from tests.web_desk import service, until

CONFIG = Path(__file__).resolve().parents[1] / "config"
RULES = CONFIG / "prometheus" / "alerts.yml"
DASHBOARD = CONFIG / "grafana" / "anju.json"
NAME = re.compile(r"\banju_[a-z0-9_]+")
SELECTED = re.compile(r"\b(anju_[a-z0-9_]+)\{([^}]*)\}")

Json = dict[str, Any]


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Every figure that /metrics tells, with the names of its labels."""
    with service(tmp_path_factory.mktemp("watching") / "data") as running:
        running.register()
        running.pull_cord()
        running.operator.post(f"/alerts/{running.admin.get('/alerts').json()['items'][0]['id']}/acknowledge")
        seq = running.alarm.report(f"{HOME}-cord", battery=80)
        running.web.stop()
        running.web.settings = msgspec.structs.replace(running.web.settings, watchdog=Watchdog())
        now = MACHINE.wall()
        watchdog_status.write(running.data, Watched(boot_id=MACHINE.boot_id(), spoke_boottime=MACHINE.boottime(), spoke_at=now,
                                                    began_boottime=0.0, every_s=60.0, seen=1, last_seen_at=now))  # fmt: skip
        running.web.start()
        until("the history has it", lambda: running.web.desk.historian.position >= seq)
        running.web.ready()
        text = httpx.get(f"{running.web.url}/metrics", trust_env=False, timeout=PATIENCE_S).text
    found: dict[str, set[str]] = {line.split(" ")[2]: set() for line in text.splitlines() if line.startswith("# TYPE ")}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, rest = line.rpartition(" ")[0].partition("{")
            found.setdefault(name, set()).update(re.findall(r'(\w+)="', rest))
    return found


def promtool(*words: str) -> str:
    done = subprocess.run([program("promtool", "prometheus"), *words], capture_output=True, text=True, cwd=RULES.parent, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_rules_and_the_example_of_a_configuration_are_sound() -> None:
    assert "27 rules found" in promtool("check", "rules", "--lint-fatal", "alerts.yml")
    promtool("check", "config", "prometheus.example.yml")


def test_the_rules_fire_when_they_should_and_only_then() -> None:
    assert "SUCCESS" in promtool("test", "rules", "alerts.test.yml")


def named(text: str, figures: dict[str, set[str]]) -> None:
    for name in NAME.findall(text):
        assert name in figures, f"{name} is not a figure of /metrics"
    for name, labels in SELECTED.findall(text):
        for label in re.findall(r"(\w+)\s*[=!]", labels):
            assert label in figures[name], f"{name} has no label {label}"


def test_every_figure_that_a_rule_names_is_there(figures: dict[str, set[str]]) -> None:
    text = RULES.read_text(encoding="utf-8")
    assert len(set(NAME.findall(text))) > 15
    named(text, figures)


def test_every_rule_says_who_is_woken_what_is_wrong_in_two_languages_and_what_to_do() -> None:
    rules = RULES.read_text(encoding="utf-8").split("- alert: ")[1:]
    for rule in rules:
        assert re.search(r"severity: (page|ticket)", rule), rule
        assert re.search(r"summary: .*[\u4e00-\u9fff]", rule), rule
        assert re.search(r"summary_en: \S", rule), rule
        assert re.search(r"action: \S", rule), rule


class Prometheus(Server):
    """With the rules and the example of a configuration, pointed at one web process and hurried."""

    path = "/-/ready"

    def __init__(self, folder: Path, target: str) -> None:
        super().__init__(folder)
        text = (RULES.parent / "prometheus.example.yml").read_text(encoding="utf-8")
        assert "127.0.0.1:8080" in text
        self._config = folder / "prometheus.yml"
        self._config.write_text(text.replace("127.0.0.1:8080", target).replace("15s", "1s"), encoding="utf-8")
        (folder / "alerts.yml").write_bytes(RULES.read_bytes())

    def words(self) -> list[str]:
        return [
            program("prometheus", "prometheus"), f"--config.file={self._config}", f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]  # fmt: skip

    def value(self, query: str) -> float | None:
        result = self.get("/api/v1/query", query=query).json()["data"]["result"]
        return float(result[0]["value"][1]) if result else None


def test_a_real_prometheus_reads_the_figures_and_judges_by_the_rules(tmp_path: Path) -> None:
    with service(tmp_path / "data") as running:
        prometheus = Prometheus(tmp_path / "prometheus", f"127.0.0.1:{running.web.port}")
        with served(prometheus):
            until("it has read them", lambda: prometheus.value("anju_ready") == 1)
            assert prometheus.value('up{job="anju"}') == 1
            running.register()
            running.pull_cord()
            until("the call", lambda: prometheus.value('sum(anju_alerts_open{priority="1", status="triggered"})') == 1)

            def judged() -> bool:
                groups = prometheus.get("/api/v1/rules").json()["data"]["groups"]
                rules = [rule for group in groups for rule in group["rules"]]
                assert all(rule["health"] in ("ok", "unknown") for rule in rules), [rule for rule in rules if rule.get("lastError")]
                return {rule["name"] for rule in rules if rule["state"] == "pending"} >= {"AnjuLifeAtRiskUnanswered"}

            until("the rule waits its five minutes", judged)


# --- the dashboard -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dashboard() -> Json:
    document: Json = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return document


def targets(dashboard: Json) -> Iterator[tuple[Json, Json]]:
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield panel, target


def test_the_dashboard_has_the_form_that_grafana_imports(dashboard: Json) -> None:
    assert {"uid", "title", "schemaVersion", "panels", "templating", "time"} <= dashboard.keys()
    assert "id" not in dashboard, "Grafana gives it one"
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken, panel["title"]
        assert all(x < 24 for x, _ in cells), panel["title"]
        taken |= cells
        assert panel["type"] in ("row", "stat", "timeseries")
        assert panel["title"]
        if panel["type"] != "row":
            assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) > 0
            assert {"defaults", "overrides"} == panel["fieldConfig"].keys()


def test_every_datasource_is_chosen_by_whoever_looks(dashboard: Json) -> None:
    """A uid of somebody else's Grafana would be nothing here."""
    chosen = {v["name"]: v["query"] for v in dashboard["templating"]["list"] if v["type"] == "datasource"}
    assert chosen == {"prometheus": "prometheus", "readings": "prometheus", "influx": "influxdb"}
    sources = [target["datasource"] for _, target in targets(dashboard)]
    sources += [v["datasource"] for v in dashboard["templating"]["list"] if v["type"] == "query"]
    for source in sources:
        assert chosen[source["uid"].strip("${}")] == source["type"]


def test_every_figure_that_a_panel_names_is_there(dashboard: Json, figures: dict[str, set[str]]) -> None:
    for panel, target in targets(dashboard):
        if panel["datasource"]["uid"] == "${prometheus}":
            assert NAME.findall(target["expr"]), panel["title"]
            named(target["expr"], {**figures, "anju_http_answer_seconds_bucket": {"le"}})


def test_every_reading_that_a_panel_names_is_a_property(dashboard: Json) -> None:
    known = {str(prop) for prop in Property}
    seen = set()
    for panel, target in targets(dashboard):
        if panel["datasource"]["uid"] == "${readings}":
            found = re.fullmatch(r'(\w+)_value\{home="\$home", device="\$device"\}', target["expr"])
        elif panel["datasource"]["uid"] == "${influx}":
            found = re.search(r'FROM "(\w+)"', target["query"])
        else:
            continue
        assert found is not None, panel["title"]
        assert found[1] in known
        seen.add(found[1])
    assert len(seen) > 10


def test_every_expression_of_a_panel_is_promql(dashboard: Json, tmp_path: Path) -> None:
    rules = []
    for number, (_, target) in enumerate(targets(dashboard)):
        if "expr" in target:
            plain = target["expr"].replace("$__rate_interval", "5m").replace("$home", "h").replace("$device", "d")
            rules.append({"record": f"panel:{number}", "expr": plain})
    file = tmp_path / "panels.yml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))  # JSON is YAML
    assert f"{len(rules)} rules found" in promtool("check", "rules", str(file))


def test_the_real_stores_answer_what_the_panels_of_readings_ask(dashboard: Json, tmp_path: Path) -> None:
    victoria, influx, book = Victoria(tmp_path / "vm"), Influx(tmp_path / "influx"), Book(tmp_path / "data")
    now = MACHINE.wall()
    values: dict[str, float] = {str(prop): 1 for prop in Property}
    seq = book.commit(said("watch", now, home=HOME, area=AREA, **values))
    with served(victoria), served(influx):
        for server in (victoria, influx):
            with following(outside(book, server.settings()), book) as follower:
                reached(follower, seq)
        for panel, target in targets(dashboard):
            if panel["datasource"]["uid"] == "${readings}":
                query = target["expr"].replace("$home", HOME).replace("$device", "watch")
                asked = {"query": query, "time": f"{now.timestamp() + 1:.3f}", "step": "5m", "nocache": "1"}
                found = until(query, lambda asked=asked: victoria.get("/api/v1/query", **asked).json()["data"]["result"])  # type: ignore[misc]
                assert found[0]["value"][1] == "1"
            elif panel["datasource"]["uid"] == "${influx}":
                query = target["query"].replace("$home", HOME).replace("$device", "watch")
                [series] = influx.ask(query.replace("$timeFilter", "time > now() - 1h").replace("$__interval", "1m"))
                assert [value for _, value in series["values"]] == [1.0]
    book.close()
