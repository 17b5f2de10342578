"""The certificate that kits are shown, and whose certificates are taken: read from files, and again when these change.

What is new is used only when all of it is sound; until then what was goes on, and the reason stands with the problems of the service.
Connections that stand keep what they were made with, except those whose certificate a new revocation list names.

A revocation list that is out of date still shuts out whom it names, and nobody else: kits that call for help are not shut out by an
office that forgot to renew a file. That it is out of date is said.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from alerting.terms import Sentence
from gateway.mqtt.der import Issued, certificates
from gateway.settings import ClientCertificates, Tls

LOOK_S = 1.0
"""How often the files are looked at. They are read when two looks agree: a pair is rarely replaced in one moment."""
WARN = timedelta(days=30)
"""Before a certificate ends."""
_VERIFY = {
    ClientCertificates.NONE: ssl.CERT_NONE,
    ClientCertificates.OPTIONAL: ssl.CERT_OPTIONAL,
    ClientCertificates.REQUIRED: ssl.CERT_REQUIRED,
}

_log = logging.getLogger(__name__)


class _Unusable(Exception):  # noqa: N818 - a state of the files
    """One sentence that names the file."""


class _Read(msgspec.Struct, frozen=True):
    """All of it, sound."""

    context: ssl.SSLContext
    ends: dict[str, datetime]
    """Of each file, the earliest."""
    list_due_at: datetime | None
    revoked: frozenset[Issued]


class Keys:
    """`read()` before use; `watch()` from then on."""

    def __init__(self, settings: Tls, wall: Callable[[], datetime]) -> None:
        self._settings = settings
        self._wall = wall
        self._files = [Path(f) for f in (settings.certificate, settings.key, settings.client_ca, settings.crl) if f]
        self._seen: list[tuple[int, int, int]] = []
        self._now: _Read | None = None
        self._refused = ""
        self._asked = asyncio.Event()

    @property
    def context(self) -> ssl.SSLContext | None:
        """For the next handshake; None while no usable certificate has been read."""
        return None if self._now is None else self._now.context

    @property
    def asks(self) -> bool:
        """Whether a kit's own certificate is looked at."""
        return self._settings.client_certificates is not ClientCertificates.NONE

    @property
    def expires_at(self) -> datetime | None:
        """End of the certificate that kits are shown."""
        return None if self._now is None else self._now.ends[self._settings.certificate]

    def revoked(self, certificate: Issued) -> bool:
        return self._now is not None and certificate in self._now.revoked

    @property
    def problems(self) -> tuple[Sentence, ...]:
        found: list[Sentence] = []
        if self._refused and self._now is None:
            found.append(Sentence(f"无法提供 TLS：{self._refused}", f"TLS is not served: {self._refused}"))
        elif self._refused:
            found.append(Sentence(
                f"新的 TLS 证书未被采用，继续使用原来的：{self._refused}",
                f"the new TLS files are not used, the ones before go on: {self._refused}",
            ))  # fmt: skip
        if self._now is not None:
            now = self._wall()
            for path, end in self._now.ends.items():
                if end <= now:
                    found.append(Sentence(f"证书 {path} 已于 {end:%Y-%m-%d} 过期", f"the certificate {path} ended on {end:%Y-%m-%d}"))
                elif end - now <= WARN:
                    days = (end - now).days
                    found.append(Sentence(
                        f"证书 {path} 将于 {end:%Y-%m-%d} 到期（{days} 天）",
                        f"the certificate {path} ends on {end:%Y-%m-%d}, in {days} days",
                    ))  # fmt: skip
            due = self._now.list_due_at
            if due is not None and due <= now:
                found.append(Sentence(
                    f"证书吊销列表 {self._settings.crl} 已过期（{due:%Y-%m-%d}），其中所列仍然有效",
                    f"the revocation list {self._settings.crl} was due anew on {due:%Y-%m-%d}; those it names stay shut out",
                ))  # fmt: skip
        return tuple(found)

    def reload(self) -> None:
        """Look now, whether the files seem changed or not."""
        self._asked.set()

    async def watch(self, changed: Callable[[], None]) -> None:
        """For ever; `changed` is called after each change that is used."""
        before = self._seen
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._asked.wait()
            except TimeoutError:
                earlier, before = before, await asyncio.to_thread(self._look)
                if before == self._seen or before != earlier:
                    continue
            self._asked.clear()
            if await asyncio.to_thread(self.read):
                changed()

    def read(self) -> bool:
        """Whether what the files hold is used now. Blocks for some milliseconds."""
        self._seen = self._look()
        try:
            self._now = _read(self._settings)
        except _Unusable as problem:
            return self._refuse(str(problem))
        except Exception as problem:  # noqa: BLE001 - whatever a file may hold: what was goes on
            _log.exception("TLS: the files could not be read")
            return self._refuse(f"{self._settings.certificate} and the files with it: {problem!r}")
        self._refused = ""
        _log.info("TLS: certificate %s, valid until %s", self._settings.certificate, self.expires_at)
        return True

    def _refuse(self, why: str) -> bool:
        self._refused = why
        _log.error("TLS: %s", why)
        return False

    def _look(self) -> list[tuple[int, int, int]]:
        """What tells one state of the files from another; a file that is missing is a state too."""
        states = []
        for path in self._files:
            try:
                found = path.stat()
                states.append((found.st_mtime_ns, found.st_size, found.st_ino))
            except OSError:
                states.append((0, 0, 0))
        return states


def problem_of(settings: Tls) -> str:
    """What is wrong with the files, in one sentence; empty when they are sound."""
    try:
        _read(settings)
    except _Unusable as problem:
        return str(problem)
    return ""


def _read(settings: Tls) -> _Read:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 1  # each is a tenth of a handshake; a kit comes back with the last, which halves that of an RSA key
    ends = {settings.certificate: _end(settings.certificate)}
    _bytes(settings.key)
    try:
        context.load_cert_chain(settings.certificate, settings.key, password=_no_passphrase)
    except (ssl.SSLError, OSError, ValueError) as problem:
        raise _Unusable(_pair(settings, problem)) from problem
    context.verify_mode = _VERIFY[settings.client_certificates]
    revoked: frozenset[Issued] = frozenset()
    due = None
    if settings.client_ca:
        ends[settings.client_ca] = _end(settings.client_ca)
        try:
            context.load_verify_locations(settings.client_ca)
        except (ssl.SSLError, OSError) as problem:
            raise _Unusable(f"{settings.client_ca} holds no CA that OpenSSL takes: {problem}") from problem
        if settings.crl:
            revoked, due = _revocations(settings)
    return _Read(context, ends, due, revoked)


def _bytes(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as problem:
        raise _Unusable(f"{path}: {problem.strerror}") from problem


def _end(path: str) -> datetime:
    try:
        found = certificates(_bytes(path))
    except ValueError as problem:
        raise _Unusable(f"{path}: {problem}") from problem
    if not found:
        raise _Unusable(f"{path} holds no certificate in PEM")
    return min(one.not_after for one in found)


def _no_passphrase() -> str:
    raise ValueError("the key asks for a passphrase; nobody is there to give it")


def _pair(settings: Tls, problem: Exception) -> str:
    reason = getattr(problem, "reason", None)
    if reason == "KEY_VALUES_MISMATCH":
        return f"the key {settings.key} is not that of the certificate {settings.certificate}"
    if isinstance(problem, ssl.SSLError):
        return f"{settings.certificate} with {settings.key}: {(reason or str(problem)).replace('_', ' ').lower()}"
    return f"{settings.key}: {problem}"


def _revocations(settings: Tls) -> tuple[frozenset[Issued], datetime | None]:
    """Whom the lists name, each signed by a CA that is taken; when the first of them is due anew."""
    from cryptography import x509  # noqa: PLC0415 - 15 MiB, for those alone who have such a list

    try:
        issuers = {ca.subject.public_bytes(): ca.public_key() for ca in x509.load_pem_x509_certificates(_bytes(settings.client_ca))}
    except ValueError as problem:
        raise _Unusable(f"{settings.client_ca}: {problem}") from problem
    revoked: set[Issued] = set()
    dues: list[datetime] = []
    text, mark = _bytes(settings.crl), b"-----BEGIN X509 CRL-----"
    if mark not in text:
        raise _Unusable(f"{settings.crl} holds no revocation list in PEM")
    for block in text.split(mark)[1:]:
        try:
            listed = x509.load_pem_x509_crl(mark + block)
        except ValueError as problem:
            raise _Unusable(f"{settings.crl}: {problem}") from problem
        issuer = listed.issuer.public_bytes()
        if issuer not in issuers or not listed.is_signature_valid(issuers[issuer]):  # type: ignore[arg-type]
            raise _Unusable(f"{settings.crl}: the list of {listed.issuer.rfc4514_string()} is not signed by a CA in {settings.client_ca}")
        revoked.update(Issued(issuer, one.serial_number) for one in listed)
        if listed.next_update_utc is not None:
            dues.append(listed.next_update_utc)
    return frozenset(revoked), min(dues, default=None)
