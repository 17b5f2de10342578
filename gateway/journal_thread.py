"""The one thread beside the loop's: commits, and whatever else must not meet one, in the order in which they were asked for.

A pool's executor does the same for four times the price, and the price is paid with each commit: two thousand times a second when a
county's readings come in one by one.
"""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_Task = tuple["asyncio.Future[Any]", Callable[..., Any], tuple[Any, ...]]


class JournalThread:
    """Made on the loop; lives until `close`, and ends with the process if that never comes."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    def do(self, work: Callable[..., T], *args: object) -> "asyncio.Future[T]":
        """`work(*args)` on the thread; what it returns or raises comes through the future. Cancelling that does not stop the work."""
        done: asyncio.Future[T] = self._loop.create_future()
        self._tasks.put((done, work, args))
        return done

    def close(self) -> None:
        """Do what was asked for until now, and end."""
        self._tasks.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            done, work, args = task
            try:
                result = work(*args)
            except BaseException as problem:  # noqa: BLE001 - whoever waits for it has to know
                self._loop.call_soon_threadsafe(_fail, done, problem)
            else:
                self._loop.call_soon_threadsafe(_succeed, done, result)


def _succeed(done: "asyncio.Future[Any]", result: object) -> None:
    if not done.cancelled():
        done.set_result(result)


def _fail(done: "asyncio.Future[Any]", problem: BaseException) -> None:
    if not done.cancelled():
        done.set_exception(problem)
