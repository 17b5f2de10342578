"""The container file, as far as it can be looked at without an engine: what it copies exists, and it runs what these tests run."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from gateway.__main__ import parser
from tests.service import ROOT


def instructions() -> list[tuple[str, str]]:
    text = (ROOT / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def copied() -> list[tuple[list[str], str]]:
    return [(rest.split()[:-1], rest.split()[-1]) for word, rest in instructions() if word == "COPY"]


def test_every_path_that_it_copies_is_there_and_every_package_is_copied() -> None:
    sources = [source for many, _ in copied() for source in many]
    for source in sources:
        assert (ROOT / source).exists(), source
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert packages <= set(sources)
    ignored = (ROOT / ".containerignore").read_text().split()
    assert not set(sources) & set(ignored)


def test_it_runs_a_command_that_there_is() -> None:
    said = dict(instructions())
    assert json.loads(said["ENTRYPOINT"]) == ["/opt/anju/anju"]
    command = json.loads(said["CMD"])
    assert parser().parse_args(command).config == Path("/etc/anju/anju.toml")
    assert said["STOPSIGNAL"] == "SIGTERM"
    assert said["USER"] == "anju"


def test_the_layer_of_the_environment_needs_no_more_than_it_copies(tmp_path: Path) -> None:
    """What `./anju --help` reads, with the environment made already."""
    before = instructions().index(("RUN", "./anju --help"))
    for word, rest in instructions()[:before]:
        if word == "COPY":
            *sources, target = rest.split()
            (tmp_path / target).mkdir(parents=True, exist_ok=True)
            for source in sources:
                shutil.copy(ROOT / source, tmp_path / target)
    words = [sys.executable, "-m", "gateway", "--help"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "serve" in done.stdout
