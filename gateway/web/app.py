"""The web process, put together: one straight function, and the server that ends when it is asked to."""

import asyncio
import contextlib
import resource
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import uvicorn
from fastapi import FastAPI

from config import DEFAULTS
from gateway import backup_status
from gateway.clock import MACHINE
from gateway.collector import settle_memory
from gateway.control import KITS_SOCKET, Control, socket_path
from gateway.drills import DrillBook
from gateway.jobs import Jobs, Ledger
from gateway.rules.drafts import Drafts
from gateway.settings import Settings
from gateway.store import identity
from gateway.store.folder import Layout
from gateway.store.history import Charts
from gateway.store.journal import Reader
from gateway.store.reserve import Admission
from gateway.web import (
    VERSION,
    alerts,
    answer_page,
    arrangements,
    asyncapi,
    audit,
    care,
    certificates,
    closing,
    device_registry,
    drills,
    family,
    grades,
    health,
    helping,
    judgement,
    live,
    month,
    outreach,
    pages,
    problems,
    prompts,
    readers,
    registry,
    relay,
    reports,
    retention,
    rosters,
    rules,
    sessions,
    silences,
    telemetry,
    testing,
    wanting,
)
from gateway.web.auth import Gate
from gateway.web.board import CLOSED_KEPT
from gateway.web.condition import Condition
from gateway.web.desk import DemoLogin, Desk
from gateway.web.edge import Edge
from gateway.web.follower import Follower
from gateway.web.historian import Historian
from gateway.web.idempotency import Once
from gateway.web.keeping import keep_written, tell_kept
from gateway.web.lines import WithLine
from gateway.web.metrics import Metrics
from gateway.web.pages import STATIC, Static
from gateway.web.position import Positions
from gateway.web.self_check import SelfCheck
from gateway.web.stream import RING_EVENTS, Hub
from gateway.web.turns import Turns
from gateway.web.users import Users
from gateway.web.views import Views
from gateway.web.viewstore import ViewStore

GRACE_S = 2
SWITCH_S = 0.0005
"""How long a thread that reads a file keeps the interpreter from the loop that serves the consoles: a tenth of Python's default."""

DESCRIPTION = """Anju (安居): home safety for older people who live alone.

Log in with `POST /session`, or send a bearer token. Times are RFC 3339 in UTC. Lists are `{"items", "next"}`: give `next` back as
`cursor`. Errors are RFC 9457 problem details with `sentence` in Chinese and English. `title`, `reason` and `text` are Chinese, the
same names with `_en` English.
"""


def create_app(settings: Settings, *, demo_login: DemoLogin | None = None, charts: Charts | None = None) -> FastAPI:
    """The application over the data folder and the alarm process's socket in it. What it starts, it starts in its lifespan."""
    data = Path(settings.data)
    data.mkdir(parents=True, exist_ok=True)
    wall = MACHINE.wall
    users = Users(data / "users.db", wall)
    store = ViewStore(data / "views.db")
    views = Views(store)
    control = Control(socket_path(data))
    layout, admission = Layout(data), Admission()
    historian = Historian(data, layout.history, charts)
    self_check = SelfCheck(data, settings.watchdog.every_s, settings.zone)
    condition = Condition(views, users, historian, wall, self_check)
    hub = Hub(views, condition, users, _positions(data))

    def room() -> bool:
        """Whether this process may fill the disk: the last of it, and what the reserve gives up, are for calls."""
        return admission.admits(layout.free())

    journal = Reader(data)
    follower = Follower(control, journal, views, snapshots=layout.snapshots, hub=hub, condition=condition)
    metrics = Metrics(lambda: backup_status.read(data))
    # The earlier of two clocks: a wall clock that is years ahead must not make everything old.
    calendar = Jobs(
        retention.jobs(settings, views, users, lambda: min(wall(), condition.now())),
        Ledger(data / "calendar-web.json"),
        settings.zone,
        wall,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loaded = await asyncio.to_thread(store.load, wall() - CLOSED_KEPT, RING_EVENTS)
        views.load(loaded)
        hub.load(loaded.events, loaded.event_floor, loaded.position)
        tasks = [
            asyncio.create_task(follower.run(), name="follower"),
            asyncio.create_task(historian.run(), name="telemetry"),
            asyncio.create_task(keep_written(store, users, views, condition, room=room), name="writing"),
            asyncio.create_task(tell_kept(store, control, follower.arrived), name="telling"),
            asyncio.create_task(hub.run(), name="beats"),
        ]
        for task in tasks:
            task.add_done_callback(_end_if_broken)
        await calendar.start()
        yield
        hub.close()
        await calendar.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(store.close)
        await asyncio.to_thread(historian.close)
        await asyncio.to_thread(users.close)

    app = FastAPI(
        title="Anju",
        version=VERSION,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        separate_input_output_schemas=False,
    )
    app.state.desk = Desk(
        users, views, control, hub, condition, historian, wall, settings.timezone, demo_login, Once(users), metrics, calendar,
        msgspec.json.encode(asyncapi.document(settings.mqtt)),
        Drafts(data / "rules", Path(settings.judging) if settings.judging else DEFAULTS), DrillBook(data / "drills"),
        settings.certification.trust, settings.retention.journal_days, self_check,
    )
    for module in (
        sessions, alerts, live, registry, arrangements, care, helping, readers, device_registry, certificates, silences, telemetry, reports,
        prompts, family, grades, rules, judgement, outreach, wanting, rosters, audit, closing, testing, month, drills,
    ):  # fmt: skip
        app.include_router(module.router, prefix="/api/v1")
    app.include_router(alerts.actions, prefix="/api/v1")
    app.include_router(health.router)
    app.include_router(pages.router)
    app.include_router(answer_page.router)
    app.include_router(family.page)
    app.include_router(relay.router)
    app.mount("/static", Static(directory=STATIC), name="static")
    problems.install(app)
    app.add_middleware(Turns)
    app.add_middleware(Gate, users=users)
    app.add_middleware(Edge, took=metrics.took)
    return app


def _positions(data: Path) -> Positions:
    """Of the life that the folder is in. What cannot be read, `serve` has refused; a page is no place to fail on it."""
    try:
        life = identity.read(data)
    except identity.FolderRefused:
        return Positions()
    return Positions(life.restores, life.restored_to)


def _end_if_broken(task: asyncio.Task[None]) -> None:
    """A task of ours that fails is a bug: end the process, which its parent starts again, rather than show a desk that stands still."""
    if task.cancelled() or task.exception() is None:
        return
    task.get_loop().call_exception_handler({"message": f"the task {task.get_name()} failed", "exception": task.exception()})
    if threading.current_thread() is threading.main_thread():
        signal.raise_signal(signal.SIGTERM)


class Server(uvicorn.Server):
    """Lets the consoles go first: a stream has no end of its own to wait for. `begun` is called once it serves."""

    begun: Callable[[], None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.begun is not None:
            self.begun()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        app = self.config.app
        assert isinstance(app, FastAPI)
        app.state.desk.hub.close()
        await super().shutdown(sockets)


def server(app: FastAPI, host: str, port: int, kits: Path | None = None) -> Server:
    """A server that is not running yet; `await serve()` runs it until `should_exit`. `kits`: the endpoint's socket, to relay to."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=WithLine,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=30,
        server_header=False,
        h11_max_incomplete_event_size=64 * 1024,
        proxy_headers=False,
        ws="none" if kits is None else relay.relay_to(kits, relay.room()),
    )
    return Server(config)


def run(settings: Settings, *, demo_login: DemoLogin | None = None, charts: Charts | None = None) -> None:
    """The web process, until SIGTERM or SIGINT. `charts`: where they are read from, if not from the embedded history."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # kits that come in by this port take two files each
    kits = socket_path(Path(settings.data), KITS_SOCKET)
    sys.setswitchinterval(SWITCH_S)
    with contextlib.suppress(KeyboardInterrupt):
        one = server(create_app(settings, demo_login=demo_login, charts=charts), settings.http.host, settings.http.port, kits)
        one.begun = settle_memory
        one.run()
