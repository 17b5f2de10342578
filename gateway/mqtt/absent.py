"""Those who listen to what devices publish and are away: it waits for them, in memory, as far as the bound of a backlog.

Only sessions that last, and only what they are to have with QoS 1. A reader of an area whose backlog grows past the bound loses its
session: it is told so by the next CONNACK, and knows that it must look into the history, where a stream with holes would look whole.
Of anybody else's the oldest goes, since commands wait in the same session.
"""

from collections import deque
from collections.abc import Callable

from devices.credential import Credential, Scope
from devices.mqtt.entries import SessionEntry
from devices.mqtt.filters import Interests
from devices.mqtt.rights import may_receive
from devices.mqtt.session import Session, SessionKey
from devices.mqtt.sessions import Sessions
from gateway.mqtt.company import Beside, upward
from gateway.mqtt.departures import BACKLOG_BYTES, BACKLOG_MESSAGES, relayed, weight


class Absent:
    def __init__(
        self, sessions: Sessions, credentials: Callable[[str], Credential | None], record: Callable[[SessionEntry], None],
    ) -> None:  # fmt: skip
        self._sessions = sessions
        self._credentials = credentials
        self._record = record
        self._filters: dict[SessionKey, tuple[str, ...]] = {}
        self._bytes: dict[SessionKey, int] = {}
        self._wanting: Interests[SessionKey] = Interests()

    def __bool__(self) -> bool:
        return bool(self._filters)

    def enter(self, session: Session) -> None:
        """Nobody has it from now on; or its subscriptions have changed since."""
        self.leave(session.key)
        filters = tuple(filter(upward, session.subscriptions))
        if session.durable and not session.ending and filters:
            self._filters[session.key] = filters
            self._bytes[session.key] = sum(map(weight, session.relayed or ()))
            for text in filters:
                self._wanting.add(text, session.key)
            self._bound(session)

    def leave(self, key: SessionKey) -> None:
        """Somebody has it again, or it is gone."""
        for text in self._filters.pop(key, ()):
            self._wanting.discard(text, key)
        self._bytes.pop(key, None)

    def relay(self, topic: str, payload: bytes, beside: Beside | None) -> None:
        for key in self._wanting.find(topic):
            session = self._sessions.get(key)
            if session is None:
                self.leave(key)
                continue
            own = beside is not None and beside.publisher == key
            grant = session.granted_own(topic) if own else session.granted(topic)
            credential = self._credentials(session.username)
            if grant is None or credential is None or not may_receive(credential, topic):
                continue
            message = relayed(topic, payload, grant, beside, durable=True)
            if message.qos:
                if session.relayed is None:
                    session.relayed = deque()
                session.relayed.append(message)
                self._bytes[key] += weight(message)
                self._bound(session)

    def _bound(self, session: Session) -> None:
        waiting = session.relayed
        while waiting and (len(waiting) > BACKLOG_MESSAGES or self._bytes[session.key] > BACKLOG_BYTES):
            credential = self._credentials(session.username)
            if credential is None or credential.scope is Scope.READ:
                session.relayed = None
                self.leave(session.key)
                self._record(self._sessions.end(session))
                return
            self._bytes[session.key] -= weight(waiting.popleft())
            session.dropped += 1
