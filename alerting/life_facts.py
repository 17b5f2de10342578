"""Of an alert's life, past tense: looked at, chattering, standing, armed again, a test; and when a home or device is on test.

Facts like those of `alerting.facts`, under the same rule of how they are journaled.
"""

from datetime import datetime

import msgspec

from alerting.terms import Actor, AlertId, TestId
from devices.home import DeviceId, HomeId


class AlertViewed(msgspec.Struct, frozen=True, array_like=True, tag="viewed"):
    """A person opened it for the first time."""

    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor


class AlertChattering(msgspec.Struct, frozen=True, array_like=True, tag="chatter"):
    """It came and went `times` in `within_s` seconds (ISA-18.2). It is marked, and hidden from nobody."""

    alert: AlertId
    at: datetime
    home: HomeId
    times: int
    within_s: float


class AlertStanding(msgspec.Struct, frozen=True, array_like=True, tag="stale"):
    """It has been active without a break since `since` (ISA-18.2: a standing alarm). It is marked, and hidden from nobody."""

    alert: AlertId
    at: datetime
    home: HomeId
    since: datetime


class AlertRearmed(msgspec.Struct, frozen=True, array_like=True, tag="rearm"):
    """It was closed while its condition held, and its time is over: it still held and is `raised` anew; None: it was over."""

    alert: AlertId
    at: datetime
    home: HomeId
    raised: AlertId | None = None


class CallConfirmed(msgspec.Struct, frozen=True, array_like=True, tag="t:ok"):
    """The tester saw the test call come in."""

    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor


class CallUnconfirmed(msgspec.Struct, frozen=True, array_like=True, tag="t:real"):
    """Nobody confirmed the test call in time: it is a real alert from here on, of the matter `matter`."""

    alert: AlertId
    at: datetime
    home: HomeId
    matter: str


class OnTestSet(msgspec.Struct, frozen=True, array_like=True, tag="f:test"):
    """From `starts_at` to `ends_at` what these devices say is a test; without devices: all of the home that is not under the floor."""

    at: datetime
    by: Actor
    test: TestId
    home: HomeId
    devices: tuple[DeviceId, ...]
    starts_at: datetime
    ends_at: datetime
    tester: Actor
    reason: str


class OnTestEnded(msgspec.Struct, frozen=True, array_like=True, tag="f:test-"):
    """It ran out, or `by` ended it: what the devices say is meant."""

    at: datetime
    by: Actor
    test: TestId
    home: HomeId
