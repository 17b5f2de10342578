"""`./anju user`: who may log in, from a shell. It writes to `users.db`, also while the service runs: that looks twice a second."""

import argparse
import os
import re
import secrets
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from gateway.clock import MACHINE
from gateway.operations.commands import settings_for
from gateway.problem import CommandFailed
from gateway.settings import reveal
from gateway.web.users import NameTaken, Role, User, Users

NAME = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
SHORTEST = 8


class Account(msgspec.Struct, frozen=True):
    username: str
    role: str
    disabled: bool
    created_at: str


def user(asked: argparse.Namespace) -> int:
    with users_of(asked) as users:
        match asked.what:
            case "list":
                _list(users.all(), as_json=asked.json)
            case "add":
                if not NAME.fullmatch(asked.name):
                    raise CommandFailed(f"{asked.name!r} is no user name: 1 to 64 of A-Z a-z 0-9 _ . @ -")
                password, made = _password(asked.password)
                try:
                    users.create(asked.name, password, Role(asked.role))
                except NameTaken as taken:
                    raise CommandFailed(f"there is a user named {asked.name}") from taken
                _tell(asked.name, password, made=made, as_json=asked.json)
            case "password":
                password, made = _password(asked.password)
                _change(users, asked.name, password=password)
                _tell(asked.name, password, made=made, as_json=asked.json)
            case _:
                disabled = asked.what == "disable"
                if disabled and _last_admin(users, asked.name):
                    raise CommandFailed(f"{asked.name} is the last administrator: make another one first")
                _change(users, asked.name, disabled=disabled)
    return 0


@contextmanager
def users_of(asked: argparse.Namespace) -> Iterator[Users]:
    """Of `--config` or `--data`; what the disk or the file refuses is one sentence."""
    path = Path(settings_for(asked.config, asked.data).data) / "users.db"
    if not path.exists():
        raise CommandFailed(f"{path} is not there: the first start of `serve` makes it")
    try:
        users = Users(path, MACHINE.wall)
        try:
            yield users
        finally:
            users.close()
    except (sqlite3.Error, OSError) as problem:
        raise CommandFailed(f"{path}: {problem}") from problem


def _change(users: Users, name: str, *, password: str | None = None, disabled: bool | None = None) -> None:
    try:
        users.change(name, password=password, disabled=disabled)
    except KeyError as unknown:
        raise CommandFailed(f"there is no user {name}") from unknown


def _last_admin(users: Users, name: str) -> bool:
    admins = [one.name for one in users.all() if one.role is Role.ADMIN and not one.disabled]
    return admins == [name]


def _password(given: str) -> tuple[str, bool]:
    """The one that `env:NAME` or `file:PATH` names, or one that is made; and whether it was made."""
    if not given:
        return secrets.token_urlsafe(12), True
    if not given.startswith(("env:", "file:")):
        raise CommandFailed("--password: env:NAME or file:PATH says where it is; a shell remembers what is typed")
    try:
        password = reveal(given, Path(), os.environ)
    except ValueError as problem:
        raise CommandFailed(f"--password: {problem}") from problem
    if len(password) < SHORTEST:
        raise CommandFailed(f"--password: {SHORTEST} characters are the least")
    return password, False


def _tell(name: str, password: str, *, made: bool, as_json: bool) -> None:
    if as_json:
        _say(msgspec.json.encode({"username": name, "password": password if made else None}).decode())
    elif made:
        _say(f"{name} / {password} (shown this once)")


def _list(users: list[User], *, as_json: bool) -> None:
    accounts = [Account(u.name, u.role.value, u.disabled, u.created_at.isoformat().replace("+00:00", "Z")) for u in users]
    if as_json:
        _say(msgspec.json.encode(accounts).decode())
        return
    for one in accounts:
        _say(f"{one.username:<20} {one.role:<10} {'disabled' if one.disabled else ''}".rstrip())


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
