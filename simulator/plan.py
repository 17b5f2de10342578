"""A scenario on its stage: each event becomes a process that, when its time has come, picks the home and begins the act.

What is planted is told as it is planted; the message that carries the plant's id as its `mark` starts the clock of the platform's answer.
Chance is drawn over all homes, those of other shards too, so that a fleet in several processes lives the same night as in one.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import count
from random import Random

import msgspec

from simulator import mishaps, storms
from simulator.acts import ACTS, Act
from simulator.deed import Deed
from simulator.device import Device, Kind
from simulator.home import VirtualHome, Where
from simulator.living import Living
from simulator.story import Category, Event, Expect, Fault, Resident, Scenario, Span, Trouble, Which
from simulator.world import Part, Process, Sky, World

FELT = 0.8
"""The share of falls that a good wearable feels: over 80 % of 143 real ones (FARSEEING); tests with volunteers say more."""
PRESSES = 0.17
"""Who presses after a fall that nothing felt: 83 % of fallers did not (reviews of personal alarms)."""
BY_ITSELF = Span(5)
"""Within how many real seconds an alert is expected for what life brings."""


class Plant(msgspec.Struct, frozen=True):
    """An act in one home and what should come of it. `device` is empty where the home has none that could do it."""

    id: str
    virtual_s: float
    home: str
    device: str
    act: str
    expected: tuple[Expect, ...]
    area: str = ""


def _never() -> bool:
    return False


class Stage(msgspec.Struct, frozen=True):
    """`on_plant` is told of every act at the moment it begins. Residents live from second 0; the story begins at `opens_s`.

    `spared`: whether those who answer have enough to do just now; then nothing happens that they would have to answer.
    `words`: what the file says of a home's resident. `everywhere`: all homes in their order, where others play some of them.
    """

    scenario: Scenario
    homes: tuple[VirtualHome, ...]
    seed: int
    world: World
    on_plant: Callable[[Plant], None]
    opens_s: float = 0.0
    spared: Callable[[], bool] = _never
    words: Mapping[str, Resident] = {}
    everywhere: tuple[Where, ...] = ()
    suffered: dict[int, int] = {}
    """How many of our homes each fault, by its number in the file, has met so far."""

    def set_up(self) -> None:
        """Put the residents, the events and the faults into the world."""
        for home in self.homes:
            Living(home).begin(self.world, everyday=self.scenario.everyday)
            if home.id in self.words:
                self._fate(home, self.words[home.id])
        everywhere = self.everywhere or tuple(home.where for home in self.homes)
        ours = {home.id: home for home in self.homes}
        for number, event in enumerate(self.scenario.event, start=1):
            self.world.start(partial(self._unfold, number, event, everywhere, ours), self.opens_s + event.at)
        for number, fault in enumerate(self.scenario.fault, start=1):
            self._fail(number, fault, everywhere, ours)

    # --- events -------------------------------------------------------------------------------------------------------------

    def _unfold(self, number: int, event: Event, everywhere: tuple[Where, ...], ours: Mapping[str, VirtualHome], now: float) -> Process:
        chance = Random(f"{self.seed}:event:{number}")  # noqa: S311 - a story, not a secret
        for turn in count(1):
            able = [place for place in everywhere if _able(event, place)] if event.home == "any" else everywhere
            for place in _chosen(event.home, event.number, able or everywhere, everywhere, chance):
                plant_id = f"{number}.{place.id}" + (f".{turn}" if event.every is not None else "")
                late = chance.uniform(0, event.jitter)
                if place.id in ours:
                    self.world.start(partial(self._begin, plant_id, event, ours[place.id]), now + late)
            if event.every is None:
                return
            now = yield event.every

    def _begin(self, plant_id: str, event: Event, home: VirtualHome, now: float) -> Process:
        if event.expected and self.spared():
            return
        device = _performer(event, home)
        self.on_plant(_plant(plant_id, now, home, device, event))
        if device is not None:
            yield from ACTS[event.do].process(Deed(home, device, plant_id, event.times, event.lasts), now)

    # --- faults -------------------------------------------------------------------------------------------------------------

    def _fail(self, number: int, fault: Fault, everywhere: tuple[Where, ...], ours: Mapping[str, VirtualHome]) -> None:
        chance = Random(f"{self.seed}:fault:{number}")  # noqa: S311 - a story, not a secret
        areas = sorted({place.area for place in everywhere})
        area = chance.choice(areas) if fault.area == "any" else fault.area
        there = [place for place in everywhere if place.area.startswith(area)]
        for place in _chosen(fault.home, fault.number, there, everywhere, chance):
            hit = fault.do in (Trouble.MESSAGE_LOSS, Trouble.LOST_PUBACKS) or chance.uniform(0, 100) < fault.share
            late = chance.uniform(0, fault.jitter)
            if hit and place.area.startswith(area) and place.id in ours:
                suffering = partial(self._suffer, number, fault, ours[place.id])
                self.world.start(suffering, self.opens_s + fault.at + late)

    def _suffer(self, number: int, fault: Fault, home: VirtualHome, now: float) -> Process:
        plant_id = f"fault{number}.{home.id}"
        self.suffered[number] = self.suffered.get(number, 0) + 1
        if fault.expected:
            self.on_plant(_plant(plant_id, now, home, home.hub, fault))
        yield from _trouble(fault, home, plant_id, now)

    # --- what life brings ---------------------------------------------------------------------------------------------------

    def _fate(self, home: VirtualHome, words: Resident) -> None:
        chance = Random(f"{home.seed}:fate")  # noqa: S311 - a story, not a secret
        for what, every in (("fall", words.falls_every), ("stove", words.burns_every)):
            if every is not None:
                own = Random(chance.random())  # noqa: S311 - a story, not a secret
                self.world.start(partial(self._again, what, every, home, own), self.opens_s)

    def _again(self, what: str, every: Span, home: VirtualHome, chance: Random, now: float) -> Process:
        for turn in count(1):
            now = yield chance.expovariate(1 / every)
            act, expected = _fall(chance) if what == "fall" else (Act.FORGET_STOVE, (_expect(Category.FIRE),))
            event = Event(Span(0), act, expected)
            self.world.start(partial(self._begin, f"life.{what}.{home.id}.{turn}", event, home), now)


def _plant(id_: str, now: float, home: VirtualHome, device: Device | None, what: Event | Fault) -> Plant:
    return Plant(id_, now, home.id, device.id if device else "", what.do, what.expected, home.address.area)


def _fall(chance: Random) -> tuple[Act, tuple[Expect, ...]]:
    if chance.random() < FELT:
        return Act.FALL, (_expect(Category.FALL),)
    if chance.random() < PRESSES:
        return Act.FALL_AND_PRESS, (_expect(Category.CALL_FOR_HELP),)
    return Act.FALL_UNHEARD, ()


def _expect(category: Category) -> Expect:
    return Expect(category, BY_ITSELF, 1)


def _trouble(fault: Fault, home: VirtualHome, plant_id: str, now: float) -> Part:
    mark = plant_id if fault.expected else ""
    if fault.do.of_the_line or fault.do is Trouble.CLOCK_JUMPS:
        return (yield from _storm(fault, home, plant_id))
    match fault.do:
        case Trouble.MAINS_OUTAGE if home.hub is not None:
            return (yield from mishaps.without_mains(home, home.hub, now, fault.lasts, mark))
        case Trouble.CLOCK_WRONG:
            return (yield from mishaps.wrong_clocks(home, fault.by, fault.lasts))
        case Trouble.MESSAGE_LOSS:
            return (yield from mishaps.lossy_air(home, fault.share / 100, fault.lasts))
        case _:
            return (yield from mishaps.without_line(home, fault.lasts, mark))


def _storm(fault: Fault, home: VirtualHome, name: str) -> Part:
    seed, lasts = f"{home.seed}:{name}", fault.lasts
    match fault.do:
        case Trouble.LINE_CUTS:
            return (yield from storms.cuts(home, fault.times, lasts, seed))
        case Trouble.POWER_FLAPS:
            return (yield from storms.power_flaps(home, fault.times, lasts, seed))
        case Trouble.CLOCK_JUMPS:
            return (yield from storms.clocks_jump(home, fault.by, fault.times, lasts, seed))
        case Trouble.HALF_OPEN:
            return (yield from storms.under(home, name, Sky(swallows=True), "line is half-open", lasts))
        case Trouble.SLOW_LINE:
            sky = Sky(delay_s=fault.by, bytes_per_s=fault.rate)
            note = f"{fault.by:g} s each way" + (f", {fault.rate} bytes/s" if fault.rate else "")
            return (yield from storms.under(home, name, sky, "line is slow", lasts, note=note))
        case Trouble.LOST_PUBACKS:
            sky = Sky(pubacks_lost=fault.share / 100)
            return (yield from storms.under(home, name, sky, "acknowledgements are lost", lasts, note=f"{fault.share:g} of a hundred"))
        case Trouble.WRONG_ORDER:
            return (yield from storms.under(home, name, Sky(backwards=True), "the hub sends backwards", lasts, drops=True))
        case Trouble.CERTIFICATE_BAD:
            what = "the hub does not take the platform's certificate"
            return (yield from storms.under(home, name, Sky(distrusts=True), what, lasts, drops=True))
        case _:
            return (yield from storms.under(home, name, Sky(misled=True), "the platform's name leads elsewhere", lasts, drops=True))


def _able(event: Event, place: Where) -> bool:
    """Whether somebody in that home has what the act needs."""
    capability = ACTS[event.do]
    return place.zigbee if capability.zigbee else capability.kind in place.kinds


def _performer(event: Event, home: VirtualHome) -> Device | None:
    capability = ACTS[event.do]
    if capability.zigbee and home.zigbee is None:
        return None
    if capability.any_kind and event.device:
        return next((device for device in home.devices if device.slot == event.device), home.find(capability.kind))
    return home.find(Kind(capability.kind), event.device)


def _chosen(
    which: Which, number: int, able: Iterable[Where], homes: tuple[Where, ...], chance: Random,
) -> list[Where]:  # fmt: skip
    """`able`: among whom `any` and `each` choose; a number counts among all."""
    candidates = list(able)
    match which:
        case "each":
            return candidates
        case "any":
            return chance.sample(candidates, min(number, len(candidates)))
        case int(one):
            return [homes[one - 1]] if one <= len(homes) else []
        case numbers:
            return [homes[one - 1] for one in numbers if one <= len(homes)]
