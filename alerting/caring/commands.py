"""What people ask for about what is planned for a home; commands like those of `alerting.commands`, journaled under the same rule."""

import msgspec

from alerting.caring.records import CarePlan, OccasionId, PlanId
from devices.home import HomeId


class SetCarePlan(msgspec.Struct, frozen=True, array_like=True, tag="care+"):
    """A new plan, or another one under an id that the home has already: what is open of it stays as it is."""

    plan: CarePlan


class EndCarePlan(msgspec.Struct, frozen=True, array_like=True, tag="care-"):
    home: HomeId
    plan: PlanId


class SettleCare(msgspec.Struct, frozen=True, array_like=True, tag="care="):
    """Somebody has done it, or says that it was missed, and why."""

    home: HomeId
    occasion: OccasionId
    done: bool
    word: str = ""


class SeeToCare(msgspec.Struct, frozen=True, array_like=True, tag="care!"):
    """The calendar's: go through what is due by now in these homes."""

    homes: tuple[HomeId, ...]


PlanCommand = SetCarePlan | EndCarePlan | SettleCare | SeeToCare
