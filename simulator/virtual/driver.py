"""A virtual device on a real socket: asyncio carries bytes and rings timers, and decides nothing."""

import asyncio
import ssl
from datetime import datetime
from pathlib import Path

import msgspec

from simulator.virtual.device import VirtualDevice
from simulator.virtual.pace import Pace
from simulator.virtual.radio import Shown
from simulator.virtual.stimulus import Deed
from simulator.virtual.websocket import Refused, WebSocket

CONNECTED_WITHIN_S = 10.0
_IGNORE_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL, for firmware that does not look at it."""


class Way(msgspec.Struct, frozen=True):
    """Where a device connects, and how. `trust`: the PEM of the one authority that it trusts, empty: the system's; None for no TLS.

    `name`: of the server, in its certificate. `certificate`: a file with the device's own and its key.
    """

    host: str
    port: int
    trust: str | None = None
    name: str = "localhost"
    certificate: Path | None = None
    websocket: type[WebSocket] | None = None


class Driver:
    """To be begun in a running loop."""

    def __init__(self, device: VirtualDevice, way: Way, pace: Pace) -> None:
        self.device, self._way, self._pace = device, way, pace
        self._line: _Line | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def act(self, deed: Deed) -> None:
        self.device.act(deed, self._pace.now)
        self.pump()

    async def close(self) -> None:
        """Let go of the socket; the device stays as it is."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait({self._connecting})
        self._drop()

    # --- from the socket ---

    def came(self, line: "_Line", data: bytes) -> None:
        if line is self._line:
            self.device.receive(data, self._pace.now)
            self.pump()

    def gone(self, line: "_Line") -> None:
        if line is self._line:
            self._line = None
            self.device.line_down(self._pace.now)
            self.pump()

    def pump(self) -> None:
        """After anything that happened: send, connect or drop, and set the timer."""
        if self._closed:
            return
        if self._line is not None and self.device.output:
            self._line.say(bytes(self.device.output))
            self.device.output.clear()
        if self._line is not None and not self.device.wants_line:
            self._drop()
            self.device.line_down(self._pace.now)
        if self._line is None and self.device.wants_line and self._connecting is None:
            self._connecting = asyncio.get_running_loop().create_task(self._connect(), name="virtual device connects")
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = self.device.next_deadline
        self._timer = None if due is None else asyncio.get_running_loop().call_later(self._pace.delay_s(due), self._ring, due)

    def _ring(self, due: datetime) -> None:
        self._timer = None
        now = self._pace.now
        if now >= due:
            self.device.advance(now)
            self.pump()
        else:
            self._set_timer()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        line: _Line | None = None
        try:
            async with asyncio.timeout(CONNECTED_WITHIN_S):
                way = self._way
                secured = None if way.trust is None else self._context(way.trust)
                upgrade = None if way.websocket is None else way.websocket(way.name)
                _, line = await loop.create_connection(
                    lambda: _Line(self, upgrade), way.host, way.port, ssl=secured, server_hostname=None if secured is None else way.name,
                )  # fmt: skip
                await line.opened
        except (OSError, TimeoutError):
            if line is not None:
                line.transport.abort()
            line = None
        self._connecting = None
        if self._closed or not self.device.wants_line:
            if line is not None:
                line.transport.abort()
        elif line is None or line.is_over:
            self.device.line_down(self._pace.now)
        else:
            self._line = line
            self.device.line_up(self._pace.now)
        self.pump()

    def _context(self, trust: str) -> ssl.SSLContext:
        """As its firmware judges certificates."""
        found = ssl.create_default_context(cadata=trust or None)
        found.check_hostname = not self.device.trusts(Shown(named=False))
        if self.device.trusts(Shown(in_date=False)):
            found.verify_flags |= _IGNORE_TIME
        if self.device.trusts(Shown(trusted=False)):
            found.check_hostname = False
            found.verify_mode = ssl.CERT_NONE
        if self._way.certificate is not None:
            found.load_cert_chain(self._way.certificate)
        return found

    def _drop(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.transport.abort()


class _Line(asyncio.Protocol):
    """`opened` is done when MQTT may be spoken over it."""

    def __init__(self, driver: Driver, upgrade: WebSocket | None) -> None:
        self._driver, self._upgrade = driver, upgrade
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self._upgrade is None:
            self.opened.set_result(None)
        else:
            self._flush(self._upgrade)

    def say(self, data: bytes) -> None:
        self.transport.write(data if self._upgrade is None else self._upgrade.frame(data))

    def data_received(self, data: bytes) -> None:
        if self._upgrade is not None:
            try:
                data = self._upgrade.receive(data)
            except Refused:
                self._flush(self._upgrade)
                self.transport.close()
                return
            self._flush(self._upgrade)
            if self._upgrade.open and not self.opened.done():
                self.opened.set_result(None)
        if data:
            self._driver.came(self, data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        self.is_over = True
        if not self.opened.done():
            self.opened.set_result(None)
        self._driver.gone(self)

    def _flush(self, upgrade: WebSocket) -> None:
        if upgrade.output:
            self.transport.write(bytes(upgrade.output))
            upgrade.output.clear()
