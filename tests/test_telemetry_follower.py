"""A follower of the journal: goes on from where its store stands, whatever befalls the store, the disk, or itself."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from alerting.terms import Sentence
from devices.home import DeviceId, HomeId
from devices.observation import Property
from gateway.control import Committed, Control, Keeper, TelemetryHealth, Unstored, socket_path
from gateway.control_server import ControlServer
from gateway.store.entry import Commit
from gateway.store.failure import StoreBroken
from gateway.store.history import Aggregate, HistoryReader
from gateway.telemetry import follower as follower_module
from gateway.telemetry import process
from gateway.telemetry.follower import Follower, StoreAway
from gateway.telemetry.historian import Historian
from tests.patience import PATIENCE_S
from tests.service import until
from tests.telemetry import HOME, NOON, Book, following, reached

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower_module, "POLL_S", 0.01)
    monkeypatch.setattr(follower_module, "LOCAL_RETRY_S", 0.01)
    monkeypatch.setattr(follower_module, "FAULT_RETRY_S", 0.01)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    book = Book(tmp_path / "data")
    yield book
    book.close()


class Shelf:
    """A store in memory that fails as it is told."""

    name = "shelf"
    refused = 0

    def __init__(self, size: int = 3) -> None:
        self.position = 0
        self.held: list[int] = []
        self.fails: list[Exception] = []
        self.opened = 0
        self.closed = False
        self.missing = 0
        self._taken: list[int] = []
        self._size = size

    def open(self) -> int:
        self._taken = []
        self.opened += 1
        return self.position

    def missed(self) -> None:
        self.missing += 1

    def take(self, commit: Commit) -> bool:
        self._taken += range(commit.first_seq, commit.last_seq + 1)
        return len(self._taken) >= self._size

    def write(self, position: int) -> int:
        if self.fails:
            raise self.fails.pop(0)
        self.held += self._taken
        self.position = position
        count, self._taken = len(self._taken), []
        return count

    def close(self) -> None:
        self.closed = True


def fill(book: Book, count: int) -> int:
    return max(book.say("watch", NOON + n * SECOND, heart_rate=n) for n in range(count))


def test_each_commit_once_in_order_in_batches(book: Book) -> None:
    seq = fill(book, 10)
    shelf = Shelf()
    with following(shelf, book) as follower:
        reached(follower, seq)
        reached(follower, fill(book, 5))
        assert (shelf.opened, follower.followed(book.now).points) == (1, 15)
    assert shelf.held == list(range(1, 16))
    assert shelf.closed


AWAY = StoreAway(Sentence("不在", "it is away"), 0.01)


@pytest.mark.parametrize("problem", [AWAY, StoreBroken("it is broken"), ZeroDivisionError("a fault of ours")])
def test_whatever_fails_is_said_and_tried_again_from_where_the_store_stands(book: Book, problem: Exception) -> None:
    said: list[Sentence] = []
    shelf = Shelf()
    shelf.fails = [problem] * 3
    seq = fill(book, 10)
    follower = Follower(shelf, book.journal, lambda: said.append(follower.problem) if follower.problem else None)
    follower.start()
    reached(follower, seq)
    follower.close()
    assert str(problem) in said[0].en or "ZeroDivisionError" in said[0].en
    assert shelf.held == list(range(1, 11))
    assert shelf.opened == 4
    assert follower.problem is None


def test_how_long_the_oldest_has_waited_is_told(book: Book) -> None:
    shelf = Shelf()
    with following(shelf, book) as follower:
        reached(follower, fill(book, 4))
        assert follower.followed(book.now + timedelta(hours=1)).behind_s == 0
        shelf.fails = [AWAY] * 1_000_000
        fill(book, 2)
        until("it waits", lambda: follower.problem is not None and follower.waiting_since is not None)
        assert follower.followed(book.now + timedelta(hours=1)).behind_s == pytest.approx(3600, abs=1)
        shelf.fails = []
        reached(follower, book.journal.last_seq)
        assert follower.followed(book.now).behind_s == 0


def test_what_retention_has_removed_is_passed_over_and_said(tmp_path: Path) -> None:
    book = Book(tmp_path / "data", segment_age=timedelta(0))
    shelf = Shelf()
    shelf.position = fill(book, 2)

    def pruned() -> bool:
        fill(book, 1)
        return book.journal.prune(book.journal.last_seq - 2, book.now + SECOND) > 0 and book.journal.first_seq > 5

    until("the journal has forgotten", pruned)
    with following(shelf, book) as follower:
        reached(follower, book.journal.last_seq)
    assert shelf.missing == 1
    assert shelf.held == list(range(book.journal.first_seq, book.journal.last_seq + 1))
    book.close()


def test_an_errand_is_done_between_two_batches_also_while_the_store_is_away(book: Book) -> None:
    shelf = Shelf()
    shelf.fails = [StoreAway(Sentence("不在", "it is away"), 60.0)]
    fill(book, 5)
    with following(shelf, book) as follower:
        until("it waits", lambda: follower.problem is not None)
        assert follower.run_there(threading.current_thread).result(PATIENCE_S).name == "follower shelf"

        def fault() -> None:
            raise ValueError("not to be done")

        with pytest.raises(ValueError, match="not to be done"):
            follower.run_there(fault).result(PATIENCE_S)


def test_one_that_is_hurried_looks_at_once_but_not_at_a_store_that_asked_for_a_pause(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower_module, "POLL_S", 3600.0)
    shelf = Shelf()
    with following(shelf, book) as follower:
        until("it has looked", lambda: shelf.opened)
        seq = fill(book, 3)

        def there() -> bool:
            follower.hurry()
            return follower.position == seq

        until("it is written", there)
        shelf.fails = [StoreAway(Sentence("不在", "it is away"), 3600.0)]
        fill(book, 3)

        def away() -> bool:
            follower.hurry()
            return follower.problem is not None

        until("it fails", away)
        for _ in range(5):
            follower.hurry()
        assert shelf.opened == 1
        assert follower.position == seq


def test_the_history_holds_what_the_journal_does(book: Book) -> None:
    seq = fill(book, 100)
    with following(Historian(book.layout.history, lambda: True), book) as follower:
        reached(follower, seq)
    reader = HistoryReader(book.layout.history)
    assert reader.position == seq
    items, _ = reader.query(HomeId(HOME), DeviceId("watch"), Property.HEART_RATE, NOON, NOON + timedelta(days=1))
    assert [value for _, value in items] == list(range(100))
    [(_, count)], _ = reader.query(
        HomeId(HOME), DeviceId("watch"), Property.HEART_RATE, NOON, NOON + SECOND * 100, every=timedelta(days=1), aggregate=Aggregate.COUNT,
    )  # fmt: skip
    assert count == 100


def test_with_little_room_left_the_history_waits_and_pruning_does_not(book: Book) -> None:
    room = [True]
    sink = Historian(book.layout.history, lambda: room[0])
    with following(sink, book) as follower:
        reached(follower, fill(book, 3))
        room[0] = False
        seq = fill(book, 3)
        until("it is said", lambda: follower.problem is not None)
        assert follower.problem is not None
        assert "kept for calls" in follower.problem.en
        assert follower.run_there(lambda: sink.prune(NOON + timedelta(days=40))).result(PATIENCE_S) == 1
        assert HistoryReader(book.layout.history).position == 3
        room[0] = True
        reached(follower, seq)


# --- who is told what ------------------------------------------------------------------------------------------------------------


def test_retention_waits_for_every_keeper_and_who_hurries_is_heard(tmp_path: Path) -> None:
    async def story() -> None:
        server = ControlServer(socket_path(tmp_path), lambda _ask, _answer: None)
        await server.start()
        desk, telemetry = Control(socket_path(tmp_path)), Control(socket_path(tmp_path), commits=False)
        following = [asyncio.create_task(drained(one)) for one in (desk, telemetry)]
        async with asyncio.timeout(PATIENCE_S):
            while not (desk.connected and telemetry.connected):
                await asyncio.sleep(0.01)
            assert server.kept == 0
            desk.kept(Keeper.DESK, 70)
            while not server._kept:
                await asyncio.sleep(0.01)
            assert server.kept == 0, "who keeps the readings has not said"
            telemetry.kept(Keeper.TELEMETRY, 50)
            while server.kept != 50:
                await asyncio.sleep(0.01)
            hurried: list[bool] = []
            server.hurried = lambda: hurried.append(True)
            desk.hurry()
            while not hurried:
                await asyncio.sleep(0.01)
            following[1].cancel()
            while server.kept != 0:
                await asyncio.sleep(0.01)
        following[0].cancel()
        await asyncio.gather(*following, return_exceptions=True)
        await server.close()

    asyncio.run(story())


async def drained(control: Control) -> None:
    async for _ in control.follow():
        pass


def test_who_wants_no_commits_is_sent_none(tmp_path: Path, book: Book) -> None:
    async def story() -> None:
        server = ControlServer(socket_path(tmp_path), lambda _ask, _answer: None)
        server.greeting = lambda: [Unstored(()), TelemetryHealth((), 0.0, 0)]
        await server.start()
        heard: list[object] = []
        control = Control(socket_path(tmp_path), commits=False)

        async def listen() -> None:
            async for push in control.follow():
                heard[len(heard) :] = [push]

        listening = asyncio.create_task(listen())
        async with asyncio.timeout(PATIENCE_S):
            while not heard:
                await asyncio.sleep(0.01)
            assert book.journal.last is not None
            stored = book.journal.last
            server.push(Committed(1, 1, stored.stamp, stored.body))
            server.push(TelemetryHealth((), 1.0, 1))
            while len(heard) < 2:
                await asyncio.sleep(0.01)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await server.close()
        assert heard == [TelemetryHealth((), 0.0, 0), TelemetryHealth((), 1.0, 1)]

    fill(book, 1)
    asyncio.run(story())


def test_a_store_that_hangs_keeps_the_process_from_ending_for_a_moment_only(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PATIENCE_S", 0.1)
    begun, hangs = threading.Event(), threading.Event()

    class Hanging(Shelf):
        def write(self, position: int) -> int:
            begun.set()
            hangs.wait(PATIENCE_S)
            return super().write(position)

    stuck, sound = Hanging(), Shelf()
    seq = fill(book, 5)
    followers = [Follower(sink, book.journal, lambda: None) for sink in (stuck, sound)]
    for follower in followers:
        follower.start()
    reached(followers[1], seq)
    assert begun.wait(PATIENCE_S)
    process.stop_all(followers)
    until("the other has ended", lambda: sound.closed)
    assert not stuck.closed, "it was not waited for"
    hangs.set()
    followers[0].close(PATIENCE_S)
    assert stuck.closed
