"""A quiet that lasts too long, by what the home has shown of itself."""

from collections.abc import Iterable
from datetime import timedelta
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.engine import Engine
from alerting.facts import AlertCleared, AlertRaised, AlertRecurred, Fact
from alerting.items import ServiceStarted
from alerting.life_rules import Inactivity
from alerting.memories import InactivityMemory
from alerting.schedule import minutes_of
from alerting.terms import Category
from tests.household import DEFAULT, HOME, START, Household, of, report

MIDNIGHT = START - timedelta(hours=3)
"""Local: the story begins at three in the morning."""
DAY = timedelta(days=1)
Word = tuple[timedelta, str, dict[str, bool | float]]
"""Behind the midnight that the story begins after."""


def hours(value: float) -> timedelta:
    return timedelta(hours=value)


def moves(sensor: str, *clock: float, day: int = 0) -> list[Word]:
    """Movements for a minute each at these hours of a day."""
    told: list[Word] = []
    for at in clock:
        moment = day * DAY + hours(at)
        told += [(moment, sensor, {"occupancy": True}), (moment + timedelta(minutes=1), sensor, {"occupancy": False})]
    return told


def ordinary(days: Iterable[int]) -> list[Word]:
    """Up at seven, to the shops from nine to ten, a nap from half past twelve to two, to bed at ten."""
    told: list[Word] = []
    for day in days:
        told += moves("kitchen", 7, 7.3, 8.5, 11, 11.6, 12.3, 17, 17.5, 18.4, day=day)
        told += moves("living", 7.6, 8, 10.1, 12.5, 14.1, 15, 16, 19.3, 20, 21, 22, day=day)
        for at in (9.0, 10.0):
            told += [(day * DAY + hours(at), "front-door", {"contact_open": value}) for value in (True, False)]
    return told


def lived(told: Iterable[Word], house: Household | None = None) -> Household:
    house = house or Household()
    for number, (at, sensor, values) in enumerate(sorted(told, key=lambda word: word[0])):
        house.now = max(house.now, MIDNIGHT + at)
        house.takes(report(sensor, MIDNIGHT + at, f"{sensor}{at}{number}", values))
    return house


def raised(facts: Iterable[Fact]) -> list[timedelta]:
    """When inactivity was raised, behind the first midnight."""
    return [f.at - MIDNIGHT for f in of(AlertRaised, list(facts)) if f.rule == "inactivity"]


def alone(house: Household, for_: timedelta = DAY) -> list[timedelta]:
    return raised(house.waits(for_.total_seconds()))


def rule() -> Inactivity:
    (found,) = (rule for rule in DEFAULT.rules if isinstance(rule, Inactivity))
    return found


def test_an_ordinary_fortnight_raises_nothing() -> None:
    assert raised(lived(ordinary(range(14))).facts) == []


@pytest.mark.parametrize(
    ("last", "within"),
    [(8.5, 3.6), (11.6, 3.6), (15.0, 3.6), (17.5, 3.6), (19.3, 4.1)],
)  # fmt: skip
def test_a_stillness_by_day_is_noticed_within_about_three_hours_and_a_half_in_a_home_that_is_known(last: float, within: float) -> None:
    told = [word for word in ordinary(range(11)) if word[0] <= 10 * DAY + hours(last) + timedelta(minutes=1)]
    (at,) = alone(lived(told))
    assert hours(2.9) < at - 10 * DAY - hours(last) < hours(within)


def test_a_stillness_at_night_is_noticed_when_the_night_is_usually_over_and_the_sentence_says_so() -> None:
    house = lived(ordinary(range(10)))
    (at,) = alone(house)
    assert hours(8) < at - 10 * DAY < hours(9.2)
    (alert,) = (f for f in of(AlertRaised, house.facts) if f.rule == "inactivity")
    assert "usually over by 06:55" in alert.reason.en
    assert "最晚" in alert.reason.zh
    assert alert.evidence[0].observation.value is False, "it rests on the last sign of life"


def test_a_walk_to_the_toilet_does_not_begin_a_new_night() -> None:
    house = lived([*ordinary(range(10)), *moves("kitchen", 4.5, day=10)])
    (at,) = alone(house)
    assert hours(8) < at - 10 * DAY < hours(9.2)


def test_who_left_by_the_door_is_given_longer_and_not_for_ever() -> None:
    told = [word for word in ordinary(range(11)) if word[0] <= 10 * DAY + hours(9)]
    (at,) = alone(lived(told))
    assert hours(5.9) < at - 10 * DAY - hours(9) < hours(6.2)


def test_a_sign_of_life_clears_and_a_second_quiet_is_a_second_alert() -> None:
    house = lived(moves("kitchen", 8, 8.2) + moves("living", 9))
    assert len(alone(house, hours(6))) == 1
    cleared = of(AlertCleared, house.says("kitchen", occupancy=True))
    assert [fact.alert for fact in cleared] == [house.alert(Category.INACTIVITY).id]
    assert house.alert(Category.INACTIVITY).cleared_at is not None


def test_a_month_in_hospital_that_nobody_told_of_does_not_become_usual() -> None:
    house = lived(ordinary(range(10)))
    before = house.engine.homes[HOME].memories["inactivity"]
    assert isinstance(before, InactivityMemory)
    table = before.usual.inside
    lived(ordinary([40]), house)
    after = house.engine.homes[HOME].memories["inactivity"]
    assert isinstance(after, InactivityMemory)
    assert after.usual.days <= 12, "days without a sign of life are none"
    assert max(after.usual.inside) * 5 <= minutes_of("14:00"), "it counts for no more than an unknown home is given"
    assert all(now >= then - 2 for now, then in zip(after.usual.inside, table, strict=True)), "nor is anything forgotten by it"


def test_what_is_not_seen_again_is_forgotten_slowly() -> None:
    nap = [word for word in ordinary([7]) if not 7 * DAY + hours(14) <= word[0] <= 7 * DAY + hours(17.4)]
    house = lived([*ordinary(range(7)), *nap])
    learned = house.engine.homes[HOME].memories["inactivity"]
    assert isinstance(learned, InactivityMemory)
    slot = max(range(24, 34), key=lambda at: learned.usual.inside[at])
    before = learned.usual.inside[slot]
    lived(ordinary(range(8, 18)), house)
    assert before - 11 <= learned.usual.inside[slot] < before


def test_time_in_which_the_service_was_down_is_neither_held_against_anybody_nor_learned() -> None:
    told = [word for word in ordinary(range(11)) if word[0] <= 10 * DAY + hours(10.2)]
    house = lived(told)
    down = house.now
    house.now += hours(6)
    assert raised(house.starts(down)) == []
    assert alone(house, hours(1.5)) == []
    assert len(alone(house, hours(3))) == 1
    memory = house.engine.homes[HOME].memories["inactivity"]
    assert isinstance(memory, InactivityMemory)
    table = memory.usual.inside
    house.says("kitchen", occupancy=True)
    house.waits(300)
    house.says("kitchen", occupancy=False)
    assert memory.usual.inside == table


def test_a_backlog_is_taken_in_before_anything_is_missed_in_it() -> None:
    house = lived([word for word in ordinary(range(10)) if word[0] < 9 * DAY + hours(9)])
    house.now += hours(5)
    house.facts.clear()
    late = [word for word in ordinary([9]) if 9 * DAY + hours(9) <= word[0] < 9 * DAY + hours(13)]
    for number, (at, sensor, values) in enumerate(late):
        house.now += timedelta(milliseconds=20)
        house.takes(report(sensor, MIDNIGHT + at, f"late{number}", values, received_at=house.now))
    house.waits(60)
    assert [f.at for f in of(AlertRaised, house.facts) if f.rule == "inactivity" and f.at > house.now - timedelta(minutes=2)] == []


@given(st.randoms(use_true_random=False))
@settings(max_examples=5, deadline=None)
def test_reports_that_are_late_or_out_of_order_within_the_lateness_change_no_alert(chance: Random) -> None:
    told = [word for word in ordinary(range(9)) if not 5 * DAY + hours(12) < word[0] < 5 * DAY + hours(17)]
    told = [word for word in told if word[0] <= 8 * DAY + hours(15)]
    orderly = lived(told)
    orderly.waits(DAY.total_seconds())
    jumbled = Household()
    arrivals = sorted((at + timedelta(seconds=chance.uniform(0, 119)), number) for number, (at, _, _) in enumerate(told))
    for arrives, number in arrivals:
        at, sensor, values = told[number]
        jumbled.now = max(jumbled.now, MIDNIGHT + arrives)
        for _ in range(chance.choice((1, 1, 2))):
            jumbled.takes(report(sensor, MIDNIGHT + at, f"w{number}", values, received_at=jumbled.now))
    jumbled.waits((MIDNIGHT + 9 * DAY + hours(15) - jumbled.now).total_seconds())
    assert raised(jumbled.facts) == raised(orderly.facts)
    assert raised(orderly.facts)


def gone_by_night(*home_at: float) -> list[Word]:
    """Eight ordinary days; on the last evening out and home at `home_at`, up at ten past two, and out of the door."""
    last = 7 * DAY
    door: list[Word] = [
        (last + hours(at) + timedelta(seconds=20 * n), "front-door", {"contact_open": n == 0}) for at in (*home_at, 26.2) for n in (0, 1)
    ]
    return sorted([*ordinary(range(8)), *moves("living", 26.17, day=7), *door], key=lambda word: word[0])


@given(st.randoms(use_true_random=False))
@settings(max_examples=10, deadline=None)
def test_who_leaves_by_night_is_missed_after_an_hour_in_whatever_order_it_is_heard(chance: Random) -> None:
    """Of the last movement alone it is known that he was in: he had come home to bed unseen."""
    house = Household()
    told = gone_by_night(22.5, 23.5)
    arrivals = sorted((at + timedelta(seconds=chance.uniform(0, 119)), number) for number, (at, _, _) in enumerate(told))
    for arrives, number in arrivals:
        at, sensor, values = told[number]
        house.now = max(house.now, MIDNIGHT + arrives)
        house.takes(report(sensor, MIDNIGHT + at, f"w{number}", values, received_at=house.now))
    assert alone(house) == [7 * DAY + hours(27.2) + timedelta(minutes=2, seconds=20)]


def test_who_is_out_at_that_hour_as_a_rule_is_waited_for_as_ever() -> None:
    told = ordinary(range(10))
    for day in range(10):
        told += [(day * DAY + hours(at), "front-door", {"contact_open": value}) for at in (26.0, 30.0) for value in (True, False)]
        told += moves("living", 25.9, 30.1, day=day)
    house = lived(word for word in told if word[0] <= 9 * DAY + hours(26.1))
    assert raised(house.facts) == [hours(27) + timedelta(minutes=2)], "the first time it was new"
    (at,) = (f.at - MIDNIGHT for f in of(AlertRecurred, house.waits(DAY.total_seconds())))
    assert 9 * DAY + hours(31.9) < at < 9 * DAY + hours(32.1), "home by six, and two hours"


def test_a_home_restored_from_its_row_goes_on_as_the_one_that_was_lost() -> None:
    house = lived([word for word in ordinary(range(10)) if word[0] <= 9 * DAY + hours(15.2)])
    again = Engine(DEFAULT)
    for key in house.engine.keys():  # noqa: SIM118 - an engine is no mapping
        again.restore(key, house.engine.snapshot(key))
    expected = house.engine.advance(house.now + DAY)
    got = again.handle(ServiceStarted(None), house.now) + again.advance(house.now + DAY)
    assert raised(got) == raised(expected) != []
    assert of(AlertRaised, got) == of(AlertRaised, expected)


def test_one_leap_of_time_gives_what_many_steps_give() -> None:
    told = [word for word in ordinary(range(10)) if word[0] <= 9 * DAY + hours(12.6)]
    leap, steps = lived(told), lived(told)
    leap.waits(DAY.total_seconds())
    for _ in range(24 * 12):
        steps.waits(300)
    assert raised(leap.facts) == raised(steps.facts) != []


def test_what_is_learned_of_a_home_is_a_few_hundred_bytes() -> None:
    memory = lived(ordinary(range(14))).engine.homes[HOME].memories["inactivity"]
    assert isinstance(memory, InactivityMemory)
    assert len(msgspec.msgpack.encode(memory.usual)) < 128
    assert len(msgspec.msgpack.encode(memory)) < 600


def test_the_rule_speaks_for_every_home_alike() -> None:
    assert rule().learns == 7
    assert rule().unlearned <= timedelta(hours=4)
