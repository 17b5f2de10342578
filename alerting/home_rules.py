"""The rules that watch a home over time, as data. What each kind does is in the module of its name in `alerting.watching`."""

from datetime import timedelta
from typing import ClassVar

import msgspec

from alerting.rule_head import RuleHead
from devices.observation import Property

LATENESS = timedelta(minutes=2)


NEWS2_PARAMETERS = frozenset({
    Property.RESPIRATION_RATE, Property.SPO2, Property.SYSTOLIC, Property.HEART_RATE, Property.BODY_TEMPERATURE,
})  # fmt: skip
"""What NEWS2 scores of what a device can measure; consciousness and oxygen are not among it."""


class Pattern(msgspec.Struct, frozen=True):
    """An observation as rules describe it: `{ property = "contact_open", is = true }`.

    A boolean with `is`, a number with `at_least` or `at_most` or both, in the property's unit; with none of them any value will do.
    """

    property: Property
    is_: bool | None = msgspec.field(name="is", default=None)
    at_least: float | None = None
    at_most: float | None = None
    rooms: tuple[str, ...] = ()
    """Only devices placed in one of them, as the registry writes it; empty: anywhere in the home."""


class HomeRule(RuleHead, frozen=True, kw_only=True):
    """Watches a home, or with `per_device` each device of it, over time; by the devices' own time, not that of receipt."""

    lateness: timedelta = LATENESS
    """How late a report may come and still change nothing: what is concluded from something not said waits so long past its moment."""

    @property
    def watches(self) -> frozenset[Property]:
        """The properties whose observations it must see."""
        return frozenset()

    @property
    def only_true(self) -> frozenset[Property]:
        """Those booleans of them that say nothing to it when they are false."""
        return frozenset()

    @property
    def shares(self) -> str:
        """Under what name it keeps, together with every rule that says the same one, what they see alike; empty: it shares nothing."""
        return ""

    at_once: ClassVar[bool] = False
    """Whether it looks at all of a report at once, else at each observation by itself."""

    keeps_hours: ClassVar[bool] = False
    """Whether the kind counts its time by the rule's schedule; else what it concludes is judged by the newest thing that it rests on."""

    @property
    def by_device(self) -> bool:
        """Whether it looks at each device by itself; its alert may still be one for the home."""
        return self.per_device


class Count(HomeRule, frozen=True, kw_only=True, tag="count"):
    """So many of something within so long. A state that is only said again is not one more of it: it counts when it begins.

    It is over when none has come for `clear_after`; nothing given: for `within`.
    """

    of: tuple[Pattern, ...]
    times: int
    within: timedelta
    clear_after: timedelta | None = None

    @property
    def watches(self) -> frozenset[Property]:
        return frozenset(pattern.property for pattern in self.of)

    @property
    def ends_after(self) -> timedelta:
        return self.within if self.clear_after is None else self.clear_after


class Change(HomeRule, frozen=True, kw_only=True, tag="change"):
    """A number that rises or falls so much within so long, at one device.

    Exactly one of `rises` and `falls`, in the property's unit. It is over when the rise (or fall) within that time is no more than
    `clear`; nothing given: half of it.
    """

    of: Property = msgspec.field(name="property")
    rises: float | None = None
    falls: float | None = None
    clear: float | None = None
    within: timedelta
    rooms: tuple[str, ...] = ()

    @property
    def watches(self) -> frozenset[Property]:
        return frozenset({self.of})

    @property
    def by_device(self) -> bool:
        return True

    @property
    def pattern(self) -> Pattern:
        return Pattern(self.of, rooms=self.rooms)

    @property
    def least(self) -> float:
        return self.rises if self.rises is not None else self.falls or 0.0

    @property
    def ends_at(self) -> float:
        return self.least / 2 if self.clear is None else self.clear


class Sequence(HomeRule, frozen=True, kw_only=True, tag="sequence"):
    """One thing, then another, and so on, all within so long, and nothing of `without` between the first and the last.

    With `without` it is concluded when that can no longer turn up late, else at once. What fits `clear` later ends it, and so does time:
    `clear_after` without another one; with neither it stands until a person closes it. (One thing and *not* another within so long is
    an absence, with `after`.)
    """

    steps: tuple[tuple[Pattern, ...], ...]
    without: tuple[Pattern, ...] = ()
    within: timedelta
    clear: tuple[Pattern, ...] = ()
    clear_after: timedelta | None = None

    @property
    def watches(self) -> frozenset[Property]:
        return frozenset(p.property for patterns in (*self.steps, self.without, self.clear) for p in patterns)


class News2(HomeRule, frozen=True, kw_only=True, tag="news2"):
    """NEWS2 (Royal College of Physicians, 2017) from what wearables and meters at home say: a score from partial data, no diagnosis.

    Raises at a score of `at_least`, or with `single` at any single parameter that scores 3; clears when it is less. A reading counts for
    `fresh_for`. Consciousness is measured by nobody and counts as 0. `spo2_scale` 2 is for residents whose own normal is 88 to 92 %,
    by a doctor's word; `oxygen` 1 for those who breathe oxygen, which scores 2.
    """

    at_least: float | None = None
    single: bool = False
    fresh_for: timedelta = timedelta(hours=4)
    spo2_scale: int = 1
    oxygen: int = 0

    at_once: ClassVar[bool] = True

    @property
    def watches(self) -> frozenset[Property]:
        return NEWS2_PARAMETERS

    @property
    def shares(self) -> str:
        return ":vitals" if self.lateness == LATENESS else f":vitals {self.lateness.total_seconds():g}"


class Combination(HomeRule, frozen=True, kw_only=True, tag="combination"):
    """Alerts of other rules that come together: at least one of each group within so long; `times`: so many of each group.

    It goes by what those rules said, whatever became of their alerts, and raises the priority of the alert of its matter (`worsens`).
    """

    of: tuple[tuple[str, ...], ...]
    """Groups of ids of rules."""
    times: int = 1
    within: timedelta
    worsens: bool = True

    @property
    def follows(self) -> frozenset[str]:
        return frozenset(rule for group in self.of for rule in group)


class Absence(HomeRule, frozen=True, kw_only=True, tag="absence"):
    """Nothing of `awaited` for so long: since the first of `after` behind the last awaited one, or without `after` since that one.

    Time in which nobody could hear it does not count. What is awaited clears it. Nothing is missed before it was first seen.
    """

    awaited: tuple[Pattern, ...]
    after: tuple[Pattern, ...] = ()
    hold: timedelta = msgspec.field(name="for")

    keeps_hours: ClassVar[bool] = True

    @property
    def watches(self) -> frozenset[Property]:
        return frozenset(pattern.property for pattern in (*self.awaited, *self.after))

    @property
    def only_true(self) -> frozenset[Property]:
        return self.watches - {pattern.property for pattern in (*self.awaited, *self.after) if pattern.is_ is not True}


class Geofence(HomeRule, frozen=True, kw_only=True, tag="geofence"):
    """A wearable outside the home's ground for `for`: its polygon, or a circle of `radius_m` around where it stands."""

    radius_m: float = 300.0
    jitter_m: float = 50.0
    """A position counts as outside only so far past the border."""
    hold: timedelta = msgspec.field(name="for", default=timedelta(minutes=5))

    keeps_hours: ClassVar[bool] = True

    @property
    def watches(self) -> frozenset[Property]:
        return frozenset({Property.LATITUDE})

    @property
    def by_device(self) -> bool:
        return True


class MeterUse(HomeRule, frozen=True, kw_only=True, tag="meter_use"):
    """A counter that went on by `at_most`, or by `at_least`, within a while; exactly one of the two, in the property's unit.

    Little use clears with more of it, much use when a window has no more than half of the limit.
    """

    counter: Property = msgspec.field(name="property")
    at_most: float | None = None
    at_least: float | None = None
    within: timedelta
    leap: float | None = None
    """More than this from one reading to the next is another meter."""

    keeps_hours: ClassVar[bool] = True

    @property
    def watches(self) -> frozenset[Property]:
        return frozenset({self.counter})

    @property
    def by_device(self) -> bool:
        return True


class Missed(HomeRule, frozen=True, kw_only=True, tag="missed"):
    """A boolean that is to be said at `times` of the day, from `early` before to `grace` behind; without times it watches nothing."""

    kept: Property = msgspec.field(name="property")
    times: tuple[str, ...] = ()
    early: timedelta = timedelta(hours=1)
    grace: timedelta = timedelta(hours=1)

    keeps_hours: ClassVar[bool] = True

    @property
    def watches(self) -> frozenset[Property]:
        return frozenset({self.kept})


class BedLeft(HomeRule, frozen=True, kw_only=True, tag="bed_left"):
    """Out of bed for `for` after lying there for `lain` at least; the getting up and the waiting both within the rule's schedule."""

    lain: timedelta = timedelta(hours=1)
    hold: timedelta = msgspec.field(name="for", default=timedelta(minutes=30))

    keeps_hours: ClassVar[bool] = True

    @property
    def watches(self) -> frozenset[Property]:
        return frozenset({Property.BED_OCCUPIED})

    @property
    def by_device(self) -> bool:
        return True
