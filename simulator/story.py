"""The words of a scenario: who lives where, what happens, what fails, what should come of it. As data; `scenario.py` reads it from a file.

`at`, `lasts`, `every` and `jitter` are the story's own time, which `--speed` presses together; `within` is real time, since the person
who waits for help lives in that. An event without an alert says so: `expect = "nothing"`.
"""

from enum import StrEnum
from typing import Literal

import msgspec

from simulator.acts import ACTS, Act
from simulator.dwelling import Place, Walls
from simulator.resident import Room


class Category(StrEnum):
    """The contract's."""

    CALL_FOR_HELP = "call_for_help"
    FIRE = "fire"
    GAS = "gas"
    FALL = "fall"
    HEALTH = "health"
    INACTIVITY = "inactivity"
    WANDERING = "wandering"
    WATER = "water"
    INTRUSION = "intrusion"
    TECHNICAL = "technical"


class Span(float):
    """Seconds, written `90s`, `5m`, `1h30m`, `500ms`."""

    __slots__ = ()


class TimeOfDay(float):
    """Seconds since midnight in the homes, written `02:40`."""

    __slots__ = ()


class Bilingual(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    zh: str
    en: str


class Expect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An alert that should come. `priority` left out: any."""

    category: Category
    within: Span
    priority: Literal[1, 2, 3, 4] | None = None


Expected = Expect | tuple[Expect, ...] | Literal["nothing"]
Which = int | tuple[int, ...] | Literal["any", "each"]
"""A home's number from 1, several numbers, `any` (by chance) or `each`."""


def expectations(expect: Expected) -> tuple[Expect, ...]:
    if isinstance(expect, str):
        return ()
    return (expect,) if isinstance(expect, Expect) else expect


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`device`: a slot such as `cord-bath`. `number`: with `any`, in so many different homes."""

    at: Span
    do: Act
    expect: Expected
    home: Which = 1
    number: int = 1
    device: str = ""
    lasts: Span | None = None
    times: int = 1
    every: Span | None = None
    """Again and again, until the scenario is over."""
    jitter: Span = Span(0)
    """Up to so much later, by chance; with several homes, every home by a chance of its own."""

    @property
    def expected(self) -> tuple[Expect, ...]:
        return expectations(self.expect)


class Trouble(StrEnum):
    """What fails around homes whose people do nothing."""

    HUB_OFFLINE = "hub_offline"
    MAINS_OUTAGE = "mains_outage"
    BROKER_AWAY = "broker_away"
    CLOCK_WRONG = "clock_wrong"
    MESSAGE_LOSS = "message_loss"
    LINE_CUTS = "line_cuts"
    """`times` within `lasts`."""
    HALF_OPEN = "half_open"
    """The connections of the moment carry nothing any more, and nobody is told; new ones do."""
    SLOW_LINE = "slow_line"
    """Later by `by` each way, `rate` bytes a second: both in real time."""
    LOST_PUBACKS = "lost_pubacks"
    WRONG_ORDER = "wrong_order"
    """After a reconnection, which is at its beginning, the newest goes first and readings before calls."""
    CERTIFICATE_BAD = "certificate_bad"
    """Hubs do not take the platform's certificate: out of date by their clocks, or of an authority that they do not know."""
    DNS_CHANGE = "dns_change"
    """The platform's name leads where nobody is, until they ask again."""
    CLOCK_JUMPS = "clock_jumps"
    POWER_FLAPS = "power_flaps"

    @property
    def of_the_line(self) -> bool:
        """It needs a line whose bytes can be held."""
        return self in {
            Trouble.LINE_CUTS, Trouble.HALF_OPEN, Trouble.SLOW_LINE, Trouble.LOST_PUBACKS, Trouble.WRONG_ORDER, Trouble.CERTIFICATE_BAD,
            Trouble.DNS_CHANGE, Trouble.POWER_FLAPS,
        }  # fmt: skip

    @property
    def comes_often(self) -> bool:
        return self in {Trouble.LINE_CUTS, Trouble.CLOCK_JUMPS, Trouble.POWER_FLAPS}


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`area`: only homes in it: the beginning of an area's id, or `any` for one by chance. `broker_away` meets every home.

    `by`: how far a wrong clock is ahead, how far one jumps at most, how much later a slow line is. `share`: of a hundred messages or
    acknowledgements, how many are lost; of other faults, of a hundred homes, how many are hit. `rate`: bytes a second; 0: as they come.
    """

    at: Span
    do: Trouble
    lasts: Span
    home: Which = "each"
    number: int = 1
    area: str = ""
    share: float = 100.0
    by: Span = Span(0)
    times: int = 1
    rate: int = 0
    jitter: Span = Span(0)
    expect: Expected = "nothing"

    @property
    def expected(self) -> tuple[Expect, ...]:
        return expectations(self.expect)


class Often(StrEnum):
    """How many days of a hundred: 95, 75, 30, 5."""

    EVERY_DAY = "every day"
    MOST_DAYS = "most days"
    SOME_DAYS = "some days"
    HARDLY_EVER = "hardly ever"


class Sleeps(StrEnum):
    WELL = "well"
    BADLY = "badly"
    HARDLY = "hardly"


class Forgets(StrEnum):
    NOTHING = "nothing"
    SOMETIMES = "sometimes"
    OFTEN = "often"


class Heart(StrEnum):
    """What the doctor's card says first."""

    GOOD = "good"
    HIGH_PRESSURE = "high pressure"
    WEAK_HEART = "weak heart"
    WEAK_LUNGS = "weak lungs"


class Resident(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of person. `homes`: the numbers of those who are so; else `share` homes of a hundred, by chance.

    `falls_every`, `burns_every`: how often on average somebody falls, or forgets the stove, without the story saying when.
    """

    who: str
    homes: tuple[int, ...] = ()
    share: float = 0.0
    dwelling: str = ""
    rises: TimeOfDay = TimeOfDay(5.9 * 3600)
    to_bed: TimeOfDay = TimeOfDay(21.2 * 3600)
    naps: bool = True
    goes_out: Often = Often.MOST_DAYS
    visitors: Often = Often.SOME_DAYS
    toilet_at_night: int = 3
    sleeps: Sleeps = Sleeps.WELL
    forgets: Forgets = Forgets.NOTHING
    health: Heart = Heart.GOOD
    falls_every: Span | None = None
    burns_every: Span | None = None


class Building(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of dwelling: two rooms, kitchen and bath, as `dwelling.py` has them, unless `rooms` says otherwise."""

    name: str
    walls: Walls = Walls.BRICK
    spread: float = 1.0
    air_changes: float = 0.6
    rooms: dict[Room, Place] = {}


class Allowed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the platform may do wrong and still pass; nothing, unless the file says so. `p99`: real time, over all that was seen."""

    missed: int = 0
    late: int = 0
    false: int = 0
    doubled: int = 0
    wrong_priority: int = 0
    without_receipt: int = 0
    p99: Span | None = None


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`start`: the time of day in the homes at which it begins, else nine. `everyday`: residents live around the events.

    `real_time`: the platform's own waiting is part of the story (a hub may be quiet for minutes), so it is not told faster.
    `kit`: what hangs in a home that the simulator furnishes itself; a platform's homes have what they have.
    """

    title: Bilingual
    story: Bilingual
    homes: int
    duration: Span
    event: tuple[Event, ...] = ()
    fault: tuple[Fault, ...] = ()
    resident: tuple[Resident, ...] = ()
    dwelling: tuple[Building, ...] = ()
    kit: tuple[str, ...] = ()
    allowed: Allowed = Allowed()
    start: TimeOfDay | None = None
    everyday: bool = False
    real_time: bool = False

    @property
    def is_rough(self) -> bool:
        """Whether lines must be such that their bytes can be held."""
        return any(fault.do.of_the_line for fault in self.fault)

    @property
    def needs_zigbee(self) -> bool:
        """Whether a home named by its number needs a Zigbee net of its own; `any` finds one that has it."""
        return any(ACTS[event.do].zigbee and event.home != "any" for event in self.event)
