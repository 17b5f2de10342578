"""The certificates of `up`: a CA of its own in the data folder, and what it signs, so that TLS can be tried without an office.

Made at the first start, renewed before they end; whoever trusts `tls/ca.pem` trusts this one folder's service.
"""

import ipaddress
import secrets
import socket
from datetime import datetime, timedelta
from pathlib import Path

from gateway.demo import DEVICE, write_private
from gateway.mqtt.der import certificates
from gateway.settings import ClientCertificates, Tls

LASTS = timedelta(days=397)
CA_LASTS = 10 * LASTS
RENEWED = timedelta(days=60)
"""Before the end; the service warns from 30 days before."""
EARLIER = timedelta(days=1)
"""Valid since then already: the clock of a kit may be slow."""


def settings(data: Path, port: int) -> Tls:
    """TLS on the address that is plain too. Kits may show a certificate; who shows none gives a password as ever."""
    folder = data / "tls"
    return Tls(
        port=port, certificate=str(folder / "server.pem"), key=str(folder / "server.key"),
        client_certificates=ClientCertificates.OPTIONAL, client_ca=str(folder / "ca.pem"),
    )  # fmt: skip


def keep(data: Path, now: datetime) -> None:
    """Make what is not there or ends soon. OSError when the folder cannot be written."""
    folder = data / "tls"
    if not all(_lasts(folder, name, now) for name in ("ca", "server", DEVICE)):
        folder.mkdir(mode=0o700, exist_ok=True)
        _make(folder, now)


def _lasts(folder: Path, name: str, now: datetime) -> bool:
    try:
        found = certificates((folder / f"{name}.pem").read_bytes())
    except (OSError, ValueError):
        return False
    return bool(found) and found[0].not_after - now > RENEWED and (folder / f"{name}.key").exists()


def _make(folder: Path, now: datetime) -> None:
    from cryptography import x509  # noqa: PLC0415 - 0.1 s and 15 MiB, at the first start alone
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: PLC0415

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    def begun(name: str, key: ec.EllipticCurvePublicKey, lasts: timedelta) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - EARLIER)
            .not_valid_after(now + lasts)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )

    def put(name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        write_private(folder / f"{name}.key", secret)
        write_private(folder / f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM))

    def usage(*, signs_certificates: bool) -> x509.KeyUsage:
        return x509.KeyUsage(
            digital_signature=not signs_certificates, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=signs_certificates, crl_sign=signs_certificates, encipher_only=False, decipher_only=False,
        )  # fmt: skip

    if not _lasts(folder, "ca", now):
        key = ec.generate_private_key(ec.SECP256R1())
        name = f"Anju {secrets.token_hex(4)}"
        own = begun(name, key.public_key(), CA_LASTS).issuer_name(named(name))
        own = own.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        put("ca", key, own.add_extension(usage(signs_certificates=True), critical=True).sign(key, hashes.SHA256()))
    ca = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    signer = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)

    here: list[x509.GeneralName] = [x509.DNSName(name) for name in dict.fromkeys(("localhost", socket.gethostname()))]
    here += [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")]
    names: list[tuple[str, list[x509.GeneralName], x509.ObjectIdentifier]] = [
        ("server", here, ExtendedKeyUsageOID.SERVER_AUTH),
        (DEVICE, [x509.DNSName(DEVICE)], ExtendedKeyUsageOID.CLIENT_AUTH),
    ]
    for name, known_as, purpose in names:
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = begun(name, key.public_key(), LASTS).issuer_name(ca.subject)
        leaf = leaf.add_extension(x509.SubjectAlternativeName(known_as), critical=False)
        leaf = leaf.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        leaf = leaf.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        leaf = leaf.add_extension(usage(signs_certificates=False), critical=True)
        leaf = leaf.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        put(name, key, leaf.sign(signer, hashes.SHA256()))
