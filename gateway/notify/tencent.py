"""Tencent Cloud's API 3.0: signed with TC3-HMAC-SHA256, always answered with 200, errors by their code.

Sources: cloud.tencent.com, "签名方法 v3"; the tables of codes of SMS (382) and Voice Message Service (1128).
"""

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar
from urllib.parse import urlsplit

import msgspec

from gateway.notify.channel import NotifyError
from gateway.notify.http import Http, Reply

ALGORITHM = "TC3-HMAC-SHA256"
CONTENT_TYPE = "application/json; charset=utf-8"
SIGNED_HEADERS = "content-type;host"

T = TypeVar("T")

LATER_FAMILIES = ("InternalError", "RequestLimitExceeded", "LimitExceeded", "FailedOperation.FailResolvePacket", "ServerUnavailable")
"""Beginnings of the codes that mean "not now". Of the limits some end with the day only; which, their names do not tell reliably."""
NEVER = frozenset({"LimitExceeded.PhoneNumberCountLimit"})
"""Of those families, what will be refused each time."""
WAITS = {
    "LimitExceeded.PhoneNumberThirtySecondLimit": timedelta(seconds=30),
    "LimitExceeded.DeliveryFrequencyLimit": timedelta(seconds=30),
    "LimitExceeded.PhoneNumberOneHourLimit": timedelta(minutes=10),
    "RequestLimitExceeded": timedelta(seconds=1),
}


class Error(msgspec.Struct, rename="pascal"):
    code: str
    message: str = ""


class Response(msgspec.Struct, Generic[T], rename="pascal"):
    response: T


class _Failed(msgspec.Struct, rename="pascal"):
    error: Error | None = None


class Account(msgspec.Struct, frozen=True):
    secret_id: str
    secret_key: str


class Product(msgspec.Struct, frozen=True):
    """`endpoint` without a slash at its end; `service` and `version` as documented."""

    endpoint: str
    service: str
    version: str
    region: str


class Api:
    """One product of one account."""

    def __init__(self, product: Product, account: Account, *, wall: Callable[[], datetime], http: Http) -> None:
        self._product = product
        self._account = account
        self._host = urlsplit(product.endpoint).netloc
        self._wall = wall
        self._http = http

    async def call(self, action: str, parameters: msgspec.Struct, type_: type[T]) -> tuple[T, Reply]:
        """What stands in `Response` when no error does. NotifyError."""
        body = msgspec.json.encode(parameters)
        wall = self._wall()
        stamp = int(wall.timestamp())
        headers = {
            "content-type": CONTENT_TYPE,
            "host": self._host,
            "x-tc-action": action,
            "x-tc-region": self._product.region,
            "x-tc-timestamp": str(stamp),
            "x-tc-version": self._product.version,
            "authorization": self._authorization(stamp, body),
        }
        reply = await self._http.ask("POST", f"{self._product.endpoint}/", body, headers, wall)
        failed = reply.read(Response[_Failed]).response.error
        if failed is not None:
            raise refusal(reply, failed.code)
        return reply.read(Response[type_]).response, reply  # type: ignore[valid-type]  # the parameter is a type at run time

    def _authorization(self, stamp: int, body: bytes) -> str:
        scope = f"{datetime.fromtimestamp(stamp, UTC):%Y-%m-%d}/{self._product.service}/tc3_request"
        signature = sign(self._account.secret_key, self._product.service, self._host, stamp, body)
        return f"{ALGORITHM} Credential={self._account.secret_id}/{scope}, SignedHeaders={SIGNED_HEADERS}, Signature={signature}"

    async def reach(self) -> str:
        return await self._http.reach(self._product.endpoint)

    async def close(self) -> None:
        await self._http.close()


def sign(secret_key: str, service: str, host: str, stamp: int, body: bytes) -> str:
    """Of a POST to `/` without a query, the content type being ours."""
    date = f"{datetime.fromtimestamp(stamp, UTC):%Y-%m-%d}"
    canonical = "\n".join([
        "POST", "/", "", f"content-type:{CONTENT_TYPE}\nhost:{host}\n", SIGNED_HEADERS, hashlib.sha256(body).hexdigest(),
    ])  # fmt: skip
    scope = f"{date}/{service}/tc3_request"
    to_sign = "\n".join([ALGORITHM, str(stamp), scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"TC3{secret_key}".encode()
    for part in (date, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


def refusal(reply: Reply, code: str) -> NotifyError:
    transient = code.startswith(LATER_FAMILIES) and code not in NEVER
    wait = next((wait for beginning, wait in WAITS.items() if code.startswith(beginning)), None)
    return NotifyError(reply.line, transient=transient, retry_after=reply.later or wait)
