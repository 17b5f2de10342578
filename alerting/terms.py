"""The words that commands, items, facts and rules share: ids, the closed lists, a sentence, a piece of evidence."""

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import NewType

import msgspec

from devices.home import DeviceId
from devices.observation import Observation, ReportId

AlertId = NewType("AlertId", str)
NotificationId = NewType("NotificationId", str)
SilenceId = NewType("SilenceId", str)
TestId = NewType("TestId", str)
Actor = NewType("Actor", str)
"""The user name of a person, or `service`."""

SERVICE = Actor("service")


class Category(StrEnum):
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


class Priority(IntEnum):
    """1 life at risk now, 2 prompt, 3 awareness, 4 technical."""

    LIFE = 1
    PROMPT = 2
    AWARE = 3
    TECHNICAL = 4


class Sentence(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One sentence for people, in both languages."""

    zh: str
    en: str


class Status(StrEnum):
    """What people did. What the world did is `cleared_at`: the two are separate axes (ISA-18.2)."""

    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class Origin(StrEnum):
    REAL = "real"
    TEST = "test"
    SYNTHETIC = "synthetic"
    TRAINING = "training"


class Mode(StrEnum):
    """How a home is lived in just now. `home` holds wherever nothing else was said."""

    HOME = "home"
    AWAY = "away"
    HOSPITAL = "hospital"
    HOLIDAY = "holiday"


class Stage(StrEnum):
    """How far help has come, as the responder says."""

    ACCEPTED = "accepted"
    ON_THE_WAY = "on_the_way"
    ARRIVED = "arrived"
    DONE = "done"
    DECLINED = "declined"


class Progress(StrEnum):
    """What is heard of a notification after a receiver took it."""

    DELIVERED = "delivered"
    """It is on the person's telephone, or the person picked up."""
    READ = "read"
    FAILED = "failed"
    """Taken by the provider, and never delivered: no such number, switched off, nobody picked up."""
    ACCEPTED = "accepted"
    """The person comes: a key, a link or a reply said so."""
    DECLINED = "declined"


class Receipt(StrEnum):
    """How far the call for help has come, as the person who called is told."""

    ACCEPTED = "accepted"
    SEEN = "seen"
    HELPING = "helping"
    CLOSED = "closed"


Value = float | tuple[str, ...]
"""What a home may set of a rule: a number (a span in minutes), or times of day (`08:00`)."""


class Welfare(StrEnum):
    """How a home was found by whoever went through the list of an area's alert."""

    SAFE = "safe"
    NO_ANSWER = "no_answer"
    VISIT = "visit"
    """Somebody is on the way."""
    NEEDS_HELP = "needs_help"


class Evidence(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One observation an alert rests on. `at` is the device's time unless its clock was suspect; `raw` is the message as it came."""

    device: DeviceId
    report: ReportId
    at: datetime
    received_at: datetime
    observation: Observation
    clock_suspect: bool = False
    raw: bytes = b""
