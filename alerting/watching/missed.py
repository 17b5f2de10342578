"""Missed: a check-in by a time of day, a medicine at its times. Said within `early` before the time and `grace` behind it, it is kept.

A newer word settles every time before it: who checks in at noon is well, and nobody is sent for ten o'clock. Times that a home has set
count from the setting on, and nothing is missed before the button was first heard. Deafness and the schedule: what nobody could hear is
waited for as long again; a time counts only if the rule's schedule is open then and when the grace is over.
"""

from datetime import datetime, timedelta

import msgspec

from alerting import wording
from alerting.home_rules import Missed
from alerting.memories import MissedMemory
from alerting.schedule import LOOKED_AHEAD, minutes_of, next_clock
from alerting.terms import Sentence
from alerting.unheard import UNHEARD
from alerting.watching.scene import Clear, Judgement, Outcome, Phase, Raise, Scene, Seen, unwatched


class Slot(msgspec.Struct, frozen=True):
    """A time of a day that is waited for."""

    at: datetime
    clock: str
    over_at: datetime
    """When it is missed."""


def observe(rule: Missed, memory: MissedMemory | None, seen: Seen, scene: Scene) -> tuple[MissedMemory | None, Outcome]:
    memory = memory or MissedMemory(seen.at)
    memory.first_at = min(memory.first_at, seen.at)
    if seen.observation.value is not True or (memory.said is not None and memory.said.at >= seen.at):
        return memory, ()
    before, memory.said = memory.said, seen.evidence
    fired = scene.fired(rule)
    made_good = fired is not None and (before is None or fired > before.at)
    return memory, (Clear((seen.evidence,)),) if made_good else ()


def due(rule: Missed, memory: MissedMemory, scene: Scene) -> datetime | None:
    slot = _next(rule, memory, scene)
    return slot.over_at if slot else None


def reach(rule: Missed, memory: MissedMemory, scene: Scene, _at: datetime) -> Outcome:
    slot = _next(rule, memory, scene)
    if slot is None:
        return ()
    fields = {"limit": wording.same(slot.clock)}
    if memory.said is not None:
        fields["heard"] = scene.clock(memory.said.at)
    return (Raise((memory.said,) if memory.said else (), fields),)


def state(rule: Missed, memory: MissedMemory | None, scene: Scene) -> Judgement:
    if not scene.times(rule, "times"):
        return Judgement(Phase.NOT_WATCHED, Sentence("这户没有设定时间", "no times are set for this home"))
    if memory is None:
        return Judgement(Phase.NOT_WATCHED, Sentence("还没有收到过这个设备的信号", "its button has not been heard yet"))
    slot, fired, said = _next(rule, memory, scene), scene.fired(rule), memory.said
    last = scene.clock(said.at) if said else Sentence("无", "never")
    if fired is not None and (said is None or said.at < fired):
        words = Sentence(f"已报警；上一次 {last.zh}", f"an alert was raised; last said {last.en}")
        return Judgement(Phase.FIRING, words, clears=Sentence("收到信号", "the button"), since=fired, due_at=slot.over_at if slot else None)
    if slot is None or slot.over_at >= UNHEARD:
        return unwatched(slot.over_at if slot else None)
    then = scene.clock(slot.over_at)
    words = Sentence(
        f"等待 {slot.clock}（上一次 {last.zh}），{then.zh} 前未见则报警", f"waits for {slot.clock} (last {last.en}); an alert at {then.en}",
    )
    phase = Phase.PENDING if slot.at - scene.span(rule, "early") <= scene.now else Phase.IDLE
    return Judgement(phase, words, since=said.at if said else None, due_at=slot.over_at)


def _next(rule: Missed, memory: MissedMemory, scene: Scene) -> Slot | None:
    """The first time that nothing has settled yet; None where there is none."""
    early, grace = scene.span(rule, "early"), scene.span(rule, "grace")
    times = sorted((minutes_of(clock), clock) for clock in scene.times(rule, "times"))
    fired, openings = scene.fired(rule), scene.openings(rule)
    after = max(filter(None, (memory.first_at, scene.set_at(rule), memory.said.at + early if memory.said else None)))
    best: Slot | None = None
    for minutes, clock in times:
        at = next_clock(minutes, scene.shift, after)
        for _ in range(LOOKED_AHEAD):
            over = scene.heard_span(at - early, early + grace) + rule.lateness
            if (fired is None or over > fired) and openings.open(at) and openings.open(at + grace):
                break
            at += timedelta(days=1)
        else:
            continue
        if best is None or over < best.over_at:
            best = Slot(at, clock, over)
    return best
