"""The pretended world: the same seed is the same world at any speed, and a healthy day raises nothing."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest

from config.community import community
from simulator.clock import DAY_S, Clock, begin
from simulator.hub import Hub
from simulator.living import Living
from simulator.plan import Plant, Stage
from simulator.play import play
from simulator.resident import Doing, Room, life
from simulator.scenario import load
from simulator.wire import Values
from simulator.world import Emission, Process, Said, World
from tests.virtual import demo

START = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def tell(name: str, *, seed: int, until: float, homes: int = 4) -> tuple[list[tuple[float, Emission]], list[Plant]]:
    scenario = load(name, homes=homes)
    world = World()
    plants: list[Plant] = []
    Stage(scenario, demo(homes, seed=seed, zigbee=True), seed, world, plants.append).set_up()
    return list(world.run(until)), plants


def letters(hub: Hub) -> list[tuple[str, bytes]]:
    taken = []
    while (one := hub.take()) is not None:
        taken.append((one[1].topic, one[1].payload))
    return taken


def test_processes_go_on_in_the_order_of_their_time_and_then_of_their_start() -> None:
    def say(home: str, *waits: float) -> Process:
        for wait in waits:
            yield wait
            yield Said(home, "d", Values())

    world = World()
    world.start(lambda _: say("a", 2.0, 2.0))
    world.start(lambda _: say("b", 1.0, 1.0, 1.0))
    world.start(lambda _: say("c", 0.5), at=1.5)
    assert [(at, emission.home) for at, emission in world.run(10.0)] == [
        (1.0, "b"), (2.0, "a"), (2.0, "b"), (2.0, "c"), (3.0, "b"), (4.0, "a"),
    ]  # fmt: skip
    assert world.next_at is None


def test_a_world_stops_at_the_second_it_is_told_and_goes_on_from_there() -> None:
    whole, _ = tell("community", seed=3, until=600)
    scenario = load("community", homes=4)
    world = World()
    Stage(scenario, demo(4, seed=3, zigbee=True), 3, world, lambda _: None).set_up()
    pieces = [moment for end in range(0, 601, 7) for moment in world.run(float(end))]
    pieces += world.run(600.0)
    assert pieces == whole


@pytest.mark.parametrize("name", ["community", "alarm_storm", "night_fall"])
def test_the_same_seed_gives_the_same_story_and_another_seed_another(name: str) -> None:
    assert tell(name, seed=1, until=400) == tell(name, seed=1, until=400)
    assert tell(name, seed=1, until=400) != tell(name, seed=2, until=400)


def test_the_hubs_say_the_same_at_any_speed() -> None:
    async def played(speed: float) -> list[list[tuple[str, bytes]]]:
        world = World()
        homes = demo(3, zigbee=True)
        hubs = {home.id: Hub(home, "boot") for home in homes}
        Stage(load("kitchen_fire"), homes, 1, world, lambda _: None).set_up()
        await play(world, hubs, begin(speed), until=120.0, on_mark=lambda _mark, _at: None)
        return [[(topic, re.sub(rb'"at":"[^"]*"', b"", payload)) for topic, payload in letters(hub)] for hub in hubs.values()]

    slow, fast = asyncio.run(played(100.0)), asyncio.run(played(10000.0))
    assert sum(map(len, slow)) > 40
    assert slow == fast


def test_devices_stamp_wall_time_at_any_speed() -> None:
    clock = Clock(START, 100.0, 60.0)
    assert clock.wall(120.0) == START + timedelta(seconds=2)
    assert clock.due_s(120.0) == 102.0
    assert clock.virtual_s(102.0) == 120.0
    assert clock.local_s == 10 * 3600


def test_a_planted_event_does_not_change_the_life_around_it() -> None:
    homes = demo(2)
    quiet = World()
    for home in homes:
        Living(home).begin(quiet, everyday=True)
    alone = [(at, e) for at, e in quiet.run(300.0)]
    scenario = msgspec.structs.replace(load("pulled_cord", homes=3), everyday=True)
    eventful = World()
    Stage(scenario, demo(2), 1, eventful, lambda _: None).set_up()
    around = [(at, e) for at, e in eventful.run(300.0) if not (isinstance(e, Said) and e.mark)]
    assert [moment for moment in around if moment in alone] == alone


def test_a_residents_days_follow_each_other_without_a_gap() -> None:
    stays = []
    for stay in life("s"):
        if stay.begins >= 30 * DAY_S:
            break
        stays.append(stay)
    assert stays[0].begins == 0
    assert all(before.ends == after.begins and before.begins <= before.ends for before, after in pairwise(stays))
    asleep = sum(stay.ends - stay.begins for stay in stays if stay.doing is Doing.ASLEEP) / 30 / 3600
    assert 7 < asleep < 12
    assert {stay.room for stay in stays} == set(Room)
    assert {stay.doing for stay in stays} == set(Doing)


def test_two_healthy_days_say_nothing_that_could_raise_an_alert() -> None:
    world = World()
    for home in demo(6, local_s=0.0):
        Living(home).begin(world, everyday=True)
    said = [emission.values for _, emission in world.run(2 * DAY_S) if isinstance(emission, Said)]
    assert len(said) > 6 * 2 * 400
    for values in said:
        assert not values.urgent
        assert not any(alarm is True for alarm in (values.tamper, values.mains_lost, values.battery_low))
        # NEWS2's outer limits, with room to spare.
        assert values.heart_rate is msgspec.UNSET or 45 <= values.heart_rate <= 120
        assert values.spo2 is msgspec.UNSET or 93 <= values.spo2 <= 100
        assert values.body_temperature is msgspec.UNSET or 35.5 <= values.body_temperature <= 37.8
        assert values.battery is msgspec.UNSET or 30 <= values.battery <= 100


def test_the_heart_is_slower_at_night_and_the_body_colder() -> None:
    world = World()
    homes = demo(6, local_s=0.0)
    for home in homes:
        Living(home).begin(world, everyday=True)
    night: list[tuple[float, float]] = []
    evening: list[tuple[float, float]] = []
    for at, emission in world.run(DAY_S):
        if isinstance(emission, Said) and not isinstance(emission.values.heart_rate, msgspec.UnsetType):
            assert not isinstance(emission.values.body_temperature, msgspec.UnsetType)
            hour = at / 3600
            if 2 <= hour <= 5:
                night.append((emission.values.heart_rate, emission.values.body_temperature))
            if 16 <= hour <= 19:
                evening.append((emission.values.heart_rate, emission.values.body_temperature))
    for index, least in ((0, 5.0), (1, 0.25)):
        cold, warm = (sum(one[index] for one in part) / len(part) for part in (night, evening))
        assert warm - cold > least


def test_a_person_on_the_floor_moves_no_sensor() -> None:
    moments, _ = tell("night_fall", seed=1, until=480, homes=2)
    fell = next(at for at, e in moments if isinstance(e, Said) and e.values.fall is True)
    after = [e for at, e in moments if isinstance(e, Said) and e.home == "home-0001" and fell < at < fell + 350]
    assert not any(e.values.occupancy is True or e.values.contact_open is True for e in after)


def test_the_community_brings_something_to_answer_within_the_first_minute_and_then_calmly() -> None:
    for seed in range(1, 6):
        moments, plants = tell("community", seed=seed, until=1800, homes=20)
        expecting = {plant.id for plant in plants if plant.expected}
        marks = [at for at, e in moments if getattr(e, "mark", "") in expecting]
        assert marks[0] < 60
        assert 12 <= len(marks) <= 40
        assert max(after - before for before, after in pairwise(marks)) < 300


def test_a_demo_home_is_the_same_home_whatever_the_number_of_homes() -> None:
    small, large = community(5, 1), community(50, 1)
    assert large.homes[:5] == small.homes
    assert [p for p in large.people if p.home <= "home-0005"] == list(small.people)
    assert [home.area for home in community(5, 2).homes] == [home.area for home in small.homes]


def test_a_demo_community_hangs_together_and_cannot_be_mistaken_for_a_real_one() -> None:
    made = community(3000, 1)
    areas = {area.id for area in made.areas}
    assert all(area.parent is None or area.parent in areas for area in made.areas)
    assert all(area.id.startswith("99") and len(area.id) <= 12 for area in made.areas)
    assert {home.area for home in made.homes} <= areas
    for ids in ([h.id for h in made.homes], [d.id for d in made.devices], [p.id for p in made.people]):
        assert len(ids) == len(set(ids))
    phones = [home.phone for home in made.homes] + [person.phone for person in made.people]
    assert len(phones) == len(set(phones))
    phones += [one.phone for one in made.responders]
    assert all(phone.startswith("000-") for phone in phones)
    assert len(phones) == len(set(phones))
    assert {one.area for one in made.responders} <= areas
    places = [(home.latitude, home.longitude) for home in made.homes] + [(one.latitude, one.longitude) for one in made.responders]
    assert all(36.94 < latitude < 37.0 and 100.24 < longitude < 100.35 for latitude, longitude in places), "on the water"
    of_one = {(home.area, home.name.partition(" 栋")[0]): (home.latitude, home.longitude) for home in made.homes}
    assert len(set(of_one.values())) == len(of_one) > 100, "a building is a place, and no other's"
    for home in made.homes[:50]:
        people = [person for person in made.people if person.home == home.id]
        assert people[0].role == "resident"
        assert [person.order for person in people] == list(range(len(people)))
        assert len(people) >= 2
