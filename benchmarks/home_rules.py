"""Homes with their rules in memory: what a report costs the engine and what a home weighs, with a thousand and a hundred thousand.

The engine alone, in a process of its own for each number of homes, with the rules that Anju comes with. Every home has five devices, and
lived through a day of a few hours' steps, so that each rule that can care of it holds what it holds of a home, its area was dark and is
back; then come reports of homes by chance. However many homes there are, each speaks every twenty seconds, about ten times a pass: so as
much falls due of each in the time that is measured, and it is the same work done for more homes. Of the best of several passes, as other
programs on the machine only ever add.
"""

import gc
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from random import Random
from time import process_time

import msgspec

from alerting.commands import Asked, Command, RegisterArea, RegisterDevice, RegisterHome
from alerting.engine import Engine
from alerting.home_rules import HomeRule
from alerting.items import Said, ServiceStarted
from alerting.rules import Ruleset
from alerting.snapshots import home_key
from alerting.terms import Actor
from benchmarks import machine
from benchmarks.detection.lives import FIRST_DAY
from devices.home import Area, AreaId, Device, DeviceId, Home, HomeId, ModelId
from devices.message import Heard
from devices.observation import Observation, Property, Report, ReportId
from gateway.judging import load_ruleset
from gateway.settings import Settings

PERSON, DISTRICT = Actor("benchmark"), AreaId("990121001")
HOMES_OF_AN_AREA = 500
SPEAKS_EVERY = timedelta(seconds=20)
WATER_M3_AN_HOUR = 0.005
MODELS = ("anju-hub-1", "anju-watch-1", "anju-motion-1", "anju-door-1", "anju-meter-1")
HOURS = (0, 6, 12, 18)
AGAIN = FIRST_DAY + timedelta(hours=20)
"""From then on everything speaks as it should."""
HELD = 10_000
"""Reports that are made ahead of their time."""


class Judged(msgspec.Struct, frozen=True):
    """`bare_us`: without the rules that watch homes. `kib`: resident memory of a home, its devices and rules; `row_bytes`: its snapshot."""

    homes: int
    cpu_us: float
    bare_us: float
    kib: float
    row_bytes: float


class Effort(msgspec.Struct, frozen=True):
    """`reports`: of a home, in a pass, on the average."""

    homes: tuple[int, ...]
    reports: int
    passes: int


FULL = Effort((1000, 10_000, 100_000), 10, 3)
QUICK = Effort((5, 20), 6, 2)


def measure(effort: Effort) -> Iterator[Judged]:
    for homes in effort.homes:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as alone:
            yield alone.submit(_measured, homes, effort.reports, effort.passes).result()


def _measured(homes: int, reports: int, passes: int) -> Judged:
    ruleset = load_ruleset(Settings())
    watching = [rule for rule in ruleset.rules if isinstance(rule, HomeRule)]
    bare = msgspec.structs.replace(ruleset, rules=tuple(rule for rule in ruleset.rules if rule not in watching))
    gc.collect()
    before = machine.memory(os.getpid()).rss_kib
    engine = _peopled(ruleset, homes)
    gc.collect()
    kib = (machine.memory(os.getpid()).rss_kib - before) / homes
    gc.freeze()
    cpu_us = _cost(engine, homes, reports, passes)
    rows = [len(engine.snapshot(home_key(_home(number)))) for number in range(0, homes, max(1, homes // 100))]
    fewer = min(homes, 1000)
    bare_us = _cost(_peopled(bare, fewer), fewer, reports, passes)
    return Judged(homes, cpu_us, bare_us, kib, sum(rows) / len(rows))


def _peopled(ruleset: Ruleset, homes: int) -> Engine:
    """All registered, each with a day behind it."""
    engine = Engine(ruleset)
    engine.handle(ServiceStarted(None), FIRST_DAY)
    for command in _registration(homes):
        engine.handle(Asked(command, PERSON), FIRST_DAY)
    for hour in HOURS:
        _all_speak(engine, homes, FIRST_DAY + timedelta(hours=hour), timedelta(hours=1), hour * len(MODELS))
    _all_speak(engine, homes, AGAIN - SPEAKS_EVERY, SPEAKS_EVERY, 0)
    return engine


def _all_speak(engine: Engine, homes: int, begins: datetime, within: timedelta, number: int) -> None:
    for home in range(homes):
        at = begins + within * home / homes
        for device in range(len(MODELS)):
            engine.handle(_said(home, device, number + device, at), at)


def _cost(engine: Engine, homes: int, reports: int, passes: int) -> float:
    """Microseconds of CPU a report, of the best pass."""
    best, at = float("inf"), AGAIN
    chance, number = Random(homes), 1000
    apart = SPEAKS_EVERY / homes
    for _ in range(passes):
        took, left = 0.0, reports * homes
        while left:
            said = []
            for _ in range(min(left, HELD)):
                at += apart
                number += 1
                said.append((_said(chance.randrange(homes), chance.randrange(len(MODELS)), number, at), at))
            left -= len(said)
            began = process_time()
            for one, moment in said:
                engine.handle(one, moment)
            took += process_time() - began
        best = min(best, took)
    return best / (reports * homes) * 1e6


def _registration(homes: int) -> Iterator[Command]:
    yield RegisterArea(Area(DISTRICT, "云栖街道"))
    for number in range(homes):
        home, area = _home(number), _area(number)
        if number % HOMES_OF_AN_AREA == 0:
            yield RegisterArea(Area(area, f"社区 {area[-3:]}", DISTRICT))
        yield RegisterHome(Home(home, area, f"住户 {number}"))
        for model in MODELS:
            yield RegisterDevice(Device(DeviceId(f"{home}-{model}"), home, ModelId(model), "客厅"))


def _home(number: int) -> HomeId:
    return HomeId(f"farm-{number:06}")


def _area(number: int) -> AreaId:
    return AreaId(f"{DISTRICT}{number // HOMES_OF_AN_AREA + 1:03}")


def _said(home: int, device: int, number: int, at: datetime) -> Said:
    """An everyday reading, another one each time."""
    hours = (at - FIRST_DAY) / timedelta(hours=1)
    values: tuple[tuple[Property, bool | float], ...] = (
        ((Property.RSSI, -60 - number % 9),),
        ((Property.HEART_RATE, 62 + number % 20), (Property.SPO2, 97), (Property.BODY_TEMPERATURE, 36.6), (Property.SYSTOLIC, 128)),
        ((Property.OCCUPANCY, number % 2 == 0),),
        ((Property.CONTACT_OPEN, number % 2 == 1),),
        ((Property.WATER_USED, 100 + round(hours * WATER_M3_AN_HOUR, 4)),),
    )[device]
    name = _home(home)
    report = Report(ReportId(f"{number}-{device}"), at, at, tuple(Observation(property_, value) for property_, value in values))
    return Said(Heard(_area(home), name, DeviceId(f"{name}-{MODELS[device]}"), report), "", b"")
