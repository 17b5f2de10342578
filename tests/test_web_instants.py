"""Moments at and past the ends of the calendar: refused by the name of the field, and nobody's page is the worse for it."""

from collections.abc import Iterator
from datetime import datetime

import httpx
import pytest

from gateway.web.instants import EARLIEST, LATEST
from gateway.web.pages import STATIC
from tests.patience import PATIENCE_S
from tests.web_alarm import HOME
from tests.web_desk import Service, service

PAST_THE_ENDS = ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00")
SOME_DAY = "2026-11-22T08:00:00+08:00"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("instants") / "data") as running:
        running.register()
        yield running


def of_queries(desk: Service) -> list[tuple[str, str, dict[str, str]]]:
    """(path, parameter, the least the call takes besides) of every moment that a query may name, by the published contract."""
    paths = httpx.get(f"{desk.web.url}/openapi.json", trust_env=False, timeout=PATIENCE_S).json()["paths"]
    besides = {"/telemetry": {"device": f"{HOME}-cord", "property": "battery", "every": "1d", "aggregate": "mean"}}
    found = [
        (path.removeprefix("/api/v1"), named["name"])
        for path, calls in paths.items()
        for named in calls.get("get", {}).get("parameters", [])
        if "date-time" in str(named["schema"])
    ]
    return [(path, name, besides.get(path, {})) for path, name in found]


@pytest.mark.parametrize("moment", PAST_THE_ENDS)
def test_a_query_that_names_a_moment_past_the_ends_of_the_calendar_is_told_which(desk: Service, moment: str) -> None:
    queries = of_queries(desk)
    assert {path for path, _, _ in queries} >= {"/alerts", "/telemetry", "/shifts"}
    for path, name, besides in queries:
        answer = desk.admin.get(path, params=besides | {name: moment})
        assert (answer.status_code, [fault["field"] for fault in answer.json()["errors"]]) == (422, [name]), (path, name, answer.text)


@pytest.mark.parametrize("moment", PAST_THE_ENDS)
@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/silences", {"home": HOME, "reason": "检修"}, "until"),
        ("/silences", {"home": HOME, "reason": "检修", "until": SOME_DAY}, "start"),
        ("/tests", {"home": HOME, "devices": [f"{HOME}-cord"], "reason": "检修"}, "end"),
        (f"/homes/{HOME}/mode", {"mode": "away", "reason": "探亲"}, "until"),
        ("/help-requests", {"home": HOME, "help": "meal", "word": "午餐"}, "due_at"),
    ],
)
def test_a_body_that_names_a_moment_past_the_ends_of_the_calendar_is_told_which(
    desk: Service, path: str, body: dict[str, object], name: str, moment: str,
) -> None:  # fmt: skip
    answer = desk.admin.post(path, json=body | {name: moment})
    assert answer.status_code == 422
    assert name in [fault["field"] for fault in answer.json()["errors"]], answer.text


@pytest.mark.parametrize("named", [EARLIEST, LATEST])
def test_a_list_from_or_until_the_ends_of_the_calendar_is_answered(desk: Service, named: datetime) -> None:
    for path, name, besides in of_queries(desk):
        answer = desk.admin.get(path, params=besides | {name: named.isoformat()})
        assert answer.status_code in {200, 422}, (path, name, answer.text)


def test_every_moment_that_may_be_named_is_one_on_the_calendar() -> None:
    web = STATIC.parent
    assert [path.name for path in web.glob("*.py") if "AwareDatetime" in path.read_text()] == ["instants.py"]
