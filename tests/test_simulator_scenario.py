"""Scenario files: the shipped ones are sound, and a faulty one is told file, key and reason."""

import re
from pathlib import Path

import pytest

from simulator.acts import ACTS, Act
from simulator.casting import cast, furnished
from simulator.device import Kind
from simulator.dwelling import Dwelling
from simulator.home import virtual_homes
from simulator.plan import Plant, Stage
from simulator.registry import demo_homes
from simulator.resident import Room
from simulator.scenario import ScenarioError, Span, load, parse, shipped
from simulator.world import World
from tests.virtual import demo

SOUND = """
homes = 2
duration = "1m30s"
[title]
zh = "一"
en = "one"
[story]
zh = "一"
en = "one"
[[event]]
at = "10s"
do = "pull_cord"
expect = { category = "call_for_help", within = "2s" }
"""


def test_the_stories_of_the_service_are_shipped() -> None:
    wanted = {"pulled_cord", "kitchen_fire", "night_fall", "dead_battery", "hub_offline", "alarm_storm", "community"}
    assert wanted <= set(shipped())


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_scenario_plants_all_that_it_tells_and_marks_each_event_once(name: str) -> None:
    scenario = load(name, homes=min(load(name).homes, 40))
    world = World()
    plants: list[Plant] = []
    homes = demo(scenario.homes, zigbee=scenario.needs_zigbee)
    Stage(scenario, homes, 1, world, plants.append).set_up()
    marks = [mark for _, emission in world.run(scenario.duration) if (mark := getattr(emission, "mark", ""))]
    assert all(plant.device for plant in plants)
    assert sorted(marks) == sorted(set(marks))
    assert set(marks) == {plant.id for plant in plants}
    assert any(plant.expected for plant in plants)


def test_every_act_can_be_told_and_leaves_its_mark() -> None:
    for act in Act:
        text = SOUND.replace('do = "pull_cord"', f'do = "{act}"')
        scenario = parse(text, "each.toml")
        world = World()
        plants: list[Plant] = []
        records = [furnished(record, tuple(Kind)) for record in demo_homes(2, 1)]
        homes = virtual_homes(records, seed=1, local_s=36000.0, all_zigbee=ACTS[act].zigbee)
        Stage(scenario, homes, 1, world, plants.append).set_up()
        marked = [emission for _, emission in world.run(3600.0) if getattr(emission, "mark", "") == "1.home-0001"]
        assert len(plants) == len(marked) == 1, act


@pytest.mark.parametrize(
    ("change", "to", "complaint"),
    [
        ("homes = 2", "", "x.toml: Object missing required field `homes`"),
        ("homes = 2", "homes = 0", "x.toml: homes: 0 homes are none"),
        ("homes = 2", "homes = 2\nspeed = 3", "x.toml: Object contains unknown field `speed`"),
        ("homes = 2", 'homes = 2\nstart = "25:00"', "x.toml: start: '25:00' is not a time of day such as 02:40"),
        ("1m30s", "soon", "x.toml: duration: 'soon' is not a duration such as 90s, 5m or 1h30m"),
        ("pull_cord", "pull_rope", "x.toml: event 1.do: Invalid enum value 'pull_rope'"),
        ("call_for_help", "help", "x.toml: event 1.expect.category: Invalid enum value 'help'"),
        ('within = "2s"', 'within = "2s", priority = 7', "x.toml: event 1.expect.priority: Invalid enum value 7"),
        ('within = "2s"', 'within = "0s"', "x.toml: event 1.expect.within: no time at all"),
        ('at = "10s"', 'at = "10s"\nhome = 3', "x.toml: event 1.home: home 3 of 2: they are numbered from 1"),
        ('at = "10s"', 'at = "10s"\nhome = [1, 0]', "x.toml: event 1.home: home 0 of 2: they are numbered from 1"),
        ('at = "10s"', 'at = "3m"', "x.toml: event 1.at: 180 s is after the end, 90 s"),
        ('at = "10s"', 'at = "10s"\nevery = "200ms"', "x.toml: event 1.every: less than a second apart"),
        ('at = "10s"', 'at = "10s"\ntimes = 0', "x.toml: event 1.times: 0 times is never"),
        ('at = "10s"', 'at = "10s"\ndevice = "door"', "x.toml: event 1.device: pull_cord is not something that a door does"),
        ('zh = "一"', "zh = 1", "x.toml: title.zh: Expected `str`, got `int`"),
        ("[title]", "[title", "x.toml: not TOML: "),
        ("[title]", f"x = {'[' * 2000}{']' * 2000}\n[title]", "x.toml: nested too deeply"),
        ("[title]", f"x = {'9' * 5000}\n[title]", "x.toml: not TOML: Exceeds the limit"),
    ],
)
def test_a_faulty_scenario_is_told_file_key_and_reason(change: str, to: str, complaint: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        parse(SOUND.replace(change, to, 1), "x.toml")
    assert re.sub(r"^x.toml:\d+:", "x.toml:", str(refused.value)).startswith(complaint)
    assert "\n" not in str(refused.value)


def test_a_scenario_that_does_not_exist_is_told_what_there_is() -> None:
    there = "no_such: No such file or directory; shipped ones are alarm_storm, area_outage, bad_lines, community"
    with pytest.raises(ScenarioError, match=there):
        load("no_such")


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90.0), ("5m", 300.0), ("1h30m", 5400.0), ("500ms", 0.5), ("1.5s", 1.5)])
def test_a_duration_is_read_in_its_unit(text: str, seconds: float) -> None:
    scenario = parse(SOUND.replace("10s", "0s", 1).replace("1m30s", text), "x.toml")
    assert scenario.duration == Span(seconds)


def test_the_number_of_homes_asked_for_replaces_the_scenarios_own_and_is_checked_like_it() -> None:
    assert load("community", homes=3).homes == 3
    with pytest.raises(ScenarioError, match=r"pulled_cord.toml:21: event 2.home: home 2 of 1"):
        load("pulled_cord", homes=1)


CAST = """
kit = ["hub", "cord-bed", "smoke", "watch", "bed", "meter"]
[[dwelling]]
name = "farmhouse"
walls = "stone"
spread = 3
[dwelling.rooms]
kitchen = { size_m2 = 14, at = [0, 9] }
[[resident]]
who = "up at night, forgets"
homes = [2]
dwelling = "farmhouse"
sleeps = "badly"
forgets = "often"
health = "weak lungs"
[[fault]]
at = "10s"
do = "mains_outage"
lasts = "1m"
area = "any"
expect = { category = "technical", within = "5s" }
"""


def test_residents_dwellings_and_faults_are_read_and_cast() -> None:
    kit, _, rest = CAST.partition("[[dwelling]]")
    scenario = parse(f"{kit}{SOUND}[[dwelling]]{rest}", "x.toml")
    occupants, words = cast(scenario, ["home-0001", "home-0002"], 1)
    assert list(occupants) == list(words) == ["home-0002"]
    here = occupants["home-0002"]
    assert here.habits.forgetful > 0.3
    assert here.dwelling.air(Room.KITCHEN).volume_m3 > 30
    assert here.dwelling.signal(Room.KITCHEN) < Dwelling().signal(Room.KITCHEN) - 30


@pytest.mark.parametrize(
    ("change", "to", "complaint"),
    [
        ('do = "pull_cord"', 'do = "pul_cord"', "x.toml:12: event 1.do: Invalid enum value 'pul_cord'; did you mean 'pull_cord'?"),
        (
            'do = "pull_cord"',
            'do = "pull_cord"\njiter = "3s"',
            "x.toml:13: event 1: Object contains unknown field `jiter`; did you mean 'jitter'?",
        ),
        ("homes = 2", 'homes = 2\nkit = ["hub", "cod-bed"]', "x.toml:3: kit: 'cod-bed' is no device"),
        (
            "[title]",
            '[[resident]]\nwho = "a"\nshare = 50\ndwelling = "hut"\n[[dwelling]]\nname = "huts"\n[title]',
            "there is no [[dwelling]] named 'hut'; did you mean 'huts'?",
        ),
        ("[title]", '[[resident]]\nwho = "a"\n[title]', "x.toml:4: resident 1.share: nobody: give `share`"),
        (
            "[title]",
            '[[fault]]\nat = "5s"\nlasts = "5s"\ndo = "clock_wrong"\n[title]',
            "fault 1.by: a clock that is wrong by nothing is right",
        ),
        (
            "[title]",
            '[[fault]]\nat = "5s"\nlasts = "5s"\ndo = "broker_away"\nhome = 1\n[title]',
            "x.toml:7: fault 1.do: a broker that is away",
        ),
        ('at = "10s"', 'at = "10s"\nnumber = 2', 'event 1.number: how many different homes, with home = "any"'),
    ],
)
def test_a_fault_in_a_file_is_told_with_its_line_and_what_was_probably_meant(change: str, to: str, complaint: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        parse(SOUND.replace(change, to, 1), "x.toml")
    assert complaint in str(refused.value)


def test_a_scenario_whose_name_is_misspelt_is_guessed() -> None:
    with pytest.raises(ScenarioError, match="did you mean 'pulled_cord'"):
        load("puled_cord")


def test_the_worked_example_of_the_documentation_can_be_played() -> None:
    text = (Path(__file__).parents[1] / "docs" / "simulator.md").read_text()
    scenario = parse(text.partition("```toml\n")[2].partition("```")[0], "dawn.toml")
    assert (scenario.homes, len(scenario.resident), len(scenario.fault), len(scenario.event)) == (30, 1, 1, 2)
    for act in Act:
        assert f"`{act}`" in text
