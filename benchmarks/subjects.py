"""What is measured: Anju by its own endpoint, and a bare socket behind mosquitto as the limit.

Each subject starts what it needs, and says where reports go in and how many came out.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Protocol

import httpx

from alerting.commands import IssueCredential
from benchmarks import beside, machine, reports
from benchmarks.asking import ask, close_alerts
from benchmarks.driven import ROOT
from benchmarks.listening import ServerSent
from benchmarks.load import Spec
from benchmarks.mosquitto import Mosquitto, ended, mosquitto
from devices.credential import Credential, Scope, digest
from devices.home import AreaId, HomeId
from gateway.store.journal import Journal
from tests.service import Anju

CONSOLES = 200


class Subject(Protocol):
    """A running thing that takes reports. `processes`: those whose CPU time is told, the one that judges first."""

    name: str
    durable: bool
    """Whether each report is on disk before it counts."""
    behind_broker: bool
    """Its senders are answered by a broker: `arrived` alone says how far it is."""
    processes: dict[str, int]

    def spec(self, homes: int) -> Spec:
        """Where the load is to publish, and as whom."""

    def arrived(self) -> int:
        """Reports that are through to the end, so far; for those behind a broker cheap enough to ask ten times a second."""

    def kept(self, letter: str) -> int:
        """Distinct reports of the load with that letter, counted in what the subject has stored; after its end."""


class Listener:
    """Anju, as `./anju up` starts it, by its own endpoint."""

    name = "Anju, its own endpoint"
    durable = True
    behind_broker = False

    def __init__(self, anju: Anju) -> None:
        self.anju = anju
        self.processes = {half: anju.pid(half) for half in ("alarm", "web", "telemetry")}

    def spec(self, homes: int) -> Spec:
        device = self.anju.endpoints["device"]
        return Spec("127.0.0.1", self.anju.mqtt_port, device["username"], device["password"], homes=homes)

    def arrived(self) -> int:
        return journal_position(self.anju.data)

    def kept(self, letter: str) -> int:
        return reports_in_journal(self.anju.data, letter)

    def figure(self, name: str) -> float:
        """One of `/metrics`, without labels."""
        text = httpx.get(f"http://127.0.0.1:{self.anju.http_port}/metrics", trust_env=False, timeout=30).text
        return next(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(f"{name} "))

    def alarms(self) -> ServerSent:
        return ServerSent(self.anju.http_port, self.anju.endpoints["token"])

    def close_alarms(self, ids: list[str]) -> None:
        close_alerts(self.anju.data, ids)

    @contextmanager
    def watched(self, consoles: int) -> Iterator[None]:
        """By so many consoles."""
        with beside.consoles(self.anju.http_port, self.anju.endpoints["token"], consoles):
            yield

    @contextmanager
    def busy(self) -> Iterator[None]:
        """With 200 consoles and an office at work."""
        user, area = self.anju.endpoints["operator"], reports.first_area()
        with self.watched(CONSOLES), beside.office(
            self.anju.http_port, self.anju.endpoints["token"], user["username"], user["password"], area,
        ):
            yield


@contextmanager
def listener(homes: int, folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Listener]:
    """Anju with so many demonstration homes that stay still; its data, in a new folder in `folder`, are removed afterwards."""
    with TemporaryDirectory(prefix="anju-", dir=folder) as place, started(demonstration(Path(place) / "data", homes, environment)) as anju:
        yield Listener(anju)


def demonstration(data: Path, homes: int, environment: Mapping[str, str] | None = None) -> Anju:
    """Not started yet."""
    prefix = ("env", *(f"{name}={value}" for name, value in (environment or {}).items()))
    return Anju(data, homes=homes, words=("--no-simulator", "--seed", str(reports.SEED)), prefix=prefix)


@contextmanager
def started(anju: Anju, seconds: float = 120.0) -> Iterator[Anju]:
    anju.start(seconds)
    try:
        yield anju
    finally:
        anju.stop(60)


class EachHome(Listener):
    """The same, as kits connect to it: each home by itself, with rights for itself alone."""

    name = "Anju, a connection for each home"

    def spec(self, homes: int) -> Spec:
        return Spec("127.0.0.1", self.anju.mqtt_port, homes=homes, by_home=True)


@contextmanager
def each_home(homes: int, folder: Path) -> Iterator[EachHome]:
    with listener(homes, folder) as subject:
        ask(subject.anju.data, [IssueCredential(own_credential(HomeId(home.id), AreaId(home.area))) for home in reports.homes(homes)])
        yield EachHome(subject.anju)


def own_credential(home: HomeId, area: AreaId) -> Credential:
    """A hub's, whose password is its home's id."""
    salt = home.encode()
    return Credential(home, salt, digest(salt, home.encode()), Scope.HOME, area, home)


class BareSocket:
    """mosquitto, and behind it a process that takes every message and looks at none."""

    name = "mosquitto to a bare socket"
    durable = False
    behind_broker = True

    def __init__(self, broker: Mosquitto, bare: "subprocess.Popen[bytes]") -> None:
        self.processes = {"socket": bare.pid, "mosquitto": broker.pid}
        self._broker = broker
        self._bare = bare

    def spec(self, homes: int) -> Spec:
        return Spec("127.0.0.1", self._broker.port, homes=homes)

    def arrived(self) -> int:
        assert self._bare.stdin is not None
        assert self._bare.stdout is not None
        self._bare.stdin.write(b"\n")
        self._bare.stdin.flush()
        return int(self._bare.stdout.readline())

    def kept(self, letter: str) -> int:  # noqa: ARG002 - it had nothing else
        return settled(self.arrived)


@contextmanager
def bare_socket(folder: Path) -> Iterator[BareSocket]:
    with TemporaryDirectory(prefix="anju-", dir=folder) as place, mosquitto(Path(place)) as broker:
        words = [sys.executable, "-m", "benchmarks.bare", str(broker.port), "anju/v1/#"]
        with ended(subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)) as process:
            subject = BareSocket(broker, process)
            subject.arrived()
            yield subject


def settled(count: Callable[[], int], seconds: float = 60.0) -> int:
    """What a count comes to: when it has not grown for a second."""
    before, end = -1, monotonic() + seconds
    while (now := count()) != before and monotonic() < end:
        before = now
        sleep(1.0)
    return now


def journal_position(data: Path) -> int:
    last = Journal.reader(data).last
    return last.last_seq if last else 0


def reports_in_journal(data: Path, letter: str) -> int:
    """Counted by a process of its own: decoding a million of them leaves a gigabyte behind."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.count", str(data), reports.prefix(letter)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(done.stdout)


def cpu_of(subject: Subject) -> dict[str, float]:
    return {name: machine.cpu_seconds(pid) for name, pid in subject.processes.items()}
