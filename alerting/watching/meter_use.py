"""Meter use: so little, or so much, of a counter within a while. No water all morning; water that runs; more power than usual.

A conclusion rests on readings: a counter that has not moved says so itself, and one that says nothing is a silent device and no sign of
anything. What the service could not hear makes no difference, for the counter went on. A counter that falls has been reset, has rolled
over or was exchanged; one that leaps by more than `leap` was exchanged: both begin anew. What was used, or not, while the rule's schedule
was closed does not count.
"""

from bisect import bisect_left, bisect_right
from datetime import datetime
from operator import attrgetter

import msgspec

from alerting import wording
from alerting.home_rules import MeterUse
from alerting.memories import MeterMemory, Reading
from alerting.terms import Sentence
from alerting.watching.kind import Observed
from alerting.watching.scene import Clear, Judgement, Phase, Raise, Scene, Seen

SHARES = 96
"""Readings that stand closer together than this share of the window are thinned out."""


_read_at = attrgetter("at")


class Use(msgspec.Struct, frozen=True):
    """What was used since a moment, up to the newest reading."""

    since: datetime
    used: float


def observe(rule: MeterUse, memory: MeterMemory | None, seen: Seen, scene: Scene) -> Observed[MeterMemory]:
    memory = memory or MeterMemory()
    reading = Reading(seen.at, float(seen.observation.value))
    if memory.readings and reading.at <= memory.readings[-1].at:
        _put_between(memory, reading)
        return memory, None
    fired = scene.fired(rule)
    before = fired is not None and _holds(rule, memory, scene)
    _append(rule, memory, reading, scene)
    use = _use(rule, memory, scene)
    if use is not None and (fired is None or fired < use.since):
        return memory, (Raise((seen.evidence,), _fields(rule, use, scene)),)
    return memory, (Clear((seen.evidence,)),) if before and not _holds(rule, memory, scene) else None


def state(rule: MeterUse, memory: MeterMemory | None, scene: Scene) -> Judgement:
    if memory is None or not memory.readings:
        return Judgement(Phase.NOT_WATCHED, Sentence("还没有读数", "no reading yet"))
    last, within = memory.readings[-1], scene.span(rule, "within")
    known = [reading for reading in memory.readings if reading.at >= last.at - within]
    used = _between(known[0], last)
    words, read, at = wording.duration(last.at - known[0].at), wording.reading(rule.counter, used), scene.clock(last.at)
    said = Sentence(
        f"截至 {at.zh} 的 {words.zh}内用量 {read['value'].zh}{read['unit'].zh}",
        f"{read['value'].en}{read['unit'].en} used in the {words.en} up to {at.en}",
    )
    fired = scene.fired(rule)
    firing = fired is not None and _holds(rule, memory, scene)
    clears = Sentence("用量增加", "use") if rule.at_most is not None else Sentence("用量减到一半以下", "half the limit, or less")
    numbers = {"used": used, "limit": scene.number(rule, _limit(rule))}
    return Judgement(Phase.FIRING if firing else Phase.IDLE, said, clears=clears, since=known[0].at, numbers=numbers)


def _limit(rule: MeterUse) -> str:
    return "at_least" if rule.at_most is None else "at_most"


def _use(rule: MeterUse, memory: MeterMemory, scene: Scene) -> Use | None:
    """The use that is worth a word, by the newest reading and the rule's schedule; None: there is none."""
    last, within, limit = memory.readings[-1], scene.span(rule, "within"), scene.number(rule, _limit(rule))
    if rule.at_most is not None:
        before = bisect_right(memory.readings, last.at - within, key=_read_at)
        if not before or _between(memory.readings[before - 1], last) > limit:  # so that the first with no more use behind it came later
            return None
        since = _still_since(memory, limit)
        openings = scene.openings(rule)
        over = openings.after(since.at, within)
        return Use(since.at, _between(since, last)) if over is not None and over <= last.at and openings.open(last.at) else None
    if _between(_first_from(memory, last.at - within), last) < limit:
        return None  # and no more while the schedule was open
    begun = scene.openings(rule).since(last.at, last.at - within)
    first = _first_from(memory, begun) if begun is not None else last
    return Use(first.at, _between(first, last)) if _between(first, last) >= limit else None


def _holds(rule: MeterUse, memory: MeterMemory, scene: Scene) -> bool:
    """Whether what was raised would still be so, whatever the hour. Much use has to fall to half of its limit."""
    if not memory.readings:
        return False
    last, within, limit = memory.readings[-1], scene.span(rule, "within"), scene.number(rule, _limit(rule))
    if rule.at_most is not None:
        return last.at - _still_since(memory, limit).at >= within
    return _between(_first_from(memory, last.at - within), last) > limit / 2


def _still_since(memory: MeterMemory, limit: float) -> Reading:
    """The first reading behind which no more than this was used."""
    readings = memory.readings
    last = readings[-1]
    return readings[bisect_left(readings, -limit, key=lambda reading: -_between(reading, last))]


def _first_from(memory: MeterMemory, since: datetime) -> Reading:
    """The first reading that is not older."""
    return memory.readings[bisect_left(memory.readings, since, key=_read_at)]


def _between(first: Reading, last: Reading) -> float:
    """To the millionth: counters are decimal, and 10.6 - 10 is less than 0.6 in binary."""
    return round(last.value - first.value, 6)


def _append(rule: MeterUse, memory: MeterMemory, reading: Reading, scene: Scene) -> None:
    readings, within = memory.readings, scene.span(rule, "within")
    if readings and (reading.value < readings[-1].value or (rule.leap is not None and reading.value - readings[-1].value > rule.leap)):
        memory.begun_anew = readings[-1].at
        readings.clear()
    readings.append(reading)
    if len(readings) > 2:
        first, middle, last = readings[-3:]
        if first.value == middle.value == last.value or last.at - first.at < within / SHARES:
            del readings[-2]
    while len(readings) > 1 and readings[1].at <= reading.at - 2 * within:
        del readings[0]


def _put_between(memory: MeterMemory, late: Reading) -> None:
    """What came late has its place where it fits: it is of this counter, and tells how the use went on."""
    readings = memory.readings
    place = next(number for number, reading in enumerate(readings) if reading.at >= late.at)
    fits = late.value <= readings[place].value and (place == 0 or readings[place - 1].value <= late.value)
    if fits and readings[place].at != late.at and (memory.begun_anew is None or late.at > memory.begun_anew):
        readings.insert(place, late)


def _fields(rule: MeterUse, use: Use, scene: Scene) -> dict[str, Sentence]:
    return {
        **wording.reading(rule.counter, use.used),
        "limit": wording.same(wording.number(scene.number(rule, _limit(rule)))),
        "for": wording.duration(scene.span(rule, "within")),
        "since": scene.clock(use.since),
    }
