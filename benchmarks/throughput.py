"""Reports a second sustained through to disk, and what each costs of the CPU: at the maximum, and at 2,000 a second.

The maximum is found by windows, not by overload: with more reports under way than the subject can use, each only waits longer. A short
probe of each window, then the best of them for `seconds`. What the load counted must be what the subject has stored.
"""

from time import monotonic, sleep

import msgspec

from benchmarks.driven import Driven
from benchmarks.load import Change, Told
from benchmarks.subjects import Subject, cpu_of, settled

WINDOWS = (5, 20, 50)
HOME_WINDOWS = (1, 2, 5)
"""Where each home has a connection of its own: a kit has little under way."""
STEADY = 2000.0
"""Reports a second of a large city, or of a small one in a storm."""
BACKLOG = 10_000
"""Reports that may wait in a broker: more than a subject takes between two looks, so it never waits for us."""
LOOK_S = 0.05
CATCH_UP_S = 30.0


class Effort(msgspec.Struct, frozen=True):
    """How long each part takes, in seconds."""

    warm_up_s: float
    probe_s: float
    sustained_s: float
    homes: int
    connections: int
    tell_s: float = 0.5
    """How often the load tells how far it is."""


FULL = Effort(5.0, 4.0, 20.0, 1000, 100)
QUICK = Effort(0.5, 0.5, 1.5, 50, 10, 0.1)


class Sustained(msgspec.Struct, frozen=True):
    """Over `seconds`. `cpu_us`: of each process, microseconds a report; `load_cpu` is the share of a core that the load took."""

    subject: str
    asked_rate: float
    """0: the maximum."""
    window: int
    seconds: float
    reports: int
    rate: float
    cpu_us: dict[str, float]
    load_cpu: float
    held_back: int
    payload_bytes: float


class Checked(msgspec.Struct, frozen=True):
    """Of one load, from its first report to its last: sent and acknowledged by its count, stored by the subject's."""

    subject: str
    sent: int
    acknowledged: int
    stored: int

    @property
    def whole(self) -> bool:
        return self.sent == self.acknowledged == self.stored


class _Mark(msgspec.Struct, frozen=True):
    at: float
    count: int
    cpu: dict[str, float]
    told: Told


def measure(subject: Subject, effort: Effort, letter: str = "A", *, rate: float = STEADY) -> tuple[list[Sustained], Checked]:
    """At the maximum, then at `rate`; and whether every report was stored."""
    spec = subject.spec(effort.homes)
    windows = HOME_WINDOWS if spec.by_home else WINDOWS
    spec = msgspec.structs.replace(
        spec, letter=letter, connections=effort.connections, window=windows[0],
        tell_s=effort.tell_s, allow=BACKLOG if subject.behind_broker else None,
    )  # fmt: skip
    before = subject.arrived()
    with Driven(spec) as load:
        bench = _Bench(subject, load, before)
        bench.wait(effort.warm_up_s)
        probes = [bench.run(Change(window=window), effort.probe_s) for window in windows]
        best = max(probes, key=lambda probe: probe.rate)
        most = bench.run(Change(window=best.window), effort.sustained_s)
        load.change(Change(rate=rate, allow=1 << 60))
        bench.catch_up(min(2.0, effort.warm_up_s))
        steady = bench.run(Change(rate=rate), effort.sustained_s)
        told = load.stop()
    return [most, steady], Checked(subject.name, told.sent, told.acknowledged, subject.kept(letter))


def most(subject: Subject, seconds: float, homes: int, connections: int) -> float:
    """Reports a second, of a short probe with one window."""
    allow = BACKLOG if subject.behind_broker else None
    spec = msgspec.structs.replace(subject.spec(homes), letter="A", connections=connections, window=WINDOWS[1], allow=allow)
    with Driven(spec) as load:
        bench = _Bench(subject, load, subject.arrived())
        bench.wait(seconds)
        found = bench.run(Change(window=WINDOWS[1]), seconds)
        load.stop()
        settled(subject.arrived)
    return found.rate


class _Bench(msgspec.Struct, frozen=True):
    subject: Subject
    load: Driven
    before: int
    """What had arrived before the load began."""

    def run(self, change: Change, seconds: float) -> Sustained:
        self.load.change(change)
        self.load.next()
        first = self._mark()
        self.wait(seconds)
        last = self._mark()
        took, count = last.at - first.at, last.count - first.count
        return Sustained(
            self.subject.name,
            change.rate or 0.0,
            change.window or 0,
            took,
            count,
            count / took,
            {name: (last.cpu[name] - first.cpu[name]) / max(count, 1) * 1e6 for name in first.cpu},
            (last.told.cpu_s - first.told.cpu_s) / (last.told.at - first.told.at),
            last.told.held_back - first.told.held_back,
            last.told.mean_payload_bytes,
        )

    def wait(self, seconds: float) -> None:
        """Let time pass; behind a broker, allow the load as much more as has arrived."""
        end = monotonic() + seconds
        while (left := end - monotonic()) > 0:
            sleep(min(left, LOOK_S if self.subject.behind_broker else left))
            if self.subject.behind_broker:
                self.load.change(Change(allow=self.subject.arrived() - self.before + BACKLOG))

    def catch_up(self, seconds: float) -> None:
        """Until what waits in a broker is what it holds at this pace, and so long at least."""
        end, patience = monotonic() + seconds, monotonic() + CATCH_UP_S
        while monotonic() < end or (self.subject.behind_broker and monotonic() < patience and self._waiting() > STEADY / 2):
            self.wait(LOOK_S)

    def _waiting(self) -> int:
        assert self.load.latest is not None
        return self.load.latest.acknowledged - (self.subject.arrived() - self.before)

    def _mark(self) -> _Mark:
        """Taken the moment the load tells how far it is."""
        told = self.load.next()
        count = self.subject.arrived() - self.before if self.subject.behind_broker else told.acknowledged
        return _Mark(monotonic(), count, cpu_of(self.subject), told)
