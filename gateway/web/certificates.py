"""The catalogue of certified models by HTTP: signed certificates in, suspensions with a reason, and how each stands."""

import asyncio
import base64
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request

from alerting.certificates import Certification
from alerting.commands import AddCertificate, SuspendCertificate
from alerting.terms import Sentence
from config import ConfigError, load
from devices.certificate import LIMIT, Certifiers, Seal, Told, canonical, certified, fingerprint
from gateway.web import paging
from gateway.web.auth import READ, REGISTER, Identity
from gateway.web.bodies import Body, Said
from gateway.web.desk import Desk, OnDesk
from gateway.web.paging import NO_QUERY
from gateway.web.problems import Problem, ProblemDetails, missing
from gateway.web.shapes import Page, Shape

router = APIRouter(tags=["certificates"], responses={404: {"model": ProblemDetails}})

_SEAL = {
    "requestBody": {
        "required": True,
        "description": "`certificate.json` of a report, as `./anju certify` wrote it.",
        "content": {"application/json": {"schema": {"type": "object", "required": ["certificate", "key", "signature"]}}},
    },
}


class CertificateShape(Shape):
    """A certified model. `measured_at`: when the examination ended. `signed_by`: as the platform's list names the key.

    `key` is its fingerprint.
    """

    id: str
    vendor: str
    model: str
    firmware: str
    firmware_hash: str
    profile: str
    suite: str
    measured_at: datetime
    signed_by: str
    key: str
    added_at: datetime
    added_by: str
    suspended_at: datetime | None
    suspended_by: str | None
    reason: str


class CertificatesQuery(paging.Query):
    model: str | None = None


class SuspensionQuery(Body):
    reason: Said


@router.get("/certificates", dependencies=[READ])
async def list_certificates(desk: OnDesk, asked: Annotated[CertificatesQuery, Query()]) -> Page[CertificateShape]:
    """Those that stand and those that are suspended."""
    known = desk.views.places.certificates.known
    keys = (id_ for id_, one in known.items() if asked.model in (None, one.certificate.model))
    found, following = paging.page(keys, asked.cursor, asked.limit)
    return Page(items=[certificate_shape(known[id_]) for id_ in found], next=following)


@router.post(
    "/certificates",
    status_code=201,
    dependencies=[NO_QUERY],
    openapi_extra=_SEAL,
    responses={409: {"model": ProblemDetails, "description": "It is known already."}, 422: {"model": ProblemDetails}},
)
async def add_certificate(desk: OnDesk, request: Request, who: Annotated[Identity, REGISTER]) -> CertificateShape:
    """A certificate of a whole examination of a device that passed, signed by a key on the platform's list."""
    seal = _read(await request.body())
    name = await asyncio.to_thread(_signed_by, seal, desk.trust)
    _judge(seal)
    await desk.ask(AddCertificate(certified(seal, name)), who)
    return _shown(desk, seal.id)


@router.delete("/certificates/{certificate_id}")
async def suspend_certificate(
    desk: OnDesk, certificate_id: str, asked: Annotated[SuspensionQuery, Query()], who: Annotated[Identity, REGISTER],
) -> CertificateShape:
    """It stays in the catalogue, as suspended, by whom and why. Devices of its model are heard as before."""
    _shown(desk, certificate_id)
    await desk.ask(SuspendCertificate(certificate_id, asked.reason), who)
    return _shown(desk, certificate_id)


def _shown(desk: Desk, id_: str) -> CertificateShape:
    known = desk.views.places.certificates.known.get(id_)
    if known is None:
        raise missing(f"没有证书 {id_[:80]}", f"there is no certificate {id_[:80]}")
    return certificate_shape(known)


def certificate_shape(certification: Certification) -> CertificateShape:
    certificate = certification.certificate
    return CertificateShape(
        id=certificate.id,
        vendor=certificate.vendor,
        model=certificate.model,
        firmware=certificate.firmware,
        firmware_hash=certificate.firmware_hash,
        profile=certificate.profile,
        suite=certificate.suite,
        measured_at=certificate.measured_at,
        signed_by=certificate.signed_by,
        key=fingerprint(certificate.key),
        added_at=certification.added_at,
        added_by=certification.added_by,
        suspended_at=certification.suspended_at,
        suspended_by=certification.suspended_by,
        reason=certification.reason,
    )


def _read(data: bytes) -> Seal:
    """The seal, in whatever layout of JSON: its signature is over the canonical form."""
    if len(data) > LIMIT:
        raise _no("证书文件过大", f"a certificate is no larger than {LIMIT} bytes")
    try:
        return msgspec.json.decode(data, type=Seal)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise _no("不是检验证书（certificate.json）", f"not a certificate (certificate.json): {problem}") from problem


def _signed_by(seal: Seal, trust: str) -> str:
    """Whose key signed it; 422 where the signature does not hold, or the key is nobody's on the list."""
    if not genuine(seal):
        raise _no("签名与证书内容不符：证书或签名被改动", "the signature does not belong to this certificate: one of them was altered")
    if not trust:
        raise _no(
            "平台未配置信任的签名密钥（[certification] trust）", "the platform trusts no key: [certification] trust names the file of them",
        )
    try:
        known = load(Path(trust), Certifiers).key
    except ConfigError as problem:
        raise Problem(503, Sentence(f"信任密钥文件无法读取：{problem}", f"the list of trusted keys cannot be read: {problem}")) from problem
    name = next((one.name for one in known if one.public == seal.key), None)
    if name is None:
        said = fingerprint(seal.key)
        raise _no(f"签名密钥 {said} 不在信任名单中", f"signed by an unknown key, {said}: it is not on the platform's list")
    return name


def genuine(seal: Seal) -> bool:
    """Whether the key in the seal signed what stands in it."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - 30 MiB that a desk without certificates does not carry
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(seal.key, validate=True))
        public.verify(base64.b64decode(seal.signature, validate=True), canonical(seal.certificate))
    except (InvalidSignature, ValueError):
        return False
    return True


def _judge(seal: Seal) -> None:
    """422 for a certificate that says nothing good of a device one can hold."""
    certificate = seal.certificate
    if certificate.virtual:
        raise _no("该检验在虚拟时间中进行，对象不是实物", "measured in virtual time: it says nothing of a device one can hold")
    if not certificate.whole:
        raise _no("该检验只包含部分条款", "clauses were left out of the run")
    if not certificate.passed:
        wrong = sorted(number for number, told in certificate.verdicts.items() if told in (Told.FAIL, Told.INCONCLUSIVE))
        listed = ", ".join(wrong[:10])
        raise _no(f"检验未通过：{listed}", f"the device did not pass: {listed or 'nothing was measured'}")


def _no(zh: str, en: str) -> Problem:
    return Problem(422, Sentence(zh, en))
