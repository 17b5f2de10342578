"""What the engine keeps of one home: one row of its snapshots, and nothing in it depends on another home.

Three sorts of state, which recovery treats differently. The registry's records and the alerts are folds of *facts*. What was last
heard of a device is a fold of *inputs*. Deadlines are neither: they follow from both and are made anew.
"""

from datetime import datetime

import msgspec

from alerting.alert import Alert
from alerting.facts import AlertId, Evidence, NotificationId, NotificationRequested, SilenceId, SilenceSet
from devices.credential import Credential
from devices.home import AreaId, Device, DeviceId, Home, HomeId, Person, PersonId
from devices.message import Directory
from devices.observation import Property

READINGS_REMEMBERED = 32
"""Ids of the latest reports of a device."""
CALLS_REMEMBERED = 20_000
"""Ids of a device's reports that carried a call or hazard; the age limit is in `detection`."""


class Last(msgspec.Struct, array_like=True, gc=False):
    """The newest value of a property that a rule watches. `at` is the device's time, never later than the receipt."""

    value: bool | int | float
    at: datetime


class Beyond(msgspec.Struct, array_like=True):
    """A reading past its rule's limit, not yet back behind `clear`. `evidence` is there until the rule has fired."""

    since: datetime
    evidence: Evidence | None


class DeviceState(msgspec.Struct, array_like=True, gc=False):
    """A device as the registry has it, or as it was discovered, and what was last heard of it."""

    record: Device
    last_heard_at: datetime | None = None
    online: bool | None = None
    """What it, or its hub, last said of itself."""
    offline_since: datetime | None = None
    silent: bool = False
    """DeviceSilent stands, DeviceReturned has not followed. (The only thing here that facts decide, besides the record.)"""
    battery: int | float | None = None
    firmware: str = ""
    last: dict[Property, Last] = {}
    beyond: dict[str, Beyond] = {}
    """By rule."""
    readings: bytes = b""
    """Short hashes of the latest reports' ids, newest first."""
    calls: dict[bytes, datetime] = {}
    """Short hashes of reports that carried a call or hazard, oldest first."""
    watched: bool = False
    """Whether the queue of deadlines holds it; means nothing in a snapshot."""


class HomeState(msgspec.Struct, array_like=True):
    id: HomeId
    area: AreaId
    """As registered, or as the topic said."""
    record: Home | None = None
    retired: bool = False
    people: dict[PersonId, Person] = {}
    devices: dict[DeviceId, DeviceState] = {}
    alerts: dict[AlertId, Alert] = {}
    """Open, and closed for less than `engine.CLOSED_KEPT`."""
    silences: dict[SilenceId, SilenceSet] = {}
    notifications: dict[NotificationId, NotificationRequested] = {}
    """Requested and not ended."""
    credentials: dict[str, Credential] = {}
    directories: dict[str, Directory] = {}
    """By dialect."""

    def open_alert(self, matter: str) -> Alert | None:
        """The open alert of a matter; there is one at most."""
        for alert in self.alerts.values():
            if alert.matter == matter and alert.open:
                return alert
        return None
