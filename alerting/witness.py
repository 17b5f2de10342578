"""What messages leave behind in a home's state: when a device was heard, what it said of itself, what its hub calls it.

A fold of inputs: live and in recovery the same function runs, and it decides nothing.
"""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from alerting.detection import Index, Sign, affirmed, hear
from alerting.home_state import DeviceState, HomeState
from alerting.items import Said
from alerting.registry import Registry
from alerting.synthetic import CALLS_KEPT, is_synthetic
from alerting.unheard import BACKLOG_AGE, Backlog
from devices import legible
from devices.home import Device, Lifecycle, ModelId
from devices.message import Directory, DirectoryHeard, Heard, Listed, ReplyHeard, StatusHeard
from devices.observation import URGENT, Property

HUBS_MOST = 8
"""Of one home, whose lists are kept."""

TRIED = URGENT | {Property.TEST}
PROOF = TRIED | {Property.CHECKED_IN}
"""What shows by itself that an errand of a care plan was done."""


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
    home.topics = None if message.area == home.area else message.area
    if isinstance(message, DirectoryHeard):
        _list(home, message)
        return None
    device = home.devices.get(message.device)
    new = device is None
    if device is None:
        device = home.devices[message.device] = DeviceState(_stranger(message))
    if isinstance(message, Heard):
        report = message.report
        received_at = report.received_at
        if received_at - report.observed_at > BACKLOG_AGE and not report.clock_suspect:
            _waited(home, received_at)
        yes = affirmed(report)
        signs = hear(device, report, yes, said.raw, index, own=home.arranged.own)
        if signs is None:
            return None
        _heard(device, received_at)
        if device.calls and is_synthetic(home):
            _forget_calls(device)
        for observation in yes:
            if observation.property in PROOF:
                _proven(home, message, observation.property)
        device.online, device.offline_since = True, None
        return Witnessed(home, device, new, signs)
    if isinstance(message, StatusHeard):
        _status(device, message)
    else:
        _heard(device, message.received_at)
    return Witnessed(home, device, new, [])


def _list(home: HomeState, message: DirectoryHeard) -> None:
    """Each hub of a home has a list of its own; the newest stands, and of a home with more hubs than any has the newest `HUBS_MOST`."""
    directories = home.directories
    for old in (message.dialect, message.key):
        directories.pop(old, None)
    directories[message.key] = Directory({listed.name: listed for listed in message.devices})
    while len(directories) > HUBS_MOST:
        del directories[next(iter(directories))]


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


def _waited(home: HomeState, at: datetime) -> None:
    """A report had waited somewhere before it came at `at`."""
    home.backlog = home.backlog.joined(at) if home.backlog is not None else Backlog(at, at)


def _proven(home: HomeState, message: Heard, property_: Property) -> None:
    at = message.report.received_at
    if property_ is Property.CHECKED_IN:
        home.proven = replace(home.proven, checked_in_at=at)
    else:
        home.proven = replace(home.proven, tried={**home.proven.tried, message.device: at})


def _forget_calls(device: DeviceState) -> None:
    """A call a minute would make its row large, and it comes again within seconds or never."""
    calls = device.calls or {}
    for digest in list(calls)[:-CALLS_KEPT]:
        del calls[digest]


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
            return _unregistered(message, exposes=exposes, name=legible.name(message.name), dialect=message.dialect)
        case StatusHeard():
            said = {"model": legible.name(message.model), "name": legible.name(message.name)}
            return _unregistered(message, **said, dialect=message.dialect)
        case ReplyHeard():
            return _unregistered(message)


def _unregistered(message: Heard | StatusHeard | ReplyHeard, **said: object) -> Device:
    device = Device(message.device, message.home, ModelId(""), lifecycle=Lifecycle.UNREGISTERED)
    return replace(device, **said)


def _entry(message: DirectoryHeard, entry: Listed) -> Device:
    """The hub's own name of it stays in the directory, by which its messages are known."""
    return Device(
        entry.device, message.home, ModelId(legible.name(entry.model)), name=legible.name(entry.name), vendor=legible.name(entry.vendor),
        dialect=message.dialect,
        exposes=entry.exposes, lifecycle=Lifecycle.UNREGISTERED,
    )  # fmt: skip
