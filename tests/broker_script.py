"""A broker that does what a test tells it to, packet by packet: for what no sound one does on demand."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from config.accepting import accept_no_more
from devices.mqtt.packets import Kind
from tests.brokers import Server

WELCOME, WELCOME_BACK = b"\x20\x02\x00\x00", b"\x20\x02\x01\x00"


def publish(packet_id: int, topic: str, payload: bytes, *, dup: bool = False, qos: int = 1) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic.encode() + (packet_id.to_bytes(2, "big") if qos else b"") + payload
    size, length = len(body), b""
    while True:
        size, low = divmod(size, 128)
        length += bytes([low | (128 if size else 0)])
        if not size:
            return bytes([0x30 | qos << 1 | dup << 3]) + length + body


class Caller:
    """One connection of Anju's: what it said, in order, without its pings."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.packets: list[tuple[int, bytes]] = []
        """(kind, body)"""
        self.gone = False
        self.mute = False
        """It takes everything and answers nothing, like a line whose other end has lost its power."""

    @property
    def client_id(self) -> str:
        return next((body[12 : 12 + body[11]].decode() for kind, body in self.packets if kind == Kind.CONNECT), "")

    @property
    def acknowledged(self) -> list[int]:
        """Packet identifiers, in the order of their PUBACKs."""
        return [int.from_bytes(body, "big") for kind, body in self.packets if kind == Kind.PUBACK]

    def asked(self, kind: Kind) -> int:
        return sum(one == kind for one, _ in self.packets)

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def cut(self) -> None:
        self.writer.transport.abort()


class Scripted(Server):
    """`answer(caller, kind, body)` gives what is said to a packet; by default it lets everybody in, and grants everything."""

    name = "a scripted broker"

    def __init__(self, answer: Callable[[Caller, int, bytes], bytes | None] | None = None) -> None:
        self.port = 0
        self.callers: list[Caller] = []
        self._answer = answer or (lambda _caller, _kind, _body: None)

    def session(self, name: str, count: int = 1) -> Caller:
        """The connection, the `count`th, of the session for `alarms` or `readings`."""
        return [caller for caller in self.callers if caller.client_id == f"anju-{name}"][count - 1]

    def count(self, name: str) -> int:
        return sum(caller.client_id == f"anju-{name}" for caller in self.callers)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        caller = Caller(writer)
        self.callers.append(caller)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind = (await reader.readexactly(1))[0] >> 4
                size = shift = 0
                while True:
                    byte = (await reader.readexactly(1))[0]
                    size |= (byte & 127) << shift
                    shift += 7
                    if byte < 128:
                        break
                body = await reader.readexactly(size)
                if caller.mute:
                    continue
                if kind == Kind.PINGREQ:
                    caller.send(b"\xd0\x00")
                    continue
                caller.packets.append((kind, body))
                said = self._answer(caller, kind, body)
                caller.send(_usual(kind, body) if said is None else said)
        caller.gone = True
        writer.close()


def _usual(kind: int, body: bytes) -> bytes:
    if kind == Kind.CONNECT:
        return WELCOME
    if kind == Kind.SUBSCRIBE:
        filters, at = 0, 2
        while at < len(body):
            at += 3 + int.from_bytes(body[at : at + 2], "big")
            filters += 1
        return bytes([0x90, 2 + filters]) + body[:2] + b"\x01" * filters
    return b""


@contextlib.asynccontextmanager
async def scripted(answer: Callable[[Caller, int, bytes], bytes | None] | None = None) -> AsyncIterator[Scripted]:
    broker = Scripted(answer)
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    broker.port = server.sockets[0].getsockname()[1]
    try:
        yield broker
    finally:
        await accept_no_more(server)
        server.close()
        for caller in broker.callers:
            caller.cut()
