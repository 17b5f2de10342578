"""A scenario as a recording: the same bytes each time, received when the line lets it through, and read by the backtest of rules."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main as anju
from simulator.__main__ import main as simulator
from simulator.recording import DAY

NINE = DAY + timedelta(hours=9)


def recorded(story: str, file: Path, *words: str) -> list[dict[str, Any]]:
    assert simulator(["simulate", story, "--dry", "--recording", str(file), *words]) == 0
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def received(line: dict[str, Any]) -> timedelta:
    return datetime.fromisoformat(line["received_at"]) - NINE


def test_a_seed_is_one_recording_byte_for_byte_and_another_seed_is_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = recorded("pulled_cord", tmp_path / "one.jsonl")
    assert f"recording of {sum('topic' in line for line in lines)} messages" in capsys.readouterr().out
    recorded("pulled_cord", tmp_path / "two.jsonl")
    recorded("pulled_cord", tmp_path / "other.jsonl", "--seed", "2")
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes() != (tmp_path / "other.jsonl").read_bytes()


def test_whom_it_is_of_stands_before_what_they_said_and_that_in_the_order_of_receipt(tmp_path: Path) -> None:
    lines = recorded("pulled_cord", tmp_path / "one.jsonl")
    first = next(index for index, line in enumerate(lines) if "topic" in line)
    assert all("register" in line for line in lines[:first])
    assert all("topic" in line for line in lines[first:])
    homes = {line["register"]["home"]["id"] for line in lines[:first] if "home" in line["register"]}
    assert homes == {"home-0001", "home-0002", "home-0003"}
    moments = [received(line) for line in lines[first:]]
    assert moments == sorted(moments)
    assert moments[0] == timedelta(0)
    calls = [line for line in lines[first:] if line["topic"].endswith("/alarm")]
    assert [(line["topic"].split("/")[3], received(line).total_seconds()) for line in calls] == [
        ("home-0001", 14), ("home-0002", 17), ("home-0002", 17), ("home-0002", 17),
    ]  # fmt: skip
    assert len({line["payload"]["id"] for line in calls[1:]}) == 1, "a radio that stutters says one report three times"


def test_what_is_said_while_the_line_is_cut_is_received_when_it_is_back_and_the_call_first(tmp_path: Path) -> None:
    lines = [line for line in recorded("hub_offline", tmp_path / "cut.jsonl") if "/home-0001/" in line.get("topic", "")]
    cut, back = timedelta(seconds=20), timedelta(minutes=5, seconds=20)
    (will,) = [line for line in lines if received(line) == cut and line["payload"] == {"status": "offline"}]
    assert will["topic"].endswith("/home-0001-hub/status")
    assert not [line for line in lines if cut < received(line) < back]
    after = [line for line in lines if received(line) == back]
    assert after[0]["payload"]["values"]["pull_cord"] is True
    pulled = datetime.fromisoformat(after[0]["payload"]["at"]) - NINE
    assert abs(pulled - timedelta(minutes=4, seconds=50)) < timedelta(seconds=1), "by the device's own clock"
    assert {"status": "online"}.items() <= after[1]["payload"].items()


def test_a_draft_of_rules_is_tried_on_a_story(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording, draft = tmp_path / "story.jsonl", tmp_path / "draft.toml"
    recorded("pulled_cord", recording)
    draft.write_text('remove = ["calls-again", "pull-cord"]\n')
    capsys.readouterr()
    assert anju(["rules", "backtest", "--rules", str(draft), "--recording", str(recording), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["homes"], found["now_alerts"], found["draft_alerts"]) == (3, 2, 0)
    assert [(change["what"], change["home"]) for change in found["changes"]] == [("removed", "home-0001"), ("removed", "home-0002")]
    assert not [note for note in found["notes"] if "cannot be read" in note]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--recording", "x.jsonl"), "--recording goes with --dry"),
        (("--dry",), "--truth FILE or --recording FILE"),
        (("--dry", "--recording", "/nowhere-at-all/x.jsonl"), "there is no folder /nowhere-at-all"),
    ],
)
def test_what_cannot_be_meant_is_said_in_one_line(words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulator(["simulate", "pulled_cord", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
