"""`/mqtt`: a kit's WebSocket goes through to the endpoint, for counties whose one open port is that of the console.

Bytes are passed as they come, the request first, and the endpoint answers all of it: WebSocket is spoken in one place. Before them
goes one line that says who calls (HAProxy's PROXY protocol, version 1), on a socket that only this user may connect to, so that
guessing at passwords is slowed down for the address that guesses. Behind a reverse proxy that address is the proxy's.
"""

import asyncio
import resource
import socket
from pathlib import Path
from typing import Protocol, cast

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from gateway.settings import WEBSOCKET_PATH

CONSOLES = 1024
"""Files that are kept for the desk, whatever is relayed; each relayed kit takes two."""
SEND_AHEAD_BYTES = 64 * 1024
LINE_DEAD_S = 60
"""After which a line that answers nothing is taken for cut, as at the endpoint itself."""

router = APIRouter()


@router.get(WEBSOCKET_PATH, include_in_schema=False)
async def plain() -> PlainTextResponse:
    """Somebody looked with a browser."""
    return PlainTextResponse("only a WebSocket is taken here, for MQTT\n", 426, {"Upgrade": "websocket"})


class _Connections(Protocol):
    """What uvicorn gives to the protocol of an upgraded connection; those in `connections` are told to end with it."""

    @property
    def connections(self) -> "set[object]": ...


def room() -> int:
    """How many kits this process may relay, by the files that it may have open."""
    return max(0, (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - CONSOLES) // 2)


def relay_to(kits: Path, most: int) -> type[asyncio.Protocol]:
    """The protocol for upgraded connections; `kits` is the endpoint's socket, `most` how many may be relayed at a time."""
    relayed: set[Relay] = set()

    class ToKits(Relay):
        def __init__(self, *, server_state: _Connections, **_: object) -> None:
            super().__init__(kits, server_state.connections, relayed, most)

    return ToKits


class _Half(asyncio.Protocol):
    """One of two lines that are one; what one cannot send the other does not read."""

    def __init__(self) -> None:
        self.line: asyncio.Transport | None = None
        self.other: _Half | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.line = cast("asyncio.Transport", transport)
        self.line.set_write_buffer_limits(high=SEND_AHEAD_BYTES)

    def data_received(self, data: bytes) -> None:
        if self.other is not None and self.other.line is not None:
            self.other.line.write(data)

    def pause_writing(self) -> None:
        if self.other is not None and self.other.line is not None:
            self.other.line.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.line is not None:
            self.other.line.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.line = None
        if self.other is not None and self.other.line is not None:
            self.other.line.close()


class Relay(_Half):
    """The client's half; the other one is opened with its request."""

    def __init__(self, kits: Path, connections: "set[object]", relayed: "set[Relay]", most: int) -> None:
        super().__init__()
        self._kits = kits
        self._connections = connections
        self._relayed = relayed
        self._most = most
        self._opening: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        line: socket.socket | None = transport.get_extra_info("socket")
        if line is not None:  # a client that is gone without a word is noticed here alone: the endpoint sees this process
            line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, LINE_DEAD_S // 2)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, LINE_DEAD_S // 6)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
        self._connections.add(self)
        self._relayed.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._relayed.discard(self)
        if self._opening is not None:
            self._opening.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.line is None or self.line.is_closing():
            return
        if self._opening is None:
            self._asked(data)
        else:
            super().data_received(data)

    def shutdown(self) -> None:
        """The server ends; the kit comes again when the web process does."""
        if self.line is not None:
            self.line.close()

    def _asked(self, request: bytes) -> None:
        path = request.partition(b" ")[2].partition(b" ")[0].partition(b"?")[0]
        if path != WEBSOCKET_PATH.encode():
            self._refuse("404 Not Found", f"MQTT over WebSocket is at {WEBSOCKET_PATH}")
        elif len(self._relayed) > self._most:
            self._refuse("503 Service Unavailable", "too many kits come in by this port")
        else:
            assert self.line is not None
            self.line.pause_reading()
            self._opening = asyncio.get_running_loop().create_task(self._open(request))

    async def _open(self, request: bytes) -> None:
        half = _Half()
        half.other = self
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: half, str(self._kits))
        except OSError:
            self._refuse("503 Service Unavailable", "the endpoint for kits does not answer")
            return
        if self.line is None:
            if half.line is not None:
                half.line.close()
            return
        self.other = half
        if half.line is not None:
            half.line.write(_introduced(self.line) + request)
        self.line.resume_reading()

    def _refuse(self, status: str, why: str) -> None:
        if self.line is not None:
            body = f"{why}\n".encode()
            head = ("Content-Type: text/plain; charset=utf-8", f"Content-Length: {len(body)}", "Connection: close")
            self.line.write("\r\n".join([f"HTTP/1.1 {status}", *head, "", ""]).encode() + body)
            self.line.close()


def _introduced(line: asyncio.Transport) -> bytes:
    """`PROXY TCP4 192.0.2.7 198.51.100.1 50000 443`: source, destination and their ports."""
    there, here = line.get_extra_info("peername"), line.get_extra_info("sockname")
    if not there or not here:
        return b"PROXY UNKNOWN\r\n"
    family = "TCP6" if ":" in there[0] else "TCP4"
    return f"PROXY {family} {there[0]} {here[0]} {there[1]} {here[1]}\r\n".encode()
