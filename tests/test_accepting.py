"""A server that ends while somebody connects leaves no socket that nobody closes."""

import asyncio
import contextlib
import gc
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.certification.authority import Authority
from simulator.certification.endpoint import Endpoint
from simulator.certification.stand import Stand
from simulator.virtual.pace import Pace
from simulator.virtual.speech import Identity
from simulator.wire import Address


@pytest.fixture
def nothing_tidied() -> Iterator[None]:
    """What nobody closes stays open."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("nothing_tidied")
@pytest.mark.parametrize("tls", [True, False], ids=["tls", "plain"])
@pytest.mark.parametrize("turns", range(5))
def test_whoever_connects_as_a_bench_ends_is_told_that_it_ended(turns: int, tls: bool, tmp_path: Path) -> None:
    """So many turns of the loop after the connection; in the second one it is accepted and has no transport yet."""

    async def story() -> None:
        pace = Pace(1.0)
        who = Identity(Address("330106", "bench"), "button", "bench-button", "a-password", 5)
        stand = Stand(Endpoint(who), pace, Authority(tmp_path, "127.0.0.1", pace.now) if tls else None)
        await stand.listen("127.0.0.1", 0)
        with socket.create_connection(("127.0.0.1", stand.port), timeout=30) as device:
            for _ in range(turns):
                await asyncio.sleep(0)
            device.shutdown(socket.SHUT_WR)
            await stand.close()
            with contextlib.suppress(ConnectionResetError):  # never accepted, or cut: as plain an end
                assert await asyncio.to_thread(device.recv, 1) == b""

    asyncio.run(story())
