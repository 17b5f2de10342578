"""What people ask of the record itself; journaled under the rule of `alerting.facts`."""

import msgspec

from alerting.record_facts import Outcome
from alerting.terms import AlertId
from devices.home import HomeId


class EraseResident(msgspec.Struct, frozen=True, array_like=True, tag="erase!"):
    """Of a home that is retired: whoever is still cared for cannot be without a name."""

    home: HomeId
    reason: str


class ReviewNearMiss(msgspec.Struct, frozen=True, array_like=True, tag="near!"):
    """`home` is that of the alert, which may be long closed; empty for the alert of an area."""

    alert: AlertId
    home: HomeId
    outcome: Outcome
    text: str = ""


RecordCommand = EraseResident | ReviewNearMiss
