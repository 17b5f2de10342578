"""The hub's line to a broker, through aiomqtt: a client that shares no code with our endpoint.

MQTT 3.1.1, QoS 1 both ways, a persistent session under a stable client id, the will on the hub's status. For thousands of homes see
`fleet.py`, which does the same with less.
"""

import asyncio
import contextlib
import logging
import random
import socket
import ssl
import time
from collections.abc import Coroutine
from functools import cache
from typing import Self
from urllib.parse import unquote, urlsplit

import aiomqtt
import msgspec

from simulator.gauges import Gauges
from simulator.hub import Hub, Letter

KEEP_ALIVE_S = 30
WINDOW = 20
"""Letters in flight at once; brokers give a client about so many."""
ACK_S = 30.0
"""A letter unacknowledged for so long: the line is taken for dead and everything is sent again. A full disk looks like that."""
FIRST_PAUSE_S, LAST_PAUSE_S = 0.25, 5.0

log = logging.getLogger("simulator.mqtt")


class BrokerError(Exception):
    """The broker's address is not one, in one line."""


class Broker(msgspec.Struct, frozen=True):
    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: bool = False
    ca: str = ""
    """A file of certificates to trust instead of the system's."""
    source: str = ""
    """The address that we come from; one address has some 28,000 ports."""
    keep_alive_s: int = KEEP_ALIVE_S

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@cache
def trust(ca: str) -> ssl.SSLContext:
    """One for all lines. BrokerError where the file is none."""
    try:
        return ssl.create_default_context(cafile=ca or None)
    except (OSError, ssl.SSLError) as problem:
        raise BrokerError(f"--ca {ca}: {problem}") from None


def broker_at(url: str, ca: str = "") -> Broker:
    """Of `mqtt://user:password@host:port` or `mqtts://`; user and password may be percent-encoded."""
    parts = urlsplit(url)
    tls = parts.scheme == "mqtts"
    try:
        port = parts.port or (8883 if tls else 1883)
    except ValueError:
        raise BrokerError(f"{parts.hostname}: the port is not a number from 1 to 65535") from None
    if parts.scheme in ("wss", "ws"):
        raise BrokerError(f"{parts.scheme}: virtual homes speak MQTT over TCP or TLS: mqtt://host:port or mqtts://host:port")
    if ca and not tls:
        raise BrokerError("--ca: only with mqtts://")
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or parts.path.strip("/"):
        raise BrokerError(f"{parts.scheme or url}: a broker is written mqtt://user:password@host:port")
    return Broker(
        parts.hostname, port,
        unquote(parts.username) if parts.username else None, unquote(parts.password) if parts.password else None,
        tls, ca,
    )  # fmt: skip


def pause_s(attempt: int) -> float:
    """How long to wait before another try, so that a thousand homes do not come back in one moment."""
    longest = min(FIRST_PAUSE_S * 2.0 ** min(attempt, 10), LAST_PAUSE_S)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret


async def keep_connected(hub: Hub, broker: Broker, client_id: str, gauges: Gauges) -> None:
    """For ever; ends by being cancelled, then with a goodbye."""
    news = asyncio.Event()
    hub.poke = news.set
    attempt = 0
    while True:
        while hub.cut:
            news.clear()
            await news.wait()
        began_s = time.monotonic()
        try:
            async with _client(hub, broker, client_id) as client:
                client.pending_calls_threshold = 2 * WINDOW
                await client.subscribe([(each, 1) for each in hub.filters])
                _end_if_told()  # aiomqtt waits by `wait_for`, which may swallow it in Python 3.11
                hub.came_up()
                gauges.welcomed(time.monotonic() - began_s)
                attempt = 0
                await _converse(client, hub, news, gauges)
        except aiomqtt.MqttError as problem:
            if not hub.cut:
                gauges.failed(str(problem))
            hub.went_down(str(problem))
            _end_if_told()  # the line broke at the moment of our end, or at our goodbye
        finally:
            if hub.connected:
                hub.went_down()
        if not hub.cut:
            await asyncio.sleep(pause_s(attempt))
            attempt += 1


def _end_if_told() -> None:
    """CancelledError where this task was told to end and something else was heard instead."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class _Client(aiomqtt.Client):
    """How a connection ended stands in a future that aiomqtt asks only where somebody waits for a message; asyncio would complain."""

    async def __aenter__(self) -> Self:
        self._disconnected.add_done_callback(_looked_at)  # also where it does not come to a connection
        entered = await super().__aenter__()
        self._disconnected.add_done_callback(_looked_at)
        return entered


def _looked_at(future: asyncio.Future[None]) -> None:
    if not future.cancelled():
        future.exception()


def _client(hub: Hub, broker: Broker, client_id: str) -> _Client:
    return _Client(
        broker.host,
        broker.port,
        username=broker.username,
        password=broker.password,
        identifier=client_id,
        protocol=aiomqtt.ProtocolVersion.V311,
        clean_session=False,
        keepalive=broker.keep_alive_s,
        max_inflight_messages=WINDOW,
        timeout=10,
        socket_options=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
        will=aiomqtt.Will(hub.will.topic, hub.will.payload, qos=1, retain=True),
        tls_context=trust(broker.ca) if broker.tls else None,
        bind_address=broker.source,
        logger=log,
    )


async def _converse(client: aiomqtt.Client, hub: Hub, news: asyncio.Event, gauges: Gauges) -> None:
    """Until the connection ends, by whatever side; MqttError then.

    No task group: Python 3.11.2, Debian 12's, leaves a task that had one as if it were still being cancelled.
    """
    window = asyncio.Semaphore(WINDOW)
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    over.add_done_callback(_looked_at)
    tasks: set[asyncio.Task[None]] = set()

    def begin(work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(ended)

    def ended(task: asyncio.Task[None]) -> None:
        tasks.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None and not over.done():
            over.set_exception(problem)

    async def deliver(flight: int, letter: Letter) -> None:
        sent_s = time.monotonic()
        try:
            await client.publish(letter.topic, letter.payload, qos=1, retain=letter.retain, timeout=ACK_S)
            hub.settled(flight)
            gauges.acknowledged(time.monotonic() - sent_s)
        finally:
            window.release()

    async def send() -> None:
        while not hub.cut:
            news.clear()
            while hub.has_news and not hub.cut:
                await window.acquire()
                taken = hub.take()
                if taken is None:
                    window.release()
                    break
                begin(deliver(*taken))
            await news.wait()
        _drop(client)

    async def listen() -> None:
        async for message in client.messages:
            if isinstance(message.payload, bytes):
                hub.hear(str(message.topic), message.payload)

    try:
        begin(listen())
        begin(send())
        await over
    finally:
        left = tuple(tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def _drop(client: aiomqtt.Client) -> None:
    """Pull the plug: the other end sees the connection gone and gets no DISCONNECT, hence sends the will."""
    plug = client._client.socket()  # noqa: SLF001 - a client library has no way to be cut off
    if isinstance(plug, socket.socket):
        with contextlib.suppress(OSError):
            plug.shutdown(socket.SHUT_RDWR)
