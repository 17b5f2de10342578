"""The steps of a policy: at their seconds, each once, whatever people and time do in between."""

import json
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerting.commands import Acknowledge, ChangeHome, Claim, Close, EndSilence, Note, RegisterArea, Respond, SetSilence
from alerting.escalation import LAST_RESORT, policy_for
from alerting.facts import (
    AcknowledgementLapsed,
    AlertRaised,
    ClaimLapsed,
    CommandIssued,
    Fact,
    NotificationEnded,
    NotificationRequested,
    NotificationSkipped,
    StepReached,
)
from alerting.items import Configured, DeliveryEnded
from alerting.registry_facts import SilenceEnded
from alerting.rules import Ruleset
from alerting.terms import Category, SilenceId, Stage, Status
from devices.home import Area, AreaId, Home
from tests.household import AREA, DEFAULT, HOME, START, Household, default_ruleset, of, report


def steps(facts: list[Fact]) -> list[tuple[float, int, int]]:
    """(seconds since the beginning, step, round)"""
    return [((f.at - START).total_seconds(), f.step, f.round) for f in of(StepReached, facts)]


def test_an_unanswered_call_reaches_the_desk_at_once_the_lead_at_60_s_and_the_supervisor_at_180_s() -> None:
    house = Household()
    facts = house.says("cord", pull_cord=True) + house.waits(180)
    assert steps(facts) == [(0, 0, 0), (60, 1, 0), (180, 2, 0)]
    told = [((f.at - START).total_seconds(), f.target, f.channel) for f in of(NotificationRequested, facts)]
    assert told == [(60, "shift_lead", "hook"), (180, "shift_lead", "hook"), (180, "supervisor", "hook"), (180, "supervisor", "mail")]


def test_it_begins_anew_120_s_later_for_three_rounds_and_then_never_gives_up() -> None:
    house = Household()
    facts = house.says("cord", pull_cord=True) + house.waits(3600)
    assert steps(facts) == [
        (0, 0, 0), (60, 1, 0), (180, 2, 0), (300, 0, 1), (360, 1, 1), (480, 2, 1), (600, 0, 2), (660, 1, 2), (780, 2, 2),
        (1380, 2, 3), (1980, 2, 4), (2580, 2, 5), (3180, 2, 6),
    ]  # fmt: skip
    ids = [f.notification for f in of(NotificationRequested, facts)]
    assert len(ids) == len(set(ids))


def test_what_the_desk_reads_of_the_next_step_is_what_happens() -> None:
    house = Household()
    house.says("cord", pull_cord=True)
    for _ in range(20):
        due = house.alert(Category.CALL_FOR_HELP).next_step_at
        assert due is not None
        assert of(StepReached, house.waits((due - house.now).total_seconds()))[0].at == due


def test_a_low_battery_stays_on_the_desk_and_rings_nobody() -> None:
    house = Household()
    facts = house.says("cord", battery_low=True) + house.waits(86400)
    assert steps(facts) == [(0, 0, 0)]
    assert of(NotificationRequested, facts) == []


def test_a_target_without_a_channel_is_skipped_and_the_timeline_says_why() -> None:
    house = Household(default_ruleset(shift_lead=("hook",)))
    house.says("cord", pull_cord=True)
    (skipped,) = of(NotificationSkipped, house.waits(180))
    assert (skipped.target, skipped.step) == ("supervisor", 2)
    assert skipped.why.zh == "主管没有配置任何通知渠道"


def test_a_claim_holds_the_steps_back_and_when_it_lapses_those_that_became_due_come_at_once() -> None:
    house = Household()
    house.says("cord", pull_cord=True)
    house.waits(50)
    house.asks(Claim(house.alert(Category.CALL_FOR_HELP).id))
    facts = house.waits(600)
    (lapsed,) = of(ClaimLapsed, facts)
    assert (lapsed.at - START).total_seconds() == 170
    assert steps(facts)[:3] == [(170, 1, 0), (180, 2, 0), (300, 0, 1)]


def test_an_acknowledged_alert_is_quiet_and_one_that_was_forgotten_rings_from_the_first_step() -> None:
    house = Household()
    house.says("cord", pull_cord=True)
    alert = house.alert(Category.CALL_FOR_HELP).id
    house.asks(Acknowledge(alert))
    assert house.waits(15 * 60 - 1) == []
    facts = house.waits(61)
    assert [type(f) for f in facts[:2]] == [AcknowledgementLapsed, StepReached]
    assert steps(facts) == [(900, 0, 1), (960, 1, 1)]
    assert house.engine.alerts[alert].claimed_by is None


def test_a_sign_of_life_renews_an_acknowledgement() -> None:
    house = Household()
    house.says("cord", pull_cord=True)
    alert = house.alert(Category.CALL_FOR_HELP).id
    house.asks(Acknowledge(alert))
    house.waits(800)
    house.asks(Note(alert, "救护车 10 分钟后到"))
    house.waits(800)
    house.asks(Respond(alert, "120", Stage.ARRIVED))
    assert of(AcknowledgementLapsed, house.waits(899)) == []
    assert of(AcknowledgementLapsed, house.waits(1))


def test_smoke_that_comes_back_takes_its_acknowledgement_and_leaves_the_person_one_claim_limit() -> None:
    house = Household()
    house.says("smoke", smoke=True)
    alert = house.alert(Category.FIRE).id
    house.asks(Acknowledge(alert))
    house.waits(1)
    house.says("smoke", smoke=False)
    house.waits(30)
    house.says("smoke", smoke=True)
    assert house.engine.alerts[alert].status is Status.TRIGGERED
    assert house.engine.alerts[alert].claimed_by == "li"
    facts = house.waits(120)
    assert of(ClaimLapsed, facts)
    assert steps(facts) == [(151, 0, 1), (151, 1, 1)]


def test_the_device_that_called_is_told_each_stage_once() -> None:
    house = Household()
    issued = of(CommandIssued, house.says("cord", pull_cord=True))
    alert = house.alert(Category.CALL_FOR_HELP).id
    for by, command in (
        ("li", Claim(alert)), ("wang", Claim(alert)), ("li", Acknowledge(alert)), ("li", Respond(alert, "zhang", Stage.ACCEPTED)),
        ("wang", Acknowledge(alert)), ("wang", Close(alert, "test")),
    ):  # fmt: skip
        issued += of(CommandIssued, house.asks(command, by))
    assert [c.topic for c in issued] == ["anju/v1/330106001/h402/cord/command"] * 4
    assert [json.loads(c.payload)["stage"] for c in issued] == ["accepted", "seen", "helping", "closed"]
    assert issued[0].payload == f'{{"id":"{issued[0].id}","command":"receipt","alert":"{alert}","stage":"accepted"}}'.encode()
    assert issued[0].expires_at == START + timedelta(hours=24)


def test_a_second_device_that_calls_is_told_what_the_first_one_knows() -> None:
    house = Household()
    house.says("cord", pull_cord=True)
    alert = house.alert(Category.CALL_FOR_HELP).id
    house.asks(Claim(alert))
    issued = of(CommandIssued, house.says("bath", pull_cord=True))
    assert [(c.topic.split("/")[4], json.loads(c.payload)["stage"]) for c in issued] == [("bath", "accepted"), ("bath", "seen")]
    closed = of(CommandIssued, house.asks(Close(alert, "test")))
    assert [c.topic.split("/")[4] for c in closed] == ["cord", "bath"]


def test_who_calls_once_more_is_told_again_how_far_it_has_come_but_not_at_each_press_of_a_row() -> None:
    house = Household()

    def told(facts: list[Fact]) -> list[str]:
        return [json.loads(c.payload)["stage"] for c in of(CommandIssued, facts)]

    assert told(house.says("cord", pull_cord=True)) == ["accepted"]
    house.waits(4)
    assert told(house.says("cord", pull_cord=True)) == [], "the same fright"
    house.waits(20)
    second = house.says("cord", pull_cord=True)
    assert told(second) == ["accepted"]
    house.asks(Claim(house.alert(Category.CALL_FOR_HELP).id))
    house.waits(20)
    assert told(house.says("cord", pull_cord=False)) == []
    house.waits(20)
    third = house.says("cord", pull_cord=True)
    assert told(third) == ["accepted", "seen"]
    assert len({c.id for c in of(CommandIssued, second + third)}) == 3
    house.waits(20)
    assert told(house.says("cord", battery_low=True)) == []


def test_a_home_that_was_entered_in_the_wrong_area_is_put_right_and_its_kit_is_still_told() -> None:
    """The kit keeps the topic that it was given; the desk, the policies and the silences go by the register."""
    house = Household()
    right = AreaId("330106002")
    house.asks(RegisterArea(Area(right, "西溪街道")))
    house.asks(ChangeHome(Home(HOME, right, "12栋402")))
    facts = house.says("cord", pull_cord=True)
    assert [raised.area for raised in of(AlertRaised, facts)] == [right]
    assert [c.topic for c in of(CommandIssued, facts)] == [f"anju/v1/{AREA}/{HOME}/cord/command"]
    closed = of(CommandIssued, house.asks(Close(house.alert(Category.CALL_FOR_HELP).id, "test")))
    assert [c.topic for c in closed] == [f"anju/v1/{AREA}/{HOME}/cord/command"]
    moved = report("cord", house.now, "moved", {"pull_cord": True})
    moved = replace(moved, message=replace(moved.message, area=right), topic=f"anju/v1/{right}/{HOME}/cord/report")
    assert [c.topic for c in of(CommandIssued, house.takes(moved))] == [f"anju/v1/{right}/{HOME}/cord/command"], "once it was told"


def test_a_device_of_another_dialect_and_a_battery_get_no_receipt() -> None:
    house = Household()
    assert of(CommandIssued, house.takes(report("0x01", START, "z", {"sos": True}, dialect="zigbee2mqtt"))) == []
    assert of(CommandIssued, house.says("cord", battery_low=True)) == []


def test_a_delivery_that_ended_is_no_longer_pending_and_ends_once() -> None:
    house = Household()
    house.says("cord", pull_cord=True)
    (requested,) = of(NotificationRequested, house.waits(60))
    assert list(house.engine.pending_notifications()) == [requested]
    ended = DeliveryEnded(requested.notification, requested.alert, HOME, delivered=True, attempts=2, detail="200 OK")
    assert of(NotificationEnded, house.engine.handle(ended, house.now))
    assert list(house.engine.pending_notifications()) == []
    assert house.engine.handle(ended, house.now) == []


def test_a_silenced_alert_is_on_the_list_and_rings_when_the_silence_is_over() -> None:
    house = Household()
    until = START + timedelta(hours=2)
    house.asks(SetSilence(SilenceId("s1"), HOME, None, (Category.WATER,), until, "水管检修"))
    (raised,) = of(AlertRaised, house.says("leak", water_leak=True))
    assert raised.silenced_by == "s1"
    assert house.alert(Category.WATER).open
    assert house.waits(7199) == []
    facts = house.waits(1)
    assert [type(f) for f in facts] == [SilenceEnded, StepReached]
    assert house.alert(Category.WATER).silenced_by is None


def test_a_silence_ended_by_a_person_rings_at_once_and_one_that_is_over_mutes_nothing() -> None:
    house = Household()
    house.asks(SetSilence(SilenceId("s1"), HOME, None, (), START + timedelta(hours=2), "检修"))
    house.says("leak", water_leak=True)
    house.waits(60)
    assert steps(house.asks(EndSilence(SilenceId("s1")))) == [(60, 0, 0)]
    assert steps(house.says("watch", spo2=80)) == [(60, 0, 0)]


def test_a_claimed_alert_whose_silence_ended_rings_when_the_claim_lapses() -> None:
    house = Household()
    house.asks(SetSilence(SilenceId("s1"), HOME, None, (), START + timedelta(seconds=100), "检修"))
    house.says("leak", water_leak=True)
    house.waits(50)
    house.asks(Claim(house.alert(Category.WATER).id))
    assert of(StepReached, house.waits(299)) == []
    assert of(StepReached, house.waits(1))


def test_new_policies_hold_from_the_next_step_on() -> None:
    house = Household()
    house.says("cord", pull_cord=True)
    house.engine.handle(Configured(Ruleset(version="empty")), house.now)
    facts = house.waits(60 + 600)
    assert steps(facts) == [(60, 0, 1), (660, 0, 2)], "no policy at all: the desk, every ten minutes, without end"


def test_an_alert_whose_policy_is_gone_has_the_categorys_and_at_last_the_desk() -> None:
    assert policy_for(DEFAULT, Category.FIRE, "no-such").id == "life"
    assert policy_for(Ruleset(), Category.FIRE) is LAST_RESORT


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 500), min_size=1, max_size=40))
def test_one_leap_of_time_gives_the_same_steps_as_many_small_ones(pauses: list[float]) -> None:
    small, leap = Household(), Household()
    for house in (small, leap):
        house.says("cord", pull_cord=True)
        house.says("leak", water_leak=True)
        house.says("watch", heart_rate=39)
        house.facts.clear()
    for pause in pauses:
        small.waits(pause)
    leap.now = small.now
    leap.waits(0)
    assert leap.facts == small.facts
