"""Anju fed from mosquitto by its broker client: `serve` with that as the only way in, and the demonstration's homes."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from benchmarks import reports
from benchmarks.asking import ask
from benchmarks.load import Spec
from benchmarks.mosquitto import Mosquitto, mosquitto
from benchmarks.subjects import Listener, settled, started
from config.community import community
from gateway.demo import commands
from gateway.judging import load_models
from gateway.settings import Settings
from tests.service import Anju, until

_FIRST = re.compile(r"first log-in: (\S+) / (\S+)")


class Served(Anju):
    """`serve` with an outside broker and no endpoint of its own; its one user is the administrator of the first start."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        super().__init__(folder / "data")
        config = folder / "anju.toml"
        config.write_text(
            f'data = "data"\n[http]\nport = {self.http_port}\n[mqtt]\nplain = false\n[broker]\nurl = "mqtt://127.0.0.1:{broker.port}"\n',
            encoding="utf-8",
        )
        self.words = (self.words[0], "-m", "gateway", "serve", "--config", str(config))

    def wait_ready(self, seconds: float = 30.0) -> None:
        said = until("ready", lambda: "ready: " in (text := self.log.read_text(encoding="utf-8")) and text, seconds)
        first = _FIRST.search(str(said))
        assert first is not None, said
        operator = {"username": first[1], "password": first[2]}
        answer = httpx.post(f"http://127.0.0.1:{self.http_port}/api/v1/session", json=operator, trust_env=False, timeout=30)
        self.endpoints = {"operator": operator, "token": answer.json()["token"]}


class BehindMosquitto(Listener):
    name = "Anju behind mosquitto"
    behind_broker = True

    def __init__(self, anju: Anju, broker: Mosquitto) -> None:
        super().__init__(anju)
        self.processes["mosquitto"] = broker.pid
        self._broker = broker

    def spec(self, homes: int) -> Spec:
        return Spec("127.0.0.1", self._broker.port, homes=homes)

    def kept(self, letter: str) -> int:
        settled(self.arrived)
        return super().kept(letter)


@contextmanager
def behind_mosquitto(homes: int, folder: Path) -> Iterator[BehindMosquitto]:
    with TemporaryDirectory(prefix="anju-", dir=folder) as place:
        home = Path(place)
        (home / "broker").mkdir()
        home.chmod(0o755)
        with mosquitto(home / "broker") as broker, started(Served(home, broker)) as anju:
            subject = BehindMosquitto(anju, broker)
            for group in commands(community(homes, reports.SEED), load_models(Settings())):
                ask(anju.data, group)
            yield subject
