"""The history that charts read: what was written is found again, thinned as asked, once however often it came."""

import random
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devices.home import DeviceId, HomeId
from devices.observation import Property
from gateway.store.history import Aggregate, History, Point, Value

HOME, BAND = HomeId("h1"), DeviceId("band")
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def point(minutes: float, value: Value, prop: Property = Property.HEART_RATE, device: DeviceId = BAND) -> Point:
    return Point(HOME, device, prop, NOON + timedelta(minutes=minutes), value)


def test_readings_come_back_in_their_order_and_kind(tmp_path: Path) -> None:
    history = History.open(tmp_path / "history")
    history.write([point(2, 71), point(1, 70.5), point(1, True, Property.OCCUPANCY), point(0, 99, device=DeviceId("other"))], 17)
    assert history.position == 17
    items, following = history.query(HOME, BAND, Property.HEART_RATE, NOON, NOON + DAY)
    assert (items, following) == ([(NOON + timedelta(minutes=1), 70.5), (NOON + timedelta(minutes=2), 71)], None)
    [(_, occupied)], _ = history.query(HOME, BAND, Property.OCCUPANCY, NOON, NOON + DAY)
    assert occupied is True
    assert history.query(HOME, BAND, Property.SPO2, NOON, NOON + DAY) == ([], None)
    assert history.query(HomeId("nobody"), BAND, Property.SPO2, NOON, NOON + DAY) == ([], None)
    history.close()


def test_the_end_of_a_span_is_not_in_it(tmp_path: Path) -> None:
    history = History.open(tmp_path)
    history.write([point(0, 1), point(1, 2)], 1)
    items, _ = history.query(HOME, BAND, Property.HEART_RATE, NOON, NOON + timedelta(minutes=1))
    assert [value for _, value in items] == [1]
    history.close()


def test_a_batch_that_comes_again_after_a_crash_changes_nothing(tmp_path: Path) -> None:
    history = History.open(tmp_path)
    batch = [point(n, 60 + n) for n in range(50)]
    history.write(batch, 50)
    history.close()
    again = History.open(tmp_path)
    again.write([*batch, point(1, 97, Property.SPO2)], 51)
    items, _ = again.query(HOME, BAND, Property.HEART_RATE, NOON, NOON + DAY)
    assert [value for _, value in items] == [60 + n for n in range(50)]
    assert again.position == 51
    again.close()


def test_the_newest_value_of_each_property_is_at_hand_also_when_older_ones_come_late(tmp_path: Path) -> None:
    history = History.open(tmp_path)
    history.write([point(5, 80), point(9, 81), point(5, False, Property.BATTERY_LOW)], 1)
    history.write([point(7, 99), point(6, True, Property.BATTERY_LOW)], 2)
    assert history.last(HOME, BAND) == {
        Property.HEART_RATE: (NOON + timedelta(minutes=9), 81),
        Property.BATTERY_LOW: (NOON + timedelta(minutes=6), True),
    }
    assert history.last(HOME, DeviceId("never heard")) == {}
    history.close()


@pytest.mark.parametrize(
    ("aggregate", "values"),
    [
        (Aggregate.MEAN, [62.0, 67.0, 100.0]),
        (Aggregate.MIN, [60, 65, 100]),
        (Aggregate.MAX, [64, 69, 100]),
        (Aggregate.LAST, [64, 69, 100]),
        (Aggregate.COUNT, [5, 5, 1]),
    ],
)
def test_a_span_is_thinned_in_steps_aligned_to_the_clock(tmp_path: Path, aggregate: Aggregate, values: list[float]) -> None:
    history = History.open(tmp_path)
    history.write([*(point(n, 60 + n) for n in range(10)), point(21, 100)], 1)
    items, _ = history.query(
        HOME, BAND, Property.HEART_RATE, NOON - DAY, NOON + DAY, every=timedelta(minutes=5), aggregate=aggregate,
    )
    assert [at for at, _ in items] == [NOON, NOON + timedelta(minutes=5), NOON + timedelta(minutes=20)]
    assert [value for _, value in items] == values
    history.close()


def reckon(aggregate: Aggregate, values: list[int]) -> float:
    match aggregate:
        case Aggregate.MEAN:
            return sum(values) / len(values)
        case Aggregate.MIN:
            return min(values)
        case Aggregate.MAX:
            return max(values)
        case Aggregate.LAST:
            return values[-1]
        case Aggregate.COUNT:
            return len(values)


@pytest.mark.parametrize("aggregate", list(Aggregate))
@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(hours=8), timedelta(hours=-3.5)])
@pytest.mark.parametrize("every", [None, timedelta(minutes=7), timedelta(hours=5), timedelta(days=1), timedelta(days=7)])
def test_months_and_pages_leave_no_seam(tmp_path: Path, aggregate: Aggregate, every: timedelta | None, ahead: timedelta) -> None:
    """Over two turns of the month, page by page, against the same reckoned by hand."""
    dice = random.Random(7)
    start = datetime(2026, 10, 29, tzinfo=UTC)
    readings = {start + timedelta(minutes=dice.randrange(60 * 24 * 40)): dice.randrange(200) for _ in range(500)}
    history = History.open(tmp_path)
    history.write([Point(HOME, BAND, Property.STEPS, at, value) for at, value in readings.items()], 1)
    assert len(list(tmp_path.glob("2026-*.db"))) == 3

    got, cursor, pages = [], None, 0
    while pages == 0 or cursor is not None:
        page, cursor = history.query(
            HOME, BAND, Property.STEPS, start, start + 60 * DAY, every=every, aggregate=aggregate, limit=5 if every else 70, cursor=cursor,
            ahead=ahead,
        )
        got += page
        pages += 1
    assert pages > 1

    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    steps: dict[datetime, list[int]] = {}
    for at, value in sorted(readings.items()):
        steps.setdefault(at if every is None else epoch - ahead + (at + ahead - epoch) // every * every, []).append(value)
    kind = Aggregate.LAST if every is None else aggregate
    assert got == [(at, reckon(kind, values)) for at, values in steps.items()]
    history.close()


def test_retention_removes_whole_months_and_keeps_the_newest_values(tmp_path: Path) -> None:
    history = History.open(tmp_path)
    history.write([point(-60 * 24 * 40, 1), point(-60 * 24 * 25, 2), point(0, 3), point(-60 * 24 * 40, 4, Property.SPO2)], 1)
    assert history.prune(datetime(2026, 11, 1, tzinfo=UTC) - timedelta(seconds=1)) == 0
    assert history.prune(datetime(2026, 11, 1, tzinfo=UTC)) == 1
    items, _ = history.query(HOME, BAND, Property.HEART_RATE, NOON - 90 * DAY, NOON + DAY)
    assert [value for _, value in items] == [3]
    assert history.last(HOME, BAND)[Property.SPO2][1] == 4
    history.write([point(-60 * 24 * 40, 5)], 2)
    items, _ = history.query(HOME, BAND, Property.HEART_RATE, NOON - 90 * DAY, NOON + DAY)
    assert [value for _, value in items] == [5, 3]
    history.close()


def test_a_month_written_before_a_property_was_known_is_read_and_written_on(tmp_path: Path) -> None:
    history = History.open(tmp_path)
    history.write([point(0, 60)], 1)
    history.close()
    with sqlite3.connect(tmp_path / "2026-11.db") as month:
        month.execute("ALTER TABLE readings DROP COLUMN spo2")
    month.close()
    reader = History.reader(tmp_path)
    assert reader.query(HOME, BAND, Property.SPO2, NOON, NOON + DAY) == ([], None)
    again = History.open(tmp_path)
    again.write([point(0, 97, Property.SPO2)], 2)
    [(_, value)], _ = reader.query(HOME, BAND, Property.SPO2, NOON, NOON + DAY)
    assert value == 97
    again.close()
