"""The morning's list of homes at the desk."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from alerting.items import Finding, HomesChecked, Matter
from alerting.terms import Sentence
from devices.home import AreaId, DeviceId, HomeId
from tests.patience import PATIENCE_S
from tests.web_alarm import AREA, HOME
from tests.web_desk import Service, service


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("reports") / "data") as running:
        running.register()
        yield running


def finding(area: str, home: str, matter: Matter, device: str | None = None) -> Finding:
    said = Sentence(f"{home} {matter}", f"{matter} of {home}")
    return Finding(AreaId(area), HomeId(home), matter, said, None if device is None else DeviceId(device))


MORNING = HomesChecked("2026-11-22", (
    finding("330106001001", HOME, Matter.BATTERY, f"{HOME}-cord"),
    finding("330106001001", HOME, Matter.CONTACTS),
    finding("330106002001", "home-9", Matter.SILENT, "a"),
    finding("330106002001", "home-9", Matter.SILENT, "b"),
))  # fmt: skip


def test_before_the_first_check_there_is_no_list(tmp_path: Path) -> None:
    with service(tmp_path / "data") as fresh:
        assert fresh.operator.get("/reports/homes").json() == {"day": None, "items": [], "next": None}


def test_the_mornings_list_is_shown_filtered_and_paged(desk: Service) -> None:
    desk.see(desk.alarm.take(MORNING))
    report = desk.operator.get("/reports/homes").json()
    assert report["day"] == "2026-11-22"
    assert [(item["home"], item["matter"], item["device"]) for item in report["items"]] == [
        (HOME, "battery", f"{HOME}-cord"), (HOME, "contacts", None), ("home-9", "silent", "a"), ("home-9", "silent", "b"),
    ]  # fmt: skip
    assert report["items"][1] == {
        "area": AREA, "home": HOME, "home_name": "12 栋 3 单元 402", "matter": "contacts", "device": None,
        "sentence": f"{HOME} contacts", "sentence_en": f"contacts of {HOME}",
    }  # fmt: skip
    assert {item["home"] for item in desk.operator.get("/reports/homes", params={"area": AREA}).json()["items"]} == {HOME}
    assert len(desk.operator.get("/reports/homes", params={"matter": "silent"}).json()["items"]) == 2
    assert desk.operator.get("/reports/homes", params={"matter": "colour"}).status_code == 422
    seen, cursor = [], ""
    while True:
        page = desk.operator.get("/reports/homes", params={"limit": 1} | ({"cursor": cursor} if cursor else {})).json()
        seen += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == report["items"]


def test_the_list_outlives_a_restart(desk: Service) -> None:
    desk.see(desk.alarm.take(MORNING))
    before = desk.operator.get("/reports/homes").json()
    desk.web.stop()
    desk.web.start()
    desk.web.ready()
    assert desk.operator.get("/reports/homes").json() == before
    (desk.data / "segments").rename(desk.data / "aside")
    (desk.data / "segments").mkdir()
    desk.web.stop()
    desk.web.start()
    assert desk.operator.get("/reports/homes").json() == before  # of its own file: the journal is out of sight
    (desk.data / "segments").rmdir()
    (desk.data / "aside").rename(desk.data / "segments")
    desk.web.ready()


def test_an_administrator_has_the_homes_checked_now(desk: Service) -> None:
    found = desk.admin.post("/reports/homes")
    assert found.status_code == 200, found.text
    contacts = [item for item in found.json()["items"] if item["matter"] == "contacts"]
    assert [(item["home"], item["sentence_en"]) for item in contacts] == [(HOME, "Only 2 of 3 contacts can be rung.")]
    desk.admin.post("/people", json={"id": f"{HOME}-third", "home": HOME, "role": "grid_worker", "name": "吴珊", "phone": "13800000003"})
    again = desk.admin.post("/reports/homes").json()
    assert [item for item in again["items"] if item["matter"] == "contacts"] == []
    assert desk.operator.get("/reports/homes").json() == again


def test_the_figures_of_both_processes_are_there_to_be_watched(desk: Service) -> None:
    text = httpx.get(f"{desk.web.url}/metrics", trust_env=False, timeout=PATIENCE_S).text
    for line in (
        "anju_recovery_differences 2.0",
        'anju_deliveries_total{channel="hook",result="sent"} 5.0',
        'anju_deliveries_total{channel="hook",result="retried"} 7.0',
        'anju_deliveries_pending{channel="hook"} 3.0',
        'anju_jobs_failed{process="alarm"} 1.0',
        'anju_jobs_failed{process="web"} 0.0',
    ):
        assert line in text.splitlines(), line
