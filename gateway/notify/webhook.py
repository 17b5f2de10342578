"""The signed webhook, after Standard Webhooks (https://www.standardwebhooks.com).

`webhook-id` is the notification's id: a receiver that remembers ids sees one event however often it is sent. The signature is
HMAC-SHA256 over `id.timestamp.body`; the timestamp is that of the attempt, so that a receiver can refuse what is replayed later.

The receiver may say later what became of it, by a webhook of its own to this channel's callback address, signed the same way with
the same secret: `notification.delivered`, `.read`, `.failed`, `.accepted` or `.declined`.
"""

import asyncio
import base64
import binascii
import contextlib
import hashlib
import hmac
import ssl
from collections.abc import Callable, Iterable
from datetime import datetime

import httpx
import msgspec

from alerting.terms import NotificationId, Progress
from gateway.notify.callback import Heard, Report, read, refused
from gateway.notify.channel import Notice, NotifyError, Sent, one_line, token
from gateway.notify.event import body
from gateway.notify.http import CONNECT_S, LATER, TOTAL_S, Http, retry_after
from gateway.notify.record import Means, Name, revealed, trusted, web_address
from gateway.reaching import Callback, CallbackAnswer

TOLERANCE_S = 300
"""How old, or how far ahead, a callback's timestamp may be: the five minutes of the specification's own libraries."""

ANSWER_KEPT = 4096
"""Bytes of an answer's body that are read: enough to say why it refused."""
ANSWER_S = 1.0
"""How long that body is waited for; the status has decided already."""

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


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`secret` is `whsec_…`; `previous_secret` signs beside it while the receiver changes over; `ca` is a PEM file of own roots."""

    name: Name
    url: str
    secret: str
    previous_secret: str = ""
    ca: str = ""

    def make(self, means: Means) -> "Webhook":
        web_address(self.url)
        secrets = [revealed("secret", self.secret, means)]
        if self.previous_secret:
            secrets.append(revealed("previous_secret", self.previous_secret, means))
        return Webhook(self.name, self.url, secrets, wall=means.wall, trust=trusted(self.ca, means))


class _Told(msgspec.Struct):
    """What a receiver says of a notification. `responder`: who comes, or cannot."""

    notification: str
    responder: str = ""
    detail: str = ""


class _Event(msgspec.Struct):
    type: str
    data: _Told


_PROGRESS = {f"notification.{progress.value}": progress for progress in Progress}


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
        self._http = Http(trust, connect_s=connect_s, total_s=total_s)

    async def send(self, notice: Notice) -> Sent:
        payload = body(notice)
        webhook_id, timestamp = token(notice.notification), int(self._wall().timestamp())
        headers = {
            "content-type": "application/json",
            "webhook-id": webhook_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(signature(key, webhook_id, timestamp, payload) for key in self._keys),
        }
        response = await self._http.open("POST", self._url, payload, headers)
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
        return await self._http.reach(self._url)

    def heard(self, callback: Callback) -> Heard:
        headers = callback.headers
        webhook_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not (stamp.isascii() and stamp.isdigit()) or abs(self._wall().timestamp() - int(stamp)) > TOLERANCE_S:
            return refused(401, "webhook-timestamp is missing, or more than five minutes off")
        genuine = {signature(key, webhook_id, int(stamp), callback.body) for key in self._keys}
        given = headers.get("webhook-signature", "").split(" ")
        if not any(hmac.compare_digest(mine.encode(), theirs.encode()) for mine in genuine for theirs in given):
            return refused(401, "webhook-signature does not fit")
        event = read(callback.body, _Event)
        progress = _PROGRESS.get(event.type) if event else None
        if event is None or progress is None:
            return refused(422, f"the body is not an event of type {', '.join(_PROGRESS)} with data.notification")
        told = event.data
        detail = one_line(told.detail)
        report = Report(progress, detail, notification=NotificationId(told.notification), responder=one_line(told.responder))
        return Heard(CallbackAnswer(200, b"{}"), (report,))

    async def close(self) -> None:
        await self._http.close()
