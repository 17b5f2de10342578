"""A community that lives for ever beside a running platform: what `./anju up` starts.

It waits for the platform, animates the homes that it has, and outlives its restarts: the lines come back by themselves.
"""

import asyncio
import contextlib
from math import inf
from pathlib import Path

import msgspec

from simulator.clock import begin
from simulator.home import HomeRecord, virtual_homes
from simulator.hub import Hub
from simulator.link import broker_at
from simulator.plan import Stage
from simulator.play import lines, play
from simulator.registry import Endpoints, PlatformError, api, endpoints, registered_homes
from simulator.scenario import Scenario
from simulator.world import World

LOOK_AGAIN_S = 0.25


async def live(path: Path, scenario: Scenario, *, seed: int) -> None:
    """Ends only by being cancelled. `path`: the platform's `endpoints.json`, there or to come."""
    platform, records = await _homes_of(path)
    clock = begin()
    homes = virtual_homes(records, seed=seed, local_s=clock.local_s, all_zigbee=False)
    hubs = {home.id: Hub(home, clock.boot) for home in homes if home.devices}
    world = World()
    Stage(scenario, tuple(home for home in homes if home.devices), seed, world, _nobody_counts).set_up()
    broker = msgspec.structs.replace(broker_at(platform.mqtt), username=platform.device.username, password=platform.device.password)
    async with lines(hubs.values(), broker, "hub"):
        await play(world, hubs, clock, until=inf, on_mark=_nobody_counts)


async def _homes_of(path: Path) -> tuple[Endpoints, tuple[HomeRecord, ...]]:
    """Waits for the platform as long as it takes, and until it has homes."""
    while True:
        platform = endpoints(path)
        if platform is not None:
            with contextlib.suppress(PlatformError):
                async with api(platform.http, platform.token) as client:
                    records = await registered_homes(client)
                if any(record.devices for record in records):
                    return platform, records
        await asyncio.sleep(LOOK_AGAIN_S)


def _nobody_counts(*_: object) -> None:
    """Nothing is scored here."""
