"""The safety floor: nothing anybody may set keeps a call for help, fire, gas or a fall from being raised, ringing and escalating."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alerting.assembly import problems_of
from alerting.commands import Acknowledge, Claim, EndSilence, Hold, SetSilence
from alerting.escalation import deadline, policy_for
from alerting.facts import AlertRaised, Fact, StepReached
from alerting.items import Configured
from alerting.policy import DESK, Policy, Step
from alerting.refusals import IllegalTransition
from alerting.rules import Ruleset, Trigger
from alerting.suppression import FLOOR, RINGS_AT_LEAST_EVERY, hold_limit, may_hold, muting, under_floor
from alerting.terms import Category, SilenceId
from devices.home import DeviceId
from tests.household import DEFAULT, HOME, START, Household, of, report

CALLS = {"cord": "pull_cord", "watch": "sos", "smoke": "smoke", "gas": "gas_alarm", "co": "co_alarm", "pendant": "fall"}


def calls(house: Household, device: str) -> list[Fact]:
    house.number += 1
    return house.takes(report(device, house.now, f"r{house.number}", {CALLS[device]: True}))


OTHERS = st.lists(st.sampled_from([c for c in Category if not under_floor(c)]), unique=True).map(tuple)
SILENCES = st.lists(st.tuples(st.sampled_from([None, *CALLS]), OTHERS, st.floats(1, 86400 * 30)), max_size=4)


def test_the_floor_is_these_four() -> None:
    assert {c for c in Category if under_floor(c)} == FLOOR == {Category.CALL_FOR_HELP, Category.FIRE, Category.GAS, Category.FALL}


@pytest.mark.parametrize("category", sorted(FLOOR))
def test_a_silence_cannot_name_what_is_under_the_floor(category: Category) -> None:
    house = Household()
    with pytest.raises(IllegalTransition) as refused:
        house.asks(SetSilence(SilenceId("s"), HOME, None, (Category.WATER, category), START + timedelta(hours=1), "安静"))
    assert refused.value.sentence.zh == "求助、火警、燃气和跌倒警报不能静音"


@given(st.sampled_from(sorted(CALLS)), SILENCES, st.integers(0, 3))
def test_whatever_is_silenced_a_call_is_raised_rings_at_once_and_escalates(
    device: str, silences: list[tuple[str | None, tuple[Category, ...], float]], ended: int,
) -> None:
    house = Household()
    for name in CALLS:
        house.says(name, rssi=-50)
    for number, (muted, categories, seconds) in enumerate(silences):
        until = house.now + timedelta(seconds=seconds)
        of_device = DeviceId(muted) if muted else None
        house.asks(SetSilence(SilenceId(f"s{number}"), HOME, of_device, categories, until, "维护"))
    if ended < len(silences):
        house.asks(EndSilence(SilenceId(f"s{ended}")))
    facts = calls(house, device)
    (raised,) = of(AlertRaised, facts)
    assert raised.silenced_by is None
    assert [step.at for step in of(StepReached, facts)] == [house.now]
    later = [step.at for step in of(StepReached, house.waits(180)) if step.alert == raised.alert]
    assert later == [raised.at + timedelta(seconds=60), raised.at + timedelta(seconds=180)]


@given(
    st.sampled_from(sorted(CALLS)),
    st.lists(st.tuples(st.sampled_from(["claim", "acknowledge", "hold", "wait"]), st.sampled_from("abc"), st.floats(0.1, 90)), max_size=12),
)
def test_whatever_people_do_short_of_closing_it_rings_again_within_an_hour(device: str, deeds: list[tuple[str, str, float]]) -> None:
    house = Household()
    (raised,) = of(AlertRaised, calls(house, device))
    for deed, by, minutes in deeds:
        try:
            match deed:
                case "claim":
                    house.asks(Claim(raised.alert), by)
                case "acknowledge":
                    house.asks(Acknowledge(raised.alert), by)
                case "hold":
                    house.asks(Hold(raised.alert, minutes, "等"), by)
                case _:
                    house.waits(minutes * 60)
        except IllegalTransition:
            pass
    quiet_since = house.now
    steps = [s.at for s in of(StepReached, house.waits(3600)) if s.alert == raised.alert]
    assert steps, "an hour in which nobody does anything"
    assert steps[0] - quiet_since <= timedelta(hours=1)
    assert all(b - a <= RINGS_AT_LEAST_EVERY for a, b in pairwise(steps)), "and from then on at least every 10 min"


@given(
    st.lists(st.floats(0, 7200), min_size=1, max_size=4, unique=True).map(sorted),
    st.integers(1, 5), st.one_of(st.none(), st.floats(0, 1e6)), st.floats(0, 1e6), st.sampled_from([None, Claim, Acknowledge]),
)
def test_whatever_policy_a_county_writes_a_call_never_falls_silent(
    afters: list[float], rounds: int, keep: float | None, repeat: float, deed: type[Claim | Acknowledge] | None,
) -> None:
    """Policies that the check of rules would refuse, too."""
    policy = Policy(
        "odd", tuple(Step(timedelta(seconds=a), (DESK,)) for a in afters), (Category.CALL_FOR_HELP,), timedelta(seconds=repeat), rounds,
        None if keep is None else timedelta(seconds=keep), timedelta(seconds=repeat), timedelta(seconds=repeat),
    )  # fmt: skip
    house = Household(replace(DEFAULT, policies=(policy,)))
    facts = house.says("cord", pull_cord=True)
    (raised,) = of(AlertRaised, facts)
    assert of(StepReached, facts), "at once"
    if deed:
        house.asks(deed(raised.alert))
        house.waits(3600)
    for _ in range(30):
        alert = house.engine.alerts[raised.alert]
        due = deadline(alert, policy, muted=True)
        assert due is not None
        assert alert.ringing
        assert due.at - house.now <= RINGS_AT_LEAST_EVERY
        house.waits(max(0.0, (due.at - house.now).total_seconds()))
        assert house.engine.alerts[raised.alert].next_step_at is not None


@given(st.sampled_from(sorted(CALLS)))
def test_a_ruleset_without_any_policy_still_rings_the_desk(device: str) -> None:
    house = Household(replace(DEFAULT, policies=(), targets=()))
    facts = calls(house, device) + house.waits(600)
    assert [s.targets for s in of(StepReached, facts)] == [(DESK,), (DESK,)]


def test_new_rules_and_a_restart_of_the_rules_leave_an_open_call_ringing() -> None:
    house = Household()
    house.says("cord", pull_cord=True)
    house.engine.handle(Configured(Ruleset()), house.now)
    assert of(StepReached, house.waits(60))


def test_the_check_of_rules_refuses_what_would_lower_the_floor() -> None:
    cord = next(r for r in DEFAULT.rules if r.id == "pull-cord")
    assert isinstance(cord, Trigger)
    life = policy_for(DEFAULT, Category.FIRE)
    for worse in (
        replace(DEFAULT, rules=(replace(cord, insists=False),)),
        replace(DEFAULT, rules=(replace(cord, priority=DEFAULT.rules[-1].priority),)),
        replace(DEFAULT, policies=(replace(life, keep_ringing=timedelta(hours=1)), *DEFAULT.policies[1:])),
        replace(DEFAULT, policies=(replace(life, steps=life.steps[1:]), *DEFAULT.policies[1:])),
    ):
        assert problems_of(worse)
    assert problems_of(DEFAULT) == ()


def test_the_answers_of_the_floor_itself() -> None:
    for category in Category:
        low = under_floor(category)
        assert may_hold(category, in_hand=False) is not low
        assert may_hold(category, in_hand=True)
        assert hold_limit(category) <= timedelta(hours=1 if low else 4)
        assert muting((), category, None, START) is None
