"""An observation as a word of the life in a home, and a sign of life as evidence."""

from datetime import datetime, timedelta
from functools import lru_cache

from alerting.detection import Sharing
from alerting.life_rules import Inactivity, Routine
from alerting.memories import LifeMemory
from alerting.terms import Evidence
from alerting.watching import life as lives
from alerting.watching.life import Life, Lived, Taken, Word
from alerting.watching.scene import Scene, Seen
from devices.home import Lifecycle
from devices.observation import UNITS, Observation, Property

_CONTACT = Property.CONTACT_OPEN

A_DAY = timedelta(days=1)
"""No longer does a routine that was missed wait for what it missed."""


def take(rule: Inactivity | Routine, own: Life | None, seen: Seen, scene: Scene) -> Taken:
    """An observation becomes a word of the life in the home: once for all rules that see it alike.

    `own`: what the rule kept for itself before there was one that is shared.
    """
    name, taken = scene.index.shared[rule.id], seen.taken
    if taken is not None and taken.name == name:
        return taken
    return _taken(rule, own, seen, scene, seen.received_at - rule.lateness)


def _taken(rule: Inactivity | Routine, own: Life | None, seen: Seen, scene: Scene, settles: datetime) -> Taken:
    """`settles`: the moment before which nothing more may come."""
    home, name = scene.home, scene.index.shared[rule.id]
    memory = home.memories.get(name)
    if not isinstance(memory, LifeMemory):
        memory = home.memories[name] = LifeMemory(own or Life())
    life = memory.life
    settled_at = ahead_at = life.sign.at if life.sign is not None else None
    waiting: list[Lived] = []
    if home.fired and _looked_back(name, settled_at, scene):
        outlook, waiting = lives.ahead(life)
        ahead_at = outlook.last
    word = _word(rule.entrance, seen, scene)
    lives.hear(life, word)
    taken = seen.taken = Taken(name, life, word, settled_at, ahead_at, waiting, lives.settle(life, settles))
    return taken


def passes(sharing: Sharing, seen: Seen, scene: Scene) -> bool:
    """Whether a word leaves the life in the home as it was; it is taken in, unless its rules have to see for themselves."""
    observation, home, name = seen.observation, scene.home, sharing.shares
    memories, fired, rule = home.memories, home.fired, sharing.rules[0][0]
    assert isinstance(rule, Inactivity | Routine)
    settles = seen.received_at - rule.lateness
    if name not in memories or seen.at < settles or lives.idle(observation.property, observation.value):
        return False
    for each, _ in sharing.rules:
        if each.id not in memories or each.id in fired:
            return False
    taken = _taken(rule, None, seen, scene, settles)
    if taken.signs or lives.door_waits(taken.life):
        return False
    last = taken.settled_at
    for each, _ in sharing.rules:
        if isinstance(each, Inactivity) and (last is None or scene.now >= each.soonest(last)):
            return lives.says_nothing_new(taken.life, taken.word)
    return True  # a quiet is awaited since then, and a later sign of life is missed later, unless it is the entrance door's


def life_of(rule: Inactivity | Routine, own: Life | None, scene: Scene) -> Life:
    """The life in the home as the rule sees it; `own` as above."""
    memory = scene.home.memories.get(scene.index.shared.get(rule.id, ""))
    return memory.life if isinstance(memory, LifeMemory) else own or Life()


def _looked_back(name: str, settled_at: datetime | None, scene: Scene) -> bool:
    """Whether a rule that shares it may ask how it stood before: one that fired, and has not seen what it missed."""
    for id_, shared in scene.index.shared.items():
        firings = scene.home.fired.get(id_)
        if firings is not None and shared == name:
            fired, rule = firings[-1].at, scene.index.rules[id_]
            if settled_at is None or fired > settled_at or (isinstance(rule, Routine) and fired > scene.now - A_DAY):
                return True
    return False


def _word(entrance: tuple[str, ...], seen: Seen, scene: Scene) -> Word:
    """`entrance`: the words by which the door one leaves by is known."""
    report, observation = seen.report, seen.observation
    leads_out = observation.property is _CONTACT and _entrance(entrance, seen, scene)
    value = 0.0 if observation.value is False else float(observation.value)  # the one zero there is: most words say no
    return Word(
        seen.at, seen.device.record.id, observation.property, value, observation.manner, leads_out, report.id, report.received_at,
    )  # fmt: skip


def evidence_of(life: Life) -> tuple[Evidence, ...]:
    """The newest sign of life."""
    word = life.sign
    if word is None:
        return ()
    value = word.value if word.property in UNITS else bool(word.value)
    return (Evidence(word.device, word.report, word.at, word.received_at, Observation(word.property, value, word.manner)),)


def _entrance(entrance: tuple[str, ...], seen: Seen, scene: Scene) -> bool:
    """Whether a contact is that of the door by which one goes out: by its room, name or id, or as the only contact of the home."""
    record = seen.device.record
    if _named(f"{record.room} {record.name} {record.id}", entrance):
        return True
    return all(Property.CONTACT_OPEN not in other.record.exposes or other is seen.device for other in scene.home.devices.values())


@lru_cache(maxsize=4096)
def _named(text: str, entrance: tuple[str, ...]) -> bool:
    known = text.casefold()
    return any(word in known for word in entrance)


def eyes(scene: Scene) -> int:
    """The home's sensors of movement: without one there is nothing to tell a quiet home by."""
    return sum(
        Property.OCCUPANCY in device.record.exposes and device.record.lifecycle is not Lifecycle.RETIRED
        for device in scene.home.devices.values()
    )


def lived_at_home(scene: Scene, since: datetime, until: datetime) -> bool:
    """Whether a span could be heard throughout, in a home that was in no other mode: then it shows how the home is lived in."""
    if any(span.since < until and span.ends_at > since for span in scene.home.arranged.modes):
        return False
    return not scene.watched_gaps(since, until)
