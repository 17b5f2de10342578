"""One scenario, played to a broker, and what the platform behind it made of it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import httpx
import msgspec

from simulator.clock import Clock, begin
from simulator.home import HomeRecord, virtual_homes
from simulator.hub import Hub
from simulator.link import Broker
from simulator.plan import Plant, Stage
from simulator.play import all_connected, all_delivered, lines, play
from simulator.progress import Progress, shown
from simulator.registry import api, demo_homes, registered_homes
from simulator.report import Report, counts, latencies
from simulator.scenario import Scenario
from simulator.score import Outcome, Said, Sighting, Verdict, judge
from simulator.witness import ReceiptWitness, See, StreamWitness
from simulator.world import World

CONNECT_S = 20.0
CONNECTS_A_SECOND = 100
SETTLE_S = 1.0
"""After everything expected has come: time for what should not come."""
LAST_LETTERS_S = 10.0


class SimulationFailed(Exception):  # noqa: N818 - the world's fault
    """It could not be played, in one line."""


class Asked(msgspec.Struct, frozen=True):
    """`api` empty: nobody to ask for homes and alerts, so the demo community's homes are played and receipts are the witness."""

    name: str
    scenario: Scenario
    broker: Broker
    seed: int = 1
    speed: float = 1.0
    api: str = ""
    token: str = ""


class Ledger:
    """What has been planted, said and seen so far."""

    def __init__(self, *, by_receipt: bool) -> None:
        self._by_receipt = by_receipt
        self.plants: dict[str, Plant] = {}
        self.said_at: dict[str, float] = {}
        self.sightings: list[Sighting] = []

    def planted(self, plant: Plant) -> None:
        self.plants[plant.id] = plant

    def said(self, mark: str, at_s: float) -> None:
        self.said_at.setdefault(mark, at_s)

    def figures(self) -> tuple[int, int]:
        """(planted events that were said, alerts seen)"""
        return len(self.said_at), len({sighting.alert for sighting in self.sightings})

    def verdict(self) -> Verdict:
        said = [Said(plant, self.said_at.get(plant.id)) for plant in self.plants.values()]
        return judge(said, self.sightings, by_receipt=self._by_receipt)

    @property
    def patience_ends_s(self) -> float:
        """The monotonic second by which the last expected alert should have come."""
        due = [self.said_at[id_] + expect.within for id_, plant in self.plants.items() if id_ in self.said_at for expect in plant.expected]
        return max(due, default=0.0)


async def simulate(asked: Asked, *, progress: bool = False) -> Report:
    """Plays it to its end and gives the report. SimulationFailed, PlatformError where that is impossible."""
    began_s = time.monotonic()
    async with AsyncExitStack() as closing:
        client = await closing.enter_async_context(api(asked.api, asked.token)) if asked.api else None
        records = await _records(asked, client)
        first = begin(asked.speed)
        start_s = first.local_s if asked.scenario.start is None else float(asked.scenario.start)
        homes = virtual_homes(records, seed=asked.seed, local_s=start_s, all_zigbee=asked.scenario.needs_zigbee)
        hubs = {home.id: Hub(home, first.boot) for home in homes}
        ledger = Ledger(by_receipt=client is None)
        world = World()
        Stage(asked.scenario, homes, asked.seed, world, ledger.planted).set_up()
        receipts = ReceiptWitness(hubs.values(), ledger.sightings.append)
        if client is not None:
            await closing.enter_async_context(_watching(client, hubs, first.boot, ledger.sightings.append))
        shows = Progress(hubs.values(), asked.scenario.duration, ledger.figures)
        if progress:
            await closing.enter_async_context(shown(shows))
        await closing.enter_async_context(lines(hubs.values(), asked.broker, f"sim-{asked.name}", for_good=False))
        if not await all_connected(hubs.values(), CONNECT_S + len(hubs) / CONNECTS_A_SECOND):
            away = next(hub for hub in hubs.values() if not hub.connected)
            raise SimulationFailed(f"broker {asked.broker}: {away.trouble or 'no answer'}")
        receipts.awake = client is None
        clock = begin(asked.speed)
        shows.story_s = clock.virtual_s
        await play(world, hubs, clock, until=asked.scenario.duration, on_mark=ledger.said)
        await all_delivered(hubs.values(), LAST_LETTERS_S)
        await _patience(ledger)
        return _report(asked, hubs, ledger, clock, time.monotonic() - began_s)


async def _records(asked: Asked, client: httpx.AsyncClient | None) -> tuple[HomeRecord, ...]:
    if client is None:
        return demo_homes(asked.scenario.homes, asked.seed)
    records = [record for record in await registered_homes(client) if record.devices]
    if len(records) < asked.scenario.homes:
        raise SimulationFailed(f"the platform has {len(records)} homes with devices, the scenario wants {asked.scenario.homes} (--homes)")
    return tuple(records[: asked.scenario.homes])


@asynccontextmanager
async def _watching(client: httpx.AsyncClient, hubs: dict[str, Hub], boot: str, see: See) -> AsyncIterator[None]:
    """The platform's stream is followed while this is open, and is being followed once it is."""
    ours = [device.id for hub in hubs.values() for device in hub.home.devices]
    witness = StreamWitness(client, homes=hubs, ours=ours, boot=boot, see=see)
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
    while time.monotonic() < ledger.patience_ends_s:
        if not ledger.verdict().count(Outcome.MISSED):
            break
        await asyncio.sleep(0.05)
    await asyncio.sleep(SETTLE_S)


def _report(asked: Asked, hubs: dict[str, Hub], ledger: Ledger, clock: Clock, took_s: float) -> Report:
    verdict = ledger.verdict()
    return Report(
        scenario=asked.name,
        title=asked.scenario.title.zh,
        title_en=asked.scenario.title.en,
        seed=asked.seed,
        speed=asked.speed,
        homes=len(hubs),
        broker=str(asked.broker),
        witness="stream" if asked.api else "receipts",
        started_at=clock.began_at,
        took_s=round(took_s, 3),
        passed=verdict.good,
        delivered=sum(hub.delivered for hub in hubs.values()),
        undelivered=sum(hub.waiting for hub in hubs.values()),
        dropped=sum(hub.dropped for hub in hubs.values()),
        latency_ms=latencies(verdict.latencies_s),
        events=verdict.rows,
        false_alerts=verdict.false,
        doubled_alerts=verdict.doubled,
        **counts(verdict),
    )
