"""E-mail against real servers: what is said, to whom again, and whose fault it is when it is not taken."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from alerting.terms import Category, NotificationId, Origin, Sentence
from gateway.notify.channel import Notice, NotifyError, Sent, token
from gateway.notify.email import Email, Security, Server
from gateway.notify.letter import letter, subject
from tests.notices import MACHINE_ROOTS, OWN_ROOT, RESIDENT, TLS, WALL, notice, receiver, stalling
from tests.patience import PATIENCE_S

ZONE = ZoneInfo("Asia/Shanghai")


class Post:
    """What the mail server does: answers by command; None takes it."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.refused: dict[str, str] = {}

    async def handle_MAIL(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]) -> str:  # noqa: N802 - aiosmtpd's name
        envelope.mail_from = address
        return self.answers.get("mail", "250 OK")

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]) -> str:  # noqa: N802 - aiosmtpd's name
        if address in self.refused:
            return self.refused[address]
        if "rcpt" not in self.answers:
            envelope.rcpt_tos.append(address)
        return self.answers.get("rcpt", "250 OK")

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if "data" in self.answers:
            return self.answers["data"]
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        self.mails.append((list(envelope.rcpt_tos), mail))
        return "250 OK"


def _authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, login: LoginPassword) -> AuthResult:
    return AuthResult(success=login.login == b"anju" and login.password == b"right", handled=False)


def _server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "server.pem", TLS / "server.key")
    return context


@contextmanager
def mail_server(post_office: Post, *, starttls: bool = False, tls: bool = False, auth: bool = False) -> Iterator[int]:
    controller = Controller(
        post_office,
        hostname="127.0.0.1",
        port=0,
        ssl_context=_server_tls() if tls else None,
        tls_context=_server_tls() if starttls else None,
        require_starttls=starttls,
        authenticator=_authenticate if auth else None,
        auth_required=auth,
        auth_require_tls=starttls,
        ready_timeout=PATIENCE_S,
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        controller.port = free.getsockname()[1]
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def mail_channel(
    port: int,
    *,
    to: tuple[str, ...] = ("lead@example.org",),
    security: Security = Security.NONE,
    password: str = "",
    trust: ssl.SSLContext = OWN_ROOT,
    step_s: float = PATIENCE_S,
    total_s: float = PATIENCE_S,
) -> Email:
    server = Server("127.0.0.1", port, security, "anju.example.org", "anju" if password else "", password)
    return Email("mail", server, "anju@example.org", to, wall=lambda: WALL, zone=ZONE, trust=trust, step_s=step_s, total_s=total_s)


def mailed(channel: Email, said: Notice | None = None) -> Sent | NotifyError:
    async def story() -> Sent | NotifyError:
        try:
            return await channel.send(said or notice())
        except NotifyError as error:
            return error
        finally:
            await channel.close()

    return asyncio.run(story())


def text_of(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    content = part.get_content()
    assert isinstance(content, str)
    return content


def test_a_mail_is_well_formed_chinese_first_and_recognisable() -> None:
    office = Post()
    with mail_server(office) as port:
        assert mailed(mail_channel(port, to=("lead@example.org", "duty@example.org"))) == Sent("taken for 2 of 2")
    [(recipients, mail)] = office.mails
    assert recipients == ["lead@example.org", "duty@example.org"]
    assert mail["Subject"] == "12 栋 3 单元 402 · 求助 / Call for help"
    assert mail["Message-ID"] == "<n-1@example.org>"
    assert mail["References"] == mail["In-Reply-To"] == "<alert-a-1@example.org>"
    assert mail["Date"] == "Sun, 22 Nov 2026 10:00:01 +0800"
    assert (mail["Auto-Submitted"], mail["Importance"]) == ("auto-generated", "high")
    assert mail.get_content_type() == "multipart/alternative"
    assert not mail.defects
    plain, html = text_of(mail, "plain"), text_of(mail, "html")
    for text in (plain, html):
        assert text.index("卫生间的拉绳被拉动") < text.index("The pull cord in the bathroom was pulled.")
        known = ("沈阿婆 · 138-0000-0012 · 杭州话，听力差", "清波街道柳浪新苑", "2026-11-22 09:59:00+08:00", "https://anju.example.org/alerts/a-1")
        assert all(fact in text for fact in known)
        assert RESIDENT.medical not in text


def test_a_mail_says_when_it_is_only_a_test_and_is_calm_about_a_battery() -> None:
    said = msgspec.structs.replace(notice(category=Category.TECHNICAL), origin=Origin.TEST)
    assert subject(said).startswith("[测试 TEST] ")
    mail = letter(said, "anju@example.org", ("lead@example.org",), WALL, ZONE)
    assert mail["Importance"] is None


def test_no_name_or_sentence_can_add_a_header_or_a_tag() -> None:
    evil = "x\r\nBcc: thief@example.net\r\n\r\n<script>alert(1)</script>\x00\u2028"
    said = msgspec.structs.replace(
        notice(),
        notification=NotificationId(evil),
        alert=evil,
        home_name=evil,
        title=Sentence(evil, evil),
        reason=Sentence(evil, evil),
    )
    office = Post()
    with mail_server(office) as port:
        assert isinstance(mailed(mail_channel(port), said), Sent)
    [(recipients, mail)] = office.mails
    assert recipients == ["lead@example.org"]
    assert mail["Bcc"] is None
    assert "\n" not in mail["Subject"]
    assert mail["Message-ID"] == f"<{token(evil)}@example.org>"
    assert "<script>" not in text_of(mail, "html")


def test_the_longest_ids_are_not_broken_by_folding() -> None:
    said = msgspec.structs.replace(notice("n" * 64), alert="a" * 64)
    domain = "gateway.of-a-county-with-a-long-name.example.org"
    raw = letter(said, f"anju@{domain}", ("lead@example.org",), WALL, ZONE).as_bytes()
    assert f"Message-ID: <{'n' * 64}@{domain}>\r\n".encode() in raw
    assert f"<alert-{'a' * 64}@{domain}>\r\n".encode() in raw


@pytest.mark.parametrize("command", ["mail", "rcpt", "data"])
@pytest.mark.parametrize(
    ("answer", "transient"), [("451 4.3.0 later", True), ("421 4.3.2 closing", True), ("550 5.1.1 nobody here", False)],
)
def test_the_code_of_the_refusal_decides_whether_to_come_back(command: str, answer: str, transient: bool) -> None:
    with mail_server(Post(**{command: answer})) as port:
        said = mailed(mail_channel(port))
    assert isinstance(said, NotifyError)
    assert said.transient is transient
    assert answer in said.detail


def test_a_receiver_who_was_refused_for_good_is_told_beside_those_who_took_it() -> None:
    office = Post()
    office.refused = {"gone@example.org": "550 5.1.1 no such user"}
    with mail_server(office) as port:
        said = mailed(mail_channel(port, to=("lead@example.org", "gone@example.org")))
    assert said == Sent("taken for 1 of 2; gone@example.org: 550 5.1.1 no such user")


def test_only_those_who_could_not_take_it_yet_get_it_again() -> None:
    office = Post()
    office.refused = {"busy@example.org": "450 4.2.1 greylisted", "gone@example.org": "550 5.1.1 no such user"}

    async def story(port: int) -> None:
        channel = mail_channel(port, to=("lead@example.org", "busy@example.org", "gone@example.org"))
        with pytest.raises(NotifyError) as caught:
            await channel.send(notice())
        assert caught.value.transient
        del office.refused["busy@example.org"]
        sent = await channel.send(notice())
        assert sent.detail.startswith("taken for 2 of 3; gone@example.org: 550")
        await channel.close()

    with mail_server(office) as port:
        asyncio.run(story(port))
    assert [recipients for recipients, _ in office.mails] == [["lead@example.org"], ["busy@example.org"]]
    assert len({mail["Message-ID"] for _, mail in office.mails}) == 1


def test_starttls_and_a_log_in_hand_the_mail_in() -> None:
    office = Post()
    with mail_server(office, starttls=True, auth=True) as port:
        assert isinstance(mailed(mail_channel(port, security=Security.STARTTLS, password="right")), Sent)
        wrong = mailed(mail_channel(port, security=Security.STARTTLS, password="wrong"))
    assert isinstance(wrong, NotifyError)
    assert not wrong.transient
    assert wrong.detail.startswith("535")
    assert len(office.mails) == 1


def test_tls_from_the_first_byte_hands_the_mail_in() -> None:
    office = Post()
    with mail_server(office, tls=True) as port:
        assert isinstance(mailed(mail_channel(port, security=Security.TLS)), Sent)
    assert len(office.mails) == 1


def test_a_server_without_starttls_gets_no_mail_in_the_clear() -> None:
    office = Post()
    with mail_server(office) as port:
        said = mailed(mail_channel(port, security=Security.STARTTLS, password="right"))
    assert isinstance(said, NotifyError)
    assert not said.transient
    assert office.mails == []


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_server_with_a_certificate_of_nobody_gets_no_mail(security: Security) -> None:
    office = Post()
    with mail_server(office, starttls=security is Security.STARTTLS, tls=security is Security.TLS) as port:
        said = mailed(mail_channel(port, security=security, trust=MACHINE_ROOTS))
    assert isinstance(said, NotifyError)
    assert said.transient
    assert "certificate" in said.detail.lower()
    assert office.mails == []


Line = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _silent(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _gone(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def _no_smtp(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


async def _drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"220-wait\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def _unwilling(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"554 5.3.2 no service\r\n")
    await writer.drain()


@pytest.mark.parametrize(
    ("server", "transient"), [(_silent, True), (_gone, True), (_no_smtp, True), (_drip, True), (_unwilling, False)],
    ids=lambda value: getattr(value, "__name__", "").strip("_"),
)
def test_a_mail_server_that_is_none_costs_a_bounded_time(server: Line, transient: bool) -> None:
    async def story() -> None:
        tasks: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                await server(reader, writer)
            except (OSError, asyncio.CancelledError):
                pass
            finally:
                writer.close()

        listening = await asyncio.start_server(serve, "127.0.0.1", 0)
        step_s, total_s = (0.3, 0.5) if transient else (PATIENCE_S, PATIENCE_S)
        channel = mail_channel(listening.sockets[0].getsockname()[1], step_s=step_s, total_s=total_s)
        with pytest.raises(NotifyError) as caught:
            await channel.send(notice())
        assert caught.value.transient is transient
        assert caught.value.detail
        await channel.close()
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(story())


def test_a_mail_that_is_cancelled_gives_its_thread_back() -> None:
    async def story() -> None:
        async with receiver(stalling) as heard:  # takes the connection and says nothing, as a greeting is waited for
            channel = mail_channel(heard.port, step_s=60.0, total_s=60.0)
            sending = asyncio.create_task(channel.send(notice()))
            while heard.connections == 0:
                await asyncio.sleep(0.002)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            await channel.close()
            threads = channel._threads._threads
            for thread in threads:
                await asyncio.to_thread(thread.join, 5)
            assert not any(thread.is_alive() for thread in threads)

    asyncio.run(story())
