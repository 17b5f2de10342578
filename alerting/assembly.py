"""From files to a ruleset: put together, checked as a whole, and given the version that its content has."""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from alerting import wording
from alerting.policy import DESK, EscalationFile, Policy
from alerting.rules import DispositionFile, LowBattery, Rule, RuleFile, Ruleset, Silence, Template, Threshold, Trigger, Uncertified
from alerting.suppression import FLOOR, FLOOR_ACKNOWLEDGE_LIMIT, FLOOR_CLAIM_LIMIT, RINGS_AT_LEAST_EVERY, under_floor
from alerting.terms import Category, Priority
from devices.catalog import Model
from devices.observation import BOOLEANS, UNITS

ALWAYS = frozenset({"real_emergency", "assistance_given", "false_cooking", "false_device", "false_person", "test"})
"""Dispositions that other people's scripts and reports count on."""

LONGEST = timedelta(days=366)
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
    uncertified: Uncertified = Uncertified.ALLOW,
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
    )
    strangers = sorted(more.keys() - {t.name for t in targets})
    problems = (*problems_of(ruleset), *(f"target {name!r} has channels and is not defined" for name in strangers))
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
    for model in ruleset.models:
        yield from (f"model {model.id!r}: {problem}" for problem in _spans(heartbeat=model.heartbeat))
    targets = {DESK, *(target.name for target in ruleset.targets)}
    for policy in ruleset.policies:
        yield from (f"policy {policy.id!r}: {problem}" for problem in _policy(policy, targets))
    served = Counter(category for policy in ruleset.policies for category in policy.categories)
    yield from (f"category {c.value} is served by {served[c]} policies, and needs exactly one" for c in Category if served[c] != 1)
    missing = ALWAYS - {d.id for d in ruleset.dispositions}
    if missing:
        yield f"dispositions lack {', '.join(sorted(missing))}"


def _rule(rule: Rule, policies: set[str]) -> Iterator[str]:
    for name, template in (("title", rule.title), ("reason", rule.reason)):
        yield from (f"{name}: {problem}" for problem in _template(template))
    if rule.policy and rule.policy not in policies:
        yield f"there is no policy {rule.policy!r}"
    if under_floor(rule.category) and rule.priority is not Priority.LIFE:
        yield f"priority {rule.priority.value} under the safety floor, which is 1"
    if under_floor(rule.category) and not rule.insists:
        yield "insists = false under the safety floor: an alert closed too early would stay closed"
    match rule:
        case Trigger():
            yield from (f"{p.value} is a number, and a trigger watches booleans" for p in rule.properties if p not in BOOLEANS)
            if not rule.properties:
                yield "watches no property"
        case Threshold():
            yield from _threshold(rule)
        case LowBattery():
            yield from _numbers(at_most=rule.at_most, clear=rule.clear)
            if rule.clear <= rule.at_most:
                yield "clear is not over at_most"
        case Silence():
            if not 1 <= rule.factor <= MOST_TIMES:
                yield f"factor is under 1: a sound device would count as silent; or over {MOST_TIMES:g}: no silence would ever count"
            yield from _spans(grace=rule.grace, offline_grace=rule.offline_grace)


def _numbers(**given: float | None) -> Iterator[str]:
    """`nan` compares with nothing: the rule would be there and never fire."""
    yield from (f"{name} is no finite number" for name, value in given.items() if value is not None and not math.isfinite(value))


def _spans(**given: timedelta | None) -> Iterator[str]:
    yield from (f"{name} is over {LONGEST.days} days" for name, span in given.items() if span is not None and abs(span) > LONGEST)


def _threshold(rule: Threshold) -> Iterator[str]:
    yield from _numbers(at_least=rule.at_least, at_most=rule.at_most, clear=rule.clear)
    yield from _spans(**{"for": rule.hold})
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
            yield f"{language}: unknown field {', '.join(sorted(strange))}; known are {', '.join(sorted(wording.FIELDS))}"
        if not text.strip():
            yield f"{language}: empty"


def _policy(policy: Policy, targets: set[str]) -> Iterator[str]:
    if not policy.steps:
        yield "has no step"
        return
    yield from _spans(
        repeat_after=policy.repeat_after, keep_ringing=policy.keep_ringing,
        claim_limit=policy.claim_limit, acknowledge_limit=policy.acknowledge_limit,
    )  # fmt: skip
    for step in policy.steps:
        yield from (f"a step: {problem}" for problem in _spans(after=step.after))
        yield from (f"there is no target {name!r}" for name in step.targets if name not in targets)
    if any(later.after <= earlier.after for earlier, later in zip(policy.steps, policy.steps[1:], strict=False)):
        yield "the steps do not come one after the other"
    if policy.rounds < 1:
        yield "rounds is under 1"
    for name in ("repeat_after", "claim_limit", "acknowledge_limit"):
        span: timedelta = getattr(policy, name)
        if span < timedelta(seconds=10):
            yield f"{name} is under 10 s"
    if FLOOR.intersection(policy.categories):
        first = policy.steps[0]
        if first.after != timedelta(0) or DESK not in first.targets:
            yield f"serves the safety floor, and its first step is not {DESK!r} at once"
        for name, most in (
            ("keep_ringing", RINGS_AT_LEAST_EVERY),
            ("claim_limit", FLOOR_CLAIM_LIMIT),
            ("acknowledge_limit", FLOOR_ACKNOWLEDGE_LIMIT),
        ):
            asked: timedelta | None = getattr(policy, name)
            if asked is not None and asked > most:
                yield f"serves the safety floor, and {name} is over {most.seconds // 60} min"
