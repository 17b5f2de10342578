"""The rules of how a home is lived in, as data: a quiet that lasts too long. One set of numbers for all homes; the rest is learned."""

from datetime import datetime, timedelta
from enum import StrEnum

from alerting.home_rules import LATENESS, HomeRule
from alerting.identity import short_hash
from alerting.watching.life import ACTS, SIGNS
from devices.observation import Property

ENTRANCE = (
    "entrance", "entry", "front", "main", "hall", "outside", "house door", "入户", "大门", "户门", "门厅", "玄关", "防盗门",
)  # fmt: skip


def life_name(entrance: tuple[str, ...], lateness: timedelta) -> str:
    """Of the life in a home, as rules see it that know its entrance by these words and wait so long for what comes late."""
    usual = entrance == ENTRANCE and lateness == LATENESS
    return ":life" if usual else f":life {short_hash(f'{lateness.total_seconds()} {entrance}').hex()}"


class Inactivity(HomeRule, frozen=True, kw_only=True, tag="inactivity"):
    """No sign of life for longer than is usual for a quiet that began at that hour; see `alerting.watching.inactivity`.

    Times of day are local, `07:30`. A sign of life clears it. Nothing is missed in a home before its first one.
    """

    least: timedelta = timedelta(hours=3)
    """Never sooner than this in a home that is known."""
    unheard_of: timedelta = timedelta(minutes=30)
    least_most: timedelta = timedelta(hours=4)
    """So much longer than any quiet by day at whatever hour, but no longer than that on this account."""
    overdue: timedelta = timedelta(hours=1)
    overdue_night: timedelta = timedelta(hours=1, minutes=30)
    """So long past the moment at which such a quiet, or such a night, has been over at the latest."""
    early: timedelta = timedelta(minutes=45)
    early_night: timedelta = timedelta(hours=1)
    """How much before its time a usual quiet, or night, may begin and still be taken for itself."""
    least_out: timedelta = timedelta(hours=6)
    overdue_out: timedelta = timedelta(hours=2)
    """The same two for a quiet that began at the entrance door."""
    learns: int = 7
    """Days on which a home has to be heard before the fixed limits end."""
    unlearned: timedelta = timedelta(hours=4)
    one_eye: float = 2.0
    """How much longer `unlearned` and `least_most` are in a home that only one sensor of movement looks at; without any none is watched."""
    unlearned_awake: timedelta = timedelta(hours=6)
    """At night, where a bed says that it is empty."""
    unlearned_out: timedelta = timedelta(hours=7)
    least_gone: timedelta = timedelta(hours=1)
    """The same as `least_out` where somebody left a home that had been lived in, by night: from `gone_from` to `late_until`."""
    gone_from: str = "00:00"
    asleep_from: str = "20:00"
    up_by: str = "11:00"
    """When a home that is not known may be quiet."""
    late_from: str = "23:00"
    late_until: str = "04:00"
    """Who was up and about until an hour between these two is given `sleeps`."""
    sleeps: timedelta = timedelta(hours=9)
    """A night's sleep, with what it may be overdue."""
    entrance: tuple[str, ...] = ENTRANCE
    """The contact whose room, name or id has one of these words is the door one leaves by; so is the only contact of a home."""

    def soonest(self, last: datetime) -> datetime:
        """Before that nothing is missed of a home whose last sign of life this is."""
        return last + min(self.least, self.unlearned) + self.lateness

    @property
    def watches(self) -> frozenset[Property]:
        return SIGNS

    @property
    def shares(self) -> str:
        return life_name(self.entrance, self.lateness)


class Habit(StrEnum):
    """What a day is known by."""

    UP = "up"
    DOOR = "door"
    WATER = "water"
    BED = "bed"


class Routine(HomeRule, frozen=True, kw_only=True, tag="routine"):
    """A day does not go as days go in this home; see `alerting.watching.routine`. What was missed clears it when it comes."""

    habits: tuple[Habit, ...] = tuple(Habit)
    learns: int = 10
    """Days of the home that have to be known."""
    slack: timedelta = timedelta(hours=2, minutes=30)
    """So long after the moment by which nine of ten days had it."""
    least: timedelta = timedelta(hours=1)
    """And so long after the latest of those days."""
    entrance: tuple[str, ...] = ENTRANCE

    @property
    def watches(self) -> frozenset[Property]:
        return SIGNS

    @property
    def only_true(self) -> frozenset[Property]:
        return ACTS

    @property
    def shares(self) -> str:
        return life_name(self.entrance, self.lateness)
