"""What is wrong with a rule's schedule, with what it lets homes set, and with the kinds of daily life, one line each."""

import math
from collections.abc import Iterator
from datetime import timedelta

from alerting.bounds import not_under_nothing, positive, spans
from alerting.home_rules import Absence, BedLeft, Change, Count, Geofence, MeterUse, Missed, News2
from alerting.parameters import rule_value
from alerting.rules import LowBattery, Rule, Silence, Threshold
from alerting.schedule import ALWAYS, minutes_of, parse
from alerting.suppression import under_floor
from devices.observation import BOOLEANS, Property

COUNTERS = frozenset({Property.WATER_USED, Property.ENERGY_USED})

ADJUSTABLE: dict[type[Rule], frozenset[str]] = {
    Threshold: frozenset({"at_most", "at_least"}),
    LowBattery: frozenset({"at_most"}),
    Absence: frozenset({"for"}),
    Count: frozenset({"times"}),
    Change: frozenset({"rises", "falls"}),
    News2: frozenset({"at_least", "spo2_scale", "oxygen"}),
    Geofence: frozenset({"radius_m", "jitter_m", "for"}),
    MeterUse: frozenset({"at_most", "at_least", "within"}),
    Missed: frozenset({"times", "early", "grace"}),
    BedLeft: frozenset({"lain", "for"}),
}
"""What rules of a kind may let homes set. A limit takes its `clear` along."""


def schedule_problems(rule: Rule) -> Iterator[str]:
    try:
        schedule = parse(rule.hours, rule.weekdays, rule.season, rule.modes)
    except ValueError as problem:
        yield str(problem)
        return
    if under_floor(rule.category) and schedule != ALWAYS:
        yield "hours, weekdays, season or modes under the safety floor, which holds at every hour in every home"
    if isinstance(rule, Silence) and schedule != ALWAYS:
        yield "hours, weekdays, season or modes: the silence of a device counts at all times"


def adjustable_problems(rule: Rule) -> Iterator[str]:
    """Bounds of the kind that the field is, around what the rule itself says."""
    if rule.adjustable and under_floor(rule.category):
        yield "adjustable under the safety floor, which is the same in every home"
    may = {name for name in ADJUSTABLE.get(type(rule), frozenset()) if rule_value(rule, name) is not None}
    for name, (least, most) in rule.adjustable.items():
        value = rule_value(rule, name) if name in may else None
        if isinstance(value, tuple):
            yield from (f"adjustable: {problem}" for problem in _clock_bounds(name, value, least, most))
        elif value is None:
            yield f"adjustable: {name} is not a home's to set; of this rule {', '.join(sorted(may)) or 'nothing'} is"
        elif isinstance(least, str) or isinstance(most, str) or not math.isfinite(least) or not least <= value <= most:
            yield f"adjustable: {name} is {value:g} (a span in minutes), which does not lie between {least} and {most}"


def daily_problems(rule: Geofence | MeterUse | Missed | BedLeft) -> Iterator[str]:
    match rule:
        case Geofence():
            yield from positive(**{"for": rule.hold})
            yield from not_under_nothing(radius_m=rule.radius_m, jitter_m=rule.jitter_m)
        case MeterUse():
            yield from positive(within=rule.within)
            yield from _meter(rule)
        case Missed():
            yield from spans(early=rule.early, grace=rule.grace)
            if rule.kept not in BOOLEANS:
                yield f"{rule.kept.value} is a number, and what is missed is a boolean"
            if rule.early < timedelta(0) or rule.grace < timedelta(0):
                yield "early or grace is negative"
            yield from _times(rule.times)
        case BedLeft():
            yield from positive(**{"for": rule.hold, "lain": rule.lain})


def _meter(rule: MeterUse) -> Iterator[str]:
    yield from not_under_nothing(at_most=rule.at_most, at_least=rule.at_least, leap=rule.leap)
    if rule.counter not in COUNTERS:
        yield f"{rule.counter.value} is no counter of a meter; {', '.join(sorted(COUNTERS))} are"
    if (rule.at_least is None) == (rule.at_most is None):
        yield "needs either at_least or at_most"


def _times(times: tuple[str, ...]) -> Iterator[str]:
    try:
        for clock in times:
            minutes_of(clock)
    except ValueError as problem:
        yield f"times: {problem}"


def _clock_bounds(name: str, value: tuple[str, ...], least: float | str, most: float | str) -> Iterator[str]:
    try:
        earliest, latest = minutes_of(str(least)), minutes_of(str(most))
        if not all(earliest <= minutes_of(text) <= latest for text in value) or earliest >= latest:
            yield f"{name} does not lie between {least} and {most}"
    except ValueError as problem:
        yield f"{name}: {problem}"
