"""Who asks, and what they may do: sessions by bearer token or cookie, rights by role, cross-site requests and guessing kept out."""

import hashlib
import re
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from enum import StrEnum
from time import monotonic
from urllib.parse import urlsplit

import msgspec
from fastapi import Depends, Request
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from alerting.terms import Actor, Sentence
from devices.home import Home, Person
from gateway.web.problems import Problem
from gateway.web.users import WATCHDOG, Role, Session, Users

COOKIE = "anju_session"
API = "/api/v1/"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN = frozenset({("POST", "/api/v1/session"), ("GET", "/api/v1/login")})
"""All of the API that is answered without a session, beside callbacks."""
CALLBACKS = "/api/v1/callbacks/"
"""Providers have no session: they are known by their signature, or by the key of the address they were given."""

HELP_ANSWER = re.compile(r"/api/v1/help-requests/[^/]+/answer")
"""Nor has a service that was asked for help: it is known by the token that came with the request."""


class Right(StrEnum):
    READ = "read"
    ACT = "act"
    """On alerts."""
    SILENCE = "silence"
    CORRECT = "correct"
    """What must be put right at once in a record that somebody is just working with: the fields in `CORRECTIONS`."""
    ARRANGE = "arrange"
    """How a home is lived in for a while, what is done for it and who may see of it: modes, plans of care, family links."""
    REGISTER = "register"
    """Areas, homes, people, devices and their credentials."""
    SUPERVISE = "supervise"
    """What answers for the service: rosters and staff, drills, reviews, a test message through a channel."""
    ADMINISTER = "administer"
    """Users, the evidence and its erasing, and who looked at whose record."""
    JUDGE = "judge"
    """What everything is judged by: to bring versions of the rules, and to put one live."""


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.OPERATOR: frozenset({Right.READ, Right.ACT, Right.SILENCE, Right.CORRECT, Right.ARRANGE}),
    Role.ADMIN: frozenset(Right),
}
"""Who may what, all of it."""

CORRECTIONS: dict[type[Home | Person], frozenset[str]] = {
    Home: frozenset({"phone", "access", "note"}),
    Person: frozenset({"phone", "note"}),
}
"""How far the right to correct goes: a number that turns out wrong in the night does not wait for the office."""

_RIGHT_WORDS = {
    Right.READ: Sentence("查看", "read"),
    Right.ACT: Sentence("处理告警", "act on alerts"),
    Right.SILENCE: Sentence("设置静默", "set silences"),
    Right.CORRECT: Sentence("更正登记信息", "correct the registry"),
    Right.ARRANGE: Sentence("安排住户模式、关怀与家属链接", "arrange modes, care and family links of a home"),
    Right.REGISTER: Sentence("维护登记信息", "change the registry"),
    Right.SUPERVISE: Sentence("管理值班、演练、复盘和通知渠道", "supervise rosters, drills, reviews and channels"),
    Right.ADMINISTER: Sentence("管理用户、证据与查阅记录", "administer users, evidence and looks at records"),
    Right.JUDGE: Sentence("维护和启用判读规则", "bring rules or put them live"),
}

_ROLE_WORDS = {Role.OPERATOR: "值守员", Role.ADMIN: "管理员"}


class Identity(msgspec.Struct, frozen=True):
    """Who this request comes from."""

    user: Actor
    role: Role
    session: Session

    def may(self, right: Right) -> bool:
        return right in RIGHTS[self.role] and self.user != WATCHDOG


def identity(request: Request) -> Identity:
    who = request.scope["anju.identity"]
    assert isinstance(who, Identity)
    return who


def needs(right: Right) -> Callable[[Request], Identity]:
    """A dependency: the identity, or 403 where its role lacks the right."""

    def check(request: Request) -> Identity:
        who = identity(request)
        if not who.may(right):
            words = _RIGHT_WORDS[right]
            raise Problem(403, Sentence(f"{_ROLE_WORDS[who.role]}无权{words.zh}", f"the role {who.role} may not {words.en}"))
        return who

    return check


READ, ACT, SILENCE, CORRECT, ARRANGE, REGISTER, SUPERVISE, ADMINISTER, JUDGE = (Depends(needs(right)) for right in Right)


def check_correction(who: Identity, record: Home | Person, fields: Iterable[str]) -> None:
    """403 where they name more of the record than this role may change."""
    beyond = sorted(set(fields) - CORRECTIONS[type(record)])
    if beyond and not who.may(Right.REGISTER):
        names = ", ".join(beyond)
        raise Problem(403, Sentence(f"{_ROLE_WORDS[who.role]}无权更改：{names}", f"the role {who.role} may not change {names}"))


def cross_site(method: str, headers: Headers) -> bool:
    """Whether a browser was made to send this by a page that is not ours.

    Every browser in use sends Sec-Fetch-Site or Origin with it, and no page can forge them; a request with neither comes from a
    program, which no other page can steer. The same rule as Go's net/http.CrossOriginProtection, on top of SameSite=Strict.
    """
    if method in SAFE_METHODS:
        return False
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()


class Gate:
    """Stands before the whole API and lets nobody in unknown, before a byte of the body is read: no route can forget to ask."""

    def __init__(self, app: ASGIApp, users: Users) -> None:
        self.app = app
        self.users = users

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(API):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is None:
            await self.app(scope, receive, send)
        else:
            await refusal.response()(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> Problem | None:
        method = scope["method"]
        if method == "POST" and (scope["path"].startswith(CALLBACKS) or HELP_ANSWER.fullmatch(scope["path"])):
            return None
        bearer = bearer_token(headers)
        if not bearer and cross_site(method, headers):
            return Problem(403, Sentence("拒绝来自其他网站的请求", "the request comes from another site's page"))
        if (method, scope["path"]) in OPEN:
            return None
        who = identify(self.users, headers)
        if who is None:
            said = Sentence("请先登录", "log in first: a bearer token or a session cookie is needed")
            return Problem(401, said, headers={"WWW-Authenticate": 'Bearer realm="anju"'})
        scope["anju.identity"] = who
        return None


def bearer_token(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def identify(users: Users, headers: Headers) -> Identity | None:
    token = bearer_token(headers) or cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
    found = users.session(token) if token else None
    if found is None:
        return None
    user, session = found
    return Identity(user.name, user.role, session)


class Throttle:
    """Slows guessing: so many wrong passwords in a window, then a wait. Seconds are monotonic ones.

    An account is not locked for everybody because a stranger guesses at it (a desk must not be shut out by an attacker): the tight
    bound is on account and address together, wide ones on each alone.
    """

    WINDOW_S = 900.0
    PAIR, ACCOUNT, ADDRESS = 5, 50, 30
    KEPT = 20_000

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._failures: OrderedDict[bytes, list[float]] = OrderedDict()

    def _bounds(self, username: str, address: str) -> list[tuple[bytes, int]]:
        def name(*parts: str) -> bytes:
            return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()

        return [(name("p", username, address), self.PAIR), (name("u", username), self.ACCOUNT), (name("a", address), self.ADDRESS)]

    def wait(self, username: str, address: str) -> float:
        """Seconds until this account may be tried again from this address; 0 when it may be now."""
        now = self._now()
        longest = 0.0
        for key, most in self._bounds(username, address):
            recent = [at for at in self._failures.get(key, ()) if now - at < self.WINDOW_S]
            if len(recent) >= most:
                longest = max(longest, recent[-most] + self.WINDOW_S - now)
        return longest

    def failed(self, username: str, address: str) -> None:
        now = self._now()
        for key, most in self._bounds(username, address):
            recent = self._failures.setdefault(key, [])
            recent.append(now)
            del recent[:-most]
            self._failures.move_to_end(key)
        while len(self._failures) > self.KEPT:
            self._failures.popitem(last=False)

    def succeeded(self, username: str, address: str) -> None:
        self._failures.pop(self._bounds(username, address)[0][0], None)


class Turnstile:
    """Lets so many in a second, of those who need no session (callbacks, links): the alarm process answers them, and has calls to hear."""

    def __init__(self, per_second: int = 100, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._passed: deque[float] = deque(maxlen=per_second)

    def passes(self) -> bool:
        """Whether there is room for one more just now; then it is counted."""
        now, passed = self._now(), self._passed
        if len(passed) == passed.maxlen and now - passed[0] < 1.0:
            return False
        passed.append(now)
        return True
