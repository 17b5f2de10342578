"""`user`, `home` and `device` from a shell, on a service that runs; `user` on one that does not as well."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from tests.patience import PATIENCE_S, STORY_S
from tests.service import ROOT, Anju, running, until


@pytest.fixture(scope="module")
def anju(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anju]:
    with running(tmp_path_factory.mktemp("registry") / "data", homes=2, words=("--no-simulator",)) as anju:
        yield anju


def run(anju: Anju, *words: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", *words, "--data", str(anju.data)],
        cwd=ROOT, capture_output=True, text=True, timeout=STORY_S, check=False, env={**os.environ, **(environment or {})},
    )  # fmt: skip


def good(anju: Anju, *words: str) -> str:
    done = run(anju, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(anju: Anju, *words: str) -> str:
    done = run(anju, *words)
    assert done.returncode == 1, done.stdout
    return done.stderr.removeprefix("anju: ").strip()


def logs_in(anju: Anju, name: str, password: str) -> bool:
    with anju.api() as client:
        return client.post("/session", json={"username": name, "password": password}).status_code == 200


def session(anju: Anju, name: str, password: str) -> httpx.Client:
    with anju.api() as client:
        token: str = client.post("/session", json={"username": name, "password": password}).json()["token"]
    return anju.api(token)


def stands(anju: Anju, name: str) -> bool | None:
    """Whether the user is disabled; None: not known yet. Asked, not tried: a log-in that fails counts as guessing."""
    with anju.api() as client:
        found = client.get("/users")
        assert found.status_code == 200, found.text
        return next((bool(user["disabled"]) for user in found.json()["items"] if user["username"] == name), None)


# --- people who log in -----------------------------------------------------------------------------------------------------------


def test_a_user_that_is_made_in_a_shell_may_log_in_at_once_and_no_more_when_disabled(anju: Anju) -> None:
    name, _, rest = good(anju, "user", "add", "wang").strip().partition(" / ")
    password = rest.removesuffix(" (shown this once)")
    assert name == "wang"
    until("the service knows of it", lambda: stands(anju, "wang") is False)
    assert logs_in(anju, "wang", password)
    assert "wang                 operator" in good(anju, "user", "list")
    assert refused(anju, "user", "add", "wang") == "there is a user named wang"
    with session(anju, "wang", password) as before:
        fresh = json.loads(good(anju, "user", "password", "wang", "--json"))["password"]
        until("the end of the session", lambda: before.get("/homes").status_code == 401)
    assert logs_in(anju, "wang", fresh)
    assert not logs_in(anju, "wang", password)
    good(anju, "user", "disable", "wang")
    until("being shut out", lambda: stands(anju, "wang") is True)
    assert not logs_in(anju, "wang", fresh)
    listed = {one["username"]: one["disabled"] for one in json.loads(good(anju, "user", "list", "--json"))}
    assert listed["wang"] is True
    good(anju, "user", "enable", "wang")
    until("being let in", lambda: stands(anju, "wang") is False)
    assert logs_in(anju, "wang", fresh)


def test_a_session_ends_when_a_shell_changes_the_password(anju: Anju) -> None:
    password = good(anju, "user", "add", "li").strip().partition(" / ")[2].removesuffix(" (shown this once)")
    until("the service knows of it", lambda: stands(anju, "li") is False)
    with session(anju, "li", password) as client:
        good(anju, "user", "password", "li")
        until("the end of the session", lambda: client.get("/homes").status_code == 401)


def test_what_cannot_be_is_told_in_one_line(anju: Anju, tmp_path: Path) -> None:
    assert refused(anju, "user", "password", "nobody") == "there is no user nobody"
    assert refused(anju, "user", "disable", "demo") == "demo is the last administrator: make another one first"
    assert "is no user name" in refused(anju, "user", "add", "王")
    assert "env:NAME or file:PATH" in refused(anju, "user", "add", "zhao", "--password", "secret")
    (tmp_path / "short").write_text("1234567")
    assert "8 characters" in refused(anju, "user", "add", "zhao", "--password", f"file:{tmp_path / 'short'}")
    assert run(anju, "user", "add", "zhao", "--password", "env:P", environment={"P": "long enough"}).returncode == 0


# --- homes and devices -----------------------------------------------------------------------------------------------------------


def test_homes_and_devices_come_from_spreadsheets_line_by_line(anju: Anju, tmp_path: Path) -> None:
    area = anju.home()["area"]
    homes = tmp_path / "homes.csv"
    homes.write_text(
        f"\ufeffid,area,name,phone\nh-1,{area},一号,0571-1\nh-2,{area},二号,\nh 3,{area},三号,\nh-4,nowhere,四号,\n,,,\n", encoding="utf-8",
    )  # fmt: skip
    done = run(anju, "home", "import", str(homes))
    assert done.returncode == 1
    assert done.stdout == "2 homes taken, 0 were there already, 2 refused\n"
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == [f"{homes}:4", f"{homes}:5"]
    homes.write_text(f"id,area,name\nh-1,{area},一号\nh-2,{area},二号\n", encoding="utf-8")
    assert good(anju, "home", "import", str(homes)) == "0 homes taken, 2 were there already, 0 refused\n"
    devices = tmp_path / "devices.csv"
    devices.write_text("id,home,model,room\ncord-1,h-1,anju-cord-1,卧室\ncord-2,h-2,anju-cord-1,浴室\n", encoding="utf-8")
    assert good(anju, "device", "import", str(devices)).startswith("2 devices taken")
    found = json.loads(good(anju, "device", "list", "--home", "h-1", "--json"))
    assert [(d["id"], d["room"]) for d in found] == [("cord-1", "卧室")]
    assert good(anju, "home", "list", "--search", "二号").split("\t")[:3] == ["h-2", area, "二号"]
    devices.write_text("id,home,model\ncord-1,h-1,anju-cord-1\ncord-2,h-1,anju-cord-1\n", encoding="utf-8")
    spent = run(anju, "device", "import", str(devices), "--json")
    assert (spent.returncode, json.loads(spent.stdout)) == (1, {"taken": 0, "there": 1, "refused": 1})
    assert spent.stderr.startswith(f"anju: {devices}:3: "), "cord-2 is in h-2: it is not there already"
    good(anju, "home", "retire", "h-2")
    homes.write_text(f"id,area,name\nh-1,{area},一号\nh-2,{area},二号\n", encoding="utf-8")
    done = run(anju, "home", "import", str(homes))
    assert (done.returncode, done.stdout) == (1, "0 homes taken, 1 were there already, 1 refused\n")
    homes.write_text("id,naem\n", encoding="utf-8")
    assert refused(anju, "home", "import", str(homes)).startswith(f"{homes}:1: no column 'area'; columns are id, area, name")
    homes.write_text("id,area,name,address\nhome-9,9901,Nine,Street 5, house 2\n")
    assert refused(anju, "home", "import", str(homes)) == f"{homes}:2: more cells than the head; a comma within one needs quotes around it"
    homes.write_bytes("id,area,name\nhome-9,9901,宋家\n".encode("gbk"))
    assert refused(anju, "home", "import", str(homes)) == f"{homes}: is not UTF-8: save it as “CSV UTF-8”"
    assert refused(anju, "home", "import", str(tmp_path / "absent.csv")) == f"{tmp_path / 'absent.csv'}: No such file or directory"


def test_people_come_from_a_spreadsheet_too_with_their_order_and_hours(anju: Anju, tmp_path: Path) -> None:
    sheet = tmp_path / "people.csv"
    sheet.write_text(
        "id,home,role,name,phone,order,hours,birth_year,vulnerable\n"
        "he-1,home-0001,resident,何奶奶,,,,1938,是\n"
        "he-2,home-0001,contact,何小川,139 0000 0011,1,08:00-12:00 14:00-22:00,,no\n"
        "he-3,home-0001,aunt,何阿姨,,,,,\n"
        "he-4,home-0001,contact,何小山,139 0000 0012,first,,,\n",
        encoding="utf-8-sig",
    )
    done = run(anju, "person", "import", str(sheet))
    assert (done.returncode, done.stdout) == (1, "2 people taken, 0 were there already, 2 refused\n")
    wrong = done.stderr.splitlines()
    assert ["role" in wrong[0], "order" in wrong[1]] == [True, True], wrong
    assert [line.partition(": ")[2].startswith(f"{sheet}:{n}") for line, n in zip(wrong, (4, 5), strict=True)] == [True, True]
    assert "1 people taken" in good(anju, "person", "import", str(one_line(tmp_path))), "without the columns that nobody filled in"
    listed = {one["id"]: one for one in json.loads(good(anju, "person", "list", "--home", "home-0001", "--json"))}
    assert (listed["he-1"]["birth_year"], listed["he-1"]["vulnerable"]) == (1938, True)
    assert (listed["he-2"]["order"], listed["he-2"]["hours"]) == (1, ["08:00-12:00", "14:00-22:00"])
    more = ("--name", "何邻居", "--hours", "07:00-21:00", "--order", "3")
    good(anju, "person", "add", "he-6", "--home", "home-0001", "--role", "contact", *more)
    good(anju, "person", "retire", "he-2", "--home", "home-0001")
    assert "he-6\thome-0001\tcontact\t何邻居" in good(anju, "person", "list", "--home", "home-0001")
    assert "he-2" not in good(anju, "person", "list", "--home", "home-0001")
    assert "no column 'role'" in refused(anju, "person", "import", str(one_line(tmp_path, head="id,home,name", line="a,home-0001,b")))


def one_line(folder: Path, head: str = "id,home,role,name", line: str = "he-5,home-0001,contact,何老师") -> Path:
    sheet = folder / "one.csv"
    sheet.write_text(f"{head}\n{line}\n", encoding="utf-8")
    return sheet


def test_a_device_that_is_swapped_leaves_its_place_to_the_new_one(anju: Anju) -> None:
    area = anju.home()["area"]
    good(anju, "home", "add", "h-9", "--area", area, "--name", "九号")
    good(anju, "device", "add", "old", "--home", "h-9", "--model", "anju-cord-1", "--room", "浴室")
    issued = json.loads(good(anju, "device", "credentials", "old", "--json"))
    assert connects(anju, issued)
    fresh = json.loads(good(anju, "device", "swap", "old", "new", "--json"))
    assert connects(anju, fresh)
    until("the old one shut out", lambda: not connects(anju, issued))
    (device,) = json.loads(good(anju, "device", "list", "--home", "h-9", "--json"))
    assert (device["id"], device["room"], device["model"]) == ("new", "浴室", "anju-cord-1")
    good(anju, "device", "shut-out", "new")
    until("the new one shut out", lambda: not connects(anju, fresh))
    good(anju, "device", "retire", "new")
    good(anju, "home", "retire", "h-9")
    assert "there is no home h-9" in refused(anju, "home", "retire", "h-9")


def connects(anju: Anju, login: dict[str, str]) -> bool:
    """What the service answers to one attempt."""
    address, answers = urlsplit(anju.endpoints["mqtt"]), list[ReasonCode]()
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    client.username_pw_set(login["username"], login["password"])
    client.on_connect = lambda _client, _data, _flags, code, _properties: answers.append(code)
    client.connect(str(address.hostname), int(address.port or 1883))
    client.loop_start()
    until("an answer", lambda: bool(answers))
    client.disconnect()
    client.loop_stop()
    return not answers[0].is_failure


def test_another_service_is_reached_by_its_address_and_a_token(anju: Anju) -> None:
    words = ["home", "list", "--url", str(anju.endpoints["http"]), "--token", "env:TOKEN", "--json"]
    for token, code in ((str(anju.endpoints["token"]), 0), ("wrong", 1)):
        done = subprocess.run(
            [sys.executable, "-m", "gateway", *words], cwd=ROOT, capture_output=True, text=True, timeout=STORY_S, check=False,
            env={**os.environ, "TOKEN": token},
        )  # fmt: skip
        assert done.returncode == code, done.stderr
    assert httpx.get(f"{anju.endpoints['http']}/healthz", trust_env=False, timeout=PATIENCE_S).status_code == 200


def test_users_can_be_made_while_nothing_runs_and_the_registry_says_that_it_needs_the_service(tmp_path: Path) -> None:
    with running(tmp_path / "data", homes=1, words=("--no-simulator",)) as anju:
        pass
    assert "shown this once" in good(anju, "user", "add", "night")
    assert "needs the service to run" in refused(anju, "home", "list")
    assert "is not there: the first start of `serve` makes it" in refused(Anju(tmp_path / "none"), "user", "list")
