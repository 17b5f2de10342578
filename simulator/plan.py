"""A scenario on its stage: each event becomes a process that, when its time has come, picks the home and begins the act.

What is planted is told as it is planted; the message that carries the plant's id as its `mark` starts the clock of the platform's answer.
"""

from collections.abc import Callable
from functools import partial
from itertools import count
from random import Random

import msgspec

from simulator.acts import ACTS, Act, Deed
from simulator.device import Device
from simulator.home import VirtualHome
from simulator.scenario import Event, Expect, Scenario
from simulator.world import Process, World


class Plant(msgspec.Struct, frozen=True):
    """An act in one home and what should come of it. `device` is empty where the home has none that could do it."""

    id: str
    virtual_s: float
    home: str
    device: str
    act: Act
    expected: tuple[Expect, ...]


def _never() -> bool:
    return False


class Stage(msgspec.Struct, frozen=True):
    """`on_plant` is told of every act at the moment it begins. Residents live from second 0; the story begins at `opens_s`.

    `spared`: whether those who answer have enough to do just now; then nothing happens that they would have to answer.
    """

    scenario: Scenario
    homes: tuple[VirtualHome, ...]
    seed: int
    world: World
    on_plant: Callable[[Plant], None]
    opens_s: float = 0.0
    spared: Callable[[], bool] = _never

    def set_up(self) -> None:
        """Put the residents and the events into the world."""
        for home in self.homes:
            home.inhabit(self.world, everyday=self.scenario.everyday)
        for number, event in enumerate(self.scenario.event, start=1):
            self.world.start(partial(self._unfold, number, event), self.opens_s + event.at)

    def _unfold(self, number: int, event: Event, now: float) -> Process:
        chance = Random(f"{self.seed}:event:{number}")  # noqa: S311 - a story, not a secret
        for turn in count(1):
            for home in _chosen(event, self.homes, chance):
                plant_id = f"{number}.{home.id}" + (f".{turn}" if event.every is not None else "")
                late = chance.uniform(0, event.jitter)
                self.world.start(partial(self._begin, plant_id, event, home), now + late)
            if event.every is None:
                return
            now = yield event.every

    def _begin(self, plant_id: str, event: Event, home: VirtualHome, now: float) -> Process:
        if event.expected and self.spared():
            return
        device = _performer(event, home)
        self.on_plant(Plant(plant_id, now, home.id, device.id if device else "", event.do, event.expected))
        if device is not None:
            yield from ACTS[event.do].process(Deed(home, device, plant_id, event.times, event.lasts), now)


def _performer(event: Event, home: VirtualHome) -> Device | None:
    capability = ACTS[event.do]
    if capability.zigbee and home.zigbee is None:
        return None
    if capability.any_kind and event.device:
        return next((device for device in home.devices if device.slot == event.device), home.find(capability.kind))
    return home.find(capability.kind, event.device)


def _chosen(event: Event, homes: tuple[VirtualHome, ...], chance: Random) -> list[VirtualHome]:
    match event.home:
        case "each":
            return list(homes)
        case "any":
            able = [home for home in homes if _performer(event, home) is not None]
            return [chance.choice(able or homes)]
        case int(number):
            return [homes[number - 1]] if number <= len(homes) else []
        case numbers:
            return [homes[number - 1] for number in numbers if number <= len(homes)]
