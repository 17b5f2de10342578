"""A resident's day: where an old person is, what he does, and for how long. Seeded; knows nothing of devices."""

from collections.abc import Iterator
from enum import StrEnum
from random import Random

import msgspec

from simulator.clock import DAY_S

HOUR_S = 3600.0


class Room(StrEnum):
    BEDROOM = "bedroom"
    BATHROOM = "bathroom"
    KITCHEN = "kitchen"
    LIVING = "living"
    OUTSIDE = "outside"


class Doing(StrEnum):
    ASLEEP = "asleep"
    TOILET = "toilet"
    WASHING = "washing"
    COOKING = "cooking"
    EATING = "eating"
    RESTING = "resting"
    TIDYING = "tidying"
    VISITED = "visited"
    OUT = "out"


EFFORT = {
    Doing.ASLEEP: 0.0,
    Doing.TOILET: 0.3,
    Doing.WASHING: 0.35,
    Doing.COOKING: 0.4,
    Doing.EATING: 0.2,
    Doing.RESTING: 0.1,
    Doing.TIDYING: 0.5,
    Doing.VISITED: 0.25,
    Doing.OUT: 0.75,
}
"""0 asleep, 1 walking briskly."""

STILLNESS_S = {
    Doing.ASLEEP: 50 * 60.0,
    Doing.TOILET: 90.0,
    Doing.WASHING: 90.0,
    Doing.COOKING: 2 * 60.0,
    Doing.EATING: 5 * 60.0,
    Doing.RESTING: 11 * 60.0,
    Doing.TIDYING: 2 * 60.0,
    Doing.VISITED: 4 * 60.0,
}
"""How long nothing moves in the room, on average, between two movements."""


class Stay(msgspec.Struct, frozen=True):
    """One thing done in one room. `begins` and `ends`: local seconds since the midnight of the first day."""

    begins: float
    ends: float
    room: Room
    doing: Doing

    @property
    def effort(self) -> float:
        return EFFORT[self.doing]


class Habits(msgspec.Struct, frozen=True):
    """How somebody lives. Hours are local; shares are of days, 0 to 1.

    `forgetful`: the share of mornings on which pills, the call to the neighbour or the watch's charger are forgotten.
    """

    rises: float = 5.9
    to_bed: float = 21.2
    naps: bool = True
    goes_out: float = 0.75
    walks: float = 0.45
    visited: float = 0.25
    toilet_at_night: int = 3
    restless: float = 1.0
    forgetful: float = 0.0


def life(seed: str, habits: Habits | None = None) -> Iterator[Stay]:
    """Day after day from the first midnight on, without a gap, without an end."""
    chance = Random(seed)  # noqa: S311 - a story, not a secret
    early = chance.gauss(0, 0.5)  # an early riser stays one
    usual = habits or Habits()
    day = 0
    while True:
        plan = _with_toilet(_plan(chance, early, usual), chance, usual)
        for (begins, room, doing), (ends, _, _) in zip(plan, [*plan[1:], (24.0, Room.BEDROOM, Doing.ASLEEP)], strict=True):
            yield Stay(day * DAY_S + begins * HOUR_S, day * DAY_S + ends * HOUR_S, room, doing)
        day += 1


_Entry = tuple[float, Room, Doing]
"""(hour at which it begins, room, what); it lasts until the next."""


def _plan(chance: Random, early: float, usual: Habits) -> list[_Entry]:
    """A day by the hours of old people in a small Chinese town; a pensioner's lunch is at half past eleven."""

    def about(hour: float, spread: float = 0.25) -> float:
        return hour + early + min(max(chance.gauss(0, spread), -2 * spread), 2 * spread)

    rise, lunch, supper = about(usual.rises), about(10.9), about(16.9)
    plan: list[_Entry] = [
        (0.0, Room.BEDROOM, Doing.ASLEEP),
        (rise, Room.BATHROOM, Doing.WASHING),
        (rise + 0.35, Room.KITCHEN, Doing.COOKING),
        (rise + 0.8, Room.LIVING, Doing.EATING),
        (rise + 1.2, Room.LIVING, Doing.RESTING),
    ]
    if chance.random() < usual.goes_out:  # market, then a chat downstairs
        leaves = about(8.3)
        plan += [(leaves, Room.OUTSIDE, Doing.OUT), (leaves + chance.uniform(0.6, 1.6), Room.LIVING, Doing.TIDYING)]
    plan += [
        (lunch, Room.KITCHEN, Doing.COOKING),
        (lunch + 0.6, Room.LIVING, Doing.EATING),
        (lunch + 1.1, Room.LIVING, Doing.RESTING),
    ]
    if usual.naps:
        plan += [(lunch + 1.6, Room.BEDROOM, Doing.ASLEEP), (lunch + 2.9, Room.LIVING, Doing.RESTING)]
    afternoon = chance.random()
    if afternoon < usual.visited:
        plan += [(about(15.2), Room.LIVING, Doing.VISITED)]
    elif afternoon < usual.visited + usual.walks:
        leaves = about(15.0)
        plan += [(leaves, Room.OUTSIDE, Doing.OUT), (leaves + chance.uniform(0.5, 1.1), Room.LIVING, Doing.RESTING)]
    plan += [
        (supper, Room.KITCHEN, Doing.COOKING),
        (supper + 0.6, Room.LIVING, Doing.EATING),
        (supper + 1.1, Room.LIVING, Doing.RESTING),
        (about(usual.to_bed - 0.4) - 0.3, Room.BATHROOM, Doing.WASHING),
        (about(usual.to_bed), Room.BEDROOM, Doing.ASLEEP),
    ]
    return _rising(plan)


def _rising(plan: list[_Entry]) -> list[_Entry]:
    """In order, each at least five minutes long: a walk that took longer pushes what follows."""
    risen: list[_Entry] = []
    for begins, room, doing in plan:
        least = risen[-1][0] + 1 / 12 if risen else 0.0
        risen.append((min(max(begins, least), 23.9), room, doing))
    return risen


NIGHT = (4.2, 1.5, 23.1, 2.8, 0.4, 3.5)
"""At about which hours of the night; as many of them as the habit has."""


def _with_toilet(plan: list[_Entry], chance: Random, usual: Habits) -> list[_Entry]:
    """As often in the night as is usual, every few hours by day, and back to what was before."""
    entries = list(plan)
    for hour in (*sorted(NIGHT[: usual.toilet_at_night]), 9.9, 14.4, 18.9):
        at = max(hour + chance.uniform(-0.8, 0.8), 0.05)
        lasts = chance.uniform(0.06, 0.15)
        index = max(i for i, entry in enumerate(entries) if entry[0] <= at)
        _, room, doing = entries[index]
        ends = entries[index + 1][0] if index + 1 < len(entries) else 24.0
        if room not in (Room.OUTSIDE, Room.BATHROOM) and at + lasts + 0.05 < ends:
            entries[index + 1 : index + 1] = [(at, Room.BATHROOM, Doing.TOILET), (at + lasts, room, doing)]
    return entries
