"""The bench behind an outside broker: a client of it that hears the one device, and gives it commands and receipts.

MQTT 5.0, for the options by which a subscriber sees what a device has said of its messages: QoS 2, so that its QoS stays what it was;
"retain as published", so that its flag does; "no local", so that the bench does not hear itself.
"""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta

from devices.mqtt.client import Acknowledged, Client, Silent
from devices.mqtt.packets import FIVE, REFUSED, Connack, Connect, Disconnect, Option, ProtocolViolation, Publish, Reason, Suback
from simulator.certification.overheard import Overheard
from simulator.certification.player import Player
from simulator.link import Broker, trust
from simulator.virtual.pace import Pace
from simulator.wire import Channel

ANSWERED_WITHIN_S = 10.0
KEEP_ALIVE_S = 30
GOODBYE_S = 2.0
OPTIONS = 2 | Option.NO_LOCAL | Option.AS_PUBLISHED
"""QoS 2; what is retained comes with each subscription."""
_ORIGIN = datetime(2000, 1, 1, tzinfo=UTC)


class BrokerGone(ConnectionError):  # noqa: N818 - a state of the world
    """The broker does not let the bench do its work; one line."""


class Behind(Player):
    """`host`, `port` and credential in `broker` are the bench's own, not the device's."""

    def __init__(self, endpoint: Overheard, pace: Pace, address: Broker) -> None:
        super().__init__(endpoint, pace)
        self.broker = str(address)
        self._overheard, self._address = endpoint, address
        self._filter = f"{endpoint.identity.topic(Channel.REPORT).rpartition('/')[0]}/+"
        self._line: _Line | None = None

    async def listen(self) -> None:
        """Returns once it hears the device's topics. BrokerGone, OSError."""
        address, loop = self._address, asyncio.get_running_loop()
        secured = trust(address.ca) if address.tls else None
        try:
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                _, self._line = await loop.create_connection(lambda: _Line(self), address.host, address.port, ssl=secured)
                await self._line.listening
        except TimeoutError:
            raise BrokerGone(f"broker {address}: no answer within {ANSWERED_WITHIN_S:g} s") from None

    async def close(self) -> None:
        self.stop()
        if self._line is not None:
            await self._line.leave()

    def begin_anew(self) -> None:
        """What the broker keeps of the device comes again."""
        super().begin_anew()
        if self._line is not None:
            self._line.subscribe(self._filter)

    def carry(self) -> None:
        while self._line is not None and self._overheard.outgoing:
            self._line.publish(self._overheard.outgoing.popleft())

    def check(self) -> None:
        if self._line is not None and self._line.ended.done():
            raise BrokerGone(f"broker {self._address}: {self._line.ended.result()}")

    # --- from the line ---

    def connect(self) -> Connect:
        password = None if self._address.password is None else self._address.password.encode()
        name = f"anju-bench-{secrets.token_hex(4)}"
        return Connect(name, True, KEEP_ALIVE_S, self._address.username, password, level=FIVE)

    def welcomed(self, line: "_Line") -> None:
        line.subscribe(self._filter)

    def granted(self, code: int) -> str:
        """Why the subscription is of no use; empty where it is."""
        if code >= REFUSED:
            return f"it does not let {self._address.username or 'nobody'} read {self._filter}"
        return "" if code else "it grants QoS 0 alone, by which messages are lost"

    def heard(self, packet: Publish) -> None:
        self._overheard.heard(packet, self.pace.now)

    def refused(self, code: int) -> str:
        return f"it does not take a command of {self._address.username or 'nobody'} to the device: {_named(code)}"



class _Line(asyncio.Protocol):
    """`listening` is done with the first subscription; `ended` gives why it is over."""

    def __init__(self, behind: Behind) -> None:
        loop = asyncio.get_running_loop()
        self.listening: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[str] = loop.create_future()
        self._behind, self._client = behind, Client(behind.connect())
        self._gone = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def subscribe(self, text: str) -> None:
        self._client.subscribe(((text, OPTIONS),))
        self._flush()

    def publish(self, packet: Publish) -> None:
        try:
            self._client.publish(packet.topic, packet.payload, packet.qos, now=_now())
        except ValueError as wrong:
            self._end(f"it does not take a command of the suite: {wrong}")
        self._flush()

    async def leave(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self.listening.done():
            self.listening.cancel()
        if self._transport is None:
            return
        if not self._transport.is_closing():
            self._client.close()
            self._flush()
            self._transport.close()
        try:
            async with asyncio.timeout(GOODBYE_S):
                await self._gone.wait()
        except TimeoutError:
            self._transport.abort()

    # --- from asyncio ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._client.open(_now())
        self._flush()
        self._tick()

    def data_received(self, data: bytes) -> None:
        try:
            for event in self._client.receive(data, _now()):
                self._event(event)
        except ProtocolViolation as wrong:
            self._end(f"it broke the protocol: {wrong}")
        self._flush()
        self._behind.pump()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone.set()
        self._end(str(exc) if exc is not None else "it closed the connection")
        self._behind.pump()

    # --- within ---

    def _event(self, event: object) -> None:
        match event:
            case Connack(code=0):
                self._behind.welcomed(self)
            case Connack(code=code):
                self._end(f"it refuses the bench: {_named(code)}")
            case Suback(codes=codes):
                why = self._behind.granted(codes[0])
                if why:
                    self._end(why)
                elif not self.listening.done():
                    self.listening.set_result(None)
            case Publish() as packet:
                self._behind.heard(packet)
            case Acknowledged(code=code) if code >= REFUSED:
                self._end(self._behind.refused(code))
            case Disconnect(code):
                self._end(f"it says goodbye: {_named(code)}")
            case _:
                pass

    def _end(self, why: str) -> None:
        if not self.ended.done():
            self.ended.set_result(why)
            if not self.listening.done():
                self.listening.set_exception(BrokerGone(f"broker {self._behind.broker}: {why}"))
            if self._transport is not None:
                self._transport.abort()

    def _flush(self) -> None:
        if self._client.output and self._transport is not None and not self._transport.is_closing():
            self._transport.write(bytes(self._client.output))
            self._client.output.clear()

    def _tick(self) -> None:
        try:
            self._client.advance(_now())
        except Silent:
            self._end("it does not answer")
            return
        self._flush()
        self._timer = asyncio.get_running_loop().call_later(1.0, self._tick)


def _named(code: int) -> str:
    return Reason(code).name.lower().replace("_", " ") if code in list(Reason) else f"code {code}"


def _now() -> datetime:
    """A clock that only grows, as the client takes it."""
    return _ORIGIN + timedelta(seconds=asyncio.get_running_loop().time())
