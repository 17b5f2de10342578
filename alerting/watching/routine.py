"""Routine: a day that does not go as this home's days go. Nobody up, no water drawn, the door not used, no end of being up at night.

A day runs from four in the morning to the next. It leaves four marks behind: when somebody was first up and about, when the entrance door
was first used, when water was first drawn, and until when somebody was up. *Up and about* are signs of life in three of six ten-minute
pieces of an hour, and in this last one of them; a turn in bed and a walk to the toilet are not.

What is usual is said by the marks of the last `MARKS` days that had any sign of life, those of the same sort (weekday or weekend) where
there are enough of them: nine of ten such days had it by then. It is missed `slack` later, or `least` after the latest of those days,
whichever comes last. It must be a habit at all: something that nearly every such day had.

Each habit is looked at once a day, at its moment. Nothing is missed before `learns` days, nor while the home is empty by its door, nor on a
day on which it could not be heard throughout; such days, and those that a mode other than *home* touched, leave no marks either.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from math import ceil

import msgspec

from alerting.life_rules import Habit, Routine
from alerting.memories import RoutineMemory
from alerting.terms import Sentence
from alerting.watching import life as lives
from alerting.watching.kind import Observed
from alerting.watching.life import Life
from alerting.watching.scene import Clear, Judgement, Outcome, Phase, Raise, Scene, Seen
from alerting.watching.words import evidence_of, life_of, lived_at_home, take
from devices.observation import Property

MARKS = 28
HABITS = len(Habit)
FIELDS = 1 + HABITS
"""Bytes of a day: whether it was of a weekend, and for each habit the piece of its mark and one; 0 where it had none."""
PIECE = 10
PIECES = 24 * 60 // PIECE
HOUR = 60 // PIECE
_PIECE, _DAY = timedelta(minutes=PIECE), timedelta(days=1)
DAWN = 4
"""O'clock."""
EVENING = 14 * HOUR
"""From six o'clock on being up is the evening's."""
SAME_SORT = 5
"""So many days of a sort are enough to speak for their own."""
REGULAR = {Habit.UP: 0.8, Habit.DOOR: 1.0, Habit.WATER: 0.8, Habit.BED: 0.8}
"""The share of the days that must have had something for it to be a habit; to stay in for a day is no change in anybody's life."""
USUALLY = 0.9

SAYS = {
    Habit.UP: Sentence("起来活动", "somebody is up"),
    Habit.DOOR: Sentence("用过入户门", "the entrance door has been used"),
    Habit.WATER: Sentence("用过水", "water has been drawn"),
    Habit.BED: Sentence("安静下来休息", "it is quiet for the night"),
}
LACKS = {
    Habit.UP: Sentence("还没有人起来活动", "nobody is up"),
    Habit.DOOR: Sentence("入户门还没有动过", "the entrance door has not been used"),
    Habit.WATER: Sentence("还没有用过水", "no water has been drawn"),
    Habit.BED: Sentence("仍有人在活动", "somebody is still up and about"),
}


class Expected(msgspec.Struct, frozen=True):
    """A habit's moment on a day: usual by one local time, missed at the other."""

    habit: Habit
    by: datetime
    missed: datetime
    weekend: bool


def observe(rule: Routine, memory: RoutineMemory | None, seen: Seen, scene: Scene) -> Observed[RoutineMemory]:
    if lives.idle(seen.observation.property, seen.observation.value):
        return memory, None
    memory = memory or RoutineMemory()
    taken = take(rule, memory.life, seen, scene)
    memory.life = None
    fired, up = scene.fired(rule), memory.up
    before = [] if fired is None else _lacking(rule, _marked(rule, memory, taken.waiting, scene), scene, fired)
    for lived in taken.signs:
        _mark(rule, memory, lived.word, scene)
    if before and fired is not None and not _lacking(rule, _ahead(rule, memory, scene)[1], scene, fired):
        return memory, (Clear((seen.evidence,)),)
    return memory, () if memory.expected and memory.up is not up else None  # what it waits for, the day and its hour say alone


def due(rule: Routine, memory: RoutineMemory, scene: Scene) -> datetime | None:
    if not memory.expected:
        return None
    local = scene.now + scene.shift  # asked with every sign of life: by numbers alone, what `_coming` says in full
    dawn = _dawn(local)
    gone = local - dawn - rule.lateness
    for day in (0, 1):
        weekend = (dawn.weekday() + day) % 7 >= 5
        first = max(1, -(-gone // _PIECE))
        coming = [missed for missed in _times(memory, weekend=weekend)[1::2] if missed >= first]
        if coming:
            return scene.now + (min(coming) * _PIECE - gone)
        gone -= _DAY
    return None


def reach(rule: Routine, memory: RoutineMemory, scene: Scene, at: datetime) -> Outcome:
    life, memory = _ahead(rule, memory, scene)
    local = scene.local(scene.now)
    if life.last is None or life.left_at is not None or not lived_at_home(scene, scene.now - (local - _dawn(local)), scene.now):
        return ()
    lacking = [e for e in _coming(rule, memory, scene) if _moment(rule, e, scene) <= at and not _met(memory, e)]
    if not lacking:
        return ()
    fields = {"expected": _joined([_usual(e) for e in lacking]), "seen": _joined([_lack(e) for e in lacking])}
    return (Raise(evidence_of(life), fields),)


def state(rule: Routine, memory: RoutineMemory | None, scene: Scene) -> Judgement:
    days = len(memory.marks) // FIELDS if memory else 0
    numbers = {"days_learned": float(days)}
    if memory is None or life_of(rule, memory.life, scene).last is None:
        return Judgement(Phase.NOT_WATCHED, Sentence("还没有听到过任何活动", "no sign of life has been heard yet"))
    _, memory = _ahead(rule, memory, scene)
    if days < rule.learns:
        sentence = Sentence(f"已了解 {days} 天，{rule.learns} 天后开始判断", f"{days} days are known; judged from {rule.learns} on")
        return Judgement(Phase.LEARNING, sentence, numbers=numbers)
    today = list(_of_day(memory, scene.local(scene.now)))
    said = _joined([_usual(e) for e in today]) if today else Sentence("没有发现固定的习惯", "no regular habit has been found")
    fired = scene.fired(rule)
    if fired is not None and _lacking(rule, memory, scene, fired):
        return Judgement(Phase.FIRING, said, Sentence("该做的事做了", "what was missed has come"), since=fired, numbers=numbers)
    return Judgement(Phase.PENDING if today else Phase.IDLE, said, due_at=due(rule, memory, scene), numbers=numbers)


def _ahead(rule: Routine, memory: RoutineMemory, scene: Scene) -> tuple[Life, RoutineMemory]:
    """How things stand with what has not settled yet; the memory itself stays as it is."""
    life, signs = lives.ahead(life_of(rule, memory.life, scene))
    return life, _marked(rule, memory, signs, scene)


def _marked(rule: Routine, memory: RoutineMemory, signs: list[lives.Lived], scene: Scene) -> RoutineMemory:
    if not signs:
        return memory
    now = msgspec.structs.replace(memory)
    for lived in signs:
        _mark(rule, now, lived.word, scene)
    return now


# --- what is expected ----------------------------------------------------------------------------------------------------------


def _coming(rule: Routine, memory: RoutineMemory, scene: Scene) -> Iterator[Expected]:
    """The habits of today and tomorrow whose moment is still to come."""
    local = scene.local(scene.now)
    for day in (local, local + timedelta(days=1)):
        for expected in _of_day(memory, day):
            if _moment(rule, expected, scene) >= scene.now:
                yield expected


def _moment(rule: Routine, expected: Expected, scene: Scene) -> datetime:
    return scene.now + (expected.missed - scene.local(scene.now)) + rule.lateness


def _of_day(memory: RoutineMemory, local: datetime) -> Iterator[Expected]:
    dawn = _dawn(local)
    weekend = dawn.weekday() >= 5
    times = _times(memory, weekend=weekend)
    for number, habit in enumerate(Habit):
        if times and times[2 * number]:
            by, missed = (dawn + timedelta(minutes=PIECE * times[2 * number + i]) for i in (0, 1))
            yield Expected(habit, by, missed, weekend)


def _times(memory: RoutineMemory, *, weekend: bool) -> bytes:
    return memory.expected[2 * HABITS :] if weekend else memory.expected[: 2 * HABITS]


def _lacking(rule: Routine, memory: RoutineMemory, scene: Scene, fired: datetime) -> list[Expected]:
    """What was missed when the rule fired today, and has not come since."""
    local = scene.local(scene.now)
    if _dawn(scene.local(fired)) != _dawn(local):
        return []
    passed = [e for e in _of_day(memory, local) if e.missed <= scene.local(fired) - rule.lateness]
    return [e for e in passed if not _met(memory, e, local)]


def _met(memory: RoutineMemory, expected: Expected, now: datetime | None = None) -> bool:
    """Whether it has come, by what has settled; of the night's rest, whether it has at its moment, or `now`."""
    dawn = _dawn(expected.missed - timedelta(minutes=1))
    if dawn.toordinal() != memory.day:
        return expected.habit is Habit.BED
    if expected.habit is Habit.BED:
        piece = min(((now or expected.missed) - dawn) // timedelta(minutes=PIECE), PIECES)
        return not any(_up_at(memory.up, at) for at in range(max(piece - HOUR, 0), piece))
    return bool(_marks_of(memory)[list(Habit).index(expected.habit)])


# --- what is learned -----------------------------------------------------------------------------------------------------------


def _mark(rule: Routine, memory: RoutineMemory, word: lives.Word, scene: Scene) -> None:
    """A sign of life; with the first of a new day the day before becomes one of the known."""
    begun = memory.dawn_at
    if begun is None or not begun <= word.at < begun + _DAY:
        local = scene.local(word.at)
        dawn = _dawn(local)
        day = dawn.toordinal()
        if day < memory.day:
            return
        begun = word.at - (local - dawn)
        if day > memory.day:
            if memory.day and any(memory.up) and lived_at_home(scene, memory.dawn_at or word.at, word.at):
                marks = memory.marks + bytes([memory.weekend, *_marks_of(memory)])
                memory.marks = marks[-MARKS * FIELDS :]
                memory.expected = _expectations(rule, memory.marks)
            memory.day, memory.weekend, memory.dawn_at = day, dawn.weekday() >= 5, begun
            memory.up, memory.door, memory.water = bytes(PIECES // 8), 0, 0
    piece = (word.at - begun) // _PIECE
    if not _signs(memory.up, piece):
        up = bytearray(memory.up)
        up[piece // 8] |= 1 << piece % 8
        memory.up = bytes(up)
    if word.entrance:
        memory.door = min(memory.door or PIECES + 1, piece + 1)
    elif word.property is Property.WATER_USED:
        memory.water = min(memory.water or PIECES + 1, piece + 1)


def _marks_of(memory: RoutineMemory) -> tuple[int, int, int, int]:
    """In the order of `Habit`."""
    first = next((piece for piece in range(PIECES) if _up_at(memory.up, piece)), None)
    last = next((piece for piece in reversed(range(EVENING, PIECES)) if _up_at(memory.up, piece)), None)
    return (0 if first is None else first + 1, memory.door, memory.water, 0 if last is None else last + 1)


def _up_at(up: bytes, piece: int) -> bool:
    """Whether somebody was up and about in the hour that ends with a piece of the day, and in that piece."""
    if not _signs(up, piece):
        return False
    return sum(_signs(up, at) for at in range(max(piece - HOUR + 1, 0), piece + 1)) >= 3


def _signs(up: bytes, piece: int) -> bool:
    return bool(up[piece // 8] >> piece % 8 & 1)


def _expectations(rule: Routine, marks: bytes) -> bytes:
    """For weekdays, then weekends: two pieces of the day for each habit, 0 where there is nothing to expect."""
    days = [marks[i : i + FIELDS] for i in range(0, len(marks), FIELDS)]
    if len(days) < rule.learns:
        return b""
    found = bytearray()
    for weekend in (False, True):
        own = [day for day in days if bool(day[0]) is weekend]
        for number, habit in enumerate(Habit, 1):
            found += bytes(_expectation(rule, habit, [day[number] for day in (own if len(own) >= SAME_SORT else days)]))
    return bytes(found)


def _expectation(rule: Routine, habit: Habit, marks: Sequence[int]) -> tuple[int, int]:
    had = sorted(mark for mark in marks if mark)
    if habit not in rule.habits or len(had) < REGULAR[habit] * len(marks):
        return 0, 0
    by = had[max(0, ceil(USUALLY * len(had)) - 1)]
    missed = max(by + _pieces(rule.slack), had[-1] + _pieces(rule.least))
    return (by, missed) if missed < PIECES else (0, 0)


def _pieces(span: timedelta) -> int:
    return span // timedelta(minutes=PIECE)


def _dawn(local: datetime) -> datetime:
    """When the day of a local moment began."""
    if local.hour >= DAWN:
        return local.replace(hour=DAWN, minute=0, second=0, microsecond=0)
    return (local - _DAY).replace(hour=DAWN, minute=0, second=0, microsecond=0)


# --- in words ------------------------------------------------------------------------------------------------------------------


def _usual(expected: Expected) -> Sentence:
    says, by = SAYS[expected.habit], f"{expected.by:%H:%M}"
    zh, en = ("周末", "at weekends") if expected.weekend else ("工作日", "on weekdays")
    return Sentence(f"平时{zh} {by} 前{says.zh}", f"usually {says.en} by {by} {en}")


def _lack(expected: Expected) -> Sentence:
    lacks, at = LACKS[expected.habit], f"{expected.missed:%H:%M}"
    return Sentence(f"到 {at} {lacks.zh}", f"{lacks.en} by {at}" if expected.habit is not Habit.BED else f"{lacks.en} at {at}")


def _joined(sentences: list[Sentence]) -> Sentence:
    return Sentence("；".join(s.zh for s in sentences), "; ".join(s.en for s in sentences))
