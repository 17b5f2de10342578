"""For the simulator's tests: a real mosquitto that can be killed and started anew, demo homes, and a platform of a few lines."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from simulator.home import VirtualHome, virtual_homes
from simulator.link import Broker
from simulator.registry import demo_homes
from simulator.world import Emission, World
from tests.patience import PATIENCE_S

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def program(name: str) -> str:
    found = shutil.which(name, path=PATH)
    assert found is not None, f"{name} is not installed; on Debian: apt install mosquitto mosquitto-clients"
    return found


class Mosquitto:
    """A broker of its own on a free port. `kill` takes its sessions with it, as a crash of a broker without a disk does."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 20000\n")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def broker(self) -> Broker:
        return Broker("127.0.0.1", self.port)

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [program("mosquitto"), "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("mosquitto does not listen")

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(PATIENCE_S)
            self._process = None


@contextmanager
def mosquitto(folder: Path) -> Iterator[Mosquitto]:
    one = Mosquitto(folder)
    one.start()
    try:
        yield one
    finally:
        one.kill()


def demo(number: int, *, seed: int = 1, local_s: float = 10 * 3600, zigbee: bool = False) -> tuple[VirtualHome, ...]:
    return virtual_homes(demo_homes(number, seed), seed=seed, local_s=local_s, all_zigbee=zigbee)


def lived(world: World, until: float) -> list[tuple[float, Emission]]:
    return list(world.run(until))


async def until(true: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """Polls with a deadline."""
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, f"not within {within_s} s"
        await asyncio.sleep(0.01)


class Heard(msgspec.Struct, frozen=True):
    """One message as a platform got it."""

    area: str
    home: str
    device: str
    channel: str
    id: str
    values: dict[str, bool | int | float]


def heard(topic: str, payload: bytes) -> Heard | None:
    """None for what is no report."""
    levels = topic.split("/")
    if len(levels) != 6 or levels[5] not in ("report", "alarm"):
        return None
    said = json.loads(payload)
    return Heard(levels[2], levels[3], levels[4], levels[5], said["id"], said["values"])
