"""Drills by HTTP: held on the plan, staff and rosters of the real service, kept, and nothing of it anywhere else."""

from collections.abc import Iterator

import pytest

from alerting.items import Configured
from tests.household import default_ruleset
from tests.web_alarm import AREA
from tests.web_desk import Service, service

WISH = {"area": AREA, "category": "fire", "scale": "building", "grade": 2, "homes": 3, "reason": "季度演练"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("drills") / "data") as running:
        running.register()
        running.see(running.alarm.take(Configured(default_ruleset())))
        yield running


def test_a_drill_says_who_would_have_been_told_when_and_who_accepted(desk: Service) -> None:
    before = desk.alarm.seq
    answers = [{"target": "supervisor", "after_s": 30}]
    answer = desk.admin.post("/drills", json=WISH | {"answers": answers})
    assert answer.status_code == 201, answer.text
    drill = answer.json()
    assert (drill["origin"], drill["alerts"], drill["graded_after_s"], drill["met"]) == ("training", 3, 60, True)
    assert drill["title"]["zh"].startswith("【演练】火情 · 楼栋 II 级")
    told = {(one["target"], one["channel"]): one for one in drill["told"]}
    assert told["supervisor", "hook"]["by_grade"]
    assert (told["supervisor", "hook"]["answer"], drill["accepted_after_s"]) == ("accepted", 90)
    said = [line["text"]["zh"] for line in drill["lines"]]
    assert "本应通知：主管（hook）" in said
    assert {line["home"]["zh"] for line in drill["lines"]} == {"演练住户 1", "演练住户 2", "演练住户 3"}
    assert desk.alarm.seq == before, "nothing of it is in the journal"
    assert desk.operator.get("/alerts", params={"status": "open"}).json()["items"] == []
    assert desk.operator.get("/homes").json()["items"][0]["id"] == "home-1"


def test_what_was_wanting_stands_there_in_words(desk: Service) -> None:
    wish = WISH | {"scale": "area", "grade": 1, "unreachable": ["shift_lead"]}
    drill = desk.admin.post("/drills", json=wish).json()
    assert not drill["met"]
    notes = " ".join(note["en"] for note in drill["notes"])
    assert "nobody of the staff is lead or supervisor" in notes
    assert "Not reached: shift lead." in notes
    assert "Nobody accepted within 15 minutes." in notes


def test_it_is_kept_and_read_again_the_newest_first_and_after_a_restart(desk: Service) -> None:
    key = {"Idempotency-Key": "drill once"}
    first, second = (desk.admin.post("/drills", json=WISH, headers=key).json() for _ in range(2))
    assert first == second
    listed = desk.operator.get("/drills", params={"limit": 1}).json()
    assert [one["id"] for one in listed["items"]] == [first["id"]]
    assert listed["items"][0]["lines"] is None
    desk.web.stop()
    desk.web.start()
    desk.web.ready()
    assert desk.operator.get(f"/drills/{first['id']}").json() == first
    assert desk.operator.get("/drills/users").status_code == 404


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"grade": 4}, 409), ({"area": "999"}, 409), ({"category": "technical"}, 409),
        ({"scale": None}, 422), ({"homes": 51}, 422), ({"reason": ""}, 422),
    ],
)
def test_what_cannot_be_drilled_is_refused(desk: Service, change: dict[str, object], status: int) -> None:
    assert desk.admin.post("/drills", json=WISH | change).status_code == status


def test_whoever_may_not_supervise_reads_drills_and_holds_none(desk: Service) -> None:
    assert desk.operator.post("/drills", json=WISH).status_code == 403
    assert desk.operator.get("/drills/0123456789abcdef").status_code == 404
