"""Consoles on the live stream: what each call costs the web process with 1, 50 and 200 of them, and when the last console has it.

Alarms are timed on the console that connected last. The calls come alone, without a background.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks import latency, machine, subjects
from benchmarks.statistics import Spread, spread


class Watched(msgspec.Struct, frozen=True):
    """`web_us`: CPU microseconds of the web process for each call, closing included; `ms`: from the call to the stream."""

    consoles: int
    calls: int
    web_us: float
    alarm_us: float
    ms: Spread


class Effort(msgspec.Struct, frozen=True):
    consoles: tuple[int, ...]
    calls: latency.Effort


FULL = Effort((1, 50, 200), latency.Effort(2000, 50.0, 1000, 100, 0.0, 2.0))
QUICK = Effort((1, 3), latency.Effort(20, 40.0, 20, 10, 0.0, 0.2))


def measure(folder: Path, effort: Effort) -> Iterator[Watched]:
    with subjects.listener(effort.calls.homes, folder) as subject:
        for count in effort.consoles:
            with subject.watched(count - 1):
                before = {name: machine.cpu_seconds(pid) for name, pid in subject.processes.items()}
                took, lost = latency.call(subject, effort.calls, f"{count}")
                cpu = {name: (machine.cpu_seconds(pid) - before[name]) / len(took) * 1e6 for name, pid in subject.processes.items()}
            if lost:
                raise RuntimeError(f"{lost} of {len(took) + lost} calls never came to the stream")
            yield Watched(count, len(took), cpu["web"], cpu["alarm"], spread(took))
