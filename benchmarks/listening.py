"""Alarms as they come out: from Anju's server-sent events, and from a WebSocket of the peer. Plain sockets, read without waiting."""

import base64
import secrets
import socket
from typing import Protocol

import msgspec

READ_BYTES = 1 << 18


class Alarm(msgspec.Struct):
    """`home` has one; `over` when somebody has closed it. `id` is empty where alarms have none."""

    home: str
    id: str
    over: bool


class Alarms(Protocol):
    def fileno(self) -> int: ...

    def read(self) -> list[Alarm]:
        """Whole ones that have come; none when there is nothing to read."""

    def close(self) -> None: ...


class _Alert(msgspec.Struct):
    id: str
    home: str | None
    status: str


class _Found(msgspec.Struct):
    home: str


_alert = msgspec.json.Decoder(_Alert)
_found = msgspec.json.Decoder(_Found)


class Closed(Exception):  # noqa: N818 - a state of the world
    """The other end has closed the stream."""


class ServerSent:
    """`GET /api/v1/stream` with a bearer token."""

    def __init__(self, port: int, token: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.sendall(
            f"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
            "Accept: text/event-stream\r\n\r\n".encode(),
        )
        self._chunks = _head(self._socket, b"200")
        self._text = b""
        self._socket.setblocking(False)

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self) -> list[Alarm]:
        self._chunks += _receive(self._socket)
        while (line := self._chunks.find(b"\r\n")) >= 0:
            end = line + 2 + int(self._chunks[:line], 16)
            if len(self._chunks) < end + 2:
                break
            self._text += self._chunks[line + 2 : end]
            self._chunks = self._chunks[end + 2 :]
        *events, self._text = self._text.split(b"\n\n")
        return [_of_event(event) for event in events if b"event: alert\n" in event]

    def close(self) -> None:
        self._socket.close()


def _of_event(event: bytes) -> Alarm:
    alert = _alert.decode(event[event.index(b"data: ") + 6 :])
    return Alarm(alert.home or "", alert.id, alert.status == "closed")


class WebSocket:
    """Text frames of JSON that name a home; each is an alarm."""

    def __init__(self, port: int, path: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode(),
        )
        self._frames = _head(self._socket, b"101")
        self._socket.setblocking(False)

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self) -> list[Alarm]:
        self._frames += _receive(self._socket)
        found: list[Alarm] = []
        while len(self._frames) >= 4:
            size, begin = self._frames[1] & 0x7F, 2
            if size >= 126:
                begin = 4 if size == 126 else 10
                size = int.from_bytes(self._frames[2:begin], "big")
            if len(self._frames) < begin + size:
                break
            if self._frames[0] & 0x0F == 1:
                found.append(Alarm(_found.decode(self._frames[begin : begin + size]).home, "", over=False))
            self._frames = self._frames[begin + size :]
        return found

    def close(self) -> None:
        self._socket.close()


def _head(line: socket.socket, status: bytes) -> bytes:
    """Read the answer's head; what came behind it."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = line.recv(4096)
        if not more:
            raise Closed
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    if head.split()[1] != status:
        raise RuntimeError(f"answered with {head.splitlines()[0].decode()}")
    return rest


def _receive(line: socket.socket) -> bytes:
    try:
        data = line.recv(READ_BYTES)
    except BlockingIOError:
        return b""
    if not data:
        raise Closed
    return data
