"""For the tests of the vendor's guide: its devices as processes of their own, and a pair of hands at them."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from config import load
from simulator.certification.authority import Authority
from simulator.certification.bench import Undone
from simulator.certification.catalogue import load as catalogue
from simulator.certification.endpoint import Endpoint
from simulator.certification.features import Features
from simulator.certification.player import examine_all
from simulator.certification.procedures import PROCEDURES
from simulator.certification.result import ClauseVerdict, Result
from simulator.certification.sayings import asked_for
from simulator.certification.stand import Stand
from simulator.virtual.pace import Pace
from simulator.virtual.speech import Identity
from simulator.virtual.stimulus import Deed, Sign, Stimulus
from simulator.wire import Address

ROOT = Path(__file__).resolve().parents[1]
VENDOR = ROOT / "examples" / "vendor"
NODE_MODULES = ROOT / ".venv" / "node" / "node_modules"
CLAUSES = catalogue(PROCEDURES)
WORDS = {
    "starter": (sys.executable, str(VENDOR / "starter.py")),
    "shell": ("bash", str(VENDOR / "button.sh")),
    "node": ("node", str(VENDOR / "button.mjs")),
    "found shell": ("bash", str(VENDOR / "found" / "loop.sh")),
    "found shell with id": ("bash", str(VENDOR / "found" / "loop_id.sh")),
    "found node": ("node", str(VENDOR / "found" / "node.mjs")),
    "found paho": (sys.executable, str(VENDOR / "found" / "paho_first.py")),
}


class Bought:
    """A device as its vendor's process. `powered(False)` is a loss of power: nothing is told to it, and what is not on its disk is gone."""

    def __init__(self, name: str, folder: Path, who: dict[str, str]) -> None:
        self.lamp: deque[str] = deque(maxlen=100)
        """What it has shown since the last press."""
        self.name, self.folder = name, folder
        self._environment = {**os.environ, **who, "FLASH": str(folder / "flash")}
        self._process: subprocess.Popen[str] | None = None

    def powered(self, on: bool) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process = None
        if on:
            words = list(WORDS[self.name])
            with (self.folder / "said.log").open("a") as log:
                self._process = subprocess.Popen(
                    self._placed(words), env=self._environment, cwd=self.folder, start_new_session=True, text=True,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                )  # fmt: skip
            threading.Thread(target=self._watch, args=(self._process,), daemon=True).start()

    def key(self, line: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self.lamp.clear()
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _placed(self, words: list[str]) -> list[str]:
        """Node looks for packages beside the program alone."""
        if words[0] == "node":
            modules, program = self.folder / "node_modules", self.folder / Path(words[1]).name
            if not modules.exists():
                assert NODE_MODULES.is_dir(), f"npm install --prefix {NODE_MODULES.parent} mqtt@5"
                modules.symlink_to(NODE_MODULES)
                program.write_bytes(Path(words[1]).read_bytes())
            return ["node", str(program)]
        return words

    def _watch(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                self.lamp.append(line.strip())
        except ValueError:
            return  # closed while it was read


class ProcessHands:
    """At such a device."""

    def __init__(self, device: Bought) -> None:
        self._device = device

    async def do(self, deed: Deed) -> None:
        match deed.stimulus:
            case Stimulus.PRESS:
                self._device.key("")
            case Stimulus.CANCEL:
                self._device.key("c")
            case Stimulus.POWER:
                await asyncio.to_thread(self._device.powered, bool(deed.amount))
            case _:
                raise Undone(asked_for(deed))

    async def look(self, sign: Sign) -> bool:
        return str(sign) in self._device.lamp

    async def begin_anew(self) -> None:
        """One life for all clauses, as at a vendor's bench."""


@asynccontextmanager
async def standing(name: str, folder: Path, features: Features, *, speed: float = 1.0, **more: str) -> AsyncIterator[tuple[Stand, Bought]]:
    """The device, switched on, and a bench with a free port that it connects to."""
    pace = Pace(speed)
    who = Identity(Address("330106", "bench"), "button", "bench-button", "a-password", features.connection.levels[0])
    authority = Authority(folder, "127.0.0.1", pace.now) if features.connection.tls else None
    bench = Stand(Endpoint(who), pace, authority)
    await bench.listen("127.0.0.1", 0)
    said = {
        "HOST": "127.0.0.1", "PORT": str(bench.port), "USERNAME": who.username, "PASSWORD": who.password,
        "TOPIC": f"anju/v1/330106/bench/{who.device}", **more,
    }  # fmt: skip
    if authority is not None:
        (folder / "ca.pem").write_text(authority.trust)
        said["CA"] = str(folder / "ca.pem")
    device = Bought(name, folder, said)
    device.powered(True)
    try:
        yield bench, device
    finally:
        device.powered(False)
        await bench.close()


def stated(file: str, **changed: object) -> Features:
    return msgspec.structs.replace(load(VENDOR / file, Features), **changed)


def examined(name: str, folder: Path, features: Features, *numbers: str, speed: float = 1.0, **more: str) -> Result:
    """The clauses, by the runner that `./anju certify --device` uses."""

    async def all_of_it() -> Result:
        async with standing(name, folder, features, speed=speed, **more) as (bench, device):
            return await examine_all(
                bench, ProcessHands(device), CLAUSES, PROCEDURES, features, level=features.connection.levels[0], only=frozenset(numbers),
            )  # fmt: skip

    return asyncio.run(all_of_it())



def examined_apart(
    name: str, folder: Path, features: Features, numbers: Iterable[str], *, speed: float = 1.0, **more: str,
) -> dict[str, ClauseVerdict]:  # fmt: skip
    """Each clause with a device and a bench of its own, all at the same time."""

    def one(number: str) -> ClauseVerdict:
        own = folder / number
        own.mkdir()
        result = examined(name, own, features, number, speed=speed, **more)
        return next(verdict for verdict in result.verdicts if verdict.number == number)

    apart = list(numbers)
    with ThreadPoolExecutor(len(apart)) as threads:
        return dict(zip(apart, threads.map(one, apart), strict=True))
