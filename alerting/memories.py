"""What the rules that watch a home remember of it: one struct a kind, kept in the home's row.

A fold of inputs alone: a memory changes only in the `observe` of its kind, live and in recovery alike, and never by what facts have
decided meanwhile. The rule of the facts holds here too: a field is only ever added at the end with a default, a tag is never reused.
"""

from datetime import datetime

import msgspec

from alerting.terms import Evidence
from alerting.watching.life import Life
from alerting.watching.usual import Usual
from devices.home import DeviceId
from devices.observation import Observation, ReportId


class AbsenceMemory(msgspec.Struct, array_like=True, tag="absence"):
    awaited: Evidence | None = None
    """The newest observation of what is awaited."""
    begun: Evidence | None = None
    """The first of `after` behind it."""
    recent: list[tuple[bool, Evidence]] = []
    """Those that something late may still come before, by event time; true: awaited. The others have settled into the two above."""


class Sighting(msgspec.Struct, array_like=True, gc=False, frozen=True):
    evidence: Evidence
    marks: int
    """Which of the rule's patterns it fits, a bit each; what the bits mean is the kind's matter."""


class WindowMemory(msgspec.Struct, array_like=True, tag="window"):
    """What was seen of late, by event time, and what has settled of it; see `watching.window`."""

    seen: list[Sighting] = []
    settled_at: datetime | None = None
    """What is made before that comes too late, and is not looked at."""
    begun: datetime | None = None
    """The beginning of the episode that was going on at `settled_at`."""
    ended_at: datetime | None = None
    """When, by what was seen, the last one was ended; where nothing in the episodes themselves says so."""
    worst: int | None = None
    """Of what was saved before vital signs were kept once (`VitalsMemory`)."""


class Measured(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one report said of the vital signs."""

    at: datetime
    device: DeviceId
    report: ReportId
    received_at: datetime
    observations: tuple[Observation, ...]
    marks: int
    """What they score, as `watching.news2` has it."""
    clock_suspect: bool = False
    raw: bytes = b""


class VitalsMemory(msgspec.Struct, array_like=True, tag="vitals"):
    """Kept once for all rules that score them (`HomeRule.shares`); see `watching.vitals`."""

    seen: list[Measured] = []
    """By event time."""
    settled_at: datetime | None = None
    """What is made before that comes too late, and is not looked at."""
    worst: int = 0
    """All marks of what was seen."""


class Fix(msgspec.Struct, frozen=True, array_like=True):
    """A position. `past`: metres outside the home's ground; between the border and the rule's jitter it is neither out nor in."""

    past: float
    evidence: Evidence
    outside: bool
    inside: bool

    @property
    def at(self) -> datetime:
        return self.evidence.at


class GeofenceMemory(msgspec.Struct, array_like=True, tag="geofence"):
    begun: Fix | None = None
    """The first of the run outside."""
    last: Fix | None = None
    fixes: int = 0
    """Outside, in this run."""
    recent: list[Fix] = []
    """Those that something late may still come before, by event time."""


class Reading(msgspec.Struct, frozen=True, array_like=True, gc=False):
    at: datetime
    value: float


class MeterMemory(msgspec.Struct, array_like=True, tag="meter"):
    readings: list[Reading] = []
    """Of one counter that only rises, by event time, thinned out."""
    begun_anew: datetime | None = None
    """The last reading of the counter before it."""


class MissedMemory(msgspec.Struct, array_like=True, tag="missed"):
    first_at: datetime
    """When the button was first heard at all."""
    said: Evidence | None = None
    """The newest time that it was true."""


class BedMemory(msgspec.Struct, array_like=True, tag="bed"):
    lying: Evidence | None = None
    """The first word of the present rest."""
    left: Evidence | None = None
    """The getting up from a long one."""
    settled_at: datetime | None = None
    recent: list[Evidence] = []
    """Those that something late may still come before, by event time."""


class LifeMemory(msgspec.Struct, array_like=True, tag="life"):
    """Kept once for all rules that see it alike (`HomeRule.shares`)."""

    life: Life


class InactivityMemory(msgspec.Struct, array_like=True, tag="inactivity"):
    life: Life | None = None
    """In what was saved before rules shared it."""
    usual: Usual = msgspec.field(default_factory=Usual)
    late_at: datetime | None = None
    """When something last came that was later than it should be: there may be more of it on its way."""


class RoutineMemory(msgspec.Struct, array_like=True, tag="routine"):
    life: Life | None = None
    """In what was saved before rules shared it."""
    marks: bytes = b""
    """Of the days that are known, oldest first; `watching.routine` says in what form."""
    expected: bytes = b""
    """What follows from them: for weekdays and weekends the hours of each habit."""
    day: int = 0
    """The ordinal of the day that is going on, which began at `dawn_at`."""
    weekend: bool = False
    dawn_at: datetime | None = None
    up: bytes = b""
    """A bit for each piece of that day with a sign of life."""
    door: int = 0
    water: int = 0
    """The piece of their first use and one; 0: not yet."""


Memory = (
    AbsenceMemory | WindowMemory | GeofenceMemory | MeterMemory | MissedMemory | BedMemory | LifeMemory | InactivityMemory | RoutineMemory
    | VitalsMemory
)  # fmt: skip
