"""Users, their sessions, whose records they looked at, and answers kept for repeated calls: `users.db`, an SQLite file of its own.

Nothing here is needed to judge an alarm, so nothing here touches the journal. Memory comes first: a desk must be able to log in and
act while the disk is full, so sessions, looks and kept answers live in memory and what could not be written waits (`flush`). Only
what a person must be able to rely on (a user made, a password changed) is on disk before it is answered, or fails.
Passwords are argon2id; tokens are 256 random bits, of which the file holds the SHA-256.
"""

import hashlib
import secrets
import sqlite3
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import msgspec

from alerting.terms import SERVICE, Actor

SESSION_LASTS = timedelta(hours=16)
"""Longer than any shift with its hand-over."""
ANSWERS_KEPT = 10_000
SESSIONS_KEPT = 10_000
WAITING_KEPT = 50_000
ANSWER_LASTS = timedelta(days=7)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS user (name TEXT PRIMARY KEY, hash TEXT NOT NULL, role TEXT NOT NULL, created_at REAL NOT NULL,
  disabled INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE IF NOT EXISTS session (digest BLOB PRIMARY KEY, user TEXT NOT NULL, created_at REAL NOT NULL, expires_at REAL) STRICT;
CREATE TABLE IF NOT EXISTS look (at REAL NOT NULL, user TEXT NOT NULL, home TEXT NOT NULL, through TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS look_of_home ON look (home, at);
CREATE TABLE IF NOT EXISTS answer (key BLOB PRIMARY KEY, at REAL NOT NULL, request BLOB NOT NULL, status INTEGER NOT NULL,
  media TEXT NOT NULL, body BLOB NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS answer_age ON answer (at);
"""


WATCHDOG = Actor("_anju-self-check")
"""The service's own, that listens for its own calls: no person, so it is in no list, has no password and can be given none."""


class Role(StrEnum):
    OPERATOR = "operator"
    ADMIN = "admin"


class User(msgspec.Struct, frozen=True):
    name: Actor
    hash: str
    role: Role
    created_at: datetime
    disabled: bool = False


class Session(msgspec.Struct, frozen=True):
    digest: bytes
    user: Actor
    created_at: datetime
    expires_at: datetime | None
    """None: a token for a program, valid until it is taken back."""


class Look(msgspec.Struct, frozen=True):
    """Somebody saw the record of a home's people; `through` says on which page or call."""

    at: datetime
    user: Actor
    home: str
    through: str


class Answer(msgspec.Struct, frozen=True):
    """What a call with an Idempotency-Key was answered; `request` is the digest of what was asked."""

    request: bytes
    status: int
    media: str
    body: bytes


class NameTaken(Exception):  # noqa: N818 - a state, not a mistake
    """There is a user of this name."""


_Work = Callable[[sqlite3.Connection], object]


class Users:
    """Every method may block for a disk write or, where a password is involved, 240 ms of argon2: call them on a thread.

    `session` and `user` only look in memory and may be called anywhere.
    """

    def __init__(self, path: Path, wall: Callable[[], datetime]) -> None:
        self._wall = wall
        self._lock = threading.RLock()
        self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = NORMAL")
        self._file.executescript(_SCHEMA)
        path.chmod(0o600)
        self._waiting: deque[_Work] = deque()
        self._answers: OrderedDict[bytes, Answer] = OrderedDict()
        self._users: dict[Actor, User] = {}
        self._sessions: dict[bytes, Session] = {}
        self.problem = ""
        """Why the file cannot be written, or empty."""
        self.lost = 0
        """How many writes memory had no room for while the disk refused."""
        self._load()
        self._seen = self._version()

    def _load(self) -> None:
        users: dict[Actor, User] = {}
        sessions: dict[bytes, Session] = {}
        for name, hashed, role, created_at, disabled in self._file.execute("SELECT name, hash, role, created_at, disabled FROM user"):
            users[Actor(name)] = User(Actor(name), hashed, Role(role), _instant(created_at), bool(disabled))
        for digest, user, created_at, expires_at in self._file.execute("SELECT digest, user, created_at, expires_at FROM session"):
            expires = None if expires_at is None else _instant(expires_at)
            sessions[digest] = Session(digest, Actor(user), _instant(created_at), expires)
        # What could not be written yet is in memory alone; both are replaced whole, since others look without the lock.
        self._sessions = {**self._sessions, **sessions} if self._waiting else sessions
        self._users = users

    def refresh(self) -> None:
        """Take in what another process has written (`./anju user`). A disk that cannot be read is for the next time."""
        with self._lock, suppress(sqlite3.Error):
            version = self._version()
            if version != self._seen:
                self._load()
                self._seen = version

    def _version(self) -> int:
        """Changes when another connection has committed."""
        found: int = self._file.execute("PRAGMA data_version").fetchone()[0]
        return found

    def close(self) -> None:
        self.flush()
        with self._lock:
            self._file.close()

    # --- people --------------------------------------------------------------------------------------------------------------

    def user(self, name: str) -> User | None:
        return self._users.get(Actor(name))

    def all(self) -> list[User]:
        """The people."""
        return sorted((user for user in self._users.values() if user.name != WATCHDOG), key=lambda user: user.name)

    def create(self, username: str, password: str, role: Role) -> User:
        """On disk when it returns. NameTaken; sqlite3.Error when it cannot be written."""
        user = User(Actor(username), _hash(password), role, self._wall())
        with self._lock:
            if username in self._users or username in (SERVICE, WATCHDOG):
                raise NameTaken(username)
            self._store(user)
        return user

    def change(self, username: str, *, password: str | None = None, role: Role | None = None, disabled: bool | None = None) -> User:
        """On disk when it returns. A new password, or being disabled, ends every session of the user. KeyError: no such user."""
        hashed = None if password is None else _hash(password)
        with self._lock:
            if username == WATCHDOG:
                raise KeyError(username)
            user = self._users[Actor(username)]
            user = msgspec.structs.replace(
                user,
                hash=user.hash if hashed is None else hashed,
                role=user.role if role is None else role,
                disabled=user.disabled if disabled is None else disabled,
            )
            self._store(user)
            if hashed is not None or user.disabled:
                for session in [s for s in self._sessions.values() if s.user == user.name]:
                    self.end(session)
        return user

    def _store(self, user: User) -> None:
        self._file.execute(
            "INSERT INTO user (name, hash, role, created_at, disabled) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, role = excluded.role, disabled = excluded.disabled",
            (user.name, user.hash, user.role.value, user.created_at.timestamp(), user.disabled),
        )
        self._users[user.name] = user

    def check(self, username: str, password: str) -> User | None:
        """The user, if the password is theirs. Takes as long for a name that does not exist."""
        user = self._users.get(Actor(username))
        good = _verify(password, user.hash if user else _nobody())
        return user if user and good and not user.disabled else None

    # --- sessions ------------------------------------------------------------------------------------------------------------

    def begin(self, user: User, *, lasts: timedelta | None = SESSION_LASTS) -> tuple[str, Session]:
        """A new token and its session."""
        token = secrets.token_urlsafe(32)
        now = self._wall()
        session = Session(_digest(token), user.name, now, None if lasts is None else now + lasts)
        expires = None if session.expires_at is None else session.expires_at.timestamp()
        row = (session.digest, session.user, now.timestamp(), expires)
        with self._lock:
            if len(self._sessions) >= SESSIONS_KEPT:
                self._forget_sessions(now)
            self._sessions[session.digest] = session
            self._write(lambda file: file.execute("INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?)", row))
        return token, session

    def token_for(self, username: str) -> str:
        """A bearer token that does not expire, for a program. KeyError: no such user."""
        return self.begin(self._users[Actor(username)], lasts=None)[0]

    def token_for_watchdog(self) -> str:
        """The one that it has from now on. sqlite3.Error when it cannot be written."""
        with self._lock:
            if WATCHDOG not in self._users:
                self._store(User(WATCHDOG, "", Role.OPERATOR, self._wall()))
            for session in [s for s in self._sessions.values() if s.user == WATCHDOG]:
                self.end(session)
            return self.token_for(WATCHDOG)

    def session(self, token: str) -> tuple[User, Session] | None:
        """Whose token it is, if it is valid now. Memory only."""
        session = self._sessions.get(_digest(token))
        if session is None or not self.alive(session):
            return None
        return self._users[session.user], session

    def alive(self, session: Session) -> bool:
        user = self._users.get(session.user)
        if session.digest not in self._sessions or user is None or user.disabled:
            return False
        return session.expires_at is None or self._wall() < session.expires_at

    def end(self, session: Session) -> None:
        with self._lock:
            self._sessions.pop(session.digest, None)
            self._write(lambda file: file.execute("DELETE FROM session WHERE digest = ?", (session.digest,)))

    def _forget_sessions(self, now: datetime) -> None:
        """Those that are over, and then the oldest tenth of those that end."""
        ending = sorted((s for s in self._sessions.values() if s.expires_at is not None), key=lambda s: s.created_at)
        for number, session in enumerate(ending):
            if number < SESSIONS_KEPT // 10 or (session.expires_at is not None and session.expires_at <= now):
                self.end(session)

    # --- looks and answers ---------------------------------------------------------------------------------------------------

    def looked(self, user: Actor, home: str, through: str) -> None:
        """Noted in memory, written with the next `flush`; never blocks."""
        row = (self._wall().timestamp(), user, home, through)
        self._put(lambda file: file.execute("INSERT INTO look VALUES (?, ?, ?, ?)", row))

    def looks(self, home: str, limit: int) -> list[Look]:
        """Newest first."""
        self.flush()
        with self._lock:
            rows = self._file.execute("SELECT at, user, home, through FROM look WHERE home = ? ORDER BY at DESC LIMIT ?", (home, limit))
            return [Look(_instant(at), Actor(user), of, through) for at, user, of, through in rows]

    def prune_looks(self, before: datetime, most: int) -> int:
        """Remove looks from before then, of the oldest `most`; how many went. sqlite3.Error: none did."""
        with self._lock:
            gone = self._file.execute(
                "DELETE FROM look WHERE rowid IN (SELECT rowid FROM (SELECT rowid, at FROM look ORDER BY rowid LIMIT ?) WHERE at < ?)",
                (most, before.timestamp()),
            )
            return gone.rowcount

    def answer(self, key: bytes) -> Answer | None:
        with self._lock:
            kept = self._answers.get(key)
            if kept is None:
                row = self._file.execute("SELECT request, status, media, body FROM answer WHERE key = ?", (key,)).fetchone()
                kept = None if row is None else Answer(*row)
            return kept

    def keep(self, key: bytes, answer: Answer) -> None:
        row = (key, self._wall().timestamp(), answer.request, answer.status, answer.media, answer.body)
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > ANSWERS_KEPT:
                self._answers.popitem(last=False)
            self._write(lambda file: file.execute("INSERT OR REPLACE INTO answer VALUES (?, ?, ?, ?, ?, ?)", row))

    # --- writing -------------------------------------------------------------------------------------------------------------

    def _write(self, work: _Work) -> None:
        """Now, if the disk takes it; else it waits."""
        self._put(work)
        self.flush()

    def _put(self, work: _Work) -> None:
        if len(self._waiting) < WAITING_KEPT:
            self._waiting.append(work)
        else:
            self.lost += 1

    def flush(self) -> None:
        """Write what waits, in order, in one transaction. A disk that refuses leaves all of it waiting, and `problem` says why."""
        with self._lock:
            if not self._waiting:
                return
            works = list(self._waiting)
            try:
                self._file.execute("BEGIN IMMEDIATE")
                for work in works:
                    work(self._file)
                self._file.execute("COMMIT")
            except sqlite3.Error as problem:
                if self._file.in_transaction:
                    self._file.execute("ROLLBACK")
                self.problem = str(problem)
                return
            for _ in works:
                self._waiting.popleft()  # more may have come meanwhile
            self.problem = ""

    def tidy(self) -> None:
        """Take answers and sessions that are over out of the file."""
        now = self._wall().timestamp()
        with self._lock:
            self._write(lambda file: file.execute("DELETE FROM answer WHERE at < ?", (now - ANSWER_LASTS.total_seconds(),)))
            self._write(lambda file: file.execute("DELETE FROM session WHERE expires_at < ?", (now,)))


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _hash(password: str) -> str:
    from pwdlib import PasswordHash  # noqa: PLC0415 - argon2 costs the first page 50 ms, and only a log-in needs it

    return PasswordHash.recommended().hash(password)


def _verify(password: str, hashed: str) -> bool:
    from pwdlib import PasswordHash  # noqa: PLC0415
    from pwdlib.exceptions import PwdlibError  # noqa: PLC0415

    try:
        return PasswordHash.recommended().verify(password, hashed)
    except PwdlibError:
        return False


_NOBODY: list[str] = []


def _nobody() -> str:
    """A hash that no password has, made once: an unknown name must cost as much as a wrong password."""
    if not _NOBODY:
        _NOBODY.append(_hash(secrets.token_urlsafe(16)))
    return _NOBODY[0]
