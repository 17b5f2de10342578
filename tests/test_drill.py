"""Drills of plans: the escalation that holds, on homes in which nobody lives; who is told, who accepts, and what was wanting."""

from datetime import timedelta
from typing import TypeVar

import pytest
from msgspec.structs import replace

from alerting.drill import DESK, Answer, Drill, Drilled, Setting, held
from alerting.duties import Duties
from alerting.duty_facts import StaffSet
from alerting.facts import AlertAcknowledged, AlertFact, AlertRaised, HelpReported, NotificationRequested, NotificationSkipped, StepReached
from alerting.plan_facts import GradeRaised, Scale
from alerting.policy import Reach, Target
from alerting.refusals import IllegalTransition
from alerting.roster import Staff, StaffId
from alerting.terms import SERVICE, Actor, Category, Stage
from devices.home import Area, AreaId
from tests.household import AREA, DEFAULT, START, Household, of

COUNTY = AreaId("330106")
AREAS = (Area(COUNTY, "西湖区"), Area(AREA, "翠苑街道", parent=COUNTY))
F = TypeVar("F", bound=AlertFact)


def staffed(*staff: Staff) -> Duties:
    duties = Duties()
    for one in staff:
        duties.apply(StaffSet(START, SERVICE, one))
    return duties


LEAD = Staff(StaffId("lead"), "班长李", "13800000011", "li", "lead")
NIGHT = Drill(Category.FIRE, AREA, START, Actor("wang.wei"))
SETTING = Setting(DEFAULT, AREAS, staffed(LEAD))


def after(done: Drilled, kind: type[F]) -> list[tuple[float, F]]:
    return [((fact.at - START).total_seconds(), fact) for fact in done.facts if isinstance(fact, kind)]


def test_it_escalates_to_the_second_as_a_real_call_does() -> None:
    house = Household()
    house.says("smoke", smoke=True)
    house.waits(900)
    real = [((f.at - START).total_seconds(), f.target, f.channel) for f in of(NotificationRequested, house.facts)]
    done = held(replace(NIGHT, lasts=timedelta(seconds=900)), SETTING)
    drilled = [(s, f.target, f.channel) for s, f in after(done, NotificationRequested)]
    assert drilled == [one for one in real if one[0] < 900] != []
    assert [s for s, _ in after(done, StepReached)][:3] == [0, 60, 180]


def test_a_grade_of_a_building_tells_those_whom_the_plan_names() -> None:
    done = held(replace(NIGHT, scale=Scale.BUILDING, grade=2, homes=4, raised_after=timedelta(seconds=30)), SETTING)
    assert len(after(done, AlertRaised)) == 4
    ((at, raised),) = after(done, GradeRaised)
    assert (at, raised.by, raised.scale, raised.grade) == (30, "wang.wei", Scale.BUILDING, 2)
    told = [(f.target, f.channel) for s, f in after(done, NotificationRequested) if s == 30]
    assert told == [("shift_lead", "hook"), ("supervisor", "hook"), ("supervisor", "mail")]


def test_who_may_raise_it_does_and_where_nobody_may_that_is_what_the_drill_found() -> None:
    largest = replace(NIGHT, scale=Scale.AREA, grade=1, homes=2)
    ((_, raised),) = after(held(largest, SETTING), GradeRaised)
    assert raised.by == "li", "a lead, as the plan asks for"
    nobody = held(largest, replace(SETTING, duties=Duties()))
    assert after(nobody, GradeRaised) == []
    assert nobody.refused is not None
    assert "lead" in nobody.refused.en


def test_who_accepts_ends_the_steps_and_who_is_not_reached_brings_the_next_at_once() -> None:
    accepts = replace(NIGHT, answers=(Answer("shift_lead", timedelta(seconds=20), Stage.ACCEPTED),))
    done = held(accepts, SETTING)
    ((at, helped),) = after(done, HelpReported)
    assert (at, helped.responder, helped.stage) == (80, "值班长", Stage.ACCEPTED)
    assert [(s, f.target) for s, f in after(done, NotificationSkipped)][:2] == [(180, "shift_lead"), (180, "supervisor")]
    dead = held(replace(NIGHT, unreachable=("shift_lead",)), SETTING)
    assert [s for s, f in after(dead, NotificationRequested) if f.target == "supervisor"][:1] == [61], "a second later, not two minutes"


def test_the_desk_that_takes_it_keeps_everybody_else_asleep() -> None:
    done = held(replace(NIGHT, homes=3, desk_after=timedelta(seconds=25)), SETTING)
    assert [(s, f.by) for s, f in after(done, AlertAcknowledged)] == [(25, DESK), (30, DESK), (35, DESK)]
    assert after(done, NotificationRequested) == []


def test_families_of_a_drill_are_nobody() -> None:
    family = Target("contacts", "家属", "the family", ("call",), Reach.CONTACTS)
    (life, *others) = DEFAULT.policies
    ringing = replace(life, steps=(replace(life.steps[0], targets=("desk", "contacts")),))
    setting = replace(SETTING, ruleset=replace(DEFAULT, policies=(ringing, *others), targets=(*DEFAULT.targets, family)))
    told = after(held(NIGHT, setting), NotificationRequested)
    assert {f.person for _, f in told if f.person is not None} <= {"drill-1-1", "drill-1-2"}
    assert any(f.target == "contacts" for _, f in told)


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        (replace(NIGHT, scale=Scale.BUILDING, grade=4), "has no such grade"),
        (replace(NIGHT, area=AreaId("1")), "there is no area"),
        (replace(NIGHT, category=Category.TECHNICAL), "is not drilled"),
    ],
)
def test_what_cannot_be_drilled_is_refused_in_words(wish: Drill, why: str) -> None:
    with pytest.raises(IllegalTransition, match=why):
        held(wish, SETTING)
