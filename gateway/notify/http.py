"""HTTP as channels speak it: bounded in time and size, no redirect followed, no proxy of the environment, faults told as the receiver's."""

import asyncio
import contextlib
import ssl
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx
import msgspec

from gateway.notify.channel import NotifyError, one_line

T = TypeVar("T")

CONNECT_S = 3.0
TOTAL_S = 10.0
"""From the first packet to the status line, and where the body is the answer, to its end; past that the next attempt is the better hope."""

BODY_KEPT = 64 * 1024
"""Bytes of an answer that a program has to read."""

LATER = frozenset({408, 425, 429})
"""The 4xx that mean "not now" (RFC 9110 15.5.9, RFC 8470 5.2, RFC 6585 4); every other one means "not like this"."""


def retry_after(value: str | None, wall: datetime) -> timedelta | None:
    """The header of RFC 9110 10.2.3, seconds or a date; None where it is absent, unreadable or past."""
    if value is None:
        return None
    text = value.strip()
    try:
        delay = timedelta(seconds=int(text)) if text.isascii() and text.isdigit() else parsedate_to_datetime(text) - wall
    except (ValueError, TypeError, OverflowError):
        return None
    return delay if delay > timedelta() else None


class Reply(msgspec.Struct, frozen=True):
    """An answer whose body counts. `line` is status and beginning of the body, for a timeline."""

    status: int
    line: str
    body: bytes
    later: timedelta | None

    def read(self, type_: type[T]) -> T:
        """The body as it is documented; NotifyError for anything else: a proxy's page today may be the provider's answer tomorrow."""
        try:
            return msgspec.json.decode(self.body, type=type_)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
            raise self.refusal(f"{self.line}: not the documented answer") from problem

    def refusal(self, detail: str) -> NotifyError:
        """What the status alone says of an attempt that failed."""
        transient = self.status < 400 or self.status >= 500 or self.status in LATER
        return NotifyError(one_line(detail), transient=transient, retry_after=self.later)


class Http:
    """One client of one channel. Connections are kept between calls."""

    def __init__(self, trust: ssl.SSLContext, *, connect_s: float = CONNECT_S, total_s: float = TOTAL_S) -> None:
        self._trust = trust
        self._connect_s = connect_s
        self._total_s = total_s
        self._client = httpx.AsyncClient(
            verify=trust,
            timeout=httpx.Timeout(total_s, connect=connect_s),
            follow_redirects=False,
            trust_env=False,
            headers={"user-agent": "anju", "accept-encoding": "identity"},
        )

    async def open(self, method: str, url: str, content: bytes, headers: dict[str, str]) -> httpx.Response:
        """The status line and headers; the body is still to come, and `aclose` is the caller's. NotifyError."""
        request = self._client.build_request(method, url, content=content, headers=headers)
        try:
            async with asyncio.timeout(self._total_s):
                return await self._client.send(request, stream=True)
        except httpx.ConnectTimeout as problem:
            raise NotifyError(f"no connection within {self._connect_s:g} s", transient=True) from problem
        except (TimeoutError, httpx.TimeoutException) as problem:
            raise NotifyError(f"no answer within {self._total_s:g} s", transient=True) from problem
        except httpx.RequestError as problem:
            raise NotifyError(one_line(f"{type(problem).__name__}: {problem}"), transient=True) from problem

    async def ask(self, method: str, url: str, content: bytes, headers: dict[str, str], wall: datetime) -> Reply:
        """The whole answer, whatever its status. NotifyError when there is none."""
        kept = bytearray()
        try:
            async with asyncio.timeout(self._total_s):
                response = await self.open(method, url, content, headers)
                try:
                    async for piece in response.aiter_raw():
                        kept += piece
                        if len(kept) > BODY_KEPT:
                            break
                finally:
                    with contextlib.suppress(httpx.TransportError):
                        await response.aclose()
        except TimeoutError as problem:
            raise NotifyError(f"no answer within {self._total_s:g} s", transient=True) from problem
        except httpx.TransportError as problem:
            raise NotifyError(one_line(f"the answer broke off: {type(problem).__name__}: {problem}"), transient=True) from problem
        body = bytes(kept[:BODY_KEPT])
        line = one_line(f"{response.status_code} {response.reason_phrase}: {body.decode('utf-8', 'replace')}")
        return Reply(response.status_code, line, body, retry_after(response.headers.get("retry-after"), wall))

    async def reach(self, address: str) -> str:
        """A connection, and TLS where the address says so; no request."""
        url = httpx.URL(address)
        secure = url.scheme == "https"
        port = url.port or (443 if secure else 80)
        try:
            async with asyncio.timeout(self._connect_s):
                _, writer = await asyncio.open_connection(url.host, port, ssl=self._trust if secure else None)
        except TimeoutError as problem:
            raise NotifyError(f"no connection to {url.host}:{port} within {self._connect_s:g} s", transient=True) from problem
        except OSError as problem:
            raise NotifyError(one_line(f"no connection to {url.host}:{port}: {problem}"), transient=True) from problem
        writer.close()
        return f"{url.host}:{port} takes connections" + (", its certificate is good" if secure else "")

    async def close(self) -> None:
        await self._client.aclose()
