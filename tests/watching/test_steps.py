"""Who walks is alive, however often his counter speaks; a wrist that twitches is nobody on his feet."""

from collections.abc import Iterable
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.engine import Engine
from alerting.items import ServiceStarted
from alerting.watching import life as lives
from alerting.watching.life import READINGS_MOST, WALKED, Life, Word
from devices.home import DeviceId
from devices.observation import Manner, Property, ReportId
from tests.household import DEFAULT, START, Household, report
from tests.watching.test_inactivity import DAY, MIDNIGHT, hours, lived, ordinary, raised

Reading = tuple[float, float]
"""Seconds into the story, and what the counter showed."""


def word(at: float, steps: float) -> Word:
    made = START + timedelta(seconds=at)
    return Word(made, DeviceId("watch"), Property.STEPS, steps, Manner.STATE, False, ReportId(f"{at} {steps}"), made)


def walks(readings: Iterable[Reading], life: Life | None = None) -> list[float]:
    """When a walk was noticed, in seconds."""
    life, found = life or Life(), []
    for at, steps in readings:
        one = word(at, steps)
        lives.hear(life, one)
        found += [(lived.word.at - START).total_seconds() for lived in lives.settle(life, one.at)]
    return found


def counted(every: float, steps: float, seconds: float, *, begins: float = 4000) -> list[Reading]:
    """A counter that speaks every so many seconds, of somebody who makes so many steps a minute."""
    return [(number * every, begins + int(number * every * steps / 60)) for number in range(int(seconds / every) + 1)]


STORIES: tuple[tuple[str, list[Reading], list[float]], ...] = (
    ("a walk, told each second", counted(1, 100, 30), [6]),
    ("a walk, told every three seconds", counted(3, 100, 30), [6]),
    ("a walk, told every minute", counted(60, 100, 300), [60]),
    ("a walk, told every quarter of an hour", counted(900, 2, 2700), [900]),
    ("a walk is noticed where it falls, not by the clock", [*((at, 500) for at in range(0, 56, 5)), (58, 505), (63, 510), (68, 515)], [63]),
    ("a slow walk through a flat", counted(4, 15, 120), [40]),
    ("nine steps in each minute", counted(5, 9, 1200), []),
    ("a wrist that counts one step a minute for hours", counted(60, 1, 4 * 3600), []),
    ("a counter that stands still", [(at, 500) for at in range(600)], []),
    ("two walks with a rest between them", [*counted(2, 100, 20), *((at, 4033) for at in range(22, 300, 2)), (301, 4045)], [6, 301]),
    ("a counter that begins anew at midnight", [(0, 9000), (5, 9004), (10, 0), (15, 4), (20, 9)], []),
    ("and goes on to a walk", [(0, 9000), (5, 9004), (10, 0), (15, 4), (20, 10)], [20]),
    ("five steps more than a minute after five", [(0, 500), (1, 505), (62, 510)], []),
    ("what had waited is no leap", [(0, 500), (60, 505), (30, 100), (90, 507)], []),
)  # fmt: skip


@pytest.mark.parametrize(("readings", "noticed"), [story[1:] for story in STORIES], ids=[story[0] for story in STORIES])
def test_a_walk_is_ten_steps_between_two_readings_or_within_a_minute(readings: list[Reading], noticed: list[float]) -> None:
    assert walks(readings) == noticed


RISES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 4)), max_size=40)
"""(seconds since the reading before, steps since then): never a walk by one reading alone."""


def told(rises: list[tuple[int, int]]) -> list[Reading]:
    at, steps, readings = 0, 500, [(0.0, 500.0)]
    for seconds, more in rises:
        at, steps = at + seconds + 1, steps + more
        readings.append((at, steps))
    return readings


@settings(max_examples=200, deadline=None)
@given(RISES)
def test_it_is_what_whoever_keeps_every_reading_would_say(rises: list[tuple[int, int]]) -> None:
    readings = told(rises)
    noticed, walking = [], False
    for number, (at, steps) in enumerate(readings):
        before = walking
        walking = any(steps - old >= WALKED for then, old in readings[:number] if at - then <= 60)
        noticed += [at] if walking and not before else []
    assert walks(readings) == noticed


@settings(max_examples=100, deadline=None)
@given(RISES, st.integers(0, 40))
def test_a_life_written_down_in_the_middle_of_a_walk_goes_on_as_the_one_that_was_not(rises: list[tuple[int, int]], cut: int) -> None:
    readings = told(rises)
    life = Life()
    before = walks(readings[:cut], life)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(life), type=Life)
    assert before + walks(readings[cut:], again) == walks(readings)


def test_what_is_kept_of_a_minute_is_bounded_whatever_a_counter_says() -> None:
    life = Life()
    walks([(number / 10, 500 + number / 100) for number in range(600)], life)
    assert len(life.told["watch steps"].minute) == READINGS_MOST
    walks(counted(0.5, 600, 120, begins=600), life)
    assert len(life.told["watch steps"].minute) <= WALKED + 2


def test_a_counter_that_an_older_version_kept_goes_on() -> None:
    """Its row has no readings of the minute."""
    life = Life()
    walks([(0, 500), (10, 504)], life)
    row = msgspec.msgpack.decode(msgspec.msgpack.encode(life.told["watch steps"]))
    assert len(row) == 5
    life.told["watch steps"] = msgspec.convert(row[:4], type(life.told["watch steps"]))
    assert walks([(20, 508), (30, 514)], life) == [30]


def minute_of_walking(house: Household) -> None:
    """At eleven, two steps every two seconds."""
    for number in range(31):
        at = MIDNIGHT + 9 * DAY + hours(11) + timedelta(seconds=2 * number)
        house.now = at
        house.takes(report("watch", at, f"step {number}", {"steps": 700 + 2 * number}))


def test_a_watch_that_tells_every_two_seconds_of_a_walk_makes_a_quiet_younger_also_after_a_restart() -> None:
    def alone() -> Household:
        return lived([one for one in ordinary(range(10)) if one[0] <= 9 * DAY + hours(8.6)])

    still, walked = alone(), alone()
    minute_of_walking(walked)
    assert still.engine.next_deadline is not None
    again = Engine(DEFAULT)
    for key in walked.engine.keys():  # noqa: SIM118 - an engine is no mapping
        again.restore(key, walked.engine.snapshot(key))
    without, of_walk = raised(still.waits(DAY.total_seconds())), raised(walked.waits(DAY.total_seconds()))
    assert of_walk[0] - without[0] > hours(1)
    now = MIDNIGHT + 9 * DAY + hours(11) + timedelta(seconds=60)
    assert raised(again.handle(ServiceStarted(None), now) + again.advance(now + DAY)) == of_walk
