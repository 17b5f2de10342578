"""Deadlines of very many things in buckets of a second: setting one costs a list entry, and a sweep looks only at what is due."""

from datetime import UTC, datetime
from typing import Generic, TypeVar

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Wheel(Generic[T]):
    """What is put in comes out once, at the first sweep at or after its moment. Nothing is taken out early: who is gone says so."""

    def __init__(self) -> None:
        self._buckets: dict[int, list[T]] = {}

    def put(self, what: T, at: datetime) -> None:
        self._buckets.setdefault(-int(-(at - _EPOCH).total_seconds() // 1), []).append(what)

    def due(self, now: datetime) -> list[T]:
        second = int((now - _EPOCH).total_seconds())
        return [what for bucket in sorted(b for b in self._buckets if b <= second) for what in self._buckets.pop(bucket)]
