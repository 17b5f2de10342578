"""The devices of docs/vendor.md: each runs as it is shown there, on the bench and against the whole service."""

import os
import pty
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from simulator.certification.bench import Verdict
from simulator.certification.examination import selected
from tests.patience import STORY_S
from tests.service import Anju, running, until
from tests.vendor import CLAUSES, ROOT, VENDOR, Bought, examined_apart, stated

LANGUAGES = {"starter": "starter.toml", "shell": "button-sh.toml", "node": "button-mjs.toml"}
LIVED_BY = ("A-01", "A-05", "A-07", "A-13", "A-22", "C-14", "M-01", "M-02", "S-08")
SPEED = 6.0
"""How much faster than life the bench's clock runs; the devices' intervals are shortened alike."""
each_language = pytest.mark.parametrize("name", LANGUAGES)
GUIDE = (ROOT / "docs" / "vendor.md").read_text()


@each_language
def test_each_passes_what_a_call_lives_by(name: str, tmp_path: Path) -> None:
    """It calls, says it again until it is acknowledged, over a cut and a loss of power too, answers, and shows its receipts."""
    found = examined_apart(name, tmp_path, stated(LANGUAGES[name]), LIVED_BY, speed=SPEED, HEARTBEAT_S="7", REPEAT_S="3")
    assert [(number, one.reason.en) for number, one in found.items() if one.verdict is not Verdict.PASS] == []


# --- with the whole service ---


@pytest.fixture(scope="module")
def anju(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anju]:
    with running(tmp_path_factory.mktemp("vendor") / "data", homes=3, words=("--no-simulator",)) as service:
        yield service


@each_language
def test_each_is_heard_by_the_service_and_shows_that_its_call_was_accepted(name: str, anju: Anju, tmp_path: Path) -> None:
    home, credential = anju.home(), anju.endpoints["device"]
    button = f"vendor-{name}"
    device = Bought(name, tmp_path, {
        "HOST": "127.0.0.1", "PORT": str(anju.mqtt_port), "CA": str(anju.data / "tls" / "ca.pem"),
        "USERNAME": credential["username"], "PASSWORD": credential["password"],
        "TOPIC": f"anju/v1/{home['area']}/{home['id']}/{button}",
    })  # fmt: skip
    device.powered(True)
    try:
        with anju.api() as client:

            def known() -> bool:
                devices = client.get("/devices", params={"home": home["id"], "limit": 200}).json()["items"]
                return any(one["id"] == button for one in devices)

            until("its first word", known)
            device.key("")
            until("the receipt", lambda: "accepted" in device.lamp)
            alerts = client.get("/alerts", params={"home": home["id"]}).json()["items"]
            assert any(button in str(alert) for alert in alerts)
    finally:
        device.powered(False)


# --- the starter ---


def test_the_starter_has_sixty_lines() -> None:
    lines = [line for line in (VENDOR / "starter.py").read_text().splitlines() if line.strip()]
    assert len(lines) <= 60


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_the_starter_passes_all_that_it_states(tmp_path: Path) -> None:
    """At the speed of life: half an hour."""
    features = stated("starter.toml")
    numbers = [clause.number for clause, unfit in selected(CLAUSES, features, level=4, virtual=False, only=frozenset()) if unfit is None]
    found = examined_apart("starter", tmp_path, features, numbers)
    assert {number: one.reason.en for number, one in found.items() if one.verdict is not Verdict.PASS} == {}


# --- the guide itself ---


def test_the_commands_of_the_guide_examine_the_starter_at_a_terminal(tmp_path: Path) -> None:
    """`./anju certify --device`, with a person who presses when asked."""
    ours, theirs = pty.openpty()
    words = [
        sys.executable, "-m", "simulator", "certify", "--device", "button", "--profile", "pendant",
        "--features", str(VENDOR / "starter.toml"), "--listen", "127.0.0.1:0", "--clause", "A-01", "--out", str(tmp_path / "report"),
    ]  # fmt: skip
    said: list[str] = []
    with subprocess.Popen(
        words, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1, cwd=ROOT,
        env={**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)},
    ) as bench:  # fmt: skip
        os.close(theirs)
        assert bench.stderr is not None
        assert bench.stdout is not None
        while "trusts" not in "".join(said):
            said.append(bench.stderr.readline())
            assert said[-1], "it ended before it said what to connect to"
        told = "".join(said)

        def after(word: str) -> str:
            found = re.search(rf"{word}: (\S+)", told)
            assert found is not None, told
            return found[1]

        port = re.search(r":(\d+), MQTT level", told)
        assert port is not None
        device = Bought("starter", tmp_path, {
            "HOST": "127.0.0.1", "PORT": port[1], "CA": str(tmp_path / "report" / "ca.pem"), "USERNAME": after("username"),
            "PASSWORD": after("password"), "TOPIC": after("publishes to").removesuffix("/report"),
        })  # fmt: skip
        device.powered(True)
        try:
            asked = ""
            while "please: " not in asked:
                letter = bench.stderr.read(1)
                assert letter, asked
                asked += letter
            device.key("")
            os.write(ours, b"\n")
            table = bench.stdout.read()
            code = bench.wait(STORY_S)
        finally:
            device.powered(False)
            os.close(ours)
    assert "pass  A-01" in table
    assert code == 0
    checked = subprocess.run(
        [sys.executable, "-m", "simulator", "certify", "verify", str(tmp_path / "report")], capture_output=True, text=True, check=False,
        cwd=ROOT, env={**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)},
    )  # fmt: skip
    assert (checked.returncode, checked.stdout.count("  - "), "incomplete" in checked.stdout) == (1, 1, True), checked.stdout


@pytest.mark.parametrize("file", sorted(path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*.toml")))
def test_every_statement_can_be_read(file: str) -> None:
    assert stated(file).heartbeat == timedelta(seconds=60)
    assert file in GUIDE


def test_every_line_of_the_starters_statement_is_explained() -> None:
    said = tomllib.loads((VENDOR / "starter.toml").read_text())
    names = [name for table in (said, *(value for value in said.values() if isinstance(value, dict))) for name in table]
    assert [name for name in names if f"`{name}" not in GUIDE and f".{name}`" not in GUIDE] == []


def test_every_clause_that_the_guide_names_is_in_the_catalogue() -> None:
    known = {clause.number for clause in CLAUSES}
    named = set(re.findall(r"\b[ABCFHIKMRS]-\d\d\b", GUIDE))
    assert named
    assert named <= known
