"""Properties and observations: the closed vocabulary of everything a device can say.

One property has one unit, everywhere (W3C SOSA: an Observation is of one ObservableProperty). A dialect converts on the way in.
"""

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import NewType

import msgspec

ReportId = NewType("ReportId", str)


class Property(StrEnum):
    """The closed list. Extend by adding; a name is never given a second meaning."""

    SOS = "sos"
    PULL_CORD = "pull_cord"
    SMOKE = "smoke"
    HEAT_ALARM = "heat_alarm"
    CO_ALARM = "co_alarm"
    GAS_ALARM = "gas_alarm"
    WATER_LEAK = "water_leak"
    FALL = "fall"
    OCCUPANCY = "occupancy"
    CONTACT_OPEN = "contact_open"
    BED_OCCUPIED = "bed_occupied"
    TAMPER = "tamper"
    MAINS_LOST = "mains_lost"
    BATTERY_LOW = "battery_low"
    FAULT = "fault"
    TEST = "test"
    CANCEL = "cancel"
    CHECKED_IN = "checked_in"
    MEDICATION_TAKEN = "medication_taken"
    VIBRATION = "vibration"

    HEART_RATE = "heart_rate"
    SPO2 = "spo2"
    RESPIRATION_RATE = "respiration_rate"
    BODY_TEMPERATURE = "body_temperature"
    SYSTOLIC = "systolic"
    DIASTOLIC = "diastolic"
    STEPS = "steps"
    LATITUDE = "latitude"
    LONGITUDE = "longitude"
    TEMPERATURE = "temperature"
    HUMIDITY = "humidity"
    CO = "co"
    GAS = "gas"
    SMOKE_DENSITY = "smoke_density"
    WATER_USED = "water_used"
    ENERGY_USED = "energy_used"
    ILLUMINANCE = "illuminance"
    BATTERY = "battery"
    LINK_QUALITY = "link_quality"
    RSSI = "rssi"
    SPEED = "speed"


UNITS: dict[Property, str] = {
    Property.HEART_RATE: "/min",
    Property.SPO2: "%",
    Property.RESPIRATION_RATE: "/min",
    Property.BODY_TEMPERATURE: "°C",
    Property.SYSTOLIC: "mmHg",
    Property.DIASTOLIC: "mmHg",
    Property.STEPS: "",
    Property.LATITUDE: "°",
    Property.LONGITUDE: "°",
    Property.TEMPERATURE: "°C",
    Property.HUMIDITY: "%",
    Property.CO: "ppm",
    Property.GAS: "%LEL",
    Property.SMOKE_DENSITY: "dB/m",
    Property.WATER_USED: "m³",
    Property.ENERGY_USED: "kWh",
    Property.ILLUMINANCE: "lx",
    Property.BATTERY: "%",
    Property.LINK_QUALITY: "",
    Property.RSSI: "dBm",
    Property.SPEED: "m/s",
}
"""Numeric properties and their unit; a property that is not here is boolean."""

BOOLEANS = frozenset(p for p in Property if p not in UNITS)

CALLS = frozenset({Property.SOS, Property.PULL_CORD})
"""A person asks for help."""

HAZARDS = frozenset({Property.SMOKE, Property.HEAT_ALARM, Property.CO_ALARM, Property.GAS_ALARM, Property.FALL})
"""Fire, gas and falls: with the calls, what stands under the safety floor."""

URGENT = CALLS | HAZARDS
"""What has the right of way from socket to screen, and what no silence, throttle, quota or mode may hide."""


class Manner(IntEnum):
    """How a value was said, which decides what saying it again means."""

    EVENT = 0
    """Momentary: every report is a new event (a cord pulled, `action: emergency`)."""
    STATE = 1
    """A state as the device asserts it now; asserting it again counts as a repeat."""
    CACHED = 2
    """A state that a hub may send again from its cache with any message: only a change of it means something."""


class Observation(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One property of one device at one moment. `value` is in the property's one unit."""

    property: Property
    value: bool | int | float
    manner: Manner = Manner.STATE


class Problem(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was wrong in an input, and where (`values.heart_rate`), for the vendor to mend. One English sentence."""

    place: str
    reason: str


class DecodeError(Exception):
    """The device's fault: nothing of the message could be read. Quarantined, counted, acknowledged."""

    def __init__(self, place: str, reason: str) -> None:
        self.problem = Problem(place, reason)
        super().__init__(f"{place}: {reason}" if place else reason)


class Report(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One message of one device, read.

    `observed_at` is the device's own time, or `received_at` where that was missing or absurd (`clock_suspect`).
    `problems` lists what could not be read while the rest could.
    """

    id: ReportId
    observed_at: datetime
    received_at: datetime
    observations: tuple[Observation, ...]
    clock_suspect: bool = False
    problems: tuple[Problem, ...] = ()
    radioed: bool = False
    """From a hub: it holds nothing that the hub would have said it for, but the device's own word on its alarm."""

    @property
    def urgent(self) -> bool:
        """Whether it carries a call for help, fire, gas or a fall: then it has the right of way."""
        for observation in self.observations:  # noqa: SIM110 - asked of every report; a generator costs more than all the rest of it
            if observation.value is True and observation.property in URGENT:
                return True
        return False
