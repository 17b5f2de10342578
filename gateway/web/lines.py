"""A request's own connection, for a stream that writes one thing to hundreds of them: ASGI's extension `anju.line`.

Through ASGI a chunk wakes the task of each console, passes five wrappers, is framed anew, and two hundred of them are seven milliseconds
until the last console has it. Written where it is made, framed once, they are under two.
"""

import asyncio
from typing import cast

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

EXTENSION = "anju.line"


class Line:
    """Only for a response that has begun and was given no length: then HTTP/1.1 frames it in chunks, as uvicorn does."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def write(self, framed: bytes) -> bool:
        """Write it at once; False, and nothing is written, where something written before still waits or nobody is there."""
        transport = self._transport
        if transport.is_closing() or transport.get_write_buffer_size():
            return False
        transport.write(framed)
        return True


def framed(body: bytes) -> bytes:
    """One chunk (RFC 9112, 7.1). `body` is not empty: that would end the response."""
    return b"%x\r\n%b\r\n" % (len(body), body)


def line_of(scope: Scope) -> Line | None:
    """None under another server."""
    found = scope.get("extensions", {}).get(EXTENSION, {}).get("line")
    return cast("Line | None", found)


class WithLine(HttpToolsProtocol):
    """uvicorn's own protocol, whose requests bring their line."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: {"line": Line(self.transport)}}
