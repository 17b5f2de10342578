"""The six helps under judgement: who may be asked for what, how far a request may come, who is reminded, what is sent."""

from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from alerting.caring.asking import in_hours, kilometres
from alerting.caring.commands import SeeToCare, SetCarePlan
from alerting.caring.help_commands import AnswerHelp, AskHelp, RateHelp, RetireResponder, SetResponder
from alerting.caring.help_facts import HelpOverdue, HelpReminded, MessageEnded, MessageRequested
from alerting.caring.help_records import STEPS, Event, Help, HelpId, HelpRequest, HelpStage, Responder, ResponderId, ResponderKind
from alerting.caring.records import CarePlan, Errand, Every, PlanId
from alerting.commands import Asked
from alerting.facts import AlertNoted, AlertRaised, CareFact
from alerting.items import DeliveryEnded
from alerting.refusals import Exists, IllegalTransition, Unknown
from alerting.terms import SERVICE, Actor, AlertId
from devices.home import AreaId, Home, HomeId
from gateway.notify.channel import Moot, Notice
from gateway.notify.event import body
from gateway.notify.letter import lines, subject
from gateway.notify.message import notice_of_message
from tests.test_care import Month, local, refolded
from tests.town import COMMUNITY, OTHER, STREET, of

KITCHEN = Responder(
    ResponderId("kitchen"), STREET, ResponderKind.SERVICE, "安和助餐点", "0579-5550001", (Help.MEAL, Help.BATH), ("10:00-19:00",),
    channel="county",
)  # fmt: skip


@pytest.fixture
def town() -> Month:
    month = Month()
    month.town.asks(SetResponder(KITCHEN))
    return month


def wanted(month: Month, id_: str = "r1", help_: Help = Help.MEAL, due: str = "2026-11-22 12:00", **more: object) -> HelpRequest:
    return HelpRequest(HelpId(id_), month.home_id, help_, KITCHEN.id, local(due), "少盐，送到床边", **more)  # type: ignore[arg-type]


def known(month: Month, id_: str = "r1") -> HelpRequest:
    found = month.home.care.helping.request(HelpId(id_))
    assert found is not None
    return found


def answer(month: Month, stage: HelpStage, word: str = "") -> None:
    month.town.asks(AnswerHelp(month.home_id, HelpId("r1"), stage, word), by="responder:kitchen")


def test_a_request_goes_out_is_accepted_done_and_rated(town: Month) -> None:
    facts = town.town.asks(AskHelp(wanted(town)))
    (message,) = of(MessageRequested, facts)
    assert (message.channel, message.event, message.text.zh) == ("county", Event.HELP_REQUESTED, "少盐，送到床边")
    with pytest.raises(IllegalTransition, match="not done yet"):
        town.town.asks(RateHelp(town.home_id, HelpId("r1"), 5))
    for stage in (HelpStage.ACCEPTED, HelpStage.ON_THE_WAY, HelpStage.DONE):
        answer(town, stage)
    town.town.asks(RateHelp(town.home_id, HelpId("r1"), 4, "饭有点凉"))
    request = known(town)
    assert [step.stage for step in request.steps] == [HelpStage.ASKED, HelpStage.ACCEPTED, HelpStage.ON_THE_WAY, HelpStage.DONE]
    assert [step.by for step in request.steps] == ["li", *["responder:kitchen"] * 3]
    assert (request.stars, request.opinion, request.open) == (4, "饭有点凉", False)


@pytest.mark.parametrize("stage", HelpStage)
@pytest.mark.parametrize("before", HelpStage)
def test_a_stage_follows_another_or_is_refused_and_changes_nothing(town: Month, before: HelpStage, stage: HelpStage) -> None:
    town.town.asks(AskHelp(wanted(town)))
    if before is not HelpStage.ASKED:
        answer(town, before)
    if stage in STEPS[before]:
        answer(town, stage)
        assert known(town).stage is stage
    else:
        with pytest.raises(IllegalTransition):
            answer(town, stage)
        assert known(town).stage is before


def test_a_request_that_nobody_answers_is_reminded_of_and_then_overdue_each_once(town: Month) -> None:
    town.town.asks(AskHelp(wanted(town)))
    facts = town.until("2026-11-22 18:00")
    assert [fact.at for fact in of(HelpReminded, facts)] == [local("2026-11-22 09:00")]
    assert [fact.at for fact in of(HelpOverdue, facts)] == [local("2026-11-22 12:00")]
    assert known(town).overdue
    assert refolded(town.town).homes[town.home_id].care == town.home.care


def test_what_was_answered_is_not_reminded_of_but_may_be_overdue(town: Month) -> None:
    town.town.asks(AskHelp(wanted(town)))
    answer(town, HelpStage.ACCEPTED)
    facts = town.until("2026-11-22 18:00")
    assert not of(HelpReminded, facts)
    assert len(of(HelpOverdue, facts)) == 1


def test_what_was_due_while_the_service_was_down_is_said_when_it_is_back(town: Month) -> None:
    town.town.asks(AskHelp(wanted(town)))
    facts = town.down_until("2026-11-23 08:00")
    assert len(of(HelpReminded, facts)) == len(of(HelpOverdue, facts)) == 1
    assert [message.help for message in town.town.engine.pending_messages()] == ["r1"], "and it is still to be sent"


def test_a_message_is_pending_until_it_ends_and_then_no_more(town: Month) -> None:
    (message,) = of(MessageRequested, town.town.asks(AskHelp(wanted(town))))
    ended = DeliveryEnded(message.notification, AlertId(""), town.home_id, delivered=True, attempts=1, detail="200")
    assert of(MessageEnded, town.town.takes(ended))
    assert not of(MessageEnded, town.town.takes(ended)), "once"
    assert not list(town.town.engine.pending_messages())
    assert not list(refolded(town.town).pending_messages())


def test_a_call_turned_into_a_request_says_so_in_its_timeline(town: Month) -> None:
    (raised,) = of(AlertRaised, town.town.says(town.home_id, "cord", pull_cord=True))
    facts = town.town.asks(AskHelp(wanted(town, alert=raised.alert)))
    (noted,) = of(AlertNoted, facts)
    assert noted.alert == raised.alert
    assert "助餐，安和助餐点" in noted.text
    assert town.town.engine.alerts[raised.alert].open, "the call is answered by a person all the same"


@pytest.mark.parametrize(
    ("sentence", "error", "change"),
    [
        ("does not give help with cleaning", IllegalTransition, lambda r: msgspec.structs.replace(r, help=Help.CLEANING)),
        ("there is no responder nobody", Unknown, lambda r: msgspec.structs.replace(r, responder=ResponderId("nobody"))),
        ("there is no home h999", Unknown, lambda r: msgspec.structs.replace(r, home=HomeId("h999"))),
        ("at a moment to come", IllegalTransition, lambda r: msgspec.structs.replace(r, due_at=local("2026-11-22 07:00"))),
        ("the home has no alert a1", Unknown, lambda r: msgspec.structs.replace(r, id=HelpId("r2"), alert=AlertId("a1"))),
        ("exists already", Exists, lambda r: r),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(
    town: Month, sentence: str, error: type[IllegalTransition], change: Callable[[HelpRequest], HelpRequest],
) -> None:  # fmt: skip
    town.town.asks(AskHelp(wanted(town)))
    with pytest.raises(error) as refusal:
        town.town.engine.handle(Asked(AskHelp(change(wanted(town))), Actor("li")), town.town.now)
    assert sentence in refusal.value.sentence.en
    assert len(town.home.care.helping.open) == 1


def test_a_service_of_another_community_does_not_come_and_one_that_left_is_asked_no_more(town: Month) -> None:
    town.town.asks(SetResponder(msgspec.structs.replace(KITCHEN, area=OTHER)))
    with pytest.raises(IllegalTransition, match="does not serve"):
        town.town.asks(AskHelp(wanted(town)))
    town.town.asks(SetResponder(msgspec.structs.replace(KITCHEN, area=COMMUNITY)))
    town.town.asks(AskHelp(wanted(town)))
    town.town.asks(RetireResponder(KITCHEN.id))
    with pytest.raises(Unknown):
        town.town.asks(AskHelp(wanted(town, "r2")))
    answer(town, HelpStage.DONE)


@pytest.mark.parametrize(
    ("sentence", "wrong"),
    [
        ("there is no area", msgspec.structs.replace(KITCHEN, area=AreaId("999"))),
        ("which of the six", msgspec.structs.replace(KITCHEN, helps=())),
        ("go together", msgspec.structs.replace(KITCHEN, latitude=29.1)),
        ("hours: ", msgspec.structs.replace(KITCHEN, hours=("ten to seven",))),
        ("is not 1 to 64", msgspec.structs.replace(KITCHEN, id=ResponderId("a b"))),
    ],
)
def test_a_responder_that_cannot_be_is_refused_with_what_is_wrong(town: Month, sentence: str, wrong: Responder) -> None:
    with pytest.raises(IllegalTransition) as refusal:
        town.town.engine.handle(Asked(SetResponder(wrong), Actor("li")), town.town.now)
    assert sentence in refusal.value.sentence.en


def test_the_nearest_are_told_by_distance_and_hour() -> None:
    home = Home(HomeId("h"), COMMUNITY, "1 室", latitude=30.0, longitude=120.0)
    north = msgspec.structs.replace(KITCHEN, latitude=31.0, longitude=120.0)
    assert kilometres(north, home) == pytest.approx(111.2, abs=0.1), "a degree of latitude"
    assert kilometres(KITCHEN, home) is None
    night = msgspec.structs.replace(KITCHEN, hours=("22:00-06:00",))
    always = msgspec.structs.replace(KITCHEN, hours=())
    for minutes, there in ((11 * 60, [KITCHEN, always]), (23 * 60, [night, always]), (5 * 60, [night, always]), (19 * 60, [always])):
        assert list(in_hours((KITCHEN, night, always), minutes)) == there


def sent(month: Month, kind: str = "webhook") -> Notice | Moot:
    message = next(month.town.engine.pending_messages())
    return notice_of_message(message, month.home, kind, "https://anju.example", "token-of-r1")


def test_the_webhook_says_what_is_needed_where_by_when_and_how_to_answer(town: Month) -> None:
    town.town.asks(AskHelp(wanted(town)))
    notice = sent(town)
    assert isinstance(notice, Notice)
    event = msgspec.json.decode(body(notice))
    assert event["type"] == "help.requested"
    data = event["data"]
    assert (data["help"], data["request"], data["responder"]) == ("meal", "h000.r1", "kitchen")
    assert data["answer"] == {"url": "https://anju.example/api/v1/help-requests/h000.r1/answer", "token": "token-of-r1"}
    assert (data["due_at"], data["text"]["zh"], data["home"]["name"]) == ("2026-11-22T04:00:00Z", "少盐，送到床边", "1 室")
    assert "medical" not in body(notice).decode().replace('"help"', "")
    assert "服务请求：助餐" in subject(notice)
    assert [line.value for line in lines(notice, ZoneInfo("Asia/Shanghai")) if line.en == "Due"] == ["2026-11-22 12:00+08:00"]


def test_nobody_is_told_of_a_request_that_is_over_and_an_alarm_panel_never(town: Month) -> None:
    town.town.asks(AskHelp(wanted(town)))
    assert isinstance(sent(town, "gb26875"), Moot)
    town.town.asks(AnswerHelp(town.home_id, HelpId("r1"), HelpStage.CANCELLED, "家人送饭了"))
    assert isinstance(sent(town), Moot)
    cancelled = list(town.town.engine.pending_messages())[1]
    assert cancelled.event is Event.HELP_CANCELLED
    notice = notice_of_message(cancelled, town.home, "webhook", "", "")
    assert isinstance(notice, Notice)
    assert msgspec.json.decode(body(notice))["type"] == "help.cancelled"


def test_a_round_looks_at_homes_that_wait_for_help(town: Month) -> None:
    town.town.asks(AskHelp(wanted(town)))
    town.town.now += timedelta(hours=1)
    town.round()
    assert any(isinstance(item, Asked) and isinstance(item.command, SeeToCare) and item.by == SERVICE for item, _ in town.town.journal)


def test_facts_that_a_row_knows_already_change_nothing_in_it(town: Month) -> None:
    """The desk's view is had back from a row that is newer than the journal's beginning."""
    town.town.asks(SetCarePlan(CarePlan(PlanId("visit"), town.home_id, Errand.VISIT, Every.DAY, "09:00", within_min=60)))
    town.town.asks(AskHelp(wanted(town)))
    town.town.asks(AskHelp(wanted(town, "r2")))
    answer(town, HelpStage.ACCEPTED)
    town.until("2026-11-24 12:00")
    town.town.asks(AnswerHelp(town.home_id, HelpId("r2"), HelpStage.DONE))
    town.town.asks(RateHelp(town.home_id, HelpId("r2"), 5))
    again = town.home.care.copy()
    for fact in town.town.facts:
        if isinstance(fact, CareFact) and fact.home == town.home_id:
            again.apply(fact)
    again.changes = town.home.care.changes
    again.messages = town.home.care.messages
    assert again == town.home.care
