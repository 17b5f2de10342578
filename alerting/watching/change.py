"""Change: a number that rises or falls so much within so long. A room that gets 8 K warmer in ten minutes.

In a stretch of a 24th of the window only the highest and the lowest reading are kept, so that a sensor that speaks every second takes
no more room than one that speaks every minute.
"""

from bisect import bisect_left, bisect_right
from datetime import UTC, datetime

from alerting import wording
from alerting.home_rules import Change
from alerting.memories import WindowMemory
from alerting.terms import Evidence, Sentence
from alerting.watching import phrases, window
from alerting.watching.kind import Observed
from alerting.watching.scene import Judgement, Phase, Scene, Seen
from alerting.watching.window import Episode

STRETCHES = 24
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def observe(rule: Change, memory: WindowMemory | None, seen: Seen, scene: Scene) -> Observed[WindowMemory]:
    if not seen.fits((rule.pattern,)):
        return memory, None
    memory = memory or WindowMemory()
    if not window.put(memory, seen.evidence, 0):
        return memory, None
    _thin(rule, memory, seen.at)
    if _cannot_speak(rule, memory, scene) and scene.standing(rule) is None:
        window.settle(memory, rule.lateness, rule.within, window.none)
        return memory, None
    newest = memory.seen[-1].evidence
    outcome = window.concluded(_episodes(rule, memory, scene), rule, scene, newest, lambda episode: _words(rule, episode, scene))
    window.settle(memory, rule.lateness, rule.within, lambda known: _episodes(rule, known, scene))
    return memory, outcome


def state(rule: Change, memory: WindowMemory | None, scene: Scene) -> Judgement:
    name, span = phrases.name(rule.of), wording.duration(rule.within)
    if memory is None or not memory.seen:
        return Judgement(Phase.IDLE, Sentence(f"还没有{name.zh}读数", f"no reading of {name.en} yet"))
    newest = memory.seen[-1].evidence
    from_, to = _steepest(rule, memory, newest)
    change = abs(_value(to) - _value(from_))
    least, ends_at = _limits(rule, scene)
    unit = wording.reading(rule.of, least)["unit"]
    up = rule.rises is not None
    moved, limit = wording.number(change), wording.number(least)
    sentence = Sentence(
        f"{span.zh}内{name.zh}{'上升' if up else '下降'} {moved}{unit.zh}，达 {limit}{unit.zh} 报警",
        f"{name.en} {'up' if up else 'down'} {moved}{unit.en} in {span.en}; an alert at {limit}{unit.en}",
    )
    clears = Sentence(
        f"变化不超过 {wording.number(ends_at)}{unit.zh} 即恢复", f"cleared at no more than {wording.number(ends_at)}{unit.en}",
    )
    firing = scene.standing(rule) is not None and window.speaks(_episodes(rule, memory, scene), scene.now)
    return Judgement(Phase.FIRING if firing else Phase.IDLE, sentence, clears, since=newest.at, numbers={"change": change})


def _cannot_speak(rule: Change, memory: WindowMemory, scene: Scene) -> bool:
    """Whether no two readings are so far apart, whenever they were made."""
    values = [sighting.evidence.observation.value for sighting in memory.seen]
    return memory.begun is None and max(values) - min(values) < _limits(rule, scene)[0]


def _episodes(rule: Change, memory: WindowMemory, scene: Scene) -> list[Episode]:
    found: list[Episode] = []
    least, ends_at = _limits(rule, scene)
    settled_at = memory.settled_at
    if memory.begun is not None:
        found.append(Episode(memory.begun, None, ()))
    for sighting in memory.seen:
        evidence = sighting.evidence
        if settled_at is not None and evidence.at <= settled_at:
            continue
        from_, to = _steepest(rule, memory, evidence)
        change = abs(_value(to) - _value(from_))
        current = found[-1] if found and found[-1].end is None else None
        if current is None and change >= least:
            found.append(Episode(evidence.at, None, (from_, to)))
        elif current is not None and change <= ends_at:
            current.end = evidence.at
    return found


def _limits(rule: Change, scene: Scene) -> tuple[float, float]:
    """Of the home: how much it takes, and at what it is over, which goes along."""
    least = scene.number(rule, "rises" if rule.rises is not None else "falls")
    return least, rule.ends_at * least / rule.least


def _steepest(rule: Change, memory: WindowMemory, to: Evidence) -> tuple[Evidence, Evidence]:
    """The reading within the window before `to` from which it has risen (or fallen) the most; `to` itself where it has not."""
    seen = memory.seen
    first, behind = bisect_left(seen, to.at - rule.within, key=window.made_at), bisect_right(seen, to.at, key=window.made_at)
    before = [s.evidence for s in seen[first:behind]]
    return (min if rule.rises is not None else max)(before, key=lambda one: (_value(one), one.at), default=to), to


def _thin(rule: Change, memory: WindowMemory, at: datetime) -> None:
    """Of a stretch of time, the highest and the lowest."""
    stretch, seen = rule.within / STRETCHES, memory.seen
    since = _EPOCH + (at - _EPOCH) // stretch * stretch
    first, behind = bisect_left(seen, since, key=window.made_at), bisect_left(seen, since + stretch, key=window.made_at)
    if behind - first > 2:
        ordered = sorted(seen[first:behind], key=lambda s: (_value(s.evidence), s.evidence.at))
        seen[first:behind] = [s for s in seen[first:behind] if s is ordered[0] or s is ordered[-1]]


def _value(evidence: Evidence) -> float:
    return float(evidence.observation.value)


def _words(rule: Change, episode: Episode, scene: Scene) -> dict[str, Sentence]:
    from_, to = (episode.evidence[0], episode.evidence[-1]) if episode.evidence else (None, None)
    fields = {"for": wording.duration(rule.within), "limit": wording.same(wording.number(_limits(rule, scene)[0]))}
    if from_ is not None and to is not None:
        fields |= wording.reading(rule.of, _value(to))
        fields |= {"change": wording.same(wording.number(abs(_value(to) - _value(from_)))), "since": scene.clock(from_.at)}
    return fields
