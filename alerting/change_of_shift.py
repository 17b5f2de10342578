"""The change of shifts: who comes on, what is open and whose it is, who takes it over, and a gap that comes near.

What is open is somebody's by name at every moment: whoever was on when it began, until somebody of a later shift takes it over. A gap in
the roster changes nothing in that. It is not the same as having an alert in hand (`claimed_by`); taking over moves that too, where whoever
had it in hand has gone home.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from alerting import wording
from alerting.alert import Alert
from alerting.circumstances import Circumstances
from alerting.duties import GAP_AHEAD
from alerting.duty_commands import TakeOver
from alerting.duty_facts import AlertOwned, DutyChanged, ItemOwned
from alerting.escalation import first_step_at
from alerting.facts import AlertClaimed, AlertCleared, AlertRaised, AlertRecurred
from alerting.folding import NOWHERE
from alerting.home_state import HomeState
from alerting.identity import alert_id
from alerting.life_facts import OnTestSet
from alerting.reach import Around
from alerting.refusals import IllegalTransition, Unknown
from alerting.registry import Registry
from alerting.registry_facts import SilenceSet
from alerting.roster import HORIZON, Gap, Roster, RosterId
from alerting.terms import Actor, AlertId, Category, Origin, Priority, Sentence, SilenceId, TestId
from devices.home import AreaId, HomeId

POLICY = "duty"
"""Of a gap's alert, where the policies have one of that name."""
ALERT, SILENCE, TEST = "alert", "silence", "test"

Facts = list[DutyChanged | AlertRaised | AlertRecurred | AlertCleared]
Owned = AlertOwned | AlertClaimed | ItemOwned


class ChangeOfShift:
    """`alerts`: all, by id."""

    def __init__(self, registry: Registry, circumstances: Circumstances, alerts: Mapping[AlertId, Alert]) -> None:
        self._registry = registry
        self._circumstances = circumstances
        self._alerts = alerts

    def around(self, home: HomeState, alert: Alert, now: datetime) -> Around:
        """What a step of an alert is judged by besides its policy."""
        circumstances, registry = self._circumstances, self._registry
        return Around(
            home, circumstances.policy(alert), circumstances.ruleset.targets, registry.duties, registry.above(alert.area),
            now + circumstances.wall_offset, circumstances.zone,
        )  # fmt: skip

    # --- who is on -------------------------------------------------------------------------------------------------------------

    def look_at(self, roster: RosterId, now: datetime) -> datetime | None:
        """When a roster is to be looked at next, behind `now`."""
        known = self._registry.duties.rosters.get(roster)
        offset = self._circumstances.wall_offset
        at = self._registry.duties.look_at(known, now + offset, self._circumstances.zone) if known is not None else None
        return at - offset if at is not None else None

    def looked(self, roster: RosterId, now: datetime) -> Facts:
        """What a look at a roster comes to: who is on, and whether a gap is near."""
        duties, circumstances = self._registry.duties, self._circumstances
        known = duties.rosters.get(roster)
        matter = f"roster:{roster}"
        alert = self._registry.whole.open_alert(matter)
        if known is None:
            return [AlertCleared(alert.id, now, NOWHERE)] if alert is not None and alert.cleared_at is None else []
        wall, zone = now + circumstances.wall_offset, circumstances.zone
        facts: Facts = []
        on = tuple(dict.fromkeys(shift.staff for shift in duties.on(known, wall, zone)))
        if on != duties.present.get(roster, ()):
            facts.append(DutyChanged(now, roster, on))
        gap = next(iter(duties.gaps(known, wall, wall + HORIZON, zone)), None)
        if gap is None or gap.since > wall + GAP_AHEAD:
            if alert is not None and alert.cleared_at is None:
                facts.append(AlertCleared(alert.id, now, NOWHERE))
        elif alert is None:
            facts += [raised] if (raised := self._raised(known, gap, matter, now)).alert not in self._alerts else []
        elif alert.cleared_at is not None:
            facts.append(AlertRecurred(alert.id, now, NOWHERE, (), matter))
        return facts

    def _raised(self, roster: Roster, gap: Gap, matter: str, now: datetime) -> AlertRaised:
        circumstances = self._circumstances
        index, wall = circumstances.index, now + circumstances.wall_offset
        since, until = (wording.clock(at, index.ruleset.utc_offset_minutes, wall) for at in (gap.since, gap.until))
        policy = index.policy(roster.area, Category.TECHNICAL, POLICY)
        # The gap as it ends now: while it lasts its beginning is the present moment.
        id_ = alert_id(NOWHERE, matter, gap.until.isoformat(), gap.until)
        return AlertRaised(
            id_, now, NOWHERE, roster.area, Category.TECHNICAL, Priority.AWARE, matter,
            Sentence(f"值班空缺：{roster.zh}", f"Nobody on duty: {roster.en}"),
            Sentence(f"“{roster.zh}”从 {since} 到 {until} 无人值班，请安排人员", f"{roster.en} has nobody on from {since} until {until}"),
            "", index.ruleset.version, (), policy=policy.id, next_step_at=first_step_at(policy, Category.TECHNICAL, now), key=matter,
        )  # fmt: skip

    # --- whose it is -----------------------------------------------------------------------------------------------------------

    def owned(self, fact: AlertRaised | SilenceSet | OnTestSet) -> list[Owned]:
        """Whose something is that begins now."""
        duties, registry = self._registry.duties, self._registry
        if isinstance(fact, AlertRaised):
            if fact.origin is Origin.SYNTHETIC:
                return []
            owner = duties.owner(registry.above(fact.area)) if duties.rosters else None
            return [AlertOwned(fact.alert, fact.at, fact.home, owner)] if owner is not None else []
        area = fact.areas[0] if isinstance(fact, SilenceSet) and fact.areas else registry.state(fact.home).area
        owner = duties.owner(registry.above(area)) or fact.by
        item = f"{SILENCE}:{fact.silence}" if isinstance(fact, SilenceSet) else f"{TEST}:{fact.test}"
        return [ItemOwned(item, fact.at, fact.home, owner)]

    def first_owned(self, now: datetime) -> list[Owned]:
        """What was open before anybody was on anywhere."""
        nobodys = [alert for alert in self._alerts.values() if alert.open and alert.owner is None and alert.origin is not Origin.SYNTHETIC]
        found = ((alert, self._registry.duties.owner(self._registry.above(alert.area))) for alert in nobodys)
        return [AlertOwned(alert.id, now, alert.home, owner) for alert, owner in found if owner is not None]

    def take_over(self, command: TakeOver, by: Actor, now: datetime) -> list[Owned]:
        """What a person takes over; Unknown or IllegalTransition, and nothing, where it may not be."""
        duties = self._registry.duties
        roster = duties.rosters.get(command.roster)
        if roster is None:
            raise Unknown(Sentence(f"没有值班表 {command.roster[:80]}", f"there is no roster {command.roster[:80]}"))
        on = [duties.staff[staff].actor for staff in duties.present.get(roster.id, ()) if staff in duties.staff]
        if by not in on:
            who_zh, who_en = "、".join(on) or "无人", ", ".join(on) or "nobody"
            raise IllegalTransition(
                Sentence(f"您不在“{roster.zh}”当班（当班：{who_zh}）", f"you are not on duty in {roster.en} (on duty: {who_en})"),
            )
        if not command.items:
            return [fact for item, owner in self._open(roster) if owner not in on for fact in self._taken(item, owner, by, on, now)]
        known = dict(self._open(roster))
        facts: list[Owned] = []
        for item in dict.fromkeys(command.items):
            if item not in known:
                raise Unknown(Sentence(f"没有待交接的 {item[:80]}", f"there is nothing open called {item[:80]}"))
            if known[item] != by:
                facts += self._taken(item, known[item], by, on, now)
        return facts

    def _open(self, roster: Roster) -> Iterator[tuple[str, Actor | None]]:
        """What is open in the areas that the roster's desk serves, and whose it is."""
        registry = self._registry
        for alert in self._alerts.values():
            if alert.open and roster in registry.duties.serving(registry.above(alert.area), desk=True):
                yield f"{ALERT}:{alert.id}", alert.owner
        for item, home_id, area in self._items():
            if roster in registry.duties.serving(registry.above(area), desk=True):
                yield item, registry.state(home_id).owners.get(item)

    def _items(self) -> Iterator[tuple[str, HomeId, AreaId]]:
        """What is open besides alerts, of which home (or none), in which area."""
        registry = self._registry
        for silence, home_id in registry.silence_homes.items():
            home = registry.state(home_id)
            yield f"{SILENCE}:{silence}", home_id, home.area if home_id else home.silences[silence].areas[0]
        yield from ((f"{TEST}:{test}", home, registry.homes[home].area) for test, home in registry.test_homes.items())

    def _taken(self, item: str, owner: Actor | None, by: Actor, on: list[Actor], now: datetime) -> Iterator[Owned]:
        kind, _, id_ = item.partition(":")
        before = owner or Actor("")
        if kind != ALERT:
            homes = self._registry.silence_homes[SilenceId(id_)] if kind == SILENCE else self._registry.test_homes[TestId(id_)]
            yield ItemOwned(item, now, homes, by, before, by)
            return
        alert = self._alerts[AlertId(id_)]
        yield AlertOwned(alert.id, now, alert.home, by, before, by)
        if alert.claimed_by is not None and alert.claimed_by != by and alert.claimed_by not in on:
            yield AlertClaimed(alert.id, now, alert.home, by, taken_over_from=alert.claimed_by)


