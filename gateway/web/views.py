"""The read model: everything the desk sees, as a fold of the journal in memory, at one position."""

import asyncio
import heapq
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from itertools import count

import msgspec

from alerting.duty_facts import DutyFact
from alerting.facts import AlertFact, AreaFact, CareFact, Fact, RulesActivated, WelfareNoted
from alerting.heard_facts import DeviceReturned, DeviceSilent, HubLost, HubReturned
from alerting.items import Configured, HomesChecked, LineLost, LineRestored, Quarantined, Said, ServiceStarted
from alerting.record_facts import ResidentErased
from alerting.registry_facts import HomeRegistered, HomeRetired, RegistryFact
from alerting.terms import AlertId
from devices.message import Heard, StatusHeard
from gateway.store.entry import Commit, Stamp
from gateway.web.board import Board
from gateway.web.places import Places
from gateway.web.restoring import Restored
from gateway.web.viewrows import AlertFilter, AlertKey, AlertRecord, Loaded, key_of
from gateway.web.viewstore import QUARANTINE_KEPT, ViewStore

_SPOKEN = (Heard, StatusHeard)
"""Asked of every report; a union that is written out there would be made anew each time."""


class Quarantine(msgspec.Struct):
    """The latest messages that could not be read, and how many there were of each kind of fault."""

    kept: deque[tuple[int, Quarantined]]
    by_place: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.by_place.values())


class Views:
    """`apply` is called with every commit in order, on the event loop; reading is free there too."""

    def __init__(self, store: ViewStore) -> None:
        self.store = store
        self.position = 0
        self.stamp: Stamp | None = None
        """Of the last commit applied since the start."""
        self.places = Places()
        self.board = Board(store.alert)
        self.homes_checked: HomesChecked | None = None
        """The latest morning's list."""
        self.quarantine = Quarantine(deque(maxlen=QUARANTINE_KEPT), {})
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()

    def load(self, loaded: Loaded) -> None:
        self.position = loaded.position
        self.places.load(loaded.records)
        for kind, _, body in loaded.records:
            if kind == "homes checked":
                self.homes_checked = msgspec.msgpack.decode(body, type=HomesChecked)
        self.board.load(loaded.alerts)
        self.quarantine.kept.extend(loaded.quarantine)
        self.quarantine.by_place.update(loaded.faults)

    def restore(self, restored: Restored) -> None:
        """Take what the snapshots knew; the journal is to be applied from its beginning next."""
        pending = self.store.pending
        gone, self.places = self.places, Places()
        pending.records.update(dict.fromkeys(gone.keys()))
        pending.records.update({(kind, key): record for kind, key, record in restored.records})
        self.places.load((kind, key, msgspec.msgpack.encode(record)) for kind, key, record in restored.records)
        self.board.restore(restored, pending)
        self.store.whole_from = restored.reflects

    def apply(self, commit: Commit) -> list[AlertRecord]:
        """The alerts that the commit changed, each once, in the order of the last fact of each."""
        pending = self.store.pending
        changed: dict[AlertId, AlertRecord] = {}
        for seq, entry in enumerate(commit.entries, commit.first_seq):
            if isinstance(entry, Said):
                if isinstance(entry.message, _SPOKEN):
                    self.places.heard(entry.message, pending.records)
            elif isinstance(entry, AlertFact):
                record = self.board.apply(entry, seq, pending)
                if record is not None:
                    changed[entry.alert] = record
                self.places.ledger.apply(entry, pending.records)
                if isinstance(entry, WelfareNoted):
                    self.places.welfare.apply(entry, pending.records)
            elif isinstance(entry, AreaFact):
                self.places.welfare.apply(entry, pending.records)
                record = self.board.show_again(entry.alert, seq, pending)
                if record is not None:
                    changed[entry.alert] = record
            elif isinstance(entry, DutyFact):
                self.places.duty(entry, pending.records)
            elif isinstance(entry, ResidentErased):
                self.board.erase(entry.home, pending)
                self.places.ledger.erase(entry.home, pending.records)
                self.places.care.forget(entry.home, pending.records)
            elif isinstance(entry, RegistryFact):
                if isinstance(entry, HomeRegistered) and (known := self.places.homes.get(entry.home.id)) and known.area != entry.home.area:
                    brought = self.board.bring_along(known.id, entry.home.area, seq, pending)
                    changed.update((record.alert.id, record) for record in brought)
                self.places.apply(entry, pending.records, seq)
                if isinstance(entry, HomeRetired):
                    self.places.hearing.apply(entry, commit.stamp.service_at, pending.records)
            elif isinstance(entry, CareFact):
                self.places.care.apply(entry, pending.records)
            elif isinstance(entry, ServiceStarted | LineLost | LineRestored | HubLost | HubReturned):
                self.places.hearing.apply(entry, commit.stamp.service_at, pending.records)
            elif isinstance(entry, DeviceSilent | DeviceReturned):
                self.places.watched(entry, pending.records)
            elif isinstance(entry, Quarantined):
                self._quarantine(seq, entry)
            elif isinstance(entry, HomesChecked):
                self.homes_checked = pending.records["homes checked", ""] = entry
            elif isinstance(entry, Configured):
                self.places.configured(entry, commit.stamp.service_at, pending.records)
            elif isinstance(entry, RulesActivated):
                self.places.activated(entry, pending.records)
        self.position = pending.position = commit.last_seq
        self.stamp = commit.stamp
        self._wake()
        return sorted(changed.values(), key=lambda record: record.seq)

    def _quarantine(self, seq: int, item: Quarantined) -> None:
        pending = self.store.pending
        place = item.place.split(",")[0][:80]
        self.quarantine.kept.append((seq, item))
        self.quarantine.by_place[place] = self.quarantine.by_place.get(place, 0) + 1
        pending.quarantine.append((seq, item))
        pending.faults[place] = pending.faults.get(place, 0) + 1

    # --- read your writes ----------------------------------------------------------------------------------------------------

    async def reached(self, seq: int, timeout: float = 5.0) -> bool:  # noqa: ASYNC109 - the whole wait is bounded
        """Wait until the view holds `seq`; False when it does not get there in time."""
        if self.position >= seq:
            return True
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (seq, next(self._order), future))
        try:
            async with asyncio.timeout(timeout):
                await future
        except TimeoutError:
            return False
        return True

    def _wake(self) -> None:
        while self._waiting and self._waiting[0][0] <= self.position:
            future = heapq.heappop(self._waiting)[2]
            if not future.done():
                future.set_result(None)

    # --- alerts, in memory and in the file -----------------------------------------------------------------------------------

    async def alert(self, alert: AlertId) -> AlertRecord | None:
        return self.board.alert(alert) or await asyncio.to_thread(self.store.alert, alert)

    async def alerts(self, wanted: AlertFilter, after: AlertKey | None, limit: int) -> list[AlertRecord]:
        """At most `limit`, in order. Open ones are all in memory; else the file adds what memory has let go of."""
        found = {r.alert.id: r for r in self.board.find(wanted, after, limit)}
        if wanted.open or wanted.status in ("triggered", "acknowledged"):
            return list(found.values())
        # What memory holds is newer than the file's row of it, which may match although the alert no longer does.
        reached, wanting = after, True
        while wanting:
            rows = await asyncio.to_thread(self.store.alerts, wanted, reached, limit)
            wanting = len(rows) == limit
            for row in rows:
                reached = key_of(row.alert, newest=wanted.newest)
                if self.board.alert(row.alert.id) is None:
                    found[row.alert.id] = row
            in_reach = sum(1 for r in found.values() if reached is None or key_of(r.alert, newest=wanted.newest) <= reached)
            wanting = wanting and in_reach < limit
        return sorted(found.values(), key=lambda r: key_of(r.alert, newest=wanted.newest))[:limit]

    def show_unstored(self, facts: Sequence[Fact]) -> tuple[list[AlertRecord], bool]:
        return self.board.show_unstored(facts)

    async def prune_quarantine(self, before: datetime) -> int:
        """Let go of what could not be read before then, in the file and here; how many went."""
        old = [seq for seq, item in self.quarantine.kept if item.at < before]
        if old:
            await asyncio.to_thread(self.store.prune_quarantine, old[-1])
            while self.quarantine.kept and self.quarantine.kept[0][0] <= old[-1]:
                self.quarantine.kept.popleft()
        return len(old)

    def tidy(self, now: datetime) -> None:
        self.board.forget(now, self.store.written)
