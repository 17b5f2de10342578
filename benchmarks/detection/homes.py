"""Recordings of daily life in the two forms that were published side by side: a table of sensors, and one of activities.

`{name}_sensors.csv[.gz]` has start, end, location, sensor_type, place; `{name}_adls.csv[.gz]` start, end, activity. That is the layout of
the data behind F. J. Ordóñez, P. de Toledo, A. Sanchis, "Activity recognition using hybrid generative/discriminative models on home
environments using binary sensors", Sensors 13 (2013) 5460; the years and persons in it play no part here.
"""

import csv
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.detection.recording import Recording, Sensor, Stretch, Utterance
from devices.observation import Property

CHINA = timedelta(hours=8)
"""The rules' local time: what a clock on a wall showed there it shows here."""

PROPERTIES = {"magnetic": Property.CONTACT_OPEN, "pressure": Property.OCCUPANCY}
"""By type of sensor: what opens and shuts, what is sat on; anything else (PIR, flush, electric) says that somebody is there."""


class RecordingError(Exception):
    """A recording cannot be read, in one line."""


def homes(folder: Path) -> list[Recording]:
    """Every home of a folder, by name; RecordingError where there is none."""
    found = sorted({path.name.split("_sensors.csv")[0] for path in folder.glob("*_sensors.csv*")})
    if not found:
        raise RecordingError(f"{folder}: no file is named *_sensors.csv or *_sensors.csv.gz")
    return [_home(folder, name) for name in found]


def _home(folder: Path, name: str) -> Recording:
    sensors: dict[str, Sensor] = {}
    told: list[Utterance] = []
    for row in _rows(folder, f"{name}_sensors"):
        id_ = "-".join((row["location"], row["sensor_type"], row["place"])).lower()
        sensor = sensors.setdefault(id_, Sensor(id_, row["place"], (_property(row),)))
        begins, ends = _moment(row["start"]), _moment(row["end"])
        told += (Utterance(begins, id_, sensor.exposes[0], value=True), Utterance(max(begins, ends), id_, sensor.exposes[0], value=False))
    if not told:
        raise RecordingError(f"{folder}: {name} says nothing")
    life = tuple(Stretch(_moment(row["start"]), _moment(row["end"]), row["activity"]) for row in _rows(folder, f"{name}_adls"))
    return Recording(name, tuple(sensors.values()), tuple(sorted(told)), life)


def _property(row: dict[str, str]) -> Property:
    if row["location"].lower() == "bed":
        return Property.BED_OCCUPIED
    return PROPERTIES.get(row["sensor_type"].lower(), Property.OCCUPANCY)


def _rows(folder: Path, stem: str) -> Iterator[dict[str, str]]:
    for path in (folder / f"{stem}.csv.gz", folder / f"{stem}.csv"):
        if path.exists():
            with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as text:
                yield from csv.DictReader(text)
            return
    if stem.endswith("_sensors"):
        raise RecordingError(f"{folder / stem}.csv: cannot be found")


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) - CHINA
    except ValueError as problem:
        raise RecordingError(f"{text!r} is no moment: {problem}") from None
