"""Around every request: bodies that are too large are refused unread, browsers are told what they may do, times are taken."""

from collections.abc import Callable
from time import perf_counter

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alerting.terms import Sentence
from gateway.web.problems import Problem

BODY_LIMIT = 1024 * 1024

SECURITY = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def _too_large() -> Problem:
    said = Sentence("请求正文超过 1 MiB", "the body is over 1 MiB")
    return Problem(413, said, headers={"Connection": "close"})


class Edge:
    """`took(method, status, seconds)` is told of every answer; of a stream when it began."""

    def __init__(self, app: ASGIApp, took: Callable[[str, int, float], None]) -> None:
        self.app = app
        self.took = took

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = perf_counter()

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = MutableHeaders(scope=message)
                for name, value in SECURITY.items():
                    told.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    told.setdefault("Cache-Control", "no-store")
                self.took(scope["method"], message["status"], perf_counter() - began)
            await send(message)

        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > BODY_LIMIT:
            await _too_large().response()(scope, receive, answer)
        elif "transfer-encoding" in headers:
            body = await _whole(receive)
            if body is None:
                await _too_large().response()(scope, receive, answer)
            else:
                await self.app(scope, _replayed(body, receive), answer)
        else:
            await self.app(scope, receive, answer)


async def _whole(receive: Receive) -> bytes | None:
    """A body that came without its length; None once it is over the limit."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > BODY_LIMIT:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    first = True

    async def again() -> Message:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return again
