"""What one client publishes: judged by its rights, handed to the loop, counted until it is on disk.

Past what a client may have sent and not on disk, its socket is left unread; then only what it sends waits, where it is.
"""

from collections.abc import Callable
from functools import partial

from devices.decode import BRIDGE_LIMIT, REPORT_LIMIT
from devices.mqtt.packets import Publish, Will
from devices.mqtt.rights import Rights
from devices.mqtt.server import Arrival, Connection
from devices.mqtt.session import Session
from devices.mqtt.sessions import RETAINED_BYTES, PacketIdHeld, Retained, SessionEntry
from devices.topic import BRIDGE, Channel
from gateway.inbox import Intake, Published, nothing

WAITING_BYTES = 4 * 1024 * 1024
WAITING_MESSAGES = 16_384
"""Of one connection, sent and not on disk: past either, it is not read."""
ALARM_FACTOR = 16
"""A connection that only ever brought alarms may have so much more waiting, and never stands back for others."""
SHARED_BYTES = 64 * 1024 * 1024
MODEST_BYTES = 64 * 1024
"""While more than the first waits of all, a connection is read only with less than the second waiting of its own."""
EXCERPT = 1024
"""What is shown of a message that was refused."""

Refuse = Callable[[str, str, str, bytes, int], None]
"""Told of what was acknowledged and not taken (topic, user name, reason, first KiB, size): shown with the quarantine."""


def bridged(topic: str) -> bool:
    """Of a topic or a filter: whether it lies in a home's bridge."""
    return topic.split("/", 5)[4:5] == [BRIDGE]


def limit(rights: Rights | None, topic: str) -> int:
    """The longest payload held for a message on this topic; of what may not be published there only as much as is shown."""
    if rights is None or rights.publishing(topic).refusal:
        return EXCERPT
    return BRIDGE_LIMIT if bridged(topic) else REPORT_LIMIT


class Arrivals:
    """`stored` is called after each message that the disk has; `connection` has its answer ready by then.

    `forgotten`, with each that a full disk left with the client.
    """

    def __init__(
        self, connection: Connection, session: Session, rights: Rights, intake: Intake, *,
        refused: Refuse, stored: Callable[[], None], forgotten: Callable[[Arrival], None],
    ) -> None:  # fmt: skip
        self._connection = connection
        self._session = session
        self._rights = rights
        self._intake = intake
        self._refused = refused
        self._on_disk = stored
        self._left = forgotten
        self._bytes = 0
        self._messages = 0
        self._only_alarms = True

    @property
    def too_much(self) -> bool:
        """Whether nothing more is to be read for now. While the disk is full readings are forgotten, not waited for: a call is next."""
        if self._intake.full:
            return self._bytes > WAITING_BYTES * ALARM_FACTOR
        factor = ALARM_FACTOR if self._only_alarms else 1
        if self._bytes > WAITING_BYTES * factor or self._messages > WAITING_MESSAGES * factor:
            return True
        return not self._only_alarms and self._bytes > MODEST_BYTES and self._intake.waiting_bytes > SHARED_BYTES

    def take(self, arrival: Arrival) -> None:
        publish = arrival.publish
        verdict = self._rights.publishing(publish.topic)
        if verdict.refusal:
            # 3.1.1 cannot say no to a PUBLISH [MQTT-3.3.5-2]: it is acknowledged, and shown to whoever can mend the kit.
            self._show(publish, verdict.refusal)
            self._connection.stored(arrival)
            return
        if verdict.channel is not Channel.ALARM:
            self._only_alarms = False
        size = len(publish.payload) + len(publish.topic)
        self._bytes += size
        self._messages += 1
        entry = _to_retain(publish) if publish.retain else None
        if publish.qos == 2 and self._session.durable:
            if entry is not None:
                self._intake.record(entry)
            entry = PacketIdHeld(self._session.key, publish.packet_id)
        self._publish(publish, partial(self._stored, arrival, size), entry, partial(self._forgotten, arrival, size))

    def admit_will(self, will: Will) -> bool:
        """Whether it may be published when its time comes; if not, that is shown now, while somebody looks at the kit."""
        refusal = self._rights.publishing(will.topic).refusal
        if refusal:
            self._show(Publish(will.topic, will.payload), f"will: {refusal}")
        return not refusal

    def publish_will(self, will: Will) -> None:
        publish = Publish(will.topic, will.payload, will.qos, will.retain)
        self._publish(publish, nothing, _to_retain(publish), nothing)  # it is acknowledged to nobody

    def _publish(
        self, publish: Publish, done: Callable[[], None], entry: SessionEntry | None, forgotten: Callable[[], None],
    ) -> None:  # fmt: skip
        username = self._rights.credential.username
        self._intake.publish(
            Published(publish.topic, publish.payload, publish.size, publish.retain, username, done, entry, forgotten),
        )

    def _stored(self, arrival: Arrival, size: int) -> None:
        """The commit that holds the message has returned."""
        self._bytes -= size
        self._messages -= 1
        self._connection.stored(arrival)
        self._on_disk()

    def _forgotten(self, arrival: Arrival, size: int) -> None:
        """The disk is full and enough waits already."""
        self._bytes -= size
        self._messages -= 1
        self._left(arrival)

    def _show(self, publish: Publish, reason: str) -> None:
        self._refused(publish.topic, self._rights.credential.username, reason, publish.payload[:EXCERPT], publish.size)


def _to_retain(publish: Publish) -> SessionEntry | None:
    """Only `status` is retained; any other retained PUBLISH is taken as if it were not."""
    if publish.retain and publish.size <= RETAINED_BYTES and publish.topic.endswith(f"/{Channel.STATUS}") and not bridged(publish.topic):
        return Retained(publish.topic, publish.payload)
    return None
