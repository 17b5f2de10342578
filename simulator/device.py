"""Virtual devices: what each kind says, how often, and how its cell, radio and clock fare. What they look like on the wire is `wire.py`."""

from enum import StrEnum
from random import Random
from zlib import crc32

import msgspec

from simulator.clock import DAY_S
from simulator.physics.cell import Chemistry, percent
from simulator.physics.quartz import TOLERANCE_PPM, Quartz
from simulator.physics.radio import TRIES, Reception, received
from simulator.wire import Values


class Kind(StrEnum):
    """The second word of a model's id, and the first of a slot."""

    HUB = "hub"
    CORD = "cord"
    PENDANT = "pendant"
    SMOKE = "smoke"
    CO = "co"
    GAS = "gas"
    WATER = "water"
    WATCH = "watch"
    FALL = "fall"
    BED = "bed"
    DOOR = "door"
    MOTION = "motion"
    METER = "meter"
    POWER = "power"


class Nature(msgspec.Struct, frozen=True):
    """`firmware`: the versions in the field, the newest last; `heartbeat_s`: how often it speaks of itself.

    `battery_days`: how long a charge lasts, 0 for mains.
    """

    firmware: tuple[str, ...]
    heartbeat_s: float
    battery_days: float
    chemistry: Chemistry = Chemistry.LITHIUM
    speaks: bool = False
    """It has a voice or a screen."""


NATURES = {
    Kind.HUB: Nature(("2.3.7", "2.4.1"), 240, 0, Chemistry.LITHIUM_ION, speaks=True),
    Kind.CORD: Nature(("1.2.2", "1.3.0"), DAY_S / 2, 900),
    Kind.PENDANT: Nature(("1.0.4",), DAY_S / 2, 700),
    Kind.SMOKE: Nature(("1.7.9", "1.8.2"), 1800, 1500),
    Kind.CO: Nature(("1.1.0",), 3600, 1400),
    Kind.GAS: Nature(("2.0.1",), 1500, 0),
    Kind.WATER: Nature(("1.0.8",), DAY_S / 2, 800, Chemistry.ALKALINE),
    Kind.WATCH: Nature(("2.9.9", "3.0.7"), 300, 6, Chemistry.LITHIUM_ION, speaks=True),
    Kind.FALL: Nature(("1.4.0",), DAY_S / 4, 60, Chemistry.LITHIUM_ION),
    Kind.BED: Nature(("0.9.5", "1.0.2"), 1500, 0),
    Kind.DOOR: Nature(("1.1.4",), 3600, 700),
    Kind.MOTION: Nature(("1.1.9", "1.2.0"), 3600, 600, Chemistry.ALKALINE),
    Kind.METER: Nature(("3.2.0",), 3600, 2500),
    Kind.POWER: Nature(("1.5.1",), 900, 0),
}

PULLED = Values(pull_cord=True)
SOS = Values(sos=True)
FALLEN = Values(fall=True)
TESTED = Values(test=True)
TEST_OVER = Values(test=False)
PRISED_OPEN = Values(tamper=True)
CLOSED_AGAIN = Values(tamper=False)
MAINS_GONE = Values(mains_lost=True)
MAINS_BACK = Values(mains_lost=False)
DOOR_OPEN = Values(contact_open=True)
DOOR_SHUT = Values(contact_open=False)
MOVEMENT = Values(occupancy=True)
STILLNESS = Values(occupancy=False)
IN_BED = Values(bed_occupied=True)
OUT_OF_BED = Values(bed_occupied=False)
WET = Values(water_leak=True)
DRY = Values(water_leak=False)
PILLS_TAKEN = Values(medication_taken=True)
ALL_IS_WELL = Values(checked_in=True)

SMOKE_ALARM_AT = 0.15
"""dB/m; EN 14604 has detectors answer between 0.05 and 0.20."""
SMOKE_MOST = 5.0
"""dB/m; past it the chamber is dark."""
HEAT_ALARM_AT = 57.0
"""°C; the usual fixed threshold of a heat detector."""
GAS_ALARM_AT = 8.0
"""%LEL; domestic detectors alarm between 5 and 20."""


def smoke_reading(density: float, temperature: float) -> Values:
    """A smoke detector that measures: raises its alarms by its own thresholds."""
    reading = Values(smoke_density=round(min(density, SMOKE_MOST), 3), temperature=round(temperature, 1))
    if density >= SMOKE_ALARM_AT:
        reading = msgspec.structs.replace(reading, smoke=True)
    if temperature >= HEAT_ALARM_AT:
        reading = msgspec.structs.replace(reading, heat_alarm=True)
    return reading


ALL_CLEAR = Values(smoke=False, heat_alarm=False, smoke_density=0.02, temperature=24.0)


class Device:
    """One device of a home. `slot` tells it from the others of its home: `cord-bed`.

    `mean_dbm` at the hub: its home says from where it stands; a hub has its uplink's own.
    """

    def __init__(self, device_id: str, kind: Kind, model: str, slot: str, seed: str) -> None:
        chance = Random(seed)  # noqa: S311 - a story, not a secret
        self.id, self.kind, self.model, self.slot = device_id, kind, model, slot
        self.nature = NATURES[kind]
        self.firmware = chance.choice(self.nature.firmware)
        self.phase_s = chance.uniform(0.5, 12.0)
        """When after the start it first speaks."""
        self.drained_to: int | None = None
        """%, once its battery dies."""
        self.mean_dbm = chance.uniform(-95.0, -62.0)
        self.quartz = Quartz(chance.uniform(-TOLERANCE_PPM, TOLERANCE_PPM))
        self._charge = chance.uniform(0.45, 1.0)
        self._seed = seed

    def battery(self, now: float) -> int:
        """% at a virtual second as it shows it; the wearer or an installer sees to it that it never runs low by itself."""
        if self.drained_to is not None:
            return self.drained_to
        return percent(self.nature.chemistry, 0.3 + (self._charge - 0.3 - self._used(now)) % 0.7)

    def renew(self, now: float) -> None:
        """A new cell, or a night on the charger."""
        self.drained_to, self._charge = None, 0.995 + self._used(now)

    def _used(self, now: float) -> float:
        return now / DAY_S / self.nature.battery_days

    def says(self, values: Values, now: float, reception: Reception) -> Values:
        """What it says, with what every report of it carries."""
        if not self.nature.battery_days:
            return msgspec.structs.replace(values, rssi=reception.dbm)
        return msgspec.structs.replace(values, battery=self.battery(now), rssi=reception.dbm)

    def sends(self, now: float, *, insists: bool, lost: float) -> Reception:
        """Over the air at a virtual second. The luck of a moment is the moment's own: another message elsewhere does not change it."""
        chance = Random(crc32(f"{self._seed}:{now}".encode()))  # noqa: S311 - a story, not a secret
        if self.kind is Kind.HUB:
            return Reception(round(self.mean_dbm + chance.gauss(0, 2)), 1)
        return received(self.mean_dbm, chance, tries=TRIES if insists else 1, lost=lost)


def kind_of(model: str) -> Kind | None:
    """Of a model's id, `anju-cord-1`; None for what is not simulated."""
    return next((kind for kind in Kind if model.startswith(f"anju-{kind}-")), None)
