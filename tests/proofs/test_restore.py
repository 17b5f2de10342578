"""A backup under load, the folder deleted, a restore: the state is the journal's at the backup's number, told by count."""

import json
import os
import re
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from alerting.facts import AlertRaised
from gateway.operations import manifest, mark
from gateway.store.identity import read as read_identity
from gateway.store.journal import Reader
from tests.patience import PATIENCE_S, STORY_S
from tests.service import ROOT, Json, free_port, lose, until

HOMES = 4
REPORTS_A_SECOND = 200
AREA = "110101001"


class Served:
    """`serve` with a community that was registered over HTTP, and a backup folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data, self.backups, self.config = folder / "data", folder / "backups", folder / "anju.toml"
        self.http, self.mqtt = free_port(), free_port()
        self.log = folder / "log"
        self.config.write_text(
            f'data = "data"\n[http]\nport = {self.http}\n[mqtt]\nport = {self.mqtt}\n[backup]\nfolder = "backups"\n'
            '[watchdog]\nevery_s = 0\n', encoding="utf-8",
        )  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.http}/api/v1", trust_env=False, timeout=PATIENCE_S)
        self.password = ""

    def start(self) -> None:
        said = self.log.read_text().count("ready: console") if self.log.exists() else 0
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "serve", "--config", str(self.config)],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        until("ready", lambda: self.log.read_text().count("ready: console") > said)

    def log_in(self) -> None:
        found = re.search(r"first log-in: admin / (\S+)", self.log.read_text())
        assert found
        login = self.client.post("/session", json={"username": "admin", "password": found[1]})
        assert login.status_code == 200, login.text
        self.client.headers["Authorization"] = f"Bearer {login.json()['token']}"

    def register(self) -> Json:
        """The MQTT credentials of each home's cord."""
        self._post("/areas", {"id": AREA, "name": "一街道"})
        credentials = {}
        for number in range(HOMES):
            home = f"home-{number}"
            self._post("/homes", {"id": home, "area": AREA, "name": f"{number} 号"})
            self._post("/devices", {"id": f"cord-{number}", "home": home, "model": "anju-cord-1", "room": "浴室"})
            credentials[home] = self._post(f"/devices/cord-{number}/credentials", {})
        return credentials

    def _post(self, path: str, body: Json) -> Json:
        answer = self.client.post(path, json=body)
        assert answer.status_code in (200, 201), f"{path}: {answer.text}"
        found: Json = answer.json()
        return found

    def begin(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "gateway", *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def end(self, process: subprocess.Popen[str]) -> str:
        said, wrong = process.communicate(timeout=STORY_S)
        assert process.returncode == 0, wrong
        return said

    def command(self, *words: str) -> str:
        return self.end(self.begin(*words))

    def kill_everything(self) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE_S)
        self.client.close()


class Load:
    """Every home's cord reports its battery all the time, and pulls now and then; what is acknowledged is counted."""

    def __init__(self, served: Served, credentials: Json) -> None:
        self.calls_said = 0
        self._stop = Event()
        self._kits: dict[str, paho.Client] = {}
        for home, credential in credentials.items():
            kit = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"kit-{home}", clean_session=False, protocol=paho.MQTTv311)
            kit.username_pw_set(credential["username"], credential["password"])
            kit.max_inflight_messages_set(500)
            kit.connect("127.0.0.1", served.mqtt)
            kit.loop_start()
            until("the connection", kit.is_connected)
            self._kits[home] = kit
        self._said: list[paho.MQTTMessageInfo] = []
        self._ids = count()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for number in count():
            if self._stop.wait(1 / REPORTS_A_SECOND):
                return
            self.say(number % HOMES, {"battery": 50 + number % 50})

    def say(self, home: int, values: Any) -> paho.MQTTMessageInfo:
        name = f"home-{home}"
        payload = json.dumps({"id": f"r{next(self._ids)}", "values": values}).encode()  # two threads say; an id twice is a repeat
        info = self._kits[name].publish(f"anju/v1/{AREA}/{name}/cord-{home}/report", payload, qos=1)
        self._said.append(info)
        return info

    def call(self, home: int) -> None:
        self.say(home, {"pull_cord": True}).wait_for_publish(PATIENCE_S)
        self.calls_said += 1

    def end(self) -> None:
        """Say no more, and wait until all that was said is acknowledged."""
        self._stop.set()
        self._thread.join()
        for info in self._said:
            info.wait_for_publish(PATIENCE_S)

    def close(self) -> None:
        for kit in self._kits.values():
            kit.disconnect()
            kit.loop_stop()


def raised(data: Path) -> list[tuple[int, str, str]]:
    return [(c.first_seq, e.alert, e.home) for c in Reader(data).read() for e in c.entries if isinstance(e, AlertRaised)]


def open_alerts(served: Served) -> dict[str, str]:
    items = served.client.get("/alerts", params={"status": "open", "limit": 200}).json()["items"]
    return {alert["id"]: alert["home"] for alert in items}


def first_event(served: Served, position: str) -> str:
    with served.client.stream("GET", "/stream", headers={"Last-Event-ID": position}) as answer:
        for line in answer.iter_lines():
            if line.startswith("event: "):
                return line.removeprefix("event: ")
    raise AssertionError("the stream ended")


def test_a_folder_deleted_under_load_is_had_back_to_the_backups_number_and_the_rest_is_told_by_count(tmp_path: Path) -> None:
    served = Served(tmp_path)
    load: Load | None = None
    try:
        served.start()
        served.log_in()
        load = Load(served, served.register())
        load.call(0)
        load.call(1)
        until("both alerts", lambda: len(open_alerts(served)) == 2)

        under_way = served.begin("backup", str(served.backups), "--config", str(served.config), "--json")
        load.call(2)  # acknowledged while the backup is taken, on whichever side of its number
        made = json.loads(served.end(under_way))
        assert made["counts"]["open_alerts"] in (2, 3)
        assert (made["counts"]["homes"], made["counts"]["devices"]) == (HOMES, HOMES)
        number = made["last_seq"]

        load.call(3)
        load.end()
        lost = mark.count(Reader(served.data), number, 2**62)
        assert lost.calls == 4 - made["counts"]["open_alerts"]
        assert lost.reports > lost.calls
        until("the mark has seen the last of it", lambda: (m := mark.read(served.backups)) and m.seq >= lost.upto)
        then = {alert: home for seq, alert, home in raised(served.data) if seq <= number}

        served.kill_everything()
        load.close()
        lose(served.data)
        said = served.command("restore", str(served.backups), "--config", str(served.config))
        assert f"is as it was at number {number:,} " in said
        assert f"{len(then)} open alerts, {HOMES} homes, {HOMES} devices" in said
        assert f"{lost.reports:,} reports, {lost.calls} of them calls or hazards, were acknowledged after this backup and are lost" in said
        last_kept = Reader(served.data).last
        assert last_kept is not None
        assert last_kept.last_seq == number

        before = read_identity(served.data)
        served.start()
        assert open_alerts(served) == then, "log-in, homes and alerts are as they were then, under the same ids"
        assert {home["id"] for home in served.client.get("/homes").json()["items"]} == {f"home-{n}" for n in range(HOMES)}
        assert read_identity(served.data) == before
        assert before.restores == 1
        assert sorted(alert for _, alert, _ in raised(served.data)) == sorted(then), "nothing is raised again"

        served.command("backup", str(served.backups), "--config", str(served.config))
        assert first_event(served, str(number + 3)) == "reset", "a console that had heard what is undone begins anew"
        assert first_event(served, str(number)) != "reset", "one that had not goes on"
        newest = manifest.newest(served.backups)
        assert newest is not None
        assert newest.manifest.identity == before, "and life goes on, with backups of its own"
    finally:
        if load is not None:
            load.close()
        served.stop()
