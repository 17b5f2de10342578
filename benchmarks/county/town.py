"""Homes of the county that are lived in: kits, residents, and the bytes that their hubs would send, in order of arrival."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from random import Random
from statistics import median

import msgspec

from benchmarks.county.emergencies import Emergency
from benchmarks.county.plants import Planted, befalls, forgotten, schedule
from benchmarks.detection.lives import FIRST_DAY
from simulator.casting import furnished
from simulator.clock import DAY_S
from simulator.home import HomeRecord, Occupant, VirtualHome, virtual_homes
from simulator.living import Living
from simulator.mishaps import without_mains
from simulator.registry import demo_homes
from simulator.resident import Doing, Habits, life
from simulator.wire import Channel, report
from simulator.world import Happened, LineCut, LineRestored, Process, Said, World

KITS = (
    ("hub", "watch", "bed", "door", "motion-bed", "motion-living", "motion-kitchen", "motion-bath", "smoke", "co", "meter"),
    ("hub", "watch", "cord-bath", "door", "motion-living", "motion-kitchen", "motion-bath", "smoke", "gas", "meter"),
    ("hub", "watch", "bed", "door", "motion-living", "motion-kitchen", "smoke", "co", "gas", "meter"),
)
CUT_S = 5 * 3600.0
"""Of the power in one area: longer than the weaker hubs' own cells last."""
DAYS_ASKED = 14


class Delivery(msgspec.Struct, frozen=True):
    """A message of a hub reaches the platform."""

    received_at: datetime
    topic: str
    payload: bytes


class Town:
    """The homes of these areas; `part` (n, of): every `of`-th of them, from the n-th on.

    `planted` holds what was, with the second at which it really began, as far as the world has run.
    """

    def __init__(
        self, areas: frozenset[str], number: int, days: int, seed: int, kinds: tuple[Emergency, ...], *, part: tuple[int, int] = (0, 1),
    ) -> None:  # fmt: skip
        records = demo_homes(number, seed)
        mine = [(n, furnished(record, KITS[n % len(KITS)])) for n, record in enumerate(records) if record.area in areas]
        mine = mine[part[0] :: part[1]]
        self.records = tuple(record for _, record in mine)
        self.days = days
        self.homes = virtual_homes(
            self.records, seed=seed, local_s=0.0, all_zigbee=False,
            occupants={record.id: Occupant(habits=_habits(seed, record)) for record in self.records},
        )  # fmt: skip
        for home in self.homes:
            home.zigbee = None
        self.planted: list[Planted] = []
        self.lapses: set[tuple[str, int]] = set()
        """(home, day) on which its resident forgot the pills by himself."""
        self._forgotten: dict[str, Planted] = {}
        self._world = World()
        for (n, _), home in zip(mine, self.homes, strict=True):
            Living(home).begin(self._world, everyday=True)
            self._plant(home, n, kinds, seed)
        self._cut_power(min(record.area for record in records), seed)

    def runs(self) -> Iterator[tuple[float, Delivery | None]]:
        """(virtual second, what arrives then); None once every virtual hour or so, where nothing of note came."""
        waiting: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
        cut: set[str] = set()
        addresses = {home.id: home.address for home in self.homes}
        number, hour = 0, 0
        for second, emission in self._world.run(self.days * DAY_S):
            now = FIRST_DAY + timedelta(seconds=second)
            match emission:
                case Said(heard=True) if not self._left_out(emission, second):
                    number += 1
                    channel = Channel.ALARM if emission.values.urgent else Channel.REPORT
                    topic = addresses[emission.home].topic(emission.device, channel)
                    payload = report(f"r{number}", now + timedelta(seconds=emission.off_s), emission.values)
                    if emission.home in cut:
                        waiting[emission.home].append((topic, payload))
                    else:
                        for _ in range(emission.copies):
                            yield second, Delivery(now, topic, payload)
                case LineCut(home=home):
                    cut.add(home)
                case LineRestored(home=home):
                    cut.discard(home)
                    for topic, payload in waiting.pop(home, ()):
                        yield second, Delivery(now, topic, payload)
                case Happened(what="forgets the pills"):
                    self.lapses.add((emission.home, int(second // DAY_S)))
                case _:
                    pass
            if second // 3600 > hour:
                hour = int(second // 3600)
                yield second, None

    def breakfast(self, home: VirtualHome) -> float:
        """The hour of the day at which its resident usually takes the pills: what he says when he is asked."""
        hours: list[float] = []
        for stay in life(f"{home.seed}:life", home.occupant.habits):
            if stay.begins > DAYS_ASKED * DAY_S:
                return median(hours)
            if stay.doing is Doing.EATING and 4 < stay.begins / 3600 % 24 < 10:
                hours.append(stay.begins / 3600 % 24)
        return 8.0

    def _plant(self, home: VirtualHome, number: int, kinds: tuple[Emergency, ...], seed: int) -> None:
        for planted in schedule(home, number, self.days, kinds, seed):
            self._world.start(befalls(home, planted, seed, partial(self._begun, planted)), planted.at)
            if planted.emergency is None:
                self.planted.append(planted)
            elif planted.what == "missed_pills":
                self._forgotten[home.id] = planted

    def _begun(self, planted: Planted, second: float) -> None:
        late = second - planted.at
        self.planted.append(msgspec.structs.replace(planted, at=second, ends=planted.ends + late))

    def _cut_power(self, area: str, seed: int) -> None:
        """In one area of the county, on a day in the middle."""
        at = (self.days // 2) * DAY_S + Random(f"{seed}:power").uniform(9, 15) * 3600
        for home in self.homes:
            if home.address.area == area:
                self._world.start(partial(_dark, home), at)
                self.planted.append(Planted(home.id, "power_cut", at, at + CUT_S))

    def _left_out(self, said: Said, second: float) -> bool:
        planted = self._forgotten.get(said.home)
        return planted is not None and said.values.medication_taken is True and forgotten(planted, second)


def areas_of(number: int, seed: int) -> list[str]:
    return sorted({record.area for record in demo_homes(number, seed)})


def _dark(home: VirtualHome, now: float) -> Process:
    if home.hub is not None:
        yield from without_mains(home, home.hub, now, CUT_S)


def _habits(seed: int, record: HomeRecord) -> Habits:
    chance = Random(f"{seed}:{record.id}:habits")
    return Habits(
        rises=chance.uniform(4.8, 7.5), to_bed=chance.uniform(20.2, 22.8), naps=chance.random() < 0.7, goes_out=chance.uniform(0.3, 0.95),
        walks=chance.uniform(0.1, 0.6), visited=chance.uniform(0.05, 0.4), toilet_at_night=chance.choice((0, 1, 2, 3)),
        restless=chance.choice((1.0, 1.0, 2.5)), forgetful=chance.choice((0.0, 0.0, 0.05)),
    )  # fmt: skip
