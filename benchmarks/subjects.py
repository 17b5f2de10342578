"""What is measured: Anju by its own endpoint. Each subject starts what it needs, and says where reports go in and how many came out."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from benchmarks import machine, reports
from benchmarks.load import Spec
from tests.service import Anju


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
        self.processes = {half: anju.pid(half) for half in ("alarm", "web")}

    def spec(self, homes: int) -> Spec:
        device = self.anju.endpoints["device"]
        return Spec("127.0.0.1", self.anju.mqtt_port, device["username"], device["password"], homes=homes)

    def arrived(self) -> int:
        return journal_position(self.anju.data)

    def kept(self, letter: str) -> int:
        return reports_in_journal(self.anju.data, letter)


@contextmanager
def listener(homes: int, folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Listener]:
    """Anju with so many demonstration homes that stay still; its data, in a new folder in `folder`, are removed afterwards."""
    with TemporaryDirectory(prefix="anju-", dir=folder) as place, started(Path(place) / "data", homes, environment or {}) as anju:
        yield Listener(anju)


@contextmanager
def started(data: Path, homes: int, environment: Mapping[str, str]) -> Iterator[Anju]:
    prefix = ("env", *(f"{name}={value}" for name, value in environment.items()))
    anju = Anju(data, homes=homes, words=("--no-simulator", "--seed", str(reports.SEED)), prefix=prefix)
    anju.start(seconds=120)
    try:
        yield anju
    finally:
        anju.stop(60)


def journal_position(data: Path) -> int:
    from gateway.store.journal import Journal  # noqa: PLC0415

    last = Journal.reader(data).last
    return last.last_seq if last else 0


def reports_in_journal(data: Path, letter: str) -> int:
    """Counted by a process of its own: decoding a million of them leaves a gigabyte behind."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.count", str(data), reports.prefix(letter)],
        cwd=Path(__file__).resolve().parents[1], capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(done.stdout)


def cpu_of(subject: Subject) -> dict[str, float]:
    return {name: machine.cpu_seconds(pid) for name, pid in subject.processes.items()}
