"""Bed left at night and not returned: somebody had lain there for a while, got up in the rule's hours, and is not back.

Only a getting up within the hours counts, and only while they last: who rose a while before they end is up for the day.
"""

from datetime import datetime, timedelta

from alerting import wording
from alerting.home_rules import BedLeft
from alerting.memories import BedMemory
from alerting.terms import Evidence, Sentence
from alerting.unheard import UNHEARD
from alerting.watching.kind import Observed
from alerting.watching.scene import Clear, Judgement, Outcome, Phase, Raise, Scene, Seen, unwatched

MOST_RECENT = 64


def observe(rule: BedLeft, memory: BedMemory | None, seen: Seen, scene: Scene) -> Observed[BedMemory]:
    memory = memory or BedMemory()
    fired = scene.fired(rule)
    was = _now(memory, scene.span(rule, "lain")).left if fired is not None else None
    recent, evidence = memory.recent, seen.evidence
    place = len(recent)
    while place and recent[place - 1].at > evidence.at:
        place -= 1
    recent.insert(place, evidence)
    while recent and (recent[0].at < seen.received_at - rule.lateness or len(recent) > MOST_RECENT):
        _settle(memory, recent.pop(0), scene.span(rule, "lain"))
    if was is not None and fired is not None and fired >= was.at and _now(memory, scene.span(rule, "lain")).left is None:
        return memory, (Clear((evidence,)),)
    return memory, None if recent and recent[-1] is evidence and evidence.observation.value is True else ()


def due(rule: BedLeft, memory: BedMemory, scene: Scene) -> datetime | None:
    left, fired = _now(memory, scene.span(rule, "lain")).left, scene.fired(rule)
    at = _over_at(rule, left, scene)
    return None if at is None or left is None or (fired is not None and fired > left.at) else at


def reach(rule: BedLeft, memory: BedMemory, scene: Scene, at: datetime) -> Outcome:
    left = _now(memory, scene.span(rule, "lain")).left
    if left is None:
        return ()
    return (Raise((left,), {"since": scene.clock(left.at), "for": wording.duration(at - rule.lateness - left.at)}),)


def state(rule: BedLeft, memory: BedMemory | None, scene: Scene) -> Judgement:
    now = _now(memory, scene.span(rule, "lain")) if memory else BedMemory()
    if now.left is None:
        lying = now.lying is not None
        said = Sentence("在床上", "in bed") if lying else Sentence("没有卧床后起身的情况", "nobody has got up from a longer rest")
        return Judgement(Phase.IDLE, said, since=now.lying.at if now.lying else None)
    clock, fired, at = scene.clock(now.left.at), scene.fired(rule), _over_at(rule, now.left, scene)
    clears = Sentence("回到床上", "back in bed")
    if fired is not None and fired > now.left.at:
        said = Sentence(f"{clock.zh} 起床后未返回，已报警", f"got up at {clock.en} and not back; an alert was raised")
        return Judgement(Phase.FIRING, said, clears=clears, since=now.left.at)
    if at is None:
        return Judgement(Phase.IDLE, Sentence(f"{clock.zh} 起床，按时段不判断", f"got up at {clock.en}: no matter at that hour"))
    if at >= UNHEARD:
        return unwatched(at)
    then = scene.clock(at)
    said = Sentence(f"{clock.zh} 起床，{then.zh} 前未返回则报警", f"got up at {clock.en}; an alert at {then.en} unless back in bed")
    return Judgement(Phase.PENDING, said, clears=clears, since=now.left.at, due_at=at)


def _over_at(rule: BedLeft, left: Evidence | None, scene: Scene) -> datetime | None:
    """When the absence is too long; None where the rule's hours do not hold from the getting up until then."""
    if left is None:
        return None
    wait = scene.span(rule, "for")
    over = scene.counted(rule, left.at, wait)
    if over is None or over != scene.heard_span(left.at, wait):
        return None
    return over + rule.lateness if left.received_at <= left.at + rule.lateness else max(over, left.received_at) + rule.lateness


def _now(memory: BedMemory, lain: timedelta) -> BedMemory:
    """As it is with all that was heard."""
    now = BedMemory(memory.lying, memory.left, memory.settled_at)
    for evidence in memory.recent:
        _settle(now, evidence, lain)
    return now


def _settle(memory: BedMemory, evidence: Evidence, lain: timedelta) -> None:
    if memory.settled_at is not None and evidence.at < memory.settled_at:
        return
    memory.settled_at = evidence.at
    if evidence.observation.value is True:
        memory.lying, memory.left = memory.lying or evidence, None
    elif memory.lying is not None:
        memory.left = evidence if evidence.at - memory.lying.at >= lain else None
        memory.lying = None
