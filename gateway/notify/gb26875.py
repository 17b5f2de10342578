"""To a platform of Chinese fire remote monitoring, by GB/T 26875.3-2011 over TCP: a component's state, confirmed or sent again.

The standard knows fire and faults. Fire and gas are reported as fire, what is technical as a fault, a test as a component under test;
for a call for help or a fall it has no word, and such a notice is refused for good, so that the next step follows.
A frame's number is made of the notification's id: sent again, also after a crash, it is the same frame.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import msgspec

from alerting.terms import Category, Origin
from gateway.notify.channel import Notice, NotifyError, Sent, one_line, token
from gateway.notify.gb26875_frames import HEAD, Command, Component, Frame, NotAFrame, State, component_state, decode, encode, length
from gateway.notify.record import Means, Name

CONNECT_S = 3.0
STATES = {Category.FIRE: State.FIRE, Category.GAS: State.FIRE, Category.TECHNICAL: State.FAULT}

Byte = Annotated[int, msgspec.Meta(ge=0, le=255)]
Address = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Fa-f]{12}$")]


class Gb26875Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`source` and `destination`: 12 hexadecimal digits, highest first. `tries` and `answer_s` are the county's to set: the standard's
    own figures were not found in print, three tries are what is said of it.
    """

    name: Name
    host: str
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)]
    source: Address
    destination: Address
    system_type: Byte = 1
    system: Byte = 1
    component_type: Byte = 0
    tries: Annotated[int, msgspec.Meta(ge=1, le=10)] = 3
    answer_s: Annotated[float, msgspec.Meta(ge=0.05, le=30)] = 5.0

    def make(self, means: Means) -> "Gb26875":
        if not self.host or not self.host.isascii() or not self.host.isprintable():
            raise ValueError(f"host: {self.host!r} is not the name of a server")
        return Gb26875(self, means.wall)


class Gb26875:
    """One connection a notice. `wall` reads the wall clock, for the time of sending."""

    kind = "gb26875"

    def __init__(self, settings: Gb26875Settings, wall: Callable[[], datetime]) -> None:
        self.name = settings.name
        self._settings = settings
        self._wall = wall

    async def send(self, notice: Notice) -> Sent:
        frame = self.frame(notice)
        reader, writer = await self._connect()
        try:
            return await self._converse(frame, reader, writer)
        except (OSError, asyncio.IncompleteReadError) as problem:
            raise NotifyError(one_line(f"the connection broke off: {problem or type(problem).__name__}"), transient=True) from problem
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def frame(self, notice: Notice) -> Frame:
        """NotifyError where the standard has no word for it."""
        own = self._settings
        state = STATES.get(notice.category)
        if state is None:
            raise NotifyError(f"GB/T 26875.3 has no word for {notice.category.value}", transient=False)
        test = notice.origin is not Origin.REAL
        text = f"{'测试 ' if test else ''}{notice.home_name} {notice.room}".strip()
        component = Component(
            own.system_type, own.system, own.component_type, _number(notice.home or notice.area, 4),
            State(0) if test else state, text, notice.raised_at,
        )  # fmt: skip
        return Frame(
            _number(token(notice.notification), 2), self._wall(), int(own.source, 16), int(own.destination, 16),
            Command.SEND, component_state(component),
        )  # fmt: skip

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = self._settings.host, self._settings.port
        try:
            async with asyncio.timeout(CONNECT_S):
                return await asyncio.open_connection(host, port)
        except TimeoutError as problem:
            raise NotifyError(f"no connection to {host}:{port} within {CONNECT_S:g} s", transient=True) from problem
        except OSError as problem:
            raise NotifyError(one_line(f"no connection to {host}:{port}: {problem}"), transient=True) from problem

    async def _converse(self, frame: Frame, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Sent:
        """The same frame until it is confirmed. A denial may be a byte that changed on the way, so it is sent again as well."""
        said = "no answer"
        for attempt in range(1, self._settings.tries + 1):
            writer.write(encode(frame))
            await writer.drain()
            try:
                async with asyncio.timeout(self._settings.answer_s):
                    command = await self._answer(frame, reader)
            except TimeoutError:
                said = f"no answer within {self._settings.answer_s:g} s"
                continue
            except NotAFrame as problem:
                raise NotifyError(one_line(f"what answers does not speak GB/T 26875.3: {problem}"), transient=True) from problem
            if command is Command.CONFIRM:
                return Sent(f"confirmed, number {frame.number}" + (f", at the {attempt}. try" if attempt > 1 else ""))
            said = "denied"
        raise NotifyError(f"{said}, {self._settings.tries} times", transient=said != "denied")

    async def _answer(self, frame: Frame, reader: asyncio.StreamReader) -> Command:
        """The next answer to this frame; what else the platform says is not for us."""
        while True:
            head = await reader.readexactly(HEAD)
            heard = decode(head + await reader.readexactly(length(head)))
            if heard.number == frame.number and heard.command in (Command.CONFIRM, Command.DENY):
                return heard.command

    async def reach(self) -> str:
        """A connection; nothing is said."""
        _, writer = await self._connect()
        writer.close()
        return f"{self._settings.host}:{self._settings.port} takes connections"

    async def close(self) -> None:
        """Nothing is kept open."""


def _number(id_: str, size: int) -> int:
    """The same for the same id: what the platform knows a home by."""
    return int.from_bytes(hashlib.blake2b(id_.encode("utf-8", "surrogatepass"), digest_size=size).digest(), "big")
