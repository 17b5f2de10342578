"""The endpoint core on a listening socket, for whatever device comes: TCP, TLS with certificates of both sides, WebSocket.

A clause sees a connection from its first byte: the one of the clause before is cut.
"""

import asyncio
import ssl

from config.accepting import accept_no_more
from simulator.certification.authority import Authority
from simulator.certification.endpoint import Endpoint
from simulator.certification.player import Player
from simulator.certification.trace import Proved
from simulator.certification.upgrade import Upgrade
from simulator.frames import written
from simulator.virtual.pace import Pace

HANDSHAKE_S = 10.0
FAREWELL_S = 2.0
"""For a handshake that is under way at the end, and for what was dropped to be gone."""


class Stand(Player):
    """`authority`: for TLS. `asks`: for the device's own certificate too. `port` is there once it listens."""

    def __init__(self, endpoint: Endpoint, pace: Pace, authority: Authority | None = None, *, asks: bool = False) -> None:
        super().__init__(endpoint, pace)
        self.port = 0
        self._authority, self._asks = authority, asks
        self._sockets: dict[int, _Socket] = {}
        self._greeted: dict[int, int] = {}
        self._server: asyncio.Server | None = None
        self._closing = False

    async def listen(self, host: str, port: int) -> None:
        """OSError where that is not possible."""
        secured = None
        if self._authority is not None:
            secured = self._authority.shown(self.endpoint.behaviour, asks=self._asks)
            secured.sni_callback = self._hello
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Socket(self), host, port, ssl=secured, ssl_handshake_timeout=HANDSHAKE_S if secured else None,
        )  # fmt: skip
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        self.stop()
        self._closing = True
        for socket in list(self._sockets.values()):
            socket.drop()
        if self._server is not None:
            gone = asyncio.create_task(self._server.wait_closed())  # Python 3.11 waits only where that began before the end
            await accept_no_more(self._server)
            self._server.close()
            await asyncio.wait([gone], timeout=FAREWELL_S)
            gone.cancel()

    def begin_anew(self) -> None:
        self.endpoint.cut(self.pace.now, "the next clause begins")
        self.pump()
        super().begin_anew()

    # --- from the sockets ---

    def opened(self, socket: "_Socket") -> int | None:
        secured = socket.transport.get_extra_info("ssl_object")
        known = None if secured is None else self._greeted.pop(id(secured), None)
        connection = self.endpoint.open(self.pace.now) if secured is None else known
        if self._closing or connection is None or connection not in self.endpoint.lines:
            socket.transport.abort()
            return None
        if self._asks:
            trace = self.endpoint.trace
            trace.add(Proved(trace.mark, self.pace.now, connection, _name_of(socket.transport.get_extra_info("peercert"))))
        self._sockets[connection] = socket
        self.pump()
        return connection

    def came(self, connection: int, data: bytes) -> None:
        self.endpoint.receive(connection, data, self.pace.now)
        self.pump()

    def gone(self, connection: int) -> None:
        self._sockets.pop(connection, None)
        self.endpoint.lost(connection, self.pace.now)
        self.pump()

    def carry(self) -> None:
        now = self.pace.now
        for connection, socket in list(self._sockets.items()):
            data = self.endpoint.take(connection, now)
            if data:
                socket.say(data)
            for op, payload in self.endpoint.take_asides(connection):
                socket.say_aside(op, payload)
            if self.endpoint.ended(connection):
                del self._sockets[connection]
                self.endpoint.lost(connection, now)
                # What was written still goes; a peer that does not take it must not keep the socket.
                socket.transport.close()
                asyncio.get_running_loop().call_later(1.0, socket.drop)

    def _hello(self, secured: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        """A ClientHello: here the certificate is chosen, and here a device that refuses it has been seen."""
        assert self._authority is not None
        behaviour = self.endpoint.behaviour
        secured.context = self._authority.shown(behaviour, asks=self._asks)
        told = f"TLS, {behaviour.certificate} certificate" + (f", for {name}" if name else "")
        connection = self.endpoint.open(self.pace.now, told)
        if connection is not None:
            self._greeted[id(secured)] = connection
            asyncio.get_running_loop().call_later(HANDSHAKE_S, self._broken_off, id(secured), connection)

    def _broken_off(self, secured: int, connection: int) -> None:
        if self._greeted.get(secured) == connection:
            del self._greeted[secured]
            self.endpoint.lost(connection, self.pace.now)


class _Socket(asyncio.Protocol):
    """One connection. What begins as a request of HTTP goes on as a WebSocket."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._over = False
        self._connection: int | None = None
        self._upgrade: Upgrade | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._connection = self._stand.opened(self)

    def data_received(self, data: bytes) -> None:
        if self._connection is None:
            return
        endpoint, now = self._stand.endpoint, self._stand.pace.now
        if self._upgrade is None and endpoint.untouched(self._connection) and data[:1] == b"G":
            self._upgrade = Upgrade(endpoint, self._connection)
        if self._upgrade is None:
            self._stand.came(self._connection, data)
            return
        data = self._upgrade.receive(data, now)
        if self._upgrade.answers:
            self.transport.write(self._upgrade.take())
        if data:
            self._stand.came(self._connection, data)
        else:
            self._stand.pump()

    def say(self, data: bytes) -> None:
        self.transport.write(data if self._upgrade is None else self._upgrade.wrapped(data))

    def say_aside(self, op: int, payload: bytes) -> None:
        if self._upgrade is not None:
            self.transport.write(written(op, payload))

    def drop(self) -> None:
        if not self._over:  # an SSL transport of Python 3.11 that is gone already cannot be aborted
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        self._over = True
        if self._connection is not None:
            self._stand.gone(self._connection)


def _name_of(certificate: object) -> str:
    """The common name in what `ssl` tells of a peer; empty where it showed nothing."""
    if not isinstance(certificate, dict):
        return ""
    return next((value for part in certificate.get("subject", ()) for name, value in part if name == "commonName"), "")
