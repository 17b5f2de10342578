"""The siren in the home: sounds where a policy names it, is silenced by whoever has the alert in hand, and is nobody else's."""

import json
from datetime import timedelta

from msgspec.structs import replace

from alerting.assembly import problems_of
from alerting.commands import Acknowledge, Claim, Close, RegisterDevice, RetireDevice
from alerting.facts import CommandIssued, Fact, NotificationSkipped
from alerting.items import Configured
from alerting.policy import DESK, SIREN, Policy, Step
from alerting.rules import Ruleset
from alerting.sirens import SOUNDS_FOR
from alerting.suppression import RINGS_AT_LEAST_EVERY
from alerting.terms import Category
from devices.catalog import Kind, Model
from devices.home import Device, DeviceId, ModelId
from tests.household import DEFAULT, HOME, Household, of

MODEL = Model(ModelId("bell"), "Test", "警号", "siren", Kind.SIREN, ())


def named(*steps: tuple[float, tuple[str, ...]]) -> Ruleset:
    """The shipped rules, with a policy of these steps for fire, and a model of siren."""
    made = tuple(Step(timedelta(seconds=after), targets) for after, targets in steps)
    loud = Policy("loud", made, (Category.FIRE,), keep_ringing=RINGS_AT_LEAST_EVERY)
    others = tuple(replace(p, categories=tuple(c for c in p.categories if c is not Category.FIRE)) for p in DEFAULT.policies)
    return replace(DEFAULT, policies=(loud, *others), models=(*DEFAULT.models, MODEL), version="loud")


LOUD = named((0, (DESK,)), (30, (DESK, SIREN)))


def burning(ruleset: Ruleset = LOUD, *sirens: str) -> Household:
    house = Household()
    house.engine.handle(Configured(ruleset), house.now)
    for siren in sirens:
        house.asks(RegisterDevice(Device(DeviceId(siren), HOME, MODEL.id)))
    house.says("smoke", smoke=True)
    return house


def orders(facts: list[Fact]) -> list[tuple[str, str, int]]:
    commands = [(one.topic.split("/")[4], json.loads(one.payload)) for one in of(CommandIssued, facts)]
    return [(device, body["state"], body["seconds"]) for device, body in commands if body["command"] == "siren"]


def test_it_sounds_when_its_step_is_reached_and_stops_when_somebody_acknowledges() -> None:
    house = burning(LOUD, "bell-1", "bell-2")
    assert orders(house.facts) == []
    facts = house.waits(30)
    assert orders(facts) == [("bell-1", "on", 180), ("bell-2", "on", 180)]
    for command in of(CommandIssued, facts):
        assert command.expires_at == house.now + SOUNDS_FOR, "one that wakes up an hour later keeps quiet"
    alert = house.alert(Category.FIRE).id
    assert orders(house.asks(Claim(alert))) == []
    assert orders(house.asks(Acknowledge(alert))) == [("bell-1", "off", 0), ("bell-2", "off", 0)]
    assert orders(house.asks(Close(alert, "test", "tried out"))) == [("bell-1", "off", 0), ("bell-2", "off", 0)]


def test_it_keeps_quiet_where_no_step_names_it_or_its_step_was_not_reached() -> None:
    house = burning(replace(DEFAULT, models=(*DEFAULT.models, MODEL)), "bell-1")
    house.waits(600)
    early = burning(LOUD, "bell-1")
    early.asks(Acknowledge(early.alert(Category.FIRE).id))
    assert orders([*house.facts, *early.facts]) == []


def test_each_round_has_commands_of_its_own() -> None:
    house = burning(LOUD, "bell-1")
    facts = house.waits(30 + 3 * RINGS_AT_LEAST_EVERY.total_seconds())
    commands = of(CommandIssued, facts)
    assert len(orders(facts)) >= 3
    assert len({command.id for command in commands}) == len(commands)


def test_a_home_without_one_says_so_and_a_retired_one_is_none() -> None:
    house = burning(LOUD, "bell-1")
    house.asks(RetireDevice(HOME, DeviceId("bell-1")))
    facts = house.waits(30)
    assert orders(facts) == []
    (skipped,) = [fact for fact in of(NotificationSkipped, facts) if fact.target == SIREN]
    assert skipped.why.en == "there is no siren in the home"


def test_a_policy_may_name_it_without_defining_it() -> None:
    assert not [problem for problem in problems_of(LOUD) if "siren" in problem]
