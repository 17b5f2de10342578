"""The benchmarks by name: what each measures, on which subjects, in which order, into which list of the results."""

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from benchmarks import connections, consoles, floor, home_rules, latency, memory, node_red, profile, recovery, subjects, throughput
from benchmarks.behind_mosquitto import behind_mosquitto
from benchmarks.disk import fdatasync_loop
from benchmarks.latency import Calling, Scenario
from benchmarks.results import Results
from benchmarks.subjects import Subject

Start = Callable[[int, Path], AbstractContextManager[Calling]]


class Plan(msgspec.Struct, frozen=True):
    """What was asked for, whichever benchmark it is."""

    folder: Path
    quick: bool = False
    peer: bool = False
    calls: int = 0
    """Of each scenario of the latency; 0: as many as belong to it."""

    @property
    def callable_subjects(self) -> list[Start]:
        peer: list[Start] = [node_red.node_red] if self.peer else []
        return [subjects.listener, behind_mosquitto, *peer]


def measure_throughput(plan: Plan, found: Results) -> None:
    """Each subject alone, one after the other, the limits first; the disk before and after."""
    effort = throughput.QUICK if plan.quick else throughput.FULL
    disk(plan, found, "before the reports")
    found.floors.append(floor.measure(2 if plan.quick else 30))
    with subjects.bare_socket(plan.folder) as limit:
        _sustained(limit, effort, found)
    with subjects.each_home(effort.homes, plan.folder) as own:
        _sustained(own, effort, found)
    for start in plan.callable_subjects:
        with start(effort.homes, plan.folder) as subject:
            _footprint(subject, "idle", effort, found)
            _sustained(subject, effort, found)
            _footprint(subject, "after the load", effort, found)
    disk(plan, found, "after the reports")


def _sustained(subject: Subject, effort: throughput.Effort, found: Results) -> None:
    figures, checked = throughput.measure(subject, effort)
    found.sustained += figures
    found.checked.append(checked)


def _footprint(subject: Subject, state: str, effort: throughput.Effort, found: Results) -> None:
    found.footprints.append(memory.footprint(subject, f"{effort.homes:,} homes, {state}", effort.homes * 8, effort.warm_up_s))


def measure_latency(plan: Plan, found: Results) -> None:
    """Idle, at 2,000 a second, at half of what the subject just sustained; Anju's endpoint beside hindrances too."""
    effort = latency.QUICK if plan.quick else latency.FULL
    if plan.calls:
        effort = msgspec.structs.replace(effort, alarms=plan.calls)
    for start in plan.callable_subjects:
        with start(effort.homes, plan.folder) as subject:
            half = throughput.most(subject, 0.5 if plan.quick else 5.0, effort.homes, effort.connections) / 2
            for number, scenario in enumerate(scenarios(half, own=isinstance(subject, subjects.Listener) and not subject.behind_broker)):
                found.latency.append(latency.measure(subject, scenario, effort, plan.folder, "BCDEFGHI"[number]))


def scenarios(half: float, *, own: bool) -> Iterator[Scenario]:
    """`own`: of Anju's endpoint, which is also hindered."""
    yield Scenario("idle")
    yield Scenario("2,000/s", throughput.STEADY)
    yield Scenario("half of the maximum", half)
    if own:
        yield Scenario("2,000/s, a core hogged", throughput.STEADY, "core")
        yield Scenario("2,000/s, the disk hogged", throughput.STEADY, "disk")
        yield Scenario("2,000/s, calls ten a second", throughput.STEADY, calmly=True)
        yield Scenario("2,000/s, calls ten a second, 200 consoles and an office at work", throughput.STEADY, "office", calmly=True)


def measure_memory(plan: Plan, found: Results) -> None:
    found.footprints += memory.measure(plan.folder, memory.QUICK if plan.quick else memory.FULL)


def measure_recovery(plan: Plan, found: Results) -> None:
    found.recoveries += recovery.measure(plan.folder, recovery.QUICK if plan.quick else recovery.FULL)


def measure_connections(plan: Plan, found: Results) -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for way in connections.WAYS:
        with subjects.listener(1, plan.folder) as subject:
            found.weights += connections.weigh(subject, way, (10,) if plan.quick else connections.COUNTS)


def measure_consoles(plan: Plan, found: Results) -> None:
    found.watched += consoles.measure(plan.folder, consoles.QUICK if plan.quick else consoles.FULL)


def measure_homes(plan: Plan, found: Results) -> None:
    found.homes += home_rules.measure(home_rules.QUICK if plan.quick else home_rules.FULL)


def measure_profile(plan: Plan, found: Results) -> None:
    effort = throughput.QUICK if plan.quick else throughput.FULL
    for rate in (0.0, throughput.STEADY):
        found.profiles.append(profile.measure(plan.folder, effort, rate=rate))


def disk(plan: Plan, found: Results, when: str) -> None:
    found.disk.append(fdatasync_loop(plan.folder, when, seconds=0.2 if plan.quick else 5.0))


BENCHMARKS: dict[str, Callable[[Plan, Results], None]] = {
    "throughput": measure_throughput,
    "latency": measure_latency,
    "memory": measure_memory,
    "connections": measure_connections,
    "consoles": measure_consoles,
    "recovery": measure_recovery,
    "homes": measure_homes,
    "profile": measure_profile,
}
