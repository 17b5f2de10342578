"""A fleet in several processes: each plays every n-th home of the same night, and tells what it writes down by lines of JSON.

A shard is `python -m simulator.shards`, with a `Script` on its standard input. It says Ready when its lines are up and is given the
Clock, so that all begin in one moment; it says Played when its story is over and goes on listening for receipts until its standard input
ends, then hands in its Harvest. Standard input that ends sooner ends it at any moment, with a goodbye to the broker, also while it still
connects. The monotonic clock is the machine's, the same in every process.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path

import msgspec

from simulator.book import Harvest, Ledger
from simulator.clock import Clock
from simulator.limits import TooFewFiles
from simulator.link import Broker
from simulator.part import Part, Script, SimulationFailed
from simulator.plan import Plant
from simulator.score import Sighting
from simulator.story import Span, TimeOfDay
from simulator.truth import merged

LINE_LIMIT = 512 * 1024 * 1024
GOODBYE_S, GOODBYE_EACH_S = 60.0, 0.01
"""For all, and for each home of theirs: a hundred thousand goodbyes take a busy machine minutes."""
CUT_SHORT_S = 10.0


class Planted(msgspec.Struct, tag="planted"):
    plant: Plant


class SaidAt(msgspec.Struct, tag="said"):
    mark: str
    at_s: float


class Heard(msgspec.Struct, tag="heard"):
    receipt: Sighting


class Ready(msgspec.Struct, tag="ready"):
    """Its lines are up."""


class Played(msgspec.Struct, tag="played"):
    """Its story is over."""


class Progressed(msgspec.Struct, tag="progressed"):
    """Once a second, for the person who waits."""

    connected: int
    delivered: int
    errors: int


class Reaped(msgspec.Struct, tag="reaped"):
    harvest: Harvest


class Failed(msgspec.Struct, tag="failed"):
    why: str


Message = Planted | SaidAt | Heard | Ready | Played | Progressed | Reaped | Failed


def _plain(value: object) -> object:
    if isinstance(value, Span | TimeOfDay):
        return float(value)
    raise TypeError(type(value).__name__)


def _dressed(wanted: type, value: object) -> object:
    if wanted in (Span, TimeOfDay) and isinstance(value, float | int):
        return wanted(value)
    raise TypeError(wanted.__name__)


_encoder = msgspec.json.Encoder(enc_hook=_plain)
_messages = msgspec.json.Decoder(Message, dec_hook=_dressed)
_script = msgspec.json.Decoder(Script, dec_hook=_dressed)
_clock = msgspec.json.Decoder(Clock)


# --- the shard ------------------------------------------------------------------------------------------------------------------


class _Out:
    """The book of a shard: every entry is a line to whoever started it."""

    def write(self, message: Message) -> None:
        sys.stdout.buffer.write(_encoder.encode(message) + b"\n")
        sys.stdout.buffer.flush()

    def planted(self, plant: Plant) -> None:
        self.write(Planted(plant))

    def said(self, mark: str, at_s: float) -> None:
        self.write(SaidAt(mark, at_s))

    def heard(self, receipt: Sighting) -> None:
        self.write(Heard(receipt))


class _In:
    """What whoever started the shard says to it, heard at any moment of its work."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.script: asyncio.Future[Script] = loop.create_future()
        self.clock: asyncio.Future[Clock] = loop.create_future()
        self.ended = asyncio.Event()

    async def hear(self, reader: asyncio.StreamReader) -> None:
        try:
            if line := await reader.readline():
                self.script.set_result(_script.decode(line))
            if line := await reader.readline():
                self.clock.set_result(_clock.decode(line))
                await reader.readline()
        finally:
            self.ended.set()


async def shard() -> int:
    """What `python -m simulator.shards` runs."""
    told = _In()
    reader = asyncio.StreamReader(limit=LINE_LIMIT)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    hearing = asyncio.create_task(told.hear(reader))
    work = asyncio.create_task(_shard(told, _Out()))
    ended = asyncio.create_task(told.ended.wait())
    try:
        await asyncio.wait((work, ended), return_when=asyncio.FIRST_COMPLETED)
        if told.ended.is_set():
            await hearing
        if not told.clock.done():  # it is not wanted any more before its story began; one that plays hands in what it has
            work.cancel()
        with suppress(asyncio.CancelledError):
            return await work
        return 1
    finally:
        for task in (hearing, ended, work):
            task.cancel()
        await asyncio.gather(hearing, ended, work, return_exceptions=True)


async def _shard(told: _In, out: _Out) -> int:
    part = Part(await told.script, out)
    telling = asyncio.create_task(_tell(part, out))
    try:
        async with part.connected():
            out.write(Ready())
            playing = asyncio.create_task(part.play(await told.clock))
            ended = asyncio.create_task(told.ended.wait())
            await asyncio.wait((playing, ended), return_when=asyncio.FIRST_COMPLETED)
            if playing.done():
                playing.result()
                out.write(Played())
                await ended
            else:
                playing.cancel()
                with suppress(asyncio.CancelledError):
                    await playing
            out.write(Reaped(part.harvest()))
    except (SimulationFailed, TooFewFiles, OSError) as problem:
        out.write(Failed(str(problem)))
        return 1
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling
    return 0


async def _tell(part: Part, out: _Out) -> None:
    while True:
        await asyncio.sleep(1.0)
        hubs = part.hubs.values()
        delivered = sum(hub.delivered for hub in hubs)
        out.write(Progressed(sum(hub.connected for hub in hubs), delivered, part.gauges.errors.total()))


# --- who started them -----------------------------------------------------------------------------------------------------------


class Shards:
    """Several processes that play one scenario."""

    def __init__(self, script: Script, processes: int, ledger: Ledger) -> None:
        self._script, self._ledger = script, ledger
        self._scripts = [
            msgspec.structs.replace(
                script, part=part, parts=processes, truth=f"{script.truth}.{part}" if script.truth else "",
                broker=_from_its_own(script.broker, part),
            )
            for part in range(processes)
        ]
        self._running: list[asyncio.subprocess.Process] = []
        self._listening: list[asyncio.Task[None]] = []
        self._ready: list[asyncio.Event] = [asyncio.Event() for _ in self._scripts]
        self._played: list[asyncio.Event] = [asyncio.Event() for _ in self._scripts]
        self._progress = [Progressed(0, 0, 0) for _ in self._scripts]
        self._harvest = Harvest()
        self._problem: asyncio.Future[str]

    def figures(self) -> tuple[int, int, int]:
        """(connected, delivered, errors) over all"""
        return (
            sum(each.connected for each in self._progress),
            sum(each.delivered for each in self._progress),
            sum(each.errors for each in self._progress),
        )

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """As `Part.connected`."""
        self._problem = asyncio.get_running_loop().create_future()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        try:
            for number, script in enumerate(self._scripts):
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "simulator.shards", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                    limit=LINE_LIMIT, env=environment,
                )  # fmt: skip
                self._running.append(process)
                self._listening.append(asyncio.create_task(self._listen(number, process)))
                await self._write(process, script)
            await self._all(self._ready)
            yield
        finally:
            await self._end()

    async def play(self, clock: Clock) -> None:
        for process in self._running:
            await self._write(process, clock)
        await self._all(self._played)

    async def finish(self) -> Harvest:
        """Ends them and adds up what they hand in; their ground truths become one file."""
        for process in self._running:
            assert process.stdin is not None
            process.stdin.close()
        most_s = GOODBYE_S + GOODBYE_EACH_S * self._script.scenario.homes
        try:
            async with asyncio.timeout(most_s):
                for process in self._running:
                    await process.wait()
        except TimeoutError as late:
            left = sum(process.returncode is None for process in self._running)
            many = len(self._running)
            raise SimulationFailed(f"{left} of {many} processes have not said their goodbyes within {most_s:.0f} s") from late
        await asyncio.gather(*self._listening)
        if self._script.truth:
            await asyncio.to_thread(_join, [script.truth for script in self._scripts], self._script.truth)
        return self._harvest

    async def _write(self, process: asyncio.subprocess.Process, what: Script | Clock) -> None:
        assert process.stdin is not None
        process.stdin.write(_encoder.encode(what) + b"\n")
        with suppress(ConnectionError):  # it is gone; what it said before tells why
            await process.stdin.drain()

    async def _all(self, events: list[asyncio.Event]) -> None:
        waiting = asyncio.gather(*(event.wait() for event in events))
        try:
            await asyncio.wait((waiting, self._problem), return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                raise SimulationFailed(self._problem.result())
        finally:  # also where we are ended meanwhile: nobody else would look at what becomes of it
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting

    async def _listen(self, number: int, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        reaped = False
        async for line in process.stdout:
            match _messages.decode(line):
                case Planted(plant):
                    self._ledger.planted(plant)
                case SaidAt(mark, at_s):
                    self._ledger.said(mark, at_s)
                case Heard(receipt):
                    self._ledger.heard(receipt)
                case Ready():
                    self._ready[number].set()
                case Played():
                    self._played[number].set()
                case Progressed() as progress:
                    self._progress[number] = progress
                case Reaped(harvest):
                    self._harvest.join(harvest)
                    reaped = True
                case Failed(why):
                    self._fail(why)
        if not reaped:
            self._fail(f"process {number + 1} of {len(self._scripts)} ended before its story did")

    def _fail(self, why: str) -> None:
        if not self._problem.done():
            self._problem.set_result(why)

    async def _end(self) -> None:
        """They say their goodbyes together, and none outlives this, whatever we are told meanwhile."""
        try:
            for process in self._running:
                assert process.stdin is not None
                process.stdin.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(CUT_SHORT_S):
                    for process in self._running:
                        await process.wait()
        finally:
            for process in self._running:
                if process.returncode is None:
                    with suppress(ProcessLookupError):
                        process.kill()
            for listening in self._listening:
                listening.cancel()
        for process in self._running:
            await process.wait()
        await asyncio.gather(*self._listening, return_exceptions=True)


def _from_its_own(broker: Broker, part: int) -> Broker:
    """On one machine every process comes from an address of its own: a pair of addresses has only some 28,000 ports."""
    if broker.host not in ("127.0.0.1", "localhost"):
        return broker
    return msgspec.structs.replace(broker, source=f"127.0.{part // 250}.{part % 250 + 1}")


def _join(parts: list[str], whole: str) -> None:
    with ExitStack() as closing:
        files = [closing.enter_context(Path(part).open("rb")) for part in parts]
        merged(files, closing.enter_context(Path(whole).open("wb")))
    for part in parts:
        Path(part).unlink()


if __name__ == "__main__":
    sys.exit(asyncio.run(shard()))
