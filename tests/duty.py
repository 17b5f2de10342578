"""Rosters and policies for stories: a day's and a night's person in turns, contacts in order, and whom steps name."""

from datetime import date, timedelta

from msgspec.structs import replace

from alerting.assembly import problems_of
from alerting.commands import RegisterPerson
from alerting.duty_commands import SetRoster, SetStaff
from alerting.facts import Fact, NotificationRequested
from alerting.items import DeliveryEnded, DeliveryReported
from alerting.policy import DESK, Policy, Reach, Step, Target
from alerting.roster import Layer, Roster, RosterId, Staff, StaffId, Turn
from alerting.rules import Ruleset
from alerting.suppression import FLOOR
from alerting.terms import Category, Progress
from devices.home import Person, PersonId, Role
from tests.household import DEFAULT, HOME, Household, of

TARGETS = (
    Target("next", "下一位联系人", "the next contact", ("call",), Reach.NEXT_CONTACT),
    Target("contacts", "联系人", "the contacts", ("call",), Reach.CONTACTS),
    Target("duty", "值班人员", "whoever is on duty", ("call",), Reach.ROSTER, "night"),
    Target("leads", "值班长", "the leads", ("call",), Reach.ROLE, "lead"),
    Target("doctor", "医生", "the doctor", ("call",), Reach.PERSON, "gu"),
    Target("fire_119", "119", "119", ("gb",), Reach.SERVICE),
    Target("group", "值班群", "the group", ("chat",)),
    Target("night_group", "夜班群", "the night's group", ("chat",), hours=("22:00-06:00",)),
)


def policy(*steps: tuple[float, tuple[str, ...]], accepts: int = 1, **more: object) -> Policy:
    """For calls for help, fire, gas and falls."""
    made = tuple(Step(timedelta(seconds=after), targets) for after, targets in ((0, (DESK,)), *steps))
    return replace(Policy("life", made, tuple(FLOOR), rounds=1, keep_ringing=timedelta(minutes=10), accepts=accepts), **more)


def ruleset(*policies: Policy, targets: tuple[Target, ...] = TARGETS) -> Ruleset:
    """The rules that Anju comes with, by these policies for what is under the floor."""
    others = tuple(p for p in DEFAULT.policies if p.id != "life")
    made = replace(DEFAULT, policies=(*policies, *others), targets=(*DEFAULT.targets, *targets))
    assert problems_of(made) == ()
    return made


def family(house: Household, *people: tuple[str, str, tuple[str, ...]]) -> None:
    """(id, telephone, hours), in order."""
    for order, (id_, phone, hours) in enumerate(people):
        house.asks(RegisterPerson(Person(PersonId(id_), HOME, Role.FAMILY, id_, phone, order, hours=hours)))


def staff(house: Household, *people: Staff) -> None:
    for person in people:
        house.asks(SetStaff(person))


LI = Staff(StaffId("li"), "李娜", "13800000011", "li")
WANG = Staff(StaffId("wang"), "王强", "13800000012", "wang", "lead")
GU = Staff(StaffId("gu"), "顾医生", "13800000013")
MUTE = Staff(StaffId("mute"), "没有电话")


def night(*members: str, desk: bool = False, hours: tuple[str, ...] = ("20:00-08:00",), **more: object) -> Roster:
    """Who is on from eight in the evening; 2026-11-21 is the first one's."""
    layer = Layer("first", tuple(StaffId(m) for m in members), Turn.DAILY, date(2026, 11, 21), hours=hours)
    return replace(Roster(RosterId("night"), "夜班", "the night shift", (layer,), desk=desk, hours=hours), **more)


def on_duty(house: Household, *members: str, desk: bool = False) -> None:
    staff(house, LI, WANG, GU, MUTE)
    house.asks(SetRoster(night(*(members or ("li", "wang")), desk=desk)))


def told(facts: list[Fact]) -> list[str]:
    """Whom the notifications name: the person, or else the target."""
    return [str(f.person or f.staff or f.target) for f in of(NotificationRequested, facts) if not f.stand_down]


def stood_down(facts: list[Fact]) -> list[str]:
    return [str(f.person or f.staff or f.target) for f in of(NotificationRequested, facts) if f.stand_down]


def ended(house: Household, asked: NotificationRequested, *, delivered: bool) -> list[Fact]:
    return house._kept(house.engine.handle(
        DeliveryEnded(asked.notification, asked.alert, asked.home, delivered, 1, "OK" if delivered else "refused"), house.now,
    ))  # fmt: skip


def heard(house: Household, asked: NotificationRequested, progress: Progress) -> list[Fact]:
    return house._kept(house.engine.handle(
        DeliveryReported(asked.notification, asked.alert, asked.home, progress, "said"), house.now,
    ))  # fmt: skip


def call(house: Household) -> str:
    """The cord is pulled."""
    house.says("cord", pull_cord=True)
    return house.alert(Category.CALL_FOR_HELP).id
