"""Everything the engine knows, as the fold of facts, and the rows it is saved in.

A fact changes something here and nowhere else, at the moment it is made or folded. What inputs leave behind is changed by
`alerting.witness`, in the same homes.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec.structs import replace

from alerting import record, snapshots
from alerting.alert import Alert, born, evolve
from alerting.caring.prompt_facts import PromptFound
from alerting.certificates import Certificates
from alerting.circumstances import Circumstances
from alerting.commands import Asked
from alerting.duties import Duties
from alerting.duty_facts import ItemOwned, RosterFact
from alerting.facts import (
    AlertFact,
    AlertRaised,
    AlertRecurred,
    AlertRepeated,
    AlertWorsened,
    AreaJoined,
    AreaLeft,
    CareFact,
    CommandIssued,
    Fact,
    NotificationEnded,
    NotificationReported,
    NotificationRequested,
    RulesActivated,
)
from alerting.heard_facts import DeviceReturned, DeviceSilent, HubLost, HubReturned
from alerting.home_state import FIRINGS_REMEMBERED, OUTAGES_REMEMBERED, Firing, HomeState, Member
from alerting.identity import short_hash
from alerting.record_facts import NearMissReviewed, ResidentErased
from alerting.registry import Registry
from alerting.registry_facts import HomeRegistered
from alerting.rules import Ruleset
from alerting.snapshots import GLOBAL, Whole
from alerting.terms import AlertId, NotificationId, Origin
from alerting.told import Tellings
from alerting.unheard import GAPS_KEPT, Away, Cause, Span
from devices.home import AreaId, HomeId

ANSWERS_KEPT = timedelta(hours=24)
ANSWERS_MOST = 100_000


class State:
    def __init__(self, ruleset: Ruleset) -> None:
        self.registry = Registry()
        self.circumstances = Circumstances(ruleset, self.registry.above)
        self.alerts: dict[AlertId, Alert] = {}
        """Of all homes; the same alerts are in their homes."""
        self.notifications: dict[NotificationId, NotificationRequested] = {}
        """Requested and not ended, of all homes."""
        self.tellings = Tellings()
        """Of all homes; the same are in their homes."""
        self.changed: dict[str, None] = {}
        """The rows that changed since somebody took note of it, in the order of their first change."""
        self._answered: dict[bytes, datetime] = {}

    # --- facts -----------------------------------------------------------------------------------------------------------------

    def apply(self, fact: Fact) -> None:
        """What a fact changes; IllegalTransition where the alert's table has no such step."""
        match fact:
            case AlertRaised():
                self._put(born(fact))
                if fact.origin is Origin.REAL and fact.anew_of is None:
                    self._note(fact, fact.key or fact.rule)
            case DeviceSilent():
                device = self.registry.device(fact.home, fact.device)
                device.silent, device.silent_since = True, fact.at
            case DeviceReturned():
                device = self.registry.device(fact.home, fact.device)
                device.silent, device.silent_since = False, None
            case RulesActivated():
                self.circumstances.activate(fact)
            case AreaJoined() | AreaLeft():
                self._list(fact)
            case HubLost():
                self.registry.state(fact.home).away = Away(fact.device, fact.since, fact.at)
            case HubReturned():
                home = self.registry.state(fact.home)
                if home.away is not None:
                    home.gaps = (*home.gaps, Span(home.away.since, fact.at, Cause.HUB))[-GAPS_KEPT:]
                    home.away = None
            case CommandIssued() | NearMissReviewed():
                pass
            case PromptFound():
                firings = self.registry.state(fact.home).fired.setdefault(fact.key or fact.rule, [])
                firings.append(Firing(fact.at, fact.observed_at, AlertId("")))
                del firings[:-FIRINGS_REMEMBERED]
            case _ if isinstance(fact, CareFact):
                self.registry.state(fact.home).own_care().apply(fact)
            case ItemOwned():
                self.registry.state(fact.home).owners[fact.item] = fact.owner
            case _ if isinstance(fact, RosterFact):
                self.registry.duties.apply(fact)
            case ResidentErased(home=erased):
                self._erase(erased)
            case _ if isinstance(fact, AlertFact):
                self._apply_to_alert(fact)
            case HomeRegistered(home=record):
                self.registry.apply(fact)
                self._bring_along(self.registry.homes[record.id])
            case _:
                self.registry.apply(fact)
        self.mark(snapshots.key_of(fact))

    def _erase(self, home: HomeId) -> None:
        state = self.registry.state(home)
        for alert in list(state.alerts):
            self.forget(alert, home)
        for person in state.people:
            self.registry.person_homes.pop(person, None)
        for silence in state.silences:
            self.registry.silence_homes.pop(silence, None)
        for test in state.tests:
            self.registry.test_homes.pop(test, None)
        for id_ in state.notifications:
            self.notifications.pop(id_, None)
        state.notifications = {}
        record.emptied(state)

    def _list(self, fact: AreaJoined | AreaLeft) -> None:
        """The home is on the list of an area's alert, or back."""
        home = self.registry.state(fact.home)
        if isinstance(fact, AreaJoined):
            others = tuple(member for member in home.outages if member.alert != fact.alert)
            home.outages = (*others, Member(fact.alert, fact.rule, fact.dark, fact.since, fact.at))[-OUTAGES_REMEMBERED:]
        else:
            home.outages = tuple(replace(m, back_at=fact.at) if m.alert == fact.alert else m for m in home.outages)

    def forget(self, alert: AlertId, home: HomeId) -> None:
        """Drop an alert that was closed long ago."""
        if self.alerts.pop(alert, None) is not None:
            state = self.registry.state(home)
            del state.alerts[alert]
            self.tellings.forget(state.told, alert)
            self.mark(snapshots.home_key(home) if home else GLOBAL)

    def _apply_to_alert(self, fact: AlertFact) -> None:
        home = self.registry.state(fact.home)
        if isinstance(fact, NotificationRequested):
            home.notifications[fact.notification] = self.notifications[fact.notification] = fact
        elif isinstance(fact, NotificationEnded):
            home.notifications.pop(fact.notification, None)
            self.notifications.pop(fact.notification, None)
        if isinstance(fact, NotificationRequested | NotificationEnded | NotificationReported):
            self.tellings.take(home.told, fact)
        alert = self.alerts.get(fact.alert)
        if alert is not None:  # else forgotten: closed long ago, and a delivery ends only now
            self._put(evolve(alert, fact))
            if isinstance(fact, AlertRepeated | AlertRecurred | AlertWorsened):
                self._note(fact, fact.key or alert.rule)

    def _note(self, fact: AlertRaised | AlertRepeated | AlertRecurred | AlertWorsened, key: str) -> None:
        """That a rule fired."""
        firings = self.registry.state(fact.home).fired.setdefault(key, [])
        firings.append(Firing(fact.at, fact.evidence[-1].at if fact.evidence else fact.at, fact.alert))
        del firings[:-FIRINGS_REMEMBERED]

    def _bring_along(self, home: HomeState) -> None:
        """What is open goes with its home where the home's area is corrected: its next step is for those who answer there."""
        for alert in list(home.alerts.values()):
            if alert.open and alert.area != home.area:
                self._put(replace(alert, area=home.area))

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
            whole = Whole(now, kept, registry.areas, registry.nowhere, self._answered, certificates, registry.whole, registry.duties)
            return snapshots.encode_whole(whole)
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
            self.registry.duties = whole.duties or Duties()
            self.registry.whole = whole.whole or HomeState(HomeId(""), AreaId(""))
            self.registry.silence_homes.update(dict.fromkeys(self.registry.whole.silences, HomeId("")))
            self.alerts.update(self.registry.whole.alerts)
            self.notifications.update(self.registry.whole.notifications)
            self.tellings.restore(self.registry.whole.told)
            return whole.at
        at, home = snapshots.decode_home(body)
        self.registry.restore(home)
        self.alerts.update(home.alerts)
        self.notifications.update(home.notifications)
        self.tellings.restore(home.told)
        return at


def _key(asked: Asked) -> bytes:
    return short_hash(f"{asked.by}\x00{asked.key}")
