"""The lines of thousands of homes in one process, on the pure client of `devices.mqtt`: one socket and one timer a home, no task.

The same promises as `link.py`: QoS 1, a persistent session, the will, and whatever was unacknowledged again after a reconnect. Each
connection has a client of its own, since the hub's outbox, not the client, is what remembers.
"""

import asyncio
import ssl
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

from devices.mqtt.client import Acknowledged, Client, Silent
from devices.mqtt.packets import Connack, Connect, ProtocolViolation, Publish, Refusal, Suback, Will
from simulator.gauges import Gauges
from simulator.hub import Hub
from simulator.link import ACK_S, WINDOW, Broker, pause_s, trust
from simulator.weather import Road, Weather

CONNECTING_AT_ONCE = 100
WELCOME_S = 10.0
GOODBYE_S = 2.0
CUT = "cut"
LOOKS_S = 1.0
"""How often a line in bad weather looks whether a letter is overdue; others look with their keep-alive."""
_ORIGIN = datetime(2000, 1, 1, tzinfo=UTC)


class _Line(asyncio.Protocol):
    """One connection's life. `ended` gives why it is over."""

    def __init__(self, hub: Hub, client: Client, gauges: Gauges) -> None:
        loop = asyncio.get_running_loop()
        self.welcome: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[str] = loop.create_future()
        self._closed = asyncio.Event()
        self._hub, self._client, self._gauges = hub, client, gauges
        self._road = None if hub.weather is None else Road(hub.weather, self._put, self._heard)
        self._flights: dict[int, tuple[int, float]] = {}
        self._opened_s = 0.0
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._opened_s = transport, time.monotonic()
        self._client.open(_now())
        self._flush()
        self._set_timer()

    def data_received(self, data: bytes) -> None:
        if self._road is None:
            self._heard(data)
        else:
            self._road.came(data)

    def _heard(self, data: bytes) -> None:
        try:
            for event in self._client.receive(data, _now()):
                match event:
                    case Connack(code=0):
                        self._client.subscribe(tuple((each, 1) for each in self._hub.filters))
                    case Connack(code=code):
                        self.end(f"refused: {Refusal(code).name.lower() if code in list(Refusal) else code}")
                    case Suback():
                        self._hub.came_up()
                        self._gauges.welcomed(time.monotonic() - self._opened_s)
                        self.welcome.set_result(None)
                        self.send()
                    case Acknowledged() if self._loses_it():
                        self._gauges.struck["PUBACKs lost"] += 1
                    case Acknowledged(number):
                        flight, sent_s = self._flights.pop(number)
                        self._hub.settled(flight)
                        self._gauges.acknowledged(time.monotonic() - sent_s)
                    case Publish(topic, payload):
                        self._hub.hear(topic, payload)
        except ProtocolViolation as violation:
            self.end(f"the broker broke the protocol: {violation}")
        self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()
        self.end(str(exc) if exc is not None else "the broker closed the connection")

    def send(self) -> None:
        """What the hub has to say, as far as the window goes. The plug is pulled when the line is cut."""
        if self._hub.cut:
            self.end(CUT)
        if self.ended.done():  # what is said in the pause before the next line is that one's to send
            return
        while self.welcome.done() and self._client.unacknowledged < WINDOW and (taken := self._hub.take()) is not None:
            flight, letter = taken
            number = self._client.publish(letter.topic, letter.payload, 1, retain=letter.retain, now=_now())
            self._flights[number] = flight, time.monotonic()
        self._flush()

    def end(self, why: str) -> None:
        """Drop the socket without a goodbye."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._road is not None:
            self._road.end()
        if self._transport is not None:
            self._transport.abort()
        if not self.ended.done():
            self.ended.set_result(why)

    async def leave(self) -> None:
        """Say goodbye if there is still somebody to say it to, so that no will is sent; returns once the socket is closed."""
        if self._transport is None:
            return
        if not self.ended.done():
            self._client.close()
            self._flush()
            self._transport.close()
        try:
            async with asyncio.timeout(GOODBYE_S):  # `wait_for` of Python 3.11 may swallow the end that it is told meanwhile
                await self._closed.wait()
        except TimeoutError:
            self.end("it does not take our goodbye")
        if self._timer is not None:
            self._timer.cancel()

    def _flush(self) -> None:
        if self._client.output and self._transport is not None and not self._transport.is_closing():
            said = bytes(self._client.output)
            self._client.output.clear()
            if self._road is None:
                self._put(said)
            else:
                self._road.send(said)

    def _put(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _loses_it(self) -> bool:
        return self._hub.weather is not None and self._hub.weather.loses_puback()

    @property
    def _is_overdue(self) -> bool:
        """A letter that nobody acknowledges: the server would, if it had heard it and we had heard the server."""
        oldest = next(iter(self._flights.values()), None)
        return oldest is not None and time.monotonic() - oldest[1] > ACK_S

    def _set_timer(self) -> None:
        deadline = self._client.next_deadline
        if deadline is not None:
            wait_s = max(0.0, (deadline - _now()).total_seconds())
            if self._road is not None:
                wait_s = min(wait_s, LOOKS_S)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._keep_alive)

    def _keep_alive(self) -> None:
        try:
            self._client.advance(_now())
        except Silent:
            self.end("the broker does not answer")
            return
        if self._is_overdue:
            self.end("a letter was not acknowledged")
            return
        self._flush()
        self._set_timer()


async def keep_connected(hub: Hub, broker: Broker, client_id: str, gate: asyncio.Semaphore, gauges: Gauges) -> None:
    """For ever; ends by being cancelled, then with a goodbye. `gate` bounds how many homes connect at once."""
    restored = asyncio.Event()
    attempt = 0
    while True:
        hub.poke = restored.set
        while hub.cut:
            restored.clear()
            await restored.wait()
        line = _Line(hub, Client(_connect(hub, broker, client_id)), gauges)
        try:
            async with gate:
                await _dial(line, broker, hub.weather, gauges)
                await asyncio.wait((line.welcome, line.ended), timeout=WELCOME_S, return_when=asyncio.FIRST_COMPLETED)
            if not line.welcome.done():
                line.end("no welcome")
            else:
                attempt = 0
                hub.poke = line.send
                line.send()
            await asyncio.wait((line.ended,))  # being cancelled here must leave the line alone: it still says goodbye
            why = line.ended.result()
            if why == CUT and hub.weather is not None:
                gauges.struck["connections cut"] += 1
            elif not hub.cut:
                gauges.failed(why)
            hub.went_down(why)
        except OSError as problem:
            gauges.failed(problem.strerror or str(problem))
            hub.went_down(str(problem))
        finally:
            await line.leave()
            if hub.connected:
                hub.went_down()
        if not hub.cut:
            await asyncio.sleep(pause_s(attempt))
            attempt += 1


async def discard(broker: Broker, client_id: str, gate: asyncio.Semaphore) -> None:
    """Have the broker forget the session: a connection with a clean one, and a goodbye. A broker that is away is left alone."""
    connect = Connect(
        client_id=client_id, clean_session=True, keep_alive=broker.keep_alive_s, username=broker.username, password=_secret(broker),
    )
    client = Client(connect)
    async with gate:
        with suppress(OSError, ProtocolViolation, TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                reader, writer = await asyncio.open_connection(
                    broker.host, broker.port, ssl=trust(broker.ca) if broker.tls else None, local_addr=_source(broker),
                )  # fmt: skip
                try:
                    client.open(_now())
                    writer.write(bytes(client.output))
                    client.output.clear()
                    while not client.welcome and (data := await reader.read(4096)):
                        list(client.receive(data, _now()))
                    client.close()
                    writer.write(bytes(client.output))
                finally:
                    writer.close()
                    await writer.wait_closed()


async def _dial(line: _Line, broker: Broker, weather: Weather | None, gauges: Gauges) -> None:
    if weather is not None and weather.misled:
        gauges.struck["connections to where nobody is"] += 1
        raise ConnectionRefusedError("nobody is where the broker's name leads")
    if weather is not None and weather.distrusts and broker.tls:
        gauges.struck["certificates refused"] += 1
    await asyncio.get_running_loop().create_connection(
        partial(_itself, line), broker.host, broker.port,
        ssl=_trusted(broker, weather), local_addr=_source(broker),
    )  # fmt: skip


def _source(broker: Broker) -> tuple[str, int] | None:
    """Any port of the address that the connections of this process come from; None: the system's choice."""
    return (broker.source, 0) if broker.source else None


def _trusted(broker: Broker, weather: Weather | None) -> ssl.SSLContext | None:
    if not broker.tls:
        return None
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if weather is not None and weather.distrusts else trust(broker.ca)


def _itself(line: _Line) -> _Line:
    """What asyncio calls a protocol factory, for a protocol that is there already."""
    return line


def _connect(hub: Hub, broker: Broker, client_id: str) -> Connect:
    return Connect(
        client_id=client_id,
        clean_session=False,
        keep_alive=broker.keep_alive_s,
        username=broker.username,
        password=_secret(broker),
        will=Will(hub.will.topic, hub.will.payload, 1, retain=True),
    )


def _secret(broker: Broker) -> bytes | None:
    return broker.password.encode() if broker.password is not None else None


def _now() -> datetime:
    """A clock that only grows, in the form that the client takes; which day it shows does not matter to it."""
    return _ORIGIN + timedelta(seconds=time.monotonic())
