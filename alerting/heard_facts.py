"""Facts of who is heard: a device or a hub that fell silent, and came back. Part of `facts.Fact`."""

from datetime import datetime

import msgspec

from devices.home import DeviceId, HomeId


class DeviceSilent(msgspec.Struct, frozen=True, array_like=True, tag="silent"):
    at: datetime
    home: HomeId
    device: DeviceId
    last_heard_at: datetime


class DeviceReturned(msgspec.Struct, frozen=True, array_like=True, tag="back"):
    at: datetime
    home: HomeId
    device: DeviceId


class HubLost(msgspec.Struct, frozen=True, array_like=True, tag="nhub"):
    """The hub of a home is not heard since `since`: nothing of the home is, and the silence of what stands behind it says nothing."""

    at: datetime
    home: HomeId
    device: DeviceId
    since: datetime


class HubReturned(msgspec.Struct, frozen=True, array_like=True, tag="hub"):
    """It is heard again, or nobody waits for it any more."""

    at: datetime
    home: HomeId
    device: DeviceId
