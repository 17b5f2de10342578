"""The watchdog against the real service, by turns broken: it says so by ways of its own, on every page, and says when it is over."""

import json
import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from alerting.facts import AlertClosed, AlertRaised, NotificationRequested
from alerting.terms import Origin
from devices.home import SYNTHETIC_AREA, SYNTHETIC_HOME
from gateway import watchdog_access
from gateway.store.journal import Journal
from tests.guarded import Guarded, guarded, stopped
from tests.judging import judging, names
from tests.patience import PATIENCE_S
from tests.receiver import Receiver
from tests.service import until


@pytest.fixture(scope="module")
def orderer() -> Iterator[Receiver]:
    """Where the ordinary notifications go."""
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, orderer: Receiver) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    notify, rules = orderer.notify_file(folder, names(2)), judging(folder, [0.0, 0.5])
    with guarded(folder, more=f'notify = "{notify}"\njudging = "{rules}"') as made:
        yield made


def test_calls_go_in_by_mqtt_and_come_out_on_the_stream_and_disturb_nobody(service: Guarded) -> None:
    service.hear_one_more()
    with service.admin() as admin:
        for path in ("/alerts", "/homes", "/devices", "/areas", "/users"):
            shown = admin.get(path).text
            assert SYNTHETIC_HOME not in shown, path
        items = admin.get("/alerts", params={"origin": "synthetic", "limit": 5}).json()["items"]
        assert items
        assert all(item["home"] == SYNTHETIC_HOME and item["allowed_actions"] == [] and item["next_step_at"] is None for item in items)
        until("closed by itself", lambda: _closed(admin.get(f"/alerts/{items[0]['id']}").json()))
        answer = admin.post(f"/alerts/{items[0]['id']}/claim", json={})
        assert answer.status_code == 409
        said = admin.get("/watchdog").json()
        assert (said["state"], said["lives"], said["missing"]) == ("well", True, None)
        assert said["took_ms"] > 0
        assert set(said["ways"]) == {"webhook", "email", "siren"}
    metrics = service.get("/metrics").text
    assert 'anju_watchdog_round_trip_seconds_bucket{le="+Inf"}' in metrics
    assert 'anju_watchdog_calls_total{result="seen"}' in metrics
    assert "anju_homes 0.0" in metrics
    journal = [entry for commit in Journal.reader(service.data).read(0) for entry in commit.entries]
    raised = [entry for entry in journal if isinstance(entry, AlertRaised)]
    assert raised
    assert all(one.origin is Origin.SYNTHETIC and one.area == SYNTHETIC_AREA for one in raised)
    assert not [entry for entry in journal if isinstance(entry, NotificationRequested)]
    assert [entry for entry in journal if isinstance(entry, AlertClosed)]


def _closed(alert: dict[str, object]) -> bool:
    return alert["status"] == "closed" and alert["closed_by"] == "service"


def test_its_token_hears_its_own_calls_and_opens_nothing_else(service: Guarded) -> None:
    access = watchdog_access.read(service.data)
    assert access is not None
    assert (service.data / watchdog_access.NAME).stat().st_mode & 0o077 == 0
    with service.admin() as admin:
        admin.headers["Authorization"] = f"Bearer {access.token}"
        for path in ("/alerts", "/homes", "/users", "/channels", "/watchdog", "/quarantine"):
            assert admin.get(path).status_code == 403, path
        with admin.stream("GET", "/stream") as stream:
            assert stream.status_code == 403
        with admin.stream("GET", "/stream", params={"origin": "synthetic"}) as stream:
            assert stream.status_code == 200


def test_the_loop_hangs(service: Guarded) -> None:
    before = len(service.words())
    with stopped(service.pid("alarm")):
        word = service.says("answers nothing", after=before)
        assert "the port for kits takes connections" in word["sentence"]["en"]
        until("a mail of it", lambda: any("answers" in mail or "5a6J" in mail for mail in service.post.mails))
        until("the siren", service.siren.exists)
        assert "Anju watchdog" in service.siren.read_text()
        until("on every page", lambda: "do not reach the operators" in service.problems())
        assert service.get("/readyz").status_code == 503
    service.is_well()
    until("the siren is silent", lambda: not service.siren.exists())
    until("well on every page", lambda: "do not reach" not in service.problems())
    assert service.hook.bad == []


def test_the_stream_hangs(service: Guarded) -> None:
    before = len(service.words())
    with stopped(service.pid("web")):
        service.says("stream", after=before)
    service.is_well()


def test_the_listener_takes_nobody_in(service: Guarded) -> None:
    """No file is left for a connection; the loop, the journal and the lines that are open live on."""
    alarm, before = service.pid("alarm"), len(service.words())
    limit = resource.prlimit(alarm, resource.RLIMIT_NOFILE)
    taken = {int(file.name) for file in Path(f"/proc/{alarm}/fd").iterdir()}
    resource.prlimit(alarm, resource.RLIMIT_NOFILE, (next(n for n in range(1 << 16) if n not in taken), limit[1]))
    try:
        service.says("port for kits", after=before)
        assert json.loads(service.get("/readyz").text)["alarm_process"] == "up"
    finally:
        resource.prlimit(alarm, resource.RLIMIT_NOFILE, limit)
    service.is_well()


def test_a_channel_of_notifications_takes_nothing(service: Guarded, orderer: Receiver) -> None:
    """The watchdog's own ways do not go by it. Nobody may be called, so a call of somebody's is what shows it."""
    with service.admin() as admin:
        for path, body in (
            ("/areas", {"id": "330106", "name": "西湖区"}),
            ("/homes", {"id": "h1", "area": "330106", "name": "1 栋 101"}),
            ("/devices", {"id": "cord", "home": "h1", "model": "anju-cord-1", "room": "卧室"}),
        ):
            assert admin.post(path, json=body).status_code == 201
        login = admin.post("/devices/cord/credentials").json()
    orderer.status = 500
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="cord", protocol=paho.MQTTv311)
    client.username_pw_set(login["username"], login["password"])
    client.connect("127.0.0.1", service.mqtt_port)
    client.loop_start()
    try:
        client.publish("anju/v1/330106/h1/cord/alarm", b'{"id": "1", "values": {"pull_cord": true}}', qos=1).wait_for_publish(PATIENCE_S)
    finally:
        client.disconnect()
        client.loop_stop()
    word = service.says("takes nothing", matter="channel:receiver")
    assert "500" in word["sentence"]["en"]
    until("on every page", lambda: "receiver" in service.problems())
    assert service.get("/readyz").status_code == 200, "calls get through"
    orderer.status = 200
    service.is_well("channel:receiver")


def test_one_of_its_own_ways_refuses_and_the_others_go_on(service: Guarded) -> None:
    mails, service.hook.status = len(service.post.mails), 500
    try:
        with stopped(service.pid("alarm")):
            until("a mail all the same", lambda: len(service.post.mails) > mails)
            until("the siren", service.siren.exists)
            until("said of the way", lambda: service.watched.ways.get("webhook") == "HTTP 500")
        until("and on every page", lambda: "own way" in service.problems())
    finally:
        service.hook.status = 200
    until("taken in the end", lambda: service.watched.ways.get("webhook") == "")
    service.is_well()


def test_it_is_killed_and_started_again_and_goes_on_counting(service: Guarded) -> None:
    service.hear_one_more()
    counted = service.watched.seen
    os.kill(service.pid("watch"), signal.SIGKILL)
    until("the next call", lambda: service.watched.seen > counted)


def test_its_credential_is_revoked_and_it_gets_itself_another(service: Guarded) -> None:
    """As after a restore, when the password that it knows is not the one that the journal has."""
    access, words = watchdog_access.read(service.data), len(service.words())
    assert access is not None
    path = service.data / watchdog_access.NAME
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(access, password="another one altogether")))
    missed, seen = service.watched.missed, service.watched.seen
    until("a call that is refused", lambda: service.watched.missed > missed)
    until("one that is not", lambda: service.watched.seen > seen)
    assert all("refuses" in word["sentence"]["en"] for word in service.words()[words:] if word["said"] == "broken")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=120m", "anju-test", str(place)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"this test mounts a small tmpfs and must run as root where mounting is allowed: {done.stderr}"
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_the_journal_takes_nothing(small: Path, tmp_path: Path) -> None:
    filler = small / "filler"

    def fill() -> bool:
        with filler.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1 << 16))
            except OSError:
                return False

    with guarded(tmp_path, data=small / "data", more="[disk]\nreserve_mib = 16\nreadings_stop_mib = 8") as service:
        until("the disk takes no call", lambda: fill() or "not on disk" in str(service.words()))
        word = service.says("not on disk")
        assert "disk" in word["sentence"]["en"].lower()
        assert service.siren.exists()
        until("on every page", lambda: "do not reach the operators" in service.problems())
        filler.unlink()
        service.is_well()
