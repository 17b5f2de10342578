"""Requests begin one in a turn of the event loop: twenty people who log in at once are forty milliseconds of it, and a call may come.

Between two of them sockets are read, and what the alarm process has pushed goes out. What is done to an alert, and a console that comes,
wait for nobody.
"""

import asyncio
from collections import deque

from starlette.types import ASGIApp, Receive, Scope, Send

STREAM, ACTIONS = "/api/v1/stream", "/api/v1/alerts/"


class Turns:
    """In the order in which they came."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._taken = False
        """Whether a request has begun in this turn."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _first(scope):
            await self._turn()
        await self.app(scope, receive, send)

    async def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        if self._taken:
            turn = loop.create_future()
            self._waiting.append(turn)
            await turn
        else:
            self._taken = True
            loop.call_soon(self._next)

    def _next(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # whoever waited may have gone
                turn.set_result(None)
                asyncio.get_running_loop().call_soon(self._next)
                return
        self._taken = False


def _first(scope: Scope) -> bool:
    path: str = scope["path"]
    return path == STREAM or (scope["method"] == "POST" and path.startswith(ACTIONS))
