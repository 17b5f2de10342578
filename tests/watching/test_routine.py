"""A day that does not go as the days of this home go."""

from collections.abc import Iterable
from datetime import timedelta

import msgspec

from alerting.facts import AlertCleared, AlertRaised
from alerting.life_rules import Routine
from alerting.memories import RoutineMemory
from alerting.watching import routine
from alerting.watching.routine import FIELDS, MARKS
from alerting.watching.scene import Phase
from tests.household import DEFAULT, HOME, Household, of
from tests.watching.test_inactivity import DAY, MIDNIGHT, Word, hours, lived, moves

(RULE,) = (rule for rule in DEFAULT.rules if isinstance(rule, Routine))


def week(days: Iterable[int], *, late: float = 0.0) -> list[Word]:
    """Up at seven (at weekends at nine), water at half past, out by the door at ten, to bed at ten in the evening."""
    told: list[Word] = []
    for day in days:
        weekend = (MIDNIGHT + day * DAY + hours(20)).weekday() >= 5
        rises = (9 if weekend else 7) + late
        told += moves("living", rises, rises + 0.2, rises + 0.4, 12, 15, 18, 21.4, 21.6, 21.8, 22, day=day)
        told += [(day * DAY + hours(rises + 0.5), "meter", {"water_used": day + 0.1})]
        told += [(day * DAY + hours(at), "meter", {"water_used": float(day)}) for at in (rises - 2, rises - 0.5)]
        told += [(day * DAY + hours(10), "front-door", {"contact_open": value}) for value in (True, False)]
    return told


def said(house: Household) -> list[tuple[timedelta, str]]:
    return [(f.at - MIDNIGHT, f.reason.en) for f in of(AlertRaised, house.facts) if f.rule == "routine"]


def test_days_as_they_always_are_raise_nothing() -> None:
    assert said(lived(week(range(16)))) == []


def test_nobody_up_is_said_in_words_with_what_was_expected_and_getting_up_clears() -> None:
    house = lived([*week(range(14)), *moves("living", 5, day=16)])
    house.now = MIDNIGHT + 16 * DAY + hours(5.1)
    house.waits(6 * 3600)
    (found,) = [text for at, text in said(house) if at > 16 * DAY]
    assert "nobody is up by 10:00" in found
    assert "usually somebody is up by 07:30 on weekdays" in found
    assert "no water has been drawn by 10:10" not in found, "each habit has its own moment"
    house.facts.clear()
    lived(moves("living", 11.5, 11.7, 11.9, 12.1, day=16), house)
    lived([(16 * DAY + hours(12.2), "meter", {"water_used": 99.0}), (16 * DAY + hours(12.6), "meter", {"water_used": 99.5})], house)
    lived(moves("living", 12.8, day=16), house)
    assert of(AlertCleared, house.facts)


def test_weekends_have_hours_of_their_own_once_there_are_enough_of_them() -> None:
    house = lived(week(range(24)))
    scene = house.engine.homes[HOME].memories["routine"]
    assert isinstance(scene, RoutineMemory)
    weekday, weekend = scene.expected[0], scene.expected[8]
    assert (weekday, weekend) == (21, 33), "half past seven and half past nine, in pieces of ten minutes from four o'clock"


def test_nothing_is_missed_before_the_learning_time_is_over() -> None:
    house = lived(week(range(8)))
    house.waits(3 * 86400)
    assert said(house) == []


def test_a_visitor_an_early_day_and_a_lie_in_do_not_change_what_is_usual() -> None:
    usual = [word for word in week(range(20)) if not 8 * DAY < word[0] < 10 * DAY]
    odd = [*usual, *week([8], late=1.5), *week([9], late=-2.0), *moves("living", *(13 + minute / 6 for minute in range(12)), day=12)]
    homes = [lived(told).engine.homes[HOME].memories["routine"] for told in (week(range(20)), odd)]
    before, after = (home.expected for home in homes if isinstance(home, RoutineMemory))
    assert after[0] - before[0] <= 1


def test_somebody_up_long_past_bedtime_is_told_of_once() -> None:
    house = lived(week(range(14)))
    house.facts.clear()
    lived(moves("living", *(22 + step / 6 for step in range(30)), day=13), house)
    (found,) = [text for _, text in said(house)]
    assert "somebody is still up and about at" in found


def test_who_is_out_is_not_expected_to_be_up() -> None:
    house = lived([*week(range(14)), (13 * DAY + hours(22.5), "front-door", {"contact_open": True}),
                   (13 * DAY + hours(22.51), "front-door", {"contact_open": False})])  # fmt: skip
    house.waits(20 * 3600)
    assert [text for _, text in said(house) if "up" in text] == []


def test_what_a_home_shows_of_itself_can_be_read_and_is_small() -> None:
    house = lived(week(range(40)))
    memory = house.engine.homes[HOME].memories["routine"]
    assert isinstance(memory, RoutineMemory)
    assert len(memory.marks) == MARKS * FIELDS
    assert len(msgspec.msgpack.encode(memory)) < 800
    judgement = routine.state(RULE, memory, house.engine._agenda.scene(house.engine.homes[HOME], None, house.now))
    assert judgement.phase is Phase.PENDING
    assert "usually water has been drawn by" in judgement.sentence.en
    assert "前起来活动" in judgement.sentence.zh
