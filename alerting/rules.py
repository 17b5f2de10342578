"""The rule kinds, as data: what is watched, what it means, and the sentence that says so.

A rule is a record in TOML (`config/rules/*.toml`). Kinds that judge one device as it speaks have a struct here and a branch in
`detection.py`; those that watch a home over time are in `home_rules.py`, with a module each in `alerting.watching`. A ruleset is
everything judging depends on besides the homes themselves; it comes through the journal, so a fold always judges with the rules of
the moment. Structs refuse nothing they do not know, since an old journal must stay readable; `config.load` is the strict reader.
"""

from datetime import timedelta
from enum import StrEnum

import msgspec

from alerting.area_rules import AreaOutage
from alerting.caring.prompts import PromptFile
from alerting.home_rules import Absence, BedLeft, Change, Combination, Count, Geofence, MeterUse, Missed, News2, Sequence
from alerting.life_rules import Inactivity, Routine
from alerting.policy import AlertLife, Policy, Target
from alerting.rule_head import RuleHead
from devices.catalog import Kind, Model
from devices.observation import Property


class Trigger(RuleHead, frozen=True, kw_only=True, tag="trigger"):
    """A boolean property that is true raises; false again clears, unless the property is a momentary call."""

    properties: tuple[Property, ...]


class Threshold(RuleHead, frozen=True, kw_only=True, tag="threshold"):
    """A number at or past a limit raises, once it has been so for `for`; it clears at or past `clear` on the other side.

    Exactly one of `at_least` and `at_most`, in the property's unit. No reading at all during `for` contradicts nothing.
    """

    property: Property
    at_least: float | None = None
    at_most: float | None = None
    clear: float
    hold: timedelta = msgspec.field(name="for", default=timedelta(0))


class Silence(RuleHead, frozen=True, kw_only=True, tag="silence"):
    """A device not heard within its model's heartbeat x `factor` + `grace`; or said to be offline for `offline_grace`.

    The first rule whose `kinds` has the model's kind holds; empty `kinds`: every kind. A model without a heartbeat is not watched
    for silence, and nothing is before it was first heard.
    """

    kinds: tuple[Kind, ...] = ()
    factor: float = 1.0
    grace: timedelta = timedelta(minutes=1)
    offline_grace: timedelta = timedelta(minutes=5)


class LowBattery(RuleHead, frozen=True, kw_only=True, tag="low_battery"):
    """`battery_low`, or `battery` at or under `at_most` %; clears when neither holds and `battery` is at or over `clear` %."""

    at_most: float = 15.0
    clear: float = 25.0


Rule = (
    Trigger | Threshold | Silence | LowBattery
    | Absence | Count | Change | Sequence | News2 | Combination | Geofence | MeterUse | Missed | BedLeft
    | Inactivity | Routine
    | AreaOutage
)  # fmt: skip


class Disposition(msgspec.Struct, frozen=True):
    """What an alert turned out to be; the person who closes it has to say."""

    id: str
    zh: str
    en: str
    false_alarm: bool = False


class Uncertified(StrEnum):
    """What becomes of a device that is to be registered and whose model or firmware is not certified. What it says is always heard."""

    ALLOW = "allow"
    WARN = "warn"
    REFUSED = "refused"


class Ruleset(msgspec.Struct, frozen=True):
    """Made by `alerting.assembly.assemble`, which checks it and gives it its version."""

    version: str = ""
    rules: tuple[Rule, ...] = ()
    policies: tuple[Policy, ...] = ()
    targets: tuple[Target, ...] = ()
    dispositions: tuple[Disposition, ...] = ()
    models: tuple[Model, ...] = ()
    utc_offset_minutes: int = 480
    """The local time of sentences: China's, which has no summer time."""
    uncertified: Uncertified = Uncertified.ALLOW
    life: AlertLife = AlertLife()
    prompts: PromptFile = PromptFile()


class RuleFile(msgspec.Struct, frozen=True):
    """One file of `config/rules/`."""

    rules: tuple[Rule, ...] = msgspec.field(name="rule")


class DispositionFile(msgspec.Struct, frozen=True):
    """`config/dispositions.toml`."""

    dispositions: tuple[Disposition, ...] = msgspec.field(name="disposition")
