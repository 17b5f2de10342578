"""Something that should have been seen, and was not, for so long."""

from datetime import timedelta

from alerting.facts import AlertCleared, AlertRaised, AlertRecurred, AlertRepeated, AlertWorsened
from alerting.home_rules import Absence, Pattern
from alerting.rule_head import Template
from alerting.terms import Category, Priority
from devices.observation import Manner, Property
from tests.household import START, Household, of, report
from tests.watching.rules import WORDS, with_rules

OPEN, SHUT = Pattern(Property.CONTACT_OPEN, True), Pattern(Property.CONTACT_OPEN, False)
DOOR = Absence(
    id="door-left-open", category=Category.INTRUSION, priority=Priority.AWARE, matter="door", per_device=True,
    title=Template("门未关", "Door left open"), reason=Template("{home}的门自 {since} 起已开 {for}", "open since {since} for {for}"),
    awaited=(SHUT,), after=(OPEN,), hold=timedelta(minutes=10),
)  # fmt: skip
STILL = Absence(
    id="no-movement", category=Category.INACTIVITY, priority=Priority.PROMPT, title=WORDS, reason=WORDS,
    awaited=(Pattern(Property.OCCUPANCY, True),), hold=timedelta(hours=4),
)  # fmt: skip
RULES = with_rules(DOOR, STILL)


def test_a_door_left_open_is_told_after_ten_minutes_and_the_lateness_and_clears_when_it_is_shut() -> None:
    house = Household(RULES)
    house.says("door", contact_open=True)
    assert of(AlertRaised, house.waits(719.9)) == []
    (raised,) = of(AlertRaised, house.waits(5000))
    assert raised.at == START + timedelta(minutes=12), "stamped with the moment it was due"
    assert raised.reason.zh == "王桂芳家（12栋402）的门自 03:00 起已开 10 分钟"
    assert (raised.matter, raised.key, [e.report for e in raised.evidence]) == ("door:door", "door-left-open:door", ["r1"])
    (cleared,) = of(AlertCleared, house.says("door", contact_open=False))
    assert cleared.alert == raised.alert


def test_a_door_that_says_again_that_it_is_open_was_opened_when_it_first_said_so() -> None:
    house = Household(RULES)
    house.says("door", contact_open=True)
    for _ in range(11):
        house.waits(60)
        house.says("door", contact_open=True, manner=Manner.CACHED)
    (raised,) = of(AlertRaised, house.waits(60))
    assert raised.at == START + timedelta(minutes=12)
    assert of(AlertRaised, house.waits(86400)) == [], "it is said once"


def test_a_door_shut_in_time_is_told_of_to_nobody_even_if_its_word_comes_late() -> None:
    house = Household(RULES)
    house.says("door", contact_open=True)
    house.waits(11 * 60)
    house.takes(report("door", START + timedelta(minutes=9), "late", {"contact_open": False}, received_at=house.now))
    assert of(AlertRaised, house.waits(86400)) == []


def test_a_door_opened_again_after_it_was_told_of_recurs_and_each_door_has_its_own_alert() -> None:
    house = Household(RULES)
    house.says("door", contact_open=True)
    house.says("window", contact_open=True)
    assert {raised.device for raised in of(AlertRaised, house.waits(720))} == {"door", "window"}
    house.says("door", contact_open=False)
    house.waits(1)
    house.says("door", contact_open=True)
    (recurred,) = of(AlertRecurred, house.waits(720))
    assert recurred.key == "door-left-open:door"


def test_a_home_in_which_nobody_ever_moved_is_not_missed_and_one_that_falls_still_is() -> None:
    house = Household(RULES)
    assert of(AlertRaised, house.waits(86400)) == []
    since = house.now
    house.says("motion", occupancy=True)
    house.waits(3600)
    house.says("motion", occupancy=False)
    (raised,) = of(AlertRaised, house.waits(86400))
    assert raised.at == since + timedelta(hours=4, minutes=2)
    assert raised.category is Category.INACTIVITY
    assert of(AlertCleared, house.says("hall", occupancy=True))


def test_a_hubs_cache_does_not_move_about_the_home() -> None:
    house = Household(RULES)
    for _ in range(5):
        house.says("motion", occupancy=True, manner=Manner.CACHED)
        house.waits(3600)
    assert [raised.at for raised in of(AlertRaised, house.facts)] == [START + timedelta(hours=4, minutes=2)]


def test_a_cache_that_took_its_word_back_in_between_has_news_of_a_movement() -> None:
    house = Household(RULES)
    for after, value in ((0.0, True), (3 * 3600, False), (1800, True)):
        house.waits(after)
        house.says("motion", occupancy=value, manner=Manner.CACHED)
    (raised,) = of(AlertRaised, house.waits(86400))
    assert raised.at == START + timedelta(hours=7, minutes=32)


def restless() -> Household:
    """A home in which somebody moved every minute, lately just now."""
    house = Household()
    for _ in range(10):
        house.waits(60)
        house.says("motion", occupancy=True)
    return house


def test_a_fall_is_followed_in_a_home_that_is_never_quiet_otherwise() -> None:
    house = restless()
    fell = house.now + timedelta(seconds=30)
    house.waits(90)
    house.takes(report("watch", fell, "late", {"fall": True}, received_at=house.now))
    (worse,) = of(AlertWorsened, house.waits(3600))
    assert (worse.rule, worse.at) == ("fall-no-movement", fell + timedelta(minutes=17))


def test_who_moved_after_a_fall_whose_word_came_late_has_got_up() -> None:
    house = restless()
    house.takes(report("watch", house.now - timedelta(seconds=90), "late", {"fall": True}, received_at=house.now))
    assert of(AlertWorsened, house.waits(3600)) == []


def test_time_in_which_the_service_was_down_is_not_held_against_anybody() -> None:
    house = Household(RULES)
    house.says("motion", occupancy=True)
    house.waits(3600)
    down = house.now
    house.now += timedelta(hours=10)
    assert of(AlertRaised, house.starts(down)) == []
    assert of(AlertRaised, house.waits(3 * 3600 + 120 + 119)) == [], "the hours that were left, two minutes to come back in, the lateness"
    assert of(AlertRaised, house.waits(1))


def test_a_backlog_is_judged_as_a_whole_before_anything_is_missed_in_it() -> None:
    house = Household(RULES)
    house.now += timedelta(hours=20)
    for hour in range(19):
        at = START + timedelta(hours=hour)
        assert of(AlertRaised, house.takes(report("motion", at, f"b{hour}", {"occupancy": True}, received_at=house.now))) == []
    (raised,) = of(AlertRaised, house.waits(7200 + 3600 + 120))
    assert raised.at == START + timedelta(hours=22, minutes=2)


def test_what_two_rules_speak_of_is_cleared_when_neither_does_any_more() -> None:
    both = Absence(
        id="no-water", category=Category.INACTIVITY, priority=Priority.PROMPT, title=WORDS, reason=WORDS,
        awaited=(Pattern(Property.WATER_USED),), hold=timedelta(hours=5),
    )  # fmt: skip
    house = Household(with_rules(STILL, both))
    house.says("motion", occupancy=True)
    house.says("meter", water_used=3.2)
    facts = house.waits(6 * 3600)
    (raised,) = of(AlertRaised, facts)
    (repeated,) = of(AlertRepeated, facts)
    assert (repeated.alert, repeated.key) == (raised.alert, "no-water")
    assert of(AlertCleared, house.says("motion", occupancy=True)) == []
    assert [cleared.alert for cleared in of(AlertCleared, house.says("meter", water_used=3.3))] == [raised.alert]


def test_a_slow_clock_is_found_out_and_its_movements_count_from_when_they_came() -> None:
    house = Household(RULES)
    for minute in range(0, 10 * 60, 30):
        house.now = START + timedelta(minutes=minute)
        house.takes(report("motion", house.now - timedelta(hours=5), f"s{minute}", {"occupancy": True}, received_at=house.now))
    told = [fact.at for fact in house.facts if isinstance(fact, AlertRaised | AlertRecurred | AlertCleared)]
    assert told[0] == START + timedelta(minutes=2), "the first report of such a clock is all there is"
    assert told[-1] == START + timedelta(minutes=90), "by the fourth it is known"
    assert house.open()[0].cleared_at == told[-1]
    assert of(AlertRaised, house.waits(3 * 3600 + 1800)) == []
    (recurred,) = of(AlertRecurred, house.waits(3600))
    assert recurred.evidence[0].clock_suspect
