"""The files of TLS while kits are connected: changed, unsound, mended, and at their end."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from devices.mqtt.packets import Connack, Connect, Puback, Publish
from gateway.clock import MACHINE
from gateway.mqtt.der import certificates
from gateway.mqtt.keys import Keys
from gateway.mqtt.tls import Failure
from gateway.settings import ClientCertificates
from tests.certificates import ADDRESSES, Office
from tests.endpoint import OWN, PASSWORD, endpoint, until
from tests.tls_kit import fails, hello, kit, nameless, run

REPORT = f"{OWN}/report"
OPTIONAL, REQUIRED = ClientCertificates.OPTIONAL, ClientCertificates.REQUIRED


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "office")


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
