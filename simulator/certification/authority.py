"""The bench's own certificates: a sound one, those that a device must refuse, and the one that the device shows of itself.

They are made anew for a run. The authority itself may be kept, so that a device is told once whom to trust.
"""

import ipaddress
import ssl
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from simulator.certification.behaviour import Behaviour, Certificate

LASTS = timedelta(days=90)
KEPT = timedelta(days=3650)
"""How long an authority lasts that is kept: as long as a device may stand on the bench, from run to run."""
OTHER = "another.example"


class _Office:
    """One authority."""

    def __init__(self, name: str, now: datetime, key: ec.EllipticCurvePrivateKey | None = None) -> None:
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = (
            _begun(self.name, self.name, self.key, now - timedelta(days=2), now + KEPT)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def issue(self, file: Path, names: tuple[str, ...], until: datetime, since: datetime | None = None) -> Path:
        """Key and certificate in one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        known_by = x509.SubjectAlternativeName([_general(name) for name in names])
        certificate = (
            _begun(subject, self.name, key, until - LASTS if since is None else since, until)
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
    """`trust` is the PEM that devices are given. `kept`: a folder whose authority, once made, signs in every later run too.

    OSError, and ValueError for a folder whose authority cannot be read.
    """

    def __init__(self, folder: Path, host: str, now: datetime, *, kept: Path | None = None) -> None:
        own = _Office("Anju certification bench", now) if kept is None else _kept(kept, now)
        strange = _Office("nobody's authority", now)
        names = tuple(dict.fromkeys((host, "localhost", "127.0.0.1")))
        good = now + timedelta(days=30)
        self._own, self._now, self._folder = own, now, folder
        self.trust = own.certificate.public_bytes(serialization.Encoding.PEM).decode()
        trusted, stranger = folder / "ca.pem", folder / "stranger.pem"
        trusted.write_text(self.trust)
        stranger.write_bytes(strange.certificate.public_bytes(serialization.Encoding.PEM))
        files = {
            Certificate.SOUND: own.issue(folder / "sound.pem", names, good),
            Certificate.UNTRUSTED: strange.issue(folder / "untrusted.pem", names, good),
            Certificate.EXPIRED: own.issue(folder / "expired.pem", names, now - timedelta(days=1)),
            Certificate.WRONG_NAME: own.issue(folder / "wrong_name.pem", (OTHER,), good),
        }
        self._contexts = {(which, True): _context(file, trusted) for which, file in files.items()}
        self._contexts[Certificate.SOUND, False] = _context(files[Certificate.SOUND], stranger)

    def shown(self, behaviour: Behaviour, *, asks: bool) -> ssl.SSLContext:
        """What the endpoint shows. `asks`: for the device's certificate, and takes one that is none of ours for a broken handshake."""
        known = behaviour.knows_the_device or behaviour.certificate is not Certificate.SOUND
        found = self._contexts[behaviour.certificate, known]
        found.verify_mode = ssl.CERT_OPTIONAL if asks else ssl.CERT_NONE
        return found

    def device(self, name: str) -> Path:
        """Certificate and key of a device, in one file: its common name is its user name."""
        return self._own.issue(self._folder / "device.pem", (name,), self._now + KEPT, self._now - timedelta(days=2))


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


def _kept(folder: Path, now: datetime) -> _Office:
    """That of the folder, made if need be; its certificate too is the one that devices were given."""
    folder.mkdir(parents=True, exist_ok=True)
    secret, shown = folder / "ca.key", folder / "ca.pem"
    if not secret.exists():
        office = _Office("Anju certification bench", now)
        secret.touch(0o600)
        secret.write_bytes(
            office.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        )
        shown.write_bytes(office.certificate.public_bytes(serialization.Encoding.PEM))
        return office
    key = serialization.load_pem_private_key(secret.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{secret}: not a key of an authority that was made here")  # noqa: TRY004 - a file's fault
    office = _Office("Anju certification bench", now, key)
    office.certificate = x509.load_pem_x509_certificate(shown.read_bytes())
    return office


def _context(file: Path, clients: Path) -> ssl.SSLContext:
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_verify_locations(clients)
    # A device that took up an earlier session would see no certificate, and show none: each connection begins from nothing.
    found.options |= ssl.OP_NO_TICKET
    found.num_tickets = 0
    found.minimum_version = ssl.TLSVersion.TLSv1_2
    found.load_cert_chain(file)
    return found
