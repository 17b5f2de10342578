"""A store outside is fed from the journal: in order, each observation once in effect, whatever the store answers meanwhile."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.store.standing import Standing, path_of, read_refused
from gateway.telemetry import follower as follower_module
from gateway.telemetry import outside as outside_module
from gateway.telemetry.outside import Outside
from tests.influx2_fake import TOKEN, Influx2Fake
from tests.patience import STORY_S
from tests.service import until
from tests.telemetry import HOME, NOON, SECOND, WATCH, Book, following, hurry, meant, outside, reached, readings, said, store_of


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    book = Book(tmp_path / "data")
    yield book
    book.close()


@pytest.fixture
def fake() -> Iterator[Influx2Fake]:
    fake = Influx2Fake()
    yield fake
    fake.close()


# --- what it is told -----------------------------------------------------------------------------------------------------------


def test_all_that_the_journal_holds_and_all_that_comes(book: Book, fake: Influx2Fake) -> None:
    readings(book, 30)
    with following(outside(book, fake.settings()), book) as follower:
        reached(follower, 30)
        assert fake.rows("heart_rate") == {WATCH: meant(30)}
        reached(follower, readings(book, 5, begin=30))
        assert fake.rows("heart_rate") == {WATCH: meant(35)}
        told = follower.followed(book.now)
        assert (told.name, told.position, told.points, told.refused, told.behind_s) == ("bureau", 35, 35, 0, 0.0)


def test_from_now_on_alone_where_the_settings_say_so(book: Book, fake: Influx2Fake) -> None:
    book.register("watch", "acme-watch")
    readings(book, 10)
    with following(outside(book, fake.settings(begin="now")), book) as follower:
        reached(follower, 11)
        seq = readings(book, 3, begin=10)
        reached(follower, seq)
    assert fake.rows("heart_rate") == {WATCH: meant(3, begin=10)}
    with following(outside(book, fake.settings(begin="now")), book) as follower:
        reached(follower, readings(book, 1, begin=13))
    assert fake.rows("heart_rate") == {WATCH: meant(4, begin=10)}, "what came meanwhile is not left out at the next start"


def test_a_device_has_the_model_that_it_had_then(book: Book, fake: Influx2Fake) -> None:
    book.say("watch", steps=1)
    book.commit(said("watch", NOON + SECOND, steps=2))
    book.register("watch", "acme-watch")
    book.say("watch", NOON + 2 * SECOND, steps=3)
    book.register("watch", "better-watch")
    seq = book.say("watch", NOON + 3 * SECOND, steps=4)
    with following(outside(book, fake.settings()), book) as follower:
        reached(follower, seq)
    models = {dict(tags).get("model"): sorted(values.values()) for (_, tags), values in fake.points.items()}
    assert models == {None: [1.0, 2.0], "acme-watch": [3.0], "better-watch": [4.0]}
    with following(outside(book, fake.settings()), book) as follower:
        reached(follower, book.say("watch", NOON + 4 * SECOND, steps=5))
    models = {dict(tags).get("model"): sorted(values.values()) for (_, tags), values in fake.points.items()}
    assert models["better-watch"] == [4.0, 5.0], "it is remembered with the position"


def test_lines_that_come_again_after_an_outage_are_the_same_lines(book: Book, fake: Influx2Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model that was learned behind the first half of a batch must not be in the first half when it is offered again."""
    monkeypatch.setattr(outside_module, "BATCH_LINES", 10_000)
    monkeypatch.setattr(outside_module, "BATCH_BYTES", 3000)
    readings(book, 20)
    book.register("watch", "acme-watch")
    seq = readings(book, 20, begin=20)
    sink = outside(book, fake.settings())
    sink.open()
    for commit in book.journal.read():
        sink.take(commit)
    fake.after_the_first = (503, {}, {})
    with pytest.raises(follower_module.StoreAway):
        sink.write(seq)
    assert fake.rows("heart_rate") != {}
    sink.close()
    with following(sink, book) as follower:
        reached(follower, seq)
    assert fake.rows("heart_rate") == {WATCH: meant(40)}


def test_several_stores_each_have_their_own_position(book: Book, fake: Influx2Fake) -> None:
    other = Influx2Fake()
    other.answers.extend([(503, {}, {})] * 10_000)
    try:
        seq = readings(book, 10)
        with following(outside(book, fake.settings("a")), book) as one, following(outside(book, other.settings("b")), book) as two:
            reached(one, seq)
            until("the other says why it waits", lambda: two.problem is not None)
            assert two.position == 0
            other.answers.clear()
            reached(two, seq)
        assert other.rows("heart_rate") == fake.rows("heart_rate") == {WATCH: meant(10)}
    finally:
        other.close()


def test_another_database_under_the_same_name_begins_anew(book: Book, fake: Influx2Fake) -> None:
    seq = readings(book, 10)
    with following(outside(book, fake.settings()), book) as follower:
        reached(follower, seq)
    other = Influx2Fake()
    try:
        with following(outside(book, other.settings()), book) as follower:
            reached(follower, seq)
        assert other.rows("heart_rate") == {WATCH: meant(10)}
    finally:
        other.close()


# --- what it answers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (401, {}, "token or password"), (403, {}, "token or password"), (404, {}, "no such database"), (429, {"Retry-After": "0"}, "pause"),
        (429, {}, "pause"), (500, {}, "cannot write"), (503, {"Retry-After": "0"}, "cannot write"), (302, {}, "cannot write"),
    ],
)  # fmt: skip
def test_not_now_is_said_and_waited_for(book: Book, fake: Influx2Fake, status: int, headers: dict[str, str], said: str) -> None:
    fake.answers.extend([(status, headers, {"code": "x", "message": "not today"})] * 10_000)
    seq = readings(book, 10)
    with following(outside(book, fake.settings()), book) as follower:
        until("it is said", lambda: follower.problem is not None and follower.problem)
        assert follower.problem is not None
        assert said in follower.problem.en
        assert "not today" in follower.problem.en
        until("it tries again", lambda: fake.writes > 2)
        assert follower.position == 0
        assert follower.followed(book.now + timedelta(seconds=9)).behind_s >= 9
        fake.answers.clear()
        reached(follower, seq)
    assert fake.rows("heart_rate") == {WATCH: meant(10)}
    assert read_refused(path_of(book.data, "bureau"), 10) == [], "what is not the line's fault sets no line aside"


def test_a_server_that_asks_for_a_pause_gets_it(book: Book, fake: Influx2Fake) -> None:
    fake.answers.append((429, {"Retry-After": "30"}, {}))
    readings(book, 1)
    sink = outside(book, fake.settings())
    sink.open()
    sink.take(next(book.journal.read()))
    with pytest.raises(follower_module.StoreAway) as caught:
        sink.write(1)
    assert caught.value.pause == 30
    sink.close()


def test_pauses_grow_to_a_bound_and_begin_anew_after_a_yes(book: Book, fake: Influx2Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside_module, "FIRST_PAUSE_S", 1.0)
    monkeypatch.setattr(outside_module, "LONGEST_PAUSE_S", 30.0)
    readings(book, 2)
    sink = outside(book, fake.settings())
    pauses = []
    for answers in (7, 1):
        fake.answers.extend([(500, {}, {})] * answers)
        for _ in range(answers):
            sink.open()
            sink.take(next(book.journal.read()))
            with pytest.raises(follower_module.StoreAway) as caught:
                sink.write(1)
            pauses.append(caught.value.pause)
        sink.open()
        sink.write(1)
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 1]
    sink.close()


def test_a_store_that_nobody_answers_at_is_waited_for(book: Book, fake: Influx2Fake) -> None:
    seq = readings(book, 10)
    fake.close()
    sink = outside(book, fake.settings())
    with following(sink, book) as follower:
        until("it is said", lambda: follower.problem is not None)
        assert follower.problem is not None
        assert "no connection" in follower.problem.en
        assert follower.position < seq


def test_a_token_that_is_changed_on_both_sides_is_read_at_the_next_start(
    book: Book, fake: Influx2Fake, monkeypatch: pytest.MonkeyPatch,
) -> None:
    seq = readings(book, 3)
    fake.token = "another"
    with following(outside(book, fake.settings()), book) as follower:
        until("it is said", lambda: follower.problem is not None)
        assert follower.problem is not None
        assert "unauthorized access" in follower.problem.en
        assert TOKEN not in follower.problem.en
    monkeypatch.setenv("ANJU_TEST_TOKEN", "another")
    with following(outside(book, fake.settings()), book) as follower:
        reached(follower, seq)


def test_a_secret_that_is_missing_is_said_of_the_store(book: Book, fake: Influx2Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANJU_TEST_TOKEN")
    readings(book, 1)
    with following(outside(book, fake.settings()), book) as follower:
        until("it is said", lambda: follower.problem is not None)
        assert follower.problem is not None
        assert "ANJU_TEST_TOKEN" in follower.problem.en


# --- what it refuses -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 7, 50])
def test_a_refused_line_is_set_aside_alone_and_the_rest_goes_on(book: Book, fake: Influx2Fake, count: int) -> None:
    fake.refuses = lambda measurement: measurement == "steps"
    for n in range(count):
        if n in (0, count // 2):
            book.say("watch", NOON + n * SECOND, steps=5)
        book.say("watch", NOON + n * SECOND, heart_rate=n)
    seq = book.say("watch", NOON + count * SECOND, battery=50)
    with following(outside(book, fake.settings()), book) as follower:
        reached(follower, seq)
        bad = 1 if count == 1 else 2
        assert follower.followed(book.now).refused == bad
        assert follower.followed(book.now).points == count + 1
    assert fake.rows("heart_rate") == {WATCH: meant(count)}
    assert fake.rows("battery") == {WATCH: [(1795320000000 + count * 1000, 50.0)]}
    kept = read_refused(path_of(book.data, "bureau"), 10)
    assert len(kept) == bad
    assert kept[0].line.startswith(f"steps,area=330106001001,device=watch,home={HOME} value=5 ")
    assert "field type conflict" in kept[0].reason
    with following(outside(book, fake.settings()), book) as follower:
        until("it is remembered", lambda: follower.followed(book.now).refused == bad)


def test_of_many_refused_lines_all_are_counted_and_a_thousand_kept(book: Book, fake: Influx2Fake) -> None:
    fake.refuses = lambda measurement: measurement == "steps"
    seq = book.say("watch", heart_rate=1)
    for n in range(11):
        seq = book.commit(*(said("watch", NOON + (100 * n + k) * SECOND, steps=k) for k in range(100)))
    with following(outside(book, fake.settings()), book) as follower:
        reached(follower, seq, STORY_S)
        assert follower.followed(book.now).refused == 1100
    assert len(read_refused(path_of(book.data, "bureau"), 10_000)) == 1000


def test_a_store_that_takes_nothing_at_all_has_something_else_wrong(book: Book, fake: Influx2Fake) -> None:
    """A wrong setting there must not throw away what a person could still mend."""
    fake.refuses = lambda _: True
    seq = readings(book, 300)
    with following(outside(book, fake.settings()), book) as follower:
        until("it is said", lambda: follower.problem is not None)
        assert follower.problem is not None
        assert "refuses whatever it is offered (100, 422" in follower.problem.en
        assert (follower.position, follower.followed(book.now).refused) == (0, 0)
        fake.refuses = lambda _: False
        reached(follower, seq)
    assert fake.rows("heart_rate") == {WATCH: meant(300)}


def test_what_is_older_than_the_store_keeps_is_counted_and_holds_nothing_up(book: Book, fake: Influx2Fake) -> None:
    fake.oldest = 1795320000000 + 450_000
    seq = readings(book, 500)
    with following(outside(book, fake.settings()), book) as follower:
        reached(follower, seq)
        assert follower.followed(book.now).refused == 450
    assert fake.rows("heart_rate") == {WATCH: meant(50, begin=450)}
    assert fake.writes < 40, "halved, not looked at one by one"


def test_a_batch_that_is_too_large_goes_in_pieces(book: Book, fake: Influx2Fake) -> None:
    fake.largest = 500
    seq = readings(book, 100)
    with following(outside(book, fake.settings()), book) as follower:
        reached(follower, seq)
    assert fake.rows("heart_rate") == {WATCH: meant(100)}
    assert not read_refused(path_of(book.data, "bureau"), 10)


def test_batches_are_bounded_in_lines_and_in_bytes(book: Book, fake: Influx2Fake) -> None:
    for n in range(40):
        seq = book.commit(*(said("watch", NOON + (300 * n + k) * SECOND, heart_rate=k) for k in range(300)))
    with following(outside(book, fake.settings()), book) as follower:
        reached(follower, seq)
    assert sum(len(values) for values in fake.points.values()) == 12_000
    assert max(fake.bodies) <= 1 << 20
    assert len(fake.bodies) == 5, "twice 5,100 lines are read before there are enough, then the rest"


# --- what befalls us -------------------------------------------------------------------------------------------------------------


def test_without_room_on_the_disk_nothing_is_sent_that_could_not_be_noted(book: Book, fake: Influx2Fake) -> None:
    room = [False]
    sink = Outside(store_of(fake.settings(), book.data), book.layout, book.journal, lambda: room[0])
    seq = readings(book, 3)
    with following(sink, book) as follower:
        until("it is said", lambda: follower.problem is not None)
        assert fake.writes == 0
        room[0] = True
        reached(follower, seq)


def test_what_retention_has_removed_is_said_and_the_rest_is_sent(tmp_path: Path, fake: Influx2Fake) -> None:
    book = Book(tmp_path / "data", segment_age=timedelta(0))
    seq = readings(book, 5)
    with following(outside(book, fake.settings()), book) as follower:
        reached(follower, seq)

    def pruned() -> bool:
        readings(book, 1, begin=book.journal.last_seq)
        return book.journal.prune(book.journal.last_seq - 2, book.now + SECOND) > 0 and book.journal.first_seq > 10

    until("the journal has forgotten what the store lacks", pruned)
    first, seq = book.journal.first_seq, book.journal.last_seq
    with following(outside(book, fake.settings()), book) as follower:
        reached(follower, seq)
    assert fake.rows("heart_rate") == {WATCH: meant(5) + meant(seq - first + 1, begin=first - 1)}
    book.close()


def test_a_journal_that_was_put_back_is_followed_anew(book: Book, fake: Influx2Fake) -> None:
    seq = readings(book, 5)
    with following(outside(book, fake.settings()), book) as follower:
        reached(follower, seq)
    standing = Standing(path_of(book.data, "bureau"), store_of(fake.settings(), book.data).target)
    standing.advance(1000, {})
    standing.close()
    with following(outside(book, fake.settings()), book) as follower:
        until("it goes on", lambda: follower.position == seq)
        reached(follower, readings(book, 5, begin=5))
    assert fake.rows("heart_rate") == {WATCH: meant(10)}
