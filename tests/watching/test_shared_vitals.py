"""What is measured of a resident is kept once for every rule that scores it, and no rule says anything else for that."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerting import snapshots
from alerting.engine import Engine
from alerting.facts import AlertCleared, AlertFact, AlertRaised, AlertRecurred, AlertRepeated
from alerting.home_rules import News2
from alerting.home_state import HomeState
from alerting.items import Configured, Said, ServiceStarted
from alerting.memories import Sighting, VitalsMemory, WindowMemory
from alerting.terms import Category, Priority
from alerting.watching import vitals
from tests.household import DEFAULT, HOME, START, Household, of, report
from tests.watching.rules import WORDS, with_rules
from tests.watching.stories import lived, restored

FIVE = News2(
    id="five", category=Category.HEALTH, priority=Priority.PROMPT, matter="five", title=WORDS, reason=WORDS, at_least=5,
    fresh_for=timedelta(minutes=15),
)  # fmt: skip
THREE = replace(FIVE, id="three", matter="three", at_least=3, fresh_for=timedelta(minutes=5))
SINGLE = replace(FIVE, id="single", matter="single", at_least=None, single=True)
PATIENT = replace(FIVE, id="patient", matter="patient", lateness=timedelta(minutes=6))
EACH = replace(FIVE, id="each", matter="each", per_device=True, at_least=3)
TOGETHER = with_rules(FIVE, PATIENT, THREE, EACH, SINGLE, besides=())

READINGS = st.lists(
    st.tuples(
        st.integers(0, 1800),
        st.sampled_from(["watch", "oximeter"]),
        st.dictionaries(
            st.sampled_from(["heart_rate", "spo2", "respiration_rate"]), st.sampled_from([8.0, 70.0, 93.0, 131.0]), min_size=1,
        ),
        st.integers(0, 120),
    ),
    min_size=1, max_size=40,
    unique_by=lambda one: one[0],
)  # fmt: skip
Reading = tuple[int, str, dict[str, float], int]


def arrivals(readings: Sequence[Reading]) -> list[tuple[datetime, Said]]:
    """As they come in, each twice, by another report the second time."""
    found = []
    for at, device, values, late in readings:
        made = START + timedelta(seconds=at)
        for copy in range(2):
            came = made + timedelta(seconds=late + 7 * copy)
            found.append((came, report(device, made, f"{device} {at} {copy}", values, received_at=came)))
    return sorted(found, key=lambda one: one[0])


def told(facts: Sequence[object], rule: News2) -> list[tuple[object, ...]]:
    """What a rule said, without the sentences, which name the version of the rules."""
    mine = {fact.alert for fact in facts if isinstance(fact, AlertRaised) and fact.rule == rule.id}
    kinds = AlertRaised | AlertRepeated | AlertRecurred | AlertCleared
    said = [fact for fact in facts if isinstance(fact, kinds) and fact.alert in mine]
    return [(type(fact), fact.at, fact.alert, fact.evidence) for fact in said if isinstance(fact, AlertFact)]


@settings(max_examples=25, deadline=None)
@given(READINGS)
def test_a_rule_says_the_same_alone_and_beside_others_that_keep_with_it(readings: list[Reading]) -> None:
    beside = lived(arrivals(readings), TOGETHER)
    for rule in (FIVE, THREE, SINGLE, PATIENT, EACH):
        assert told(beside, rule) == told(lived(arrivals(readings), with_rules(rule, besides=())), rule)


def test_a_rule_for_each_device_scores_the_readings_of_one_person_alone() -> None:
    house = Household(with_rules(replace(FIVE, per_device=True), besides=()))
    for _ in range(3):
        house.waits(30)
        assert of(AlertRaised, [*house.says("watch", heart_rate=131), *house.says("oximeter", spo2=92)]) == []
    assert of(AlertRaised, house.says("watch", spo2=92))
    memories = house.engine.homes[HOME].memories
    assert {key for key, memory in memories.items() if isinstance(memory, VitalsMemory)} == {":vitals@watch", ":vitals@oximeter"}
    again = restored(house.engine, house.engine.ruleset)
    again.handle(ServiceStarted(None), house.now)
    assert again.homes[HOME].memories == memories


def test_a_home_keeps_them_once_for_each_lateness_and_no_more_than_a_flood_may_take() -> None:
    house = Household(TOGETHER)
    for _ in range(500):
        house.waits(0.25)
        house.says("watch", heart_rate=70, spo2=97)
    kept = {key: memory for key, memory in house.engine.homes[HOME].memories.items() if isinstance(memory, VitalsMemory)}
    assert sorted(kept) == [":vitals", ":vitals 360", ":vitals@watch"]
    assert all(vitals.MOST // 2 <= len(memory.seen) <= vitals.MOST + 2 for memory in kept.values())


def test_a_reading_older_than_those_that_wait_is_looked_at_though_it_comes_last() -> None:
    house = Household(with_rules(FIVE, besides=()))
    house.says("watch", heart_rate=131)
    for _ in range(6):
        house.waits(15)
        assert of(AlertRaised, house.says("watch", heart_rate=70)) == []
    (raised,) = of(AlertRaised, house.takes(report("oximeter", START + timedelta(seconds=10), "late", {"spo2": 92}, received_at=house.now)))
    assert [one.observation.value for one in raised.evidence] == [131, 92]
    assert of(AlertCleared, house.facts)


def test_a_reading_that_is_fresh_counts_however_often_the_others_have_settled_since() -> None:
    house = Household(with_rules(replace(FIVE, fresh_for=timedelta(hours=2)), besides=()))
    house.says("watch", heart_rate=131)
    for _ in range(100):
        house.waits(30)
        house.says("cuff", systolic=120)
    (raised,) = of(AlertRaised, house.says("oximeter", spo2=92))
    assert {one.observation.value for one in raised.evidence} == {131, 120, 92}


def test_a_rule_that_is_new_in_a_home_tells_nothing_of_what_was_measured_before_it() -> None:
    house = Household(with_rules(FIVE, besides=()))
    house.says("watch", heart_rate=131)
    house.waits(20)
    house.says("watch", heart_rate=70)
    house.engine.handle(Configured(TOGETHER), house.now)
    house.waits(20)
    assert of(AlertRaised, house.says("watch", heart_rate=71)) == []
    raised = of(AlertRaised, house.says("oximeter", respiration_rate=8))
    assert sorted(fact.rule for fact in raised) == ["each", "single", "three"], "what it can see from here on it judges"


def as_it_was_saved_before(home: HomeState) -> None:
    """A window with each rule."""
    shared = home.memories.pop(":vitals")
    assert isinstance(shared, VitalsMemory)
    for key in ("news2-urgent", "news2-emergency"):
        memory = home.memories[key]
        assert isinstance(memory, WindowMemory)
        memory.seen = [Sighting(evidence, 0) for one in shared.seen for evidence in vitals.readings(one)]
        memory.settled_at = shared.settled_at


@pytest.mark.parametrize("before", [False, True])
def test_a_score_that_stands_goes_on_and_is_cleared_after_a_start_from_rows_of_either_form(before: bool) -> None:
    house = Household()
    house.says("watch", heart_rate=131, spo2=92)
    house.waits(30)
    house.says("watch", heart_rate=70)
    engine = Engine(DEFAULT)
    for key in list(house.engine.keys()):
        body = house.engine.snapshot(key)
        if before and key == snapshots.home_key(HOME):
            at, home = snapshots.decode_home(body)
            as_it_was_saved_before(home)
            body = snapshots.encode_home(at, home)
        engine.restore(key, body)
    engine.handle(ServiceStarted(None), house.now)
    straight = house.engine
    for number, values in enumerate([{"heart_rate": 131.0}, {"spo2": 98.0}, {"heart_rate": 72.0}, {"spo2": 92.0, "heart_rate": 131.0}]):
        house.now += timedelta(seconds=90)
        said = report("watch", house.now, f"more {number}", values)
        assert engine.handle(said, house.now) == straight.handle(said, house.now)
    assert engine.homes[HOME].memories == straight.homes[HOME].memories
    assert restored(engine, DEFAULT).homes[HOME].memories == engine.homes[HOME].memories
