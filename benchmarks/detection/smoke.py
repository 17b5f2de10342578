"""A table of one detector's readings with a column that says when it burnt: what the rules make of it.

`*.csv[.gz]` with the columns `temperature_c`, `humidity_pct` and `fire_alarm`, one row a second: the columns of the public "Smoke Detection
IoT" table that have a property here. It has no smoke density, so the numbers alone hold nothing that a rule for smoke could read.
"""

import csv
import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from alerting.rules import Ruleset
from alerting.terms import Category
from benchmarks.detection.homes import RecordingError
from benchmarks.detection.recording import Recording, Sensor, Utterance
from benchmarks.detection.watch import Alarm, watched
from devices.observation import Property

BEGINS = datetime(2026, 3, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PERIODS = {"temperature_c": Property.TEMPERATURE, "humidity_pct": Property.HUMIDITY}


class Fires(msgspec.Struct, frozen=True):
    """`found` of `fires` runs of burning rows, each after so many seconds; alerts of fire outside of them are false."""

    how: str
    rows: int
    fires: int
    delays_s: tuple[float, ...]
    false: int


def fires(folder: Path, ruleset: Ruleset) -> list[Fires]:
    """The numbers by themselves, then with the label as the word of a detector."""
    paths = sorted(folder.glob("*.csv*"))
    if not paths:
        raise RecordingError(f"{folder}: no table of readings (*.csv, *.csv.gz)")
    rows = _once([row for path in paths for row in _rows(path)])
    return [_played(rows, ruleset, label=label) for label in (False, True)]


def _played(rows: list[dict[str, str]], ruleset: Ruleset, *, label: bool) -> Fires:
    told: list[Utterance] = []
    burning = [row["fire_alarm"].strip() == "1" for row in rows]
    for number, row in enumerate(rows):
        at = BEGINS + number * SECOND
        told += (Utterance(at, "detector", property_, float(row[name])) for name, property_ in PERIODS.items() if row.get(name))
        if label and (number == 0 or burning[number] is not burning[number - 1]):
            told.append(Utterance(at, "detector", Property.SMOKE, burning[number]))
    sensor = Sensor("detector", "kitchen", (Property.SMOKE, *PERIODS.values()))
    alarms = watched(Recording("smoke", (sensor,), tuple(told)), ruleset, []).alarms
    starts = [n for n, burns in enumerate(burning) if burns and (n == 0 or not burning[n - 1])]
    raised = [_second(alarm) for alarm in alarms if alarm.category is Category.FIRE]
    delays = [min((at - start for at in raised if at >= start and burning[min(int(at), len(rows) - 1)]), default=None) for start in starts]
    false = sum(not burning[min(int(at), len(rows) - 1)] for at in raised)
    how = "the label as the detector's own word" if label else "temperature and humidity alone"
    return Fires(how, len(rows), len(starts), tuple(delay for delay in delays if delay is not None), false)


def _second(alarm: Alarm) -> float:
    return (alarm.at - BEGINS) / SECOND


def _once(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Without a second half that says of humidity and fire what the first half said."""
    half = len(rows) // 2
    said = [(row["humidity_pct"], row["fire_alarm"]) for row in rows]
    return rows[:half] if half and said[:half] == said[half : 2 * half] else rows


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as text:
        rows = list(csv.DictReader(text))
    lacking = {"humidity_pct", "fire_alarm"} - set(rows[0] if rows else ())
    if lacking:
        raise RecordingError(f"{path}: lacks {', '.join(sorted(lacking))}")
    return rows
