"""A device's side of a WebSocket: the request, MQTT's bytes in masked frames, an answer to each ping (RFC 6455; MQTT, chapter 6)."""

import secrets
from base64 import b64encode

from simulator.frames import PATH, SUBPROTOCOL, Frame, Frames, Op, accepted, written

REQUEST_BYTES = 8192


class Refused(Exception):  # noqa: N818 - the server's word
    """The server grants no WebSocket, or ends it."""


class WebSocket:
    """`output` is to be sent, then cleared. A device with a fault is a subclass."""

    def __init__(self, host: str) -> None:
        self._key = b64encode(secrets.token_bytes(16)).decode()
        self._answer: bytes | None = b""
        self._frames = Frames()
        self.output = bytearray(self.request(host))

    @property
    def open(self) -> bool:
        """The server has granted it."""
        return self._answer is None

    def receive(self, data: bytes) -> bytes:
        """What of it is MQTT. Refused where the server does not grant it, or says that it ends."""
        if self._answer is not None:
            self._answer += data
            head, ended, data = self._answer.partition(b"\r\n\r\n")
            if not ended and len(head) <= REQUEST_BYTES:
                return b""
            granted = f"sec-websocket-accept: {accepted(self._key)}".lower()
            if not head.startswith(b"HTTP/1.1 101") or granted not in head.decode("latin-1").lower():
                raise Refused
            self._answer = None
        return b"".join(self._heard(frame) for frame in self._frames.feed(data))

    def _heard(self, frame: Frame) -> bytes:
        match frame.op:
            case Op.PING:
                self.pinged(frame.payload)
            case Op.CLOSE:
                self.told_that_it_ends(frame.payload)
            case _:
                pass
        return frame.payload if frame.op in (Op.BINARY, Op.CONTINUATION) else b""

    # --- behaviours ---

    def request(self, host: str) -> bytes:
        return (
            f"GET {PATH} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {self._key}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
        ).encode()

    def frame(self, data: bytes) -> bytes:
        return written(Op.BINARY, data, secrets.token_bytes(4))

    def pinged(self, payload: bytes) -> None:
        self.output += written(Op.PONG, payload, secrets.token_bytes(4))

    def told_that_it_ends(self, payload: bytes) -> None:
        """It says so too, and goes (5.5.1)."""
        self.output += written(Op.CLOSE, payload[:2], secrets.token_bytes(4))
        raise Refused
