"""A mutant: a sound device with one realistic fault, as a record. What the suite is measured by."""

import msgspec

from devices.mqtt.packets import LEVEL
from simulator.scenario import Bilingual
from simulator.virtual.firmware import Firmware
from simulator.virtual.profile import ProfileName

CONSTRUCTED = "constructed"


class Also(msgspec.Struct, frozen=True):
    """A second clause that fails, since the fault breaks its requirement too, and why it does."""

    clause: str
    why: str


class Mutant(msgspec.Struct, frozen=True, kw_only=True):
    """`source`: `owner/repository#number` of a tracker where such a fault was reported, or `constructed`. `names`: what it is about.

    `fails`: the clause that names the fault.
    """

    name: str
    title: Bilingual
    profile: ProfileName
    firmware: type[Firmware]
    names: str
    fails: str
    source: str = CONSTRUCTED
    level: int = LEVEL
    also: tuple[Also, ...] = ()

    @property
    def found_in_the_field(self) -> bool:
        return self.source != CONSTRUCTED
