"""Absence: something that should have been seen, and was not, for so long. A door not closed, nobody moving at home.

What is waited for begins and ends by event time. Until `lateness` after its receipt an observation may still get another one put before
it, so it is kept until then beside what has settled: the newest awaited one, and the first of `after` behind it. An absence that was
long enough is told at its moment even if it is over by then, for so it would have been had nothing come late.
"""

from datetime import datetime

from alerting import wording
from alerting.home_rules import Absence
from alerting.memories import AbsenceMemory
from alerting.terms import Evidence, Sentence
from alerting.unheard import UNHEARD
from alerting.watching import phrases, window
from alerting.watching.kind import Observed
from alerting.watching.scene import Clear, Judgement, Outcome, Phase, Raise, Scene, Seen, unwatched
from alerting.watching.window import Episode

MOST_RECENT = 64
"""Observations that may be kept for what is late; past that the oldest settle early."""


def observe(rule: Absence, memory: AbsenceMemory | None, seen: Seen, scene: Scene) -> Observed[AbsenceMemory]:
    awaited = seen.fits(rule.awaited)
    if not awaited and not seen.fits(rule.after):
        return memory, None
    memory = memory or AbsenceMemory()
    if awaited and rule.after and not _waits(memory) and scene.span(rule, "for") > rule.lateness:
        _keep_newest(memory, seen)
        return memory, (Clear((seen.evidence,)),) if scene.standing(rule) is not None and not _stands(rule, memory, scene) else None
    _keep(memory, awaited, seen.evidence)
    told: Outcome = ()
    while memory.recent and (memory.recent[0][1].received_at < seen.received_at - rule.lateness or len(memory.recent) > MOST_RECENT):
        told += _lost(rule, memory, scene)
        _settle(memory, *memory.recent.pop(0))
    over = awaited and scene.standing(rule) is not None and not _stands(rule, memory, scene)
    if over:
        return memory, (*told, Clear((seen.evidence,)))
    return memory, told if told or not rule.after or _waits(memory) else None


def due(rule: Absence, memory: AbsenceMemory, scene: Scene) -> datetime | None:
    soonest = _soonest(rule, memory, scene) if not rule.after or _waits(memory) else None
    if soonest is None or scene.now < soonest:
        return soonest  # nothing is due before that, and when it is can be seen then
    untold = _untold(rule, memory, scene)
    return min(at for _, at in untold) if untold else None


def reach(rule: Absence, memory: AbsenceMemory, scene: Scene, at: datetime) -> Outcome:
    outcome: Outcome = ()
    for episode, moment in _untold(rule, memory, scene):
        if moment <= at:
            outcome += _told(rule, episode, at - rule.lateness, scene)
    return outcome


def state(rule: Absence, memory: AbsenceMemory | None, scene: Scene) -> Judgement:
    what, span = phrases.any_of(rule.awaited), wording.duration(scene.span(rule, "for"))
    clears = Sentence(f"{what.zh}即恢复", f"cleared by {what.en}")
    last = _episodes(rule, memory)[-1:] if memory is not None else []
    if memory is None or not last or last[0].end is not None:
        return Judgement(Phase.IDLE, Sentence(f"若 {span.zh}未见{what.zh}则报警", f"an alert after {span.en} without {what.en}"), clears)
    (since,) = last[0].evidence
    clock = scene.clock(since.at)
    if _stands(rule, memory, scene):
        sentence = Sentence(f"自 {clock.zh} 起未见{what.zh}，已报警", f"without {what.en} since {clock.en}; an alert was raised")
        return Judgement(Phase.FIRING, sentence, clears, since=since.at)
    over = scene.counted(rule, since.at, scene.span(rule, "for"))
    if over is None or over >= UNHEARD:
        return unwatched(over)
    at = _moment(rule, since, over)
    then = scene.clock(at)
    sentence = Sentence(f"自 {clock.zh} 起未见{what.zh}，{then.zh} 报警", f"without {what.en} since {clock.en}; an alert at {then.en}")
    return Judgement(Phase.PENDING, sentence, clears, since=since.at, due_at=at)


def _told(rule: Absence, episode: Episode, until: datetime, scene: Scene) -> Outcome:
    (since,) = episode.evidence
    missed = max(scene.span(rule, "for"), (episode.end or until) - since.at)
    raised = Raise((since,), {"since": scene.clock(since.at), "for": wording.duration(missed)})
    return (raised,) if episode.end is None else (raised, Clear())


def _waits(memory: AbsenceMemory) -> bool:
    """Whether an absence that has to be seen to begin first has begun."""
    return memory.begun is not None or not all(awaited for awaited, _ in memory.recent)


def _lost(rule: Absence, memory: AbsenceMemory, scene: Scene) -> Outcome:
    """What has to be told now because the oldest observation settles, which ended it: in a flood, before its moment."""
    awaited, end = memory.recent[0]
    since = memory.begun if rule.after else memory.awaited
    if not awaited or since is None or end.at < since.at + scene.span(rule, "for"):
        return ()
    ended = [episode for episode, _ in _untold(rule, memory, scene) if episode.end == end.at]
    return _told(rule, ended[0], end.at, scene) if ended else ()


def _stands(rule: Absence, memory: AbsenceMemory, scene: Scene) -> bool:
    """Whether what was told goes on."""
    standing, episodes = scene.standing(rule), _episodes(rule, memory)
    return standing is not None and window.speaks(episodes, scene.now) and not window.untold(episodes[-1:], rule, scene)


def _untold(rule: Absence, memory: AbsenceMemory, scene: Scene) -> list[tuple[Episode, datetime]]:
    """The absences that are, or will be, long enough, and nobody was told of; with the moment for it."""
    found = []
    for episode in window.untold(_episodes(rule, memory), rule, scene):
        over = scene.counted(rule, episode.start, scene.span(rule, "for"))
        if over is not None and (episode.end is None or over <= episode.end):
            found.append((episode, _moment(rule, episode.evidence[0], over)))
    return found


def _soonest(rule: Absence, memory: AbsenceMemory, scene: Scene) -> datetime | None:
    """Before that nothing is missed, whatever the schedule and what could be heard; None: nothing is."""
    span = scene.span(rule, "for")
    untold = window.untold(_episodes(rule, memory), rule, scene)
    starts = [episode.start for episode in untold if episode.end is None or episode.end - episode.start >= span]
    return min(starts) + span + rule.lateness if starts else None


def _moment(rule: Absence, since: Evidence, over: datetime) -> datetime:
    """When it is to be told; later where it came late itself, for the rest of the backlog may come behind it."""
    at = over + rule.lateness
    return at if since.received_at <= since.at + rule.lateness else max(at, since.received_at + rule.lateness)


def _episodes(rule: Absence, memory: AbsenceMemory) -> list[Episode]:
    """From what it was waited from, until what was awaited came; what has settled and is over has been told, or was none."""
    known = AbsenceMemory(memory.awaited, memory.begun)
    found: list[Episode] = []
    since = known.begun if rule.after else known.awaited
    for awaited, evidence in memory.recent:
        if awaited and since is not None and evidence.at > since.at:
            found.append(Episode(since.at, evidence.at, (since,)))
        _settle(known, awaited, evidence)
        since = known.begun if rule.after else known.awaited
    if since is not None:
        found.append(Episode(since.at, None, (since,)))
    return found


def _keep(memory: AbsenceMemory, awaited: bool, evidence: Evidence) -> None:
    """By time; of one instant what is awaited comes last."""
    recent = memory.recent
    place = len(recent)
    while place and (recent[place - 1][1].at, recent[place - 1][0]) > (evidence.at, awaited):
        place -= 1
    recent.insert(place, (awaited, evidence))


def _keep_newest(memory: AbsenceMemory, seen: Seen) -> None:
    """Of what is awaited when nothing waits for it: what may still be put before it is closer to it than any absence is long."""
    for _, evidence in memory.recent:
        _settle(memory, True, evidence)
    memory.recent.clear()
    if memory.awaited is None or seen.at > memory.awaited.at:
        memory.awaited = seen.evidence


def _settle(memory: AbsenceMemory, awaited: bool, evidence: Evidence) -> None:
    if awaited:
        if memory.awaited is None or evidence.at > memory.awaited.at:
            memory.awaited = evidence
        if memory.begun is not None and memory.begun.at <= evidence.at:
            memory.begun = None
    elif (memory.begun is None or evidence.at < memory.begun.at) and (memory.awaited is None or evidence.at > memory.awaited.at):
        memory.begun = evidence
