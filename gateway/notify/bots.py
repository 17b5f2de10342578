"""Robots in the group chats of WeCom, DingTalk and Feishu: a POST to an address that is a secret, an answer whose code counts.

All three answer 200 also when they refuse; what was taken has code 0. None has receipts or an idempotence key, so a message that is
sent twice after a crash stands twice in the group, recognisably the same by the alert's number. Sources: WeCom developer centre 91770
(and its global codes, 90313), DingTalk "custom robot access" and its table of codes, Feishu "custom bot usage guide".
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import quote_plus
from zoneinfo import ZoneInfo

import msgspec

from gateway.notify.channel import Notice, NotifyError, Sent
from gateway.notify.http import Http, Reply
from gateway.notify.pace import Paced
from gateway.notify.record import Means, Name, PerMinute, Phones, phones, revealed, trusted, web_address
from gateway.notify.words import chat

LATER = timedelta(seconds=60)
"""The window in which all three count."""


class Dialect(Protocol):
    """How one of them is spoken to. `later`: codes that mean "not now", and for how long."""

    @property
    def kind(self) -> str: ...

    @property
    def most_bytes(self) -> int: ...

    @property
    def later(self) -> Mapping[int, timedelta | None]: ...

    def address(self, url: str, wall: datetime) -> str: ...

    def body(self, text: str, wall: datetime) -> msgspec.Struct: ...

    def code(self, reply: Reply) -> int: ...


class Bot:
    """Posts each notice into one group."""

    def __init__(self, name: str, url: str, dialect: Dialect, *, wall: Callable[[], datetime], zone: ZoneInfo, http: Http) -> None:
        self.name = name
        self.kind = dialect.kind
        self._url = url
        self._dialect = dialect
        self._wall = wall
        self._zone = zone
        self._http = http

    async def send(self, notice: Notice) -> Sent:
        wall, dialect = self._wall(), self._dialect
        text = chat(notice, self._zone, dialect.most_bytes)
        body = msgspec.json.encode(dialect.body(text, wall))
        headers = {"content-type": "application/json; charset=utf-8"}
        reply = await self._http.ask("POST", dialect.address(self._url, wall), body, headers, wall)
        if not 200 <= reply.status < 300:
            raise reply.refusal(reply.line)
        code = dialect.code(reply)
        if code == 0:
            return Sent(reply.line)
        later = dialect.later.get(code)
        raise NotifyError(reply.line, transient=code in dialect.later, retry_after=reply.later or later)

    async def reach(self) -> str:
        """A connection, and TLS where the address says so; no request: there is none that says nothing in the group."""
        return await self._http.reach(self._url)

    async def close(self) -> None:
        await self._http.close()


# --- WeCom ---------------------------------------------------------------------------------------------------------------------


class _Content(msgspec.Struct):
    content: str
    mentioned_mobile_list: tuple[str, ...] = ()


class _WeComText(msgspec.Struct):
    text: _Content
    msgtype: str = "text"


class _Errcode(msgspec.Struct):
    errcode: int


class WeCom:
    """企业微信群机器人: text of 2,048 bytes, 20 messages a minute. `mention` are telephone numbers of members, or `@all`."""

    kind = "wecom"
    most_bytes = 2048
    later: Mapping[int, timedelta | None] = {-1: None, 45009: LATER, 45033: None}

    def __init__(self, mention: tuple[str, ...] = ()) -> None:
        self._mention = mention

    def address(self, url: str, wall: datetime) -> str:  # noqa: ARG002 - the dialects' common form
        return url

    def body(self, text: str, wall: datetime) -> msgspec.Struct:  # noqa: ARG002 - the dialects' common form
        return _WeComText(_Content(text, self._mention))

    def code(self, reply: Reply) -> int:
        return reply.read(_Errcode).errcode


# --- DingTalk ------------------------------------------------------------------------------------------------------------------


class _DingText(msgspec.Struct):
    content: str


class _At(msgspec.Struct, rename="camel"):
    at_mobiles: tuple[str, ...] = ()
    is_at_all: bool = False


class _DingTalk(msgspec.Struct):
    text: _DingText
    at: _At
    msgtype: str = "text"


class DingTalk:
    """钉钉自定义机器人, "signed": 20 messages a minute, past that refused for ten minutes."""

    kind = "dingtalk"
    most_bytes = 15_000
    later: Mapping[int, timedelta | None] = {-1: None, 130101: timedelta(minutes=10), 410100: timedelta(minutes=10)}

    def __init__(self, secret: str, mention: tuple[str, ...] = (), *, everybody: bool = False) -> None:
        self._secret = secret.encode()
        self._at = _At(mention, everybody)

    def address(self, url: str, wall: datetime) -> str:
        if not self._secret:
            return url
        stamp = int(wall.timestamp() * 1000)
        digest = hmac.digest(self._secret, b"%d\n%s" % (stamp, self._secret), hashlib.sha256)
        return f"{url}&timestamp={stamp}&sign={quote_plus(base64.b64encode(digest))}"

    def body(self, text: str, wall: datetime) -> msgspec.Struct:  # noqa: ARG002 - the dialects' common form
        return _DingTalk(_DingText(text), self._at)

    def code(self, reply: Reply) -> int:
        return reply.read(_Errcode).errcode


# --- Feishu --------------------------------------------------------------------------------------------------------------------


class _FeishuText(msgspec.Struct):
    text: str


class _Feishu(msgspec.Struct, omit_defaults=True):
    content: _FeishuText
    msg_type: str
    timestamp: str = ""
    sign: str = ""


class _Code(msgspec.Struct):
    code: int


class Feishu:
    """飞书自定义机器人, "signature verification": 100 messages a minute and 5 a second, bodies of 20 KB."""

    kind = "feishu"
    most_bytes = 15_000
    later: Mapping[int, timedelta | None] = {11232: LATER}

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def address(self, url: str, wall: datetime) -> str:  # noqa: ARG002 - the dialects' common form
        return url

    def body(self, text: str, wall: datetime) -> msgspec.Struct:
        if not self._secret:
            return _Feishu(_FeishuText(text), "text")
        stamp = str(int(wall.timestamp()))
        digest = hmac.digest(f"{stamp}\n{self._secret}".encode(), b"", hashlib.sha256)  # the key signs nothing: so it is documented
        return _Feishu(_FeishuText(text), "text", timestamp=stamp, sign=base64.b64encode(digest).decode())

    def code(self, reply: Reply) -> int:
        return reply.read(_Code).code


# --- settings ------------------------------------------------------------------------------------------------------------------


def _bot(settings: "WeComSettings | DingTalkSettings | FeishuSettings", dialect: Dialect, means: Means) -> Paced:
    url = web_address(revealed("url", settings.url, means), shown=False)
    if dialect.kind == "dingtalk" and "access_token=" not in url:
        raise ValueError("url: it has no access_token=…: copy the whole address that DingTalk shows")
    http = Http(trusted(settings.ca, means))
    return Paced(Bot(settings.name, url, dialect, wall=means.wall, zone=means.zone, http=http), settings.per_minute)


class WeComSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`url` is the robot's whole address, a secret; `mention` names members by telephone, `@all` all of them."""

    name: Name
    url: str
    mention: Phones = ()
    ca: str = ""
    per_minute: PerMinute = 20

    def make(self, means: Means) -> Paced:
        everybody = ("@all",) if "@all" in self.mention else ()
        return _bot(self, WeCom(phones("mention", tuple(m for m in self.mention if m != "@all")) + everybody), means)


class DingTalkSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`url` with its access_token is a secret; `secret` is the `SEC…` of "signed". `mention` as for WeCom."""

    name: Name
    url: str
    secret: str = ""
    mention: Phones = ()
    ca: str = ""
    per_minute: PerMinute = 20

    def make(self, means: Means) -> Paced:
        key = revealed("secret", self.secret, means) if self.secret else ""
        named = phones("mention", tuple(m for m in self.mention if m != "@all"))
        return _bot(self, DingTalk(key, named, everybody="@all" in self.mention), means)


class FeishuSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`url` is the robot's whole address, a secret; `secret` that of "signature verification"."""

    name: Name
    url: str
    secret: str = ""
    ca: str = ""
    per_minute: PerMinute = 100

    def make(self, means: Means) -> Paced:
        return _bot(self, Feishu(revealed("secret", self.secret, means) if self.secret else ""), means)
