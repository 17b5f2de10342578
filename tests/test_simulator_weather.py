"""Faults below MQTT in a story: what they do to bytes, that they are told, and that no call is lost or doubled by them."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.page import as_page
from simulator.report import as_table
from simulator.scenario import ScenarioError, load, parse
from simulator.score import Outcome
from simulator.simulate import Asked, SimulationFailed, simulate
from simulator.story import Trouble
from simulator.weather import Road, Weather
from simulator.world import Sky
from tests.patience import PATIENCE_S, STORY_S
from tests.small_platform import TOKEN, small_platform
from tests.test_simulator_fleet import encrypted
from tests.virtual import mosquitto

ROOT = Path(__file__).parents[1]
STORY = """
homes = {homes}
duration = "40s"
kit = ["hub", "cord-bed", "smoke", "motion-living"]
title = {{ zh = "坏线路", en = "Bad lines" }}
story = {{ zh = "坏线路", en = "Bad lines" }}
{faults}
[[event]]
at = "10s"
home = "each"
jitter = "5s"
do = "pull_cord"
expect = {{ category = "call_for_help", within = "20s" }}
"""
EXPECTED = '{ category = "call_for_help", within = "20s" }'
FAULT = """
[[fault]]
at = "5s"
lasts = "20s"
do = "{do}"
{more}
"""


def story(*faults: str, homes: int = 4) -> str:
    told = "".join(FAULT.format(do=do, more=more) for do, _, more in (fault.partition("|") for fault in faults))
    return STORY.format(homes=homes, faults=told)


# --- bytes ---


class Ends:
    """Both ends of a road, and what came out at them, with when."""

    def __init__(self, weather: Weather) -> None:
        loop = asyncio.get_running_loop()
        self.up: list[tuple[float, bytes]] = []
        self.down: list[tuple[float, bytes]] = []
        began = loop.time()
        self.road = Road(
            weather, lambda data: self.up.append((loop.time() - began, data)), lambda data: self.down.append((loop.time() - began, data)),
        )  # fmt: skip

    async def until(self, number: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.up) + len(self.down) < number:
                await asyncio.sleep(0.01)


def test_a_slow_line_is_late_both_ways_and_no_faster_than_its_rate() -> None:
    async def drive() -> None:
        weather = Weather("1")
        weather.turn("slow", Sky(delay_s=0.1, bytes_per_s=1000), 0.0)
        ends = Ends(weather)
        ends.road.send(b"a" * 100)
        ends.road.send(b"b" * 100)
        ends.road.came(b"c" * 50)
        await ends.until(3)
        assert [data[:1] for _, data in ends.up] == [b"a", b"b"]
        assert [at >= least for (at, _), least in zip(ends.up, (0.2, 0.3), strict=True)] == [True, True]
        assert ends.down[0][0] >= 0.15

    asyncio.run(drive())


def test_a_half_open_line_swallows_both_ways_for_good_and_a_new_one_carries() -> None:
    async def drive() -> None:
        weather = Weather("1")
        before = Ends(weather)
        before.road.send(b"heard")
        weather.turn("gone", Sky(swallows=True), asyncio.get_running_loop().time())
        before.road.send(b"not heard")
        before.road.came(b"not heard")
        await asyncio.sleep(0.01)
        after = Ends(weather)
        after.road.send(b"heard")
        weather.turn("gone", None, asyncio.get_running_loop().time())
        before.road.send(b"still not heard")
        assert [data for _, data in before.up] == [b"heard"]
        assert before.down == []
        assert [data for _, data in after.up] == [b"heard"]

    asyncio.run(drive())


def test_several_faults_of_one_home_add_up_and_end_each_by_itself() -> None:
    weather = Weather("1")
    weather.turn("a", Sky(delay_s=1, bytes_per_s=500), 0)
    weather.turn("b", Sky(delay_s=3, bytes_per_s=100, misled=True), 0)
    assert (weather.delay.total_seconds(), weather.bytes_per_second, weather.misled) == (3, 100, True)
    weather.turn("b", None, 0)
    assert (weather.delay.total_seconds(), weather.bytes_per_second, weather.misled) == (1, 500, False)


def test_acknowledgements_are_lost_by_the_seed() -> None:
    def losses(seed: str) -> list[bool]:
        weather = Weather(seed)
        assert not weather.loses_puback()
        weather.turn("a", Sky(pubacks_lost=0.5), 0)
        return [weather.loses_puback() for _ in range(100)]

    assert losses("1") == losses("1") != losses("2")
    assert 30 < sum(losses("1")) < 70


# --- stories ---


def test_no_call_is_lost_or_doubled_by_a_fault_of_the_line_and_the_report_tells_of_each(tmp_path: Path) -> None:
    faults = (
        "line_cuts|times = 5\nhome = [1, 2]", 'slow_line|by = "100ms"\nrate = 2000\nhome = 3', "wrong_order|home = [4, 5]",
        "dns_change|home = 6", "power_flaps|times = 3\nhome = 7", 'clock_jumps|by = "10m"\ntimes = 4\nhome = 8',
    )  # fmt: skip
    scenario = parse(story(*faults, homes=8), "bad.toml")

    async def play() -> None:
        async with small_platform(server.broker, homes=8) as platform:
            report = await simulate(Asked("bad", scenario, server.broker, speed=8.0, api=platform.http, token=TOKEN))
        assert [(row.home, row.outcome) for row in report.events if row.outcome is not Outcome.SEEN] == []
        assert (report.false, report.doubled, report.without_receipt, report.undelivered) == (0, 0, 0, 0)
        assert [(one.number, one.what, one.homes) for one in report.faults] == [
            (1, "line_cuts", 2), (2, "slow_line", 1), (3, "wrong_order", 2), (4, "dns_change", 1), (5, "power_flaps", 1),
            (6, "clock_jumps", 1),
        ]  # fmt: skip
        assert report.fleet.struck["connections to where nobody is"] >= 1
        assert "fault         line_cuts at 5 s for 20 s: 2 homes" in as_table(report)
        assert "line_cuts" in as_page(report)

    with mosquitto(tmp_path) as server:
        asyncio.run(play())


def test_a_lost_acknowledgement_brings_the_call_again_and_it_is_one_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.fleet.ACK_S", 0.5)
    monkeypatch.setattr("simulator.fleet.LOOKS_S", 0.1)
    scenario = parse(story("lost_pubacks|share = 70", homes=3), "bad.toml")

    async def play() -> None:
        async with small_platform(server.broker, homes=3) as platform:
            report = await simulate(Asked("bad", scenario, server.broker, speed=8.0, api=platform.http, token=TOKEN))
        assert [row.outcome for row in report.events] == [Outcome.SEEN] * 3
        assert (report.doubled, report.undelivered) == (0, 0)
        assert report.fleet.struck["PUBACKs lost"] > 2
        assert report.fleet.errors["a letter was not acknowledged"] >= 1

    with mosquitto(tmp_path) as server:
        asyncio.run(play())


def test_a_certificate_that_hubs_do_not_take_breaks_the_handshake_and_the_call_comes_after_it(tmp_path: Path) -> None:
    told = story("certificate_bad|home = 1", homes=2).replace('lasts = "20s"', 'lasts = "12s"')
    scenario = parse(told.replace(EXPECTED, '"nothing"'), "bad.toml")
    server, ca = encrypted(tmp_path)
    server.start()
    try:
        from simulator.link import Broker

        broker = Broker("127.0.0.1", server.port, tls=True, ca=str(ca))
        report = asyncio.run(simulate(Asked("bad", scenario, broker, speed=8.0)))
        assert report.fleet.struck["certificates refused"] >= 1
        assert any("certificate" in why.lower() for why in report.fleet.errors)
        assert report.undelivered == 0
    finally:
        server.kill()
    with mosquitto(tmp_path) as plain, pytest.raises(SimulationFailed, match="fault 1: certificate_bad needs a broker with a certificate"):
        asyncio.run(simulate(Asked("bad", scenario, plain.broker)))


def test_the_same_seed_is_the_same_ground_truth_with_weather_too(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(story("line_cuts|times = 4", 'clock_jumps|by = "1h"\ntimes = 3', "power_flaps|times = 2", "half_open|"))
    truths = []
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        truth = tmp_path / name
        subprocess.run(
            [sys.executable, "-m", "simulator", "simulate", str(file), "--dry", "--truth", str(truth), "--seed", seed],
            cwd=ROOT, check=True, capture_output=True, timeout=STORY_S,
        )  # fmt: skip
        truths.append(truth.read_bytes())
    assert truths[0] == truths[1] != truths[2]
    assert b"line is half-open" in truths[0]
    assert b"clocks jump" in truths[0]


@pytest.mark.parametrize(("fault", "said"), [
    ("slow_line|", "bad.toml:11: fault 1.do: slow by nothing"),
    ("clock_jumps|times = 2", "a clock that is wrong by nothing is right"),
    ("half_open|times = 2", "fault 1.times: 2 times; line_cuts clock_jumps power_flaps may come more than once"),
    ("dns_change|rate = 5", "fault 1.rate: bytes a second of a slow_line"),
    ("half_opn|", "did you mean 'half_open'?"),
])  # fmt: skip
def test_a_fault_that_cannot_be_played_is_told_with_its_place(fault: str, said: str) -> None:
    with pytest.raises(ScenarioError) as problem:
        parse(story(fault), "bad.toml")
    assert said in str(problem.value)


def test_the_shipped_story_has_every_fault_of_a_line_that_needs_no_certificate() -> None:
    told = {fault.do for fault in load("bad_lines").fault}
    assert told >= {trouble for trouble in Trouble if trouble.of_the_line} - {Trouble.CERTIFICATE_BAD}


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_day_of_bad_lines_loses_no_call(tmp_path: Path) -> None:
    """At the speed of life, six minutes; with hubs that wait half a minute for an acknowledgement."""
    scenario = load("bad_lines")

    async def play() -> None:
        async with small_platform(server.broker, homes=scenario.homes) as platform:
            report = await simulate(Asked("bad_lines", scenario, server.broker, api=platform.http, token=TOKEN))
        assert [(row.home, row.outcome) for row in report.events if row.outcome is not Outcome.SEEN] == []
        assert (report.false, report.doubled, report.without_receipt) == (0, 0, 0)

    with mosquitto(tmp_path) as server:
        asyncio.run(play())
