"""One scenario, played to a broker by one process or several, and what the platform behind it made of it."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import httpx
import msgspec

from config.community import community
from simulator.book import Harvest, Ledger
from simulator.clock import Clock, begin
from simulator.gauges import Sample
from simulator.home import HomeRecord
from simulator.hub import Hub
from simulator.link import Broker
from simulator.part import CONNECT_S, Part, Script, SimulationFailed, tell_without_lines
from simulator.progress import Progress, shown
from simulator.recording import Recorder
from simulator.registering import register
from simulator.registry import api, demo_homes, registered_homes
from simulator.report import Report, counts, faults, fleet, latencies
from simulator.shards import Shards
from simulator.story import Scenario
from simulator.truth import Tell
from simulator.witness import See, StreamWitness

__all__ = ["Asked", "SimulationFailed", "simulate", "tell_alone"]

SETTLE_S = 1.0
"""After everything expected has come: time for what should not come."""
BOOT = "story"
"""What the report ids of a story begin with that is told to nobody: the same in every run, as all else of it."""
NINE = 9 * 3600.0
"""When a story begins that does not say when."""


class Asked(msgspec.Struct, frozen=True):
    """`api` empty: nobody to ask for homes and alerts, so the demo community's homes are played and receipts are the witness.

    `registers`: the scenario's own homes are put on the platform first. `truth`: a file for the ground truth.
    `recording`: one for what the platform would have heard; of a story that is told to nobody.
    """

    name: str
    scenario: Scenario
    broker: Broker
    seed: int = 1
    speed: float = 1.0
    api: str = ""
    token: str = ""
    processes: int = 1
    registers: bool = False
    truth: str = ""
    recording: str = ""
    connect_s: float = CONNECT_S


class _Alone:
    """One process plays it all: the same face as `Shards`."""

    def __init__(self, script: Script, ledger: Ledger) -> None:
        self._part = Part(script, ledger)
        self.connected = self._part.connected
        self.play = self._part.play

    def figures(self) -> tuple[int, int, int]:
        hubs = self._part.hubs.values()
        return sum(hub.connected for hub in hubs), sum(hub.delivered for hub in hubs), self._part.gauges.errors.total()

    async def finish(self) -> Harvest:
        return self._part.harvest()


async def simulate(asked: Asked, *, progress: bool = False) -> Report:
    """Plays it to its end and gives the report. SimulationFailed, PlatformError, TooFewFiles where that is impossible."""
    began_s = time.monotonic()
    async with AsyncExitStack() as closing:
        client = await closing.enter_async_context(api(asked.api, asked.token)) if asked.api else None
        records, logins = await _records(asked, client, progress=progress)
        ledger = Ledger(by_receipt=client is None)
        first = begin(asked.speed)
        script = _script(asked, records, first.boot, logins)
        if client is not None:
            await closing.enter_async_context(_watching(client, records, first.boot, ledger.saw))
        company: _Alone | Shards = Shards(script, asked.processes, ledger) if asked.processes > 1 else _Alone(script, ledger)
        shows = Progress(len(records), asked.scenario.duration, company.figures, ledger.figures)
        if progress:
            await closing.enter_async_context(shown(shows))
        async with company.connected():
            clock = begin(asked.speed)
            shows.story_s = clock.virtual_s
            await company.play(clock)
            await _patience(ledger)
            harvest = await company.finish()
        return _report(asked, ledger, harvest, clock, homes=len(records), took_s=time.monotonic() - began_s)


class Alone(msgspec.Struct, frozen=True):
    """What came of a story that was told to nobody. `messages`: of the recording."""

    moments: int
    planted: int
    messages: int = 0


def tell_alone(asked: Asked) -> Alone:
    """The ground truth, the recording or both, without a broker."""
    ledger = Ledger(by_receipt=True)
    script = _script(asked, _own_homes(asked), BOOT, {})
    if not asked.recording:
        return Alone(tell_without_lines(script, ledger), len(ledger.plants))
    made = community(asked.scenario.homes, asked.seed)
    with Path(asked.recording).open("wb") as file:
        recorders: list[Recorder] = []

        def listen(hubs: Mapping[str, Hub]) -> Tell:
            recorders.append(Recorder(hubs, script.local_s, file))
            recorders[0].open(made, script.records)
            return recorders[0].tell

        moments = tell_without_lines(script, ledger, listen)
    return Alone(moments, len(ledger.plants), recorders[0].messages)


def _own_homes(asked: Asked) -> tuple[HomeRecord, ...]:
    return demo_homes(asked.scenario.homes, asked.seed, asked.scenario.kit)


def _script(asked: Asked, records: tuple[HomeRecord, ...], boot: str, logins: dict[str, tuple[str, str]]) -> Script:
    return Script(
        name=asked.name, scenario=asked.scenario, broker=asked.broker, records=records, seed=asked.seed,
        local_s=NINE if asked.scenario.start is None else float(asked.scenario.start), boot=boot, truth=asked.truth, logins=logins,
        connect_s=asked.connect_s,
    )  # fmt: skip


async def _records(
    asked: Asked, client: httpx.AsyncClient | None, *, progress: bool,
) -> tuple[tuple[HomeRecord, ...], dict[str, tuple[str, str]]]:  # fmt: skip
    if client is None:
        return _own_homes(asked), {}
    if asked.registers:

        def show(done: int, of: int) -> None:
            if progress and done % 10 == 0:
                sys.stderr.write(f"\r\x1b[K{done} of {of} homes registered" + ("\r\x1b[K" if done == of else ""))
                sys.stderr.flush()

        return await register(client, asked.scenario.homes, asked.seed, asked.scenario.kit, show)
    records = [record for record in await registered_homes(client) if record.devices]
    if len(records) < asked.scenario.homes:
        raise SimulationFailed(f"the platform has {len(records)} homes with devices, the scenario wants {asked.scenario.homes} (--homes)")
    return tuple(records[: asked.scenario.homes]), {}


@asynccontextmanager
async def _watching(client: httpx.AsyncClient, records: tuple[HomeRecord, ...], boot: str, see: See) -> AsyncIterator[None]:
    """The platform's stream is followed while this is open, and is being followed once it is."""
    witness = StreamWitness(client, homes=records, boot=boot, see=see)
    watching = asyncio.create_task(witness.watch())
    ready = asyncio.create_task(witness.ready.wait())
    try:
        await asyncio.wait((watching, ready), return_when=asyncio.FIRST_COMPLETED, timeout=CONNECT_S)
        if not watching.done():
            if not ready.done():
                raise SimulationFailed(f"{client.base_url}: the live stream does not begin")
            yield
    finally:
        for task in (ready, watching):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _patience(ledger: Ledger) -> None:
    """Wait for what is still due, then a moment longer for what should not come."""
    pause_s = 0.05 if len(ledger.plants) < 200 else 0.5
    while time.monotonic() < ledger.patience_ends_s:
        if not ledger.waits:
            break
        await asyncio.sleep(pause_s)
    await asyncio.sleep(SETTLE_S)


def _report(asked: Asked, ledger: Ledger, harvest: Harvest, clock: Clock, *, homes: int, took_s: float) -> Report:
    verdict = ledger.verdict()
    _place(harvest.samples, ledger)
    told = ledger.told(verdict)
    figures = counts(verdict) | {"without_receipt": len(told.without)}
    speeds = latencies(verdict.latencies_s)
    return Report(
        scenario=asked.name,
        title=asked.scenario.title.zh,
        title_en=asked.scenario.title.en,
        seed=asked.seed,
        speed=asked.speed,
        homes=homes,
        broker=str(asked.broker),
        witness="stream" if asked.api else "receipts",
        started_at=clock.began_at,
        took_s=round(took_s, 3),
        passed=_passes(asked.scenario, figures, speeds.p99, harvest),
        delivered=harvest.delivered,
        undelivered=harvest.undelivered,
        dropped=harvest.dropped,
        latency_ms=speeds,
        receipts=told.came,
        events=verdict.rows,
        false_alerts=verdict.false,
        doubled_alerts=verdict.doubled,
        faults=faults(asked.scenario, harvest),
        fleet=fleet(harvest, homes, asked.processes, int(clock.began_s), asked.scenario.duration / asked.speed),
        **figures,
    )


def _passes(scenario: Scenario, figures: dict[str, int], p99_ms: float | None, harvest: Harvest) -> bool:
    allowed = scenario.allowed
    limits = {name: getattr(allowed, name) for name in allowed.__struct_fields__ if name != "p99"}
    slow = allowed.p99 is not None and p99_ms is not None and p99_ms > allowed.p99 * 1000
    return not slow and all(figures[name] <= limit for name, limit in limits.items()) and harvest.delivered > 0


def _place(samples: dict[int, Sample], ledger: Ledger) -> None:
    """What the ledger knows, by the second in which it came."""
    for at_s in ledger.said_at.values():
        samples.setdefault(int(at_s), Sample(int(at_s))).planted += 1
    first: dict[str, int] = {}
    for sighting in ledger.sightings:
        first.setdefault(sighting.alert, int(sighting.at_s))
    for second in first.values():
        samples.setdefault(second, Sample(second)).alerts += 1

