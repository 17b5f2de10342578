"""What of two rulesets has to be played so that every difference between them is found, and which reports that takes.

A rule that is the same in both, and that nothing reaches which is not, raises the same alerts on both sides; it is left out. Reached
is what shares a matter with a rule that differs, for a home and matter have one alert, and what a combination puts together. A rule
that concludes from silence also needs everything that decides what could be heard: the rules of silent devices, and all reports.
Where the reach of a difference is not that plain (silence, areas, power, models, what a local clock shows) all is played.
"""

import msgspec
from msgspec.structs import replace

from alerting.area_rules import AreaOutage
from alerting.detection import EXCUSED_BY_TEST
from alerting.home_rules import Change, Combination, Count, HomeRule, MeterUse, News2, Sequence
from alerting.raising import matter_of
from alerting.rules import LowBattery, Rule, Ruleset, Silence, Threshold, Trigger
from devices.observation import Property

EVERYWHERE = (Silence, AreaOutage)
"""What these conclude decides what others may conclude."""
BY_WORD = (Trigger, Threshold, LowBattery, Count, Change, News2, Combination, MeterUse, Sequence)
"""Kinds that conclude from what is said and from nothing else: other reports change nothing for them."""


class Scope(msgspec.Struct, frozen=True):
    """The two rulesets as they are to be played. `counted`: the rules whose alerts are looked at. None stands for all."""

    now: Ruleset
    draft: Ruleset
    counted: frozenset[str] | None = None
    properties: frozenset[Property] | None = None


def scope(now: Ruleset, draft: Ruleset) -> Scope:
    """As little as gives every difference."""
    whole = Scope(now, draft)
    if replace(now, rules=(), version="") != replace(draft, rules=(), version=""):
        return whole
    ours, theirs = ({rule.id: rule for rule in side.rules} for side in (now, draft))
    differ = {id_ for id_ in ours.keys() | theirs.keys() if ours.get(id_) != theirs.get(id_)}
    if _moved(now, draft, differ):
        return whole
    reached = _reached(differ, (*now.rules, *draft.rules))
    rules = [rule for rule in (*now.rules, *draft.rules) if rule.id in reached]
    read = frozenset(property_ for rule in rules for property_ in _reads(rule))
    if any(isinstance(rule, EVERYWHERE) for rule in rules) or Property.MAINS_LOST in read:
        return whole
    by_word = all(isinstance(rule, BY_WORD) for rule in rules)
    tested = any(rule.category in EXCUSED_BY_TEST for rule in rules)

    def narrowed(side: Ruleset) -> Ruleset:
        return replace(side, rules=tuple(r for r in side.rules if r.id in reached or (not by_word and isinstance(r, Silence))))

    properties = read | {Property.CANCEL} if by_word and not tested else None  # a report without `test` ends a test
    return Scope(narrowed(now), narrowed(draft), frozenset(reached), properties)


def _moved(now: Ruleset, draft: Ruleset, differ: set[str]) -> bool:
    """Whether rules that are the same in both stand in another order: of two alerts at one moment the first one is raised."""
    ours, theirs = ([rule.id for rule in side.rules if rule.id not in differ] for side in (now, draft))
    return ours != theirs


def _reached(differ: set[str], rules: tuple[Rule, ...]) -> set[str]:
    matters = {(rule.id, matter_of(rule, None)) for rule in rules}
    together = [{rule.id, *rule.follows} for rule in rules if isinstance(rule, Combination)]
    reached, before = set(differ), 0
    while len(reached) > before:
        before = len(reached)
        shared = {matter for id_, matter in matters if id_ in reached}
        reached |= {id_ for id_, matter in matters if matter in shared}
        reached |= {id_ for some in together if some & reached for id_ in some}
    return reached & {rule.id for rule in rules}


def _reads(rule: Rule) -> frozenset[Property]:
    """The properties that it looks at."""
    match rule:
        case Trigger():
            return frozenset(rule.properties)
        case Threshold():
            return frozenset({rule.property})
        case LowBattery():
            return frozenset({Property.BATTERY, Property.BATTERY_LOW})
        case HomeRule():
            return rule.watches
        case _:
            return frozenset()
