"""The world played to real hubs in real time: the only place where virtual seconds become seconds."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from math import inf

import msgspec

from simulator import fleet, link
from simulator.clock import Clock
from simulator.gauges import Gauges
from simulator.hub import Hub
from simulator.link import Broker
from simulator.truth import Tell, nobody
from simulator.weather import Weather
from simulator.world import Bridged, Emission, Happened, HubForgot, LineCut, LineRestored, Said, WeatherTurned, World

Logins = Mapping[str, tuple[str, str]]

HOMES_BY_AIOMQTT = 50
"""Past this many homes the lines go by `fleet.py`, at a fraction of the cost."""


@asynccontextmanager
async def lines(
    hubs: Iterable[Hub], broker: Broker, name: str, *, for_good: bool = True, gauges: Gauges | None = None,
    logins: Logins | None = None, rough: bool = False,
) -> AsyncIterator[None]:  # fmt: skip
    """Every hub keeps itself connected while this is open. Client ids are `name` and the home's id: the same in every run.

    `logins`: user and password of the homes that have their own. Not `for_good`: at the end the broker is told to keep nothing for
    them, since nobody comes back for it. `rough`: the story has weather, which only the lines of `fleet.py` can live in.
    """
    hubs = tuple(hubs)
    gauges = gauges or Gauges()
    brokers = {hub.home.id: _as(broker, (logins or {}).get(hub.home.id)) for hub in hubs}
    gate = asyncio.Semaphore(fleet.CONNECTING_AT_ONCE)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = []
            for hub in hubs:
                client_id = f"{name}-{hub.home.id}"
                if rough:
                    hub.weather = Weather(hub.home.seed)
                if len(hubs) <= HOMES_BY_AIOMQTT and not rough:
                    line = link.keep_connected(hub, brokers[hub.home.id], client_id, gauges)
                else:
                    line = fleet.keep_connected(hub, brokers[hub.home.id], client_id, gate, gauges)
                tasks.append(group.create_task(line, name=client_id))
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
    except BaseExceptionGroup as problems:
        # A problem of the one who opened the lines is his own, and not one of a group.
        if len(problems.exceptions) == 1:
            raise problems.exceptions[0] from None
        raise
    finally:
        if not for_good:
            async with asyncio.TaskGroup() as group:
                for hub in hubs:
                    if hub.was_connected:
                        group.create_task(fleet.discard(brokers[hub.home.id], f"{name}-{hub.home.id}", gate))


def _as(broker: Broker, login: tuple[str, str] | None) -> Broker:
    return broker if login is None else msgspec.structs.replace(broker, username=login[0], password=login[1])


async def all_connected(hubs: Iterable[Hub], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while not all(hub.connected for hub in hubs):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


async def all_delivered(hubs: Iterable[Hub], within_s: float) -> bool:
    """Whether the broker has acknowledged everything within so many seconds; a hub whose line is cut is not waited for."""
    deadline = time.monotonic() + within_s
    while any(hub.waiting and not hub.cut for hub in hubs):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


async def play(
    world: World, hubs: Mapping[str, Hub], clock: Clock, *, until: float, on_mark: Callable[[str, float], None],
    tell: Tell = nobody,
) -> None:  # fmt: skip
    """Let the world happen up to a virtual second. `on_mark(plant, monotonic_s)`: a planted message was handed to its hub just now."""
    while (next_at := world.next_at) is not None and next_at <= until:
        # Also when there is nothing to wait for: sockets are served between any two moments.
        await asyncio.sleep(max(0.0, clock.due_s(next_at) - time.monotonic()))
        for at, emission in world.run(next_at):
            tell(at, emission)
            mark = hand_over(emission, hubs[emission.home], clock, at)
            if mark:
                on_mark(mark, time.monotonic())
    if until < inf:
        await asyncio.sleep(max(0.0, clock.due_s(until) - time.monotonic()))


def hand_over(emission: Emission, hub: Hub, clock: Clock, at: float) -> str:
    """To the hub of its home; gives the emission's mark, if it has one."""
    match emission:
        case Said(heard=False):
            return ""
        case Said():
            hub.say(emission, clock.wall(at) + timedelta(seconds=emission.off_s))
            return emission.mark
        case Happened():
            return emission.mark
        case Bridged():
            hub.bridge(emission)
            return emission.mark
        case LineCut():
            hub.sever()
            return emission.mark
        case LineRestored():
            hub.restore()
            return ""
        case WeatherTurned(_, name, sky):
            if hub.weather is not None:
                hub.weather.turn(name, sky, asyncio.get_running_loop().time())
            return ""
        case HubForgot():
            hub.forget()
            return ""
