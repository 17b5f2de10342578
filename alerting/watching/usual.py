"""What a home usually does: when a quiet that began about this hour has been over, and at what hours its days turn.

Two tables, one of quiets in the home and one of absences from it: for every half-hour of the day the longest quiet that began in it, in
steps of five minutes. A night that begins at 23:10 and ends at 07:35 is one entry, so is a nap, a programme on television, a walk to the
market. The form is that of the alert lines of Cuddihy and others ("Algorithm to automatically detect abnormally long periods of
inactivity in a home", HealthNet 2007, from memory: the longest quiet by time of day over some weeks, with a margin), kept by the hour at
which a quiet *begins*, since a person up at five and down at six is not asleep.

An entry is forgotten by one step a day on which the home was heard, so that what is not seen again is gone in weeks; a day without any
sign of life (hospital, holiday, everything broken) changes nothing.
"""

from datetime import datetime, timedelta

import msgspec

SLOT = 30
STEP = 5
SLOTS = 24 * 60 // SLOT
DAY = 24 * 60
DAY_BEGINS, DAY_ENDS = 6 * 60, 20 * 60
BEFORE_MIDDLE = 60
WORTH_LEARNING = timedelta(hours=1)
"""Shorter quiets lie under every limit."""
NIGHT = (*range(18 * 60 // SLOT, SLOTS), *range(6 * 60 // SLOT))
"""The half-hours at which one may go to bed, evening first."""


class Usual(msgspec.Struct, array_like=True):
    inside: bytes = bytes(SLOTS)
    out: bytes = bytes(SLOTS)
    days: int = 0
    """On which the home was heard, up to now."""
    day: int = 0
    """The ordinal of the newest of them."""


def turn(usual: Usual, day: int) -> None:
    """The home was heard on this local day, by its ordinal; with a new one something is forgotten."""
    if day <= usual.day:
        return
    if usual.day:
        usual.inside = bytes(units - 1 if units else 0 for units in usual.inside)
        usual.out = bytes(units - 1 if units else 0 for units in usual.out)
    usual.day = day
    usual.days += 1


def learn(usual: Usual, since: datetime, lasted: timedelta, *, out: bool) -> None:
    """A quiet that began at a local moment has been over after so long."""
    if lasted < WORTH_LEARNING:
        return
    minute = minute_of(since)
    slot = minute // SLOT
    units = min(-(-(minute % SLOT + round(lasted / timedelta(minutes=1))) // STEP), 255)
    table = usual.out if out else usual.inside
    if units > table[slot]:
        table = table[:slot] + bytes([units]) + table[slot + 1 :]
        if out:
            usual.out = table
        else:
            usual.inside = table


class Over(msgspec.Struct, frozen=True):
    """`after`: how long behind its beginning such a quiet has been over at the latest; `missed`: when it is late beyond its margin."""

    after: timedelta
    missed: timedelta


def over(usual: Usual, since: datetime, *, out: bool, early: timedelta, late: timedelta) -> Over | None:
    """When a quiet that began at a local moment is over, by the quiets that began about then; None: there were none.

    About then are those that were going on at that time of day, and those that began later, by `early` or half their length at the most.
    """
    minute = minute_of(since)
    latest = 0
    for slot, units in enumerate(usual.out if out else usual.inside):
        length = units * STEP
        behind, ahead = (minute - slot * SLOT) % DAY, (slot * SLOT - minute) % DAY
        if behind < length:
            latest = max(latest, length - behind)
        if length and ahead <= min(length / 2, early / timedelta(minutes=1)):
            latest = max(latest, ahead + length)
    return _over(latest, late) if latest else None


def night_over(usual: Usual, since: datetime, *, early: timedelta, late: timedelta) -> Over | None:
    """When the night is over in which a quiet began at a local moment; None by day, and where nights are not known.

    The longest quiet that began between evening and morning is a night. It begins with the earliest one that went on until about the middle
    of that, which an evening at the television does not, less `early`, and ends with the latest end of any: who walks to the toilet at
    four may lie down again for as long as he ever does.
    """
    longest = max(NIGHT, key=lambda slot: usual.inside[slot])
    middle = _evening(longest) + usual.inside[longest] * STEP // 2
    slots = [slot for slot in NIGHT if usual.inside[slot] and _evening(slot) + usual.inside[slot] * STEP >= middle - BEFORE_MIDDLE]
    if not slots:
        return None
    begins = slots[0] * SLOT - round(early / timedelta(minutes=1))
    length = max((slot * SLOT + usual.inside[slot] * STEP - begins) % DAY for slot in slots)
    gone = (minute_of(since) - begins) % DAY
    return _over(length - gone, late) if gone < length else None


def _evening(slot: int) -> int:
    """Minutes from the beginning of the evening to a half-hour of the night."""
    minutes: int = (slot - NIGHT[0]) % SLOTS * SLOT
    return minutes


def _over(minutes: int, late: timedelta) -> Over:
    after = timedelta(minutes=minutes)
    return Over(after, after + late)


def longest_by_day(usual: Usual) -> timedelta:
    """The longest quiet in the home that began at any hour of the day ."""
    day = usual.inside[DAY_BEGINS // SLOT : DAY_ENDS // SLOT]
    return timedelta(minutes=max(day) * STEP)


def minute_of(local: datetime) -> int:
    return local.hour * 60 + local.minute
