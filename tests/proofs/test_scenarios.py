"""Every shipped scenario, told by the command to the whole service: each planted event is answered in time, none twice, none in vain."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from simulator.scenario import SHIPPED, shipped
from tests.patience import STORY_S
from tests.service import ROOT, Anju, Json, running, until

SPEEDS = {
    "alarm_storm": 12, "community": 150, "dead_battery": 40, "kitchen_fire": 100, "night_fall": 120, "pulled_cord": 10,
    "connect_storm": 6, "area_outage": 100, "slow_drain": 150,
}  # fmt: skip
"""How much faster than life each is told: what is awaited after an event stays real time."""

FEWER = dict.fromkeys(("connect_storm", "area_outage", "slow_drain"), ("--homes", "40"))
"""Fleets, as many as live here."""

HUB_OFFLINE_QUICKLY = {
    "real_time = true\n": "", '"6m"': '"12s"', '"20s"\nhome': '"1s"\nhome', '"5m"': '"7s"', '"4m"': '"8s"', '"4m50s"': '"6s"',
    '"50s"': '"12s"',
}  # fmt: skip
"""The same story for a county whose rules wait two seconds for a hub, not three minutes."""


@pytest.fixture(scope="module")
def anju(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anju]:
    with running(tmp_path_factory.mktemp("scenarios") / "data", homes=40, words=("--no-simulator",)) as service:
        yield service


def simulate(anju: Anju, *words: str, seconds: float = STORY_S) -> tuple[int, Json, str]:
    """The command as `./anju simulate` starts it: exit code, report, table."""
    report = anju.data.parent / "report.json"
    report.unlink(missing_ok=True)
    done = subprocess.run(
        [
            sys.executable, "-m", "simulator", "simulate", *words,
            "--endpoints", str(anju.data / "endpoints.json"), "--report", str(report),
        ],
        cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip
    assert report.exists(), f"ended with {done.returncode}: {done.stderr}"
    return done.returncode, json.loads(report.read_text()), done.stdout


def all_answered(code: int, report: Json, table: str) -> None:
    assert code == 0, table
    assert report["passed"]
    assert report["seen"] == sum(row["expected"] != "nothing" for row in report["events"]) > 0, table
    faults = ("missed", "late", "wrong_priority", "false", "doubled", "not_planted", "not_watched", "undelivered", "dropped")
    assert {fault: report[fault] for fault in faults} == dict.fromkeys(faults, 0), table
    assert report["witness"] == "stream"


def close_everything(anju: Anju) -> None:
    """A clear desk, so that the next scenario's alerts are all new."""
    with anju.operator() as desk:
        while open_ones := desk.get("/alerts", params={"status": "open", "limit": 200}).json()["items"]:
            for alert in open_ones:
                answer = desk.post(f"/alerts/{alert['id']}/close", json={"disposition": "test", "reason": "a scenario"})
                assert answer.status_code == 200, answer.text


def test_a_home_has_hours_to_look_at_soon_after_the_first_start_and_none_of_them_raised_an_alert(tmp_path: Path) -> None:
    with running(tmp_path / "data", homes=3) as anju, anju.api() as client:

        def hours(home: str) -> bool:
            """How often a watch speaks, and of what heart, is another thing by night, on its charger, than by day."""
            asked = {"device": f"{home}-watch", "property": "heart_rate", "limit": "100"}
            items = client.get("/telemetry", params=asked).json()["items"]
            spans = [datetime.fromisoformat(item["at"]) for item in (items[:1] + items[-1:])]
            return len(items) >= 10 and spans[1] - spans[0] > timedelta(hours=1) and all(35 <= item["value"] <= 160 for item in items)

        homes = [home["id"] for home in client.get("/homes").json()["items"]]
        until("three hours of every home", lambda: all(map(hours, homes)), pause=0.2)
        alerts = client.get("/alerts", params={"limit": 200}).json()["items"]
        assert [alert["title"] for alert in alerts if alert["category"] != "call_for_help"] == []  # the first call may be on its way
        assert client.get("/quarantine").json()["items"] == []


def test_there_is_a_proof_for_every_shipped_scenario() -> None:
    elsewhere = {"county_night", "bad_lines"}  # test_county_night.py, tests/test_simulator_weather.py
    assert {*SPEEDS, "hub_offline"} | elsewhere == set(shipped())


@pytest.mark.parametrize("name", SPEEDS)
def test_every_planted_event_is_answered_once(anju: Anju, name: str) -> None:
    all_answered(*simulate(anju, name, "--speed", str(SPEEDS[name]), *FEWER.get(name, ())))
    close_everything(anju)


def test_a_call_that_never_leaves_the_home_fails_the_run_and_is_named(anju: Anju, tmp_path: Path) -> None:
    story = tmp_path / "cut_off.toml"
    story.write_text("""
homes = 2
duration = "4s"
title = { zh = "喊不出去", en = "Nobody hears" }
story = { zh = "断线的那户拉了绳。", en = "The home whose line is dead pulls its cord." }
[[event]]
at = "1s"
home = 1
do = "cut_line"
lasts = "1h"
expect = "nothing"
[[event]]
at = "2s"
home = 1
do = "pull_cord"
device = "cord-bed"
expect = { category = "call_for_help", priority = 1, within = "2s" }
[[event]]
at = "3s"
home = 2
do = "pull_cord"
device = "cord-bed"
expect = { category = "call_for_help", priority = 1, within = "2s" }
""")
    code, report, table = simulate(anju, str(story))
    assert code == 1
    assert (report["passed"], report["seen"], report["missed"], report["false"], report["doubled"]) == (False, 1, 1, 0, 0)
    missed = next(row for row in report["events"] if row["outcome"] == "missed")
    other = next(row["home"] for row in report["events"] if row["outcome"] == "seen")
    assert (missed["act"], missed["device"]) == ("pull_cord", f"{missed['home']}-cord-bed")
    assert missed["home"] != other
    line = next(line for line in table.splitlines() if "missed" in line)
    assert missed["home"] in line
    assert "cord-bed" in line
    assert table.endswith("FAILED\n")
    close_everything(anju)


def test_a_hub_that_is_cut_off_is_told_and_its_call_arrives_once_it_is_back(tmp_path: Path) -> None:
    judging = tmp_path / "judging"
    shutil.copytree(ROOT / "config", judging, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    rules = judging / "rules" / "technical.toml"
    rules.write_text(changed(rules.read_text(), {'offline_grace = "PT3M"': 'offline_grace = "PT2S"'}))
    story = tmp_path / "hub_offline_quickly.toml"
    story.write_text(changed((SHIPPED / "hub_offline.toml").read_text(), HUB_OFFLINE_QUICKLY))
    with running(tmp_path / "data", homes=2, words=("--no-simulator", "--judging", str(judging))) as anju:
        code, report, table = simulate(anju, str(story))
        all_answered(code, report, table)
        assert [row["expected"] for row in report["events"]] == ["technical", "call_for_help P1"]


@pytest.mark.long
@pytest.mark.timeout(500)
def test_a_hub_that_is_cut_off_is_told_as_the_shipped_rules_have_it(tmp_path: Path) -> None:
    with running(tmp_path / "data", homes=2, words=("--no-simulator",)) as anju:
        all_answered(*simulate(anju, "hub_offline", seconds=450))


def changed(text: str, changes: dict[str, str]) -> str:
    for before, after in changes.items():
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text
