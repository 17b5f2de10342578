"""Line protocol as it leaves: read back by a reader that shares nothing with the writer, and by the real servers."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.home import ModelId
from devices.message import Heard
from gateway.telemetry.lines import lines, number, tag, tags
from gateway.telemetry.writers import open_writer
from tests.influx2_fake import read_line
from tests.service import until
from tests.telemetry import AREA, HOME, NOON, said, store_of
from tests.timeseries import Influx, Victoria, served

MODELS = ["acme-watch", "TS0601 / _TZE200", "a=b,c d", '"quoted"', "拉绳 求助", "trailing\\", "back\\,slash", "two\nlines", "a\\ b", " "]


AT = NOON + timedelta(milliseconds=250, microseconds=999)


def heard(device: str = "watch", at: datetime = AT, **values: bool | float) -> Heard:
    message = said(device, at, home=HOME, area=AREA, **values).message
    assert isinstance(message, Heard)
    return message


def test_a_report_is_a_line_for_every_observation() -> None:
    message = heard(heart_rate=71, body_temperature=36.6, sos=True)
    tag_set = tags(message, ModelId("acme-watch"))
    assert list(lines(message, tag_set)) == [
        "heart_rate,area=330106001001,device=watch,home=home-1,model=acme-watch value=71 1795320000250",
        "body_temperature,area=330106001001,device=watch,home=home-1,model=acme-watch value=36.6 1795320000250",
        "sos,area=330106001001,device=watch,home=home-1,model=acme-watch value=1 1795320000250",
    ]


def test_a_device_of_no_known_model_has_no_such_tag() -> None:
    [line] = lines(heard(steps=3), tags(heard(), None))
    assert line == "steps,area=330106001001,device=watch,home=home-1 value=3 1795320000250"


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "1"), (False, "0"), (71, "71"), (-120, "-120"), (36.6, "36.6"), (1e-07, "1e-07"), (2**60, "1152921504606846976"), (0.0, "0.0")],
)
def test_every_value_is_a_float_field(value: bool | float, text: str) -> None:
    assert number(value) == text


VALUES = st.one_of(st.booleans(), st.integers(-(2**63), 2**63), st.floats(allow_nan=False, allow_infinity=False))


@given(model=st.text(min_size=1), value=VALUES)
def test_whatever_a_model_is_called_the_line_says_it_and_nothing_else(model: str, value: bool | float) -> None:
    message = heard(heart_rate=value)
    [line] = lines(message, tags(message, ModelId(model)))
    assert "\n" not in line
    (measurement, tag_set), fields, at = read_line(line)
    assert (measurement, fields, at) == ("heart_rate", {"value": float(value)}, 1795320000250)
    plain = "".join("_" if c == "\\" or ord(c) < 32 or ord(c) == 127 else c for c in model)
    assert dict(tag_set) == {"area": AREA, "device": "watch", "home": HOME, "model": plain}


def test_the_moment_is_that_of_the_device_to_the_millisecond() -> None:
    before_the_leap = datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)
    assert next(lines(heard("watch", before_the_leap, steps=1), "")).endswith(" 1709251199999")


def test_real_servers_read_every_tag_as_it_was_meant(tmp_path: Path) -> None:
    """A server that cannot read a line may say nothing of it: VictoriaMetrics answers 204 all the same."""
    victoria, influx = Victoria(tmp_path / "vm"), Influx(tmp_path / "influx")
    offered = [
        line for n, model in enumerate(MODELS)
        for line in lines(heard(f"d{n}", NOON, heart_rate=60 + n), tags(heard(f"d{n}"), ModelId(model)))
    ]  # fmt: skip
    with served(victoria), served(influx):
        for server in (victoria, influx):
            writer = open_writer(store_of(server.settings(), tmp_path))
            writer.write("".join(f"{line}\n" for line in offered).encode())
            writer.close()
        meant = {f"{HOME}/d{n}": [(1795320000000, 60.0 + n)] for n in range(len(MODELS))}
        until("it is all there", lambda: victoria.rows("heart_rate") == meant)
        assert victoria.counted("vm_rows_invalid_total") == 0
        assert influx.rows("heart_rate") == meant
        named = {tag(model).replace("\\", "") for model in MODELS}
        assert {value for _, value in influx.ask('SHOW TAG VALUES WITH KEY = "model"')[0]["values"]} == named
        found = victoria.get("/api/v1/label/model/values", start="0").json()["data"]
        assert set(found) == named
