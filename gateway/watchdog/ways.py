"""The watchdog's own ways to people: a webhook, a mail, a file. Nothing of what it watches is on any of them.

Each has its own task and its own patience, so that one that hangs or refuses holds up no other; it is tried again until it is taken, or
until something newer is to be said of the same matter.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import smtplib
import socket
import ssl
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Protocol

import httpx
import msgspec

from gateway.watchdog.alarms import Said, Word
from gateway.watchdog_settings import MailSecurity, WatchdogMail

TOTAL_S = 10.0
AGAIN_S = 10.0
PORTS = {MailSecurity.STARTTLS: 587, MailSecurity.TLS: 465, MailSecurity.NONE: 25}
HEADS = {
    Said.BROKEN: ("安居自检告警", "Anju watchdog ALARM"),
    Said.STILL: ("安居自检告警（仍未恢复）", "Anju watchdog: still so"),
    Said.WELL: ("安居自检已恢复", "Anju watchdog: well again"),
}


class Letter(msgspec.Struct, frozen=True):
    """A word, and what of the place it is said from."""

    word: Word
    since_at: datetime
    at: datetime
    machine: str
    console: str
    """The address of the pages, for whoever goes to look; empty where none is known."""

    def zh(self) -> str:
        return f"{HEADS[self.word.said][0]}：{self.word.sentence.zh}"

    def en(self) -> str:
        return f"{HEADS[self.word.said][1]}: {self.word.sentence.en}"

    def plain(self) -> str:
        since = self.since_at.isoformat(" ", "seconds")
        known = [f"自 since {since}", f"服务器 machine {self.machine}", *([f"页面 console {self.console}"] if self.console else [])]
        return "\n".join([self.zh(), self.en(), "", *known, ""])


class WayFailed(Exception):  # noqa: N818 - a state of the world, not a mistake
    """It was not taken; the text says what was answered, in one line."""


class Way(Protocol):
    @property
    def name(self) -> str: ...

    async def tell(self, letter: Letter, standing: int) -> None:
        """One attempt. `standing`: how many matters are broken now. WayFailed."""


class Hook:
    """A POST, signed after Standard Webhooks (https://www.standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`."""

    name = "webhook"

    def __init__(self, url: str, key: bytes, trust: ssl.SSLContext, wall: Callable[[], datetime]) -> None:
        self._url = url
        self._key = key
        self._trust = trust
        self._wall = wall

    async def tell(self, letter: Letter, standing: int) -> None:
        word, stamp = letter.word, int(self._wall().timestamp())
        body = msgspec.json.encode(
            {
                "type": f"watchdog.{word.said.value}", "timestamp": letter.at,
                "data": {
                    "matter": word.matter, "since": letter.since_at, "sentence": {"zh": word.sentence.zh, "en": word.sentence.en},
                    "standing": standing, "machine": letter.machine, "console": letter.console,
                },
            },
        )  # fmt: skip
        signed = hmac.digest(self._key, f"{word.id}.{stamp}.".encode() + body, hashlib.sha256)
        headers = {
            "content-type": "application/json", "user-agent": "anju-watchdog", "webhook-id": word.id, "webhook-timestamp": str(stamp),
            "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
        }  # fmt: skip
        try:
            async with asyncio.timeout(TOTAL_S), httpx.AsyncClient(verify=self._trust, trust_env=False) as client:
                answer = await client.post(self._url, content=body, headers=headers)
        except (httpx.HTTPError, TimeoutError) as problem:
            raise WayFailed(_line(problem)) from problem
        if not answer.is_success:
            raise WayFailed(f"HTTP {answer.status_code}")


class Mail:
    """One mail a word, by SMTP; the conversation is blocking, and on a thread."""

    name = "email"

    def __init__(self, settings: WatchdogMail, password: str, trust: ssl.SSLContext) -> None:
        self._settings = settings
        self._password = password
        self._trust = trust

    async def tell(self, letter: Letter, standing: int) -> None:  # noqa: ARG002 - a mail is about its word alone
        try:
            await asyncio.to_thread(self._send, self._mail(letter))
        except (smtplib.SMTPException, OSError) as problem:
            raise WayFailed(_line(problem)) from problem

    def _mail(self, letter: Letter) -> EmailMessage:
        settings = self._settings
        mail = EmailMessage()
        mail["From"], mail["To"] = f"Anju <{settings.sender}>", ", ".join(settings.to)
        mail["Subject"] = " ".join(f"{letter.zh()} / {letter.en()}".split())[:200]
        mail["Date"] = format_datetime(letter.at)
        mail["Message-ID"] = f"<{letter.word.id}@{settings.sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        if letter.word.said is not Said.WELL:
            mail["Importance"], mail["X-Priority"] = "high", "1"
        mail.set_content(letter.plain())
        return mail

    def _send(self, mail: EmailMessage) -> None:
        settings = self._settings
        port = settings.port or PORTS[settings.security]
        smtp = (
            smtplib.SMTP_SSL(settings.host, port, timeout=TOTAL_S, context=self._trust)
            if settings.security is MailSecurity.TLS else smtplib.SMTP(settings.host, port, timeout=TOTAL_S)
        )  # fmt: skip
        with smtp:
            if settings.security is MailSecurity.STARTTLS:
                smtp.starttls(context=self._trust)
            if settings.username:
                smtp.login(settings.username, self._password)
            smtp.send_message(mail)


class Siren:
    """A file that is there, with the sentence in it, as long as anything is broken: for a lamp, a relay, a script."""

    name = "siren"

    def __init__(self, path: Path) -> None:
        self._path = path

    async def tell(self, letter: Letter, standing: int) -> None:
        try:
            if standing:
                self._path.write_text(letter.plain(), encoding="utf-8")
            else:
                self.silence()
        except OSError as problem:
            raise WayFailed(_line(problem)) from problem

    def silence(self) -> None:
        """OSError."""
        self._path.unlink(missing_ok=True)


class Messenger:
    """One way, and what it has still to say: of each matter the newest word."""

    def __init__(self, way: Way, standing: Callable[[], int], *, again_s: float = AGAIN_S) -> None:
        self.way = way
        self.problem = ""
        """Why it did not take what it was given last; empty where it did."""
        self._standing = standing
        self._again_s = again_s
        self._waiting: dict[str, Letter] = {}
        self._wake = asyncio.Event()

    def give(self, letter: Letter) -> None:
        self._waiting[letter.word.matter] = letter
        self._wake.set()

    async def run(self) -> None:
        while True:
            self._wake.clear()
            await self._all()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._again_s if self._waiting else None):
                    await self._wake.wait()

    async def _all(self) -> None:
        for matter, letter in list(self._waiting.items()):
            try:
                await self.way.tell(letter, self._standing())
            except WayFailed as failed:
                self.problem = str(failed)
            except Exception as bug:  # noqa: BLE001 - whatever fails here, the other ways and the next word do not
                self.problem = f"a fault inside: {bug!r}"[:200]
            else:
                self.problem = ""
                if self._waiting.get(matter) is letter:
                    del self._waiting[matter]


def signing_key(secret: str) -> bytes:
    """The key in `whsec_<base64>`. ValueError, with a sentence that does not repeat the secret."""
    if not secret.startswith("whsec_"):
        raise ValueError("a webhook's secret begins with whsec_")
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError as problem:
        raise ValueError("what follows whsec_ is not base64") from problem
    if not 24 <= len(key) <= 64:
        raise ValueError(f"a webhook's secret holds 24 to 64 bytes, this one {len(key)}")
    return key


def machine() -> str:
    return socket.gethostname()


def _line(problem: BaseException) -> str:
    return " ".join(f"{type(problem).__name__}: {problem}".split())[:200].rstrip(": ")
