"""TLS at the endpoint: who gets in by a certificate, why one does not, and files that change while kits are connected."""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import uvloop
from cryptography import x509

from devices.mqtt.encode import encode
from devices.mqtt.packets import Connack, Connect, Packet, Puback, Publish
from devices.mqtt.reader import Reader
from gateway.clock import MACHINE
from gateway.mqtt.der import certificates
from gateway.mqtt.door import Way
from gateway.mqtt.keys import Keys
from gateway.mqtt.tls import Failure
from gateway.settings import ClientCertificates
from tests.certificates import ADDRESSES, Office
from tests.endpoint import OWN, PASSWORD, Endpoint, endpoint, until
from tests.patience import PATIENCE_S, ended

REPORT = f"{OWN}/report"
OPTIONAL, REQUIRED = ClientCertificates.OPTIONAL, ClientCertificates.REQUIRED


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "office")


def run(story: Coroutine[None, None, None]) -> None:
    """On the loop that the service runs on."""
    uvloop.run(story)


class Kit:
    """A client within TLS."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._reader = Reader(lambda _: 10**7)

    async def say(self, *packets: Packet) -> None:
        self.writer.write(b"".join(map(encode, packets)))
        await self.writer.drain()

    async def hear(self, count: int = 1) -> list[Packet]:
        packets: list[Packet] = []
        async with asyncio.timeout(PATIENCE_S):
            while len(packets) < count:
                data = await self.reader.read(65_536)
                if not data:
                    raise EOFError(packets)
                packets.extend(self._reader.feed(data))
        return packets

    @property
    def shown(self) -> int:
        """Serial number of the certificate that the endpoint showed."""
        tls: ssl.SSLObject = self.writer.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True)
        assert der is not None
        return x509.load_der_x509_certificate(der).serial_number


@asynccontextmanager
async def kit(at: Endpoint, trust: ssl.SSLContext) -> AsyncIterator[Kit]:
    reader, writer = await asyncio.open_connection("127.0.0.1", at.port, ssl=trust, server_hostname="127.0.0.1")
    try:
        yield Kit(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ssl.SSLError, OSError):
            await writer.wait_closed()


def hello(user: str | None = "cord", password: str | None = PASSWORD) -> Connect:
    return Connect("c", username=user, password=None if password is None else password.encode())


def nameless() -> Connect:
    return hello(None, None)


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


async def fails(at: Endpoint, trust: ssl.SSLContext) -> None:
    """Whatever the client sees of it: nothing is admitted. A blocking socket, since asyncio's client keeps its alert to itself."""

    def attempt() -> bytes:
        try:
            with socket.create_connection(("127.0.0.1", at.port), 10) as line, trust.wrap_socket(line, server_hostname="127.0.0.1") as tls:
                tls.sendall(encode(nameless()))
                return tls.recv(100)
        except (ssl.SSLError, ConnectionError):
            return b""

    assert await asyncio.to_thread(attempt) == b""


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


# --- files that change ---------------------------------------------------------------------------------------------------------------


def test_a_new_certificate_is_shown_to_the_next_kit_and_the_connected_ones_stay(office: Office) -> None:
    """Noticed by itself, within seconds."""

    async def story() -> None:
        keys, changes = office.keys(), list[None]()
        async with endpoint(keys=keys) as at, kit(at, office.trust()) as before:
            await before.say(hello())
            assert await before.hear() == [Connack(False)]
            watching = asyncio.create_task(keys.watch(lambda: changes.append(None)))
            await asyncio.sleep(0)
            office.serve(office.issue(*ADDRESSES))
            await until(lambda: bool(changes))
            async with kit(at, office.trust()) as after:
                await after.say(Connect("other", username="watch", password=PASSWORD.encode()))
                assert await after.hear() == [Connack(False)]
                assert after.shown != before.shown
            await before.say(Publish(REPORT, b"{}", 1, packet_id=1))
            assert await before.hear() == [Puback(1)]
            watching.cancel()

    run(story())


def test_a_new_ca_for_kits_counts_from_the_next_handshake_on(office: Office, tmp_path: Path) -> None:
    stranger = Office(tmp_path / "elsewhere")

    async def story() -> None:
        keys = office.keys(REQUIRED)
        async with endpoint(keys=keys) as at:
            theirs = office.trust()
            theirs.load_cert_chain(*map(str, stranger.kit("cord")))
            await fails(at, theirs)
            await until(lambda: at.listener.tls_failures == {Failure.UNKNOWN_CA: 1})
            office.write("ca.pem", office.ca.cert_pem.bytes() + stranger.ca.cert_pem.bytes())
            assert keys.read()
            async with kit(at, theirs) as one:
                await one.say(nameless())
                assert await one.hear() == [Connack(False)]

    run(story())


def broken_key(office: Office) -> None:
    office.write("server.key", office.issue(*ADDRESSES).private_key_pem.bytes())


def broken_certificate(office: Office) -> None:
    office.write("server.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")


def no_certificate(office: Office) -> None:
    office.write("server.pem", b"")


def no_key(office: Office) -> None:
    (office.folder / "server.key").unlink()


def broken_ca(office: Office) -> None:
    office.write("ca.pem", b"nothing of the kind")


def foreign_list(office: Office) -> None:
    office.revoke(signer=Office(office.folder / "elsewhere"))


def broken_list(office: Office) -> None:
    office.write("kits.crl", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")


FLAWS = [
    (broken_key, "the key {folder}/server.key is not that of the certificate {folder}/server.pem"),
    (broken_certificate, "{folder}/server.pem: a certificate that is cut short"),
    (no_certificate, "{folder}/server.pem holds no certificate in PEM"),
    (no_key, "{folder}/server.key: No such file or directory"),
    (broken_ca, "{folder}/ca.pem holds no certificate in PEM"),
    (foreign_list, "{folder}/kits.crl: the list of "),
    (broken_list, "{folder}/kits.crl: "),
]


@pytest.mark.parametrize(("spoil", "told"), FLAWS, ids=[flaw[0].__name__ for flaw in FLAWS])
def test_unsound_files_are_refused_by_name_and_what_was_goes_on(office: Office, spoil: object, told: str) -> None:
    assert callable(spoil)

    async def story() -> None:
        office.revoke()
        keys = office.keys(OPTIONAL, crl=True)
        async with endpoint(keys=keys) as at:
            shown = certificates((office.folder / "server.pem").read_bytes())[0].issued.serial
            trust = office.trust()
            spoil(office)
            assert not keys.read()
            [problem] = keys.problems
            assert problem.en.startswith("the new TLS files are not used, the ones before go on: " + told.format(folder=office.folder))
            async with kit(at, trust) as one:
                await one.say(hello())
                assert await one.hear() == [Connack(False)]
                assert one.shown == shown
        fresh = Keys(office.settings(OPTIONAL, crl=True), MACHINE.wall)
        assert not fresh.read()
        assert fresh.problems[0].en.startswith("TLS is not served: ")

    run(story())


def test_a_start_with_unsound_files_serves_tls_as_soon_as_they_are_mended(office: Office) -> None:
    async def story() -> None:
        trust = office.trust()
        no_key(office)
        keys = office.keys()
        async with endpoint(keys=keys) as at:
            await fails(at, trust)
            await until(lambda: at.listener.tls_failures == {Failure.NOT_READY: 1})
            office.serve(office.issue(*ADDRESSES))
            assert keys.read()
            async with kit(at, trust) as one:
                await one.say(hello())
                assert await one.hear() == [Connack(False)]

    run(story())


@pytest.mark.parametrize(
    ("days", "told"), [(31, ""), (29, "in 28 days"), (1, "in 0 days"), (-1, "ended on")], ids=["31 days", "29 days", "a day", "ended"],
)
def test_the_end_of_a_certificate_is_told_from_thirty_days_before(office: Office, days: int, told: str) -> None:
    leaf = office.issue(*ADDRESSES, lasts=timedelta(days=days))
    office.serve(leaf)
    keys = office.keys()
    end = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes()).not_valid_after_utc
    assert keys.expires_at == end
    assert [told in problem.en and str(end.date()) in problem.en for problem in keys.problems] == [True] * bool(told)


def test_a_key_with_a_passphrase_asks_nobody(office: Office) -> None:
    from cryptography.hazmat.primitives import serialization

    leaf = office.issue(*ADDRESSES)
    office.serve(leaf)
    key = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None)
    secret = serialization.BestAvailableEncryption(b"secret")
    office.write("server.key", key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret))
    assert "asks for a passphrase" in office.keys().problems[0].en
