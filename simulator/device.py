"""Virtual devices: what each kind says, how often, and how its battery and radio fare. What they look like on the wire is `wire.py`."""

from enum import StrEnum
from random import Random

import msgspec

from simulator.clock import DAY_S
from simulator.wire import Values


class Kind(StrEnum):
    HUB = "hub"
    CORD = "cord"
    SMOKE = "smoke"
    WATCH = "watch"
    DOOR = "door"
    MOTION = "motion"


class Nature(msgspec.Struct, frozen=True):
    """`heartbeat_s`: how often it speaks of itself; `battery_days`: how long a charge lasts, 0 for mains."""

    firmware: str
    heartbeat_s: float
    battery_days: float


NATURES = {
    Kind.HUB: Nature("2.4.1", 240, 0),
    Kind.CORD: Nature("1.3.0", DAY_S / 2, 900),
    Kind.SMOKE: Nature("1.8.2", 1800, 1500),
    Kind.WATCH: Nature("3.0.7", 300, 6),
    Kind.DOOR: Nature("1.1.4", 3600, 700),
    Kind.MOTION: Nature("1.2.0", 3600, 600),
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

SMOKE_ALARM_AT = 0.15
"""dB/m; EN 14604 has detectors answer between 0.05 and 0.20."""
HEAT_ALARM_AT = 57.0
"""°C; the usual fixed threshold of a heat detector."""


def smoke_reading(density: float, temperature: float) -> Values:
    """A smoke detector that measures: raises its alarms by its own thresholds."""
    reading = Values(smoke_density=round(density, 3), temperature=round(temperature, 1))
    if density >= SMOKE_ALARM_AT:
        reading = msgspec.structs.replace(reading, smoke=True)
    if temperature >= HEAT_ALARM_AT:
        reading = msgspec.structs.replace(reading, heat_alarm=True)
    return reading


ALL_CLEAR = Values(smoke=False, heat_alarm=False, smoke_density=0.02, temperature=24.0)


class Device:
    """One device of a home. `slot` tells it from the others of its home: `cord-bed`."""

    def __init__(self, device_id: str, kind: Kind, model: str, slot: str, seed: str) -> None:
        chance = Random(seed)  # noqa: S311 - a story, not a secret
        self.id, self.kind, self.model, self.slot = device_id, kind, model, slot
        self.nature = NATURES[kind]
        self.phase_s = chance.uniform(0.5, 12.0)
        """When after the start it first speaks."""
        self.drained_to: int | None = None
        """%, once its battery dies."""
        self._charge = chance.uniform(45, 100)
        self._rssi = chance.randint(-78, -48)

    def battery(self, now: float) -> int:
        """% of charge at a virtual second; the wearer or an installer sees to it that it never runs low by itself."""
        if self.drained_to is not None:
            return self.drained_to
        return round(30 + (self._charge - 30 - self._used(now)) % 70)

    def renew(self, now: float) -> None:
        """A new cell."""
        self.drained_to, self._charge = None, 99.5 + self._used(now)

    def _used(self, now: float) -> float:
        return now / DAY_S / self.nature.battery_days * 100

    def says(self, values: Values, now: float) -> Values:
        """What it says, with what every report of it carries."""
        if not self.nature.battery_days:
            return msgspec.structs.replace(values, rssi=self._rssi)
        return msgspec.structs.replace(values, battery=self.battery(now), rssi=self._rssi)


def kind_of(model: str) -> Kind | None:
    """Of a model's id, `anju-cord-1`; None for what is not simulated."""
    return next((kind for kind in Kind if model.startswith(f"anju-{kind}-")), None)
