"""`./anju certify verify`, and the signed report that `./anju certify --out` leaves.

`verify` prints one plain line for each doubt; exit 0 without one, 1 with any, 2 for wrong usage.
"""

import argparse
import sys
from pathlib import Path

from config import ConfigError, load
from devices.certificate import CertificateError, Certifiers, Told, fingerprint
from simulator.certification.report.pdf import wanting
from simulator.certification.report.signer import KeyUnusable, default_key, signer_at
from simulator.certification.report.verify import Examined, Finding, examine
from simulator.certification.report.words import moment
from simulator.certification.report.writing import write
from simulator.certification.result import Result
from simulator.usage import OneLine


def hand_in(result: Result, folder: Path, key: Path | None) -> bool:
    """Sign the report into the folder and say on stderr where it lies and with which key; False, and why, where that cannot be."""
    try:
        signer = signer_at(key or default_key())
        files = write(result, folder, signer)
    except (KeyUnusable, CertificateError) as problem:
        sys.stderr.write(f"anju: no report: {problem}\n")
        return False
    sys.stderr.write(f"报告 / report: {' '.join(str(file) for file in files)}\n")
    sys.stderr.write(f"公钥 / public key: {signer.key} ({fingerprint(signer.key)})\n")
    if missing := wanting():
        sys.stderr.write(f"anju: {missing}\n")
    return True


def parser() -> argparse.ArgumentParser:
    one = OneLine(
        prog="anju certify verify",
        description="Checks signature, digests and verdicts of a report, and whose key signed it.",
        epilog="Exit 0: not a doubt; 1: each is told in a line; 2: wrong usage.",
    )
    one.add_argument("report", type=Path, metavar="REPORT", help="the folder, or any file of it")
    one.add_argument("--trust", type=Path, metavar="FILE", help="trusted public keys with their names: [[key]] name = …, public = …")
    one.add_argument("--key", type=Path, metavar="FILE", help="this machine's own key, trusted as such (in the user's data folder)")
    one.add_argument("--model", default="", metavar="M", help="doubt a report of any other model")
    one.add_argument("--firmware", default="", metavar="V", help="doubt a report of any other firmware")
    return one


def verify(words: list[str]) -> int:
    asked = parser().parse_args(words)
    own = asked.key or default_key()
    try:
        trusted = load(asked.trust, Certifiers) if asked.trust else Certifiers()
        key = signer_at(own).key if own.exists() else ""
    except (ConfigError, KeyUnusable) as problem:
        sys.stderr.write(f"anju: {problem}\n")
        return 2
    found = examine(asked.report, trusted, own=key)
    doubts = [*found.doubts, *_expected(found, asked.model, asked.firmware)]
    sys.stdout.write(_told(found, doubts))
    return 1 if doubts else 0


def _expected(found: Examined, model: str, firmware: str) -> list[Finding]:
    if found.seal is None:
        return []
    certificate = found.seal.certificate
    doubts = []
    if model and certificate.model != model:
        doubts.append(Finding("", f"a report of another device: {certificate.model}, and {model} was asked for"))
    if firmware and certificate.firmware != firmware:
        doubts.append(Finding("", f"a report of other firmware: {certificate.firmware}, and {firmware} was asked for"))
    return doubts


def _told(found: Examined, doubts: list[Finding]) -> str:
    lines = []
    if found.seal is not None:
        certificate = found.seal.certificate
        counts = [f"{sum(t is told for t in certificate.verdicts.values())} {told.value.replace('_', ' ')}" for told in Told]
        verdict = "passed" if certificate.passed else "NOT passed"
        lines += [
            f"{certificate.vendor} {certificate.model}, firmware {certificate.firmware}: {verdict}",
            f"  {', '.join(counts)}; suite {certificate.suite}, {'a program, no hardware' if certificate.virtual else 'over sockets'}",
            f"  measured {'in virtual time ' * certificate.virtual}{moment(certificate.began_at)} to {moment(certificate.ended_at)}",
            f"  signed by {found.signed_by or 'an unknown key'} ({fingerprint(found.seal.key)})",
            f"  compared: {', '.join(found.files) or 'the certificate alone'}",
        ]
    if doubts:
        lines.append(f"{len(doubts)} {'doubt' if len(doubts) == 1 else 'doubts'}:")
        lines += [f"  - {doubt}" for doubt in doubts]
    else:
        lines.append("Not a doubt: it is as it was signed.")
    return "\n".join(lines) + "\n"
