"""Outages of areas: many homes dark at once are one alert, with the homes as its list and their own technical alerts folded into it.

Theory of operation
-------------------
What is known of a home is in its own row: whether it is dark (`darkness`, from what it said and what facts say of it) and which
outages concern it (`HomeState.outages`, decided by facts). The alert of an area stands in the row of the whole, under no home. This
index is neither: sums over homes, kept up to date as facts are made, and made anew from the rows after a recovery. So an entry of the
journal still touches its own row alone.

`touch` a home when it may have become dark or light; `settle` then gives the facts, until there are none. A group of homes (an area, or
a carrier or building in it) whose count is reached is looked at again `for` later, as a deadline; what it comes to is stamped with that
moment. A home counts for a rule once for each time it goes dark. What an outage explains is in `folding`.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from alerting import grading, wording
from alerting.alert import Alert
from alerting.area_rules import AreaOutage, Dark, Grouping
from alerting.area_words import spoken
from alerting.circumstances import Circumstances
from alerting.darkness import Group, darkness
from alerting.escalation import first_step_at
from alerting.facts import AlertCleared, AlertClosed, AlertRaised, AlertRecurred, AreaJoined, AreaLeft, Fact
from alerting.folding import NOWHERE, Facts, Folding
from alerting.heard_facts import DeviceReturned, DeviceSilent, HubLost, HubReturned
from alerting.home_state import HomeState
from alerting.identity import alert_id
from alerting.registry import Registry
from alerting.registry_facts import AreaRegistered, DeviceRegistered, DeviceRetired, HomeRegistered, HomeRetired
from alerting.silences import over
from alerting.suppression import muting
from alerting.terms import AlertId
from alerting.unheard import settled
from devices.home import AreaId, Home, HomeId


class Outages:
    """`alerts`: all, by id."""

    def __init__(self, registry: Registry, circumstances: Circumstances, alerts: Mapping[AlertId, Alert]) -> None:
        self._registry = registry
        self._circumstances = circumstances
        self._alerts = alerts
        self.folding = Folding(registry, circumstances, alerts)
        self._groups: dict[str, Group] = {}
        self._dark: dict[HomeId, dict[Dark, datetime]] = {}
        self._touched: dict[HomeId, None] = {}
        self._looked: dict[str, None] = {}
        """Groups that gained a home since they were last looked at."""
        self._rules: tuple[AreaOutage, ...] = ()
        self._parents: dict[AreaId, AreaId | None] = {}

    # --- what is known ---------------------------------------------------------------------------------------------------------

    def anew(self) -> None:
        """From the rows: after a recovery, and when rules or the tree of areas have changed."""
        self._rules = tuple(rule for rule in self._circumstances.ruleset.rules if isinstance(rule, AreaOutage))
        self._groups, self._dark, self._touched, self._looked = {}, {}, {}, {}
        self.folding.begin_again()
        self._parents = {area.id: area.parent for area in self._registry.areas.values()}
        alike: Counter[tuple[AreaId, str, str]] = Counter()
        for home in self._registry.homes.values():
            if self._rules and home.record is not None and not home.retired:
                alike[home.record.area, home.record.carrier, home.record.building] += 1
                self._see(home)
            for member in home.outages:
                alert = self._alerts.get(member.alert)
                if alert is not None and alert.open:
                    self.folding.note(alert.id, home.id, dark=member.back_at is None)
        for place, homes in alike.items():
            for group in self._groups_of(*place):
                group.size += homes
        self._touched.update(dict.fromkeys(self._dark))

    def before(self, fact: Fact) -> None:
        """A fact is about to hold: a home may leave the place that it has in the registry."""
        if isinstance(fact, HomeRegistered):
            self._place(fact.home.id, -1)
        elif isinstance(fact, HomeRetired):
            self._place(fact.home, -1)

    def after(self, fact: Fact) -> None:
        """A fact holds."""
        match fact:
            case AreaJoined():
                self.folding.note(fact.alert, fact.home, dark=True)
                self._ask_again(fact.home)
            case AreaLeft() if self.folding.knows(fact.alert):
                self.folding.note(fact.alert, fact.home, dark=False)
            case AlertCleared(home="") | AlertClosed(home=""):
                for id_ in self.folding.homes(fact.alert):
                    self._ask_again(id_)
            case HubLost() | HubReturned() | DeviceSilent() | DeviceReturned() | DeviceRetired() | HomeRetired():
                self.touch(fact.home)
            case DeviceRegistered(device=device):
                self.touch(device.home)
            case HomeRegistered(home=home):
                self._place(home.id, 1)
                self.touch(home.id)
            case AreaRegistered(area=area):
                if self._parents.setdefault(area.id, area.parent) != area.parent:
                    self.anew()

    def look_again(self) -> None:
        """The deadlines were made anew, or the moments may have moved."""
        for group in self._groups.values():
            group.begin_again()
        self._looked.update((matter, None) for matter, group in self._groups.items() if group.dark)

    def touch(self, home: HomeId) -> None:
        if self._rules or self.folding.at_work:
            self._touched[home] = None

    @property
    def restless(self) -> bool:
        """Whether any home was touched, or any group waits to be looked at."""
        return bool(self._touched or self._looked)

    def is_dark(self, home: HomeId) -> bool:
        return home in self._dark

    # --- deciding --------------------------------------------------------------------------------------------------------------

    def settle(self, now: datetime) -> Facts:
        """What follows from the homes that were touched; [] when nothing more does. Emit all of it before asking again."""
        while self._touched:
            id_ = next(iter(self._touched))
            del self._touched[id_]
            home = self._registry.homes.get(id_)
            if home is not None:
                self._see(home)
                facts = self._moved(home, now)
                if facts:
                    self._touched[home.id] = None
                    return facts
        return []

    def due(self) -> Iterator[tuple[datetime, str]]:
        """The groups to be looked at, and when: each once."""
        looked, self._looked = self._looked, {}
        for matter in looked:
            group = self._groups.get(matter)
            if group is None or not group.worth_a_look:
                continue
            at = self._reached_at(group, group.news_at)
            group.news_at = None
            if at is not None:
                group.look_at = at
                yield at, matter

    def reach(self, matter: str, now: datetime) -> Facts:
        """What a group's moment comes to."""
        group = self._groups.get(matter)
        if group is None:
            return []
        group.look_at = group.news_at = None
        at = self._reached_at(group)
        if at is None:
            return []
        group.news_at = group.waiting[0][0]  # whoever is not on the list then may be so many again
        if at > now:
            self._looked[matter] = None
            return []
        return self._raised(group, now)

    # --- within ----------------------------------------------------------------------------------------------------------------

    def _place(self, home: HomeId, by: int) -> None:
        """A home leaves its place, or has taken one."""
        state = self._registry.homes.get(home)
        if state is None or state.record is None or state.retired:
            return
        for group in self._groups_in(state.record):
            group.size += by
            group.lose(home)
        self._dark.pop(home, None)

    def _ask_again(self, home: HomeId) -> None:
        """An outage that may count the home has come, or is over."""
        record = self._registry.homes[home].record
        for group in self._groups_in(record) if record is not None else ():
            group.ask_again(home)

    def _groups_in(self, record: Home) -> Iterator[Group]:
        return self._groups_of(record.area, record.carrier, record.building)

    def _groups_of(self, lowest: AreaId, carrier: str, building: str) -> Iterator[Group]:
        above: list[AreaId] = []
        area = self._registry.areas.get(lowest)
        while area is not None and len(above) < 16:
            above.append(area.id)
            area = self._registry.areas.get(area.parent) if area.parent is not None else None
        for rule in self._rules:
            value = {Grouping.AREA: "", Grouping.CARRIER: carrier, Grouping.BUILDING: building}[rule.by]
            if rule.level >= len(above) or (rule.by is not Grouping.AREA and not value):
                continue
            group = Group(rule, above[rule.level], value)
            yield self._groups.setdefault(group.matter, group)

    def _see(self, home: HomeState) -> None:
        """How dark the home is now, entered everywhere."""
        dark = darkness(home, self._circumstances.index.kind) if home.record is not None and not home.retired else {}
        before = self._dark.pop(home.id, {})
        if dark:
            self._dark[home.id] = dark
        if not (dark or before) or home.record is None:
            return
        for group in self._groups_in(home.record):
            since = dark.get(group.rule.dark)
            if since is None:
                group.lose(home.id)
            elif group.dark.get(home.id) != since:
                group.gain(home.id, since)
                self._looked[group.matter] = None

    def _moved(self, home: HomeState, now: datetime) -> Facts:
        dark = self._dark.get(home.id, {})
        for member in home.outages:
            if member.back_at is None and member.dark not in dark:
                area = self._alerts.get(member.alert)
                more = self.folding.left(area, home, now) if area is not None and area.open else []
                return [AreaLeft(member.alert, now, home.id), *more]
        if home.record is None:
            return []
        for group in self._groups_in(home.record) if dark else ():
            area = self._registry.whole.open_alert(group.matter)
            since = group.dark.get(home.id)
            if area is None or area.cleared_at is not None or since is None or self._counted(home, group.rule, since):
                continue
            if since >= area.raised_at - group.rule.window - group.rule.hold:
                return [AreaJoined(area.id, now, home.id, group.rule.dark, since, group.rule.id), *self.folding.joined(home, area, now)]
        return []

    def _reached_at(self, group: Group, news_at: datetime | None = None) -> datetime | None:
        """When so many had gone dark within the window and stayed so; None while they have not. `news_at`: with those since then."""
        rule, needed = group.rule, group.needed
        first = 0 if news_at is None else bisect_left(group.waiting, (news_at - rule.window, NOWHERE))
        if len(group.waiting) - first < needed:
            return None
        fresh = self._fresh(group, first)
        for (earlier, _), (since, _) in zip(fresh, fresh[needed - 1 :], strict=False):
            if earlier >= since - rule.window:
                return settled(since + rule.hold, self._circumstances.deafness.returned_at, None)
        return None

    def _fresh(self, group: Group, first: int = 0) -> list[tuple[datetime, HomeId]]:
        """The dark homes that no outage has counted, in order, from the first-th that waits on."""
        homes = self._registry.homes
        fresh = [(since, id_) for since, id_ in group.waiting[first:] if not self._counted(homes[id_], group.rule, since)]
        group.waiting[first:] = fresh
        return fresh

    def _counted(self, home: HomeState, rule: AreaOutage, since: datetime) -> bool:
        """Whether the home's being dark since then has been counted by this rule, or by one that is no smaller and still stands."""
        for member in home.outages:
            if member.dark is not rule.dark or (member.back_at is not None and since > member.back_at):
                continue
            area = self._alerts.get(member.alert)
            if member.rule == rule.id:
                return True
            other = self.folding.rule(area) if area is not None and area.open and area.cleared_at is None else None
            if other is not None and other.rank >= rule.rank:
                return True
        return False

    def _raised(self, group: Group, now: datetime) -> Facts:
        rule, index = group.rule, self._circumstances.index
        fresh = {id_: since for since, id_ in self._fresh(group)}
        latest = max(fresh.values())
        joining = sorted(id_ for id_, since in fresh.items() if since >= latest - rule.window)
        known = self._registry.whole.open_alert(group.matter)
        facts: Facts = []
        if known is not None:
            id_ = known.id
            if known.cleared_at is not None:
                facts.append(AlertRecurred(id_, now, NOWHERE, (), rule.id))
        else:
            fields = spoken(group, [fresh[home] for home in joining], now, self._registry.areas.get(group.area), self._circumstances)
            policy = index.policy(group.area, rule.category, rule.policy)
            id_ = alert_id(NOWHERE, group.matter, f"{rule.id} {now.isoformat()}", now)
            muted = muting(over(self._registry.whole.silences.values(), group.area), rule.category, None, now)
            facts.append(AlertRaised(
                id_, now, NOWHERE, group.area, rule.category, rule.priority, group.matter,
                wording.render(rule.title, fields), wording.render(rule.reason, fields), rule.id, index.ruleset.version, (),
                policy=policy.id, silenced_by=muted.silence if muted else None,
                next_step_at=None if muted else first_step_at(policy, rule.category, now), key=group.matter,
            ))  # fmt: skip
            facts += [] if muted else grading.by_size(id_, policy, rule.by, now)
        facts += [AreaJoined(id_, now, home, rule.dark, fresh[home], rule.id) for home in joining]
        facts += self.folding.begun(id_, rule, joining, now)
        return facts
