"""What came of what was planted, and what came of nothing."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from alerting.terms import Category
from benchmarks.county.emergencies import Emergency
from benchmarks.county.judged import PILLS, Alarm
from benchmarks.county.plants import AFTERMATH_S, Planted
from simulator.clock import DAY_S

CLOCKS_S = 5.0
"""So far a quartz may be off within a month: a call may be dated a little before it happened."""
TECHNICAL_AFTER_S = 2 * DAY_S
"""A cell that is low and a hub that fell silent stay so until somebody comes."""


class Outcome(msgspec.Struct, frozen=True):
    """Of one emergency: how long it took to be found, None if it never was, and by which rule."""

    kind: str
    home: str
    variant: str
    floor: bool
    within_s: float
    delay_s: float | None
    rule: str = ""

    @property
    def late(self) -> bool:
        return self.delay_s is not None and self.delay_s > self.within_s


class Score(msgspec.Struct):
    """Of some homes over some days. `seconds`: of a processor.

    `false`: alerts that nothing planted explains, by rule; `technical`: the same of the kit's own.
    """

    homes: int = 0
    days: int = 0
    reports: int = 0
    seconds: float = 0.0
    outcomes: list[Outcome] = []
    false: Counter[str] = msgspec.field(default_factory=Counter)
    technical: Counter[str] = msgspec.field(default_factory=Counter)
    explained: Counter[str] = msgspec.field(default_factory=Counter)

    def join(self, other: "Score") -> None:
        self.homes += other.homes
        self.reports += other.reports
        self.outcomes += other.outcomes
        self.false += other.false
        self.technical += other.technical
        self.explained += other.explained
        self.days, self.seconds = other.days, self.seconds + other.seconds


def scored(planted: Iterable[Planted], lapses: set[tuple[str, int]], alarms: list[Alarm]) -> Score:
    """Every emergency against the alerts of its home; every alert against what was planted there."""
    score = Score()
    by_home: dict[str, list[Planted]] = {}
    for one in planted:
        by_home.setdefault(one.home, []).append(one)
    heard: dict[str, list[Alarm]] = {}
    for alarm in alarms:
        heard.setdefault(alarm.home, []).append(alarm)
    for home, some in by_home.items():
        for one in some:
            if one.emergency is not None:
                score.outcomes.append(_outcome(one, one.emergency, heard.get(home, [])))
    for alarm in alarms:
        explained = _lapse(alarm, lapses) or any(_explains(one, alarm) for one in by_home.get(alarm.home, ())) or not alarm.home
        into = score.explained if explained else score.technical if alarm.category is Category.TECHNICAL else score.false
        into[alarm.rule] += 1
    return score


def _outcome(one: Planted, emergency: Emergency, alarms: list[Alarm]) -> Outcome:
    until = one.at + emergency.until.total_seconds()
    first = next((a for a in alarms if a.category in emergency.answered_by and one.at - CLOCKS_S <= a.second <= until), None)
    delay = None if first is None else max(first.second - one.at, 0.0)
    within_s = emergency.within.total_seconds()
    return Outcome(one.what, one.home, one.variant, emergency.floor, within_s, delay, "" if first is None else first.rule)


def _explains(one: Planted, alarm: Alarm) -> bool:
    if one.emergency is None:
        return alarm.category is Category.TECHNICAL and one.at <= alarm.second <= one.ends + TECHNICAL_AFTER_S
    if not one.at - CLOCKS_S <= alarm.second <= one.ends + AFTERMATH_S:
        return False
    return alarm.category in one.emergency.answered_by or alarm.category in one.emergency.besides


def _lapse(alarm: Alarm, lapses: set[tuple[str, int]]) -> bool:
    """He really had forgotten the pills."""
    return alarm.rule == PILLS and (alarm.home, int(alarm.second // DAY_S)) in lapses
