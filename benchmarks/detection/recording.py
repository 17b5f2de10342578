"""What devices of one home said over days, whoever wrote it down; times are those of clocks on the wall there."""

from datetime import datetime, timedelta

import msgspec

from devices.observation import Property


class Sensor(msgspec.Struct, frozen=True):
    id: str
    room: str
    exposes: tuple[Property, ...]


class Utterance(msgspec.Struct, frozen=True, order=True):
    at: datetime
    sensor: str
    property: Property
    value: bool | float


class Stretch(msgspec.Struct, frozen=True):
    """Somebody did one thing for a while, as people wrote it down."""

    since: datetime
    until: datetime
    what: str


class Recording(msgspec.Struct, frozen=True):
    """`told` is in order; `life` may be empty where nobody wrote it down."""

    name: str
    sensors: tuple[Sensor, ...]
    told: tuple[Utterance, ...]
    life: tuple[Stretch, ...] = ()

    @property
    def begins(self) -> datetime:
        return self.told[0].at

    @property
    def ends(self) -> datetime:
        return self.told[-1].at

    @property
    def days(self) -> float:
        return (self.ends - self.begins) / timedelta(days=1)

    def doing(self, at: datetime) -> str:
        """What was written down for a moment; empty where nothing was."""
        return next((stretch.what for stretch in self.life if stretch.since <= at < stretch.until), "")
