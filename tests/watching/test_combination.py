"""What other rules said, come together."""

from datetime import timedelta

from alerting.commands import Acknowledge, Claim
from alerting.facts import AlertRaised, AlertRepeated, AlertWorsened
from alerting.home_rules import Absence, Combination, Pattern
from alerting.rule_head import Template
from alerting.terms import Category, Priority, Status
from devices.observation import Property
from tests.household import DEFAULT, START, Household, of, report
from tests.watching.rules import WORDS, with_rules

SIMPLE = tuple(rule for rule in DEFAULT.rules if not isinstance(rule, Combination) and rule.id != "fall-no-movement")
"""The default rules without those that make others worse."""

BURNS = Combination(
    id="burns", category=Category.FIRE, priority=Priority.LIFE, title=Template("火灾", "Fire: smoke and carbon monoxide"), reason=WORDS,
    of=(("smoke",), ("co", "heat")), within=timedelta(minutes=10),
)  # fmt: skip
INSISTENT = Combination(
    id="insistent", category=Category.CALL_FOR_HELP, priority=Priority.LIFE,
    title=Template("连续求助", "Called again and again"), reason=Template("{for}内 {count} 次", "{count} times in {for}"),
    of=(("pull-cord", "sos"),), times=3, within=timedelta(minutes=5),
)  # fmt: skip
CUT_OFF = Combination(
    id="cut-off", category=Category.TECHNICAL, priority=Priority.PROMPT, matter="cut-off", title=WORDS, reason=WORDS,
    of=(("mains-lost",), ("hub-silent",)), within=timedelta(hours=1),
)  # fmt: skip
LIES = Absence(
    id="lies", category=Category.FALL, priority=Priority.LIFE, worsens=True,
    title=Template("跌倒后无活动", "Fall, and no movement since"), reason=WORDS,
    after=(Pattern(Property.FALL, True),), awaited=(Pattern(Property.OCCUPANCY, True),), hold=timedelta(minutes=10),
)  # fmt: skip


def test_smoke_and_carbon_monoxide_within_ten_minutes_are_a_fire_in_its_alert_with_both_as_evidence() -> None:
    house = Household(with_rules(BURNS, besides=SIMPLE))
    (raised,) = of(AlertRaised, house.says("smoke", smoke=True))
    house.waits(300)
    facts = house.says("co", co_alarm=True)
    assert [a.category for a in of(AlertRaised, facts)] == [Category.GAS], "the gas alert stands beside it"
    (worse,) = of(AlertWorsened, facts)
    assert (worse.alert, worse.title.en) == (raised.alert, "Fire: smoke and carbon monoxide")
    assert [e.observation.property for e in worse.evidence] == [Property.SMOKE, Property.CO_ALARM]
    assert of(AlertWorsened, house.says("heat", heat_alarm=True)) == [], "it is said once"


def test_smoke_and_carbon_monoxide_an_hour_apart_are_two_things() -> None:
    house = Household(with_rules(BURNS, besides=SIMPLE))
    house.says("smoke", smoke=True)
    house.says("smoke", smoke=False)
    house.waits(3600)
    house.says("co", co_alarm=True)
    assert of(AlertWorsened, house.facts) == []


def test_what_was_observed_together_comes_together_though_one_of_it_came_an_hour_late() -> None:
    house = Household(with_rules(BURNS, besides=SIMPLE))
    house.says("smoke", smoke=True)
    house.waits(3600)
    facts = house.takes(report("co", START + timedelta(minutes=5), "late", {"co_alarm": True}, received_at=house.now))
    assert of(AlertWorsened, facts)


def test_a_third_call_in_five_minutes_says_so_and_rings_again_though_somebody_has_it() -> None:
    house = Household(with_rules(INSISTENT, besides=SIMPLE))
    house.says("cord", pull_cord=True)
    alert = house.open()[0].id
    house.asks(Claim(alert))
    house.asks(Acknowledge(alert))
    house.waits(60)
    assert of(AlertRepeated, house.says("bath", pull_cord=True))
    assert house.open()[0].status is Status.ACKNOWLEDGED
    house.waits(60)
    (worse,) = of(AlertWorsened, house.says("watch", sos=True))
    now = house.open()[0]
    assert (now.id, now.status, now.claimed_by, now.title.en) == (alert, Status.TRIGGERED, "li", "Called again and again")
    assert worse.reason.en == "3 times in 5 min"
    assert len(house.open()) == 1


def test_an_alert_of_its_own_where_none_of_its_matter_is_open() -> None:
    house = Household(with_rules(CUT_OFF, besides=SIMPLE))
    house.says("hub", mains_lost=True)
    house.waits(60)
    house.says("watch", heart_rate=70)
    facts = house.waits(600)
    (raised,) = [f for f in of(AlertRaised, facts) if f.rule == "cut-off"]
    assert (raised.priority, raised.matter) == (Priority.PROMPT, "cut-off")


def test_a_fall_and_no_movement_after_it_is_the_same_call_with_other_words() -> None:
    house = Household(with_rules(LIES, besides=SIMPLE))
    house.says("hall", occupancy=True)
    house.waits(60)
    (raised,) = of(AlertRaised, house.says("watch", fall=True))
    (worse,) = of(AlertWorsened, house.waits(12 * 60))
    assert (worse.alert, worse.at) == (raised.alert, START + timedelta(minutes=13))
    assert house.open()[0].title.en == "Fall, and no movement since"
    house.says("hall", occupancy=True)
    assert house.open()[0].cleared_at is None, "who moves again has fallen all the same"


def test_a_fall_after_which_somebody_moves_stays_a_fall_and_stays_open() -> None:
    house = Household(with_rules(LIES, besides=SIMPLE))
    house.says("watch", fall=True)
    house.waits(60)
    house.says("hall", occupancy=True)
    house.waits(3600)
    assert of(AlertWorsened, house.facts) == []
    assert house.open()[0].cleared_at is None
