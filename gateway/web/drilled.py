"""The report of a drill, from what its engine made: each fact a line, each person once, and what was wanting in words."""

from datetime import datetime

import msgspec

from alerting.drill import Drill, Drilled, Setting
from alerting.facts import (
    AcknowledgementLapsed,
    AlertAcknowledged,
    AlertFact,
    AlertRaised,
    ClaimLapsed,
    HelpReported,
    NotificationEnded,
    NotificationRequested,
    NotificationSkipped,
    StepReached,
)
from alerting.grading import FIRST, named
from alerting.plan_facts import GradeRaised
from alerting.terms import NotificationId, Sentence, Stage
from gateway.evidence.words import CATEGORIES
from gateway.web import timeline
from gateway.web.drill_shapes import DrillLine, DrillMissed, DrillShape, DrillTold
from gateway.web.problems import Words

SHOWN = (
    AlertRaised | StepReached | NotificationRequested | NotificationSkipped | NotificationEnded | HelpReported | GradeRaised
    | AlertAcknowledged | ClaimLapsed | AcknowledgementLapsed
)  # fmt: skip


class Occasion(msgspec.Struct, frozen=True):
    """Which drill it is, when it was held and what for."""

    id: str
    held_at: datetime
    reason: str


def report(occasion: Occasion, drill: Drill, setting: Setting, done: Drilled) -> DrillShape:
    area = next(one for one in setting.areas if one.id == drill.area)
    names = _Names(setting, done)
    told, missed = _told(drill, done, names), _missed(drill, done, names)
    wanted = done.wanted
    firsts = {kind: _first(drill, done, kind) for kind in (NotificationRequested, GradeRaised, AlertAcknowledged)}
    accepted = [_after(drill, fact) for fact in done.facts if isinstance(fact, HelpReported) and fact.stage is Stage.ACCEPTED]
    graded = firsts[GradeRaised]
    short = [one for one in missed if one.by_grade]
    return DrillShape(
        id=occasion.id,
        title=_title(drill, done, area.name),
        held_at=occasion.held_at,
        by=drill.by,
        reason=occasion.reason,
        pretended_at=drill.at,
        area=drill.area,
        area_name=area.name,
        category=drill.category,
        scale=wanted.scale if wanted else None,
        grade=wanted.grade if wanted else None,
        homes=drill.homes,
        minutes=drill.lasts.total_seconds() / 60,
        policy=done.policy.id,
        rules_version=setting.ruleset.version,
        alerts=sum(isinstance(fact, AlertRaised) for fact in done.facts),
        graded_after_s=graded,
        first_told_after_s=firsts[NotificationRequested],
        accepted_after_s=min(accepted, default=None),
        acknowledged_after_s=firsts[AlertAcknowledged],
        met=(wanted is None or graded is not None) and not short and bool(done.facts),
        notes=_notes(drill, done, told, accepted),
        told=told,
        missed=missed,
        lines=[_line(drill, fact, names) for fact in done.facts if isinstance(fact, SHOWN) and not _dull(fact)],
    )


class _Names:
    """How people are called: staff by their names, simulated contacts as such, the rest as the plan calls them."""

    def __init__(self, setting: Setting, done: Drilled) -> None:
        self._staff = setting.duties.staff
        self._people = done.people
        self._asked = {fact.notification: fact for fact in done.facts if isinstance(fact, NotificationRequested)}
        self._targets = {one.name: Sentence(one.zh or one.name, one.en or one.name) for one in setting.ruleset.targets}

    def asked(self, notification: NotificationId) -> Sentence:
        return self.of(self._asked[notification])

    def of(self, fact: NotificationRequested | NotificationSkipped) -> Sentence:
        if isinstance(fact, NotificationRequested):
            if fact.staff is not None and fact.staff in self._staff:
                name = self._staff[fact.staff].name
                return Sentence(name, name)
            if fact.person is not None:
                return self._people[fact.person]
        return self._targets.get(fact.target, Sentence(fact.target, fact.target))


def _after(drill: Drill, fact: AlertFact) -> float:
    return (fact.at - drill.at).total_seconds()


def _first(drill: Drill, done: Drilled, kind: type) -> float | None:
    return next((_after(drill, fact) for fact in done.facts if isinstance(fact, kind)), None)


def _words(said: Sentence) -> Words:
    return Words(zh=said.zh, en=said.en)


def _title(drill: Drill, done: Drilled, area: str) -> Words:
    category = CATEGORIES[drill.category]
    grade = named(done.wanted.scale, done.wanted.grade) if done.wanted else Sentence("逐步升级", "the steps")
    return Words(zh=f"【演练】{category.zh} · {grade.zh} · {area}", en=f"[DRILL] {category.en} · {grade.en} · {area}")


def _told(drill: Drill, done: Drilled, names: _Names) -> list[DrillTold]:
    ended = {fact.notification: fact.delivered for fact in done.facts if isinstance(fact, NotificationEnded)}
    asked: dict[tuple[str, str, str], list[NotificationRequested]] = {}
    for fact in done.facts:
        if isinstance(fact, NotificationRequested) and not fact.stand_down:
            asked.setdefault((fact.target, names.of(fact).zh, fact.channel), []).append(fact)
    answers: dict[NotificationId | None, HelpReported] = {}
    for fact in done.facts:
        if isinstance(fact, HelpReported):
            answers.setdefault(fact.notification, fact)
    found = []
    for (target, _, channel), requests in asked.items():
        answer = next((answers[one.notification] for one in requests if one.notification in answers), None)
        found.append(
            DrillTold(
                target=target, who=_words(names.of(requests[0])), channel=channel, after_s=_after(drill, requests[0]), times=len(requests),
                by_grade=any(one.step >= FIRST for one in requests), delivered=any(ended.get(one.notification, False) for one in requests),
                answer=answer.stage if answer else None, answered_after_s=_after(drill, answer) if answer else None,
            )
        )  # fmt: skip
    return found


def _missed(drill: Drill, done: Drilled, names: _Names) -> list[DrillMissed]:
    """Each target once for each reason. That somebody has accepted is no want."""
    found: dict[tuple[str, str, bool], DrillMissed] = {}
    accepted_at = min((fact.at for fact in done.facts if isinstance(fact, HelpReported) and fact.stage is Stage.ACCEPTED), default=None)
    for fact in done.facts:
        if isinstance(fact, NotificationSkipped) and (accepted_at is None or fact.at < accepted_at):
            by_grade = fact.step >= FIRST
            who, why = _words(names.of(fact)), _words(fact.why)
            missed = DrillMissed(target=fact.target, who=who, after_s=_after(drill, fact), by_grade=by_grade, why=why)
            found.setdefault((fact.target, fact.why.zh, by_grade), missed)
    return list(found.values())


def _notes(drill: Drill, done: Drilled, told: list[DrillTold], accepted: list[float]) -> list[Words]:
    notes = []
    if not any(isinstance(fact, AlertRaised) for fact in done.facts):
        notes.append(Words(zh="现行规则没有为这类呼叫报警。", en="The rules in force raised no alert for such calls."))
    if done.refused is not None:
        notes.append(Words(zh=f"未能提高等级：{done.refused.zh}。", en=f"The grade was not raised: {done.refused.en}."))
    if not told:
        notes.append(Words(zh="除值守台外，没有通知到任何人。", en="Nobody but the desk would have been told."))
    if any(not one.delivered for one in told):
        names = [one.who for one in told if not one.delivered]
        zh, en = "、".join(dict.fromkeys(one.zh for one in names)), ", ".join(dict.fromkeys(one.en for one in names))
        notes.append(Words(zh=f"没有送达：{zh}。", en=f"Not reached: {en}."))
    acknowledged = _first(drill, done, AlertAcknowledged) is not None
    if not accepted and not acknowledged:
        minutes = f"{drill.lasts.total_seconds() / 60:g}"
        notes.append(Words(zh=f"{minutes} 分钟内没有人接受。", en=f"Nobody accepted within {minutes} minutes."))
    return notes


def _dull(fact: AlertFact) -> bool:
    """What was delivered is in the line of who was told."""
    return isinstance(fact, NotificationEnded) and fact.delivered


def _line(drill: Drill, fact: AlertFact, names: _Names) -> DrillLine:
    told = timeline.tell(fact)
    said = told.sentence
    if isinstance(fact, AlertRaised):
        category = CATEGORIES[drill.category]
        said = Sentence(f"演练求助：{category.zh}", f"the drill's call: {category.en}")
    elif isinstance(fact, NotificationEnded):
        who = names.asked(fact.notification)
        said = Sentence(f"没有送达{who.zh}", f"{who.en} was not reached")
    elif isinstance(fact, NotificationRequested):
        who = names.of(fact)
        zh, en = ("告知不用去了：", "told to stand down: ") if fact.stand_down else ("本应通知：", "would have been told: ")
        said = Sentence(f"{zh}{who.zh}（{fact.channel}）", f"{en}{who.en} ({fact.channel})")
    elif isinstance(fact, NotificationSkipped):
        who = names.of(fact)
        said = Sentence(f"未通知{who.zh}：{fact.why.zh}", f"{who.en} not told: {fact.why.en}")
    number = fact.home.rpartition("-")[2]
    home = Words(zh=f"演练住户 {number}", en=f"drill home {number}")
    return DrillLine(after_s=_after(drill, fact), at=fact.at, home=home, kind=told.kind, text=_words(said))
