"""A night in a county against `serve`: its homes registered through the API, each hub with a credential of its own, and nothing missed.

Sixty homes in two minutes here; a thousand homes and six thousand devices in the long form. What stands in docs/simulator.md is this.
"""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.service import ROOT, free_port, until

FAULTS = ("missed", "late", "wrong_priority", "false", "doubled", "without_receipt", "not_planted", "undelivered", "dropped")


@contextmanager
def county(folder: Path) -> Iterator[tuple[str, str, str]]:
    """`serve` on free ports: (API, broker, administrator as NAME:PASSWORD)."""
    http, mqtt, log = free_port(), free_port(), folder / "log"
    config = folder / "anju.toml"
    config.write_text(f'data = "data"\n[http]\nport = {http}\n[mqtt]\nport = {mqtt}\n[watchdog]\nevery_s = 0\n')
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "serve", "--config", str(config)], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        until("ready", lambda: "ready: console" in log.read_text(), 60)
        found = re.search(r"first log-in: admin / (\S+)", log.read_text())
        assert found, log.read_text()
        yield f"http://127.0.0.1:{http}", f"mqtt://127.0.0.1:{mqtt}", f"admin:{found[1]}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def night(folder: Path, *words: str, seconds: float) -> None:
    report, truth = folder / "night.json", folder / "truth.jsonl"
    with county(folder) as (api, broker, admin):
        done = subprocess.run(
            [
                sys.executable, "-m", "simulator", "simulate", "county_night", *words, "--api", api, "--broker", broker, "--user", admin,
                "--register", "--report", str(report), "--truth", str(truth),
            ],
            cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip
    assert report.exists(), done.stderr
    told = json.loads(report.read_text())
    assert {fault: told[fault] for fault in FAULTS} == dict.fromkeys(FAULTS, 0), done.stdout
    assert (done.returncode, told["passed"], told["witness"]) == (0, True, "stream"), done.stdout
    acts = [row["act"] for row in told["events"] if row["outcome"] == "seen"]
    assert acts.count("pull_cord") == 40
    assert acts.count("fall") == 16
    assert acts.count("kitchen_fire") == 1
    assert acts.count("mains_outage") > 10
    assert told["receipts"] > 50
    events = {line["event"] for line in map(json.loads, truth.read_text().splitlines()) if "event" in line}
    assert events == {row["plant"] for row in told["events"]}


@pytest.mark.timeout(300)
def test_a_small_county_lives_through_its_night_and_no_call_is_missed(tmp_path: Path) -> None:
    night(tmp_path, "--homes", "60", "--speed", "360", seconds=240)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_county_of_a_thousand_homes_lives_through_its_night_and_no_call_is_missed(tmp_path: Path) -> None:
    night(tmp_path, "--speed", "60", "--processes", "2", seconds=3000)
