"""The rule about many homes at once, as data: what an outage of an area, a carrier or a building is. `alerting.outages` judges it."""

from datetime import timedelta
from enum import StrEnum

import msgspec

from alerting.rule_head import RuleHead


class Dark(StrEnum):
    """What is wrong with a home of which a whole area may be suffering."""

    SILENT = "silent"
    """Its hub is away; a home without one: none of its devices is heard."""
    MAINS = "mains"
    """A device of it runs on its battery."""


class Grouping(StrEnum):
    AREA = "area"
    CARRIER = "carrier"
    BUILDING = "building"


class AreaOutage(RuleHead, frozen=True, kw_only=True, tag="area_outage"):
    """`at_least` homes, and `share` of those registered there, went dark within `window`, and have stayed so for `for`.

    Counted in each area of a `level` (0: the area that a home is registered in, 1: the one above it, …), or there for each carrier or
    building that the homes name. One alert for all of them; clear when no more than `clear` of the homes it concerned are still dark.
    """

    dark: Dark
    by: Grouping = Grouping.AREA
    level: int = 0
    at_least: int
    share: float
    window: timedelta
    hold: timedelta = msgspec.field(name="for", default=timedelta(0))
    clear: float = 0.2

    @property
    def rank(self) -> int:
        """What is larger swallows what is smaller."""
        return 0 if self.by is Grouping.BUILDING else self.level + 1
