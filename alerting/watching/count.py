"""Count: so many of something within so long. A door opened six times in a night."""

from datetime import datetime

from alerting import wording
from alerting.home_rules import Count
from alerting.memories import WindowMemory
from alerting.terms import Sentence
from alerting.watching import phrases, window
from alerting.watching.kind import Observed
from alerting.watching.scene import Clear, Judgement, Outcome, Phase, Raise, Scene, Seen, Still
from alerting.watching.window import Episode

FITS = 1


def observe(rule: Count, memory: WindowMemory | None, seen: Seen, scene: Scene) -> Observed[WindowMemory]:
    fits = seen.fits(rule.of)
    memory = memory or WindowMemory()
    if not window.put(memory, seen.evidence, FITS if fits else 0):
        return memory, None
    told = window.concluded(_episodes(rule, memory, scene), rule, scene, seen.evidence, lambda episode: _words(rule, episode, scene))
    window.settle(memory, rule.lateness, rule.ends_after, lambda known: _episodes(rule, known, scene))
    # Time alone ends it; and what does not count may still show that something before it did.
    return memory, tuple(conclusion for conclusion in told if isinstance(conclusion, Raise) or (fits and isinstance(conclusion, Still)))


def due(rule: Count, memory: WindowMemory, scene: Scene) -> datetime | None:
    """When it is over, with the time that a late one may take."""
    if scene.standing(rule) is None:
        return None
    episodes = _episodes(rule, memory, scene)
    end = episodes[-1].end if episodes else None
    return scene.now if end is None else window.settled_by(memory, end, rule.lateness)


def reach(rule: Count, memory: WindowMemory, scene: Scene, at: datetime) -> Outcome:
    return (Clear(),)


def state(rule: Count, memory: WindowMemory | None, scene: Scene) -> Judgement:
    what = phrases.any_of(rule.of)
    span = wording.duration(rule.within)
    begun = [s.evidence.at for s in window.begins(memory) if s.marks and s.evidence.at > scene.now - rule.within] if memory else []
    times = scene.number(rule, "times")
    numbers = {"count": float(len(begun)), "times": times}
    sentence = Sentence(
        f"最近 {span.zh}内{what.zh} {len(begun)} 次，达 {times:g} 次报警",
        f"in the last {span.en}: {len(begun)} times {what.en}; an alert at {times:g}",
    )
    if memory is not None and scene.standing(rule) is not None and window.speaks(_episodes(rule, memory, scene), scene.now):
        quiet = wording.duration(rule.ends_after)
        clears = Sentence(f"{quiet.zh}内不再出现即恢复", f"cleared when there is none for {quiet.en}")
        return Judgement(Phase.FIRING, sentence, clears, since=scene.fired(rule), numbers=numbers)
    return Judgement(Phase.PENDING if begun else Phase.IDLE, sentence, since=begun[0] if begun else None, numbers=numbers)


def _episodes(rule: Count, memory: WindowMemory, scene: Scene) -> list[Episode]:
    found: list[Episode] = []
    times = round(scene.number(rule, "times"))
    settled_at = memory.settled_at
    if memory.begun is None and sum(1 for sighting in memory.seen if sighting.marks) < times:
        return found
    if memory.begun is not None and settled_at is not None:
        found.append(Episode(memory.begun, settled_at, ()))
    begun = [sighting.evidence for sighting in window.begins(memory) if sighting.marks]
    for number, evidence in enumerate(begun):
        at, current = evidence.at, found[-1] if found else None
        if current is not None and current.holds(at):
            current.end = at + rule.ends_after
        elif settled_at is not None and at <= settled_at:
            if current is not None:
                current.end = max(current.end or at, at + rule.ends_after)
        elif number + 1 >= times and at - begun[number + 1 - times].at <= rule.within:
            found.append(Episode(at, at + rule.ends_after, tuple(begun[number + 1 - times : number + 1])))
    return found


def _words(rule: Count, episode: Episode, scene: Scene) -> dict[str, Sentence]:
    return {
        "count": wording.same(wording.number(scene.number(rule, "times"))),
        "since": scene.clock(episode.evidence[0].at if episode.evidence else episode.start),
        "for": wording.duration(rule.within),
    }
