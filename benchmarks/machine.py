"""The machine: what it is, and what its processes take of it, as Linux tells it in `/proc`."""

import os
import platform
from pathlib import Path
from time import clock_gettime

import msgspec

_SCHEDULED = 2
"""Of the clocks that a process has, CPUCLOCK_SCHED of <linux/posix-timers.h>; its number is made of the process id and this."""


class Machine(msgspec.Struct, frozen=True):
    cpu: str
    cores: int
    memory_gib: float
    kernel: str
    filesystem: str
    python: str


def machine(folder: Path) -> Machine:
    """`folder`: where the data of the measured services lies."""
    models = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = next(int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))
    cores = len(os.sched_getaffinity(0))
    return Machine(
        models[0] if models else platform.machine(), cores, round(memory / 2**20, 1), platform.release(), _filesystem(folder),
        platform.python_version(),
    )  # fmt: skip


def _filesystem(folder: Path) -> str:
    """Type and device of what the folder is mounted on."""
    best, found = "", "unknown"
    for line in _lines("/proc/mounts"):
        device, point, kind, *_ = line.split()
        if folder.resolve().is_relative_to(point) and len(point) >= len(best):
            best, found = point, f"{kind} on {device}"
    return found


def cpu_seconds(pid: int) -> float:
    """What all threads have run, those that are gone included; to the nanosecond, not the ticks of `/proc`. ProcessLookupError."""
    try:
        return clock_gettime((~pid << 3) | _SCHEDULED)
    except OSError as problem:
        raise ProcessLookupError(problem.errno, f"there is no process {pid}") from problem


def thread_seconds(pid: int) -> dict[str, float]:
    """CPU time by thread: `main`, and the others together by the name that the kernel knows, which for Python's is `python`."""
    found: dict[str, float] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        name = "main" if task.name == str(pid) else (task / "comm").read_text(encoding="utf-8").strip()
        nanoseconds = int((task / "schedstat").read_text(encoding="ascii").split()[0])
        found[name] = found.get(name, 0.0) + nanoseconds / 1e9
    return found


class Memory(msgspec.Struct, frozen=True):
    """Of one process, in KiB: resident, and its share of it where pages are shared."""

    rss_kib: int
    pss_kib: int


def memory(pid: int) -> Memory:
    values = {line.split(":")[0]: int(line.split()[1]) for line in _lines(f"/proc/{pid}/smaps_rollup")[1:]}
    return Memory(values["Rss"], values["Pss"])


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
