"""What an outage of an area explains: the homes its alert concerned, and the alerts that are folded into it.

An alert of a home is folded where an outage is reason enough for it, and the alert of a smaller group where most of its homes are part of
a larger outage. What is still so when a home is back, when the outage is over, or when somebody closes it, asks for a person of its own.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from alerting.alert import Alert
from alerting.area_rules import AreaOutage, Dark
from alerting.circumstances import Circumstances
from alerting.darkness import Concerned
from alerting.facts import AlertCleared, AlertClosed, AlertFact, AlertFolded, AlertUnfolded, AreaFact
from alerting.home_state import HomeState
from alerting.registry import Registry
from alerting.rules import Silence
from alerting.suppression import under_floor
from alerting.terms import AlertId, Category
from devices.home import HomeId
from devices.observation import Property

NOWHERE = HomeId("")
"""The home of what belongs to no home."""

Facts = list[AlertFact | AreaFact]


class Folding:
    """`alerts`: all, by id."""

    def __init__(self, registry: Registry, circumstances: Circumstances, alerts: Mapping[AlertId, Alert]) -> None:
        self._registry = registry
        self._circumstances = circumstances
        self._alerts = alerts
        self._homes: dict[AlertId, Concerned] = {}

    # --- whom they concern -----------------------------------------------------------------------------------------------------

    def begin_again(self) -> None:
        """Nothing is known; whoever calls notes it from the rows."""
        self._homes = {}

    def note(self, alert: AlertId, home: HomeId, *, dark: bool) -> None:
        self._homes.setdefault(alert, Concerned()).note(home, dark=dark)

    @property
    def at_work(self) -> bool:
        """Whether any alert of an area concerns a home."""
        return bool(self._homes)

    def knows(self, alert: AlertId) -> bool:
        """Whether it was noted of the alert whom it concerns."""
        return alert in self._homes

    def homes(self, alert: AlertId) -> Iterable[HomeId]:
        return self._homes.get(alert, Concerned()).homes

    def member(self, alert: AlertId, home: HomeId) -> bool:
        return home in self._homes.get(alert, Concerned()).homes

    def rule(self, area: Alert) -> AreaOutage | None:
        """The rule that raised it; None when there is none of the name any more."""
        rule = self._circumstances.index.rules.get(area.rule)
        return rule if isinstance(rule, AreaOutage) else None

    # --- folding ---------------------------------------------------------------------------------------------------------------

    def raised(self, alert: Alert, now: datetime) -> Facts:
        """A technical alert of a home was raised, or recurred: folded, where an outage explains it."""
        home = self._registry.homes.get(alert.home)
        if home is None or not home.outages or alert.folded_into is not None:
            return []
        for member in reversed(home.outages):
            area = self._alerts.get(member.alert)
            if member.back_at is None and area is not None and area.open and area.cleared_at is None and self._explains(area, alert):
                return [AlertFolded(alert.id, now, alert.home, self._outermost(area).id)]
        return []

    def begun(self, id_: AlertId, rule: AreaOutage, joining: Iterable[HomeId], now: datetime) -> Facts:
        """An outage was found: smaller ones are folded into it, and what it explains of the homes that join it."""
        smaller = [area for area in self._registry.whole.alerts.values() if self._inside(area, rule, joining)]
        facts: Facts = [AlertFolded(area.id, now, NOWHERE, id_) for area in smaller]
        inner = {area.id for area in smaller}
        for home in joining:
            for alert in self._registry.homes[home].alerts.values():
                if alert.open and self._explained(rule.dark, alert) and (alert.folded_into is None or alert.folded_into in inner):
                    facts.append(AlertFolded(alert.id, now, home, id_))
        return facts

    def joined(self, home: HomeState, area: Alert, now: datetime) -> Facts:
        """A home has joined an outage that stands."""
        outer = self._outermost(area).id
        return [
            AlertFolded(alert.id, now, home.id, outer)
            for alert in home.alerts.values()
            if alert.open and alert.folded_into is None and self._explains(area, alert)
        ]

    # --- and no longer ---------------------------------------------------------------------------------------------------------

    def left(self, area: Alert, home: HomeState, now: datetime) -> Facts:
        """A home is back: what of it still stands asks for a person again; and perhaps most homes are back."""
        facts: Facts = [
            AlertUnfolded(alert.id, now, alert.home)
            for alert in home.alerts.values()
            if alert.open and alert.cleared_at is None and alert.folded_into == self._outermost(area).id
        ]
        concerned = self._homes.get(area.id, Concerned())
        still = concerned.dark - concerned.homes.get(home.id, False)
        rule = self.rule(area)
        if area.cleared_at is None and still <= (rule.clear if rule is not None else 0.0) * len(concerned.homes):
            facts.append(AlertCleared(area.id, now, NOWHERE))
            facts += [
                AlertUnfolded(alert.id, now, alert.home)
                for alert in self._folded(area.id) if alert.cleared_at is None and alert.home != home.id
            ]  # fmt: skip
        return facts

    def closed(self, area: Alert, fact: AlertClosed) -> Facts:
        """Somebody closed the alert of an area: with it what is folded into it and is over; the rest asks for a person of its own."""
        facts: Facts = []
        for alert in self._folded(area.id):
            if alert.cleared_at is not None:
                facts.append(AlertClosed(alert.id, fact.at, alert.home, fact.by, fact.disposition, fact.reason))
            else:
                facts.append(AlertUnfolded(alert.id, fact.at, alert.home))
        self._homes.pop(area.id, None)
        return facts

    # --- within ----------------------------------------------------------------------------------------------------------------

    def _inside(self, area: Alert, rule: AreaOutage, joining: Iterable[HomeId]) -> bool:
        """Whether an open alert of a smaller group is part of this outage: most of its dark homes are."""
        other = self.rule(area)
        if other is None or not area.open or area.folded_into is not None or other.dark is not rule.dark or other.rank >= rule.rank:
            return False
        dark = {id_ for id_, still in self._homes.get(area.id, Concerned()).homes.items() if still}
        return 2 * len(dark.intersection(joining)) > len(dark)

    def _folded(self, into: AlertId) -> list[Alert]:
        """The open alerts that are folded into that of an area, by id."""
        among = [self._registry.homes[id_].alerts.values() for id_ in self._homes.get(into, Concerned()).homes]
        found = (a for alerts in (*among, self._registry.whole.alerts.values()) for a in alerts if a.open and a.folded_into == into)
        return sorted(found, key=lambda alert: alert.id)

    def _outermost(self, area: Alert) -> Alert:
        outer = self._alerts.get(area.folded_into) if area.folded_into is not None else None
        return outer if outer is not None and outer.open else area

    def _explains(self, area: Alert, alert: Alert) -> bool:
        rule = self.rule(area)
        return rule is not None and self._explained(rule.dark, alert)

    def _explained(self, dark: Dark, alert: Alert) -> bool:
        """Whether such an outage is reason enough for an alert of a home: never for one under the safety floor."""
        if under_floor(alert.category) or alert.category is not Category.TECHNICAL:
            return False
        silent = isinstance(self._circumstances.index.rules.get(alert.rule), Silence)
        return silent or (dark is Dark.MAINS and any(property_ is Property.MAINS_LOST for _, property_ in alert.sources))
