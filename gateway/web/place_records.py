"""What the web process keeps of places besides the registry's own records."""

from datetime import datetime

import msgspec

from alerting.rules import Ruleset
from alerting.terms import Actor
from devices.credential import Scope
from devices.home import DeviceId, HomeId


class DeviceState(msgspec.Struct):
    last_heard_at: datetime | None = None
    online: bool | None = None
    battery: float | None = None
    signal: float | None = None
    firmware: str = ""
    alive_at: datetime | None = None
    """When it last noticed somebody."""


class Issued(msgspec.Struct, frozen=True):
    """A credential that is valid; its digest stays with the alarm process."""

    username: str
    scope: Scope
    home: HomeId
    device: DeviceId
    at: datetime | None
    """None where only a snapshot knew of it still."""


class Activation(msgspec.Struct, frozen=True):
    """A ruleset that held from `at` on. `chosen`: a person put its rules live; else the files said so. `by` is empty where nobody knows."""

    at: datetime
    by: str
    why: str
    backtest: str
    ruleset: Ruleset
    chosen: bool


class Owner(msgspec.Struct, frozen=True):
    name: Actor
