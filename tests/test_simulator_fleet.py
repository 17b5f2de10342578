"""Fleets and ground truth: the same night in one process or several, byte for byte; lines that are measured, encrypted, and too many."""

import asyncio
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from simulator.fleet import discard
from simulator.gauges import Histogram
from simulator.limits import TooFewFiles, processes_for, room_for
from simulator.link import Broker
from simulator.page import as_page
from simulator.report import as_table
from simulator.scenario import parse
from simulator.score import Outcome
from simulator.simulate import Asked, SimulationFailed, simulate
from tests.patience import PATIENCE_S, STORY_S
from tests.service import children_of, until
from tests.small_platform import TOKEN, small_platform
from tests.virtual import Mosquitto, free_port, mosquitto

ROOT = Path(__file__).parents[1]
NIGHT = """
homes = 12
duration = "40m"
start = "06:10"
everyday = true
kit = ["hub", "cord-bed", "smoke", "watch", "bed", "motion-living", "meter"]
title = { zh = "清晨", en = "Dawn" }
story = { zh = "清晨", en = "Dawn" }
[[resident]]
who = "falls now and then"
share = 50
falls_every = "40m"
burns_every = "2h"
[[fault]]
at = "5m"
do = "mains_outage"
area = "any"
lasts = "10m"
jitter = "5s"
[[fault]]
at = "1m"
do = "message_loss"
home = "any"
number = 4
share = 40
lasts = "20m"
[[event]]
at = "2m"
home = "any"
number = 5
jitter = "20m"
do = "pull_cord"
expect = { category = "call_for_help", within = "5s" }
"""


def command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulator", "simulate", *words],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=STORY_S, check=False,
    )  # fmt: skip


def test_the_same_seed_is_the_same_ground_truth_byte_for_byte_in_any_process_at_any_speed_in_any_number(tmp_path: Path) -> None:
    story = tmp_path / "dawn.toml"
    story.write_text(NIGHT)
    truths = [tmp_path / name for name in ("a", "b", "one", "three")]
    for truth, hashes in zip(truths[:2], ("0", "12345"), strict=True):
        done = command(str(story), "--dry", "--truth", str(truth), PYTHONHASHSEED=hashes)
        assert (done.returncode, done.stderr) == (0, "")
    with mosquitto(tmp_path) as server:
        for truth, words in ((truths[2], ("--speed", "600")), (truths[3], ("--speed", "900", "--processes", "3"))):
            done = command(str(story), "--broker", server.url, "--truth", str(truth), *words)
            assert done.stderr == ""
    assert truths[0].read_bytes() == truths[1].read_bytes() == truths[2].read_bytes() == truths[3].read_bytes()
    lines = [json.loads(line) for line in truths[0].read_text().splitlines()]
    assert len(lines) > 150
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    assert {line["what"] for line in lines} >= {"falls", "pulls the cord", "mains are out", "gets up", "radio is disturbed", "is not heard"}
    assert sum(line.get("event", "").startswith("1.") for line in lines) == 5
    other = tmp_path / "other"
    command(str(story), "--dry", "--truth", str(other), "--seed", "2")
    assert other.read_bytes() != truths[0].read_bytes()


def test_several_processes_are_scored_as_one(tmp_path: Path) -> None:
    story = parse(NIGHT.partition("[[resident]]")[0] + "[[event]]" + NIGHT.partition("[[event]]")[2], "dawn.toml")

    async def play() -> None:
        async with small_platform(server.broker) as platform:
            report = await simulate(Asked("dawn", story, server.broker, speed=300.0, processes=3))
            assert len(platform.heard_ids) > 12
            assert [row.outcome for row in report.events] == [Outcome.SEEN] * 5
            assert (report.passed, report.undelivered, report.fleet.processes, report.receipts) == (True, 0, 3, 5)
            assert report.delivered == sum(count for _, count in report.fleet.histogram)
            assert max(second.connected for second in report.fleet.seconds) == 12
            assert sum(second.planted for second in report.fleet.seconds) == sum(second.alerts for second in report.fleet.seconds) == 5
            assert "12 in 3 processes" in as_table(report)
            page = as_page(report)
            assert page.count("<svg") == 5
            assert "http" not in page

    with mosquitto(tmp_path) as server:
        asyncio.run(play())


def test_a_platform_that_tells_nobody_that_help_was_called_does_not_pass(tmp_path: Path) -> None:
    from tests.small_platform import Faults

    story = parse(NIGHT.partition("[[resident]]")[0] + "[[event]]" + NIGHT.partition("[[event]]")[2], "dawn.toml", homes=6)

    async def play() -> None:
        async with small_platform(server.broker, homes=6, faults=Faults(mute_receipts=True)) as platform:
            report = await simulate(Asked("dawn", story, server.broker, speed=600.0, api=platform.http, token=TOKEN))
        assert (report.missed, report.without_receipt, report.passed) == (0, 5, False)

    with mosquitto(tmp_path) as server:
        asyncio.run(play())


def test_a_fleet_whose_broker_is_away_says_so_in_one_line() -> None:
    story = parse(NIGHT, "dawn.toml")
    with pytest.raises(SimulationFailed, match=r"broker 127.0.0.1:1: "):
        asyncio.run(simulate(Asked("dawn", story, Broker("127.0.0.1", 1), processes=2, connect_s=0.5)))


class NoAnswer:
    """A broker's address that takes connections and says nothing: homes connect there for as long as they are let."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self.lines: list[socket.socket] = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                self.lines.append(self._listener.accept()[0])

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for line in self.lines:
            line.close()


def lives(pid: int) -> bool:
    """And is not just waiting for somebody to ask how it ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.parametrize("again", [False, True], ids=["once", "twice"])
def test_a_fleet_that_is_ended_while_it_connects_leaves_no_process_behind(again: bool) -> None:
    nobody = NoAnswer()
    words = ["simulate", "pulled_cord", "--homes", "120", "--processes", "3", "--broker", f"mqtt://127.0.0.1:{nobody.port}"]
    command = [sys.executable, "-m", "simulator", *words]
    fleet = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    shards: list[int] = []
    try:
        until("every process connects", lambda: len(nobody.lines) >= 100 and len(children_of(fleet.pid)) == 3, STORY_S)
        shards = children_of(fleet.pid)
        fleet.send_signal(signal.SIGTERM)
        if again:
            until("it is ending", lambda: len(children_of(fleet.pid)) < 3 or fleet.poll() is not None, STORY_S)
            fleet.send_signal(signal.SIGTERM)
        _, said = fleet.communicate(timeout=STORY_S)
        until("none of them is left", lambda: not any(map(lives, shards)), PATIENCE_S)
        assert "never retrieved" not in said
        assert "Traceback" not in said
    finally:
        nobody.close()
        for pid in (fleet.pid, *shards):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        fleet.communicate()


def test_sessions_are_given_up_from_the_address_that_they_were_had_from() -> None:
    """Goodbyes of a hundred thousand homes from one address would want more ports than it has."""

    async def addresses() -> list[str]:
        came: list[str] = []
        heard = asyncio.Event()

        async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            came.append(writer.get_extra_info("peername")[0])
            await reader.read(64)
            writer.close()
            await writer.wait_closed()
            heard.set()

        server = await asyncio.start_server(meet, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            await discard(Broker("127.0.0.1", port, source="127.0.3.7"), "sim-1", asyncio.Semaphore(1))
            async with asyncio.timeout(60):
                await heard.wait()
        return came

    assert asyncio.run(addresses()) == ["127.0.3.7"]


def encrypted(folder: Path) -> tuple[Mosquitto, Path]:
    """A mosquitto that speaks TLS alone."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    server = authority.issue_cert("localhost", "127.0.0.1")
    server.private_key_pem.write_to_path(str(folder / "server.key"))
    server.cert_chain_pems[0].write_to_path(str(folder / "server.pem"))
    one = Mosquitto(folder)
    (folder / "mosquitto.conf").write_text(
        f"listener {one.port} 127.0.0.1\nallow_anonymous true\ncafile {folder}/ca.pem\ncertfile {folder}/server.pem\n"
        f"keyfile {folder}/server.key\nuser root\n"
    )
    return one, folder / "ca.pem"


@pytest.mark.parametrize("homes", [3, 60])
def test_homes_speak_tls_and_trust_whom_they_were_told_to(tmp_path: Path, homes: int) -> None:
    server, ca = encrypted(tmp_path)
    server.start()
    try:
        url = f"mqtts://127.0.0.1:{server.port}"
        words = ("pulled_cord", "--homes", str(homes), "--speed", "50", "--broker", url, "--json")
        good = json.loads(command(*words, "--ca", str(ca)).stdout)
        assert (good["undelivered"], good["fleet"]["errors"]) == (0, {})
        assert good["delivered"] > homes
        other = tmp_path / "other.pem"
        trustme.CA().cert_pem.write_to_path(str(other))
        done = command(*words, "--ca", str(other))
        assert (done.returncode, done.stdout) == (1, "")
        assert "certificate" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    finally:
        server.kill()


def test_too_many_connections_for_the_system_are_told_before_the_first(tmp_path: Path) -> None:
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 300)); "
        "from simulator.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    words = ["simulate", "pulled_cord", "--homes", "500", "--processes", "1", "--broker", f"mqtt://127.0.0.1:{free_port()}"]
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, timeout=STORY_S, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "anju: 500 connections need 700 open files in this process, and the system allows 300: raise it (ulimit -n 700, or LimitNOFILE "
        "in systemd), or give --processes 5 or more\n"
    )


def test_a_fleet_is_dealt_to_as_many_processes_as_the_limit_asks_for_and_says_so(tmp_path: Path) -> None:
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 230)); "
        "from simulator.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    with mosquitto(tmp_path) as server:
        words = ["simulate", "pulled_cord", "--homes", "60", "--speed", "50", "--broker", server.url, "--json"]
        done = subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, timeout=STORY_S, check=False)
    said = json.loads(done.stdout)
    assert (said["fleet"]["processes"], said["fleet"]["connections"], said["undelivered"]) == (2, 60, 0)
    assert done.stderr == "anju: 60 connections are dealt to 2 processes, as files and ports ask for\n"
    with pytest.raises(TooFewFiles, match=r"in each of 3 processes, and the system allows \d+: raise it"):
        processes_for(10**9, 3)


def test_the_soft_limit_is_raised_where_that_is_enough() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(1000, hard), hard))
        room_for(1500)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 1700
        with pytest.raises(TooFewFiles):
            room_for(10**9)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_quantile_is_never_too_low_and_at_most_a_fifth_too_high() -> None:
    times, more = Histogram(), Histogram()
    for number in range(1, 1001):
        (times if number % 2 else more).add(number / 1000)
    times.join(more)
    assert times.number == 1000
    for share, true in ((0.5, 500.0), (0.99, 990.0), (1.0, 1000.0)):
        told = times.quantile_ms(share)
        assert told is not None
        assert true <= told * 1.005 <= true * 1.21
    assert Histogram().quantile_ms(0.5) is None
