"""The alerts that the desk works on: every open one, and those closed within a day, each with its whole timeline; a fold in memory."""

import heapq
import logging
from bisect import bisect_right, insort
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from operator import itemgetter

import msgspec

from alerting.alert import Alert, born, evolve
from alerting.facts import AlertFact, AlertRaised, Fact
from alerting.refusals import IllegalTransition
from alerting.terms import SERVICE, AlertId, Origin, Sentence, Status
from devices.home import AreaId, HomeId
from gateway.web.erasing import bare, bare_alert, bare_line
from gateway.web.restoring import Restored
from gateway.web.timeline import tell
from gateway.web.viewrows import AlertFilter, AlertKey, AlertRecord, Line, Pending, key_of

logger = logging.getLogger(__name__)

CLOSED_KEPT = timedelta(days=1)
SELF_CHECKS_KEPT = timedelta(hours=1)
"""Of the service's own calls, which come every minute."""

_LOST = Sentence(
    "此前的处理经过已不在日志中，告警本身由快照恢复", "what was done until here is no longer in the journal; the alert itself was had back",
)


class Board:
    """`recall` finds an alert that memory has let go of; a late note on a closed alert is rare, so it may read a file."""

    def __init__(self, recall: Callable[[AlertId], AlertRecord | None]) -> None:
        self.records: dict[AlertId, AlertRecord] = {}
        self.unstored: dict[AlertId, AlertRecord] = {}
        """What the disk refuses and is shown all the same, over what is stored."""
        self._raised: list[tuple[datetime, AlertId]] = []
        """Of `records`, the oldest first: whether it is a flood is asked several times a second, of a day's thousands of alerts."""
        self.refused = 0
        """Facts that the table of transitions does not know: written by another version. They are told, and the alert does not move."""
        self._recall = recall
        self._begins = 1
        """Facts before this number are in no journal any more, and nobody misses the beginning of what they began."""
        self._whole_from = 0
        """Only of alerts raised up to here the file may know more than memory: a new call waits for no file."""
        self._reflected: dict[AlertId, int] = {}
        """Alerts whose state came from a snapshot: up to here the journal only tells what happened, and moves them past it."""

    # --- the fold ------------------------------------------------------------------------------------------------------------

    def load(self, records: Sequence[AlertRecord]) -> None:
        self.records = {record.alert.id: record for record in records}
        self._sort()

    def _sort(self) -> None:
        self._raised = sorted((record.alert.raised_at, alert) for alert, record in self.records.items())

    def _put(self, record: AlertRecord) -> None:
        self.records[record.alert.id] = record
        insort(self._raised, (record.alert.raised_at, record.alert.id))

    def restore(self, restored: Restored, pending: Pending) -> None:
        """Take the alerts as the snapshots had them. What was open here and is not there was closed in what is lost."""
        self._begins, self._whole_from = restored.begins, restored.reflects
        known = {alert.id for alert, _ in restored.alerts}
        for record in self.records.values():
            if record.alert.open and record.alert.id not in known and record.alert.raised_at < restored.at:
                closed = msgspec.structs.replace(record.alert, status=Status.CLOSED, closed_at=restored.at, next_step_at=None)
                self._put_restored(closed, record.timeline, restored, pending)
        for alert, reflects in restored.alerts:
            before = self.records.get(alert.id)
            self._put_restored(alert, before.timeline if before else [], restored, pending)
            self._reflected[alert.id] = reflects
        self._sort()

    def _put_restored(self, alert: Alert, timeline: list[Line], restored: Restored, pending: Pending) -> None:
        line = Line(restored.begins - 1, restored.at, "restored", SERVICE, _LOST)
        self.records[alert.id] = AlertRecord(alert, line.seq, [*timeline, line])
        pending.alerts[alert.id] = (alert, line.seq)
        pending.lines.append((alert.id, line))

    def apply(self, fact: AlertFact, seq: int, pending: Pending) -> AlertRecord | None:
        """The alert that the fact moved; None where it had been applied before, or cannot be."""
        record = self.records.get(fact.alert)
        if record is None and not (isinstance(fact, AlertRaised) and seq > self._whole_from):
            record = self._remember(fact.alert)
        if record is not None and seq <= record.seq:
            return None
        line = _line(fact, seq)
        if record is None:
            if not isinstance(fact, AlertRaised):
                self.refused += self._begins == 1
                return None
            self._put(record := AlertRecord(born(fact), seq, []))
        elif seq > self._reflected.get(fact.alert, 0):
            self._move(record, fact)
        record.seq = seq
        record.timeline.append(line)
        pending.alerts[fact.alert] = (record.alert, seq)
        pending.lines.append((fact.alert, line))
        return record

    def erase(self, home: HomeId, pending: Pending) -> None:
        """Nothing said of anybody of the home stays, here or in what waits to be written; the file does the same to what it holds."""
        of_home = {record.alert.id for record in self.records.values() if record.alert.home == home}
        of_home |= {alert.id for alert, _ in pending.alerts.values() if alert.home == home}
        for alert in of_home & self.records.keys():
            bare(self.records[alert])
        for alert in of_home & pending.alerts.keys():
            known, seq = pending.alerts[alert]
            pending.alerts[alert] = (bare_alert(known), seq)
        pending.lines[:] = [(alert, bare_line(line) if alert in of_home else line) for alert, line in pending.lines]
        pending.erased.append(home)

    def bring_along(self, home: HomeId, area: AreaId, seq: int, pending: Pending) -> list[AlertRecord]:
        """The open alerts of a home whose area was corrected, in the area that it is in now."""
        brought = [r for r in self.records.values() if r.alert.home == home and r.alert.open and r.alert.area != area and seq > r.seq]
        for record in brought:
            if seq > self._reflected.get(record.alert.id, 0):
                record.alert = msgspec.structs.replace(record.alert, area=area)
            record.seq = seq
            pending.alerts[record.alert.id] = (record.alert, seq)
        return brought

    def show_again(self, alert: AlertId, seq: int, pending: Pending) -> AlertRecord | None:
        """An alert of which something changed that is not its own state: the list of homes that it is about."""
        record = self.records.get(alert)
        if record is None or seq <= record.seq:
            return None
        record.seq = seq
        pending.alerts[alert] = (record.alert, seq)
        return record

    def _move(self, record: AlertRecord, fact: AlertFact) -> bool:
        try:
            record.alert = evolve(record.alert, fact)
        except IllegalTransition as refusal:
            self.refused += 1
            logger.warning("a journaled fact does not fit: %s", refusal)
            return False
        return True

    def _remember(self, alert: AlertId) -> AlertRecord | None:
        record = self._recall(alert)
        if record is not None:
            self._put(record)
        return record

    def show_unstored(self, facts: Sequence[Fact]) -> tuple[list[AlertRecord], bool]:
        """Replace what is shown without being on disk: (what there is now, whether something went away unstored)."""
        before, self.unstored = self.unstored, {}
        for fact in facts:
            if not isinstance(fact, AlertFact):
                continue
            record = self.unstored.get(fact.alert)
            if record is None:
                below = self.records.get(fact.alert)
                if below is not None:
                    record = AlertRecord(below.alert, below.seq, list(below.timeline), stored=False)
                elif isinstance(fact, AlertRaised):
                    record = AlertRecord(born(fact), 0, [_line(fact, 0)], stored=False)
                    self.unstored[fact.alert] = record
                    continue
                else:
                    continue
                self.unstored[fact.alert] = record
            if self._move(record, fact):
                record.timeline.append(_line(fact, 0))
        gone = any(alert not in self.unstored and alert not in self.records for alert in before)
        return list(self.unstored.values()), gone

    def forget(self, now: datetime, written: int) -> None:
        """Let go of what was closed a day ago and is in the file."""
        for record in list(self.records.values()):
            closed = record.alert.closed_at
            kept = CLOSED_KEPT if record.alert.origin is not Origin.SYNTHETIC else SELF_CHECKS_KEPT
            if closed is not None and record.seq <= written and closed + kept < now:
                del self.records[record.alert.id]
        if len(self._raised) != len(self.records):
            self._sort()

    # --- reading -------------------------------------------------------------------------------------------------------------

    def alert(self, alert: AlertId) -> AlertRecord | None:
        """From memory; those closed long ago are in the file."""
        return self.unstored.get(alert) or self.records.get(alert)

    def _seen(self) -> Iterator[AlertRecord]:
        yield from self.unstored.values()
        yield from (record for alert, record in self.records.items() if alert not in self.unstored)

    def find(self, wanted: AlertFilter, after: AlertKey | None, limit: int) -> list[AlertRecord]:
        """At most `limit` of those in memory, in the order of the list, past the key."""
        found = (r for r in self._seen() if matches(wanted, r.alert) and (after is None or key_of(r.alert, newest=wanted.newest) > after))
        return heapq.nsmallest(limit, found, key=lambda r: key_of(r.alert, newest=wanted.newest))

    def open(self) -> Iterator[AlertRecord]:
        return (record for record in self._seen() if record.alert.open)

    def of_home(self, home: HomeId) -> list[AlertRecord]:
        """Those in memory, closed ones of the last day included."""
        return [record for record in self._seen() if record.alert.home == home]

    def raised_since(self, moment: datetime) -> list[datetime]:
        """When the real alerts in memory were raised, of those that rang."""
        since = self._raised[bisect_right(self._raised, moment, key=itemgetter(0)) :]
        seen = [*self.unstored.values(), *(self.records[alert] for _, alert in since if alert not in self.unstored)]
        return [
            r.alert.raised_at for r in seen
            if r.alert.raised_at > moment and r.alert.origin is Origin.REAL and r.alert.silenced_by is None and r.alert.folded_into is None
        ]  # fmt: skip

    def open_of(self, home: HomeId) -> list[AlertId]:
        return [r.alert.id for r in self._seen() if r.alert.open and r.alert.home == home]

    def count_open(self) -> dict[tuple[int, str], int]:
        """By priority and status."""
        counts: dict[tuple[int, str], int] = {}
        for record in self._seen():
            if record.alert.open and record.alert.origin is not Origin.SYNTHETIC:
                key = (int(record.alert.priority), record.alert.status.value)
                counts[key] = counts.get(key, 0) + 1
        return counts


def matches(wanted: AlertFilter, alert: Alert) -> bool:
    return (
        alert.origin.value == wanted.origin
        and (wanted.open is None or alert.open == wanted.open)
        and (wanted.status is None or alert.status.value == wanted.status)
        and (wanted.areas is None or alert.area in wanted.areas)
        and (wanted.home is None or alert.home == wanted.home)
        and (wanted.priority is None or int(alert.priority) == wanted.priority)
        and (wanted.category is None or alert.category.value == wanted.category)
        and (wanted.raised_from is None or alert.raised_at >= wanted.raised_from)
        and (wanted.raised_before is None or alert.raised_at < wanted.raised_before)
    )


def _line(fact: AlertFact, seq: int) -> Line:
    told = tell(fact)
    return Line(seq, fact.at, told.kind, told.by, told.sentence, told.data)


def copied(record: AlertRecord) -> AlertRecord:
    """As it stands now, for a thread to read while the fold goes on."""
    return msgspec.structs.replace(record, timeline=list(record.timeline))
