"""Whom a step reaches, at its moment: contacts in their order and hours, whoever is on duty; first to accept, and the rest stand down."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerting.commands import Acknowledge, Close, RegisterArea, Respond
from alerting.facts import AlertRaised, NotificationRequested, NotificationSkipped, StepReached
from alerting.policy import DESK, Policy, Step
from alerting.suppression import FLOOR
from alerting.terms import Actor, AlertId, Progress, Stage
from devices.home import Area, AreaId
from tests.duty import LI, call, ended, family, heard, on_duty, policy, ruleset, staff, stood_down, told
from tests.household import AREA, START, Household, of

NEXT = policy((30, ("next",)), (60, ("next",)), (90, ("next", DESK)))


def seconds(facts: list[StepReached]) -> list[float]:
    return [(fact.at - START).total_seconds() for fact in facts]


def answers(house: Household, asked: NotificationRequested, stage: Stage = Stage.ACCEPTED) -> list[NotificationRequested]:
    """As the gateway makes it of a key, a link or a reply: the response, then the report."""
    name = asked.person or asked.staff or asked.target
    facts = house.asks(Respond(asked.alert, str(name), stage, asked.notification), by=Actor("contact"))
    heard(house, asked, Progress.DECLINED if stage is Stage.DECLINED else Progress.ACCEPTED)
    return of(NotificationRequested, facts)


def test_contacts_are_rung_one_after_another_in_their_order() -> None:
    house = Household(ruleset(NEXT))
    family(house, ("son", "13800000001", ()), ("next-door", "13800000002", ()), ("niece", "13800000003", ()))
    call(house)
    assert told(house.waits(30)) == ["son"]
    assert told(house.waits(30)) == ["next-door"]
    assert told(house.waits(30)) == ["niece"]


def test_a_contact_is_rung_in_their_hours_and_under_the_floor_out_of_them_when_nobody_else_is_left() -> None:
    house = Household(ruleset(NEXT))  # it is three in the morning
    family(house, ("son", "13800000001", ("08:00-22:00",)), ("next-door", "13800000002", ("20:00-08:00",)))
    call(house)
    assert told(house.waits(30)) == ["next-door"]
    assert told(house.waits(30)) == ["son"]


def test_a_contact_without_a_number_is_passed_over_and_with_nobody_left_the_next_step_comes_at_once() -> None:
    house = Household(ruleset(policy((30, ("next",)), (60, ("next",)), (300, ("group",)))))
    family(house, ("son", "", ()), ("next-door", "13800000002", ()))
    call(house)
    assert told(house.waits(30)) == ["next-door"]
    facts = house.waits(30)
    assert [skipped.why.en for skipped in of(NotificationSkipped, facts)] == ["there is no further contact who can be rung"]
    assert (told(facts), seconds(of(StepReached, facts))) == (["group"], [60, 60])


def test_who_says_no_brings_the_next_one_at_once_and_is_not_asked_again() -> None:
    house = Household(ruleset(NEXT))
    family(house, ("son", "13800000001", ()), ("next-door", "13800000002", ()))
    call(house)
    (asked,) = of(NotificationRequested, house.waits(30))
    ended(house, asked, delivered=True)
    house.waits(3)
    house.facts.clear()
    answers(house, asked, Stage.DECLINED)
    assert told(house.facts) == ["next-door"]
    assert seconds(of(StepReached, house.facts)) == [33]
    assert "son" not in told(house.waits(3600))


@pytest.mark.parametrize("late", [False, True], ids=["never taken", "taken, and reported as failed"])
def test_a_failed_notification_brings_the_next_step_at_once_and_those_behind_it_keep_their_distance(late: bool) -> None:
    house = Household(ruleset(policy((60, ("group",)), (180, ("duty",)), (240, ("leads",)))))
    on_duty(house)
    call(house)
    (asked,) = of(NotificationRequested, house.waits(60))
    house.now += timedelta(milliseconds=700)
    facts = ended(house, asked, delivered=late)
    if late:
        assert not of(StepReached, facts)
        facts = heard(house, asked, Progress.FAILED)
    assert seconds(of(StepReached, facts)) == [60.7]
    assert told(facts) == ["li"]
    assert seconds(of(StepReached, house.waits(60))) == [120.7], "sixty seconds behind it, as planned"


def test_of_several_ways_to_one_target_one_that_works_is_enough() -> None:
    house = Household(ruleset(policy((60, ("shift_lead",)), (180, (DESK,))), targets=()))
    house = Household(replace(house.engine.ruleset, targets=(replace(house.engine.ruleset.targets[0], channels=("a", "b")),)))
    call(house)
    one, other = of(NotificationRequested, house.waits(60))
    assert not of(StepReached, ended(house, one, delivered=False))
    assert not of(StepReached, ended(house, other, delivered=True))
    assert of(StepReached, heard(house, other, Progress.FAILED))


def test_failures_hurry_a_round_and_never_turn_it_into_a_storm() -> None:
    house = Household(ruleset(policy((60, ("group",)), (180, ("group",)), rounds=2)))
    call(house)
    for _ in range(200):
        house.waits(1)
        for asked in list(house.engine.pending_notifications()):
            ended(house, asked, delivered=False)
    assert seconds(of(StepReached, house.facts)) == [0, 60, 60, 180]


def test_an_alert_that_somebody_has_is_not_hurried_by_a_failure() -> None:
    house = Household(ruleset(policy((60, ("group",)), (180, ("duty",)))))
    alert = call(house)
    (asked,) = of(NotificationRequested, house.waits(60))
    house.asks(Acknowledge(AlertId(alert)))
    assert not of(StepReached, ended(house, asked, delivered=False))


# --- accepting -------------------------------------------------------------------------------------------------------------------


def everybody(house: Household) -> list[NotificationRequested]:
    """Three contacts are told at once, and all of it is delivered."""
    family(house, ("son", "13800000001", ()), ("next-door", "13800000002", ()), ("niece", "13800000003", ()))
    call(house)
    asked = of(NotificationRequested, house.waits(30))
    for each in asked:
        ended(house, each, delivered=True)
    return asked


def test_the_first_to_accept_has_it_and_the_rest_are_told_to_stand_down_and_by_whom() -> None:
    house = Household(ruleset(policy((30, ("contacts",)), (120, ("group", DESK)))))
    son, *_ = everybody(house)
    downs = answers(house, son)
    assert stood_down([*downs]) == ["next-door", "niece"]
    assert downs[0].why.zh == "不用去了：son 已答应前往"
    facts = house.waits(90)
    assert told(facts) == [], "nobody else outside the desk is told"
    assert of(NotificationSkipped, facts)[0].why.en == "son has accepted: the group is not told"


def test_two_of_three_have_to_accept_where_a_policy_asks_for_two() -> None:
    house = Household(ruleset(policy((30, ("contacts",)), (120, ("group",)), accepts=2)))
    son, door, _ = everybody(house)
    assert answers(house, son) == []
    assert stood_down([*answers(house, door)]) == ["niece"]
    assert told(house.waits(90)) == []


def test_one_of_two_that_are_needed_does_not_keep_the_next_step_from_telling() -> None:
    house = Household(ruleset(policy((30, ("contacts",)), (120, ("group",)), accepts=2)))
    son, *_ = everybody(house)
    answers(house, son)
    assert told(house.waits(90)) == ["group"]


def test_who_accepted_and_is_not_heard_of_any_more_counts_no_longer() -> None:
    house = Household(ruleset(policy((30, ("contacts",)), (120, ("group",)), accept_limit=timedelta(minutes=5))))
    son, *_ = everybody(house)
    answers(house, son)
    house.waits(360)
    assert told(house.waits(600)) == ["group"], "the last step comes again, and nobody is known to come"


def test_who_arrived_counts_for_as_long_as_it_takes() -> None:
    house = Household(ruleset(policy((30, ("contacts",)), (120, ("group",)))))
    son, *_ = everybody(house)
    answers(house, son)
    house.asks(Respond(son.alert, "son", Stage.ARRIVED))
    assert told(house.waits(3600)) == []


def test_what_is_delivered_behind_the_acceptance_is_stood_down_then() -> None:
    house = Household(ruleset(policy((30, ("contacts",)))))
    family(house, ("son", "13800000001", ()), ("next-door", "13800000002", ()))
    call(house)
    son, door = of(NotificationRequested, house.waits(30))
    ended(house, son, delivered=True)
    assert answers(house, son) == []
    assert stood_down(ended(house, door, delivered=True)) == ["next-door"]


def test_closing_tells_the_contacts_who_were_told_and_nobody_twice() -> None:
    house = Household(ruleset(policy((30, ("contacts", "group")))))
    son, *_ = everybody(house)
    assert answers(house, son)
    closed = of(NotificationRequested, house.asks(Close(son.alert, "assistance_given"), by="wang"))
    assert closed == [], "the others know already, and whoever comes is there"
    house = Household(ruleset(policy((30, ("contacts", "group")))))
    everybody(house)
    closed = of(NotificationRequested, house.asks(Close(son.alert, "false_person"), by="wang"))
    assert stood_down([*closed]) == ["son", "next-door", "niece"]
    assert closed[0].why.en == "you need not come: wang has closed it"


# --- whom a name stands for ------------------------------------------------------------------------------------------------------


def test_a_roster_is_whoever_is_on_and_a_gap_in_it_brings_the_next_step_at_once() -> None:
    house = Household(ruleset(policy((60, ("duty",)), (180, ("doctor",)))))
    on_duty(house)
    call(house)
    assert told(house.waits(60)) == ["li"], "whose night it is"
    house = Household(ruleset(policy((60, ("duty",)), (180, ("doctor",)))))
    on_duty(house)
    house.waits(6 * 3600)  # nine in the morning
    call(house)
    facts = house.waits(60)
    assert [skipped.why.en for skipped in of(NotificationSkipped, facts)] == ["nobody of whoever is on duty is on duty now"]
    assert told(facts) == ["gu"]


def test_a_role_is_whoever_of_it_is_on_and_a_person_is_that_person() -> None:
    house = Household(ruleset(policy((60, ("leads",)), (180, ("doctor",)))))
    on_duty(house, "wang")
    call(house)
    assert told(house.waits(60)) == ["wang"]
    assert told(house.waits(120)) == ["gu"]


def test_somebody_on_duty_whom_nothing_reaches_brings_the_next_step_at_once() -> None:
    house = Household(ruleset(policy((60, ("duty",)), (180, ("doctor",)))))
    on_duty(house, "mute")
    call(house)
    facts = house.waits(60)
    assert [skipped.why.zh for skipped in of(NotificationSkipped, facts)] == ["值班人员没有可用的号码"]
    assert told(facts) == ["gu"]


def test_somebodys_own_channels_go_before_those_of_the_target() -> None:
    house = Household(ruleset(policy((60, ("duty",)))))
    on_duty(house)
    staff(house, replace(LI, channels=("wecom_li",)))
    call(house)
    assert [asked.channel for asked in of(NotificationRequested, house.waits(60))] == ["wecom_li"]


def test_an_emergency_service_is_given_an_alert_once_unless_it_did_not_arrive() -> None:
    house = Household(ruleset(policy((60, ("fire_119",)))))
    call(house)
    (given,) = of(NotificationRequested, house.waits(60))
    ended(house, given, delivered=True)
    facts = house.waits(600)
    assert of(StepReached, facts)
    assert told(facts) == []
    assert of(NotificationSkipped, facts)[0].why.zh == "已经移交119"
    house = Household(ruleset(policy((60, ("fire_119",)))))
    call(house)
    (given,) = of(NotificationRequested, house.waits(60))
    ended(house, given, delivered=False)
    assert told(house.waits(600)) == ["fire_119"]


def test_conditions_by_hour_hold_for_a_step_and_for_a_target() -> None:
    by_day = replace(policy((60, ("group",)), (120, ("night_group",))), steps=(
        Step(timedelta(0), (DESK,)), Step(timedelta(seconds=60), ("group",), hours=("08:00-20:00",)),
        Step(timedelta(seconds=120), ("night_group",)),
    ))  # fmt: skip
    house = Household(ruleset(by_day))
    call(house)
    assert told(house.waits(60)) == []
    facts = house.waits(60)
    assert (told(facts), seconds(of(StepReached, facts))) == (["night_group"], [120]), "in its own time: nothing failed"
    day = Household(ruleset(by_day))
    day.waits(7 * 3600)
    call(day)
    assert told(day.waits(60)) == ["group"]
    assert told(day.waits(60)) == []


def test_the_nearest_areas_policy_holds_and_one_for_everywhere_where_no_area_has_its_own() -> None:
    street, city = AreaId(AREA), AreaId("330100")
    local = replace(policy((20, ("group",))), id="local", areas=(street,))
    wide = replace(policy((40, ("group",))), id="wide", areas=(city,))
    rules = ruleset(policy((60, ("group",))), local, wide)
    house = Household(rules)
    (raised,) = of(AlertRaised, house.says("cord", pull_cord=True))
    assert raised.policy == "local"
    assert told(house.waits(20)) == ["group"]
    house = Household(ruleset(policy((60, ("group",))), wide))
    house.asks(RegisterArea(Area(city, "杭州")))
    assert of(AlertRaised, house.says("smoke", smoke=True))[0].policy == "life", "the street does not lie in it yet"
    house = Household(ruleset(policy((60, ("group",))), wide))
    house.engine.registry.areas[city] = Area(city, "杭州")
    house.engine.registry.areas[AREA] = Area(AREA, "翠苑街道", city)
    assert of(AlertRaised, house.says("cord", pull_cord=True))[0].policy == "wide"


def test_a_policy_of_an_area_may_stand_for_one_that_a_rule_names() -> None:
    shipped = ruleset(policy((60, ("group",))))
    aware = next(p for p in shipped.policies if p.id == "aware")
    here = Policy("aware-here", (Step(timedelta(0), (DESK,)),), areas=(AreaId(AREA),), instead_of=aware.id)
    house = Household(replace(shipped, policies=(*shipped.policies, here)))
    index = house.engine._circumstances.index
    assert index.policy(AreaId(AREA), next(iter(FLOOR)), "aware").id == "aware-here"
    assert index.policy(AreaId("elsewhere"), next(iter(FLOOR)), "aware").id == "aware"


NAMES = st.lists(st.sampled_from(["next", "contacts", "duty", "leads", "fire_119", "group"]), max_size=3)
HAPPENINGS = st.lists(st.tuples(st.integers(0, 600), st.sampled_from(["accepted", "failed", "declined"])), max_size=6)


@given(st.lists(st.tuples(st.integers(1, 900), NAMES), max_size=4, unique_by=lambda step: step[0]), st.integers(0, 3), HAPPENINGS)
@settings(max_examples=20, deadline=None)
def test_nobody_accepting_failing_or_being_away_keeps_a_call_from_ringing_at_the_desk(
    steps: list[tuple[int, list[str]]], accepts: int, happenings: list[tuple[int, str]],
) -> None:
    house = Household(ruleset(policy(*((after, tuple(names)) for after, names in sorted(steps)), accepts=accepts)))
    family(house, ("son", "13800000001", ("08:00-22:00",)), ("next-door", "", ()))
    on_duty(house, "mute", "li")
    call(house)
    for wait, happening in happenings:
        house.waits(wait)
        for asked in list(house.engine.pending_notifications())[:1]:
            if happening == "accepted":
                answers(house, asked)
            elif happening == "declined":
                answers(house, asked, Stage.DECLINED)
            ended(house, asked, delivered=happening != "failed")
    house.waits(3600)
    rings = [fact.at for fact in of(StepReached, house.facts)]
    assert rings[0] == START
    assert all(later - earlier <= timedelta(minutes=10) for earlier, later in pairwise([*rings, house.now]))
    assert all(count == 1 for count in Counter(f.notification for f in of(NotificationRequested, house.facts)).values())
