"""Rulesets with one rule of a kind more than those that Anju comes with, and a home to try them on."""

from collections.abc import Sequence

from msgspec.structs import replace

from alerting.assembly import problems_of
from alerting.life_rules import Inactivity, Routine
from alerting.rule_head import Template
from alerting.rules import Rule, Ruleset
from tests.household import DEFAULT

WORDS = Template("{home}{of_room}{device} {since} {for}", "{home}{in_room} {device} {since} {for}")
"""For a rule under test whose sentence is not the point."""


BESIDES = tuple(rule for rule in DEFAULT.rules if not isinstance(rule, Inactivity | Routine))
"""A story about one sensor over days is no life: those rules would have their say in each of them."""


def with_rules(*rules: Rule, besides: Sequence[Rule] = BESIDES) -> Ruleset:
    """The default rules and these, checked as a whole."""
    ruleset = replace(DEFAULT, rules=(*besides, *rules), version="tried")
    assert problems_of(ruleset) == ()
    return ruleset
