"""What was arranged for a home, past tense: facts like those of `alerting.facts`, under the same rule of how they are journaled."""

from datetime import datetime

import msgspec

from alerting.terms import Actor, Mode, Value
from devices.home import HomeId


class HomeModeSet(msgspec.Struct, frozen=True, array_like=True, tag="f:mode"):
    """The home is lived in differently from here on; a mode that held before ends with it."""

    at: datetime
    by: Actor
    home: HomeId
    mode: Mode
    until: datetime
    reason: str


class HomeModeEnding(msgspec.Struct, frozen=True, array_like=True, tag="f:mode~"):
    """A reminder: the mode ends soon, and somebody may want to ask whether the resident really is back by then."""

    at: datetime
    home: HomeId
    mode: Mode
    until: datetime


class HomeModeEnded(msgspec.Struct, frozen=True, array_like=True, tag="f:mode-"):
    """It ran out, or `by` ended it: the resident counts as at home."""

    at: datetime
    by: Actor
    home: HomeId
    mode: Mode


class ParametersChanged(msgspec.Struct, frozen=True, array_like=True, tag="f:par"):
    """The home's own numbers of one rule from here on; empty: the rule's own."""

    at: datetime
    by: Actor
    home: HomeId
    rule: str
    values: dict[str, Value]
    reason: str
