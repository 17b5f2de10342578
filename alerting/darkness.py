"""How a home is dark, and the homes that one rule of areas counts together."""

from bisect import bisect_left, insort
from collections.abc import Callable
from datetime import datetime
from math import ceil

import msgspec

from alerting.area_rules import AreaOutage, Dark
from alerting.home_state import HomeState
from devices.catalog import Kind
from devices.home import AreaId, HomeId, Lifecycle, ModelId
from devices.observation import Property


class Group(msgspec.Struct):
    """The homes that one rule counts together. `matter` is that of its alert.

    A power cut darkens homes one by one, and a look at all of them with each would cost their number squared: so they lie in the order in
    which they went dark, those that an outage has counted apart, and it is known from when on there may be anything new to see.
    """

    rule: AreaOutage
    area: AreaId
    value: str
    """The carrier or building; empty for the whole area."""
    size: int = 0
    """Registered homes."""
    dark: dict[HomeId, datetime] = {}
    """Since when, of those that are."""
    waiting: list[tuple[datetime, HomeId]] = []
    """The same in order, without those that were seen to be counted by an outage."""
    news_at: datetime | None = None
    """From when on `waiting` has what was not looked at yet."""
    look_at: datetime | None = None
    """When the group will be looked at in any case."""

    @property
    def matter(self) -> str:
        return f"{self.rule.id}:{self.area}:{self.value}"

    def gain(self, home: HomeId, since: datetime) -> None:
        """The home is dark since then."""
        self.lose(home)
        self.dark[home] = since
        self._wait(home, since)

    def lose(self, home: HomeId) -> None:
        since = self.dark.pop(home, None)
        if since is not None and self._waits(home, since):
            del self.waiting[bisect_left(self.waiting, (since, home))]

    def ask_again(self, home: HomeId) -> None:
        """Whether the home is counted may be otherwise by now."""
        since = self.dark.get(home)
        if since is not None and not self._waits(home, since):
            self._wait(home, since)

    def begin_again(self) -> None:
        """Whatever was known may be otherwise, and nothing will be looked at by itself."""
        self.waiting = sorted((since, home) for home, since in self.dark.items())
        self.news_at = self.waiting[0][0] if self.waiting else None
        self.look_at = None

    @property
    def worth_a_look(self) -> bool:
        """Whether there are news, and they may come to something before the group is looked at in any case."""
        return self.news_at is not None and (self.look_at is None or self.news_at + self.rule.hold < self.look_at)

    def _wait(self, home: HomeId, since: datetime) -> None:
        insort(self.waiting, (since, home))
        self.news_at = since if self.news_at is None else min(self.news_at, since)

    def _waits(self, home: HomeId, since: datetime) -> bool:
        place = bisect_left(self.waiting, (since, home))
        return place < len(self.waiting) and self.waiting[place] == (since, home)

    @property
    def needed(self) -> int:
        return max(self.rule.at_least, ceil(self.rule.share * self.size), 1)


class Concerned(msgspec.Struct):
    """The homes that the open alert of an area concerned, and whether they still are dark."""

    homes: dict[HomeId, bool] = {}
    dark: int = 0

    def note(self, home: HomeId, *, dark: bool) -> None:
        self.dark += dark - self.homes.get(home, False)
        self.homes[home] = dark


def darkness(home: HomeState, kind: Callable[[ModelId], Kind]) -> dict[Dark, datetime]:
    """How a home is dark, and since when; nothing for one that is not."""
    found: dict[Dark, datetime] = {}
    if home.away is not None:
        found[Dark.SILENT] = home.away.known_at
    else:
        watched = [d for d in home.devices.values() if d.record.lifecycle is Lifecycle.REGISTERED and d.last_heard_at is not None]
        gone = [d.offline_since or d.silent_since for d in watched if d.silent or d.offline_since is not None]
        if gone and len(gone) == len(watched) and not any(kind(d.record.model) is Kind.HUB for d in watched):
            found[Dark.SILENT] = max(since for since in gone if since is not None)
    lost = [
        last.at for d in home.devices.values()
        if (last := d.last.get(Property.MAINS_LOST)) is not None and last.value is True and d.record.lifecycle is not Lifecycle.RETIRED
    ]  # fmt: skip
    if lost:
        found[Dark.MAINS] = min(lost)
    return found
