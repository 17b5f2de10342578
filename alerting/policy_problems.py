"""What is wrong with the escalation policies and targets of a ruleset, one line each."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from alerting.bounds import spans
from alerting.plan_facts import ROMAN, Scale
from alerting.policy import BUILT_IN, DESK, Policy, Reach, Target
from alerting.rules import Ruleset
from alerting.schedule import Weekday, parse
from alerting.suppression import FLOOR, FLOOR_ACCEPT_LIMIT, FLOOR_ACKNOWLEDGE_LIMIT, FLOOR_CLAIM_LIMIT, RINGS_AT_LEAST_EVERY
from alerting.terms import Category

MOST_ACCEPTING = 20


def policy_problems(ruleset: Ruleset) -> Iterator[str]:
    for target in ruleset.targets:
        yield from (f"target {target.name!r}: {problem}" for problem in _target(target))
    targets = {target.name: target for target in ruleset.targets}
    ids = {policy.id for policy in ruleset.policies}
    for policy in ruleset.policies:
        yield from (f"policy {policy.id!r}: {problem}" for problem in _policy(policy, targets, ids))
    everywhere = Counter(category for policy in ruleset.policies if not policy.areas for category in policy.categories)
    yield from (f"category {c.value} is served by {everywhere[c]} policies, and needs exactly one" for c in Category if everywhere[c] != 1)
    local = Counter((area, category) for policy in ruleset.policies for area in policy.areas for category in policy.categories)
    yield from (f"category {c.value} is served by {count} policies in area {a}" for (a, c), count in local.items() if count > 1)


def _target(target: Target) -> Iterator[str]:
    if target.name in BUILT_IN:
        yield "its name is that of a target that is always there"
    if target.reach in (Reach.ROLE, Reach.PERSON) and not target.of:
        yield f"reach = {target.reach.value!r} needs `of`"
    if target.of and target.reach not in (Reach.ROSTER, Reach.ROLE, Reach.PERSON):
        yield f"`of` says nothing with reach = {target.reach.value!r}"
    yield from _hours(target.hours, target.weekdays)


def _policy(policy: Policy, targets: dict[str, Target], ids: set[str]) -> Iterator[str]:
    if not policy.steps:
        yield "has no step"
        return
    yield from spans(
        repeat_after=policy.repeat_after, keep_ringing=policy.keep_ringing,
        claim_limit=policy.claim_limit, acknowledge_limit=policy.acknowledge_limit, accept_limit=policy.accept_limit,
    )  # fmt: skip
    for step in policy.steps:
        yield from (f"a step: {problem}" for problem in spans(after=step.after))
        yield from (f"a step: {problem}" for problem in _hours(step.hours, step.weekdays))
        yield from (f"there is no target {name!r}" for name in step.targets if name not in targets and name not in BUILT_IN)
    if any(later.after <= earlier.after for earlier, later in zip(policy.steps, policy.steps[1:], strict=False)):
        yield "the steps do not come one after the other"
    if not any(name == DESK or (name in targets and targets[name].channels) for step in policy.steps for name in step.targets):
        yield "no step has a target that can be reached: neither the desk nor one with a channel"
    yield from _grades(policy, targets)
    if policy.rounds < 1:
        yield "rounds is under 1"
    if not 0 <= policy.accepts <= MOST_ACCEPTING:
        yield f"accepts is not 0 to {MOST_ACCEPTING}"
    for name in ("repeat_after", "claim_limit", "acknowledge_limit", "accept_limit"):
        span: timedelta = getattr(policy, name)
        if span < timedelta(seconds=10):
            yield f"{name} is under 10 s"
    if policy.instead_of and (policy.instead_of not in ids or not policy.areas):
        yield f"it stands for {policy.instead_of!r}, " + ("in no area" if policy.instead_of in ids else "which is no policy")
    if FLOOR.intersection(policy.categories):
        yield from _floor(policy)


def _grades(policy: Policy, targets: dict[str, Target]) -> Iterator[str]:
    counted = Counter((graded.scale, graded.grade) for graded in policy.grades)
    yield from (f"grade {grade} of {scale.value} is there {count} times" for (scale, grade), count in counted.items() if count > 1)
    for graded in policy.grades:
        name = f"grade {graded.grade} of {graded.scale.value}"
        if graded.by_itself and graded.scale is Scale.SINGLE:
            yield f"{name}: by_itself is for a building or an area, which the service counts"
        if graded.grade not in ROMAN:
            yield f"{name}: a grade is 1 to 4"
        if not graded.targets:
            yield f"{name} tells nobody"
        yield from (f"{name}: there is no target {wanted!r}" for wanted in graded.targets if wanted not in targets)


def _floor(policy: Policy) -> Iterator[str]:
    first = policy.steps[0]
    if first.after != timedelta(0) or DESK not in first.targets or first.hours or first.weekdays:
        yield f"serves the safety floor, and its first step is not {DESK!r} at once"
    for name, most in (
        ("keep_ringing", RINGS_AT_LEAST_EVERY),
        ("claim_limit", FLOOR_CLAIM_LIMIT),
        ("acknowledge_limit", FLOOR_ACKNOWLEDGE_LIMIT),
        ("accept_limit", FLOOR_ACCEPT_LIMIT),
    ):
        asked: timedelta | None = getattr(policy, name)
        if asked is not None and asked > most:
            yield f"serves the safety floor, and {name} is over {most.seconds // 60} min"


def _hours(hours: tuple[str, ...], weekdays: tuple[Weekday, ...]) -> Iterator[str]:
    try:
        parse(hours, weekdays)
    except ValueError as problem:
        yield str(problem)
