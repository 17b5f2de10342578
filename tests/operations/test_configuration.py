"""A configuration with mistakes is refused with all of them at once, each with its file, line and key; a sound one is run."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config import DEFAULTS
from gateway.operations.examine import examine as examine_configuration
from tests.patience import STORY_S
from tests.service import ROOT

TLS = ROOT / "tests" / "tls"

SETTINGS = """\
data = "data"
timezone = "Asia/Peking"
notify = "notify.toml"
judging = "judging"

[http]
port = 8080
prot = 8081
public_url = "anju.example.org"

[mqtt]
port = 8080

[mqtt.tls]
certificate = "server.pem"
key = "other.key"

[retention]
journal_days = 7

[disk]
reserve_mib = "64"
warn_mib = 0

[calendar]
retention_at = 03:30:00
"""

NOTIFY = """\
[[webhook]]
name = "dispatch"
url = "https://dispatch.example.org/anju"
secret = "env:ANJU_ABSENT_SECRET"

[[email]]
name = "mail"
host = "smtp.example.org"
username = "anju"
password = "file:smtp-password"
from = "anju@example.org"
to = ["duty@example.org"]

[[target]]
name = "shift_leed"
channels = ["dispatch"]

[[target]]
name = "supervisor"
channels = ["male"]
"""


def planted(folder: Path) -> list[str]:
    """A folder with mistakes; for each the beginning of the line that must name it, and a word of the reason."""
    config = folder / "anju.toml"
    config.write_text(SETTINGS, encoding="utf-8")
    notify = folder / "notify.toml"
    notify.write_text(NOTIFY, encoding="utf-8")
    shutil.copy(TLS / "server.pem", folder)
    make = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(folder / "other.key")]
    subprocess.run(make, check=True, capture_output=True)
    judging = folder / "judging"
    judging.mkdir()
    shutil.copytree(DEFAULTS / "rules", judging / "rules")
    for name in ("escalation.toml", "dispositions.toml", "models.toml"):
        shutil.copy(DEFAULTS / name, judging)
    rules = judging / "rules" / "hazards.toml"
    text = rules.read_text(encoding="utf-8")
    rules.write_text(text.replace("at_least", "at_lest", 1), encoding="utf-8")
    broken = text[: text.index("at_least")].count("\n") + 1
    return [
        f"{config}:2: timezone: no time zone is named 'Asia/Peking'",
        f"{config}:8: http.prot: is not a key that is known here; did you mean 'port'?",
        f"{config}:9: http.public_url: 'anju.example.org' is not an address",
        f"{config}:12: mqtt.port: 8080 is the port of http.port already",
        f"{config}:16: mqtt.tls.key: the key {folder}/other.key is not that of the certificate {folder}/server.pem",
        f"{config}:19: retention.journal_days: Expected `int` >= 30",
        f"{config}:22: disk.reserve_mib: Expected `int`, got `str`",
        f"{config}:23: disk.warn_mib: Expected `int` >= 1",
        f"{notify}:4: webhook[0].secret: channel 'dispatch': the environment has no ANJU_ABSENT_SECRET",
        f"{notify}:10: email[0].password: channel 'mail': cannot read {folder}/smtp-password",
        f"{notify}:15: target[0].name: no step of the escalation can name 'shift_leed'; did you mean 'shift_lead'?",
        f"{notify}:20: target[1].channels: target 'supervisor': no channel is named 'male'",
        f"{rules}:{broken}: rule[",
    ]


def test_serve_names_every_mistake_of_a_configuration_at_once(tmp_path: Path) -> None:
    wanted = planted(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "serve", "--config", str(tmp_path / "anju.toml")],
        cwd=ROOT, capture_output=True, text=True, timeout=STORY_S, check=False,
    )  # fmt: skip
    lines = [line.removeprefix("anju: ") for line in done.stderr.splitlines()]
    assert done.returncode == 1
    assert lines[0] == f"{tmp_path / 'anju.toml'}: {len(wanted)} mistakes in the configuration"
    for line in wanted:
        assert any(said.startswith(line) for said in lines), f"{line}\n\nis not in\n\n{done.stderr}"
    assert len(lines) == len(wanted) + 1, done.stderr
    assert not (tmp_path / "data").exists(), "nothing was begun"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ('notify = "absent.toml"\n', "anju.toml:1: notify: there is no file"),
        ('judging = "absent"\n', "anju.toml:1: judging: there is no folder"),
        ("[calendar]\nretention_at = 25\n", "anju.toml:2: calendar.retention_at: "),
        ("[http]\nport = 80000\n", "anju.toml:2: http.port: Expected `int` <= 65535"),
        ('[mqtt]\nhost = "0.0.0.0"\nport = 9000\n[http]\nport = 9000\n', "anju.toml:3: mqtt.port: 9000 is the port of http.port"),
        ("= 1\n", "anju.toml: is not TOML: "),
    ],
)
def test_a_single_mistake_is_one_line(tmp_path: Path, settings: str, named: str) -> None:
    path = tmp_path / "anju.toml"
    path.write_text(settings, encoding="utf-8")
    _, mistakes = examine_configuration(path, {})
    assert len(mistakes) == 1
    assert named in mistakes[0]


def test_a_rule_that_contradicts_itself_is_named_where_it_stands(tmp_path: Path) -> None:
    planted(tmp_path)
    rules = tmp_path / "judging" / "rules" / "hazards.toml"
    text = (DEFAULTS / "rules" / "hazards.toml").read_text(encoding="utf-8")
    rules.write_text(text.replace("clear = ", "clear = 9", 1), encoding="utf-8")
    path = tmp_path / "other.toml"
    path.write_text('judging = "judging"\n', encoding="utf-8")
    _, (mistake,) = examine_configuration(path, {})
    assert mistake.startswith(f"{rules}:"), mistake
    assert "clear is not under at_least" in mistake


def test_the_example_is_sound_once_the_files_it_names_are_there(tmp_path: Path) -> None:
    shutil.copy(DEFAULTS / "serve.example.toml", tmp_path / "anju.toml")
    shutil.copy(DEFAULTS / "notify.example.toml", tmp_path / "notify.toml")
    (tmp_path / "smtp-password").write_text("a password")
    secret = "whsec_" + "A" * 32
    settings, mistakes = examine_configuration(tmp_path / "anju.toml", {"ANJU_DISPATCH_SECRET": secret})
    assert mistakes == []
    assert settings is not None
    assert settings.data == str(tmp_path / "data")
