"""One connection to an outside broker: asyncio's transport on the outside, on the inside what paho takes for its socket.

Why paho is not given a socket of its own: its `reconnect` looks the name up, connects and shakes hands in the calling thread, seconds
in which no call would be heard; in a thread of its own every message and every acknowledgement would cross between threads, under
locks. Here asyncio does the waiting, TLS included (so that no decrypted byte is ever left pending where nobody looks), a burst of
acknowledgements leaves in one write, and a transport that is paused is back-pressure as far as the broker.

Why a PUBLISH does not go through paho: it reads one in 18 µs (3.1.1) or 37 µs (5.0, properties), which would be most of what a report
may cost in all; and it holds whatever length the packet says, up to 256 MiB. Here one is read in 2 µs, and of one over its limit the
first KiB. Nor does its acknowledgement, which paho writes in 1.4 µs: those of a commit are joined in 0.1 µs each. Everything else is
paho's: CONNECT and CONNACK, subscriptions, keep-alive, what is sent and sent again.
"""

import asyncio
import contextlib
import errno
import os
import ssl
from collections.abc import Callable
from typing import cast

import msgspec

from devices.decode import BRIDGE_LIMIT, EXCERPT, REPORT_LIMIT
from gateway.mqtt.company import bridged

PATIENCE_S = 10.0
"""For a name, a connection, a TLS handshake."""
FAREWELL_S = 1.0
"""How long a broker that we leave may take to read what it was told."""
_PUBLISH = 3
_SKIP_AT = REPORT_LIMIT // 2
"""A packet under this is read as it is; a longer one is looked at for its limit before the rest of it is held."""
_LONGEST_HEAD = 2 + 65_535 + 2 + 4 + EXCERPT


class BrokerAddress(msgspec.Struct, frozen=True):
    host: str
    port: int
    tls: ssl.SSLContext | None = None


class Incoming(msgspec.Struct, frozen=True, gc=False):
    """A PUBLISH of the broker. `size`: how long the payload was; past its limit only the first KiB is in `payload`."""

    topic: str
    payload: bytes
    size: int
    qos: int
    packet_id: int
    retain: bool
    dup: bool


class Malformed(Exception):  # noqa: N818 - as ProtocolViolation
    """The broker sent what is no MQTT."""


class Line(asyncio.Protocol):
    """`publish` gets each PUBLISH, `packet` is called when paho may read one of the others, `lost` once, with the reason."""

    def __init__(self, *, properties: bool, publish: Callable[[Incoming], None], packet: Callable[[], None], flush: Callable[[], None],
                 lost: Callable[[str], None]) -> None:  # fmt: skip
        self._properties = properties
        self._publish = publish
        self._packet = packet
        self._before_flush = flush
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._held = bytearray()
        self._need = 2
        self._skip = 0
        self._head: tuple[int, bytes, int] | None = None
        """Of a PUBLISH that is read past: its first byte, its beginning, its whole length."""
        self._inward = b""
        self._outward = bytearray()
        self._flushing = False
        self._ended = False
        self._gone = asyncio.Event()
        self.paused = False

    # --- asyncio's side ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._gone.set()
        self.end(f"the connection broke ({exc})" if exc is not None else "the broker closed the connection")

    def data_received(self, data: bytes) -> None:
        if self._ended:
            return
        try:
            self._take(data)
        except Malformed as malformed:
            self.end(f"the broker broke the protocol: {malformed}")

    # --- the session's side ---

    def pause(self) -> None:
        """Leave what comes to the kernel, and so to the broker."""
        if not self.paused and self._transport is not None:
            self.paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self.paused and self._transport is not None:
            self.paused = False
            self._transport.resume_reading()

    def wake(self) -> None:
        """There is something to send: at the end of this turn of the loop, all of it in one write."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        self._flushing = True
        try:
            self._before_flush()
        finally:
            self._flushing = False
        if self._outward and self._transport is not None:
            self._transport.write(bytes(self._outward))
        self._outward.clear()

    def end(self, why: str) -> None:
        """Once. What was handed to the kernel may still reach the broker; nothing more is read."""
        if self._ended:
            return
        self._ended = True
        if self._transport is not None:
            self._transport.abort()
        self._lost(why)

    async def leave(self) -> None:
        """Send what there is to send, and close; a broker that does not take it is left all the same."""
        self._ended = True  # paho closes its socket as soon as the DISCONNECT is handed over; it must still reach the broker
        self.flush()
        transport = self._transport
        if transport is not None:
            transport.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await self._gone.wait()
            transport.abort()

    # --- paho's side: what it takes for a socket ---

    def recv(self, size: int) -> bytes:
        """Of the one packet that is being handed over."""
        if not self._inward:
            if self._ended:
                return b""
            raise BlockingIOError
        piece, self._inward = self._inward[:size], self._inward[size:]
        return piece

    def send(self, data: bytes | bytearray) -> int:
        """Whole packets: all of it is taken, so that no other stands between two pieces of one."""
        self._outward += data
        self.wake()
        return len(data)

    def close(self) -> None:
        self.end("the session was ended")

    def fileno(self) -> int:
        return -1

    def setblocking(self, flag: bool) -> None:
        """It never blocks."""

    # --- packets ---

    def _take(self, data: bytes) -> None:
        if self._skip:
            data = self._read_past(data)
        if self._held:
            self._held += data
            if len(self._held) < self._need:
                return
            data = bytes(self._held)
            self._held.clear()
        at, end = 0, len(data)
        self._need = 2
        while end - at >= 2:
            first, size, body = data[at], data[at + 1], at + 2
            if size > 127:
                length = _length(data, at + 1, end)
                if length is None:
                    break
                size, body = length
            stop = body + size
            if first >> 4 == _PUBLISH:
                if stop > end and size > _SKIP_AT:
                    if end - body < min(size, _LONGEST_HEAD):
                        self._need = body - at + min(size, _LONGEST_HEAD)
                        break
                    if size > self._longest(first, data, body):
                        self._head, self._skip = (first, data[body : body + _LONGEST_HEAD], size), stop - end
                        return
                if stop > end:
                    self._need = stop - at
                    break
                self._publish(self._read(first, data, body, stop, size))
            elif stop > end:
                self._need = stop - at
                break
            else:
                self._inward = data[at:stop]
                self._packet()
            if self._ended:
                return
            at = stop
        self._held += data[at:] if at else data

    def _read_past(self, data: bytes) -> bytes:
        """What of it is behind the packet that is not held."""
        passed = min(self._skip, len(data))
        self._skip -= passed
        if not self._skip and self._head is not None:
            (first, head, size), self._head = self._head, None
            self._publish(self._read(first, head, 0, len(head), size))
        return data[passed:]

    def _read(self, first: int, data: bytes, at: int, stop: int, size: int) -> Incoming:
        """The PUBLISH whose body begins at `at`; `size` is the whole length of that body, of which `stop - at` bytes are here."""
        begin, qos, packet_id = at, first >> 1 & 3, 0
        at += 2 + (data[at] << 8 | data[at + 1])
        topic = str(data[begin + 2 : at], "utf-8", "backslashreplace")
        if qos:
            packet_id = data[at] << 8 | data[at + 1] if at + 1 < stop else 0
            at += 2
        if self._properties:
            length = _length(data, at, stop)
            if length is None:
                raise Malformed("a PUBLISH that ends in its properties")
            at = length[0] + length[1]
        if at - begin > size or qos > 1 or (qos and not packet_id):
            raise Malformed(f"a PUBLISH of {size} bytes on {topic[:80]!r} that is none at QoS 0 or 1")
        came = size - (at - begin)
        payload = data[at:stop]
        if came > REPORT_LIMIT and came > (BRIDGE_LIMIT if bridged(topic) else REPORT_LIMIT):
            payload = payload[:EXCERPT]
        return Incoming(topic, payload, came, qos, packet_id, bool(first & 1), bool(first & 8))

    def _longest(self, first: int, data: bytes, body: int) -> int:
        """The longest body that is held of a PUBLISH on its topic: a little more than its limit, which `_read` judges to the byte."""
        head = self._read(first, data, body, min(len(data), body + _LONGEST_HEAD), len(data) - body)
        return (BRIDGE_LIMIT if bridged(head.topic) else REPORT_LIMIT) + _LONGEST_HEAD


def _length(data: bytes, at: int, end: int) -> tuple[int, int] | None:
    """A variable byte integer and where it ends; None while it is not whole."""
    value = 0
    for number in range(4):
        if at + number >= end:
            return None
        byte = data[at + number]
        value |= (byte & 127) << 7 * number
        if byte < 128:
            return value, at + number + 1
    raise Malformed("a length of more than four bytes")


async def dial(address: BrokerAddress, make: Callable[[], Line]) -> Line:
    """Look the name up anew, connect, shake hands. OSError or TimeoutError when there is nobody."""
    loop = asyncio.get_running_loop()
    host = address.host if address.tls is not None else None
    async with asyncio.timeout(PATIENCE_S):
        _, line = await loop.create_connection(make, address.host, address.port, ssl=address.tls, server_hostname=host)
    return line


def unreachable(problem: Exception) -> str:
    """Why `dial` failed, for people."""
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f"its certificate does not hold: {problem.verify_message}"
    if isinstance(problem, TimeoutError):
        return f"no answer within {PATIENCE_S:g} s"
    code = problem.errno if isinstance(problem, OSError) and not isinstance(problem, ssl.SSLError) else None
    if code in errno.errorcode and code is not None:
        return os.strerror(code)  # the sentence of asyncio's own is about a call, and an address we know
    return getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
