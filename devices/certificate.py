"""The form of a certificate: what an examination came to for one model and firmware, in a few kilobytes that a key signs.

Canonical form, which is what is signed and hashed: JSON in UTF-8, members sorted by name, no white space, as `canonical` writes it.
A file of a report carries the whole certificate with its signature, the *seal*, in one line of its own; a file's digest is taken
without that line, so that the seal can name the digests of the files that carry it. Whether the signature holds is asked at the
edges, by `cryptography`: nothing here computes one.
"""

import base64
import binascii
import hashlib
import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from devices.home import ModelId

FORM = "anju-certificate-1"
LIMIT = 64 * 1024
"""Bytes of a seal; one of a hundred clauses has about four thousand."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Number = Annotated[str, msgspec.Meta(pattern=r"\A[A-Z]-[0-9]{2}\Z")]


class Told(StrEnum):
    """What a clause came to."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not_applicable"


class Part(StrEnum):
    """The files of a report, each with what it is called in its folder."""

    JSON = "report.json"
    HTML = "report.html"
    PDF = "report.pdf"
    JUNIT = "report.xml"


class Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`features`, `catalogue`: SHA-256 of the declared features in canonical form, and of the clauses' texts.

    `firmware_hash`: SHA-256 of the image as the vendor states it; empty where none is stated. `virtual`: device and endpoint met in
    virtual time, which says something of a program and nothing of a device one can hold. `whole`: no clause was left out of the run.
    """

    form: Annotated[str, msgspec.Meta(pattern=rf"\A{FORM}\Z")] = FORM
    vendor: Text
    model: Text
    profile: Text
    firmware: Text
    firmware_hash: Annotated[str, msgspec.Meta(pattern=r"\A([0-9A-Fa-f]{64})?\Z")]
    features: Sha256
    suite: Text
    catalogue: Sha256
    level: int
    virtual: bool
    whole: bool
    began_at: datetime
    ended_at: datetime
    verdicts: Annotated[dict[Number, Told], msgspec.Meta(min_length=1, max_length=1000)]
    files: dict[Part, Sha256]
    """Digests of the files without their seals."""

    @property
    def passed(self) -> bool:
        """Everything that applies was measured, and nothing failed or remained open."""
        found = set(self.verdicts.values())
        return self.whole and Told.PASS in found and not found & {Told.FAIL, Told.INCONCLUSIVE}


class Seal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`key` is the Ed25519 public key and `signature` that key's over the certificate in canonical form, both in base64."""

    certificate: Certificate
    key: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9+/]{43}=\Z")]
    signature: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9+/]{86}==\Z")]

    @property
    def id(self) -> str:
        """Names this certificate among others: 16 hex digits of its digest."""
        return hashlib.sha256(canonical(self.certificate)).hexdigest()[:16]


class CertificateError(ValueError):
    """Not a seal, or not one in canonical form; the sentence says what is wrong with it."""


def canonical(value: msgspec.Struct) -> bytes:
    return msgspec.json.encode(value, order="sorted")


def unseal(data: bytes) -> Seal:
    """A seal from its canonical form; CertificateError. A byte more, less or other than `canonical` writes is refused."""
    if len(data) > LIMIT:
        raise CertificateError(f"a certificate is no larger than {LIMIT} bytes; this one has {len(data)}")
    try:
        seal = msgspec.json.decode(data, type=Seal)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise CertificateError(f"not a certificate: {problem}") from problem
    if canonical(seal) != data.removesuffix(b"\n"):
        raise CertificateError("the certificate is not in canonical form")
    return seal


def fingerprint(key: str) -> str:
    """What people compare by eye: the SHA-256 of a public key, eight groups of four hex digits."""
    digits = hashlib.sha256(base64.b64decode(key)).hexdigest()[:32]
    return " ".join(digits[at : at + 4] for at in range(0, 32, 4))


# --- the line in a file --------------------------------------------------------------------------------------------------------

_MARK = b"anju-seal:"
_LINE = re.compile(rb"^[^\r\n]{0,16}" + _MARK + rb"([A-Za-z0-9+/=]+)[^\r\n]{0,16}\n", re.MULTILINE)
_AFTER = re.compile(rb"(startxref\n[0-9]+\n%%EOF\n)?\Z")
"""What may follow the line: a PDF ends with where its table is."""
_AROUND = {Part.HTML: (b"<!-- ", b" -->"), Part.JUNIT: (b"<!-- ", b" -->"), Part.PDF: (b"%", b"")}


def seal_line(part: Part, seal: Seal) -> bytes:
    """The line that carries the seal in an HTML, PDF or JUnit file."""
    before, after = _AROUND[part]
    return before + _MARK + base64.b64encode(canonical(seal)) + after + b"\n"


def sealed(data: bytes) -> tuple[Seal | None, bytes]:
    """The seal that a file carries, and the file without it; None where there is none. CertificateError for one that is broken."""
    at = data.find(_MARK)
    if at < 0:
        return None, data
    found = list(_LINE.finditer(data, data.rfind(b"\n", 0, at) + 1))
    if not found:
        raise CertificateError("the certificate in the file is damaged")
    if len(found) > 1:
        raise CertificateError(f"the file carries {len(found)} certificates")
    line = found[0]
    try:
        body = base64.b64decode(line[1], validate=True)
    except binascii.Error as problem:
        raise CertificateError("the certificate in the file is damaged") from problem
    seal = unseal(body)
    if line[0] not in {seal_line(part, seal) for part in _AROUND} or not _AFTER.match(data[line.end() :]):
        raise CertificateError("the line of the certificate is not as it was written")
    return seal, data[: line.start()] + data[line.end() :]


class Certifier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody whose signature counts: the public key, base64, as `./anju certify` prints it."""

    name: Text
    public: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9+/]{43}=\Z")]


class Certifiers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of them: one `[[key]]` each."""

    key: tuple[Certifier, ...] = ()


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- what a platform keeps of it -----------------------------------------------------------------------------------------------


class Certified(msgspec.Struct, frozen=True):
    """A model and firmware that passed, and who says so. `id` is the seal's; `measured_at` when the examination ended."""

    id: str
    vendor: str
    model: ModelId
    firmware: str
    firmware_hash: str
    profile: str
    suite: str
    catalogue: str
    measured_at: datetime
    signed_by: str
    key: str


class Standing(StrEnum):
    """How a device stands to the certificates that are known."""

    YES = "yes"
    NO = "no"
    OTHER_FIRMWARE = "other_firmware"
    """Its model is certified, with other firmware than it reports."""
    SUSPENDED = "suspended"


def certified(seal: Seal, signed_by: str) -> Certified:
    """What is kept of a seal that was found genuine."""
    c = seal.certificate
    return Certified(
        seal.id, c.vendor, ModelId(c.model), c.firmware, c.firmware_hash, c.profile, c.suite, c.catalogue, c.ended_at, signed_by, seal.key,
    )  # fmt: skip
