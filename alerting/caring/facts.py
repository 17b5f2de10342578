"""What became of what was planned for a home, past tense: facts like those of `alerting.facts`, journaled under the same rule."""

from datetime import datetime

import msgspec

from alerting.caring.records import CarePlan, Occasion, OccasionId, PlanId
from alerting.terms import Actor
from devices.home import HomeId


class CarePlanSet(msgspec.Struct, frozen=True, array_like=True, tag="f:care"):
    """The plan as it is from here on. `since`: the local moment behind which its first occasion lies."""

    at: datetime
    by: Actor
    home: HomeId
    plan: CarePlan
    since: str


class CarePlanEnded(msgspec.Struct, frozen=True, array_like=True, tag="f:care-"):
    """Nothing more comes due of it; what is open stays open until somebody settles it."""

    at: datetime
    by: Actor
    home: HomeId
    plan: PlanId


class CareDue(msgspec.Struct, frozen=True, array_like=True, tag="care!"):
    """An occasion of a plan came due, at `occasion.due_at`; `at` is when it was seen, later where the service was down."""

    at: datetime
    home: HomeId
    occasion: Occasion


class CareReminded(msgspec.Struct, frozen=True, array_like=True, tag="care~"):
    """It is still open, and soon overdue."""

    at: datetime
    home: HomeId
    occasion: OccasionId


class CareOverdue(msgspec.Struct, frozen=True, array_like=True, tag="care>"):
    """Its time is over and nobody has done it. It stays on the list until somebody says what became of it."""

    at: datetime
    home: HomeId
    occasion: OccasionId


class CareDone(msgspec.Struct, frozen=True, array_like=True, tag="care+"):
    at: datetime
    by: Actor
    home: HomeId
    occasion: OccasionId
    word: str = ""


class CareMissed(msgspec.Struct, frozen=True, array_like=True, tag="care0"):
    """Somebody says that it was not done and why; or, `by` the service, the next one of its plan came due before anybody had."""

    at: datetime
    by: Actor
    home: HomeId
    occasion: OccasionId
    word: str = ""


PlanFact = CarePlanSet | CarePlanEnded | CareDue | CareReminded | CareOverdue | CareDone | CareMissed
"""Each has `at` and `home`, and `caring.care.Care` folds them."""
