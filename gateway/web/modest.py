"""What is not urgent makes itself small: no alarm waits for a log-in, or for an import of a thousand homes."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

NICE = 15


def _step_back() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)  # on Linux, of this thread alone


class Modest:
    """So many at a time; what it is given must be C code that holds no lock of Python's (argon2): a slow holder of that stops everybody."""

    def __init__(self, at_once: int) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="modest", initializer=_step_back)

    async def do(self, work: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)


class OneByOne:
    """One holder at a time, and a breath after each, in which the loop is the stream's."""

    def __init__(self, breath_s: float) -> None:
        self._breath_s = breath_s
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> None:
        await self._lock.acquire()

    async def __aexit__(self, *_: object) -> None:
        asyncio.get_running_loop().call_later(self._breath_s, self._lock.release)
