"""`/mqtt` at the console's port: a kit's WebSocket goes through to the endpoint, and nothing else does."""

import asyncio
import contextlib
import stat
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
import uvloop
from fastapi import FastAPI
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from devices.mqtt.encode import encode
from devices.mqtt.packets import Connack, Connect, Packet, Puback, Publish
from devices.mqtt.reader import Reader
from gateway.mqtt.door import PATIENCE, Way
from gateway.web import relay
from tests.endpoint import OWN, PASSWORD, Endpoint, endpoint, until
from tests.patience import PATIENCE_S, STORY_S, ended

REPORT = f"{OWN}/report"
HELLO = encode(Connect("c", username="cord", password=PASSWORD.encode()))
WRONG = encode(Connect("c", username="cord", password=b"wrong"))


def run(story: Coroutine[None, None, None]) -> None:
    """On the loop that the service runs on."""
    uvloop.run(ended(story, STORY_S))


@asynccontextmanager
async def console(kits: Path, most: int = 100) -> AsyncIterator[tuple[int, uvicorn.Server]]:
    """A web process of no pages, with its port."""
    app = FastAPI()
    app.include_router(relay.router)
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_level="critical", lifespan="off", ws=relay.relay_to(kits, most), timeout_graceful_shutdown=1),
    )
    running = asyncio.create_task(server._serve())
    await until(lambda: server.started)
    try:
        yield server.servers[0].sockets[0].getsockname()[1], server
    finally:
        server.should_exit = True
        await running


@asynccontextmanager
async def both(folder: Path, most: int = 100) -> AsyncIterator[tuple[Endpoint, int]]:
    async with endpoint() as at:
        await at.listener.start_relayed(folder / "kits.sock")
        async with console(folder / "kits.sock", most) as (port, _):
            yield at, port


def kit(port: int, path: str = "/mqtt", address: str = "127.0.0.1") -> connect:
    return connect(
        f"ws://127.0.0.1:{port}{path}", subprotocols=[Subprotocol("mqtt")], compression=None, proxy=None, open_timeout=PATIENCE_S,
        local_addr=(address, 0), max_size=None,
    )  # fmt: skip


async def heard(line: "connect | object", count: int) -> list[Packet]:
    packets: list[Packet] = []
    reader = Reader(lambda _: 10**7)
    async with asyncio.timeout(PATIENCE_S):
        while len(packets) < count:
            packets.extend(reader.feed(await line.recv()))  # type: ignore[union-attr]
    return packets


def test_a_kit_comes_in_by_the_consoles_port_and_is_acknowledged_from_disk(tmp_path: Path) -> None:
    async def story() -> None:
        async with both(tmp_path) as (at, port), kit(port) as line:
            await line.send(HELLO + b"".join(encode(Publish(REPORT, bytes(50_000), 1, packet_id=n)) for n in range(1, 101)))
            assert await heard(line, 101) == [Connack(False), *(Puback(n) for n in range(1, 101))]
            assert [len(p.payload) for p in at.ledger.published] == [50_000] * 100
            assert at.listener.connections_by_way[Way.WS] == 1
            await line.close()
            await until(lambda: at.listener.connections == 0)

    run(story())


def test_guessing_through_the_console_is_slowed_down_for_who_guesses_and_for_nobody_else(tmp_path: Path) -> None:
    """Both speak from the same process to the endpoint; the line before the request tells them apart."""

    async def story() -> None:
        async with both(tmp_path) as (_, port):
            for _n in range(PATIENCE):
                async with kit(port, address="127.0.0.2") as line:
                    await line.send(WRONG)
                    assert await heard(line, 1) == [Connack(False, 4)]
            async with kit(port, address="127.0.0.2") as guess, kit(port, address="127.0.0.3") as other:
                await guess.send(WRONG)
                await other.send(WRONG)
                assert await heard(other, 1) == [Connack(False, 4)]
                with pytest.raises(TimeoutError):
                    await ended(guess.recv(), 0.1)

    run(story())


def test_other_paths_and_browsers_are_told_what_this_is(tmp_path: Path) -> None:
    async def story() -> None:
        async with both(tmp_path) as (at, port):
            with pytest.raises(InvalidStatus) as refused:
                await kit(port, "/elsewhere")
            assert (refused.value.response.status_code, refused.value.response.body) == (404, b"MQTT over WebSocket is at /mqtt\n")
            async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S) as browser:
                answer = await browser.get(f"http://127.0.0.1:{port}/mqtt")
            assert (answer.status_code, answer.text) == (426, "only a WebSocket is taken here, for MQTT\n")
            assert at.listener.connections == 0

    run(story())


def test_while_the_endpoint_is_away_a_kit_is_told_so_and_afterwards_let_in(tmp_path: Path) -> None:
    async def story() -> None:
        async with console(tmp_path / "kits.sock") as (port, _):
            with pytest.raises(InvalidStatus) as refused:
                await kit(port)
            assert refused.value.response.status_code == 503
            async with endpoint() as at:
                await at.listener.start_relayed(tmp_path / "kits.sock")
                async with kit(port) as line:
                    await line.send(HELLO)
                    assert await heard(line, 1) == [Connack(False)]

    run(story())


def test_the_desk_keeps_its_share_of_the_files(tmp_path: Path) -> None:
    async def story() -> None:
        async with both(tmp_path, most=1) as (_, port), kit(port) as first:
            await first.send(HELLO)
            assert await heard(first, 1) == [Connack(False)]
            with pytest.raises(InvalidStatus) as refused:
                await kit(port)
            assert refused.value.response.status_code == 503

    run(story())


def test_a_console_that_ends_lets_its_kits_go(tmp_path: Path) -> None:
    async def story() -> None:
        async with endpoint() as at:
            await at.listener.start_relayed(tmp_path / "kits.sock")
            async with console(tmp_path / "kits.sock") as (port, server), kit(port) as line:
                await line.send(HELLO)
                assert await heard(line, 1) == [Connack(False)]
                server.should_exit = True
                with pytest.raises(ConnectionClosed):
                    await ended(line.recv(), PATIENCE_S)
                await until(lambda: at.listener.connections == 0)

    run(story())


STRANGERS = [
    (b"GET /mqtt HTTP/1.1\r\n\r\n", "a request without who calls"),
    (b"PROXY TCP4 nobody 127.0.0.1 1 2\r\n", "an address that is none"),
    (b"PROXY TCP9 127.0.0.1 127.0.0.1 1 2\r\n", "a family that is none"),
    (b"PROXY TCP4 127.0.0.1\r\n", "half a line"),
    (b"P" * 200, "a line without end"),
]


@pytest.mark.parametrize("said", [s[0] for s in STRANGERS], ids=[s[1] for s in STRANGERS])
def test_the_endpoints_socket_takes_only_who_says_for_whom_it_speaks(tmp_path: Path, said: bytes) -> None:
    async def story() -> None:
        async with endpoint() as at:
            path = tmp_path / "kits.sock"
            await at.listener.start_relayed(path)
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(said)
            with contextlib.suppress(ConnectionResetError):
                assert await ended(reader.read(), PATIENCE_S) == b""
            writer.close()

    run(story())


def test_the_line_of_who_calls_may_come_in_pieces_and_with_what_follows(tmp_path: Path) -> None:
    async def story() -> None:
        async with endpoint() as at:
            await at.listener.start_relayed(tmp_path / "kits.sock")
            for pieces in ([b"PROXY TCP6 2001:db8::7 ::1 50000 443\r\n" + HELLO], [b"PRO", b"XY UNKNOWN\r", b"\n", HELLO]):
                reader, writer = await asyncio.open_unix_connection(tmp_path / "kits.sock")
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.01)
                assert await ended(reader.readexactly(4), PATIENCE_S) == encode(Connack(False))
                writer.close()
                await until(lambda: at.listener.connections == 0)

    run(story())
