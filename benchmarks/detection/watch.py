"""A recording through the rules that Anju comes with: the alerts it would have brought, and how soon a sudden stillness is noticed."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from alerting.commands import Asked, Close, Command, RegisterArea, RegisterDevice, RegisterHome
from alerting.engine import Engine
from alerting.facts import AlertCleared, AlertRaised, Fact
from alerting.items import Said, ServiceStarted
from alerting.rules import Ruleset
from alerting.terms import Actor, Category, Sentence
from benchmarks.detection.recording import Recording, Utterance
from devices.home import Area, AreaId, Device, DeviceId, Home, HomeId, ModelId
from devices.message import Heard
from devices.observation import Observation, Report, ReportId

AREA, HOME = AreaId("000000000"), HomeId("recorded")
PERSON = Actor("benchmark")
PATIENCE = timedelta(hours=72)
"""For so long behind a cut an alert is waited for."""


class Alarm(msgspec.Struct, frozen=True):
    """An alert was raised."""

    at: datetime
    category: Category
    rule: str
    reason: Sentence


class Found(msgspec.Struct, frozen=True):
    """From `cut` on nothing was heard any more; `after`: how long it took to raise an alert, None if it never came."""

    cut: datetime
    after: timedelta | None


class Watched(msgspec.Struct, frozen=True):
    recording: Recording
    alarms: tuple[Alarm, ...]
    found: tuple[Found, ...]


def watched(recording: Recording, ruleset: Ruleset, cuts: list[datetime], *, until: datetime | None = None) -> Watched:
    """Everything in order through one engine; at each cut a copy of it is left alone in silence. `until`: time goes on so long."""
    engine = installed(recording, ruleset)
    facts: list[Fact] = []
    found: list[Found] = []
    waiting = sorted(cuts)
    for number, told in enumerate(recording.told):
        while waiting and waiting[0] < told.at:
            cut = waiting.pop(0)
            facts += _attended(engine, engine.advance(cut), cut)
            found.append(Found(cut, _noticed(engine, ruleset, cut)))
        facts += _attended(engine, engine.handle(said(told, number), told.at), told.at)
    if until is not None:
        facts += engine.advance(until)
    return Watched(recording, tuple(_alarms(facts)), tuple(found))


def installed(recording: Recording, ruleset: Ruleset) -> Engine:
    engine = Engine(ruleset)
    begins = recording.begins
    commands: list[Command] = [
        RegisterArea(Area(AREA, "recorded")),
        RegisterHome(Home(HOME, AREA, recording.name)),
        *(RegisterDevice(Device(DeviceId(s.id), HOME, ModelId(""), room=s.room, exposes=s.exposes)) for s in recording.sensors),
    ]
    for command in commands:
        engine.handle(Asked(command, PERSON), begins)
    return engine


def said(told: Utterance, number: int) -> Said:
    report = Report(ReportId(f"r{number}"), told.at, told.at, (Observation(told.property, told.value),))
    return Said(Heard(AREA, HOME, DeviceId(told.sensor), report), "", b"")


def _noticed(engine: Engine, ruleset: Ruleset, cut: datetime) -> timedelta | None:
    """Zero where an alert of this quiet stands already."""
    if any(alert.category is Category.INACTIVITY and alert.open and alert.cleared_at is None for alert in engine.alerts.values()):
        return timedelta(0)
    alone = Engine(ruleset)
    for key in engine.keys():  # noqa: SIM118 - an engine is no mapping
        alone.restore(key, engine.snapshot(key))
    facts = alone.handle(ServiceStarted(None), cut) + alone.advance(cut + PATIENCE)
    return next((alarm.at - cut for alarm in _alarms(facts) if alarm.category is Category.INACTIVITY), None)


def _attended(engine: Engine, facts: list[Fact], now: datetime) -> list[Fact]:
    """Somebody closes what has cleared, so that the next quiet is an alert of its own."""
    for fact in facts:
        if isinstance(fact, AlertCleared) and engine.alerts[fact.alert].open:
            engine.handle(Asked(Close(fact.alert, "false_person", "recorded life"), PERSON), now)
    return facts


def _alarms(facts: list[Fact]) -> Iterator[Alarm]:
    for fact in facts:
        if isinstance(fact, AlertRaised):
            yield Alarm(fact.at, fact.category, fact.rule, fact.reason)
