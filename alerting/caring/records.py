"""What people plan for a home besides answering its alerts: calls, check-ins, visits, tests of its devices. Records and closed lists.

Journaled inside facts and commands, and kept in the home's row: a field is only ever added at the end with a default. A moment of the
calendar (`day`, `at`) is local time as clocks on walls show it; instants are UTC and in service time.
"""

from datetime import datetime
from enum import StrEnum
from typing import NewType

import msgspec

from alerting.terms import Actor, Sentence
from devices.home import DeviceId, HomeId

PlanId = NewType("PlanId", str)
OccasionId = NewType("OccasionId", str)


class Errand(StrEnum):
    """What is done for a home again and again."""

    GREETING = "greeting"
    """Somebody rings and asks how it goes (问候电话)."""
    CHECK_IN = "check_in"
    """The resident says that all is well, by a key or when rung; when nothing is heard in time, an alert is raised."""
    VISIT = "visit"
    """Somebody goes there (上门探访)."""
    DEVICE_TEST = "device_test"
    """Every device that calls for help is tried from hand to desk."""
    PROMPT = "prompt"
    """The service says something to the home (安全提醒): the plan's note."""


class Every(StrEnum):
    ONCE = "once"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class State(StrEnum):
    """How an occasion stands. `due` and `overdue` wait for a person; the others are over."""

    DUE = "due"
    OVERDUE = "overdue"
    DONE = "done"
    MISSED = "missed"


ERRANDS = {
    Errand.GREETING: Sentence("问候电话", "greeting call"),
    Errand.CHECK_IN: Sentence("报平安", "check-in"),
    Errand.VISIT: Sentence("上门探访", "visit"),
    Errand.DEVICE_TEST: Sentence("设备测试", "test of the devices"),
    Errand.PROMPT: Sentence("安全提醒", "safety prompt"),
}


class CarePlan(msgspec.Struct, frozen=True, array_like=True):
    """`at` is a time of day (`09:30`). `days`: weekdays 1 (Monday) to 7 of `week`, days 1 to 31 of `month`, where 31 is the last day."""

    id: PlanId
    home: HomeId
    errand: Errand
    every: Every
    at: str
    days: tuple[int, ...] = ()
    day: str = ""
    """Of `once`: the local day, `2026-11-30`."""
    within_min: int = 60
    """Minutes after which what nobody did is overdue."""
    remind_min: int = 0
    """Minutes before that at which somebody is reminded; 0: not at all."""
    who: str = ""
    """Who does it, in words."""
    note: str = ""


class Proven(msgspec.Struct, frozen=True, array_like=True):
    """What devices said that shows an errand done, by the time of receipt. A fold of inputs; never changed, like `Arrangements`."""

    checked_in_at: datetime | None = None
    tried: dict[DeviceId, datetime] = {}
    """When a call of the device came through, or it said that its test button was pressed."""


NOTHING_PROVEN = Proven()


class Planned(msgspec.Struct, array_like=True):
    """A plan that stands, and how far its calendar has been gone through."""

    plan: CarePlan
    since: str
    """The local moment from which on it counts, `2026-11-22T10:00:00`."""
    upto: str = ""
    """The local day of the latest occasion."""


class Occasion(msgspec.Struct, frozen=True, array_like=True):
    """One time that something was planned for. `late_at`: when it is overdue."""

    id: OccasionId
    home: HomeId
    plan: PlanId
    errand: Errand
    day: str
    due_at: datetime
    late_at: datetime
    remind_at: datetime | None = None
    who: str = ""
    note: str = ""
    state: State = State.DUE
    reminded: bool = False
    settled_at: datetime | None = None
    by: Actor | None = None
    word: str = ""

    @property
    def open(self) -> bool:
        return self.settled_at is None
