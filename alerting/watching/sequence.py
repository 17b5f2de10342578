"""Sequence: one thing, then another, within so long. Power lost, then the hub silent; the bed left, then the door opened."""

from datetime import datetime

from alerting import wording
from alerting.home_rules import Pattern, Sequence
from alerting.memories import Sighting, WindowMemory
from alerting.terms import Evidence, Sentence
from alerting.watching import phrases, window
from alerting.watching.kind import Observed
from alerting.watching.scene import Clear, Judgement, Outcome, Phase, Raise, Scene, Seen
from alerting.watching.window import Episode


def observe(rule: Sequence, memory: WindowMemory | None, seen: Seen, scene: Scene) -> Observed[WindowMemory]:
    marks = _marks(rule, seen)
    memory = memory or WindowMemory()
    ended = _ended(rule, memory, seen, scene)
    if not window.put(memory, seen.evidence, marks):
        return memory, ended
    matches = _matches(rule, memory)
    new = () if rule.without else tuple(Raise(m.evidence, _words(m, scene)) for m in window.untold(matches, rule, scene))
    window.settle(memory, rule.lateness, rule.within, lambda known: _matches(rule, known))
    return memory, (*new, *ended)


def due(rule: Sequence, memory: WindowMemory, scene: Scene) -> datetime | None:
    moments = []
    if rule.without:
        moments += [window.settled_by(memory, m.evidence[-1].at, rule.lateness) for m in window.untold(_matches(rule, memory), rule, scene)]
    if rule.clear_after is not None and scene.standing(rule) is not None:
        moments.append(scene.firings(rule)[-1].observed_at + rule.clear_after + rule.lateness)
    return min(moments) if moments else None


def reach(rule: Sequence, memory: WindowMemory, scene: Scene, at: datetime) -> Outcome:
    new: tuple[Raise, ...] = ()
    if rule.without:
        new = tuple(
            Raise(match.evidence, _words(match, scene)) for match in window.untold(_matches(rule, memory), rule, scene)
            if window.settled_by(memory, match.evidence[-1].at, rule.lateness) <= at
        )  # fmt: skip
    return new or (Clear(),)


def state(rule: Sequence, memory: WindowMemory | None, scene: Scene) -> Judgement:
    steps = [phrases.any_of(step) for step in rule.steps]
    span = wording.duration(rule.within)
    words = Sentence(f"{span.zh}内先后出现：{'，'.join(s.zh for s in steps)}", f"within {span.en}: {', then '.join(s.en for s in steps)}")
    if memory is not None and _stands(rule, memory, scene):
        return Judgement(Phase.FIRING, words, _clears(rule), since=scene.fired(rule))
    recent = [s.evidence.at for s in window.begins(memory) if s.marks & 1 and s.evidence.at > scene.now - rule.within] if memory else []
    return Judgement(Phase.PENDING if recent else Phase.IDLE, words, since=recent[0] if recent else None)


def _marks(rule: Sequence, seen: Seen) -> int:
    """A bit for each step that it fits, and the one behind them for `without`."""
    groups: tuple[tuple[Pattern, ...], ...] = (*rule.steps, rule.without)
    return sum(1 << number for number, patterns in enumerate(groups) if seen.fits(patterns))


def _ended(rule: Sequence, memory: WindowMemory, seen: Seen, scene: Scene) -> Outcome:
    if not rule.clear or not seen.fits(rule.clear):
        return ()
    memory.ended_at = max(memory.ended_at or seen.at, seen.at)
    return (Clear((seen.evidence,)),) if scene.standing(rule) is not None and not _stands(rule, memory, scene) else ()


def _stands(rule: Sequence, memory: WindowMemory, scene: Scene) -> bool:
    """Whether nothing has ended what was last told."""
    if scene.standing(rule) is None:
        return False
    said = scene.firings(rule)[-1].observed_at
    over = rule.clear_after is not None and scene.now >= said + rule.clear_after + rule.lateness
    return not over and (memory.ended_at is None or memory.ended_at <= said)


def _lacks_a_step(rule: Sequence, memory: WindowMemory) -> bool:
    """Whether nothing that was seen fits one of its steps."""
    every = (1 << len(rule.steps)) - 1
    found = 0
    for sighting in memory.seen:
        found |= sighting.marks
    return found & every != every


def _matches(rule: Sequence, memory: WindowMemory) -> list[Episode]:
    """Each as the episode of `within` from its first step on; the next one begins behind it."""
    if memory.begun is None and _lacks_a_step(rule, memory):
        return []
    last, settled_at = len(rule.steps) - 1, memory.settled_at
    begun = window.begins(memory)
    found = [Episode(memory.begun, memory.begun + rule.within, ())] if memory.begun is not None else []
    for number, sighting in enumerate(begun):
        at = sighting.evidence.at
        if not sighting.marks >> last & 1 or (settled_at is not None and at <= settled_at):
            continue
        chain = _chain(begun[: number + 1], last)
        if chain is None or chain[-1].at - chain[0].at > rule.within or (found and found[-1].holds(chain[0].at)):
            continue
        if _broken(rule, memory, chain[0].at, at):
            continue
        found.append(Episode(chain[0].at, chain[0].at + rule.within, tuple(chain)))
    return found


def _chain(begun: list[Sighting], last: int) -> list[Evidence] | None:
    """The steps up to the newest observation, each as late as it can be."""
    chain: list[Evidence] = []
    step = last
    for sighting in reversed(begun):
        if sighting.marks >> step & 1:
            chain.append(sighting.evidence)
            step -= 1
            if step < 0:
                return chain[::-1]
        elif not chain:
            return None
    return None


def _broken(rule: Sequence, memory: WindowMemory, since: datetime, until: datetime) -> bool:
    bit = len(rule.steps)
    return any(s.marks >> bit & 1 and since < s.evidence.at < until for s in memory.seen)


def _clears(rule: Sequence) -> Sentence | None:
    zh, en = [], []
    if rule.clear:
        what = phrases.any_of(rule.clear)
        zh.append(f"{what.zh}即恢复")
        en.append(f"cleared by {what.en}")
    if rule.clear_after is not None:
        quiet = wording.duration(rule.clear_after)
        zh.append(f"{quiet.zh}内不再出现即恢复")
        en.append(f"cleared when it does not come again for {quiet.en}")
    return Sentence("；".join(zh), "; ".join(en)) if zh else None


def _words(match: Episode, scene: Scene) -> dict[str, Sentence]:
    return {"since": scene.clock(match.evidence[0].at), "for": wording.duration(match.evidence[-1].at - match.evidence[0].at)}
