"""Anju's end at a broker with the smallest possible loop behind it: what comes is committed to a real journal every few milliseconds."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from alerting.facts import CommandIssued
from devices.home import HomeId
from devices.mqtt.entries import Retained, SessionEntry
from gateway.inbox import Published
from gateway.mqtt.broker import Broker, entrance
from gateway.settings import Broker as BrokerSettings
from gateway.store.entry import Commit, Entry, Stamp, encode
from gateway.store.journal import Journal
from tests.brokers import Server
from tests.patience import PATIENCE_S
from tests.service import Kit

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
HOME = "anju/v1/330106/home-1"
ENVIRONMENT = {"SECRET": "guest"}


class Platform:
    """`held` stops the commits; `full`: as the loop on a full disk that holds no more readings."""

    def __init__(self, folder: Path, server: Server, known: dict[str, bytes], **settings: Any) -> None:
        (folder / "data").mkdir(exist_ok=True)
        self.journal = Journal.open(folder / "data")
        self.status = dict(known)
        self.now = AT
        self.taken: list[Published] = []
        self.stored: list[Published] = []
        self.held = False
        self.full = False
        self.waiting_bytes = 0
        self.line: list[datetime | None] = []
        """What the engine would be told of it: since when it is lost, None when it is back."""
        self.queue: list[tuple[Published | None, tuple[Entry, ...]]] = []
        if server.username == "guest":
            settings = {"username": "guest", "password": "env:SECRET", **settings}
        self.broker = Broker(
            entrance(BrokerSettings(url=server.url, **settings), ENVIRONMENT), self, self.status.get, lambda: self.now,
            journal=self.journal, last_seq=self.journal.last_seq, memory=folder / "data" / "broker.json",
            line=self.line.append,
        )  # fmt: skip

    def publish(self, published: Published) -> None:
        self.taken.append(published)
        if self.full and not published.topic.endswith("/alarm"):
            published.forgotten()
        else:
            self.queue.append((published, () if published.entry is None else (published.entry,)))

    def record(self, entry: SessionEntry, done: Callable[[], None] | None = None) -> None:
        raise AssertionError("no session of ours is kept at an outside broker")

    def issue(self, topic: str, command: str, expires_at: datetime | None = None) -> None:
        payload = json.dumps({"id": command}).encode()
        self.queue.append((None, (CommandIssued(command, self.now, topic, payload, HomeId("home-1"), expires_at=expires_at),)))

    def commit(self, *, backwards: bool = False) -> None:
        """Everything that waits; `backwards` reports it in the opposite order, as commits of several lanes may."""
        queue, self.queue = self.queue, []
        entries = [entry for _, some in queue for entry in some]
        if entries:
            first = self.journal.commit(Stamp(self.now, self.now, 0.0, ""), encode(entries), len(entries))
            self.status.update((entry.topic, entry.payload) for entry in entries if isinstance(entry, Retained))
            self.broker.committed(first, Commit(first, Stamp(self.now, self.now, 0.0, ""), tuple(entries)).entries)
        for published, _ in reversed(queue) if backwards else queue:
            if published is not None:
                self.stored.append(published)
                published.done()

    def values(self) -> list[int]:
        """The `n` of each report that is stored, in order."""
        return [int(msgspec.json.decode(p.payload)["values"]["n"]) for p in self.stored if p.topic.endswith(("/report", "/alarm"))]

    async def run(self) -> None:
        while True:
            await asyncio.sleep(0.002)
            if not self.held:
                self.commit()


@contextlib.asynccontextmanager
async def platform(
    folder: Path, server: Server, *, hearing: bool = True, known: dict[str, bytes] | None = None, **settings: Any,
) -> AsyncIterator[Platform]:  # fmt: skip
    """Once it hears, unless told otherwise. `known`: what was said as status before."""
    one = Platform(folder, server, known or {}, **settings)
    one.broker.start()
    running = asyncio.create_task(one.run())
    try:
        if hearing:
            await until(lambda: one.broker.hearing)
        yield one
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await one.broker.close()
        one.journal.close()


async def until(condition: Callable[[], bool], within: timedelta = timedelta(seconds=PATIENCE_S)) -> None:
    """Wait for something to become true; AssertionError when it does not."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within.total_seconds()
    while not condition():
        assert loop.time() < end, "it did not happen in time"
        await asyncio.sleep(0.005)


def kit(server: Server, client_id: str = "", *, clean: bool = True) -> Kit:
    """A device at the broker, not at Anju."""
    return Kit({"mqtt": server.url, "device": {"username": server.username, "password": server.password}}, client_id, clean=clean)


def say(one: Kit, n: int, channel: str = "report", device: str = "watch-1", *, wait: bool = False) -> None:
    one.say({"area": "330106", "id": "home-1"}, device, {"n": n}, channel=channel, wait=wait, id=f"r{n}")
