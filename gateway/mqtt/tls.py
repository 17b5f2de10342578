"""TLS under a connection: handshakes taken in turn, failures counted by their reason, no more memory than a quiet line needs.

OpenSSL works on two memory buffers here and never sees the socket, so a line can be looked at before it is known to be TLS, and a
quiet one holds neither a reading nor a writing buffer. A handshake costs a thousand times a packet: when a county's power returns,
thousands wait in a row that gets a few milliseconds of each turn of the loop, and calls pass between them.
"""

import asyncio
import contextlib
import logging
import ssl
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from time import monotonic
from typing import cast

from gateway.mqtt.der import certificate
from gateway.mqtt.door import Caller, Seldom
from gateway.mqtt.keys import Keys
from gateway.mqtt.layer import Layer
from gateway.mqtt.lobby import Lobby

TURN_S = 0.005
"""Of one turn of the loop, given to handshakes."""
HANDSHAKE_BYTES = 64 * 1024
"""That may wait until a handshake has its turn: a client whose part is done may go on talking."""
SLICE = 16 * 1024
"""Given to OpenSSL at a time: its buffers keep the size that they once had."""

_log = logging.getLogger(__name__)


class Failure(StrEnum):
    """Why a kit did not get in by TLS, in the words of whoever must mend it."""

    UNTRUSTED = "untrusted"
    """The kit does not take our certificate: another CA, another name, or its clock is wrong."""
    NO_CERTIFICATE = "no_certificate"
    UNKNOWN_CA = "unknown_ca"
    """The kit's certificate is not of our `client_ca`."""
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    REVOKED = "revoked"
    BAD_CERTIFICATE = "bad_certificate"
    WRONG_NAME = "wrong_name"
    """The kit's certificate is good, and is not that of the credential it wants to be."""
    OLD_TLS = "old_tls"
    """Neither TLS 1.2 nor 1.3."""
    NOTHING_IN_COMMON = "nothing_in_common"
    """No cipher or curve that both take."""
    NOT_TLS = "not_tls"
    """Something else, where only TLS is served."""
    BROKEN_OFF = "broken_off"
    SLOW = "slow"
    NOT_READY = "not_ready"
    """We have no usable certificate ourselves."""
    OTHER = "other"


_BY_CODE = {9: Failure.NOT_YET_VALID, 10: Failure.EXPIRED, 23: Failure.REVOKED} | dict.fromkeys((2, 18, 19, 20, 21), Failure.UNKNOWN_CA)
"""Of OpenSSL's verification (X509_V_ERR_*)."""
_BY_REASON = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": Failure.NO_CERTIFICATE,
    "UNSUPPORTED_PROTOCOL": Failure.OLD_TLS,
    "VERSION_TOO_LOW": Failure.OLD_TLS,
    "NO_SHARED_CIPHER": Failure.NOTHING_IN_COMMON,
    "NO_SUITABLE_KEY_SHARE": Failure.NOTHING_IN_COMMON,
    "NO_SUITABLE_SIGNATURE_ALGORITHM": Failure.NOTHING_IN_COMMON,
    "UNEXPECTED_EOF_WHILE_READING": Failure.BROKEN_OFF,
}
_ALERTS = ("_UNKNOWN_CA", "_BAD_CERTIFICATE", "_CERTIFICATE_UNKNOWN", "_CERTIFICATE_EXPIRED", "_UNSUPPORTED_CERTIFICATE")
"""What a client says that does not take our certificate: TLSV1_ALERT_UNKNOWN_CA, SSLV3_ALERT_BAD_CERTIFICATE, ..."""


def reason(error: ssl.SSLError) -> Failure:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _BY_CODE.get(error.verify_code, Failure.BAD_CERTIFICATE)
    said = error.reason or ""
    if "_ALERT_" in said and said.endswith(_ALERTS):
        return Failure.UNTRUSTED
    if said.endswith("ALERT_PROTOCOL_VERSION"):
        return Failure.OLD_TLS
    return _BY_REASON.get(said, Failure.OTHER)


class Handshakes:
    """Those under way, and what became of those that failed."""

    def __init__(self, keys: Keys, lobby: Lobby, now: Callable[[], datetime]) -> None:
        self.keys = keys
        self._lobby = lobby
        self._now = now
        self.failures: Counter[Failure] = Counter()
        self._row: dict[TlsLine, None] = {}
        self._seldom = Seldom()

    def due(self, line: "TlsLine") -> None:
        """Something came for it."""
        if not self._row:
            asyncio.get_running_loop().call_soon(self._turn)
        self._row[line] = None
        self._lobby.in_turn(line.caller)

    def gone(self, line: "TlsLine") -> None:
        self._row.pop(line, None)

    def failed(self, caller: Caller, failure: Failure, detail: str = "") -> None:
        self.failures[failure] += 1
        if self._seldom.now(f"{caller.address} {failure}"):
            _log.warning("no TLS with %s: %s%s", caller.address or "a client", failure.replace("_", " "), f" ({detail})" if detail else "")

    def barred(self, caller: Caller, why: str) -> bool:
        """The certificate is good and does not let its kit in; whether that is to be told now."""
        revoked = caller.certificate is not None and self.keys.revoked(caller.certificate)
        self.failures[Failure.REVOKED if revoked else Failure.WRONG_NAME] += 1
        told = self._seldom.now(f"{caller.address} {why}")
        if told:
            _log.warning("%s refused: %s", caller.address or "a client", why)
        return told

    def _turn(self) -> None:
        end = monotonic() + TURN_S
        while self._row:
            line = next(iter(self._row))
            del self._row[line]
            progress = False
            try:
                progress = line.proceed()
            except Exception:  # noqa: BLE001 - one connection's fault must not end the row of all others
                _log.exception("a handshake could not be taken on")
                line.abort()
            self._lobby.answered(line.caller, self._now(), progress=progress)
            if monotonic() >= end:
                break
        if self._row:
            asyncio.get_running_loop().call_soon(self._turn)


class TlsLine(Layer):
    """One line within TLS. What is above it is connected when the handshake is done."""

    __slots__ = ("_answered", "_ended", "_handshakes", "_incoming", "_open", "_outgoing", "_paused", "_tls", "caller")

    def __init__(self, handshakes: Handshakes, caller: Caller, upper: asyncio.Protocol) -> None:
        super().__init__(upper)
        self._handshakes = handshakes
        self.caller = caller
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None
        self._open = False
        self._answered = False
        self._ended = False
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._line = cast("asyncio.Transport", transport)
        context = self._handshakes.keys.context
        if context is None:
            self._fail(Failure.NOT_READY)
            self._line.abort()
        else:
            self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._open:
            self._handshakes.gone(self)
            self._fail(
                Failure.SLOW if self.caller.turned_out else Failure.BROKEN_OFF,
                "after it was shown our certificate: perhaps it does not trust it" if self._answered else "",
            )
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._ended or self._tls is None:
            return
        if not self._open:
            self._incoming.write(data)
            self._handshakes.due(self)
            if self._incoming.pending > HANDSHAKE_BYTES:
                super().pause_reading()
            return
        for at in range(0, len(data), SLICE):
            self._incoming.write(data[at : at + SLICE])
            self._read()

    def proceed(self) -> bool:
        """One step of the handshake, with what has come; whether that led any further."""
        if self._ended or self._tls is None or self._line is None:
            return False
        super().resume_reading()
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            progress = self._outgoing.pending > 0
            self._answered = progress or self._answered
            self._flush()
            return progress
        except ssl.SSLError as problem:
            self._fail(reason(problem), _told(problem))
            self._flush()  # the alert that tells the kit
            self._line.close()
            return False
        self._open = True
        self._flush()
        self._identify(self._tls)
        self.upper.connection_made(self)
        self._read()
        return True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._tls is None or self._line is None or self._ended:
            return
        view, sealed = memoryview(data), []
        for at in range(0, len(view), SLICE):
            self._tls.write(view[at : at + SLICE])
            sealed.append(self._outgoing.read())
        self._line.write(b"".join(sealed))

    def close(self) -> None:
        if self._ended or self._tls is None:
            return
        self._ended = True
        with contextlib.suppress(ssl.SSLError):  # its good-bye is not waited for
            self._tls.unwrap()
        self._flush()
        super().close()

    def pause_reading(self) -> None:
        self._paused = True
        super().pause_reading()

    def resume_reading(self) -> None:
        self._paused = False
        super().resume_reading()
        asyncio.get_running_loop().call_soon(self._read)

    # --- within ---

    def _read(self) -> None:
        while self._tls is not None and self._line is not None and not self._paused and not self._ended:
            try:
                data = self._tls.read(SLICE)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLError:
                self.abort()
                return
            if not data:
                self.close()
                return
            self.upper.data_received(data)
        self._flush()

    def _identify(self, tls: ssl.SSLObject) -> None:
        der = tls.getpeercert(binary_form=True) if self._handshakes.keys.asks else None
        if der:
            self.caller.certificate, self.caller.name = certificate(der).issued, _name(tls.getpeercert())

    def _flush(self) -> None:
        if self._outgoing.pending and self._line is not None:
            self._line.write(self._outgoing.read())

    def _fail(self, failure: Failure, detail: str = "") -> None:
        if not self._ended:
            self._ended = True
            self._handshakes.failed(self.caller, failure, detail)


def _told(problem: ssl.SSLError) -> str:
    if isinstance(problem, ssl.SSLCertVerificationError):
        return problem.verify_message
    return (problem.reason or str(problem)).replace("_", " ").lower()


def _name(certificate: object) -> str:
    """Whose certificate it is: its common name, where there is none its first DNS name."""
    if not isinstance(certificate, dict):
        return ""
    common = [value for group in certificate.get("subject", ()) for key, value in group if key == "commonName"]
    names = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"]
    return next(iter([*common, *names]), "")
