"""The `[telemetry]` section: what is good, and every mistake by its key."""

from pathlib import Path

import pytest

from gateway.outside_stores import Influx1, Influx2, Telemetry, VictoriaMetrics
from gateway.problem import CommandFailed
from gateway.settings import Settings, load_settings, survey_settings
from tests.timeseries import store_text

GOOD = {
    "influxdb2": {"url": "https://influx.example.org:8086", "token": "env:INFLUX_TOKEN", "org": "county", "bucket": "anju"},
    "influxdb1": {"url": "http://127.0.0.1:8086/", "database": "anju"},
    "victoriametrics": {"url": "http://127.0.0.1:8428"},
}


def settings(folder: Path, *stores: str, read: str = "history") -> Telemetry:
    path = folder / "anju.toml"
    path.write_text("\n".join(["[telemetry]", f'read = "{read}"', *stores]))
    return load_settings(path).telemetry


def store(kind_: str, **change: object) -> str:
    return store_text(**{"kind": kind_, "name": kind_, **GOOD[kind_], **change})


def test_every_kind_at_once_and_charts_from_one_of_them(tmp_path: Path) -> None:
    telemetry = settings(tmp_path, *(store(kind) for kind in GOOD), read="influxdb1")
    assert [type(one) for one in telemetry.stores] == [Influx2, Influx1, VictoriaMetrics]
    assert telemetry.read_from is telemetry.stores[1]
    assert settings(tmp_path) == Telemetry() == Settings().telemetry
    assert Telemetry().read_from is None


def test_files_of_secrets_and_roots_are_found_beside_the_settings(tmp_path: Path) -> None:
    change = {"username": "anju", "password": "file:password", "ca": "roots.pem"}
    [one] = settings(tmp_path, store("influxdb1", **change)).stores
    assert isinstance(one, Influx1)
    assert (one.password, one.ca) == (f"file:{tmp_path / 'password'}", str(tmp_path / "roots.pem"))
    assert one.url == "http://127.0.0.1:8086/"


def test_another_database_is_another_target(tmp_path: Path) -> None:
    targets = [
        settings(tmp_path, store(kind, **change)).stores[0].target
        for kind, changes in (
            ("influxdb2", [{}, {"bucket": "b"}, {"org": "o"}, {"url": "http://x"}]),
            ("influxdb1", [{}, {"database": "d"}, {"retention_policy": "r"}, {"url": "http://x"}]),
            ("victoriametrics", [{}, {"url": "http://x"}]),
        )
        for change in changes
    ]
    assert len(set(targets)) == len(targets)


@pytest.mark.parametrize(
    ("kind", "change", "key"),
    [
        ("influxdb2", {"name": "a b"}, "name"),
        ("influxdb2", {"name": "history"}, "name"),
        ("influxdb2", {"name": ""}, "name"),
        ("influxdb2", {"name": "../x"}, "name"),
        ("influxdb2", {"url": "influx.example.org"}, "url"),
        ("influxdb2", {"url": "http://influx.example.org/?org=x"}, "url"),
        ("influxdb2", {"url": "http://me:secret@influx.example.org"}, "url"),
        ("influxdb2", {"url": "http://influx.example.org:99999"}, "url"),
        ("influxdb2", {"url": "http://[::1"}, "url"),
        ("influxdb2", {"token": "the token itself"}, "token"),
        ("influxdb2", {"token": ""}, "token"),
        ("influxdb2", {"bucket": ""}, "bucket"),
        ("influxdb2", {"database": "anju"}, "database"),
        ("influxdb1", {"username": "anju"}, "password"),
        ("influxdb1", {"username": "anju", "password": "secret"}, "password"),
        ("influxdb1", {"begin": "then"}, "begin"),
        ("victoriametrics", {"username": "a", "password": "env:P", "token": "env:T"}, "token"),
        ("victoriametrics", {"kind": "graphite"}, "kind"),
    ],
)
def test_a_mistake_is_told_with_its_key(tmp_path: Path, kind: str, change: dict[str, object], key: str) -> None:
    with pytest.raises(CommandFailed, match=rf"telemetry\.store\[0\]\.{key}") as caught:
        settings(tmp_path, store(kind, **change))
    assert "secret" not in str(caught.value), "a password may stand there"


def test_two_of_one_name_and_a_name_that_nobody_has(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"telemetry\.store\[1\]\.name: another store is named 'vm' too"):
        settings(tmp_path, store("influxdb1", name="vm"), store("victoriametrics", name="vm"))
    with pytest.raises(CommandFailed, match=r"telemetry\.read: no store is named 'vn', there are: history, vm"):
        settings(tmp_path, store("influxdb1", name="vm"), read="vn")


def test_a_secret_that_is_not_there_keeps_no_service_from_starting(tmp_path: Path) -> None:
    """It is said of the store, on the pages; calls are heard meanwhile."""
    path = tmp_path / "anju.toml"
    path.write_text(store("influxdb2", token="file:absent"))
    assert survey_settings(path).mistakes == []
