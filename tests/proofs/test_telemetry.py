"""Two real stores outside die under load and come back, the telemetry process is killed meanwhile: every observation of the journal is
in each store once, and the alarm process never noticed.

The small version takes the stores away for seconds, the long one for ten minutes.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import pytest

from alerting.commands import Asked, IssueCredential
from alerting.facts import AlertRaised
from alerting.items import Said
from devices.message import Heard
from gateway.clock import MACHINE
from gateway.control import Control, Health, socket_path
from gateway.demo import DEMO, DEVICE, device_credential
from gateway.web.users import Role, Users
from tests.patience import PATIENCE_S, STORY_S
from tests.service import ROOT, Anju, Json, Kit, until
from tests.stream import Stream
from tests.timeseries import Influx, Row, Victoria

AREA = "330106001001"
WEARABLES = 40
PASSWORD = "a long enough password"


class Fed(Anju):
    """`serve` with stores outside, a token, and a credential that may speak for any home."""

    def __init__(self, data: Path, telemetry: str) -> None:
        super().__init__(data)
        config = data.parent / "anju.toml"
        quiet = "[watchdog]\nevery_s = 0\n"
        config.write_text(f'data = "{data}"\n[http]\nport = {self.http_port}\n[mqtt]\nport = {self.mqtt_port}\n{quiet}{telemetry}')
        self.words = (sys.executable, "-m", "gateway", "serve", "--config", str(config))

    def start(self, seconds: float = STORY_S) -> "Fed":
        self.data.mkdir(exist_ok=True)
        users = Users(self.data / "users.db", MACHINE.wall)
        users.create("admin", PASSWORD, Role.ADMIN)
        token = users.token_for("admin")
        users.close()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT, start_new_session=True,
            )  # fmt: skip
        until("ready", lambda: "ready: console" in self.log.read_text(), seconds)
        asyncio.run(self._credential())
        login = {"username": DEVICE, "password": PASSWORD}
        self.endpoints = {"token": token, "mqtt": f"mqtt://127.0.0.1:{self.mqtt_port}", "device": login}
        return self

    async def _credential(self) -> None:
        control, up = Control(socket_path(self.data), commits=False), asyncio.Event()

        async def listen() -> None:
            async for push in control.follow():
                if isinstance(push, Health):
                    up.set()

        listening = asyncio.create_task(listen())
        await up.wait()
        await control.ask(Asked(IssueCredential(device_credential(PASSWORD)), DEMO))
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


class Load:
    """Forty wearables, `rate` reports a second of three readings each, and two calls a second, each from a home of its own."""

    def __init__(self, anju: Fed, stream: Stream, rate: int) -> None:
        self.calls: dict[str, float] = {}
        """Home to when it called."""
        self._kit = Kit(anju.endpoints, "load", clean=False)
        self._stream = stream
        self._rate = rate
        self._said: list[int] = []
        self._acknowledged: set[int] = set()
        self._kit.client.on_publish = lambda _c, _d, mid, _code, _p: self._acknowledged.add(mid)
        self._stop = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        began, said, called = monotonic(), 0, 0
        start = int(MACHINE.wall().timestamp() * 1000)
        while not self._stop.wait(0.01):
            due = int((monotonic() - began) * self._rate)
            for number in range(said, due):
                device, at = f"w{number % WEARABLES}", start + number * 1000 // self._rate
                values = {"heart_rate": 60 + number % 30, "body_temperature": 36 + number % 10 / 10, "bed_occupied": number % 3 == 0}
                self._say(f"home-{number % WEARABLES}", device, values, id=f"r{number}", at=at)
            said = due
            due = int((monotonic() - began) * 2)
            for number in range(called, due):
                home = f"call-{number:05d}"
                self.calls[home] = monotonic()
                self._say(home, "cord", {"pull_cord": True}, id=f"c{number}")
            called = due

    def _say(self, home: str, device: str, values: Json, **more: Any) -> None:
        self._said.append(self._kit.say({"area": AREA, "id": home}, device, values, wait=False, **more).mid)

    def finish(self) -> list[float]:
        """Everything acknowledged and every call on the stream; seconds of each from its publication until it was there."""
        self._stop.set()
        self._thread.join(PATIENCE_S)
        until("every report is acknowledged", lambda: self._acknowledged.issuperset(self._said))
        until("every call is on the stream", lambda: self.seen().keys() >= self.calls.keys())
        self._kit.close()
        seen = self.seen()
        return [seen[home] - at for home, at in self.calls.items()]

    def seen(self) -> dict[str, float]:
        first: dict[str, float] = {}
        for at, kind, _, data in list(self._stream.events):
            if kind == "alert":
                first.setdefault(data["home"], at)
        return first


def journaled(anju: Anju) -> tuple[dict[str, dict[str, list[Row]]], int]:
    """Every observation by property and device, in the form of a store's rows; and how many alerts were raised."""
    found: dict[str, dict[str, dict[int, float]]] = {}
    raised = 0
    for _, entry in anju.entries():
        raised += isinstance(entry, AlertRaised)
        if isinstance(entry, Said) and isinstance(entry.message, Heard):
            heard = entry.message
            at = round(heard.report.observed_at.timestamp() * 1_000_000) // 1000
            for o in heard.report.observations:
                rows = found.setdefault(o.property, {}).setdefault(f"{heard.home}/{heard.device}", {})
                assert at not in rows, "the load says nothing twice"
                rows[at] = float(o.value)
    return {prop: {key: sorted(rows.items()) for key, rows in devices.items()} for prop, devices in found.items()}, raised


@contextmanager
def stores(folder: Path) -> Iterator[tuple[Influx, Victoria]]:
    influx, victoria = Influx(folder / "influx"), Victoria(folder / "vm")
    influx.start()
    victoria.start()
    try:
        yield influx, victoria
    finally:
        influx.kill()
        victoria.kill()


def outage(folder: Path, *, down: float, kill_every: float, rate: int) -> list[float]:
    """Seconds from each call's publication until it was on the stream."""
    with stores(folder) as (influx, victoria):
        text = f"[telemetry]\n{influx.settings()}{victoria.settings()}"
        anju = Fed(folder / "data", text).start()
        try:
            alarm = anju.pid("alarm")
            stream = Stream(anju.api())
            load = Load(anju, stream, rate)
            with anju.api() as client:

                def level(name: str) -> bool:
                    told = {one["name"]: one for one in client.get("/telemetry/stores").json()["items"]}
                    return name in told and told[name]["position"] > 0 and told[name]["behind_entries"] < 5 * rate

                for name in ("influx", "vm"):
                    until(f"{name} follows", lambda name=name: level(name))  # type: ignore[misc]
                influx.kill()
                victoria.kill()
                begun, killed = monotonic(), 0
                while (left := down - (monotonic() - begun)) > 0 or killed < 3:  # a busy machine takes its time to start it again
                    sleep(min(kill_every, left) if left > 0 else kill_every)
                    os.kill(anju.pid("telemetry"), signal.SIGKILL)
                    killed += 1
                influx.start()
                victoria.start()
                os.kill(anju.pid("telemetry"), signal.SIGKILL)  # also in the middle of catching up
                latencies = load.finish()
                assert anju.pid("alarm") == alarm, "the alarm process was never started again"
                meant, raised = journaled(anju)
                assert sum(len(rows) for rows in meant["heart_rate"].values()) > down * rate * 0.9
                assert raised == len(load.calls)
                patience = 60 + down
                for server in (influx, victoria):
                    for prop, devices in meant.items():
                        until(f"{type(server).__name__} has every {prop}, once", _same(server.rows, prop, devices), patience, 0.2)
                told = {one["name"]: one["refused"] for one in client.get("/telemetry/stores").json()["items"]}
                assert told == {"history": 0, "evidence": 0, "influx": 0, "vm": 0}
            stream.close()
        finally:
            anju.stop()
    return sorted(latencies)


def _same(rows: Callable[[str], dict[str, list[Row]]], prop: str, devices: dict[str, list[Row]]) -> Callable[[], bool]:
    return lambda: rows(prop) == devices


def test_stores_that_die_under_load_have_every_observation_once_afterwards(tmp_path: Path) -> None:
    outage(tmp_path, down=4, kill_every=1.2, rate=150)


@pytest.mark.long
@pytest.mark.timeout(2400)
def test_ten_minutes_without_stores(tmp_path: Path) -> None:
    latencies = outage(tmp_path, down=600, kill_every=45, rate=200)
    p = [latencies[int(len(latencies) * share)] * 1000 for share in (0.5, 0.99)]
    print(f"\n{len(latencies)} calls meanwhile: p50 {p[0]:.1f} ms, p99 {p[1]:.1f} ms, most {latencies[-1] * 1000:.1f} ms")
