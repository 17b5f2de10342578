"""The bench's own certificates: a sound one, and those that a device must refuse. Made anew for a run, in a folder of its own."""

import ipaddress
import ssl
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from simulator.certification.behaviour import Certificate

LASTS = timedelta(days=90)
OTHER = "another.example"


class _Office:
    """One authority."""

    def __init__(self, name: str, now: datetime) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = (
            _begun(self.name, self.name, self.key, now - timedelta(days=2), now + LASTS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def issue(self, file: Path, names: tuple[str, ...], until: datetime) -> Path:
        """Key and certificate in one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        known_by = x509.SubjectAlternativeName([_general(name) for name in names])
        certificate = (
            _begun(subject, self.name, key, until - LASTS, until)
            .add_extension(known_by, critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption(),
        )  # fmt: skip
        file.touch(0o600)
        file.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
        return file


class Authority:
    """`trust` is the PEM that devices are given; `contexts` what the endpoint shows for each behaviour."""

    def __init__(self, folder: Path, host: str, now: datetime) -> None:
        own, strange = _Office("Anju certification bench", now), _Office("nobody's authority", now)
        names = tuple(dict.fromkeys((host, "localhost", "127.0.0.1")))
        good = now + timedelta(days=30)
        self.trust = own.certificate.public_bytes(serialization.Encoding.PEM).decode()
        (folder / "ca.pem").write_text(self.trust)
        self.contexts = {
            Certificate.SOUND: _context(own.issue(folder / "sound.pem", names, good)),
            Certificate.UNTRUSTED: _context(strange.issue(folder / "untrusted.pem", names, good)),
            Certificate.EXPIRED: _context(own.issue(folder / "expired.pem", names, now - timedelta(days=1))),
            Certificate.WRONG_NAME: _context(own.issue(folder / "wrong_name.pem", (OTHER,), good)),
        }


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, since: datetime, until: datetime,
) -> x509.CertificateBuilder:  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        key_cert_sign=signs, crl_sign=signs, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _context(file: Path) -> ssl.SSLContext:
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.minimum_version = ssl.TLSVersion.TLSv1_2
    found.load_cert_chain(file)
    return found
