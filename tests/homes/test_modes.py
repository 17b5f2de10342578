"""How a home is lived in: modes that end by themselves, with a word before, and never touch a call."""

from datetime import timedelta

import msgspec
import pytest

from alerting.arrangements import MODE_LIMIT
from alerting.commands import EndHomeMode, RetireHome, SetHomeMode
from alerting.engine import Engine
from alerting.facts import AlertRaised, Fact
from alerting.home_facts import HomeModeEnded, HomeModeEnding, HomeModeSet
from alerting.refusals import IllegalTransition, Unknown
from alerting.schedule import mode_at
from alerting.terms import SERVICE, Actor, Category, Mode, Priority
from devices.home import HomeId
from tests.household import HOME, START, Household, of, report

HOUR = 3600
DAY = 24 * HOUR


def away(home: Household, days: float, mode: Mode = Mode.AWAY) -> list[Fact]:
    return home.asks(SetHomeMode(HOME, mode, home.now + timedelta(days=days), "去女儿家"))


def mode(home: Household) -> Mode:
    return mode_at(home.engine.homes[HOME].arranged.modes, home.now)


def test_a_mode_ends_by_itself_with_a_word_a_day_before() -> None:
    home = Household()
    (set_,) = of(HomeModeSet, away(home, 4))
    assert (set_.by, set_.reason, set_.until) == ("li", "去女儿家", START + timedelta(days=4))
    assert mode(home) is Mode.AWAY
    assert not home.waits(3 * DAY - 1)
    (word,) = of(HomeModeEnding, home.waits(1))
    assert word == HomeModeEnding(START + timedelta(days=3), HOME, Mode.AWAY, START + timedelta(days=4))
    assert not home.waits(DAY - 1)
    assert mode(home) is Mode.AWAY
    assert home.waits(1) == [HomeModeEnded(START + timedelta(days=4), SERVICE, HOME, Mode.AWAY)]
    assert mode(home) is Mode.HOME
    assert not of(HomeModeEnded, home.waits(30 * DAY)), "once"


def test_a_short_absence_is_reminded_of_at_its_half() -> None:
    home = Household()
    away(home, 0.25)
    (word,) = of(HomeModeEnding, home.waits(DAY))
    assert word.at == START + timedelta(hours=3)


def test_a_person_may_end_a_mode_and_then_nothing_is_left_of_it() -> None:
    home = Household()
    away(home, 4)
    home.waits(HOUR)
    assert home.asks(EndHomeMode(HOME), by="wang") == [HomeModeEnded(home.now, Actor("wang"), HOME, Mode.AWAY)]
    assert not of(HomeModeEnding | HomeModeEnded, home.waits(10 * DAY))  # type: ignore[arg-type]
    with pytest.raises(IllegalTransition, match="at home already"):
        home.asks(EndHomeMode(HOME))


def test_a_new_mode_takes_the_place_of_the_one_that_holds() -> None:
    home = Household()
    away(home, 4)
    home.waits(2 * DAY)
    away(home, 10, Mode.HOSPITAL)
    assert mode(home) is Mode.HOSPITAL
    words = of(HomeModeEnding, home.waits(20 * DAY))
    assert [(word.mode, word.until) for word in words] == [(Mode.HOSPITAL, START + timedelta(days=12))]
    first, second = home.engine.homes[HOME].arranged.modes
    assert (first.ended_at, second.ended_at) == (START + timedelta(days=2), START + timedelta(days=12))


def test_a_cord_pulled_in_a_home_that_is_away_is_a_call_and_the_operator_is_told_of_both() -> None:
    home = Household()
    away(home, 4)
    home.waits(HOUR)
    (raised,) = of(AlertRaised, home.says("cord", pull_cord=True))
    assert (raised.category, raised.priority, raised.silenced_by) == (Category.CALL_FOR_HELP, Priority.LIFE, None)
    assert raised.next_step_at == home.now, "it rings at once"
    assert raised.reason.zh.endswith("（登记为外出，至 11-26 03:00）")
    assert raised.reason.en.endswith("(registered as away until 11-26 03:00)")


@pytest.mark.parametrize("mode_", [Mode.AWAY, Mode.HOSPITAL, Mode.HOLIDAY])
@pytest.mark.parametrize("said", ["pull_cord", "sos", "smoke", "heat_alarm", "co_alarm", "gas_alarm", "fall"])
def test_no_mode_keeps_a_call_fire_gas_or_a_fall_from_ringing_at_once(said: str, mode_: Mode) -> None:
    lived_in, left = Household(), Household()
    away(left, 4, mode_)
    (here,) = of(AlertRaised, lived_in.takes(report("cord", START, "r", {said: True})))
    (there,) = of(AlertRaised, left.takes(report("cord", START, "r", {said: True})))
    assert there.reason.zh.startswith(here.reason.zh)
    assert there.next_step_at == START
    assert msgspec.structs.replace(there, reason=here.reason) == here, "but for the words nothing is different"


def test_at_home_nothing_is_said_of_modes() -> None:
    home = Household()
    away(home, 1)
    home.waits(2 * DAY)
    (raised,) = of(AlertRaised, home.says("cord", pull_cord=True))
    assert "登记为" not in raised.reason.zh


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (SetHomeMode(HOME, Mode.HOME, START + timedelta(days=1), "x"), "end the one it is in"),
        (SetHomeMode(HOME, Mode.AWAY, START, "x"), "in the future, within 183 days"),
        (SetHomeMode(HOME, Mode.AWAY, START + MODE_LIMIT + timedelta(seconds=1), "x"), "within 183 days"),
        (SetHomeMode(HOME, Mode.AWAY, START + timedelta(days=1), "  "), "the reason is missing"),
        (SetHomeMode(HomeId("nowhere"), Mode.AWAY, START + timedelta(days=1), "x"), "there is no home nowhere"),
    ],
)
def test_a_mode_needs_an_end_a_reason_and_a_home(command: SetHomeMode, says: str) -> None:
    home = Household()
    with pytest.raises(IllegalTransition) as refused:
        home.asks(command)
    assert says in str(refused.value)
    assert not home.engine.homes[HOME].arranged.modes


def test_a_retired_home_has_no_modes() -> None:
    home = Household()
    away(home, 4)
    home.asks(RetireHome(HOME))
    assert not home.waits(10 * DAY)
    with pytest.raises(IllegalTransition, match="retired"):
        away(home, 4)
    assert issubclass(Unknown, IllegalTransition)


@pytest.mark.parametrize("hours_down", [1, 80, 100])
def test_a_mode_survives_a_restart_and_what_was_due_meanwhile_comes_stamped_with_its_moment(hours_down: int) -> None:
    home = Household()
    away(home, 4)
    home.waits(HOUR)
    again = Engine()
    for key in list(home.engine.keys()):
        again.restore(key, home.engine.snapshot(key))
    home.engine = again
    down_since = home.now
    home.now += timedelta(hours=hours_down)
    facts = home.starts(down_since) + home.waits(200 * HOUR)
    assert [(type(fact), fact.at) for fact in facts if isinstance(fact, HomeModeEnding | HomeModeEnded)] == [
        (HomeModeEnding, START + timedelta(days=3)),
        (HomeModeEnded, START + timedelta(days=4)),
    ]


def test_folding_the_facts_gives_the_same_home_as_living_through_them() -> None:
    home = Household()
    away(home, 2)
    home.waits(5 * DAY)
    away(home, 9, Mode.HOLIDAY)
    home.waits(DAY)
    folded = Engine(home.engine.ruleset)
    for fact in home.facts:
        folded.fold(fact, home.now)
    assert folded.homes[HOME].arranged.modes == home.engine.homes[HOME].arranged.modes
    assert folded.next_deadline == home.engine.next_deadline
