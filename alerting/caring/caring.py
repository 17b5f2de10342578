"""What people ask about care, decided; and what the calendar brings. Pure: the engine asks, and makes the facts hold one by one.

Theory of operation
-------------------
Care follows the wall clock and may be a minute late: an errand is no deadline of an alert. So no timer of the engine holds it; the shell's
calendar (`gateway.jobs`, APScheduler) looks at `Care.next_at` of every home each minute, and asks `SeeToCare` for those where something
is due. What is due is decided here from the state alone, which remembers for each plan the last day that it went through: a service that
was down for a week goes through each day of that week at its first look, in order, and drops none.

An occasion is on the list from the moment it is due until a person says that it was done or missed. Two things settle one without a
person: the devices, where they are the proof (a check-in pressed, every calling device tried); and the next occasion of the same plan,
which makes the one before a missed one, for the list shows what can still be done.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from msgspec.structs import replace

from alerting.caring import calls
from alerting.caring.asking import Asking
from alerting.caring.commands import EndCarePlan, SeeToCare, SetCarePlan, SettleCare
from alerting.caring.days import local, moment, next_day
from alerting.caring.facts import CareDone, CareDue, CareMissed, CareOverdue, CarePlanEnded, CarePlanSet, CareReminded
from alerting.caring.family import MakeFamilyLink, RevokeFamilyLink, SetConsent
from alerting.caring.prompt_facts import PromptDropped, PromptSaid
from alerting.caring.prompting import Prompting
from alerting.caring.records import CarePlan, Errand, Every, Occasion, OccasionId, State
from alerting.circumstances import Circumstances
from alerting.commands import CareCommand
from alerting.facts import Fact
from alerting.home_state import HomeState
from alerting.refusals import IllegalTransition, Unknown
from alerting.registry import Registry
from alerting.schedule import minutes_of
from alerting.terms import SERVICE, Actor, Sentence
from devices.home import DeviceId, HomeId, Lifecycle
from devices.observation import URGENT
from devices.topic import ID

TEXT_LIMIT = 500
PLANS_MOST = 40
WITHIN_MOST = 31 * 24 * 60
OVERTAKEN = "下一次已到期 · the next one came due"
BY_DEVICE = "设备已上报 · said by the device"
TESTED = "各报警设备均已上报 · every calling device was heard"
SAID = "已播报 · said"
TOO_LATE = "服务恢复时已过时限 · its time was over when the service was back"
NO_PROMPT = Sentence("没有配置计划提醒", "no prompt of the settings is a planned one")
EARLY = timedelta(hours=1)
"""Who says that all is well a little before the time has said it."""


class Caring:
    def __init__(self, registry: Registry, circumstances: Circumstances) -> None:
        self._registry = registry
        self._around = circumstances
        self._asking = Asking(registry)
        self.prompting = Prompting(registry, circumstances)

    @property
    def shift(self) -> timedelta:
        """Local time minus service time."""
        return self._around.wall_offset + timedelta(minutes=self._around.ruleset.utc_offset_minutes)

    # --- what people ask -------------------------------------------------------------------------------------------------------

    def decide(self, command: CareCommand, by: Actor, now: datetime) -> Iterable[Fact]:
        """The facts that a command becomes, each to hold before the next; Unknown or IllegalTransition before the first."""
        match command:
            case SetCarePlan(plan=plan):
                home = self._living(plan.home)
                since = local(now, self.shift).replace(microsecond=0)
                _check(plan, since.date())
                if plan.id not in home.care.plans and len(home.care.plans) >= PLANS_MOST:
                    raise IllegalTransition(Sentence(f"每户最多 {PLANS_MOST} 个计划", f"a home has {PLANS_MOST} plans at most"))
                return [CarePlanSet(now, by, home.id, tidied(plan), since.isoformat())]
            case EndCarePlan(home=home_id, plan=plan_id):
                if plan_id not in self._registry.home(home_id).care.plans:
                    raise Unknown(Sentence(f"没有编号为 {plan_id} 的计划", f"there is no plan {plan_id}"))
                return [CarePlanEnded(now, by, home_id, plan_id)]
            case SettleCare():
                return self._settled(command, by, now)
            case SeeToCare(homes=homes):
                return self._see_to(homes, now)
            case SetConsent() | MakeFamilyLink() | RevokeFamilyLink():
                home = self._living(command.home)
                return [home.care.family.decide(command, home.people, by, now, now + self._around.wall_offset)]
            case _:
                return self._asking.decide(command, by, now)

    def _settled(self, command: SettleCare, by: Actor, now: datetime) -> list[Fact]:
        home, word = self._registry.home(command.home), command.word.strip()[:TEXT_LIMIT]
        occasion = home.care.open.get(command.occasion)
        if occasion is None:
            known = home.care.occasion(command.occasion)
            if known is not None:
                how = ("已完成", "done") if known.state is State.DONE else ("未完成", "missed")
                raise IllegalTransition(Sentence(f"{known.by} 已记为{how[0]}", f"{known.by} has said already that it was {how[1]}"))
            raise Unknown(Sentence("没有这项任务", f"there is nothing planned as {command.occasion[:80]}"))
        if not command.done:
            if not word:
                raise IllegalTransition(Sentence("请填写未完成的原因", "say why it was missed"))
            return [CareMissed(now, by, home.id, occasion.id, word)]
        return _done(home, occasion, by, now, word)

    def _living(self, home: HomeId) -> HomeState:
        state = self._registry.home(home)
        if state.retired:
            raise IllegalTransition(Sentence(f"住户 {home} 已停用", f"home {home} is retired"))
        return state

    @staticmethod
    def proven(home: HomeState) -> bool:
        """Whether something open of the home was done by what its devices said."""
        return any(proof(home, occasion) is not None for occasion in home.care.open.values())

    # --- what the calendar brings ----------------------------------------------------------------------------------------------

    def _see_to(self, homes: tuple[HomeId, ...], now: datetime) -> Iterator[Fact]:
        for id_ in homes:
            home = self._registry.homes.get(id_)
            if home is not None and not home.retired:
                yield from self._opened(home, now)
                for occasion in list(home.care.open.values()):
                    yield from self._gone_on(home, occasion, now)
                yield from self._asking.see_to(home, now)
                yield from self.prompting.see_to(home, now)

    def _opened(self, home: HomeState, now: datetime) -> Iterator[Fact]:
        """The occasions that came due, day by day, whatever was slept through."""
        shift = self.shift
        for planned in list(home.care.plans.values()):
            while (day := next_day(planned, shift)) is not None and moment(planned.plan, day, shift) <= now:
                for before in [o for o in home.care.open.values() if o.plan == planned.plan.id]:
                    yield CareMissed(now, SERVICE, home.id, before.id, OVERTAKEN)
                yield CareDue(now, home.id, _occasion(planned.plan, day, shift))

    def _gone_on(self, home: HomeState, occasion: Occasion, now: datetime) -> Iterator[Fact]:
        if occasion.errand is Errand.PROMPT:
            yield from self._prompted(home, occasion, now)
            return
        if (word := proof(home, occasion)) is not None:
            yield from _done(home, occasion, SERVICE, now, word)
            return
        if occasion.state is State.DUE and occasion.late_at <= now:
            yield CareOverdue(now, home.id, occasion.id)
            if (alert := calls.missed(home, occasion, self._around, now)) is not None:
                yield alert
        elif not occasion.reminded and occasion.remind_at is not None and occasion.remind_at <= now:
            yield CareReminded(now, home.id, occasion.id)


    def _prompted(self, home: HomeState, occasion: Occasion, now: datetime) -> Iterator[Fact]:
        """Nobody's task: it is said in its time, or it was missed."""
        if occasion.late_at <= now:
            yield CareMissed(now, SERVICE, home.id, occasion.id, TOO_LATE)
            return
        said = list(self.prompting.planned(home, occasion, now))
        yield from said
        if any(isinstance(fact, PromptSaid) for fact in said):
            yield CareDone(now, SERVICE, home.id, occasion.id, SAID)
        else:
            why = next((fact.why for fact in said if isinstance(fact, PromptDropped)), NO_PROMPT)
            yield CareMissed(now, SERVICE, home.id, occasion.id, f"{why.zh} · {why.en}")


def proof(home: HomeState, occasion: Occasion) -> str | None:
    """What shows that it was done without anybody saying so; None where nothing does."""
    if occasion.errand is Errand.CHECK_IN:
        said = home.proven.checked_in_at
        return BY_DEVICE if said is not None and said >= occasion.due_at - EARLY else None
    if occasion.errand is Errand.DEVICE_TEST:
        return TESTED if list(calling(home)) and not untested(home, occasion.due_at) else None
    return None


def calling(home: HomeState) -> Iterator[DeviceId]:
    """The devices that a person, or a hazard, calls for help by."""
    for id_, device in home.devices.items():
        if device.record.lifecycle is not Lifecycle.RETIRED and URGENT.intersection(device.record.exposes):
            yield id_


def untested(home: HomeState, since: datetime) -> list[DeviceId]:
    """Those of them of which neither a call nor a test came through since."""
    tried = home.proven.tried
    return [id_ for id_ in calling(home) if id_ not in tried or tried[id_] < since]


def _done(home: HomeState, occasion: Occasion, by: Actor, now: datetime, word: str) -> list[Fact]:
    cleared = calls.heard(home, occasion, now)
    return [CareDone(now, by, home.id, occasion.id, word), *([cleared] if cleared else [])]


def _occasion(plan: CarePlan, day: date, shift: timedelta) -> Occasion:
    due = moment(plan, day, shift)
    late = due + timedelta(minutes=plan.within_min)
    remind = late - timedelta(minutes=plan.remind_min) if plan.remind_min else None
    id_ = OccasionId(f"{plan.home}.{plan.id}.{day.isoformat()}")
    return Occasion(id_, plan.home, plan.id, plan.errand, day.isoformat(), due, late, remind, plan.who, plan.note)


def _check(plan: CarePlan, today: date) -> None:
    """IllegalTransition says what is wrong with it."""
    if plan.errand is Errand.PROMPT and not plan.note.strip():
        raise _wrong("请在备注中写明提醒内容", "note: what the prompt says")
    if not ID.match(plan.id):
        raise _wrong("计划编号须为 1 到 64 位字母、数字、下划线或连字符", f"{plan.id[:80]!r} is not 1 to 64 of A-Z a-z 0-9 _ -")
    try:
        minutes = minutes_of(plan.at)
    except ValueError as problem:
        raise _wrong(f"时间 {plan.at[:20]!r} 不是 08:00 这样的时刻", f"at: {problem}") from problem
    if minutes == 24 * 60:
        raise _wrong("24:00 请写成次日 00:00", "at: write 24:00 as 00:00 of the day after")
    most = {Every.WEEK: 7, Every.MONTH: 31}.get(plan.every, 0)
    if bool(plan.days) != bool(most) or any(not 1 <= day <= most for day in plan.days):
        raise _wrong(
            "每周计划须写星期 1 到 7，每月计划须写日期 1 到 31，其他计划不写",
            "days: 1 to 7 for a plan of the week, 1 to 31 for one of the month, none for others",
        )
    if bool(plan.day) != (plan.every is Every.ONCE):
        raise _wrong("单次计划须写日期，其他计划不写", "day: a plan of one day has it, others have not")
    if plan.day:
        try:
            day = date.fromisoformat(plan.day)
        except ValueError as problem:
            raise _wrong(f"{plan.day[:20]!r} 不是 2026-11-30 这样的日期", f"day: {problem}") from problem
        if day < today:  # it would stand among the plans and never come up
            raise _wrong(f"{day.isoformat()} 已经过去", f"day: {day.isoformat()} is over")
    if not 1 <= plan.within_min <= WITHIN_MOST or not 0 <= plan.remind_min < plan.within_min:
        zh = "时限须为 1 分钟到 31 天，提醒须早于时限"
        raise _wrong(zh, "within: a minute to 31 days; the reminder comes before it is over")


def _wrong(zh: str, en: str) -> IllegalTransition:
    return IllegalTransition(Sentence(zh, en))


def tidied(plan: CarePlan) -> CarePlan:
    """With its words cut to what is kept."""
    return replace(plan, who=plan.who.strip()[:TEXT_LIMIT], note=plan.note.strip()[:TEXT_LIMIT], days=tuple(sorted(set(plan.days))))


