"""A follower: one thread that reads the journal from where its store stands and writes what it finds, each observation once in effect.

It reads the journal's files itself, in short transactions, so whoever commits pays nothing for it. Its store remembers the position
together with what was written, so a crash, a kill, an outage only mean that a batch comes again; the same point is the same point.
What fails is tried again from that position; nothing is held meanwhile, the journal has it.

It also gives way. A low priority alone does not do it: two busy cores share caches and clock, and whoever judges a call would be the
slower for it. A follower that is behind works for `SHARE` of the time, which is some 12,000 reports a second, and rests for the others.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import datetime
from time import thread_time
from typing import Protocol, TypeVar

from alerting.terms import Sentence
from gateway.control import Followed
from gateway.store.entry import Commit
from gateway.store.failure import DiskFull, StoreBroken
from gateway.store.journal import Pruned, Reader

logger = logging.getLogger(__name__)

T = TypeVar("T")

POLL_S = 0.25
"""Readings gather for this long: one transaction, one request for all of them."""
SHARE = 0.25
"""Of one core, for a follower that is behind: hours of an outage are caught up in minutes all the same."""
LONGEST_REST_S = 1.0
LOCAL_RETRY_S = 2.0
FAULT_RETRY_S = 30.0


class StoreAway(Exception):  # noqa: N818 - a state of the world, not a mistake
    """The store does not take what is offered now; try the same again after `pause` seconds."""

    def __init__(self, sentence: Sentence, pause: float) -> None:
        self.sentence = sentence
        self.pause = pause
        super().__init__(sentence.en)


class Sink(Protocol):
    """Where a follower writes. Called on the follower's thread alone; `open` comes first, and again after anything was raised."""

    @property
    def name(self) -> str: ...

    @property
    def refused(self) -> int:
        """Observations that the store refused, all told."""
        ...

    def open(self) -> int:
        """Let go of what was taken and not written; the position from which to go on, as the store remembers it."""
        ...

    def missed(self) -> None:
        """Retention has removed what comes next; what there is of the journal follows from its beginning."""
        ...

    def take(self, commit: Commit) -> bool:
        """The next commit; True when what was taken is as much as is written at once."""
        ...

    def write(self, position: int) -> int:
        """Everything taken, and the position behind it; how many observations that were. DiskFull, StoreBroken, StoreAway."""
        ...

    def close(self) -> None: ...


class Follower:
    """`changed` is called on its thread whenever what `followed` tells is different."""

    def __init__(self, sink: Sink, journal: Reader, changed: Callable[[], None]) -> None:
        self.sink = sink
        self.position = 0
        self.waiting_since: datetime | None = None
        """The service time of the oldest commit that was taken and is not written."""
        self.problem: Sentence | None = None
        self._points = 0
        self._journal = journal
        self._changed = changed
        self._opened = False
        self._compared = False
        self._errands: deque[Callable[[], None]] = deque()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._rested_at = 0.0
        """By the processor time of the thread."""
        self._thread = threading.Thread(target=self._run, name=f"follower {sink.name}", daemon=True)

    def followed(self, now: datetime) -> Followed:
        """`now` in service time."""
        since = self.waiting_since
        behind = 0.0 if since is None else max((now - since).total_seconds(), 0.0)
        return Followed(self.sink.name, self.position, behind, self._points, self.sink.refused, self.problem)

    def start(self) -> None:
        self._thread.start()

    def hurry(self) -> None:
        """Look now at what there is. A store that asked for a pause gets it all the same."""
        if self.problem is None:
            self._wake.set()

    def run_there(self, work: Callable[[], T]) -> Future[T]:
        """Have it done on the thread, before anything more is written: it may be what makes the room."""
        future: Future[T] = Future()

        def errand() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except Exception as problem:  # noqa: BLE001 - whoever asked is told, and asks again
                    future.set_exception(problem)

        self._errands.append(errand)
        self._wake.set()
        return future

    def stop(self) -> None:
        """End after what is under way; `close` waits for it."""
        self._closing.set()
        self._wake.set()

    def close(self, patience: float = 5.0) -> None:
        """A store that hangs is left behind after so many seconds: what it was just given comes again."""
        self.stop()
        if self._thread.is_alive():
            self._thread.join(patience)

    def _run(self) -> None:
        while not self._closing.is_set():
            before = self.problem
            pause = self._round()
            if self.problem != before:
                self._changed()
            if self.problem is not None:
                self._wake.clear()  # whoever was in a hurry before it failed: the store gets the pause that it asked for
                if self._closing.is_set() or self._errands:
                    self._wake.set()
            if self._wake.wait(pause):
                self._wake.clear()
        self.sink.close()

    def _round(self) -> float:
        """Whatever there is to write; how long to wait before the next look."""
        pause = POLL_S
        try:
            if not self._opened:
                self.position = self.sink.open()
                self._opened = True
            while self._errands:
                self._errands.popleft()()
            self._follow()
        except StoreAway as away:
            self._fail(away.sentence)
            pause = away.pause
        except (DiskFull, StoreBroken) as problem:
            self._fail(Sentence(f"暂时无法写入：{problem}", str(problem)))
            pause = LOCAL_RETRY_S
        except Exception as bug:  # the other followers are none the worse for it
            logger.exception("the follower %s", self.sink.name)
            self._fail(Sentence(f"服务内部错误：{bug!r}", f"a fault inside: {bug!r}"))
            pause = FAULT_RETRY_S
        else:
            self.problem = None
        return pause

    def _fail(self, problem: Sentence) -> None:
        self._opened = False
        if self.problem is None:
            logger.warning("%s waits: %s", self.sink.name, problem.en)
        self.problem = problem

    def _follow(self) -> None:
        """To the end of the journal."""
        self.waiting_since, last = None, 0
        for commit in self._commits():
            last = commit.last_seq
            self.waiting_since = self.waiting_since or commit.stamp.service_at
            if self.sink.take(commit):
                self._write(last)
                self._give_way()
            if self._closing.is_set() or self._errands:
                break
        if last > self.position:
            self._write(last)

    def _write(self, position: int) -> None:
        self._points += self.sink.write(position)
        self.position, self.waiting_since, self.problem = position, None, None
        self._changed()

    def _give_way(self) -> None:
        """Rest in proportion to the work since the last rest; whoever ends the thread or has an errand for it does not wait."""
        worked, self._rested_at = thread_time() - self._rested_at, thread_time()
        if not self._errands:
            self._closing.wait(min(worked * (1 / SHARE - 1), LONGEST_REST_S))

    def _commits(self) -> Iterator[Commit]:
        if not self._compared:
            newest = self._journal.last
            if newest is not None and newest.last_seq < self.position:
                numbers = (self.sink.name, self.position, newest.last_seq)
                logger.warning("%s is at %d, the journal at %d: it was put back, and is followed anew", *numbers)
                self.position = 0
            self._compared = True
        try:
            yield from self._journal.read(self.position)
        except Pruned as pruned:
            logger.warning("%s has nothing from before the journal's beginning at %d", self.sink.name, pruned.first_seq)
            self.sink.missed()
            yield from self._journal.read(0)
