"""What the engine keeps of one home: one row of its snapshots, and nothing in it depends on another home.

Three sorts of state, which recovery treats differently. The registry's records, the alerts and what fired when are folds of *facts*.
What was last heard of a device, and what rules remember of a home, are folds of *inputs*. Deadlines are neither: they follow from both
and are made anew.
"""

from datetime import datetime, timedelta

import msgspec

from alerting.alert import Alert
from alerting.area_rules import Dark
from alerting.arrangements import NOTHING_ARRANGED, Arrangements
from alerting.caring.care import NO_CARE, Care
from alerting.caring.records import NOTHING_PROVEN, Proven
from alerting.facts import NotificationRequested
from alerting.life_facts import OnTestSet
from alerting.memories import Memory
from alerting.registry_facts import SilenceSet
from alerting.terms import Actor, AlertId, Evidence, NotificationId, SilenceId, TestId
from alerting.told import Told
from alerting.unheard import Away, Backlog, Span
from devices.credential import Credential
from devices.home import AreaId, Device, DeviceId, Home, HomeId, Person, PersonId
from devices.message import Directory
from devices.observation import Property

READINGS_REMEMBERED = 32
"""Ids of the latest reports of a device."""
FIRINGS_REMEMBERED = 8
CALLS_REMEMBERED = 20_000
"""Ids of a device's reports that carried a call or hazard; the age limit is in `detection`."""


OUTAGES_REMEMBERED = 4
"""Of areas, by each home that they concerned."""


class Last(msgspec.Struct, array_like=True, gc=False):
    """The newest value of a property that a rule watches. `at` is the device's time, never later than the receipt."""

    value: bool | int | float
    at: datetime


class Beyond(msgspec.Struct, array_like=True):
    """A reading past its rule's limit, not yet back behind `clear`. `evidence` is there until the rule has fired."""

    since: datetime
    """By the device's time."""
    evidence: Evidence | None
    until: datetime | None = None
    """When its `for` is over; None in what was saved before there was this field, for `since` and the `for`."""
    latest: datetime | None = None
    """By the time of receipt: `until` is never behind it."""

    def held_until(self, hold: timedelta) -> datetime:
        return self.until or self.since + hold


class Skew(msgspec.Struct, array_like=True, gc=False):
    """How late a device's reports come, by its own clock, and how many in a row came so."""

    lag: timedelta
    received_at: datetime
    times: int = 0


class DeviceState(msgspec.Struct, array_like=True, gc=False):
    """A device as the registry has it, or as it was discovered, and what was last heard of it."""

    record: Device
    last_heard_at: datetime | None = None
    online: bool | None = None
    """What it, or its hub, last said of itself."""
    offline_since: datetime | None = None
    silent: bool = False
    """DeviceSilent stands, DeviceReturned has not followed. (With `silent_since` all that facts decide here, besides the record.)"""
    battery: int | float | None = None
    firmware: str = ""
    last: dict[Property, Last] = {}
    beyond: dict[str, Beyond] | None = None
    """By rule. (None where there never was any, here and below: a hundred thousand empty dicts take as much as all that devices say.)"""
    readings: bytes = b""
    """Short hashes of the latest reports' ids, newest first."""
    calls: dict[bytes, datetime] | None = None
    """Short hashes of reports that carried a call or hazard, oldest first."""
    watched: bool = False
    """Whether the queue of deadlines holds it; means nothing in a snapshot."""
    cached: dict[Property, Last] | None = None
    """What a hub last sent of it from its cache, of what rules watch over time."""
    skew: Skew | None = None
    """Of a device whose reports come late, of what rules watch over time."""
    silent_since: datetime | None = None
    """When DeviceSilent was made; decided by facts, like `silent`."""
    called_with: int | float | None = None
    """The link quality of the newest message in which its hub said a call of it."""

    def past(self, rule: str) -> Beyond | None:
        """What is past the limit of a rule, if anything is."""
        return self.beyond.get(rule) if self.beyond else None


class Firing(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A rule raised, repeated or recurred an alert at `at`; the newest observation it rested on was made at `observed_at`."""

    at: datetime
    observed_at: datetime
    alert: AlertId


class Member(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The home is one of those that the alert of an area is about. A fold of facts."""

    alert: AlertId
    rule: str
    dark: Dark
    since: datetime
    """The home is dark since then."""
    joined_at: datetime
    back_at: datetime | None = None


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
    memories: dict[str, Memory] = {}
    """Of the rules that watch homes, by `watching.scene.key_of`. A fold of inputs."""
    fired: dict[str, list[Firing]] = {}
    """The latest firings of a rule, oldest first, by the same key. A fold of facts."""
    arranged: Arrangements = NOTHING_ARRANGED
    """How it is lived in just now, and its own numbers of rules."""
    away: Away | None = None
    """HubLost stands, HubReturned has not followed."""
    gaps: tuple[Span, ...] = ()
    """The latest spans in which its hub was away."""
    backlog: Backlog | None = None
    outages: tuple[Member, ...] = ()
    """The latest outages of areas that concerned it."""
    told: dict[NotificationId, Told] = {}
    """Of the alerts that are remembered, oldest first."""
    rules_since: datetime | None = None
    """The moment of the ruleset that it was last judged by. A fold of inputs: see `circumstances.settle`."""
    care: Care = msgspec.field(default_factory=lambda: NO_CARE)
    """What is planned for it: calls, check-ins, visits, tests. A fold of facts."""
    proven: Proven = NOTHING_PROVEN
    owners: dict[str, Actor] = {}
    """Whose a silence, or what is on test, is by name; by `kind:id`. A fold of facts."""
    tests: dict[TestId, OnTestSet] = {}
    """Planned or under way."""
    topics: AreaId | None = None
    """The area in its kits' topics, where it is not the one that it is registered in. A fold of inputs."""

    @property
    def topic_area(self) -> AreaId:
        """Where its devices listen. Its area may have been corrected since they were told theirs."""
        return self.topics or self.area

    def own_care(self) -> Care:
        """To be changed; until the first change a home shares what all have that nothing is planned for."""
        if self.care is NO_CARE:
            self.care = Care()
        return self.care

    def share(self) -> None:
        """Hold what is as good as nothing once for all homes, as before it was written down."""
        self.care = NO_CARE if self.care == NO_CARE else self.care
        self.arranged = NOTHING_ARRANGED if self.arranged == NOTHING_ARRANGED else self.arranged
        self.proven = NOTHING_PROVEN if self.proven == NOTHING_PROVEN else self.proven

    def open_alert(self, matter: str) -> Alert | None:
        """The open alert of a matter; there is one at most."""
        for alert in self.alerts.values():
            if alert.matter == matter and alert.open:
                return alert
        return None
