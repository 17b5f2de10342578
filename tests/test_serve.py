"""`serve`: production. No demo, no simulator; the first start makes one administrator, and says so once."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx

from tests.patience import PATIENCE_S
from tests.service import ROOT, free_port, until


def served(config: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "gateway", "serve", "--config", str(config)], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
        )  # fmt: skip


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0


def test_the_first_start_makes_an_administrator_and_the_second_does_not(tmp_path: Path) -> None:
    http, mqtt, log = free_port(), free_port(), tmp_path / "log"
    config = tmp_path / "anju.toml"
    config.write_text(f'data = "data"\n[http]\nport = {http}\n[mqtt]\nport = {mqtt}\n')
    process = served(config, log)
    try:
        until("ready", lambda: "ready: console" in log.read_text())
        found = re.search(r"first log-in: admin / (\S+)", log.read_text())
        assert found, log.read_text()
        base = f"http://127.0.0.1:{http}/api/v1"
        login = httpx.post(f"{base}/session", json={"username": "admin", "password": found[1]}, trust_env=False, timeout=PATIENCE_S)
        assert login.status_code == 200
        headers = {"Authorization": f"Bearer {login.json()['token']}"}
        assert httpx.get(f"{base}/homes", headers=headers, trust_env=False, timeout=PATIENCE_S).json()["items"] == []
        assert httpx.get(f"{base}/login", trust_env=False, timeout=PATIENCE_S).json()["demo_username"] is None
    finally:
        stop(process)
    process = served(config, log)
    try:
        until("ready again", lambda: "ready: console" in log.read_text())
        assert "first log-in" not in log.read_text()
    finally:
        stop(process)


def test_an_address_that_is_taken_is_told_with_the_place_where_it_is_written(tmp_path: Path) -> None:
    config = tmp_path / "anju.toml"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        for key in ("http", "mqtt"):
            config.write_text(f'data = "data"\n[{key}]\nport = {port}\n[{"mqtt" if key == "http" else "http"}]\nport = {free_port()}\n')
            command = [sys.executable, "-m", "gateway", "serve", "--config", str(config)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
            assert done.returncode == 1
            said = f"anju: port {port} on 127.0.0.1: Address already in use; choose another one with [{key}] in {config}\n"
            assert done.stderr == said


def test_an_empty_configuration_is_said_to_be_one_and_where_its_data_is(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way, so that nothing is started here")
    command = [sys.executable, "-m", "gateway", "serve", "--config", "/dev/null"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    first = next(line for line in (done.stdout + done.stderr).splitlines() if "says nothing" in line)
    assert first == f"anju: /dev/null says nothing: every setting is its default, the data folder is {tmp_path / 'data'}"
