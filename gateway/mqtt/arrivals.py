"""What one client publishes: judged by its rights, handed to the loop, counted until it is on disk.

Past what a client may have sent and not on disk, its socket is left unread; then only what it sends waits, where it is.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial

import msgspec

from devices.decode import BRIDGE_LIMIT, REPORT_LIMIT
from devices.mqtt.entries import PacketIdHeld, SessionEntry
from devices.mqtt.packets import Publish, Will
from devices.mqtt.properties import NONE
from devices.mqtt.rights import Rights
from devices.mqtt.server import Arrival, Connection
from devices.mqtt.session import Session
from devices.mqtt.terms import RECEIVE_MAXIMUM
from devices.topic import Channel
from gateway.inbox import Intake, Published
from gateway.mqtt.company import Company, beside, bridged, retained

WAITING_BYTES = 4 * 1024 * 1024
WAITING_MESSAGES = RECEIVE_MAXIMUM
"""Of one connection, sent and not on disk: past either, it is not read."""
ALARM_FACTOR = 16
"""A connection that only ever brought alarms may have so much more waiting, and never stands back for others."""
SHARED_BYTES = 64 * 1024 * 1024
MODEST_BYTES = 64 * 1024
"""While more than the first waits of all, a connection is read only with less than the second waiting of its own."""
EXCERPT = 1024
"""What is shown of a message that was refused."""
_ALARM = Channel.ALARM

Refuse = Callable[[str, str, str, bytes, int], None]
"""Told of what was acknowledged and not taken (topic, user name, reason, first KiB, size): shown with the quarantine."""


def limit(rights: Rights | None, topic: str) -> int:
    """The longest payload held for a message on this topic; of what may not be published there only as much as is shown."""
    if rights is None or rights.publishing(topic).refusal:
        return EXCERPT
    return BRIDGE_LIMIT if bridged(topic) else REPORT_LIMIT


class Handed(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A message that the loop has, of so many bytes: it calls one of these, once."""

    arrivals: "Arrivals"
    arrival: Arrival
    size: int

    def stored(self) -> None:
        self.arrivals.stored(self.arrival, self.size)

    def forgotten(self) -> None:
        self.arrivals.forgotten(self.arrival, self.size)


class Arrivals:
    """`stored` is called when messages are on disk that were not yet, and once for all of them until `looked`; `connection` has their
    answers ready by then.

    `forgotten`, with each that a full disk left with the client.
    """

    def __init__(
        self, connection: Connection, session: Session, rights: Rights, intake: Intake, company: Company, *,
        refused: Refuse, stored: Callable[[], None], forgotten: Callable[[Arrival], None],
    ) -> None:  # fmt: skip
        self._connection = connection
        self._session = session
        self._rights = rights
        self._intake = intake
        self._company = company
        self._refused = refused
        self._on_disk = stored
        self._left = forgotten
        self._bytes = 0
        self._messages = 0
        self._told = False
        self._only_alarms = True
        self.hears_itself = True
        """Whether it subscribes without saying No Local anywhere."""

    @property
    def too_much(self) -> bool:
        """Whether nothing more is to be read for now. While the disk is full readings are forgotten, not waited for: a call is next."""
        if self._intake.full:
            return self._bytes > WAITING_BYTES * ALARM_FACTOR
        factor = ALARM_FACTOR if self._only_alarms else 1
        if self._bytes > WAITING_BYTES * factor or self._messages > WAITING_MESSAGES * factor:
            return True
        return not self._only_alarms and self._bytes > MODEST_BYTES and self._intake.waiting_bytes > SHARED_BYTES

    def take(self, arrival: Arrival, now: datetime) -> None:
        publish = arrival.publish
        verdict = self._rights.publishing(publish.topic)
        if verdict.refusal:
            # 3.1.1 cannot say no to a PUBLISH [MQTT-3.3.5-2]: it is acknowledged, and shown to whoever can mend the kit.
            self._show(publish, verdict.refusal)
            self._connection.reject(arrival, verdict.code, verdict.refusal)
            return
        if verdict.channel is not _ALARM:
            self._only_alarms = False
        size = len(publish.payload) + len(publish.topic)
        self._bytes += size
        self._messages += 1
        handed = Handed(self, arrival, size)
        done: Callable[[], None] = handed.stored
        forgotten: Callable[[], None] = handed.forgotten
        entry: SessionEntry | None = None
        heeded = self._company.heeded and (publish.qos != 1 or publish.properties is not NONE or not self.hears_itself)
        if heeded or publish.retain:
            its = beside(publish, self._session.key, now)
            gone = self._company.enter(publish.topic, publish.payload, its)
            done, forgotten = partial(_both, gone, done), partial(_both, gone, forgotten)
            entry = retained(publish, its)
        if publish.qos == 2 and self._session.durable:
            if entry is not None:
                self._intake.record(entry)
            entry = PacketIdHeld(self._session.key, publish.packet_id)
        username = self._rights.credential.username
        self._intake.publish(
            Published(publish.topic, publish.payload, publish.size, publish.retain, username, done, entry, forgotten, verdict.topic),
        )

    def admit_will(self, will: Will) -> bool:
        """Whether it may be published when its time comes; if not, that is shown now, while somebody looks at the kit."""
        refusal = self._rights.publishing(will.topic).refusal
        if refusal:
            self._show(Publish(will.topic, will.payload), f"will: {refusal}")
        return not refusal

    def stored(self, arrival: Arrival, size: int) -> None:
        """The commit that holds the message has returned."""
        self._bytes -= size
        self._messages -= 1
        if arrival.publish.qos == 2:
            self._connection.stored(arrival)
        else:
            arrival.ready = True  # it is answered when the connection has its turn to write, with all that are ready by then
        if not self._told:
            self._told = True
            self._on_disk()

    def looked(self) -> None:
        """Whoever is told of what is on disk has seen to all of it: there may be more to tell from here on."""
        self._told = False

    def forgotten(self, arrival: Arrival, size: int) -> None:
        """The disk is full and enough waits already."""
        self._bytes -= size
        self._messages -= 1
        self._left(arrival)

    def _show(self, publish: Publish, reason: str) -> None:
        self._refused(publish.topic, self._rights.credential.username, reason, publish.payload[:EXCERPT], publish.size)


def _both(one: Callable[[], None], other: Callable[[], None]) -> None:
    one()
    other()
