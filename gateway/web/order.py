"""Ids in the order of a list, kept while they come and go, so that a page costs what it holds and not what there is."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K", bound=str)

FEW = 64
"""So many new ones are entered one by one; more are sorted in with all the others at once, as at a start."""


class Order(Generic[K]):
    """By `rank`, which differs for every id. One id more or less moves what stands behind it: microseconds among a hundred thousand."""

    def __init__(self, rank: Callable[[str], str]) -> None:
        self._rank = rank
        self._kept: list[K] = []
        self._new: list[K] = []

    def enter(self, id_: K) -> None:
        """One that is not there."""
        self._new.append(id_)

    def leave(self, id_: K) -> None:
        """One that is there."""
        self.settle()
        del self._kept[bisect_left(self._kept, self._rank(id_), key=self._rank)]

    def around(self, rank: str, most: int) -> list[K]:
        """At most `most` of them, from the last whose rank is not past this one."""
        self.settle()
        first = max(0, bisect_right(self._kept, rank, key=self._rank) - 1)
        return self._kept[first : first + most]

    def past(self, id_: K, most: int) -> list[K]:
        """At most `most` of them, from the first past this one, whether or not it is still there."""
        self.settle()
        first = bisect_right(self._kept, self._rank(id_), key=self._rank)
        return self._kept[first : first + most]

    def settle(self) -> None:
        """Each at its place: what the next reader does else."""
        if len(self._new) > FEW:
            self._kept += self._new
            self._kept.sort(key=self._rank)
        else:
            for id_ in self._new:
                insort(self._kept, id_, key=self._rank)
        self._new.clear()
