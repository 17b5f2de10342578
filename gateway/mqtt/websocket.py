"""MQTT within WebSocket: the request is judged, then frames are taken off what comes and put around what goes.

Sources: RFC 6455; MQTT 3.1.1 and 5.0, chapter 6. What is refused is answered with one line that says what was expected, since whoever
sees it holds a browser or a proxy's log.
"""

import asyncio
import base64
import binascii
import hashlib
from http import HTTPStatus

from gateway.mqtt.frames import Close, Data, Frames, FrameViolation, Op, Ping, Status, closing, frame
from gateway.mqtt.layer import Layer
from gateway.settings import WEBSOCKET_PATH

SUBPROTOCOL = "mqtt"
REQUEST_BYTES = 8192
"""The longest request, up to its empty line."""
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class _Refused(Exception):  # noqa: N818 - the client's request, not a mistake of ours
    def __init__(self, status: HTTPStatus, why: str, *headers: str) -> None:
        self.status, self.why, self.headers = status, why, headers
        super().__init__(why)


class WebSocket(Layer):
    """What is above it is connected once the request is granted."""

    __slots__ = ("_ended", "_frames", "_request")

    def __init__(self, upper: asyncio.Protocol) -> None:
        super().__init__(upper)
        self._request: bytes | None = b""
        self._frames = Frames()
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._hold(transport)

    def data_received(self, data: bytes) -> None:
        if self.is_closing():
            return
        if self._request is not None:
            self._request += data
            head, ended, data = self._request.partition(b"\r\n\r\n")
            if not ended and len(head) <= REQUEST_BYTES:
                return
            try:
                answer = _granted(head)
            except _Refused as refused:
                self._refuse(refused)
                return
            self._request = None
            super().write(answer)
            self.upper.connection_made(self)
        self._take(data)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._ended:
            super().write(frame(Op.BINARY, data))

    def close(self) -> None:
        """Say that it ends; the client hangs up, or says so too and we do (7.1.1). Who waits no longer than that for it aborts."""
        if not self._ended:
            self._ended = True
            super().write(closing(Status.NORMAL))

    # --- within ---

    def _take(self, data: bytes) -> None:
        pieces: list[bytes] = []
        pongs: list[bytes] = []
        last = b""
        try:
            for one in self._frames.receive(data):
                match one:
                    case Data(payload):
                        pieces.append(payload)
                    case Ping(payload) if not self._ended:
                        pongs.append(frame(Op.PONG, payload))
                    case Close(payload):
                        last = frame(Op.CLOSE, payload[:2])  # the status comes back as it was said
                        break
                    case _:
                        pass
        except FrameViolation as violation:
            last = closing(violation.status, violation.reason)
        if pongs:
            super().write(b"".join(pongs))
        if pieces and not self._ended:
            self.upper.data_received(b"".join(pieces))
        if last:
            self._end(last)

    def _end(self, last: bytes) -> None:
        if not self._ended:
            super().write(last)
        self._ended = True
        super().close()

    def _refuse(self, refused: _Refused) -> None:
        self._ended = True
        super().write(refusal(refused.status, refused.why, *refused.headers))
        super().close()


def refusal(status: HTTPStatus, why: str, *headers: str) -> bytes:
    """An answer of one line, and the end."""
    body = f"{why}\n".encode()
    head = [
        f"HTTP/1.1 {status} {status.phrase}", "Content-Type: text/plain; charset=utf-8", f"Content-Length: {len(body)}",
        "Connection: close", *headers,
    ]  # fmt: skip
    return "\r\n".join([*head, "", ""]).encode() + body


def _granted(head: bytes) -> bytes:
    """The answer that opens the WebSocket (RFC 6455, 4.2)."""
    if len(head) > REQUEST_BYTES:
        raise _Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the request is over {REQUEST_BYTES} bytes")
    request, *lines = head.decode("latin-1").split("\r\n")
    method, _, rest = request.partition(" ")
    target, _, version = rest.partition(" ")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip() or not name:
            raise _Refused(HTTPStatus.BAD_REQUEST, "a line of the request is no header")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if not version.startswith("HTTP/"):
        raise _Refused(HTTPStatus.BAD_REQUEST, "this is the endpoint of MQTT; it takes MQTT and WebSocket")
    if target.partition("?")[0] != WEBSOCKET_PATH:
        raise _Refused(HTTPStatus.NOT_FOUND, f"MQTT over WebSocket is at {WEBSOCKET_PATH}")
    upgrade = "websocket" in _tokens(headers, "upgrade") and "upgrade" in _tokens(headers, "connection")
    if method != "GET" or version != "HTTP/1.1" or not upgrade:
        raise _Refused(HTTPStatus.UPGRADE_REQUIRED, "only a WebSocket is taken here, for MQTT", "Upgrade: websocket")
    if headers.get("sec-websocket-version") != "13":
        raise _Refused(HTTPStatus.UPGRADE_REQUIRED, "the version of WebSocket is 13", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
    key = headers.get("sec-websocket-key", "")
    try:
        whole = len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        whole = False
    if not whole:
        raise _Refused(HTTPStatus.BAD_REQUEST, "Sec-WebSocket-Key is to be 16 bytes in base64")
    if SUBPROTOCOL not in _tokens(headers, "sec-websocket-protocol"):
        raise _Refused(HTTPStatus.BAD_REQUEST, f"the subprotocol is to be {SUBPROTOCOL} [MQTT-6.0.0-3]")
    accept = base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
    ).encode()


def _tokens(headers: dict[str, str], name: str) -> list[str]:
    return [token.strip().lower() for token in headers.get(name, "").split(",")]
