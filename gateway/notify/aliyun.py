"""Alibaba Cloud's RPC interface: signed after its "V3 request structure and signature" (ACS3-HMAC-SHA256), errors by their code.

Sources: help.aliyun.com, "V3版本请求体&签名机制"; the tables of codes of Short Message Service and Voice Service.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from gateway.notify.channel import NotifyError
from gateway.notify.http import Http, Reply

ALGORITHM = "ACS3-HMAC-SHA256"

A = TypeVar("A", bound="Answer")

LATER: Mapping[str, timedelta | None] = {
    "isp.SYSTEM_ERROR": None,
    "isp.GATEWAY_ERROR": None,
    "isp.UNKNOWN": None,
    "isv.BUSINESS_LIMIT_CONTROL": timedelta(seconds=60),  # so many a minute, an hour, a day for one number; the day's end is not told
    "Throttling": timedelta(seconds=1),
    "Throttling.User": timedelta(seconds=1),
    "Throttling.Api": timedelta(seconds=1),
    "ServiceUnavailable": None,
    "ServiceUnavailableTemporary": None,
    "InternalError": None,
    "SignatureNonceUsed": None,
}
"""Codes that mean "not now", and from when on it is worth trying; every other one means "not like this"."""


class Answer(msgspec.Struct, rename="pascal"):
    """`code` is `OK`, or what was wrong."""

    code: str
    message: str = ""


class Rpc:
    """One product of one account. `endpoint` is its address, `version` that of the interface, `key` the access key's id and secret."""

    def __init__(self, endpoint: str, version: str, key: tuple[str, str], *, wall: Callable[[], datetime], http: Http) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._host = urlsplit(endpoint).netloc
        self._version = version
        self._key_id = key[0]
        self._key_secret = key[1].encode()
        self._wall = wall
        self._http = http

    async def call(self, action: str, parameters: Mapping[str, str], type_: type[A]) -> tuple[A, str]:
        """The answer whose code is OK, and its line. NotifyError for any other."""
        query = canonical_query(parameters)
        headers = self._signed(action, query)
        reply = await self._http.ask("POST", f"{self._endpoint}/?{query}", b"", headers, self._wall())
        answer = reply.read(type_)
        if answer.code != "OK":
            raise refusal(reply, answer.code)
        return answer, reply.line

    def _signed(self, action: str, query: str) -> dict[str, str]:
        headers = {
            "host": self._host,
            "x-acs-action": action,
            "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
            "x-acs-date": f"{self._wall():%Y-%m-%dT%H:%M:%SZ}",
            "x-acs-signature-nonce": secrets.token_hex(16),
            "x-acs-version": self._version,
        }
        signature = sign(self._key_secret, "POST", query, headers)
        names = ";".join(sorted(headers))
        return headers | {"authorization": f"{ALGORITHM} Credential={self._key_id},SignedHeaders={names},Signature={signature}"}

    async def reach(self) -> str:
        return await self._http.reach(self._endpoint)

    async def close(self) -> None:
        await self._http.close()


def canonical_query(parameters: Mapping[str, str]) -> str:
    """Sorted, in RFC 3986's percent-encoding; it is sent as it is signed."""
    return "&".join(f"{quote(name, safe='-_.~')}={quote(parameters[name], safe='-_.~')}" for name in sorted(parameters))


def sign(secret: bytes, method: str, query: str, headers: Mapping[str, str]) -> str:
    """Of a request to `/` whose body has the hash that its headers say."""
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    canonical = "\n".join([method, "/", query, lines, ";".join(sorted(headers)), headers["x-acs-content-sha256"]])
    to_sign = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return hmac.new(secret, to_sign.encode(), hashlib.sha256).hexdigest()


def refusal(reply: Reply, code: str) -> NotifyError:
    """A code decides, also within a 200; one that is not in the tables is judged by its family: `isp.` is the provider's own fault."""
    if code in LATER:
        return NotifyError(reply.line, transient=True, retry_after=reply.later or LATER[code])
    return NotifyError(reply.line, transient=code.startswith("isp.") and code != "isp.RAM_PERMISSION_DENY", retry_after=reply.later)
