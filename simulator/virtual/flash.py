"""What a device still knows after its power was gone: its outbox, its counters, and which states it has said to be standing."""

from datetime import datetime
from enum import StrEnum

import msgspec

Says = dict[str, bool | int | float]
"""What one report says: properties of the outer contract and their values."""


class Lane(StrEnum):
    ALARM = "alarm"
    """Calls and hazards, with what takes them back or tests them: never behind a reading, never dropped."""
    READING = "reading"


class Letter(msgspec.Struct, eq=False):
    """One report on its way. `urgent`: it says that somebody is in need. `noted`: when it was observed, by the device's uptime.

    `at` is what the report says of its time, None while the device does not know the time.
    """

    id: str
    lane: Lane
    says: Says
    noted: datetime
    at: str | None = None
    urgent: bool = False
    boot: int = 0
    sent: int = 0
    """How often; once said, `at` stays as it was said."""
    heard: bool = False
    """A receipt came while it was under way, before its PUBACK."""


class Flash(msgspec.Struct):
    """`unit` is burnt in at the factory. Deletion is by identity: two letters may say the same."""

    unit: str = "u"
    boot: int = 0
    sequence: int = 0
    alarms: list[Letter] = []
    readings: list[Letter] = []
    unanswered: list[Letter] = []
    """Alarms that the platform has, and has not yet given a receipt for."""
    standing: set[str] = set()
    """Properties last said to be true, and not over."""
    answers: dict[str, bytes] = {}
    """To the last commands, by their id."""
    dropped: int = 0
    """Readings that found no room."""
