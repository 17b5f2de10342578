"""Signs of life in a home, in the order in which they happened, and the quiet spells between them.

Theory of operation
-------------------
What devices say comes late and out of order, and whether a word is a sign of life depends on the word before it: a contact that says
*open* once more says nothing new. So words wait in `unsettled` until nothing that is still acceptable can come before them (`lateness`
behind the newest receipt), and are then taken in event order. Whoever asks how things stand *now* looks at a copy with the waiting words
taken as well (`outlook`); a conclusion is drawn `lateness` after it was due, when nothing that matters still waits. So one stream gives the
same conclusions in any order within the lateness.

What is a sign of life:

- Movement, vibration: that it begins, that it is said again, that it ends. Said again it counts for `STUCK_AFTER` at most with a sensor
  that is known to take its word back: one that hangs on *occupied* must not keep an empty home alive.
- A door, drawer or bed: that it changes.
- A water meter: that it begins to rise. What rises on and on may be a cistern that leaks. What has run since its reading before may have
  run at any moment since then: where another sign of life inside lies between the two, it ends no quiet.
- A step counter: that it begins to rise by what walking gives, from one reading to the next or within a minute (`WALKED`). A wrist that
  moves counts a step now and then, also on the floor.
- A button, a cord, a word that all is well, pills taken: by themselves.

Readings of the body are none, and neither are heartbeats and batteries: they go on over a person on the floor.

Whoever goes out closes the entrance door, and then nothing happens inside. So a quiet that begins at that door is one of an empty home,
until anything inside says otherwise. Where there had been life inside before the door spoke, somebody left; where the home was empty by
its door already, he may as well have come home and gone to bed unseen.
"""

from bisect import insort
from datetime import datetime, timedelta

import msgspec

from devices.home import DeviceId
from devices.observation import Manner, Property, ReportId

MOVES = frozenset({Property.OCCUPANCY, Property.VIBRATION})
CHANGES = frozenset({Property.CONTACT_OPEN, Property.BED_OCCUPIED})
RISES = frozenset({Property.WATER_USED, Property.STEPS})
ACTS = frozenset({Property.SOS, Property.PULL_CORD, Property.CANCEL, Property.CHECKED_IN, Property.MEDICATION_TAKEN})
SIGNS = MOVES | CHANGES | RISES | ACTS

STUCK_AFTER = timedelta(hours=2)
SHUTTING = timedelta(minutes=1)
"""A movement so soon behind the entrance door's last word is that of the person who went out, seen late."""
HOLDING = timedelta(minutes=5)
"""The longest that motion sensors commonly hold a movement: its end says nothing of who is there by then."""
PAUSE = timedelta(minutes=45)
"""A quiet so long ends a spell of being up and about."""
UP_FOR = timedelta(minutes=45)
"""So long about, and one was up: less is a visit to the toilet."""
WALKED = 10
"""So many steps from one word of a counter to the next, or within a minute, are of somebody on his feet: a walk through a flat. Pedometers
of the usual kind count no walk before about as many (from memory); the number is ours."""
WALKED_WITHIN = timedelta(minutes=1)
READINGS_MOST = 16
"""Of a counter in a minute: whole steps need twelve at most."""
PASSAGE = timedelta(minutes=5)
"""From the entrance door's first word to its last: so long takes who goes out through it."""
UNSETTLED_MOST = 64
AT_A_TIME = 16
"""Words that a flood settles together."""
TOLD_MOST = 64


class Word(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """What one device said of one property. `value` of a boolean is 0 or 1. Ordered by event time, then by names."""

    at: datetime
    device: DeviceId
    property: Property
    value: float
    manner: Manner
    entrance: bool
    report: ReportId
    received_at: datetime


class Told(msgspec.Struct, array_like=True, gc=False):
    """The newest word of a device on a property."""

    value: float
    since: datetime
    """From when on it has been so; a meter's: from when on it stands still or rises."""
    both: bool = False
    """A boolean: it has been known to say no. A meter: it rises."""
    read_at: datetime | None = None
    """A meter: its newest reading."""
    minute: tuple[tuple[datetime, float], ...] = ()
    """A step counter: when it last stood at what it showed within the last minute, as far back as a walk needs; it grows in both."""


class Spell(msgspec.Struct, frozen=True, gc=False):
    """A quiet between two signs of life. `out`: it began at the entrance door. `up`: somebody had been up and about when it began."""

    since: datetime
    until: datetime
    out: bool
    up: bool


class Lived(msgspec.Struct, frozen=True, gc=False):
    """A sign of life, and the quiet that it ended if it was one."""

    word: Word
    spell: Spell | None


class Life(msgspec.Struct, array_like=True):
    """What is known of the life in a home; a fold of words."""

    sign: Word | None = None
    """The newest sign of life."""
    left_at: datetime | None = None
    """The entrance door's last word, with nothing inside since."""
    about_since: datetime | None = None
    """When the spell of being up and about began that `last` ends."""
    told: dict[str, Told] = {}
    unsettled: list[Word] = []
    door_at: datetime | None = None
    """The entrance door's first word since there was last life inside."""
    doors: int = 0
    """How many of the unsettled words are the entrance door's."""

    def __post_init__(self) -> None:
        self.doors = sum(word.entrance for word in self.unsettled)

    @property
    def left(self) -> bool:
        """Whether somebody went out of a home that had been lived in until then, and nothing has come home since."""
        return self.left_at is not None and self.door_at is not None and self.left_at - self.door_at <= PASSAGE

    @property
    def last(self) -> datetime | None:
        return self.sign.at if self.sign else None

    @property
    def up(self) -> bool:
        return self.last is not None and self.about_since is not None and self.last - self.about_since >= UP_FOR

    @property
    def in_bed(self) -> bool | None:
        """By the bed's own word; None where no bed speaks, or none has been slept in for two days and its mat may be dead."""
        beds = [told for key, told in self.told.items() if key.endswith(_BED)]
        if any(told.value for told in beds):
            return True
        last = self.last
        return False if last is not None and any(told.both and last - told.since < timedelta(days=2) for told in beds) else None


class Taken(msgspec.Struct, gc=False):
    """What an observation came to in a life that rules share."""

    name: str
    """Under which they share it."""
    life: Life
    word: Word
    settled_at: datetime | None
    """Its newest sign of life before, as far as it had settled,"""
    ahead_at: datetime | None
    """and with what was waiting; for rules that have fired."""
    waiting: list[Lived]
    """The signs of life that were."""
    signs: list[Lived]
    """Those that have settled now."""


_BED = f" {Property.BED_OCCUPIED.value}"


def idle(property_: Property, value: float) -> bool:
    """Whether the word is a button's that was not pressed: it is no sign of life, and nothing is known by it either."""
    return property_ in ACTS and not value


def hear(life: Life, word: Word) -> None:
    """Take a word in; it counts once it is settled."""
    words = life.unsettled
    life.doors += word.entrance
    if not words or words[-1].at < word.at:
        words.append(word)
    else:
        insort(words, word)


def settle(life: Life, until: datetime) -> list[Lived]:
    """Take the waiting words up to a moment, in event order; the signs of life among them."""
    words, taken = life.unsettled, 0
    surplus = len(words) - UNSETTLED_MOST
    if surplus < AT_A_TIME and (not words or words[0].at > until):
        return []
    signs: list[Lived] = []
    for word in words:
        if word.at > until and taken >= surplus:
            break
        taken += 1
        life.doors -= word.entrance
        known = word.property in RISES and _known_before(life, word)
        if _speaks(life, word):
            signs.append(Lived(word, None if known else _sign(life, word)))
    del words[:taken]
    return signs


def says_nothing_new(life: Life, word: Word) -> bool:
    """Whether a word that was just taken in leaves everything as it stands with all that waits.

    So it is where it says what was said before it, of the same thing by the same device, and nothing that was said of that thing later
    waits behind it. To be asked with every word, so it looks no further back than to the one before; what is less plain is no.
    """
    property_, device, before = word.property, word.device, None
    if property_ in ACTS:
        return False
    taken = False
    for other in reversed(life.unsettled):
        if other is word:
            taken = True
        elif other.property is property_ and other.device == device:
            before = other.value
            break
    if not taken:  # something was said later of the same, or it has settled already
        return False
    if before is None:
        told = life.told.get(f"{device} {property_}")
        before = told.value if told is not None else None
    rises = property_ in RISES
    if before is None:  # the first that was heard of it at all: what it is by itself is no sign of life; a bed's is known from here on
        return rises or not (word.value or property_ is Property.BED_OCCUPIED)
    return word.value == before and (rises or not word.value or (property_ not in MOVES and word.manner is not Manner.EVENT))


def door_waits(life: Life) -> bool:
    """Whether a word of the entrance door has not settled yet: with it, somebody may have gone at an hour at which he is missed soon."""
    return life.doors > 0


def outlook(life: Life) -> Life:
    """How things stand with every word taken; the life itself stays as it is."""
    return ahead(life)[0]


def ahead(life: Life) -> tuple[Life, list[Lived]]:
    """The same, and the signs of life that were waiting."""
    if not life.unsettled:
        return life, []
    told = {key: msgspec.structs.replace(known) for key, known in life.told.items()}
    seen = Life(life.sign, life.left_at, life.about_since, told, list(life.unsettled), life.door_at)
    return seen, settle(seen, life.unsettled[-1].at)


def _speaks(life: Life, word: Word) -> bool:
    """Whether the word is a sign of life; remembers it."""
    if word.property in ACTS:
        return bool(word.value)
    key = f"{word.device} {word.property}"
    told = life.told.get(key)
    if told is None:
        if len(life.told) >= TOLD_MOST:
            return bool(word.value) and word.property in MOVES
        life.told[key] = Told(word.value, word.at, both=not word.value and word.property not in RISES)
        return bool(word.value) and word.property not in RISES
    if word.at < told.since:  # from a backlog: what it was then is known better by now
        return bool(word.value) and word.property in MOVES
    if word.property in RISES:
        return _rises(told, word)
    changed = bool(word.value) is not bool(told.value)
    if changed:
        told.value, told.since, told.both = word.value, word.at, True
    if word.value and word.manner is Manner.EVENT:
        return True
    if word.value and not changed and word.property in MOVES and word.manner is Manner.STATE:
        return not told.both or word.at - told.since <= STUCK_AFTER
    return changed


def _rises(told: Told, word: Word) -> bool:
    if told.read_at is not None and word.at < told.read_at:  # from a backlog: going back to it, the next reading would be a leap
        return False
    more, rose = word.value - told.value, told.both
    rises = _walks(told, word) if word.property is Property.STEPS else more > 0
    told.value, told.read_at = word.value, word.at
    if rises is not rose:
        told.since, told.both = word.at, rises
    return rises and not rose


def _walks(told: Told, word: Word) -> bool:
    """Whether a counter has gone on by a walk since its reading before, or within the minute; notes the reading down."""
    at, steps = word.at, word.value
    kept = told.minute or ((told.read_at or told.since, told.value),)
    lower = [one for one in kept if one[1] < steps and at - WALKED_WITHIN <= one[0] <= at]
    walked = sum(steps - one[1] >= WALKED for one in lower)
    # Of those that a walk ago it showed, the newest stays within the minute the longest.
    told.minute = (*lower[max(walked - 1, 0) :], (at, steps))[-READINGS_MOST:]
    return walked > 0 or steps - told.value >= WALKED


def _known_before(life: Life, word: Word) -> bool:
    """Whether a meter tells of what may have run before the newest sign of life. Behind the entrance door it does not: somebody is in."""
    told = life.told.get(f"{word.device} {word.property}")
    return told is not None and told.read_at is not None and life.left_at is None and life.last is not None and life.last > told.read_at


def _sign(life: Life, word: Word) -> Spell | None:
    at, before = word.at, life.last
    if before is not None and at < before:  # it came later than anything may, when what was quiet has been taken note of already
        return None
    spell = None
    if before is None or at - before >= PAUSE:
        if before is not None:
            spell = Spell(before, at, out=life.left_at is not None, up=life.up)
        life.about_since = at
    life.sign = word
    if word.entrance:
        life.door_at = at if life.left_at is None else life.door_at
        life.left_at = at
    elif life.left_at is not None:
        fades = word.property in MOVES and not word.value
        if at > life.left_at + (HOLDING if fades else SHUTTING):
            life.left_at = life.door_at = None
    return spell
