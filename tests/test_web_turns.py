"""Much at once: requests begin one in a turn of the event loop, and what nothing stands before is written to a console's line at once."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Self

from starlette.types import Message, Receive, Scope, Send

from alerting.terms import Actor
from gateway.clock import MACHINE
from gateway.web.auth import Identity
from gateway.web.lines import Line, framed
from gateway.web.stream import Console
from gateway.web.turns import Turns
from gateway.web.users import Role, Session
from tests.patience import PATIENCE_S

POST_HOME, POST_CLAIM, GET_STREAM = ("POST", "/api/v1/homes"), ("POST", "/api/v1/alerts/a1/claim"), ("GET", "/api/v1/stream")


class Desk:
    """Notes which request began in which turn of the loop."""

    def __init__(self) -> None:
        self.began: list[tuple[str, int]] = []
        self.turns = Turns(self._begin)
        self._turn = 0

    async def _begin(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.began.append((scope["name"], self._turn))

    def ask(self, name: str, request: tuple[str, str]) -> "asyncio.Task[None]":
        method, path = request
        scope = {"type": "http", "method": method, "path": path, "name": name}
        return asyncio.create_task(self.turns(scope, _nothing_read, _nothing_sent))

    async def pass_turns(self, until: Callable[[], bool]) -> None:
        for _ in range(1000):
            if until():
                return
            await asyncio.sleep(0)
            self._turn += 1
        raise AssertionError(f"after a thousand turns only {self.began} had begun")


async def _nothing_read() -> Message:
    return {"type": "http.disconnect"}


async def _nothing_sent(message: Message) -> None:
    del message


def live(story: Callable[[Desk], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await story(Desk())

    asyncio.run(whole())


def test_twenty_requests_that_come_at_once_begin_in_their_order_each_in_a_turn_of_its_own() -> None:
    async def story(desk: Desk) -> None:
        names = [f"home {number}" for number in range(20)]
        tasks = [desk.ask(name, POST_HOME) for name in names]
        await desk.pass_turns(lambda: len(desk.began) == len(tasks))
        assert [name for name, _ in desk.began] == names
        turns = [turn for _, turn in desk.began]
        assert len(set(turns)) == len(turns), "two of them began in one turn"

    live(story)


def test_what_is_done_to_an_alert_and_a_console_that_comes_wait_for_no_turn() -> None:
    async def story(desk: Desk) -> None:
        homes = [desk.ask(f"home {number}", POST_HOME) for number in range(20)]
        urgent = [desk.ask("claim", POST_CLAIM), desk.ask("console", GET_STREAM)]
        await asyncio.gather(*urgent)
        assert {"claim", "console"} <= {name for name, _ in desk.began}
        assert len(desk.began) < len(homes)
        await asyncio.gather(*homes)

    live(story)


def test_a_request_whose_client_has_gone_keeps_nobody_waiting_and_the_next_one_finds_its_turn_free() -> None:
    async def story(desk: Desk) -> None:
        first, gone, last = (desk.ask(name, POST_HOME) for name in ("first", "gone", "last"))
        await first
        gone.cancel()
        await last
        assert [name for name, _ in desk.began] == ["first", "last"]
        await desk.ask("later", POST_HOME)
        assert desk.began[-1][0] == "later"

    live(story)


class Far:
    """The other end of a console's connection, which reads when it is told to; and what `EventStream` does at this end."""

    def __init__(self) -> None:
        self.taken = 0

    async def __aenter__(self) -> Self:
        near, self._socket = socket.socketpair()
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self._transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=near)
        self._socket.setblocking(False)
        session = Session(b"", Actor("somebody"), MACHINE.wall(), None)
        self.console = Console(Identity(session.user, Role.OPERATOR, session), "real", Line(self._transport))
        self._pumping = asyncio.create_task(self._pump())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._pumping.cancel()
        self._transport.abort()
        self._socket.close()

    async def _pump(self) -> None:
        while True:
            body = await self.console.take()
            self.taken += 1
            self._transport.write(framed(body))
            while self._transport.get_write_buffer_size():
                await asyncio.sleep(0)

    async def read(self, count: int) -> bytes:
        """So many bytes of bodies, whatever chunks they came in."""
        raw, bodies = b"", b""
        while len(bodies) < count:
            raw += await asyncio.get_running_loop().sock_recv(self._socket, 1 << 16)
            while (end := raw.find(b"\r\n")) >= 0 and len(raw) >= (whole := end + 2 + int(raw[:end], 16) + 2):
                bodies += raw[end + 2 : whole - 2]
                raw = raw[whole:]
        return bodies


def test_a_console_that_reads_is_written_to_without_a_task_in_between() -> None:
    async def story(__: Desk) -> None:
        async with Far() as far:
            far.console.begin([b"what it missed\n"])
            assert await far.read(15) == b"what it missed\n"
            for _ in range(10):
                await asyncio.sleep(0)
            for number in range(3):
                far.console.put(b"event %d\n" % number)
            assert await far.read(24) == b"event 0\nevent 1\nevent 2\n"
            assert far.taken == 1

    live(story)


def test_nothing_overtakes_what_waits_for_a_slow_console() -> None:
    async def story(__: Desk) -> None:
        events = [b"%06d" % number * 5000 for number in range(40)]
        async with Far() as far:
            far.console.begin([])
            for event in events:
                far.console.put(event)
                await asyncio.sleep(0)
            assert await far.read(sum(map(len, events))) == b"".join(events)
            assert far.taken > 0, "a socket took more than a megabyte, and nothing had to wait"
            assert not far.console.cut

    live(story)


def test_a_console_whose_stream_is_over_is_told_nothing_more() -> None:
    async def story(__: Desk) -> None:
        async with Far() as far:
            far.console.put(b"before")
            assert await far.read(6) == b"before"
            far.console.over.set()
            far.console.put(b"after")
            for _ in range(10):
                await asyncio.sleep(0)
            assert far.taken == 1

    live(story)
