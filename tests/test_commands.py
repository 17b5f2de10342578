"""What a shell is told: exit 0, 1 or 2, and one plain line that says what is wrong and what to do."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store.folder import Folder
from tests.patience import STORY_S
from tests.service import ROOT, free_port


def anju(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=STORY_S, check=False, cwd=ROOT, stdin=subprocess.DEVNULL)


def plain(done: subprocess.CompletedProcess[str]) -> str:
    """The one line; no traceback."""
    lines = [line for line in done.stderr.splitlines() if line]
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.mark.parametrize(
    "words",
    [(), ("fly",), ("up", "--http", "0"), ("up", "--http", "eighty"), ("up", "--homes", "many"), ("up", "--homes", "0"), ("serve",)],
    ids=["no command", "an unknown one", "port 0", "a port in words", "homes in words", "no homes", "serve without a file"],
)
def test_wrong_usage_ends_with_2_and_says_why(words: tuple[str, ...]) -> None:
    done = anju(*words)
    assert done.returncode == 2
    assert "error:" in plain(done)


@pytest.mark.parametrize("thing", ["home", "device", "user", "certificate"])
def test_the_help_of_the_registry_tells_what_can_be_done_to_a_thing(thing: str) -> None:
    said = anju(thing, "--help").stdout
    assert "what there is" in said
    assert "a new one" in said


def test_a_data_folder_in_use_is_named(tmp_path: Path) -> None:
    with Folder.lock(tmp_path / "data"):
        done = anju("up", "--data", str(tmp_path / "data"), "--http", str(free_port()), "--mqtt", str(free_port()))
    assert done.returncode == 1
    assert "in use by another Anju" in plain(done)


def test_a_port_that_is_taken_is_named_with_the_option_that_changes_it(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        done = anju("up", "--data", str(tmp_path / "data"), "--http", str(free_port()), "--mqtt", port)
    assert done.returncode == 1
    assert port in plain(done)
    assert "--mqtt" in done.stderr


def test_a_mistake_in_the_rules_is_told_with_file_and_key(tmp_path: Path) -> None:
    from tests.judging import judging

    folder = judging(tmp_path, [0.0, 1.0])
    (folder / "escalation.toml").write_text('[[policy]]\nid = "life"\nrouns = 3\n')
    done = anju(
        "up", "--data", str(tmp_path / "data"), "--judging", str(folder), "--http", str(free_port()), "--mqtt", str(free_port()),
    )  # fmt: skip
    assert done.returncode == 1
    assert "escalation.toml" in plain(done)


def test_a_settings_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = anju("serve", "--config", str(tmp_path / "none.toml"))
    assert done.returncode == 1
    assert "none.toml" in plain(done)


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "tiny"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "anju-test", str(place)], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_disk_without_room_to_begin_is_said_before_anything_starts(tiny: Path) -> None:
    done = anju("up", "--data", str(tiny / "data"), "--http", str(free_port()), "--mqtt", str(free_port()))
    assert done.returncode == 1
    assert "nearly full" in plain(done)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = anju("up", "--data", str(tmp_path / "file" / "data"), "--http", str(free_port()), "--mqtt", str(free_port()))
    assert done.returncode == 1
    assert str(tmp_path / "file") in plain(done)
