"""The live stream: at once, in order, resumed with nothing missed; and what the follower makes of a world that breaks."""

import shutil
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from alerting.terms import Sentence
from gateway.web import app, condition, desk, keeping, stream, viewstore
from tests.patience import PATIENCE_S
from tests.web_alarm import HOME, unreadable
from tests.web_desk import OPERATOR, Console, Json, Service, service, tomorrow, until


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Of its own for each test that stops, starves or damages something. Its files are written without the half second's pause."""
    monkeypatch.setattr(keeping, "WRITE_EVERY_S", 0.02)
    with service(tmp_path / "data") as running:
        running.register()
        yield running


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("stream") / "data") as running:
        running.register()
        yield running


@pytest.fixture
def calm(lasting: Service) -> Iterator[Service]:
    """One service for all tests that only listen and speak; nothing is open when one begins."""
    for alert in lasting.operator.get("/alerts", params={"status": "open"}).json()["items"]:
        lasting.operator.post(f"/alerts/{alert['id']}/close", json={"disposition": "test", "reason": "已处理"})
    yield lasting
    lasting.alarm.silent, lasting.alarm.problems = False, ()
    lasting.alarm.say_health()
    while lasting.web.consoles:
        lasting.web.consoles.pop().close()


def notes(running: Service, alert: Json, first: int, last: int, text: str = "第 {}") -> None:
    for number in range(first, last + 1):
        answer = running.operator.post(f"/alerts/{alert['id']}/note", json={"text": text.format(number)})
        assert answer.status_code == 200, answer.text


def told(console: Console) -> list[str]:
    """The newest note of each event."""
    return [data["timeline"][-1]["data"]["text"] for _, data in console.alerts() if data["timeline"][-1]["kind"] == "noted"]


def test_an_alert_reaches_a_console_that_first_hears_how_the_service_is(calm: Service) -> None:
    console = Console(calm.web)
    until("the first beat", console.beats)
    beat = console.beats()[0]
    assert set(beat) == {"now", "seq", "alarm_process", "ready", "problems", "flood"}
    assert beat["alarm_process"] == "up"
    assert beat["ready"] is True
    assert console.response_headers["x-accel-buffering"] == "no"
    assert console.response_headers["content-type"].startswith("text/event-stream")
    alert = calm.pull_cord()
    until("the alert", console.alerts)
    number, data = console.alerts()[0]
    assert data["id"] == alert["id"]
    assert data == alert
    assert number <= calm.alarm.seq


def test_positions_grow_and_each_commit_tells_an_alert_once(calm: Service) -> None:
    console = Console(calm.web)
    alert = calm.pull_cord()
    calm.operator.post(f"/alerts/{alert['id']}/claim")
    calm.operator.post(f"/alerts/{alert['id']}/close", json={"disposition": "test", "reason": "已处理"})
    until("three events", lambda: len(console.alerts()) == 3)
    numbers = [number for number, _ in console.alerts()]
    assert numbers == sorted(set(numbers))
    assert [data["status"] for _, data in console.alerts()] == ["triggered", "triggered", "closed"]
    ids = [int(number) for _, number, _ in console.events]
    assert ids == sorted(ids)


def test_a_console_that_comes_back_gets_exactly_what_it_missed(calm: Service) -> None:
    alert = calm.pull_cord()
    console = Console(calm.web)
    notes(calm, alert, 1, 3)
    until("three notes", lambda: len(told(console)) == 3)
    console.close()
    seen = [number for number, data in console.alerts() if data["timeline"][-1]["data"].get("text") == "第 2"]
    notes(calm, alert, 4, 9)
    again = Console(calm.web, last_id=str(seen[0]))
    until("the rest", lambda: len(told(again)) == 7)
    assert told(again) == [f"第 {n}" for n in range(3, 10)]


def test_a_restart_of_the_web_process_is_bridged_too(home: Service) -> None:
    alert = home.pull_cord()
    console = Console(home.web)
    until("the first beat", console.beats)
    before = console.events[-1][1]
    notes(home, alert, 1, 2)
    home.web.stop()
    home.alarm.report(f"{HOME}-cord", pull_cord=True)
    home.web.start()
    home.web.ready()
    notes(home, alert, 3, 4)
    again = Console(home.web, last_id=before)
    until("all four", lambda: len(told(again)) == 4)
    kinds = [data["timeline"][-1]["kind"] for _, data in again.alerts()]
    assert kinds.count("noted") == 4
    assert any(data["repeats"] == 1 for _, data in again.alerts())


@pytest.mark.parametrize("position", ["999999999", "yesterday", "-1", "1e3"])
def test_an_unknown_position_is_answered_with_a_reset(calm: Service, position: str) -> None:
    console = Console(calm.web, last_id=position)
    until("the reset", lambda: [event for event in console.events if event[0] == "reset"])
    until("a beat with a position", console.beats)
    assert console.events[0][0] == "reset"


def test_a_position_from_before_what_is_kept_is_answered_with_a_reset(home: Service) -> None:
    """`views.db` was lost, and the journal's beginning has been pruned: what came between nobody knows any more."""
    alert = home.pull_cord()
    notes(home, alert, 1, 3)
    hub = home.web.desk.hub
    with home.web.desk.views.store._lock:
        home.web.desk.views.store._file.execute("DELETE FROM event")
        home.web.desk.views.store._set("event_floor", home.alarm.seq - 3)
    hub._ring.clear()
    hub._floor = home.alarm.seq - 3
    assert Console(home.web, last_id=str(home.alarm.seq - 3)).events[:1] != [("reset", "", {})]
    old = Console(home.web, last_id="5")
    until("the reset", lambda: old.events)
    assert old.events[0][0] == "reset"


def test_events_older_than_memory_come_from_the_file(home: Service) -> None:
    alert = home.pull_cord()
    notes(home, alert, 1, 6)
    store, hub = home.web.desk.views.store, home.web.desk.hub
    until("all is written", lambda: store.written >= home.alarm.seq)
    newest = hub._ring[-1]
    hub._ring.clear()
    hub._ring.append(newest)
    hub._floor = newest.seq - 1
    console = Console(home.web, last_id="1")
    until("all of it", lambda: len(told(console)) == 6)
    assert told(console) == [f"第 {n}" for n in range(1, 7)]


def test_a_console_that_does_not_read_is_cut_off_and_the_others_do_not_notice(home: Service) -> None:
    alert = home.pull_cord()
    quick = Console(home.web)
    slow = socket.create_connection(("127.0.0.1", home.web.port))
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.sendall(f"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {home.web.tokens[OPERATOR]}\r\n\r\n".encode())
    hub = home.web.desk.hub
    until("both are there", lambda: len(hub.consoles) == 2)
    for number in range(200):
        notes(home, alert, number, number, "长" * 3900 + "{}")
        if hub.cut:
            break
    assert hub.cut == 1
    until("it is gone", lambda: len(hub.consoles) == 1)
    until("the quick one has all", lambda: len(told(quick)) == number + 1)
    slow.close()


def test_a_call_does_not_wait_until_enough_has_gathered_and_takes_it_along(home: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    home.web.stop()
    monkeypatch.setattr(stream, "BREATH_S", 3600.0)
    monkeypatch.setattr(stream, "BEAT_S", 3600.0)  # a beat takes what has gathered with it too,
    home.web.start()
    home.web.ready()
    monkeypatch.setattr(home.web.desk.hub, "changed", lambda: None)  # also one that a busy machine gives reason for
    console = Console(home.web)
    until("the console is there", console.beats)
    first = home.pull_cord()
    until("the first call", console.alerts)
    notes(home, first, 1, 3)
    home.operator.post(f"/alerts/{first['id']}/close", json={"disposition": "test", "reason": "已处理"})
    assert told(console) == []
    second = home.pull_cord()
    until("the second call", lambda: console.alerts()[-1][1]["id"] == second["id"])
    assert told(console) == ["第 1", "第 2", "第 3"]
    numbers = [number for number, _ in console.alerts()]
    assert numbers == sorted(set(numbers))


def test_logging_out_ends_the_stream_of_that_session(calm: Service) -> None:
    token = calm.web.client("").post("/session", json={"username": OPERATOR, "password": "a long enough password"}).json()["token"]
    calm.web.tokens["leaving"] = token
    console = Console(calm.web, who="leaving")
    until("the first beat", console.beats)
    assert calm.web.client("leaving").delete("/session").status_code == 204
    assert console.ended.wait(PATIENCE_S)


def test_stopping_does_not_wait_for_the_consoles(home: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    home.web.stop()
    monkeypatch.setattr(app, "GRACE_S", 45)  # what the server gives to answers that do not end
    home.web.start()
    consoles = [Console(home.web) for _ in range(5)]
    until("all are there", lambda: len(home.web.desk.hub.consoles) == 5)
    assert home.web.stop() < app.GRACE_S
    assert all(console.ended.wait(PATIENCE_S) for console in consoles)


def test_tests_and_real_calls_do_not_mix(calm: Service) -> None:
    console = Console(calm.web, origin="test")
    calm.pull_cord()
    until("a beat", console.beats)
    assert console.alerts() == []


# --- the alarm process -----------------------------------------------------------------------------------------------------------


def test_a_dead_alarm_process_is_said_at_once_and_its_return_too(home: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "RESTART_S", 0.1)
    alert = home.pull_cord()
    console = Console(home.web)
    home.alarm.kill()
    until("the page hears of it", lambda: [beat for beat in console.beats() if beat["alarm_process"] == "down"])
    down = console.beats()[-1]
    assert down["ready"] is False
    assert down["problems"][0]["zh"]
    assert home.operator.get("/alerts", params={"status": "open"}).json()["items"][0]["id"] == alert["id"]
    answer = home.operator.post(f"/alerts/{alert['id']}/claim", headers={"Idempotency-Key": "k"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert httpx.get(f"{home.web.url}/readyz", trust_env=False, timeout=PATIENCE_S).status_code == 503
    home.alarm.start()
    until("the page hears of it", lambda: console.beats()[-1]["alarm_process"] == "up")
    home.web.ready()
    answer = home.operator.post(f"/alerts/{alert['id']}/claim", headers={"Idempotency-Key": "k"})
    assert answer.status_code == 200, answer.text


def test_an_alarm_process_that_hangs_is_not_called_up(home: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(condition, "SILENT_AFTER_S", 1.0)  # it says how it is twice a second here
    home.alarm.mute = True
    until("it is noticed", lambda: httpx.get(f"{home.web.url}/readyz", trust_env=False, timeout=PATIENCE_S).status_code == 503)
    home.alarm.mute = False
    home.web.ready()


def test_what_was_not_pushed_is_read_from_the_journal(calm: Service) -> None:
    console = Console(calm.web)
    calm.alarm.silent = True
    calm.alarm.report(f"{HOME}-cord", pull_cord=True)
    calm.alarm.report("detector", smoke=True)
    calm.alarm.silent = False
    calm.alarm.report(f"{HOME}-cord", battery=80)
    until("both alerts", lambda: len({data["id"] for _, data in console.alerts()}) == 2)
    calm.alarm.silent = True
    seq = calm.alarm.report("leak", water_leak=True)
    calm.see(seq)  # the next health tells of it


def test_problems_of_the_alarm_process_are_on_every_page(calm: Service) -> None:
    console = Console(calm.web)
    calm.alarm.problems = (Sentence("磁盘已满", "the disk is full"),)
    calm.alarm.say_health()
    said = [{"zh": "磁盘已满", "en": "the disk is full"}]
    until("a beat says it", lambda: [beat for beat in console.beats() if beat["problems"] == said])
    answer = httpx.get(f"{calm.web.url}/readyz", trust_env=False, timeout=PATIENCE_S)
    assert answer.status_code == 503
    assert answer.json()["problems"] == said


def test_a_call_that_the_disk_refuses_is_shown_and_marked(calm: Service) -> None:
    console = Console(calm.web)
    calm.alarm.show_unstored(pull_cord=True)
    until("it is shown", console.alerts)
    _, shown = console.alerts()[0]
    assert shown["stored"] is False
    assert shown["timeline"][0]["seq"] is None
    assert calm.operator.get(f"/alerts/{shown['id']}").json()["stored"] is False
    assert calm.operator.get("/alerts", params={"status": "open"}).json()["items"][0]["id"] == shown["id"]
    late = Console(calm.web, last_id=str(calm.alarm.seq))
    until("a page that comes back sees it too", late.alerts)
    calm.alarm.nothing_unstored()
    until("it went away without ever being stored", lambda: [event for event in console.events if event[0] == "reset"])
    assert calm.operator.get(f"/alerts/{shown['id']}").status_code == 404


# --- what a restart remembers ----------------------------------------------------------------------------------------------------


def looked_at(running: Service, alert: str) -> bool:
    found = running.admin.get(f"/alerts/{alert}").json()
    return bool(found["viewed_at"] or found["closed_at"])


def state(running: Service) -> list[Json]:
    """A first look at an open alert is noted in it a moment later: what is compared has been looked at before."""
    paths = ("/alerts?sort=newest", "/homes", "/devices", "/people", "/areas", "/quarantine", "/silences", "/dispositions")
    for alert in running.admin.get(paths[0]).json()["items"]:
        until("the look is noted", lambda id_=alert["id"]: looked_at(running, id_))  # type: ignore[misc]
    answers = [running.admin.get(path).json() for path in paths]
    alerts = [running.admin.get(f"/alerts/{alert['id']}").json() for alert in answers[0]["items"]]
    return [*answers, *alerts]


def busy(home: Service) -> None:
    alert = home.pull_cord()
    notes(home, alert, 1, 3)
    silence = home.admin.post("/silences", json={"home": HOME, "categories": ["technical"], "until": tomorrow(), "reason": "维修"})
    assert silence.status_code == 201, silence.text
    home.admin.post(f"/devices/{HOME}-cord/credentials")
    home.see(home.alarm.take(unreadable()))
    home.see(home.alarm.report("detector", smoke=True, battery=55))
    other = home.operator.get("/alerts", params={"category": "fire"}).json()["items"][0]
    home.operator.post(f"/alerts/{other['id']}/close", json={"disposition": "false_cooking", "reason": "已处理"})


def test_a_restart_goes_on_from_its_own_file_and_shows_the_same(home: Service) -> None:
    busy(home)
    before = state(home)
    home.web.stop()
    (home.data / "segments").rename(home.data / "aside")  # so it cannot have read the journal from its beginning
    (home.data / "segments").mkdir()
    home.web.start()
    assert state(home) == before
    home.web.stop()
    shutil.rmtree(home.data / "segments")
    (home.data / "aside").rename(home.data / "segments")
    home.web.start()


def test_without_its_file_it_reads_the_whole_journal_and_shows_the_same(home: Service) -> None:
    busy(home)
    before = state(home)
    home.web.stop()
    for file in home.data.glob("views.db*"):
        file.unlink()
    home.web.start()
    home.web.ready()
    assert state(home) == before


def test_a_file_that_cannot_be_written_is_said_and_hides_nothing(home: Service) -> None:
    store = home.web.desk.views.store
    store._file.execute("PRAGMA query_only = ON")
    alert = home.pull_cord()
    until("it is said", lambda: "views.db" in httpx.get(f"{home.web.url}/readyz", trust_env=False, timeout=PATIENCE_S).text)
    notes(home, alert, 1, 2)
    assert home.operator.get(f"/alerts/{alert['id']}").json()["timeline_count"] >= 3
    store._file.execute("PRAGMA query_only = OFF")
    home.web.ready()
    until("it has caught up", lambda: store.written >= home.alarm.seq)


@pytest.mark.parametrize("damage", ["garbage", "format"])
def test_a_file_that_is_damaged_or_of_another_version_is_made_anew(home: Service, damage: str) -> None:
    busy(home)
    before = state(home)
    home.web.stop()
    path = home.data / "views.db"
    if damage == "garbage":
        path.write_bytes(b"not a database at all" * 1000)
    else:
        file = sqlite3.connect(path)
        file.execute("PRAGMA user_version = 77")
        file.close()
    home.web.start()
    home.web.ready()
    assert state(home) == before
    assert (home.data / "views.db.aside").exists()


def test_more_than_memory_keeps_waits_in_the_journal(home: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk refuses for so long that no more is held: the desk goes on, and the next start reads the rest."""
    monkeypatch.setattr(viewstore, "ROWS_WAITING", 20)
    home.web.desk.views.store._file.execute("PRAGMA query_only = ON")
    alert = home.pull_cord()
    until("the file refuses", lambda: home.web.desk.views.store.problem)
    notes(home, alert, 1, 30)
    until("it gives up", lambda: home.web.desk.views.store.given_up)
    notes(home, alert, 31, 32)
    before = state(home)
    assert [entry["data"]["text"] for entry in before[-1]["timeline"] if "text" in entry["data"]][-1] == "第 32"
    home.web.stop()
    home.web.start()
    home.web.ready()
    assert state(home) == before


def test_a_position_from_before_the_journals_beginning_is_answered_with_a_reset(home: Service) -> None:
    alert = home.pull_cord()
    notes(home, alert, 1, 3)
    lost = home.alarm.seq
    home.see(home.alarm.report("detector", smoke=True))
    home.web.stop()
    home.alarm.kill()
    (segment,) = [path for path in (home.data / "segments").glob("*.journal") if path.name.startswith("0" * 19 + "1")]
    file = sqlite3.connect(segment)
    file.execute("DELETE FROM commits WHERE first_seq <= ?", (lost,))
    file.commit()
    file.close()
    for path in home.data.glob("views.db*"):
        path.unlink()
    home.alarm.start()
    home.web.start()
    home.web.ready()
    for position, reset in (("3", True), (str(lost - 1), True), (str(lost), False)):
        console = Console(home.web, last_id=position)
        until("the first event", lambda console=console: console.events)  # type: ignore[misc]
        assert (console.events[0][0] == "reset") is reset, position
