"""The signed webhook, after Standard Webhooks (https://www.standardwebhooks.com).

`webhook-id` is the notification's id: a receiver that remembers ids sees one event however often it is sent. The signature is
HMAC-SHA256 over `id.timestamp.body`; the timestamp is that of the attempt, so that a receiver can refuse what is replayed later.
"""

import asyncio
import base64
import binascii
import contextlib
import hashlib
import hmac
import ssl
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from gateway.notify.channel import Notice, NotifyError, Sent, one_line, token
from gateway.notify.event import body

CONNECT_S = 3.0
TOTAL_S = 10.0
"""From the first packet to the status line; past that the next attempt is the better hope."""

ANSWER_KEPT = 4096
"""Bytes of an answer's body that are read: enough to say why it refused."""
ANSWER_S = 1.0
"""How long that body is waited for; the status has decided already."""

LATER = frozenset({408, 425, 429})
"""The 4xx that mean "not now" (RFC 9110 15.5.9, RFC 8470 5.2, RFC 6585 4); every other one means "not like this"."""

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix is public, what follows is not


def signing_key(secret: str) -> bytes:
    """The key in `whsec_<base64>`. ValueError, with a sentence that does not repeat the secret, for anything else."""
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError(f"a webhook's secret begins with {SECRET_PREFIX}")
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as problem:
        raise ValueError(f"what follows {SECRET_PREFIX} is not base64") from problem
    if not 24 <= len(key) <= 64:
        raise ValueError(f"a webhook's secret holds 24 to 64 bytes, this one {len(key)}")
    return key


def signature(key: bytes, webhook_id: str, timestamp: int, payload: bytes) -> str:
    digest = hmac.digest(key, b"%s.%d.%s" % (webhook_id.encode(), timestamp, payload), hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


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


class Webhook:
    """Posts each notice to one address. `wall` reads the wall clock, UTC; redirects and the environment's proxies are not followed."""

    kind = "webhook"

    def __init__(
        self,
        name: str,
        url: str,
        secrets: Iterable[str],
        *,
        wall: Callable[[], datetime],
        trust: ssl.SSLContext,
        connect_s: float = CONNECT_S,
        total_s: float = TOTAL_S,
    ) -> None:
        """Several `secrets` sign side by side, so that a receiver can change to the new one without a gap."""
        self.name = name
        self._url = url
        self._keys = tuple(signing_key(secret) for secret in secrets)
        self._wall = wall
        self._connect_s = connect_s
        self._total_s = total_s
        self._trust = trust
        self._client = httpx.AsyncClient(
            verify=trust,
            timeout=httpx.Timeout(total_s, connect=connect_s),
            follow_redirects=False,
            trust_env=False,
            headers={"user-agent": "anju", "accept-encoding": "identity"},
        )

    async def send(self, notice: Notice) -> Sent:
        payload = body(notice)
        webhook_id, timestamp = token(notice.notification), int(self._wall().timestamp())
        headers = {
            "content-type": "application/json",
            "webhook-id": webhook_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(signature(key, webhook_id, timestamp, payload) for key in self._keys),
        }
        request = self._client.build_request("POST", self._url, content=payload, headers=headers)
        try:
            async with asyncio.timeout(self._total_s):
                response = await self._client.send(request, stream=True)
        except httpx.ConnectTimeout as problem:
            raise NotifyError(f"no connection within {self._connect_s:g} s", transient=True) from problem
        except (TimeoutError, httpx.TimeoutException) as problem:
            raise NotifyError(f"no answer within {self._total_s:g} s", transient=True) from problem
        except httpx.RequestError as problem:
            raise NotifyError(one_line(f"{type(problem).__name__}: {problem}"), transient=True) from problem
        try:
            return self._judge(response, await self._excerpt(response))
        finally:
            with contextlib.suppress(httpx.TransportError):
                await response.aclose()

    def _judge(self, response: httpx.Response, excerpt: str) -> Sent:
        status = response.status_code
        detail = one_line(f"{status} {response.reason_phrase}: {excerpt}" if excerpt else f"{status} {response.reason_phrase}")
        if 200 <= status < 300:
            return Sent(detail)
        if status >= 500 or status in LATER:
            after = retry_after(response.headers.get("retry-after"), self._wall())
            raise NotifyError(detail, transient=True, retry_after=after)
        raise NotifyError(detail, transient=False)

    async def _excerpt(self, response: httpx.Response) -> str:
        """The beginning of the answer's body, as far as it comes quickly."""
        kept = bytearray()
        with contextlib.suppress(TimeoutError, httpx.TransportError):
            async with asyncio.timeout(ANSWER_S):
                async for piece in response.aiter_raw():
                    kept += piece
                    if len(kept) >= ANSWER_KEPT:
                        break
        return kept[:ANSWER_KEPT].decode("utf-8", "replace")

    async def reach(self) -> str:
        """A connection, and TLS where the address says so; no request."""
        url = httpx.URL(self._url)
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
