"""Charts give the same numbers wherever they are read from: the same questions on the same data, put to every store."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product
from pathlib import Path

import pytest

from devices.home import DeviceId, HomeId
from devices.observation import Property
from gateway.store.history import Aggregate, Charts, ChartsAway, History, Question, Value
from gateway.telemetry.follower import Follower, Sink
from gateway.telemetry.historian import Historian
from gateway.telemetry.outside import Outside
from gateway.telemetry.reading import open_charts
from tests.influx2_fake import TOKEN, Influx2Fake
from tests.service import until
from tests.telemetry import HOME, NOON, Book, store_of
from tests.timeseries import Influx, Victoria, served, store_text

WATCH = DeviceId("watch")
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
NAMES = ["victoria", "plain victoria", "influx1", "influx2"]


def write(book: Book) -> int:
    """Forty days of a wearable that changed its model, its area and its rhythm; and its neighbours, which are not to be in its charts."""
    dice = random.Random(5)
    book.register("watch", "acme-watch")
    at = NOON - 40 * DAY
    for number in range(600):
        if number == 300:
            book.register("watch", "better-watch")
        at += timedelta(milliseconds=dice.choice([250, 1000, 30_000, 60_000, 3_600_000, 10_000_000]))
        area = "330106001001" if number < 450 else "330106001002"
        book.say("watch", at, area=area, heart_rate=dice.randrange(40, 140), body_temperature=round(36 + dice.random() * 3, 1))
        if number % 7 == 0:
            book.say("watch", at, area=area, occupancy=dice.random() < 0.5)
    for number in range(50):
        book.say("watch", NOON - number * SECOND, home="home-2", heart_rate=200)
        book.say("other", NOON - number * SECOND, heart_rate=201)
    return book.say("watch", NOON, steps=4711)


@pytest.fixture(scope="module")
def charts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Charts]]:
    """The same journal in every store, each fed twice: what came again must not count again."""
    folder = tmp_path_factory.mktemp("reading")
    book, fake = Book(folder / "data"), Influx2Fake()
    victoria, plain, influx = Victoria(folder / "vm"), Victoria(folder / "plain", dedup=False), Influx(folder / "influx")
    environment = pytest.MonkeyPatch()
    environment.setenv("ANJU_TEST_TOKEN", TOKEN)
    with served(victoria), served(plain), served(influx):
        texts = dict(zip(NAMES, (victoria.settings("a"), plain.settings("b"), influx.settings("c"), fake.settings("d")), strict=True))
        stores = {name: store_of(text, book.data) for name, text in texts.items()}
        seq = write(book)
        for turn in range(2):
            sinks: list[Sink] = [Historian(book.layout.history, lambda: True)]
            sinks += [Outside(store, book.layout, book.journal, lambda: True) for store in stores.values()]
            followers = [Follower(sink, book.journal, lambda: None) for sink in sinks]
            for follower in followers:
                follower.start()
            for follower in followers:
                until(follower.sink.name, lambda follower=follower: follower.position == seq)  # type: ignore[misc]
                follower.close()
            if turn == 0:
                for file in (book.data / "telemetry").glob("*.db*"):
                    file.unlink()
        found = {"history": History.reader(book.layout.history), **{name: open_charts(store) for name, store in stores.items()}}
        whole = Question(HomeId(HOME), WATCH, Property.STEPS, NOON, NOON + DAY)
        for name, one in found.items():
            until(f"{name} shows the last reading", lambda one=one: one.answer(whole)[0])  # type: ignore[misc]
        yield found
        for one in found.values():
            one.close()
    fake.close()
    environment.undo()
    book.close()


def pages(charts: Charts, question: Question) -> list[tuple[datetime, Value]]:
    """All of them, by their cursors."""
    from msgspec.structs import replace

    found: list[tuple[datetime, Value]] = []
    cursor: str | None = None
    while True:
        items, cursor = charts.answer(replace(question, cursor=cursor))
        found += items
        assert len(items) <= question.limit
        if cursor is None:
            return found


def same(left: list[tuple[datetime, Value]], right: list[tuple[datetime, Value]]) -> None:
    assert [at for at, _ in left] == [at for at, _ in right]
    assert [value for _, value in left] == pytest.approx([value for _, value in right], rel=1e-12)
    assert [isinstance(value, bool) for _, value in left] == [isinstance(value, bool) for _, value in right]


SPANS = {
    "all of it": (NOON - 60 * DAY, NOON + DAY),
    "since 1970": (LONG_AGO, NOON + DAY),
    "for ever": (LONG_AGO, datetime(9999, 12, 31, tzinfo=UTC)),
    "from the middle of a step": (NOON - 39 * DAY + timedelta(seconds=1, microseconds=1), NOON - 2 * DAY + timedelta(seconds=7)),
    "nothing": (NOON + 2 * DAY, NOON + 3 * DAY),
    "no time at all": (NOON, NOON),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("aggregate", list(Aggregate))
def test_thinned_it_is_the_same(charts: dict[str, Charts], name: str, aggregate: Aggregate) -> None:
    steps = [30 * SECOND, timedelta(minutes=5), timedelta(hours=1), DAY, 7 * DAY, 366 * DAY]
    properties = [Property.HEART_RATE, Property.BODY_TEMPERATURE, Property.OCCUPANCY]
    for prop, step, (start, end) in product(properties, steps, SPANS.values()):
        question = Question(HomeId(HOME), WATCH, prop, start, end, step, aggregate, limit=97)
        expected = pages(charts["history"], question)
        same(pages(charts[name], question), expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("hours", [8, -3.5, 5.75])
def test_cut_by_a_clock_that_is_not_utc_it_is_the_same_and_a_day_begins_at_that_clocks_midnight(
    charts: dict[str, Charts], name: str, hours: float,
) -> None:
    ahead = timedelta(hours=hours)
    for step, span in product([timedelta(hours=1), timedelta(hours=6), DAY, 7 * DAY], ["all of it", "from the middle of a step"]):
        question = Question(HomeId(HOME), WATCH, Property.HEART_RATE, *SPANS[span], step, Aggregate.MEAN, limit=17, ahead=ahead)
        expected = pages(charts["history"], question)
        same(pages(charts[name], question), expected)
        assert {(at + ahead - LONG_AGO) % step for at, _ in expected} == {timedelta(0)}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("prop", [Property.HEART_RATE, Property.OCCUPANCY, Property.SPO2])
def test_as_it_was_heard_it_is_the_same(charts: dict[str, Charts], name: str, span: str, prop: Property) -> None:
    question = Question(HomeId(HOME), WATCH, prop, *SPANS[span], limit=41)
    same(pages(charts[name], question), pages(charts["history"], question))


def test_the_questions_have_answers(charts: dict[str, Charts]) -> None:
    """What is compared above is not nothing with nothing."""
    heard = pages(charts["history"], Question(HomeId(HOME), WATCH, Property.HEART_RATE, *SPANS["all of it"]))
    assert len(heard) == 600
    assert any(later - at < SECOND for (at, _), (later, _) in pairwise(heard))
    cut = pages(charts["history"], Question(HomeId(HOME), WATCH, Property.HEART_RATE, *SPANS["from the middle of a step"], every=DAY))
    assert 10 < len(cut) < 40


@pytest.mark.parametrize("name", NAMES)
def test_a_reading_at_the_start_is_in_and_one_at_the_end_is_not(charts: dict[str, Charts], name: str) -> None:
    question = Question(HomeId(HOME), WATCH, Property.HEART_RATE, *SPANS["all of it"])
    heard = charts[name].answer(question)[0]
    between = Question(HomeId(HOME), WATCH, Property.HEART_RATE, heard[10][0], heard[20][0])
    assert charts[name].answer(between)[0] == heard[10:20]
    for every in (timedelta(minutes=5), DAY):
        counted = charts[name].answer(
            Question(HomeId(HOME), WATCH, Property.HEART_RATE, heard[10][0], heard[20][0], every, Aggregate.COUNT),
        )[0]
        assert sum(count for _, count in counted) == 10


@pytest.mark.parametrize("name", NAMES)
def test_a_page_begun_in_one_store_goes_on_in_another(charts: dict[str, Charts], name: str) -> None:
    question = Question(HomeId(HOME), WATCH, Property.HEART_RATE, *SPANS["all of it"], timedelta(hours=1), limit=50)
    first, cursor = charts[name].answer(question)
    rest = Question(HomeId(HOME), WATCH, Property.HEART_RATE, *SPANS["all of it"], timedelta(hours=1), limit=5000, cursor=cursor)
    whole = Question(HomeId(HOME), WATCH, Property.HEART_RATE, *SPANS["all of it"], timedelta(hours=1), limit=5000)
    same(first + charts["history"].answer(rest)[0], charts["history"].answer(whole)[0])


ODD = ["it's", 'say "so"', "back\\slash", "a b", "陈", "${home}", "'; DROP DATABASE anju; --", "\n", '",x="', "x" * 500, ""]


@pytest.mark.parametrize("name", ["victoria", "influx1"])
@pytest.mark.parametrize("odd", ODD)
def test_a_home_that_is_called_oddly_is_nobody_and_does_nothing(charts: dict[str, Charts], name: str, odd: str) -> None:
    for question in (
        Question(HomeId(odd), WATCH, Property.HEART_RATE, *SPANS["all of it"]),
        Question(HomeId(HOME), DeviceId(odd), Property.HEART_RATE, *SPANS["all of it"], DAY),
    ):
        assert charts[name].answer(question) == ([], None)
    assert charts[name].answer(Question(HomeId(HOME), WATCH, Property.STEPS, *SPANS["all of it"]))[0] == [(NOON, 4711)]


@pytest.mark.parametrize("kind", ["victoriametrics", "influxdb1", "influxdb2"])
def test_a_store_that_does_not_answer_or_answers_nonsense_is_away(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANJU_TEST_TOKEN", TOKEN)
    fake = Influx2Fake()
    more: dict[str, dict[str, str]] = {
        "victoriametrics": {}, "influxdb1": {"database": "anju"}, "influxdb2": {"org": "x", "bucket": "x", "token": "env:ANJU_TEST_TOKEN"},
    }  # fmt: skip
    charts = open_charts(store_of(store_text(kind=kind, name="store", url=fake.url, **more[kind]), tmp_path))
    question = Question(HomeId(HOME), WATCH, Property.STEPS, *SPANS["all of it"])
    with pytest.raises(ChartsAway, match=r"the store 'store' cannot be read: (404|501)"):
        charts.answer(question)
    fake.close()
    with pytest.raises(ChartsAway, match="the store 'store' cannot be read"):
        charts.answer(question)
    monkeypatch.delenv("ANJU_TEST_TOKEN")
    if kind == "influxdb2":
        with pytest.raises(ChartsAway, match="the environment has no ANJU_TEST_TOKEN"):
            open_charts(store_of(fake.settings(), tmp_path)).answer(question)
    charts.close()
