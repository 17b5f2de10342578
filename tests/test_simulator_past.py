"""A platform's first look at its homes: hours that really hang together with the present, told calmly, once, and raising nothing."""

import asyncio
import contextlib
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from simulator import live as live_module
from simulator import past as past_module
from simulator.clock import Clock
from simulator.hub import Hub
from simulator.live import live
from simulator.past import PAST_S, Past
from simulator.plan import Plant, Stage
from simulator.registry import endpoints
from simulator.scenario import load
from simulator.world import Said, World
from tests.small_platform import TOKEN, SmallPlatform, small_platform
from tests.virtual import Mosquitto, demo, mosquitto, until

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def staged(homes: int, plants: list[Plant] | None = None) -> World:
    world = World()
    told = plants if plants is not None else []
    Stage(load("community"), demo(homes, local_s=8 * 3600.0, zigbee=True), 1, world, told.append, PAST_S).set_up()
    return world


def sent(past: Past, homes: int) -> tuple[dict[str, Hub], list[tuple[str, dict[str, object]]]]:
    """Every report in the order in which the hubs were given it: (home, report)."""
    given: list[tuple[str, dict[str, object]]] = []
    hubs = {home.id: Hub(home, "boot") for home in demo(homes, zigbee=True)}

    def look() -> None:
        for name, hub in hubs.items():
            while (one := hub.take()) is not None:
                given.append((name, json.loads(one[1].payload)))

    for hub in hubs.values():
        hub.poke = look
    asyncio.run(past.send(hubs, Clock(NOW, 0.0).earlier(PAST_S)))
    return hubs, given


def test_the_past_and_the_present_are_one_life() -> None:
    whole = [(at, e) for at, e in staged(3).run(PAST_S + 600) if isinstance(e, Said)]
    world = staged(3)
    past = Past(world, PAST_S)
    present = [(at, e) for at, e in world.run(PAST_S + 600) if isinstance(e, Said)]
    before = [moment for moment in whole if moment[0] <= PAST_S]
    assert len(past) == len(before) > 3 * 60
    assert whole == before + present


def test_nothing_happens_before_the_stage_opens_and_nothing_said_there_could_raise_an_alert() -> None:
    plants: list[Plant] = []
    world = staged(20, plants)
    for at, emission in world.run(PAST_S):
        assert at <= PAST_S
        if isinstance(emission, Said):
            values = emission.values
            assert not values.urgent
            assert not emission.mark
            assert not any(alarm is True for alarm in (values.tamper, values.mains_lost, values.battery_low, values.test))
            assert values.heart_rate is msgspec.UNSET or 45 <= values.heart_rate <= 120
            assert values.spo2 is msgspec.UNSET or values.spo2 >= 93
    assert plants == []
    list(world.run(PAST_S + 60))
    assert plants[0].expected


def test_stored_reports_carry_their_own_moments_oldest_first_and_none_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_module, "PAUSE_S", 0.0)
    past = Past(staged(3), PAST_S)
    number = len(past)
    _, given = sent(past, 3)
    assert len(given) == number
    assert len(past) == 0
    assert len({(home, report["id"]) for home, report in given}) == number
    moments = [datetime.fromisoformat(str(report["at"])) for home, report in given if home == "home-0001"]
    assert moments == sorted(moments)
    assert NOW - timedelta(hours=3) <= moments[0] < NOW - timedelta(hours=2, minutes=55)
    assert NOW - timedelta(minutes=5) < moments[-1] <= NOW
    assert [home for home, _ in given] == sorted(home for home, _ in given)


def test_the_past_of_a_home_where_something_happens_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_module, "PAUSE_S", 0.0)
    past = Past(staged(3), PAST_S)
    past.hurry("home-0003")
    past.hurry("home-0099")
    _, given = sent(past, 3)
    order = list(dict.fromkeys(home for home, _ in given))
    assert order == ["home-0003", "home-0001", "home-0002"]


def test_the_past_is_told_at_a_calm_pace() -> None:
    past = Past(staged(2), PAST_S)
    number, began = len(past), time.monotonic()
    sent(past, 2)
    pace = number / (time.monotonic() - began)
    assert pace <= 1.2 * past_module.PIECE / past_module.PAUSE_S


def test_a_world_that_opens_with_its_beginning_has_no_past() -> None:
    world = World()
    Stage(load("community"), demo(2), 1, world, lambda _: None).set_up()
    assert len(Past(world, 0.0)) == 0
    assert next(iter(world.run(0.0)))[0] == 0.0


def endpoints_file(folder: Path, http: str, mqtt: str) -> Path:
    file = folder / "endpoints.json"
    file.write_text(json.dumps({"http": http, "mqtt": mqtt, "token": TOKEN, "device": {"username": "device", "password": "d"}}))
    return file


def oldest(platform: SmallPlatform) -> timedelta:
    """How long before its receipt the oldest report was said."""
    return max((datetime.now(UTC) - at for at in platform.moments), default=timedelta(0))  # noqa: TID251 - a real platform's receipt


async def more(platform: SmallPlatform, number: int) -> None:
    before = len(platform.moments)
    await until(lambda: len(platform.moments) >= before + number)


def test_the_first_start_tells_three_hours_and_the_next_one_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []

    class Counted(Past):
        def __init__(self, world: World, until: float) -> None:
            super().__init__(world, until)
            told.append(len(self))

    monkeypatch.setattr(live_module, "Past", Counted)

    async def scene(server: Mosquitto) -> None:
        async with small_platform(server.broker, homes=2) as platform:
            file = endpoints_file(tmp_path, platform.http, server.url)
            for start in ("first", "second"):
                living = asyncio.create_task(live(file, load("community"), seed=1))
                try:
                    if start == "first":
                        await more(platform, 200)
                        assert timedelta(hours=2, minutes=55) < oldest(platform) < timedelta(hours=3, minutes=1)
                    else:
                        await until(lambda: len(told) == 2)
                        await more(platform, 8)
                finally:
                    living.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await living

    with mosquitto(tmp_path) as server:
        asyncio.run(scene(server))
    assert told[0] > 200
    assert told[1:] == [0]


def test_a_desk_that_nobody_sits_at_fills_up_and_does_not_overflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "ASK_S", 0.05)

    async def scene(server: Mosquitto) -> None:
        async with small_platform(server.broker, homes=2) as platform:
            file = endpoints_file(tmp_path, platform.http, server.url)
            desk = live_module.Desk(endpoints(file) or pytest.fail("no endpoints"))
            watching = asyncio.create_task(desk.watch())
            for number in range(live_module.MOST_OPEN):
                platform.raise_alert(f"a-{number}", "home-0001", "fall", {})
            asked = platform.asked
            await until(lambda: platform.asked >= asked + 3)
            assert not desk.is_full()
            platform.raise_alert("one-more", "home-0001", "fall", {})
            await until(desk.is_full)
            platform.alerts.clear()
            await until(lambda: not desk.is_full())
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching

    with mosquitto(tmp_path) as server:
        asyncio.run(scene(server))


def test_while_the_desk_is_full_only_that_happens_which_nobody_has_to_answer() -> None:
    plants: list[Plant] = []
    world = World()
    Stage(load("community"), demo(20), 1, world, plants.append, spared=lambda: True).set_up()
    list(world.run(900.0))
    assert len(plants) >= 4
    assert all(not plant.expected for plant in plants)
