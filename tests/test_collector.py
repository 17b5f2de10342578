"""A full collection does not walk a county's homes again and again while somebody calls."""

import gc
from collections.abc import Iterator
from math import inf

import pytest

from gateway import collector
from gateway.collector import settle_memory


class Home:
    def __init__(self) -> None:
        self.people = {"resident": self}


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = gc.get_threshold(), list(gc.callbacks)
    yield
    gc.callbacks[:] = before[1]
    gc.set_threshold(*before[0])
    gc.unfreeze()


def walked(thing: object) -> bool:
    """Whether the collector still looks at it."""
    return any(thing is each for each in gc.get_objects())


def test_what_a_start_has_built_is_not_walked_again() -> None:
    home = Home()
    settle_memory()
    assert not walked(home)


@pytest.mark.parametrize(("longest", "walked_again"), [(-1.0, False), (inf, True)], ids=["long", "short"])
def test_what_a_long_collection_has_left_is_not_walked_again(longest: float, walked_again: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "LONGEST_S", longest)
    settle_memory()
    home = Home()
    assert walked(home)
    gc.collect(1)
    assert walked(home)
    gc.collect()
    assert walked(home) is walked_again


def test_what_becomes_garbage_afterwards_is_still_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "LONGEST_S", -1.0)
    settle_memory()
    gc.collect()
    Home()
    assert gc.collect() >= 1
