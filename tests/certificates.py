"""An office that signs certificates, for tests: files in a folder, and what the endpoint makes of them."""

import ssl
from datetime import timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.clock import MACHINE
from gateway.mqtt.keys import Keys
from gateway.settings import ClientCertificates, Tls

ADDRESSES = "127.0.0.1", "localhost"


class Office:
    """One CA and the files that it writes; each `write` replaces a file as `mv` does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.ca = trustme.CA(key_type=trustme.KeyType.ECDSA)
        self.ca_file = self.write("ca.pem", self.ca.cert_pem.bytes())
        self.serve(self.issue(*ADDRESSES))

    def write(self, name: str, body: bytes) -> Path:
        draft = self.folder / f"{name}.new"
        draft.write_bytes(body)
        return draft.replace(self.folder / name)

    def issue(self, *names: str, common_name: str | None = None, lasts: timedelta = timedelta(days=90)) -> trustme.LeafCert:
        now = MACHINE.wall()
        begins = min(now, now + lasts) - timedelta(days=2)
        return self.ca.issue_cert(
            *names, common_name=common_name, not_before=begins, not_after=now + lasts, key_type=trustme.KeyType.ECDSA,
        )  # fmt: skip

    def serve(self, leaf: trustme.LeafCert) -> None:
        """The certificate that kits are shown."""
        self.write("server.pem", b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
        self.write("server.key", leaf.private_key_pem.bytes())

    def kit(self, name: str, leaf: trustme.LeafCert | None = None) -> tuple[Path, Path]:
        """A kit's own certificate and key; `name` is its common name where no other is given."""
        leaf = leaf or self.issue(f"{name}.example.org", common_name=name)
        chain = b"".join(pem.bytes() for pem in leaf.cert_chain_pems)
        return self.write(f"kit-{name}.pem", chain), self.write(f"kit-{name}.key", leaf.private_key_pem.bytes())

    def revoke(self, *certificates: Path, signer: "Office | None" = None, due: timedelta = timedelta(days=7)) -> Path:
        """The list of those that are no longer good."""
        signer = signer or self
        ca = x509.load_pem_x509_certificate(signer.ca.cert_pem.bytes())
        key = serialization.load_pem_private_key(signer.ca.private_key_pem.bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        now = MACHINE.wall()
        listed = x509.CertificateRevocationListBuilder().issuer_name(ca.subject)
        listed = listed.last_update(min(now, now + due) - timedelta(days=1)).next_update(now + due)
        for path in certificates:
            serial = x509.load_pem_x509_certificate(path.read_bytes()).serial_number
            listed = listed.add_revoked_certificate(x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build())
        return self.write("kits.crl", listed.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def settings(self, kits: ClientCertificates = ClientCertificates.NONE, *, crl: bool = False) -> Tls:
        def file(name: str) -> str:
            return str(self.folder / name)

        return Tls(
            certificate=file("server.pem"), key=file("server.key"), client_certificates=kits,
            client_ca="" if kits is ClientCertificates.NONE else file("ca.pem"), crl=file("kits.crl") if crl else "",
        )  # fmt: skip

    def keys(self, kits: ClientCertificates = ClientCertificates.NONE, *, crl: bool = False) -> Keys:
        keys = Keys(self.settings(kits, crl=crl), MACHINE.wall)
        keys.read()
        return keys

    def trust(self, *, kit: tuple[Path, Path] | None = None) -> ssl.SSLContext:
        """What a kit connects with that trusts this office."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        if kit is not None:
            context.load_cert_chain(*map(str, kit))
        return context
