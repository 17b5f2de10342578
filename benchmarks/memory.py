"""Memory of the service by process: idle, after a load, and for each device more that is registered.

Devices are registered as any are, by commands that go through the journal: homes of six, each home with a credential of its own.
"""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import msgspec

from alerting.commands import Command, IssueCredential, RegisterDevice, RegisterHome
from benchmarks import machine, reports, subjects
from benchmarks.asking import ask
from devices.home import AreaId, Device, DeviceId, Home, HomeId, ModelId

DEVICES_TO_A_HOME = 6


class Footprint(msgspec.Struct, frozen=True):
    """`devices`: registered ones. `processes`: KiB of each."""

    subject: str
    state: str
    devices: int
    processes: dict[str, machine.Memory]

    @property
    def pss_kib(self) -> int:
        return sum(memory.pss_kib for memory in self.processes.values())


class Effort(msgspec.Struct, frozen=True):
    homes: tuple[int, ...]
    devices: tuple[int, ...]
    settle_s: float


FULL = Effort((20, 1000), (1000, 10_000, 100_000), 10.0)
QUICK = Effort((5,), (60, 120), 0.5)


def measure(folder: Path, effort: Effort) -> Iterator[Footprint]:
    for homes in effort.homes:
        with subjects.listener(homes, folder) as subject:
            yield footprint(subject, "idle, demonstration homes: " + str(homes), homes * 8, effort.settle_s)
    with subjects.listener(1, folder) as subject:
        registered = 0
        for devices in effort.devices:
            ask_all(subject, range(registered // DEVICES_TO_A_HOME, -(-devices // DEVICES_TO_A_HOME)))
            registered = -(-devices // DEVICES_TO_A_HOME) * DEVICES_TO_A_HOME
            yield footprint(subject, "idle, registered", registered, effort.settle_s)


def footprint(subject: subjects.Subject, state: str, devices: int, settle_s: float) -> Footprint:
    sleep(settle_s)
    return Footprint(subject.name, state, devices, {name: machine.memory(pid) for name, pid in subject.processes.items()})


def ask_all(subject: subjects.Listener, homes: range) -> None:
    """Registered, and known to both processes."""
    area = AreaId(reports.first_area())
    ask(subject.anju.data, [RegisterHome(Home(home_id(n), area, f"住户 {n}", address=f"{n} 号")) for n in homes])
    ask(subject.anju.data, [command for n in homes for command in inside(home_id(n), area)])
    end = monotonic() + 120
    last = subjects.journal_position(subject.anju.data)
    while subject.figure("anju_view_position") < last:
        if monotonic() > end:
            raise RuntimeError("the web process does not come to know the homes")
        sleep(0.2)


def home_id(number: int) -> HomeId:
    return HomeId(f"farm-{number:06}")


def inside(home: HomeId, area: AreaId) -> Iterator[Command]:
    for number in range(DEVICES_TO_A_HOME):
        yield RegisterDevice(Device(DeviceId(f"{home}-{number}"), home, ModelId("anju-motion-1"), "卧室", vendor="Anju reference"))
    yield IssueCredential(subjects.own_credential(home, area))

