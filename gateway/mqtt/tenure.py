"""Which session a client gets, and how long it is its: taken up by a CONNECT, left with the connection, ended when its time is over."""

from collections.abc import Callable, Container
from datetime import datetime

from devices.mqtt.entries import SessionEntry, SessionLasts
from devices.mqtt.session import Session, SessionKey
from devices.mqtt.sessions import Sessions
from gateway.mqtt.wills import Wills


class Tenure:
    """`live`: the sessions that somebody has. Every change that is to last is journaled through `record`."""

    def __init__(
        self, sessions: Sessions, wills: Wills, live: Container[SessionKey], record: Callable[[SessionEntry], None],
        clock: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._sessions = sessions
        self._wills = wills
        self._live = live
        self._record = record
        self._clock = clock

    def begin(self) -> None:
        """The service has started: nobody is connected."""
        for entry in self._sessions.resumed(self._clock()):
            self._record(entry)

    def take_up(self, key: SessionKey, username: str, expiry_s: int | None, most: int, *, clean: bool) -> tuple[Session, bool] | None:
        """The session, and whether it was there before. None when its user has as many that last as it may."""
        now = self._clock()
        session = self._sessions.get(key)
        if session is not None and clean:
            self._record(self._sessions.end(session))
            session = None
        present = session is not None
        if session is None:
            if expiry_s == 0:
                session = Session(key, username, None, durable=False)
            elif self._room(username, most, now):
                session, begun = self._sessions.begin(key, username, now, expiry_s)
                self._record(begun)
            else:
                return None
        elif expiry_s is not None or session.expiry_s is not None:
            self._record(SessionLasts(key, expiry_s, None))
            session.expiry_s = expiry_s  # at once: it may be left before the disk knows
        self._wills.came(key, now, resumed=present)
        return session, present

    def leave(self, session: Session, expiry_s: int | None, now: datetime) -> None:
        """Its connection is over, and it lasts so long from now on."""
        if not session.durable or session.ending:
            return
        if expiry_s is not None:
            self._record(self._sessions.leave(session, expiry_s, now))
        elif session.expiry_s is not None:
            self._record(SessionLasts(session.key, None, None))
        session.expiry_s = expiry_s

    def look(self, now: datetime) -> None:
        """End what is due, and publish the wills that are."""
        for session in self._sessions.due(now):
            if session.key not in self._live:
                self._record(self._sessions.end(session))
        self._wills.due(now, self._live)

    def _room(self, username: str, most: int, now: datetime) -> bool:
        """Whether the user may have one more session that lasts; the oldest that nobody uses makes room."""
        if self._sessions.count(username) < most:
            return True
        for session in self._sessions.of(username):
            if not session.ending and session.key not in self._live:
                self._record(self._sessions.end(session))
                self._wills.came(session.key, now, resumed=False)
                return True
        return False
