"""An endpoint on a free port with the smallest possible loop behind it: what comes is committed a few milliseconds later, in memory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import msgspec

from alerting.facts import CommandIssued
from alerting.items import Said
from devices.credential import Credential, Scope, digest
from devices.home import AreaId, DeviceId, HomeId
from devices.message import StatusHeard
from devices.mqtt.entries import SessionEntry
from devices.mqtt.sessions import LIVE, Sessions
from gateway.inbox import Published
from gateway.mqtt.keys import Keys
from gateway.mqtt.listener import Listener, remember
from gateway.store.entry import Entry
from tests.patience import PATIENCE_S

AREA, HOME, DEVICE = AreaId("330106"), HomeId("home-1"), DeviceId("cord-1")
PASSWORD = "secret"
AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
OWN = f"anju/v1/{AREA}/{HOME}/{DEVICE}"


def _credential(username: str, scope: Scope, device: str = "") -> Credential:
    return Credential(username, b"salt", digest(b"salt", PASSWORD.encode()), scope, AREA, HOME, DeviceId(device))


CREDENTIALS = {
    c.username: c
    for c in (
        _credential("cord", Scope.DEVICE, DEVICE),
        _credential("watch", Scope.DEVICE, "watch-1"),
        _credential("hub", Scope.HOME),
        _credential("city", Scope.READ),
        _credential("demo", Scope.ANYWHERE),
    )
}


class Refusal(msgspec.Struct, frozen=True):
    topic: str
    username: str
    reason: str
    excerpt: bytes
    size: int


class Ledger:
    """What stands in for the loop: takes, commits in ticks, and only then calls `done`. `held` stops the commits.

    `full`: as the loop on a full disk whose share of waiting readings is used up.
    """

    def __init__(self, sessions: Sessions, keys: Keys | None = None) -> None:
        self.sessions = sessions
        self.now = AT
        self.listener = Listener(self, CREDENTIALS.get, sessions, lambda: self.now, self._refuse, keys=keys)
        self.published: list[Published] = []
        self.journal: list[Entry] = []
        self.refused: list[Refusal] = []
        self.held = False
        self.full = False
        self.waiting_bytes = 0
        self._queue: list[tuple[tuple[Entry, ...], Callable[[], None] | None]] = []

    def publish(self, published: Published) -> None:
        self.published.append(published)
        if self.full and not published.topic.endswith("/alarm"):
            published.forgotten()
            return
        entries: list[Entry] = [] if published.entry is None else [published.entry]
        if published.topic.startswith("anju/v1/") and "/bridge/" not in published.topic:
            _, _, area, home, device, _ = published.topic.split("/")
            status = StatusHeard(AreaId(area), HomeId(home), DeviceId(device), online=True, received_at=self.now)
            entries.append(Said(status, published.topic, published.payload))
        self._queue.append((tuple(entries), published.done))

    def record(self, entry: SessionEntry, done: Callable[[], None] | None = None) -> None:
        self._queue.append(((entry,), done))

    def issue(self, topic: str, payload: bytes, command: str, expires_at: datetime | None = None) -> None:
        self._queue.append(((CommandIssued(command, self.now, topic, payload, HOME, expires_at=expires_at),), None))

    def enter(self, entry: Entry) -> None:
        self._queue.append(((entry,), None))

    def commit(self, *, backwards: bool = False) -> None:
        """Everything that waits; `backwards` acknowledges in the opposite order, as commits of several lanes may."""
        queue, self._queue = self._queue, []
        entries = [entry for some, _ in queue for entry in some]
        self.journal.extend(entries)
        self.listener.committed(entries)
        for _, done in reversed(queue) if backwards else queue:
            if done is not None:
                done()

    def topics(self) -> list[str]:
        return [published.topic for published in self.published]

    def _refuse(self, topic: str, username: str, reason: str, excerpt: bytes, size: int) -> None:
        self.refused.append(Refusal(topic, username, reason, excerpt, size))

    async def run(self) -> None:
        while True:
            await asyncio.sleep(0.002)
            if not self.held:
                self.commit()


class Endpoint:
    def __init__(self, ledger: Ledger, port: int) -> None:
        self.ledger = ledger
        self.listener = ledger.listener
        self.port = port


def recovered(journal: list[Entry]) -> Sessions:
    """The sessions as a new process folds them."""
    sessions = Sessions(CREDENTIALS.get)
    for entry in journal:
        remember(sessions, entry, LIVE)
    return sessions


@contextlib.asynccontextmanager
async def endpoint(
    journal: list[Entry] | None = None, port: int = 0, *, keys: Keys | None = None, plain: bool = True,
) -> AsyncIterator[Endpoint]:
    """With `keys`, TLS on the same port."""
    ledger = Ledger(recovered(journal or []), keys)
    ledger.journal.extend(journal or [])
    port = await ledger.listener.start("127.0.0.1", port, plain=plain, tls=keys is not None)
    running = asyncio.create_task(ledger.run())
    try:
        yield Endpoint(ledger, port)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await ledger.listener.close()


async def until(condition: Callable[[], bool], within: timedelta = timedelta(seconds=PATIENCE_S)) -> None:
    """Wait for something to become true; AssertionError when it does not."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within.total_seconds()
    while not condition():
        assert loop.time() < end, "it did not happen in time"
        await asyncio.sleep(0.005)
