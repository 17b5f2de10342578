"""From files to a ruleset: put together, checked as a whole, and given the version that its content has."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from difflib import get_close_matches

import msgspec
from msgspec.structs import replace

from alerting import wording
from alerting.area_rules import AreaOutage
from alerting.bounds import numbers, positive, spans
from alerting.caring.prompt_problems import prompt_problems
from alerting.caring.prompts import PromptFile
from alerting.home_problems import adjustable_problems, daily_problems, schedule_problems
from alerting.home_rules import (
    Absence,
    BedLeft,
    Change,
    Combination,
    Count,
    Geofence,
    HomeRule,
    MeterUse,
    Missed,
    News2,
    Pattern,
    Sequence,
)
from alerting.home_state import FIRINGS_REMEMBERED
from alerting.life_rules import Inactivity, Routine
from alerting.marks import life_problems
from alerting.policy import EscalationFile
from alerting.policy_problems import policy_problems
from alerting.rule_head import Template
from alerting.rules import DispositionFile, LowBattery, Rule, RuleFile, Ruleset, Silence, Threshold, Trigger, Uncertified
from alerting.schedule import minutes_of
from alerting.suppression import under_floor
from alerting.terms import Category, Priority
from alerting.watching.routine import MARKS
from alerting.watching.window import MOST
from devices.catalog import Model
from devices.observation import BOOLEANS, UNITS

ALWAYS = frozenset({"real_emergency", "assistance_given", "false_cooking", "false_device", "false_person", "test"})
"""Dispositions that other people's scripts and reports count on."""

NEWS2_MOST = 20
MOST_TIMES = 1000.0
"""A span or factor past these is a slip of the pen, and the moment it leads to may lie behind the end of the calendar."""


class RulesetError(Exception):
    """The files are each in order, and do not make a ruleset together. `problems` has one line each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


def assemble(
    rules: Iterable[RuleFile], escalation: EscalationFile, dispositions: DispositionFile, models: Iterable[Model],
    *, channels: dict[str, tuple[str, ...]] | None = None, utc_offset_minutes: int = 480,
    uncertified: Uncertified = Uncertified.ALLOW, prompts: PromptFile | None = None,
) -> Ruleset:  # fmt: skip
    """The ruleset of these files, its version a digest of its content; RulesetError. `channels` adds to those of the targets, by name."""
    more = channels or {}
    targets = tuple(replace(t, channels=tuple(dict.fromkeys(t.channels + more.get(t.name, ())))) for t in escalation.targets)
    ruleset = Ruleset(
        rules=tuple(rule for file in rules for rule in file.rules),
        policies=escalation.policies,
        targets=targets,
        dispositions=dispositions.dispositions,
        models=tuple(models),
        utc_offset_minutes=utc_offset_minutes,
        uncertified=uncertified,
        life=escalation.life,
        prompts=prompts or PromptFile(),
    )
    strangers = sorted(more.keys() - {t.name for t in targets})
    undefined = (f"target {name!r} has channels and is not defined" for name in strangers)
    problems = (*problems_of(ruleset), *prompt_problems(ruleset), *undefined)
    if problems:
        raise RulesetError(problems)
    digest = hashlib.blake2b(msgspec.msgpack.encode(ruleset), digest_size=6).hexdigest()
    return replace(ruleset, version=digest)


def problems_of(ruleset: Ruleset) -> tuple[str, ...]:
    """What is wrong with a ruleset as a whole, one line each; nothing for one that may be used."""
    return tuple(_problems(ruleset))


def _problems(ruleset: Ruleset) -> Iterator[str]:
    for what, ids in (
        ("rule", [r.id for r in ruleset.rules]),
        ("policy", [p.id for p in ruleset.policies]),
        ("target", [t.name for t in ruleset.targets]),
        ("disposition", [d.id for d in ruleset.dispositions]),
        ("model", [m.id for m in ruleset.models]),
    ):
        yield from (f"{what} {id_!r} is defined {count} times" for id_, count in Counter(ids).items() if count > 1)
    policies = {policy.id for policy in ruleset.policies}
    for rule in ruleset.rules:
        yield from (f"rule {rule.id!r}: {problem}" for problem in _rule(rule, policies))
    yield from _combinations(ruleset)
    yield from (f"life: {problem}" for problem in life_problems(ruleset.life))
    for model in ruleset.models:
        yield from (f"model {model.id!r}: {problem}" for problem in spans(heartbeat=model.heartbeat))
    yield from policy_problems(ruleset)
    missing = ALWAYS - {d.id for d in ruleset.dispositions}
    if missing:
        yield f"dispositions lack {', '.join(sorted(missing))}"


def _rule(rule: Rule, policies: set[str]) -> Iterator[str]:
    for name, template in (("title", rule.title), ("reason", rule.reason)):
        yield from (f"{name}: {problem}" for problem in _template(template))
    if rule.policy and rule.policy not in policies:
        yield f"there is no policy {rule.policy!r}{_meant(rule.policy, policies)}"
    if under_floor(rule.category) and rule.priority is not Priority.LIFE:
        yield f"priority {rule.priority.value} under the safety floor, which is 1"
    if under_floor(rule.category) and not rule.insists:
        yield "insists = false under the safety floor: an alert closed too early would stay closed"
    if not rule.alerts and under_floor(rule.category):
        yield "alerts = false under the safety floor: a prompt never stands in the place of such an alert"
    if not rule.alerts and isinstance(rule, Silence | LowBattery | AreaOutage | Combination):
        yield "alerts = false, and a rule of this kind speaks by its alert alone"
    yield from schedule_problems(rule)
    yield from adjustable_problems(rule)
    match rule:
        case Trigger():
            yield from (f"{p.value} is a number, and a trigger watches booleans" for p in rule.properties if p not in BOOLEANS)
            if not rule.properties:
                yield "watches no property"
        case Threshold():
            yield from _threshold(rule)
        case LowBattery():
            yield from numbers(at_most=rule.at_most, clear=rule.clear)
            if rule.clear <= rule.at_most:
                yield "clear is not over at_most"
        case Silence():
            if not 1 <= rule.factor <= MOST_TIMES:
                yield f"factor is under 1: a sound device would count as silent; or over {MOST_TIMES:g}: no silence would ever count"
            yield from spans(grace=rule.grace, offline_grace=rule.offline_grace)
        case HomeRule():
            yield from _home_rule(rule)
        case AreaOutage():
            yield from _outage(rule)


def _outage(rule: AreaOutage) -> Iterator[str]:
    yield from spans(window=rule.window, **{"for": rule.hold})
    yield from numbers(share=rule.share, clear=rule.clear)
    if rule.category is not Category.TECHNICAL:
        yield f"an outage is technical, not {rule.category.value}"
    if rule.level < 0:
        yield "level is negative"
    if rule.at_least < 2:
        yield "at_least is under 2: one home is no outage of an area"
    if not 0 <= rule.share <= 1 or not 0 <= rule.clear < 1:
        yield "share is not between 0 and 1, or clear not from 0 to under 1"
    if rule.window <= timedelta(0) or rule.hold < timedelta(0):
        yield "window is not longer than nothing, or for is negative"


def _home_rule(rule: HomeRule) -> Iterator[str]:
    yield from spans(lateness=rule.lateness)
    if rule.lateness < timedelta(0):
        yield "lateness is negative"
    if ":" in rule.id:
        yield "its id has a colon, which stands between a rule and a device"
    if not rule.watches and not isinstance(rule, Combination):
        yield "watches no property"
    match rule:
        case Count():
            yield from _patterns(of=rule.of)
            yield from positive(within=rule.within)
            if not 2 <= rule.times <= MOST // 2:
                yield f"times is under 2, which is a trigger, or over {MOST // 2}, which is more than a home keeps"
            if rule.ends_after < rule.within:
                yield "clear_after is shorter than within: what is over would still be counted"
            yield from spans(clear_after=rule.clear_after)
        case Change():
            yield from _change(rule)
        case Sequence():
            yield from _sequence(rule)
        case News2():
            yield from positive(fresh_for=rule.fresh_for)
            if (rule.at_least is None) is not rule.single:
                yield "needs either at_least or single = true"
            if rule.at_least is not None and not 1 <= rule.at_least <= NEWS2_MOST:
                yield f"at_least is not 1 to {NEWS2_MOST}, the highest score"
            if rule.spo2_scale not in (1, 2):
                yield "spo2_scale is neither 1 nor 2"
            if rule.oxygen not in (0, 1):
                yield "oxygen is neither 0 (air) nor 1 (oxygen)"
        case Combination():
            yield from positive(within=rule.within)
            if not rule.of or not all(rule.of):
                yield "`of` is a list of groups of rules, none of them empty"
            if len(rule.of) == 1 and rule.times == 1:
                yield "has one group, once: nothing comes together"
            if not 1 <= rule.times <= FIRINGS_REMEMBERED:
                yield f"times is not 1 to {FIRINGS_REMEMBERED}, which is what a home remembers of a rule"
        case Inactivity() | Routine():
            yield from _life(rule)
        case Absence():
            yield from _patterns(awaited=rule.awaited, after=rule.after)
            yield from positive(**{"for": rule.hold})
            if not rule.awaited:
                yield "awaits nothing"
        case Geofence() | MeterUse() | Missed() | BedLeft():
            yield from daily_problems(rule)






def _life(rule: Inactivity | Routine) -> Iterator[str]:
    """Every number of a home's daily life stands for a span or an hour of the day that makes sense."""
    if isinstance(rule, Routine):
        yield from positive(slack=rule.slack, least=rule.least)
        if not rule.habits:
            yield "looks at no habit"
        if not 1 <= rule.learns <= MARKS:
            yield f"learns is not 1 to {MARKS} days, which is what a home remembers"
        return
    yield from positive(
        least=rule.least, least_most=rule.least_most, overdue=rule.overdue, overdue_night=rule.overdue_night, least_out=rule.least_out,
        overdue_out=rule.overdue_out, unlearned=rule.unlearned, unlearned_awake=rule.unlearned_awake, unlearned_out=rule.unlearned_out,
        least_gone=rule.least_gone, sleeps=rule.sleeps,
    )  # fmt: skip
    yield from spans(unheard_of=rule.unheard_of, early=rule.early, early_night=rule.early_night)
    if rule.least_most < rule.least:
        yield "least_most is under least"
    if rule.learns < 1:
        yield "learns is under one day"
    if not 1 <= rule.one_eye <= MOST_TIMES:
        yield f"one_eye is not 1 to {MOST_TIMES:g}"
    for name in ("gone_from", "asleep_from", "up_by", "late_from", "late_until"):
        try:
            minutes_of(getattr(rule, name))
        except ValueError as problem:
            yield f"{name}: {problem}"


def _change(rule: Change) -> Iterator[str]:
    yield from numbers(rises=rule.rises, falls=rule.falls, clear=rule.clear)
    yield from positive(within=rule.within)
    if rule.of not in UNITS:
        yield f"{rule.of.value} is a boolean, and a change is one of numbers"
    if (rule.rises is None) == (rule.falls is None):
        yield "needs either rises or falls"
    elif rule.least <= 0:
        yield "rises (or falls) is not over 0; say with which of the two where it goes"
    elif not 0 <= rule.ends_at < rule.least:
        yield "clear is under 0, or not under rises (or falls)"


def _sequence(rule: Sequence) -> Iterator[str]:
    for number, step in enumerate(rule.steps, 1):
        yield from _patterns(**{f"step {number}": step})
        if not step:
            yield f"step {number} looks for nothing"
    yield from _patterns(without=rule.without, clear=rule.clear)
    yield from positive(within=rule.within)
    yield from spans(clear_after=rule.clear_after)
    if len(rule.steps) < 2:
        yield "has fewer than two steps: one thing alone is a trigger"
    if rule.clear_after is not None and rule.clear_after < rule.within:
        yield "clear_after is shorter than within"


def _combinations(ruleset: Ruleset) -> Iterator[str]:
    """That what they are made of is there, and none is made of itself."""
    known = {rule.id: rule for rule in ruleset.rules}
    for rule in ruleset.rules:
        if not isinstance(rule, Combination):
            continue
        for id_ in sorted(rule.follows - known.keys()):
            yield f"rule {rule.id!r}: there is no rule {id_!r} for it to follow{_meant(id_, known)}"
        reached: set[str] = set()
        following = set(rule.follows)
        while following:
            id_ = following.pop()
            part = known.get(id_)
            if id_ not in reached and isinstance(part, Combination):
                following |= part.follows
            reached.add(id_)
        if rule.id in reached:
            yield f"rule {rule.id!r}: follows itself"


def _patterns(**given: tuple[Pattern, ...]) -> Iterator[str]:
    for name, patterns in given.items():
        for number, pattern in enumerate(patterns, 1):
            where, property_ = f"{name}, pattern {number}", pattern.property.value
            yield from numbers(**{f"{where}: at_least": pattern.at_least, f"{where}: at_most": pattern.at_most})
            if pattern.property in UNITS and pattern.is_ is not None:
                yield f"{where}: {property_} is a number, and `is` asks for a boolean; write at_least or at_most"
            if pattern.property in BOOLEANS and (pattern.at_least is not None or pattern.at_most is not None):
                yield f"{where}: {property_} is a boolean, and at_least and at_most ask for a number; write is = true or is = false"
            if pattern.at_least is not None and pattern.at_most is not None and pattern.at_least > pattern.at_most:
                yield f"{where}: at_least is over at_most, and nothing lies between them"



def _threshold(rule: Threshold) -> Iterator[str]:
    yield from numbers(at_least=rule.at_least, at_most=rule.at_most, clear=rule.clear)
    yield from spans(**{"for": rule.hold})
    if rule.property not in UNITS:
        yield f"{rule.property.value} is a boolean, and a threshold watches numbers"
    if (rule.at_least is None) == (rule.at_most is None):
        yield "needs either at_least or at_most"
    elif rule.at_least is not None and rule.clear >= rule.at_least:
        yield "clear is not under at_least"
    elif rule.at_most is not None and rule.clear <= rule.at_most:
        yield "clear is not over at_most"
    if rule.hold < timedelta(0):
        yield "for is negative"


def _template(template: Template) -> Iterator[str]:
    for language, text in (("zh", template.zh), ("en", template.en)):
        try:
            strange = wording.fields_of(text) - wording.FIELDS
        except ValueError as problem:
            yield f"{language}: {problem}"
            continue
        if strange:
            told = ", ".join(name + _meant(name, wording.FIELDS) for name in sorted(strange))
            yield f"{language}: unknown field {told}; known are {', '.join(sorted(wording.FIELDS))}"
        if not text.strip():
            yield f"{language}: empty"


def _meant(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, sorted(known), 1)
    return f" (did you mean {near[0]!r}?)" if near else ""
