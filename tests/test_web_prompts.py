"""What homes were told by safety prompts, by HTTP: said, waiting, left out and why; kept over a restart of the web process."""

from collections.abc import Iterator

import pytest

from alerting.caring.commands import SeeToCare
from alerting.commands import Asked
from alerting.items import WallClockStepped
from alerting.terms import SERVICE
from devices.home import HomeId
from tests.web_alarm import AREA, HOME
from tests.web_desk import Json, Service, service


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("prompts") / "data") as running:
        running.register()
        yield running


def listed(desk: Service, **query: object) -> list[Json]:
    answer = desk.operator.get("/prompts", params=query)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


def pass_by(desk: Service, days: int) -> None:
    desk.alarm.take(WallClockStepped(days * 86_400.0))
    desk.see(desk.alarm.take(Asked(SeeToCare((HomeId(HOME),)), SERVICE)))


def test_a_planned_prompt_is_listed_with_what_became_of_it_and_its_plan_needs_its_words(desk: Service) -> None:
    plan = {"home": HOME, "errand": "prompt", "every": "day", "at": "09:00", "within_minutes": 1440, "id": "pills"}
    refused = desk.operator.post("/care-plans", json=plan)
    assert (refused.status_code, "note" in refused.text) == (409, True)
    assert desk.operator.post("/care-plans", json=plan | {"note": "请服降压药"}).status_code == 201
    pass_by(desk, 1)
    (left_out,) = listed(desk)
    assert (left_out["state"], left_out["prompt"], left_out["home"]) == ("dropped", "planned", HOME)
    assert left_out["why"] == "没有能播报的设备，也没有可通知的人"
    assert listed(desk, state="said") == []
    hub = {"id": "hub-9", "home": HOME, "model": "anju-hub-1", "room": ""}
    assert desk.admin.post("/devices", json=hub).status_code == 201
    pass_by(desk, 2)
    (said,) = listed(desk, state="said", area=AREA)
    assert (said["title_en"], said["devices"], said["until"]) == ("A word from Anju", ["hub-9"], None)
    assert said["text"].startswith("请服降压药。")
    assert listed(desk, home="nobody") == []
    assert [one["state"] for one in desk.operator.get("/visits", params={"state": "settled"}).json()["items"]] == ["done", "missed"]


def test_a_list_of_prompts_refuses_what_it_does_not_know(desk: Service) -> None:
    assert desk.operator.get("/prompts", params={"sate": "said"}).status_code == 422
