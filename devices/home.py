"""Who and where: areas, homes, the people of a home and its devices."""

from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from sys import intern
from typing import NewType

import msgspec
from msgspec.structs import force_setattr

from devices.observation import Property

AreaId = NewType("AreaId", str)
HomeId = NewType("HomeId", str)
DeviceId = NewType("DeviceId", str)
PersonId = NewType("PersonId", str)
ModelId = NewType("ModelId", str)

SYNTHETIC_AREA = AreaId("_anju-self-check")
SYNTHETIC_HOME = HomeId("_anju-self-check")
SYNTHETIC_DEVICE = DeviceId("_anju-self-check")
"""Of the service itself; `alerting.synthetic` says what they are for."""


class Area(msgspec.Struct, frozen=True):
    """An administrative division: city, county, street or community, by its code (GB/T 2260 style)."""

    id: AreaId
    name: str
    parent: AreaId | None = None


class Home(msgspec.Struct, frozen=True):
    id: HomeId
    area: AreaId
    name: str
    """How the desk calls it, usually the address within the community: 12 栋 3 单元 402."""
    address: str = ""
    phone: str = ""
    access: str = ""
    """How a helper gets in: floor, lift, dog. The code of a key safe does not belong here."""
    note: str = ""
    latitude: float | None = None
    """With `longitude`: where it stands, in degrees of WGS 84."""
    longitude: float | None = None
    ground: tuple[tuple[float, float], ...] = ()
    """The corners, as latitude and longitude, of where the resident may walk about; empty: a circle around the home."""
    building: str = ""
    """What is counted together when power or network fails: 12 栋."""
    carrier: str = ""
    """Whose network its hub is on."""
    synthetic: bool = False
    """The service's own, from which it calls to see whether a call gets through; nobody lives there."""


class Role(StrEnum):
    """What a person is to the home."""

    RESIDENT = "resident"
    CONTACT = "contact"
    """Somebody to ring; what they are to the home is not said, or is in the note."""
    FAMILY = "family"
    NEIGHBOUR = "neighbour"
    GRID_WORKER = "grid_worker"
    """Community grid worker (网格员)."""
    DOCTOR = "doctor"
    OTHER = "other"


class Person(msgspec.Struct, frozen=True):
    id: PersonId
    home: HomeId
    role: Role
    name: str
    phone: str = ""
    order: int = 0
    """Contacts are rung in this order, lowest first."""
    birth_year: int | None = None
    medical: str = ""
    speech: str = ""
    """Dialect, hearing: how to speak with this person."""
    note: str = ""
    hours: tuple[str, ...] = ()
    """When a contact may be rung, in local time: `08:00-22:00`; empty: at any hour."""
    vulnerable: bool = False
    """Especially vulnerable (特殊困难老年人), so that somebody visits every month at least."""


class Lifecycle(StrEnum):
    """Where a device stands with the registry."""

    REGISTERED = "registered"
    UNREGISTERED = "unregistered"
    """Heard by credentials valid for its home, though nobody has registered it."""
    RETIRED = "retired"


class Device(msgspec.Struct, frozen=True, gc=False):
    id: DeviceId
    home: HomeId
    model: ModelId
    room: str = ""
    name: str = ""
    """The foreign name of a bridged device (its Zigbee2MQTT friendly name)."""
    vendor: str = ""
    dialect: str = "anju"
    exposes: tuple[Property, ...] = ()
    lifecycle: Lifecycle = Lifecycle.REGISTERED
    registered_at: datetime | None = None

    def __post_init__(self) -> None:
        """A city has a hundred thousand devices and a dozen models: what they have in common is held once."""
        for name in _SHARED:
            force_setattr(self, name, intern(str(getattr(self, name))))
        force_setattr(self, "exposes", _once(self.exposes))


_SHARED = ("home", "model", "room", "vendor", "dialect")


@lru_cache(maxsize=4096)
def _once(exposes: tuple[Property, ...]) -> tuple[Property, ...]:
    return exposes
