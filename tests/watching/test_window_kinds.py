"""Counts, changes and sequences: what is concluded from several observations of a while."""

from datetime import timedelta

from alerting.commands import Close
from alerting.facts import AlertCleared, AlertRaised, AlertRecurred, AlertRepeated, Fact
from alerting.home_rules import Change, Count, Pattern, Sequence
from alerting.terms import Category, Priority
from devices.observation import Manner, Property
from tests.household import START, Household, of, report
from tests.watching.rules import WORDS, with_rules

OPEN, SHUT = Pattern(Property.CONTACT_OPEN, True), Pattern(Property.CONTACT_OPEN, False)
MOVING = Pattern(Property.OCCUPANCY, True)
RESTLESS = Count(
    id="restless", category=Category.WANDERING, priority=Priority.AWARE, title=WORDS, reason=WORDS,
    of=(OPEN,), times=3, within=timedelta(minutes=30),
)  # fmt: skip
WARMER = Change(
    id="warmer", category=Category.FIRE, priority=Priority.LIFE, title=WORDS, reason=WORDS,
    of=Property.TEMPERATURE, rises=8, clear=2, within=timedelta(minutes=10),
)  # fmt: skip
COLDER = Change(
    id="colder", category=Category.HEALTH, priority=Priority.AWARE, matter="cold", title=WORDS, reason=WORDS, per_device=True,
    of=Property.TEMPERATURE, falls=5, within=timedelta(hours=1),
)  # fmt: skip
LEFT = Sequence(
    id="left-at-night", category=Category.WANDERING, priority=Priority.PROMPT, matter="left", title=WORDS, reason=WORDS,
    steps=((Pattern(Property.BED_OCCUPIED, False),), (OPEN,)), within=timedelta(minutes=15), clear=(MOVING,),
)  # fmt: skip
UNSEEN = Sequence(
    id="came-unseen", category=Category.INTRUSION, priority=Priority.AWARE, matter="came", title=WORDS, reason=WORDS,
    steps=((OPEN,), (SHUT,)), without=(MOVING,), within=timedelta(minutes=5), clear_after=timedelta(hours=1),
)  # fmt: skip


def told(facts: list[Fact]) -> list[tuple[str, float]]:
    """Of what rules concluded: raised, repeated, recurred, cleared, with the seconds since the beginning."""
    kinds = AlertRaised | AlertRepeated | AlertRecurred | AlertCleared
    return [(type(f).__name__[5:].lower(), (f.at - START).total_seconds()) for f in facts if isinstance(f, kinds)]


def opens(house: Household, after: float, *, door: str = "door") -> list[Fact]:
    """The door is opened so many seconds after the last thing, and shut a second later."""
    facts: list[Fact] = [*house.waits(after), *house.says(door, contact_open=True), *house.waits(1)]
    return [*facts, *house.says(door, contact_open=False)]


# --- count ---------------------------------------------------------------------------------------------------------------------


def test_a_door_opened_three_times_in_half_an_hour_is_told_once_and_is_over_half_an_hour_after_the_last() -> None:
    house = Household(with_rules(RESTLESS))
    assert told([*opens(house, 0), *opens(house, 599)]) == []
    assert told(opens(house, 599)) == [("raised", 1200)]
    assert told(opens(house, 599)) == [], "it goes on"
    assert told(house.waits(7200)) == [("cleared", 1800 + 1800 + 120)]
    (raised,) = of(AlertRaised, house.facts)
    assert [e.observation.value for e in raised.evidence] == [True] * 3


def test_an_open_door_that_says_so_every_minute_was_opened_once() -> None:
    house = Household(with_rules(RESTLESS))
    for _ in range(60):
        house.says("door", contact_open=True)
        house.waits(60)
    assert told(house.facts) == []


def test_three_times_in_more_than_half_an_hour_is_nothing() -> None:
    house = Household(with_rules(RESTLESS))
    assert told([fact for _ in range(20) for fact in opens(house, 901)]) == []


def test_an_alert_closed_while_it_goes_on_is_raised_anew_when_its_time_comes() -> None:
    house = Household(with_rules(RESTLESS))
    for _ in range(3):
        opens(house, 60)
    alert = house.open()[0]
    house.asks(Close(alert.id, "false_person", "她在找东西"))
    assert [kind for kind, _ in told([fact for _ in range(29) for fact in opens(house, 60)])] == []
    assert [kind for kind, _ in told([fact for _ in range(2) for fact in opens(house, 60)])][:1] == ["raised"]


# --- change --------------------------------------------------------------------------------------------------------------------


def warms(house: Household, *degrees: float, every: float = 60) -> list[Fact]:
    facts: list[Fact] = []
    for value in degrees:
        facts += [*house.says("thermo", temperature=value), *house.waits(every)]
    return facts


def test_a_room_that_gets_eight_degrees_warmer_in_ten_minutes_is_told_and_is_over_when_it_stays_so() -> None:
    house = Household(with_rules(WARMER))
    assert told(warms(house, 20, 21, 22, 24, 26)) == []
    assert told(warms(house, 28.5)) == [("raised", 300)]
    assert told(warms(house, 30, 30, 30, 30, 30, 30, 30, 30, 30)) == []
    assert told(warms(house, 30, 30, 30)) == [("cleared", 900)]
    (raised,) = of(AlertRaised, house.facts)
    assert [e.observation.value for e in raised.evidence] == [20, 28.5]


def test_a_slow_rise_is_no_matter_how_often_a_sensor_speaks_and_a_steep_one_is_found_among_a_thousand_readings() -> None:
    house = Household(with_rules(WARMER))
    assert told(warms(house, *(20 + n * 0.007 for n in range(1000)), every=1)) == []
    found = told(warms(house, *(27 + n * 0.015 for n in range(900)), every=1))
    assert [kind for kind, _ in found] == ["raised"]
    assert 1470 < found[0][1] < 1500, "8 degrees of the last ten minutes were over after 475 s"


def test_two_rooms_of_different_warmth_are_no_rise_and_each_room_can_get_cold() -> None:
    house = Household(with_rules(WARMER, COLDER))
    for minute in range(10):
        house.says("bath", temperature=28 - minute)
        house.says("hall", temperature=16)
        house.waits(60)
    (raised,) = of(AlertRaised, house.facts)
    assert (raised.rule, raised.matter) == ("colder", "cold:bath")


# --- sequence ------------------------------------------------------------------------------------------------------------------


def test_bed_left_then_door_opened_is_told_at_once_and_cleared_by_movement() -> None:
    house = Household(with_rules(LEFT))
    house.says("bed", bed_occupied=True)
    house.waits(3600)
    house.says("bed", bed_occupied=False)
    house.waits(600)
    assert told(house.says("door", contact_open=True)) == [("raised", 4200)]
    house.waits(60)
    assert told(house.says("hall", occupancy=True)) == [("cleared", 4260)]


def test_the_other_way_round_or_too_late_is_no_sequence() -> None:
    house = Household(with_rules(LEFT))
    house.says("door", contact_open=True)
    house.waits(60)
    house.says("bed", bed_occupied=False)
    house.waits(901)
    assert told([*house.says("door", contact_open=False), *house.says("door", contact_open=True)]) == []


def test_what_came_late_makes_the_sequence_all_the_same() -> None:
    house = Household(with_rules(LEFT))
    house.waits(60)
    house.says("door", contact_open=True)
    house.waits(50)
    left = report("bed", START + timedelta(seconds=30), "late", {"bed_occupied": False}, received_at=house.now)
    assert told(house.takes(left)) == [("raised", 110)]


def test_a_door_opened_and_shut_with_nobody_seen_waits_for_what_may_come_late_and_ends_by_itself() -> None:
    house = Household(with_rules(UNSEEN))
    house.says("door", contact_open=True)
    house.waits(10)
    assert told(house.says("door", contact_open=False)) == []
    assert told(house.waits(7200)) == [("raised", 130), ("cleared", 10 + 3600 + 120)]


def test_somebody_seen_between_even_if_told_late_breaks_the_sequence() -> None:
    house = Household(with_rules(UNSEEN))
    house.says("door", contact_open=True)
    house.waits(10)
    house.says("door", contact_open=False)
    house.waits(100)
    house.takes(report("hall", START + timedelta(seconds=5), "late", {"occupancy": True}, received_at=house.now))
    assert told(house.waits(7200)) == []


def test_a_sensor_that_sends_from_its_cache_opens_no_door() -> None:
    house = Household(with_rules(RESTLESS))
    for _ in range(9):
        house.says("door", contact_open=True, manner=Manner.CACHED)
        house.waits(30)
    assert told(house.facts) == []
