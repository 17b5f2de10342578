"""What was seen of late, in the order in which it was made, and the episodes in it that a rule speaks of.

Theory of operation
-------------------
A report may come late, twice, or before one that was made earlier; so nothing is counted as it comes. What was seen is kept by event
time, and after each observation the kind says anew which *episodes* lie in it: from when to when the rule speaks. An episode is told
when no firing of the rule lies in it yet. So the order of arrival changes when something is told, and never what.

Kept is what an episode may still rest on: `lateness` and the rule's window behind the newest observation. What is older has settled:
only whether an episode was going on then, and since when, is still known. A flood settles earlier, so that a home takes no more than
`MOST` observations for a rule.
"""

from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime, timedelta
from operator import attrgetter

import msgspec
from msgspec.structs import replace

from alerting.home_rules import HomeRule
from alerting.home_state import FIRINGS_REMEMBERED
from alerting.memories import Sighting, WindowMemory
from alerting.terms import Evidence, Sentence
from alerting.watching.scene import Clear, Outcome, Raise, Scene, Still
from alerting.watching.vitals import RAW_MOST
from devices.observation import Manner

MOST = 80


class Episode(msgspec.Struct):
    """The rule speaks from `start` until `end`; None while, by what was seen, it still does."""

    start: datetime
    end: datetime | None
    evidence: tuple[Evidence, ...]
    """What it rests on, oldest first; none for one that had begun before what is kept."""

    @property
    def known_at(self) -> datetime:
        """When, by event time, it was plain."""
        return self.evidence[-1].at if self.evidence else self.start

    def holds(self, at: datetime) -> bool:
        return self.start <= at and (self.end is None or at < self.end)


Episodes = Callable[[WindowMemory], list[Episode]]


def none(_: WindowMemory) -> list[Episode]:
    """Where it is plain that there is none."""
    return []


made_at = attrgetter("evidence.at")
"""Of what is kept, for bisecting."""


def _place(sighting: Sighting) -> tuple[datetime, str, str, float]:
    """The order of what was seen; of one instant always the same, whatever came first."""
    evidence = sighting.evidence
    return evidence.at, evidence.device, evidence.observation.property, float(evidence.observation.value)


def put(memory: WindowMemory, evidence: Evidence, marks: int) -> bool:
    """Put an observation in its place; false for one that is known already, or comes too late."""
    if memory.settled_at is not None and evidence.at <= memory.settled_at:
        return False
    light = evidence if len(evidence.raw) <= RAW_MOST else replace(evidence, raw=b"")
    seen, sighting = memory.seen, Sighting(light, marks)
    if not seen or seen[-1].evidence.at < evidence.at or _place(seen[-1]) < (own := _place(sighting)):
        seen.append(sighting)
        return True
    place = bisect_right(seen, own, key=_place)
    if place and _place(seen[place - 1]) == own:
        return False
    seen.insert(place, sighting)
    return True


def settle(memory: WindowMemory, lateness: timedelta, window: timedelta, episodes: Episodes) -> bool:
    """Let go of what no episode can rest on any more; whether it was time for that."""
    seen = memory.seen
    newest = seen[-1].evidence.at
    settled = newest - lateness
    if len(seen) > MOST:
        settled = max(settled, seen[len(seen) - MOST // 2].evidence.at)
        keep_from = max(settled - window, seen[len(seen) - MOST * 3 // 4].evidence.at)
    else:
        keep_from = settled - window
    before = memory.settled_at or seen[0].evidence.at
    if settled <= before or (len(seen) <= MOST and settled < before + lateness / 2):
        return False
    memory.begun = going_on(episodes(memory), settled)
    memory.settled_at = settled
    old = bisect_right(seen, keep_from, key=made_at)
    # The last word of each device before that stays, by which a state said again is known as such.
    words: dict[tuple[str, str], Sighting] = {}
    for sighting in reversed(seen[:old]):
        words.setdefault((sighting.evidence.device, sighting.evidence.observation.property), sighting)
    memory.seen = [*reversed(words.values()), *seen[old:]]
    return True


def going_on(episodes: list[Episode], settled: datetime) -> datetime | None:
    """The beginning of the one that was going on, by what was plain by then."""
    last = next((e for e in reversed(episodes) if e.holds(settled) and e.known_at <= settled), None)
    return last.start if last else None


def settled_by(memory: WindowMemory, at: datetime, lateness: timedelta) -> datetime:
    """When nothing made by `at` can come any more. What came late itself has a backlog behind it, which is given its time."""
    newest = memory.seen[-1].evidence
    late = newest.received_at > newest.at + lateness
    return max(at, newest.received_at) + lateness if late else at + lateness


def begins(memory: WindowMemory) -> list[Sighting]:
    """What was seen, without the states that were only said again."""
    before: dict[tuple[str, str], bool | float] = {}
    found = []
    for sighting in memory.seen:
        evidence = sighting.evidence
        observation = evidence.observation
        if isinstance(observation.value, bool) and observation.manner is not Manner.EVENT:
            source = (evidence.device, observation.property)
            if before.get(source) is observation.value:
                continue
            before[source] = observation.value
        found.append(sighting)
    return found


def speaks(episodes: list[Episode], at: datetime) -> bool:
    """Whether the rule speaks at a moment, by what was seen so far."""
    return bool(episodes) and episodes[-1].holds(at)


def untold(episodes: list[Episode], rule: HomeRule, scene: Scene) -> list[Episode]:
    """Those that the rule has not spoken of yet."""
    firings = scene.firings(rule)
    told_of = [firing.observed_at for firing in firings]
    forgotten = told_of[0] if len(told_of) == FIRINGS_REMEMBERED else None
    return [
        episode for episode in episodes
        if episode.evidence and not any(map(episode.holds, told_of))
        and (forgotten is None or episode.end is None or episode.end >= forgotten)
    ]  # fmt: skip


def concluded(
    episodes: list[Episode], rule: HomeRule, scene: Scene, latest: Evidence, words: Callable[[Episode], dict[str, Sentence]],
) -> Outcome:  # fmt: skip
    """What an observation comes to, for a rule that speaks as long as something is so. `latest`: the newest observation."""
    new = untold(episodes, rule, scene)
    raised = tuple(Raise(episode.evidence, words(episode)) for episode in new)
    if speaks(episodes, latest.at):
        return raised or (Still((latest,), words(episodes[-1])),)
    if raised or scene.standing(rule) is not None:
        return (*raised, Clear((latest,)))
    return ()
