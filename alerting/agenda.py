"""What is due and when, of everything the engine knows: the queue of deadlines is filled here, and read back into facts.

The queue is only a reminder. What is due is decided from the state when the moment comes, so an entry that is out of date does nothing.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from alerting import arrangements, escalation, lasting, marks, synthetic
from alerting.alert import Alert
from alerting.change_of_shift import ChangeOfShift
from alerting.circumstances import Circumstances
from alerting.deadlines import Deadlines, Entry, Kind
from alerting.facts import Fact
from alerting.heard_facts import DeviceSilent
from alerting.hearing import Hearing, silent_at
from alerting.home_rules import HomeRule
from alerting.home_state import DeviceState, HomeState
from alerting.life_facts import OnTestEnded, OnTestSet
from alerting.raising import Raising
from alerting.registry import Registry
from alerting.registry_facts import SilenceEnded, SilenceSet
from alerting.roster import RosterId
from alerting.terms import SERVICE, AlertId, Origin, SilenceId, TestId
from alerting.unheard import UNHEARD
from alerting.watching.kinds import kind_of
from alerting.watching.scene import Scene, key_of, shared_key
from devices.home import DeviceId, HomeId

CLOSED_KEPT = timedelta(hours=24)
"""A closed alert still takes notes, and answers a second close with who was first; one that is looked at again, from then on."""


class Agenda:
    def __init__(
        self, registry: Registry, circumstances: Circumstances, alerts: Mapping[AlertId, Alert], shifts: ChangeOfShift,
    ) -> None:  # fmt: skip
        self._registry = registry
        self._circumstances = circumstances
        self._alerts = alerts
        self._shifts = shifts
        self._queue = Deadlines()
        self.is_due = self._queue.is_due
        """Whether there is anything to look at by a moment; asked twice a report."""
        self._scheduled: dict[AlertId, datetime] = {}
        """The latest entry of each alert, lest every change adds one."""
        self._beside: dict[tuple[Kind, AlertId], datetime] = {}
        """The same for what is due besides its policy."""
        self._awaited: dict[tuple[HomeId, str], datetime] = {}
        """The earliest entry of each rule that watches a home."""
        self.listening = True
        """Whether silence means anything: not between a recovery and the word that the service hears again."""
        self._postponed: dict[HomeId, dict[Entry, None]] = {}
        """What would come due if its home could be heard."""

    @property
    def next_at(self) -> datetime | None:
        return self._queue.next_at

    def pop_due(self, now: datetime) -> Entry | None:
        return self._queue.pop_due(now)

    # --- filling ---------------------------------------------------------------------------------------------------------------

    def schedule(self, alert: Alert) -> None:
        """See that the alert's next deadline is in the queue."""
        if alert.closed_at is not None:
            kept = CLOSED_KEPT if alert.origin is not Origin.SYNTHETIC else synthetic.KEPT
            at, kind = (alert.rearm_at or alert.closed_at) + kept, Kind.FORGET
            self._beside_it(alert, Kind.REARM, alert.rearm_at)
        else:
            self._beside_it(alert, Kind.STANDING, marks.standing_at(alert, self._circumstances.ruleset.life))
            deadline = self._deadline(alert)
            if deadline is None:
                return
            at, kind = deadline.at, Kind.ALERT
        if self._scheduled.get(alert.id) != at:
            self._scheduled[alert.id] = at
            self._queue.push(Entry(at, kind, alert.home, alert.id))

    def _beside_it(self, alert: Alert, kind: Kind, at: datetime | None) -> None:
        if at is not None and self._beside.get((kind, alert.id)) != at:
            self._beside[kind, alert.id] = at
            self._queue.push(Entry(at, kind, alert.home, alert.id))

    def watch(self, home: HomeState, device: DeviceState) -> None:
        """See that the device's silence is in the queue, if there is anything to watch for."""
        silent = silent_at(device, self._circumstances.index, self.hearing(home))
        device.watched = device.last_heard_at is not None and not device.silent and (silent is None or silent[0] < UNHEARD)
        if silent is not None and not home.retired:
            self._await(Entry(silent[0], Kind.DEVICE, home.id, device.record.id))

    def hearing(self, home: HomeState) -> Hearing:
        return Hearing(home, self._circumstances.deafness)

    def _await(self, entry: Entry) -> None:
        """Remember what is due; where that is not in sight, to be looked at again as soon as its home can be heard."""
        if entry.at >= UNHEARD:
            self._postponed.setdefault(entry.home, {})[entry._replace(at=UNHEARD)] = None
        else:
            self._queue.push(entry)

    def look_again(self, now: datetime, home: HomeId | None = None) -> None:
        """What was postponed is looked at anew: a home, or with None every home, can be heard again."""
        for waiting in (self._postponed.pop(home, {}),) if home is not None else tuple(self._postponed.values()):
            for entry in waiting:
                self._queue.push(entry._replace(at=now))
                rule = self._circumstances.index.rules.get(entry.rule)
                if isinstance(rule, HomeRule):
                    self._awaited[entry.home, key_of(rule, DeviceId(entry.name) if entry.name else None)] = now
        if home is None:
            self._postponed.clear()

    def await_limit(self, home: HomeState, device: DeviceState, rule: str) -> None:
        beyond, watched = device.past(rule), self._circumstances.index.limits.get(rule)
        if beyond is not None and watched is not None:
            self._queue.push(Entry(beyond.held_until(watched[1].hold), Kind.LIMIT, home.id, device.record.id, rule))

    def await_rule(
        self, home: HomeState, rule: HomeRule, device: DeviceId | None, now: datetime, scene: Scene | None = None, *, reached: bool = False,
    ) -> None:  # fmt: skip
        """See that the rule is looked at again when something of it is due. `reached`: what is due by now has been looked at.

        `scene`: of the home, where it is at hand.
        """
        key = key_of(rule, device)
        due = kind_of(rule).due(rule, home.memories.get(key), scene.of(device) if scene else self.scene(home, device, now))
        if due is None or home.retired or (reached and due <= now):
            return
        awaited = self._awaited.get((home.id, key))
        if awaited is None or due < awaited:
            self._awaited[home.id, key] = due
            self._await(Entry(due, Kind.RULE, home.id, device or "", rule.id))

    def scene(self, home: HomeState, device: DeviceId | None, now: datetime) -> Scene:
        """The home as a rule looks at it."""
        return Scene(home, device, now, self._circumstances.index, self._circumstances)

    def await_area(self, at: datetime, matter: str) -> None:
        self._queue.push(Entry(at, Kind.AREA, HomeId(""), matter))

    def await_end(self, silence: SilenceSet) -> None:
        self._queue.push(Entry(silence.until, Kind.SILENCE_ENDS, silence.home, silence.silence))

    def await_duty(self, roster: RosterId, now: datetime) -> None:
        """See that the next look at a roster is in the queue."""
        at = self._shifts.look_at(roster, now)
        if at is not None:
            self._queue.push(Entry(at, Kind.DUTY, HomeId(""), roster))

    def look_at_rosters(self, now: datetime) -> None:
        """All of them, at once: the wall clock, or what they follow, has moved."""
        for roster in self._registry.duties.rosters:
            self._queue.push(Entry(now, Kind.DUTY, HomeId(""), roster))

    def await_test(self, test: OnTestSet) -> None:
        self._queue.push(Entry(test.ends_at, Kind.TEST_ENDS, test.home, test.test))

    def await_mode(self, home: HomeState) -> None:
        """See that the end of the home's mode, and the word before it, are in the queue."""
        at = arrangements.next_at(home.arranged)
        if at is not None and not home.retired:
            self._queue.push(Entry(at, Kind.MODE, home.id, ""))

    def listen(self, now: datetime) -> None:
        if not self.listening:
            self.listening = True
            self.anew(now)

    def anew(self, now: datetime) -> None:
        """Fill the queue from what is. A `for` that was over by `now` has had its facts."""
        self._queue.clear()
        self._scheduled.clear()
        self._beside.clear()
        self._awaited.clear()
        self._postponed.clear()
        limits = self._circumstances.index.limits
        for alert in self._registry.whole.alerts.values():
            self.schedule(alert)
        for roster in self._registry.duties.rosters:
            self.await_duty(roster, now)
        for silence in self._registry.whole.silences.values():
            self.await_end(silence)
        for home in self._registry.homes.values():
            self._circumstances.settle(home, self._circumstances.index)
            for alert in home.alerts.values():
                self.schedule(alert)
            for silence in home.silences.values():
                self.await_end(silence)
            for test in home.tests.values():
                self.await_test(test)
            self.await_mode(home)
            for device in home.devices.values():
                self.watch(home, device)
                for rule, beyond in (device.beyond or {}).items():
                    if rule in limits and beyond.held_until(limits[rule][1].hold) > now:
                        self.await_limit(home, device, rule)
            if home.memories:
                self.await_rules(home, now)

    def await_rules(self, home: HomeState, now: datetime) -> None:
        """The same for all rules that remember something of the home; of a rule that is gone nothing is remembered any more."""
        known = set()
        for rule in self._circumstances.index.home_rules:
            for device in home.devices if rule.by_device else (None,):
                key = key_of(rule, device)
                if key in home.memories:
                    known |= {key, rule.shares, shared_key(rule.shares, device)}
                    self.await_rule(home, rule, device, now)
        for gone in home.memories.keys() - known:
            del home.memories[gone]

    # --- what came due ---------------------------------------------------------------------------------------------------------

    def facts(self, entry: Entry, now: datetime) -> Iterable[Fact]:
        """What an entry comes to, `now` being its moment. Each has to hold before the next one is asked for."""
        match entry.kind:
            case Kind.ALERT:
                return self._alert(entry, now)
            case Kind.SILENCE_ENDS:
                silence = self._registry.state(entry.home).silences.get(SilenceId(entry.name))
                if silence is None or silence.until > now:
                    return []
                return [SilenceEnded(now, SERVICE, silence.silence, entry.home)]
            case Kind.LIMIT:
                return self._limit(entry, now)
            case Kind.DEVICE:
                return self._device(entry, now)
            case Kind.RULE:
                return self._rule(entry, now)
            case Kind.MODE:
                home = self._registry.homes[entry.home]
                changed = None if home.retired else arrangements.due(home.id, home.arranged, now)
                return [changed] if changed else []
            case Kind.DUTY:
                self.await_duty(RosterId(entry.name), now)
                return self._shifts.looked(RosterId(entry.name), now)
            case Kind.REARM | Kind.STANDING:
                return self._aside(entry, now)
            case Kind.TEST_ENDS:
                test = self._registry.homes[entry.home].tests.get(TestId(entry.name))
                return [] if test is None or test.ends_at > now else [OnTestEnded(now, SERVICE, test.test, entry.home)]
            case Kind.FORGET | Kind.AREA:
                return []

    def _alert(self, entry: Entry, now: datetime) -> list[Fact]:
        alert = self._alerts.get(AlertId(entry.name))
        if alert is None:
            return []
        if self._scheduled.get(alert.id) == entry.at:
            del self._scheduled[alert.id]
        deadline = self._deadline(alert)
        if deadline is None:
            return []
        if deadline.at > now:
            self.schedule(alert)
            return []
        return [escalation.reached(alert, self._circumstances.policy(alert), deadline.due, now, self._registry.state(alert.home))]

    def _aside(self, entry: Entry, now: datetime) -> Iterable[Fact]:
        """What is due of an alert besides its policy."""
        alert = self._alerts.get(AlertId(entry.name))
        self._beside.pop((entry.kind, AlertId(entry.name)), None)
        if alert is None:
            return []
        if entry.kind is Kind.STANDING:
            mark = marks.standing(alert, self._circumstances.ruleset.life, now)
            if mark is None:
                self.schedule(alert)
            return [mark] if mark else []
        if alert.rearm_at is None or alert.rearm_at > now:
            return []
        home = self._registry.state(alert.home)
        first = escalation.first_step_at(self._circumstances.policy(alert), alert.category, now)
        return [fact for fact in lasting.rearmed(alert, home, self.scene(home, None, now), first, now) if fact is not None]

    def _limit(self, entry: Entry, now: datetime) -> list[Fact]:
        home = self._registry.homes[entry.home]
        beyond = home.devices[DeviceId(entry.name)].past(entry.rule)
        watched = self._circumstances.index.limits.get(entry.rule)
        if beyond is None or watched is None or beyond.evidence is None or beyond.held_until(watched[1].hold) != entry.at:
            return []
        if not watched[1].of(home.arranged.own).past(beyond.evidence.observation.value):
            return []  # it was past a limit that holds no longer
        return [*self.raising(home, now).held_out(watched[1].rule, beyond.evidence)]

    def _rule(self, entry: Entry, now: datetime) -> Iterable[Fact]:
        home, device = self._registry.homes[entry.home], DeviceId(entry.name) if entry.name else None
        rule = self._circumstances.index.rules.get(entry.rule)
        if not isinstance(rule, HomeRule):
            return []
        key = key_of(rule, device)
        if self._awaited.get((home.id, key)) != entry.at:
            return []
        del self._awaited[home.id, key]
        kind, memory, scene = kind_of(rule), home.memories.get(key), self.scene(home, device, now)
        due = kind.due(rule, memory, scene)
        if due is None or home.retired:
            return []
        if due > now:
            self.await_rule(home, rule, device, now)
            return []
        return self.raising(home, now).concluded(rule, scene, kind.reach(rule, memory, scene, now))

    def went_on(self, entry: Entry, now: datetime) -> None:
        """The facts of a rule's deadline hold now: see to what is due behind it."""
        rule = self._circumstances.index.rules.get(entry.rule)
        if entry.kind is Kind.RULE and isinstance(rule, HomeRule):
            home = self._registry.homes[entry.home]
            self.await_rule(home, rule, DeviceId(entry.name) if entry.name else None, now, reached=True)

    def _device(self, entry: Entry, now: datetime) -> list[Fact]:
        home = self._registry.homes[entry.home]
        device = home.devices[DeviceId(entry.name)]
        device.watched = False
        silent = silent_at(device, self._circumstances.index, self.hearing(home))
        if silent is None or home.retired or not self.listening:
            return []
        at, rule = silent
        if at > now:
            self.watch(home, device)
            return []
        heard = device.last_heard_at or at
        return [DeviceSilent(now, home.id, device.record.id, heard), *self.raising(home, now).fell_silent(rule, device)]

    def raising(self, home: HomeState, now: datetime) -> Raising:
        above = self._registry.whole.silences.values()
        return Raising(home, self._circumstances.index, now, self._circumstances.wall_offset, silences=above)

    def _deadline(self, alert: Alert) -> escalation.Deadline | None:
        return escalation.deadline(alert, self._circumstances.policy(alert), muted=self.muted(alert))

    def muted(self, alert: Alert) -> bool:
        """Whether a silence or an area's alert keeps it off the ring, as far as one may."""
        silenced = alert.silenced_by is not None and alert.silenced_by in self._registry.silence_homes
        return silenced or alert.folded_into is not None
