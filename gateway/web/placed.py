"""Records that live in homes, devices and people alike: by home and id, since two homes may use the same id."""

from bisect import insort
from collections.abc import Callable
from typing import Generic, TypeVar

from devices.home import HomeId
from gateway.web.indices import enter, leave, only
from gateway.web.order import Order

I = TypeVar("I", bound=str)  # noqa: E741 - an id
R = TypeVar("R")


class Placed(Generic[I, R]):
    """`by_key` is for everybody to read; it changes by `put` and `drop` alone."""

    def __init__(self, rank: Callable[[R], tuple[int, str]]) -> None:
        self.by_key: dict[tuple[HomeId, I], R] = {}
        self.homes: Order[HomeId] = Order(lambda home: f"{home}/")
        """Those in which there are any, in the order of the keys `home/…`."""
        self._rank = rank
        self._homes_of: dict[I, tuple[HomeId, ...]] = {}
        self._of: dict[HomeId, tuple[I, ...]] = {}

    def put(self, home: HomeId, id_: I, record: R) -> None:
        self.by_key[home, id_] = record
        self._homes_of.setdefault(id_, only(home))
        enter(self._homes_of, id_, home)
        if home not in self._of:
            self.homes.enter(home)
        held = [one for one in self._of.get(home, ()) if one != id_]
        insort(held, id_, key=lambda one: self._rank(self.by_key[home, one]))
        self._of[home] = (*held,)

    def drop(self, home: HomeId, id_: I) -> None:
        if self.by_key.pop((home, id_), None) is None:
            return
        leave(self._homes_of, id_, home)
        leave(self._of, home, id_)
        if home not in self._of:
            self.homes.leave(home)

    def homes_of(self, id_: I) -> list[HomeId]:
        return sorted(self._homes_of.get(id_, ()))

    def ids_of(self, home: HomeId) -> tuple[I, ...]:
        return self._of.get(home, ())

    def of(self, home: HomeId) -> list[R]:
        """In their order within the home."""
        return [self.by_key[home, id_] for id_ in self._of.get(home, ())]
