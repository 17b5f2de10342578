"""Who is let in: credentials checked, guessing slowed down for the address it comes from and for nobody else."""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from devices.credential import Credential, Scope
from devices.mqtt.packets import LEVEL, Connect, Refusal

CLIENT_ID_LIMIT = 256
"""Longest client id, in characters."""
PATIENCE = 20
"""Failures of one address within a minute that are answered at once; after them each answer waits."""
DELAY = timedelta(seconds=3)
WINDOW = timedelta(minutes=1)
_ADDRESSES = 10_000
SESSIONS = {Scope.DEVICE: 8, Scope.HOME: 64, Scope.READ: 64, Scope.ANYWHERE: 100_000}
"""Connections, and persistent sessions, of one credential at a time."""


class Refused(msgspec.Struct, frozen=True):
    code: Refusal
    late: bool = False
    """The answer is to wait for `DELAY`."""


class _Failures(msgspec.Struct):
    since: datetime
    count: int = 0


class Door:
    """Right credentials are never slowed down, whatever their address has done: a county's homes may share one."""

    def __init__(self, credentials: Callable[[str], Credential | None]) -> None:
        self._credentials = credentials
        self._failures: dict[str, _Failures] = {}

    def ask(self, connect: Connect, address: str, now: datetime) -> Credential | Refused:
        if connect.level != LEVEL:
            return Refused(Refusal.PROTOCOL_LEVEL)
        if connect.username is None or connect.password is None:
            return Refused(Refusal.NOT_AUTHORIZED, self._failed(address, now))
        credential = self._credentials(connect.username)
        if credential is None or not credential.verify(connect.password):
            return Refused(Refusal.BAD_CREDENTIALS, self._failed(address, now))
        if (not connect.client_id and not connect.clean_session) or len(connect.client_id) > CLIENT_ID_LIMIT:
            return Refused(Refusal.CLIENT_ID)
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
