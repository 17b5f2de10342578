"""MQTT within WebSocket at the endpoint: who is let through, how packets and frames may lie across each other, how it ends."""

import asyncio
import base64
from collections.abc import Coroutine, Sequence

import pytest
import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol

from devices.mqtt.encode import encode
from devices.mqtt.packets import Connack, Connect, Packet, Puback, Publish, Will
from devices.mqtt.reader import Reader
from gateway.mqtt.door import PATIENCE, Way
from tests.endpoint import OWN, PASSWORD, Endpoint, endpoint, until
from tests.patience import PATIENCE_S, ended

REPORT, STATUS = f"{OWN}/report", f"{OWN}/status"
HELLO = encode(Connect("c", username="cord", password=PASSWORD.encode()))
KEY = base64.b64encode(bytes(16)).decode()
UPGRADE = {
    "Host": "kits.example.org", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Protocol": "mqtt",
}  # fmt: skip


def run(story: Coroutine[None, None, None]) -> None:
    """On the loop that the service runs on."""
    uvloop.run(story)


def opened(at: Endpoint) -> connect:
    address = f"ws://127.0.0.1:{at.port}/mqtt"
    return connect(address, subprotocols=[Subprotocol("mqtt")], compression=None, proxy=None, open_timeout=PATIENCE_S)


async def heard(line: ClientConnection, count: int, reader: Reader) -> list[Packet]:
    packets: list[Packet] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(packets) < count:
            data = await line.recv()
            assert isinstance(data, bytes), "MQTT goes in binary frames [MQTT-6.0.0-1]"
            packets.extend(reader.feed(data))
    return packets


def numbered(count: int) -> bytes:
    return b"".join(encode(Publish(REPORT, str(n).encode() * 50, 1, packet_id=n)) for n in range(1, count + 1))


async def answered(at: Endpoint, request: str) -> str:
    """What the endpoint says to bytes that begin like HTTP, until it hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
    writer.write(request.encode())
    async with asyncio.timeout(PATIENCE_S):
        answer = (await reader.read()).decode()
    writer.close()
    return answer


def request(changes: dict[str, str], path: str = "/mqtt", method: str = "GET", version: str = "HTTP/1.1") -> str:
    headers = {name: value for name, value in (UPGRADE | changes).items() if value}
    return "\r\n".join([f"{method} {path} {version}", *(f"{name}: {value}" for name, value in headers.items()), "", ""])


# --- the request ---------------------------------------------------------------------------------------------------------------------


def test_the_handshake_is_that_of_the_specifications_example() -> None:
    """RFC 6455, 1.3; the subprotocol is named back [MQTT-6.0.0-4]."""

    async def story() -> None:
        async with endpoint() as at:
            reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
            asked = request({"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "mqttv3.1, mqtt"}, "/mqtt?token=1")
            for piece in (asked[:1], asked[1:40], asked[40:]):
                writer.write(piece.encode())
                await writer.drain()
                await asyncio.sleep(0)
            head = (await ended(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)).decode().split("\r\n")
            assert head[0] == "HTTP/1.1 101 Switching Protocols"
            assert "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
            assert "Sec-WebSocket-Protocol: mqtt" in head
            writer.close()

    run(story())


REFUSED = [
    (request({"Upgrade": ""}), "426 Upgrade Required", "a browser that was pointed at it"),
    (request({"Connection": "keep-alive"}), "426 Upgrade Required", "a proxy that drops the upgrade"),
    (request({}, method="POST"), "426 Upgrade Required", "another method"),
    (request({}, version="HTTP/1.0"), "426 Upgrade Required", "HTTP/1.0"),
    (request({"Sec-WebSocket-Version": "8"}), "426 Upgrade Required", "an older WebSocket"),
    (request({}, path="/"), "404 Not Found", "another path"),
    (request({"Sec-WebSocket-Protocol": ""}), "400 Bad Request", "no subprotocol [MQTT-6.0.0-3]"),
    (request({"Sec-WebSocket-Protocol": "chat"}), "400 Bad Request", "another subprotocol"),
    (request({"Sec-WebSocket-Key": "short"}), "400 Bad Request", "a key that is none"),
    ("GET /mqtt HTTP/1.1\r\nno header\r\n\r\n", "400 Bad Request", "a line that is no header"),
    ("HELLO\r\n\r\n", "400 Bad Request", "a request that is none"),
    ("GET /mqtt HTTP/1.1\r\nX: " + "x" * 9000, "431 Request Header Fields Too Large", "a request without end"),
]


@pytest.mark.parametrize(("asked", "status"), [r[:2] for r in REFUSED], ids=[r[2] for r in REFUSED])
def test_what_is_no_way_in_is_told_so_in_one_line(asked: str, status: str) -> None:
    async def story() -> None:
        async with endpoint() as at:
            head, _, body = (await answered(at, asked)).partition("\r\n\r\n")
            assert head.startswith(f"HTTP/1.1 {status}\r\n")
            assert body.count("\n") == 1
            assert f"Content-Length: {len(body.encode())}" in head
            await until(lambda: not len(at.listener.lobby))

    run(story())


def test_an_older_websocket_is_told_which_one_is_taken() -> None:
    """RFC 6455, 4.4."""

    async def story() -> None:
        async with endpoint() as at:
            assert "\r\nSec-WebSocket-Version: 13\r\n" in await answered(at, request({"Sec-WebSocket-Version": "8"}))
            with pytest.raises(InvalidStatus):
                async with connect(f"ws://127.0.0.1:{at.port}/mqtt", proxy=None):
                    pass

    run(story())


# --- frames and packets --------------------------------------------------------------------------------------------------------------


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


WHOLE = HELLO + numbered(20)
LAYERS: list[tuple[Sequence[bytes | list[bytes]], str]] = [
    ([WHOLE], "a CONNECT and twenty packets in one frame"),
    (cut(WHOLE, 1), "each byte in a frame of its own"),
    (cut(WHOLE, 7), "packets across frames [MQTT-6.0.0-2]"),
    ([cut(WHOLE, 333)], "one message in fragments"),
    ([HELLO, cut(numbered(20), 100)], "a message whole, and one in fragments"),
]


@pytest.mark.parametrize("messages", [layer[0] for layer in LAYERS], ids=[layer[1] for layer in LAYERS])
def test_packets_lie_across_frames_as_they_like(messages: Sequence[bytes | list[bytes]]) -> None:
    async def story() -> None:
        async with endpoint() as at, opened(at) as line:
            for message in messages:
                await line.send(message)
            packets = await heard(line, 21, Reader(lambda _: 1000))
            assert packets == [Connack(False), *(Puback(n) for n in range(1, 21))]
            assert [p.payload for p in at.ledger.published] == [str(n).encode() * 50 for n in range(1, 21)]
            assert at.listener.connections_by_way[Way.WS] == 1

    run(story())


def test_pings_between_fragments_are_answered_at_once_and_disturb_nothing() -> None:
    async def story() -> None:
        async with endpoint() as at, opened(at) as line:

            async def fragments() -> None:
                async def parts() -> object:
                    for part in cut(WHOLE, 200):
                        pong = await line.ping(b"still there")
                        yield part
                        await ended(pong, PATIENCE_S)

                await line.send(parts())  # type: ignore[arg-type]

            await fragments()
            assert len(await heard(line, 21, Reader(lambda _: 1000))) == 21

    run(story())


def test_a_message_longer_than_any_packet_may_be_is_read_past_like_any_other() -> None:
    """Nothing of it is held for being within WebSocket: the reader's own bounds are the only ones."""

    async def story() -> None:
        async with endpoint() as at, opened(at) as line:
            await line.send(HELLO)
            await line.send(encode(Publish(REPORT, bytes(3_000_000), 1, packet_id=1)))
            assert await heard(line, 2, Reader(lambda _: 1000)) == [Connack(False), Puback(1)]
            assert at.ledger.published[0].size == 3_000_000
            assert len(at.ledger.published[0].payload) == 1024

    run(story())


# --- the end -------------------------------------------------------------------------------------------------------------------------


def test_text_ends_it_with_1003_and_the_will_is_published() -> None:
    async def story() -> None:
        async with endpoint() as at, opened(at) as line:
            await line.send(encode(Connect("c", username="cord", password=PASSWORD.encode(), will=Will(STATUS, b"gone"))))
            await heard(line, 1, Reader(lambda _: 1000))
            await line.send("hello")
            with pytest.raises(ConnectionClosed) as over:
                await ended(line.recv(), PATIENCE_S)
            assert over.value.rcvd is not None
            assert over.value.rcvd.code == 1003
            await until(lambda: [p.payload for p in at.ledger.published] == [b"gone"])

    run(story())


def test_a_client_that_closes_is_answered_with_its_own_status() -> None:
    async def story() -> None:
        async with endpoint() as at:
            async with opened(at) as line:
                await line.send(HELLO)
                await heard(line, 1, Reader(lambda _: 1000))
                await line.close(4000, "tired")
                assert line.close_code == 4000
            await until(lambda: at.listener.connections == 0)

    run(story())


def test_mqtts_own_refusal_comes_before_the_close() -> None:
    async def story() -> None:
        async with endpoint() as at, opened(at) as line:
            await line.send(encode(Connect("c", username="cord", password=b"wrong")))
            assert await heard(line, 1, Reader(lambda _: 1000)) == [Connack(False, 4)]
            with pytest.raises(ConnectionClosed) as over:
                await ended(line.recv(), PATIENCE_S)
            assert over.value.rcvd is not None
            assert over.value.rcvd.code == 1000

    run(story())


def test_a_frame_without_a_mask_ends_it() -> None:
    async def story() -> None:
        async with endpoint() as at:
            reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
            writer.write(request({}).encode() + Frame(Opcode.BINARY, HELLO).serialize(mask=True))
            writer.write(Frame(Opcode.BINARY, numbered(1)).serialize(mask=False))
            async with asyncio.timeout(PATIENCE_S):
                rest = (await reader.read()).partition(b"\r\n\r\n")[2]
            assert rest.startswith(b"\x88"), "closed before anything was admitted or sent"
            assert int.from_bytes(rest[2:4], "big") == 1002
            assert at.ledger.published == []
            writer.close()

    run(story())


def test_guessing_by_websocket_is_slowed_down_as_everywhere() -> None:
    async def story() -> None:
        async with endpoint() as at:
            wrong = encode(Connect("c", username="cord", password=b"wrong"))
            for _ in range(PATIENCE):
                async with opened(at) as line:
                    await line.send(wrong)
                    assert await heard(line, 1, Reader(lambda _: 1000)) == [Connack(False, 4)]
            async with opened(at) as guess, opened(at) as right:
                await guess.send(wrong)
                await right.send(HELLO)
                assert await heard(right, 1, Reader(lambda _: 1000)) == [Connack(False)]
                with pytest.raises(TimeoutError):
                    await ended(guess.recv(), 0.1)

    run(story())
