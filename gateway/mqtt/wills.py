"""The last wills of clients that are gone: published at once, or when their delay is over and the client has not come back (3.1.3.2.2).

A will that waits is journaled when its client goes, and taken off the journal in the commit that holds its message: it is published
once, also when the service restarts meanwhile, and on a full disk as soon as there is room.

Not said: the will of a client that was there when the service itself went. It comes back, or its silence is noticed.
"""

from collections.abc import Callable, Container
from datetime import datetime, timedelta
from functools import partial

import msgspec

from devices.credential import Credential
from devices.mqtt.entries import SessionEntry, WillSettled, later
from devices.mqtt.packets import Publish, Will
from devices.mqtt.rights import judge
from devices.mqtt.session import Session, SessionKey
from devices.mqtt.sessions import Sessions
from devices.mqtt.shelves import Waiting
from gateway.inbox import Intake, Published
from gateway.mqtt.company import Company, beside, retained

AGAIN = timedelta(seconds=10)
"""After which a will is tried once more that a full disk had no room for."""


class Wills:
    def __init__(self, intake: Intake, sessions: Sessions, company: Company, credentials: Callable[[str], Credential | None]) -> None:
        self._intake = intake
        self._sessions = sessions
        self._company = company
        self._credentials = credentials

    def left(self, session: Session, will: Will, expiry_s: int | None, now: datetime) -> None:
        """Its client is gone without a good-bye. A session that ends with its connection leaves nobody to wait for."""
        delay_s = will.properties.will_delay or 0
        if not session.durable:
            delay_s = 0
        elif expiry_s is not None:
            delay_s = min(delay_s, expiry_s)
        if delay_s:
            self._intake.record(self._sessions.leave_will(session.key, session.username, will, later(now, delay_s)))
        else:
            self._publish(session.key, session.username, will, now, None)

    def came(self, key: SessionKey, now: datetime, *, resumed: bool) -> None:
        """Its client is here again: with its session nothing is said; when the session has ended, the will is due [MQTT-3.1.3-9]."""
        waiting = self._sessions.take_will(key)
        if waiting is not None:
            self._settle(key, waiting, now, publish=not resumed)

    def due(self, now: datetime, live: Container[SessionKey]) -> None:
        """Publish those whose delay is over. `live`: the sessions that somebody has."""
        for name, waiting in self._sessions.due_wills(now):
            key = SessionKey(name)
            self._settle(key, waiting, now, publish=key not in live)

    def _settle(self, key: SessionKey, waiting: Waiting, now: datetime, *, publish: bool) -> None:
        credential = self._credentials(waiting.username)
        if publish and credential is not None and not judge(credential, waiting.will.topic).refusal:
            self._publish(key, waiting.username, waiting.will, now, waiting)
        else:
            self._intake.record(WillSettled(key, waiting.due_at))

    def _publish(self, key: SessionKey, username: str, will: Will, now: datetime, waiting: Waiting | None) -> None:
        properties = msgspec.structs.replace(will.properties, will_delay=None)
        publish = Publish(will.topic, will.payload, will.qos, will.retain, properties=properties)
        its = beside(publish, key, now)
        gone = self._company.enter(will.topic, will.payload, its)
        keep = retained(publish, its)
        forgotten = gone
        entry: SessionEntry | None = keep
        if waiting is not None:
            if keep is not None:
                self._intake.record(keep)
            entry = WillSettled(key, waiting.due_at)
            forgotten = partial(self._again, gone, key, waiting, now + AGAIN)
        self._intake.publish(Published(will.topic, will.payload, publish.size, will.retain, username, gone, entry, forgotten))

    def _again(self, gone: Callable[[], None], key: SessionKey, waiting: Waiting, at: datetime) -> None:
        gone()
        self._sessions.put_back_will(key, waiting, at)
