"""What one version of the rules has otherwise than another, rule by rule and field by field: shorter to read than their texts."""

from enum import StrEnum

import msgspec

from alerting.rules import Rule


class Change(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"
    """Only its place among the others, which matters where the first that fits counts."""


class Field(msgspec.Struct, frozen=True):
    """`before` and `after` as they would be written; empty where it is not said."""

    name: str
    before: str
    after: str


class RuleChange(msgspec.Struct, frozen=True):
    rule: str
    change: Change
    fields: tuple[Field, ...] = ()


def differences(before: tuple[Rule, ...], after: tuple[Rule, ...]) -> list[RuleChange]:
    """In the order of the later one; what was removed comes last."""
    old, new = {rule.id: rule for rule in before}, {rule.id: rule for rule in after}
    found = []
    for rule in after:
        known = old.get(rule.id)
        if known is None:
            found.append(RuleChange(rule.id, Change.ADDED, tuple(Field(name, "", text) for name, text in written(rule).items())))
        elif known != rule:
            found.append(RuleChange(rule.id, Change.CHANGED, _fields(known, rule)))
    found += (RuleChange(rule.id, Change.REMOVED) for rule in before if rule.id not in new)
    common = [rule.id for rule in before if rule.id in new]
    if not found and common != [rule.id for rule in after if rule.id in old]:
        found += (RuleChange(id_, Change.MOVED) for id_, other in zip(common, new, strict=True) if id_ != other)
    return found


def _fields(before: Rule, after: Rule) -> tuple[Field, ...]:
    old, new = written(before), written(after)
    names = dict.fromkeys((*new, *old))
    return tuple(Field(name, old.get(name, ""), new.get(name, "")) for name in names if old.get(name) != new.get(name))


def written(rule: Rule) -> dict[str, str]:
    """Every field that a rule says, by its name in the file (`title.zh`), as JSON would write it."""
    found: dict[str, str] = {}
    _write(msgspec.to_builtins(rule), "", found)
    return found


def _write(value: object, at: str, found: dict[str, str]) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            _write(inner, f"{at}.{name}" if at else str(name), found)
    elif value not in (None, "", [], ()):
        found[at] = value if isinstance(value, str) else msgspec.json.encode(value).decode()
