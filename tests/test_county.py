"""A county in small: what is planted is found, what is planted under the safety floor is never missed; and how that is counted."""

from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest

from alerting.terms import Category
from benchmarks.county.__main__ import county, report, shares_of, so_far
from benchmarks.county.bodies import Stricken
from benchmarks.county.emergencies import Emergency, emergencies
from benchmarks.county.judged import Alarm
from benchmarks.county.plants import KINDS, Planted
from benchmarks.county.score import Outcome, scored
from benchmarks.county.town import Town, areas_of
from simulator.clock import DAY_S

FALL = next(kind for kind in emergencies() if kind.kind == "fall_felt")


def test_nothing_that_is_planted_under_the_safety_floor_is_missed() -> None:
    homes, days = 20, 7
    score = county(shares_of(homes, days, seed=1), 2)
    assert (score.homes, len(score.outcomes)) == (homes, homes)
    assert score.reports > homes * days * 500
    floor = [outcome for outcome in score.outcomes if outcome.floor]
    assert len(floor) >= 5
    assert [outcome for outcome in floor if outcome.delay_s is None or outcome.late] == []
    assert [outcome for outcome in score.outcomes if outcome.delay_s is None and outcome.kind.startswith(("fall", "still", "does"))] == []
    assert sum(score.false.values()) / (homes * days) < 0.2
    assert f"| {FALL.title} |" in "\n".join(report(score, emergencies()))


@pytest.mark.long
def test_nothing_is_missed_under_the_floor_in_a_larger_county_either() -> None:
    score = county(shares_of(200, 14, seed=2), 2)
    assert [outcome for outcome in score.outcomes if outcome.floor and (outcome.delay_s is None or outcome.late)] == []


def test_every_kind_that_is_written_down_is_played_and_a_third_of_them_says_from_where_it_is() -> None:
    kinds = emergencies()
    assert {kind.kind for kind in kinds} == set(KINDS)
    assert len(kinds) >= 10
    assert sum(bool(kind.source) for kind in kinds) * 3 >= len(kinds)
    assert all(kind.source for kind in kinds if kind.course or kind.spills_m3_h[1] or kind.smoulders_min[1])


def test_what_was_played_is_not_played_again_and_can_be_told_before_the_rest_is(tmp_path: Path) -> None:
    shares = shares_of(4, 7, seed=4)
    first = county(shares[:1], 1, tmp_path)
    assert (first.homes, so_far(shares, tmp_path).homes) == (1, 1)
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    both = county(shares[:2], 1, tmp_path)
    assert both.homes == 2
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in kept} == kept
    assert so_far(shares, tmp_path) == both


def test_the_same_seed_plants_the_same() -> None:
    areas = frozenset(areas_of(6, 3)[:1])
    one, other = (list(islice(Town(areas, 6, 7, 3, emergencies()).runs(), 2000)) for _ in range(2))
    assert len(one) == 2000
    assert one == other


@pytest.mark.parametrize(("hours", "pulse"), [(0.0, 60), (3.0, 79), (6.0, 98), (15.0, 108), (24.0, 118)])
def test_a_course_leaves_the_residents_own_signs_and_goes_from_point_to_point(hours: float, pulse: float) -> None:
    kind = next(kind for kind in emergencies() if kind.kind == "deterioration")
    course = next(course for course in kind.course if course.name.startswith("median"))
    town = Town(frozenset(areas_of(3, 1)), 3, 7, 1, emergencies())
    body = Stricken(town.homes[0], course, 0.0, DAY_S)
    assert body._at(hours, 60, course.heart_rate) == pytest.approx(pulse)
    assert body.vitals(DAY_S + 1, 0.0, 0.0, 300.0).heart_rate < 100, "and is over"  # type: ignore[operator]  # it is said


def test_an_alert_counts_once_for_what_it_answers_and_is_false_where_nothing_was() -> None:
    planted = [_planted("a", FALL, 1000.0), _planted("b", FALL, 1000.0), _planted("c", FALL, 1000.0)]
    alarms = [
        Alarm(999.0, "a", Category.FALL, "fall"),
        Alarm(1300.0, "b", Category.FALL, "fall"),
        Alarm(500.0, "c", Category.FALL, "fall"),
        Alarm(2000.0, "a", Category.INACTIVITY, "inactivity"),
        Alarm(2000.0, "d", Category.FIRE, "smoke"),
    ]
    score = scored(planted, set(), alarms)
    assert [(o.home, o.delay_s, o.late) for o in score.outcomes] == [("a", 0.0, False), ("b", 300.0, True), ("c", None, False)]
    assert score.false == {"fall": 1, "smoke": 1}
    assert score.explained == {"fall": 2, "inactivity": 1}


def test_pills_that_were_really_forgotten_are_no_false_alert() -> None:
    alarms = [Alarm(DAY_S * day + 3600, "a", Category.HEALTH, "medication-missed") for day in (3, 4)]
    assert scored([], {("a", 3)}, alarms).false == {"medication-missed": 1}


def test_late_is_what_comes_after_its_time() -> None:
    assert Outcome("x", "a", "", floor=True, within_s=60, delay_s=61).late
    assert not Outcome("x", "a", "", floor=True, within_s=60, delay_s=60).late


def _planted(home: str, kind: Emergency, at: float) -> Planted:
    return Planted(home, kind.kind, at, at + timedelta(hours=kind.lasts_h).total_seconds(), kind)
