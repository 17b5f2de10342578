"""What `decode` gives: the closed set of things a message can mean."""

from datetime import datetime
from enum import StrEnum

import msgspec

from devices.home import AreaId, DeviceId, HomeId
from devices.observation import Property, Report


class Carrier(StrEnum):
    """Which lane of the wire brought it."""

    REPORT = "report"
    ALARM = "alarm"
    BRIDGE = "bridge"


class Heard(msgspec.Struct, frozen=True, array_like=True, tag="report", gc=False):
    """A device observed something."""

    area: AreaId
    home: HomeId
    device: DeviceId
    report: Report
    carrier: Carrier = Carrier.REPORT
    name: str = ""
    """The foreign name of a bridged device."""
    dialect: str = "anju"


class StatusHeard(msgspec.Struct, frozen=True, array_like=True, tag="status", gc=False):
    """A device, or a hub for its devices, came online or went offline (its will included)."""

    area: AreaId
    home: HomeId
    device: DeviceId
    online: bool
    received_at: datetime
    model: str = ""
    firmware: str = ""
    name: str = ""
    dialect: str = "anju"


class ReplyHeard(msgspec.Struct, frozen=True, array_like=True, tag="reply", gc=False):
    """A device answered a command: `error` is empty when it was done."""

    area: AreaId
    home: HomeId
    device: DeviceId
    command_id: str
    received_at: datetime
    result: str = ""
    error: str = ""


class Listed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One device of a hub's own list."""

    device: DeviceId
    name: str
    vendor: str
    model: str
    exposes: tuple[Property, ...]
    values: tuple[tuple[str, str, str], ...] = ()
    """For binaries that do not speak in true and false: (foreign property, value_on, value_off) as JSON texts."""
    units: tuple[tuple[str, str], ...] = ()
    """(foreign property, its unit as the hub writes it): one name is %LEL at one vendor and ppm at another."""


class DirectoryHeard(msgspec.Struct, frozen=True, array_like=True, tag="directory", gc=False):
    """A hub listed its devices: names become addresses from here on."""

    area: AreaId
    home: HomeId
    dialect: str
    received_at: datetime
    devices: tuple[Listed, ...]


class Ignored(msgspec.Struct, frozen=True, array_like=True, tag="ignored", gc=False):
    """Understood, and nothing for us: what comes back of a command, a hub's own log."""

    area: AreaId
    home: HomeId
    why: str


Message = Heard | StatusHeard | ReplyHeard | DirectoryHeard | Ignored


class Directory(msgspec.Struct, frozen=True):
    """What is known of one home's bridged devices, by foreign name; an input of `decode`, kept by the engine."""

    names: dict[str, Listed] = {}


NO_DIRECTORY = Directory()
