"""The models of the world against what their sources say: each figure here is one that a reader can look up or reckon by hand."""

from itertools import pairwise
from math import exp
from random import Random

import pytest

from simulator.physics.carbon_monoxide import Detector, Leak
from simulator.physics.cell import Chemistry, is_low, percent, volts
from simulator.physics.fire import Burning, Fire, Growth
from simulator.physics.quartz import Quartz
from simulator.physics.radio import Wall, heard_chance, level, received
from simulator.physics.room import Air, mixed


def test_a_t_squared_fire_reaches_a_megawatt_at_the_time_that_names_its_growth() -> None:
    for growth, second in ((Growth.SLOW, 600), (Growth.MEDIUM, 300), (Growth.FAST, 150), (Growth.ULTRA_FAST, 75)):
        fire = Fire(growth, most_kw=5000, out_s=1000)
        assert fire.heat_kw(second) == pytest.approx(1055)
        assert fire.heat_kw(second / 2) == pytest.approx(1055 / 4)
        assert fire.heat_kw(1000) == 0


def test_what_smoulders_makes_smoke_without_heat_and_is_slower_than_what_flames() -> None:
    def first_alarm(fire: Fire) -> tuple[float, float]:
        burning = Burning(fire, Air(21.6))
        while burning.density < 0.15:
            burning.advance(1.0)
        return burning.second, burning.temperature

    pan, oil = first_alarm(Fire(Growth.SLOW, smoulders_s=900, smoulder_g_s=0.05, out_s=1500)), first_alarm(Fire(out_s=240))
    assert pan[1] == pytest.approx(22.0)
    assert 60 < pan[0] < 900
    assert 8 < oil[0] < 60


def test_smoke_leaves_with_the_air_and_a_long_step_is_many_short_ones() -> None:
    air = Air(20.0, 6.0)
    assert mixed(10.0, 0.0, air, 600.0) == pytest.approx(10 * exp(-1))
    short = 10.0
    for _ in range(600):
        short = mixed(short, 0.01, air, 1.0)
    assert short == pytest.approx(mixed(10.0, 0.01, air, 600.0))
    assert mixed(1.0, 0.5, Air(20.0, 0.0), 4.0) == 3.0


def test_carbon_monoxide_settles_where_the_source_equals_the_ventilation() -> None:
    leak = Leak(0.01, Air(20.0, 1.0))
    leak.advance(20 * 3600)
    assert leak.ppm == pytest.approx(1 + 0.01 / 20 * 1e6, rel=1e-6)


@pytest.mark.parametrize(("ppm", "alarms_after_s"), [(40, None), (60, 3600), (120, 600), (350, 0)])
def test_a_detector_of_carbon_monoxide_answers_by_dose(ppm: float, alarms_after_s: float | None) -> None:
    detector = Detector()
    waited = next((second for second in range(0, 7200, 60) if detector.measure(ppm, 60.0)), None)
    assert waited == alarms_after_s
    assert detector.measure(10.0, 60.0) is False


def test_lithium_has_a_plateau_and_a_knee_and_alkaline_a_slope() -> None:
    lithium = [volts(Chemistry.LITHIUM, left / 100) for left in range(101)]
    assert lithium[80] - lithium[20] < 0.2 < lithium[12] - lithium[5]
    alkaline = [volts(Chemistry.ALKALINE, left / 100) for left in range(101)]
    assert alkaline[80] - alkaline[20] > 0.25
    for curve in (lithium, alkaline):
        assert all(before < after for before, after in pairwise(curve))
    for chemistry in Chemistry:
        assert percent(chemistry, 1.0) >= 97
        assert percent(chemistry, 0.0) == 0
        assert is_low(chemistry, 0.01)
        assert not is_low(chemistry, 0.6)


def test_a_weak_cell_reads_low_in_the_cold_and_recovers() -> None:
    assert not is_low(Chemistry.ALKALINE, 0.2, 20.0)
    assert is_low(Chemistry.ALKALINE, 0.2, -20.0)


def test_a_wall_costs_what_it_is_made_of_and_twice_the_distance_six_decibels() -> None:
    assert level(5, 0, Wall.BRICK) - level(10, 0, Wall.BRICK) == pytest.approx(6.02, abs=0.01)
    assert level(5, 0, Wall.BRICK) - level(5, 2, Wall.BRICK) == pytest.approx(13.8)
    assert heard_chance(-60) > 0.999
    assert heard_chance(-105) == pytest.approx(0.5)
    assert heard_chance(-115) < 0.01


def test_a_call_that_is_repeated_gets_through_where_a_reading_is_lost() -> None:
    chance = Random(1)
    readings = [received(-60, chance, lost=0.5).tries for _ in range(400)]
    calls = [received(-60, chance, tries=8, lost=0.5).tries for _ in range(400)]
    assert 150 < readings.count(0) < 250
    assert calls.count(0) < 10
    assert max(calls) > 2


def test_a_crystal_loses_or_gains_seconds_a_day_until_it_is_set() -> None:
    assert Quartz(20.0, 25.0).error_s(86000) == pytest.approx(1.72)
    assert Quartz(0.0, 5.0).error_s(86000) == pytest.approx(-1.17, abs=0.01)
    assert Quartz(20.0, 25.0).error_s(86400) == 0
    assert Quartz(0.0, 25.0, wrong_s=300.0).error_s(10) == 300
