"""What every rule states, whatever its kind."""

import msgspec

from alerting.schedule import Weekday
from alerting.terms import Category, Mode, Priority

Bounds = tuple[float | str, float | str]
"""The least and the most: of a number, of a span in minutes, of times of day."""


class Template(msgspec.Struct, frozen=True):
    """A sentence with named fields, in both languages; the fields are those of `wording.FIELDS`."""

    zh: str
    en: str


class RuleHead(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What every rule states."""

    id: str
    category: Category
    priority: Priority
    title: Template
    reason: Template
    policy: str = ""
    """Empty: the policy that serves the category."""
    matter: str = ""
    """Occurrences of one home and matter are one alert. Empty: the category."""
    per_device: bool = False
    """One alert for each device of the home rather than one for the home."""
    insists: bool = True
    """Whether the same state, said again by the same device, counts: as a repeat, or as a new alert if the last was closed too early."""
    worsens: bool = False
    """Where an alert of its matter is open already: its sentences take the place of that alert's, and it rings again (`raising`). A rule
    of higher priority than the alert does so in any case."""
    source: str = ""
    """Where its numbers are from."""
    hours: tuple[str, ...] = ()
    """`22:00-06:00`, local time. With the three below: when it counts (`schedule`); empty: always. Not under the safety floor."""
    weekdays: tuple[Weekday, ...] = ()
    season: tuple[str, ...] = ()
    """`11-15..03-15`."""
    modes: tuple[Mode, ...] = ()
    adjustable: dict[str, Bounds] = {}
    """Its numbers that a home may set for itself (`parameters`), within these bounds. Not under the safety floor."""
    alerts: bool = True
    """False: what it finds is no alert; the safety prompts that name it tell the home (`caring.prompts`). Not under the safety floor."""
