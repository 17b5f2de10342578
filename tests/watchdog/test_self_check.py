"""What the pages make of the watchdog's file: what is broken, and that it has not spoken; and the file itself, on a disk that is full."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from alerting.terms import Sentence
from gateway import watchdog_log_in, watchdog_status
from gateway.clock import Readings
from gateway.settings import ClientCertificates, Http, Mqtt, Settings, Tls
from gateway.watchdog.calling import Way, way_in
from gateway.watchdog_access import NAME, read
from gateway.watchdog_settings import Watchdog
from gateway.watchdog_status import SILENT_AFTER_S, SIZE, Trips, Watched
from gateway.web.self_check import LOOK_S, SelfCheck
from gateway.web.users import WATCHDOG, NameTaken, Role, Users

START = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")


class Machine:
    """Its clocks, and a page's look at the file after so many seconds."""

    def __init__(self, data: Path, every_s: float = 60) -> None:
        self.data, self.up, self.boot = data, 1000.0, "boot-1"
        clocks = Readings(wall=lambda: START + timedelta(seconds=self.up), boottime=lambda: self.up, boot_id=lambda: self.boot)
        self.check = SelfCheck(data, every_s, ZONE, clocks, lambda: self.up)

    def writes(self, **more: object) -> None:
        said = Watched(boot_id=self.boot, spoke_boottime=self.up, spoke_at=START, began_boottime=900.0, every_s=60)
        watchdog_status.write(self.data, msgspec.structs.replace(said, **more))
        self.up += LOOK_S

    def says(self) -> list[str]:
        return [sentence.en for sentence in (*self.check.broken(), *self.check.warnings())]


def test_while_all_is_well_the_pages_say_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.writes(ways={"webhook": "", "siren": ""})
    assert machine.says() == []


def test_what_is_missing_is_said_since_when_in_local_time(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.writes(missing=Sentence("丢了", "it is lost"), missing_since=START)
    assert machine.says() == ["it is lost (since 11-22 12:00:00)"]


def test_a_channel_that_is_broken_and_a_way_of_its_own_are_warnings(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.writes(channels={"sms": Sentence("坏", "sms is broken")}, ways={"webhook": "HTTP 500", "siren": ""})
    assert [sentence.en for sentence in machine.check.broken()] == []
    assert machine.says() == ["sms is broken", "the watchdog's own way “webhook” takes nothing: HTTP 500"]


def test_one_that_has_not_spoken_is_missed_by_the_machines_uptime_and_what_it_said_before_is_not_repeated(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.writes(missing=Sentence("丢了", "it is lost"), missing_since=START)
    machine.up += SILENT_AFTER_S + 1
    assert machine.says() == ["the watchdog has not spoken since 11-22 12:00:00"]
    machine.writes()
    assert machine.says() == []


def test_a_start_is_given_time_and_a_file_of_before_the_reboot_says_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    assert machine.says() == []
    machine.writes(boot_id="boot-0", spoke_boottime=9e9)
    assert machine.says() == []
    machine.up += SILENT_AFTER_S
    assert machine.says() == ["the watchdog has not spoken since 11-22 12:00:00"]


def test_before_the_first_call_of_a_start_nothing_is_known_good_or_bad(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    states = [machine.check.state]
    for wrote in (
        {"seen": 7, "last_seen_boottime": 850.0},  # calls of the start before
        {"seen": 8, "last_seen_boottime": 950.0},
        {"seen": 8, "last_seen_boottime": 950.0, "missing": Sentence("丢了", "it is lost"), "missing_since": START},
    ):
        machine.writes(last_seen_at=START, **wrote)
        states.append(machine.check.state)
    machine.up += SILENT_AFTER_S + 1
    states += [machine.check.state, Machine(tmp_path, every_s=0).check.state]
    assert states == ["not_yet_run", "not_yet_run", "well", "broken", "silent", "absent"]


def test_where_there_is_none_nobody_misses_it(tmp_path: Path) -> None:
    machine = Machine(tmp_path, every_s=0)
    machine.up += 1e6
    assert machine.says() == []


def test_the_file_keeps_its_size_so_that_a_full_disk_has_room_for_it(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    for long in (0, 500, 3):
        machine.writes(ways={"webhook": "x" * long})
        assert (tmp_path / watchdog_status.NAME).stat().st_size == SIZE
        found = watchdog_status.read(tmp_path)
        assert found is not None
        assert found.ways == {"webhook": "x" * long}


def test_a_file_that_is_being_written_is_not_believed_and_the_last_one_stands(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.writes(missing=Sentence("丢了", "it is lost"), missing_since=START)
    assert machine.says()
    (tmp_path / watchdog_status.NAME).write_bytes(b'{"boot_id": "bo')
    machine.up += LOOK_S
    assert machine.says() == ["it is lost (since 11-22 12:00:00)"]


def test_round_trips_are_counted_under_each_bound_that_they_keep() -> None:
    trips = Trips().and_one(0.03).and_one(0.3).and_one(99)
    assert (trips.count, trips.within[0], trips.within[1], trips.within[-1]) == (3, 0, 1, 2)
    assert abs(trips.seconds - 99.33) < 1e-9


# --- by what it comes in -----------------------------------------------------------------------------------------------------------


def test_its_log_in_is_kept_and_made_anew_when_it_is_lost(tmp_path: Path) -> None:
    watchdog_log_in.keep(tmp_path)
    first = read(tmp_path)
    watchdog_log_in.keep(tmp_path)
    assert read(tmp_path) == first
    (tmp_path / "users.db").unlink()
    watchdog_log_in.keep(tmp_path)
    second = read(tmp_path)
    assert first is not None
    assert second is not None
    assert second.token != first.token
    assert second.password == first.password, "the home's credential stands in the journal"
    (tmp_path / NAME).unlink()
    watchdog_log_in.keep(tmp_path)
    third = read(tmp_path)
    assert third is not None
    users = Users(tmp_path / "users.db", lambda: START)
    try:
        assert users.session(second.token) is None, "the token of before opens nothing"
        assert users.session(third.token) is not None
        assert users.all() == []
        assert users.check(WATCHDOG, "") is None
        with pytest.raises(NameTaken):
            users.create(WATCHDOG, "a long password", Role.ADMIN)
        with pytest.raises(KeyError):
            users.change(WATCHDOG, role=Role.ADMIN)
    finally:
        users.close()


def test_it_goes_in_where_kits_do_and_by_the_pages_port_where_it_cannot() -> None:
    tls = Tls(certificate="/c.pem", key="/k.pem", host="0.0.0.0", port=8883)
    strict = msgspec.structs.replace(tls, client_certificates=ClientCertificates.REQUIRED, client_ca="/ca.pem")
    http = Http(port=8080)
    for mqtt, way in (
        (Mqtt(port=1883), Way("127.0.0.1", 1883)),
        (Mqtt(host="0.0.0.0", port=1883, tls=tls), Way("127.0.0.1", 1883)),
        (Mqtt(plain=False, tls=tls), Way("127.0.0.1", 8883, "/c.pem")),
        (Mqtt(plain=False, tls=strict), Way("127.0.0.1", 8080, websocket=True)),
        (Mqtt(plain=False), Way("127.0.0.1", 8080, websocket=True)),
    ):
        assert way_in(Settings(mqtt=mqtt, http=http)) == way


def test_its_settings_name_what_is_wrong_and_its_files_are_found_from_anywhere(tmp_path: Path) -> None:
    said = msgspec.toml.decode(
        'every_s = 5\npatience_s = 9\nsiren = "siren"\n[webhook]\nurl = "watch"\nsecret = "whsec_"\n'
        '[email]\nhost = "h"\nfrom = "a@b.c"\nto = ["nobody"]\nusername = "x"\n',
        type=Watchdog,
    )
    assert [key for key, _ in said.faults()] == ["patience_s", "webhook.url", "webhook.secret", "email.to", "email.password"]
    assert said.placed(tmp_path).siren == str(tmp_path / "siren")
    assert list(Watchdog().faults()) == []
