"""How large a matter is and how grave: the classes and grades of plans, the raising of one, and what became of it.

China's emergency plans know four grades, of which I is the gravest; the classes are ours.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from alerting.terms import Actor, AlertId, Sentence
from devices.home import HomeId


class Scale(StrEnum):
    """The class of a matter: what it is about."""

    SINGLE = "single"
    """One call."""
    BUILDING = "building"
    AREA = "area"


SCALES = {Scale.SINGLE: Sentence("单户", "single call"), Scale.BUILDING: Sentence("楼栋", "building"), Scale.AREA: Sentence("区域", "area")}
ROMAN = {1: "I", 2: "II", 3: "III", 4: "IV"}
RANKS = tuple(Scale)


class RaiseGrade(msgspec.Struct, frozen=True, array_like=True, tag="grade+"):
    """A person finds it larger, or graver, than it was taken for."""

    alert: AlertId
    scale: Scale
    grade: int
    reason: str


class GradeRaised(msgspec.Struct, frozen=True, array_like=True, tag="graded"):
    """In the timeline: those whom its policy names for the grade are told behind it."""

    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor
    scale: Scale
    grade: int
    reason: str
    targets: tuple[str, ...]
