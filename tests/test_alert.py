"""The alert's table: what people may do, what is refused, in what words."""

from datetime import timedelta
from itertools import product
from typing import get_args

import pytest

from alerting.alert import ACTIONS, EVIDENCE_KEPT, TRANSITIONS, Alert, allowed_actions, born, evolve
from alerting.commands import Acknowledge, AlertCommand, Claim, Close, Escalate, Hold, Note, Respond, Transfer
from alerting.facts import (
    AlertAcknowledged,
    AlertClaimed,
    AlertClosed,
    AlertEscalated,
    AlertFact,
    AlertHeld,
    AlertNoted,
    AlertRaised,
    AlertTransferred,
    HelpReported,
    HoldEnded,
    StepReached,
)
from alerting.refusals import IllegalTransition, Unknown
from alerting.terms import AlertId, Category, Stage, Status
from tests.household import Household, of


def called() -> tuple[Household, Alert]:
    house = Household()
    house.says("cord", pull_cord=True)
    return house, house.alert(Category.CALL_FOR_HELP)


def current(house: Household, alert: Alert) -> Alert:
    return house.engine.alerts[alert.id]


def refusal(house: Household, command: AlertCommand, by: str = "li") -> IllegalTransition:
    before = house.engine.snapshot(f"home/{house.engine.alerts[command.alert].home}")
    with pytest.raises(IllegalTransition) as refused:
        house.asks(command, by)
    assert house.engine.snapshot(f"home/{house.engine.alerts[command.alert].home}") == before, "a refusal changes nothing"
    return refused.value


def test_the_engine_and_a_reader_of_its_facts_believe_the_same_alert() -> None:
    house, alert = called()
    house.says("bath", pull_cord=True)
    house.waits(70)
    help_comes = Respond(alert.id, "邻居老张", Stage.ON_THE_WAY)
    for command in (Claim(alert.id), Acknowledge(alert.id), help_comes, Close(alert.id, "assistance_given")):
        house.asks(command)
    read: Alert | None = None
    for fact in house.facts:
        if isinstance(fact, AlertRaised):
            read = born(fact)
        elif isinstance(fact, AlertFact) and read is not None:
            read = evolve(read, fact)
    assert read == current(house, alert)


def test_claimed_acknowledged_noted_and_closed_by_one_person() -> None:
    house, alert = called()
    assert [type(f) for f in house.asks(Claim(alert.id)) if isinstance(f, AlertFact)] == [AlertClaimed]
    house.waits(5)
    assert of(AlertAcknowledged, house.asks(Acknowledge(alert.id)))
    assert of(AlertNoted, house.asks(Note(alert.id, "她在厨房摔倒，意识清楚")))
    house.asks(Close(alert.id, "assistance_given", "女儿已到"))
    now = current(house, alert)
    assert (now.status, now.closed_by, now.disposition) == (Status.CLOSED, "li", "assistance_given")
    assert now.next_step_at is None


def test_acknowledging_what_nobody_claimed_claims_it() -> None:
    house, alert = called()
    facts = house.asks(Acknowledge(alert.id))
    assert [type(f) for f in facts if isinstance(f, AlertFact)] == [AlertClaimed, AlertAcknowledged]
    assert current(house, alert).claimed_by == "li"


def test_a_second_person_may_take_over_and_both_are_named() -> None:
    house, alert = called()
    house.asks(Claim(alert.id), "li")
    (taken,) = of(AlertClaimed, house.asks(Claim(alert.id), "wang"))
    assert (taken.by, taken.taken_over_from) == ("wang", "li")
    (taken,) = of(AlertClaimed, house.asks(Acknowledge(alert.id), "zhao"))
    assert taken.taken_over_from == "wang"


def test_claiming_twice_is_refused_since_it_would_hold_back_escalation_for_ever() -> None:
    house, alert = called()
    house.asks(Claim(alert.id))
    house.waits(30)
    refused = refusal(house, Claim(alert.id))
    assert "接警" in refused.sentence.zh
    assert "acknowledge or close" in refused.sentence.en


def test_a_second_close_is_refused_in_words_that_say_who_closed_it_when_and_as_what() -> None:
    house, alert = called()
    house.asks(Close(alert.id, "false_person"))
    house.waits(60)
    sentence = refusal(house, Close(alert.id, "real_emergency"), "wang").sentence
    assert sentence.zh == "li 已于 03:00 结案（误报：误触），不能再结案"
    assert sentence.en == "li closed this alert at 03:00 (False: pressed by mistake); there is nothing left to close"


@pytest.mark.parametrize(
    "ask",
    [
        Claim, Acknowledge, lambda a: Hold(a, 5, "x"), lambda a: Escalate(a, "x"),
        lambda a: Transfer(a, "wang", "x"), lambda a: Respond(a, "zhang", Stage.ACCEPTED),
    ],
)  # fmt: skip
def test_nothing_but_a_note_is_possible_behind_the_end(ask: object) -> None:
    house, alert = called()
    house.asks(Close(alert.id, "test"))
    assert callable(ask)
    refusal(house, ask(alert.id))
    assert of(AlertNoted, house.asks(Note(alert.id, "补记：家属来电致谢")))
    assert allowed_actions(current(house, alert)) == ("note",)


def test_a_closed_alert_is_forgotten_after_a_day() -> None:
    house, alert = called()
    house.asks(Close(alert.id, "test"))
    house.waits(86400)
    with pytest.raises(Unknown):
        house.asks(Note(alert.id, "too late"))
    assert house.engine.homes[alert.home].alerts == {}


def test_closing_takes_a_disposition_of_the_list_and_the_refusal_names_them() -> None:
    house, alert = called()
    sentence = refusal(house, Close(alert.id, "whatever")).sentence
    for always in ("real_emergency", "assistance_given", "false_cooking", "false_device", "false_person", "test"):
        assert always in sentence.en
        assert always in sentence.zh


@pytest.mark.parametrize("minutes", [0, -1, 61, float("inf"), float("nan")])
def test_a_call_is_held_for_an_hour_at_most(minutes: float) -> None:
    house, alert = called()
    house.asks(Claim(alert.id))
    assert "1 小时" in refusal(house, Hold(alert.id, minutes, "等家属回电")).sentence.zh


def test_a_call_nobody_claimed_cannot_be_held() -> None:
    house, alert = called()
    assert "hold" not in allowed_actions(alert)
    assert "claimed" in refusal(house, Hold(alert.id, 5, "x")).sentence.en


def test_a_call_that_somebody_has_is_held_by_nobody_else() -> None:
    house, alert = called()
    house.asks(Claim(alert.id), by="li")
    assert "li 已于" in refusal(house, Hold(alert.id, 60, "x"), by="wang").sentence.zh
    assert current(house, alert).held_until is None
    house.asks(Transfer(alert.id, "wang", "换班"), by="li")
    refusal(house, Hold(alert.id, 60, "x"), by="li")
    assert of(AlertHeld, house.asks(Hold(alert.id, 60, "家属在路上"), by="wang"))


def test_a_leak_may_be_held_for_four_hours_by_anybody() -> None:
    house = Household()
    house.says("leak", water_leak=True)
    alert = house.alert(Category.WATER)
    refusal(house, Hold(alert.id, 241, "x"))
    (held,) = of(AlertHeld, house.asks(Hold(alert.id, 240, "物业已关总阀")))
    assert held.until == house.now + timedelta(hours=4)


def test_a_hold_ends_by_itself_and_then_it_rings_again_for_everybody() -> None:
    house, alert = called()
    house.asks(Acknowledge(alert.id))
    house.asks(Hold(alert.id, 10, "救护车在路上"))
    assert house.waits(599) == []
    facts = house.waits(1)
    assert of(HoldEnded, facts)
    (step,) = of(StepReached, facts)
    assert (step.step, step.round) == (0, 1)
    now = current(house, alert)
    assert (now.status, now.claimed_by, now.held_until) == (Status.TRIGGERED, None, None)


def test_a_new_call_ends_a_hold_and_the_same_smoke_said_again_does_not() -> None:
    house, alert = called()
    house.asks(Claim(alert.id))
    house.asks(Hold(alert.id, 30, "x"))
    assert of(HoldEnded, house.says("cord", pull_cord=True))
    house.says("smoke", smoke=True)
    fire = house.alert(Category.FIRE)
    house.asks(Claim(fire.id))
    house.asks(Hold(fire.id, 30, "消防已到场"))
    assert of(HoldEnded, house.says("smoke", smoke=True)) == []
    assert of(HoldEnded, house.says("attic", smoke=True))


def test_escalating_brings_the_next_step_now_and_the_others_keep_their_distance() -> None:
    house, alert = called()
    house.waits(10)
    facts = house.asks(Escalate(alert.id, "电话无人接听"))
    assert of(AlertEscalated, facts)
    (step,) = of(StepReached, facts)
    assert (step.step, step.at) == (1, house.now)
    assert step.next_step_at == house.now + timedelta(seconds=120)
    assert of(StepReached, house.waits(119.9)) == []
    assert of(StepReached, house.waits(0.1))[0].step == 2


def test_a_transferred_alert_belongs_to_the_one_it_went_to() -> None:
    house, alert = called()
    house.asks(Acknowledge(alert.id))
    (transferred,) = of(AlertTransferred, house.asks(Transfer(alert.id, "wang", "交接班")))
    assert transferred.to == "wang"
    assert current(house, alert).claimed_by == "wang"
    assert current(house, alert).status is Status.ACKNOWLEDGED


def test_responders_are_kept_with_their_last_word() -> None:
    house, alert = called()
    for stage in (Stage.ACCEPTED, Stage.ON_THE_WAY, Stage.ARRIVED):
        assert of(HelpReported, house.asks(Respond(alert.id, "邻居老张", stage)))
    house.asks(Respond(alert.id, "女儿", Stage.DECLINED))
    assert [(r.name, r.stage) for r in current(house, alert).responders] == [("邻居老张", Stage.ARRIVED), ("女儿", Stage.DECLINED)]


@pytest.mark.parametrize(
    "command", [Note(AlertId("x"), " "), Escalate(AlertId("x"), ""), Transfer(AlertId("x"), "", "why"), Hold(AlertId("x"), 5, " ")],
)  # fmt: skip
def test_what_has_to_be_said_has_to_be_said(command: Note | Escalate | Transfer | Hold) -> None:
    house = Household()
    house.says("leak", water_leak=True)
    alert = house.alert(Category.WATER)
    asked: AlertCommand
    match command:
        case Note():
            asked = Note(alert.id, command.text)
        case Escalate():
            asked = Escalate(alert.id, command.reason)
        case Transfer():
            asked = Transfer(alert.id, command.to, command.reason)
        case Hold():
            asked = Hold(alert.id, command.minutes, command.reason)
    refusal(house, asked)


def test_an_alert_nobody_knows_is_unknown() -> None:
    with pytest.raises(Unknown):
        Household().asks(Claim(AlertId("01ARZ3NDEKTSV4RRFFQ69G5FAV")))


def test_the_evidence_keeps_the_first_and_the_latest_and_the_count_is_never_cut() -> None:
    house, alert = called()
    for _ in range(100):
        house.waits(1)
        house.says("cord", pull_cord=True)
    now = current(house, alert)
    assert now.repeats == 100
    assert len(now.evidence) == EVIDENCE_KEPT
    assert (now.evidence[0].report, now.evidence[-1].report) == ("r1", "r101")


def test_the_table_knows_every_fact_of_an_alert_and_never_leaves_the_end() -> None:
    facts = set(get_args(AlertFact)) - {AlertRaised}
    assert {fact for _, fact in TRANSITIONS} == facts
    for status, fact in product(Status, facts):
        if status is Status.CLOSED and (status, fact) in TRANSITIONS:
            assert TRANSITIONS[status, fact] is Status.CLOSED
    assert set(ACTIONS.values()) <= facts


def test_closing_leads_to_closed_and_nothing_else_does() -> None:
    ends = {fact for (before, fact), after in TRANSITIONS.items() if after is Status.CLOSED and before is not Status.CLOSED}
    assert ends == {AlertClosed}
