"""How a story of this folder is told: an endpoint, one or more lines to it, and which statements it shows.

`@shows(v311=…, v5=…)` runs it once for each version it names. A version whose numbers are empty is not run.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import pytest

from gateway.store.entry import Entry
from tests.endpoint import OWN, PASSWORD, Endpoint, Ledger, endpoint, until
from tests.mqtt_statements import wire
from tests.mqtt_statements.wire import Heard, Properties, Will
from tests.patience import PATIENCE_S

WITHIN = PATIENCE_S
MALFORMED = 0x81, 0x82
"""Whether a packet is malformed or says what it may not is often a matter of taste (4.13.1)."""
REPORT, ALARM, STATUS, COMMAND, REPLY = (f"{OWN}/{channel}" for channel in ("report", "alarm", "status", "command", "reply"))
AREA_WIDE = f"{OWN.rsplit('/', 2)[0]}/+/+"

__all__ = [
    "ALARM", "AREA_WIDE", "COMMAND", "MALFORMED", "REPLY", "REPORT", "STATUS", "Line", "Place", "line_to", "place", "shown_at_once",
    "shows", "until",
]  # fmt: skip


class Cut(Protocol):
    def cut(self) -> None: ...


L = TypeVar("L", bound=Cut)
T = TypeVar("T")


class Line:
    """One connection, byte by byte."""

    def __init__(self, version: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.version = version
        self._reader = reader
        self._writer = writer

    # --- said ---

    def say(self, *packets: bytes) -> None:
        self._writer.write(b"".join(packets))

    async def talk(self, data: bytes) -> None:
        """Said, and gone from here; an error where the line is reset."""
        self._writer.write(data)
        await self._writer.drain()
        await asyncio.sleep(0)

    async def drip(self, data: bytes) -> None:
        """A byte a segment."""
        for at in range(len(data)):
            self._writer.write(data[at : at + 1])
            await self._writer.drain()
            await asyncio.sleep(0)

    def connect(
        self, client_id: str | bytes = "c", *, username: str | bytes | None = "cord", password: bytes | None = PASSWORD.encode(),
        clean: bool = True, keep_alive: int = 0, will: Will | None = None, some: Properties = (), flags: int | None = None,
        tail: bytes = b"",
    ) -> None:  # fmt: skip
        self.say(wire.connect(
            self.version, client_id, username=username, password=password, clean=clean, keep_alive=keep_alive, will=will, some=some,
            flags=flags, tail=tail,
        ))  # fmt: skip

    def publish(
        self, topic: str | bytes, payload: bytes = b"{}", qos: int = 0, packet_id: int = 1, *,
        retain: bool = False, dup: bool = False, some: Properties = (),
    ) -> None:  # fmt: skip
        self.say(wire.publish(self.version, topic, payload, qos, packet_id, retain=retain, dup=dup, some=some))

    def answer(self, first: int, packet_id: int, code: int | None = None, some: Properties | None = None) -> None:
        self.say(wire.answer(self.version, first, packet_id, code, some))

    def disconnect(self, code: int | None = None, some: Properties | None = None) -> None:
        self.say(wire.disconnect(self.version, code, some))

    # --- heard ---

    async def hear(self, kind: int | None = None) -> Heard:
        """The next packet, which must be of that kind."""
        async with asyncio.timeout(WITHIN):
            raw = await self._reader.readexactly(2)
            while raw[-1] & 0x80:
                raw += await self._reader.readexactly(1)
            size = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(raw[1:]))
            raw += await self._reader.readexactly(size)
        heard = wire.parse(self.version, raw)
        assert kind is None or heard.kind == kind, f"{kind:#x} was awaited, this came: {heard}"
        return heard

    async def left(self) -> bytes:
        """What still comes until the endpoint closes the connection, which it must."""
        async with asyncio.timeout(WITHIN):
            with contextlib.suppress(ConnectionResetError):
                return await self._reader.read()
            return b""

    async def refused(self, before: int | None, *codes: int) -> None:
        """It is let not in and the connection ends: 3.1.1 says `before`, or nothing; 5.0 one of `codes`."""
        rest = await self.left()
        if self.version == 4 and before is None:
            assert rest == b""
            return
        heard = wire.parse(self.version, rest)
        assert heard.kind == wire.CONNACK, heard
        assert not heard.session_present
        assert heard.code in ({before} if self.version == 4 else set(codes)), heard

    async def ends(self, *codes: int) -> None:
        """The endpoint ends the connection: 3.1.1 without a word, 5.0 with a DISCONNECT that says one of `codes`."""
        rest = await self.left()
        if self.version == 4:
            assert rest == b""
            return
        heard = wire.parse(self.version, rest)
        assert heard.kind == wire.DISCONNECT, heard
        assert heard.code in codes, heard

    async def nothing_but_a_pong(self) -> None:
        """The connection stands, and nothing was said on it before this."""
        self.say(wire.frame(wire.PINGREQ))
        await self.hear(wire.PINGRESP)

    # --- both ---

    async def subscribe(self, *filters: tuple[str, int], packet_id: int = 9, some: Properties = ()) -> Heard:
        self.say(wire.subscribe(self.version, packet_id, filters, some))
        return await self.hear(wire.SUBACK)

    async def unsubscribe(self, *filters: str, packet_id: int = 10) -> Heard:
        self.say(wire.unsubscribe(self.version, packet_id, filters))
        return await self.hear(wire.UNSUBACK)

    def cut(self) -> None:
        """The line breaks."""
        self._writer.transport.abort()

    async def leave(self) -> None:
        """A good-bye, and the end."""
        self.disconnect()
        await self.left()
        self.cut()


async def line_to(port: int, version: int) -> Line:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    return Line(version, reader, writer)


class Place:
    """An endpoint, and who talks to it."""

    def __init__(self, endpoint: Endpoint, version: int, lines: list[Cut]) -> None:
        self.version = version
        self.ledger: Ledger = endpoint.ledger
        self.listener = endpoint.listener
        self.port = endpoint.port
        self._lines = lines

    async def line(self) -> Line:
        return self.closes(await line_to(self.port, self.version))

    def closes(self, line: L) -> L:
        """It is cut at the story's end."""
        self._lines.append(line)
        return line

    async def greeted(
        self, client_id: str = "c", *, username: str = "cord", clean: bool = True, keep_alive: int = 0, will: Will | None = None,
        some: Properties = (),
    ) -> Line:  # fmt: skip
        line = await self.line()
        line.connect(client_id, username=username, clean=clean, keep_alive=keep_alive, will=will, some=some)
        heard = await line.hear(wire.CONNACK)
        assert heard.code == 0, heard
        return line

    async def reader(self, *filters: tuple[str, int], some: Properties = ()) -> Line:
        """A platform that listens to the area."""
        line = await self.greeted("city", username="city", some=some)
        heard = await line.subscribe(*filters or ((f"{AREA_WIDE}/+", 1),))
        assert max(heard.codes) < 0x80, heard
        return line

    def taken(self) -> list[tuple[str, bytes]]:
        return [(published.topic, published.payload) for published in self.ledger.published]

    def pass_by(self, seconds: float) -> None:
        """The service's clock runs on, and what is due by it is seen to now instead of within a second."""
        self.ledger.now += timedelta(seconds=seconds)
        sweeper = self.listener._sweeper
        assert sweeper is not None
        sweeper.cancel()
        self.listener._sweep()

    async def alone(self) -> None:
        """Until nobody is connected any more."""
        await until(lambda: self.listener.connections == 0)

    async def listening(self, count: int) -> None:
        """Until so many are connected."""
        await until(lambda: self.listener.connections == count)

    def in_seconds(self, seconds: float) -> datetime:
        return self.ledger.now + timedelta(seconds=seconds)

    async def settled(self) -> None:
        """Until all that was handed to the loop is committed."""
        self.ledger.commit()
        await asyncio.sleep(0)


Story = Callable[[Place], Awaitable[None]]


@contextlib.asynccontextmanager
async def place(version: int, journal: list[Entry] | None = None) -> AsyncIterator[Place]:
    lines: list[Cut] = []
    async with endpoint(journal) as at:
        try:
            yield Place(at, version, lines)
        finally:
            for line in lines:
                line.cut()


async def _run(story: Story, version: int) -> None:
    async with place(version) as at:
        await story(at)


def shown_at_once(*, v311: str, v5: str) -> Callable[[T], T]:
    """Of a test that goes through both versions itself."""

    def mark(test: T) -> T:
        test.shows = {4: v311.split(), 5: v5.split()}  # type: ignore[attr-defined]
        return test

    return mark


def shows(*, v311: str = "", v5: str = "") -> Callable[[Story], Callable[[int], None]]:
    """Numbers without `MQTT-`, apart by blanks."""
    numbers = {4: v311.split(), 5: v5.split()}
    versions = [version for version, some in numbers.items() if some]

    def make(story: Story) -> Callable[[int], None]:
        @pytest.mark.parametrize("version", versions, ids=[{4: "3.1.1", 5: "5.0"}[version] for version in versions])
        def test(version: int) -> None:
            asyncio.run(_run(story, version))

        test.__name__ = test.__qualname__ = story.__name__
        test.__module__, test.__doc__ = story.__module__, story.__doc__
        test.shows = numbers  # type: ignore[attr-defined]
        return test

    return make
