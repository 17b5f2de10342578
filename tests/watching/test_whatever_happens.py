"""What holds of every rule that watches a home, whatever happens in it and however its reports arrive."""

from collections import Counter
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.engine import Engine
from alerting.facts import AlertCleared, AlertFact, AlertRaised, AlertRecurred, AlertRepeated, Fact
from alerting.items import Item, ServiceStarted
from tests.household import START, Household
from tests.watching.stories import (
    ALL,
    LEFT_OPEN,
    OUT,
    POORLY,
    RESTLESS,
    STILL,
    UNSEEN,
    WARMER,
    Happening,
    disorderly,
    lived,
    of_rules,
    orderly,
    remembered,
    restored,
    rows,
    stories,
)

STEP = timedelta(seconds=37)


@settings(max_examples=30, deadline=None)
@given(stories())
def test_one_leap_of_time_is_many_small_steps(story: list[Happening]) -> None:
    assert lived(disorderly(story)) == lived(disorderly(story), step=STEP)


@settings(max_examples=35, deadline=None)
@given(stories())
def test_what_waits_for_the_late_says_the_same_of_any_order_of_arrival_to_the_second(story: list[Happening]) -> None:
    for rule in (LEFT_OPEN, STILL, UNSEEN):
        straight, crooked = (of_rules(lived(arrivals), rule) for arrivals in (orderly(story), disorderly(story)))
        assert [_occurrence(f) for f in straight if not isinstance(f, AlertCleared)] == [
            _occurrence(f) for f in crooked if not isinstance(f, AlertCleared)
        ]
        assert _cleared(straight) == _cleared(crooked)


@settings(max_examples=35, deadline=None)
@given(stories())
def test_what_is_concluded_at_once_is_told_of_any_order_of_arrival(story: list[Happening]) -> None:
    straight, crooked = lived(orderly(story)), lived(disorderly(story))
    for standing in (RESTLESS, OUT):
        assert _raised(of_rules(straight, standing)) == _raised(of_rules(crooked, standing))
    for passing in (WARMER, POORLY):
        told, told_too = of_rules(straight, passing), of_rules(crooked, passing)
        assert _raised(told) <= _raised(told_too), "something late may take back what was told; nothing is missed"
        assert _raised(told) == _raised(told_too) or _cleared(told_too)


@settings(max_examples=35, deadline=None)
@given(stories(), st.data())
def test_an_engine_from_the_rows_of_any_moment_goes_on_as_the_first_one_would_have(story: list[Happening], data: st.DataObject) -> None:
    arrivals = disorderly(story)
    saved_at, crashed_at = sorted(data.draw(st.integers(0, len(arrivals))) for _ in range(2))
    house = Household(ALL)
    engine = house.engine
    journal: list[tuple[Item | Fact, datetime]] = []
    saved: dict[str, bytes] = {}
    for number, (moment, item) in enumerate(arrivals):
        if number == saved_at:
            saved = rows(engine)
        if number == crashed_at:
            break
        facts = engine.handle(item, moment)
        if number >= saved_at:
            journal += [(entry, moment) for entry in (item, *facts)]
    other = Engine(ALL)
    for key, row in (saved or rows(engine)).items():
        other.restore(key, row)
    for entry, moment in journal:
        other.fold(entry, moment)
    rest, end = arrivals[crashed_at:], START + timedelta(hours=4)
    started: tuple[datetime, Item] = (arrivals[crashed_at - 1][0] if crashed_at else START), ServiceStarted(None)
    after, again = ([fact for at, item in (started, *rest) for fact in e.handle(item, at)] for e in (engine, other))
    assert again == after
    assert other.advance(end) == engine.advance(end)
    assert other.differences == 0
    assert remembered(other) == remembered(engine)


@settings(max_examples=30, deadline=None)
@given(stories())
def test_a_story_lived_again_gives_the_same_facts_and_a_row_restored_is_the_same_row(story: list[Happening]) -> None:
    assert lived(disorderly(story)) == lived(disorderly(story))
    house = Household(ALL)
    for at, item in disorderly(story):
        house.engine.handle(item, at)
    assert remembered(restored(house.engine, ALL)) == remembered(house.engine)


def _occurrence(fact: AlertFact) -> tuple[object, ...]:
    assert isinstance(fact, AlertRaised | AlertRepeated | AlertRecurred)
    return fact.at, fact.key, [(e.device, e.at, e.observation) for e in fact.evidence]


def _raised(facts: list[AlertFact]) -> Counter[str]:
    return Counter(fact.rule for fact in facts if isinstance(fact, AlertRaised))


def _cleared(facts: list[AlertFact]) -> set[str]:
    """The alerts that stand cleared in the end."""
    last = {fact.alert: fact for fact in facts}
    return {alert for alert, fact in last.items() if isinstance(fact, AlertCleared)}
