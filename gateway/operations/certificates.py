"""`./anju certificate`: the catalogue of certified models from a shell, through the API of the service that runs."""

import argparse
from pathlib import Path

import msgspec

from devices.certificate import CertificateError, Seal, canonical, sealed
from gateway.operations.registry import Refused, Service, service, show
from gateway.operations.spreadsheet import Row
from gateway.problem import CommandFailed

LARGEST = 64 * 1024 * 1024
COLUMNS = ("id", "vendor", "model", "firmware", "signed_by", "suspended_at", "reason")


def certificate(asked: argparse.Namespace) -> int:
    body = _certificate_in(asked.file) if asked.what == "add" else {}
    with service(asked) as api:
        try:
            return _done(api, asked, body)
        except Refused as no:
            raise CommandFailed(str(no)) from no


def _done(api: Service, asked: argparse.Namespace, body: Row) -> int:
    match asked.what:
        case "list":
            query = {"model": asked.model} if asked.model else {}
            return show(api.all("/certificates", query), COLUMNS, as_json=asked.json)
        case "add":
            return show(iter([api.call("POST", "/certificates", body=body)]), COLUMNS, as_json=asked.json)
        case _:
            found = api.call("DELETE", f"/certificates/{asked.id}", query={"reason": asked.reason})
            return show(iter([found]), COLUMNS, as_json=asked.json)


def _certificate_in(file: Path) -> Row:
    """The seal as the API takes it; whether it is genuine, and whose, the service says."""
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except OSError as problem:
        raise CommandFailed(f"{file}: {problem.strerror}") from problem
    if len(data) > LARGEST:
        raise CommandFailed(f"{file}: larger than {LARGEST // 1024 // 1024} MiB; not a report")
    try:
        seal = msgspec.json.decode(data, type=Seal) if data.startswith(b"{") else sealed(data)[0]
    except (msgspec.DecodeError, UnicodeDecodeError, CertificateError) as problem:
        raise CommandFailed(f"{file}: no certificate in it: {problem}") from problem
    if seal is None:
        raise CommandFailed(f"{file}: no certificate in it")
    return msgspec.json.decode(canonical(seal), type=Row)
