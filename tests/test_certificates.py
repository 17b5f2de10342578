"""What is read of a certificate without a library, and the certificates that `up` makes for itself."""

import ssl
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from gateway import local_ca
from gateway.clock import MACHINE
from gateway.mqtt.der import certificate, certificates
from gateway.mqtt.keys import problem_of

KEY = ec.generate_private_key(ec.SECP256R1())


def signed(serial: int, end: datetime, issuer: str) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)])
    begun = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key()).serial_number(serial)
    return begun.not_valid_before(end - timedelta(days=1)).not_valid_after(end).sign(KEY, hashes.SHA256())


@given(
    st.integers(1, 2**159 - 1),
    st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds it
    st.text("abc安居 ", min_size=1, max_size=21),
)
def test_number_issuer_and_end_are_as_another_reader_reads_them(serial: int, end: datetime, issuer: str) -> None:
    """UTCTime until 2049, GeneralizedTime from then on (RFC 5280, 4.1.2.5); long and short forms of lengths."""
    made = signed(serial, end, issuer)
    read = certificate(made.public_bytes(serialization.Encoding.DER))
    assert read.issued.serial == made.serial_number
    assert read.issued.issuer == made.issuer.public_bytes()
    assert read.not_after == made.not_valid_after_utc
    pem = made.public_bytes(serialization.Encoding.PEM)
    assert certificates(b"a comment\n" + pem + pem) == [read, read]


SOUND = signed(7, datetime(2030, 1, 1, tzinfo=UTC), "x").public_bytes(serialization.Encoding.DER)


@given(st.one_of(st.binary(max_size=300), st.integers(0, 140).map(lambda cut: SOUND[:cut])))
def test_what_is_no_certificate_is_a_value_error_and_nothing_else(noise: bytes) -> None:
    with pytest.raises(ValueError):
        certificate(noise)


# --- of `up` -----------------------------------------------------------------------------------------------------------------------------


def serials(folder: Path) -> dict[str, int]:
    return {p.stem: certificates(p.read_bytes())[0].issued.serial for p in sorted((folder / "tls").glob("*.pem"))}


def test_the_first_start_makes_what_strict_clients_take(tmp_path: Path) -> None:
    local_ca.keep(tmp_path, MACHINE.wall())
    folder = tmp_path / "tls"
    assert problem_of(local_ca.settings(tmp_path, 1883)) == ""
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()} == {0o600}
    for name, purpose in (("server", "sslserver"), ("device", "sslclient")):
        words = ["openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", str(folder / "ca.pem"), str(folder / f"{name}.pem")]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    server = x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "localhost" in names.get_values_for_type(x509.DNSName)
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    ssl.create_default_context(cafile=str(folder / "ca.pem")).load_cert_chain(folder / "device.pem", folder / "device.key")


def test_later_starts_change_nothing_and_what_ends_soon_is_renewed_under_the_same_ca(tmp_path: Path) -> None:
    now = MACHINE.wall()
    local_ca.keep(tmp_path, now)
    first = serials(tmp_path)
    local_ca.keep(tmp_path, now + local_ca.LASTS - local_ca.RENEWED - timedelta(days=1))
    assert serials(tmp_path) == first
    local_ca.keep(tmp_path, now + local_ca.LASTS - local_ca.RENEWED)
    later = serials(tmp_path)
    assert later["ca"] == first["ca"]
    assert later["server"] != first["server"]
    assert later["device"] != first["device"]


def test_what_somebody_spoiled_is_made_anew(tmp_path: Path) -> None:
    local_ca.keep(tmp_path, MACHINE.wall())
    first = serials(tmp_path)
    (tmp_path / "tls" / "server.key").unlink()
    local_ca.keep(tmp_path, MACHINE.wall())
    assert serials(tmp_path)["ca"] == first["ca"]
    (tmp_path / "tls" / "ca.pem").write_text("nothing")
    local_ca.keep(tmp_path, MACHINE.wall())
    assert serials(tmp_path)["ca"] != first["ca"]
    assert problem_of(local_ca.settings(tmp_path, 1883)) == ""


def test_a_folder_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "tls").write_text("a file where the folder should be")
    with pytest.raises(OSError):
        local_ca.keep(tmp_path, MACHINE.wall())
