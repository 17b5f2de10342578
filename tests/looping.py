"""One life of the loop after the other in a folder, on a disk that can be filled and with a clock that the test winds."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from msgspec.structs import replace

from alerting.commands import Asked, Claim, Command, RegisterArea, RegisterDevice, RegisterHome
from alerting.engine import Engine
from alerting.facts import AlertRaised, Fact
from alerting.items import Configured, Quarantined, ServiceStarted
from alerting.rule_head import Template
from alerting.rules import Ruleset
from alerting.terms import Actor, AlertId
from devices.home import Area, Device, DeviceId, Home, HomeId, ModelId
from gateway.clock import Clock, Readings
from gateway.inbox import Outcome, Published
from gateway.loop import Loop, Space
from gateway.recovery import recover, refold
from gateway.store.entry import Commit, Entry, Stamp
from gateway.store.journal import DiskFull, Journal
from gateway.store.snapshots import Snapshots
from tests.household import AREA, DEFAULT, START
from tests.patience import PATIENCE_S, ended

BROKEN = Template("{value:.1f}", "{value:.1f}")
"""What `alerting.assembly` refuses today, and a journal may hold: a sentence that cannot be made."""


def broken(*rules: str) -> Ruleset:
    assert {r.id for r in DEFAULT.rules} >= set(rules)
    return replace(DEFAULT, version="broken", rules=tuple(replace(r, reason=BROKEN) if r.id in rules else r for r in DEFAULT.rules))


class Disk(Journal):
    """A journal on a disk that can be filled: `room` for commits."""

    room = True

    def commit(self, stamp: Stamp, body: bytes, count: int) -> int:
        if not self.room:
            raise DiskFull("no room")
        return super().commit(stamp, body, count)


class Service:
    """One life of the loop in a folder, with a clock that the test winds."""

    def __init__(self, folder: Path, *, at: datetime = START) -> None:
        self.elapsed = 0.0
        self.at = at
        journal = Disk.open(folder)
        assert isinstance(journal, Disk)
        self.journal = journal
        self.snapshots = Snapshots(folder / "snapshots.db")
        recovered = recover(self.journal, self.snapshots)
        self.engine = recovered.engine
        clock = Clock(self.journal.last_stamp, Readings(self.wall, lambda: 1000.0 + self.elapsed, lambda: "boot"))
        self.telemetry = True
        self.entries: list[Entry] = []
        self.sizes: list[int] = []
        self.unstored: list[tuple[Sequence[Fact], Sequence[Fact]]] = []
        self.acknowledged: list[str] = []
        self.forgotten: list[str] = []
        self.outcomes: list[Outcome] = []
        self.refolds = 0
        self.loop = Loop(
            self.engine, self.journal, recovered.roller, clock, Space(lambda: self.telemetry, lambda: False, lambda: None),
            refold=self._refold, published=self._published, unstored=lambda facts, fresh: self.unstored.append((facts, fresh)),
        )  # fmt: skip
        self._running: asyncio.Task[None] | None = None

    def wall(self) -> datetime:
        return self.at + timedelta(seconds=self.elapsed)

    async def __aenter__(self) -> Self:
        last = self.journal.last_stamp
        self.loop.give(ServiceStarted(last.service_at if last else None), first=True)
        self._running = asyncio.create_task(self.loop.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.loop.stop()
        assert self._running is not None
        await ended(self._running, PATIENCE_S)
        self.journal.close()
        self.snapshots.close()

    async def until(self, condition: Callable[[], bool]) -> None:
        assert self._running is not None
        end = asyncio.get_running_loop().time() + PATIENCE_S
        while not condition():
            if self._running.done():
                self._running.result()
            assert asyncio.get_running_loop().time() < end, "it did not happen in time"
            await asyncio.sleep(0.002)

    async def passes(self, seconds: float) -> None:
        """Time, and a turn of the loop in it."""
        self.elapsed += seconds
        await self.asks(Claim(AlertId("nobody")))

    def says(
        self, home: str, device: str, values: dict[str, object], *,
        name: str = "", channel: str = "report", topic: str = "", raw: bytes = b"",
    ) -> str:  # fmt: skip
        name = name or f"m{len(self.acknowledged)}-{home}-{device}-{json.dumps(values)}"
        payload = raw or json.dumps({"id": name, "values": values}).encode()
        topic = topic or f"anju/v1/{AREA}/{home}/{device}/{channel}"
        self.loop.publish(Published(
            topic, payload, len(payload), False, "kit", lambda: self.acknowledged.append(name), None, lambda: self.forgotten.append(name),
        ))  # fmt: skip
        return name

    async def hears(self, home: str, device: str, values: dict[str, object], *, name: str = "") -> None:
        """Until it is acknowledged."""
        name = self.says(home, device, values, name=name)
        await self.until(lambda: name in self.acknowledged)

    async def asks(self, command: Command, by: str = "li") -> Outcome:
        count = len(self.outcomes)
        self.loop.ask(Asked(command, Actor(by)), self.outcomes.append)
        await self.until(lambda: len(self.outcomes) > count)
        return self.outcomes[-1]

    async def registers(self, *homes: str) -> None:
        await self.asks(RegisterArea(Area(AREA, "社区")))
        for home in homes:
            await self.asks(RegisterHome(Home(HomeId(home), AREA, home)))
            for model in ("cord", "smoke", "watch", "hub"):
                await self.asks(RegisterDevice(Device(DeviceId(f"{model}-{home}"), HomeId(home), ModelId(model))))

    def of(self, kind: type[Entry]) -> list[Entry]:
        return [entry for entry in self.entries if isinstance(entry, kind)]

    def raised(self) -> list[AlertRaised]:
        return [entry for entry in self.entries if isinstance(entry, AlertRaised)]

    def quarantined(self) -> list[Quarantined]:
        return [entry for entry in self.entries if isinstance(entry, Quarantined)]

    def told(self) -> str:
        return " ".join(sentence.en for sentence in self.loop.faults)

    def _refold(self) -> Engine:
        self.refolds += 1
        return refold(self.journal, self.snapshots)

    def _published(self, commit: Commit, body: bytes) -> None:
        self.sizes.append(len(body))
        self.entries.extend(commit.entries)


def live(folder: Path, story: Callable[[Service], Awaitable[None]], ruleset: Ruleset = DEFAULT) -> None:
    """A story of one life, and then what the next life finds: the same alerts, and nothing judged otherwise."""

    async def whole() -> dict[AlertId, object]:
        async with Service(folder) as service:
            service.loop.give(Configured(ruleset), first=True)
            await service.registers("h1", "h2")
            await story(service)
        return dict(service.engine.alerts)

    before = asyncio.run(whole())
    journal = Journal.open(folder)
    snapshots = Snapshots(folder / "snapshots.db")
    after = recover(journal, snapshots)
    journal.close()
    snapshots.close()
    assert dict(after.engine.alerts) == before
    assert not after.problems
