"""TLS at the endpoint: who gets in by a certificate, and why one does not."""

import asyncio
import contextlib
import os
import socket
import ssl
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from devices.mqtt.encode import encode
from devices.mqtt.packets import Connack, Connect, Puback, Publish
from gateway.mqtt.door import Way
from gateway.mqtt.tls import Failure
from gateway.settings import ClientCertificates
from tests.certificates import Office
from tests.endpoint import OWN, PASSWORD, endpoint, until
from tests.patience import PATIENCE_S, ended
from tests.tls_kit import Kit, fails, hello, kit, nameless, run

REPORT = f"{OWN}/report"
OPTIONAL, REQUIRED = ClientCertificates.OPTIONAL, ClientCertificates.REQUIRED


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "office")


# --- getting in ----------------------------------------------------------------------------------------------------------------------


def test_one_port_takes_both_and_a_password_counts_within_tls_too(office: Office) -> None:
    async def story() -> None:
        async with endpoint(keys=office.keys()) as at, kit(at, office.trust()) as one:
            await one.say(hello(), Publish(REPORT, b"{}", 1, packet_id=7))
            assert await one.hear(2) == [Connack(False), Puback(7)]
            assert at.listener.connections_by_way[Way.MQTTS] == 1
            reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
            plain = Kit(reader, writer)
            await plain.say(Connect("d", username="cord", password=PASSWORD.encode()))
            assert await plain.hear() == [Connack(False)]
            assert at.listener.connections_by_way[Way.MQTT] == 1
            writer.close()

    run(story())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_much_goes_through_in_both_directions(office: Office, version: ssl.TLSVersion) -> None:
    """A packet over many records, and commands faster than they are read."""

    async def story() -> None:
        trust = office.trust()
        trust.minimum_version = trust.maximum_version = version
        async with endpoint(keys=office.keys()) as at, kit(at, trust) as one:
            body = os.urandom(60_000)
            reports = [Publish(REPORT, body, 1, packet_id=n) for n in range(1, 41)]
            await one.say(hello("demo"), *reports)
            assert await one.hear(41) == [Connack(False), *(Puback(n) for n in range(1, 41))]
            assert [p.payload for p in at.ledger.published] == [body] * 40

    run(story())


def test_a_certificate_is_its_credential_and_needs_no_password(office: Office) -> None:
    async def story() -> None:
        async with endpoint(keys=office.keys(OPTIONAL)) as at:
            async with kit(at, office.trust(kit=office.kit("cord"))) as one:
                await one.say(nameless(), Publish(REPORT, b"{}", 1, packet_id=1))
                assert await one.hear(2) == [Connack(False), Puback(1)]
                assert at.ledger.published[0].username == "cord"
            async with kit(at, office.trust(kit=office.kit("cord"))) as one:
                await one.say(hello("cord", "a password of long ago"))
                assert await one.hear() == [Connack(False)]
            async with kit(at, office.trust()) as one:
                await one.say(hello())
                assert await one.hear() == [Connack(False)]

    run(story())


def test_without_a_common_name_the_first_dns_name_counts(office: Office) -> None:
    async def story() -> None:
        certificate = office.kit("san", office.issue("watch", "other"))
        async with endpoint(keys=office.keys(REQUIRED)) as at, kit(at, office.trust(kit=certificate)) as one:
            await one.say(nameless(), Publish(f"{OWN.rsplit('/', 1)[0]}/watch-1/report", b"{}", 1, packet_id=1))
            assert await one.hear(2) == [Connack(False), Puback(1)]
            assert at.ledger.published[0].username == "watch"

    run(story())


# --- not getting in ------------------------------------------------------------------------------------------------------------------


def test_a_good_certificate_that_lets_nobody_in_is_shown_to_the_installer(office: Office) -> None:
    async def story() -> None:
        async with endpoint(keys=office.keys(OPTIONAL)) as at:
            for name, connect in (("cord", hello("watch")), ("nobody", nameless())):
                async with kit(at, office.trust(kit=office.kit(name))) as one:
                    await one.say(connect)
                    assert await one.hear() == [Connack(False, 5)]
            assert [(r.username, r.reason) for r in at.ledger.refused] == [
                ("cord", "CONNECT: its certificate is 'cord''s, and it says it is 'watch'"),
                ("nobody", "CONNECT: its certificate names 'nobody', and no such credential is valid"),
            ]
            assert at.listener.tls_failures == {Failure.WRONG_NAME: 2}

    run(story())


def only(version: ssl.TLSVersion, trust: ssl.SSLContext) -> ssl.SSLContext:
    with pytest.warns(DeprecationWarning, match="deprecated") if version < ssl.TLSVersion.TLSv1_2 else contextlib.nullcontext():
        trust.minimum_version = trust.maximum_version = version
    trust.set_ciphers("DEFAULT:@SECLEVEL=0")
    return trust


BOTH = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.parametrize("version", BOTH)
def test_each_way_of_failing_is_counted_by_its_reason(office: Office, tmp_path: Path, version: ssl.TLSVersion) -> None:
    stranger = Office(tmp_path / "elsewhere")

    async def story() -> None:
        async with endpoint(keys=office.keys(REQUIRED)) as at:

            async def counted(failure: Failure, trust: ssl.SSLContext) -> None:
                before = at.listener.tls_failures.get(failure, 0)
                await fails(at, only(version, trust))
                await until(lambda: at.listener.tls_failures.get(failure, 0) == before + 1)
                assert at.listener.connections == 0

            strange, (certificate, key) = office.trust(), stranger.kit("cord")
            strange.load_cert_chain(certificate, key)
            await counted(Failure.UNKNOWN_CA, strange)
            await counted(Failure.NO_CERTIFICATE, office.trust())
            ended = office.issue("cord", common_name="cord", lasts=timedelta(days=-1))
            await counted(Failure.EXPIRED, office.trust(kit=office.kit("ended", ended)))
            await counted(Failure.UNTRUSTED, stranger.trust())
            assert sum(at.listener.tls_failures.values()) == 4

    run(story())


def test_what_is_not_tls_or_too_old_or_broken_off_is_counted_too(office: Office) -> None:
    async def story() -> None:
        async with endpoint(keys=office.keys(), plain=False) as at:
            await fails(at, only(ssl.TLSVersion.TLSv1_1, office.trust()))
            other = only(ssl.TLSVersion.TLSv1_2, office.trust())
            other.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")  # our key is none of RSA
            await fails(at, other)
            reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
            writer.write(encode(hello()))
            assert await ended(reader.read(), PATIENCE_S) == b""
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
            writer.write(b"GET /mqtt HTTP/1.1\r\n\r\n")
            assert (await ended(reader.read(), PATIENCE_S)).startswith(b"HTTP/1.1 400 Bad Request\r\n")
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
            writer.write(b"\x16\x03\x01\x02\x00\x01")
            await writer.drain()
            await until(lambda: len(at.listener.lobby) == 1)
            writer.close()
            expected = {Failure.OLD_TLS: 1, Failure.NOTHING_IN_COMMON: 1, Failure.NOT_TLS: 2, Failure.BROKEN_OFF: 1}
            await until(lambda: at.listener.tls_failures == expected)
            reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
            writer.write(b"\x16\x03\x01\x02\x00\x01" + bytes(100))
            await writer.drain()
            await until(lambda: len(at.listener.lobby) == 1)
            at.ledger.now += timedelta(seconds=11)
            assert await ended(reader.read(), PATIENCE_S) == b""
            writer.close()
            await until(lambda: at.listener.tls_failures.get(Failure.SLOW) == 1)

    run(story())


# --- revocation ----------------------------------------------------------------------------------------------------------------------


def test_a_revoked_certificate_is_refused_and_who_is_connected_by_it_has_to_go(office: Office) -> None:
    """While another of the same office stays."""

    async def story() -> None:
        cord, watch = office.kit("cord"), office.kit("watch")
        office.revoke()
        keys = office.keys(REQUIRED, crl=True)
        async with endpoint(keys=keys) as at, kit(at, office.trust(kit=cord)) as one, kit(at, office.trust(kit=watch)) as other:
            for each in (one, other):
                await each.say(nameless())
                assert await each.hear() == [Connack(False)]
            watching = asyncio.create_task(keys.watch(at.listener.shut_out_revoked))
            office.revoke(cord[0])
            keys.reload()
            with pytest.raises(EOFError):
                await one.hear()
            async with kit(at, office.trust(kit=cord)) as again:
                await again.say(nameless())
                assert await again.hear() == [Connack(False, 5)]
            await other.say(Publish(f"{OWN.rsplit('/', 1)[0]}/watch-1/report", b"{}", 1, packet_id=1))
            assert await other.hear() == [Puback(1)]
            assert at.listener.tls_failures == {Failure.REVOKED: 1}
            assert "revoked" in at.ledger.refused[0].reason
            watching.cancel()

    run(story())


def test_a_list_that_is_out_of_date_shuts_out_whom_it_names_and_nobody_else(office: Office) -> None:
    async def story() -> None:
        cord, watch = office.kit("cord"), office.kit("watch")
        office.revoke(cord[0], due=timedelta(days=-1))
        keys = office.keys(REQUIRED, crl=True)
        async with endpoint(keys=keys) as at:
            for certificate, code in ((cord, 5), (watch, 0)):
                async with kit(at, office.trust(kit=certificate)) as one:
                    await one.say(nameless())
                    assert await one.hear() == [Connack(False, code)]
        [problem] = keys.problems
        assert "was due anew on" in problem.en

    run(story())


def test_a_session_that_is_resumed_is_still_that_certificates(office: Office) -> None:
    """No certificate crosses the line then; it is known all the same, and so is that it was revoked meanwhile."""

    async def story() -> None:
        cord = office.kit("cord")
        office.revoke()
        keys = office.keys(REQUIRED, crl=True)
        trust = office.trust(kit=cord)

        async with endpoint(keys=keys) as at:

            def attempt(session: ssl.SSLSession | None) -> tuple[bytes, ssl.SSLSession | None, bool]:
                with (
                    socket.create_connection(("127.0.0.1", at.port), 10) as line,
                    trust.wrap_socket(line, server_hostname="127.0.0.1", session=session) as tls,
                ):
                    tls.sendall(encode(nameless()))
                    return tls.recv(4), tls.session, bool(tls.session_reused)

            first, session, _ = await asyncio.to_thread(attempt, None)
            again, session, resumed = await asyncio.to_thread(attempt, session)
            assert (first, again, resumed) == (encode(Connack(False)), encode(Connack(False)), True)
            office.revoke(cord[0])
            before = keys._now
            assert keys.read()
            now = keys._now
            assert before is not None
            assert now is not None
            keys._now = msgspec.structs.replace(now, context=before.context)  # the one that knows the session
            refused, _, resumed = await asyncio.to_thread(attempt, session)
            assert (refused, resumed) == (encode(Connack(False, 5)), True)

    run(story())
