"""A threshold's `for` by the device's own time: what a hub kept for an hour is an hour old when it comes."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.facts import AlertRaised
from tests.household import START, Household, of, report

MINUTE = timedelta(minutes=1)


def raised(levels: Sequence[float], *, every: int = 1, kept: bool = False, slow: timedelta = timedelta(0)) -> list[float]:
    """The minutes at which 50 ppm for an hour, 100 ppm for ten minutes or 300 ppm at once were told; `kept`: all come with the last."""
    house = Household()
    for number, level in enumerate(levels):
        at = START + number * every * MINUTE
        house.now = START + (len(levels) - 1) * every * MINUTE if kept else at
        house.takes(report("co", at - slow, f"c{number}", {"co": level}, received_at=house.now))
    house.waits(7200)
    return [(fact.at - START) / MINUTE for fact in of(AlertRaised, house.facts)]


def test_an_hour_of_carbon_monoxide_is_told_after_an_hour() -> None:
    assert raised([60] * 90) == [60]


def test_an_hour_of_it_that_a_hub_had_kept_is_told_as_soon_as_it_comes() -> None:
    assert raised([60] * 66, kept=True) == [65]


def test_half_an_hour_of_it_that_was_kept_is_told_when_the_hour_is_over() -> None:
    assert raised([60] * 31, kept=True) == [60]


def test_a_first_reading_of_an_hour_ago_waits_for_what_was_kept_with_it() -> None:
    assert raised([60, 60, 60], every=40, kept=True) == [80]
    house = Household()
    house.now += timedelta(hours=2)
    house.takes(report("co", START, "old", {"co": 60}, received_at=house.now))
    house.takes(report("co", START + MINUTE, "next", {"co": 10}, received_at=house.now))
    assert of(AlertRaised, house.waits(7200)) == [], "the hub had kept the reading that contradicts it, too"


def test_a_clock_that_is_three_hours_slow_makes_no_hour_of_a_minute() -> None:
    assert raised([60] * 90, slow=timedelta(hours=3)) == [60]
    assert raised([60] * 30 + [5], slow=timedelta(hours=3)) == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([5.0, 40.0, 60.0, 120.0]), min_size=2, max_size=80), st.integers(0, 200))
def test_a_late_report_is_never_told_later_than_one_made_when_it_came(levels: list[float], slow: int) -> None:
    plain, late = raised(levels), raised(levels, slow=slow * MINUTE)
    assert len(late) >= len(plain)
    assert all(one <= other for one, other in zip(late, plain, strict=False))
