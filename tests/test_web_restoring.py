"""views.db is lost when the journal no longer goes back to its beginning: what the snapshots know is had back, the rest is said."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from alerting.commands import AddCertificate, Asked
from alerting.facts import AlertNoted, AlertRaised
from alerting.terms import Actor, AlertId, Category, Priority, Sentence, Status
from devices.certificate import Certified
from devices.home import AreaId, HomeId, ModelId
from gateway.store.folder import Layout
from gateway.store.journal import Reader
from gateway.store.snapshots import read
from gateway.telemetry import process
from gateway.web import keeping
from gateway.web.board import Board
from gateway.web.restoring import Restored
from gateway.web.viewrows import Pending
from tests.patience import PATIENCE_S
from tests.web_alarm import AREA, HOME
from tests.web_desk import OPERATOR, Json, Service, month_of, service, tomorrow, until

KEY = "A" * 43 + "="


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(keeping, "WRITE_EVERY_S", 0.02)
    monkeypatch.setattr(keeping, "KEPT_EVERY_S", 0.05)
    monkeypatch.setattr(process, "KEPT_EVERY_S", 0.05)
    with service(tmp_path / "data") as running:
        running.web.stop()
        running.alarm.kill()
        running.alarm.segment_age = timedelta(0)  # the journal is a row of many small files
        running.alarm.start()
        running.web.start()
        running.web.ready()
        running.register()
        yield running


def prune(running: Service, beyond: int) -> int:
    """Go on living until the journal has forgotten this number; where it begins then."""

    def forgotten() -> int | None:
        running.alarm.report(f"{HOME}-cord", battery=80)
        running.alarm.prune()
        begins = Reader(running.data).first_seq
        return begins if begins > beyond else None

    begins = until(f"the journal has forgotten {beyond}", forgotten)
    running.see(running.alarm.seq)  # also what was said meanwhile: when a device was last heard is compared
    return begins


def lose(running: Service) -> None:
    running.web.stop()
    for file in running.data.glob("views.db*"):
        file.unlink()


def registry(running: Service) -> list[Json]:
    paths = (
        "/homes", f"/homes/{HOME}", "/devices", "/people", "/areas", "/silences", "/certificates", "/dispositions", "/models",
        "/care-plans", "/responders",
    )  # fmt: skip
    return [running.admin.get(path).json() for path in paths]


def busy(running: Service) -> tuple[Json, Json]:
    """An open alert and a closed one; everything of this is to be forgotten."""
    open_ = running.pull_cord()
    running.operator.post(f"/alerts/{open_['id']}/claim")
    running.operator.post(f"/alerts/{open_['id']}/note", json={"text": "电话无人接听"})
    running.see(running.alarm.report("detector", smoke=True))
    closed = running.operator.get("/alerts", params={"category": "fire"}).json()["items"][0]
    running.operator.post(f"/alerts/{closed['id']}/close", json={"disposition": "false_cooking", "reason": "已处理"})
    silence = running.admin.post("/silences", json={"home": HOME, "categories": ["technical"], "until": tomorrow(), "reason": "维修"})
    assert silence.status_code == 201, silence.text
    measured_at = datetime(2026, 11, 1, tzinfo=UTC)
    held = Certified("c1", "Vendor", ModelId("a-cord"), "1.2", "", "pull_cord", "1", "0" * 64, measured_at, "County", KEY)
    running.see(running.alarm.take(Asked(AddCertificate(held), Actor("wang"))))
    running.admin.patch(f"/people/{HOME}-son", json={"phone": "13900000009"})
    running.admin.delete(f"/people/{HOME}-next")
    return open_, closed


def known(alert: Json) -> Json:
    """All but what was done, in words."""
    return {name: value for name, value in alert.items() if name not in ("timeline", "timeline_count")}


def test_the_registry_and_the_open_alerts_are_had_back_and_the_loss_is_said(home: Service) -> None:
    home.admin.post("/care-plans", json={"home": HOME, "errand": "visit", "every": "month", "days": [1], "at": "09:00"})
    home.admin.post("/responders", json={"id": "station", "area": AREA, "kind": "station", "name": "翠苑驿站"})
    open_, _ = busy(home)
    begins = prune(home, home.alarm.seq)
    home.operator.post(f"/alerts/{open_['id']}/note", json={"text": "邻居已上门"})
    before, alert = registry(home), home.operator.get(f"/alerts/{open_['id']}").json()
    lose(home)
    home.web.start()
    home.web.ready()  # it works, so it is ready, though it says what it lacks

    assert Reader(home.data).first_seq == begins
    assert registry(home) == before
    again = home.operator.get(f"/alerts/{open_['id']}").json()
    assert known(again) == known(alert)
    assert [line["kind"] for line in again["timeline"]] == ["restored", "noted"]
    assert again["timeline"][-1] == alert["timeline"][-1]
    said = httpx.get(f"{home.web.url}/readyz", trust_env=False, timeout=PATIENCE_S).json()
    assert said["ready"] is True
    assert "backups" in said["problems"][0]["en"]
    assert "重建" in said["problems"][0]["zh"]
    closed = home.operator.post(f"/alerts/{open_['id']}/close", json={"disposition": "assistance_given", "reason": "已处理"})
    assert closed.json()["status"] == "closed"
    until("the desk's file has it", lambda: home.web.desk.views.store.written >= home.alarm.seq)
    month = month_of(alert["raised_at"])
    figures = home.operator.get("/reports/answering", params={"month": month}).json()["by_category"]["call_for_help"]
    assert (figures["count"], figures["answered"]) == (1, 1), "the claim's line is lost, the alert knows of it"


def test_a_home_without_any_plan_has_its_familys_link_back(home: Service) -> None:
    resident, contact = f"{HOME}-anna", f"{HOME}-son"
    consent = {"resident": resident, "shows": ["devices"], "word": "当面同意，已签字"}
    assert home.operator.put(f"/homes/{HOME}/consent", json=consent).status_code == 200
    link = home.operator.post(f"/homes/{HOME}/family-links", json={"contact": contact}).json()["path"]
    prune(home, home.alarm.seq)
    before = httpx.get(f"{home.web.url}{link}/data", timeout=PATIENCE_S).json()
    lose(home)
    home.web.start()
    home.web.ready()
    again = httpx.get(f"{home.web.url}{link}/data", timeout=PATIENCE_S)
    assert again.status_code == 200
    assert again.json() == before
    (known,) = home.operator.get(f"/homes/{HOME}/family").json()["links"]
    assert home.operator.delete(f"/homes/{HOME}/family-links/{known['id']}").status_code == 204, "what is not shown cannot be taken back"


def test_once_built_anew_the_next_start_goes_on_from_the_file(home: Service) -> None:
    open_, _ = busy(home)
    prune(home, home.alarm.seq)
    lose(home)
    home.web.start()
    home.web.ready()
    until("it is written", lambda: home.web.desk.views.store.written >= home.alarm.seq)
    before, alert = registry(home), home.operator.get(f"/alerts/{open_['id']}").json()
    home.web.stop()
    home.web.start()
    home.web.ready()
    assert registry(home) == before
    assert home.operator.get(f"/alerts/{open_['id']}").json() == alert
    assert home.web.desk.condition.restored is None


def test_a_start_that_breaks_off_in_the_middle_begins_anew(home: Service) -> None:
    open_, _ = busy(home)
    prune(home, home.alarm.seq)
    home.operator.post(f"/alerts/{open_['id']}/note", json={"text": "邻居已上门"})
    home.alarm.report(f"{HOME}-cord", pull_cord=True)
    home.see(home.alarm.seq)
    before, alert = registry(home), home.operator.get(f"/alerts/{open_['id']}").json()
    lose(home)
    home.web.start()
    home.web.ready()
    store = home.web.desk.views.store
    until("it is written", lambda: store.written >= home.alarm.seq)
    home.web.stop()
    with closing(sqlite3.connect(store.path)) as file:  # as a batch leaves it that ends before the whole is there
        file.execute("UPDATE meta SET value = 0 WHERE name = 'position'")
        file.commit()
    home.web.start()
    home.web.ready()
    assert registry(home) == before
    again = home.operator.get(f"/alerts/{open_['id']}").json()
    assert known(again) == known(alert), "no repeat is counted twice"


def test_no_position_is_noted_before_all_is_had_back(home: Service) -> None:
    store = home.web.desk.views.store
    until("all is written", lambda: store.written >= home.alarm.seq)
    written, store.whole_from = store.written, home.alarm.seq + 2
    home.alarm.report(f"{HOME}-cord", battery=81)
    seen = home.alarm.report(f"{HOME}-cord", battery=82)
    until("the last is written", lambda: store.written >= seen)
    assert seen == written + 2


def test_an_older_copy_of_the_file_keeps_its_closed_alerts_and_closes_what_was_closed_meanwhile(home: Service) -> None:
    """A backup of views.db was put back; what it missed is pruned."""
    open_, closed = busy(home)
    home.see(home.alarm.report("stove", gas_alarm=True))
    gas = home.operator.get("/alerts", params={"category": "gas"}).json()["items"][0]
    until("it is written", lambda: home.web.desk.views.store.written >= home.alarm.seq)
    home.web.stop()
    copy = (home.data / "views.db").read_bytes()
    home.web.start()
    home.web.ready()
    home.operator.post(f"/alerts/{gas['id']}/close", json={"disposition": "false_device", "reason": "已检修"})
    other = home.alarm.report("leak", water_leak=True)
    home.operator.patch(f"/homes/{HOME}", json={"phone": "057188000000"})
    home.see(other)
    begins = prune(home, home.alarm.seq)
    before = registry(home)
    lose(home)
    (home.data / "views.db").write_bytes(copy)
    home.web.start()
    home.web.ready()
    assert registry(home) == before
    assert home.web.desk.views.position > begins
    queue = home.operator.get("/alerts", params={"status": "open"}).json()["items"]
    assert [alert["category"] for alert in queue] == ["call_for_help", "water"]
    whole = home.operator.get(f"/alerts/{open_['id']}").json()["timeline"]
    done = [line["kind"] for line in whole if line["kind"] in ("raised", "claimed", "noted", "restored")]
    assert done == ["raised", "claimed", "noted", "restored"]
    assert home.operator.get(f"/alerts/{gas['id']}").json()["disposition"] == "false_device"
    assert home.operator.get(f"/alerts/{closed['id']}").json()["disposition"] == "false_cooking"
    assert home.operator.get("/session").json()["username"] == OPERATOR


def test_what_the_service_no_longer_knows_does_not_stay_open_at_the_desk() -> None:
    """It was closed, and forgotten since, in what is lost: nobody knows how, and nobody is to go on ringing about it."""
    board, pending = Board(lambda _: None), Pending()
    at = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
    said = Sentence("拉绳求助", "a cord was pulled")
    raised = AlertRaised(
        AlertId("a"), at, HomeId(HOME), AreaId(AREA), Category.CALL_FOR_HELP, Priority.LIFE, "call_for_help", said, said, "cord", "1", (),
    )  # fmt: skip
    board.apply(raised, 5, pending)
    later = at + timedelta(days=40)
    board.restore(Restored(900, later, 950, [], [], []), pending)
    record = board.records[AlertId("a")]
    assert (record.alert.status, record.alert.closed_at, record.alert.disposition) == (Status.CLOSED, later, "")
    assert [line.kind for line in record.timeline] == ["raised", "restored"]
    assert board.apply(AlertNoted(AlertId("b"), later, HomeId(HOME), Actor("li.na"), "晚到"), 901, pending) is None
    assert board.refused == 0, "that its beginning is lost is no fault of another version"


def test_without_snapshots_the_desk_says_that_homes_may_be_missing(home: Service) -> None:
    busy(home)
    prune(home, home.alarm.seq)
    lose(home)
    home.alarm.kill()
    for file in home.data.glob("snapshots.db*"):
        file.unlink()
    home.web.start()
    until("it has read the journal", lambda: home.web.desk.condition.caught_up)
    home.alarm.start()
    home.web.ready()
    said = httpx.get(f"{home.web.url}/readyz", trust_env=False, timeout=PATIENCE_S).json()["problems"]
    assert "homes or open alerts may be missing" in said[0]["en"]
    home.see(home.alarm.report(f"{HOME}-cord", pull_cord=True))
    assert len(home.operator.get("/alerts", params={"category": "call_for_help", "status": "open"}).json()["items"]) == 1


def test_a_damaged_row_is_named_and_the_others_are_read(home: Service) -> None:
    prune(home, home.alarm.seq)
    path = Layout(home.data).snapshots
    sound = set(read(path).rows)
    with closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE snapshots SET crc32 = crc32 + 1 WHERE key = 'global'")
        file.commit()
    loaded = read(path)
    assert set(loaded.rows) == sound - {"global"}
    assert loaded.problems == ["the snapshot of 'global' does not match its checksum"]
