"""`serve`: production. No demo, no simulator; the first start makes one administrator, and says so once."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from tests.service import ROOT, free_port, until


def served(config: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "gateway", "serve", "--config", str(config)], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
        )  # fmt: skip


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def test_the_first_start_makes_an_administrator_and_the_second_does_not(tmp_path: Path) -> None:
    http, mqtt, log = free_port(), free_port(), tmp_path / "log"
    config = tmp_path / "anju.toml"
    config.write_text(f'data = "data"\n[http]\nport = {http}\n[mqtt]\nport = {mqtt}\n')
    process = served(config, log)
    try:
        until("ready", lambda: "ready: console" in log.read_text(), 30)
        found = re.search(r"first log-in: admin / (\S+)", log.read_text())
        assert found, log.read_text()
        base = f"http://127.0.0.1:{http}/api/v1"
        login = httpx.post(f"{base}/session", json={"username": "admin", "password": found[1]}, trust_env=False)
        assert login.status_code == 200
        headers = {"Authorization": f"Bearer {login.json()['token']}"}
        assert httpx.get(f"{base}/homes", headers=headers, trust_env=False).json()["items"] == []
        assert httpx.get(f"{base}/login", trust_env=False).json()["demo_username"] is None
    finally:
        stop(process)
    process = served(config, log)
    try:
        until("ready again", lambda: "ready: console" in log.read_text(), 30)
        assert "first log-in" not in log.read_text()
    finally:
        stop(process)
