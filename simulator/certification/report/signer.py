"""The key that signs reports: Ed25519, made where it is first needed, readable by its owner alone."""

import base64
import os
import stat
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key

from devices.certificate import Certificate, Seal, canonical, unseal


class KeyUnusable(Exception):  # noqa: N818 - the person's, not a fault
    """The file is not a key that may sign; the sentence says why."""


def default_key() -> Path:
    """In the user's data folder, as the XDG base directories name it."""
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "anju" / "certification.key"


class Signer:
    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.key = base64.b64encode(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
        """The public key, as certificates and lists of trust have it."""

    def sign(self, certificate: Certificate) -> Seal:
        """CertificateError where the certificate could not be read back: a text that is empty or too long, a hash that is none."""
        said = canonical(certificate)
        seal = Seal(certificate, self.key, base64.b64encode(self._private.sign(said)).decode())
        return unseal(canonical(seal))


def signer_at(path: Path) -> Signer:
    """The key in the file; a new one where there is no file. KeyUnusable."""
    try:
        private = _made(path)
    except FileExistsError:
        private = _read(path)
    except OSError as problem:
        raise KeyUnusable(f"cannot make the key {path}: {problem.strerror}") from problem
    return Signer(private)


def _made(path: Path) -> Ed25519PrivateKey:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    private = Ed25519PrivateKey.generate()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    return private


def _read(path: Path) -> Ed25519PrivateKey:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise KeyUnusable(f"the key {path} can be read by others (mode {mode:04o}): chmod 600 {path}")
            private = load_pem_private_key(file.read(64 * 1024), password=None)
    except OSError as problem:
        raise KeyUnusable(f"cannot read the key {path}: {problem.strerror}") from problem
    except (ValueError, TypeError) as problem:
        raise KeyUnusable(f"{path} is not a private key in PEM without a passphrase") from problem
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyUnusable(f"the key {path} is not an Ed25519 key")
    return private


def genuine(seal: Seal) -> bool:
    """Whether the key in the seal signed what stands in it. Whose key it is, is another question."""
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(seal.key, validate=True))
        public.verify(base64.b64decode(seal.signature, validate=True), canonical(seal.certificate))
    except (InvalidSignature, ValueError):
        return False
    return True
