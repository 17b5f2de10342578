"""Stories of a day at home: going out at night, water, a word in the morning, medicine, the night's rest."""

from datetime import UTC, datetime, timedelta

import pytest

from alerting.commands import ChangeHome, ChangeParameters, SetHomeMode
from alerting.engine import Engine
from alerting.facts import AlertCleared, AlertRaised, AlertRecurred, Fact
from alerting.terms import Category, Mode, Value
from devices.home import Home
from tests.household import AREA, HOME, Household, of, report

HOUR, MINUTE = 3600.0, 60.0
DOOR = (30.2741, 120.1551)
"""Where the home stands; a thousandth of a degree of latitude is 111 m."""


def local(clock: str, day: str = "2026-11-23") -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=UTC) - timedelta(hours=8)


class Day(Household):
    """A home on the map, whose clock is set by name."""

    def __init__(self) -> None:
        super().__init__()
        self.asks(ChangeHome(Home(HOME, AREA, "12栋402", latitude=DOOR[0], longitude=DOOR[1])))

    def until(self, clock: str, day: str = "2026-11-23") -> list[Fact]:
        return self.waits((local(clock, day) - self.now).total_seconds())

    def own(self, rule: str, **values: Value) -> list[Fact]:
        return self.asks(ChangeParameters(HOME, rule, values, "约定"))

    def fix(self, north_m: float, *, late: float = 0) -> list[Fact]:
        """The watch is so far north of the door; `late`: it says so that many seconds after."""
        self.number += 1
        values = {"latitude": DOOR[0] + north_m / 111_195, "longitude": DOOR[1]}
        return self.takes(report("watch", self.now - timedelta(seconds=late), f"g{self.number}", values, received_at=self.now))

    def restarts(self, hours: float = 0) -> list[Fact]:
        again = Engine()
        for key in list(self.engine.keys()):
            again.restore(key, self.engine.snapshot(key))
        self.engine, down = again, self.now
        self.now += timedelta(hours=hours)
        return self.starts(down)


def raised(facts: list[Fact], rule: str) -> list[AlertRaised]:
    return [fact for fact in of(AlertRaised, facts) if fact.rule == rule]


def cleared(home: Household, facts: list[Fact], rule: str) -> bool:
    return any(home.engine.alerts[fact.alert].rule == rule for fact in of(AlertCleared, facts))


# --- wandering ---------------------------------------------------------------------------------------------------------------


def test_who_leaves_the_ground_at_night_and_stays_out_is_looked_for_and_the_return_clears_it() -> None:
    home = Day()
    home.until("21:30")
    home.fix(20)
    home.until("22:00")
    home.fix(700)
    home.waits(5 * MINUTE)
    home.fix(900)
    assert not raised(home.waits(7 * MINUTE - 1), "wandering"), "ten minutes, and two for what comes late"
    (alert,) = raised(home.waits(1), "wandering")
    assert alert.category is Category.WANDERING
    assert alert.at == local("22:12")
    assert alert.reason.zh == "王桂芳家（12栋402）的手表自 22:00 起在活动范围之外，最近一次距边界约 400 米"
    assert not cleared(home, home.fix(530), "wandering"), "30 m past the border may be jitter"
    assert cleared(home, home.fix(450), "wandering")


def test_a_wild_position_between_good_ones_is_no_walk() -> None:
    home = Day()
    home.until("22:00")
    home.fix(20)
    home.waits(MINUTE)
    home.fix(9_000)
    home.waits(MINUTE)
    home.fix(30)
    assert not raised(home.waits(3 * HOUR), "wandering")


def test_a_single_position_outside_is_believed_when_nothing_follows_for_three_times_as_long() -> None:
    home = Day()
    home.until("22:00")
    home.fix(20)
    home.waits(MINUTE)
    home.fix(700)
    assert not raised(home.waits(32 * MINUTE - 1), "wandering")
    assert raised(home.waits(1), "wandering")


def test_out_since_the_evening_counts_from_the_beginning_of_the_night() -> None:
    home = Day()
    home.until("19:00")
    home.fix(700)
    home.waits(HOUR)
    home.fix(700)
    (alert,) = raised(home.waits(3 * HOUR), "wandering")
    assert alert.at == local("21:12")


def test_by_day_a_walk_is_a_walk() -> None:
    home = Day()
    home.until("10:00")
    home.fix(700)
    home.waits(HOUR)
    home.fix(700)
    home.waits(HOUR)
    home.fix(10)
    assert not raised(home.waits(24 * HOUR), "wandering")


def test_a_home_that_is_away_is_not_looked_for() -> None:
    home = Day()
    home.asks(SetHomeMode(HOME, Mode.HOLIDAY, local("12:00", "2026-11-30"), "旅行"))
    home.until("22:00")
    home.fix(7_000)
    home.waits(MINUTE)
    home.fix(7_000)
    assert not raised(home.waits(48 * HOUR), "wandering")


def test_a_home_that_is_nowhere_on_the_map_has_no_ground() -> None:
    home = Day()
    home.asks(ChangeHome(Home(HOME, AREA, "12栋402")))
    home.until("22:00")
    home.fix(700)
    home.waits(MINUTE)
    home.fix(700)
    assert not raised(home.waits(8 * HOUR), "wandering")


def test_a_ground_with_corners_is_taken_before_the_circle() -> None:
    home = Day()
    north, south, west, east = DOOR[0] + 0.02, DOOR[0] - 0.001, DOOR[1] - 0.001, DOOR[1] + 0.001
    corners = ((north, west), (north, east), (south, east), (south, west))
    home.asks(ChangeHome(Home(HOME, AREA, "12栋402", latitude=DOOR[0], longitude=DOOR[1], ground=corners)))
    home.until("22:00")
    home.fix(2_000)
    home.waits(MINUTE)
    home.fix(2_000)
    assert not raised(home.waits(HOUR), "wandering"), "it reaches 2.2 km to the north"
    home.fix(2_400)
    home.waits(MINUTE)
    home.fix(2_400)
    assert raised(home.waits(HOUR), "wandering")


# --- meters ------------------------------------------------------------------------------------------------------------------


def meter(home: Day, value: float) -> list[Fact]:
    return home.says("meter", water_used=value)


def test_twelve_hours_without_water_at_home_are_said_with_their_beginning_and_water_clears_it() -> None:
    home = Day()
    home.until("20:00", "2026-11-22")
    facts: list[Fact] = []
    for _ in range(12):
        facts += meter(home, 101.304)
        facts += home.waits(HOUR)
    assert not raised(facts, "no-water-used")
    (alert,) = raised(meter(home, 101.306), "no-water-used")
    assert alert.at == local("08:00")
    assert alert.category is Category.INACTIVITY
    assert alert.reason.zh == "王桂芳家（12栋402）自 20:00 起 12 小时内用水不超过 0.01 m³（实际 0 m³），登记为在家"
    home.waits(HOUR)
    assert not raised(meter(home, 101.306), "no-water-used"), "said once"
    home.waits(HOUR)
    assert cleared(home, meter(home, 101.330), "no-water-used")


def test_a_meter_that_says_nothing_is_no_sign_of_thirst() -> None:
    home = Day()
    meter(home, 10.0)
    assert not raised(home.waits(48 * HOUR), "no-water-used")


def test_while_the_home_is_away_no_water_is_missed_and_the_hours_begin_with_the_return() -> None:
    home = Day()
    home.until("08:00")
    home.asks(SetHomeMode(HOME, Mode.AWAY, local("20:00"), "看女儿"))
    facts: list[Fact] = []
    for _ in range(24):
        facts += meter(home, 10.0) + home.waits(HOUR)
    assert not raised(facts, "no-water-used"), "away from 08:00 to 20:00, and it is 08:00"
    assert raised(meter(home, 10.0), "no-water-used")


@pytest.mark.parametrize(("after", "why"), [(0.0, "it was reset"), (0.004, "it rolled over"), (812.4, "it was exchanged")])
def test_a_counter_that_begins_anew_tells_of_neither_flood_nor_drought(after: float, why: str) -> None:
    home = Day()
    facts: list[Fact] = []
    for _ in range(6):
        facts += meter(home, 99_999.9 if after < 1 else 10.0) + home.waits(HOUR)
    for _ in range(7):
        facts += meter(home, after) + home.waits(HOUR)
    assert not raised(facts, "no-water-used"), why
    assert not raised(facts, "running-water"), why
    for _ in range(6):
        facts += meter(home, after) + home.waits(HOUR)
    assert raised(facts, "no-water-used"), "twelve hours of the counter as it is now"


def test_water_that_runs_is_told_within_its_hour_and_clears_when_it_is_shut() -> None:
    home = Day()
    facts: list[Fact] = []
    for minute in range(0, 50, 10):
        facts += meter(home, 10 + 0.15 * minute / 10) + home.waits(10 * MINUTE)
    (alert,) = raised(facts, "running-water")
    assert alert.category is Category.WATER
    assert alert.reason.en.endswith("has used 0.3 m³ of water since 03:00 (0.3 m³ or more in 1 h): a tap left open, or a leak")
    facts = []
    for _ in range(6):
        facts += meter(home, 10.6) + home.waits(10 * MINUTE)
    assert cleared(home, facts, "running-water")


def test_a_reading_once_a_day_says_nothing_of_an_hour() -> None:
    home = Day()
    facts = meter(home, 10.0) + home.waits(24 * HOUR) + meter(home, 12.0)
    assert not raised(facts, "running-water")


def test_what_the_service_did_not_hear_the_counter_did() -> None:
    home = Day()
    meter(home, 10.0)
    home.waits(HOUR)
    facts = home.restarts(hours=12)
    assert not raised(facts, "no-water-used")
    assert raised(meter(home, 10.0), "no-water-used"), "thirteen hours, and the counter stands where it stood"


# --- check-in and medicine ------------------------------------------------------------------------------------------------------


def checks_in(home: Day) -> list[Fact]:
    return home.says("cord", checked_in=True)


def test_a_check_in_by_ten_is_missed_at_ten_and_made_good_later() -> None:
    home = Day()
    home.own("check-in-missed", times=("10:00",))
    home.until("09:00", "2026-11-22")
    checks_in(home)
    assert not raised(home.until("10:01:59"), "check-in-missed")
    (alert,) = raised(home.until("10:02"), "check-in-missed")
    assert alert.reason.zh == "王桂芳家（12栋402）应在 10:00 前报平安，至今未收到（上一次 11-22 09:00）"
    home.until("10:40")
    assert cleared(home, checks_in(home), "check-in-missed")
    again = [fact.at for fact in of(AlertRecurred, home.until("12:00", "2026-11-24")) if fact.alert == alert.alert]
    assert again == [local("10:02", "2026-11-24")], "nobody has closed it yet"


def test_a_check_in_of_the_same_morning_keeps_the_day() -> None:
    home = Day()
    home.own("check-in-missed", times=("10:00",))
    for day in range(22, 29):
        home.until("06:30", f"2026-11-{day}")
        checks_in(home)
    assert not raised(home.facts, "check-in-missed")


def test_without_times_and_without_a_button_nothing_is_missed() -> None:
    unset, mute = Day(), Day()
    checks_in(unset)
    mute.own("check-in-missed", times=("10:00",))
    assert not raised(unset.waits(72 * HOUR), "check-in-missed")
    assert not raised(mute.waits(72 * HOUR), "check-in-missed")


def test_times_that_are_set_in_the_afternoon_begin_tomorrow() -> None:
    home = Day()
    home.until("08:00", "2026-11-22")
    checks_in(home)
    home.until("15:00")
    home.own("check-in-missed", times=("10:00",))
    assert not raised(home.until("09:00", "2026-11-24"), "check-in-missed")
    assert raised(home.until("11:00", "2026-11-24"), "check-in-missed")


def test_in_hospital_nobody_checks_in_and_the_first_morning_at_home_counts() -> None:
    home = Day()
    home.own("check-in-missed", times=("10:00",))
    home.until("09:00", "2026-11-22")
    checks_in(home)
    home.asks(SetHomeMode(HOME, Mode.HOSPITAL, local("15:00", "2026-11-26"), "住院"))
    assert not raised(home.until("15:00", "2026-11-26"), "check-in-missed")
    (alert,) = raised(home.until("15:00", "2026-11-27"), "check-in-missed")
    assert alert.at == local("10:02", "2026-11-27")


def test_what_nobody_could_hear_is_waited_for_as_long_again() -> None:
    home = Day()
    home.own("check-in-missed", times=("10:00",))
    home.until("09:00", "2026-11-22")
    checks_in(home)
    home.until("09:00")
    facts = home.restarts(hours=3)
    assert not raised(facts + home.until("13:03:59"), "check-in-missed")
    assert raised(home.until("13:04"), "check-in-missed"), "and two minutes for what the kits had kept"


def test_each_dose_has_its_hour_before_and_behind() -> None:
    home = Day()
    home.own("medication-missed", times=("08:00", "18:00"))
    home.until("08:10", "2026-11-22")
    home.says("cord", medication_taken=True)
    home.until("17:30", "2026-11-22")
    home.says("cord", medication_taken=True)
    assert not raised(home.facts, "medication-missed")
    home.until("06:50")
    home.says("cord", medication_taken=True)
    (alert,) = raised(home.until("12:00"), "medication-missed")
    assert alert.at == local("09:02"), "06:50 was too early for the dose of eight"
    home.until("17:10")
    home.says("cord", medication_taken=True)
    assert not raised(home.until("23:00"), "medication-missed")


# --- the night -----------------------------------------------------------------------------------------------------------------


def test_who_gets_up_at_night_and_is_not_back_is_asked_after() -> None:
    home = Day()
    home.until("21:30")
    home.says("cord", bed_occupied=True)
    home.until("02:10", "2026-11-24")
    home.says("cord", bed_occupied=False)
    home.waits(10 * MINUTE)
    home.says("cord", bed_occupied=True)
    home.until("03:30", "2026-11-24")
    home.says("cord", bed_occupied=False)
    (alert,) = raised(home.until("04:29", "2026-11-24"), "bed-left")
    assert alert.at == local("04:17", "2026-11-24")
    assert alert.reason.en.endswith("somebody got up at 03:30 and was not back in bed after 45 min")
    assert cleared(home, home.says("cord", bed_occupied=True), "bed-left")


@pytest.mark.parametrize(
    ("down", "up", "why"),
    [
        ("22:10", "22:40", "she only sat on it"),
        ("20:00", "21:50", "she rose before the night began"),
        ("22:10", "05:30", "she is up for the day"),
        ("13:00", "14:30", "a nap"),
    ],
)
def test_not_every_rising_is_a_matter(down: str, up: str, why: str) -> None:
    home = Day()
    home.until(down)
    home.says("cord", bed_occupied=True)
    home.until(up, "2026-11-24" if up < down else "2026-11-23")
    home.says("cord", bed_occupied=False)
    assert not raised(home.until("20:00", "2026-11-24"), "bed-left"), why


def test_a_restart_in_the_middle_of_the_wait_changes_nothing() -> None:
    home = Day()
    home.until("22:00")
    home.says("cord", bed_occupied=True)
    home.until("02:00", "2026-11-24")
    home.says("cord", bed_occupied=False)
    home.waits(10 * MINUTE)
    facts = home.restarts()
    (alert,) = raised(facts + home.waits(HOUR), "bed-left")
    assert alert.at == local("02:47", "2026-11-24")
