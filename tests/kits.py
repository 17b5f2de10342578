"""A client of few words for the stories of the endpoint, over a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

from devices.mqtt.encode import encode
from devices.mqtt.packets import Connack, Connect, Packet, Will
from devices.mqtt.reader import Reader
from tests.endpoint import OWN, PASSWORD, Endpoint

REPORT, ALARM, STATUS, COMMAND = f"{OWN}/report", f"{OWN}/alarm", f"{OWN}/status", f"{OWN}/command"


class Kit:
    """A client of few words: says packets, hears packets."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._from = reader
        self.writer = writer
        self._reader = Reader(lambda _: 10**7)
        self._heard: list[Packet] = []

    async def say(self, *packets: Packet) -> None:
        self.writer.write(b"".join(map(encode, packets)))
        await self.writer.drain()

    async def hear(self, count: int = 1, within: float = 10) -> list[Packet]:
        async with asyncio.timeout(within):
            while len(self._heard) < count:
                data = await self._from.read(65_536)
                if not data:
                    raise EOFError(self._heard)
                self._heard.extend(self._reader.feed(data))
        heard, self._heard = self._heard[:count], self._heard[count:]
        return heard

    async def ended(self, within: float = 10) -> list[Packet]:
        """Everything until the endpoint hangs up."""
        try:
            await self.hear(10**9, within)
        except (EOFError, ConnectionResetError):
            heard, self._heard = self._heard, []
            return heard
        raise AssertionError("unreachable")


def hello(user: str = "cord", client: str = "c", *, clean: bool = True, keep_alive: int = 0, will: Will | None = None) -> Connect:
    return Connect(client, clean, keep_alive, user, PASSWORD.encode(), will)


@asynccontextmanager
async def kit(at: Endpoint, connect: Connect | None = None, *, present: bool = False, buffer: int = 0) -> AsyncIterator[Kit]:
    """A connection; with a CONNECT, one that was welcomed. `buffer`: bytes its kernel takes in before anybody reads."""
    line = socket.socket()
    if buffer:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    line.setblocking(False)
    await asyncio.get_running_loop().sock_connect(line, ("127.0.0.1", at.port))
    reader, writer = await asyncio.open_connection(sock=line)
    one = Kit(reader, writer)
    try:
        if connect is not None:
            await one.say(connect)
            assert await one.hear() == [Connack(present)]
        yield one
    finally:
        writer.close()


def run(story: Coroutine[None, None, None]) -> None:
    asyncio.run(story)
