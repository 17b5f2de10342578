"""Who was told, and what is heard of it later: each thing once, over a recovery, for as long as the alert is remembered."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest

from alerting.agenda import CLOSED_KEPT
from alerting.commands import Close
from alerting.engine import Engine
from alerting.facts import Fact, NotificationEnded, NotificationReported, NotificationRequested
from alerting.items import DeliveryEnded, DeliveryReported
from alerting.terms import Category, NotificationId, Progress
from alerting.told import KEPT
from tests.household import DEFAULT, HOME, START, Household, of

D, R, F, A, N = Progress.DELIVERED, Progress.READ, Progress.FAILED, Progress.ACCEPTED, Progress.DECLINED


def told() -> tuple[Household, NotificationRequested]:
    house = Household()
    house.says("cord", pull_cord=True)
    (requested,) = of(NotificationRequested, house.waits(60))
    house.facts += house.engine.handle(taken(requested, "ref", "phone"), house.now)
    return house, requested


def taken(asked: NotificationRequested, *references: str) -> DeliveryEnded:
    return DeliveryEnded(asked.notification, asked.alert, HOME, delivered=True, attempts=1, detail="OK", references=references)


def heard(house: Household, asked: NotificationRequested, progress: Progress) -> list[Fact]:
    facts = house.engine.handle(DeliveryReported(asked.notification, asked.alert, HOME, progress, "said"), house.now)
    house.facts += facts
    return facts


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ([D, D], [D]),
        ([D, R, D, R], [D, R]),
        ([F, F], [F]),
        ([D, F], [D]),
        ([F, D], [F, D]),
        ([A, D, R, A, N], [A]),
        ([D, N, A], [D, N]),
    ],
)
def test_each_thing_is_told_once_and_the_first_answer_stands(said: Sequence[Progress], kept: Sequence[Progress]) -> None:
    house, asked = told()
    facts = [fact for progress in said for fact in of(NotificationReported, heard(house, asked, progress))]
    assert [fact.progress for fact in facts] == list(kept)
    assert house.engine.tellings.by_id[asked.notification].progress == tuple(kept)


def test_a_report_of_nothing_that_is_known_changes_nothing() -> None:
    house, asked = told()
    stranger = DeliveryReported(NotificationId("nobody"), asked.alert, HOME, D, "")
    assert house.engine.handle(stranger, house.now) == []


def test_what_a_provider_calls_it_leads_to_the_notification_and_a_telephone_to_the_latest() -> None:
    house, asked = told()
    tellings = house.engine.tellings
    assert tellings.find(asked.notification, "") == asked.notification
    assert tellings.find(NotificationId(""), "ref") == asked.notification
    assert tellings.find(NotificationId(""), "other") is None
    later = of(NotificationRequested, house.waits(120))[0]
    house.engine.handle(taken(later, "phone"), house.now)
    assert tellings.find(NotificationId(""), "phone") == later.notification
    assert tellings.find(NotificationId(""), "ref") == asked.notification


def test_a_recovery_from_rows_and_from_the_journal_knows_the_same() -> None:
    house, asked = told()
    heard(house, asked, D)
    rows = Engine(DEFAULT)
    for key in list(house.engine.keys()):
        rows.restore(key, house.engine.snapshot(key))
    folded = Engine(DEFAULT)
    for fact in house.facts:
        folded.fold(fact, house.now)
    for engine in (rows, folded):
        assert engine.tellings.by_id == house.engine.tellings.by_id
        assert engine.tellings.find(NotificationId(""), "ref") == asked.notification
        engine.advance(house.now)
        again = DeliveryReported(asked.notification, asked.alert, HOME, D, "")
        assert of(NotificationReported, engine.handle(again, house.now)) == []


def test_it_is_forgotten_with_its_alert() -> None:
    house, asked = told()
    house.asks(Close(house.alert(Category.CALL_FOR_HELP).id, "test"))
    assert of(NotificationReported, heard(house, asked, A)), "who answers a closed alert is still written down"
    house.waits(CLOSED_KEPT / timedelta(seconds=1) + 1)
    assert asked.notification not in house.engine.tellings.by_id
    assert house.engine.tellings.find(NotificationId(""), "ref") is None
    assert heard(house, asked, D) == []


def test_an_alert_that_rings_for_a_week_remembers_the_latest() -> None:
    house, asked = told()
    house.waits(timedelta(days=7).total_seconds())
    assert len(of(NotificationRequested, house.facts)) > KEPT
    assert len(house.engine.tellings.by_id) == KEPT
    assert asked.notification not in house.engine.tellings.by_id


def test_an_entry_of_an_older_journal_is_read() -> None:
    """Fields were added at the end."""
    old = msgspec.msgpack.encode(["ntfd", "n", "a", START, HOME, True, 1, "OK"])
    assert msgspec.msgpack.decode(old, type=NotificationEnded).references == ()
