"""The way in for kits that publish to an outside broker: Anju as a client of it, with the same promise from the broker on.

A message is acknowledged to the broker after the commit that holds it. What the broker promises its own clients by a PUBACK is the
broker's (`docs/brokers.md` says what each one keeps).

Two persistent sessions, so that no backlog of readings stands before a call: one for `alarm`, one for everything else. While the disk
is full there is a third, that lasts no longer: readings that are not acknowledged fill the broker's window, and a call that a kit
sends among its readings would stand behind them; the *ear* subscribes with QoS 0, for which there is no window, and what it hears
twice is recognised by its id.

Who published is not known here: a broker does not say, and what a device may publish on is for its access rules. Commands leave by the
session for alarms, which is never busy.
"""

import asyncio
import contextlib
import logging
import os
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from alerting.terms import Sentence
from devices.mqtt.entries import Retained
from devices.topic import BRIDGE, ROOT, Channel
from gateway.inbox import Intake, Published
from gateway.mqtt.broker_client import V5, V311, Login, Subscription
from gateway.mqtt.broker_line import BrokerAddress, Incoming
from gateway.mqtt.broker_outbox import MemoryFile, Outbox, Way
from gateway.mqtt.broker_session import Listening, Session
from gateway.mqtt.company import bridged
from gateway.problem import CommandFailed
from gateway.settings import Broker as BrokerSettings
from gateway.settings import broker_address, reveal
from gateway.store.entry import Entry
from gateway.store.journal import Reader

TEND_S = 1.0
ALARMS = (Subscription(f"{ROOT}/+/+/+/{Channel.ALARM}"),)
READINGS = (
    Subscription(f"{ROOT}/+/+/+/{Channel.REPORT}"),
    Subscription(f"{ROOT}/+/+/+/{Channel.STATUS}", retained=True),
    Subscription(f"{ROOT}/+/+/+/{Channel.REPLY}"),
    Subscription(f"{ROOT}/+/+/{BRIDGE}/#", retained=True),
)
EAR = tuple(Subscription(one.topic_filter) for one in (READINGS[0], READINGS[3]))
STATUS_BYTES = 4096
"""Longest status that is recognised when the broker replays it."""
_STATUS = f"/{Channel.STATUS}"

log = logging.getLogger(__name__)


class Entrance(msgspec.Struct, frozen=True):
    """How we get in at the broker: `entrance` makes it of the settings."""

    url: str
    client_id: str
    address: BrokerAddress
    login: Login


def entrance(settings: BrokerSettings, environment: Mapping[str, str] = os.environ) -> Entrance:
    """CommandFailed, with one sentence that repeats no secret, when a file or a secret is not there."""
    found = broker_address(settings.url)
    assert found is not None, "the settings were checked"
    host, port, secure = found
    try:
        password = reveal(settings.password, Path(), environment) if settings.password else ""
    except ValueError as problem:
        raise CommandFailed(f"broker.password: {problem}") from problem
    versions = {"auto": (V5, V311), "5.0": (V5,), "3.1.1": (V311,)}[settings.version]
    login = Login(settings.username, password, settings.session_days * 24 * 3600, settings.receive_maximum, versions)
    return Entrance(settings.url, settings.client_id, BrokerAddress(host, port, _tls(settings) if secure else None), login)


def _tls(settings: BrokerSettings) -> ssl.SSLContext:
    name = "broker.ca"
    try:
        context = ssl.create_default_context(cafile=settings.ca or None)
        if settings.certificate:
            name = "broker.certificate"
            context.load_cert_chain(settings.certificate, settings.key)
    except (OSError, ssl.SSLError) as problem:
        path = settings.ca if name == "broker.ca" else f"{settings.certificate} with {settings.key}"
        raise CommandFailed(f"{name}: {path}: {problem.strerror or problem}") from problem
    return context


class Broker:
    """`committed` with each commit, after whatever folds it. `retained(topic)` is the status that was last said there, as journaled.

    `memory`: a small file of the broker's own, beside the data. `line` is told since when not everything reaches us, and None when it
    does again.
    """

    def __init__(
        self, way: Entrance, intake: Intake, retained: Callable[[str], bytes | None], clock: Callable[[], datetime], *,
        journal: Reader, last_seq: int, memory: Path, line: Callable[[datetime | None], None],
    ) -> None:  # fmt: skip
        self.unheard_since: datetime | None = clock()
        """Service time since when not everything that kits publish at the broker reaches us; None while it does."""
        self._way = way
        self._intake = intake
        self._retained = retained
        self._clock = clock
        self._line = line
        self._file = MemoryFile(memory, way.url)
        self._alarms = self._session("alarms", ALARMS, alarms=True)
        self._readings = self._session("readings", READINGS)
        self._ear: Session | None = None
        self.outbox = Outbox(journal, self._file, last_seq, Way(lambda: self._alarms.room, self._alarms.send), clock)
        self._tending: list[asyncio.Task[None]] = []

    @property
    def hearing(self) -> bool:
        return self.unheard_since is None

    @property
    def problems(self) -> tuple[Sentence, ...]:
        """What people are told; empty while all is well."""
        told = []
        host = self._way.address.host
        for session, zh, en in ((self._alarms, "求助和报警", "calls"), (self._readings, "读数", "readings")):
            if not session.hearing:
                why = session.trouble or "connecting"
                told.append(Sentence(f"消息服务器 {host} 送不来{zh}：{why}", f"the broker {host} brings no {en}: {why}"))
        if self.outbox.refused:
            told.append(Sentence(
                f"消息服务器 {host} 拒绝了 {self.outbox.refused} 条下发命令（检查其访问规则）。",
                f"the broker {host} refused {self.outbox.refused} commands to devices: see its access rules",
            ))  # fmt: skip
        return tuple(told)

    @property
    def versions(self) -> tuple[str, str]:
        """Of MQTT, that the sessions for alarms and readings speak."""
        return self._alarms.version, self._readings.version

    @property
    def duplicates(self) -> int:
        """Messages that the broker delivered again while they were on their way to disk, or just after."""
        return self._alarms.duplicates + self._readings.duplicates

    @property
    def listening_past_the_window(self) -> bool:
        """Whether the ear hears."""
        return self._ear is not None and self._ear.hearing

    def start(self) -> None:
        self._line(self.unheard_since)
        self._alarms.start()
        self._readings.start()
        self._tending = [
            asyncio.create_task(_every_second(self.outbox.tend), name="commands to the broker"),
            asyncio.create_task(_every_second(self._listen_past_the_window), name="ear at the broker"),
        ]

    async def close(self) -> None:
        """Say good-bye. The broker keeps for us what comes from here on."""
        for task in self._tending:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for session in (self._alarms, self._readings, self._ear):
            if session is not None:
                await session.close()
        await self.outbox.tend()

    def committed(self, first_seq: int, entries: Sequence[Entry]) -> None:
        self.outbox.committed(first_seq, entries)

    # --- within ---

    def _session(self, name: str, subscriptions: tuple[Subscription, ...], *, alarms: bool = False) -> Session:
        listening = Listening(f"{self._way.client_id}-{name}", subscriptions, alarms=alarms)
        return Session(
            self._way.address, self._way.login, listening, self._intake, take=self._take, memory=self._file, changed=self._changed,
            acknowledged=self._acknowledged, connected=self._connected if alarms else lambda _anew: None,
        )  # fmt: skip

    def _acknowledged(self, number: int, refusal: str) -> None:
        self.outbox.acknowledged(number, refusal)

    def _connected(self, anew: bool) -> None:
        self.outbox.connected(anew=anew)

    def _take(self, incoming: Incoming, stored: Callable[[], None], forgotten: Callable[[], None]) -> Published | None:
        topic, entry = incoming.topic, None
        if topic.endswith(_STATUS) and not bridged(topic):
            if incoming.retain and self._retained(topic) == incoming.payload:
                return None  # the broker replays what it has retained; that was taken when it was said
            if incoming.size <= STATUS_BYTES:
                entry = Retained(topic, incoming.payload)
        return Published(topic, incoming.payload, incoming.size, incoming.retain, "", stored, entry, forgotten)

    def _changed(self) -> None:
        hearing = self._alarms.hearing and self._readings.hearing
        if hearing == self.hearing:
            return
        self.unheard_since = None if hearing else self._clock()
        self._line(self.unheard_since)

    def _overhear(self, incoming: Incoming, stored: Callable[[], None], forgotten: Callable[[], None]) -> Published | None:
        """What the ear hears; not what the broker replays when it subscribes, hubs' lists of megabytes among it."""
        return None if incoming.retain else self._take(incoming, stored, forgotten)

    async def _listen_past_the_window(self) -> None:
        """The ear, as long as the disk is full."""
        if self._intake.full and self._ear is None:
            listening = Listening(f"{self._way.client_id}-ear", EAR, qos=0)
            self._ear = Session(self._way.address, self._way.login, listening, self._intake, take=self._overhear, memory=None)
            self._ear.start()
        elif not self._intake.full and self._ear is not None:
            ear, self._ear = self._ear, None
            await ear.close()


async def _every_second(work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await work()
        await asyncio.sleep(TEND_S)


__all__ = ["Broker", "Entrance", "entrance"]
