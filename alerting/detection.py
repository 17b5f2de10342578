"""Rules x observations: what a report shows of the things that rules watch, and the memory that this needs.

`hear` is the hot path: two thousand reports a second pass here, nearly all of which show nothing.

What counts as what:

- A report whose id was heard before is the same report, delivered again. A number said again for the same moment is the same reading.
- An EVENT always counts. A STATE that is true counts, as new or as said again. A CACHED one counts only when it changed; the first one
  ever, if true, is a change, for a hub's cache may be all that is left of the call.
- What a device observed before the newest it said is late. A late call or hazard still counts, and is normal again at once if the newer
  word was so; other late words change nothing. A device's clock that runs ahead orders by its receipt.
- `test` in the same report excuses fire, gas and water: a self-test, for `TEST_LIMIT` at most, so that a detector stuck in its test
  hides no fire. It excuses no call for help and no fall.
"""

from datetime import datetime, timedelta
from enum import Enum

import msgspec

from alerting.facts import Evidence
from alerting.home_state import CALLS_REMEMBERED, READINGS_REMEMBERED, Beyond, DeviceState, Last
from alerting.identity import short_hash
from alerting.rules import LowBattery, Rule, Ruleset, Silence, Threshold, Trigger
from alerting.terms import Category
from devices.catalog import Kind, Model
from devices.home import DeviceId, ModelId
from devices.observation import CALLS, URGENT, Manner, Observation, Property, Report

CALL_MEMORY = timedelta(days=30)
TEST_LIMIT = timedelta(minutes=5)
EXCUSED_BY_TEST = frozenset({Category.FIRE, Category.GAS, Category.WATER})


class Shown(Enum):
    NEW = "new"
    """It was not so before, or it is an event."""
    STILL = "still"
    """It was so before, and is said again."""
    PENDING = "pending"
    """Past a limit, and must stay so for a while first."""
    NORMAL = "normal"
    CANCELLED = "cancelled"
    """A call is taken back."""


class Sign(msgspec.Struct, frozen=True):
    """One thing that a report shows under one rule; CANCELLED has none."""

    shown: Shown
    rule: Rule | None
    observation: Observation


class Flag(msgspec.Struct, frozen=True):
    """A boolean that a rule watches."""

    rule: Trigger | LowBattery


class Limit(msgspec.Struct, frozen=True):
    """A number that a rule watches. `up`: too much is bad."""

    rule: Threshold | LowBattery
    up: bool
    limit: float
    clear: float
    hold: timedelta


Watcher = Flag | Limit


class Index:
    """A ruleset, arranged for looking up."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self.models: dict[ModelId, Model] = {model.id: model for model in ruleset.models}
        self.rules: dict[str, Rule] = {rule.id: rule for rule in ruleset.rules}
        self.silences = tuple(rule for rule in ruleset.rules if isinstance(rule, Silence))
        watchers: dict[Property, tuple[Watcher, ...]] = {Property.BATTERY: (), Property.CANCEL: ()}
        for rule in ruleset.rules:
            for property_, watcher in _watchers(rule):
                watchers[property_] = (*watchers.get(property_, ()), watcher)
        self.watchers = watchers
        self.limits: dict[str, tuple[Property, Limit]] = {
            w.rule.id: (p, w) for p, ws in watchers.items() for w in ws if isinstance(w, Limit)
        }

    def kind(self, model: ModelId) -> Kind:
        known = self.models.get(model)
        return known.kind if known else Kind.OTHER

    def silence(self, model: ModelId) -> Silence | None:
        kind = self.kind(model)
        return next((rule for rule in self.silences if not rule.kinds or kind in rule.kinds), None)


def _watchers(rule: Rule) -> list[tuple[Property, Watcher]]:
    match rule:
        case Trigger():
            return [(p, Flag(rule)) for p in rule.properties]
        case Threshold(at_least=None, at_most=limit) if limit is not None:
            return [(rule.property, Limit(rule, up=False, limit=limit, clear=rule.clear, hold=rule.hold))]
        case Threshold(at_least=limit) if limit is not None:
            return [(rule.property, Limit(rule, up=True, limit=limit, clear=rule.clear, hold=rule.hold))]
        case LowBattery():
            low = Limit(rule, up=False, limit=rule.at_most, clear=rule.clear, hold=timedelta(0))
            return [(Property.BATTERY_LOW, Flag(rule)), (Property.BATTERY, low)]
        case _:
            return []


def hear(device: DeviceState, report: Report, raw: bytes, index: Index) -> list[Sign] | None:
    """What a report shows, its memory brought up to date; None when it was heard before, and then nothing has changed.

    `raw` is kept as evidence while a limit waits out its `for`.
    """
    digest = short_hash(report.id)
    if digest in device.calls or ((at := device.readings.find(digest)) >= 0 and (at % 8 == 0 or _aligned(device.readings, digest))):
        return None
    urgent = testing = False
    for observation in report.observations:
        if observation.value is True:
            property_ = observation.property
            urgent = urgent or property_ in URGENT
            testing = testing or property_ is Property.TEST
    if urgent:
        _remember_call(device, digest, report.received_at)
    else:
        device.readings = digest + device.readings[: 8 * (READINGS_REMEMBERED - 1)]
    last = device.last
    if testing or Property.TEST in last:
        testing = _self_test(device, report, testing=testing)

    signs: list[Sign] = []
    watchers = index.watchers
    order = report.observed_at
    order = min(order, report.received_at)
    for observation in report.observations:
        property_, value = observation.property, observation.value
        watching = watchers.get(property_)
        if watching is None or (testing and any(w.rule.category in EXCUSED_BY_TEST for w in watching)):
            continue
        if value is False:
            known = last.get(property_)
            if known is None:
                if watching:
                    last[property_] = Last(value, order)
            elif order >= known.at:
                if known.value and property_ not in CALLS:
                    signs += (Sign(Shown.NORMAL, w.rule, observation) for w in watching)
                known.value, known.at = value, order
        elif value is True:
            if property_ is Property.CANCEL:
                signs.append(Sign(Shown.CANCELLED, None, observation))
            elif watching:
                shown = _shown(device, observation, order)
                signs += (Sign(s, w.rule, observation) for s in shown for w in watching)
        else:
            if property_ is Property.BATTERY:
                device.battery = value
            if watching and _fresh(last, observation, order):
                for w in watching:
                    if isinstance(w, Limit) and (sign := _measure(device, report, observation, raw, w)) is not None:
                        signs.append(sign)
    return signs


def evidence(device: DeviceId, report: Report, observation: Observation, raw: bytes) -> Evidence:
    return Evidence(device, report.id, report.observed_at, report.received_at, observation, report.clock_suspect, raw)


def asserted(device: DeviceState, property_: Property, matter_rules: frozenset[str], index: Index) -> bool:
    """Whether, by the newest word of the device, this property still speaks for an alert of these rules."""
    last = device.last.get(property_)
    if last is not None and isinstance(last.value, bool):
        return last.value
    return any(rule in matter_rules and index.limits.get(rule, (None,))[0] is property_ for rule in device.beyond)


def _aligned(readings: bytes, digest: bytes) -> bool:
    return any(readings[i : i + 8] == digest for i in range(0, len(readings), 8))


def _remember_call(device: DeviceState, digest: bytes, at: datetime) -> None:
    calls = device.calls
    calls[digest] = at
    while calls:
        oldest = next(iter(calls))
        if len(calls) <= CALLS_REMEMBERED and calls[oldest] > at - CALL_MEMORY:
            break
        del calls[oldest]


def _self_test(device: DeviceState, report: Report, *, testing: bool) -> bool:
    """Whether this report is of a self-test that has not gone on for too long; a report without `test` ends it."""
    if not testing:
        device.last.pop(Property.TEST, None)
        return False
    begun = device.last.setdefault(Property.TEST, Last(value=True, at=report.received_at))
    return report.received_at - begun.at <= TEST_LIMIT


def _shown(device: DeviceState, observation: Observation, order: datetime) -> tuple[Shown, ...]:
    """What a boolean that is true shows."""
    property_ = observation.property
    if observation.manner is Manner.EVENT:
        return (Shown.NEW,)
    last = device.last.get(property_)
    if last is None:
        device.last[property_] = Last(value=True, at=order)
        return (Shown.NEW,)
    if order < last.at:  # late
        if last.value or property_ not in URGENT:
            return ()
        return (Shown.NEW,) if property_ in CALLS else (Shown.NEW, Shown.NORMAL)
    was, last.value, last.at = last.value, True, order
    if not was:
        return (Shown.NEW,)
    return (Shown.STILL,) if observation.manner is Manner.STATE else ()


def _fresh(memory: dict[Property, Last], observation: Observation, order: datetime) -> bool:
    """Whether a number is neither late nor the same reading once more; remembers it."""
    last = memory.get(observation.property)
    if last is None:
        memory[observation.property] = Last(observation.value, order)
        return True
    if order <= last.at and (order < last.at or last.value == observation.value):
        return False
    last.value, last.at = observation.value, order
    return True


def _measure(device: DeviceState, report: Report, observation: Observation, raw: bytes, watcher: Limit) -> Sign | None:
    """What a number shows under one limit."""
    rule, value = watcher.rule, observation.value
    if value >= watcher.limit if watcher.up else value <= watcher.limit:
        beyond = device.beyond.get(rule.id)
        if beyond is None:
            first = evidence(device.record.id, report, observation, raw) if watcher.hold else None
            device.beyond[rule.id] = Beyond(report.received_at, first)
            return Sign(Shown.PENDING if watcher.hold else Shown.NEW, rule, observation)
        if beyond.since + watcher.hold > report.received_at:
            beyond.evidence = evidence(device.record.id, report, observation, raw)
            return None
        beyond.evidence = None
        return Sign(Shown.STILL, rule, observation)
    if device.beyond and rule.id in device.beyond and (value <= watcher.clear if watcher.up else value >= watcher.clear):
        del device.beyond[rule.id]
        return Sign(Shown.NORMAL, rule, observation)
    return None
