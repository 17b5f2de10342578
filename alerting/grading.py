"""Plans by class and grade: who may raise a matter to one, and who is told then. Pure.

A grade tells its people besides the steps of the policy: it moves no step, ends no round, and takes nobody's alert. They are told whether
or not somebody has accepted already, since more are wanted now.
"""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from alerting import reach
from alerting.alert import Alert
from alerting.area_rules import Grouping
from alerting.duties import Duties
from alerting.facts import StepReached
from alerting.plan_facts import RANKS, ROMAN, SCALES, GradeRaised, RaiseGrade, Scale
from alerting.policy import Graded, Policy
from alerting.reach import Announcement, Around
from alerting.refusals import IllegalTransition
from alerting.terms import SERVICE, Actor, AlertId, Sentence
from devices.home import HomeId

TEXT_LIMIT = 4_000
BY_SIZE = "按规模自动定级 by its size"
FIRST = 1_000
"""In place of a step's number, for what grades tell: behind every step that a policy can have."""


def raised(alert: Alert, command: RaiseGrade, by: Actor, policy: Policy, duties: Duties) -> Graded:
    """What the plan has for it; IllegalTransition says why not."""
    if not alert.open:
        raise IllegalTransition(Sentence("警报已结案，不能提高响应等级", "the alert is closed: there is no grade to raise"))
    if not command.reason.strip():
        raise IllegalTransition(Sentence("请填写提高等级的原因", "the reason for raising the grade is missing"))
    wanted = next((one for one in policy.grades if (one.scale, one.grade) == (command.scale, command.grade)), None)
    if wanted is None:
        known = ", ".join(f"{one.scale.value} {ROMAN[one.grade]}" for one in policy.grades) or "-"
        said = f"plan {policy.id!r} has no such grade; it has: {known}"
        raise IllegalTransition(Sentence(f"预案“{policy.id}”没有该等级，可选：{known}", said))
    if alert.graded is not None and not graver(command, alert.graded):
        name = named(*alert.graded)
        raise IllegalTransition(Sentence(f"已是{name.zh}，只能再提高", f"it is {name.en} already: a grade is raised, never lowered"))
    roles = {staff.role for staff in duties.staff.values() if staff.actor == by}
    if wanted.may_raise and not roles.intersection(wanted.may_raise):
        who = "、".join(wanted.may_raise)
        raise IllegalTransition(Sentence(f"该等级须由 {who} 提出", f"this grade is raised by {', '.join(wanted.may_raise)} alone"))
    return wanted


def by_size(alert: AlertId, policy: Policy, grouping: Grouping, now: datetime) -> Iterator[GradeRaised]:
    """What an alert of many homes is raised to at once, where its plan says so; the lightest of its class."""
    scale = Scale.BUILDING if grouping is Grouping.BUILDING else Scale.AREA
    fitting = [one for one in policy.grades if one.by_itself and one.scale is scale]
    for one in sorted(fitting, key=lambda one: -one.grade)[:1]:
        yield GradeRaised(alert, now, HomeId(""), SERVICE, scale, one.grade, BY_SIZE, one.targets)


def graver(command: RaiseGrade, before: tuple[str, int]) -> bool:
    """Larger or graver, and neither smaller nor lighter."""
    size, was = RANKS.index(command.scale), [scale.value for scale in RANKS].index(before[0])
    return size >= was and command.grade <= before[1] and (size, command.grade) != (was, before[1])


def named(scale: str, grade: int) -> Sentence:
    words = next(said for known, said in SCALES.items() if known.value == scale)
    return Sentence(f"{words.zh} {ROMAN[grade]} 级", f"{words.en} grade {ROMAN[grade]}")


def announcements(alert: Alert, fact: GradeRaised, around: Around) -> Iterator[Announcement]:
    """Who is told of a grade, through what; and who is not, and why."""
    name = named(fact.scale, fact.grade)
    why = Sentence(f"{fact.by} 提高到{name.zh}：{fact.reason}", f"{fact.by} raised it to {name.en}: {fact.reason}")
    number = FIRST + 10 * RANKS.index(fact.scale) + fact.grade
    as_step = StepReached(alert.id, fact.at, alert.home, number, alert.round, fact.targets, None)
    yield from reach.announcements(alert, as_step, replace(around, policy=replace(around.policy, accepts=0)), why)
