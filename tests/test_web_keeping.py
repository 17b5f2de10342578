"""What the web process keeps: how far it says that it is on disk, and how long it stays there."""

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from gateway.clock import MACHINE
from gateway.store.failure import DiskFull
from gateway.store.journal import Reader
from gateway.telemetry import follower, historian, process
from gateway.web import keeping, retention
from tests.patience import PATIENCE_S
from tests.web_alarm import HOME, unreadable
from tests.web_desk import OPERATOR, Service, service, until


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody tells how far it is because time has gone by."""
    monkeypatch.setattr(keeping, "KEPT_EVERY_S", 3600.0)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(keeping, "WRITE_EVERY_S", 0.02)
    monkeypatch.setattr(process, "KEPT_EVERY_S", 0.05)
    monkeypatch.setattr(follower, "POLL_S", 0.02)
    monkeypatch.setattr(follower, "LOCAL_RETRY_S", 0.02)
    with service(tmp_path / "data") as running:
        running.register()
        yield running


def rows(path: Path, query: str) -> int:
    with closing(sqlite3.connect(path)) as file:
        count: int = file.execute(query).fetchone()[0]
    return count


# --- how far -----------------------------------------------------------------------------------------------------------------------


def test_the_alarm_process_is_told_how_far_everything_is_on_disk(home: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "KEPT_EVERY_S", 0.02)
    home.alarm.kill()
    home.alarm.start()  # the telling that was under way still waits its ten seconds; this one wakes it
    seq = home.alarm.report(f"{HOME}-cord", pull_cord=True, battery=80)
    until("it is told", lambda: home.alarm.kept >= seq)
    assert home.alarm.kept <= home.alarm.seq


@pytest.mark.usefixtures("seldom")
def test_an_alarm_process_that_comes_back_is_told_at_once(home: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "KEPT_EVERY_S", 3600.0)
    seq = home.alarm.report(f"{HOME}-cord", battery=80)
    until("it is written", lambda: min(home.web.desk.views.store.written, home.web.desk.historian.position) >= seq)
    home.alarm.kill()
    home.alarm.start()
    assert home.alarm.kept in (0, *range(seq, home.alarm.seq + 1))
    until("it is told", lambda: home.alarm.kept >= seq)


def test_nothing_is_told_that_the_history_does_not_hold(home: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "KEPT_EVERY_S", 0.02)
    until("it holds the rest", lambda: home.web.desk.historian.position >= home.alarm.seq)

    def no_room(_: historian.Historian) -> None:
        raise DiskFull("no room")

    with monkeypatch.context() as full:
        full.setattr(historian.Historian, "_need_room", no_room)
        nothing_is_told(home)
    until("both hold it", lambda: home.alarm.kept >= home.alarm.seq)


def nothing_is_told(home: Service) -> None:
    reached = home.web.desk.historian.position
    seq = home.alarm.report(f"{HOME}-cord", battery=80)
    home.alarm.kill()
    home.alarm.start()
    until("views.db holds it", lambda: home.web.desk.views.store.synced >= seq)
    assert home.alarm.kept <= reached < seq
    assert home.web.desk.historian.position == reached
    until("it is said", lambda: "no room" in httpx.get(f"{home.web.url}/readyz", trust_env=False, timeout=PATIENCE_S).text)


def test_while_the_telemetry_process_is_away_nothing_is_told(home: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "KEPT_EVERY_S", 0.05)
    home.alarm.kill()
    home.alarm.start()
    until("it is told", lambda: home.alarm.kept)
    home.telemetry.stop()
    until("nobody speaks for the history", lambda: home.alarm.kept == 0)
    ready, said = f"{home.web.url}/readyz", "telemetry process is not running"
    until("the pages say so", lambda: said in httpx.get(ready, trust_env=False, timeout=PATIENCE_S).text)
    seq = home.alarm.report(f"{HOME}-cord", battery=80)
    home.telemetry.start()
    until("it is told", lambda: home.alarm.kept >= seq)


def test_what_is_told_of_views_db_is_there_without_its_log(home: Service, tmp_path: Path) -> None:
    """A power cut may take whatever SQLite had not synced; what a whole checkpoint has copied it may not."""
    store = home.web.desk.views.store
    seq = home.alarm.report(f"{HOME}-cord", pull_cord=True)
    until("it is written", lambda: store.written >= seq)
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect(store.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        before = reader.execute("SELECT value FROM meta WHERE name = 'position'").fetchone()[0]
        later = home.alarm.report(f"{HOME}-cord", pull_cord=True)
        until("that is written too", lambda: store.written >= later)
        assert store.sync() <= before, "a reader of the older state holds the checkpoint up"
    assert store.sync() >= later
    shutil.copy(store.path, copy)
    assert rows(copy, "SELECT value FROM meta WHERE name = 'position'") >= later
    assert rows(copy, "SELECT count(*) FROM alert WHERE closed_at IS NULL") == 1


# --- how long ----------------------------------------------------------------------------------------------------------------------


def pass_time(running: Service, **days: float) -> None:
    """Run the night's work as if it were so much later."""
    desk = running.web.desk

    def later() -> datetime:
        return MACHINE.wall() + timedelta(**days)

    async def night() -> None:
        for job in retention.jobs(running.web.settings, desk.views, desk.users, later):
            await job.run(date(2026, 1, 1))

    asyncio.run(night())


def test_old_closed_alerts_go_with_all_that_was_said_of_them_and_open_ones_stay(home: Service) -> None:
    home.alarm.report("detector", smoke=True)
    alert = home.pull_cord()
    home.operator.post(f"/alerts/{alert['id']}/claim")
    home.operator.post(f"/alerts/{alert['id']}/close", json={"disposition": "test", "reason": "已处理"})
    home.see(home.alarm.take(unreadable()))
    store = home.web.desk.views.store
    until("all is written", lambda: store.written >= home.alarm.seq)
    own = f'"id":"{alert["id"]}"'  # others of the home name it, where one claim brought them along
    about = f"SELECT count(*) FROM event WHERE instr(CAST(body AS TEXT), '{own}')"
    said = rows(store.path, about)
    assert said >= 3, "raised, claimed, closed, and whatever else was said of it"

    pass_time(home, days=5 * 365)
    assert rows(store.path, about) == said
    pass_time(home, days=5 * 366)
    assert rows(store.path, about) == 0
    assert rows(store.path, f"SELECT count(*) FROM line WHERE alert = '{alert['id']}'") == 0
    assert rows(store.path, "SELECT count(*) FROM alert") == 1
    assert [one["category"] for one in home.operator.get("/alerts", params={"status": "open"}).json()["items"]] == ["fire"]
    assert home.admin.get("/quarantine").json()["items"] == []


def test_what_could_not_be_read_is_kept_for_ninety_days(home: Service) -> None:
    home.see(home.alarm.take(unreadable()))
    store = home.web.desk.views.store
    until("it is written", lambda: store.written >= home.alarm.seq)
    told = unreadable().at

    async def prune(before: datetime) -> int:
        return await home.web.desk.views.prune_quarantine(before)

    assert asyncio.run(prune(told)) == 0
    assert len(home.admin.get("/quarantine").json()["items"]) == 1
    assert asyncio.run(prune(told + timedelta(seconds=1))) == 1
    assert home.admin.get("/quarantine").json()["items"] == []
    assert home.admin.get("/quarantine").json()["total"] == 1
    assert rows(store.path, "SELECT count(*) FROM quarantine") == 0


def test_readings_go_by_whole_months_while_new_ones_come(home: Service) -> None:
    seq = home.alarm.report(f"{HOME}-cord", battery=80)
    until("it is written", lambda: home.web.desk.historian.position >= seq)
    asked = {"device": f"{HOME}-cord", "property": "battery"}
    home.telemetry.stop()
    sink = historian.Historian(home.data / "history", lambda: True)
    history = follower.Follower(sink, Reader(home.data), lambda: None)
    history.start()
    assert asyncio.run(process.retire(history, sink, MACHINE.wall() - timedelta(days=2))) == 0
    assert [item["value"] for item in home.admin.get("/telemetry", params=asked).json()["items"]] == [80]
    assert asyncio.run(process.retire(history, sink, MACHINE.wall() + timedelta(days=32))) == 1
    history.close()
    home.telemetry.start()
    assert home.admin.get("/telemetry", params=asked).json()["items"] == []
    assert home.admin.get(f"/devices/{HOME}-cord/latest").json()["items"][0]["value"] == 80
    seq = home.alarm.report(f"{HOME}-cord", battery=79)
    until("it is written", lambda: home.web.desk.historian.position >= seq)
    assert [item["value"] for item in home.admin.get("/telemetry", params=asked).json()["items"]] == [79]


def test_who_looked_at_whose_record_is_known_for_three_years(home: Service) -> None:
    home.operator.get(f"/homes/{HOME}")
    assert [look["user"] for look in home.admin.get(f"/homes/{HOME}/looks").json()["items"]] == [OPERATOR]
    pass_time(home, days=3 * 365)
    assert len(home.admin.get(f"/homes/{HOME}/looks").json()["items"]) == 1
    pass_time(home, days=3 * 366)
    assert home.admin.get(f"/homes/{HOME}/looks").json()["items"] == []


def test_the_nights_work_is_on_the_calendar(home: Service) -> None:
    ledger = home.data / "calendar-web.json"
    until("the ledger knows the jobs", ledger.exists)
    assert set(home.web.desk.calendar._done) == {"alerts", "self_checks", "quarantine", "looks"}
    until("so does the other one", (home.data / "calendar-telemetry.json").exists)
