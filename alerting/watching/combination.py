"""Combination: what other rules said, come together. Smoke and heat; a call for help three times over.

It looks at what fired when, which is a fold of facts, so it remembers nothing of its own and is asked whenever one of its rules speaks.
Times are those of the observations, so a late one comes together with what was observed when it was.
"""

from alerting import wording
from alerting.home_rules import Combination
from alerting.home_state import Firing
from alerting.memories import WindowMemory
from alerting.terms import Evidence, Sentence
from alerting.watching import window
from alerting.watching.scene import Judgement, Outcome, Phase, Raise, Scene
from alerting.watching.window import Episode


def follow(rule: Combination, scene: Scene) -> Outcome:
    """What it comes to, one of its rules having just spoken."""
    return tuple(Raise(e.evidence, _words(rule, e, scene)) for e in window.untold(_episodes(rule, scene), rule, scene))


def state(rule: Combination, _: WindowMemory | None, scene: Scene) -> Judgement:
    span = wording.duration(rule.within)
    groups = [" / ".join(group) for group in rule.of]
    times = f" ×{rule.times}" if rule.times > 1 else ""
    sentence = Sentence(f"{span.zh}内同时出现：{' + '.join(groups)}{times}", f"together within {span.en}: {' + '.join(groups)}{times}")
    firing = scene.standing(rule) is not None
    return Judgement(Phase.FIRING if firing else Phase.IDLE, sentence, since=scene.fired(rule) if firing else None)


def _episodes(rule: Combination, scene: Scene) -> list[Episode]:
    """Each from the first firing in it, for `within`; the next one begins behind it."""
    groups = [_firings(group, scene) for group in rule.of]
    found: list[Episode] = []
    for end in sorted({firing.observed_at for group in groups for firing in group}):
        since = end - rule.within
        if found:
            since = max(since, found[-1].end or since)
        inside = [[f for f in group if since <= f.observed_at <= end][-rule.times :] for group in groups]
        if all(len(group) == rule.times for group in inside):
            together = sorted((f for group in inside for f in group), key=lambda f: f.observed_at)
            start = together[0].observed_at
            found.append(Episode(start, start + rule.within, _evidence(together, scene)))
    return found


def _firings(group: tuple[str, ...], scene: Scene) -> list[Firing]:
    found = [f for key, firings in scene.home.fired.items() if key.partition(":")[0] in group for f in firings]
    return sorted(found, key=lambda firing: firing.observed_at)


def _evidence(firings: list[Firing], scene: Scene) -> tuple[Evidence, ...]:
    """What those alerts rested on; a silence rests on nothing."""
    found: list[Evidence] = []
    for firing in firings:
        alert = scene.home.alerts.get(firing.alert)
        one = next((e for e in reversed(alert.evidence) if e.at == firing.observed_at), None) if alert else None
        if one is not None and one not in found:
            found.append(one)
    return tuple(sorted(found, key=lambda one: one.at))


def _words(rule: Combination, episode: Episode, scene: Scene) -> dict[str, Sentence]:
    return {"count": wording.same(str(rule.times)), "since": scene.clock(episode.start), "for": wording.duration(rule.within)}
