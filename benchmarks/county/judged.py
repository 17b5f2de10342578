"""The town's messages through the engine, with a desk that acknowledges and closes as one would."""

from collections.abc import Callable
from datetime import datetime, timedelta
from heapq import heappop, heappush

import msgspec

from alerting.commands import Acknowledge, Asked, ChangeParameters, Close, Command, RegisterArea, RegisterDevice, RegisterHome
from alerting.engine import Engine
from alerting.facts import AlertCleared, AlertRaised, AlertRecurred, Fact
from alerting.items import Said, ServiceStarted
from alerting.rules import Ruleset
from alerting.terms import Actor, AlertId, Category, Value
from benchmarks.county.town import Delivery, Town
from benchmarks.detection.lives import FIRST_DAY
from devices.decode import decode
from devices.home import Area, AreaId, Device, DeviceId, Home, HomeId, ModelId
from devices.message import NO_DIRECTORY, Ignored

PERSON = Actor("desk")
SEES, GOES, GIVES_UP = timedelta(minutes=2), timedelta(hours=1), timedelta(days=1)
STANDS = frozenset({Category.CALL_FOR_HELP, Category.FALL})
"""Nothing clears these but a person, who has been there after an hour."""
PILLS = "medication-missed"


class Alarm(msgspec.Struct, frozen=True):
    """An alert came, or came again once it had cleared."""

    second: float
    home: str
    category: Category
    rule: str


class Desk:
    """An alert is seen after two minutes, closed once it has cleared; calls and falls after an hour, what stands after a day."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._due: list[tuple[datetime, int, AlertId]] = []
        self._number = 0

    def hears(self, facts: list[Fact], now: datetime) -> None:
        for fact in facts:
            if isinstance(fact, AlertRaised):
                for span in (SEES, GOES, GIVES_UP):
                    self._number += 1
                    heappush(self._due, (now + span, self._number, fact.alert))
            elif isinstance(fact, AlertCleared) and fact.alert in self._engine.alerts:
                alert = self._engine.alerts[fact.alert]
                if alert.open and now - alert.raised_at > SEES:
                    self._close(fact.alert, now)

    def works(self, now: datetime) -> list[Fact]:
        facts: list[Fact] = []
        while self._due and self._due[0][0] <= now:
            at, _, name = heappop(self._due)
            alert = self._engine.alerts.get(name)
            if alert is None or not alert.open:
                continue
            facts += self._engine.advance(at)
            if at - alert.raised_at < GOES:
                facts += self._engine.handle(Asked(Acknowledge(name), PERSON), at)
            elif at - alert.raised_at >= GIVES_UP or alert.cleared_at is not None or alert.category in STANDS:
                self._close(name, at)
        return facts

    def _close(self, name: AlertId, now: datetime) -> None:
        self._engine.handle(Asked(Close(name, "false_person", "seen to"), PERSON), now)


def judged(town: Town, ruleset: Ruleset, progress: Callable[[float], None]) -> tuple[list[Alarm], int]:
    """Every alert of all the days, and how many reports there were. `progress` is told the virtual second now and then."""
    engine = Engine(ruleset)
    engine.handle(ServiceStarted(None), FIRST_DAY)
    for command in registration(town):
        engine.handle(Asked(command, PERSON), FIRST_DAY)
    desk, alarms, reports = Desk(engine), [], 0
    for second, delivery in town.runs():
        now = FIRST_DAY + timedelta(seconds=second)
        facts = desk.works(now)
        if delivery is None:
            progress(second)
            facts += engine.advance(now)
        else:
            reports += 1
            facts += engine.handle(said(delivery), now)
        desk.hears(facts, now)
        alarms += [
            Alarm((fact.at - FIRST_DAY).total_seconds(), fact.home, engine.alerts[fact.alert].category, engine.alerts[fact.alert].rule)
            for fact in facts
            if isinstance(fact, AlertRaised | AlertRecurred)
        ]  # fmt: skip
    return alarms, reports


def said(delivery: Delivery) -> Said:
    message = decode(delivery.topic, delivery.payload, delivery.received_at, NO_DIRECTORY)
    if isinstance(message, Ignored):
        raise TypeError(f"{delivery.topic}: the platform does not listen to what the simulator says")
    return Said(message, delivery.topic, delivery.payload)


def registration(town: Town) -> list[Command]:
    areas = sorted({record.area for record in town.records})
    commands: list[Command] = [RegisterArea(Area(AreaId(area), area)) for area in areas]
    for record, home in zip(town.records, town.homes, strict=True):
        commands.append(RegisterHome(Home(HomeId(record.id), AreaId(record.area), record.id)))
        commands += [RegisterDevice(Device(DeviceId(d.id), HomeId(record.id), ModelId(d.model), room=d.room)) for d in record.devices]
        quarter = round((town.breakfast(home) + 0.25) * 4)
        due = f"{quarter // 4:02}:{quarter % 4 * 15:02}"
        numbers: dict[str, Value] = {"times": (due,), "early": 150.0, "grace": 90.0}
        commands.append(ChangeParameters(HomeId(record.id), PILLS, numbers, "as the resident says"))
    return commands
