"""Everything the engine knows, as the fold of facts, and the rows it is saved in.

A fact changes something here and nowhere else, at the moment it is made or folded. What inputs leave behind is changed by
`alerting.witness`, in the same homes.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from alerting import snapshots
from alerting.alert import Alert, born, evolve
from alerting.certificates import Certificates
from alerting.circumstances import Circumstances
from alerting.facts import (
    AlertFact,
    AlertId,
    AlertRaised,
    Asked,
    CommandIssued,
    DeviceReturned,
    DeviceSilent,
    Fact,
    NotificationEnded,
    NotificationId,
    NotificationRequested,
)
from alerting.identity import short_hash
from alerting.registry import Registry
from alerting.rules import Ruleset
from alerting.snapshots import GLOBAL, Whole
from devices.home import HomeId

ANSWERS_KEPT = timedelta(hours=24)
ANSWERS_MOST = 100_000


class State:
    def __init__(self, ruleset: Ruleset) -> None:
        self.registry = Registry()
        self.circumstances = Circumstances(ruleset)
        self.alerts: dict[AlertId, Alert] = {}
        """Of all homes; the same alerts are in their homes."""
        self.notifications: dict[NotificationId, NotificationRequested] = {}
        """Requested and not ended, of all homes."""
        self.changed: dict[str, None] = {}
        """The rows that changed since somebody took note of it, in the order of their first change."""
        self._answered: dict[bytes, datetime] = {}

    # --- facts -----------------------------------------------------------------------------------------------------------------

    def apply(self, fact: Fact) -> None:
        """What a fact changes; IllegalTransition where the alert's table has no such step."""
        match fact:
            case AlertRaised():
                self._put(born(fact))
            case DeviceSilent():
                self.registry.device(fact.home, fact.device).silent = True
            case DeviceReturned():
                self.registry.device(fact.home, fact.device).silent = False
            case CommandIssued():
                pass
            case _ if isinstance(fact, AlertFact):
                self._apply_to_alert(fact)
            case _:
                self.registry.apply(fact)
        self.mark(snapshots.key_of(fact))

    def forget(self, alert: AlertId, home: HomeId) -> None:
        """Drop an alert that was closed long ago."""
        if self.alerts.pop(alert, None) is not None:
            del self.registry.homes[home].alerts[alert]
            self.mark(snapshots.home_key(home))

    def _apply_to_alert(self, fact: AlertFact) -> None:
        home = self.registry.state(fact.home)
        if isinstance(fact, NotificationRequested):
            home.notifications[fact.notification] = self.notifications[fact.notification] = fact
        elif isinstance(fact, NotificationEnded):
            home.notifications.pop(fact.notification, None)
            self.notifications.pop(fact.notification, None)
        alert = self.alerts.get(fact.alert)
        if alert is not None:  # else forgotten: closed long ago, and a delivery ends only now
            self._put(evolve(alert, fact))

    def _put(self, alert: Alert) -> None:
        self.alerts[alert.id] = self.registry.state(alert.home, alert.area).alerts[alert.id] = alert

    # --- keys of commands ------------------------------------------------------------------------------------------------------

    def answered(self, asked: Asked, now: datetime) -> bool:
        """Whether this key of this actor was answered within the last day."""
        at = self._answered.get(_key(asked)) if asked.key else None
        return at is not None and at > now - ANSWERS_KEPT

    def remember(self, asked: Asked, now: datetime) -> None:
        if not asked.key:
            return
        answered = self._answered
        answered.pop(_key(asked), None)
        answered[_key(asked)] = now
        while len(answered) > ANSWERS_MOST or next(iter(answered.values())) <= now - ANSWERS_KEPT:
            del answered[next(iter(answered))]
        self.mark(GLOBAL)

    # --- rows ------------------------------------------------------------------------------------------------------------------

    def mark(self, key: str) -> None:
        self.changed[key] = None

    def keys(self) -> Iterator[str]:
        yield GLOBAL
        yield from map(snapshots.home_key, self.registry.homes)

    def snapshot(self, key: str, now: datetime) -> bytes:
        """The row as it is, `now` being how far time has passed; KeyError for an unknown home."""
        if key == GLOBAL:
            registry = self.registry
            kept, certificates = self.circumstances.kept(), registry.certificates.known
            return snapshots.encode_whole(Whole(now, kept, registry.areas, registry.nowhere, self._answered, certificates))
        return snapshots.encode_home(now, self.registry.homes[snapshots.home_of(key)])

    def restore(self, key: str, body: bytes) -> datetime:
        """Take a row; how far time had passed when it was written."""
        if key == GLOBAL:
            whole = snapshots.decode_whole(body)
            self.circumstances.restore(whole.circumstances)
            self.registry.areas, self.registry.nowhere = whole.areas, whole.credentials
            self.registry.credentials.update(whole.credentials)
            self._answered = whole.answered
            self.registry.certificates = Certificates(whole.certificates)
            return whole.at
        at, home = snapshots.decode_home(body)
        self.registry.restore(home)
        self.alerts.update(home.alerts)
        self.notifications.update(home.notifications)
        return at


def _key(asked: Asked) -> bytes:
    return short_hash(f"{asked.by}\x00{asked.key}")
