"""How long a test waits for what must come, and how a bound of the product is measured where the machine may be busy.

Only a test that fails waits so long. It says nothing of how fast the product is: a slow machine with both cores busy must pass too.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic, process_time
from typing import TypeVar

PATIENCE_S = 60.0
STORY_S = 240.0
"""For a whole story of several waits."""
TRIES = 5
WORK_S = 0.02

T = TypeVar("T")


def within(bound_s: float, took: Callable[[], float]) -> None:
    """A bound of the product, not of how busy this machine is. `took` tries once and says how long it was.

    The best of five keeps it, each measured against how crowded the processors were: on a quiet machine the bound is the bound.
    """
    every: list[tuple[float, float]] = []
    for _ in range(TRIES):
        before = crowd()
        every.append((took(), max(before, crowd())))
        if every[-1][0] <= bound_s * every[-1][1]:
            return
    raise AssertionError(f"not within {bound_s:g} s; (seconds, how crowded it was): {every}")


def crowd() -> float:
    """How many times longer than alone a bit of work takes just now."""
    began, worked = monotonic(), process_time()
    while process_time() - worked < WORK_S:
        pass
    return max((monotonic() - began) / WORK_S, 1.0)


async def ended(awaitable: Awaitable[T], seconds: float) -> T:
    """What it gives, or TimeoutError."""
    async with asyncio.timeout(seconds):
        return await awaitable
