"""A device's WebSocket as the bench sees it: what it asks for, each frame that is not as it should be, and MQTT's bytes within.

It takes what another server would refuse, and writes it down: a clause judges. Sources: RFC 6455; MQTT 3.1.1 and 5.0, chapter 6.
"""

from datetime import datetime

from simulator.certification.endpoint import Endpoint
from simulator.certification.trace import Framed, Upgraded, Way
from simulator.frames import SUBPROTOCOL, Frame, Frames, Op, TooLong, accepted, written

REQUEST_BYTES = 8192
_DATA = (Op.BINARY, Op.CONTINUATION)


class Upgrade:
    """`answers`: there is something to be sent that is no MQTT."""

    def __init__(self, endpoint: Endpoint, connection: int) -> None:
        self._endpoint, self._connection = endpoint, connection
        self._request: bytes | None = b""
        self._frames = Frames()
        self._output = bytearray()
        self.answers = False

    def receive(self, data: bytes, now: datetime) -> bytes:
        """What of it is MQTT."""
        if self._request is not None:
            self._request += data
            head, ended, data = self._request.partition(b"\r\n\r\n")
            if not ended:
                if len(head) > REQUEST_BYTES:
                    self._endpoint.hang_up(self._connection, now, "a request without an end")
                return b""
            self._request = None
            self._greet(head, now)
        try:
            return b"".join(self._payload(frame, now) for frame in self._frames.feed(data))
        except TooLong:
            self._endpoint.hang_up(self._connection, now, "a frame that is too long")
            return b""

    def take(self) -> bytes:
        said = bytes(self._output)
        self._output.clear()
        self.answers = False
        return said

    def wrapped(self, data: bytes) -> bytes:
        """In frames as the server is told to cut them."""
        size = self._endpoint.behaviour.bytes_per_frame or len(data)
        return b"".join(written(Op.BINARY, data[at : at + size]) for at in range(0, len(data), size))

    def _payload(self, frame: Frame, now: datetime) -> bytes:
        data = frame.op in _DATA
        if not data or not frame.masked:
            trace = self._endpoint.trace
            trace.add(Framed(trace.mark, now, self._connection, Way.UP, frame.op, frame.payload[:125], frame.masked))
        if frame.op == Op.PING:
            self._say(written(Op.PONG, frame.payload))
        return frame.payload if data or frame.op == Op.TEXT else b""

    def _greet(self, head: bytes, now: datetime) -> None:
        request, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        target = request.split(" ")[1] if request.count(" ") == 2 else ""
        offered = tuple(name.strip() for name in headers.get("sec-websocket-protocol", "").split(",") if name.strip())
        trace = self._endpoint.trace
        trace.add(Upgraded(trace.mark, now, self._connection, target, offered, headers.get("sec-websocket-version", "")))
        chosen = f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n" if SUBPROTOCOL in offered else ""
        self._say(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + f"Sec-WebSocket-Accept: {accepted(headers.get('sec-websocket-key', ''))}\r\n{chosen}\r\n".encode(),
        )

    def _say(self, data: bytes) -> None:
        self._output += data
        self.answers = True
