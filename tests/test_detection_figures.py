"""How detection is measured: what a count allows to say, recordings read as they lie there, and the whole of it in small."""

import gzip
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.detection.__main__ import main
from benchmarks.detection.bounds import upper, verdict
from benchmarks.detection.homes import RecordingError, homes
from benchmarks.detection.lives import made_up
from benchmarks.detection.smoke import fires
from benchmarks.detection.watch import watched
from devices.observation import Property
from tests.household import DEFAULT


@pytest.mark.parametrize(
    ("events", "days", "most"),
    [(0, 24, 0.125), (0, 60, 0.05), (1, 100, 0.0474), (5, 1000, 0.0105), (787, 30000, 0.0278)],
)  # fmt: skip
def test_the_bound_is_the_exact_one(events: int, days: float, most: float) -> None:
    assert upper(events, days) == pytest.approx(most, abs=6e-4)


def test_reached_is_said_only_where_the_bound_says_so() -> None:
    assert verdict(0, 24) == "seen so far"
    assert verdict(0, 60) == "reached"
    assert verdict(2, 24) == "not reached"


def test_a_recorded_home_is_read_with_its_sensors_and_what_was_written_down(tmp_path: Path) -> None:
    sensors = (
        "start,end,location,sensor_type,place",
        "2024-05-01 07:00:00,2024-05-01 07:01:00,Basin,PIR,Bathroom",
        "2024-05-01 01:00:00,2024-05-01 06:59:00,Bed,Pressure,Bedroom",
        "2024-05-01 09:00:00,2024-05-01 09:00:05,Maindoor,Magnetic,Entrance",
    )
    with gzip.open(tmp_path / "one_sensors.csv.gz", "wt") as file:
        file.write("\n".join(sensors))
    (tmp_path / "one_adls.csv").write_text("start,end,activity\n2024-05-01 01:00:00,2024-05-01 06:59:00,Sleeping\n")
    (home,) = homes(tmp_path)
    assert [one.property for one in home.told][:2] == [Property.BED_OCCUPIED, Property.BED_OCCUPIED]
    assert {sensor.exposes[0] for sensor in home.sensors} == {Property.OCCUPANCY, Property.BED_OCCUPIED, Property.CONTACT_OPEN}
    assert home.doing(home.begins + timedelta(hours=1)) == "Sleeping"
    assert home.days == pytest.approx(8 / 24, abs=0.001)


def test_a_folder_without_recordings_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--recordings", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(RecordingError, match="no file is named"):
        homes(tmp_path)


def test_a_second_half_that_repeats_the_first_is_looked_at_once(tmp_path: Path) -> None:
    rows = [f"{n},20,{50 + n},400,{int(n >= 5)}" for n in range(8)]
    again = [f"{n + 8},25,{50 + n},400,{int(n >= 5)}" for n in range(8)]
    (tmp_path / "rows.csv").write_text("\n".join(["row,temperature_c,humidity_pct,eco2_ppm,fire_alarm", *rows, *again]) + "\n")
    numbers, label = fires(tmp_path, DEFAULT)
    assert (numbers.rows, numbers.fires, numbers.delays_s) == (8, 1, ())
    assert (label.rows, label.fires, label.delays_s, label.false) == (8, 1, (0.0,), 0)


def test_a_made_up_life_that_falls_silent_is_noticed() -> None:
    life = made_up("somebody", 4)
    (found,) = watched(life, DEFAULT, [life.begins + timedelta(days=2, hours=11)]).found
    assert found.after is not None
    assert found.after < timedelta(hours=8)


def test_the_whole_of_it_runs_in_small(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--homes", "1", "--days", "4"]) == 0
    assert "| living homes |" in capsys.readouterr().out
