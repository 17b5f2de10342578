"""A month at a desk, played through the engine: calls, smoke, batteries; three people who answer sooner, later or not; channels that fail.

Drawn from a seed. What comes of it is the journal of such a month, commit by commit; nothing in it is written by hand.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from alerting.commands import (
    Acknowledge,
    Asked,
    Claim,
    Close,
    Command,
    Note,
    RegisterArea,
    RegisterDevice,
    RegisterHome,
    RegisterPerson,
    Respond,
)
from alerting.engine import Engine
from alerting.facts import AlertRaised, AlertRecurred, AlertWorsened, NotificationRequested
from alerting.items import DeliveryEnded, Item
from alerting.refusals import IllegalTransition, Unknown
from alerting.terms import Actor, AlertId, Stage, Status
from devices.home import Area, AreaId, Device, DeviceId, Home, HomeId, ModelId, Person, PersonId, Role
from gateway.store.entry import Commit, Entry, Stamp, encode
from gateway.store.journal import Journal
from tests.household import DEFAULT, report

AREAS = (AreaId("330106001"), AreaId("330106002"))
DESK = tuple(map(Actor, ("chen", "li", "zhao")))
FIRST = datetime(2026, 10, 31, 16, 0, tzinfo=UTC)
"""The first of November at midnight in China."""
OUTCOMES = ("real_emergency", "assistance_given", "resolved_by_resident", "false_cooking", "false_device", "false_person", "test")


@dataclass
class Operations:
    seed: int = 1
    days: int = 30
    homes: int = 12
    calls_a_day: float = 14.0
    commits: list[Commit] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._dice = Random(self.seed)
        self.engine = Engine(DEFAULT)
        self.now = FIRST
        self._seq = 0
        self._number = 0
        self._order = 0
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []

    # --- what is written -----------------------------------------------------------------------------------------------------

    def play(self) -> "Operations":
        self._register()
        end = FIRST + timedelta(days=self.days)
        for half_day in range(2 * self.days + 3):
            self._at(FIRST + timedelta(hours=12 * half_day, minutes=5), self._signs_of_life)
        at = FIRST
        while at < end:
            at += timedelta(seconds=self._dice.expovariate(self.calls_a_day / 86_400))
            self._at(at, self._something)
        self._at(FIRST + timedelta(days=self.days / 2, hours=3), self._flood)
        while self._due and self._due[0][0] < end:
            moment, _, what = heapq.heappop(self._due)
            self._pass(moment)
            what()
        self._pass(end + timedelta(days=1))
        return self

    def put(self, data: Path) -> None:
        journal = Journal.open(data, segment_age=timedelta(days=7), lead=1)
        for commit in self.commits:
            journal.commit(commit.stamp, encode(list(commit.entries)), len(commit.entries))
        journal.close()

    def handle(self, item: Item) -> None:
        """Whether it is taken or refused, what was journaled is what a service would have."""
        try:
            facts = self.engine.handle(item, self.now)
        except (IllegalTransition, Unknown):
            return
        self._commit([item, *facts])

    def asks(self, command: Command, by: str) -> None:
        self.handle(Asked(command, Actor(by)))

    def _pass(self, until: datetime) -> None:
        while (due := self.engine.next_deadline) is not None and due <= until:
            self.now = max(self.now, due)
            facts = self.engine.advance(self.now)
            if facts:
                self._commit([*facts])
        self.now = max(self.now, until)

    def _commit(self, entries: list[Entry]) -> None:
        wall = self.now + timedelta(milliseconds=137)
        stamp = Stamp(self.now, wall, (self.now - FIRST).total_seconds() + 500, "boot-1")
        self.commits.append(Commit(self._seq + 1, stamp, tuple(entries)))
        self._seq += len(entries)
        for entry in entries:
            if isinstance(entry, NotificationRequested):
                self._at(self.now + timedelta(seconds=self._dice.uniform(0.5, 4)), lambda told=entry: self._delivered(told))  # type: ignore[misc]
            elif isinstance(entry, AlertRaised | AlertRecurred | AlertWorsened):
                self._answer(entry.alert)

    # --- what happens --------------------------------------------------------------------------------------------------------

    def _register(self) -> None:
        for area in AREAS:
            self.asks(RegisterArea(Area(area, f"示例街道{area[-1]}")), "admin")
        for n in range(self.homes):
            home = HomeId(f"home-{n}")
            self.asks(RegisterHome(Home(home, AREAS[n % 2], f"{n}栋101", "示例路", "0571-0000000")), "admin")
            self.asks(RegisterPerson(Person(PersonId(f"p-{n}"), home, Role.RESIDENT, f"虚构住户{n}")), "admin")
            for kind in ("cord", "smoke"):
                self.asks(RegisterDevice(Device(DeviceId(f"{kind}-{n}"), home, ModelId(kind), room="卧室")), "admin")

    def _something(self) -> None:
        n, what = self._dice.randrange(self.homes), self._dice.random()
        if what < 0.6:
            self._says(n, "cord", pull_cord=True)
            if self._dice.random() < 0.2:
                for more in (4, 11):
                    self._at(self.now + timedelta(seconds=more), lambda: self._says(n, "cord", pull_cord=True))
        elif what < 0.85:
            self._says(n, "smoke", smoke=True)
            self._at(self.now + timedelta(seconds=self._dice.uniform(30, 1200)), lambda: self._says(n, "smoke", smoke=False))
        else:
            self._says(n, "cord", battery=self._dice.choice((4, 9, 80)))
            self._at(self.now + timedelta(minutes=self._dice.uniform(10, 60)), lambda: self._says(n, "cord", battery=100))

    def _signs_of_life(self) -> None:
        for n in range(self.homes):
            for kind in ("cord", "smoke"):
                self._says(n, kind, **({"battery": 95} if kind == "cord" else {"test": False}))

    def _flood(self) -> None:
        for n in range(self.homes):
            self._at(self.now + timedelta(seconds=20 * n), lambda n=n: self._says(n, "cord", pull_cord=True))  # type: ignore[misc]

    def _says(self, n: int, kind: str, **values: bool | float) -> None:
        self._number += 1
        said = report(f"{kind}-{n}", self.now, f"r{self._number}", values, home=f"home-{n}")
        heard = said.message
        self.handle(type(said)(type(heard)(AREAS[n % 2], *[getattr(heard, f) for f in heard.__struct_fields__[1:]]), said.topic, said.raw))

    def _delivered(self, told: NotificationRequested) -> None:
        good = self._dice.random() > 0.1
        detail = "taken" if good else "the number is not in service"
        self.handle(DeliveryEnded(told.notification, told.alert, told.home, good, 1 if good else 3, detail))

    def _answer(self, alert: AlertId) -> None:
        dice, by = self._dice, self._dice.choice(DESK)
        after = dice.choices((dice.uniform(3, 50), dice.uniform(61, 170), dice.uniform(200, 2000)), (0.93, 0.05, 0.02))[0]
        forgets = dice.random() < 0.02
        at_once = dice.random() < 0.03  # closed by whoever saw it, and never claimed
        steps: list[tuple[float, Callable[[], Command | None]]] = [] if at_once else [(after, lambda: Claim(alert))]
        if not forgets and not at_once:
            steps.append((dice.uniform(2, 90), lambda: Acknowledge(alert)))
            if dice.random() < 0.5:
                steps.append((dice.uniform(20, 300), lambda: Respond(alert, "网格员小周", Stage.ON_THE_WAY)))
                steps.append((dice.uniform(200, 1500), lambda: Respond(alert, "网格员小周", Stage.ARRIVED)))
            if dice.random() < 0.3:
                steps.append((dice.uniform(5, 60), lambda: Note(alert, "已电话联系，声音正常")))
        steps.append((dice.uniform(60, 4000), lambda: Close(alert, dice.choice(OUTCOMES), "已核实")))
        at = self.now
        for seconds, make in steps:
            at += timedelta(seconds=seconds)
            self._at(at, lambda make=make: self._does(alert, make, by))  # type: ignore[misc]

    def _does(self, alert: AlertId, make: Callable[[], Command | None], by: Actor) -> None:
        known = self.engine.alerts.get(alert)
        command = make()
        if known is not None and known.status is not Status.CLOSED and command is not None:
            self.asks(command, by)

    def _at(self, moment: datetime, what: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._due, (moment, self._order, what))
