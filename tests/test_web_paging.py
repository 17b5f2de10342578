"""Pages of what a whole county has: each costs what it holds, and none holds up the event loop."""

import asyncio
from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from alerting.registry_facts import DeviceRegistered, DeviceRetired, HomeRegistered, HomeRetired, PersonRegistered, RegistryFact
from alerting.terms import Actor
from devices.home import AreaId, Device, DeviceId, Home, HomeId, ModelId, Person, PersonId, Role
from gateway.web.order import FEW, Order
from gateway.web.paging import AT_ONCE, page, walk
from gateway.web.places import Places

NOW, BY = datetime(2026, 11, 22, 2, 0, tzinfo=UTC), Actor("wang.wei")
HOMES = ("h", "h-", "h-1", "h1", "h10", "h_", "H", "h--")
"""Some begin with all of another, and what follows sorts before and after the stroke that parts a key."""


def home(id_: str) -> HomeRegistered:
    return HomeRegistered(NOW, BY, Home(HomeId(id_), AreaId("330106"), id_))


def device(of: str, id_: str) -> DeviceRegistered:
    return DeviceRegistered(NOW, BY, Device(DeviceId(id_), HomeId(of), ModelId("m")))


def person(of: str, id_: str, order: int) -> PersonRegistered:
    return PersonRegistered(NOW, BY, Person(PersonId(id_), HomeId(of), Role.FAMILY, id_, order=order))


def _facts() -> st.SearchStrategy[RegistryFact]:
    homes, ids = st.sampled_from(HOMES), st.sampled_from(("d", "d-1", "d1", "e"))
    return st.one_of(
        homes.map(home),
        homes.map(lambda of: HomeRetired(NOW, BY, HomeId(of))),
        st.builds(device, homes, ids),
        st.builds(lambda of, id_: DeviceRetired(NOW, BY, HomeId(of), DeviceId(id_)), homes, ids),
        st.builds(person, homes, ids, st.integers(0, 1000)),
    )


async def _everything(places: Places, limit: int) -> tuple[list[str], list[str], list[str]]:
    """Homes, devices and people, page by page."""

    def homes(id_: HomeId) -> list[tuple[str, str]]:
        return [(id_, places.homes[id_].id)]

    def devices(id_: HomeId) -> list[tuple[str, str]]:
        return [(f"{id_}/{d.id}", f"{d.home}/{d.id}") for d in places.devices_of(id_)]

    def people(id_: HomeId) -> list[tuple[str, str]]:
        return [(f"{id_}/{p.order:04}/{p.id}", f"{p.home}/{p.order:04}/{p.id}") for p in places.people_of(id_)]

    lists: list[list[str]] = []
    for order, wanted in ((places.homes_in_order, homes), (places.placed_devices.homes, devices), (places.placed_people.homes, people)):
        shown, cursor, more = [], None, True
        while more:
            found, cursor = await walk(order, wanted, cursor, limit)
            assert len(found) <= limit
            shown += found
            more = cursor is not None
        lists.append(shown)
    return lists[0], lists[1], lists[2]


@given(st.lists(_facts(), max_size=40), st.integers(1, 5))
def test_the_pages_together_are_the_list_in_the_order_of_its_keys_whatever_came_and_went(facts: list[RegistryFact], limit: int) -> None:
    places = Places()
    for seq, fact in enumerate(facts, 1):
        places.apply(fact, {}, seq)
        if seq % 7 == 0:
            asyncio.run(_everything(places, limit))
    keys = [f"{p.home}/{p.order:04}/{p.id}" for p in places.people.values()]
    listed = sorted(places.homes), sorted(f"{of}/{id_}" for of, id_ in places.devices), sorted(keys)
    assert asyncio.run(_everything(places, limit)) == listed


def test_a_cursor_says_the_same_as_it_always_did() -> None:
    """Who stood in the middle of a list while the service was brought up to date goes on there."""
    order: Order[str] = Order(str)
    keys = [f"h{number:03}" for number in range(50)]
    for key in reversed(keys):
        order.enter(key)
    cursor = None
    for _ in range(6):
        found, following = asyncio.run(walk(order, lambda key: [(key, key)], cursor, 9))
        assert (found, following) == page(keys, cursor, 9)
        cursor = following


def test_a_page_looks_at_no_more_homes_than_it_shows() -> None:
    order: Order[str] = Order(str)
    for number in range(10_000):
        order.enter(f"h{number:05}")
    looked: list[str] = []

    def wanted(key: str) -> list[tuple[str, str]]:
        looked.append(key)
        return [(key, key)]

    _, cursor = asyncio.run(walk(order, wanted, None, 20))
    assert len(looked) == 21
    for _ in range(3):
        looked.clear()
        found, cursor = asyncio.run(walk(order, wanted, cursor, 20))
        assert (len(found), len(looked)) == (20, 22), "the last of the page before is looked at once more"


def test_a_search_that_finds_nothing_gives_the_loop_back_again_and_again_and_may_lose_what_it_stands_on() -> None:
    order: Order[str] = Order(str)
    for number in range(AT_ONCE * 10):
        order.enter(f"h{number:05}")
    looked: list[str] = []
    turns: list[int] = []

    def wanted(key: str) -> list[tuple[str, str]]:
        looked.append(key)
        return [(key, key)] if key == "h00950" else []

    async def others(searching: "asyncio.Task[tuple[list[str], str | None]]") -> None:
        while not searching.done():
            turns.append(len(looked))
            if len(turns) == 3:
                order.leave(looked[-1])
                order.enter("h00000a")  # behind where the search stands
            await asyncio.sleep(0)

    async def both() -> list[str]:
        searching = asyncio.create_task(walk(order, wanted, None, 10))
        await others(searching)
        return (await searching)[0]

    assert asyncio.run(both()) == ["h00950"]
    steps = [after - before for before, after in pairwise(turns)]
    assert max(steps) <= AT_ONCE
    assert sorted(set(looked)) == looked, "one was looked at twice"


def test_many_that_come_at_once_stand_as_if_they_had_come_one_by_one() -> None:
    names = [f"h{number * 7919 % 1000:03}" for number in range(FEW * 4)]
    at_once: Order[str] = Order(str)
    one_by_one: Order[str] = Order(str)
    for name in names:
        at_once.enter(name)
        one_by_one.enter(name)
        one_by_one.settle()
    for order in (at_once, one_by_one):
        order.leave(names[3])
    everything = [order.around("", len(names)) for order in (at_once, one_by_one)]
    assert everything[0] == everything[1] == sorted({*names} - {names[3]})
