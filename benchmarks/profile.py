"""Where each microsecond of a report goes in the alarm process: its own samples, under the load of the throughput benchmark.

Of the main thread every sampled moment is charged to the stage of the innermost module of ours that was at work, C functions called by it
included; the other threads are told by the kernel. So the stages add up to the CPU time of the process, which is the figure
measured from outside.
"""

import json
import os
import signal
from collections import defaultdict
from pathlib import Path
from time import monotonic, sleep

import msgspec

from benchmarks import machine, subjects
from benchmarks.driven import ROOT, Driven
from benchmarks.load import Change
from benchmarks.throughput import Effort

Stack = list[tuple[str, str, int]]

_MQTT = "devices/mqtt/"
STAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("read packets", tuple(f"{_MQTT}{name}.py" for name in ("reader", "packets", "publish", "body", "bodies", "properties", "table"))),
    ("rights", (f"{_MQTT}rights.py", f"{_MQTT}filters.py", "devices/credential.py")),
    ("the connection's states", (_MQTT,)),
    ("the endpoint: counting, answers, writing", ("gateway/mqtt/",)),
    ("decode", ("devices/",)),
    ("sort and queue", ("gateway/reading.py", "gateway/inbox.py")),
    ("snapshots", ("gateway/store/snapshots.py", "gateway/recovery.py", "alerting/snapshots.py")),
    ("judge", ("alerting/", "gateway/mending.py")),
    ("encode for the disk", ("gateway/store/entry.py",)),
    ("tell the followers", ("gateway/control.py", "gateway/control_server.py", "gateway/alarm.py")),
    ("the loop's turns, the clock", ("gateway/loop.py", "gateway/clock.py")),
    ("threads, futures, tasks", ("concurrent/", "asyncio/", "threading.py", "queue.py")),
)
"""The first that fits the innermost module of ours."""


class Profile(msgspec.Struct, frozen=True):
    """Microseconds a report. `threads`: from the kernel; `stages`: of the main thread; `places`: its dearest lines of ours."""

    rate: float
    seconds: float
    reports: int
    total_us: float
    threads: dict[str, float]
    stages: dict[str, float]
    places: list[tuple[str, float]]


def measure(folder: Path, effort: Effort, *, window: int = 20, rate: float = 0.0, half: str = "alarm") -> Profile:
    samples = folder / f"anju-samples-{os.getpid()}.json"
    sampling = f"{ROOT / 'benchmarks' / 'sampling'}{os.pathsep}{ROOT}"
    environment = {"ANJU_SAMPLED": half, "ANJU_SAMPLES": str(samples), "PYTHONPATH": sampling}
    with subjects.listener(effort.homes, folder, environment) as subject:
        spec = msgspec.structs.replace(subject.spec(effort.homes), connections=effort.connections, window=window)
        pid = subject.processes[half]
        with Driven(spec) as load:
            sleep(effort.warm_up_s)
            load.change(Change(rate=rate))
            sleep(effort.warm_up_s)
            first = load.next()
            began, threads, cpu = monotonic(), machine.thread_seconds(pid), machine.cpu_seconds(pid)
            os.kill(pid, signal.SIGUSR1)
            sleep(effort.sustained_s)
            last = load.next()
            took, threads_after, cpu_after = monotonic() - began, machine.thread_seconds(pid), machine.cpu_seconds(pid)
            os.kill(pid, signal.SIGUSR2)
            load.stop()
        found = _read(samples)
    count = last.acknowledged - first.acknowledged
    per_thread = {name: (seconds - threads.get(name, 0.0)) / count * 1e6 for name, seconds in threads_after.items()}
    return Profile(
        count / took, took, count, (cpu_after - cpu) / count * 1e6, dict(_dearest(per_thread)),
        *_charged(found, per_thread["main"]),
    )  # fmt: skip


def _read(path: Path) -> list[tuple[Stack, float]]:
    end = monotonic() + 10
    while not path.exists() and monotonic() < end:
        sleep(0.02)
    samples: list[tuple[Stack, float]] = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    return samples


def _charged(samples: list[tuple[Stack, float]], main_us: float) -> tuple[dict[str, float], list[tuple[str, float]]]:
    """Stages and places, as shares of the main thread's microseconds."""
    total = sum(seconds for _, seconds in samples)
    stages: defaultdict[str, float] = defaultdict(float)
    places: defaultdict[str, float] = defaultdict(float)
    for stack, seconds in samples:
        stage, place = _stage(stack)
        stages[stage] += seconds / total * main_us
        places[place] += seconds / total * main_us
    return dict(_dearest(stages)), _dearest(places)[:25]


def _dearest(charged: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(charged.items(), key=lambda pair: -pair[1])


def _stage(stack: Stack) -> tuple[str, str]:
    """Of the innermost frame that belongs to a stage; and that frame as `file:function:line`."""
    for file, function, line in stack:
        if not function:  # the sampler's own names, for what is no place in a file
            return file, file
        short = file.removeprefix(f"{ROOT}/")
        for stage, parts in STAGES:
            if any(part in short for part in parts):
                where = short if not short.startswith("/") else "/".join(Path(short).parts[-2:])
                return stage, f"{where}:{function}:{line}"
    return "other", "/".join([*Path(stack[0][0]).parts[-2:], stack[0][1]])
