"""Clients within TLS: one that speaks MQTT, and one whose handshake comes to nothing."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

import uvloop
from cryptography import x509

from devices.mqtt.encode import encode
from devices.mqtt.packets import Connect, Packet
from devices.mqtt.reader import Reader
from tests.endpoint import PASSWORD, Endpoint
from tests.patience import PATIENCE_S


def run(story: Coroutine[None, None, None]) -> None:
    """On the loop that the service runs on."""
    uvloop.run(story)


class Kit:
    """A client within TLS."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._reader = Reader(lambda _: 10**7)

    async def say(self, *packets: Packet) -> None:
        self.writer.write(b"".join(map(encode, packets)))
        await self.writer.drain()

    async def hear(self, count: int = 1) -> list[Packet]:
        packets: list[Packet] = []
        async with asyncio.timeout(PATIENCE_S):
            while len(packets) < count:
                data = await self.reader.read(65_536)
                if not data:
                    raise EOFError(packets)
                packets.extend(self._reader.feed(data))
        return packets

    @property
    def shown(self) -> int:
        """Serial number of the certificate that the endpoint showed."""
        tls: ssl.SSLObject = self.writer.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True)
        assert der is not None
        return x509.load_der_x509_certificate(der).serial_number


@asynccontextmanager
async def kit(at: Endpoint, trust: ssl.SSLContext) -> AsyncIterator[Kit]:
    reader, writer = await asyncio.open_connection("127.0.0.1", at.port, ssl=trust, server_hostname="127.0.0.1")
    try:
        yield Kit(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ssl.SSLError, OSError):
            await writer.wait_closed()


def hello(user: str | None = "cord", password: str | None = PASSWORD) -> Connect:
    return Connect("c", username=user, password=None if password is None else password.encode())


def nameless() -> Connect:
    return hello(None, None)


async def fails(at: Endpoint, trust: ssl.SSLContext) -> None:
    """Whatever the client sees of it: nothing is admitted. A blocking socket, since asyncio's client keeps its alert to itself."""

    def attempt() -> bytes:
        place = ("127.0.0.1", at.port)
        try:
            with socket.create_connection(place, PATIENCE_S) as line, trust.wrap_socket(line, server_hostname="127.0.0.1") as tls:
                tls.sendall(encode(nameless()))
                return tls.recv(100)
        except (ssl.SSLError, ConnectionError):
            return b""

    assert await asyncio.to_thread(attempt) == b""
