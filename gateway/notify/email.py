"""E-mail by SMTP (RFC 5321): one mail a notice, Chinese first and English after, the conversation in a thread.

The Message-ID is made of the notification's id and all mails of an alert refer to one thread id, so a mail that is sent twice is
recognisably the same. Who has taken a mail is remembered until the notice is done with: only the others get it again.
"""

import asyncio
import contextlib
import smtplib
import socket
import ssl
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from enum import StrEnum
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from alerting.terms import NotificationId
from gateway.notify.channel import Notice, NotifyError, Sent, one_line
from gateway.notify.letter import letter
from gateway.notify.record import Means, Name, revealed, trusted

T = TypeVar("T")

STEP_S = 10.0
"""For the connection and for each answer of the server."""
TOTAL_S = 30.0
"""For the whole conversation; a server that drips is cut off."""

AT_ONCE = 8
REMEMBERED = 1000
"""Notices, half told, whose happy receivers are kept in mind."""


class Security(StrEnum):
    """`starttls` and `tls` never fall back to a conversation in the clear."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}


class Server(msgspec.Struct, frozen=True):
    """Where mail is handed in. `hello` is the name given in EHLO; no log-in where `username` is empty."""

    host: str
    port: int
    security: Security
    hello: str
    username: str = ""
    password: str = ""


class Answer(msgspec.Struct, frozen=True):
    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


Refusals = dict[str, Answer]
"""By recipient; empty when all took it."""


class EmailSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`port` 0: that of the security. `hello` is the name in EHLO; empty: the sender's domain. `ca` is a PEM file of own roots."""

    name: Name
    host: str
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    security: Security = Security.STARTTLS
    username: str = ""
    password: str = ""
    sender: str = msgspec.field(name="from")
    to: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    hello: str = ""
    ca: str = ""

    def make(self, means: Means) -> "Email":
        if not self.host or not self.host.isascii() or not self.host.isprintable():
            raise ValueError(f"host: {self.host!r} is not the name of a server")
        sender = mail_address("from", self.sender)
        hello = self.hello or sender.rpartition("@")[2]
        if not hello.isascii() or not hello.isprintable() or " " in hello:
            raise ValueError(f"hello: {hello!r} is not the name of a host")
        if bool(self.username) != bool(self.password):
            raise ValueError("username and password: one is there without the other")
        password = revealed("password", self.password, means) if self.password else ""
        server = Server(self.host, self.port or PORTS[self.security], self.security, hello, self.username, password)
        to = tuple(dict.fromkeys(mail_address("to", address) for address in self.to))
        return Email(self.name, server, sender, to, wall=means.wall, zone=means.zone, trust=trusted(self.ca, means))


def mail_address(key: str, text: str) -> str:
    """A plain address, `name@host`. What is not ASCII needs SMTPUTF8, which most relays here do not have: refused now, not at night."""
    if not text.isascii() or not text.isprintable():
        raise ValueError(f"{key}: {text!r} is not an address in ASCII like lead@example.org")
    try:
        address = Address(addr_spec=text)
    except (HeaderParseError, ValueError, IndexError) as problem:
        raise ValueError(f"{key}: {text!r} is not an address like lead@example.org") from problem
    if not address.username or not address.domain:
        raise ValueError(f"{key}: {text!r} is not an address like lead@example.org")
    return address.addr_spec


class Email:
    """Sends each notice to all of `to` in one mail. `wall` reads the wall clock, for the Date header; `zone` is the readers'."""

    kind = "email"

    def __init__(
        self,
        name: str,
        server: Server,
        sender: str,
        to: Iterable[str],
        *,
        wall: Callable[[], datetime],
        zone: ZoneInfo,
        trust: ssl.SSLContext,
        step_s: float = STEP_S,
        total_s: float = TOTAL_S,
    ) -> None:
        self.name = name
        self._server = server
        self._sender = sender
        self._to = tuple(to)
        self._wall = wall
        self._zone = zone
        self._trust = trust
        self._step_s = step_s
        self._total_s = total_s
        self._told: OrderedDict[NotificationId, set[str]] = OrderedDict()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix=f"mail-{name}")

    async def send(self, notice: Notice) -> Sent:
        told = self._told.get(notice.notification, set())
        to = [address for address in self._to if address not in told]
        mail = letter(notice, self._sender, self._to, self._wall(), self._zone).as_bytes()
        conversation = Conversation(self._server, self._trust, self._step_s)
        try:
            async with asyncio.timeout(self._total_s):
                refusals = await asyncio.get_running_loop().run_in_executor(self._threads, conversation.hand_in, self._sender, to, mail)
        except TimeoutError as problem:
            raise NotifyError(f"no end of the conversation within {self._total_s:g} s", transient=True) from problem
        finally:
            conversation.cut_off()
        return self._judge(notice.notification, to, refusals)

    async def reach(self) -> str:
        """A conversation up to where a mail would be handed in: connection, TLS and log-in as the settings ask for them."""
        conversation = Conversation(self._server, self._trust, self._step_s)
        try:
            async with asyncio.timeout(self._total_s):
                await asyncio.get_running_loop().run_in_executor(self._threads, conversation.greet)
        except TimeoutError as problem:
            raise NotifyError(f"no end of the conversation within {self._total_s:g} s", transient=True) from problem
        finally:
            conversation.cut_off()
        return f"{self._server.host}:{self._server.port} takes mail" + (f" from {self._server.username}" if self._server.username else "")

    def _judge(self, notification: NotificationId, to: list[str], refusals: Refusals) -> Sent:
        """All told, or as many as ever will be: sent. Someone to try again: transient. Nobody: the servers' answers."""
        told = self._told.pop(notification, set()) | (set(to) - set(refusals))
        detail = one_line(f"taken for {len(told)} of {len(self._to)}" + "".join(f"; {who}: {answer}" for who, answer in refusals.items()))
        if any(answer.code < 500 for answer in refusals.values()):
            self._told[notification] = told
            while len(self._told) > REMEMBERED:
                self._told.popitem(last=False)
            raise NotifyError(detail, transient=True)
        if not told:
            raise NotifyError(detail, transient=False)
        return Sent(detail)

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class Conversation:
    """One SMTP session, in a thread of its own; `cut_off` ends it from outside, at any moment, also when it is over."""

    def __init__(self, server: Server, trust: ssl.SSLContext, step_s: float) -> None:
        self._server = server
        self._trust = trust
        self._step_s = step_s
        self._smtp: smtplib.SMTP | None = None
        self._over = False

    def hand_in(self, sender: str, to: list[str], mail: bytes) -> Refusals:
        """Who refused it, and how. Raises NotifyError when the mail as a whole was not taken."""
        try:
            return _refusals(self._converse(lambda smtp: smtp.sendmail(sender, to, mail)))
        except smtplib.SMTPRecipientsRefused as problem:
            return _refusals(problem.recipients)

    def greet(self) -> None:
        """Everything but a mail. Raises NotifyError."""
        self._converse(lambda smtp: smtp.noop())

    def _converse(self, then: Callable[[smtplib.SMTP], T]) -> T:
        try:
            smtp = self._smtp = self._session()
            if self._over:
                raise NotifyError("cut off", transient=True)
            code, greeting = smtp.connect(self._server.host, self._server.port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, greeting)
            self._log_in(smtp)
            return then(smtp)
        except smtplib.SMTPRecipientsRefused:
            raise
        except smtplib.SMTPResponseException as problem:
            raise _refused(problem) from problem
        except smtplib.SMTPNotSupportedError as problem:
            raise NotifyError(one_line(f"the server offers less than the settings ask for: {problem}"), transient=False) from problem
        except (smtplib.SMTPException, OSError) as problem:
            raise NotifyError(one_line(f"no conversation: {type(problem).__name__}: {problem}"), transient=True) from problem
        finally:
            self._end()

    def cut_off(self) -> None:
        self._over = True
        connection = self._smtp.sock if self._smtp is not None else None
        if connection is not None:
            with contextlib.suppress(OSError):
                # That of the plain socket: the TLS one's would change the object under the thread that reads from it.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def _session(self) -> smtplib.SMTP:
        """Not connected yet: from the first byte on `cut_off` must have hold of it."""
        server = self._server
        if server.security is Security.TLS:
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(local_hostname=server.hello, timeout=self._step_s, context=self._trust)
        else:
            smtp = smtplib.SMTP(local_hostname=server.hello, timeout=self._step_s)
        smtp._host = server.host  # type: ignore[attr-defined]  # noqa: SLF001 - the name TLS verifies; only connecting constructors set it
        return smtp

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        if self._server.security is Security.STARTTLS:
            smtp.starttls(context=self._trust)
        if self._server.username:
            smtp.login(self._server.username, self._server.password)

    def _end(self) -> None:
        """Say good-bye; whatever comes back of that, the mail is taken or refused already."""
        smtp = self._smtp
        if smtp is None:
            return
        with contextlib.suppress(smtplib.SMTPException, OSError):
            smtp.quit()
        smtp.close()


def _refusals(recipients: dict[str, tuple[int, bytes]]) -> Refusals:
    return {address: Answer(code, _text(text)) for address, (code, text) in recipients.items()}


def _refused(problem: smtplib.SMTPResponseException) -> NotifyError:
    """4yz "not now", 5yz "not like this" (RFC 5321 4.2.1); what is neither was no SMTP, and may be one the next time."""
    return NotifyError(one_line(str(Answer(problem.smtp_code, _text(problem.smtp_error)))), transient=problem.smtp_code < 500)


def _text(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
