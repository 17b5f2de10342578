"""The line between the halves, when one of them is killed: it costs the other nothing."""

import asyncio
import socket
from pathlib import Path

import uvloop

from gateway.control import Follow, Unstored, pack, socket_path
from gateway.control_server import ControlServer
from tests.patience import PATIENCE_S, ended


def test_a_follower_that_was_killed_costs_the_alarm_process_nothing_however_much_it_is_told_before_it_is_missed(tmp_path: Path) -> None:
    async def story() -> None:
        greeted = asyncio.Event()
        server = ControlServer(socket_path(tmp_path), lambda _ask, _answer: None)
        server.greeting = lambda: greeted.set() or []  # type: ignore[func-returns-value]
        await server.start()
        with socket.socket(socket.AF_UNIX) as follower:
            follower.setblocking(False)
            await asyncio.get_running_loop().sock_connect(follower, str(server.path))
            await asyncio.get_running_loop().sock_sendall(follower, pack(Follow()))
            await ended(greeted.wait(), PATIENCE_S)
        try:
            for _ in range(5):
                server.push(Unstored(()))  # one finds the line broken; the next meets a closed one, before the follower is missed
                await asyncio.sleep(0)
        finally:
            await server.close()

    uvloop.run(story())  # what the alarm process runs on; the standard library's loop does not raise
