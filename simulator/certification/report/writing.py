"""From a result to a folder: the four forms, each with its digest in the certificate and, but for the JSON, the certificate in it.

The PDF needs the optional extra `certify`; where that is missing there are the other three, and the
certificate names no PDF.
"""

from contextlib import suppress
from pathlib import Path

from devices.certificate import Certificate, Part, Told, canonical, digest, fingerprint, seal_line
from simulator.certification.catalogue import load
from simulator.certification.examination import digest as catalogue_digest
from simulator.certification.procedures import PROCEDURES
from simulator.certification.report.html import page
from simulator.certification.report.junit import junit
from simulator.certification.report.pdf import PdfUnavailable, pdf
from simulator.certification.report.signer import Signer
from simulator.certification.result import Result

CERTIFICATE = "certificate.json"


def write(result: Result, folder: Path, signer: Signer) -> list[Path]:
    """The report in `folder`, made if need be: its files, the certificate last. CertificateError for a statement that fits in none.

    A PDF is among them where reportlab is installed. Files of an earlier report there are replaced or removed.
    """
    whole = is_whole(result)
    key = fingerprint(signer.key)
    bodies = {Part.JSON: canonical(result) + b"\n", Part.HTML: page(result, whole=whole, key=key), Part.JUNIT: junit(result)}
    with suppress(PdfUnavailable):
        bodies[Part.PDF] = pdf(result, whole=whole, key=key)
    seal = signer.sign(certificate_of(result, {part: digest(body) for part, body in bodies.items()}, whole=whole))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CERTIFICATE).unlink(missing_ok=True)  # half a report is none
    written = []
    for part in Part:
        file = folder / part.value
        if part not in bodies:
            file.unlink(missing_ok=True)
            continue
        file.write_bytes(bodies[part] if part is Part.JSON else with_seal(part, bodies[part], seal_line(part, seal)))
        written.append(file)
    (folder / CERTIFICATE).write_bytes(canonical(seal) + b"\n")
    return [*written, folder / CERTIFICATE]


def with_seal(part: Part, body: bytes, line: bytes) -> bytes:
    """A PDF must end with where its table is: the seal, a comment to its readers, stands before that."""
    if part is not Part.PDF:
        return body + line
    at = body.rindex(b"startxref\n")
    return body[:at] + line + body[at:]


def certificate_of(result: Result, files: dict[Part, str], *, whole: bool) -> Certificate:
    features, run = result.features, result.run
    return Certificate(
        vendor=features.vendor, model=features.model, profile=features.profile.value, firmware=features.firmware,
        firmware_hash=features.firmware_hash, features=digest(canonical(features)), suite=result.suite, catalogue=result.catalogue,
        level=run.level, virtual=run.virtual, whole=whole, began_at=run.began_at, ended_at=run.ended_at,
        verdicts={v.number: Told(v.verdict.value) for v in result.verdicts}, files=files,
    )  # fmt: skip


def is_whole(result: Result) -> bool:
    """Whether every clause of this suite's catalogue stands in it, applicable or not, and none was out of sight behind a broker."""
    measured = {verdict.number for verdict in result.verdicts}
    return not result.run.broker and result.catalogue == catalogue_digest() and measured == {clause.number for clause in load(PROCEDURES)}
