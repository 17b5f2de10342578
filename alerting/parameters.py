"""A home's own numbers of a rule: which it may set, in what bounds, and what then holds.

A rule names them: `adjustable = {at_most = [80, 95]}`. A span is set in minutes, times of day as a list between two of them. A limit takes
its `clear` along, so that the setback stays the rule's. Bounds that a later ruleset has narrowed hold for what was set before, too.
"""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec

from alerting import wording
from alerting.refusals import IllegalTransition
from alerting.rule_head import RuleHead
from alerting.schedule import minutes_of
from alerting.suppression import under_floor
from alerting.terms import Actor, Sentence, Value

TIMES_MOST = 12


class OwnNumbers(msgspec.Struct, frozen=True, array_like=True):
    """Of one rule in one home, with who set them and why."""

    values: dict[str, Value]
    at: datetime
    by: Actor
    reason: str


def number(rule: RuleHead, name: str, own: Mapping[str, OwnNumbers]) -> float | None:
    """What the home set, within the rule's bounds; None: what the rule says holds."""
    kept = own.get(rule.id)
    value = kept.values.get(name) if kept else None
    bounds = rule.adjustable.get(name)
    if bounds is None or value is None or isinstance(value, tuple) or isinstance(bounds[0], str) or isinstance(bounds[1], str):
        return None
    return min(max(value, bounds[0]), bounds[1])


def span(rule: RuleHead, name: str, own: Mapping[str, OwnNumbers]) -> timedelta | None:
    """The same for a span of time."""
    minutes = number(rule, name, own)
    return None if minutes is None else timedelta(minutes=minutes)


def times(rule: RuleHead, name: str, own: Mapping[str, OwnNumbers]) -> tuple[str, ...] | None:
    """The same for times of day."""
    kept = own.get(rule.id)
    value = kept.values.get(name) if kept else None
    bounds = rule.adjustable.get(name)
    if bounds is None or not isinstance(value, tuple) or not isinstance(bounds[0], str) or not isinstance(bounds[1], str):
        return None
    earliest, latest = minutes_of(bounds[0]), minutes_of(bounds[1])
    return tuple(text for text in value if earliest <= minutes_of(text) <= latest)


def rule_value(rule: RuleHead, name: str) -> Value | None:
    """What the rule itself says, in the unit that a home sets it in; None where it says nothing."""
    field = _field(type(rule), name)
    value: object = getattr(rule, field) if field is not None else None
    if isinstance(value, timedelta):
        return value / timedelta(minutes=1)
    if isinstance(value, tuple):
        return tuple(str(one) for one in value)
    return float(value) if isinstance(value, int | float) else None


@lru_cache(maxsize=1024)
def _field(kind: type[RuleHead], name: str) -> str | None:
    """The attribute behind a name in a rule's file; asked for each report, and slow to find."""
    return next((field.name for field in msgspec.structs.fields(kind) if field.encode_name == name), None)


def own_value(rule: RuleHead, name: str, own: Mapping[str, OwnNumbers]) -> Value | None:
    """What holds in a home that set it; None where it did not."""
    value = number(rule, name, own)
    return times(rule, name, own) if value is None else value


def checked(rule: RuleHead, name: str, value: Value) -> Value:
    """What a home asks for, as it is kept; IllegalTransition says what it may ask for."""
    if under_floor(rule.category):
        raise _refused("求助、火警、燃气和跌倒的规则不能按户调整", "rules of calls, fire, gas and falls are the same in every home")
    bounds = rule.adjustable.get(name)
    if bounds is None:
        raise _refused(
            f"规则 {rule.id} 的 {name[:40]} 不能按户调整；可调整的有：{'、'.join(rule.adjustable) or '无'}",
            f"{name[:40]} of rule {rule.id} is not a home's to set; {', '.join(rule.adjustable) or 'nothing'} is",
        )
    lowest, highest = bounds
    zh, en = f"规则 {rule.id} 的 {name}", f"{name} of rule {rule.id}"
    if isinstance(lowest, str) or isinstance(highest, str):
        if not isinstance(value, tuple):
            raise _refused(f'{zh} 须为时刻列表，如 ["08:00"]', f'{en} is a list of times of day such as ["08:00"]')
        return _times(value, str(lowest), str(highest), zh, en)
    if isinstance(value, tuple) or not math.isfinite(value):
        raise _refused(f"{zh} 须为数字", f"{en} is a number")
    if not lowest <= value <= highest:
        least, most, asked = wording.number(lowest), wording.number(highest), wording.number(value)
        raise _refused(f"{zh} 须在 {least} 与 {most} 之间，不能为 {asked}", f"{en} lies between {least} and {most}; {asked} does not")
    return float(value)


def _times(value: tuple[str, ...], earliest: str, latest: str, zh: str, en: str) -> tuple[str, ...]:
    try:
        minutes = sorted({minutes_of(text) for text in value})
    except ValueError as problem:
        raise _refused(f"{zh}：时刻须写作 08:00", f"{en}: {problem}") from None
    within = all(minutes_of(earliest) <= minute <= minutes_of(latest) for minute in minutes)
    if not within or len(minutes) > TIMES_MOST:
        raise _refused(
            f"{zh} 须在 {earliest} 与 {latest} 之间，最多 {TIMES_MOST} 个",
            f"{en} lie between {earliest} and {latest}, {TIMES_MOST} at most",
        )
    return tuple(f"{minute // 60:02}:{minute % 60:02}" for minute in minutes)


def _refused(zh: str, en: str) -> IllegalTransition:
    return IllegalTransition(Sentence(zh, en))
