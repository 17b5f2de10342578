"""A journal that a test writes, and followers of it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from alerting.items import Said
from alerting.registry_facts import DeviceRegistered
from alerting.terms import Actor
from config import load
from devices.home import AreaId, Device, DeviceId, HomeId, ModelId
from devices.message import Heard
from devices.observation import Observation, Property, Report, ReportId
from gateway.outside_stores import Store
from gateway.settings import Settings
from gateway.store.entry import Entry, Stamp, encode
from gateway.store.folder import Layout
from gateway.store.journal import Journal
from gateway.telemetry import follower as follower_module
from gateway.telemetry import outside as outside_module
from gateway.telemetry.follower import Follower, Sink
from gateway.telemetry.outside import Outside
from tests.influx2_fake import TOKEN
from tests.patience import PATIENCE_S
from tests.service import until

AREA, HOME = AreaId("330106001001"), HomeId("home-1")
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
WATCH = f"{HOME}/watch"


class Book:
    """The journal of an alarm process that does nothing else."""

    def __init__(self, data: Path, *, segment_age: timedelta = timedelta(days=1)) -> None:
        (data / "telemetry").mkdir(parents=True, exist_ok=True)
        self.data = data
        self.layout = Layout(data)
        self.journal = Journal.open(data, segment_age=segment_age, lead=1)
        self.now = NOON

    def commit(self, *entries: Entry) -> int:
        self.now += timedelta(milliseconds=5)
        stamp = Stamp(self.now, self.now, 0.0, "boot")
        self.journal.commit(stamp, encode(list(entries)), len(entries))
        return self.journal.last_seq

    def say(self, device: str, at: datetime = NOON, *, home: str = HOME, area: str = AREA, **values: bool | float) -> int:
        """A report; the number that the journal is at then."""
        return self.commit(said(device, at, home=home, area=area, **values))

    def register(self, device: str, model: str, home: str = HOME) -> int:
        return self.commit(DeviceRegistered(self.now, Actor("anna"), Device(DeviceId(device), HomeId(home), ModelId(model))))

    def close(self) -> None:
        self.journal.close()


def said(device: str, at: datetime = NOON, *, home: str = HOME, area: str = AREA, **values: bool | float) -> Said:
    observations = tuple(Observation(Property(name), value) for name, value in values.items())
    report = Report(ReportId(f"{device}-{at}"), at, at, observations)
    return Said(Heard(AreaId(area), HomeId(home), DeviceId(device), report), "topic", b"raw")


def store_of(text: str, folder: Path) -> Store:
    """The one store of a settings file that has this in it."""
    path = folder / "store.toml"
    path.write_text(text)
    [store] = load(path, Settings).telemetry.stores
    return store


def outside(book: Book, text: str) -> Outside:
    return Outside(store_of(text, book.data), book.layout, book.journal, lambda: True)


@contextmanager
def following(sink: Sink, book: Book) -> Iterator[Follower]:
    follower = Follower(sink, book.journal, lambda: None)
    follower.start()
    try:
        yield follower
    finally:
        follower.close(PATIENCE_S)
        assert not any(thread.name == f"follower {sink.name}" for thread in threading.enumerate())


def reached(follower: Follower, seq: int, seconds: float = PATIENCE_S) -> None:
    until(f"{follower.sink.name} is at {seq}", lambda: follower.position >= seq and follower.problem is None, seconds)


def with_begin(store: Store, begin: str) -> Store:
    return msgspec.convert({**msgspec.to_builtins(store), "begin": begin}, type(store))


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store outside is looked after as often as a test can wait for; and its token is known."""
    monkeypatch.setattr(follower_module, "POLL_S", 0.02)
    monkeypatch.setattr(follower_module, "LOCAL_RETRY_S", 0.02)
    monkeypatch.setattr(outside_module, "FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr(outside_module, "LONGEST_PAUSE_S", 0.05)
    monkeypatch.setenv("ANJU_TEST_TOKEN", TOKEN)


def readings(book: Book, count: int, *, device: str = "watch", begin: int = 0) -> int:
    seq = 0
    for n in range(begin, begin + count):
        seq = book.say(device, NOON + n * SECOND, heart_rate=n)
    return seq


def meant(count: int, begin: int = 0) -> list[tuple[int, float]]:
    return [(1795320000000 + n * 1000, float(n)) for n in range(begin, begin + count)]
