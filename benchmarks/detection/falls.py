"""Trials of falls and of daily activities: each label arrives as a device's word of a fall, or of none, in a home that somebody lives in.

`*.jsonl[.gz]`, a line a trial with `subject`, `fall`, `activity`. The acceleration is not looked at: finding a fall in it is the wearable's
business, and volunteers who throw themselves onto a mat say little about the old. What is shown is what the platform makes of the word of
such a device: it misses one fall in five (FARSEEING: over 80 % of 143 real ones found) and takes one activity in ten for a fall. Who really
fell lies still; who did not goes on, and is heard by a sensor within minutes.
"""

import gzip
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import msgspec

from alerting.facts import AlertRaised, AlertWorsened
from alerting.rules import Ruleset
from alerting.terms import Category
from benchmarks.detection.homes import RecordingError
from benchmarks.detection.lives import FIRST_DAY
from benchmarks.detection.recording import Recording, Sensor, Utterance
from benchmarks.detection.watch import installed, said
from devices.observation import Property

FELT = 0.8
MISTAKEN = 0.1
STILL_RULE = "fall-no-movement"


class Trial(msgspec.Struct, frozen=True):
    subject: int
    fall: bool
    activity: str


class Falls(msgspec.Struct, frozen=True):
    """Of trials of one sort: how many a device called a fall, raised an alert of priority 1, and rang again since nothing moved after."""

    sort: str
    trials: int
    felt: int
    raised: int
    still: int
    later: int
    """Without the device's word: found by inactivity."""


def falls(folder: Path, ruleset: Ruleset) -> list[Falls]:
    trials = _trials(folder)
    chance = Random(1)
    return [
        _sort("falls", [trial for trial in trials if trial.fall], ruleset, chance),
        _sort("daily activities", [trial for trial in trials if not trial.fall], ruleset, chance),
    ]


def _sort(sort: str, trials: list[Trial], ruleset: Ruleset, chance: Random) -> Falls:
    felt = raised = still = later = 0
    for trial in trials:
        feels = chance.random() < (FELT if trial.fall else MISTAKEN)
        categories, rang_again = _played(trial, ruleset, chance, feels=feels)
        felt += feels
        raised += Category.FALL in categories
        still += rang_again
        later += Category.INACTIVITY in categories
    return Falls(sort, len(trials), felt, raised, still, later)


def _played(trial: Trial, ruleset: Ruleset, chance: Random, *, feels: bool) -> tuple[set[Category], bool]:
    """The alerts that stand after eight hours, and whether it rang again for want of movement."""
    at = FIRST_DAY + timedelta(hours=chance.uniform(8, 18))
    told = [*_moves(at - timedelta(hours=1), at, chance)]
    if feels:
        told.append(Utterance(at, "watch", Property.FALL, value=True))
    if not trial.fall:
        told += _moves(at + timedelta(minutes=chance.uniform(0.5, 8)), at + timedelta(hours=8), chance)
    sensors = (
        Sensor("motion-living", "living", (Property.OCCUPANCY,)), Sensor("motion-kitchen", "kitchen", (Property.OCCUPANCY,)),
        Sensor("watch", "", (Property.FALL,)),
    )  # fmt: skip
    recording = Recording(trial.activity, sensors, tuple(sorted(told)))
    engine = installed(recording, ruleset)
    facts = [fact for number, one in enumerate(recording.told) for fact in engine.handle(said(one, number), one.at)]
    facts += engine.advance(at + timedelta(hours=8))
    rang = any(isinstance(fact, AlertWorsened) and fact.key == STILL_RULE for fact in facts)
    return {fact.category for fact in facts if isinstance(fact, AlertRaised)}, rang


def _moves(since: datetime, until: datetime, chance: Random) -> list[Utterance]:
    told: list[Utterance] = []
    while since < until:
        sensor = chance.choice(("motion-living", "motion-kitchen"))
        told.append(Utterance(since, sensor, Property.OCCUPANCY, value=True))
        told.append(Utterance(since + timedelta(seconds=60), sensor, Property.OCCUPANCY, value=False))
        since += timedelta(minutes=chance.uniform(2, 12))
    return [one for one in told if one.at <= until]


def _trials(folder: Path) -> list[Trial]:
    trials: list[Trial] = []
    for path in sorted(folder.glob("*.jsonl*")):
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
            trials += (msgspec.json.decode(line, type=Trial) for line in lines if line.strip())
    if not trials:
        raise RecordingError(f"{folder}: no trials (*.jsonl, *.jsonl.gz)")
    return trials
