"""NEWS2 from partial data: the sum of what the newest readings score, with which values it had and how old they were.

NEWS2 was made for hospitals, where all seven parameters are taken at once; what is missing here scores nothing, so the true score is at
least this one. Every sentence says that it is partial. What was measured is kept once for all rules that score it (`watching.vitals`); a
rule itself knows when the score that it speaks of began.
"""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from alerting import wording
from alerting.detection import Sharing
from alerting.home_rules import NEWS2_PARAMETERS, News2
from alerting.memories import Measured, VitalsMemory, WindowMemory
from alerting.terms import Evidence, Sentence
from alerting.watching import phrases, vitals, window
from alerting.watching.kind import Observed
from alerting.watching.news2_chart import CHARTS, OXYGEN, SINGLE, Resident, points, points_of, single_of, union
from alerting.watching.scene import Judgement, Phase, Scene, Seen, shared_key
from alerting.watching.vitals import RAW_MOST, Looked
from alerting.watching.window import Episode

if TYPE_CHECKING:
    from devices.observation import Property


class Score(msgspec.Struct, frozen=True):
    total: int
    highest: int
    """Of a single parameter."""
    scored: tuple[tuple[Evidence, int], ...]


def score(readings: list[Evidence], resident: Resident) -> Score:
    """The score of one reading a parameter; oxygen counts where anything was measured at all."""
    scored = tuple((one, points(one.observation.property, float(one.observation.value), resident)) for one in readings)
    given = OXYGEN if resident.oxygen and scored else 0
    return Score(given + sum(each for _, each in scored), max((each for _, each in scored), default=0), scored)


def passes(sharing: Sharing, seen: Seen, scene: Scene) -> bool:
    """Whether no rule comes near its limit, nor did of late; the report is put among the others."""
    memories, fired, name = scene.home.memories, scene.home.fired, sharing.shares
    if name not in memories:
        return False
    looked = _looked(name, sharing.rules[0][0].lateness, None, seen, scene)
    for each, by_device in sharing.rules:
        memory = memories.get(each.id)
        if by_device or not isinstance(memory, WindowMemory) or memory.seen or memory.begun is not None or each.id in fired:
            return False
        if looked.new and not (isinstance(each, News2) and _cannot_speak(each, looked, scene)):
            return False
    return True


def observe(rule: News2, memory: WindowMemory | None, seen: Seen, scene: Scene) -> Observed[WindowMemory]:
    looked = _looked(shared_key(scene.index.shared[rule.id], scene.device), rule.lateness, memory, seen, scene)
    if memory is None:
        memory = WindowMemory(settled_at=looked.newest_before)  # what was measured before the rule was there is not for it to tell
    elif memory.seen:
        memory.seen = []
    if not looked.new or (memory.begun is None and _cannot_speak(rule, looked, scene) and scene.standing(rule) is None):
        return memory, None
    episodes = _episodes(rule, memory, looked.seen, looked.settled_before, scene)
    *_, newest = vitals.readings(looked.seen[-1])
    outcome = window.concluded(episodes, rule, scene, newest, lambda episode: _words(rule, episode, scene))
    if looked.settled_now is not None:
        memory.begun, memory.settled_at = window.going_on(episodes, looked.settled_now), looked.settled_now
    return memory, outcome


def _looked(name: str, lateness: timedelta, own: WindowMemory | None, seen: Seen, scene: Scene) -> Looked:
    """A report is put among the others, once for all rules that see them alike. `own`: what the rule had before there was one for all."""
    if seen.looked is not None and seen.looked.name == name:
        return seen.looked
    memories = scene.home.memories
    known = memories.get(name)
    if not isinstance(known, VitalsMemory):
        known = memories[name] = vitals.adopted(own) if own is not None else VitalsMemory()
    report, raw = seen.report, seen.raw
    one = Measured(
        seen.at, seen.device.record.id, report.id, report.received_at, seen.together, union(seen.together), seen.suspect,
        raw if len(raw) <= RAW_MOST else b"",
    )  # fmt: skip
    looked = seen.looked = vitals.look(name, known, one, lateness)
    return looked


def _known(rule: News2, memory: WindowMemory, scene: Scene) -> VitalsMemory:
    """What was measured in the home, or by the device."""
    known = scene.home.memories.get(shared_key(rule.shares, scene.device))
    return known if isinstance(known, VitalsMemory) else vitals.adopted(memory)


def state(rule: News2, memory: WindowMemory | None, scene: Scene) -> Judgement:
    known = _known(rule, memory, scene) if memory else VitalsMemory()
    now = _score(rule, known, scene.now, _resident(rule, scene))
    asked = Sentence("任一项 3 分报警", "an alert at any single 3")
    if rule.at_least is not None:
        limit = wording.number(scene.number(rule, "at_least"))
        asked = Sentence(f"达 {limit} 分报警", f"an alert at {limit}")
    values = _values(now, scene)
    sentence = Sentence(
        f"NEWS2（数据不完整，非诊断）{now.total} 分；{values.zh}；{asked.zh}",
        f"NEWS2 from partial data, no diagnosis: {now.total}; {values.en}; {asked.en}",
    )
    numbers = {"score": float(now.total)} | {one.observation.property.value: float(each) for one, each in now.scored}
    standing = scene.standing(rule)
    episodes = [] if memory is None or standing is None else _episodes(rule, memory, known.seen, known.settled_at, scene)
    if standing is not None and window.speaks(episodes, scene.now):
        clears = Sentence("评分下降即恢复", "cleared when it scores less")
        return Judgement(Phase.FIRING, sentence, clears, since=standing.raised_at, numbers=numbers)
    return Judgement(Phase.IDLE, sentence, numbers=numbers)


def _cannot_speak(rule: News2, looked: Looked, scene: Scene) -> bool:
    """Whether no moment that is still looked at reaches the limit, not even with the worst reading of each parameter at once."""
    resident, at_least = _resident(rule, scene), rule.at_least
    if at_least is not None and rule.id in scene.home.arranged.own:
        at_least = scene.number(rule, "at_least")
    if _under(looked.worst, resident, at_least):
        return True
    if looked.settled_before is None:
        return False
    fresh_from = looked.settled_before - rule.fresh_for
    worst = 0
    for one in looked.seen:
        if one.at >= fresh_from:
            worst |= one.marks
    return _under(worst, resident, at_least)


def _under(marks: int, resident: Resident, at_least: float | None) -> bool:
    if at_least is None:
        return not single_of(marks, resident)
    return points_of(marks, resident) + (OXYGEN if resident.oxygen else 0) < at_least


def _episodes(rule: News2, memory: WindowMemory, seen: list[Measured], settled_at: datetime | None, scene: Scene) -> list[Episode]:
    found: list[Episode] = []
    resident, at_least = _resident(rule, scene), _at_least(rule, scene)
    if memory.settled_at is not None:
        settled_at = memory.settled_at if settled_at is None else max(settled_at, memory.settled_at)
    if memory.begun is not None:
        found.append(Episode(memory.begun, None, ()))
    newest: dict[Property, Evidence] = {}
    for one, following in pairwise([*seen, None]):
        assert one is not None
        at = one.at
        for reading in vitals.readings(one):
            newest[reading.observation.property] = reading
        if (settled_at is not None and at <= settled_at) or (following is not None and following.at == at):
            continue
        then = score([newest[p] for p in sorted(newest) if newest[p].at >= at - rule.fresh_for], resident)
        current = found[-1] if found and found[-1].end is None else None
        if current is None and _speaks(then, at_least):
            found.append(Episode(at, None, tuple(sorted((one for one, _ in then.scored), key=lambda one: one.at))))
        elif current is not None and not _speaks(then, at_least):
            current.end = at
    return found


def _at_least(rule: News2, scene: Scene) -> float | None:
    return None if rule.at_least is None else scene.number(rule, "at_least")


def _speaks(of: Score, at_least: float | None) -> bool:
    return of.highest >= SINGLE if at_least is None else of.total >= at_least


def _score(rule: News2, known: VitalsMemory, at: datetime, resident: Resident) -> Score:
    """From the newest reading of each parameter that was fresh at a moment."""
    newest: dict[Property, Evidence] = {}
    for one in known.seen:
        if at - rule.fresh_for <= one.at <= at:
            newest.update((reading.observation.property, reading) for reading in vitals.readings(one))
    return score([newest[p] for p in sorted(newest)], resident)


def _resident(rule: News2, scene: Scene) -> Resident:
    scale, oxygen = rule.spo2_scale, bool(rule.oxygen)
    if rule.id in scene.home.arranged.own:
        scale, oxygen = round(scene.number(rule, "spo2_scale")), bool(scene.number(rule, "oxygen"))
    return CHARTS[(2 if scale == 2 else 0) + oxygen]


def _values(of: Score, scene: Scene) -> Sentence:
    """Which values it had, each with its points and its age, and which it had not."""
    zh, en = [], []
    for one, each in of.scored:
        value, age = phrases.measured(one.observation.property, one.observation.value), wording.duration(scene.now - one.at)
        zh.append(f"{value.zh}（{each} 分，{age.zh}前）")
        en.append(f"{value.en} ({each}, {age.en} ago)")
    missing = [phrases.name(p) for p in sorted(NEWS2_PARAMETERS - {one.observation.property for one, _ in of.scored})]
    zh.append(f"缺{'、'.join([*(m.zh for m in missing), '意识'])}")
    en.append(f"without {', '.join([*(m.en for m in missing), 'consciousness'])}")
    return Sentence("，".join(zh), ", ".join(en))


def _words(rule: News2, episode: Episode, scene: Scene) -> dict[str, Sentence]:
    of = score(list(episode.evidence), _resident(rule, scene))
    return {"score": wording.same(str(of.total)), "values": _values(of, scene)}
