"""Rules x observations: what a report shows of the things that rules watch, and the memory that this needs.

`hear` is the hot path: two thousand reports a second pass here, nearly all of which show nothing.

What counts as what:

- A report whose id was heard before is the same report, delivered again. A number said again for the same moment is the same reading.
- An EVENT always counts. A STATE that is true counts, as new or as said again. A CACHED one counts only when it changed; the first one
  ever, if true, is a change, for a hub's cache may be all that is left of the call.
- A call that a button never takes back is said by its hub with every message. Said in a message that only the button's own can have caused,
  and that is no repetition of the one before, it was pressed again (`pressing`).
- What a device observed before the newest it said is late. A late call or hazard still counts, and is normal again at once if the newer
  word was so; other late words change nothing. A device's clock that runs ahead orders by its receipt.
- `test` in the same report excuses fire, gas and water: a self-test, for `TEST_LIMIT` at most, so that a detector stuck in its test
  hides no fire. It excuses no call for help and no fall.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta, timezone
from enum import Enum
from math import inf
from operator import itemgetter

import msgspec
from msgspec.structs import replace

from alerting import parameters
from alerting.escalation import policy_for
from alerting.home_rules import Combination, HomeRule
from alerting.home_state import CALLS_REMEMBERED, READINGS_REMEMBERED, Beyond, DeviceState, Last
from alerting.identity import short_hash
from alerting.parameters import OwnNumbers
from alerting.policy import Policy
from alerting.pressing import pressed_again
from alerting.rule_head import RuleHead
from alerting.rules import LowBattery, Rule, Ruleset, Silence, Threshold, Trigger
from alerting.schedule import ALWAYS, Schedule, parse
from alerting.terms import Category, Evidence, Value
from devices.catalog import Kind, Model
from devices.home import AreaId, DeviceId, ModelId
from devices.observation import CALLS, URGENT, Manner, Observation, Property, Report

CALL_MEMORY = timedelta(days=30)
TEST_LIMIT = timedelta(minutes=5)
BACKLOG_PATIENCE = timedelta(minutes=5)
EXCUSED_BY_TEST = frozenset({Category.FIRE, Category.GAS, Category.WATER})

_BATTERY, _CANCEL, _TEST = Property.BATTERY, Property.CANCEL, Property.TEST
"""Named here, for a member of an enumeration is slow to find, and these are asked for with every observation."""


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

    def past(self, value: float) -> bool:
        """Of what was noted before a limit changed: whether it is past this one too."""
        return value >= self.limit if self.up else value <= self.limit

    def of(self, own: Mapping[str, OwnNumbers]) -> "Limit":
        """As it is in a home that may have numbers of its own."""
        if self.rule.id not in own:
            return self
        value = parameters.number(self.rule, "at_least" if self.up else "at_most", own)
        return self if value is None else replace(self, limit=value, clear=self.clear + value - self.limit)


Own = Mapping[str, OwnNumbers]
NO_NUMBERS: Own = {}

Watcher = Flag | Limit
Watched = tuple[HomeRule, bool]


class Sharing(msgspec.Struct, frozen=True):
    """Rules that watch a property, with whether each looks at devices by themselves: those that keep together what they see alike."""

    shares: str
    """Under which name; empty for rules that share nothing."""
    rules: tuple[Watched, ...]


class Watch(msgspec.Struct, frozen=True):
    """Who looks at a property by itself. Between `lowest` and `highest`, both excluded, a number is past no limit."""

    watchers: tuple[Watcher, ...]
    lowest: float
    highest: float
    excused: bool
    """By a self-test."""


class Index:
    """A ruleset, arranged for looking up. `since`: the moment from which it held, where there is one."""

    def __init__(
        self, ruleset: Ruleset, since: datetime | None = None, above: Callable[[AreaId], tuple[AreaId, ...]] = lambda area: (area,),
    ) -> None:  # fmt: skip
        self.ruleset = ruleset
        self.since = since
        self.utc_offset = timedelta(minutes=ruleset.utc_offset_minutes)
        self.zone = timezone(self.utc_offset)
        self._above = above
        self.models: dict[ModelId, Model] = {model.id: model for model in ruleset.models}
        self.rules: dict[str, Rule] = {rule.id: rule for rule in ruleset.rules}
        self.schedules: dict[str, Schedule] = {
            rule.id: schedule
            for rule in ruleset.rules
            if (schedule := parse(rule.hours, rule.weekdays, rule.season, rule.modes)) != ALWAYS
        }
        """Of the rules that do not always count."""
        self.silences = tuple(rule for rule in ruleset.rules if isinstance(rule, Silence))
        self.home_rules = tuple(rule for rule in ruleset.rules if isinstance(rule, HomeRule))
        watching = [rule for rule in self.home_rules if not rule.at_once]
        self.watched = _by_property((rule, rule.watches) for rule in watching)
        """The rules that watch homes, by what they must see."""
        self.watched_false = _by_property((rule, rule.watches - rule.only_true) for rule in watching)
        """Of these, those that must also see that it is false."""
        self.at_once = _by_property((rule, rule.watches) for rule in self.home_rules if rule.at_once)
        """The rules that look at all of a report at once; those that watch any property of a group watch all of it."""
        self.concerned = frozenset(self.watched | self.at_once)
        """All that any of them watches."""
        self.combinations: dict[str, tuple[Combination, ...]] = {
            id_: tuple(c for c in self.home_rules if isinstance(c, Combination) and id_ in c.follows) for id_ in self.rules
        }
        """By the rules that they are made of."""
        watchers: dict[Property, tuple[Watcher, ...]] = {Property.BATTERY: (), Property.CANCEL: ()}
        for rule in ruleset.rules:
            for property_, watcher in _watchers(rule):
                watchers[property_] = (*watchers.get(property_, ()), watcher)
        self.watchers = watchers
        self.watches = {p: _watch(ws) for p, ws in watchers.items()}
        self.limits = {w.rule.id: (p, w) for p, ws in watchers.items() for w in ws if isinstance(w, Limit)}
        self.shared: dict[str, str] = {rule.id: rule.shares for rule in self.home_rules if rule.shares}
        """By rule, the name of what it keeps together with others."""
        self._values: dict[tuple[str, str], Value | None] = {}
        self._spans: dict[tuple[str, str], timedelta] = {}

    def policy(self, area: AreaId, category: Category, policy: str = "") -> Policy:
        """The one that holds in an area: by its name, else for the category."""
        return policy_for(self.ruleset, category, policy, self._above(area))

    def kind(self, model: ModelId) -> Kind:
        known = self.models.get(model)
        return known.kind if known else Kind.OTHER

    def value(self, rule: RuleHead, name: str) -> Value | None:
        """`parameters.rule_value`, found once: it is asked for with every report."""
        asked = rule.id, name
        if asked not in self._values:
            self._values[asked] = parameters.rule_value(rule, name)
        return self._values[asked]

    def span(self, rule: RuleHead, name: str) -> timedelta:
        """The same of a span of time."""
        found = self._spans.get((rule.id, name))
        if found is None:
            minutes = self.value(rule, name)
            assert isinstance(minutes, float)
            found = self._spans[rule.id, name] = timedelta(minutes=minutes)
        return found

    def silence(self, model: ModelId) -> Silence | None:
        kind = self.kind(model)
        return next((rule for rule in self.silences if not rule.kinds or kind in rule.kinds), None)


def _by_property(watched: Iterable[tuple[HomeRule, frozenset[Property]]]) -> dict[Property, tuple[Sharing, ...]]:
    """Those that share come together, in the order of the first of them; among them, those that look at the home as a whole first."""
    groups: dict[Property, dict[str, list[Watched]]] = {}
    for rule, properties in watched:
        for property_ in properties:
            groups.setdefault(property_, {}).setdefault(rule.shares, []).append((rule, rule.by_device))
    return {
        property_: tuple(Sharing(shares, tuple(sorted(rules, key=itemgetter(1)) if shares else rules)) for shares, rules in by.items())
        for property_, by in groups.items()
    }


def _watch(watchers: tuple[Watcher, ...]) -> Watch:
    limits = [w for w in watchers if isinstance(w, Limit)]
    lowest = max((w.limit for w in limits if not w.up), default=-inf)
    highest = min((w.limit for w in limits if w.up), default=inf)
    return Watch(watchers, lowest, highest, any(w.rule.category in EXCUSED_BY_TEST for w in watchers))


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


def affirmed(report: Report) -> tuple[Observation, ...]:
    """What a report says yes to. Nearly all say it to nothing, and are then asked nothing more about it."""
    for observation in report.observations:
        if observation.value is True:
            return tuple(each for each in report.observations if each.value is True)
    return ()


def hear(
    device: DeviceState, report: Report, yes: tuple[Observation, ...], raw: bytes, index: Index, *, own: Own = NO_NUMBERS,
) -> list[Sign] | None:  # fmt: skip
    """What a report shows, its memory brought up to date; None when it was heard before, and then nothing has changed.

    `yes`: what it affirms. `raw` is kept as evidence while a limit waits out its `for`; `own`: the home's own numbers.
    """
    digest = short_hash(report.id)
    readings = device.readings
    if (device.calls and digest in device.calls) or ((at := readings.find(digest)) >= 0 and (at % 8 == 0 or _aligned(readings, digest))):
        return None
    urgent = testing = False
    for observation in yes:
        property_ = observation.property
        urgent = urgent or property_ in URGENT
        testing = testing or property_ is _TEST
    if urgent:
        _remember_call(device, digest, report.received_at)
    else:
        device.readings = digest + readings[: 8 * (READINGS_REMEMBERED - 1)]
    last = device.last
    if testing or _TEST in last:
        testing = _self_test(device, report, testing=testing)

    signs: list[Sign] = []
    watches, wary = index.watches, own or device.beyond
    order = report.observed_at
    if order > report.received_at:  # noqa: PLR1730 - `min` costs three times as much
        order = report.received_at
    for observation in report.observations:
        property_ = observation.property
        watch = watches.get(property_)
        if watch is None or (testing and watch.excused):
            continue
        watching, value = watch.watchers, observation.value
        if value is True:
            if property_ is _CANCEL:
                signs.append(Sign(Shown.CANCELLED, None, observation))
            elif watching:
                shown = _shown(device, report, observation, order)
                signs += (Sign(s, w.rule, observation) for s in shown for w in watching)
            continue
        known = last.get(property_)
        if value is False:
            if known is None:
                if watching:
                    last[property_] = Last(value, order)
            elif order >= known.at:
                if known.value and property_ not in CALLS:
                    signs += (Sign(Shown.NORMAL, w.rule, observation) for w in watching)
                known.value, known.at = value, order
            continue
        if property_ is _BATTERY:
            device.battery = value
        if not watching:
            continue
        if known is None:
            last[property_] = Last(value, order)
        elif order > known.at or (order == known.at and value != known.value):
            known.value, known.at = value, order
        else:  # late, or the same reading once more
            continue
        if watch.lowest < value < watch.highest and not wary:
            continue
        for w in watching:
            if isinstance(w, Limit) and (sign := _measure(device, report, observation, raw, w.of(own) if own else w)) is not None:
                signs.append(sign)
        wary = own or device.beyond
    return signs


def evidence(device: DeviceId, report: Report, observation: Observation, raw: bytes) -> Evidence:
    return Evidence(device, report.id, report.observed_at, report.received_at, observation, report.clock_suspect, raw)


def asserted(device: DeviceState, property_: Property, matter_rules: frozenset[str], index: Index) -> bool:
    """Whether, by the newest word of the device, this property still speaks for an alert of these rules."""
    last = device.last.get(property_)
    if last is not None and isinstance(last.value, bool):
        return last.value
    return any(rule in matter_rules and index.limits.get(rule, (None,))[0] is property_ for rule in device.beyond or ())


def _aligned(readings: bytes, digest: bytes) -> bool:
    return any(readings[i : i + 8] == digest for i in range(0, len(readings), 8))


def _remember_call(device: DeviceState, digest: bytes, at: datetime) -> None:
    calls = device.calls = device.calls if device.calls is not None else {}
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


def _shown(device: DeviceState, report: Report, observation: Observation, order: datetime) -> tuple[Shown, ...]:
    """What a boolean that is true shows."""
    property_ = observation.property
    if observation.manner is Manner.EVENT:
        return (Shown.NEW,)
    last = device.last.get(property_)
    again = observation.manner is Manner.CACHED and property_ in CALLS and pressed_again(device, report, last, order)
    if last is None:
        device.last[property_] = Last(value=True, at=order)
        return (Shown.NEW,)
    if order < last.at:  # late
        if last.value or property_ not in URGENT:
            return ()
        return (Shown.NEW,) if property_ in CALLS else (Shown.NEW, Shown.NORMAL)
    was, last.value, last.at = last.value, True, order
    if not was or again:
        return (Shown.NEW,)
    return (Shown.STILL,) if observation.manner is Manner.STATE else ()


def _hold(beyond: Beyond, hold: timedelta, received_at: datetime) -> bool:
    """Set the end of a `for`; whether it has moved. What came so late that it would be over has a backlog behind it, which may
    contradict; so it is given its time, though never more than if the reading had been made when it came.
    """
    before, over = beyond.until, beyond.since + hold
    if over <= received_at:
        over = received_at + BACKLOG_PATIENCE
    beyond.until = over if beyond.latest is None else min(over, beyond.latest)
    return beyond.until != before


def _measure(device: DeviceState, report: Report, observation: Observation, raw: bytes, watcher: Limit) -> Sign | None:
    """What a number shows under one limit."""
    rule, value = watcher.rule, observation.value
    if value >= watcher.limit if watcher.up else value <= watcher.limit:
        if device.beyond is None:
            device.beyond = {}
        beyond, order = device.beyond.get(rule.id), min(report.observed_at, report.received_at)
        if beyond is None or (beyond.evidence is not None and not watcher.past(beyond.evidence.observation.value)):
            if not watcher.hold:
                device.beyond[rule.id] = Beyond(order, None)
                return Sign(Shown.NEW, rule, observation)
            first = evidence(device.record.id, report, observation, raw)
            beyond = device.beyond[rule.id] = Beyond(order, first, latest=report.received_at + watcher.hold)
            _hold(beyond, watcher.hold, report.received_at)
            return Sign(Shown.PENDING, rule, observation)
        if beyond.evidence is None or beyond.held_until(watcher.hold) <= report.received_at:
            beyond.evidence = None
            return Sign(Shown.STILL, rule, observation)
        if order >= beyond.since + watcher.hold:  # a backlog: by the device's time it has been so for long enough
            beyond.evidence = None
            return Sign(Shown.NEW, rule, observation)
        beyond.evidence = evidence(device.record.id, report, observation, raw)
        return Sign(Shown.PENDING, rule, observation) if _hold(beyond, watcher.hold, report.received_at) else None
    if device.beyond and rule.id in device.beyond and (value <= watcher.clear if watcher.up else value >= watcher.clear):
        del device.beyond[rule.id]
        return Sign(Shown.NORMAL, rule, observation)
    return None
