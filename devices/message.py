"""What `decode` gives: the closed set of things a message can mean."""

from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum

import msgspec

from devices.home import AreaId, DeviceId, HomeId
from devices.observation import Property, Report
from devices.topic import BridgeTopic


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
    alarms: tuple[tuple[str, Property], ...] = ()
    """(foreign property, what it is the alarm of): where its name is `alarm` alone, and the hub's sentence on the model says the rest.

    Also whose presence it is, where that sentence says that it is somebody's in bed."""


class DirectoryHeard(msgspec.Struct, frozen=True, array_like=True, tag="directory", gc=False):
    """A hub listed its devices: names become addresses from here on."""

    area: AreaId
    home: HomeId
    dialect: str
    received_at: datetime
    devices: tuple[Listed, ...]
    hub: str = ""
    """Which hub of the home: the topic that all of its own stand below; empty in what was journaled before there was this field."""

    @property
    def key(self) -> str:
        """Where the list is kept among the home's."""
        return f"{self.dialect}/{self.hub}" if self.hub else self.dialect


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


_DEEPEST = 8
"""Levels of a hub's base topic: one more, and its list is not found again."""


def directory_of(topic: BridgeTopic, kept: Callable[[str], Directory]) -> Directory:
    """The list of the hub that this topic is of. `kept` gives the one under a key, NO_DIRECTORY where there is none."""
    return next((known for key in _hub_keys(topic) if (known := kept(key)) is not NO_DIRECTORY), NO_DIRECTORY)


def _hub_keys(topic: BridgeTopic) -> Iterator[str]:
    """Under which keys that list may be kept, the nearest hub first: there may be one on each floor."""
    base = topic.original.split("/", _DEEPEST + 1)[: _DEEPEST + 1]
    while len(base) > 1:
        base.pop()
        yield f"{topic.dialect}/{'/'.join(base)}"
    yield topic.dialect
