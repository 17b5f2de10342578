"""A home's own numbers of a rule: within the rule's bounds, in the sentence too, and never under the safety floor."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from alerting.assembly import problems_of
from alerting.commands import ChangeParameters, SetHomeMode
from alerting.engine import Engine
from alerting.facts import AlertCleared, AlertRaised, Fact
from alerting.home_facts import ParametersChanged
from alerting.items import Configured
from alerting.refusals import IllegalTransition
from alerting.rule_head import Bounds, Template
from alerting.rules import Rule, Ruleset, Threshold, Trigger
from alerting.terms import Category, Mode, Priority, Value
from devices.observation import Property
from tests.household import DEFAULT, HOME, Household, of

LOW = Threshold(
    id="pulse", category=Category.HEALTH, priority=Priority.PROMPT, title=Template("心率", "pulse"),
    reason=Template("{value}（不高于 {limit}，恢复 {clear}）", "{value} (at or under {limit}, clears at {clear})"),
    property=Property.HEART_RATE, at_most=50, clear=55, adjustable={"at_most": (30, 60)},
)  # fmt: skip
SLOW = replace(LOW, id="slow-pulse", matter="slow", hold=timedelta(minutes=10))
DOOR = Trigger(
    id="door-away", category=Category.INTRUSION, priority=Priority.PROMPT, title=Template("门", "door"), reason=Template("门", "door"),
    properties=(Property.CONTACT_OPEN,), modes=(Mode.AWAY,),
)  # fmt: skip


def with_rules(*rules: Rule) -> Ruleset:
    return replace(DEFAULT, rules=(*(r for r in DEFAULT.rules if r.category is not Category.HEALTH), *rules))


def own(home: Household, rule: str = "pulse", **values: Value) -> list[ParametersChanged]:
    return of(ParametersChanged, home.asks(ChangeParameters(HOME, rule, values, "医生要求")))


def raised(facts: list[Fact]) -> list[AlertRaised]:
    """Without the devices that fall silent meanwhile."""
    return [fact for fact in of(AlertRaised, facts) if fact.category is not Category.TECHNICAL]


def test_a_resident_with_a_slow_heart_has_a_limit_of_her_own_and_its_setback_goes_along() -> None:
    home = Household(with_rules(LOW))
    (changed,) = own(home, at_most=40)
    assert (changed.by, changed.reason, changed.values) == ("li", "医生要求", {"at_most": 40.0})
    assert not home.says("watch", heart_rate=45), "under the rule's 50, over her 40"
    (first,) = of(AlertRaised, home.says("watch", heart_rate=39))
    assert first.reason.en == "39 (at or under 40, clears at 45)"
    assert not of(AlertCleared, home.says("watch", heart_rate=44))
    assert of(AlertCleared, home.says("watch", heart_rate=45))


def test_taken_back_the_rule_is_its_own_again() -> None:
    home = Household(with_rules(LOW))
    own(home, at_most=40)
    own(home)
    assert not home.engine.homes[HOME].arranged.own
    assert of(AlertRaised, home.says("watch", heart_rate=45))


def test_what_waits_out_its_hold_is_measured_anew_when_the_limit_changes() -> None:
    home = Household(with_rules(SLOW))
    home.says("watch", heart_rate=45)
    own(home, "slow-pulse", at_most=40)
    assert not raised(home.waits(3600))


def test_bounds_that_a_later_ruleset_narrows_hold_for_what_was_set_before() -> None:
    home = Household(with_rules(LOW))
    own(home, at_most=30)
    home.engine.handle(Configured(with_rules(replace(LOW, adjustable={"at_most": (44, 60)}))), home.now)
    assert of(AlertRaised, home.says("watch", heart_rate=44))


@pytest.mark.parametrize(
    ("rule", "values", "says"),
    [
        ("pulse", {"at_most": 29.0}, "at_most of rule pulse lies between 30 and 60; 29 does not"),
        ("pulse", {"at_most": float("nan")}, "at_most of rule pulse is a number"),
        ("pulse", {"at_most": ("08:00",)}, "at_most of rule pulse is a number"),
        ("pulse", {"clear": 45.0}, "clear of rule pulse is not a home's to set; at_most is"),
        ("pull-cord", {"priority": 3.0}, "rules of calls, fire, gas and falls are the same in every home"),
        ("no-such", {"at_most": 40.0}, "there is no rule no-such"),
    ],
)
def test_what_lies_outside_is_refused_in_words(rule: str, values: dict[str, Value], says: str) -> None:
    home = Household(with_rules(LOW))
    with pytest.raises(IllegalTransition) as refused:
        home.asks(ChangeParameters(HOME, rule, values, "x"))
    assert says in str(refused.value)
    assert not home.engine.homes[HOME].arranged.own


def test_a_change_says_why() -> None:
    with pytest.raises(IllegalTransition, match="the reason is missing"):
        Household(with_rules(LOW)).asks(ChangeParameters(HOME, "pulse", {"at_most": 40.0}, " "))


def test_own_numbers_are_in_the_homes_row() -> None:
    home = Household(with_rules(LOW))
    own(home, at_most=40)
    again = Engine()
    for key in list(home.engine.keys()):
        again.restore(key, home.engine.snapshot(key))
    assert again.homes[HOME].arranged.own == home.engine.homes[HOME].arranged.own
    home.engine = again
    assert not of(AlertRaised, home.says("watch", heart_rate=45))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"adjustable": {"at_most": (60, 80)}}, "at_most is 50 (a span in minutes), which does not lie between 60 and 80"),
        ({"adjustable": {"clear": (50, 80)}}, "clear is not a home's to set; of this rule at_most is"),
        ({"adjustable": {"priority": (1, 4)}}, "priority is not a home's to set"),
        ({"adjustable": {"at_least": (1, 4)}}, "at_least is not a home's to set"),
        ({"hours": ("22-6",)}, "'22' is no time of day such as 08:00"),
        ({"category": Category.FALL, "priority": Priority.LIFE}, "adjustable under the safety floor"),
        (
            {"category": Category.FALL, "priority": Priority.LIFE, "adjustable": {}, "modes": (Mode.HOME,)},
            "under the safety floor, which holds at every hour in every home",
        ),
    ],
)
def test_a_rule_may_not_let_go_of_what_is_not_a_homes(changes: dict[str, object], says: str) -> None:
    assert any(says in problem for problem in problems_of(with_rules(replace(LOW, **changes))))


def test_sound_bounds_are_no_problem() -> None:
    bounds: dict[str, Bounds] = {"at_most": (30, 60)}
    assert not problems_of(with_rules(replace(LOW, adjustable=bounds, hours=("22:00-06:00",))))


def test_a_rule_for_empty_homes_hears_doors_only_there() -> None:
    home = Household(with_rules(DOOR))
    assert not of(AlertRaised, home.says("hub", contact_open=True))
    home.says("hub", contact_open=False)
    home.asks(SetHomeMode(HOME, Mode.AWAY, home.now + timedelta(days=1), "旅行"))
    home.waits(60)
    assert of(AlertRaised, home.says("hub", contact_open=True))


def test_a_limit_with_hours_counts_its_hold_from_the_opening() -> None:
    home = Household(with_rules(replace(SLOW, hours=("04:00-12:00",))))
    home.says("watch", heart_rate=45)  # 03:00
    assert not raised(home.waits(3600 + 5 * 60))
    assert not of(AlertRaised, home.says("watch", heart_rate=45)), "04:05: ten minutes past the reading, five past the opening"
    home.waits(5 * 60)
    assert of(AlertRaised, home.says("watch", heart_rate=45)), "04:10"
