"""The life in a home is kept once for every rule that sees it alike, and goes on across versions, changes of rules and restarts."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from alerting import snapshots
from alerting.engine import Engine
from alerting.home_state import HomeState
from alerting.items import Configured, ServiceStarted
from alerting.life_rules import Inactivity, Routine
from alerting.memories import InactivityMemory, LifeMemory, RoutineMemory
from alerting.rules import Ruleset
from tests.household import DEFAULT, HOME, Household
from tests.watching.test_inactivity import DAY, Word, alone, hours, lived, moves, ordinary

QUIET_FROM = 10 * DAY + hours(8.5) + timedelta(minutes=1)


def until_a_quiet() -> list[Word]:
    return [word for word in ordinary(range(11)) if word[0] <= QUIET_FROM]


def kept(house: Household) -> dict[str, LifeMemory]:
    return {key: memory for key, memory in house.engine.homes[HOME].memories.items() if isinstance(memory, LifeMemory)}


def without_life() -> Ruleset:
    return replace(DEFAULT, rules=tuple(rule for rule in DEFAULT.rules if not isinstance(rule, Inactivity | Routine)), version="without")


def with_another_entrance() -> Ruleset:
    """Only one of the two rules knows the door by other words."""
    rules = tuple(replace(rule, entrance=("front",)) if isinstance(rule, Inactivity) else rule for rule in DEFAULT.rules)
    return replace(DEFAULT, rules=rules, version="front")


def as_it_was_saved_before(home: HomeState) -> None:
    """A life with each rule, and tables that nothing had been put into yet."""
    shared = home.memories.pop(":life")
    assert isinstance(shared, LifeMemory)
    for memory in home.memories.values():
        if isinstance(memory, InactivityMemory | RoutineMemory):
            memory.life = shared.life
    for device in home.devices.values():
        device.beyond, device.calls, device.cached = device.beyond or {}, device.calls or {}, device.cached or {}


def started_again(house: Household, *, before: bool) -> Household:
    """From the rows of the old engine, `before`: in the form of the version before."""
    engine = Engine(DEFAULT)
    for key in list(house.engine.keys()):
        body = house.engine.snapshot(key)
        if before and key == snapshots.home_key(HOME):
            at, home = snapshots.decode_home(body)
            as_it_was_saved_before(home)
            body = snapshots.encode_home(at, home)
        engine.restore(key, body)
    again = Household()
    again.engine, again.now = engine, house.now
    engine.handle(ServiceStarted(None), house.now)
    return again


def test_two_rules_that_see_it_alike_keep_one_life() -> None:
    house = lived(until_a_quiet())
    memories = house.engine.homes[HOME].memories
    assert [*kept(house)] == [":life"]
    assert [m.life for m in memories.values() if isinstance(m, InactivityMemory | RoutineMemory)] == [None, None]


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("more", [[], moves("kitchen", 9.2, day=10)])
def test_a_quiet_that_is_going_on_is_missed_at_its_moment_after_a_start_from_rows_of_either_form(before: bool, more: list[Word]) -> None:
    straight, again = lived(until_a_quiet()), started_again(lived(until_a_quiet()), before=before)
    found = [alone(lived(more, house)) for house in (straight, again)]
    assert len(found[0]) == 1
    assert found[0] == found[1]
    assert straight.engine.homes[HOME].memories == again.engine.homes[HOME].memories or not more


def test_a_rule_that_knows_the_entrance_by_other_words_from_now_on_goes_on_from_what_it_saw() -> None:
    straight, changed = lived(until_a_quiet()), lived(until_a_quiet())
    changed.engine.handle(Configured(with_another_entrance()), changed.now)
    assert len(kept(changed)) == 2
    assert alone(changed) == alone(straight)
    lived(moves("kitchen", 9, day=12), changed)
    lives = [memory.life for memory in kept(changed).values()]
    assert lives[0] == lives[1]
    assert lives[0] is not lives[1]


def test_what_was_seen_goes_with_the_last_rule_that_looked_and_comes_back_empty() -> None:
    house = lived(until_a_quiet())
    house.engine.handle(Configured(without_life()), house.now)
    assert kept(house) == {}
    house.engine.handle(Configured(DEFAULT), house.now)
    lived(moves("kitchen", 9, day=12), house)
    (life,) = (memory.life for memory in kept(house).values())
    assert {key.partition(" ")[0] for key in life.told} | {word.device for word in life.unsettled} == {"kitchen"}
