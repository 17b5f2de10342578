"""How long nobody hears after a crash: from `kill -9`, or from a start, until the endpoint welcomes a kit again.

Twice for each size of journal. A start on a journal for which there is no snapshot of any home, so that every entry is folded: the
worst there is. Then, after a load under which snapshots rolled as they always do, `kill -9` of the alarm process in the middle of it: the
ordinary crash, started again by the process that watches both.
"""

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

import msgspec

from benchmarks import reports, subjects
from benchmarks.driven import ROOT, Driven
from tests.service import Anju

PATIENCE_S = 1800.0
_RECOVERED = re.compile(r"recovered (\d+) entries to number (\d+) in ([\d.]+) s")


class Recovery(msgspec.Struct, frozen=True):
    """Seconds. `recovered_s` is the recovery alone, as the alarm process logs it; `ready_s` until the pages are as far as well."""

    how: str
    entries: int
    """In the journal."""
    folded: int
    recovered_s: float
    hears_s: float
    ready_s: float


class Effort(msgspec.Struct, frozen=True):
    entries: tuple[int, ...]
    homes: int
    load_s: float
    rate: float


FULL = Effort((1_000_000, 10_000_000), 1000, 30.0, 5000.0)
QUICK = Effort((5_000,), 20, 1.0, 1000.0)


def measure(folder: Path, effort: Effort) -> Iterator[Recovery]:
    for entries in effort.entries:
        with TemporaryDirectory(prefix="anju-", dir=folder) as place:
            anju = subjects.demonstration(Path(place) / "data", effort.homes)
            with subjects.started(anju):
                pass
            for snapshots in anju.data.glob("snapshots.db*"):
                snapshots.unlink()
            words = [sys.executable, "-m", "benchmarks.fill", str(anju.data), str(effort.homes), str(entries)]
            subprocess.run(words, cwd=ROOT, check=True)
            watch = _Watch(anju)
            with subjects.started(anju, PATIENCE_S):
                yield watch.told("a start without a snapshot", monotonic())
                yield _crash(anju, effort)


def _crash(anju: Anju, effort: Effort) -> Recovery:
    subject = subjects.Listener(anju)
    spec = msgspec.structs.replace(subject.spec(effort.homes), rate=effort.rate, connections=20)
    end, last = monotonic() + PATIENCE_S, subject.arrived()
    while subject.figure("anju_history_position") < last and monotonic() < end:  # the charts' history has all of that to read as well
        sleep(0.2)
    with Driven(spec):
        sleep(effort.load_s)
        before = anju.pid("alarm")
        anju.kill("alarm")
        watch = _Watch(anju)
    with anju.api() as client:
        while anju.pid("alarm") == before or client.get(f"http://127.0.0.1:{anju.http_port}/readyz").status_code != 200:
            sleep(0.02)
    return watch.told("`kill -9` under load", monotonic())


class _Watch:
    """From now on, until the endpoint welcomes the demonstration's kit."""

    def __init__(self, anju: Anju) -> None:
        self._anju = anju
        self._began = monotonic()
        self._heard = 0.0
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def told(self, how: str, ready: float) -> Recovery:
        self._thread.join(PATIENCE_S)
        folded, last, took = _RECOVERED.findall(self._anju.log.read_text(encoding="utf-8"))[-1]
        return Recovery(how, int(last), int(folded), float(took), self._heard - self._began, ready - self._began)

    def _look(self) -> None:
        greeting = reports.connect("recovery", "device", self._anju.endpoints["device"]["password"])
        while not self._heard and monotonic() - self._began < PATIENCE_S:
            try:
                with socket.create_connection(("127.0.0.1", self._anju.mqtt_port), 1) as line:
                    line.sendall(greeting)
                    if line.recv(4) == b"\x20\x02\x00\x00":
                        self._heard = monotonic()
            except OSError:
                sleep(0.01)
