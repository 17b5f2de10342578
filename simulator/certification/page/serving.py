"""The page on a port, in the examination's own process and loop."""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

from simulator.certification.page.state import Board
from simulator.certification.person import Said

FOLDER = Path(__file__).parent
FILES = {"": "page.html", "page.css": "page.css", "page.js": "page.js"}
LARGEST = 1024
"""Bytes of an answer."""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
}  # fmt: skip


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    number: int
    said: Said


class _Server(uvicorn.Server):
    """Without signals: they are the command's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def served(board: Board, host: str, port: int) -> AsyncIterator[str]:
    """The page's address, while this is open. OSError where the port cannot be had."""
    secret = secrets.token_urlsafe(9)
    listening = _listening(host, port)
    server = _Server(uvicorn.Config(
        _app(board, secret), log_level="warning", access_log=False, lifespan="off", server_header=False, timeout_graceful_shutdown=1,
    ))  # fmt: skip
    serving = asyncio.create_task(server.serve(sockets=[listening]), name="the page")
    try:
        yield f"http://{_shown(host)}:{listening.getsockname()[1]}/{secret}/"
    finally:
        board.close()
        server.should_exit = True
        await serving
        listening.close()


def _app(board: Board, secret: str) -> Starlette:
    async def file(request: Request) -> Response:
        return FileResponse(FOLDER / FILES[request.url.path.rpartition("/")[2]], headers=HEADERS)

    async def events(_: Request) -> Response:
        async def lines() -> AsyncIterator[bytes]:
            async for state in board.states():
                yield b"data: " + msgspec.json.encode(state) + b"\n\n"

        return StreamingResponse(lines(), media_type="text/event-stream", headers=HEADERS)

    async def answer(request: Request) -> Response:
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST:
                return Response(status_code=413)
        try:
            said = msgspec.json.decode(body, type=Answer)
        except msgspec.MsgspecError:
            return Response(status_code=400)
        return Response(status_code=204 if board.answered(said.number, said.said) else 409)

    routes = [Route(f"/{secret}/{name}", file, name=name or "page") for name in FILES]
    return Starlette(routes=[*routes, Route(f"/{secret}/events", events), Route(f"/{secret}/answer", answer, methods=["POST"])])


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen()  # from the moment at which the address is told
    except OSError as problem:
        found.close()
        raise OSError(f"--page {host}:{port}: {problem.strerror}") from None
    return found


def _shown(host: str) -> str:
    """An address that a phone can be told: of any, this machine's own towards its network."""
    if host not in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return f"[{host}]" if ":" in host else host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: which address would be used
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
