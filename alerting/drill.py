"""A drill of a plan: what the engine does with calls out of simulated homes, beside everything that is real. Pure.

The engine of a drill is the engine, with the rules, policies, staff and rosters that hold and with homes in which nobody lives. It takes
the calls for real: that is what is drilled, and no step of escalation knows a drill from a night. Nothing of it is journaled and no
channel stands behind its notifications, so that it could not page a person if it wanted to. What comes out is marked by whoever shows it.
"""

import heapq
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import count

import msgspec

from alerting import grading
from alerting.commands import Acknowledge, Asked, Claim, RegisterDevice, RegisterHome, RegisterPerson, Respond
from alerting.duties import Duties
from alerting.duty_facts import RosterSet, ShiftsOverridden, StaffSet
from alerting.engine import Engine
from alerting.escalation import policy_for
from alerting.facts import AlertFact, AlertRaised, Fact, NotificationRequested
from alerting.items import DeliveryEnded, Item, Said, ServiceStarted
from alerting.plan_facts import RaiseGrade, Scale
from alerting.policy import Graded, Policy
from alerting.refusals import IllegalTransition
from alerting.registry_facts import AreaRegistered
from alerting.rules import Ruleset
from alerting.terms import SERVICE, Actor, AlertId, Category, Sentence, Stage
from devices.home import Area, AreaId, Device, DeviceId, Home, HomeId, ModelId, Person, PersonId, Role
from devices.message import Heard
from devices.observation import CALLS, Manner, Observation, Property, Report, ReportId

SAYS = {
    Category.CALL_FOR_HELP: Property.PULL_CORD,
    Category.FIRE: Property.SMOKE,
    Category.GAS: Property.GAS_ALARM,
    Category.FALL: Property.FALL,
    Category.WATER: Property.WATER_LEAK,
}
"""What can be drilled, and what the devices of the simulated homes say then."""

HOMES_MOST = 50
MINUTES_MOST = 120
APART = timedelta(seconds=5)
"""Between the calls of two homes."""
DELIVERED_AFTER = timedelta(seconds=1)
CONTACT, DESK = Actor("contact"), Actor("drill desk")
CONTACTS = (Sentence("演练家属", "drill family"), Sentence("演练邻居", "drill neighbour"))
NUMBER = "00000000000"
"""Of nobody; without one the engine would not call them."""


class Answer(msgspec.Struct, frozen=True):
    """Whoever is told as `target` says so, so long after being told first of an alert."""

    target: str
    after: timedelta
    stage: Stage


class Drill(msgspec.Struct, frozen=True):
    """`at`: the moment that it pretends to be, by the wall clock, UTC. `grade` None: the steps alone."""

    category: Category
    area: AreaId
    at: datetime
    by: Actor
    scale: Scale = Scale.SINGLE
    grade: int | None = None
    homes: int = 1
    lasts: timedelta = timedelta(minutes=15)
    raised_after: timedelta = timedelta(seconds=60)
    desk_after: timedelta | None = None
    """Somebody at the desk takes and acknowledges each call so long after it came; None: nobody does."""
    answers: tuple[Answer, ...] = ()
    unreachable: tuple[str, ...] = ()
    """Targets to which no notification gets through."""


class Setting(msgspec.Struct, frozen=True):
    """What holds for real."""

    ruleset: Ruleset
    areas: tuple[Area, ...]
    duties: Duties


class Drilled(msgspec.Struct, frozen=True):
    """`facts`: all of the simulated homes' alerts, in order. `refused`: why the grade could not be raised."""

    policy: Policy
    wanted: Graded | None
    people: dict[PersonId, Sentence]
    facts: tuple[AlertFact, ...]
    refused: Sentence | None = None


def plan_of(drill: Drill, setting: Setting) -> tuple[Policy, Graded | None]:
    """The policy that serves the area, and its grade; IllegalTransition says what cannot be drilled."""
    if drill.category not in SAYS:
        known = ", ".join(SAYS)
        raise IllegalTransition(Sentence(f"该类别不能演练，可选：{known}", f"this category is not drilled; one of {known}"))
    parents = {area.id: area.parent for area in setting.areas}
    if drill.area not in parents:
        raise IllegalTransition(Sentence(f"没有片区 {drill.area}", f"there is no area {drill.area}"))
    policy = policy_for(setting.ruleset, drill.category, "", _above(drill.area, parents))
    wanted = next((one for one in policy.grades if (one.scale, one.grade) == (drill.scale, drill.grade)), None)
    if drill.grade is not None and wanted is None:
        known = ", ".join(grading.named(one.scale, one.grade).zh for one in policy.grades) or "-"
        said = ", ".join(grading.named(one.scale, one.grade).en for one in policy.grades) or "-"
        english = f"plan {policy.id!r} has no such grade; it has: {said}"
        raise IllegalTransition(Sentence(f"预案“{policy.id}”没有该等级，可选：{known}", english))
    return policy, wanted


def held(drill: Drill, setting: Setting) -> Drilled:
    """Hold the drill, at once: a quarter of an hour of it is over in a moment. IllegalTransition as `plan_of`."""
    policy, wanted = plan_of(drill, setting)
    running = _Running(drill, setting, wanted)
    running.run()
    return Drilled(policy, wanted, running.people, tuple(running.facts), running.refused)


class _Running:
    """One drill: the engine, and the world around it as a heap of what happens next."""

    def __init__(self, drill: Drill, setting: Setting, wanted: Graded | None) -> None:
        self.drill, self.wanted = drill, wanted
        self.facts: list[AlertFact] = []
        self.people: dict[PersonId, Sentence] = {}
        self.refused: Sentence | None = None
        self._duties = setting.duties
        self._names = {target.name: target.zh or target.name for target in setting.ruleset.targets}
        self._engine = Engine(setting.ruleset)
        self._world: list[tuple[datetime, int, Item]] = []
        self._turn = count()
        self._answered: set[tuple[AlertId, str]] = set()
        self._homes = [HomeId(f"drill-{n + 1}") for n in range(drill.homes)]
        for fact in _real(setting, drill.at):
            self._engine.fold(fact, drill.at)
        self._engine.handle(ServiceStarted(None), drill.at)

    def run(self) -> None:
        drill, end = self.drill, self.drill.at + self.drill.lasts
        for n, home in enumerate(self._homes):
            for command in self._house(home, n):
                self._engine.handle(Asked(command, SERVICE), drill.at)
            self._soon(drill.at + n * APART, _call(drill, home, drill.at + n * APART))
        raising = drill.at + drill.raised_after if self.wanted is not None else None
        while True:
            moments = [at for at in (self._world[0][0] if self._world else None, self._engine.next_deadline, raising) if at is not None]
            now = min(moments, default=end)
            if now >= end:
                self._take(self._engine.advance(end))
                return
            if raising is not None and raising <= now:
                raising = None
                self._raise(now)
            elif self._world and self._world[0][0] <= now:
                self._tolerant(heapq.heappop(self._world)[2], now)
            else:
                self._take(self._engine.advance(now))

    def _house(self, home: HomeId, n: int) -> Iterator[RegisterHome | RegisterDevice | RegisterPerson]:
        yield RegisterHome(Home(home, self.drill.area, f"演练住户 {n + 1}"))
        yield RegisterDevice(Device(DeviceId(f"{home}-device"), home, ModelId(""), exposes=(SAYS[self.drill.category],)))
        for order, (role, name) in enumerate(zip((Role.FAMILY, Role.NEIGHBOUR), CONTACTS, strict=True)):
            person = PersonId(f"{home}-{order + 1}")
            self.people[person] = Sentence(f"{name.zh} {n + 1}", f"{name.en} {n + 1}")
            yield RegisterPerson(Person(person, home, role, f"{name.zh} {n + 1}", NUMBER, order))

    def _soon(self, at: datetime, item: Item) -> None:
        heapq.heappush(self._world, (at, next(self._turn), item))

    def _tolerant(self, item: Item, now: datetime) -> None:
        """What the world does may come too late: the desk was quicker, somebody has said it already. That is no fault of a drill."""
        try:
            self._take(self._engine.handle(item, now))
        except IllegalTransition:
            self._take(self._engine.advance(now))

    def _take(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            if isinstance(fact, AlertFact) and fact.home in self._homes:
                self.facts.append(fact)
                self._react(fact)

    def _react(self, fact: AlertFact) -> None:
        drill = self.drill
        if isinstance(fact, AlertRaised) and drill.desk_after is not None:
            self._soon(fact.at + drill.desk_after, Asked(Claim(fact.alert), DESK))
            self._soon(fact.at + drill.desk_after, Asked(Acknowledge(fact.alert), DESK))
        elif isinstance(fact, NotificationRequested):
            through = fact.target not in drill.unreachable
            ended = DeliveryEnded(fact.notification, fact.alert, fact.home, through, 1, "")
            self._soon(fact.at + DELIVERED_AFTER, ended)
            if through and not fact.stand_down and (fact.alert, fact.target) not in self._answered:
                self._answered.add((fact.alert, fact.target))
                for answer in (one for one in drill.answers if one.target == fact.target):
                    said = Respond(fact.alert, self._called(fact), answer.stage, fact.notification)
                    self._soon(fact.at + max(answer.after, DELIVERED_AFTER), Asked(said, CONTACT))

    def _called(self, fact: NotificationRequested) -> str:
        if fact.staff is not None and fact.staff in self._duties.staff:
            return self._duties.staff[fact.staff].name
        return self.people[fact.person].zh if fact.person is not None else self._names.get(fact.target, fact.target)

    def _raise(self, now: datetime) -> None:
        """By whoever is on duty and may; else by whoever may at all."""
        alert = next((one for one in self._engine.alerts.values() if one.home in self._homes and one.open), None)
        wanted, by = self.wanted, self._raiser(now)
        if alert is None or wanted is None:
            self.refused = Sentence("没有可提高等级的警报", "there was no alert to raise")
        elif by is None:
            zh, en = "、".join(wanted.may_raise), " or ".join(wanted.may_raise)
            self.refused = Sentence(f"人员中没有 {zh}，无人可以提高到该等级", f"nobody of the staff is {en}: nobody may raise it")
        else:
            try:
                self._take(self._engine.handle(Asked(RaiseGrade(alert.id, wanted.scale, wanted.grade, "演练"), by), now))
            except IllegalTransition as refusal:
                self.refused = refusal.sentence

    def _raiser(self, now: datetime) -> Actor | None:
        roles = self.wanted.may_raise if self.wanted is not None else ()
        if not roles:
            return self.drill.by
        duties, zone = self._duties, timedelta(minutes=self._engine.ruleset.utc_offset_minutes)
        on = [shift.staff for roster in duties.rosters.values() for shift in duties.on(roster, now, zone)]
        may = sorted((one for one in duties.staff.values() if one.role in roles), key=lambda one: one.id not in on)
        return may[0].actor if may else None


def _real(setting: Setting, at: datetime) -> Iterator[Fact]:
    """What holds for real, as facts that a fold takes."""
    for area in setting.areas:
        yield AreaRegistered(at, SERVICE, area)
    for staff in setting.duties.staff.values():
        yield StaffSet(at, SERVICE, staff)
    for roster in setting.duties.rosters.values():
        yield RosterSet(at, SERVICE, roster)
    if setting.duties.overrides:
        yield ShiftsOverridden(at, SERVICE, tuple(setting.duties.overrides.values()))


def _above(area: AreaId, parents: dict[AreaId, AreaId | None]) -> tuple[AreaId, ...]:
    """From the area itself upwards."""
    found: list[AreaId] = []
    here: AreaId | None = area
    while here is not None and here in parents and here not in found:
        found.append(here)
        here = parents[here]
    return tuple(found)


def _call(drill: Drill, home: HomeId, at: datetime) -> Said:
    property_ = SAYS[drill.category]
    observation = Observation(property_, True, Manner.EVENT if property_ in CALLS else Manner.STATE)
    report = Report(ReportId("drill"), at, at, (observation,))
    device = DeviceId(f"{home}-device")
    return Said(Heard(drill.area, home, device, report), f"anju/v1/{drill.area}/{home}/{device}/report", b"{}")
