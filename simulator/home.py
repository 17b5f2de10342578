"""A virtual home: its devices, its resident, and the processes by which everyday life becomes what the devices say."""

from collections.abc import Iterable
from functools import partial
from random import Random
from zlib import crc32

import msgspec

from simulator import device as d
from simulator.body import Body
from simulator.device import Device, Kind, kind_of
from simulator.resident import STILLNESS_S, Doing, Room, Stay, life
from simulator.wire import Address, Values
from simulator.world import Part, Process, Said, World
from simulator.zigbee import ZigbeeNet

SENSED = {Room.BEDROOM: "motion-bed", Room.LIVING: "motion-living"}
ZIGBEE_REPORT_S = 900.0


class DeviceRecord(msgspec.Struct, frozen=True):
    id: str
    model: str
    room: str = ""


class HomeRecord(msgspec.Struct, frozen=True):
    """A home as a registry has it."""

    id: str
    area: str
    devices: tuple[DeviceRecord, ...]

    @property
    def has_zigbee(self) -> bool:
        """One home of four had Zigbee devices before the kit came. By its id, so that it is the same one in every run."""
        return crc32(self.id.encode()) % 4 == 0


class VirtualHome:
    """`local_s`: the local time of day at virtual second 0, in seconds since midnight."""

    def __init__(self, record: HomeRecord, *, seed: int, local_s: float, zigbee: bool) -> None:
        self.id = record.id
        self.address = Address(record.area, record.id)
        self.seed = f"{seed}:{record.id}"
        self.local_s = local_s
        self.devices = _devices(record, self.seed)
        self.zigbee = ZigbeeNet(record.id, f"{self.seed}:zigbee") if zigbee else None
        self.body = Body(f"{self.seed}:body")
        self.stay = Stay(0.0, 0.0, Room.LIVING, Doing.RESTING)
        self.lying_until = 0.0
        """A person on the floor moves no sensor."""
        self.smoke_until = 0.0
        """While it smokes, the detector has more to say than that it lives."""
        self.mains_lost = False

    def find(self, kind: Kind, slot: str = "") -> Device | None:
        """The one of that slot, `cord-bath`; without one, or where the home has none such, the first of its kind."""
        of_kind = [device for device in self.devices if device.kind is kind]
        return next((device for device in of_kind if device.slot == slot), of_kind[0] if of_kind else None)

    @property
    def hub(self) -> Device | None:
        return self.find(Kind.HUB)

    def say(self, device: Device, values: Values, now: float, mark: str = "", copies: int = 1) -> Said:
        return Said(self.id, device.id, device.says(values, now), mark, copies)

    def inhabit(self, world: World, *, everyday: bool) -> None:
        """Start the processes. Without `everyday` the devices only say that they live: a quiet stage for a story."""
        for device in self.devices:
            if device.kind is not Kind.WATCH:
                world.start(partial(self._alive, device), device.phase_s)
        watch = self.find(Kind.WATCH)
        if watch is not None:
            world.start(partial(self._measure, watch), watch.phase_s)
        if everyday:
            world.start(self._live)
        if self.zigbee is not None:
            world.start(partial(self._zigbee_reports, self.zigbee), 5.0)

    def _alive(self, device: Device, now: float) -> Process:
        while True:
            match device.kind:
                case Kind.SMOKE if now < self.smoke_until:
                    pass
                case Kind.SMOKE:
                    cooking = self.stay.doing is Doing.COOKING
                    reading = d.smoke_reading(0.03 if cooking else 0.01, 26.5 if cooking else 21.0)
                    now = yield self.say(device, reading, now)
                case Kind.HUB:
                    now = yield self.say(device, Values(mains_lost=self.mains_lost), now)
                case _:
                    now = yield self.say(device, Values(), now)
            now = yield device.nature.heartbeat_s

    def _measure(self, watch: Device, now: float) -> Process:
        chance = Random(f"{self.seed}:watch")  # noqa: S311 - a story, not a secret
        since_s = watch.nature.heartbeat_s
        while True:
            vitals = self.body.vitals(now, self.local_s + now, self.stay.effort, since_s)
            now = yield self.say(watch, vitals, now)
            since_s = watch.nature.heartbeat_s * chance.uniform(0.9, 1.1)
            now = yield since_s

    def _live(self, now: float) -> Process:
        """The resident goes through his days, from the one on which the simulation starts."""
        chance = Random(f"{self.seed}:moves")  # noqa: S311 - a story, not a secret
        for stay in life(f"{self.seed}:life"):
            if stay.ends <= self.local_s + now:
                continue
            if stay.begins > self.local_s + now:
                now = yield stay.begins - self.local_s - now
            goes_through_door = Room.OUTSIDE in (stay.room, self.stay.room) and stay.room is not self.stay.room
            self.stay = stay
            if goes_through_door or stay.doing is Doing.VISITED:
                now = yield from self._door(chance, now)
            now = yield from self._dwell(stay, chance, now)

    def _door(self, chance: Random, now: float) -> Part:
        door = self.find(Kind.DOOR)
        if door is not None and now >= self.lying_until:
            now = yield self.say(door, d.DOOR_OPEN, now)
            now = yield chance.uniform(4, 15)
            now = yield self.say(door, d.DOOR_SHUT, now)
        return now

    def _dwell(self, stay: Stay, chance: Random, now: float) -> Part:
        """Movements in a sensed room until the stay is over: the sensor holds each for a minute or so."""
        sensor = self.find(Kind.MOTION, SENSED[stay.room]) if stay.room in SENSED else None
        while sensor is not None:
            if now >= self.lying_until:
                now = yield self.say(sensor, d.MOVEMENT, now)
                now = yield chance.uniform(50, 80)
                now = yield self.say(sensor, d.STILLNESS, now)
            still_s = chance.expovariate(1 / STILLNESS_S[stay.doing])
            if self.local_s + now + still_s >= stay.ends:
                break
            now = yield still_s
        return now

    def _zigbee_reports(self, net: ZigbeeNet, _: float) -> Process:
        while True:
            yield net.leak_sensor()
            yield 30.0
            yield net.button()
            yield ZIGBEE_REPORT_S


def _devices(record: HomeRecord, seed: str) -> tuple[Device, ...]:
    made = []
    for item in record.devices:
        kind = kind_of(item.model)
        if kind is not None:
            slot = item.id.removeprefix(f"{record.id}-")
            made.append(Device(item.id, kind, item.model, slot, f"{seed}:{item.id}"))
    return tuple(made)


def virtual_homes(records: Iterable[HomeRecord], *, seed: int, local_s: float, all_zigbee: bool) -> tuple[VirtualHome, ...]:
    return tuple(VirtualHome(record, seed=seed, local_s=local_s, zigbee=all_zigbee or record.has_zigbee) for record in records)
