"""The outer contract as a firmware writes it. Every property may be said; the platform's decoder is an independent reading of it."""

from datetime import datetime, timedelta

import msgspec

from simulator.clock import CHINA
from simulator.virtual.flash import Says
from simulator.wire import OFFLINE, Address, Channel, Command, Stage, Words, command, done, online, refused

__all__ = [
    "OFFLINE", "Address", "Channel", "Command", "Identity", "Stage", "Words", "command", "done", "online", "refused", "report", "written",
]  # fmt: skip


class Identity(msgspec.Struct, frozen=True):
    """What a device is told when it is put into a home. `level`: the MQTT version it speaks, 4 is 3.1.1 and 5 is 5.0."""

    address: Address
    device: str
    username: str
    password: str
    level: int = 4

    def topic(self, channel: Channel) -> str:
        return self.address.topic(self.device, channel)


class _Report(msgspec.Struct, omit_defaults=True):
    id: str
    values: Says
    at: str | int | None = None


_encoder = msgspec.json.Encoder()


def report(report_id: str, at: str | int | None, values: Says) -> bytes:
    """`at` is left out where it is not known."""
    return _encoder.encode(_Report(report_id, values, at))


def written(moment: datetime, error: timedelta = timedelta(0)) -> str:
    """RFC 3339 in the home's zone with its offset, to the millisecond."""
    return (moment + error).astimezone(CHINA).isoformat(timespec="milliseconds")
