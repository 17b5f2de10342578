"""What lies outside the folder: the service itself, the way in for kits, certificates, brokers, channels, time-series stores.

Everything here is asked as its users ask it, and nothing is sent: an MQTT conversation, a page, a greeting of a mail server.
"""

import asyncio
import errno
import fcntl
import os
import ssl
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import httpx
import msgspec

from devices.mqtt.encode import encode
from devices.mqtt.packets import Connect, Disconnect, Pingreq
from gateway.address import near, origin, take
from gateway.clock import MACHINE
from gateway.mqtt.keys import Keys
from gateway.notify.channel import NotifyError
from gateway.notify.settings import channels, load_notify
from gateway.operations.finding import Finding, Findings, fail, ok, warn
from gateway.problem import CommandFailed
from gateway.settings import Settings, broker_address, reveal
from gateway.store.folder import Layout

PATIENCE_S = 5.0


class Login(msgspec.Struct, frozen=True):
    username: str
    password: str


def runs(data: Path) -> bool:
    """Whether an alarm process has the folder."""
    try:
        handle = os.open(Layout(data).lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


async def service(settings: Settings) -> list[Finding]:
    """While it runs: whether it answers, and what it says. While it does not: whether its ports are free."""
    if not runs(Path(settings.data)):
        return [warn("service", "it does not run"), *_ports(settings)]
    url = f"{origin(settings.http.host, settings.http.port)}/readyz"
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S) as client:
            answer = await client.get(url)
            body = msgspec.json.decode(answer.content, type=_Readiness)
    except (httpx.HTTPError, msgspec.MsgspecError, UnicodeDecodeError) as problem:
        return [fail("service", f"the alarm process runs, {url} does not answer ({problem or type(problem).__name__}): see its log")]
    if answer.status_code == 200:
        said = "; ".join(problem.en for problem in body.problems)
        return [warn("service", said) if said else ok("service", f"ready, the journal at {body.seq:,}")]
    return [fail("service", problem.en) for problem in body.problems] or [fail("service", "not ready")]


class _Words(msgspec.Struct):
    en: str


class _Readiness(msgspec.Struct):
    seq: int
    problems: tuple[_Words, ...] = ()


def _ports(settings: Settings) -> Findings:
    for key, host, port in settings.listening:
        try:
            take(host, port)
        except OSError as problem:
            if problem.errno in (errno.EACCES, errno.EPERM):
                yield fail(key, f"{port} is for root alone: CAP_NET_BIND_SERVICE in the unit, or a port over 1023")
            elif problem.errno == errno.EADDRINUSE:
                yield fail(key, f"{port} on {host}: {problem.strerror}; another program has it")
            else:
                yield fail(key, f"{port} on {host}: {problem.strerror}; this machine has no such address")
        else:
            yield ok(key, f"{port} on {host} is free")


# --- MQTT ------------------------------------------------------------------------------------------------------------------------


async def endpoint(settings: Settings, login: Login | None) -> list[Finding]:
    """A CONNECT as kits send it. Without a log-in it is refused, which is an answer too; with one there is a round trip behind it."""
    if not runs(Path(settings.data)):
        return []
    found = []
    if settings.mqtt.plain:
        found.append(await _spoken("kits", near(settings.mqtt.host), settings.mqtt.port, None, login))
    tls = settings.mqtt.tls
    if tls is not None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # whether they trust it is for the kits to say
        found.append(await _spoken("kits, TLS", near(tls.host), tls.port, context, login))
    return found


async def _spoken(what: str, host: str, port: int, context: ssl.SSLContext | None, login: Login | None) -> Finding:
    try:
        code = await mqtt(host, port, context, login, "anju-doctor")
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as problem:
        if context is not None and isinstance(problem, ssl.SSLError) and "CERTIFICATE_REQUIRED" in str(problem):
            return ok(what, f"{host}:{port} speaks TLS and asks for a certificate")
        return fail(what, f"{host}:{port} does not speak MQTT: {str(problem) or type(problem).__name__}")
    if code == 0:
        return ok(what, f"{host}:{port} speaks MQTT, there and back")
    if login is None and code in (4, 5):
        return ok(what, f"{host}:{port} speaks MQTT, and lets no stranger in")
    return fail(what, f"{host}:{port} refused the log-in (code {code})")


async def mqtt(host: str, port: int, context: ssl.SSLContext | None, login: Login | None, client_id: str) -> int:
    """CONNECT, PINGREQ, DISCONNECT in 3.1.1, which every broker speaks; the return code. OSError, TimeoutError, IncompleteReadError."""
    connect = Connect(client_id=client_id, keep_alive=30)
    if login is not None:
        connect = msgspec.structs.replace(connect, username=login.username, password=login.password.encode())
    else:
        connect = msgspec.structs.replace(connect, username=client_id, password=b"")
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection(host, port, ssl=context)
        try:
            writer.write(encode(connect))
            answer = await reader.readexactly(4)
            if answer[0] != 0x20:
                raise OSError(f"it answered {answer.hex(' ')}, which is no CONNACK")
            if answer[3] == 0:
                writer.write(encode(Pingreq()))
                if await reader.readexactly(2) != b"\xd0\x00":
                    raise OSError("it did not answer a PINGREQ")
                writer.write(encode(Disconnect()))
            return answer[3]
        finally:
            writer.close()


async def broker(settings: Settings, environment: Mapping[str, str]) -> list[Finding]:
    asked = settings.broker
    address = broker_address(asked.url) if asked.url else None
    if address is None:
        return []
    host, port, tls = address
    try:
        context = None
        if tls:
            context = ssl.create_default_context(cafile=asked.ca or None)
            if asked.certificate:
                context.load_cert_chain(asked.certificate, asked.key)
        login = Login(asked.username, reveal(asked.password, Path(), environment)) if asked.username else None
    except (OSError, ValueError) as problem:
        return [fail("broker", f"{asked.url}: {problem}")]
    return [await _spoken("broker", host, port, context, login)]


def certificates(settings: Settings) -> Findings:
    tls = settings.mqtt.tls
    if tls is None:
        return
    keys = Keys(tls, MACHINE.wall)
    usable = keys.read()
    for problem in keys.problems:
        yield warn("certificate", problem.en) if usable and "ended" not in problem.en else fail("certificate", problem.en)
    if usable and not keys.problems and keys.expires_at is not None:
        days = (keys.expires_at - MACHINE.wall()).days
        yield ok("certificate", f"{tls.certificate} and its key belong together, until {keys.expires_at:%Y-%m-%d} ({days} days)")


# --- ways out --------------------------------------------------------------------------------------------------------------------


async def notification(settings: Settings, environment: Mapping[str, str]) -> list[Finding]:
    """Whether each receiver is there and lets us in, up to where something would be sent."""
    if not settings.notify:
        return [warn("channels", "none: an alert rings on the desk alone")]
    path = Path(settings.notify)
    try:
        ways = channels(load_notify(path), path, wall=MACHINE.wall, zone=settings.zone, environment=environment)
    except CommandFailed as problem:
        return [fail("channels", line) for line in str(problem).splitlines()]
    try:
        return await asyncio.gather(*(_reached(f"channel {way.name}", way.reach) for way in ways))
    finally:
        for way in ways:
            await way.close()


async def _reached(what: str, reach: Callable[[], Awaitable[str]]) -> Finding:
    try:
        return ok(what, await reach())
    except NotifyError as problem:
        return fail(what, problem.detail)


async def outside_stores(settings: Settings) -> list[Finding]:
    """Whether anything answers where readings are sent; what it refuses, the service says."""
    found = []
    for store in settings.telemetry.stores:
        what = f"store {store.name}"
        try:
            trust = ssl.create_default_context(cafile=store.ca or None)
            async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S, verify=trust) as client:
                answer = await client.get(f"{store.url.rstrip('/')}/health")
        except (httpx.HTTPError, OSError) as problem:
            found.append(warn(what, f"{store.url} does not answer ({problem or type(problem).__name__}): readings wait in the journal"))
        else:
            good = answer.status_code < 500
            found.append((ok if good else warn)(what, f"{store.url} answers ({answer.status_code})"))
    return found
