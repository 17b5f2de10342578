"""The peer: Node-RED behind mosquitto, with the flow a skilled user would write for this task (`peer/flow.json`).

mqtt in (QoS 1, parsed as JSON by the node) -> one function with thresholds and what is known of each home, in the flow's context held in
memory -> websocket out for alarms; readings to a time-series database, a thousand lines or a second's at a time, by http request.
Nothing of it is on disk when a message counts as taken: Node-RED acknowledges to the broker as it hands a message to the flow.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep, time

import httpx

from benchmarks import reports
from benchmarks.driven import ROOT
from benchmarks.listening import WebSocket
from benchmarks.load import Spec
from benchmarks.mosquitto import Mosquitto, answers, ended, mosquitto, which
from benchmarks.subjects import settled
from tests.service import free_port

PACKAGE = "node-red@4.1"
FOLDER = Path(sys.prefix) / "node-red"
"""Beside the virtual environment's own; nothing of the product."""
FLOW = ROOT / "benchmarks" / "peer"


class NodeRed:
    name = "Node-RED"
    durable = False
    behind_broker = True

    def __init__(self, port: int, broker: Mosquitto, node: int, database: int, database_url: str) -> None:
        self.port = port
        self.processes = {"node-red": node, "mosquitto": broker.pid, "victoria-metrics": database}
        self.before = 0
        """Messages that came before the load's."""
        self._broker = broker
        self._database = database_url
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30)

    def spec(self, homes: int) -> Spec:
        return Spec("127.0.0.1", self._broker.port, homes=homes)

    def arrived(self) -> int:
        answer = self._http.get("/count")
        return int(answer.json()["count"]) if answer.status_code == 200 else 0  # it answers before its flow has begun

    def kept(self, letter: str) -> int:  # noqa: ARG002 - it had nothing else
        """Those that its function saw. RuntimeError when the database has not had their readings: it would be spared the half of it."""
        count = settled(self.arrived) - self.before
        figures = httpx.get(f"{self._database}/metrics", trust_env=False).text
        rows = sum(int(line.rpartition(" ")[2]) for line in figures.splitlines() if line.startswith('vm_rows_inserted_total{type="influx"'))
        if rows < count:
            raise RuntimeError(f"{count} reports, and {rows} readings in the database")
        return count

    def alarms(self) -> WebSocket:
        return WebSocket(self.port, "/alarms")

    def close_alarms(self, ids: list[str]) -> None:  # noqa: ARG002 - its alarms have none
        self._http.post("/close").raise_for_status()

    def end(self) -> None:
        self._http.close()


@contextmanager
def node_red(homes: int, folder: Path) -> Iterator[NodeRed]:  # noqa: ARG001 - it comes to know homes as they speak
    install()
    with TemporaryDirectory(prefix="anju-peer-", dir=folder) as place:
        home = Path(place)
        for name in ("flow.json", "settings.js"):
            shutil.copy(FLOW / name, home / name)
        (home / "broker").mkdir()
        home.chmod(0o755)
        port, database_port = free_port(), free_port()
        database = [
            which("victoria-metrics", "victoria-metrics"), f"-httpListenAddr=127.0.0.1:{database_port}",
            f"-storageDataPath={home / 'database'}", "-loggerLevel=ERROR", "-retentionPeriod=12",
        ]  # fmt: skip
        url = f"http://127.0.0.1:{database_port}"
        environment = {
            **os.environ, "NODE_ENV": "production", "PEER_PORT": str(port), "PEER_DATABASE_URL": f"{url}/write",
        }  # fmt: skip
        with mosquitto(home / "broker") as broker, ended(subprocess.Popen(database, stdin=subprocess.DEVNULL)) as store:
            answers(database_port, store)
            environment["PEER_BROKER_PORT"] = str(broker.port)
            words = ["node", str(FOLDER / "node_modules" / "node-red" / "red.js"), "--userDir", str(home)]
            with ended(subprocess.Popen(words, env=environment, cwd=home, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)) as node:
                answers(port, node)
                subject = NodeRed(port, broker, node.pid, store.pid, url)
                _heard(subject, broker)
                try:
                    yield subject
                finally:
                    subject.end()


def install() -> None:
    """From npm, once."""
    if (FOLDER / "node_modules" / "node-red" / "package.json").exists():
        return
    which("node", "nodejs")
    words = [which("npm", "npm"), "install", "--prefix", str(FOLDER), "--no-audit", "--no-fund", "--loglevel=error", PACKAGE]
    FOLDER.mkdir(parents=True, exist_ok=True)
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def version() -> str:
    """Of what is installed."""
    path = FOLDER / "node_modules" / "node-red" / "package.json"
    return str(json.loads(path.read_text(encoding="utf-8"))["version"])


def _heard(subject: NodeRed, broker: Mosquitto) -> None:
    """Until a message comes through: the flow connects to the broker a while after it begins to answer."""
    source = reports.sources(1, "Z")[0]
    end = monotonic() + 30
    with socket.create_connection(("127.0.0.1", broker.port)) as line:
        line.sendall(reports.connect("first", "", ""))
        while not subject.arrived():
            if monotonic() > end:
                raise RuntimeError("the flow hears nothing")
            line.sendall(source.packet % (b"\x00\x01", 0, reports.moment(time()), 60))
            sleep(0.2)
    subject.before = settled(subject.arrived)
