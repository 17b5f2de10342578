"""What is done to the record itself, past tense: an erasure, the review of a near miss. Journaled under the rule of `alerting.facts`."""

from datetime import datetime
from enum import StrEnum

import msgspec

from alerting.terms import Actor, AlertId
from devices.home import HomeId


class Outcome(StrEnum):
    """What a near miss was found to be, or led to."""

    NO_ACTION = "no_action"
    """It was looked into, and nothing is to be changed."""
    PERSON = "person"
    """Talked over with, or taught to, whoever had it."""
    STAFFING = "staffing"
    PROCEDURE = "procedure"
    EQUIPMENT = "equipment"
    """A device or a channel was mended or replaced."""


class ResidentErased(msgspec.Struct, frozen=True, array_like=True, tag="f:erase"):
    """From here on nothing names the people of the home: of what happened there, what, when and by whose hand stays, without a text."""

    at: datetime
    by: Actor
    home: HomeId
    reason: str


class NearMissReviewed(msgspec.Struct, frozen=True, array_like=True, tag="f:near"):
    """An answer that came late or nearly did not was looked into; the latest review of an alert stands."""

    alert: AlertId
    at: datetime
    home: HomeId
    by: Actor
    outcome: Outcome
    text: str


RecordFact = ResidentErased | NearMissReviewed
