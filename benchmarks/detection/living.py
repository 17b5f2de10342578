"""The simulator's living homes, heard without a wire: what their devices would have sent, over a month, and one fall that nobody hears."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from random import Random

import msgspec

from benchmarks.detection.lives import FIRST_DAY
from benchmarks.detection.recording import Recording, Sensor, Stretch, Utterance
from devices.observation import Property
from simulator.casting import ROOMS, furnished
from simulator.clock import DAY_S
from simulator.home import Occupant, VirtualHome, virtual_homes
from simulator.living import Living
from simulator.registry import demo_homes
from simulator.resident import Habits
from simulator.world import Happened, Process, Said, World

KITS = (
    ("hub", "watch", "door", "motion-living", "motion-kitchen"),
    ("hub", "watch", "door", "bed", "motion-living", "motion-kitchen", "motion-bath"),
    ("hub", "watch", "door", "motion-bed", "motion-living", "motion-kitchen", "motion-bath"),
)
HEARD = (Property.OCCUPANCY, Property.CONTACT_OPEN, Property.BED_OCCUPIED, Property.CHECKED_IN, Property.MEDICATION_TAKEN)
"""Of all they say, what a sign of life could be."""


def living(number: int, days: int, seed: int) -> tuple[Recording, Recording, datetime]:
    """A home over so many days; the same home with somebody who falls on the last of them and lies; and when."""
    chance = Random(f"{seed}:{number}")
    habits = Habits(
        rises=chance.uniform(4.8, 7.5), to_bed=chance.uniform(20.2, 22.8), naps=chance.random() < 0.7, goes_out=chance.uniform(0.3, 0.95),
        walks=chance.uniform(0.1, 0.6), visited=chance.uniform(0.05, 0.4), toilet_at_night=chance.choice((0, 1, 2, 3)),
        restless=chance.choice((1.0, 1.0, 2.5)), forgetful=chance.choice((0.0, 0.15)),
    )  # fmt: skip
    kit = KITS[number % len(KITS)]
    falls_at = timedelta(days=days - 2, hours=chance.uniform(0, 24))
    whole = _recorded(number, kit, habits, days, seed=seed, falls_at=None)
    return whole, _recorded(number, kit, habits, days, seed=seed, falls_at=falls_at), FIRST_DAY + falls_at


def _recorded(
    number: int, kit: tuple[str, ...], habits: Habits, days: int, *, seed: int, falls_at: timedelta | None,
) -> Recording:  # fmt: skip
    record = furnished(demo_homes(number + 1, seed)[number], kit)
    (home,) = virtual_homes([record], seed=seed, local_s=0.0, all_zigbee=False, occupants={record.id: Occupant(habits=habits)})
    world = World()
    Living(home).begin(world, everyday=True)
    if falls_at is not None:
        world.start(partial(_lies, home), falls_at.total_seconds())
    told: list[Utterance] = []
    life: list[Stretch] = []
    for second, emission in world.run(days * DAY_S):
        at = FIRST_DAY + timedelta(seconds=second)
        if isinstance(emission, Said) and emission.heard:
            told += _told(emission, at)
        elif isinstance(emission, Happened) and emission.note:
            life.append(Stretch(at, at, emission.what))
    ends = [stretch.since for stretch in life[1:]] + [FIRST_DAY + timedelta(days=days)]
    done = tuple(msgspec.structs.replace(stretch, until=until) for stretch, until in zip(life, ends, strict=True))
    sensors = tuple(Sensor(device.id, ROOMS.get(device.slot, ""), _exposes(device.slot)) for device in home.devices)
    return Recording(record.id, sensors, tuple(sorted(told)), done)


def _lies(home: VirtualHome, now: float) -> Process:
    home.lying_until = now + 2 * DAY_S
    yield 0.0


def _told(said: Said, at: datetime) -> Iterator[Utterance]:
    for property_ in HEARD:
        value = getattr(said.values, property_.value)
        if value is not msgspec.UNSET:
            yield Utterance(at, said.device, property_, value)


def _exposes(slot: str) -> tuple[Property, ...]:
    kind = slot.split("-", 1)[0]
    return {"door": (Property.CONTACT_OPEN,), "motion": (Property.OCCUPANCY,), "bed": (Property.BED_OCCUPIED,)}.get(kind, ())
