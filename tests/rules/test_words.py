"""What a rule says of itself: whole sentences in both languages, for every kind, without the words of its file."""

import re
from datetime import timedelta

import pytest

from alerting.home_rules import Change, Combination, Count, HomeRule, Pattern, Sequence
from alerting.policy import Policy, Step, Target
from alerting.rule_head import Template
from alerting.rules import Rule, Ruleset, Threshold
from alerting.schedule import Weekday
from alerting.suppression import FLOOR
from alerting.terms import Category, Mode, Priority, Sentence
from alerting.watching.kinds import KINDS
from devices.observation import Property
from gateway.rules import particulars
from gateway.rules.words import ends, in_words, says, titled
from tests.web_alarm import ruleset

RULESET = ruleset()
TEXT = Template("标题", "Title")


@pytest.mark.parametrize("rule", RULESET.rules, ids=[rule.id for rule in RULESET.rules])
def test_a_shipped_rule_is_said_in_whole_sentences_of_each_language(rule: Rule) -> None:
    for said in (titled(rule), in_words(rule, RULESET), says(rule), ends(rule, RULESET), particulars.told(rule, RULESET)):
        assert said.zh
        assert said.en
        assert not re.search(r"[{}_]", said.zh + said.en), said
        assert not re.search(r"[\u4e00-\u9fff]", said.en), "no Chinese in the English"
        assert re.search(r"[\u4e00-\u9fff]", said.zh), "no bare English for the Chinese"
    assert particulars.may_be_silenced(rule) == (rule.category not in FLOOR)


def test_every_kind_that_watches_a_home_has_words_of_its_own() -> None:
    here = {type(rule) for rule in (*RULESET.rules, CALLS_IN_A_ROW, HEATING, BED_THEN_DOOR) if isinstance(rule, HomeRule)}
    assert here == set(KINDS), "each kind is looked at here"


CALLS_IN_A_ROW = Count(
    id="count", category=Category.TECHNICAL, priority=Priority.AWARE, title=TEXT, reason=TEXT, of=(Pattern(Property.CONTACT_OPEN, True),),
    times=3, within=timedelta(minutes=30),
)  # fmt: skip
HEATING = Change(
    id="change", category=Category.FIRE, priority=Priority.PROMPT, title=TEXT, reason=TEXT, of=Property.TEMPERATURE, rises=8,
    within=timedelta(minutes=10),
)  # fmt: skip
BED_THEN_DOOR = Sequence(
    id="sequence", category=Category.WANDERING, priority=Priority.PROMPT, title=TEXT, reason=TEXT,
    steps=((Pattern(Property.BED_OCCUPIED, False),), (Pattern(Property.CONTACT_OPEN, True),)), within=timedelta(minutes=15),
    without=(Pattern(Property.CHECKED_IN, True),), clear=(Pattern(Property.OCCUPANCY, True),), clear_after=timedelta(hours=1),
)  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "waits", "over"),
    [
        (
            CALLS_IN_A_ROW,
            Sentence("30 分钟内门窗打开 3 次即报警", "raises when there is a door or window opened 3 times within 30 min"),
            Sentence("30 分钟内不再出现即恢复", "it clears when there is none for 30 min"),
        ),
        (
            HEATING,
            Sentence("温度在 10 分钟内上升 8 °C 以上即报警", "raises when the temperature rises by 8 °C or more within 10 min"),
            Sentence("温度的变化不超过 4 °C 即恢复", "it clears when the temperature changes by no more than 4 °C"),
        ),
        (
            BED_THEN_DOOR,
            Sentence(
                "15 分钟内先离床，再门窗打开，其间没有报平安即报警",
                "raises when, within 15 min, there is the bed left, then a door or window opened, without a check-in between",
            ),
            Sentence(
                "有人活动即恢复；或者 1 小时内不再出现即恢复",
                "it clears as soon as there is somebody moving, or it clears when it does not come again for 1 h",
            ),
        ),
    ],
    ids=["count", "change", "sequence"],
)  # fmt: skip
def test_what_it_waits_for_and_what_ends_it(rule: Rule, waits: Sentence, over: Sentence) -> None:
    assert in_words(rule, RULESET) == waits
    assert ends(rule, RULESET) == over


def test_a_combination_names_the_others_as_people_know_them() -> None:
    again = next(rule for rule in RULESET.rules if isinstance(rule, Combination) and rule.id == "calls-again")
    assert in_words(again, RULESET).zh == "5 分钟内出现“拉绳呼叫”或“紧急呼叫（SOS）” 3 次，该告警即升级"


def test_a_rule_that_raises_no_alert_says_so_and_names_its_prompt() -> None:
    cold = Threshold(
        id="cold", category=Category.TECHNICAL, priority=Priority.AWARE, title=TEXT, reason=TEXT, property=Property.TEMPERATURE, at_most=8,
        clear=10, hold=timedelta(hours=1), alerts=False,
    )  # fmt: skip
    said = in_words(cold, RULESET)
    assert said.en == "tells the home when temperature is at or under 8 °C for 1 h"
    assert "报警" not in said.zh
    shipped = next(rule for rule in RULESET.rules if rule.id == "room-cold")
    assert particulars.told(shipped, RULESET).zh == "不报警；安全提示：室内太冷"
    assert particulars.told(cold, Ruleset(rules=(cold,))).en == "no alert, and no prompt names it"


def test_when_it_counts_and_who_is_told() -> None:
    rule = Threshold(
        id="t", category=Category.HEALTH, priority=Priority.PROMPT, title=TEXT, reason=TEXT, property=Property.HEART_RATE, at_least=120,
        clear=110, hours=("22:00-06:00",), weekdays=(Weekday.FRIDAY,), season=("11-15..03-15",), modes=(Mode.HOME,),
    )  # fmt: skip
    assert particulars.counts_when(rule) == Sentence(
        "周五，22:00-06:00，每年 11-15 ~ 03-15，住户登记为在家时",
        "on Fri, 22:00-06:00, each year 11-15 ~ 03-15, while the home is registered as at home",
    )
    steps = (Step(timedelta(0), ("desk",)), Step(timedelta(seconds=60), ("lead", "unnamed"), hours=("08:00-20:00",)))
    ruleset = Ruleset(rules=(rule,), policies=(Policy("p", steps, (Category.HEALTH,)),), targets=(Target("lead", "值班长", "shift lead"),))
    assert particulars.policy_of(rule, ruleset).id == "p"
    assert particulars.told(rule, ruleset) == Sentence(
        "立即 值守台；1 分钟后 值班长、unnamed（08:00-20:00）", "at once the desk; after 1 min shift lead, unnamed (08:00-20:00)",
    )  # fmt: skip
