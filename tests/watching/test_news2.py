"""NEWS2 from partial data: the chart to the letter, and what a home's readings come to."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerting.facts import AlertCleared, AlertRaised, AlertRecurred, AlertWorsened
from alerting.home_rules import News2
from alerting.rule_head import Template
from alerting.terms import Category, Priority
from alerting.watching.kinds import kind_of
from alerting.watching.news2_chart import CHARTS, Resident, points, points_of, single_of, union
from alerting.watching.scene import Phase, Scene
from devices.observation import Observation, Property
from tests.household import START, Household, of, report
from tests.watching.rules import with_rules

WORDS = Template("NEWS2 {score} 分：{values}", "NEWS2 {score}: {values}")
URGENT = News2(
    id="news2-urgent", category=Category.HEALTH, priority=Priority.PROMPT, matter="news2", title=WORDS, reason=WORDS, at_least=5,
)  # fmt: skip
EMERGENCY = News2(
    id="news2-emergency", category=Category.HEALTH, priority=Priority.LIFE, matter="news2", title=WORDS, reason=WORDS, at_least=7,
)  # fmt: skip
BARE = with_rules(URGENT, EMERGENCY, besides=())

CHART: dict[Property, dict[int, tuple[float, ...]]] = {
    Property.RESPIRATION_RATE: {3: (3, 8, 25, 40), 1: (9, 11), 0: (12, 20), 2: (21, 24)},
    Property.SPO2: {3: (70, 91), 2: (92, 93), 1: (94, 95), 0: (96, 100)},
    Property.SYSTOLIC: {3: (60, 90, 220, 250), 2: (91, 100), 1: (101, 110), 0: (111, 219)},
    Property.HEART_RATE: {3: (30, 40, 131, 190), 1: (41, 50, 91, 110), 0: (51, 90), 2: (111, 130)},
    Property.BODY_TEMPERATURE: {3: (33.0, 35.0), 1: (35.1, 36.0, 38.1, 39.0), 0: (36.1, 38.0), 2: (39.1, 41.0)},
}
"""By parameter and score, values at both ends of each band (Royal College of Physicians, 2017)."""

SCALE_2 = {3: (70, 83), 2: (84, 85), 1: (86, 87), 0: (88, 92, 93, 97, 100)}
SCALE_2_OXYGEN = {3: (70, 83, 97, 100), 2: (84, 85, 95, 96), 1: (86, 87, 93, 94), 0: (88, 92)}


@pytest.mark.parametrize("property_", CHART)
def test_each_band_of_the_chart_scores_what_it_says(property_: Property) -> None:
    for score, values in CHART[property_].items():
        assert {value: points(property_, value, Resident()) for value in values} == dict.fromkeys(values, score)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from(sorted(CHART)), st.integers(0, 250)), max_size=12), st.sampled_from(CHARTS))
def test_the_worst_of_many_readings_is_that_of_each_parameter_together(readings: list[tuple[Property, int]], resident: Resident) -> None:
    said = [Observation(property_, value) for property_, value in readings]
    worst = {p: max(points(p, value, resident) for q, value in readings if q is p) for p, _ in readings}
    assert points_of(union(said), resident) == sum(worst.values())
    assert single_of(union(said), resident) is (3 in worst.values())


@pytest.mark.parametrize(("resident", "chart"), [(Resident(2), SCALE_2), (Resident(2, oxygen=True), SCALE_2_OXYGEN)])
def test_the_second_scale_of_oxygen_saturation_is_for_residents_whose_normal_is_lower(
    resident: Resident, chart: dict[int, tuple[float, ...]],
) -> None:  # fmt: skip
    for score, values in chart.items():
        assert {value: points(Property.SPO2, value, resident) for value in values} == dict.fromkeys(values, score)


def test_a_reading_between_two_numbers_of_the_chart_goes_to_the_nearer_one() -> None:
    assert points(Property.HEART_RATE, 90.4, Resident()) == 0
    assert points(Property.HEART_RATE, 90.6, Resident()) == 1
    assert points(Property.BODY_TEMPERATURE, 38.04, Resident()) == 0


def test_two_readings_make_an_urgent_score_that_says_what_it_had_how_old_it_was_and_what_it_had_not() -> None:
    house = Household(BARE)
    house.says("watch", heart_rate=131)
    house.waits(600)
    (raised,) = of(AlertRaised, house.says("oximeter", spo2=92))
    assert raised.title.en == (
        "NEWS2 5: the heart rate 131 /min (3, 10 min ago), blood oxygen 92% (2, 0 s ago), "
        "without body temperature, respiration, systolic pressure, consciousness"
    )
    assert "缺体温、呼吸、收缩压、意识" in raised.reason.zh
    assert (raised.priority, [e.observation.value for e in raised.evidence]) == (Priority.PROMPT, [131, 92])


def test_a_score_of_seven_makes_the_same_alert_worse_and_life_at_risk() -> None:
    house = Household(BARE)
    house.says("watch", heart_rate=131)
    (raised,) = of(AlertRaised, house.says("watch", spo2=92))
    (worse,) = of(AlertWorsened, house.says("watch", respiration_rate=22))
    assert (worse.alert, worse.priority, worse.title.en[:7]) == (raised.alert, Priority.LIFE, "NEWS2 7")
    alert = house.open()[0]
    assert (alert.priority, alert.rule, alert.title) == (Priority.LIFE, "news2-emergency", worse.title)
    house.waits(60)
    assert of(AlertCleared, house.says("watch", heart_rate=120)) == [], "six: the lower rule still stands for it"
    house.waits(60)
    assert of(AlertCleared, house.says("watch", heart_rate=80))


def test_an_old_reading_counts_no_more() -> None:
    house = Household(BARE)
    house.says("watch", heart_rate=131)
    house.waits(4 * 3600 + 1)
    assert of(AlertRaised, house.says("watch", spo2=90)) == []


def test_a_resident_with_the_second_scale_and_one_who_breathes_oxygen() -> None:
    usual = Household(with_rules(replace(URGENT, spo2_scale=2), besides=()))
    usual.says("watch", heart_rate=131)
    assert of(AlertRaised, usual.says("watch", spo2=90)) == []
    oxygen = Household(with_rules(replace(URGENT, spo2_scale=2, oxygen=1), besides=()))
    assert of(AlertRaised, oxygen.says("watch", heart_rate=131))[0].title.en.startswith("NEWS2 5")


def test_a_single_three_asks_for_an_urgent_look() -> None:
    house = Household(with_rules(replace(URGENT, at_least=None, single=True), besides=()))
    assert of(AlertRaised, house.says("watch", heart_rate=130, spo2=92, systolic=100)) == []
    assert of(AlertRaised, house.says("watch", respiration_rate=8))


def test_a_late_reading_that_made_a_score_in_the_past_is_told_and_is_over_already() -> None:
    house = Household(BARE)
    house.says("watch", heart_rate=131)
    house.waits(60)
    house.says("watch", heart_rate=80)
    house.waits(10)
    facts = house.takes(report("oximeter", START + timedelta(seconds=30), "late", {"spo2": 92}, received_at=house.now))
    assert [type(f) for f in facts if isinstance(f, AlertRaised | AlertCleared)] == [AlertRaised, AlertCleared]
    house.says("watch", heart_rate=140)
    assert of(AlertRecurred, house.facts)


def test_the_judgement_of_a_home_says_its_score_and_each_parameters_points() -> None:
    house = Household(BARE)
    house.says("watch", heart_rate=95, spo2=95)
    home = next(iter(house.engine.homes.values()))
    scene = Scene(home, None, house.now, house.engine._circumstances.index, house.engine._circumstances)
    state = kind_of(URGENT).state(URGENT, home.memories["news2-urgent"], scene)
    assert (state.phase, state.numbers) == (Phase.IDLE, {"score": 2.0, "heart_rate": 1.0, "spo2": 1.0})
    assert "非诊断" in state.sentence.zh
