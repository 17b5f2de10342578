"""Planted against seen: every row of the tables is one small history of a home."""

import pytest

from simulator.acts import Act
from simulator.plan import Plant
from simulator.report import counts, latencies
from simulator.scenario import Category, Expect, Span
from simulator.score import Outcome, Said, Sighting, judge

CALL = Expect(Category.CALL_FOR_HELP, Span(2), 1)
FIRE = Expect(Category.FIRE, Span(2), 1)


def plant(id_: str, *expected: Expect, home: str = "h1", device: str = "cord", act: Act = Act.PULL_CORD) -> Plant:
    return Plant(id_, 0.0, home, device, act, expected)


def seen(
    at_s: float, alert: str = "a1", category: str = "call_for_help", *, home: str = "h1", priority: int = 1, new: bool = True,
) -> Sighting:  # fmt: skip
    return Sighting(at_s, alert, home, new, category, priority)


HISTORIES = {
    "a call that is answered at once is seen": ([Said(plant("p", CALL), 10.0)], [seen(10.1)], [Outcome.SEEN], 0, 0),
    "a call that nobody answers is missed": ([Said(plant("p", CALL), 10.0)], [], [Outcome.MISSED], 0, 0),
    "an alert after its time is late": ([Said(plant("p", CALL), 10.0)], [seen(13.0)], [Outcome.LATE], 0, 0),
    "an alert long after its time is somebody else's": ([Said(plant("p", CALL), 10.0)], [seen(80.0)], [Outcome.MISSED], 1, 0),
    "an alert before the call cannot be its own": ([Said(plant("p", CALL), 10.0)], [seen(9.9)], [Outcome.MISSED], 1, 0),
    "an alert in another home answers nothing": ([Said(plant("p", CALL), 10.0)], [seen(10.1, home="h2")], [Outcome.MISSED], 1, 0),
    "an alert of another category is no answer": ([Said(plant("p", CALL), 10.0)], [seen(10.1, category="fire")], [Outcome.MISSED], 1, 0),
    "a call at the priority of a battery is wrong": ([Said(plant("p", CALL), 10.0)], [seen(10.1, priority=4)], [Outcome.WRONG], 0, 0),
    "a second alert for the same call is doubled": ([Said(plant("p", CALL), 10.0)], [seen(10.1), seen(10.2, "a2")], [Outcome.SEEN], 0, 1),
    "a repeat of the same alert is not": ([Said(plant("p", CALL), 10.0)], [seen(10.1), seen(14.0, new=False)], [Outcome.SEEN], 0, 0),
    "a second call may join the open alert": (
        [Said(plant("p", CALL), 10.0), Said(plant("q", CALL), 20.0)], [seen(10.1), seen(20.1, new=False)],
        [Outcome.SEEN, Outcome.SEEN], 0, 0,
    ),
    "two calls in one moment may be one alert": (
        [Said(plant("p", CALL), 10.0), Said(plant("q", CALL), 10.01)], [seen(10.1)], [Outcome.SEEN, Outcome.SEEN], 0, 0,
    ),
    "a second call that changes nothing is missed": (
        [Said(plant("p", CALL), 10.0), Said(plant("q", CALL), 20.0)], [seen(10.1)], [Outcome.SEEN, Outcome.MISSED], 0, 0,
    ),
    "one event may want two alerts": (
        [Said(plant("p", CALL, FIRE), 10.0)], [seen(10.1, category="fire", alert="a2")], [Outcome.MISSED, Outcome.SEEN], 0, 0,
    ),
    "a self-test that raises nothing is quiet": ([Said(plant("p", act=Act.SELF_TEST), 10.0)], [], [Outcome.QUIET], 0, 0),
    "a self-test that raises an alarm is a false alert": (
        [Said(plant("p", act=Act.SELF_TEST), 10.0)], [seen(10.1, category="fire")], [Outcome.FALSE], 1, 0,
    ),
    "an event that the run did not reach is not planted": ([Said(plant("p", CALL), None)], [], [Outcome.UNPLANTED], 0, 0),
    "an alert in a home where nothing was planted is false": ([], [seen(10.1)], [], 1, 0),
}  # fmt: skip


@pytest.mark.parametrize("sentence", HISTORIES)
def test_a_history_is_judged_as_its_sentence_says(sentence: str) -> None:
    said, sightings, outcomes, false, doubled = HISTORIES[sentence]
    verdict = judge(said, sightings, by_receipt=False)
    assert [row.outcome for row in verdict.rows] == outcomes
    assert (len(verdict.false), len(verdict.doubled)) == (false, doubled)
    bad = {Outcome.LATE, Outcome.MISSED, Outcome.WRONG, Outcome.FALSE}
    assert verdict.good == (not false and not doubled and not bad & set(outcomes))


def test_the_order_in_which_alerts_are_listed_changes_nothing() -> None:
    said = [Said(plant("p", CALL), 10.0), Said(plant("q", FIRE), 11.0)]
    sightings = [seen(10.1), seen(11.1, "a2", "fire"), seen(11.2, "a3", "fire")]
    assert judge(said, sightings, by_receipt=False) == judge(said, sightings[::-1], by_receipt=False)


def test_a_receipt_answers_the_device_that_called() -> None:
    said = [Said(plant("p", CALL, device="cord-a"), 10.0), Said(plant("q", CALL, device="cord-b"), 10.0)]
    verdict = judge(said, [Sighting(10.2, "a1", "h1", device="cord-b")], by_receipt=True)
    assert [row.outcome for row in verdict.rows] == [Outcome.MISSED, Outcome.SEEN]


def test_a_receipt_for_a_call_is_not_taken_for_the_battery_of_the_same_cord() -> None:
    said = [Said(plant("b", Expect(Category.TECHNICAL, Span(5)), act=Act.DRAIN_BATTERY), 9.0), Said(plant("p", CALL), 10.0)]
    verdict = judge(said, [Sighting(10.2, "a1", "h1", device="cord")], by_receipt=True)
    assert [row.outcome for row in verdict.rows] == [Outcome.UNWATCHED, Outcome.SEEN]


def test_what_no_receipt_tells_of_is_not_watched_rather_than_missed() -> None:
    battery = Expect(Category.TECHNICAL, Span(5))
    said = [Said(plant("p", battery), 10.0), Said(plant("q", CALL, act=Act.PRESS_ZIGBEE_BUTTON), 10.0)]
    verdict = judge(said, [], by_receipt=True)
    assert [row.outcome for row in verdict.rows] == [Outcome.UNWATCHED, Outcome.UNWATCHED]


def test_a_false_alert_is_named_with_what_was_planted_in_its_home_last() -> None:
    said = [Said(plant("early", act=Act.SELF_TEST), 5.0), Said(plant("late", act=Act.BURN_FOOD), 9.0)]
    verdict = judge(said, [seen(10.0, category="fire")], by_receipt=False)
    assert verdict.false[0].after == "late"
    assert [row.outcome for row in verdict.rows] == [Outcome.QUIET, Outcome.FALSE]


def test_latencies_are_the_nearest_rank_in_milliseconds() -> None:
    told = latencies([n / 1000 for n in range(1, 101)])
    assert (told.p50, told.p99, told.max) == (50.0, 99.0, 100.0)
    assert latencies([0.25]).p99 == 250.0
    assert latencies([]).max is None


def test_the_figures_of_the_report_count_the_rows() -> None:
    said = [Said(plant("p", CALL), 10.0), Said(plant("q", FIRE, home="h2"), 10.0), Said(plant("r", CALL, home="h3"), None)]
    figures = counts(judge(said, [seen(10.1), seen(15.0, "x", "fire", home="h2"), seen(16.0, "y", "gas")], by_receipt=False))
    assert figures == {
        "planted": 2, "seen": 1, "late": 1, "missed": 0, "wrong_priority": 0, "false": 1, "doubled": 0,
        "quiet": 0, "not_watched": 0, "not_planted": 1,
    }  # fmt: skip
