"""Who is let in: credentials checked, guessing slowed down for the address it comes from and for nobody else.

A client certificate stands for the credential of its name: without a user name in the CONNECT it is that credential, and with another
one it is refused. A password beside it is not looked at: the certificate has proved more.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from time import monotonic

import msgspec

from devices.credential import Credential, Scope
from devices.mqtt.packets import LEVEL, LEVELS, Connect, Refusal
from gateway.mqtt.der import Issued

CLIENT_ID_LIMIT = 256
"""Longest client id, in characters."""
PATIENCE = 20
"""Failures of one address within a minute that are answered at once; after them each answer waits."""
DELAY = timedelta(seconds=3)
WINDOW = timedelta(minutes=1)
_ADDRESSES = 10_000
SESSIONS = {Scope.DEVICE: 8, Scope.HOME: 64, Scope.READ: 64, Scope.ANYWHERE: 100_000}
"""Connections, and persistent sessions, of one credential at a time."""


class Way(StrEnum):
    """How a client is connected, as URLs say it."""

    MQTT = "mqtt"
    MQTTS = "mqtts"
    WS = "ws"
    WSS = "wss"


class Caller:
    """Who stands at the door: from where, by which way, with whose certificate. `hang_up` ends the line at once."""

    __slots__ = ("address", "certificate", "hang_up", "name", "turned_out", "way")

    def __init__(self, address: str, hang_up: Callable[[], None], way: Way = Way.MQTT) -> None:
        self.address = address
        self.hang_up = hang_up
        self.way = way
        self.name = ""
        self.certificate: Issued | None = None
        """The client's own, and the name that it gives."""
        self.turned_out = False
        """It took too long, or too many stood before it."""


class Seldom:
    """Whether something is to be told now, which was perhaps told within the last minute: a flood must not become one of words."""

    PAUSE_S = 60.0
    KEPT = 1000

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def now(self, what: str) -> bool:
        moment = monotonic()
        if moment - self._told.get(what, -self.PAUSE_S) < self.PAUSE_S:
            return False
        self._told.pop(what, None)
        while len(self._told) >= self.KEPT:
            del self._told[next(iter(self._told))]
        self._told[what] = moment
        return True


class Refused(msgspec.Struct, frozen=True):
    code: Refusal
    late: bool = False
    """The answer is to wait for `DELAY`."""
    why: str = ""
    """For the installer, where the kit's certificate was good and something else is amiss."""


class _Failures(msgspec.Struct):
    since: datetime
    count: int = 0


class Door:
    """Right credentials are never slowed down, whatever their address has done: a county's homes may share one."""

    def __init__(self, credentials: Callable[[str], Credential | None], revoked: Callable[[Issued], bool]) -> None:
        self._credentials = credentials
        self._revoked = revoked
        self._failures: dict[str, _Failures] = {}

    def ask(self, connect: Connect, caller: Caller, now: datetime) -> Credential | Refused:
        if connect.level not in LEVELS:
            return Refused(Refusal.PROTOCOL_LEVEL)
        if caller.certificate is None:
            answer = self._known(connect, caller.address, now)
        else:
            answer = self._certified(connect, caller.name, caller.certificate)
        if isinstance(answer, Refused):
            return answer
        nameless = not connect.client_id and not connect.clean_session and connect.level == LEVEL  # 5.0 is given a name
        if nameless or len(connect.client_id) > CLIENT_ID_LIMIT:
            return Refused(Refusal.CLIENT_ID)
        return answer

    def _known(self, connect: Connect, address: str, now: datetime) -> Credential | Refused:
        if connect.username is None or connect.password is None:
            return Refused(Refusal.NOT_AUTHORIZED, self._failed(address, now))
        credential = self._credentials(connect.username)
        if credential is None or not credential.verify(connect.password):
            return Refused(Refusal.BAD_CREDENTIALS, self._failed(address, now))
        return credential

    def _certified(self, connect: Connect, name: str, certificate: Issued) -> Credential | Refused:
        if self._revoked(certificate):
            return Refused(Refusal.NOT_AUTHORIZED, why=f"its certificate for {name!r} (number {certificate.serial:x}) is revoked")
        if connect.username not in (None, name):
            return Refused(Refusal.NOT_AUTHORIZED, why=f"its certificate is {name!r}'s, and it says it is {connect.username!r}")
        credential = self._credentials(name)
        if credential is None:
            return Refused(Refusal.NOT_AUTHORIZED, why=f"its certificate names {name!r}, and no such credential is valid")
        return credential

    def _failed(self, address: str, now: datetime) -> bool:
        """Count a failure; whether there were too many."""
        failures = self._failures.get(address)
        if failures is None or now - failures.since > WINDOW:
            self._failures.pop(address, None)
            while len(self._failures) >= _ADDRESSES:
                del self._failures[next(iter(self._failures))]
            failures = self._failures[address] = _Failures(now)
        failures.count += 1
        return failures.count > PATIENCE
