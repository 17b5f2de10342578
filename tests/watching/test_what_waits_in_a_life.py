"""A word that is passed over as nothing new is nothing new, in whatever order the words of a home come."""

from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.watching import life as lives
from alerting.watching.life import Life, Word
from devices.home import DeviceId
from devices.observation import Manner, Property, ReportId
from tests.household import START

HALL, DOOR, METER = "hall", "door", "meter"


def word(at: float, device: str, property_: Property, value: float, manner: Manner = Manner.STATE) -> Word:
    """Observed so many seconds into the story."""
    made = START + timedelta(seconds=at)
    report = ReportId(f"{device} {at} {value}")
    return Word(made, DeviceId(device), property_, value, manner, property_ is Property.CONTACT_OPEN, report, made)


def shown(life: Life) -> tuple[object, ...]:
    """What a rule can tell of it."""
    seen = lives.outlook(life)
    return seen.sign, seen.left_at, seen.about_since, seen.in_bed


WORDS = st.lists(
    st.builds(
        word,
        st.integers(0, 40),
        st.sampled_from([HALL, DOOR]),
        st.sampled_from([
            Property.OCCUPANCY, Property.CONTACT_OPEN, Property.BED_OCCUPIED, Property.WATER_USED, Property.STEPS, Property.CHECKED_IN,
        ]),
        st.sampled_from([0.0, 1.0, 6.0, 11.0]),
        st.sampled_from(list(Manner)),
    ),
    min_size=1, max_size=14,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(WORDS, st.integers(0, 14), st.integers(0, 40))
def test_what_is_said_to_be_nothing_new_changes_nothing_that_can_be_told(words: list[Word], settled: int, until: int) -> None:
    life = Life(told={}, unsettled=[])
    for number, one in enumerate(words):
        if number == settled:
            lives.settle(life, START + timedelta(seconds=until))
        before = shown(life)
        lives.hear(life, one)
        if lives.says_nothing_new(life, one):
            assert shown(life) == before


@settings(max_examples=300, deadline=None)
@given(WORDS, st.integers(1, 5), st.integers(0, 40))
def test_whether_the_door_waits_is_known_of_whatever_waits(words: list[Word], every: int, until: int) -> None:
    life = Life(told={}, unsettled=[])
    for number, one in enumerate(words):
        lives.hear(life, one)
        if number % every == 0:
            lives.settle(life, START + timedelta(seconds=until))
        waits = any(waiting.entrance for waiting in life.unsettled)
        row = msgspec.msgpack.encode(life)
        before_it_was_counted = msgspec.msgpack.encode(msgspec.to_builtins(life, builtin_types=(datetime,))[:-1])
        read = [msgspec.msgpack.decode(each, type=Life) for each in (row, before_it_was_counted)]
        assert [lives.door_waits(each) for each in (life, lives.outlook(life), *read)] == [waits, False, waits, waits]


def test_a_home_that_only_says_the_same_again_is_asked_for_nothing() -> None:
    """Else it would be right to ask every time, and as dear as it was."""
    life = Life(told={}, unsettled=[])
    for number in range(60):
        for one in (
            word(number, HALL, Property.OCCUPANCY, 0),
            word(number, METER, Property.WATER_USED, 7.25),
            word(number, DOOR, Property.CONTACT_OPEN, 1),
        ):
            lives.hear(life, one)
            assert lives.says_nothing_new(life, one) or (number == 0 and one.device == DOOR)


LATE: Sequence[tuple[str, list[Word], Word]] = (
    ("movement that ended meanwhile", [word(0, HALL, Property.OCCUPANCY, 0), word(30, HALL, Property.OCCUPANCY, 0)],
     word(10, HALL, Property.OCCUPANCY, 1)),
    ("a door that was opened and shut", [word(0, DOOR, Property.CONTACT_OPEN, 0), word(30, DOOR, Property.CONTACT_OPEN, 0)],
     word(10, DOOR, Property.CONTACT_OPEN, 1)),
    ("the same reading between two of a counter that rose", [
        word(0, METER, Property.WATER_USED, 1), word(10, METER, Property.WATER_USED, 2), word(30, METER, Property.WATER_USED, 3),
    ], word(20, METER, Property.WATER_USED, 2)),
)  # fmt: skip


@pytest.mark.parametrize(("waiting", "late"), [(waiting, late) for _, waiting, late in LATE], ids=[name for name, _, _ in LATE])
def test_a_word_older_than_those_that_wait_is_looked_at_though_it_comes_last(waiting: list[Word], late: Word) -> None:
    life = Life(told={}, unsettled=[])
    for one in waiting:
        lives.hear(life, one)
    before = deepcopy(shown(life))
    lives.hear(life, late)
    assert not lives.says_nothing_new(life, late)
    assert shown(life) != before
