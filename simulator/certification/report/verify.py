"""A report looked at again: is it as it was signed, does it say one thing throughout, whose key is it? Every doubt is a plain sentence.

A folder is judged as a whole; a single file alone, by the certificate that it carries. For the JSON that is the file beside it.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from devices.certificate import Certificate, CertificateError, Certifiers, Part, Seal, Told, digest, fingerprint, sealed, unseal
from simulator.certification.examination import digest as catalogue_digest
from simulator.certification.report.reread import Unreadable, json_told, junit_verdicts, page_verdicts
from simulator.certification.report.signer import genuine
from simulator.certification.report.writing import CERTIFICATE
from simulator.certification.result import SUITE

LARGEST = 64 * 1024 * 1024
"""Bytes of a file of a report; one with every trace that is kept has about a million."""

ALTERED = "it is not as it was signed: altered, or of another report"


class Finding(msgspec.Struct, frozen=True):
    """`place`: the file it is about, or empty for the report as a whole."""

    place: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.place}: {self.sentence}" if self.place else self.sentence


class Examined(msgspec.Struct, frozen=True):
    """`seal` is None where none could be read. `signed_by`: whose key it is; empty where nobody on the list has it."""

    seal: Seal | None
    signed_by: str
    files: tuple[str, ...]
    """Those that were compared with the certificate."""
    doubts: tuple[Finding, ...]


class _Refused(Exception):  # noqa: N818 - becomes a finding
    """A file cannot be looked at any further."""


def examine(path: Path, trusted: Certifiers, *, own: str = "") -> Examined:
    """What there is to say of a file of a report, or of its folder. `own`: this machine's own public key, trusted as such."""
    doubts: list[Finding] = []
    if path.is_dir():
        seal, bodies = _folder(path, doubts)
    else:
        seal, bodies = _file(path, doubts)
    if seal is None:
        return Examined(None, "", (), tuple(doubts))
    if not genuine(seal):
        doubts.append(Finding("", "the signature does not belong to this certificate: one of them was altered"))
    name = next((known.name for known in trusted.key if known.public == seal.key), "")
    if not name and own == seal.key:
        name = "this machine's own key"
    if not name:
        doubts.append(Finding("", f"signed by an unknown key, {fingerprint(seal.key)}: nobody on the list of trusted keys has it"))
    certificate = seal.certificate
    for part, body in bodies.items():
        doubts += (Finding(part.value, sentence) for sentence in _compared(part, body, certificate))
    doubts += (Finding("", sentence) for sentence in _of_today(certificate))
    return Examined(seal, name, tuple(part.value for part in bodies), tuple(doubts))


def _folder(folder: Path, doubts: list[Finding]) -> tuple[Seal | None, dict[Part, bytes]]:
    """The certificate, and every file that it names or that lies there under a report's name."""
    try:
        seal = unseal(_read(folder / CERTIFICATE))
    except (_Refused, CertificateError) as problem:
        doubts.append(Finding(CERTIFICATE, str(problem)))
        return None, {}
    bodies: dict[Part, bytes] = {}
    for part in Part:
        named, file = part in seal.certificate.files, folder / part.value
        if not named and not file.exists():
            continue
        if not named:
            doubts.append(Finding(part.value, "it lies there, and the certificate does not name it: nobody signed it"))
            continue
        try:
            body = _read(file)
            bodies[part] = body if part is Part.JSON else _without(body, seal)
        except (_Refused, CertificateError) as problem:
            doubts.append(Finding(part.value, str(problem)))
    return seal, bodies


def _without(body: bytes, seal: Seal) -> bytes:
    carried, rest = sealed(body)
    if carried is None:
        raise _Refused("incomplete: the line with its certificate is missing")
    if carried != seal:
        raise _Refused("it carries the certificate of another report")
    return rest


def _file(file: Path, doubts: list[Finding]) -> tuple[Seal | None, dict[Part, bytes]]:
    try:
        data = _read(file)
        part = _kind(data)
        if part is None:
            return unseal(data), {}
        if part is Part.JSON:
            return unseal(_read(file.with_name(CERTIFICATE))), {part: data}
        seal, rest = sealed(data)
    except (_Refused, CertificateError) as problem:
        doubts.append(Finding(file.name, str(problem)))
        return None, {}
    if seal is None:
        doubts.append(Finding(file.name, "incomplete: it carries no certificate"))
        return None, {}
    return seal, {part: rest}


def _kind(data: bytes) -> Part | None:
    """By how it begins; None for a certificate. _Refused for what is no file of a report."""
    for beginning, part in ((b"%PDF-", Part.PDF), (b"<!doctype html>", Part.HTML), (b"<?xml ", Part.JUNIT)):
        if data.startswith(beginning):
            return part
    if data.startswith(b'{"certificate":'):
        return None
    if data.startswith(b"{"):
        return Part.JSON
    raise _Refused("not a file of a report: neither JSON, HTML, PDF nor JUnit XML")


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except FileNotFoundError:
        raise _Refused("incomplete: there is no such file") from None
    except OSError as problem:
        raise _Refused(f"cannot be read: {problem.strerror}") from problem
    if len(data) > LARGEST:
        raise _Refused(f"larger than {LARGEST // 1024 // 1024} MiB: not a report, and not read any further")
    return data


def _compared(part: Part, body: bytes, certificate: Certificate) -> Iterator[str]:
    """What makes a file doubtful beside the certificate. What it tells is compared too, should whoever signed have written it wrong."""
    if certificate.files.get(part) != digest(body):
        yield ALTERED
        yield from _another(part, body, certificate)
        return
    try:
        match part:
            case Part.HTML:
                told = page_verdicts(body)
            case Part.JUNIT:
                told = junit_verdicts(body)
            case Part.JSON:
                yield from _json_told(body, certificate)
                return
            case Part.PDF:
                return  # its digest was signed with the rest; nothing here reads pictures of letters
    except Unreadable as problem:
        yield str(problem)
        return
    yield from _differing(told, certificate.verdicts)


def _json_told(body: bytes, certificate: Certificate) -> Iterator[str]:
    said, told = json_told(body)
    for name, value in said.items():
        signed = getattr(certificate, name)
        if value != signed:
            yield f"{name} is {value!s} here and {signed!s} in the certificate"
    yield from _differing(told, certificate.verdicts)


def _another(part: Part, body: bytes, certificate: Certificate) -> Iterator[str]:
    """For the JSON, whose device it is about can be said."""
    if part is not Part.JSON:
        return
    try:
        said, _ = json_told(body)
    except Unreadable as problem:
        yield str(problem)
        return
    about = f"{said['vendor']} {said['model']} {said['firmware']}"
    signed = f"{certificate.vendor} {certificate.model} {certificate.firmware}"
    if about != signed:
        yield f"a report of another device: it is about {about}, and the certificate about {signed}"


def _differing(told: dict[str, Told], signed: dict[str, Told]) -> Iterator[str]:
    for number in sorted(set(told) | set(signed)):
        here, there = told.get(number), signed.get(number)
        if here is not there:
            yield f"clause {number} is {here or 'missing'} here and {there or 'missing'} in the certificate"


def _of_today(certificate: Certificate) -> Iterator[str]:
    if certificate.suite != SUITE:
        yield f"measured with suite {certificate.suite}, and this Anju has suite {SUITE}: a clause may be judged otherwise today"
    elif certificate.catalogue != catalogue_digest():
        yield "measured with other texts of the clauses than this Anju has, though the suite's version is the same"
    if not certificate.whole:
        yield "incomplete: clauses were left out of the run, so it says nothing of the device as a whole"
