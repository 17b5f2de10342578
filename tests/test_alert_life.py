"""An alert's life beside its escalation, as stories: one person for one home, holds, endings that do not stay, looks, marks, tests."""

from datetime import datetime, timedelta

import pytest

from alerting.alert import Alert
from alerting.commands import (
    Acknowledge,
    Claim,
    Close,
    CloseTogether,
    Command,
    ConfirmCall,
    EndOnTest,
    Hold,
    PutOnTest,
    Transfer,
    View,
)
from alerting.facts import (
    AlertClaimed,
    AlertClosed,
    AlertRaised,
    AlertRepeated,
    AlertTransferred,
    Fact,
    HoldEnded,
    StepReached,
)
from alerting.life_facts import AlertChattering, AlertRearmed, AlertStanding, AlertViewed, CallUnconfirmed, OnTestEnded
from alerting.marks import flooding, may_group
from alerting.policy import AlertLife
from alerting.refusals import Exists, IllegalTransition, Unknown
from alerting.suppression import FLOOR
from alerting.terms import Actor, AlertId, Category, Origin, Priority, Status, TestId
from devices.home import DeviceId
from tests.household import DEFAULT, HOME, START, Household, of


def now(house: Household, alert: Alert) -> Alert:
    return house.engine.alerts[alert.id]


def refused(house: Household, command: Command, by: str = "li") -> IllegalTransition:
    with pytest.raises(IllegalTransition) as refusal:
        house.asks(command, by)
    return refusal.value


def several() -> tuple[Household, Alert, Alert, Alert]:
    """A call, a leak and a cover that was opened, in one home."""
    house = Household()
    house.says("leak", water_leak=True)
    house.says("bath", tamper=True)
    house.says("cord", pull_cord=True)
    return house, house.alert(Category.CALL_FOR_HELP), house.alert(Category.WATER), house.alert(Category.TECHNICAL)


# --- one person, one home ------------------------------------------------------------------------------------------------------


def test_whoever_takes_one_alert_of_a_home_has_them_all_and_each_says_with_which_it_came() -> None:
    house, call, leak, cover = several()
    claims = of(AlertClaimed, house.asks(Claim(call.id)))
    assert {(c.alert, c.by, c.follows) for c in claims} == {(call.id, "li", None), (leak.id, "li", call.id), (cover.id, "li", call.id)}
    assert now(house, leak).viewed_at is None, "it came along; nobody has looked at it yet"
    assert now(house, call).viewed_by == "li"


def test_taking_over_takes_all_that_the_other_had_and_names_them_and_leaves_what_a_third_has() -> None:
    house, call, leak, cover = several()
    house.asks(Claim(call.id), "li")
    house.says("smoke", smoke=True)
    fire = house.alert(Category.FIRE)
    house.asks(Claim(fire.id), "zhao")
    claims = of(AlertClaimed, house.asks(Claim(leak.id), "wang"))
    assert {(c.alert, c.taken_over_from) for c in claims} == {(id_, "li") for id_ in (leak.id, call.id, cover.id)}
    assert now(house, fire).claimed_by == "zhao"


def test_what_came_along_may_be_taken_by_itself_once_and_then_the_limit_counts_from_there() -> None:
    house, call, leak, _ = several()
    house.asks(Claim(call.id))
    house.waits(60)
    (claim,) = of(AlertClaimed, house.asks(Claim(leak.id)))
    assert (claim.follows, claim.taken_over_from) == (None, None)
    assert now(house, leak).claimed_at == house.now
    assert "since" in refused(house, Claim(leak.id)).sentence.en


def test_a_call_that_comes_while_somebody_has_the_home_rings_for_everybody() -> None:
    house = Household()
    house.says("leak", water_leak=True)
    house.asks(Claim(house.alert(Category.WATER).id))
    facts = house.says("cord", pull_cord=True)
    assert of(StepReached, facts)
    assert house.alert(Category.CALL_FOR_HELP).claimed_by is None


def test_a_hand_that_saw_nobody_on_it_does_not_take_it_from_somebody_who_was_quicker() -> None:
    house, call, _, _ = several()
    house.asks(Claim(call.id, ""), "li")
    sentence = refused(house, Claim(call.id, ""), "wang").sentence
    assert "li 已于 03:00 接警" in sentence.zh
    assert "take it over if you mean to" in sentence.en
    (taken, *_) = of(AlertClaimed, house.asks(Claim(call.id, "li"), "wang"))
    assert taken.taken_over_from == "li"
    assert "wang" in refused(house, Claim(call.id, "li"), "zhao").sentence.en, "it is not li's any more"


def test_a_transfer_hands_the_whole_home_on() -> None:
    house, call, leak, cover = several()
    house.asks(Acknowledge(call.id))
    moved = of(AlertTransferred, house.asks(Transfer(call.id, "wang", "交接班")))
    assert {fact.alert for fact in moved} == {call.id, leak.id, cover.id}
    assert {a.claimed_by for a in house.open()} == {"wang"}
    assert now(house, call).status is Status.ACKNOWLEDGED


# --- looks ---------------------------------------------------------------------------------------------------------------------


def test_the_first_look_is_recorded_and_no_other() -> None:
    house, call, _, _ = several()
    (viewed,) = of(AlertViewed, house.asks(View(call.id), "li"))
    assert (viewed.by, now(house, call).viewed_at) == ("li", house.now)
    house.waits(1)
    assert house.asks(View(call.id), "wang") == []
    assert now(house, call).status is Status.TRIGGERED
    assert now(house, call).claimed_by is None


# --- holds ---------------------------------------------------------------------------------------------------------------------


def test_a_hold_comes_back_with_the_priority_that_was_asked_for() -> None:
    house = Household()
    house.says("leak", water_leak=True)
    alert = house.alert(Category.WATER)
    house.asks(Hold(alert.id, 60, "物业上门", Priority.LIFE))
    assert now(house, alert).priority is alert.priority, "not before"
    assert of(HoldEnded, house.waits(3600))
    assert now(house, alert).priority is Priority.LIFE


def test_a_call_comes_back_from_a_hold_with_no_lower_a_priority() -> None:
    house, call, _, _ = several()
    house.asks(Claim(call.id))
    assert "no lower a priority" in refused(house, Hold(call.id, 5, "等家属", Priority.AWARE)).sentence.en
    house.asks(Hold(call.id, 5, "等家属", Priority.LIFE))


# --- endings that do not stay --------------------------------------------------------------------------------------------------


def smoking() -> tuple[Household, Alert]:
    house = Household()
    house.says("smoke", smoke=True)
    return house, house.alert(Category.FIRE)


def test_what_still_holds_is_closed_with_a_reason_and_raised_anew_when_its_time_comes() -> None:
    house, fire = smoking()
    assert "still holds" in refused(house, Close(fire.id, "false_cooking")).sentence.en
    (closed,) = of(AlertClosed, house.asks(Close(fire.id, "false_cooking", "炒菜，已开窗", 20)))
    assert closed.rearm_at == house.now + timedelta(minutes=20)
    assert of(AlertRaised, house.waits(1199.9)) == []
    facts = house.waits(0.1)
    (rearmed,), (raised,) = of(AlertRearmed, facts), of(AlertRaised, facts)
    assert (rearmed.alert, rearmed.raised, raised.anew_of) == (fire.id, raised.alert, fire.id)
    assert raised.alert != fire.id
    assert [step.at for step in of(StepReached, facts)] == [house.now], "it rings"
    assert "still holds" in raised.reason.en
    assert now(house, fire).rearm_at is None


def test_what_is_over_when_its_time_comes_is_only_noted() -> None:
    house, fire = smoking()
    house.asks(Close(fire.id, "false_cooking", "炒菜"))
    house.says("smoke", smoke=False)
    facts = house.waits(1800)
    assert [(f.alert, f.raised) for f in of(AlertRearmed, facts)] == [(fire.id, None)]
    assert of(AlertRaised, facts) == []


def test_under_the_floor_what_is_said_again_rings_at_once_and_other_matters_wait_for_their_time() -> None:
    house, fire = smoking()
    house.asks(Close(fire.id, "false_cooking", "炒菜"))
    assert of(AlertRaised, house.says("smoke", smoke=True))
    house.says("leak", water_leak=True)
    leak = house.alert(Category.WATER)
    house.asks(Close(leak.id, "device_serviced", "物业已关总阀", 120))
    assert of(AlertRaised, house.says("leak", water_leak=True)) == []
    house.says("leak", water_leak=False)
    assert of(AlertRaised, house.says("leak", water_leak=True)), "a new leak is a new leak"


def test_a_cleared_alert_a_call_and_a_fall_are_closed_without_any_of_this() -> None:
    house, call, _, _ = several()
    house.says("smoke", smoke=True)
    house.says("smoke", smoke=False)
    house.says("pendant", fall=True)
    for alert in (call, house.alert(Category.FIRE), house.alert(Category.FALL)):
        (closed,) = of(AlertClosed, house.asks(Close(alert.id, "assistance_given")))
        assert closed.rearm_at is None


@pytest.mark.parametrize("minutes", [0, -1, 61, float("nan"), float("inf")])
def test_a_fire_is_left_alone_for_an_hour_at_most(minutes: float) -> None:
    house, fire = smoking()
    assert "1 小时" in refused(house, Close(fire.id, "false_cooking", "炒菜", minutes)).sentence.zh


def test_a_silent_device_that_was_closed_is_raised_anew_while_it_is_silent() -> None:
    house = Household()
    house.says("watch", heart_rate=70)
    house.waits(3600)
    (silent,) = [a for a in house.open() if a.device == "watch"]
    house.asks(Close(silent.id, "device_serviced", "充电去了", 60 * 24))
    (raised,) = of(AlertRaised, house.waits(86400))
    assert raised.anew_of == silent.id
    assert silent.id not in [a.id for a in house.open()]


def test_what_waits_for_its_time_is_remembered_beyond_the_day_of_closed_alerts() -> None:
    house = Household()
    house.says("cord", battery_low=True)
    battery = house.alert(Category.TECHNICAL)
    house.asks(Close(battery.id, "device_serviced", "周五换电池", 60 * 24 * 5))
    house.says("cord", rssi=-60)
    facts = house.waits(86400 * 5)
    assert [f.anew_of for f in of(AlertRaised, facts) if f.anew_of] == [battery.id]


# --- many at once --------------------------------------------------------------------------------------------------------------


def test_many_are_closed_as_one_event_except_those_that_nobody_looked_at_or_that_still_hold() -> None:
    house, call, leak, cover = several()
    house.asks(View(call.id))
    house.asks(View(leak.id))
    together = CloseTogether((call.id, leak.id, cover.id, AlertId("nobody")), "assistance_given", "水管爆裂", "12栋水管爆裂")
    closed = of(AlertClosed, house.asks(together))
    assert [(c.alert, c.event, c.by) for c in closed] == [(call.id, "12栋水管爆裂", "li")]
    assert {a.id for a in house.open()} == {leak.id, cover.id}, "the leak still leaks, the cover nobody has looked at"


def test_closing_many_takes_a_disposition_too() -> None:
    house, call, _, _ = several()
    house.asks(View(call.id))
    assert "is not a disposition" in refused(house, CloseTogether((call.id,), "", "", "")).sentence.en


# --- marks of ISA-18.2 ---------------------------------------------------------------------------------------------------------


def flaps(house: Household, times: int, every: float) -> list[Fact]:
    facts: list[Fact] = []
    for _ in range(times):
        facts += [*house.says("leak", water_leak=True), *house.waits(every / 2)]
        facts += [*house.says("leak", water_leak=False), *house.waits(every / 2)]
    return facts


def test_three_onsets_in_a_minute_are_chattering_marked_once_an_hour_and_hidden_from_nobody() -> None:
    house = Household()
    assert of(AlertChattering, flaps(house, 2, 20)) == []
    (mark,) = of(AlertChattering, flaps(house, 4, 10))
    assert (mark.times, mark.within_s) == (3, 60.0)
    alert = house.alert(Category.WATER)
    assert alert.chattering_at == mark.at
    assert alert.open
    house.waits(3600)
    assert len(of(AlertChattering, flaps(house, 3, 10))) == 1


def test_three_onsets_in_an_hour_are_not() -> None:
    assert of(AlertChattering, flaps(Household(), 3, 1200)) == []


def test_what_is_active_for_a_day_is_a_standing_alarm_until_it_clears() -> None:
    house = Household()
    house.says("leak", water_leak=True)
    house.waits(3600)
    house.says("leak", water_leak=False)
    house.says("leak", water_leak=True)
    assert of(AlertStanding, house.waits(86399)) == [], "it counts from the last onset"
    (mark,) = of(AlertStanding, house.waits(1))
    assert mark.since == START + timedelta(hours=1)
    assert house.alert(Category.WATER).standing_at == house.now
    house.says("leak", water_leak=False)
    assert house.alert(Category.WATER).standing_at is None


def test_a_flood_begins_at_ten_in_ten_minutes_and_ends_under_five() -> None:
    life = AlertLife()
    at = [START + timedelta(seconds=30 * n) for n in range(10)]
    assert not flooding(at[:9], at[8], life, before=False)
    assert flooding(at, at[9], life, before=False)
    five = at[5] + life.flood_within - timedelta(seconds=1)
    assert flooding(at, five, life, before=True)
    assert not flooding(at, five + timedelta(seconds=2), life, before=True)
    assert {c for c in Category if not may_group(c)} == FLOOR


# --- taken back ----------------------------------------------------------------------------------------------------------------


def test_a_call_taken_back_is_shown_lower_rings_on_and_is_closed_by_a_person_alone() -> None:
    house, call, _, _ = several()
    house.says("cord", cancel=True)
    assert (now(house, call).priority, now(house, call).shown_priority) == (Priority.LIFE, Priority.PROMPT)
    assert of(StepReached, house.waits(60))
    assert now(house, call).open
    house.says("cord", pull_cord=True)
    assert now(house, call).shown_priority is Priority.LIFE


# --- on test -------------------------------------------------------------------------------------------------------------------


def on_test(*devices: str, minutes: float = 30, test: str = "t1", starts_at: datetime | None = None, on_site: bool = True) -> PutOnTest:
    ends_at = (starts_at or START) + timedelta(minutes=minutes)
    return PutOnTest(TestId(test), HOME, tuple(map(DeviceId, devices)), starts_at, ends_at, Actor("chen"), on_site, "安装后试拉")


def test_a_test_call_is_a_test_rings_nobody_and_is_closed_by_its_testers_word() -> None:
    house = Household()
    house.asks(on_test("cord"))
    (raised,) = of(AlertRaised, house.says("cord", pull_cord=True))
    assert (raised.origin, raised.testers, raised.next_step_at) == (Origin.TEST, ("chen", "li"), None)
    assert of(StepReached, house.waits(30)) == []
    assert "whoever is testing" in refused(house, ConfirmCall(raised.alert), "wang").sentence.en
    house.asks(ConfirmCall(raised.alert), "chen")
    closed = house.engine.alerts[raised.alert]
    assert (closed.status, closed.disposition, closed.closed_by) == (Status.CLOSED, "test", "chen")
    assert of(StepReached, house.waits(600)) == []


def test_what_the_tester_does_not_confirm_is_real_after_a_minute_and_rings_at_once() -> None:
    house = Household()
    house.asks(on_test("cord"))
    (raised,) = of(AlertRaised, house.says("cord", pull_cord=True))
    assert of(CallUnconfirmed, house.waits(59.9)) == []
    facts = house.waits(0.1)
    assert of(CallUnconfirmed, facts)
    assert [step.at for step in of(StepReached, facts)] == [raised.at + timedelta(seconds=60)]
    alert = house.engine.alerts[raised.alert]
    assert (alert.origin, alert.matter) == (Origin.REAL, "call_for_help")
    assert of(AlertRepeated, house.says("bath", pull_cord=True)), "and others join it"
    assert [step.step for step in of(StepReached, house.waits(60))] == [1]


def test_a_call_of_any_other_device_is_real_at_once_and_the_tests_own_stay_tests() -> None:
    house = Household()
    house.asks(on_test("cord"))
    (test,) = of(AlertRaised, house.says("cord", pull_cord=True))
    facts = house.says("bath", pull_cord=True)
    (real,) = of(AlertRaised, facts)
    assert (test.origin, real.origin) == (Origin.TEST, Origin.REAL)
    assert of(StepReached, facts)
    (again,) = of(AlertRepeated, house.says("cord", pull_cord=True))
    assert again.alert == real.alert, "while there is a real one, nothing is only a test"
    facts = house.waits(60)
    assert of(CallUnconfirmed, facts)
    assert house.engine.alerts[test.alert].matter != real.matter, "two alerts, two matters"


def test_a_test_that_is_over_covers_nothing() -> None:
    house = Household()
    house.asks(on_test("cord", minutes=10))
    assert [f.by for f in of(OnTestEnded, house.waits(600))] == ["service"]
    assert of(AlertRaised, house.says("cord", pull_cord=True))[0].origin is Origin.REAL
    house.asks(on_test("bath", test="t2"))
    house.asks(EndOnTest(TestId("t2")))
    with pytest.raises(Unknown):
        house.asks(EndOnTest(TestId("t2")))
    assert of(AlertRepeated, house.says("bath", pull_cord=True))


def test_a_call_that_comes_after_the_test_is_not_swallowed_by_its_last_test_call() -> None:
    house = Household()
    house.asks(on_test("cord", minutes=10))
    house.waits(590)
    (test,) = of(AlertRaised, house.says("cord", pull_cord=True))
    house.waits(20)
    (real,) = of(AlertRaised, house.says("cord", pull_cord=True))
    assert (test.origin, real.origin) == (Origin.TEST, Origin.REAL)


def test_a_test_may_be_planned_and_covers_nothing_before() -> None:
    house = Household()
    house.asks(on_test("cord", starts_at=START + timedelta(hours=1)))
    assert of(AlertRaised, house.says("cord", pull_cord=True))[0].origin is Origin.REAL
    house.waits(3600)
    house.asks(Close(house.alert(Category.CALL_FOR_HELP).id, "assistance_given"))
    assert of(AlertRaised, house.says("cord", pull_cord=True))[0].origin is Origin.TEST


def test_a_whole_home_is_on_test_for_all_but_what_is_under_the_floor() -> None:
    house = Household()
    house.asks(on_test(minutes=240))
    assert of(AlertRaised, house.says("leak", water_leak=True))[0].origin is Origin.TEST
    assert of(AlertRaised, house.says("cord", pull_cord=True))[0].origin is Origin.REAL
    assert of(AlertRaised, house.says("smoke", smoke=True))[0].origin is Origin.REAL


def test_a_detector_on_test_is_cleared_as_any_other() -> None:
    house = Household()
    house.asks(on_test("smoke"))
    house.says("smoke", smoke=True)
    house.says("smoke", smoke=False)
    assert house.alert(Category.FIRE).cleared_at == house.now


def test_what_may_not_be_tested_so_is_refused_in_words() -> None:
    house = Household()
    assert "within 30 minutes" in refused(house, on_test("cord", minutes=31)).sentence.en
    assert "who is there" in refused(house, on_test("cord", on_site=False)).sentence.en
    assert "7 days" in refused(house, on_test("cord", starts_at=START + timedelta(days=8))).sentence.en
    assert isinstance(refused(house, on_test("attic")), Unknown)
    house.asks(on_test("cord"))
    assert isinstance(refused(house, on_test("bath")), Exists)
    assert "no test" in refused(house, ConfirmCall(AlertId(_real(house).id))).sentence.en


def _real(house: Household) -> Alert:
    house.says("bath", pull_cord=True)
    return house.alert(Category.CALL_FOR_HELP)


def test_the_shipped_numbers_are_those_of_the_standard() -> None:
    assert DEFAULT.life == AlertLife()
