"""Answers by link, key and reply, as one thing: who answers, once, and for how long a link is good."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace

from alerting.commands import Asked, Close
from alerting.facts import HelpReported, NotificationReported, NotificationRequested
from alerting.items import DeliveryEnded, DeliveryReported
from alerting.refusals import IllegalTransition
from alerting.terms import Category, NotificationId, Progress, Stage
from devices.home import PersonId
from gateway.answers import LINK_LASTS, Answers, Codes
from gateway.inbox import Outcome
from gateway.notify.callback import Report
from gateway.notify.channel import Moot, reference
from gateway.notify.delivery import Delivery
from gateway.reaching import AnswerBy, Granted, LinkState, LookAt, Shown, Wish
from tests.household import HOME, Household, of

KEY = bytes(range(32))


class Office(Household):
    """A home whose call was not answered for a minute, and the alarm process's part in what follows."""

    def __init__(self) -> None:
        super().__init__()
        self.says("cord", pull_cord=True)
        (self.asked,) = of(NotificationRequested, self.waits(60))
        self.codes = Codes(KEY)
        outbox = Delivery((), lambda _: Moot(""), lambda _: None, lambda: self.now)
        self.answers = Answers(self.engine, self, outbox, self.codes, lambda: self.now)

    @property
    def code(self) -> str:
        return self.codes.of(self.asked.notification)

    def ask(self, asked: Asked, answer: Callable[[Outcome], None]) -> None:
        """As the loop does: decided, and answered when it is on disk."""
        try:
            facts = self.engine.handle(asked, self.now)
        except IllegalTransition as error:
            answer(Outcome(error=error))
        else:
            self.facts += facts
            answer(Outcome(facts=tuple(facts)))

    def reported(self, reports: Sequence[DeliveryReported], done: Callable[[], None]) -> None:
        for report in reports:
            self.facts += self.engine.handle(report, self.now)
        done()

    def wish(self, wish: Wish) -> Shown:
        granted: list[Granted] = []
        self.answers.grant(wish, granted.append)
        (shown,) = granted
        assert isinstance(shown, Shown)
        return shown

    @property
    def helped(self) -> list[tuple[str, Stage, str]]:
        return [(fact.responder, fact.stage, fact.by) for fact in of(HelpReported, self.facts)]


def test_a_code_is_the_same_after_a_restart_and_another_with_another_key() -> None:
    office = Office()
    assert office.code == Codes(KEY).of(office.asked.notification)
    assert len(office.code) == 16
    assert office.code != Codes(bytes(32)).of(office.asked.notification)


def test_an_answer_by_link_is_taken_once_in_the_name_that_was_given() -> None:
    office = Office()
    assert office.wish(LookAt(office.code)).state is LinkState.OPEN
    for stage in (Stage.ACCEPTED, Stage.DECLINED, Stage.ACCEPTED):
        shown = office.wish(AnswerBy(office.code, stage, "周敏"))
        assert (shown.state, shown.answer) == (LinkState.ANSWERED, Stage.ACCEPTED)
    assert office.helped == [("周敏", Stage.ACCEPTED, "contact")]


def test_a_key_behind_a_link_changes_nothing() -> None:
    office = Office()
    office.wish(AnswerBy(office.code, Stage.DECLINED))
    office.answers.take((Report(Progress.ACCEPTED, "key 1", office.asked.notification),), lambda: None)
    assert office.helped == [("值班长", Stage.DECLINED, "contact")]
    assert [fact.progress for fact in of(NotificationReported, office.facts)] == [Progress.DECLINED]


def test_a_reply_is_the_telephones_that_was_told_last() -> None:
    office = Office()
    phone = reference("sms", "to", "13800000001")
    ended = DeliveryEnded(office.asked.notification, office.asked.alert, HOME, delivered=True, attempts=1, detail="", references=(phone,))
    office.facts += office.engine.handle(ended, office.now)
    done: list[bool] = []
    office.answers.take((Report(Progress.ACCEPTED, "SMS", reference=phone),), lambda: done.append(True))
    office.answers.take((Report(Progress.ACCEPTED, "SMS", reference="nobody's"),), lambda: done.append(True))
    assert done == [True, True]
    assert len(office.helped) == 1


def test_a_link_ends_with_its_hours_and_with_its_alert() -> None:
    office = Office()
    office.now += LINK_LASTS
    assert office.wish(LookAt(office.code)).state is LinkState.OPEN
    office.now += timedelta(seconds=1)
    assert office.wish(AnswerBy(office.code, Stage.ACCEPTED)) == Shown(LinkState.EXPIRED)
    other = Office()
    other.asks(Close(other.alert(Category.CALL_FOR_HELP).id, "test"))
    assert other.wish(AnswerBy(other.code, Stage.ACCEPTED)) == Shown(LinkState.CLOSED)
    assert office.helped == other.helped == []


@pytest.mark.parametrize("code", ["", "aaaaaaaaaaaaaaaa", "A" * 64, "\0"])
def test_a_code_that_nobody_made_opens_nothing(code: str) -> None:
    office = Office()
    assert office.wish(LookAt(code)) == Shown(LinkState.UNKNOWN)
    assert office.wish(AnswerBy(code, Stage.ACCEPTED)) == Shown(LinkState.UNKNOWN)


def test_a_person_whom_the_step_named_answers_in_their_own_name() -> None:
    office = Office()
    told = office.engine.tellings.by_id
    told[office.asked.notification] = replace(told[office.asked.notification], person=PersonId("p1"))
    assert office.wish(LookAt(office.code)).personal
    office.wish(AnswerBy(office.code, Stage.ACCEPTED, "somebody else"))
    assert office.helped == [("王桂芳", Stage.ACCEPTED, "contact")]


def test_codes_of_what_is_forgotten_are_forgotten() -> None:
    codes = Codes(KEY)
    many = [NotificationId(f"n-{number}") for number in range(5000)]
    assert codes.find(codes.of(many[7]), many) == many[7]
    codes.find("guess", many[:10])
    assert len(codes._known) == 10
