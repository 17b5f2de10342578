"""`./anju doctor`: a line for each thing, with what to do; on a service that runs, on one that does not, on one that is unwell."""

import asyncio
import base64
import fcntl
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from msgspec.structs import replace

from alerting.terms import Sentence
from gateway import backup_status, watchdog_status
from gateway.backup_status import LastBackup
from gateway.clock import Readings
from gateway.operations.doctor import examined, sent, sent_by_each
from gateway.operations.doctor_machine import compared, filesystem_of, judged
from gateway.operations.doctor_watchdog import watchdog
from gateway.operations.finding import Finding, Level
from gateway.problem import CommandFailed
from gateway.settings import Settings
from gateway.store import segments
from gateway.store.entry import Stamp
from gateway.store.folder import Layout
from gateway.store.identity import UNFINISHED
from gateway.store.journal import FOLDER
from gateway.watchdog_settings import Watchdog
from gateway.watchdog_status import Watched
from tests.brokers import Mosquitto
from tests.certificates import Office
from tests.patience import PATIENCE_S, STORY_S, TRIES
from tests.receiver import SECRET, Receiver
from tests.service import ROOT, Anju, free_port, running, unpack

BEFORE = ROOT / "tests" / "data" / "folder-0.tar.xz"
NOW = datetime(2026, 11, 22, 3, 30, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder at rest, with its settings on ports that are free."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    unpack(BEFORE, data)
    (tmp_path / "anju.toml").write_text(f'data = "data"\n[http]\nport = {free_port()}\n[mqtt]\nport = {free_port()}\n')
    return data


def found(folder: Path, more: str = "", environment: dict[str, str] | None = None) -> dict[str, Finding]:
    config = folder.parent / "anju.toml"
    if more:
        config.write_text(more + config.read_text())
    return {f.what: f for f in asyncio.run(examined(config, None, None, environment or {}))}


def doctor(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", "doctor", *words], cwd=ROOT, capture_output=True, text=True, timeout=STORY_S, check=False,
    )  # fmt: skip


# --- on a whole service ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def anju(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anju]:
    with running(tmp_path_factory.mktemp("doctor") / "data", words=("--no-simulator",)) as anju:
        yield anju


def test_on_a_service_that_runs_everything_is_asked_and_nothing_fails(anju: Anju) -> None:
    for _ in range(TRIES):  # how long a sync takes is the disk's, on which other tests write
        done = doctor("--data", str(anju.data), "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        levels = {one["what"]: one["level"] for one in json.loads(done.stdout)}
        if levels["sync"] == "ok":
            break
    for what in (
        "program", "clock", "file system", "folder", "sync", "format", "journal", "snapshots", "log-ins", "service", "kits", "kits, TLS",
    ):  # fmt: skip
        assert levels[what] == "ok", done.stdout
    said = {one["what"]: one["sentence"] for one in json.loads(done.stdout)}
    assert "speaks MQTT, there and back" in said["kits"], "with the demo's credential"


def test_a_kits_log_in_is_tried_when_it_is_given(anju: Anju) -> None:
    login = anju.endpoints["device"]
    (anju.data.parent / "password").write_text(login["password"])
    words = ("--data", str(anju.data), "--mqtt-user", login["username"], "--mqtt-password")
    assert "there and back" in doctor(*words, f"file:{anju.data.parent / 'password'}").stdout
    (anju.data.parent / "wrong").write_text("wrong")
    refused = doctor(*words, f"file:{anju.data.parent / 'wrong'}")
    assert refused.returncode == 1
    assert "refused the log-in" in refused.stdout
    absent = doctor(*words, "env:ANJU_ABSENT")
    assert (absent.returncode, absent.stderr) == (1, "anju: --mqtt-password: the environment has no ANJU_ABSENT\n")


# --- the watchdog ------------------------------------------------------------------------------------------------------------------

CLOCKS = Readings(wall=lambda: NOW, boottime=lambda: 1000.0, boot_id=lambda: "boot")
WATCHED = Watched(
    boot_id="boot", spoke_boottime=999.0, spoke_at=NOW, began_boottime=100.0, every_s=60, seen=14, last_seen_boottime=970.0,
    last_took_s=0.034,
)  # fmt: skip


@pytest.mark.parametrize(
    ("wrote", "level", "said"),
    [
        (None, Level.WARN, "not yet run"),
        (replace(WATCHED, boot_id="another"), Level.WARN, "not yet run"),
        (replace(WATCHED, last_seen_boottime=None), Level.WARN, "not yet run since the start: its first call comes within 60 s"),
        (replace(WATCHED, last_seen_boottime=90.0), Level.WARN, "not yet run since the start"),
        (WATCHED, Level.OK, "its last call came out on the stream in 34 ms, 30 s ago (14 seen, 0 missed)"),
        (replace(WATCHED, missing=Sentence("丢了", "the web process is lost")), Level.FAIL, "the web process is lost"),
        (replace(WATCHED, spoke_boottime=900.0), Level.FAIL, "has not spoken for 100 s"),
    ],
)
def test_the_watchdog_says_how_its_calls_are(tmp_path: Path, wrote: Watched | None, level: Level, said: str) -> None:
    if wrote is not None:
        watchdog_status.write(tmp_path, wrote)
    findings = {finding.what: finding for finding in looked_after(tmp_path, Watchdog())}
    assert (findings["watchdog"].level, findings["watchdog's ways"].level) == (level, Level.WARN)
    assert said in findings["watchdog"].sentence


def test_what_the_watchdog_finds_broken_is_named_and_its_own_ways_too(tmp_path: Path) -> None:
    channels = {"sms": Sentence("坏", "the channel sms takes nothing")}
    watchdog_status.write(tmp_path, replace(WATCHED, channels=channels, ways={"siren": "", "webhook": "HTTP 500"}))
    findings = {finding.what: finding for finding in looked_after(tmp_path, Watchdog(siren="/run/siren"))}
    assert findings["watchdog: sms"].sentence == "the channel sms takes nothing"
    assert "HTTP 500" in findings["watchdog: webhook"].sentence
    assert "watchdog: siren" not in findings
    assert findings["watchdog's ways"] == Finding("watchdog's ways", Level.OK, "when two calls are lost, it tells by siren")


def test_where_there_is_no_watchdog_it_is_said(tmp_path: Path) -> None:
    (finding,) = looked_after(tmp_path, Watchdog(every_s=0))
    assert (finding.level, "watchdog.every_s is 0" in finding.sentence) == (Level.WARN, True)


def looked_after(folder: Path, own: Watchdog) -> list[Finding]:
    """With an alarm process in the folder, as its lock tells."""
    with Layout(folder).lock.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return list(watchdog(Settings(data=str(folder), watchdog=own), CLOCKS))


# --- on a folder at rest ---------------------------------------------------------------------------------------------------------


def test_on_a_service_that_does_not_run_its_ports_are_looked_at(folder: Path) -> None:
    findings = found(folder)
    assert {what for what, finding in findings.items() if finding.level is Level.FAIL} == set()
    assert findings["service"].sentence == "it does not run"
    assert findings["http.port"].level is findings["mqtt.port"].level is Level.OK
    assert "match their checksums" in findings["journal"].sentence
    assert findings["format"].sentence == "0; the next start brings it to 1"
    assert "a start reads" in findings["snapshots"].sentence


def harm_journal(folder: Path) -> None:
    path = segments.listed(folder / FOLDER)[0]
    with sqlite3.connect(path) as file:
        file.execute("UPDATE commits SET body = x'00' WHERE first_seq = (SELECT max(first_seq) FROM commits)")
    file.close()


def harm_users(folder: Path) -> None:
    (folder / "users.db").write_bytes(b"not a database" * 100)


def remove_admins(folder: Path) -> None:
    with sqlite3.connect(folder / "users.db") as file:
        file.execute("UPDATE user SET disabled = 1 WHERE role = 'admin'")
    file.close()


@pytest.mark.parametrize(
    ("harm", "what", "level", "said"),
    [
        (harm_journal, "journal", Level.FAIL, "does not match its checksum"),
        (harm_users, "log-ins", Level.FAIL, "restore it from the last backup"),
        (remove_admins, "log-ins", Level.WARN, "none of them is an administrator"),
        (lambda folder: (folder / "snapshots.db").unlink(), "snapshots", Level.WARN, "reads the whole journal"),
        (lambda folder: folder.chmod(0o755), "folder", Level.WARN, "chmod 700"),
        (lambda folder: (folder / UNFINISHED).touch(), "format", Level.FAIL, "restore was not finished"),
        (lambda folder: (folder / "format.json").write_text('{"format": 9}'), "format", Level.FAIL, "newer Anju"),
        (shutil.rmtree, "folder", Level.FAIL, "is not there"),
        (
            lambda folder: backup_status.write(folder, LastBackup(day="2026-11-22", ended_at=NOW, good=False, sentence="no room")),
            "backup", Level.FAIL, "that of 2026-11-22 failed: no room",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_what_to_do(folder: Path, harm: object, what: str, level: Level, said: str) -> None:
    assert callable(harm)
    harm(folder)
    finding = found(folder, more='backup = { folder = "backups" }\n')[what]
    assert finding.level is level, finding
    assert said in finding.sentence


def test_a_configuration_with_mistakes_is_looked_at_as_far_as_it_can_be_read(folder: Path) -> None:
    findings = found(folder, more='timezone = "Asia/Shanghai"\ndaata = "x"\n')
    assert "did you mean 'data'?" in findings["settings"].sentence
    assert findings["settings"].level is Level.FAIL
    assert findings["journal"].level is Level.OK


def test_a_port_that_another_program_has_is_told(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        (folder.parent / "anju.toml").write_text(f'data = "data"\n[http]\nport = {port}\n[mqtt]\nport = {free_port()}\n')
        finding = found(folder)["http.port"]
    assert (finding.level, "another program has it" in finding.sentence) == (Level.FAIL, True)


# --- the machine, by what it says --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "boottime", "boot", "level", "said"),
    [
        (timedelta(seconds=50), 150.0, "same", Level.OK, "the last commit 50 s ago"),
        (timedelta(seconds=-50), 150.0, "same", Level.FAIL, "before the last commit"),
        (timedelta(hours=3), 150.0, "same", Level.WARN, "it was set by +10750 s"),
        (timedelta(hours=3), 5.0, "other", Level.OK, "the last commit 3 h ago"),
    ],
)
def test_the_clock_is_compared_with_the_last_commit(since: timedelta, boottime: float, boot: str, level: Level, said: str) -> None:
    last = Stamp(NOW, NOW, 100.0, "same")
    finding = compared(last, Readings(wall=lambda: NOW + since, boottime=lambda: boottime, boot_id=lambda: boot))
    assert (finding.level, said in finding.sentence) == (level, True), finding


def test_a_disk_that_is_too_slow_or_too_quick_to_be_one_is_told() -> None:
    assert judged([0.001] * 20).level is Level.OK
    assert "one of its own" in judged([0.2] * 20).sentence
    assert "before it has written" in judged([0.000_005] * 20).sentence


def test_the_file_system_is_that_of_the_nearest_mount() -> None:
    mounts = (
        "22 1 0:1 / / rw - overlay overlay rw\n23 22 0:2 / /srv rw shared:1 - ext4 /dev/sda1 rw\n"
        "24 23 0:3 / /srv/nfs\\040share rw - nfs4 host:/x rw\n25 22 0:4 / /dev/shm rw - tmpfs tmpfs rw\n"
    )
    for path, kind in (("/srv/anju", "ext4"), ("/srv/nfs share/data", "nfs4"), ("/dev/shm/data", "tmpfs"), ("/srvother", "overlay")):
        assert filesystem_of(Path(path), mounts)[0] == kind


def test_data_in_memory_is_refused_to_be_called_stored(folder: Path) -> None:
    memory = Path("/dev/shm") / f"anju-doctor-{os.getpid()}"
    shutil.copytree(folder, memory)
    try:
        (folder.parent / "anju.toml").write_text(f'data = "{memory}"\n')
        finding = found(folder)["file system"]
    finally:
        shutil.rmtree(memory)
    assert (finding.level, "gone with the power" in finding.sentence) == (Level.FAIL, True)


# --- what lies outside ---------------------------------------------------------------------------------------------------------


def test_an_outside_broker_is_spoken_to_and_missed_when_it_is_gone(folder: Path) -> None:
    broker = Mosquitto(folder.parent).start()
    try:
        findings = found(folder, more=f'broker = {{ url = "{broker.url}" }}\n')
        assert (findings["broker"].level, "there and back" in findings["broker"].sentence) == (Level.OK, True), findings["broker"]
    finally:
        broker.close()
    gone = found(folder)["broker"]
    assert (gone.level, "does not speak MQTT" in gone.sentence) == (Level.FAIL, True), gone


def test_a_store_that_does_not_answer_is_a_warning_since_readings_wait_for_it(folder: Path) -> None:
    store = f'{{ kind = "victoriametrics", name = "vm", url = "http://127.0.0.1:{free_port()}" }}'
    finding = found(folder, more=f"telemetry = {{ store = [{store}] }}\n")["store vm"]
    assert (finding.level, "readings wait in the journal" in finding.sentence) == (Level.WARN, True), finding


def test_a_certificate_is_told_before_it_ends_and_fails_when_it_has(folder: Path) -> None:
    office = Office(folder.parent / "office")
    (folder.parent / "anju.toml").write_text(
        f'data = "data"\n[http]\nport = {free_port()}\n[mqtt]\nport = {free_port()}\n'
        f'[mqtt.tls]\nport = {free_port()}\ncertificate = "office/server.pem"\nkey = "office/server.key"\n',
    )
    for lasts, level in ((timedelta(days=90), Level.OK), (timedelta(days=10), Level.WARN), (timedelta(days=-1), Level.FAIL)):
        office.serve(office.issue("127.0.0.1", lasts=lasts))
        assert found(folder)["certificate"].level is level


# --- channels --------------------------------------------------------------------------------------------------------------------


NOTIFY = """
[[webhook]]
name = "hook"
url = "{hook}"
secret = "{secret}"
[[email]]
name = "mail"
host = "127.0.0.1"
port = {mail}
security = "none"
from = "anju@example.org"
to = ["duty@example.org"]
[[target]]
name = "shift_lead"
channels = ["hook", "mail"]
"""


def test_channels_are_reached_without_a_message_and_with_one_only_when_asked(folder: Path) -> None:
    mail = Controller(Sink(), hostname="127.0.0.1", port=free_port(), ready_timeout=PATIENCE_S)
    mail.start()
    hook = Receiver()
    secret = "whsec_" + base64.b64encode(SECRET).decode()
    try:
        (folder.parent / "notify.toml").write_text(NOTIFY.format(hook=hook.url, secret=secret, mail=mail.port))
        findings = found(folder, more='notify = "notify.toml"\n')
        assert (findings["channel hook"].level, findings["channel mail"].level) == (Level.OK, Level.OK), findings
        assert hook.calls == []
        settings = Settings(data=str(folder), notify=str(folder.parent / "notify.toml"))
        results = asyncio.run(sent(settings, "shift_lead", {}, NOW))
        assert [one.level for one in results] == [Level.OK, Level.OK]
        ((_, _, body),) = hook.calls
        assert (body["data"]["origin"], hook.bad) == ("test", [])
        each = asyncio.run(sent_by_each(settings, {}, NOW))
        assert [(one.what, one.level) for one in each] == [("channel hook", Level.OK), ("channel mail", Level.OK)]
        assert len(hook.calls) == 2
        with pytest.raises(CommandFailed, match="there are no channels"):
            asyncio.run(sent_by_each(Settings(data=str(folder)), {}, NOW))
        with pytest.raises(CommandFailed, match="no target is named 'nobody'"):
            asyncio.run(sent(settings, "nobody", {}, NOW))
        with pytest.raises(CommandFailed, match="no channel leads to 'supervisor'"):
            asyncio.run(sent(settings, "supervisor", {}, NOW))
    finally:
        hook.close()
        mail.stop()
    findings = found(folder)
    assert (findings["channel hook"].level, findings["channel mail"].level) == (Level.FAIL, Level.FAIL), "nobody is there any more"
