"""How many alerts rang lately, of all that memory holds: what a flood is told by."""

from datetime import UTC, datetime, timedelta

from alerting.alert import born
from alerting.facts import AlertClosed, AlertNoted, AlertRaised
from alerting.terms import Actor, AlertId, Category, Origin, Priority, Sentence, SilenceId
from devices.home import AreaId, HomeId
from gateway.web.board import CLOSED_KEPT, Board
from gateway.web.restoring import Restored
from gateway.web.viewrows import AlertRecord, Pending

BEGAN = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
SAID = Sentence("漏水", "a leak")


def raised(name: str, minute: int, origin: Origin = Origin.REAL, silenced_by: SilenceId | None = None) -> AlertRaised:
    return AlertRaised(
        AlertId(name), BEGAN + timedelta(minutes=minute), HomeId(f"home-{name}"), AreaId("330106"), Category.WATER, Priority.AWARE,
        "water", SAID, SAID, "leak", "1", (), origin=origin, silenced_by=silenced_by,
    )  # fmt: skip


def minutes(board: Board, after: int) -> list[int]:
    return [round((at - BEGAN) / timedelta(minutes=1)) for at in sorted(board.raised_since(BEGAN + timedelta(minutes=after)))]


def test_those_that_rang_since_a_moment_are_told_whatever_else_was_raised() -> None:
    board, pending = Board(lambda _: None), Pending()
    facts = [raised(f"a{minute}", minute) for minute in (0, 5, 9, 10, 12)]
    facts += [raised("test", 11, Origin.TEST), raised("silent", 11, silenced_by=SilenceId("s")), raised("late", 11)]
    for seq, fact in enumerate(facts, 1):
        board.apply(fact, seq, pending)
    assert minutes(board, 9) == [10, 11, 12]
    assert minutes(board, -1) == [0, 5, 9, 10, 11, 12]
    assert minutes(board, 12) == []
    board.show_unstored([raised("full disk", 13)])
    assert minutes(board, 11) == [12, 13]


def test_what_a_start_found_and_what_came_back_from_the_file_count_and_what_memory_let_go_of_does_not() -> None:
    old = AlertRecord(born(raised("old", 3)), 1, [])
    board, pending = Board(lambda alert: old if alert == "old" else None), Pending()
    board.load([AlertRecord(born(raised(name, minute)), seq, []) for seq, (name, minute) in enumerate((("b", 8), ("a", 6)), 2)])
    assert minutes(board, 0) == [6, 8]
    board.apply(AlertNoted(AlertId("old"), BEGAN + timedelta(minutes=9), HomeId("home-old"), Actor("li.na"), "晚到"), 4, pending)
    assert minutes(board, 0) == [3, 6, 8]
    closed_at = BEGAN + timedelta(minutes=10)
    board.apply(AlertClosed(AlertId("a"), closed_at, HomeId("home-a"), Actor("li.na"), "false_device", ""), 5, pending)
    assert minutes(board, 0) == [3, 6, 8]
    board.forget(closed_at + CLOSED_KEPT + timedelta(minutes=1), written=5)
    assert minutes(board, 0) == [3, 8]


def test_a_new_alert_is_told_without_a_look_into_the_file_and_one_that_the_file_may_have_is_not_told_twice() -> None:
    asked: list[AlertId] = []
    stored = AlertRecord(born(raised("stored", 1)), 940, [])

    def recall(alert: AlertId) -> AlertRecord | None:
        asked.append(alert)
        return stored if alert == "stored" else None

    board, pending = Board(recall), Pending()
    assert board.apply(raised("first", 0), 1, pending) is not None
    assert asked == []
    board.restore(Restored(900, BEGAN, 950, [], [], []), pending)
    assert board.apply(raised("stored", 1), 930, pending) is None
    assert board.apply(raised("new", 2), 951, pending) is not None
    assert asked == ["stored"]
