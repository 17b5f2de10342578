"""What every home is judged under: the rules of a moment, what the service could not hear, where the wall clock stands."""

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta

import msgspec

from alerting import escalation
from alerting.alert import Alert
from alerting.detection import Index
from alerting.facts import RulesActivated
from alerting.home_state import HomeState
from alerting.items import Configured, WallClockStepped
from alerting.memories import LifeMemory, VitalsMemory
from alerting.policy import Policy
from alerting.rules import Ruleset
from alerting.unheard import Deafness
from devices.home import AreaId

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
RULESETS_KEPT = 16
"""For folding a home's old row by the rules of its time."""


class Kept(msgspec.Struct, array_like=True):
    """The circumstances, in a snapshot."""

    rulesets: list[tuple[datetime, Ruleset]]
    deafness: Deafness
    wall_offset: timedelta
    chosen: bool = False


class Circumstances:
    def __init__(self, ruleset: Ruleset, above: Callable[[AreaId], tuple[AreaId, ...]]) -> None:
        self._above = above
        self.indexes = [(BEGINNING, Index(ruleset, BEGINNING, above))]
        """Each with the moment it held from, oldest first."""
        self.index = self.indexes[0][1]
        self.deafness = Deafness()
        self.wall_offset = timedelta(0)
        """Wall time minus service time."""
        self.chosen = False
        """A person has put the rules live; the files no longer say them."""

    @property
    def ruleset(self) -> Ruleset:
        return self.index.ruleset

    def index_at(self, now: datetime) -> Index:
        return next((index for since, index in reversed(self.indexes) if since <= now), self.indexes[0][1])

    def change(self, item: Configured | WallClockStepped, now: datetime) -> None:
        if isinstance(item, WallClockStepped):
            self.wall_offset = timedelta(seconds=item.offset_s)
        else:
            self._judge_by(item.ruleset, now)

    def activate(self, fact: RulesActivated) -> None:
        self.chosen = True
        self._judge_by(fact.ruleset, fact.at)

    def settle(self, home: HomeState, index: Index) -> None:
        """Bring a home to the rules of a moment: what a rule that was gone in between had remembered is forgotten, else it would go on
        from before it was gone, blind to all that it did not see. A later rule of the same id is another one only then.
        """
        if home.memories or any(device.beyond for device in home.devices.values()):
            stayed = self._stayed(home.rules_since, index)
            shared = {index.shared[rule] for rule in stayed if rule in index.shared}
            common = {_sort(key): memory for key, memory in home.memories.items() if isinstance(memory, LifeMemory | VitalsMemory)}
            for key in [key for key in home.memories if key.partition(":")[0] not in stayed and key.partition("@")[0] not in shared]:
                del home.memories[key]
            for name in sorted(shared - home.memories.keys()):
                if (like := common.get(_sort(name))) is not None:  # a rule that looks otherwise from now on goes on from what it saw
                    home.memories[name] = deepcopy(like)
            for device in home.devices.values():
                if device.beyond:
                    device.beyond = {rule: beyond for rule, beyond in device.beyond.items() if rule in stayed}
        home.rules_since = index.since

    def _stayed(self, since: datetime | None, index: Index) -> frozenset[str]:
        """The rules that every ruleset has from the one of `since` up to this one."""
        stayed = frozenset(index.rules)
        if since is not None:
            for held_from, other in self.indexes:
                if since <= held_from and (index.since is None or held_from <= index.since):
                    stayed &= other.rules.keys()
        return stayed

    def _judge_by(self, ruleset: Ruleset, now: datetime) -> None:
        self.index = Index(ruleset, now, self._above)
        self.indexes.append((now, self.index))
        del self.indexes[:-RULESETS_KEPT]

    def policy(self, alert: Alert) -> Policy:
        return escalation.policy_for(self.ruleset, alert.category, alert.policy)

    @property
    def zone(self) -> timedelta:
        """Local time minus UTC."""
        return timedelta(minutes=self.ruleset.utc_offset_minutes)

    def kept(self) -> Kept:
        return Kept([(since, index.ruleset) for since, index in self.indexes], self.deafness, self.wall_offset, self.chosen)

    def restore(self, kept: Kept) -> None:
        self.indexes = [(since, Index(ruleset, since, self._above)) for since, ruleset in kept.rulesets]
        self.index = self.indexes[-1][1]
        self.deafness, self.wall_offset, self.chosen = kept.deafness, kept.wall_offset, kept.chosen


def _sort(name: str) -> str:
    """What is shared under a name, whichever way its rules look at it."""
    return name.partition(" ")[0]
