"""Starts on what an earlier life, a newer version, a full disk or a person with `rm` left behind."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
import pytest

from alerting.items import ServiceStarted
from gateway.recovery import recover
from gateway.store.entry import Stamp, encode
from gateway.store.failure import StoreBroken
from gateway.store.journal import Journal
from gateway.store.reserve import Reserve, lend
from gateway.store.snapshots import Snapshots
from tests.patience import PATIENCE_S
from tests.service import ROOT, free_port, until

AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
STAMP = Stamp(AT, AT, 1.0, "boot")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 200 MiB of its own."""
    path = tmp_path / "disk"
    path.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"this test mounts a small tmpfs and must run as root where mounting is allowed: {done.stderr}"
    yield path
    subprocess.run(["umount", "--lazy", str(path)], check=True)


def fill(disk: Path) -> None:
    with (disk / "filler").open("ab", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError as problem:
                assert problem.errno == 28  # noqa: PT017 - it must come
    assert os.statvfs(disk).f_bavail == 0


class Serve:
    """`serve`, started and watched."""

    def __init__(self, folder: Path) -> None:
        self.http, self.mqtt = free_port(), free_port()
        self.log = folder / "log"
        config = folder / "serve.toml"
        config.write_text(f'data = "{folder}/disk/data"\n[http]\nport = {self.http}\n[mqtt]\nport = {self.mqtt}\n[watchdog]\nevery_s = 0\n')
        self.words = [sys.executable, "-m", "gateway", "serve", "--config", str(config)]

    @contextmanager
    def running(self, *, killed: bool = False) -> Iterator[None]:
        """`killed`: the watcher alone, at the end, as by a person or the kernel in want of memory."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT, start_new_session=True)
        try:
            yield
            assert process.poll() is None, self.log.read_text()
        finally:
            if killed:
                process.kill()
            else:
                process.terminate()
            assert process.wait(PATIENCE_S) == (-9 if killed else 0)

    def hears(self) -> bool:
        with socket.socket() as line:
            line.settimeout(1)
            return line.connect_ex(("127.0.0.1", self.mqtt)) == 0

    def says(self) -> str:
        try:
            return httpx.get(f"http://127.0.0.1:{self.http}/readyz", trust_env=False, timeout=PATIENCE_S).text
        except httpx.HTTPError:
            return ""


def test_a_start_on_a_disk_without_a_byte_left_hears_calls_and_shows_the_desk(disk: Path, tmp_path: Path) -> None:
    serve = Serve(tmp_path)
    with serve.running():
        until("ready", lambda: '"ready":true' in serve.says())
    settings = (disk / "data" / "settings.json").read_bytes()
    fill(disk)
    with serve.running():
        until("the ear", serve.hears)
        until("the desk", lambda: "disk" in serve.says())
    assert (disk / "data" / "settings.json").read_bytes() == settings


def test_after_the_watcher_was_killed_the_next_one_gets_folder_and_ports(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    serve = Serve(tmp_path)
    with serve.running(killed=True):
        until("ready", lambda: '"ready":true' in serve.says())
    with serve.running():
        until("ready again", lambda: '"ready":true' in serve.says())


def test_a_reserve_that_somebody_removed_is_gone_and_no_more(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", 1 << 20, 1 << 18)
    reserve.take()
    (tmp_path / "reserve").unlink()
    assert reserve.release(), "what it held is free: try again"
    assert not reserve.release()
    reserve.take()
    assert reserve.held == 1 << 20


def test_a_reserve_lends_a_start_what_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "reserve"
    lend(path, 1 << 20)
    assert not path.exists()
    Reserve(path, 8 << 20).take()
    lend(path, 3 << 20)
    assert path.stat().st_size == 5 << 20
    lend(path, 9 << 20)
    assert path.stat().st_size == 0


def test_an_entry_of_a_newer_version_is_a_refusal_that_names_it_and_nothing_is_lost(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    journal.commit(STAMP, encode([ServiceStarted(None)]), 1)
    journal.commit(STAMP, msgspec.msgpack.encode([["moon-phase", 1, "?"]]), 1)
    snapshots = Snapshots(tmp_path / "snapshots.db")
    with pytest.raises(StoreBroken, match=r"commit 2 cannot be decoded.*moon-phase"):
        recover(journal, snapshots)
    snapshots.close()
    journal.close()
    again = Journal.open(tmp_path)
    assert again.last_seq == 2
    again.close()


def test_the_alarm_process_says_that_refusal_in_one_line(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    journal = Journal.open(data)
    journal.commit(STAMP, msgspec.msgpack.encode([["moon-phase", 1, "?"]]), 1)
    journal.close()
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"data": str(data), "mqtt": {"port": free_port()}, "disk": {"reserve_mib": 16}}))
    words = [sys.executable, "-m", "gateway", "alarm", "--settings", str(settings)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd=ROOT)
    assert done.returncode == 1
    assert "moon-phase" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("body", ["", "{", '{"data": 7}'], ids=["empty", "half", "of another kind"])
def test_settings_that_cannot_be_read_are_told_in_one_line(tmp_path: Path, body: str) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(body)
    words = [sys.executable, "-m", "gateway", "alarm", "--settings", str(settings)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd=ROOT)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "settings.json" in line
