"""The watchdog's token and password: made before its process and the one that serves the pages are started."""

import secrets
import sqlite3
from pathlib import Path

import msgspec

from gateway.clock import MACHINE
from gateway.demo import write_private
from gateway.watchdog_access import NAME, Access, read
from gateway.web.users import Users


def keep(data: Path) -> None:
    """See that `watchdog.json` is there and its token good. OSError, sqlite3.Error where that cannot be."""
    kept = read(data)
    users = Users(data / "users.db", MACHINE.wall)
    try:
        if kept is None or users.session(kept.token) is None:
            kept = Access(users.token_for_watchdog(), kept.password if kept else secrets.token_urlsafe(24))
            if users.problem:
                raise sqlite3.OperationalError(users.problem)
            write_private(data / NAME, msgspec.json.encode(kept))
    finally:
        users.close()
