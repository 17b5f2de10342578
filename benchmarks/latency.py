"""From a call's PUBLISH to the alarm on the stream: one process sends the call and reads the stream, and looks at one clock.

Calls come at a steady pace from homes in turn, each of which has no open alert: every call raises a new one. When every home has called
once they are closed, outside the timing, and it begins again. Beside each scenario stands the disk's own pace at about as many
commits a second, measured before and after it, under the same hindrance.
"""

import gc
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, monotonic_ns, sleep, time
from typing import Protocol

import msgspec

from benchmarks import beside, reports
from benchmarks.disk import Synced, fdatasync_loop
from benchmarks.driven import Driven
from benchmarks.listening import Alarms
from benchmarks.load import Told
from benchmarks.statistics import Spread, spread
from benchmarks.subjects import Listener, Subject, settled

LOST_AFTER_S = 10.0
FASTEST_DISK = 1000.0
"""Syncs a second that the bare loop is asked for at most: the group commit does not sync each report either."""


class Calling(Subject, Protocol):
    """A subject whose alarms can be heard."""

    def alarms(self) -> Alarms: ...

    def close_alarms(self, ids: list[str]) -> None:
        """Everything is dealt with: the next call of any home is a new alarm. Returns when that is done."""


class Scenario(msgspec.Struct, frozen=True):
    """`rate`: reports a second meanwhile. `hindrance`: `core`, `disk`, `office` (Anju's alone) or none."""

    name: str
    rate: float = 0.0
    hindrance: str = ""
    calmly: bool = False
    """A tenth of the calls a second, a fifth of them in all: to 200 consoles a hundred alarms a second are twenty thousand writes."""


class Effort(msgspec.Struct, frozen=True):
    alarms: int
    a_second: float
    homes: int
    connections: int
    disk_s: float
    settle_s: float


FULL = Effort(10_000, 100.0, 1000, 100, 3.0, 2.0)
QUICK = Effort(30, 30.0, 20, 10, 0.2, 0.2)


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds from PUBLISH to the stream, of `count` calls; `lost` did not come within `LOST_AFTER_S`."""

    subject: str
    scenario: str
    background: float
    """Reports a second that were acknowledged meanwhile."""
    count: int
    lost: int
    ms: Spread
    disk_before: Synced
    disk_after: Synced
    held_back: int = 0


def measure(subject: Calling, scenario: Scenario, effort: Effort, folder: Path, letter: str) -> Latency:
    """`letter` marks the background's reports, and must not have been used on this subject before."""
    if scenario.calmly:
        effort = msgspec.structs.replace(effort, alarms=max(effort.alarms // 5, 1), a_second=effort.a_second / 10)
    pace = min(scenario.rate, FASTEST_DISK) + effort.a_second
    with hindered(subject, scenario.hindrance, folder):
        before = fdatasync_loop(folder, f"before {scenario.name}", seconds=effort.disk_s, rate=pace)
        with _background(subject, scenario.rate, effort, letter) as load:
            first = load.next() if load else None
            took, lost = call(subject, effort, f"{letter}{scenario.name}")
            last = load.next() if load else None
        after = fdatasync_loop(folder, f"after {scenario.name}", seconds=effort.disk_s, rate=pace)
    if not took:
        raise RuntimeError(f"{subject.name}, {scenario.name}: not one of {lost} calls came to the stream")
    return Latency(
        subject.name, scenario.name, _rate(first, last), len(took), lost, spread(took), before, after,
        last.held_back if last else 0,
    )  # fmt: skip


@contextmanager
def hindered(subject: Calling, hindrance: str, folder: Path) -> Iterator[None]:
    match hindrance:
        case "core":
            with beside.core():
                yield
        case "disk":
            with beside.disk(folder):
                yield
        case "office":
            assert isinstance(subject, Listener)
            with subject.busy():
                yield
        case _:
            yield


@contextmanager
def _background(subject: Subject, rate: float, effort: Effort, letter: str) -> Iterator[Driven | None]:
    """It ends when all of it is through."""
    if not rate:
        yield None
        return
    with Driven(msgspec.structs.replace(subject.spec(effort.homes), rate=rate, letter=letter, connections=effort.connections)) as load:
        sleep(effort.settle_s)
        yield load
        load.stop()
        settled(subject.arrived)


def _rate(first: Told | None, last: Told | None) -> float:
    return 0.0 if first is None or last is None else (last.acknowledged - first.acknowledged) / (last.at - first.at)


def call(subject: Calling, effort: Effort, name: str) -> tuple[list[float], int]:
    """Milliseconds of each call, and how many never came."""
    spec = subject.spec(effort.homes)
    took: list[float] = []
    lost = 0
    stream = subject.alarms()
    with socket.create_connection((spec.host, spec.port)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.sendall(reports.connect(f"calls-{name}"[:60], spec.username, spec.password))
        line.recv(4)
        gc.disable()  # the measuring process's own pauses are not the subject's
        try:
            calls = reports.calls(effort.homes)
            first = int(time() * 1000) * 10_000  # a number that no call before had: a repeated id is the same report
            for begin in range(0, effort.alarms, len(calls)):
                round_ = _Round(stream, line, calls[: effort.alarms - begin], first + begin)
                round_.run(effort.a_second)
                took += round_.took
                lost += len(round_.waiting)
                subject.close_alarms(round_.ids)
                sleep(effort.settle_s / 2)
                round_.drain()
        finally:
            gc.enable()
            stream.close()
    return took, lost


class _Round:
    """One call of each home."""

    def __init__(self, stream: Alarms, line: socket.socket, calls: list[reports.Source], first: int) -> None:
        self.took: list[float] = []
        self.waiting: dict[str, int] = {}
        """Home -> when it called."""
        self.ids: list[str] = []
        self._stream = stream
        self._line = line
        self._calls = calls
        self._first = first
        self._poll = select.poll()
        self._poll.register(stream, select.POLLIN)
        self._poll.register(line, select.POLLIN)

    def run(self, a_second: float) -> None:
        began = monotonic()
        for number, source in enumerate(self._calls):
            due = began + number / a_second
            while (left := due - monotonic()) > 0:
                self._listen(left)
            packet = source.packet % ((number % 60_000 + 1).to_bytes(2, "big"), self._first + number, reports.moment(time()), 60)
            self.waiting[source.home] = monotonic_ns()
            self._line.sendall(packet)
        end = monotonic() + LOST_AFTER_S
        while self.waiting and monotonic() < end:
            self._listen(0.1)

    def drain(self) -> None:
        """What the closing brought."""
        while self._poll.poll(0):
            self._listen(0)

    def _listen(self, seconds: float) -> None:
        for number, _ in self._poll.poll(max(seconds * 1000, 0)):
            if number == self._line.fileno():
                if not self._line.recv(4096):
                    raise ConnectionError("the connection of the calls was closed")
                continue
            alarms = self._stream.read()
            now = monotonic_ns()
            for alarm in alarms:
                called = None if alarm.over else self.waiting.pop(alarm.home, None)
                if called is not None:
                    self.took.append((now - called) / 1e6)
                    self.ids.append(alarm.id)
