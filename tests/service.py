"""The whole service as a person starts it, on free loopback ports with data of its own; what the proofs are run against."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.patience import PATIENCE_S, STORY_S

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("ANJU_SHARED", ROOT.parent / "shared"))

T = TypeVar("T")
Json = dict[str, Any]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def until(what: str, look: Callable[[], T | None], seconds: float = PATIENCE_S, pause: float = 0.01) -> T:
    """Look again and again until there is something; fails with `what` when there is nothing in time."""
    end = monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds:g} s")
        sleep(pause)


def lose(folder: Path) -> None:
    """Take it away whole, whatever a journal's upkeep makes or renames in it meanwhile."""

    def gone() -> bool:
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()

    until(f"{folder.name} is gone", gone)


def children_of(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def command_of(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


class Anju:
    """`./anju up`, or `serve`, in a process group of its own."""

    def __init__(self, data: Path, *, homes: int = 3, words: tuple[str, ...] = (), prefix: tuple[str, ...] = ()) -> None:
        self.data = data
        self.http_port, self.mqtt_port = free_port(), free_port()
        quiet = () if "--watchdog" in words else ("--watchdog", "0")  # a story's journal holds what the story says
        self.words = (
            *prefix, sys.executable, "-m", "gateway", "up", "--data", str(data), "--homes", str(homes),
            "--http", str(self.http_port), "--mqtt", str(self.mqtt_port), *quiet, *words,
        )  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None
        self.endpoints: Json = {}
        self.path = ""
        """Folders before the project's on the module path."""
        self.log = data.parent / f"{data.name}.log"

    def start(self, seconds: float = STORY_S) -> "Anju":
        (self.data / "endpoints.json").unlink(missing_ok=True)
        environment = {**os.environ, "PYTHONPATH": f"{self.path}{os.pathsep}{ROOT}" if self.path else str(ROOT)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT, env=environment, start_new_session=True,
            )
        try:
            self.wait_ready(seconds)
        except AssertionError:
            self.stop()
            raise
        return self

    def wait_ready(self, seconds: float = STORY_S) -> None:
        path = self.data / "endpoints.json"

        def look() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.log.read_text()[-4000:]}"
            return path.exists()

        try:
            until("endpoints.json", look, seconds)
        except AssertionError as problem:
            raise AssertionError(f"{problem}\n{self.log.read_text()[-4000:]}") from None
        self.endpoints = json.loads(path.read_text())

    def pid(self, half: str) -> int:
        """Of the `alarm` or the `web` process."""
        assert self.process is not None
        top = self.process.pid

        def look() -> int | None:
            below = children_of(top)
            below += [grandchild for child in below for grandchild in children_of(child)]
            return next((pid for pid in below if f"-m gateway {half}" in command_of(pid)), None)

        return until(f"the {half} process", look)

    @property
    def supervisor(self) -> int:
        """The process that was started, or, where that is a tracer, the one that it started."""
        assert self.process is not None
        family = [self.process.pid, *children_of(self.process.pid)]
        return next((pid for pid in family if "strace" not in command_of(pid).split(" ", 1)[0]), self.process.pid)

    def kill(self, half: str) -> None:
        os.kill(self.pid(half), signal.SIGKILL)

    def kill_everything(self) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds: float = PATIENCE_S) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            os.kill(self.supervisor, signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        finally:
            if self.process.returncode is None:
                self.kill_everything()

    def api(self, token: str | None = None) -> httpx.Client:
        bearer = token or str(self.endpoints["token"])
        base, headers = f"http://127.0.0.1:{self.http_port}/api/v1", {"Authorization": f"Bearer {bearer}"}
        return httpx.Client(base_url=base, headers=headers, timeout=PATIENCE_S, trust_env=False)

    def operator(self) -> httpx.Client:
        """Logged in as the demo's operator."""
        with self.api() as any_client:
            answer = any_client.post("/session", json=self.endpoints["operator"])
        assert answer.status_code == 200, answer.text
        return self.api(answer.json()["token"])

    def kit(self, client_id: str = "", *, clean: bool = True) -> "Kit":
        return Kit(self.endpoints, client_id, clean=clean)

    def home(self, number: int = 0) -> Json:
        with self.api() as client:
            found: Json = sorted(client.get("/homes", params={"limit": 200}).json()["items"], key=lambda home: home["id"])[number]
            return found

    def device(self, home: str, kind: str) -> Json:
        """The first device of the home whose model names the kind: `cord`, `smoke`, `watch`."""
        with self.api() as client:
            devices = client.get("/devices", params={"home": home, "limit": 200}).json()["items"]
        return next(d for d in devices if kind in d["model"])

    def entries(self) -> Iterator[Any]:
        """(sequence number, entry) of the whole journal, in order."""
        from gateway.store.journal import Journal

        for commit in Journal.reader(self.data).read(0):
            for offset, entry in enumerate(commit.entries):
                yield commit.first_seq + offset, entry


class Kit:
    """A real client (paho, MQTT 3.1.1) with the demo's `device` credential: publishes for any home, hears its commands."""

    def __init__(self, endpoints: Json, client_id: str = "", *, clean: bool = True) -> None:
        address = urlsplit(endpoints["mqtt"])
        self.heard: list[tuple[str, bytes]] = []
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=clean, protocol=paho.MQTTv311,
        )
        self.client.username_pw_set(endpoints["device"]["username"], endpoints["device"]["password"])
        self.client.on_message = lambda _client, _data, message: self.heard.append((message.topic, bytes(message.payload)))
        self.client.max_inflight_messages_set(1000)
        self.client.reconnect_delay_set(0.05, 0.2)  # type: ignore[arg-type]  # whole seconds are only its annotation's wish
        self.client.connect(str(address.hostname), int(address.port or 1883), keepalive=30)
        self.client.loop_start()
        until("the connection", self.client.is_connected)

    def say(
        self, home: Json, device: str, values: Json, *, channel: str = "report", wait: bool = True, **more: Any,
    ) -> paho.MQTTMessageInfo:
        topic = f"anju/v1/{home['area']}/{home['id']}/{device}/{channel}"
        info = self.client.publish(topic, json.dumps({"values": values, **more}, ensure_ascii=False).encode(), qos=1)
        if wait:
            info.wait_for_publish(PATIENCE_S)
        return info

    def hear_commands(self, home: Json) -> None:
        done: list[int] = []
        self.client.on_subscribe = lambda _c, _d, mid, _codes, _props: done.append(mid)
        _, mid = self.client.subscribe(f"anju/v1/{home['area']}/{home['id']}/+/command", qos=1)
        until("SUBACK", lambda: mid in done)

    def receipts(self) -> list[str]:
        """The stages heard so far, in order."""
        return [json.loads(payload)["stage"] for _, payload in self.heard if b'"receipt"' in payload]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@contextmanager
def running(data: Path, **options: Any) -> Iterator[Anju]:
    anju = Anju(data, **options).start()
    try:
        yield anju
    finally:
        anju.stop()


def unpack(archive: Path, folder: Path) -> None:
    """A folder that the tests bring along."""
    with tarfile.open(archive) as packed:
        if hasattr(tarfile, "data_filter"):
            packed.extraction_filter = tarfile.data_filter
        packed.extractall(folder)  # the argument of the same is not known to Debian's Python 3.11.2
