"""Many homes dark at once: one alert for the area, single alerts folded into it, and never a call, a fire, gas or a fall."""

import sys
from datetime import datetime, timedelta
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerting.area_rules import AreaOutage, Dark
from alerting.assembly import problems_of
from alerting.commands import Claim, Close, MarkWelfare, RetireHome
from alerting.engine import Engine
from alerting.facts import (
    AlertCleared,
    AlertClosed,
    AlertFolded,
    AlertRaised,
    AlertRecurred,
    AlertUnfolded,
    AreaJoined,
    AreaLeft,
    Fact,
    StepReached,
    WelfareNoted,
)
from alerting.items import Configured, Item, ServiceStarted
from alerting.refusals import Unknown
from alerting.suppression import under_floor
from alerting.terms import AlertId, Category, Welfare
from devices.home import HomeId
from tests.household import DEFAULT, START
from tests.town import COMMUNITY, STREET, Town, of, row

SECOND = timedelta(seconds=1)


def cut_off(town: Town, count: int, *, every: timedelta = 5 * SECOND) -> None:
    for home in town.homes[:count]:
        town.now += every
        town.hub(home, online=False)


def test_many_hubs_away_within_minutes_are_one_alert_with_every_home_on_its_list() -> None:
    town = Town(20)
    cut_off(town, 8)
    facts = town.waits(10)
    (area,) = town.areas()
    assert (area.home, area.area, area.category, area.priority, area.rule) == ("", COMMUNITY, Category.TECHNICAL, 2, "area-silent")
    assert area.raised_at == START + timedelta(seconds=6 * 5 + 120), "the sixth of twenty is thirty in a hundred; and two minutes later"
    assert "20 户中有 8 户" in area.reason.zh
    assert "8 of the 20 homes" in area.reason.en
    assert sorted(joined.home for joined in of(AreaJoined, facts)) == town.homes[:8]
    assert all(alert.folded_into == area.id for alert in town.of_homes())
    assert {step.alert for step in of(StepReached, facts)} == {area.id}, "the single alerts rang at nobody"


def test_a_few_homes_and_homes_one_after_the_other_are_no_outage() -> None:
    town = Town(20)
    cut_off(town, 5)
    town.waits(30)
    assert town.areas() == []
    slow = Town(20)
    for home in slow.homes[:8]:
        slow.waits(3)
        slow.hub(home, online=False)
    slow.waits(10)
    assert slow.areas() == []


def test_a_blink_of_the_network_is_no_outage() -> None:
    town = Town(20)
    cut_off(town, 10, every=SECOND)
    town.waits(1)
    for home in town.homes[:10]:
        town.hub(home, online=True)
    town.waits(30)
    assert town.areas() == []
    assert town.of_homes() == []


@given(st.sets(st.integers(0, 11), min_size=5, max_size=12), st.sampled_from([{"pull_cord": True}, {"sos": True}]))
@settings(max_examples=15, deadline=None)
def test_a_call_out_of_a_dark_home_is_never_folded_and_rings_at_once(dark: set[int], values: dict[str, bool]) -> None:
    town = Town(12)
    for number in sorted(dark):
        town.hub(town.homes[number], online=False)
    facts = town.waits(8, living=False)
    for home in town.homes:
        called = town.says(home, "cord" if "pull_cord" in values else "watch", **values)
        (raised,) = of(AlertRaised, called)
        assert under_floor(raised.category)
        assert of(StepReached, called)
        facts += called
    facts += town.waits(30, living=False)
    floor = {raised.alert for raised in of(AlertRaised, facts) if under_floor(raised.category)}
    assert not floor.intersection(folded.alert for folded in of(AlertFolded, town.facts))
    assert town.areas()


def test_homes_come_back_and_who_stays_dark_stands_for_himself_again() -> None:
    town = Town(20)
    cut_off(town, 10)
    town.waits(10)
    (area,) = town.areas()
    for home in town.homes[:7]:
        town.hub(home, online=True)
    assert town.engine.alerts[area.id].cleared_at is None, "three of ten are more than two in ten"
    facts = town.hub(town.homes[7], online=True)
    assert [cleared.alert for cleared in of(AlertCleared, facts) if not cleared.home] == [area.id]
    unfolded = {fact.home for fact in of(AlertUnfolded, facts)}
    assert unfolded == set(town.homes[8:10])
    rung = {step.home for step in of(StepReached, [*facts, *town.waits(1)])}
    assert rung >= unfolded
    (left,) = of(AreaLeft, town.hub(town.homes[8], online=True))
    assert left.alert == area.id


def test_a_home_that_comes_back_with_a_device_missing_is_told_of_it() -> None:
    town = Town(20)
    cut_off(town, 10)
    town.waits(10)
    (area,) = town.areas()
    home = town.homes[0]
    facts = town.hub(home, online=True)
    cleared = {fact.alert for fact in of(AlertCleared, facts)}
    assert len(cleared) == 1
    assert of(AlertUnfolded, facts) == [], "its hub's alert is over, and stays in the area's"
    for _ in range(14):
        town.waits(1, living=False)
        town.says(home, "hub", rssi=-60)
    alone = [alert for alert in town.of_homes() if alert.home == home and alert.id not in cleared]
    assert [(str(alert.device), alert.folded_into) for alert in alone] == [(f"{home}-watch", None)]
    assert town.engine.alerts[area.id].open


def test_a_home_that_goes_dark_later_joins_and_one_dark_since_yesterday_does_not() -> None:
    town = Town(20)
    town.hub(town.homes[19], online=False)
    town.waits(60)
    cut_off(town, 10)
    town.waits(10)
    (area,) = town.areas()
    assert town.engine.homes[town.homes[19]].outages == ()
    facts = town.hub(town.homes[15], online=False)
    assert [joined.alert for joined in of(AreaJoined, facts)] == [area.id]
    folded = of(AlertFolded, town.waits(5))
    assert {fact.home for fact in folded} == {town.homes[15]}


def test_power_is_counted_by_what_devices_say_of_the_mains() -> None:
    town = Town(20)
    for home in town.homes[:6]:
        town.now += SECOND
        town.says(home, "hub", mains_lost=True)
    facts = town.waits(5)
    (area,) = town.areas()
    assert (area.rule, area.priority) == ("area-mains", 2)
    assert {fact.home for fact in of(AlertFolded, facts)} == set(town.homes[:6])
    for home in town.homes[:5]:
        town.says(home, "hub", mains_lost=False)
    assert town.engine.alerts[area.id].cleared_at is not None


def test_the_larger_outage_swallows_the_smaller() -> None:
    town = Town(30, others=40, building=5)
    cut_off(town, 5)
    town.waits(5)
    (building,) = town.areas()
    assert building.rule == "building-silent"
    for home in town.homes[5:20]:
        town.hub(home, online=False)
    town.waits(5)
    community = town.areas()[-1]
    assert (community.rule, community.folded_into) == ("area-silent", None)
    assert town.engine.alerts[building.id].folded_into == community.id
    for home in town.others[:20]:
        town.hub(home, online=False)
    town.waits(8)
    street = next(alert for alert in town.areas() if alert.rule == "district-silent")
    assert street.area == STREET
    standing = [alert.id for alert in town.areas() if alert.open and alert.folded_into is None]
    assert standing == [street.id]


def test_homes_on_one_carrier_are_counted_together() -> None:
    town = Town(12, others=12, carrier="移动")
    for home in (*town.homes[:3], *town.others[:10]):
        town.hub(home, online=False)
    town.waits(5)
    standing = [alert.rule for alert in town.areas() if alert.folded_into is None]
    assert standing == ["carrier-silent"], "thirteen of twenty-four; ten of twelve in one community are part of it"


def test_the_alert_of_an_area_is_worked_like_any_other_and_its_homes_are_ticked_off() -> None:
    town = Town(20)
    cut_off(town, 10)
    town.waits(5)
    (area,) = town.areas()
    town.asks(Claim(area.id))
    (noted,) = town.asks(MarkWelfare(area.id, town.homes[0], Welfare.SAFE, " 电话已通 "))
    assert noted == WelfareNoted(area.id, town.now, HomeId(""), noted.by, town.homes[0], Welfare.SAFE, "电话已通")  # type: ignore[union-attr]
    with pytest.raises(Unknown):
        town.asks(MarkWelfare(area.id, town.homes[15], Welfare.SAFE))
    with pytest.raises(Unknown):
        town.asks(MarkWelfare(AlertId("x"), town.homes[0], Welfare.SAFE))
    town.hub(town.homes[0], online=True)
    facts = town.asks(Close(area.id, "false_device", "光缆已修"))
    assert [(fact.home, fact.by) for fact in of(AlertClosed, facts)] == [("", "li"), (town.homes[0], "li")]
    assert {fact.home for fact in of(AlertUnfolded, facts)} == set(town.homes[1:10])
    town.waits(60)
    assert len(town.areas()) == 1, "what was closed is not raised anew for the same homes"


def test_an_outage_that_comes_back_is_the_same_alert() -> None:
    town = Town(20)
    cut_off(town, 10)
    town.waits(5)
    for home in town.homes[:10]:
        town.hub(home, online=True)
    (area,) = town.areas()
    assert area.cleared_at is not None
    town.waits(3)
    cut_off(town, 10, every=SECOND)
    facts = town.waits(5)
    assert [fact.alert for fact in of(AlertRecurred, facts) if not fact.home] == [area.id]
    assert len(of(AreaJoined, facts)) == 10


def test_a_home_that_is_retired_is_off_the_list() -> None:
    town = Town(20)
    cut_off(town, 10)
    town.waits(1)
    facts = town.asks(RetireHome(town.homes[0]))
    town.waits(3)
    (area,) = town.areas()
    assert of(AreaJoined, facts) == []
    assert "19 户中有 9 户" in area.reason.zh


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"at_least": 1}, "one home is no outage"), ({"share": 1.2}, "between 0 and 1"), ({"level": -1}, "level is negative"),
        ({"category": Category.WATER}, "technical"), ({"window": timedelta(0)}, "window"), ({"share": float("nan")}, "no finite number"),
    ],
)  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused(change: dict[str, object], said: str) -> None:
    rule = next(rule for rule in DEFAULT.rules if isinstance(rule, AreaOutage))
    changed = replace(rule, **change)
    assert any(said in problem for problem in problems_of(replace(DEFAULT, rules=(changed, *(r for r in DEFAULT.rules if r is not rule)))))


# --- exactness

MOVES = st.lists(st.tuples(st.integers(0, 11), st.sampled_from(["off", "on", "mains", "lit", "wait"]), st.integers(0, 200)), max_size=40)


def play(town: Town, moves: list[tuple[int, str, int]]) -> None:
    for number, what, seconds in moves:
        home = town.homes[number]
        town.now += seconds * SECOND
        match what:
            case "off" | "on":
                town.hub(home, online=what == "on")
            case "mains" | "lit":
                town.says(home, "hub", mains_lost=what == "mains")
            case _:
                town.waits(1, living=False)


@given(MOVES, st.integers(0, 200))
@settings(max_examples=25, deadline=None)
def test_whatever_happens_a_restart_in_the_middle_changes_nothing(moves: list[tuple[int, str, int]], cut: int) -> None:
    town = Town(12)
    play(town, moves)
    town.waits(30, living=False)
    journal = town.journal
    cut = min(cut, len(journal))
    first = Engine(DEFAULT)
    for entry, now in journal[:cut]:
        first.fold(entry, now)
    again = Engine(DEFAULT)
    for key in first.keys():  # noqa: SIM118 - no dict
        again.restore(key, first.snapshot(key))
    for entry, now in journal[cut:]:
        again.fold(entry, now)
    end = town.now + timedelta(hours=1)
    assert again.handle(ServiceStarted(None), end) == town.engine.handle(ServiceStarted(None), end)
    for key in town.engine.keys():  # noqa: SIM118 - no dict
        assert row(again, key) == row(town.engine, key)


@given(MOVES)
@settings(max_examples=25, deadline=None)
def test_one_leap_gives_the_facts_of_many_steps(moves: list[tuple[int, str, int]]) -> None:
    leaping, walking = Town(12), Town(12)
    play(leaping, moves)
    leaping.waits(30, living=False)
    engine = walking.engine.handle

    def steps(item: Item, now: datetime) -> list[Fact]:
        facts: list[Fact] = []
        while walking.engine.next_deadline is not None and walking.engine.next_deadline < now:
            facts += walking.engine.advance(walking.engine.next_deadline)
        return facts + engine(item, now)

    walking.engine.handle = steps  # type: ignore[method-assign]
    play(walking, moves)
    walking.waits(30, living=False)
    assert walking.facts == leaping.facts


@given(st.permutations(range(10)))
@settings(max_examples=20, deadline=None)
def test_the_order_in_which_homes_fall_dark_in_one_instant_makes_no_difference(order: list[int]) -> None:
    town = Town(12)
    town.now += SECOND
    for number in order:
        town.hub(town.homes[number], online=False)
    town.waits(2.5, living=False)
    (area,) = town.areas()
    assert (area.raised_at, len(town.engine.homes)) == (START + 121 * SECOND, 12)
    assert area.title.zh == "安和社区：10 户同时失联"
    assert {home for home, state in town.engine.homes.items() if state.outages} == set(town.homes[:10])


def test_new_rules_in_the_middle_of_an_outage_leave_its_alert_and_its_list() -> None:
    town = Town(20)
    cut_off(town, 10)
    town.waits(5)
    without = replace(DEFAULT, version="other", rules=tuple(r for r in DEFAULT.rules if not isinstance(r, AreaOutage)))
    town.takes(Configured(without))
    (area,) = town.areas()
    assert area.open
    for home in town.homes[:10]:
        town.hub(home, online=True)
    assert town.engine.alerts[area.id].cleared_at is not None
    assert all(m.back_at and m.dark is Dark.SILENT for home in town.homes[:10] for m in town.engine.homes[home].outages)


def calls_of_a_power_cut(homes: int) -> float:
    """Functions called for each home while all homes of a community go dark within four minutes, and come back an hour later."""
    town = Town(homes)
    calls = 0

    def called(_: FrameType, event: str, __: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(called)
    try:
        cut_off(town, homes, every=240 * SECOND / homes)
        town.waits(60, living=False)
        for home in town.homes:
            town.now += SECOND / 10
            town.hub(home, online=True)
    finally:
        sys.setprofile(None)
    assert {area.rule for area in town.areas() if area.cleared_at is not None} == {"area-silent", "district-silent"}
    assert len(of(AreaJoined, town.facts)) == len(of(AreaLeft, town.facts)) >= homes
    return calls / homes


def test_a_home_in_the_dark_costs_the_same_however_many_are_in_it_with_it() -> None:
    assert calls_of_a_power_cut(160) < 1.1 * calls_of_a_power_cut(40)
