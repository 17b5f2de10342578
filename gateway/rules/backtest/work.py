"""A backtest as processes: areas dealt out by their homes, each process with both sides, at the lowest priority."""

import gc
import multiprocessing
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from multiprocessing.connection import Connection, wait
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from alerting.rules import Ruleset
from devices.home import AreaId
from devices.observation import Property
from gateway.children import offer
from gateway.problem import CommandFailed
from gateway.rules.backtest import compare
from gateway.rules.backtest.feed import Before, Journal
from gateway.rules.backtest.recording import Recording
from gateway.rules.backtest.replay import Replay
from gateway.rules.backtest.result import Backtest, Raised
from gateway.rules.backtest.scope import Scope, scope
from gateway.store.failure import StoreBroken

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

NICENESS = 19
DISPENSABLE = 800
"""Where memory is short a backtest is what goes."""


class Job(msgspec.Struct, frozen=True):
    """What is to be played. Exactly one of `data` and `recording`; `warm_up`: how much earlier the play begins than `start`."""

    now: Ruleset
    draft: Ruleset
    start: datetime
    end: datetime
    warm_up: timedelta
    data: str = ""
    recording: str = ""
    areas: tuple[AreaId, ...] = ()
    """Empty: all."""
    counted: frozenset[str] | None = None
    properties: frozenset[Property] | None = None
    """As `scope.Scope` has them."""

    @property
    def source(self) -> Journal | Recording:
        return Recording(Path(self.recording)) if self.recording else Journal(Path(self.data))


class Part(msgspec.Struct, frozen=True):
    """What one process came to."""

    homes: int
    reports: int
    now: tuple[Raised, ...]
    draft: tuple[Raised, ...]
    unread: int = 0


class Failed(msgspec.Struct, frozen=True, tag=True):
    why: str


class Read(msgspec.Struct, frozen=True, tag=True):
    bytes: int


class Done(msgspec.Struct, frozen=True, tag=True):
    part: Part


_encode = msgspec.msgpack.Encoder().encode
_told = msgspec.msgpack.Decoder(Failed | Read | Done)
_job = msgspec.msgpack.Decoder(Job)


def play(job: Job, told: Callable[[int], None]) -> Part:
    """One process's part; `told` hears how many bytes were read."""
    replay = Replay(job.now, job.draft)
    source = job.source
    areas = frozenset(job.areas) if job.areas else None
    for at, what in source.play(job.start - job.warm_up, job.end, areas, job.properties):
        if isinstance(what, int):
            told(what)
        elif isinstance(what, Before):
            replay.begin(what.registry, what.deaf, what.offset_s, at)
        else:
            replay.take(what, at)
    now, draft = (tuple(_counted(side, job.counted)) for side in replay.end(job.end))
    unread = source.unread if isinstance(source, Recording) else 0
    return Part(replay.homes(frozenset(job.areas)), replay.reports + source.skipped, now, draft, unread)


def _counted(raised: list[Raised], rules: frozenset[str] | None) -> list[Raised]:
    return raised if rules is None else [one for one in raised if one.rule in rules]


def run(asked: Job, processes: int, told: Callable[[int], None] = lambda _: None, *, every_rule: bool = False) -> Backtest:
    """The whole backtest. CommandFailed where the journal or the recording cannot be read, or a process ended.

    `every_rule`: also those are played that raise the same on both sides; the differences are the same ones, only later.
    """
    began = monotonic()
    played = Scope(asked.now, asked.draft) if every_rule else scope(asked.now, asked.draft)
    job = msgspec.structs.replace(asked, now=played.now, draft=played.draft, counted=played.counted, properties=played.properties)
    source = job.source
    try:
        shares = _dealt(source.areas(), processes)
        each = shares if len(shares) > 1 else [()]
        parts = _side_by_side([msgspec.structs.replace(job, areas=share) for share in each], told)
    except StoreBroken as problem:
        raise CommandFailed(str(problem)) from problem
    offset = timedelta(minutes=job.now.utc_offset_minutes)
    now = [one for part in parts for one in part.now]
    draft = [one for part in parts for one in part.draft]
    found = compare.changes(now, draft, job.start, job.end, offset)
    now, draft = ([one for one in side if job.start <= one.at < job.end] for side in (now, draft))
    unread = sum(part.unread for part in parts)
    notes = [f"{unread:,} messages of the recording cannot be read"] if unread else []
    if played.counted is not None:
        same = len({rule.id for rule in asked.now.rules} - played.counted)
        notes.append(f"{same} rules that nothing of the draft reaches raise the same on both sides: they were left out, their alerts too")
    if isinstance(source, Journal) and source.pruned():
        notes.append("the journal no longer goes back to its beginning: homes from before it count with their registry of today")
    return Backtest(
        start=job.start, end=job.end, now_version=asked.now.version, draft_version=asked.draft.version,
        utc_offset_minutes=job.now.utc_offset_minutes, homes=sum(part.homes for part in parts), reports=sum(part.reports for part in parts),
        now_alerts=len(now), draft_alerts=len(draft), changes=tuple(found), days=tuple(compare.days(now, draft, found, offset)),
        took_s=monotonic() - began, processes=len(parts), notes=tuple(notes),
    )  # fmt: skip


def _dealt(areas: dict[AreaId, int], processes: int) -> list[tuple[AreaId, ...]]:
    """Areas to processes, the largest first to whoever has the fewest homes."""
    shares: list[tuple[int, list[AreaId]]] = [(0, []) for _ in range(max(processes, 1))]
    for area, homes in sorted(areas.items(), key=lambda item: (-item[1], item[0])):
        shares.sort(key=lambda share: share[0])
        shares[0] = (shares[0][0] + homes, [*shares[0][1], area])
    return [tuple(share) for _, share in shares if share] or [()]


def _side_by_side(jobs: list[Job], told: Callable[[int], None]) -> list[Part]:
    context = multiprocessing.get_context("spawn")
    parts: list[Part] = []
    workers: dict[Connection, SpawnProcess] = {}
    try:
        for job in jobs:
            ours, theirs = context.Pipe()
            worker = context.Process(target=_work, args=(theirs, _encode(job)), daemon=True)
            worker.start()
            theirs.close()
            workers[ours] = worker
        waiting = list(workers)
        while waiting:
            for line in wait(waiting):
                assert isinstance(line, Connection)
                try:
                    said = _told.decode(line.recv_bytes())
                except EOFError:
                    raise CommandFailed("a process of the backtest ended; the machine may be short of memory") from None
                if isinstance(said, Read):
                    told(said.bytes // len(jobs))
                    continue
                if isinstance(said, Failed):
                    raise CommandFailed(said.why)
                parts.append(said.part)
                waiting.remove(line)
    finally:
        for line, worker in workers.items():
            line.close()
            if len(parts) < len(jobs):
                worker.terminate()
            worker.join()
    return parts


def _work(line: Connection, body: bytes) -> None:
    """A process of its own."""
    os.nice(max(NICENESS - os.nice(0), 0))
    offer(os.getpid(), DISPENSABLE)
    gc.set_threshold(200_000, 50, 100)
    try:
        part = play(_job.decode(body), lambda size: line.send_bytes(_encode(Read(size))))
    except (StoreBroken, CommandFailed, OSError) as problem:
        line.send_bytes(_encode(Failed(str(problem))))
    else:
        line.send_bytes(_encode(Done(part)))
    line.close()
