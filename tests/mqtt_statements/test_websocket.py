"""MQTT within WebSocket: chapter 6 of both versions, frame by frame (RFC 6455)."""

import asyncio
import base64
import hashlib
import os

from tests.endpoint import PASSWORD
from tests.mqtt_statements import wire
from tests.mqtt_statements.story import REPORT, WITHIN, Place, shows

TEXT, BINARY, CLOSE = 0x1, 0x2, 0x8


class Web:
    """A WebSocket to the endpoint."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._bytes = b""

    async def ask(self, protocol: str | None) -> tuple[str, dict[str, str]]:
        """The answer's first line, and its headers; the one that proves it was understood is looked at."""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ["GET /mqtt HTTP/1.1", "Host: anju", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key}"]
        lines += ["Sec-WebSocket-Version: 13", *([f"Sec-WebSocket-Protocol: {protocol}"] if protocol is not None else [])]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        async with asyncio.timeout(WITHIN):
            first, *rest = (await self._reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        if " 101 " in first:
            proof = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
            assert headers["sec-websocket-accept"] == base64.b64encode(proof).decode()
        return first, headers

    def frame(self, data: bytes, kind: int = BINARY, *, last: bool = True) -> None:
        mask = os.urandom(4)
        size = len(data)
        assert size < 65_536
        length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
        self._writer.write(bytes((last << 7 | kind,)) + length + mask + masked)

    async def hear(self) -> tuple[int, bytes]:
        """The next frame: (kind, what is in it)."""
        async with asyncio.timeout(WITHIN):
            first, size = await self._reader.readexactly(2)
            assert first & 0x80
            assert size < 127
            if size == 126:
                size = int.from_bytes(await self._reader.readexactly(2), "big")
            return first & 0x0F, await self._reader.readexactly(size)

    async def packet(self, version: int) -> wire.Heard:
        """The next packet of MQTT, wherever the frames begin and end; all must be binary."""
        while len(self._bytes) < 2 or len(self._bytes) < 2 + self._bytes[1]:
            kind, data = await self.hear()
            assert kind == BINARY
            self._bytes += data
        size = 2 + self._bytes[1]
        raw, self._bytes = self._bytes[:size], self._bytes[size:]
        return wire.parse(version, raw)

    async def closed(self) -> None:
        async with asyncio.timeout(WITHIN):
            kind, _ = await self.hear()
            assert kind == CLOSE
            assert await self._reader.read() == b""

    def cut(self) -> None:
        self._writer.transport.abort()


async def web(at: Place) -> Web:
    reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
    return at.closes(Web(reader, writer))


async def greeted(at: Place) -> Web:
    line = await web(at)
    await line.ask("mqtt")
    line.frame(wire.connect(at.version, username="cord", password=PASSWORD.encode()))
    assert (await line.packet(at.version)).code == 0
    return line


@shows(v311="6.0.0-1", v5="6.0.0-1")
async def test_packets_come_and_go_in_binary_frames_and_any_other_data_ends_the_connection(at: Place) -> None:
    line = await greeted(at)
    line.frame(wire.publish(at.version, REPORT, b"{}", 1, 3))
    assert (await line.packet(at.version)).packet_id == 3
    line.frame(b"\xc0\x00", TEXT)
    await line.closed()


@shows(v311="6.0.0-2", v5="6.0.0-2")
async def test_frames_and_packets_need_not_begin_or_end_together(at: Place) -> None:
    line = await web(at)
    await line.ask("mqtt")
    packets = [wire.connect(at.version, username="cord", password=PASSWORD.encode())]
    packets += [wire.publish(at.version, REPORT, b"{}", 1, number) for number in range(1, 11)]
    whole = b"".join(packets)
    for start in range(0, len(whole), 7):
        line.frame(whole[start : start + 7])
    assert (await line.packet(at.version)).code == 0
    assert [(await line.packet(at.version)).packet_id for _ in range(10)] == list(range(1, 11))
    line.frame(b"".join(packets[1:6]), last=False)
    line.frame(b"".join(packets[6:]), 0)
    assert [(await line.packet(at.version)).packet_id for _ in range(10)] == list(range(1, 11))


@shows(v311="6.0.0-3 6.0.0-4", v5="6.0.0-3 6.0.0-4")
async def test_of_what_the_client_offers_mqtt_is_taken_and_nothing_else(at: Place) -> None:
    for offered in ("mqtt", "chat, mqtt", "mqttv3.1,mqtt"):
        line = await web(at)
        first, headers = await line.ask(offered)
        assert " 101 " in first
        assert headers["sec-websocket-protocol"] == "mqtt"
    for other in (None, "chat"):
        line = await web(at)
        first, _ = await line.ask(other)
        assert " 400 " in first
