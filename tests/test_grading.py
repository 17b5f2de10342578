"""Plans by class and grade: raised by whom the plan says, told to whom it names, in the timeline, and never in escalation's way."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from alerting.assembly import RulesetError, assemble, problems_of
from alerting.commands import Acknowledge, Claim, Close, Respond
from alerting.duty_commands import SetStaff
from alerting.engine import Engine
from alerting.facts import Fact, NotificationRequested, NotificationSkipped
from alerting.plan_facts import GradeRaised, RaiseGrade, Scale
from alerting.policy import EscalationFile, Graded
from alerting.refusals import IllegalTransition
from alerting.roster import Staff, StaffId
from alerting.rules import DispositionFile, RuleFile, Ruleset
from alerting.terms import SERVICE, AlertId, Category, Stage
from config import DEFAULTS, load, load_all
from tests.household import DEFAULT, MODELS, START, Household, of
from tests.town import Town


def called() -> tuple[Household, AlertId]:
    house = Household()
    house.says("cord", pull_cord=True)
    return house, house.alert(Category.CALL_FOR_HELP).id


def raises(house: Household, alert: AlertId, scale: Scale = Scale.SINGLE, grade: int = 3, by: str = "li") -> list[Fact]:
    return house.asks(RaiseGrade(alert, scale, grade, "门打不开"), by)


def test_a_grade_is_in_the_timeline_with_who_and_why_and_tells_those_the_plan_names_at_once() -> None:
    house, alert = called()
    facts = raises(house, alert, grade=2)
    (raised,) = of(GradeRaised, facts)
    assert (raised.by, raised.scale, raised.grade, raised.reason) == ("li", Scale.SINGLE, 2, "门打不开")
    told = of(NotificationRequested, facts)
    assert [(one.target, one.channel) for one in told] == [("shift_lead", "hook"), ("supervisor", "hook"), ("supervisor", "mail")]
    assert told[0].why.zh == "li 提高到单户 II 级：门打不开"
    assert house.engine.alerts[alert].graded == (Scale.SINGLE, 2)


def test_escalation_goes_on_as_if_no_grade_had_been_raised() -> None:
    (one, alert), (other, _) = called(), called()
    raises(one, alert)
    of_steps = [
        [(f.at, f.target, f.channel) for f in of(NotificationRequested, house.waits(600))] for house in (one, other)
    ]  # fmt: skip
    assert of_steps[0] == of_steps[1] != []


def test_more_are_told_though_somebody_has_accepted_and_it_stays_in_the_hands_that_have_it() -> None:
    house, alert = called()
    house.asks(Claim(alert), "li")
    house.asks(Acknowledge(alert), "li")
    house.asks(Respond(alert, "老张", Stage.ACCEPTED))
    facts = raises(house, alert, Scale.BUILDING, 2, by="wang")
    assert len(of(NotificationRequested, facts)) == 3
    assert not of(NotificationSkipped, facts)
    assert house.engine.alerts[alert].claimed_by == "li"


def test_only_the_roles_that_the_plan_names_raise_it_to_the_gravest() -> None:
    house, alert = called()
    with pytest.raises(IllegalTransition, match="raised by lead, supervisor alone"):
        raises(house, alert, Scale.AREA, 1)
    house.asks(SetStaff(Staff(StaffId("s1"), "王伟", user="wang", role="lead")), "admin")
    assert of(GradeRaised, raises(house, alert, Scale.AREA, 1, by="wang"))


@pytest.mark.parametrize(("scale", "grade"), [(Scale.SINGLE, 3), (Scale.SINGLE, 2)])
def test_a_grade_is_never_lowered_nor_raised_twice_to_the_same(scale: Scale, grade: int) -> None:
    house, alert = called()
    raises(house, alert, grade=2)
    with pytest.raises(IllegalTransition, match="raised, never lowered"):
        raises(house, alert, scale, grade)
    assert of(GradeRaised, raises(house, alert, Scale.BUILDING, 2))


@pytest.mark.parametrize(
    ("sentence", "scale", "grade", "reason", "said"),
    [
        ("what the plan does not have", Scale.AREA, 4, "x", "has no such grade; it has"),
        ("without a reason", Scale.SINGLE, 3, " ", "reason"),
    ],
)
def test_what_may_not_be_is_refused_and_tells_nobody(sentence: str, scale: Scale, grade: int, reason: str, said: str) -> None:
    house, alert = called()
    before = len(house.facts)
    with pytest.raises(IllegalTransition, match=said):
        house.asks(RaiseGrade(alert, scale, grade, reason))
    assert len(house.facts) == before, sentence


def test_a_closed_alert_has_no_grade_to_raise() -> None:
    house, alert = called()
    house.asks(Claim(alert))
    house.asks(Close(alert, "assistance_given", "x"))
    with pytest.raises(IllegalTransition, match="closed"):
        raises(house, alert)


def test_a_restored_row_knows_the_grade() -> None:
    house, alert = called()
    raises(house, alert)
    other = Engine(DEFAULT)
    for key in [*house.engine.keys()]:
        other.restore(key, house.engine.snapshot(key))
    other.advance(START)
    assert other.alerts[alert].graded == (Scale.SINGLE, 3)


def test_a_plan_that_names_nobody_who_is_there_is_refused() -> None:
    escalation = load(DEFAULTS / "escalation.toml", EscalationFile)
    targets = tuple(target for target in escalation.targets if target.name != "supervisor")
    with pytest.raises(RulesetError, match="grade 2 of single: there is no target 'supervisor'"):
        assemble(
            load_all(DEFAULTS / "rules", RuleFile), EscalationFile(escalation.policies, targets, escalation.life),
            load(DEFAULTS / "dispositions.toml", DispositionFile), MODELS,
        )  # fmt: skip


def planned(*grades: Graded) -> Ruleset:
    """The plan of outages has these grades besides."""
    return replace(DEFAULT, policies=tuple(replace(one, grades=grades) if one.id == "aware" else one for one in DEFAULT.policies))


OF_BUILDING = Graded(Scale.BUILDING, 3, ("shift_lead",), by_itself=True)
OF_AREA = (Graded(Scale.AREA, 1, ("supervisor",), by_itself=True), Graded(Scale.AREA, 2, ("shift_lead",), by_itself=True))


def dark(town: Town, homes: int) -> list[GradeRaised]:
    for home in town.homes[:homes]:
        town.now += timedelta(seconds=5)
        town.hub(home, online=False)
    town.waits(10)
    return of(GradeRaised, town.facts)


def test_the_alert_of_many_homes_is_raised_to_its_class_by_its_size_where_the_plan_says_so() -> None:
    town = Town(20, ruleset=planned(*OF_AREA))
    (raised,) = dark(town, 8)
    (area,) = town.areas()
    assert (raised.alert, raised.by, raised.scale, raised.grade) == (area.id, SERVICE, Scale.AREA, 2), "the lightest of its class"
    assert raised.at == area.raised_at
    told = [one.target for one in of(NotificationRequested, town.facts) if one.alert == area.id and one.at == area.raised_at]
    assert told == ["shift_lead"]
    assert area.claimed_by is None
    recovered = Engine(town.engine.ruleset)
    for entry, at in town.journal:
        recovered.fold(entry, at)
    assert recovered.alerts[area.id].graded == (Scale.AREA, 2)


def test_a_building_has_its_own_and_without_such_a_plan_people_alone_raise() -> None:
    town = Town(40, ruleset=planned(OF_BUILDING, *OF_AREA), building=5)
    assert [(one.scale, one.grade) for one in dark(town, 5)] == [(Scale.BUILDING, 3)]
    assert dark(Town(20), 8) == []
    by_hand = tuple(replace(one, by_itself=False) for one in OF_AREA)
    assert dark(Town(20, ruleset=planned(*by_hand)), 8) == []


def test_a_single_call_is_never_raised_by_its_size() -> None:
    wrong = replace(DEFAULT, policies=planned(Graded(Scale.SINGLE, 2, ("shift_lead",), by_itself=True)).policies)
    assert any("by_itself is for a building or an area" in str(problem) for problem in problems_of(wrong))
