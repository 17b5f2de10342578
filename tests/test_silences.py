"""Silences and maintenance: of a home, a device, an area; planned ahead; what they muted comes back; the ledger says all of it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from alerting.commands import EndSilence, RegisterArea, RegisterHome, SetSilence
from alerting.engine import Engine
from alerting.facts import AlertRaised, StepReached
from alerting.refusals import IllegalTransition, Unknown
from alerting.registry_facts import SilenceEnded
from alerting.terms import Category, SilenceId
from devices.home import Area, AreaId, Home, HomeId
from gateway.clock import MACHINE
from tests.household import AREA, DEFAULT, HOME, START, Household, of
from tests.web_alarm import AREA as WEB_AREA
from tests.web_desk import Json, Service, service

COUNTY, ELSEWHERE = AreaId("330106"), AreaId("330107")


def town() -> Household:
    """The home's street lies in a county."""
    house = Household()
    house.asks(RegisterArea(Area(COUNTY, "西湖区")))
    house.asks(RegisterArea(Area(ELSEWHERE, "余杭区")))
    return house


def street_in_county() -> Household:
    house = town()
    house.asks(RegisterArea(Area(AreaId("330106777"), "新街道", parent=COUNTY)))
    house.asks(RegisterHome(Home(HomeId("h777"), AreaId("330106777"), "1栋101")))
    return house


def maintenance(area: AreaId, minutes: float = 60, starts_in: float = 0, id_: str = "m1") -> SetSilence:
    starts_at = START + timedelta(minutes=starts_in)
    until = starts_at + timedelta(minutes=minutes)
    return SetSilence(SilenceId(id_), HomeId(""), None, (), until, "电网检修", area, starts_at, maintenance=True)


def test_maintenance_of_an_area_keeps_its_homes_quiet_for_all_but_what_is_under_the_floor() -> None:
    house = town()
    house.asks(maintenance(AREA))
    (leak,) = of(AlertRaised, house.says("leak", water_leak=True))
    assert (leak.silenced_by, leak.next_step_at) == ("m1", None)
    facts = house.says("cord", pull_cord=True)
    assert of(AlertRaised, facts)[0].silenced_by is None
    assert of(StepReached, facts)


def test_it_covers_all_that_lies_in_the_area_and_nothing_else() -> None:
    house = street_in_county()
    (fact,) = house.asks(maintenance(COUNTY))[:1]
    assert getattr(fact, "areas", ()) == (COUNTY, "330106777")
    house.asks(maintenance(ELSEWHERE, id_="m2"))
    assert of(AlertRaised, house.says("leak", water_leak=True))[0].silenced_by is None, "its street is in neither"


def test_what_it_muted_and_still_stands_rings_when_it_ends_also_when_it_is_ended_early() -> None:
    for early in (False, True):
        house = town()
        house.asks(maintenance(AREA))
        (leak,) = of(AlertRaised, house.says("leak", water_leak=True))
        assert of(StepReached, house.waits(600)) == []
        facts = house.asks(EndSilence(SilenceId("m1"))) if early else house.waits(3000)
        (ended,) = of(SilenceEnded, facts)
        assert ended.by == ("li" if early else "service")
        assert [step.alert for step in of(StepReached, facts)] == [leak.alert]


def test_planned_maintenance_mutes_nothing_before_it_begins() -> None:
    house = town()
    house.asks(maintenance(AREA, starts_in=30))
    (before,) = of(AlertRaised, house.says("leak", water_leak=True))
    assert before.silenced_by is None
    house.waits(1800)
    (during,) = of(AlertRaised, house.says("bath", tamper=True))
    assert during.silenced_by == "m1"
    assert of(SilenceEnded, house.waits(3600))


def test_a_restart_in_the_middle_of_it_changes_nothing() -> None:
    house = town()
    house.asks(maintenance(AREA))
    house.says("leak", water_leak=True)
    revived = Engine(DEFAULT)
    for key in house.engine.keys():  # noqa: SIM118 - an engine is no mapping
        revived.restore(key, house.engine.snapshot(key))
    assert revived.advance(house.now + timedelta(hours=1)) == house.engine.advance(house.now + timedelta(hours=1))


def test_what_may_not_be_muted_so_is_refused() -> None:
    house = town()
    with pytest.raises(Unknown):
        house.asks(maintenance(AreaId("nowhere")))
    for wish in (maintenance(AREA, minutes=0), maintenance(AREA, minutes=60 * 24 * 32)):
        with pytest.raises(IllegalTransition):
            house.asks(wish)
    with pytest.raises(IllegalTransition):
        house.asks(SetSilence(SilenceId("x"), HOME, None, (Category.FIRE,), START + timedelta(hours=1), "安静"))


# --- the ledger, over HTTP -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("silences") / "data") as running:
        running.register()
        body = {"id": "leak", "home": "home-1", "model": "a-leak", "room": "kitchen", "exposes": ["water_leak"]}
        assert running.admin.post("/devices", json=body).status_code == 201
        yield running


def silenced(desk: Service, **fields: object) -> Json:
    until = (MACHINE.wall() + timedelta(hours=2)).isoformat()
    answer = desk.operator.post("/silences", json={"until": until, "reason": "电网检修", **fields})
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


def test_the_ledger_names_what_was_muted_and_when_it_came_back_also_when_it_is_over(desk: Service) -> None:
    made = silenced(desk, area=WEB_AREA, maintenance=True)
    assert (made["home"], made["area"], made["maintenance"], made["under_way"], made["muted_count"]) == (None, WEB_AREA, True, True, 0)
    desk.see(desk.alarm.report("leak", water_leak=True))
    leak = desk.operator.get("/alerts", params={"category": "water"}).json()["items"][0]
    assert leak["silenced_by"] == made["id"]
    (listed,) = desk.operator.get("/silences", params={"home": "home-1"}).json()["items"]
    assert (listed["id"], listed["muted_count"], listed["muted"]) == (made["id"], 1, None)
    (muted,) = desk.operator.get(f"/silences/{made['id']}").json()["muted"]
    assert (muted["alert"], muted["rang_at"]) == (leak["id"], None)
    assert desk.operator.delete(f"/silences/{made['id']}").status_code == 204
    assert desk.operator.get("/silences").json()["items"] == []
    (over,) = desk.operator.get("/silences", params={"ended": True}).json()["items"]
    assert (over["ended_by"], over["under_way"]) == ("li.na", False)
    (muted,) = desk.operator.get(f"/silences/{made['id']}").json()["muted"]
    assert muted["rang_at"] is not None, "it rang"


def test_a_silence_is_of_a_home_or_an_area(desk: Service) -> None:
    until = (MACHINE.wall() + timedelta(hours=2)).isoformat()
    for wrong in ({}, {"home": "home-1", "area": WEB_AREA}, {"area": WEB_AREA, "device": "leak"}):
        assert desk.operator.post("/silences", json={"until": until, "reason": "x", **wrong}).status_code == 422


def test_the_ledger_is_there_after_a_restart_of_the_web_process(desk: Service) -> None:
    before = desk.operator.get("/silences", params={"ended": True}).json()
    desk.web.stop()
    desk.web.start()
    desk.web.ready()
    assert desk.operator.get("/silences", params={"ended": True}).json() == before
