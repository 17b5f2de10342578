"""A data folder knows its format: an older one is brought up, with what is changed put aside; a newer one is refused."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from gateway.store.identity import FORMAT, STEPS, UNFINISHED, FolderRefused, Identity, Step, read, settle, write
from tests.patience import PATIENCE_S, STORY_S
from tests.service import ROOT, free_port, unpack, until

BEFORE = ROOT / "tests" / "data" / "folder-0.tar.xz"
"""Made by the version before folders had a number: three homes, a call for help that waits, a fire that an operator has claimed."""


def quiet(_: str) -> None:
    """Nobody listens."""


def unpacked(folder: Path) -> Path:
    folder.mkdir()
    unpack(BEFORE, folder)
    return folder


def test_a_new_folder_is_of_the_present_format_and_keeps_its_identity(tmp_path: Path) -> None:
    told: list[str] = []
    first = settle(tmp_path, told.append)
    assert (first.format, first.restores, told) == (FORMAT, 0, [])
    assert len(first.generation) == 16
    assert settle(tmp_path, told.append) == first == read(tmp_path)


def test_a_folder_of_a_newer_version_is_refused_untouched(tmp_path: Path) -> None:
    write(tmp_path, Identity(format=FORMAT + 1, generation="x"))
    before = (tmp_path / "format.json").read_bytes()
    with pytest.raises(FolderRefused, match="written by a newer Anju"):
        settle(tmp_path, quiet)
    assert (tmp_path / "format.json").read_bytes() == before


def test_a_number_that_cannot_be_read_is_no_number_to_go_on_with(tmp_path: Path) -> None:
    (tmp_path / "format.json").write_bytes(b'{"format": "one"')
    with pytest.raises(FolderRefused, match="cannot be read"):
        settle(tmp_path, quiet)


def test_a_restore_that_was_cut_short_is_not_started_from(tmp_path: Path) -> None:
    (tmp_path / UNFINISHED).touch()
    with pytest.raises(FolderRefused, match="was not finished"):
        settle(tmp_path, quiet)


def test_steps_run_in_order_and_what_they_change_is_put_aside_first(tmp_path: Path) -> None:
    (tmp_path / "segments").mkdir()
    (tmp_path / "a.json").write_text("old a")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.json").write_text("old b")
    attempts = 0

    def second(root: Path) -> None:
        nonlocal attempts
        attempts += 1
        (root / "a.json").write_text("half")
        if attempts == 1:
            raise OSError("the power went")
        (root / "a.json").write_text("new a")
        (root / "deep" / "b.json").write_text("new b")

    steps = (*STEPS, Step(2, ("a.json", "deep", "absent"), second))
    told: list[str] = []
    with pytest.raises(OSError, match="power"):
        settle(tmp_path, told.append, steps)
    assert read(tmp_path).format == 1, "the first step is done"
    assert settle(tmp_path, told.append, steps).format == 2
    assert (tmp_path / "a.json").read_text() == "new a"
    aside = tmp_path / "before-format-2"
    assert ((aside / "a.json").read_text(), (aside / "deep" / "b.json").read_text()) == ("old a", "old b")
    assert told == ["the data folder was brought from format 0 to 1", "the data folder was brought from format 1 to 2"]


def test_a_start_on_a_folder_of_the_version_before_keeps_alerts_homes_and_log_ins(tmp_path: Path) -> None:
    data, http = unpacked(tmp_path / "data"), free_port()
    log_ins = json.loads((data / "demo.json").read_text())
    config = tmp_path / "anju.toml"
    config.write_text(f'data = "data"\n[http]\nport = {http}\n[mqtt]\nport = {free_port()}\n[watchdog]\nevery_s = 0\n')
    log = tmp_path / "log"
    with log.open("wb") as out:
        words = [sys.executable, "-m", "gateway", "serve", "--config", str(config)]
        process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        until("ready", lambda: "ready: console" in log.read_text())
        with httpx.Client(base_url=f"http://127.0.0.1:{http}/api/v1", trust_env=False, timeout=PATIENCE_S) as client:
            login = client.post("/session", json={"username": "operator", "password": log_ins["operator"]})
            assert login.status_code == 200, login.text
            client.headers["Authorization"] = f"Bearer {login.json()['token']}"
            found = {a["category"]: a for a in client.get("/alerts", params={"status": "open"}).json()["items"]}
            assert set(found) == {"call_for_help", "fire"}
            timeline = client.get(f"/alerts/{found['fire']['id']}").json()["timeline"]
            assert any(line["by"] == "operator" for line in timeline), "who claimed it, however long ago"
            assert found["call_for_help"]["home"] == "home-0001"
            homes = client.get("/homes", params={"limit": 200}).json()["items"]
            assert len(homes) == 3
            assert client.get("/devices", params={"home": "home-0001", "limit": 200}).json()["items"]
    finally:
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    assert "first log-in" not in log.read_text(), "there were users already"
    assert "brought from format 0 to 1" in log.read_text()
    assert read(data).format == FORMAT


def test_serve_on_a_folder_of_a_newer_version_ends_with_one_plain_line(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    write(data, Identity(format=FORMAT + 1, generation="x"))
    shutil.copy(data / "format.json", tmp_path / "before")
    config = tmp_path / "anju.toml"
    config.write_text(f'data = "data"\n[http]\nport = {free_port()}\n[mqtt]\nport = {free_port()}\n[watchdog]\nevery_s = 0\n')
    words = [sys.executable, "-m", "gateway", "serve", "--config", str(config)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=STORY_S, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "written by a newer Anju" in line
    assert (data / "format.json").read_bytes() == (tmp_path / "before").read_bytes()
