"""Figures of detection: what was watched, what was raised, how soon a stillness was noticed."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from random import Random

import msgspec

from alerting.rules import Ruleset
from alerting.terms import Category
from benchmarks.detection.bounds import upper, verdict
from benchmarks.detection.homes import CHINA
from benchmarks.detection.recording import Recording
from benchmarks.detection.watch import Found, Watched, watched
from benchmarks.markdown import table

HOUR = timedelta(hours=1)
DAY_HOURS = range(7, 22)
"""By the clock on the wall."""
AWAY = frozenset({"Leaving", "out"})
ASLEEP = frozenset({"Sleeping", "asleep"})
FIRST_CUT = 0.25
"""Days behind the beginning."""


class Quiet(msgspec.Struct, frozen=True):
    """Alerts of the rule `inactivity` in so many days; delays in hours, in the order of the cuts."""

    name: str
    days: float
    inactivity: int
    others: int
    """Of other rules of the category: routine, a bed left at night."""
    learning: int
    """Of the inactivity alerts, those of the first seven days."""
    day: tuple[float, ...]
    day_at_home: tuple[float, ...]
    """Cut while the person was at home and awake, by what was written down."""
    night: tuple[float, ...]
    never: int

    @property
    def rate(self) -> float:
        return self.inactivity / self.days


def quiet(recording: Recording, ruleset: Ruleset, cuts: int) -> Quiet:
    """A recording with so many cuts at moments drawn by its name."""
    chance = Random(recording.name)
    moments = [recording.begins + timedelta(days=chance.uniform(FIRST_CUT, recording.days)) for _ in range(cuts)]
    return counted(watched(recording, ruleset, moments))


def counted(seen: Watched) -> Quiet:
    recording = seen.recording
    inactivity = [alarm for alarm in seen.alarms if alarm.rule == "inactivity"]
    others = sum(alarm.category is Category.INACTIVITY for alarm in seen.alarms) - len(inactivity)
    return Quiet(
        recording.name, recording.days, len(inactivity), others,
        sum(alarm.at - recording.begins < timedelta(days=7) for alarm in inactivity),
        _hours(found for found in seen.found if _by_day(found.cut)),
        _hours(found for found in seen.found if _by_day(found.cut) and recording.doing(found.cut) not in AWAY | ASLEEP),
        _hours(found for found in seen.found if not _by_day(found.cut)),
        sum(found.after is None for found in seen.found),
    )  # fmt: skip


def together(name: str, figures: Sequence[Quiet]) -> Quiet:
    return Quiet(
        name, sum(f.days for f in figures), sum(f.inactivity for f in figures), sum(f.others for f in figures),
        sum(f.learning for f in figures), tuple(h for f in figures for h in f.day), tuple(h for f in figures for h in f.day_at_home),
        tuple(h for f in figures for h in f.night), sum(f.never for f in figures),
    )  # fmt: skip


def rendered(figures: Sequence[Quiet]) -> str:
    head = (
        "", "days", "inactivity alerts", "a day", "95 % at most", "≤ 0.05", "of routine, of a bed left",
        "found by day, h", "awake at home, h", "by night, h", "never",
    )  # fmt: skip
    return table(head, [_row(one) for one in figures])


def _row(one: Quiet) -> list[str]:
    within = f"{one.inactivity} ({one.learning} in the first week)" if one.learning else f"{one.inactivity}"
    return [
        one.name, f"{one.days:.1f}", within, f"{one.rate:.3f}", f"{upper(one.inactivity, one.days):.3f}",
        verdict(one.inactivity, one.days), str(one.others), _mean(one.day), _mean(one.day_at_home), _mean(one.night), str(one.never),
    ]  # fmt: skip


def _mean(hours: Sequence[float]) -> str:
    return f"{sum(hours) / len(hours):.2f} ({len(hours)})" if hours else "-"


def _hours(found: Iterable[Found]) -> tuple[float, ...]:
    return tuple(one.after / HOUR for one in found if one.after is not None)


def _by_day(at: datetime) -> bool:
    return (at + CHINA).hour in DAY_HOURS

