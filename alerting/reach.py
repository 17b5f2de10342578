"""Whom a step tells, at its moment: contacts in their order and hours, whoever is on duty; who has accepted, and who may stand down.

Everything here is asked when a step is reached or somebody answers, and becomes facts then; nothing is decided twice.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from alerting.alert import TAKEN_ON, Alert
from alerting.duties import Duties
from alerting.facts import (
    AlertClosed,
    HelpReported,
    NotificationEnded,
    NotificationReported,
    NotificationRequested,
    NotificationSkipped,
    StepReached,
)
from alerting.home_state import HomeState
from alerting.identity import notification_id
from alerting.policy import BUILT_IN, Policy, Reach, Step, Target
from alerting.roster import RosterId, Staff, StaffId
from alerting.schedule import Openings, Weekday, parse
from alerting.suppression import accept_limit, under_floor
from alerting.terms import AlertId, NotificationId, Progress, Sentence, Stage
from alerting.told import Told
from devices.home import AreaId, Person, PersonId, Role

Announcement = NotificationRequested | NotificationSkipped


class Around(msgspec.Struct, frozen=True):
    """What a home lies in at a moment. `areas`: from its own upwards; `wall`: what the wall clock shows, UTC; `zone`: local minus UTC."""

    home: HomeState
    policy: Policy
    targets: tuple[Target, ...]
    duties: Duties
    areas: tuple[AreaId, ...]
    wall: datetime
    zone: timedelta

    def within(self, hours: tuple[str, ...], weekdays: tuple[Weekday, ...] = ()) -> bool:
        return (not hours and not weekdays) or Openings(parse(hours, weekdays), self.zone, ()).open(self.wall)


class Called(msgspec.Struct, frozen=True):
    """One who is to be told. `key` tells them apart under one target."""

    key: str = ""
    channels: tuple[str, ...] = ()
    person: PersonId | None = None
    staff: StaffId | None = None


def announcements(alert: Alert, fact: StepReached, around: Around, why: Sentence) -> Iterator[Announcement]:
    """Who is told of a step, through what; and who is not, and why. The desk is not told: it sees."""
    known = {target.name: target for target in around.targets}
    for name in dict.fromkeys(fact.targets):
        if name in BUILT_IN:
            continue
        target = known.get(name, Target(name))
        held_back = _held_back(alert, fact, target, around)
        if held_back is not None:
            yield NotificationSkipped(alert.id, fact.at, alert.home, name, fact.step, held_back)
            continue
        called = list(_called(alert, fact, target, around))
        for one in called:
            for channel in dict.fromkeys(one.channels):
                id_ = notification_id(alert.id, fact.round, fact.step, f"{name}/{one.key}" if one.key else name, channel)
                yield NotificationRequested(
                    id_, alert.id, fact.at, alert.home, name, channel, fact.step, why, one.person, fact.round, one.staff,
                )  # fmt: skip
        if not any(one.channels for one in called):
            # A name without channels is a matter of the settings, known beforehand; a person who cannot be reached is news.
            undeliverable = target.reach not in (Reach.CHANNELS, Reach.SERVICE) and bool(target.channels or called)
            nobody = _nobody(target, called=bool(called))
            yield NotificationSkipped(alert.id, fact.at, alert.home, name, fact.step, nobody, undeliverable)


def _held_back(alert: Alert, fact: StepReached, target: Target, around: Around) -> Sentence | None:
    """Why a target is not told now, though it could be."""
    called, steps = _name(target), around.policy.steps
    step = steps[fact.step] if fact.step < len(steps) else Step(timedelta(0), ())
    if not around.within(step.hours, step.weekdays) or not around.within(target.hours, target.weekdays):
        return Sentence(f"现在不在通知{called.zh}的时段内", f"{called.en} is not told at this hour")
    if accepted(alert, around.policy, fact.at):
        who = "、".join(r.name for r in alert.responders if r.stage in TAKEN_ON)
        return Sentence(f"{who} 已答应前往，不再通知{called.zh}", f"{who.replace('、', ', ')} has accepted: {called.en} is not told")
    told = (t for t in around.home.told.values() if t.alert == alert.id and t.target == target.name)
    if target.reach is Reach.SERVICE and any(hopeful(each) for each in told):
        return Sentence(f"已经移交{called.zh}", f"{called.en} has been given it already")
    return None


def _called(alert: Alert, fact: StepReached, target: Target, around: Around) -> Iterator[Called]:
    match target.reach:
        case Reach.CHANNELS | Reach.SERVICE:
            yield Called(channels=target.channels)
        case Reach.NEXT_CONTACT:
            asked = {t.person for t in around.home.told.values() if t.alert == alert.id and t.round == fact.round and not t.stand_down}
            waiting = (person for person in contacts(alert, around) if person.id not in asked)
            yield from (Called(person.id, target.channels, person=person.id) for person in [*waiting][:1])
        case Reach.CONTACTS:
            yield from (Called(person.id, target.channels, person=person.id) for person in contacts(alert, around))
        case Reach.ROSTER | Reach.ROLE | Reach.PERSON:
            for staff in _staff(target, around):
                channels = (staff.channels or target.channels) if staff.phone.strip() or staff.channels else ()
                yield Called(staff.id, channels, staff=staff.id)


def contacts(alert: Alert, around: Around) -> list[Person]:
    """Who can be rung, in order; who cannot come has said so. Under the floor those outside their hours come behind the others."""
    told = around.home.told.values()
    declined = {t.person for t in told if t.alert == alert.id and t.answer is Progress.DECLINED}
    people = sorted(around.home.people.values(), key=lambda person: (person.order, person.id))
    there = [p for p in people if p.role is not Role.RESIDENT and p.phone.strip() and p.id not in declined]
    now = [person for person in there if around.within(person.hours)]
    return now + [person for person in there if person not in now] if under_floor(alert.category) else now


def _staff(target: Target, around: Around) -> Iterable[Staff]:
    duties, wall, zone = around.duties, around.wall, around.zone
    if target.reach is Reach.PERSON:
        return [duties.staff[StaffId(target.of)]] if target.of in duties.staff else []
    if target.reach is Reach.ROLE:
        return duties.role(target.of, around.areas, wall, zone)
    named = duties.rosters.get(RosterId(target.of))
    rosters = ([named] if named is not None else []) if target.of else duties.serving(around.areas)
    on = (shift.staff for roster in rosters for shift in duties.on(roster, wall, zone))
    return [duties.staff[id_] for id_ in dict.fromkeys(on)]


def _name(target: Target) -> Sentence:
    return Sentence(target.zh or target.name, target.en or target.name)


def _nobody(target: Target, *, called: bool) -> Sentence:
    name = _name(target)
    if target.reach in (Reach.CHANNELS, Reach.SERVICE) or (called and not target.channels):
        return Sentence(f"{name.zh}没有配置任何通知渠道", f"no channel is configured for {name.en}")
    if called:
        return Sentence(f"{name.zh}没有可用的号码", f"{name.en} has no number that can be reached")
    match target.reach:
        case Reach.NEXT_CONTACT | Reach.CONTACTS:
            return Sentence("没有其他可拨打的联系人", "there is no further contact who can be rung")
        case Reach.PERSON:
            return Sentence(f"没有登记{name.zh}", f"{name.en} is not known")
        case _:
            return Sentence(f"{name.zh}此刻无人值班", f"nobody of {name.en} is on duty now")


# --- answers ---------------------------------------------------------------------------------------------------------------------


def accepted(alert: Alert, policy: Policy, at: datetime) -> bool:
    """Whether so many come as the policy asks for. Who accepted, has not arrived and is not heard of any more counts no longer."""
    limit = accept_limit(alert.category, policy.accept_limit)
    coming = sum(r.stage is Stage.ARRIVED or (r.stage in TAKEN_ON and at < r.at + limit) for r in alert.responders)
    return 0 < policy.accepts <= coming


def hopeful(told: Told) -> bool:
    """Whether somebody may still come of it."""
    failed = told.delivered is False or Progress.FAILED in told.progress or told.answer is Progress.DECLINED
    return not told.stand_down and not failed


def in_vain(alert: Alert, fact: NotificationEnded | NotificationReported, around: Around) -> bool:
    """Whether with this the target of the present step was reached in no way, so that the next step is due at once, if there is one."""
    told = around.home.told.get(fact.notification)
    if told is None or hopeful(told) or told.stand_down or (told.round, told.step) != (alert.round, alert.step):
        return False
    if not alert.ringing or alert.step >= len(around.policy.steps) - 1 or accepted(alert, around.policy, fact.at):
        return False
    return not any(hopeful(other) for other in around.home.told.values() if _together(other) == _together(told))


def stand_downs(
    before: Alert, after: Alert, fact: HelpReported | AlertClosed | NotificationEnded, around: Around,
) -> Iterator[NotificationRequested]:  # fmt: skip
    """Those told who have not accepted, once enough have, or the alert is closed: they are told that they need not come, and who does."""
    told = {id_: t for id_, t in around.home.told.items() if t.alert == after.id}
    closing, policy = not after.open, around.policy
    if isinstance(fact, NotificationEnded):
        late = told.get(fact.notification)  # it was on the wire when the others were told
        if late is None or not fact.delivered or not (closing or accepted(after, policy, fact.at)):
            return
        wanted = {fact.notification: late}
    elif closing or (accepted(after, policy, fact.at) and not accepted(before, policy, fact.at)):
        wanted = told
    else:
        return
    coming = {r.name for r in after.responders if r.stage in TAKEN_ON}
    answering = told.get(fact.notification) if isinstance(fact, HelpReported) and fact.notification else None
    done = {_whom(t) for t in told.values() if t.stand_down}
    done |= {_whom(t) for t in told.values() if t.answer is not None or _called_by(t, around) in coming or t == answering}
    for id_, one in wanted.items():
        # A telephone or a chat that nobody in particular stands behind is not told of a closing: it never was told to come.
        if one.stand_down or not one.delivered or _whom(one) in done or (closing and one.person is None and one.staff is None):
            continue
        done.add(_whom(one))
        yield _stand_down(after, id_, one, fact.at, coming)


def _together(told: Told) -> tuple[AlertId, int, int, str]:
    """What one step says to one target."""
    return told.alert, told.round, told.step, told.target


def _whom(told: Told) -> tuple[str, PersonId | None, StaffId | None, str]:
    return ("", told.person, told.staff, told.channel) if told.person or told.staff else (told.target, None, None, told.channel)


def _called_by(told: Told, around: Around) -> str | None:
    if told.person is not None and told.person in around.home.people:
        return around.home.people[told.person].name
    return around.duties.staff[told.staff].name if told.staff is not None and told.staff in around.duties.staff else None


def _stand_down(alert: Alert, before: NotificationId, told: Told, at: datetime, coming: set[str]) -> NotificationRequested:
    if alert.open:
        who = sorted(coming)
        why = Sentence(f"不用去了：{'、'.join(who)} 已答应前往", f"you need not come: {', '.join(who)} has accepted")
    else:
        why = Sentence(f"不用去了：{alert.closed_by} 已处理完毕", f"you need not come: {alert.closed_by} has closed it")
    id_ = notification_id(alert.id, told.round, told.step, f"{before} stand down", told.channel)
    return NotificationRequested(
        id_, alert.id, at, alert.home, told.target, told.channel, told.step, why, told.person, told.round, told.staff, stand_down=True,
    )  # fmt: skip
