"""A virtual home: its dwelling, its devices, its resident, and what each of them is up to just now. What goes on in it is `living.py`."""

from collections.abc import Iterable, Mapping
from random import Random
from zlib import crc32

import msgspec

from simulator.body import Body, Health
from simulator.device import Device, Kind, kind_of
from simulator.dwelling import Dwelling
from simulator.meters import PowerMeter, WaterMeter
from simulator.resident import Doing, Habits, Room, Stay
from simulator.wire import Address, Values
from simulator.world import Happened, Said
from simulator.zigbee import ZigbeeNet

STANDS_IN = {
    "cord-bed": Room.BEDROOM,
    "cord-bath": Room.BATHROOM,
    "smoke": Room.KITCHEN,
    "co": Room.KITCHEN,
    "gas": Room.KITCHEN,
    "water": Room.BATHROOM,
    "meter": Room.BATHROOM,
    "bed": Room.BEDROOM,
    "door": Room.OUTSIDE,
    "power": Room.OUTSIDE,
    "motion-bed": Room.BEDROOM,
    "motion-living": Room.LIVING,
    "motion-kitchen": Room.KITCHEN,
    "motion-bath": Room.BATHROOM,
}
"""By slot; anything else stands in the living room or is worn."""
WORN = frozenset({Kind.WATCH, Kind.PENDANT, Kind.FALL})
BACKUP_H = (4.0, 8.0)
"""How long a hub's own cell keeps its mobile uplink alive without mains: 2 to 3 Ah at a third of an ampere."""


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


class Where(msgspec.Struct, frozen=True):
    """What the choice of a home by chance needs to know of it, whoever plays it."""

    id: str
    area: str
    kinds: frozenset[Kind]
    zigbee: bool


def where(record: HomeRecord, *, all_zigbee: bool) -> Where:
    kinds = frozenset(kind for device in record.devices if (kind := kind_of(device.model)) is not None)
    return Where(record.id, record.area, kinds, all_zigbee or record.has_zigbee)


class Occupant(msgspec.Struct, frozen=True):
    """Who lives in a home, and in what kind of dwelling."""

    who: str = "resident"
    habits: Habits = Habits()
    health: Health = Health()
    dwelling: Dwelling = Dwelling()


class VirtualHome:
    """`local_s`: the local time of day at virtual second 0, in seconds since midnight."""

    def __init__(self, record: HomeRecord, *, seed: int, local_s: float, zigbee: bool, occupant: Occupant | None = None) -> None:
        self.id = record.id
        self.address = Address(record.area, record.id)
        self.seed = f"{seed}:{record.id}"
        self.local_s = local_s
        self.occupant = occupant or Occupant()
        self.devices = _devices(record, self.seed)
        self.zigbee = ZigbeeNet(record.id, f"{self.seed}:zigbee") if zigbee else None
        self.body = Body(f"{self.seed}:body", self.occupant.health)
        self.stay = Stay(0.0, 0.0, Room.LIVING, Doing.RESTING)
        self.lying_until = 0.0
        """A person on the floor moves no sensor and draws no water."""
        self.stays_in_bed_until = 0.0
        """Lies in bed and does not get up: the mat goes on."""
        self.smoke_until = 0.0
        """While it smokes, the detector has more to say than that it lives."""
        self.bare_until = 0.0
        """The watch lies on the table or the charger, and measures nobody."""
        self.dead_watch = False
        self.mains_lost = False
        self.lost = 0.0
        """The share of messages that something on the air takes away before the hub."""
        chance = Random(f"{self.seed}:house")  # noqa: S311 - a story, not a secret
        self.backup_s = chance.uniform(*BACKUP_H) * 3600
        self.water = WaterMeter(chance)
        self.power = PowerMeter(chance)
        self._stand()

    def find(self, kind: Kind, slot: str = "") -> Device | None:
        """The one of that slot, `cord-bath`; without one, or where the home has none such, the first of its kind."""
        of_kind = [device for device in self.devices if device.kind is kind]
        return next((device for device in of_kind if device.slot == slot), of_kind[0] if of_kind else None)

    @property
    def where(self) -> Where:
        return Where(self.id, self.address.area, frozenset(device.kind for device in self.devices), self.zigbee is not None)

    @property
    def hub(self) -> Device | None:
        return self.find(Kind.HUB)

    def say(self, device: Device, values: Values, now: float, mark: str = "", copies: int = 1) -> Said:
        """Over the air to the hub: a call is repeated until it is heard, a reading is said once."""
        reception = device.sends(now, insists=values.urgent or bool(mark), lost=self.lost)
        said = device.says(values, now, reception)
        return Said(self.id, device.id, said, mark, copies, device.quartz.error_s(now), heard=reception.tries > 0)

    def so(self, what: str, note: str = "", *, who: str = "", device: str = "", mark: str = "") -> Happened:
        """Ground truth, seen or not."""
        return Happened(self.id, what, who, device, note, mark)

    def _stand(self) -> None:
        for device in self.devices:
            if device.kind is not Kind.HUB:
                room = STANDS_IN.get(device.slot, Room.LIVING)
                device.mean_dbm = self.occupant.dwelling.signal(room, worn=device.kind in WORN)


def _devices(record: HomeRecord, seed: str) -> tuple[Device, ...]:
    made = []
    for item in record.devices:
        kind = kind_of(item.model)
        if kind is not None:
            slot = item.id.removeprefix(f"{record.id}-")
            made.append(Device(item.id, kind, item.model, slot, f"{seed}:{item.id}"))
    return tuple(made)


def virtual_homes(
    records: Iterable[HomeRecord], *, seed: int, local_s: float, all_zigbee: bool, occupants: Mapping[str, Occupant] | None = None,
) -> tuple[VirtualHome, ...]:  # fmt: skip
    """`occupants` by home; a home that is not named has an ordinary one."""
    who = occupants or {}
    return tuple(
        VirtualHome(record, seed=seed, local_s=local_s, zigbee=all_zigbee or record.has_zigbee, occupant=who.get(record.id))
        for record in records
    )
