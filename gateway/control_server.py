"""The serving end of a control socket: in the alarm process takes commands into the loop's inbox, tells followers what was committed."""

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from config.accepting import accept_no_more
from gateway.control import (
    FRAME_LIMIT,
    Answered,
    Ask,
    Committed,
    Follow,
    Hurry,
    Inquire,
    Keeper,
    Kept,
    Push,
    Stands,
    Unstored,
    pack,
    unpack,
)
from gateway.reaching import Grant, Granted, Wish, Wished

BEHIND_LIMIT = 64 * 1024 * 1024
"""A follower with more than this unsent is cut off; it comes back and reads the journal instead."""


class ControlServer:
    """`ask(frame, answer)` is the loop's: it calls `answer` once, after the commit or with the refusal. `grant` likewise."""

    def __init__(
        self,
        path: Path,
        ask: Callable[[Ask, Callable[[Answered], None]], None],
        grant: Callable[[Wish, Callable[[Granted], None]], None] | None = None,
    ) -> None:
        self.path = path
        self._ask = ask
        self._grant = grant
        self._followers: dict[asyncio.StreamWriter, Follow] = {}
        self._kept: dict[asyncio.StreamWriter, Kept] = {}
        """What each has said last, for as long as it is here."""
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.greeting: Callable[[], list[Push]] = list
        """What a new follower is told first: the present health, what is not stored."""
        self.inquired: Callable[[Inquire], Stands] = lambda asked: Stands(asked.id)
        """Answered at once, from what is in memory."""
        self.hurried: Callable[[], None] = lambda: None
        """Called when a follower cannot wait."""

    async def start(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()  # the data folder's lock is ours, so whoever left it is gone
        before = os.umask(0o177)  # commands need no password here: only this user may connect
        try:
            self._server = await asyncio.start_unix_server(self._serve, str(self.path), limit=FRAME_LIMIT)
        finally:
            os.umask(before)

    async def close(self) -> None:
        if self._server is not None:
            await accept_no_more(self._server)
            self._server.close()
        for writer in list(self._followers):
            writer.close()
        for task in list(self._tasks):
            task.cancel()
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()

    @property
    def kept(self) -> int:
        """Up to where every keeper has what it keeps on disk; 0 while one is away, since who is away has not said."""
        said = {kept.keeper: kept.seq for kept in self._kept.values()}
        return min(said.get(keeper, 0) for keeper in Keeper)

    def push(self, frame: Push) -> None:
        """Encode once, give to all; never waits."""
        of_commits = isinstance(frame, Committed | Unstored)
        wanting = [writer for writer, follow in self._followers.items() if follow.commits or not of_commits]
        if not wanting:
            return
        data = pack(frame)
        for writer in wanting:
            if writer.transport.get_write_buffer_size() > BEHIND_LIMIT:
                self._followers.pop(writer, None)
                writer.transport.abort()
            else:
                _write(writer, data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            while True:
                frame = await unpack(reader)
                if isinstance(frame, Follow):
                    for first in self.greeting():
                        if frame.commits or not isinstance(first, Committed | Unstored):
                            _write(writer, pack(first))
                    self._followers[writer] = frame
                elif isinstance(frame, Kept):
                    self._kept[writer] = frame
                elif isinstance(frame, Hurry):
                    self.hurried()
                elif isinstance(frame, Inquire):
                    _write(writer, pack(self.inquired(frame)))
                elif isinstance(frame, Ask):
                    self._ask(frame, lambda answered: _write(writer, pack(answered)))
                elif isinstance(frame, Wished) and self._grant is not None:
                    self._grant(frame.wish, _granting(frame.id, writer))
                else:
                    raise ConnectionError(f"{type(frame).__name__} is not for the alarm process")
        except (OSError, asyncio.IncompleteReadError, msgspec.MsgspecError):
            pass  # a follower that goes away, or talks nonsense, costs nothing but itself
        except asyncio.CancelledError:
            pass  # closing; a task of the server's own ends quietly
        finally:
            self._followers.pop(writer, None)
            self._kept.pop(writer, None)
            with contextlib.suppress(OSError):
                writer.close()


def _granting(number: int, writer: asyncio.StreamWriter) -> Callable[[Granted], None]:
    return lambda granted: _write(writer, pack(Grant(number, granted)))


def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    """To one who may be gone: the line of a killed process is closed at the write that finds it out, and uvloop raises at the next one."""
    if not writer.is_closing():
        writer.write(data)
