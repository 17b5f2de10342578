"""A whole run: homes at a real broker, a platform of a few lines behind it, and the report that comes of it."""

import asyncio
import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from simulator.__main__ import main
from simulator.home import DeviceRecord, HomeRecord
from simulator.link import Broker
from simulator.live import live, of_the_demo
from simulator.progress import Progress
from simulator.registry import PlatformError, api, demo_homes
from simulator.report import Report, as_table
from simulator.scenario import Scenario, load, parse
from simulator.score import Outcome, Sighting
from simulator.simulate import Asked, SimulationFailed, simulate
from simulator.witness import Alert, Evidence, Frame, StreamWitness, frames
from tests.patience import PATIENCE_S, STORY_S, ended
from tests.small_platform import TOKEN, Faults, small_platform
from tests.virtual import demo, mosquitto, until

ROOT = Path(__file__).parents[1]
STORY = """
homes = 3
duration = "12s"
[title]
zh = "三件事"
en = "Three things"
[story]
zh = "呼叫、自检、两次送达。"
en = "A call, a test, a call delivered three times."
[[event]]
at = "2s"
home = 1
do = "pull_cord"
expect = { category = "call_for_help", priority = 1, within = "1s" }
[[event]]
at = "4s"
home = 2
do = "self_test"
expect = "nothing"
[[event]]
at = "6s"
home = 3
do = "stutter"
expect = { category = "call_for_help", priority = 1, within = "1s" }
[[event]]
at = "8s"
home = 2
do = "drain_battery"
lasts = "1s"
expect = { category = "technical", within = "1s" }
"""


@pytest.fixture
def story() -> Scenario:
    return parse(STORY, "story.toml")


def run(folder: Path, scenario: Scenario, faults: Faults | None = None, *, with_api: bool = True) -> Report:
    async def play() -> Report:
        async with small_platform(server.broker, faults=faults) as platform:
            api, token = (platform.http, TOKEN) if with_api else ("", "")
            return await simulate(Asked("story", scenario, server.broker, speed=30.0, api=api, token=token))

    with mosquitto(folder) as server:
        return asyncio.run(play())


def test_every_planted_event_is_told_when_its_alert_came(tmp_path: Path, story: Scenario) -> None:
    report = run(tmp_path, story)
    assert [row.outcome for row in report.events] == [Outcome.SEEN, Outcome.QUIET, Outcome.SEEN, Outcome.SEEN]
    assert report.passed
    assert (report.planted, report.seen, report.undelivered, report.witness) == (4, 3, 0, "stream")
    assert report.latency_ms.max is not None
    assert 0 < report.latency_ms.max < 1000
    assert {row.home for row in report.events} == {"home-0001", "home-0002", "home-0003"}
    table = as_table(report)
    assert "planted 4  seen 3  late 0  missed 0" in table
    assert table.endswith("passed\n")


def test_without_an_api_the_receipts_are_the_witness_and_the_rest_is_said_to_be_unwatched(tmp_path: Path, story: Scenario) -> None:
    report = run(tmp_path, story, with_api=False)
    assert [row.outcome for row in report.events] == [Outcome.SEEN, Outcome.QUIET, Outcome.SEEN, Outcome.UNWATCHED]
    assert (report.witness, report.not_watched, report.passed) == ("receipts", 1, True)
    assert "1 expected alert could not be watched" in as_table(report)


@pytest.mark.parametrize(
    ("faults", "figures"),
    [
        (Faults(deaf=True), {"missed": 3, "seen": 0}),
        (Faults(doubles=True), {"doubled": 3, "seen": 3}),
        (Faults(alarmed_by_tests=True), {"false": 1, "seen": 3}),
    ],
)
def test_a_faulty_platform_does_not_pass(tmp_path: Path, story: Scenario, faults: Faults, figures: dict[str, int]) -> None:
    report = run(tmp_path, story, faults)
    assert not report.passed
    assert {name: getattr(report, name) for name in figures} == figures


def test_a_platform_that_gives_no_receipt_is_told_by_receipts(tmp_path: Path, story: Scenario) -> None:
    report = run(tmp_path, story, Faults(mute_receipts=True), with_api=False)
    assert (report.missed, report.passed) == (2, False)


def test_a_platform_whose_alerts_cannot_be_read_is_told_rather_than_scored(tmp_path: Path, story: Scenario) -> None:
    with pytest.raises(PlatformError, match="an alert that is not the contract's: Object missing required field `id`"):
        run(tmp_path, story, Faults(garbles=True))


def test_a_token_that_is_not_taken_is_said_in_one_line(tmp_path: Path, story: Scenario) -> None:
    async def play() -> None:
        async with small_platform(server.broker) as platform:
            await simulate(Asked("story", story, server.broker, api=platform.http, token="wrong"))

    with mosquitto(tmp_path) as server, pytest.raises(PlatformError, match="/api/v1/homes: the platform answered 401"):
        asyncio.run(play())


def test_a_broker_that_is_not_there_is_said_in_one_line(story: Scenario) -> None:
    with pytest.raises(SimulationFailed, match=r"broker 127.0.0.1:1: .*refused"):
        asyncio.run(simulate(Asked("story", story, Broker("127.0.0.1", 1), connect_s=0.5)))


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulator", *words], cwd=ROOT, capture_output=True, text=True, timeout=STORY_S, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("words", [("simulate", "pulled_cord"), ("certify", "--profile", "smoke", "--reference"), ("certify", "mutants")])
def test_ctrl_c_while_a_command_is_still_being_loaded_ends_it_without_a_word(words: tuple[str, ...]) -> None:
    code = (
        "import sys\n"
        "class Pressed:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'simulator.fleet': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Pressed())\n"
        "from simulator.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, timeout=STORY_S, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_the_command_prints_and_writes_its_report_and_ends_by_it(tmp_path: Path) -> None:
    (tmp_path / "story.toml").write_text(STORY)
    file = tmp_path / "report.json"
    with mosquitto(tmp_path) as server:
        done = command(
            "simulate", str(tmp_path / "story.toml"), "--broker", server.url, "--speed", "20", "--report", str(file), "--json"
        )
    assert done.stderr == ""
    assert done.returncode == 1  # nobody is behind this broker
    told = json.loads(done.stdout)
    assert told == json.loads(file.read_text())
    assert (told["scenario"], told["missed"], told["passed"]) == ("story", 2, False)


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        ([], 2, "anju: the following arguments are required: COMMAND (anju --help tells more)"),
        (["simulate"], 2, "anju: the following arguments are required: SCENARIO (anju simulate --help tells more)"),
        (["simulate", "pulled_cord", "--homes", "many"], 2, "anju: argument --homes: invalid int value: 'many'"),
        (["simulate", "pulled_cord", "--speed", "fast"], 2, "anju: argument --speed: 'fast' is not a number"),
        (["simulate", "pulled_cord", "--sped", "2"], 2, "anju: unrecognized arguments: --sped 2"),
        (["simulate", "pulled_cord", "--broker", "ws://b:8883"], 2, "anju: ws: virtual homes speak MQTT over TCP or TLS"),
        (["simulate", "pulled_cord", "--broker", "mqtt://b", "--ca", "x"], 2, "anju: --ca: only with mqtts://"),
        (["simulate", "pulled_cord", "--processes", "4"], 2, "anju: --processes 4: more than its 3 homes"),
        (["simulate", "pulled_cord", "--register"], 2, "anju: --user and --register need the platform's --api"),
        (["simulate", "pulled_cord", "--dry"], 2, "anju: --dry tells nobody anything without --truth FILE"),
        (["simulate", "pulled_cord", "--report", "/nonexistent/r.json"], 2, "anju: --report /nonexistent/r.json: there is no folder"),
        (["simulate", "pulled_cord", "--api", "localhost:8080"], 2, "anju: --api localhost:8080: a platform is written http://host:port"),
        (["simulate", "no_such"], 2, "anju: scenario no_such: No such file or directory"),
        (["simulate", "pulled_cord", "--speed", "0"], 2, "0 is not a number above 0"),
        (["simulate", "pulled_cord", "--homes", "0"], 2, "anju: --homes 0: at least one"),
        (["simulate", "pulled_cord", "--homes", "1"], 2, "anju: pulled_cord.toml:21: event 2.home"),
        (["simulate", "hub_offline", "--speed", "5"], 2, "anju: hub_offline waits for the platform's own delays"),
        (["simulate", "pulled_cord", "--broker", "localhost"], 2, "a broker is written mqtt://user:password@host:port"),
        (["simulate", "pulled_cord", "--endpoints", "/nonexistent"], 2, "anju: /nonexistent: not an endpoints.json"),
        (["simulate", "pulled_cord", "--api", "http://127.0.0.1:1"], 1, "anju: http://127.0.0.1:1"),
    ],
)
def test_wrong_usage_and_a_platform_that_is_away_are_told_apart(
    words: list[str], code: int, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ended: str | int | None
    try:
        ended = main(words)
    except SystemExit as usage:
        ended = usage.code
    told = capsys.readouterr()
    assert (ended, told.out) == (code, "")
    assert complaint in told.err
    assert len(told.err.splitlines()) == 1


def test_a_bar_tells_how_far_it_is() -> None:
    errors = [0]
    progress = Progress(4, 120.0, lambda: (1, 0, errors[0]), lambda: (3, 2))
    assert progress.line(time.monotonic() + 2).startswith("[######..................]  25 % 1 of 4 homes on line  ")
    progress.story_s = lambda now_s: now_s
    half = "[############............]  50 % 1:00 of 2:00  1 homes on line  0 messages/s  planted 3  alerts seen 2"
    assert progress.line(60.0) == half
    errors[0] = 3
    assert progress.line(500.0).startswith("[########################] 100 % 2:00 of 2:00")
    assert progress.line(500.0).endswith("alerts seen 2  3 errors")


def test_a_terminal_gets_a_bar_and_a_clean_line_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "story.toml").write_text(STORY)
    ours, theirs = pty.openpty()
    try:
        with mosquitto(tmp_path) as server:
            words = ["simulate", str(tmp_path / "story.toml"), "--broker", server.url, "--speed", "6"]
            done = subprocess.run(
                [sys.executable, "-m", "simulator", *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=theirs, timeout=STORY_S, check=False
            )
        shown = os.read(ours, 65536).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert " % " in shown
    assert "3 homes on line" in shown
    assert shown.endswith("\r\x1b[K")
    assert b"\x1b" not in done.stdout


def endpoints_file(folder: Path, http: str, mqtt: str) -> Path:
    file = folder / "endpoints.json"
    file.write_text(
        json.dumps({
            "http": http, "mqtt": mqtt, "token": TOKEN,
            "operator": {"username": "o", "password": "p"}, "device": {"username": "device", "password": "d"},
        })
    )  # fmt: skip
    return file


def test_a_live_community_takes_the_platforms_homes_and_outlives_a_broker_that_dies(tmp_path: Path) -> None:
    async def scene() -> None:
        async with small_platform(server.broker, homes=4) as platform:
            file = endpoints_file(tmp_path, platform.http, server.url)
            living = asyncio.create_task(live(file, load("community"), seed=1))
            try:
                await until(lambda: {device[:9] for device, _ in platform.heard_ids} == {f"home-000{n}" for n in range(1, 5)})
                server.kill()
                before = set(platform.heard_ids)
                server.start()
                await until(lambda: len(platform.heard_ids - before) >= 3)
            finally:
                living.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await living

    with mosquitto(tmp_path) as server:
        asyncio.run(scene())


def test_a_live_community_lends_its_voice_to_nobodys_own_home_or_device() -> None:
    demo = demo_homes(3, seed=1)
    first, second, _ = demo
    own = DeviceRecord("my-cord", "anju-cord-1", "bedroom")
    registered = (replace(first, devices=(*first.devices, own)), second, HomeRecord("my-home", first.area, (own,)))
    assert of_the_demo(registered, seed=1) == tuple(demo[:2])


@pytest.mark.parametrize("how", ["sigterm", "stdin"])
def test_the_live_command_ends_cleanly_when_told(tmp_path: Path, how: str) -> None:
    async def scene() -> None:
        async with small_platform(server.broker, homes=2) as platform:
            file = endpoints_file(tmp_path, platform.http, server.url)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "simulator", "live", "--endpoints", str(file), "--seed", "1", "--watch-stdin",
                cwd=ROOT, stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            try:
                await until(lambda: platform.heard_ids)
                if how == "sigterm":
                    process.send_signal(signal.SIGTERM)
                else:
                    assert process.stdin is not None
                    process.stdin.close()
                _, complaints = await ended(process.communicate(), PATIENCE_S)
                assert (process.returncode, complaints) == (0, b"")
            finally:
                if process.returncode is None:
                    os.kill(process.pid, signal.SIGKILL)

    with mosquitto(tmp_path) as server:
        asyncio.run(scene())


def test_a_call_that_joins_an_older_alert_is_seen_and_what_others_say_with_the_same_devices_is_not() -> None:
    seen: list[Sighting] = []
    here = HomeRecord("home-1", "990121", (DeviceRecord("cord", "anju-cord-1"),))
    witness = StreamWitness(api("http://127.0.0.1", ""), homes=[here], boot="now", see=seen.append)
    older = Evidence("cord", "yesterday-1")

    def call(*evidence: Evidence, announce: bool = True, alert: str = "a") -> int:
        witness.take(Alert(alert, "call_for_help", 1, "home-1", repeats=len(evidence) - 1, evidence=evidence), announce=announce)
        return len(seen)

    assert call(older, announce=False) == 0
    assert call(older, Evidence("cord", "tomorrow-1")) == 0
    assert call(older, older, Evidence("0xa4c1385c3466ac91", "made by the platform")) == 1
    assert call(older, older, older, Evidence("cord", "now-7")) == 2
    assert call(Evidence("cord", "now-8"), alert="b") == 3
    assert [sighting.new for sighting in seen] == [False, False, True]


def test_server_sent_events_are_read_as_the_standard_has_them() -> None:
    async def lines() -> AsyncIterator[str]:
        for line in (": comment", "id: 7", "event: alert", "data: {", "data:  }", "", "", "data:x", "", "event: beat", "", "data: cut"):
            yield line

    async def read() -> list[Frame]:
        return [frame async for frame in frames(lines())]

    assert asyncio.run(read()) == [Frame("alert", "{\n }", "7"), Frame("message", "x", "7")]


def test_the_demo_homes_at_a_bare_broker_are_those_of_the_registry() -> None:
    assert [home.address.topic("x", "report") for home in demo(2)] == [  # type: ignore[arg-type]
        "anju/v1/990121001001/home-0001/x/report",
        "anju/v1/990121002001/home-0002/x/report",
    ]
