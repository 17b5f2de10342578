"""What a family sees by its link: what every resident consented to, nothing more, and nothing at all once it is taken back."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import combinations

import httpx
import pytest

from alerting.caring.commands import SeeToCare
from alerting.caring.family import Shows
from alerting.commands import Asked
from alerting.items import WallClockStepped
from alerting.terms import SERVICE
from devices.home import HomeId
from tests.web_alarm import AREA, HOME
from tests.web_desk import Json, Service, service, until

RESIDENT, SON = f"{HOME}-anna", f"{HOME}-son"
SECRETS = ("陈桂英", "陈志强", "周敏", "13800000001", "12 栋", "翠苑", "卫生间", "bedroom", "药在抽屉里", "每周二探望", "拉绳", HOME, AREA)
EVERY = [frozenset(some) for size in range(len(Shows) + 1) for some in combinations(Shows, size)]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("family") / "data") as running:
        running.register()
        plan = {"home": HOME, "errand": "visit", "every": "day", "at": "09:00", "within_minutes": 600, "note": "每周二探望", "who": "周敏"}
        assert running.operator.post("/care-plans", json=plan).status_code == 201
        running.alarm.take(WallClockStepped(86_400.0))
        running.see(running.alarm.take(Asked(SeeToCare((HomeId(HOME),)), SERVICE)))
        (visit,) = running.operator.get("/visits", params={"state": "open"}).json()["items"]
        assert running.operator.post(f"/visits/{visit['id']}/done", json={"word": "药在抽屉里"}).status_code == 200
        running.pull_cord()
        yield running


def consents(desk: Service, *shows: str, resident: str = RESIDENT, word: str = "当面同意，已签字") -> httpx.Response:
    return desk.operator.put(f"/homes/{HOME}/consent", json={"resident": resident, "shows": list(shows), "word": word})


def link(desk: Service, **more: object) -> Json:
    answer = desk.operator.post(f"/homes/{HOME}/family-links", json={"contact": SON} | more)
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


def opened(desk: Service, path: str) -> httpx.Response:
    """By a telephone that is logged in nowhere."""
    return httpx.get(f"{desk.web.url}{path}", timeout=30)


def test_whatever_a_resident_consented_to_is_all_that_is_shown_and_names_nobody(desk: Service) -> None:
    consents(desk, *Shows)
    path = link(desk)["path"]
    for shows in EVERY:
        assert consents(desk, *shows).status_code == 200
        seen, page = opened(desk, f"{path}/data"), opened(desk, path)
        assert seen.json().keys() == shows, "at once, by the link that is there"
        assert page.status_code == 200
        assert not [secret for secret in SECRETS if secret in page.text + seen.text]
    assert "目前不展示任何内容" in (consents(desk), opened(desk, path))[1].text


def test_it_shows_that_there_is_an_alert_a_sign_of_life_a_visit_and_devices(desk: Service) -> None:
    consents(desk, *Shows)
    seen = opened(desk, f"{link(desk)['path']}/data").json()
    assert seen["alerts"] == ["有一项警报待处理", "an alert is open"]
    assert seen["devices"] == {"devices": 1, "heard": 1, "low": 0}
    assert [visit["zh"] for visit in seen["visits"]] == ["上门探访"]
    assert seen["alive"].endswith(("00:00Z", "15:00Z", "30:00Z", "45:00Z")), "no nearer than a quarter of an hour"


def test_a_link_that_is_revoked_shows_nothing_at_once_and_another_goes_on(desk: Service) -> None:
    consents(desk, Shows.ALIVE)
    one, other = link(desk), link(desk)
    assert desk.operator.delete(f"/homes/{HOME}/family-links/{one['id']}").status_code == 204
    assert opened(desk, one["path"]).status_code == 404
    assert opened(desk, other["path"]).status_code == 200
    assert desk.operator.delete(f"/homes/{HOME}/family-links/{one['id']}").status_code == 404
    assert one["id"] not in [known["id"] for known in desk.operator.get(f"/homes/{HOME}/family").json()["links"]]


def test_a_link_ends_on_its_day(desk: Service) -> None:
    consents(desk, Shows.ALIVE)
    path = link(desk, days=10)["path"]
    now = desk.web.desk.wall
    try:
        desk.web.desk.wall = lambda: now() + timedelta(days=10)
        assert opened(desk, path).status_code == 200, "the alarm's clock was a day ahead when it was made"
        desk.web.desk.wall = lambda: now() + timedelta(days=12)
        assert opened(desk, path).status_code == 404
    finally:
        desk.web.desk.wall = now


def test_the_secret_of_a_link_is_told_once_and_is_in_no_file(desk: Service) -> None:
    consents(desk, Shows.ALIVE)
    code = link(desk)["path"].removeprefix("/f/")
    assert code not in desk.operator.get(f"/homes/{HOME}/family").text
    until("the desk's view is written", lambda: desk.web.desk.views.store.written >= desk.alarm.seq)
    files = b"".join(path.read_bytes() for path in desk.data.rglob("*") if path.is_file() and path.name != "reserve")
    assert code.encode() not in files


def test_a_second_resident_who_has_not_consented_keeps_everything_unseen(desk: Service) -> None:
    consents(desk, *Shows)
    path = link(desk)["path"]
    husband = {"id": f"{HOME}-husband", "home": HOME, "role": "resident", "name": "某老伯"}
    assert desk.admin.post("/people", json=husband).status_code == 201
    assert opened(desk, f"{path}/data").json() == {}
    consents(desk, Shows.VISITS, resident=str(husband["id"]))
    assert opened(desk, f"{path}/data").json().keys() == {"visits"}
    assert desk.admin.delete(f"/people/{husband['id']}").status_code == 204
    assert len(opened(desk, f"{path}/data").json()) == len(Shows)


@pytest.mark.parametrize(
    ("sentence", "body", "status"),
    [
        ("consent of somebody who does not live there", {"resident": SON, "shows": ["alive"], "word": "x"}, 409),
        ("consent without how it was given", {"resident": RESIDENT, "shows": ["alive"]}, 409),
        ("something that cannot be shown", {"resident": RESIDENT, "shows": ["medical"], "word": "x"}, 422),
        ("nobody of the home", {"resident": "nobody", "shows": ["alive"], "word": "x"}, 404),
    ],
)
def test_consent_that_is_none_is_refused(desk: Service, sentence: str, body: Json, status: int) -> None:
    assert desk.operator.put(f"/homes/{HOME}/consent", json=body).status_code == status, sentence


def test_a_link_needs_consent_a_contact_and_an_end(desk: Service) -> None:
    consents(desk)
    path = f"/homes/{HOME}/family-links"
    assert desk.operator.post(path, json={"contact": SON}).status_code == 409
    consents(desk, Shows.ALIVE)
    assert desk.operator.post(path, json={"contact": RESIDENT}).status_code == 409
    assert desk.operator.post(path, json={"contact": SON, "days": 5000}).status_code == 422


def test_whoever_looks_is_on_record(desk: Service) -> None:
    consents(desk, Shows.ALIVE)
    opened(desk, link(desk)["path"])
    until("the look is written", lambda: f"family:{SON}" in desk.admin.get(f"/homes/{HOME}/looks").text)


def test_who_guesses_is_soon_asked_to_wait_and_a_good_link_goes_on(desk: Service) -> None:
    consents(desk, Shows.ALIVE)
    good = link(desk)["path"]
    statuses = [opened(desk, f"/f/guess-{number}").status_code for number in range(40)]
    assert statuses[0] in (404, 429)
    assert statuses[-1] == 429
    assert opened(desk, good).status_code == 200


def test_a_contact_who_is_gone_and_an_erased_home_end_their_links(desk: Service) -> None:
    consents(desk, *Shows)
    by_son, by_neighbour = link(desk)["path"], link(desk, contact=f"{HOME}-next")["path"]
    assert desk.admin.delete(f"/people/{SON}").status_code == 204
    assert opened(desk, by_son).status_code in (404, 429)
    assert opened(desk, by_neighbour).status_code == 200
    for alert in desk.operator.get("/alerts", params={"status": "open", "home": HOME}).json()["items"]:
        desk.operator.post(f"/alerts/{alert['id']}/claim")
        desk.operator.post(f"/alerts/{alert['id']}/close", json={"disposition": "assistance_given", "reason": "x"})
    assert desk.admin.delete(f"/homes/{HOME}").status_code == 204
    assert opened(desk, by_neighbour).status_code in (404, 429)
    assert desk.admin.post(f"/homes/{HOME}/erase", json={"reason": "家属申请"}).status_code == 200
    assert opened(desk, by_neighbour).status_code in (404, 429)
