"""Real time-series servers on free loopback ports with data of their own: Debian's VictoriaMetrics and InfluxDB 1.6."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

from tests.patience import PATIENCE_S
from tests.service import free_port, until

Row = tuple[int, float]
"""Milliseconds and value."""


def program(name: str, package: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    assert found, f"{name} is missing; on Debian: apt-get install {package}"
    return found


class Server:
    """`start`, `kill`, `start` again on the same data and port."""

    path = "/"
    login: tuple[str, str] | None = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def words(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.words(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)
        until(f"{type(self).__name__} answers", self.answers)

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        try:
            return self.get(self.path).status_code in (200, 204)
        except httpx.TransportError:
            return False

    def get(self, path: str, **query: str) -> httpx.Response:
        # Whether its certificate is good is what the tests ask of Anju, not of themselves.
        return httpx.get(f"{self.url}{path}", params=query, trust_env=False, timeout=PATIENCE_S, verify=False, auth=self.login)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """In order: what was accepted is on its disk afterwards."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE_S)
            finally:
                self.kill()


class Victoria(Server):
    """`dedup`: as docs/telemetry.md has it started, so that a line that came twice is there once. `tls`: certificate and key.

    `login`: a user name and a password that it asks everybody for.
    """

    path = "/health"

    def __init__(
        self, folder: Path, *, dedup: bool = True, tls: tuple[Path, Path] | None = None, login: tuple[str, str] | None = None,
    ) -> None:
        super().__init__(folder)
        self._dedup = dedup
        self.login = login
        self._tls = tls
        if tls is not None:
            self.url = self.url.replace("http:", "https:")

    def words(self) -> list[str]:
        words = [
            program("victoria-metrics", "victoria-metrics"), f"-storageDataPath={self.folder / 'data'}",
            f"-httpListenAddr=127.0.0.1:{self.port}", "-retentionPeriod=100y",
        ]  # fmt: skip
        if self.login is not None:
            words += [f"-httpAuth.username={self.login[0]}", f"-httpAuth.password={self.login[1]}"]
        if self._tls is not None:
            words += ["-tls", f"-tlsCertFile={self._tls[0]}", f"-tlsKeyFile={self._tls[1]}"]
        return [*words, "-dedup.minScrapeInterval=1ms"] if self._dedup else words

    def settings(self, name: str = "vm", **more: object) -> str:
        return store_text(kind="victoriametrics", name=name, url=self.url, **more)

    def rows(self, prop: str, **tags: str) -> dict[str, list[Row]]:
        """Everything of one property, by home and device."""
        self.get("/internal/force_flush")
        wanted = ",".join([f'__name__="{prop}_value"', *(f'{name}="{value}"' for name, value in tags.items())])
        found: dict[str, list[Row]] = {}
        for line in self.get("/api/v1/export", **{"match[]": f"{{{wanted}}}", "start": "0"}).text.splitlines():
            series: dict[str, Any] = msgspec.json.decode(line)
            metric = series["metric"]
            rows = found.setdefault(f"{metric['home']}/{metric['device']}", [])
            rows += zip(series["timestamps"], series["values"], strict=True)
        return {key: sorted(rows) for key, rows in found.items()}

    def counted(self, metric: str) -> float:
        """The sum of one of its own figures."""
        lines = self.get("/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.partition("{")[0].partition(" ")[0] == metric)


class Influx(Server):
    """InfluxDB 1.6.7 with a database `anju`."""

    path = "/ping"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._rpc = free_port()

    def words(self) -> list[str]:
        config = self.folder / "influxdb.conf"
        config.write_text(
            f'reporting-disabled = true\nbind-address = "127.0.0.1:{self._rpc}"\n[meta]\ndir = "{self.folder}/meta"\n'
            f'[data]\ndir = "{self.folder}/data"\nwal-dir = "{self.folder}/wal"\n'
            f'[http]\nbind-address = "127.0.0.1:{self.port}"\nlog-enabled = false\n[monitor]\nstore-enabled = false\n',
        )
        return [program("influxd", "influxdb"), "run", "-config", str(config)]

    def start(self) -> None:
        super().start()
        self.ask("CREATE DATABASE anju")

    def ask(self, statement: str) -> list[dict[str, Any]]:
        """The series of the answer."""
        answer = httpx.post(
            f"{self.url}/query", params={"q": statement, "db": "anju", "epoch": "ms"}, trust_env=False, timeout=PATIENCE_S,
        ).json()  # fmt: skip
        result = answer["results"][0]
        assert "error" not in result, result
        series: list[dict[str, Any]] = result.get("series", [])
        return series

    def settings(self, name: str = "influx", **more: object) -> str:
        return store_text(kind="influxdb1", name=name, url=self.url, database="anju", **more)

    def rows(self, prop: str) -> dict[str, list[Row]]:
        """Everything of one property, by home and device."""
        found: dict[str, list[Row]] = {}
        for series in self.ask(f'SELECT "value" FROM "{prop}" GROUP BY "home", "device"'):
            key = f"{series['tags']['home']}/{series['tags']['device']}"
            found[key] = sorted((int(at), float(value)) for at, value in series["values"])
        return found


def store_text(**values: object) -> str:
    return "\n".join(["[[telemetry.store]]", *(f'{key} = "{value}"' for key, value in values.items()), ""])


@contextmanager
def served(server: Server) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        server.kill()
