"""The webhook against real receivers: what is said, how it is signed, and whose fault it is when it is not taken."""

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import ssl
from datetime import timedelta

import msgspec
import pytest

from gateway.notify import webhook
from gateway.notify.channel import Notice, NotifyError, Sent, token
from gateway.notify.event import body
from gateway.notify.http import retry_after
from gateway.notify.webhook import Webhook, signing_key
from tests.notices import MACHINE_ROOTS, OWN_ROOT, WALL, Behaviour, Hit, Receiver, answering, hanging_up, notice, receiver, stalling
from tests.patience import PATIENCE_S

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
OLD_KEY = bytes(range(100, 132))
OLD_SECRET = "whsec_" + base64.b64encode(OLD_KEY).decode()


async def post(
    port: int, said: Notice | None = None, *, scheme: str = "http", trust: ssl.SSLContext = MACHINE_ROOTS, patience: float = PATIENCE_S,
) -> Sent:
    url = f"{scheme}://127.0.0.1:{port}/anju?x=1"
    channel = Webhook("hook", url, [SECRET, OLD_SECRET], wall=lambda: WALL, trust=trust, connect_s=min(patience, 30.0), total_s=patience)
    try:
        return await channel.send(said or notice())
    finally:
        await channel.close()


def answered(behaviour: Behaviour, *, patience: float = PATIENCE_S) -> tuple[Sent | NotifyError, Receiver]:
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
    said, heard = answered(behaviour, patience=1.0)
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
