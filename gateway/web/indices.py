"""Indices by which lists are found: tuples, since nearly every one of a hundred thousand holds one id, or a handful."""

from functools import lru_cache
from typing import TypeVar

from devices.home import HomeId

K = TypeVar("K")
T = TypeVar("T")


@lru_cache(maxsize=256)
def only(home: HomeId) -> tuple[HomeId, ...]:
    """One for all the devices of a home, which are entered one after another."""
    return (home,)


def enter(index: dict[K, tuple[T, ...]], key: K, value: T) -> None:
    held = index.get(key, ())
    if value not in held:
        index[key] = (*held, value)


def leave(index: dict[K, tuple[T, ...]], key: K, value: T) -> None:
    held = tuple(one for one in index.pop(key, ()) if one != value)
    if held:
        index[key] = held
