"""The homes that one process plays, from the first connection to the last letter: alone, or as one of several (`shards.py`)."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from simulator.book import Book, Harvest
from simulator.casting import cast
from simulator.clock import Clock
from simulator.gauges import Gauges, Sample, cost
from simulator.home import HomeRecord, virtual_homes, where
from simulator.hub import Hub
from simulator.limits import room_for
from simulator.link import Broker, trust
from simulator.plan import Stage
from simulator.play import all_connected, all_delivered, lines, play
from simulator.story import Scenario, Trouble
from simulator.truth import Tell, Writer, nobody
from simulator.witness import ReceiptWitness
from simulator.world import World

CONNECT_S = 20.0
CONNECTS_A_SECOND = 100
LAST_LETTERS_S = 10.0


class SimulationFailed(Exception):  # noqa: N818 - the world's fault
    """It could not be played, in one line."""


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a process needs to play its part: of all homes every `parts`-th, from `part` on.

    `logins`: user and password of the homes that have their own. `truth`: the file of this part's ground truth; empty: none.
    `connect_s`: how long the first lines may take, and every hundred more a second longer.
    """

    name: str
    scenario: Scenario
    broker: Broker
    records: tuple[HomeRecord, ...]
    seed: int = 1
    local_s: float = 0.0
    boot: str = ""
    truth: str = ""
    logins: dict[str, tuple[str, str]] = {}
    connect_s: float = CONNECT_S
    part: int = 0
    parts: int = 1


class Part:
    def __init__(self, script: Script, book: Book) -> None:
        self.script, self.book = script, book
        self.gauges = Gauges()
        self.samples: dict[int, Sample] = {}
        self.world = World()
        zigbee = script.scenario.needs_zigbee
        occupants, words = cast(script.scenario, [record.id for record in script.records], script.seed)
        mine = script.records[script.part :: script.parts]
        homes = virtual_homes(mine, seed=script.seed, local_s=script.local_s, all_zigbee=zigbee, occupants=occupants)
        everywhere = tuple(where(record, all_zigbee=zigbee) for record in script.records)
        self.hubs = {home.id: Hub(home, script.boot) for home in homes}
        self._receipts = ReceiptWitness(self.hubs.values(), book.heard)
        self._stage = Stage(script.scenario, homes, script.seed, self.world, book.planted, words=words, everywhere=everywhere)
        self._stage.set_up()
        self._bare = cost()
        self._full = self._bare
        self._played_cpu_s = 0.0

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Every line is up once this is open. TooFewFiles; SimulationFailed where the broker does not take them."""
        room_for(len(self.hubs))
        script = self.script
        for number, fault in enumerate(script.scenario.fault, start=1):
            if fault.do is Trouble.CERTIFICATE_BAD and not script.broker.tls:
                raise SimulationFailed(f"fault {number}: {fault.do} needs a broker with a certificate, at mqtts://")
        await _trusted(script.broker)
        self._bare = cost()
        watching = asyncio.create_task(self._sample())
        try:
            async with lines(
                self.hubs.values(), script.broker, f"sim-{script.name}", for_good=False, gauges=self.gauges, logins=script.logins,
                rough=script.scenario.is_rough,
            ):
                if not await all_connected(self.hubs.values(), script.connect_s + len(self.hubs) * script.parts / CONNECTS_A_SECOND):
                    away = next(hub for hub in self.hubs.values() if not hub.connected)
                    raise SimulationFailed(f"broker {script.broker}: {away.trouble or 'no answer'}")
                self._full = cost()
                self._receipts.awake = True
                yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    async def play(self, clock: Clock) -> None:
        """The whole story, and then until the broker has acknowledged what the lines still hold."""
        before = cost()
        with _kept(self.script.truth) as tell:
            await play(self.world, self.hubs, clock, until=self.script.scenario.duration, on_mark=self.book.said, tell=tell)
        await all_delivered(self.hubs.values(), LAST_LETTERS_S)
        self._played_cpu_s = cost().cpu_s - before.cpu_s

    def harvest(self) -> Harvest:
        hubs = self.hubs.values()
        return Harvest(
            delivered=sum(hub.delivered for hub in hubs),
            undelivered=sum(hub.waiting for hub in hubs),
            dropped=sum(hub.dropped for hub in hubs),
            puback=self.gauges.puback,
            connecting=self.gauges.connecting,
            errors=dict(self.gauges.errors),
            struck=dict(self.gauges.struck),
            suffered=self._stage.suffered,
            samples=self.samples,
            memory_kib=max(self._full.memory_kib - self._bare.memory_kib, 0),
            cpu_s=self._played_cpu_s,
        )

    async def _sample(self) -> None:
        """Once a second of this machine's clock, so that several processes' seconds are the same ones."""
        came = delivered = errors = 0
        while True:
            await asyncio.sleep(1.0 - time.monotonic() % 1.0)
            second = int(time.monotonic())
            hubs = self.hubs.values()
            now_delivered, now_errors = sum(hub.delivered for hub in hubs), self.gauges.errors.total()
            self.samples[second] = Sample(
                second, sum(hub.connected for hub in hubs), self.gauges.came - came, now_delivered - delivered, now_errors - errors,
            )
            came, delivered, errors = self.gauges.came, now_delivered, now_errors


async def _trusted(broker: Broker) -> None:
    """A certificate that nobody here trusts stays so: said at once, instead of after every line has tried for a while."""
    if not broker.tls:
        return
    with suppress(OSError):
        try:
            _, writer = await asyncio.open_connection(broker.host, broker.port, ssl=trust(broker.ca))
        except ssl.SSLError as problem:
            raise SimulationFailed(f"broker {broker}: {getattr(problem, 'verify_message', '') or problem.reason}: --ca FILE?") from None
        writer.close()
        await writer.wait_closed()


class _kept:  # noqa: N801 - reads as a phrase
    """The ground truth's file while the story is played."""

    def __init__(self, path: str) -> None:
        self._file = Path(path).open("wb") if path else None  # noqa: SIM115 - closed on leaving
        self._writer = Writer(self._file) if self._file else None

    def __enter__(self) -> Tell:
        return self._writer.tell if self._writer else nobody

    def __exit__(self, *_: object) -> None:
        if self._file is not None and self._writer is not None:
            self._writer.flush()
            self._file.close()


Listen = Callable[[Mapping[str, Hub]], Tell]
"""Given the hubs of a story that begins, whom else each of its moments is told."""


def nobody_else(_: Mapping[str, Hub]) -> Tell:
    return nobody


def tell_without_lines(script: Script, book: Book, listen: Listen = nobody_else) -> int:
    """The story as it would happen, as fast as it can be told, to no broker: the ground truth. The number of its moments."""
    part = Part(script, book)
    moments, hear = 0, listen(part.hubs)
    with _kept(script.truth) as tell:
        for at, emission in part.world.run(script.scenario.duration):
            tell(at, emission)
            hear(at, emission)
            moments += 1
            mark = getattr(emission, "mark", "")
            if mark:
                book.said(mark, at)
    return moments
