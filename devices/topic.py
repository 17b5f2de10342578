"""The MQTT topic grammar, in one place: `anju/v1/{area}/{home}/{device}/{channel}` and `…/{home}/bridge/{dialect}/…`."""

import re
from enum import StrEnum

import msgspec

from devices.home import AreaId, DeviceId, HomeId
from devices.observation import DecodeError

ROOT = "anju/v1"
ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
BRIDGE = "bridge"


class Channel(StrEnum):
    REPORT = "report"
    ALARM = "alarm"
    STATUS = "status"
    COMMAND = "command"
    REPLY = "reply"


UPWARD = frozenset({Channel.REPORT, Channel.ALARM, Channel.STATUS, Channel.REPLY})
"""What a device may publish; `command` is the platform's."""


class DeviceTopic(msgspec.Struct, frozen=True, gc=False):
    area: AreaId
    home: HomeId
    device: DeviceId
    channel: Channel

    def __str__(self) -> str:
        return f"{ROOT}/{self.area}/{self.home}/{self.device}/{self.channel}"


class BridgeTopic(msgspec.Struct, frozen=True, gc=False):
    """A foreign dialect carried unchanged: `original` is the whole topic as the hub's own broker saw it."""

    area: AreaId
    home: HomeId
    dialect: str
    original: str

    def __str__(self) -> str:
        return f"{ROOT}/{self.area}/{self.home}/{BRIDGE}/{self.dialect}/{self.original}"


_CHANNELS = {c.value: c for c in Channel}
_DEVICE_TOPIC = re.compile(
    rf"anju/v1/([A-Za-z0-9_-]{{1,64}})/([A-Za-z0-9_-]{{1,64}})/(?!{BRIDGE}/)([A-Za-z0-9_-]{{1,64}})/({'|'.join(_CHANNELS)})\Z",
)
_BRIDGE_TOPIC = re.compile(rf"anju/v1/([A-Za-z0-9_-]{{1,64}})/([A-Za-z0-9_-]{{1,64}})/{BRIDGE}/([A-Za-z0-9_-]{{1,64}})/(.*)\Z", re.DOTALL)
"""The whole grammar at once, twice as fast as level by level; what both refuse is read again to say why."""


def parse(topic: str) -> DeviceTopic | BridgeTopic:
    """Read a topic of the grammar; DecodeError names the level that is wrong."""
    found = _DEVICE_TOPIC.match(topic)
    if found is not None:
        area, home, device, channel = found.groups()
        return DeviceTopic(AreaId(area), HomeId(home), DeviceId(device), _CHANNELS[channel])
    found = _BRIDGE_TOPIC.match(topic)
    if found is not None:
        area, home, dialect, original = found.groups()
        return BridgeTopic(AreaId(area), HomeId(home), dialect, original)
    raise _refused(topic)


def _refused(topic: str) -> DecodeError:
    levels = topic.split("/")
    if len(levels) < 6 or levels[:2] != ["anju", "v1"]:
        return DecodeError("topic", f"{topic[:200]!r} is not anju/v1/{{area}}/{{home}}/{{device}}/{{channel}}")
    for name, level in zip(("area", "home", "device"), levels[2:5], strict=True):
        if not ID.match(level):
            return DecodeError(f"topic.{name}", f"{level[:80]!r} is not 1 to 64 of A-Z a-z 0-9 _ -")
    if levels[4] == BRIDGE:
        return DecodeError("topic.dialect", f"{topic[:200]!r} names no dialect with a topic behind it")
    return DecodeError("topic.channel", f"{'/'.join(levels[5:])[:80]!r} is not one of {', '.join(_CHANNELS)}")
