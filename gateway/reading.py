"""From a PUBLISH to items for the engine: read and sorted as it arrives, before it waits.

Whatever a kit sends, it comes out as something: a message, a quarantined one, or both. What one kit may leave behind without having
been registered, or without having the right to say it, is bounded here; a call never is.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from alerting.engine import Engine
from alerting.facts import Fact
from alerting.items import Item, Quarantined, Said
from devices.decode import decode
from devices.message import NO_DIRECTORY, Carrier, Directory, DirectoryHeard, Heard, Ignored, ReplyHeard, StatusHeard, directory_of
from devices.mqtt.entries import SessionEntry
from devices.observation import DecodeError
from devices.topic import BridgeTopic, DeviceTopic, parse
from gateway.clock import Clock
from gateway.inbox import Published

if TYPE_CHECKING:
    from devices.home import HomeId

RAW_KEPT = 1024
"""Bytes of an unreadable message that are kept."""

DEVICES_MOST = 1000
"""Of one home; a message of one more, which nobody registered, is not taken unless it is a call. Zigbee has 200 in its largest home."""

REFUSALS_A_MINUTE = 60
"""Kept of one user name for what its rights forbid: enough to mend it by, and no kit fills the disk with what it may not even say."""
_USERS = 10_000
_ALARM = Carrier.ALARM


class Counters(msgspec.Struct):
    reports: int = 0
    alarms: int = 0
    quarantined: int = 0
    forgotten: int = 0
    """Readings that a full disk left with the kits; those with QoS 1 come again."""
    commits: int = 0
    commit_s: float = 0.0


Read = tuple[tuple[Item, ...], bool]
"""What a message came to, and whether it has the right of way. Without items it was understood, and nothing could be lost."""


class Reading:
    """`engine` knows the homes and what their hubs have listed."""

    def __init__(self, engine: Engine, clock: Clock, counters: Counters) -> None:
        self._engine = engine
        self._clock = clock
        self._counters = counters
        self._coming: dict[tuple[HomeId, str], tuple[DirectoryHeard, Directory]] = {}
        """Lists that wait for their commit: what comes behind one is read by it."""
        self._refusals: dict[str, tuple[datetime, int]] = {}

    def read(self, published: Published) -> Read:
        now = self._clock.now()
        try:
            topic = published.parsed or parse(published.topic)
            directory = NO_DIRECTORY if isinstance(topic, DeviceTopic) else self._directory(topic)
            message = decode(topic, published.payload, now, directory, size=published.size)
        except DecodeError as error:
            return (self._quarantined(published, now, error.problem.place, error.problem.reason),), False
        if isinstance(message, Ignored):
            return (), False
        return self._sorted(message, published, now)

    def refused(self, topic: str, username: str, reason: str, raw: bytes, size: int) -> Quarantined | None:
        """What the sender's rights forbid, to be shown to the installer; None when enough of this sender's has been."""
        self._counters.quarantined += 1
        now = self._clock.now()
        since, count = self._refusals.pop(username, (now, 0))
        if now - since >= timedelta(minutes=1):
            since, count = now, 0
        self._refusals[username] = (since, count + 1)
        if len(self._refusals) > _USERS:
            del self._refusals[next(iter(self._refusals))]
        return Quarantined(now, topic, "topic", reason, raw[:RAW_KEPT], size, username) if count < REFUSALS_A_MINUTE else None

    def committed(self, entries: list[Item | Fact | SessionEntry]) -> None:
        """The engine knows these now."""
        for entry in entries if self._coming else ():
            if isinstance(entry, Said) and isinstance(heard := entry.message, DirectoryHeard):
                coming = self._coming.get((heard.home, heard.key))
                if coming is not None and coming[0] is heard:
                    del self._coming[heard.home, heard.key]

    def _sorted(self, message: Heard | StatusHeard | ReplyHeard | DirectoryHeard, published: Published, now: datetime) -> Read:
        said = Said(message, published.topic, published.payload)
        if isinstance(message, DirectoryHeard):
            self._coming[message.home, message.key] = (message, Directory({d.name: d for d in message.devices}))
            return (said,), False
        urgent = isinstance(message, Heard) and message.report.urgent
        home = self._engine.homes.get(message.home)
        if not urgent and home is not None and len(home.devices) >= DEVICES_MOST and message.device not in home.devices:
            reason = f"the home has {len(home.devices)} devices already, and nobody has registered this one"
            return (self._quarantined(published, now, "topic.device", reason),), False
        if not isinstance(message, Heard):
            return (said,), False
        report = message.report
        self._counters.reports += 1
        self._counters.alarms += urgent
        items: tuple[Item, ...] = (said,)
        if report.problems:
            place = ", ".join(p.place for p in report.problems)
            items += (self._quarantined(published, now, place, "; ".join(p.reason for p in report.problems)),)
        return items, urgent or message.carrier is _ALARM

    def _quarantined(self, published: Published, now: datetime, place: str, reason: str) -> Quarantined:
        self._counters.quarantined += 1
        kept = published.payload[:RAW_KEPT]
        return Quarantined(now, published.topic, place, reason, kept, published.size, published.username)

    def _directory(self, topic: BridgeTopic) -> Directory:
        """What is known of the devices of this hub, a list that still waits for its commit included."""

        def kept(key: str) -> Directory:
            coming = self._coming.get((topic.home, key))
            return coming[1] if coming is not None else self._engine.directory(topic.home, key)

        return directory_of(topic, kept)
