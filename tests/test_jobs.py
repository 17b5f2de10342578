"""Calendar work: what is owed after which absence, as a table; and jobs that run, fail, are missed and are cut short."""

import asyncio
import logging
import time as real_time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from alerting.daily_check import daily_check
from alerting.home_state import DeviceState, HomeState, Last
from alerting.items import Matter
from devices.home import AreaId, Device, DeviceId, Home, HomeId, Lifecycle, ModelId, Person, PersonId, Role
from devices.observation import Property
from gateway.clock import MACHINE
from gateway.jobs import Job, Jobs, Ledger, last_due, missed
from tests.notices import until
from tests.patience import PATIENCE_S, ended

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")


def local(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


async def nothing(_day: date) -> None:
    pass


RETENTION = Job("retention", time(3, 30), nothing)
CHECK = Job("daily_check", time(9, 0), nothing)


@pytest.mark.parametrize(
    ("sentence", "done", "now", "owed"),
    [
        ("done yesterday, not due yet today", {"retention": "2026-11-21 03:30"}, "2026-11-22 03:29:59", []),
        ("due this very second", {"retention": "2026-11-21 03:30"}, "2026-11-22 03:30", ["retention"]),
        ("done at its moment", {"retention": "2026-11-22 03:30"}, "2026-11-22 03:30:01", []),
        ("down over one moment", {"retention": "2026-11-21 03:30:05"}, "2026-11-22 08:00", ["retention"]),
        ("down for a month, owed once", {"retention": "2026-10-22 03:30"}, "2026-11-22 08:00", ["retention"]),
        ("started for the first time yesterday evening", {"retention": "2026-11-21 22:00"}, "2026-11-22 08:00", ["retention"]),
        ("started for the first time this morning", {"retention": "2026-11-22 07:00"}, "2026-11-22 08:00", []),
        ("never heard of", {}, "2026-11-22 08:00", []),
        (
            "both, the older debt first",
            {"retention": "2026-11-21 03:30", "daily_check": "2026-11-20 09:00"},
            "2026-11-22 10:00",
            ["daily_check", "retention"],
        ),
        ("a ledger written under a clock that was years ahead", {"retention": "2031-01-01 00:00"}, "2026-11-22 01:00", ["retention"]),
        ("a clock put back by a minute just after", {"retention": "2026-11-22 03:30:10"}, "2026-11-22 03:29:10", ["retention"]),
    ],
)
def test_what_is_owed(sentence: str, done: dict[str, str], now: str, owed: list[str]) -> None:
    known = {name: local(at) for name, at in done.items()}
    assert [job.name for job in missed([RETENTION, CHECK], known, local(now), SHANGHAI)] == owed, sentence


@pytest.mark.parametrize(
    ("sentence", "at", "now", "due"),
    [
        ("the local day counts, not that of UTC", time(3, 30), local("2026-11-22 04:00"), local("2026-11-22 03:30")),
        ("before today's moment it was yesterday's", time(3, 30), local("2026-11-22 03:29"), local("2026-11-21 03:30")),
        ("just past midnight", time(23, 59), local("2026-11-22 00:01"), local("2026-11-21 23:59")),
        ("on the first of the year", time(9), local("2027-01-01 08:00"), local("2026-12-31 09:00")),
    ],
)
def test_when_it_was_due_last(sentence: str, at: time, now: datetime, due: datetime) -> None:
    assert last_due(at, now, SHANGHAI) == due, sentence


def test_summer_time_neither_drops_nor_doubles_a_night() -> None:
    job = Job("retention", time(2, 30), nothing)
    for begin, days in (("2026-03-27 12:00", 4), ("2026-10-23 12:00", 4)):
        now = local(begin, BERLIN)
        runs: list[date] = []
        done = {"retention": now}
        while len(runs) < days and now < local(begin, BERLIN) + timedelta(days=5):
            now += timedelta(minutes=7)
            if missed([job], done, now, BERLIN):
                runs.append(now.astimezone(BERLIN).date())
                done["retention"] = now
        assert runs == sorted(set(runs))
        assert (runs[-1] - runs[0]).days == days - 1


# --- the ledger ----------------------------------------------------------------------------------------------------------------


def test_the_ledger_is_read_as_it_was_written(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "calendar.json")
    assert ledger.read() == {}
    done = {"retention": local("2026-11-22 03:30"), "daily_check": local("2026-11-21 09:00")}
    ledger.write(done)
    assert ledger.read() == done
    assert [path.name for path in tmp_path.iterdir()] == ["calendar.json"]


@pytest.mark.parametrize("content", [b"", b"{", b'{"retention": 5}', b"\xff\xfe", b'{"retention": "yesterday"}', b"[]"])
def test_a_ledger_that_cannot_be_read_is_said_so_and_stops_nothing(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture,
) -> None:
    path = tmp_path / "calendar.json"
    path.write_bytes(content)
    assert Ledger(path).read() == {}
    assert "cannot be read" in caplog.text


def test_a_write_that_breaks_off_leaves_the_old_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "calendar.json")
    done = {"retention": local("2026-11-22 03:30")}
    ledger.write(done)
    (tmp_path / "calendar.new").mkdir()  # where the new one would be written
    with pytest.raises(OSError, match="calendar"):
        ledger.write({"retention": local("2026-11-23 03:30")})
    assert ledger.read() == done


# --- the jobs ------------------------------------------------------------------------------------------------------------------


class Wall:
    """A wall clock that stands until it is set."""

    def __init__(self, at: str) -> None:
        self.at = local(at)

    def __call__(self) -> datetime:
        return self.at


class Work:
    """Notes the days it ran for; fails as often as it was told to."""

    def __init__(self, name: str, at: time, failures: int = 0) -> None:
        self.days: list[date] = []
        self.failures = failures
        self.job = Job(name, at, self.run)

    async def run(self, day: date) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("disk full")
        self.days.append(day)


def story(told: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await told()

    asyncio.run(run())


def test_what_was_due_while_the_service_was_down_runs_at_its_start_once(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "calendar.json")
    ledger.write({"retention": local("2026-11-18 03:30"), "daily_check": local("2026-11-22 09:00")})
    retention, check = Work("retention", time(3, 30)), Work("daily_check", time(9))

    async def told() -> None:
        jobs = Jobs([retention.job, check.job], ledger, SHANGHAI, Wall("2026-11-22 12:00"))
        await jobs.start()
        await until(lambda: bool(retention.days))
        await jobs.catch_up()
        await jobs.close()
        assert retention.days == [date(2026, 11, 22)]
        assert check.days == []

    story(told)
    assert ledger.read()["retention"] == local("2026-11-22 12:00")


def test_a_first_start_owes_nothing_and_the_second_day_does(tmp_path: Path) -> None:
    retention, wall = Work("retention", time(3, 30)), Wall("2026-11-22 12:00")
    ledger = Ledger(tmp_path / "calendar.json")

    async def told() -> None:
        first = Jobs([retention.job], ledger, SHANGHAI, wall)
        await first.start()
        await first.catch_up()
        await first.close()
        assert retention.days == []
        wall.at = local("2026-11-23 08:00")  # off during the night, every night
        second = Jobs([retention.job], ledger, SHANGHAI, wall)
        await second.start()
        await until(lambda: bool(retention.days))
        await second.close()
        assert retention.days == [date(2026, 11, 23)]

    story(told)


def test_a_job_that_fails_is_owed_until_it_works_and_stops_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ledger = Ledger(tmp_path / "calendar.json")
    ledger.write({"retention": local("2026-11-20 03:30"), "daily_check": local("2026-11-21 09:00")})
    retention, check = Work("retention", time(3, 30), failures=2), Work("daily_check", time(9))

    async def told() -> None:
        jobs = Jobs([retention.job, check.job], ledger, SHANGHAI, Wall("2026-11-22 12:00"))
        await jobs.start()
        await until(lambda: bool(check.days))
        assert jobs.failures == {"retention": "RuntimeError: disk full"}
        await jobs.catch_up()
        assert retention.days == []
        await jobs.catch_up()
        assert retention.days == [date(2026, 11, 22)]
        assert jobs.failures == {}
        await jobs.close()

    with caplog.at_level(logging.ERROR):
        story(told)
    assert "calendar job retention failed" in caplog.text


def test_a_job_is_not_run_again_in_this_run_because_its_ledger_could_not_be_written(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "gone" / "calendar.json")
    retention, wall = Work("retention", time(3, 30)), Wall("2026-11-22 03:00")

    async def told() -> None:
        jobs = Jobs([retention.job], ledger, SHANGHAI, wall)
        await jobs.start()
        wall.at = local("2026-11-22 03:30")
        await jobs.catch_up()
        await jobs.catch_up()
        await jobs.close()
        assert retention.days == [date(2026, 11, 22)]

    story(told)


def test_jobs_that_are_cut_short_stay_owed(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "calendar.json")
    before = {"retention": local("2026-11-21 03:30")}
    ledger.write(before)
    begun, cut_short = asyncio.Event(), asyncio.Event()

    async def long(_day: date) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cut_short.set()

    async def told() -> None:
        jobs = Jobs([Job("retention", time(3, 30), long)], ledger, SHANGHAI, Wall("2026-11-22 12:00"))
        await jobs.start()
        await ended(begun.wait(), PATIENCE_S)
        await ended(jobs.close(), PATIENCE_S)
        assert cut_short.is_set()

    story(told)
    assert ledger.read() == before


def test_a_loop_that_was_busy_over_the_moment_runs_the_job_late_and_not_never(tmp_path: Path) -> None:
    """APScheduler's own default drops what is a second late."""

    async def told() -> None:
        for lead in (1, 4, 16, 64):  # seconds; a start that took longer has not come before the moment, and is no story of this
            due = (MACHINE.wall() + timedelta(seconds=1 + lead)).astimezone(SHANGHAI).replace(microsecond=0)
            work, wall = Work("retention", due.time()), Wall(f"{due - timedelta(seconds=30):%Y-%m-%d %H:%M:%S}")
            jobs = Jobs([work.job], Ledger(tmp_path / f"{lead}.json"), SHANGHAI, wall)
            await jobs.start()
            await jobs.catch_up()
            assert work.days == []
            if MACHINE.wall() < due:
                break
            await jobs.close()
        wall.at = due + timedelta(seconds=2)
        while MACHINE.wall() < wall.at:
            real_time.sleep(0.1)  # what is under test: nobody served the loop meanwhile
        await until(lambda: bool(work.days))
        await jobs.close()
        assert work.days == [due.date()]

    story(told)


# --- the morning's list --------------------------------------------------------------------------------------------------------


def home(number: int, *, contacts: int = 3, **devices: DeviceState) -> HomeState:
    id_ = HomeId(f"h-{number}")
    people = {
        PersonId(f"p-{n}"): Person(PersonId(f"p-{n}"), id_, Role.FAMILY, "家属", phone=f"139-0000-{n:04}") for n in range(contacts)
    } | {PersonId("r"): Person(PersonId("r"), id_, Role.RESIDENT, "住户", phone="138-0000-0000")}
    record = Home(id_, AreaId("330102001"), f"{number} 号")
    return HomeState(id_, record.area, record, people=people, devices={DeviceId(d): state for d, state in devices.items()})


def device(
    lifecycle: Lifecycle = Lifecycle.REGISTERED, *, silent: bool = False, battery: float | None = None, low: bool = False,
) -> DeviceState:
    record = Device(DeviceId("d"), HomeId("h"), ModelId("m"), room="卧室", lifecycle=lifecycle)
    last = {Property.BATTERY_LOW: Last(value=True, at=local("2026-11-22 01:00"))} if low else {}
    return DeviceState(record, silent=silent, battery=battery, last=last)


def test_the_morning_s_list_names_what_somebody_should_see_to() -> None:
    homes = [
        home(3, cord=device(silent=True), smoke=device(battery=25), watch=device(battery=26), door=device(low=True)),
        home(1, contacts=2),
        home(2),
        home(4, contacts=0),
    ]
    found = daily_check(homes)
    assert [(f.home, f.matter, f.device) for f in found] == [
        ("h-1", Matter.CONTACTS, None),
        ("h-3", Matter.BATTERY, "door"),
        ("h-3", Matter.BATTERY, "smoke"),
        ("h-3", Matter.SILENT, "cord"),
        ("h-4", Matter.CONTACTS, None),
    ]
    assert found[0].sentence.en == "Only 2 of 3 contacts can be rung."
    assert found[2].sentence.zh == "卧室“smoke”电量 25%，该换电池。"


def test_a_contact_without_a_number_or_with_anothers_does_not_count() -> None:
    state = home(1)
    state.people[PersonId("p-0")] = Person(PersonId("p-0"), state.id, Role.NEIGHBOUR, "邻居", phone="  ")
    state.people[PersonId("p-1")] = Person(PersonId("p-1"), state.id, Role.FAMILY, "女儿", phone="139-0000-0002")
    assert daily_check([state])[0].sentence.en == "Only 1 of 3 contacts can be rung."


def test_what_is_retired_or_only_heard_of_is_not_on_the_list() -> None:
    retired = home(1, contacts=0)
    retired.retired = True
    heard_of = HomeState(HomeId("h-9"), AreaId("330102001"))
    assert daily_check([retired, heard_of, home(2, cord=device(Lifecycle.RETIRED, silent=True, battery=1))]) == ()
