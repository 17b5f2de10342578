"""Logging in and out, who I am, and the users of the desk."""

import asyncio
import sqlite3
from typing import Annotated

from fastapi import APIRouter, Request, Response

from alerting.terms import Sentence
from gateway.web.auth import ADMINISTER, COOKIE, READ, RIGHTS, Identity, Right
from gateway.web.bodies import Credentials, UserBody, UserPatch
from gateway.web.desk import OnDesk
from gateway.web.paging import NO_QUERY
from gateway.web.problems import Problem, ProblemDetails, missing
from gateway.web.shapes import LoginPage, Me, NameShape, Page, Token, UserShape
from gateway.web.users import SESSION_LASTS, NameTaken, User

router = APIRouter(tags=["session"])

@router.get("/login", dependencies=[NO_QUERY])
async def login_page(desk: OnDesk) -> LoginPage:
    """What the log-in page may show to anybody: the service's time zone, and the demonstration's account, where this is one."""
    demo = desk.demo_login
    return LoginPage(
        timezone=desk.timezone, demo_username=demo.username if demo else None, demo_password=demo.password if demo else None,
    )


@router.post(
    "/session",
    dependencies=[NO_QUERY],
    responses={401: {"model": ProblemDetails}, 429: {"model": ProblemDetails, "description": "Too many wrong passwords."}},
)
async def log_in(desk: OnDesk, request: Request, response: Response, body: Credentials) -> Token:
    """Sets the session cookie, and returns the same session as a bearer token."""
    address = request.client.host if request.client else ""
    wait = desk.throttle.wait(body.username, address)
    if wait > 0:
        said = Sentence("密码错误次数过多，请稍后再试", f"too many wrong passwords: try again in {wait:.0f} s")
        raise Problem(429, said, headers={"Retry-After": f"{wait:.0f}"})
    user = await desk.checking.do(desk.users.check, body.username, body.password)
    if user is None:
        desk.throttle.failed(body.username, address)
        raise Problem(401, Sentence("用户名或密码不正确", "the user name or the password is wrong"))
    desk.throttle.succeeded(body.username, address)
    token, session = await asyncio.to_thread(desk.users.begin, user)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(SESSION_LASTS.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/",
    )
    return Token(token=token, username=user.name, role=user.role, expires_at=session.expires_at)


@router.get("/session", dependencies=[NO_QUERY])
async def me(desk: OnDesk, who: Annotated[Identity, READ]) -> Me:
    rights = sorted(right.value for right in RIGHTS[who.role])
    return Me(username=who.user, role=who.role, rights=rights, expires_at=who.session.expires_at, timezone=desk.timezone)


@router.delete("/session", status_code=204, dependencies=[NO_QUERY])
async def log_out(desk: OnDesk, response: Response, who: Annotated[Identity, READ]) -> None:
    """Ends this session; its stream ends too."""
    await asyncio.to_thread(desk.users.end, who.session)
    desk.hub.dismiss()
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")


def _shape(user: User) -> UserShape:
    return UserShape(username=user.name, role=user.role, created_at=user.created_at, disabled=user.disabled)


@router.get("/users", dependencies=[ADMINISTER, NO_QUERY], tags=["users"])
async def users(desk: OnDesk) -> Page[UserShape]:
    return Page(items=[_shape(user) for user in desk.users.all()])


@router.get("/users/names", dependencies=[READ, NO_QUERY], tags=["users"])
async def names(desk: OnDesk) -> Page[NameShape]:
    """Who there is to hand an alert to: everybody who may log in."""
    return Page(items=[NameShape(username=user.name, role=user.role) for user in desk.users.all() if not user.disabled])


@router.post("/users", status_code=201, dependencies=[ADMINISTER, NO_QUERY], tags=["users"], responses={409: {"model": ProblemDetails}})
async def add_user(desk: OnDesk, body: UserBody) -> UserShape:
    try:
        return _shape(await asyncio.to_thread(desk.users.create, body.username, body.password, body.role))
    except NameTaken as taken:
        raise Problem(409, Sentence(f"用户名 {taken} 已被使用", f"there is a user named {taken}")) from taken
    except sqlite3.Error as problem:
        raise _unwritable(problem) from problem


@router.patch("/users/{username}", dependencies=[NO_QUERY], tags=["users"], responses={404: {"model": ProblemDetails}})
async def change_user(desk: OnDesk, username: str, body: UserPatch, who: Annotated[Identity, ADMINISTER]) -> UserShape:
    """A new password, or being disabled, ends every session of the user. Nobody takes their own administration away."""
    if username == who.user and (body.disabled or (body.role is not None and not _administers(body))):
        said = Sentence("不能取消自己的管理权限", "you cannot take the right to administer away from yourself")
        raise Problem(409, said)
    try:
        user = await asyncio.to_thread(
            lambda: desk.users.change(username, password=body.password, role=body.role, disabled=body.disabled),
        )
    except KeyError as unknown:
        raise missing(f"没有用户 {username[:80]}", f"there is no user {username[:80]}") from unknown
    except sqlite3.Error as problem:
        raise _unwritable(problem) from problem
    desk.hub.dismiss()
    return _shape(user)


def _administers(body: UserPatch) -> bool:
    return body.role is not None and Right.ADMINISTER in RIGHTS[body.role]


def _unwritable(problem: sqlite3.Error) -> Problem:
    return Problem(503, Sentence(f"用户库暂时无法写入：{problem}", f"the users' file cannot be written for now: {problem}"))
