"""Under systemd: the unit is sound, and what the service says is what sd_notify(3) has it say."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest

from gateway.operations.systemd import notify, watchdog_s
from tests.patience import PATIENCE_S
from tests.service import ROOT, children_of, command_of, free_port, until

UNITS = ROOT / "config" / "systemd"


class Manager:
    """The socket at which systemd listens."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.line.bind("\0" + name[1:] if name.startswith("@") else name)
        self.line.settimeout(0.1)
        self.heard: list[str] = []

    def look(self) -> list[str]:
        """Everything so far, one `NAME=value` each."""
        try:
            while True:
                self.heard += self.line.recv(4096).decode().split("\n")
        except TimeoutError:
            return self.heard

    def count(self, said: str) -> int:
        return self.look().count(said)


@contextmanager
def manager(name: str) -> Iterator[Manager]:
    made = Manager(name)
    try:
        yield made
    finally:
        made.line.close()


def test_what_is_said_is_one_datagram_of_lines(tmp_path: Path) -> None:
    for name in (str(tmp_path / "notify"), f"@anju-test-{os.getpid()}"):
        with manager(name) as systemd:
            assert notify({"NOTIFY_SOCKET": name}, READY="1", STATUS="two\nlines")
            assert systemd.look() == ["READY=1", "STATUS=two lines"]


@pytest.mark.parametrize("address", ["", "relative", "/nobody/listens/here", "vsock:2:1"])
def test_nobody_who_listens_is_no_trouble(address: str) -> None:
    assert not notify({"NOTIFY_SOCKET": address} if address else {}, READY="1")


@pytest.mark.parametrize(
    ("environment", "every"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "7"}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_fed_at_half_its_time_by_the_process_that_it_watches(environment: dict[str, str], every: float | None) -> None:
    assert watchdog_s(environment, 7) == every


def half_of(process: subprocess.Popen[bytes], name: str) -> int:
    return until(name, lambda: next((pid for pid in children_of(process.pid) if f"-m gateway {name}" in command_of(pid)), None))


@contextmanager
def served(folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    config = folder / "anju.toml"
    config.write_text(f'data = "data"\n[http]\nport = {free_port()}\n[mqtt]\nport = {free_port()}\n[watchdog]\nevery_s = 0\n')
    with (folder / "log").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "serve", "--config", str(config)],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**os.environ, **environment},
        )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


def test_the_service_says_when_it_hears_and_feeds_the_watchdog_while_its_alarm_process_answers(tmp_path: Path) -> None:
    name = str(tmp_path / "notify")
    with manager(name) as systemd:
        with served(tmp_path, {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "400000"}) as process:
            until("READY", lambda: systemd.count("READY=1"))
            assert any(line.startswith("STATUS=") for line in systemd.heard)
            fed = systemd.count("WATCHDOG=1")
            until("three meals", lambda: systemd.count("WATCHDOG=1") >= fed + 3)
            alarm = half_of(process, "alarm")
            os.kill(alarm, signal.SIGSTOP)
            try:
                until("hunger", lambda: _hungry(systemd))
            finally:
                os.kill(alarm, signal.SIGCONT)
            fed = systemd.count("WATCHDOG=1")
            until("food again", lambda: systemd.count("WATCHDOG=1") > fed)
            os.kill(alarm, signal.SIGKILL)  # the one after it is young: it may take its time
            fed = systemd.count("WATCHDOG=1")
            until("food for a start", lambda: systemd.count("WATCHDOG=1") > fed + 3)
            until("the next alarm process", lambda: half_of(process, "alarm") != alarm)
            assert systemd.count("READY=1") == 1
        assert systemd.count("STOPPING=1") == 1


def _hungry(systemd: Manager) -> bool:
    """Whether nothing came for five times as long as between two meals."""
    fed, began = systemd.count("WATCHDOG=1"), monotonic()
    while monotonic() - began < 1.0:
        if systemd.count("WATCHDOG=1") > fed:
            return False
    return True


def test_memory_is_taken_from_telemetry_first_from_the_pages_next_and_from_the_alarm_process_last(tmp_path: Path) -> None:
    own = int(Path("/proc/self/oom_score_adj").read_text())
    with served(tmp_path, {}) as process:

        def scores() -> list[int]:
            return [int(Path(f"/proc/{half_of(process, name)}/oom_score_adj").read_text()) for name in ("telemetry", "web", "alarm")]

        until("the order", lambda: scores() == [500, 300, own])


# --- the unit ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with its program where this one is, as a machine on which it is installed has it."""
    folder = tmp_path / "units"
    folder.mkdir()
    text = (UNITS / "anju.service").read_text(encoding="utf-8")
    path = folder / "anju.service"
    path.write_text(text.replace("/opt/anju", str(ROOT)), encoding="utf-8")
    return path


def test_systemd_finds_nothing_wrong_with_the_unit(unit: Path) -> None:
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    own = [line for line in done.stderr.splitlines() if "anju" in line]
    assert own == [], done.stderr


def test_the_unit_leaves_little_to_attack(unit: Path) -> None:
    words = ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(unit)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "Overall exposure level for anju.service:" in done.stdout, done.stderr
    level = float(done.stdout.rpartition("Overall exposure level for anju.service:")[2].split()[0])
    assert level <= 2.5, done.stdout


def test_the_unit_runs_the_command_that_these_tests_run() -> None:
    text = (UNITS / "anju.service").read_text(encoding="utf-8")
    settings = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    program, *words = settings["ExecStart"].split()
    assert (Path(program).name, words[0], words[1]) == ("anju", "serve", "--config")
    assert (ROOT / Path(program).name).exists()
    assert settings["OOMPolicy"] == "continue", "a page that was killed must not take the alarm process with it"
    assert shutil.which("kill", path="/bin") is not None
