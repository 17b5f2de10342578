"""What messages leave behind in a home's state: when a device was heard, what it said of itself, what its hub calls it.

A fold of inputs: live and in recovery the same function runs, and it decides nothing.
"""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from alerting.detection import Index, Sign, hear
from alerting.facts import Said
from alerting.home_state import DeviceState, HomeState
from alerting.registry import Registry
from devices.home import Device, Lifecycle, ModelId
from devices.message import Directory, DirectoryHeard, Heard, Listed, ReplyHeard, StatusHeard


class Witnessed(msgspec.Struct, frozen=True, gc=False):
    home: HomeState
    device: DeviceState
    new: bool
    """Nobody had registered or discovered it."""
    signs: list[Sign]


def witness(registry: Registry, said: Said, index: Index) -> Witnessed | None:
    """The home and device of a message, brought up to date; None when it was heard before, and for a hub's list."""
    message = said.message
    home = registry.homes.get(message.home)
    if home is None:
        home = registry.state(message.home, message.area)
    if isinstance(message, DirectoryHeard):
        home.directories[message.dialect] = Directory({listed.name: listed for listed in message.devices})
        return None
    device = home.devices.get(message.device)
    new = device is None
    if device is None:
        device = home.devices[message.device] = DeviceState(_stranger(message))
    if isinstance(message, Heard):
        signs = hear(device, message.report, said.raw, index)
        if signs is None:
            return None
        _heard(device, message.report.received_at)
        device.online, device.offline_since = True, None
        return Witnessed(home, device, new, signs)
    if isinstance(message, StatusHeard):
        _status(device, message)
    else:
        _heard(device, message.received_at)
    return Witnessed(home, device, new, [])


def listed(home: HomeState, message: DirectoryHeard) -> list[Device]:
    """The devices of a hub's list that nobody has registered, where the list says something new of them."""
    found = []
    for entry in message.devices:
        known = home.devices.get(entry.device)
        if known is None:
            found.append(_entry(message, entry))
        elif known.record.lifecycle is Lifecycle.UNREGISTERED:
            said = _entry(message, entry)
            device = replace(said, exposes=said.exposes or known.record.exposes, registered_at=known.record.registered_at)
            if device != known.record:
                found.append(device)
    return found


def _heard(device: DeviceState, at: datetime) -> None:
    if device.last_heard_at is None or device.last_heard_at < at:
        device.last_heard_at = at


def _status(device: DeviceState, message: StatusHeard) -> None:
    device.online = message.online
    device.firmware = message.firmware or device.firmware
    if message.online:
        device.offline_since = None
        _heard(device, message.received_at)
    elif device.offline_since is None:
        device.offline_since = message.received_at
        if device.last_heard_at is None:
            device.last_heard_at = message.received_at


def _stranger(message: Heard | StatusHeard | ReplyHeard) -> Device:
    match message:
        case Heard():
            exposes = tuple(dict.fromkeys(o.property for o in message.report.observations))
            return _unregistered(message, exposes=exposes, name=message.name, dialect=message.dialect)
        case StatusHeard():
            return _unregistered(message, model=message.model, name=message.name, dialect=message.dialect)
        case ReplyHeard():
            return _unregistered(message)


def _unregistered(message: Heard | StatusHeard | ReplyHeard, **said: object) -> Device:
    device = Device(message.device, message.home, ModelId(""), lifecycle=Lifecycle.UNREGISTERED)
    return replace(device, **said)


def _entry(message: DirectoryHeard, entry: Listed) -> Device:
    return Device(
        entry.device, message.home, ModelId(entry.model), name=entry.name, vendor=entry.vendor, dialect=message.dialect,
        exposes=entry.exposes, lifecycle=Lifecycle.UNREGISTERED,
    )  # fmt: skip
