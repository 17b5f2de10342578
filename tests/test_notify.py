"""Channels against real receivers: what is said, how it is signed, and whose fault it is when it is not taken."""

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from alerting.facts import NotificationId, Origin
from alerting.terms import Category, Sentence
from gateway.notify import webhook
from gateway.notify.channel import Moot, Notice, NotifyError, Sent, notice_of, one_line, token
from gateway.notify.email import Email, Security, Server
from gateway.notify.event import body
from gateway.notify.letter import letter, subject
from gateway.notify.webhook import Webhook, retry_after, signing_key
from tests.notices import (
    AT,
    DAUGHTER,
    HOME,
    RESIDENT,
    TLS,
    Behaviour,
    Hit,
    Receiver,
    alert,
    answering,
    hanging_up,
    notice,
    receiver,
    request,
    stalling,
)

T = TypeVar("T")

WALL = datetime(2026, 11, 22, 2, 0, 1, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
OLD_KEY = bytes(range(100, 132))
OLD_SECRET = "whsec_" + base64.b64encode(OLD_KEY).decode()
OWN_ROOT = ssl.create_default_context(cafile=str(TLS / "authority.pem"))
MACHINE_ROOTS = ssl.create_default_context()


# --- the notice ----------------------------------------------------------------------------------------------------------------


def test_a_notice_says_who_where_and_why_and_nothing_medical() -> None:
    said = notice()
    assert (said.home_name, said.room) == (HOME.name, "卫生间")
    assert (said.residents[0].name, said.residents[0].speech) == ("沈阿婆", "杭州话，听力差")
    assert said.link == "https://anju.example.org/alerts/a-1"
    assert said.life_safety
    everything = msgspec.json.encode(said).decode()
    for kept_back in (RESIDENT.medical, "1941", DAUGHTER.name, HOME.access, HOME.note):
        assert kept_back not in everything


def test_what_was_asked_for_before_the_alert_was_closed_is_moot_and_what_was_asked_for_by_the_closing_is_not() -> None:
    assert isinstance(notice_of(request(), alert(closed_at=AT + timedelta(seconds=1)), HOME, (), ""), Moot)
    assert isinstance(notice_of(request(), alert(closed_at=AT), HOME, (), ""), Notice)


def test_a_notice_of_a_home_that_is_gone_still_says_what_is_known() -> None:
    said = notice_of(request(), alert(), None, (), "")
    assert isinstance(said, Notice)
    assert (said.home, said.home_name, said.link, said.reason.en) == (HOME.id, "", "", "The pull cord in the bathroom was pulled.")


@pytest.mark.parametrize(
    ("id_", "kept"),
    [("n-1_x", True), ("a" * 64, True), ("a" * 65, False), ("警 1", False), ("a\r\nb: c", False), ("a.b", False), ("", False)],
)
def test_an_id_stands_in_a_header_as_it_is_or_as_a_digest(id_: str, kept: bool) -> None:
    assert (token(id_) == id_) is kept
    assert token(token(id_)) == token(id_)


def test_what_a_stranger_answers_becomes_one_printable_line() -> None:
    assert one_line("a\r\n\tb\x00\x1b[31m  c") == "a b [31m c"
    assert len(one_line("好" * 1000)) == 200


# --- the webhook ---------------------------------------------------------------------------------------------------------------


async def post(
    port: int, said: Notice | None = None, *, scheme: str = "http", trust: ssl.SSLContext = MACHINE_ROOTS, patience: float = 3.0,
) -> Sent:
    url = f"{scheme}://127.0.0.1:{port}/anju?x=1"
    channel = Webhook("hook", url, [SECRET, OLD_SECRET], wall=lambda: WALL, trust=trust, connect_s=2.0, total_s=patience)
    try:
        return await channel.send(said or notice())
    finally:
        await channel.close()


def answered(behaviour: Behaviour, *, patience: float = 3.0) -> tuple[Sent | NotifyError, Receiver]:
    async def story() -> tuple[Sent | NotifyError, Receiver]:
        async with receiver(behaviour) as heard:
            try:
                return await post(heard.port, patience=patience), heard
            except NotifyError as error:
                return error, heard

    return asyncio.run(story())


def verified(hit: Hit, key: bytes) -> bool:
    """The receiver's side, written after the specification and not after our code."""
    signed = b".".join([hit.headers["webhook-id"].encode("ascii"), hit.headers["webhook-timestamp"].encode("ascii"), hit.body])
    mac = hmac.new(key, digestmod=hashlib.sha256)
    mac.update(signed)
    expected = base64.standard_b64encode(mac.digest()).decode("ascii")
    given = [part.split(",", 1) for part in hit.headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(value, expected) for version, value in given)


def test_a_receiver_can_verify_who_sent_the_webhook_with_the_new_secret_and_with_the_old() -> None:
    sent, heard = answered(answering("200 OK", b"thank you"))
    assert sent == Sent("200 OK: thank you")
    hit = heard.hits[0]
    assert verified(hit, KEY)
    assert verified(hit, OLD_KEY)
    assert not verified(hit, bytes(32))
    assert not verified(hit._replace(body=hit.body + b" "), KEY)
    assert not verified(hit._replace(headers=hit.headers | {"webhook-timestamp": "1"}), KEY)
    assert hit.headers["webhook-id"] == "n-1"
    assert hit.headers["webhook-timestamp"] == str(int(WALL.timestamp()))
    assert hit.headers["content-type"] == "application/json"


def test_the_signature_is_that_of_the_published_example() -> None:
    """The vector that the libraries of Standard Webhooks test themselves with."""
    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    payload = b'{"test": 2432232314}'
    signed = webhook.signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, payload)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_body_is_an_event_with_both_languages() -> None:
    _, heard = answered(answering("204 No Content"))
    event = json.loads(heard.hits[0].body)
    assert event["type"] == "alert.escalated"
    assert event["timestamp"] == "2026-11-22T02:00:00.250000Z"
    data = event["data"]
    assert data["title"] == {"zh": "求助", "en": "Call for help"}
    assert data["why"]["en"] == "Nobody answered within 60 s: the shift lead is told."
    assert (data["category"], data["priority"], data["step"], data["target"]) == ("call_for_help", 1, 1, "lead")
    assert data["home"]["residents"] == [{"name": "沈阿婆", "phone": "138-0000-0012", "speech": "杭州话，听力差"}]
    assert data["link"] == "https://anju.example.org/alerts/a-1"


def test_an_area_s_alert_has_no_home() -> None:
    said = msgspec.structs.replace(notice(), home="", home_name="")
    assert json.loads(body(said))["data"]["home"] is None


def test_an_id_that_no_header_can_carry_is_sent_as_a_digest_and_stays_whole_in_the_body() -> None:
    async def story() -> None:
        async with receiver(answering("200 OK")) as heard:
            await post(heard.port, notice("警情-1"))
            assert heard.ids == [token("警情-1")]
            assert verified(heard.hits[0], KEY)
            assert json.loads(heard.hits[0].body)["data"]["notification"] == "警情-1"

    asyncio.run(story())


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("200 OK", "sent"),
        ("201 Created", "sent"),
        ("204 No Content", "sent"),
        ("301 Moved Permanently", "permanent"),
        ("302 Found", "permanent"),
        ("304 Not Modified", "permanent"),
        ("400 Bad Request", "permanent"),
        ("401 Unauthorized", "permanent"),
        ("404 Not Found", "permanent"),
        ("408 Request Timeout", "transient"),
        ("410 Gone", "permanent"),
        ("413 Content Too Large", "permanent"),
        ("425 Too Early", "transient"),
        ("429 Too Many Requests", "transient"),
        ("500 Internal Server Error", "transient"),
        ("502 Bad Gateway", "transient"),
        ("503 Service Unavailable", "transient"),
        ("599 Whatever", "transient"),
    ],
)
def test_the_status_decides_whether_it_was_taken_and_whether_to_come_back(status: str, outcome: str) -> None:
    said, _ = answered(answering(status))
    if outcome == "sent":
        assert said == Sent(status)
    else:
        assert isinstance(said, NotifyError)
        assert (said.detail, said.transient) == (status, outcome == "transient")


def test_a_redirect_is_not_followed() -> None:
    async def story() -> None:
        async with receiver(answering("200 OK")) as elsewhere:
            async with receiver(answering("307 Temporary Redirect", b"", f"location: http://127.0.0.1:{elsewhere.port}/")) as heard:
                with pytest.raises(NotifyError) as caught:
                    await post(heard.port)
            assert not caught.value.transient
            assert elsewhere.hits == []

    asyncio.run(story())


@pytest.mark.parametrize(
    ("value", "delay"),
    [
        ("120", timedelta(seconds=120)),
        ("Sun, 22 Nov 2026 02:01:01 GMT", timedelta(seconds=60)),
        ("Sun, 22 Nov 2026 01:00:00 GMT", None),
        ("0", None),
        ("-5", None),
        ("soon", None),
        ("1.5", None),
        ("٣", None),
        ("9" * 400, None),
        ("9" * 5000, None),
        ("Sun, 22 Nov 2026 02:01:01 -0000", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date_in_the_future(value: str | None, delay: timedelta | None) -> None:
    assert retry_after(value, WALL) == delay


def test_a_receiver_that_asks_for_patience_is_heard() -> None:
    said, _ = answered(answering("503 Service Unavailable", b"", "retry-after: 30"))
    assert isinstance(said, NotifyError)
    assert said.retry_after == timedelta(seconds=30)


async def _dripping(_hit: Hit, writer: asyncio.StreamWriter) -> None:
    for byte in b"HTTP/1.1 200 OK\r\n" * 100:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.05)


async def _garbage(_hit: Hit, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\xffSSH-2.0-OpenSSH\r\n\r\n")
    await writer.drain()


async def _endless_headers(_hit: Hit, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x-more: " + b"y" * 4096 + b"\r\n")
        await writer.drain()


@pytest.mark.parametrize(
    "behaviour", [stalling, hanging_up, _dripping, _garbage, _endless_headers], ids=lambda behaviour: behaviour.__name__.strip("_"),
)
def test_a_receiver_that_stalls_breaks_off_or_talks_nonsense_is_tried_again_later(behaviour: Behaviour) -> None:
    said, heard = answered(behaviour, patience=0.3)
    assert isinstance(said, NotifyError)
    assert said.transient
    assert said.detail
    assert len(heard.hits) == 1


def test_nobody_at_home_is_a_reason_to_come_back() -> None:
    with socket.socket() as bound:  # bound and not listening: refuses
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(NotifyError) as caught:
            asyncio.run(post(bound.getsockname()[1]))
    assert caught.value.transient


def test_a_huge_answer_is_read_to_a_bound_and_its_status_counts() -> None:
    written = 0

    async def endless(_hit: Hit, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000000\r\n\r\n")
        while True:
            writer.write(b"z" * 65536)
            await writer.drain()
            written += 65536

    said, _ = answered(endless)
    assert isinstance(said, Sent)
    assert len(said.detail) == 200
    assert written < 32 * 1024 * 1024


def test_a_yes_with_a_body_that_never_ends_is_a_yes() -> None:
    async def slow_body(_hit: Hit, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 100\r\n\r\nqueued")
        await asyncio.Event().wait()

    said, _ = answered(slow_body)
    assert said == Sent("202 Accepted: queued")


def test_tls_is_verified_against_the_roots_that_are_given() -> None:
    async def story() -> None:
        async with receiver(answering("200 OK"), tls=True) as heard:
            assert await post(heard.port, scheme="https", trust=OWN_ROOT) == Sent("200 OK")
            with pytest.raises(NotifyError) as caught:
                await post(heard.port, scheme="https", trust=MACHINE_ROOTS)
            assert caught.value.transient
            assert "certificate" in caught.value.detail.lower()
            assert len(heard.hits) == 1
        async with receiver(answering("200 OK")) as plain:
            with pytest.raises(NotifyError) as caught:
                await post(plain.port, scheme="https", trust=OWN_ROOT)
            assert caught.value.transient

    asyncio.run(story())


def test_one_connection_serves_many_webhooks() -> None:
    async def story() -> None:
        async with receiver(answering("200 OK", b"ok")) as heard:
            channel = Webhook("hook", f"http://127.0.0.1:{heard.port}/", [SECRET], wall=lambda: WALL, trust=MACHINE_ROOTS)
            for number in range(5):
                await channel.send(notice(f"n-{number}"))
            await channel.close()
            assert heard.ids == [f"n-{number}" for number in range(5)]
            assert heard.connections == 1

    asyncio.run(story())


@pytest.mark.parametrize("secret", ["", "abc", "whsec_", "whsec_%%%", "whsec_c2hvcnQ=", "whsec_" + base64.b64encode(bytes(65)).decode()])
def test_a_secret_that_is_none_is_refused_without_repeating_it(secret: str) -> None:
    with pytest.raises(ValueError, match=r"secret|base64") as caught:
        signing_key(secret)
    assert not secret.removeprefix("whsec_") or secret.removeprefix("whsec_") not in str(caught.value)


# --- e-mail --------------------------------------------------------------------------------------------------------------------


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
    step_s: float = 3.0,
    total_s: float = 5.0,
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
        channel = mail_channel(listening.sockets[0].getsockname()[1], step_s=0.3, total_s=0.5)
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
