"""Feeds the history that charts read: every observation that was journaled, on a thread of its own, in batches, from its own position.

It is handed the commits that the follower decodes anyway; when it is behind what it was handed (at a start, after a full disk, when
more waited than is kept) it reads the journal itself. Nothing waits for it, and what it cannot write it writes later.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from time import monotonic

from alerting.facts import Said
from devices.message import Heard
from gateway.store.entry import Commit
from gateway.store.failure import DiskFull, StoreBroken
from gateway.store.history import History, HistoryReader, Point
from gateway.store.journal import Pruned, Reader

logger = logging.getLogger(__name__)

WAITING_COMMITS = 2000
BATCH_POINTS = 20_000
BATCH_COMMITS = 500
PAUSE_S = 0.5
"""Readings gather for this long: one transaction for all of them."""
RETRY_S = 2.0
NO_ROOM = "the little room left on the disk is kept for calls"


class Historian:
    """`offer` on the event loop, everything else on the thread. `problem`: why the history is behind, or empty."""

    def __init__(self, folder: Path, journal: Reader, room: Callable[[], bool]) -> None:
        self.reader = HistoryReader(folder)
        self.position = 0
        self.problem = ""
        self._folder = folder
        self._journal = journal
        self._room = room
        self._waiting: deque[Commit] = deque(maxlen=WAITING_COMMITS)
        self._newest = 0
        self._prunings: deque[tuple[datetime, Future[int]]] = deque()
        self._work = threading.Event()
        self._closing = threading.Event()
        self._hurry = threading.Event()
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)

    def start(self, newest: int) -> None:
        """`newest`: how far the journal is known to go."""
        self._newest = newest
        self._work.set()
        self._thread.start()

    def offer(self, commit: Commit) -> None:
        """Never blocks; when too much waits, the oldest is left for the journal to tell."""
        self._newest = commit.last_seq
        self._waiting.append(commit)
        self._work.set()

    async def reached(self, seq: int, timeout: float) -> bool:  # noqa: ASYNC109 - the whole wait is bounded
        """Have what waits written at once, and wait until the history holds `seq`; False when it does not get there in time."""
        end = monotonic() + timeout
        while self.position < seq:
            if monotonic() > end:
                return False
            self._hurry.set()
            await asyncio.sleep(0.01)
        return True

    async def prune(self, before: datetime) -> int:
        """Have the months that ended by then removed, by the thread that writes the others; how many went."""
        future: Future[int] = Future()
        self._prunings.append((before, future))
        self._hurry.set()
        self._work.set()
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        self._closing.set()
        self._hurry.set()
        self._work.set()
        if self._thread.is_alive():
            self._thread.join()
        for _, future in self._prunings:
            future.cancel()

    def _run(self) -> None:
        history: History | None = None
        while not self._closing.is_set():
            try:
                history = history or self._open()
                self._prune(history)
                self._write(history)
                self.problem = ""
            except (DiskFull, StoreBroken) as problem:
                if not self.problem:
                    logger.warning("the history waits: %s", problem)
                self.problem = str(problem)
                self._closing.wait(RETRY_S)
            else:
                self._work.wait()
                self._hurry.wait(PAUSE_S)
                self._hurry.clear()
                self._work.clear()
        if history is not None:
            history.close()

    def _open(self) -> History:
        self._need_room()
        history = History.open(self._folder)
        self.position = history.position
        return history

    def _prune(self, history: History) -> None:
        """Before writing, since it may be what makes the room."""
        while self._prunings:
            before, future = self._prunings.popleft()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(history.prune(before))
            except Exception as problem:  # noqa: BLE001 - whoever asked is told, and asks again
                future.set_exception(problem)

    def _need_room(self) -> None:
        if not self._room():
            raise DiskFull(NO_ROOM)

    def _write(self, history: History) -> None:
        """Everything up to the newest commit that was offered."""
        points: list[Point] = []
        commits = 0
        for commit in self._commits():
            points.extend(points_of(commit))
            commits += 1
            if len(points) >= BATCH_POINTS or commits >= BATCH_COMMITS:
                self._put(history, points, commit.last_seq)
                points, commits = [], 0
                if self._closing.is_set():
                    return
            reached = commit.last_seq
        if commits:
            self._put(history, points, reached)

    def _put(self, history: History, points: list[Point], position: int) -> None:
        self._need_room()
        history.write(points, position)
        self.position = position

    def _commits(self) -> Iterator[Commit]:
        """In order, without a gap, from the position on."""
        reached = self.position
        while reached < self._newest:
            commit = self._waiting.popleft() if self._waiting else None
            if commit is not None and commit.last_seq <= reached:
                continue
            if commit is not None and commit.first_seq == reached + 1:
                reached = commit.last_seq
                yield commit
                continue
            for missed in self._missed(reached, commit.first_seq if commit else self._newest + 1):
                reached = missed.last_seq
                yield missed
            if commit is not None and commit.first_seq > reached:
                reached = commit.last_seq
                yield commit
            elif commit is None:
                return

    def _missed(self, after: int, before: int) -> Iterator[Commit]:
        """From the journal; what retention has removed there is no more to be had."""
        try:
            for commit in self._journal.read(after):
                if commit.first_seq >= before:
                    return
                yield commit
        except Pruned as pruned:
            logger.warning("the history has no readings from before the journal's beginning at %d", pruned.first_seq)
            yield from self._missed(0, before)


def points_of(commit: Commit) -> Iterator[Point]:
    for entry in commit.entries:
        if isinstance(entry, Said) and isinstance(entry.message, Heard):
            heard = entry.message
            for o in heard.report.observations:
                yield Point(heard.home, heard.device, o.property, heard.report.observed_at, o.value)
