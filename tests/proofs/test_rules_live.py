"""A version of the rules put live on the whole service holds across restarts and edited files; the journal replays to the fact."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from alerting.engine import Engine
from alerting.facts import Fact
from alerting.items import Item
from gateway.store.journal import Journal
from tests.judging import judging
from tests.service import ROOT, Anju, running, until

DRAFT = """
remove = ["fault"]

[[rule]]
kind = "threshold"
id = "heart-rate-low"
category = "health"
priority = 2
matter = "heart_rate"
property = "heart_rate"
at_most = 45
clear = 50
title = { zh = "心率过低", en = "Low heart rate" }
reason = { zh = "{home}心率 {value}", en = "heart rate {value} in {home}" }
"""


def pull(anju: Anju) -> str:
    """The `rule_version` of the alert that a pulse of 44 raises; empty for none, seen after a cord that was pulled behind it."""
    home = anju.home()
    watch, cord = anju.device(home["id"], "watch")["id"], anju.device(home["id"], "cord")["id"]
    kit = anju.kit()
    kit.say(home, watch, {"heart_rate": 44})
    kit.say(home, cord, {"pull_cord": True})
    kit.close()
    with anju.api() as client:

        def look() -> dict[str, str] | None:
            found = client.get("/alerts", params={"status": "open", "home": home["id"]}).json()["items"]
            return {alert["rule"]: alert["rule_version"] for alert in found} if any(a["rule"] == "pull-cord" for a in found) else None

        return until("the call", look).get("heart-rate-low", "")


def replayed(data: Path) -> tuple[list[Fact], list[Fact]]:
    """The facts of the journal, and those that its inputs give anew with the rules that it names."""
    engine = Engine()
    stored: list[Fact] = []
    given: list[Fact] = []
    for commit in Journal.reader(data).read(0):
        given += engine.advance(commit.stamp.service_at)
        for entry in commit.entries:
            if isinstance(entry, Item):
                given += engine.handle(entry, commit.stamp.service_at)
            elif isinstance(entry, Fact):
                stored.append(entry)
    return stored, given


def test_what_a_person_puts_live_holds_whatever_the_files_say_at_the_next_start(tmp_path: Path) -> None:
    folder = judging(tmp_path, [0.0, 60.0])
    words = ("--no-simulator", "--judging", str(folder))
    data = tmp_path / "data"
    with running(data, homes=2, words=words) as anju, anju.api() as client:
        client.timeout = 60
        assert pull(anju) == ""
        brought = client.post("/rules/versions", content=DRAFT.encode(), headers={"Content-Type": "application/toml"})
        assert brought.status_code == 201, brought.text
        version = brought.json()["version"]
        draft = tmp_path / "draft.toml"
        draft.write_text(DRAFT, encoding="utf-8")
        tried = subprocess.run(
            [sys.executable, "-m", "gateway", "rules", "backtest", "--rules", str(draft), "--data", str(data), "--json"],
            capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        assert tried.returncode == 0, tried.stderr
        assert [(change["what"], change["draft"][6]) for change in json.loads(tried.stdout)["changes"]] == [("added", "heart-rate-low")]
        live = client.post(f"/rules/versions/{version}/activate", json={"reason": "agreed", "backtest": "one added"})
        assert live.status_code == 200, live.text
        ruleset = live.json()["activations"][0]["ruleset"]
        assert pull(anju) == ruleset
        anju.kill("alarm")
        until("the alarm process", lambda: client.get("/homes/home-0001/judgement").status_code == 200)
    vitals = folder / "rules" / "vitals.toml"
    vitals.write_text(vitals.read_text(encoding="utf-8").replace("at_most = 91", "at_most = 90"), encoding="utf-8")
    shutil.rmtree(data / "rules")  # the draft's file: what is live does not need it
    with running(data, homes=2, words=words) as anju, anju.api() as client:
        page = client.get("/rules").json()
        assert (page["version"], page["ruleset"], page["chosen"]) == (version, ruleset, True)
        listed = {one["origin"]: one for one in client.get("/rules/versions").json()["items"]}
        edited = listed["folder"]
        assert not edited["live"]
        assert {change["rule"] for change in edited["changes"]} == {"heart-rate-low", "fault", "spo2-low"}
    stored, given = replayed(data)
    assert len(stored) > 30
    assert given == stored
