"""The real web process on a free port, over data of its own, an alarm and a telemetry process in threads; and ways to talk to it."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any, TypeVar

import httpx

from gateway.clock import MACHINE
from gateway.settings import Settings
from gateway.store.history import Charts
from gateway.telemetry.process import follow
from gateway.watchdog_settings import Watchdog
from gateway.web.app import Server, create_app, server
from gateway.web.desk import DemoLogin, Desk
from gateway.web.users import Role, Users
from tests.patience import PATIENCE_S
from tests.web_alarm import AREA, HOME, AlarmProcess

T = TypeVar("T")
Json = dict[str, Any]

OPERATOR, ADMIN, PASSWORD = "li.na", "wang.wei", "a long enough password"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(what: str, look: Callable[[], T | None], seconds: float = PATIENCE_S) -> T:
    """Look again and again until there is something."""
    end = monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert monotonic() < end, f"{what}: not within {seconds:g} s"
        sleep(0.01)


def tomorrow() -> str:
    """As somebody in the county writes it."""
    return (MACHINE.wall() + timedelta(days=1)).astimezone(timezone(timedelta(hours=8))).isoformat()


def month_of(moment: str) -> str:
    """The county's, whose November begins while it is still October in Greenwich."""
    return f"{datetime.fromisoformat(moment).astimezone(timezone(timedelta(hours=8))):%Y-%m}"


class WebProcess:
    """`start`, `stop`, `start` again on the same data and port."""

    def __init__(self, data: Path, charts: Charts | None = None) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.tokens: dict[str, str] = {}
        self.demo: DemoLogin | None = None
        self.charts = charts
        self.settings = Settings(data=str(data), watchdog=Watchdog(every_s=0))
        self.consoles: list[Console] = []
        """Every one that was opened here."""
        self._clients: list[httpx.Client] = []

    def start(self) -> "WebProcess":
        self.app = create_app(self.settings, demo_login=self.demo, charts=self.charts)
        self.server: Server = server(self.app, "127.0.0.1", self.port)
        self._thread = threading.Thread(target=self.server.run, name="web", daemon=True)
        self._thread.start()
        until("the web process answers", lambda: self.server.started)
        return self

    def stop(self) -> float:
        """Seconds it took."""
        began = monotonic()
        self.server.should_exit = True
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "the web process does not end"
        return monotonic() - began

    @property
    def desk(self) -> Desk:
        desk: Desk = self.app.state.desk
        return desk

    def ready(self) -> None:
        until("the service is ready", lambda: httpx.get(f"{self.url}/readyz", trust_env=False, timeout=PATIENCE_S).status_code == 200)

    def client(self, who: str = ADMIN) -> httpx.Client:
        """Of the API, with a bearer token."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}
        client = httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, trust_env=False, timeout=PATIENCE_S)
        self._clients.append(client)
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()
        if self._thread.is_alive():
            self.stop()


class TelemetryProcess:
    """`start`, `stop`, `start` again on the same data."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def start(self) -> "TelemetryProcess":
        began = threading.Event()

        async def main() -> None:
            self._stopping, self._loop = asyncio.Event(), asyncio.get_running_loop()
            began.set()
            await follow(self._settings, self._stopping)

        self._thread = threading.Thread(target=lambda: asyncio.run(main()), name="telemetry", daemon=True)
        self._thread.start()
        assert began.wait(PATIENCE_S), "the telemetry process does not start"
        return self

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(PATIENCE_S)
            assert not self._thread.is_alive(), "the telemetry process does not end"


@cache
def _seeded() -> tuple[bytes, dict[str, str]]:
    """A file of users, and a token of each. Argon2 takes its time, so all tests start with copies of one."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "users.db"
        users = Users(path, MACHINE.wall)
        users.create(OPERATOR, PASSWORD, Role.OPERATOR)
        users.create(ADMIN, PASSWORD, Role.ADMIN)
        tokens = {name: users.token_for(name) for name in (OPERATOR, ADMIN)}
        users.close()
        return path.read_bytes(), tokens


def seed_users(data: Path) -> dict[str, str]:
    """An operator and an admin; their tokens."""
    file, tokens = _seeded()
    (data / "users.db").write_bytes(file)
    return dict(tokens)


class Service:
    """The three processes over one folder, with an area, a home, its people and a cord."""

    def __init__(self, data: Path) -> None:
        data.mkdir(exist_ok=True)
        self.data = data
        self.web = WebProcess(data)
        self.web.tokens = seed_users(data)
        self.alarm = AlarmProcess(data).start()
        self.telemetry = TelemetryProcess(self.web.settings).start()
        self.web.start()
        self.web.ready()
        self.admin = self.web.client(ADMIN)
        self.operator = self.web.client(OPERATOR)

    def register(self, home: str = HOME) -> None:
        self.admin.post("/areas", json={"id": AREA, "name": "翠苑一区"})
        for path, body in (
            ("/homes", {"id": home, "area": AREA, "name": "12 栋 3 单元 402", "address": "翠苑一区 12-3-402"}),
            ("/people", {"id": f"{home}-anna", "home": home, "role": "resident", "name": "陈桂英", "birth_year": 1944}),
            ("/people", {"id": f"{home}-son", "home": home, "role": "family", "name": "陈志强", "phone": "13800000001", "order": 1}),
            ("/people", {"id": f"{home}-next", "home": home, "role": "neighbour", "name": "周敏", "phone": "13800000002", "order": 2}),
            ("/devices", {"id": f"{home}-cord", "home": home, "model": "a-cord", "room": "bedroom", "exposes": ["pull_cord", "battery"]}),
        ):
            answer = self.admin.post(path, json=body)
            assert answer.status_code == 201, answer.text

    def pull_cord(self, home: str = HOME) -> Json:
        """A call for help, as the desk then shows it."""
        seq = self.alarm.report(f"{home}-cord", home=home, pull_cord=True)
        self.see(seq)
        found = self.admin.get("/alerts", params={"status": "open", "home": home, "category": "call_for_help"}).json()["items"]
        assert len(found) == 1
        alert: Json = found[0]
        return alert

    def see(self, seq: int) -> None:
        until(f"the desk sees {seq}", lambda: self.web.desk.views.position >= seq)

    def close(self) -> None:
        self.web.close()
        self.telemetry.stop()
        self.alarm.kill()


@contextmanager
def service(data: Path) -> Iterator[Service]:
    running = Service(data)
    try:
        yield running
    finally:
        running.close()


class Console:
    """A page on the live stream. `events`: (event, id, data), in order; `ended` once the connection is over."""

    def __init__(self, web: WebProcess, last_id: str = "", who: str = OPERATOR, **query: str) -> None:
        self.events: list[tuple[str, str, Any]] = []
        self.ended = threading.Event()
        self._client = web.client(who)
        self._opened = threading.Event()
        self._headers = {"Last-Event-ID": last_id} if last_id else {}
        self._query = query
        self.response_headers: httpx.Headers = httpx.Headers()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()
        web.consoles.append(self)
        assert self._opened.wait(PATIENCE_S), "the stream does not open"

    def _follow(self) -> None:
        try:
            with self._client.stream("GET", "/stream", headers=self._headers, params=self._query, timeout=PATIENCE_S) as answer:
                self.response_headers = answer.headers
                assert answer.status_code == 200, answer.status_code
                self._opened.set()
                event, number, data = "", "", ""
                for line in answer.iter_lines():
                    if line == "":
                        self.events.append((event, number, json.loads(data)))
                        event, number, data = "", "", ""
                    else:
                        field, _, value = line.partition(": ")
                        event, number, data = (
                            value if field == "event" else event, value if field == "id" else number, value if field == "data" else data,
                        )  # fmt: skip
        except (httpx.HTTPError, RuntimeError, OSError):
            pass
        finally:
            self.ended.set()
            self._opened.set()

    def alerts(self) -> list[tuple[int, Json]]:
        return [(int(number), data) for event, number, data in list(self.events) if event == "alert"]

    def beats(self) -> list[Json]:
        return [data for event, _, data in list(self.events) if event == "beat"]

    def close(self) -> None:
        self._client.close()
