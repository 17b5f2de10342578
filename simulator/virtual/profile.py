"""The kinds of device that a home is given, as records: what each notices, and what it is of itself.

A sense is a stimulus and the property that it makes true. Below the surface all of them run the same firmware (`firmware.py`).
"""

from datetime import timedelta
from enum import StrEnum

import msgspec

from simulator.virtual.stimulus import Deed, Stimulus


class ProfileName(StrEnum):
    PULL_CORD = "pull_cord"
    PENDANT = "pendant"
    SMOKE = "smoke"
    CO = "co"
    GAS = "gas"
    WATER = "water"
    DOOR = "door"
    MOTION = "motion"
    FALL = "fall"
    WATCH = "watch"
    HUB = "hub"


class Sense(msgspec.Struct, frozen=True):
    """`prop` is true from `raise_at` on and over at or below `clear_at`. Momentary: each time is an event, and nothing is over.

    `typical` is what a tester applies to be noticed beyond doubt, `rest` what there is when nothing is the matter.
    """

    stimulus: Stimulus
    prop: str
    momentary: bool = False
    alarm: bool = False
    reading: str = ""
    """The number that is said beside the property."""
    raise_at: float = 1.0
    clear_at: float = 0.0
    typical: float = 1.0
    rest: float = 0.0

    @property
    def deed(self) -> Deed:
        return Deed(self.stimulus, self.typical)

    @property
    def undoing(self) -> Deed | None:
        """What makes it be over; None for what is momentary."""
        return None if self.momentary else Deed(self.stimulus, self.rest)


class Profile(msgspec.Struct, frozen=True):
    """`heartbeat`: the longest that it promises to stay quiet. `every`: how often it measures `vitals`, none for never."""

    name: ProfileName
    model: str
    firmware: str
    heartbeat: timedelta
    senses: tuple[Sense, ...]
    battery_days: float = 0.0
    """How long a charge lasts; 0: mains, without a battery."""
    cancels: bool = False
    tests: bool = False
    receipts: bool = False
    """It can tell its person how far the call has come."""
    speaks: bool = False
    """It has a voice or a screen, and says what it is told by `command: prompt`."""
    vitals: tuple[tuple[str, float], ...] = ()
    """(property, a plausible value)"""
    every: timedelta | None = None
    keep_alive: int = 120

    @property
    def alarm(self) -> Sense | None:
        """The first of its senses that calls for help; None for doors and motion, which raise nothing by themselves."""
        return next((sense for sense in self.senses if sense.alarm), None)

    @property
    def event(self) -> Sense:
        """What it is for: its alarm, else the first thing that it notices."""
        return self.alarm or self.senses[0]

    @property
    def exposes(self) -> frozenset[str]:
        found = {sense.prop for sense in self.senses} | {sense.reading for sense in self.senses if sense.reading}
        found |= {name for name, _ in self.vitals} | {"rssi"}
        found |= {"cancel"} if self.cancels else set()
        found |= {"test"} if self.tests else set()
        return frozenset(found | ({"battery", "battery_low"} if self.battery_days else set()))


_CORD = Sense(Stimulus.PRESS, "pull_cord", momentary=True, alarm=True)
_SOS = Sense(Stimulus.PRESS, "sos", momentary=True, alarm=True)
_FALL = Sense(Stimulus.FALL, "fall", alarm=True)
_SMOKE = Sense(Stimulus.SMOKE, "smoke", alarm=True, reading="smoke_density", raise_at=0.15, clear_at=0.08, typical=0.4, rest=0.02)
_HEAT = Sense(Stimulus.HEAT, "heat_alarm", alarm=True, reading="temperature", raise_at=57, clear_at=50, typical=70, rest=22)
_CO = Sense(Stimulus.CO, "co_alarm", alarm=True, reading="co", raise_at=100, clear_at=50, typical=300, rest=2)
_GAS = Sense(Stimulus.GAS, "gas_alarm", alarm=True, reading="gas", raise_at=10, clear_at=5, typical=20, rest=0.5)
_WATER = Sense(Stimulus.WATER, "water_leak", alarm=True)
_DOOR = Sense(Stimulus.DOOR, "contact_open")
_MOTION = Sense(Stimulus.MOTION, "occupancy")
_TAMPER = Sense(Stimulus.TAMPER, "tamper")
_MAINS = Sense(Stimulus.MAINS_LOST, "mains_lost")

_HOUR, _TEN = timedelta(hours=1), timedelta(minutes=10)

PROFILES: dict[ProfileName, Profile] = {
    one.name: one
    for one in (
        Profile(
            ProfileName.PULL_CORD, "anju-cord-1", "1.3.0", _HOUR, (_CORD, _TAMPER), 900, cancels=True, tests=True, receipts=True,
        ),
        Profile(ProfileName.PENDANT, "anju-pendant-1", "1.1.2", _HOUR, (_SOS,), 400, cancels=True, tests=True, receipts=True),
        Profile(ProfileName.SMOKE, "anju-smoke-1", "1.8.2", _HOUR, (_SMOKE, _HEAT, _TAMPER), 1500, tests=True),
        Profile(ProfileName.CO, "anju-co-1", "1.2.0", _HOUR, (_CO, _TAMPER), 1500, tests=True),
        Profile(ProfileName.GAS, "anju-gas-1", "2.0.1", _TEN, (_GAS, _MAINS), tests=True, keep_alive=60),
        Profile(ProfileName.WATER, "anju-water-1", "1.0.4", _HOUR, (_WATER, _TAMPER), 900, tests=True),
        Profile(ProfileName.DOOR, "anju-door-1", "1.1.4", _HOUR, (_DOOR, _TAMPER), 700),
        Profile(
            ProfileName.MOTION, "anju-motion-1", "1.2.0", _HOUR, (_MOTION, _TAMPER), 600,
            vitals=(("illuminance", 180.0), ("temperature", 22.5)), every=timedelta(minutes=10),
        ),
        Profile(ProfileName.FALL, "anju-fall-1", "1.5.1", _HOUR, (_FALL, _SOS), 30, cancels=True, tests=True, receipts=True),
        Profile(
            ProfileName.WATCH, "anju-watch-1", "3.0.7", _TEN, (_SOS, _FALL), 6, cancels=True, receipts=True, speaks=True,
            vitals=(("heart_rate", 72.0), ("spo2", 96.5), ("steps", 1840.0)), every=timedelta(minutes=2), keep_alive=60,
        ),
        Profile(ProfileName.HUB, "anju-hub-1", "2.4.1", _TEN, (_MAINS, _TAMPER), 1, speaks=True, keep_alive=30),
    )
}  # fmt: skip
