"""Python's collector of cycles, kept from standing still over a county's homes while somebody calls."""

import gc
from time import thread_time

LONGEST_S = 0.02
"""A full collection that takes more of a processor is the last to walk what it left: some 150,000 objects."""
OFTEN, SELDOM, SELDOMEST = 20_000, 20, 50


class Collector:
    """Told of each collection. What a long one has left lives long, and is set aside; what becomes garbage of it by itself still goes.

    Only a cycle among what was set aside is never found, so it is done no more often than memory grows by what takes so long.
    """

    def __init__(self) -> None:
        self._began = 0.0

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began = thread_time()
        elif info["generation"] == 2 and thread_time() - self._began > LONGEST_S:
            gc.freeze()


def settle_memory() -> None:
    """What a start has built lives as long as the process: it is walked once more, and never again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OFTEN, SELDOM, SELDOMEST)
    gc.callbacks.append(Collector())
