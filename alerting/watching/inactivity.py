"""Inactivity: no sign of life in the home for longer than is usual in it for a quiet that began at that hour.

How long is waited (`_wait`), from the newest sign of life on:

- What the home has shown: the latest moment at which a quiet that began about then was over, and `overdue` on top. Never less than `least`.
- Until the home was heard on `learns` days, never less than fixed limits: `unlearned` by day, and until `up_by` in the morning for a quiet
  that began at night.
- Who was up and about until late is given a night's sleep (`sleeps`), whatever the hour was at which he usually rises.
- A bed that says it is slept in makes an evening's quiet a night's; a bed that says it is empty makes it none.
- A quiet that began at the entrance door is one of an empty home. It is learned and judged by itself, more patiently, and not for ever.
- Who leaves by night a home in which he had been until then is waited for an hour (`least_gone`), longer if he is often out at that time.

Time in which nobody could hear the home does not count, nor does what a mode other than *home* covers; neither is learned from. A quiet
that was longer than the home would have been given while it was still being learned counts no more than that, so a stay in hospital that
nobody told of, or an afternoon on the floor, does not become usual.
"""

from datetime import datetime, timedelta

import msgspec

from alerting import wording
from alerting.life_rules import Inactivity
from alerting.memories import InactivityMemory
from alerting.schedule import minutes_of
from alerting.terms import Sentence
from alerting.unheard import UNHEARD
from alerting.watching import life as lives
from alerting.watching.kind import Observed
from alerting.watching.life import Life, Spell
from alerting.watching.scene import Clear, Judgement, Outcome, Phase, Raise, Scene, Seen
from alerting.watching.usual import Over, learn, longest_by_day, minute_of, night_over, over, turn
from alerting.watching.words import evidence_of, eyes, life_of, lived_at_home, take

NIGHT_IN_BED = timedelta(hours=2, minutes=30)
"""So much earlier than usual a night may begin, if the bed says so."""


class Wait(msgspec.Struct, frozen=True):
    """How long is waited, and what for."""

    span: timedelta
    usual: Over | None
    """When it is over in this home; None where nothing of the kind is known."""
    learned: bool
    out: bool
    gone: bool = False
    """At an hour at which nobody goes out."""


class Quiet(msgspec.Struct, frozen=True):
    """How a quiet began: at a local moment, at the entrance door, with somebody up or in bed, before so many sensors of movement."""

    since: datetime
    out: bool
    up: bool
    in_bed: bool | None
    eyes: int
    left: bool = False
    """Through the entrance door, out of a home that had been lived in."""


def observe(rule: Inactivity, memory: InactivityMemory | None, seen: Seen, scene: Scene) -> Observed[InactivityMemory]:
    idle = lives.idle(seen.observation.property, seen.observation.value)
    if memory is None:
        if idle:
            return None, None
        memory = InactivityMemory()
    if seen.received_at - seen.at > rule.lateness:
        memory.late_at = seen.received_at
    if idle:
        return memory, None
    taken = take(rule, memory.life, seen, scene)
    memory.life = None
    life, known = taken.life, taken.settled_at
    for lived in taken.signs:
        if lived.spell is not None:
            _learn(rule, memory, lived.spell, scene)
    if taken.signs and life.sign is not None:
        turn(memory.usual, (life.sign.at + scene.shift).toordinal())
    fired = scene.fired(rule)
    raised = fired is not None and (known is None or fired > known)
    if raised and fired is not None:
        before = taken.ahead_at
        if before is not None and before < fired and lives.outlook(life).last != before:
            return memory, (Clear((seen.evidence,)),)
    elif lives.door_waits(life):
        return memory, ()
    elif known is not None and scene.now < rule.soonest(known):
        return memory, None  # awaited since then, and a later sign of life is missed later, unless it is the entrance door's
    if not taken.signs and lives.says_nothing_new(life, taken.word):
        return memory, None
    return memory, ()


def due(rule: Inactivity, memory: InactivityMemory, scene: Scene) -> datetime | None:
    life = life_of(rule, memory.life, scene)
    at_the_door = life.left or lives.door_waits(life)
    if life.last is not None and not at_the_door and scene.now < (soonest := rule.soonest(life.last)):
        return soonest  # nothing is due before that, and how long it is can be seen then
    if not eyes(scene):
        return None
    life = lives.outlook(life)
    fired = scene.fired(rule)
    if life.last is None or (fired is not None and fired > life.last):
        return None
    return _due_at(rule, memory, life, scene)


def reach(rule: Inactivity, memory: InactivityMemory, scene: Scene, at: datetime) -> Outcome:
    life = lives.outlook(life_of(rule, memory.life, scene))
    if life.last is None:
        return ()
    wait, since = _wait(rule, memory, life, scene), scene.clock(life.last)
    fields = {
        "since": since,
        "for": wording.duration(_minutes(at - rule.lateness - life.last)),
        "seen": _seen(wait, since),
        "expected": _expected(wait, life.last, scene),
    }
    return (Raise(evidence_of(life), fields),)


def state(rule: Inactivity, memory: InactivityMemory | None, scene: Scene) -> Judgement:
    life = lives.outlook(life_of(rule, memory.life, scene)) if memory else Life()
    if memory is None or life.last is None or not eyes(scene):
        unheard = Sentence("此户没有人体传感器，或还没有听到过任何活动", "no sensor of movement, or no sign of life yet")
        return Judgement(Phase.NOT_WATCHED, unheard)
    wait, since, at = _wait(rule, memory, life, scene), scene.clock(life.last), _due_at(rule, memory, life, scene)
    if at is None or at >= UNHEARD:
        return Judgement(Phase.NOT_WATCHED, Sentence("此户目前不在家，或暂时听不到", "nobody is at home just now, or it cannot be heard"))
    numbers = {"days_learned": float(memory.usual.days), "waits_min": wait.span / timedelta(minutes=1)}
    clears = Sentence("家中任何活动：人员移动、开关门、起床、用水", "any sign of life in the home: movement, a door, the bed, water drawn")
    seen, expected, then = _seen(wait, since), _expected(wait, life.last, scene), scene.clock(at)
    fired = scene.fired(rule)
    if fired is not None and fired > life.last:
        sentence = Sentence(f"{seen.zh}；{expected.zh}；已报警", f"{seen.en}; {expected.en}; an alert was raised")
        return Judgement(Phase.FIRING, sentence, clears, life.last, None, numbers)
    sentence = Sentence(f"{seen.zh}；{expected.zh}；到 {then.zh} 仍无动静则报警", f"{seen.en}; {expected.en}; else an alert at {then.en}")
    return Judgement(Phase.PENDING if wait.learned else Phase.LEARNING, sentence, clears, life.last, at, numbers)


# --- how long ------------------------------------------------------------------------------------------------------------------


def _due_at(rule: Inactivity, memory: InactivityMemory, life: Life, scene: Scene) -> datetime | None:
    last = life.last or scene.now
    at = scene.counted(rule, last, _wait(rule, memory, life, scene).span)
    if at is None or at >= UNHEARD:
        return at
    at += rule.lateness
    return at if memory.late_at is None else max(at, memory.late_at + rule.lateness)


def _wait(rule: Inactivity, memory: InactivityMemory, life: Life, scene: Scene) -> Wait:
    last = life.last or scene.now
    quiet = Quiet(scene.local(last), life.left_at is not None, life.up, life.in_bed, eyes(scene), life.left)
    return _waits(rule, memory, quiet, learned=memory.usual.days > rule.learns)


def _waits(rule: Inactivity, memory: InactivityMemory, quiet: Quiet, *, learned: bool) -> Wait:
    since = quiet.since
    if quiet.out:
        usual = over(memory.usual, since, out=True, early=rule.early, late=rule.overdue_out)
        if quiet.left and _between(since, rule.gone_from, rule.late_until):
            return Wait(max(rule.least_gone, usual.missed) if usual else rule.least_gone, usual, learned, out=True, gone=True)
        span = max(rule.least_out, usual.missed) if usual else rule.least_out
        if not learned or _between(since, rule.asleep_from, rule.late_until):
            span = max(span, rule.unlearned_out)  # by night perhaps somebody who came home and went to bed
        return Wait(span, usual, learned, out=True)
    usual = over(memory.usual, since, out=False, early=rule.early, late=rule.overdue)
    early = NIGHT_IN_BED if quiet.in_bed else rule.early_night
    night = None if quiet.in_bed is False else night_over(memory.usual, since, early=early, late=rule.overdue_night)
    if night is not None and (usual is None or night.missed > usual.missed):
        usual = night
    few = rule.one_eye if quiet.eyes == 1 else 1.0
    span = max(rule.least, min(longest_by_day(memory.usual) + rule.unheard_of, rule.least_most * few))
    if usual is not None:
        span = max(span, usual.missed)
    if not learned:
        span = max(span, _unlearned(rule, quiet, rule.unlearned * few))
    if quiet.up and quiet.in_bed is not False and _between(since, rule.late_from, rule.late_until):
        span = max(span, rule.sleeps)
    return Wait(span, usual, learned, out=False)


def _unlearned(rule: Inactivity, quiet: Quiet, by_day: timedelta) -> timedelta:
    if not _between(quiet.since, rule.asleep_from, rule.up_by):
        return by_day
    night = timedelta(minutes=(minutes_of(rule.up_by) - minute_of(quiet.since)) % (24 * 60))
    return max(by_day, min(night, rule.unlearned_awake) if quiet.in_bed is False else night)


def _between(local: datetime, begins: str, ends: str) -> bool:
    minute, first, last = minute_of(local), minutes_of(begins), minutes_of(ends)
    return first <= minute < last if first <= last else minute >= first or minute < last


def _learn(rule: Inactivity, memory: InactivityMemory, spell: Spell, scene: Scene) -> None:
    if not lived_at_home(scene, spell.since, spell.until):
        return
    since = scene.local(spell.since)
    most = _waits(rule, memory, Quiet(since, spell.out, spell.up, None, eyes(scene)), learned=False).span
    learn(memory.usual, since, min(spell.until - spell.since, most), out=spell.out)


# --- in words ------------------------------------------------------------------------------------------------------------------


def _seen(wait: Wait, since: Sentence) -> Sentence:
    if wait.out:
        zh = f"{since.zh} 入户门动过之后家中没有动静，可能外出未归"
        return Sentence(zh, f"nothing in the home since its door at {since.en}; probably out and not back")
    return Sentence(f"{since.zh} 起家中没有动静", f"no sign of life in the home since {since.en}")


def _expected(wait: Wait, last: datetime, scene: Scene) -> Sentence:
    if wait.usual is not None:
        by = scene.clock(last + wait.usual.after)
        if wait.out:
            return Sentence(f"平时此时外出，最晚 {by.zh} 前返回", f"who leaves at this hour is usually back by {by.en}")
        return Sentence(f"平时此时安静下来，最晚 {by.zh} 前会有动静", f"a quiet from about this hour is usually over by {by.en}")
    limit = wording.duration(_minutes(wait.span))
    if wait.gone:
        return Sentence(f"此时一般无人外出（上限 {limit.zh}）", f"nobody goes out at this hour as a rule (limit {limit.en})")
    if wait.learned:
        return Sentence(f"平时此时不会安静这么久（上限 {limit.zh}）", f"at this hour it is usually never quiet for long (limit {limit.en})")
    return Sentence(f"尚在了解此户的习惯，暂用固定上限 {limit.zh}", f"this home is not known yet; the fixed limit is {limit.en}")


def _minutes(span: timedelta) -> timedelta:
    return timedelta(minutes=span // timedelta(minutes=1))
