"""What befalls homes, as `emergencies.toml` has it: when, how long, which alert answers it by when, and where its curves are from."""

from datetime import timedelta
from pathlib import Path

import msgspec

from alerting.terms import Category
from config import load

FILE = Path(__file__).parent / "emergencies.toml"
Span = tuple[float, float]


class Course(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Signs of a body at hours since it fell ill; straight lines between, from the resident's own at hour 0. What is empty stays so."""

    name: str
    hours: tuple[float, ...]
    heart_rate: tuple[float, ...] = ()
    spo2: tuple[float, ...] = ()
    body_temperature: tuple[float, ...] = ()
    systolic: tuple[float, ...] = ()


class Emergency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The header of the file says what each field means."""

    kind: str
    title: str
    hours: Span
    lasts_h: float
    within: timedelta
    until: timedelta
    answered_by: tuple[Category, ...]
    besides: tuple[Category, ...]
    floor: bool = False
    needs: tuple[str, ...] = ()
    source: str = ""
    """Of its shares and curves; empty: made up."""
    course: tuple[Course, ...] = ()
    spills_m3_h: Span = (0.0, 0.0)
    smoulders_min: Span = (0.0, 0.0)
    chair_kg: Span = (0.0, 0.0)
    smouldered: float = 0.0


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    emergency: tuple[Emergency, ...]


def emergencies() -> tuple[Emergency, ...]:
    return load(FILE, _File).emergency
