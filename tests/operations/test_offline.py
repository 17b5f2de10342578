"""Installation without the internet: from a folder of wheels that was filled on another machine."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import STORY_S
from tests.service import ROOT

UNREACHABLE = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def shut_in() -> list[str]:
    """What runs a command where there is no network at all, if this user may; else pip is only told of no index."""
    for words in (["unshare", "-n"], ["unshare", "-rn"]):
        if shutil.which("unshare") and subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0:
            return words
    return []


def anju(folder: Path, wheels: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`./anju` of a copy of the program, as it is carried on a stick."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "ANJU_", "PYTHON", "VIRTUAL_ENV"))},
        **UNREACHABLE,
        "ANJU_WHEELS": str(wheels),
        "ANJU_VENV": str(folder / "venv"),
    }
    return subprocess.run(
        [*shut_in(), sys.executable, str(ROOT / "anju"), *words],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip


def test_a_folder_that_lacks_a_wheel_is_told_and_nobody_outside_is_asked(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    done = anju(tmp_path, wheels, "--help")
    assert done.returncode == 1
    assert "installing requirements.lock failed" in done.stderr
    assert "No matching distribution found for" in done.stderr
    assert "127.0.0.1:9" not in done.stderr
    assert not list((tmp_path / "venv").glob("*.installed")), "the next try installs again"


@pytest.mark.long
@pytest.mark.timeout(900)
def test_everything_is_installed_from_a_folder_of_wheels_without_a_network(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--only-binary", ":all:", "-r", "requirements.lock"]
    subprocess.run([*fetch, "-d", str(wheels)], cwd=ROOT, check=True, timeout=600)
    done = anju(tmp_path, wheels, "serve", "--help")
    assert done.returncode == 0, done.stderr
    assert "--config" in done.stdout
    python = tmp_path / "venv" / "bin" / "python"
    modules = "import gateway.alarm, gateway.web.app, gateway.telemetry.process, gateway.operations.doctor, simulator.commands"
    subprocess.run([python, "-c", modules], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, timeout=STORY_S)
    assert anju(tmp_path, wheels / "none", "serve", "--help").returncode == 0, "a second start needs no wheels"
