"""Backups by the calendar of `serve`: made in a process of their own, told where they fail, never in the way."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from gateway.operations import manifest, mark
from tests.patience import PATIENCE_S
from tests.service import ROOT, free_port, until


@contextmanager
def served(folder: Path, backup: str) -> Iterator[tuple[Path, int]]:
    """`serve` that owes a backup since years; its log and its HTTP port."""
    http, log = free_port(), folder / "log"
    config = folder / "anju.toml"
    config.write_text(f'data = "data"\n[http]\nport = {http}\n[mqtt]\nport = {free_port()}\n[watchdog]\nevery_s = 0\n[backup]\n{backup}\n')
    (folder / "data").mkdir()
    (folder / "data" / "calendar-backup.json").write_text('{"backup": "2020-01-01T00:00:00Z"}')
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "serve", "--config", str(config)], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        yield log, http
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


def test_a_backup_that_is_owed_is_made_with_its_configuration_and_a_mark_beside_it(tmp_path: Path) -> None:
    with served(tmp_path, 'folder = "backups"\nhistory = false') as (log, http):
        until("the pages", lambda: "ready: console" in log.read_text())
        kept = until("a backup", lambda: manifest.newest(tmp_path / "backups"))
        assert "config/anju.toml" in kept.manifest.files
        assert not kept.manifest.history
        until("its status", (tmp_path / "data" / "backup.json").exists)
        assert json.loads((tmp_path / "data" / "backup.json").read_text())["good"] is True
        until("the mark", lambda: mark.read(tmp_path / "backups"))
        until("ready", lambda: httpx.get(f"http://127.0.0.1:{http}/readyz", trust_env=False, timeout=PATIENCE_S).status_code == 200)
        metrics = httpx.get(f"http://127.0.0.1:{http}/metrics", trust_env=False, timeout=PATIENCE_S).text
        assert f"anju_backup_position {float(kept.manifest.last_seq)}" in metrics
        assert "anju_backup_failed 0.0" in metrics


def test_a_backup_that_fails_is_told_and_nothing_else_minds(tmp_path: Path) -> None:
    (tmp_path / "backups").write_text("a file, where a folder should be")
    with served(tmp_path, 'folder = "backups"') as (log, http):
        until("the line", lambda: "failed and is tried again within the hour" in log.read_text())
        until("the pages", lambda: "ready: console" in log.read_text())
        status = json.loads((tmp_path / "data" / "backup.json").read_text())
        assert status["good"] is False
        assert "backups" in status["sentence"]
        ready = f"http://127.0.0.1:{http}/readyz"
        until("ready all the same", lambda: httpx.get(ready, trust_env=False, timeout=PATIENCE_S).status_code == 200)
        assert "anju_backup_failed 1.0" in httpx.get(f"http://127.0.0.1:{http}/metrics", trust_env=False, timeout=PATIENCE_S).text
