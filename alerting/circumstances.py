"""What every home is judged under: the rules of a moment, what the service could not hear, where the wall clock stands."""

from datetime import UTC, datetime, timedelta

import msgspec

from alerting import escalation
from alerting.alert import Alert
from alerting.detection import Index
from alerting.facts import Configured, WallClockStepped
from alerting.hearing import Deafness
from alerting.policy import Policy
from alerting.rules import Ruleset

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
RULESETS_KEPT = 16
"""For folding a home's old row by the rules of its time."""


class Kept(msgspec.Struct, array_like=True):
    """The circumstances, in a snapshot."""

    rulesets: list[tuple[datetime, Ruleset]]
    deafness: Deafness
    wall_offset: timedelta


class Circumstances:
    def __init__(self, ruleset: Ruleset) -> None:
        self.indexes = [(BEGINNING, Index(ruleset))]
        """Each with the moment it held from, oldest first."""
        self.index = self.indexes[0][1]
        self.deafness = Deafness()
        self.wall_offset = timedelta(0)
        """Wall time minus service time."""

    @property
    def ruleset(self) -> Ruleset:
        return self.index.ruleset

    def index_at(self, now: datetime) -> Index:
        return next((index for since, index in reversed(self.indexes) if since <= now), self.indexes[0][1])

    def change(self, item: Configured | WallClockStepped, now: datetime) -> None:
        if isinstance(item, WallClockStepped):
            self.wall_offset = timedelta(seconds=item.offset_s)
        else:
            self.index = Index(item.ruleset)
            self.indexes.append((now, self.index))
            del self.indexes[:-RULESETS_KEPT]

    def policy(self, alert: Alert) -> Policy:
        return escalation.policy_for(self.ruleset, alert.category, alert.policy)

    def kept(self) -> Kept:
        return Kept([(since, index.ruleset) for since, index in self.indexes], self.deafness, self.wall_offset)

    def restore(self, kept: Kept) -> None:
        self.indexes = [(since, Index(ruleset)) for since, ruleset in kept.rulesets]
        self.index = self.indexes[-1][1]
        self.deafness, self.wall_offset = kept.deafness, kept.wall_offset
