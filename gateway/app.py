"""`up` and `serve`: start the alarm, the telemetry and the web process, watch them, and for `up` fill in a demo community that lives."""

import argparse
import asyncio
import contextlib
import errno
import json
import os
import secrets
import signal
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

import msgspec

from alerting.refusals import IllegalTransition
from gateway import demo, local_ca, watchdog_log_in
from gateway.address import origin, take
from gateway.children import Child
from gateway.clock import MACHINE
from gateway.control import AlarmProcessAway, connected
from gateway.judging import load_models, load_ruleset
from gateway.operations.examine import settings_of
from gateway.operations.keeper import Keeper
from gateway.problem import CommandFailed
from gateway.settings import WEBSOCKET_PATH, Http, Mqtt, Settings, says_nothing
from gateway.store.folder import Folder, FolderInUse
from gateway.store.identity import FolderRefused, settle
from gateway.store.reserve import MIB, lend
from gateway.watchdog_settings import Watchdog
from gateway.web.users import Role, Users

T = TypeVar("T")

ADMIN = "admin"
READY_S = 120.0
"""After which, and then every so often, it is said what a start is waiting for."""

ORPHANS_S = 3.0
"""How long the halves of a watcher that was killed may take to see it, and to leave folder and ports to the next one."""

DEMO_RETRY_S = 5.0

START_ROOM = 4 * MIB
"""What they need to open their files: on a full disk the reserve lends it."""


def up(asked: argparse.Namespace) -> int:
    if asked.http == asked.mqtt:
        raise CommandFailed(f"--http and --mqtt are both {asked.http}; they need a port each")
    settings = Settings(
        data=str(asked.data.resolve()),
        notify=str(asked.notify.resolve()) if asked.notify else "",
        judging=str(asked.judging.resolve()) if asked.judging else "",
        http=Http(port=asked.http),
        mqtt=Mqtt(port=asked.mqtt, tls=local_ca.settings(asked.data.resolve(), asked.mqtt)),
        watchdog=Watchdog(every_s=asked.watchdog, patience_s=min(20.0, float(asked.watchdog or 20))),
    )

    def before() -> demo.Secrets:
        data = Path(settings.data)
        (data / "endpoints.json").unlink(missing_ok=True)
        try:
            local_ca.keep(data, MACHINE.wall())
        except OSError as problem:
            say(f"no certificates can be made for TLS ({problem.strerror}): kits connect without it")
        return demo.log_ins(data)

    return _run(settings, before, lambda service, log_ins: _demo(service, asked, log_ins))


def serve(config: Path) -> int:
    settings = settings_of(config, os.environ)
    if says_nothing(settings, config):
        say(f"{config} says nothing: every setting is its default, the data folder is {settings.data}")
    return _run(settings, lambda: _first_user(Path(settings.data)), _production, config.resolve())


def _first_user(data: Path) -> str:
    """The password of `admin`, made when nobody can log in yet; empty afterwards. It is shown once and kept nowhere."""
    try:
        users = Users(data / "users.db", MACHINE.wall)
    except sqlite3.Error as problem:
        say(f"the users cannot be opened ({problem}): nobody can log in, calls are taken all the same")
        return ""
    try:
        if users.all():
            return ""
        password = secrets.token_urlsafe(12)
        users.create(ADMIN, password, Role.ADMIN)
    finally:
        users.close()
    return password


class Service:
    """Both halves, running; `wait` is over when somebody asked to stop."""

    def __init__(self, settings: Settings, config: Path | None, *, demo: bool) -> None:
        self.settings = settings
        self._demo = demo
        self.data = Path(settings.data)
        self.stopping = asyncio.Event()
        path = self.data / "settings.json"
        _keep(path, msgspec.json.encode(settings))
        half = ["-m", "gateway"]
        tail = ["--settings", str(path), "--watch-stdin"]
        self.children = [
            Child("the alarm process", [*half, "alarm", *tail], say),
            Child("the telemetry process", [*half, "telemetry", *tail], say, dispensable=500),
            Child("the web process", [*half, "web", *tail, *(["--demo"] if demo else [])], say, dispensable=300),
        ]
        if settings.watchdog.every_s:
            began = ["--began", f"{MACHINE.boottime():.3f}"]
            self.children.append(Child("the watchdog", [*half, "watch", *tail, *began], say, dispensable=100))
        self.keeper = Keeper(settings, config, lambda: self.children[0].began_at, say)

    async def run(self, then: Callable[[], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stopping.set)
        if not self._demo:  # to `up` it means that its terminal is gone
            loop.add_signal_handler(signal.SIGHUP, self._read_certificates)
        if os.environ.get("ANJU_WATCH_STDIN"):
            loop.add_reader(0, self._stdin)
        running = [asyncio.create_task(child.run(), name=child.name) for child in self.children]
        keeping = asyncio.create_task(self.keeper.run(), name="keeper")
        keeping.add_done_callback(_surface)
        work = asyncio.ensure_future(then())
        stop = asyncio.create_task(self.stopping.wait())
        try:
            done, _ = await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
            if work in done:
                work.result()
                await stop
        finally:
            work.cancel()
            keeping.cancel()
            # The homes fall silent first, then the desk goes, then the ear: nobody talks to a half that is gone.
            for child in reversed(self.children):
                await child.stop()
            await asyncio.gather(*running, keeping, return_exceptions=True)
            with contextlib.suppress(asyncio.CancelledError):
                await work

    def _read_certificates(self) -> None:
        self.children[0].signal(signal.SIGHUP)

    def _stdin(self) -> None:
        if not os.read(0, 4096):
            self.stopping.set()

    def start(self, child: Child) -> asyncio.Task[None]:
        self.children.append(child)
        return asyncio.create_task(child.run(), name=child.name)

    @property
    def url(self) -> str:
        return origin(self.settings.http.host, self.settings.http.port)

    async def ready(self) -> None:
        """Wait until `/readyz` says so, from both halves, however long: one that hears calls on a full disk is not ready, and is needed."""
        import httpx  # noqa: PLC0415 - 0.1 s that the children need not wait for

        said, reason = monotonic(), "no answer"
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    answer = await client.get(f"{self.url}/readyz")
                    if answer.status_code == 200:
                        return
                    reason = answer.text[:400]
                if monotonic() - said >= READY_S:
                    said = monotonic()
                    say(f"not ready yet: {reason}")
                await asyncio.sleep(0.05)


def _surface(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (bug := task.exception()) is not None:
        say(f"the {task.get_name()} failed by a fault of ours: {bug!r}; the halves go on")


def _run(
    settings: Settings, before: Callable[[], T], then: Callable[[Service, T], Awaitable[None]], config: Path | None = None,
) -> int:  # fmt: skip
    data = Path(settings.data)
    try:
        with Folder.lock_within(data, ORPHANS_S) as folder:  # free; the alarm process takes it for good
            free = folder.layout.free()
            settle(data, say)
    except (FolderInUse, FolderRefused) as problem:
        raise CommandFailed(str(problem)) from problem
    except OSError as problem:
        raise CommandFailed(f"cannot use the data folder {data}: {problem.strerror}") from problem
    if free < START_ROOM:
        lend(data / "reserve", START_ROOM - free)
    wanted = (settings.disk.reserve_mib + settings.disk.readings_stop_mib) * MIB
    if free < wanted and not (data / "reserve").exists():
        raise CommandFailed(f"the disk of {data} is nearly full: {free // MIB} MiB are free, {wanted // MIB} MiB are needed to begin")
    load_ruleset(settings)  # a mistake in a file is told here, once, rather than by a half that starts again and again
    if settings.broker.url:
        from gateway.mqtt.broker import entrance  # noqa: PLC0415 - paho, which nobody else here needs

        entrance(settings.broker)
    patience = monotonic() + ORPHANS_S
    _free(settings.http.host, settings.http.port, f"[http] in {config}" if config else "--http", patience)
    for address in settings.mqtt.addresses:
        _free(address.host, address.port, f"[mqtt] in {config}" if config else "--mqtt", patience)
    prepared = before()
    if settings.watchdog.every_s:
        try:
            watchdog_log_in.keep(data)
        except (OSError, sqlite3.Error) as problem:
            say(f"the watchdog has no token of its own ({problem}): it will say that it hears nothing")
    asyncio.run(_watch(settings, prepared, then, config))
    return 0


async def _watch(settings: Settings, prepared: T, then: Callable[[Service, T], Awaitable[None]], config: Path | None) -> None:
    service = Service(settings, config, demo=isinstance(prepared, demo.Secrets))
    await service.run(lambda: then(service, prepared))


def _keep(path: Path, body: bytes) -> None:
    """Whole or as it was: a half that is started again reads it, also when the disk has filled up since."""
    try:
        if not path.exists() or path.read_bytes() != body:
            demo.write_private(path, body)
    except OSError as problem:
        raise CommandFailed(f"cannot write {path}: {problem.strerror}") from problem


def _free(host: str, port: int, where: str, patience: float) -> None:
    """CommandFailed, which says where the address is written, when it is not to be had."""
    while True:
        try:
            take(host, port)
        except OSError as problem:
            if problem.errno != errno.EADDRINUSE or monotonic() >= patience:
                raise CommandFailed(f"port {port} on {host}: {problem.strerror}; choose another one with {where}") from problem
        else:
            return
        sleep(0.05)


def say(sentence: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # whoever listened is gone; that ends nobody's watch over the halves
        print(f"anju: {sentence}", file=sys.stderr, flush=True)  # noqa: T201 - a command speaks to its shell


async def _production(service: Service, password: str) -> None:
    if password:
        say(f"first log-in: {ADMIN} / {password} (shown this once; make the other users with it and change it)")
    await service.ready()
    settings = service.settings
    ways = [f"on port {address.port}{' (TLS)' if address.tls else ''}" for address in settings.mqtt.addresses]
    ways += [f"by {settings.broker.url}"] if settings.broker.url else []
    say(f"ready: console {service.url}, kits {' and '.join(ways)}")


async def _demo(service: Service, asked: argparse.Namespace, log_ins: demo.Secrets) -> None:
    data = service.data
    endpoints = data / "endpoints.json"
    async with connected(data) as control:
        while True:
            try:
                await demo.register(control, asked.homes, asked.seed, load_models(service.settings), log_ins)
                break
            except AlarmProcessAway:
                continue
            except IllegalTransition as refused:  # a disk that fills up again, most likely: the homes of the last start are heard
                say(f"the demo community waits: {refused}")
                await asyncio.sleep(DEMO_RETRY_S)
    await service.ready()
    tls = data / "tls"
    secure = (tls / "ca.pem").exists()  # a disk that was full at the first start has none
    others = "mqtts, ws, wss" if secure else "ws"
    kits = f"127.0.0.1:{service.settings.mqtt.port}"
    body = {
        "http": service.url,
        "mqtt": f"mqtt://{kits}",
        "ws": f"ws://{kits}{WEBSOCKET_PATH}",
        **({"mqtts": f"mqtts://{kits}", "wss": f"wss://{kits}{WEBSOCKET_PATH}", "ca": str(tls / "ca.pem")} if secure else {}),
        "operator": {"username": "operator", "password": log_ins.operator},
        "token": log_ins.token,
        "device": {
            "username": demo.DEVICE,
            "password": log_ins.device,
            **({"certificate": str(tls / f"{demo.DEVICE}.pem"), "key": str(tls / f"{demo.DEVICE}.key")} if secure else {}),
        },
    }
    demo.write_private(endpoints, json.dumps(body, indent=1).encode())
    print(  # noqa: T201 - what the person who typed the command is waiting for
        f"\n安居 Anju is up\n\n  console   {service.url}\n  log-in    operator / {log_ins.operator}\n"
        f"  kits      mqtt://{kits}, and {others} on the same port\n  scripts   {endpoints}\n\n  Ctrl-C stops it.\n",
        flush=True,
    )
    if not asked.no_simulator:
        words = ["-m", "simulator", "live", "--endpoints", str(endpoints), "--seed", str(asked.seed), "--watch-stdin"]
        await service.start(Child("the simulator", words, say, dispensable=800))
