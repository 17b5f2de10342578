"""Settings and channels from files: the examples are good, defaults are those they show, and every mistake is named."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, time
from pathlib import Path

import msgspec
import pytest

from gateway.notify.settings import channels, load_notify
from gateway.problem import CommandFailed
from gateway.settings import Settings, load_settings, reveal, says_nothing

CONFIG = Path(__file__).resolve().parents[1] / "config"
SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()
TLS = Path(__file__).parent / "tls"


def written(folder: Path, text: str, name: str = "anju.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


# --- the service's settings ----------------------------------------------------------------------------------------------------


def test_an_empty_file_means_the_defaults_beside_it(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, ""))
    assert settings == msgspec.structs.replace(Settings(), data=str(tmp_path / "data"))
    assert (settings.http.port, settings.mqtt.port, settings.zone.key) == (8080, 1883, "Asia/Shanghai")


def test_what_says_nothing_is_known_and_what_is_no_file_is_at_home_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings(Path("/dev/null")).data == str(tmp_path / "data")
    assert says_nothing(load_settings(Path("/dev/null")), Path("/dev/null"))
    for text, nothing in (
        ("", True), ("# all as it is\n[http]\n", True), ("[http]\nport = 8080\n", True), ("[http]\nport = 8081\n", False),
    ):  # fmt: skip
        path = written(tmp_path, text)
        assert says_nothing(load_settings(path), path) is nothing, text


def test_the_example_shows_the_defaults_and_four_lines_that_a_county_changes() -> None:
    settings = load_settings(CONFIG / "serve.example.toml")
    plain = Settings()
    assert settings.data == str(CONFIG / "data")
    assert settings.notify == str(CONFIG / "notify.toml")
    assert settings.http.public_url == "https://anju.example.org"
    assert settings.mqtt.host == "0.0.0.0"
    as_shipped = msgspec.structs.replace(
        settings,
        data=plain.data,
        notify="",
        http=msgspec.structs.replace(settings.http, public_url=""),
        mqtt=msgspec.structs.replace(settings.mqtt, host=plain.mqtt.host),
    )
    assert as_shipped == plain


def test_every_setting_stands_in_the_example() -> None:
    text = (CONFIG / "serve.example.toml").read_text(encoding="utf-8")
    for struct in (Settings, type(Settings().http), type(Settings().mqtt), type(Settings().retention), type(Settings().disk)):
        for field in msgspec.structs.fields(struct):
            assert f"{field.encode_name} = " in text or f"{field.encode_name}]" in text, field.encode_name


def test_settings_pass_unchanged_to_another_process() -> None:
    settings = load_settings(CONFIG / "serve.example.toml")
    assert msgspec.json.decode(msgspec.json.encode(settings), type=Settings) == settings


def test_what_is_said_in_the_file_holds(tmp_path: Path) -> None:
    said = ['data = "/srv/anju"', 'judging = "ours"', "[http]", "port = 80", "[retention]", "journal_days = 90"]
    settings = load_settings(written(tmp_path, "\n".join([*said, "[calendar]", "daily_check_at = 08:15:00"])))
    assert (settings.data, settings.judging, settings.http.port) == ("/srv/anju", str(tmp_path / "ours"), 80)
    assert (settings.retention.journal_days, settings.calendar.daily_check_at) == (90, time(8, 15))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[http]\nprot = 80\n", ["http.prot"]),
        ('dataa = "x"\n', ["dataa"]),
        ("[http]\nport = 0\n", ["http", "port"]),
        ("[mqtt]\nport = 70000\n", ["mqtt", "port"]),
        ('[http]\nport = "80"\n', ["http", "port"]),
        ("[retention]\njournal_days = 7\n", ["retention", "journal_days"]),
        ("[retention]\nalerts_years = 1\n", ["retention", "alerts_years"]),
        ("[disk]\nreserve_mib = 0\n", ["disk", "reserve_mib"]),
        ('timezone = "Asia/Peking"\n', ["timezone", "Asia/Peking"]),
        ('timezone = "../etc/passwd"\n', ["timezone"]),
        ('[http]\npublic_url = "anju.example.org"\n', ["public_url", "anju.example.org"]),
        ('[http]\npublic_url = "http://[::1"\n', ["public_url"]),
        ('[http]\npublic_url = "ftp://anju.example.org"\n', ["public_url"]),
        ("[http\n", []),
    ],
)
def test_a_mistake_is_refused_in_one_line_that_names_the_file_and_the_key(tmp_path: Path, text: str, named: list[str]) -> None:
    with pytest.raises(CommandFailed) as caught:
        load_settings(written(tmp_path, text))
    sentence = str(caught.value)
    assert "anju.toml" in sentence
    for word in named:
        assert word in sentence


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"none\.toml"):
        load_settings(tmp_path / "none.toml")


# --- secrets -------------------------------------------------------------------------------------------------------------------


def test_a_secret_is_in_the_environment_in_a_file_or_plain(tmp_path: Path) -> None:
    written(tmp_path, "from a file\n", "secret")
    environment = {"ANJU_SECRET": "from the environment"}
    assert reveal("env:ANJU_SECRET", tmp_path, environment) == "from the environment"
    assert reveal("file:secret", tmp_path, environment) == "from a file"
    assert reveal(f"file:{tmp_path / 'secret'}", Path("/"), environment) == "from a file"
    assert reveal("plain:text", tmp_path, environment) == "plain:text"


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("env:ABSENT", "the environment has no ABSENT"),
        ("env:EMPTY", "the environment has no EMPTY"),
        ("file:absent", "cannot read .*absent"),
        ("file:blank", "blank is empty"),
        ("file:binary", "binary: not UTF-8"),
        ("file:.", "cannot read"),
    ],
)
def test_a_secret_that_is_not_there_is_said_so(tmp_path: Path, value: str, sentence: str) -> None:
    written(tmp_path, " \n", "blank")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=sentence):
        reveal(value, tmp_path, {"EMPTY": ""})


# --- channels and targets ------------------------------------------------------------------------------------------------------


def made(path: Path, environment: dict[str, str] | None = None) -> list[tuple[str, str]]:
    wall = datetime(2026, 11, 22, tzinfo=UTC)
    each = channels(load_notify(path), path, wall=lambda: wall, zone=Settings().zone, environment=environment or {})
    return [(channel.name, channel.kind) for channel in each]


def test_the_example_of_channels_makes_a_webhook_and_an_e_mail(tmp_path: Path) -> None:
    text = (CONFIG / "notify.example.toml").read_text(encoding="utf-8")
    path = written(tmp_path, text, "notify.toml")
    written(tmp_path, "a password\n", "smtp-password")
    assert made(path, {"ANJU_DISPATCH_SECRET": SECRET}) == [("dispatch", "webhook"), ("mail", "email")]
    assert {t.name: t.channels for t in load_notify(path).targets} == {"shift_lead": ("dispatch", "mail"), "supervisor": ("mail",)}


def test_no_channels_at_all_is_a_good_file(tmp_path: Path) -> None:
    assert made(written(tmp_path, "")) == []


HOOK = {"name": "hook", "url": "https://example.org/anju", "secret": SECRET}
MAIL = {"name": "mail", "host": "smtp.example.org", "from": "anju@example.org", "to": ["lead@example.org"]}


def table(kind: str, values: Mapping[str, object]) -> str:
    return "\n".join([f"[[{kind}]]", *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()), ""])


def test_an_authority_of_ones_own_and_a_second_secret_are_taken(tmp_path: Path) -> None:
    more = {"previous_secret": SECRET, "ca": str(TLS / "authority.pem")}
    assert made(written(tmp_path, table("webhook", HOOK | more))) == [("hook", "webhook")]


@pytest.mark.parametrize(
    ("kind", "change", "sentence"),
    [
        ("webhook", {"url": "example.org"}, "'hook': url: .*is not an address"),
        ("webhook", {"url": "file:///etc/passwd"}, "'hook': url: .*is not an address"),
        ("webhook", {"url": "https://u:p@example.org/"}, "'hook': url: a user name"),
        ("webhook", {"url": "https://example.org/\n"}, "'hook': url"),
        ("webhook", {"url": "https://example.org:99999/"}, "'hook': url"),
        ("webhook", {"secret": "guess"}, "'hook': a webhook's secret begins with whsec_"),
        ("webhook", {"secret": "env:ABSENT"}, "'hook': secret: the environment has no ABSENT"),
        ("webhook", {"previous_secret": "file:absent"}, "'hook': previous_secret: cannot read"),
        ("webhook", {"ca": "absent.pem"}, "'hook': ca: cannot read"),
        ("webhook", {"ca": "empty.pem"}, "'hook': ca: cannot read"),
        ("webhook", {"name": "a b"}, "name"),
        ("webhook", {"sekret": "x"}, "sekret"),
        ("email", {"to": []}, "to"),
        ("email", {"to": ["lead"]}, "'mail': to: 'lead' is not an address"),
        ("email", {"to": ["lead@example.org, thief@example.net"]}, "'mail': to: .*is not an address"),
        ("email", {"to": ["lead@example.org\r\nBcc: thief@example.net"]}, "'mail': to: .*is not an address"),
        ("email", {"to": ["值班@example.org"]}, "'mail': to: .*ASCII"),
        ("email", {"from": "Anju <anju@example.org>"}, "'mail': from: .*is not an address"),
        ("email", {"host": ""}, "'mail': host"),
        ("email", {"hello": "a b"}, "'mail': hello"),
        ("email", {"username": "anju"}, "'mail': username and password"),
        ("email", {"username": "anju", "password": "env:ABSENT"}, "'mail': password: the environment has no ABSENT"),
        ("email", {"security": "ssl"}, "security"),
        ("email", {"port": 100000}, "port"),
    ],
)
def test_a_mistake_in_a_channel_names_the_channel_and_the_key(tmp_path: Path, kind: str, change: dict[str, object], sentence: str) -> None:
    written(tmp_path, "", "empty.pem")
    values: dict[str, object] = {**(HOOK if kind == "webhook" else MAIL), **change}
    with pytest.raises(CommandFailed, match=sentence) as caught:
        made(written(tmp_path, table(kind, values)))
    assert "anju.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (table("webhook", HOOK) + table("email", MAIL | {"name": "hook"}), "two channels are named 'hook'"),
        (table("target", {"name": "lead", "channels": ["sms"]}) + table("webhook", HOOK), "no channel is named 'sms', there are: hook"),
        (table("target", {"name": "lead", "channels": []}) * 2, "two targets are named 'lead'"),
        (table("target", {"name": "desk", "channels": []}), "'desk' is the operators' screens"),
    ],
)
def test_names_that_do_not_fit_together_are_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(CommandFailed, match=sentence):
        load_notify(written(tmp_path, text))
