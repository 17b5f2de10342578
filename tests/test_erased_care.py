"""A resident who is erased: nothing that was said of them in visits, plans, requests for help and prompts is kept."""

from pathlib import Path

import pytest

from alerting.caring.commands import SeeToCare, SetCarePlan, SettleCare
from alerting.caring.help_records import HelpStage
from alerting.caring.records import Errand
from alerting.commands import Asked, Close, RetireHome
from alerting.items import WallClockStepped
from alerting.record_commands import EraseResident
from alerting.refusals import Unknown
from alerting.snapshots import home_key
from alerting.terms import SERVICE
from devices.home import HomeId
from tests.test_care import Month, plan, refolded
from tests.web_alarm import AREA, HOME
from tests.web_desk import Json, Service, service, until

WORDS = ("药在抽屉里", "每周二探望", "少盐不吃辣", "饭有点凉", "敲门很久才开", "请服降压药", "女儿已到家")
DAY_S = 86_400.0


def post(desk: Service, path: str, **body: object) -> Json:
    answer = desk.admin.post(path, json=body)
    assert answer.status_code in (200, 201), answer.text
    found: Json = answer.json()
    return found


def days(desk: Service, number: int) -> None:
    desk.alarm.take(WallClockStepped(number * DAY_S))
    desk.see(desk.alarm.take(Asked(SeeToCare((HomeId(HOME),)), SERVICE)))


def open_visit(desk: Service) -> str:
    (visit,) = desk.operator.get("/visits", params={"state": "open"}).json()["items"]
    return str(visit["id"])


def lived(desk: Service) -> None:
    """A visit and its word, a prompt, a request with its words and the resident's; one more visit is open."""
    post(desk, "/responders", id="kitchen", area=AREA, kind="service", name="安和助餐点", helps=["meal"])
    visit = {"home": HOME, "errand": "visit", "every": "day", "at": "09:00", "within_minutes": 600}
    post(desk, "/care-plans", **visit, note=WORDS[1], id="weekly")
    post(desk, "/care-plans", **visit | {"errand": "prompt"}, note=WORDS[5], id="pills")
    days(desk, 1)
    post(desk, f"/visits/{open_visit(desk)}/done", word=WORDS[0])
    due = "2030-01-01T12:00:00Z"
    asked = post(desk, "/help-requests", home=HOME, help="meal", responder="kitchen", due_at=due, word=WORDS[2])
    post(desk, f"/help-requests/{asked['id']}/stage", stage=HelpStage.DONE, word=WORDS[4])
    post(desk, f"/help-requests/{asked['id']}/rating", stars=3, word=WORDS[3])
    days(desk, 2)


def test_what_was_said_of_an_erased_resident_in_care_is_nowhere_in_what_is_kept(tmp_path: Path) -> None:
    with service(tmp_path / "data") as desk:
        desk.register()
        lived(desk)
        after = open_visit(desk)
        assert all(word in listing(desk) for word in WORDS[:6]), "or nothing could be erased"
        assert desk.admin.delete(f"/homes/{HOME}").status_code == 204
        desk.operator.post(f"/visits/{after}/done", json={"word": WORDS[6]})
        assert desk.admin.post(f"/homes/{HOME}/erase", json={"reason": "家属申请"}).status_code == 200
        assert not [word for word in WORDS if word in listing(desk)]
        until("the desk's view is written", lambda: desk.web.desk.views.store.written >= desk.alarm.seq)
        desk.web.stop()
        files = b"".join(path.read_bytes() for path in desk.data.iterdir() if path.name.startswith("views.db"))
        assert not [word for word in WORDS if word.encode() in files]


def listing(desk: Service) -> str:
    """All that the pages of care show."""
    paths = ("/visits?state=all", "/care-plans", "/help-requests?state=all", "/prompts")
    return "".join(desk.operator.get(path).text for path in paths)


def test_the_row_that_the_service_starts_from_has_none_of_the_words_and_a_later_word_makes_none() -> None:
    month = Month()
    month.town.asks(SetCarePlan(plan(Errand.VISIT, note=WORDS[1])))
    month.until("2026-11-23 10:00")
    first, *_ = month.open
    month.town.asks(SettleCare(month.home_id, first.id, done=True, word=WORDS[0]))
    month.until("2026-11-24 10:00")
    (later,) = month.open
    for alert in [one for one in month.town.engine.alerts.values() if one.open]:
        month.town.asks(Close(alert.id, "false_device", "搬离"))
    month.town.asks(RetireHome(month.home_id))
    month.town.asks(EraseResident(month.home_id, "家属申请"))
    with pytest.raises(Unknown):
        month.town.asks(SettleCare(month.home_id, later.id, done=True, word=WORDS[6]))
    row = month.town.engine.snapshot(home_key(month.home_id))
    assert not [word for word in WORDS if word.encode() in row]
    assert refolded(month.town).snapshot(home_key(month.home_id)) == row
