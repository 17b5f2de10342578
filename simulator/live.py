"""A community that lives for ever beside a running platform: what `./anju up` starts.

It waits for the platform, animates the homes that it has, and outlives its restarts: the lines come back by themselves. A platform that
has never heard these homes is told their last hours first, so that whoever answers the first call has something to look at.
"""

import asyncio
import contextlib
from math import inf
from pathlib import Path

import msgspec
from msgspec.structs import replace

from simulator.clock import begin
from simulator.home import HomeRecord, virtual_homes
from simulator.hub import Hub
from simulator.link import broker_at
from simulator.past import MOST_HOMES, PAST_S, Past, has_readings
from simulator.plan import Stage
from simulator.play import lines, play
from simulator.registry import Endpoints, PlatformError, api, ask, demo_homes, endpoints, registered_homes
from simulator.scenario import Scenario
from simulator.world import World

LOOK_AGAIN_S = 0.25
ASK_S = 5.0
MOST_OPEN = 12
"""Nothing new happens while more alerts than this are open: a desk that nobody sits at fills up, and does not overflow."""


class _Queue(msgspec.Struct, frozen=True):
    items: tuple[msgspec.Raw, ...]


class Desk:
    """How much is waiting on the platform's desk, whoever raised it."""

    def __init__(self, platform: Endpoints) -> None:
        self._platform = platform
        self._open = 0

    def is_full(self) -> bool:
        return self._open > MOST_OPEN

    async def watch(self) -> None:
        """For ever. While the platform does not answer, what it said last stands."""
        async with api(self._platform.http, self._platform.token) as client:
            while True:
                with contextlib.suppress(PlatformError):
                    queue = await ask(client, "alerts", {"status": "open", "limit": str(MOST_OPEN + 1)}, _Queue)
                    self._open = len(queue.items)
                await asyncio.sleep(ASK_S)


async def live(path: Path, scenario: Scenario, *, seed: int) -> None:
    """Ends only by being cancelled. `path`: the platform's `endpoints.json`, there or to come."""
    platform, records, past_s = await _homes_of(path, seed)
    clock = begin().earlier(past_s)
    homes = tuple(home for home in virtual_homes(records, seed=seed, local_s=clock.local_s, all_zigbee=False) if home.devices)
    hubs = {home.id: Hub(home, clock.boot) for home in homes}
    world, desk = World(), Desk(platform)
    Stage(scenario, homes, seed, world, lambda plant: past.hurry(plant.home), past_s, desk.is_full).set_up()
    past = Past(world, past_s)
    broker = replace(broker_at(platform.mqtt), username=platform.device.username, password=platform.device.password)
    async with lines(hubs.values(), broker, "hub"), asyncio.TaskGroup() as group:
        group.create_task(desk.watch())
        group.create_task(past.send(hubs, clock))
        await play(world, hubs, clock, until=inf, on_mark=_nobody_counts)


async def _homes_of(path: Path, seed: int) -> tuple[Endpoints, tuple[HomeRecord, ...], float]:
    """Waits for the platform as long as it takes, and until it has homes. The seconds: how much of their past it should be told."""
    while True:
        platform = endpoints(path)
        if platform is not None:
            with contextlib.suppress(PlatformError):
                async with api(platform.http, platform.token) as client:
                    records = of_the_demo(await registered_homes(client), seed)
                    if any(record.devices for record in records):
                        heard = len(records) > MOST_HOMES or await has_readings(client, records)
                        return platform, records, 0.0 if heard else PAST_S
        await asyncio.sleep(LOOK_AGAIN_S)


def of_the_demo(records: tuple[HomeRecord, ...], seed: int) -> tuple[HomeRecord, ...]:
    """The demo community's homes and devices of these. What people have registered beside them speaks for itself, or not at all."""
    ours = {home.id: {device.id for device in home.devices} for home in demo_homes(len(records), seed)}
    return tuple(
        replace(home, devices=tuple(device for device in home.devices if device.id in ours[home.id])) for home in records if home.id in ours
    )


def _nobody_counts(*_: object) -> None:
    """Nothing is scored here."""
