"""What is wrong with a set of rules, or merely odd: every finding at once, with its file and line."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

import msgspec

from alerting.rule_head import RuleHead
from alerting.rules import Rule, Ruleset, Silence, Threshold, Trigger
from config import ConfigError
from devices.catalog import BOUNDS
from devices.observation import Property
from gateway.rules.source import Gathered, Placed, overlay, problems
from gateway.rules.story import RuleTest


class Finding(msgspec.Struct, frozen=True):
    """`kind`: `mistake`, `whole`, `unreachable`, `overlap`, `no_policy`, `no_test`, `no_counter_test`, `untested_kind`, `no_chinese`."""

    kind: str
    file: str
    line: int
    key: str
    rule: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.key, self.message) if part)


class Tested(msgspec.Struct, frozen=True):
    """A test, and where it stands."""

    test: RuleTest
    path: Path
    line: int


def of_mistake(mistake: ConfigError, kind: str = "mistake") -> Finding:
    return Finding(kind, str(mistake.path), mistake.line, mistake.key, "", mistake.reason)


def lint(base: Ruleset, gathered: Gathered, tests: list[Tested]) -> list[Finding]:
    """Everything about the rules that were gathered, as they are when they are laid over `base`."""
    ruleset = overlay(base, gathered)
    found = [of_mistake(mistake) for mistake in gathered.mistakes]
    found += _whole(ruleset, gathered, [rule.id for rule in base.rules])
    troubled = {one.rule for one in found}
    for placed in gathered.placed:
        found += (_at(placed, kind, message) for kind, message in _of_rule(placed.rule, ruleset, sound=placed.rule.id not in troubled))
    found += _tests(gathered, tests, ruleset, troubled)
    return sorted(found, key=lambda one: (one.file, one.line))


def _at(placed: Placed, kind: str, message: str) -> Finding:
    return Finding(kind, str(placed.path), placed.line_of(message), "", placed.rule.id, f"rule {placed.rule.id!r}: {message}")


def _whole(ruleset: Ruleset, gathered: Gathered, before: list[str]) -> Iterator[Finding]:
    ids = {placed.rule.id: placed for placed in gathered.placed}
    for problem in problems(ruleset, gathered):
        rule = next((id_ for id_ in ids if problem.reason.startswith(f"rule {id_!r}")), "")
        kind = "no_policy" if "policy" in problem.reason or "policies" in problem.reason else "whole"
        yield Finding(kind, str(problem.path), problem.line, problem.key, rule, problem.reason)
    seen: dict[str, Placed] = {}
    for placed in gathered.placed:
        if (first := seen.setdefault(placed.rule.id, placed)) is not placed:
            yield _at(placed, "whole", f"is defined already in {first.path}:{first.line}")
    for id_, path, line in gathered.remove:
        if id_ in ids:
            yield Finding("whole", str(path), line, "remove", id_, f"{id_!r} is removed and defined")
        elif id_ not in before:
            near = get_close_matches(id_, before, 1)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            yield Finding("whole", str(path), line, "remove", id_, f"there is no rule {id_!r} to remove{meant}")


# --- one rule ------------------------------------------------------------------------------------------------------------------


def _of_rule(rule: Rule, ruleset: Ruleset, *, sound: bool) -> Iterator[tuple[str, str]]:
    for name, text in (("title", rule.title.zh), ("reason", rule.reason.zh)):
        if not any("\u4e00" <= sign <= "\u9fff" for sign in text):
            yield "no_chinese", f"{name}.zh has no Chinese text"
    if sound:
        yield from (("unreachable", why) for why in unreachable(rule, ruleset))
    for other in ruleset.rules:
        if other.id == rule.id:
            break
        if same_condition(rule, other):
            yield "overlap", f"watches for the same as rule {other.id!r}"
        elif (shared := _shared(rule, other)):
            yield "overlap", f"watches {', '.join(shared)} as rule {other.id!r} does: one of them would do"


def watched(rule: Rule) -> tuple[Property, ...]:
    """The properties that its condition names, whatever kind it is of."""
    found: list[Property] = []
    for field in msgspec.structs.fields(rule):
        if field.name in _HEAD:
            continue
        _properties(getattr(rule, field.name), found)
    return tuple(dict.fromkeys(found))


def _properties(value: object, found: list[Property]) -> None:
    if isinstance(value, Property):
        found.append(value)
    elif isinstance(value, tuple | list):
        for inner in value:
            _properties(inner, found)
    elif isinstance(value, dict):
        for inner in (*value.keys(), *value.values()):
            _properties(inner, found)
    elif isinstance(value, msgspec.Struct):
        for field in msgspec.structs.fields(value):
            _properties(getattr(value, field.name), found)


_HEAD = frozenset(field.name for field in msgspec.structs.fields(RuleHead))


def same_condition(rule: Rule, other: Rule) -> bool:
    """Whether two rules watch for exactly the same thing, whatever they call it."""
    if type(rule) is not type(other):
        return False
    return all(
        getattr(rule, field.name) == getattr(other, field.name) for field in msgspec.structs.fields(rule) if field.name not in _HEAD
    )


def _shared(rule: Rule, other: Rule) -> list[str]:
    if isinstance(rule, Trigger) and isinstance(other, Trigger) and rule.category is other.category:
        return [p.value for p in rule.properties if p in other.properties]
    return []


def unreachable(rule: Rule, ruleset: Ruleset) -> Iterator[str]:
    """Why it would never raise, as far as that can be seen without a home."""
    exposed = {property_ for model in ruleset.models for property_ in model.exposes}
    named = watched(rule)
    if named and not exposed.intersection(named):
        yield f"no model of the catalogue exposes {', '.join(p.value for p in named)}"
    if isinstance(rule, Threshold):
        yield from _threshold(rule, ruleset.rules)
    if isinstance(rule, Silence):
        yield from _silence(rule, ruleset)


def _threshold(rule: Threshold, rules: Iterable[Rule]) -> Iterator[str]:
    low, high = BOUNDS.get(rule.property, (float("-inf"), float("inf")))
    if rule.at_least is not None and rule.at_least > high:
        yield f"{rule.property.value} is never at or over {rule.at_least:g}: readings over {high:g} count as faulty"
    if rule.at_most is not None and rule.at_most < low:
        yield f"{rule.property.value} is never at or under {rule.at_most:g}: readings under {low:g} count as faulty"
    for other in rules:
        if isinstance(other, Threshold) and other.id != rule.id and _goes_before(other, rule):
            yield f"rule {other.id!r} has raised the same alert by then: it needs less, and no longer"


def _goes_before(other: Threshold, rule: Threshold) -> bool:
    if other.property is not rule.property or other.hold > rule.hold or other.priority > rule.priority:
        return False
    if (other.matter or other.category.value, other.per_device) != (rule.matter or rule.category.value, rule.per_device):
        return False
    if other.at_least is not None and rule.at_least is not None:
        return (other.at_least, other.hold) != (rule.at_least, rule.hold) and other.at_least <= rule.at_least
    if other.at_most is not None and rule.at_most is not None:
        return (other.at_most, other.hold) != (rule.at_most, rule.hold) and other.at_most >= rule.at_most
    return False


def _silence(rule: Silence, ruleset: Ruleset) -> Iterator[str]:
    left = set(rule.kinds) or {model.kind for model in ruleset.models}
    for other in ruleset.rules:
        if other.id == rule.id:
            break
        if isinstance(other, Silence):
            left -= set(other.kinds) or left
    if not left:
        yield "every device that it is for is watched by an earlier rule of silence"
    elif not any(model.kind in left and model.heartbeat is not None for model in ruleset.models):
        yield f"no model of {', '.join(sorted(kind.value for kind in left))} has a heartbeat"


# --- its tests -----------------------------------------------------------------------------------------------------------------


def _tests(gathered: Gathered, tests: list[Tested], ruleset: Ruleset, troubled: set[str]) -> Iterator[Finding]:
    raised = {id_ for one in tests for id_ in one.test.raised}
    quiet = {id_ for one in tests for id_ in one.test.about if id_ not in one.test.raised}
    known = {rule.id for rule in ruleset.rules} | gathered.wounded
    kinds: dict[str, list[Placed]] = defaultdict(list)
    for placed in gathered.placed:
        rule = placed.rule
        kinds[str(type(rule).__struct_config__.tag)].append(placed)
        if rule.id in troubled:
            continue
        if rule.id not in raised:
            yield _at(placed, "no_test", "no test expects it to raise")
        elif rule.id not in quiet:
            yield _at(placed, "no_counter_test", "no test about it shows when it does not raise")
    for kind, of_kind in kinds.items():
        alike = {rule.id for rule in ruleset.rules if type(rule).__struct_config__.tag == kind}
        if not alike & raised and not any(placed.rule.id in troubled for placed in of_kind):
            yield _at(of_kind[0], "untested_kind", f"no test raises any rule of the kind {kind!r}")
    for one in tests:
        named = (*one.test.about, *one.test.raised, *one.test.only, *one.test.ignore)
        for id_ in dict.fromkeys(name for name in named if name not in known):
            yield Finding("whole", str(one.path), one.line, "", "", f"test {one.test.name!r} names rule {id_!r}, which there is not")
