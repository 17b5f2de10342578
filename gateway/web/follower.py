"""Follows the journal: the files for what was missed, the alarm process for what comes; one commit, once, in order, to everybody.

Duplicates are passed over, a gap sends the follower back to the files, a dead alarm process only makes it wait. Alerts go out on the
stream the moment their commit is here; the files of this process are written behind (`keeping.py`).
"""

import asyncio
import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import monotonic

from alerting.facts import AlertRaised
from alerting.suppression import under_floor
from gateway.control import Committed, Control, Health, Push, Unstored
from gateway.store.entry import Commit, decode
from gateway.store.failure import StoreBroken
from gateway.store.journal import Pruned, Reader
from gateway.web.condition import Condition
from gateway.web.present import alert_json
from gateway.web.restoring import restore
from gateway.web.stream import Hub, encode
from gateway.web.viewrows import AlertRecord, Event
from gateway.web.views import Views

logger = logging.getLogger(__name__)

COMMITS_AT_ONCE = 200
"""Read on a thread, then applied: 200 commits are some milliseconds of the event loop."""
BREATH_S = 0.005
RETRY_S = 1.0


class Follower:
    def __init__(
        self,
        control: Control,
        journal: Reader,
        views: Views,
        *,
        snapshots: Path,
        hub: Hub,
        condition: Condition,
    ) -> None:
        self._control = control
        self._snapshots = snapshots
        self._journal = journal
        self._views = views
        self._hub = hub
        self._condition = condition
        self.arrived = asyncio.Event()
        """Set whenever the alarm process has come, or come back."""

    async def run(self) -> None:
        await self._catch_up()
        async for push in self._control.follow():
            await self._take(push)

    async def _take(self, push: Push | None) -> None:
        before, self._condition.connected = self._condition.connected, push is not None and self._control.connected
        if self._condition.connected and not before:
            self.arrived.set()
        match push:
            case Committed(first_seq=first, body=body, stamp=stamp):
                if first > self._views.position + 1:
                    await self._catch_up()
                if first == self._views.position + 1:
                    self._apply(Commit(first, stamp, decode(body)))
            case Unstored(facts=facts):
                shown, gone = self._views.show_unstored(facts)
                places = self._views.places
                alerts = [(record.alert.origin.value, alert_json(record, places)) for record in shown]
                self._hub.publish_unstored(alerts, gone=gone)
            case Health():
                self._condition.heard(push)
                if push.seq > self._views.position:
                    await self._catch_up()  # it was committed before we began to listen
                self._hub.changed()
            case None:
                self._hub.changed()

    async def _catch_up(self) -> None:
        """Read the files from the view's position to their end. What cannot be read is said, and tried again."""
        while True:
            try:
                await self._read_files()
            except StoreBroken as problem:
                self._condition.journal_problem = str(problem)
                logger.error("%s", problem)  # noqa: TRY400 - the sentence says it all
            except OSError as problem:
                self._condition.journal_problem = str(problem)
            else:
                self._condition.journal_problem = ""
                self._condition.caught_up = True
                self._condition.watch()
                return
            self._hub.changed()
            await asyncio.sleep(RETRY_S)

    async def _read_files(self) -> None:
        if self._views.position == 0 and await asyncio.to_thread(lambda: self._journal.first_seq) > 1:
            await self._restore()
        commits = self._journal.read(self._views.position)
        while True:
            try:
                piece = await asyncio.to_thread(_piece, commits)
            except Pruned:
                await self._restore()
                commits = self._journal.read(0)
                continue
            if not piece:
                return
            began = monotonic()
            for commit in piece:
                if commit.last_seq > self._views.position:
                    self._apply(commit)
                if monotonic() - began > BREATH_S:
                    await asyncio.sleep(0)
                    began = monotonic()

    async def _restore(self) -> None:
        """Retention has removed what this view has not read: what it said of homes and open alerts the snapshots know."""
        restored = await asyncio.to_thread(restore, self._snapshots, self._journal)
        if restored is None:
            return
        logger.warning("the journal begins at %d, the desk's view ended at %d", restored.begins, self._views.position)
        logger.warning("%s; %d open alerts are had back", restored.sentence.en, len(restored.alerts))
        self._views.restore(restored)
        self._condition.restored = restored.sentence

    def _apply(self, commit: Commit) -> None:
        if commit.first_seq > self._views.position + 1:
            self._views.store.pending.event_floor = commit.first_seq - 1
            self._hub.forget(commit.first_seq - 1)
        changed = self._views.apply(commit)
        if changed:
            events = [self._event(record) for record in changed]
            for event in events:
                self._views.store.pending.event(event)
            self._hub.publish(events, call=any(isinstance(entry, AlertRaised) and under_floor(entry.category) for entry in commit.entries))

    def _event(self, record: AlertRecord) -> Event:
        body = encode("alert", self._hub.positions.of(record.seq), alert_json(record, self._views.places))
        return Event(record.seq, record.alert.origin.value, body)


def _piece(commits: Iterator[Commit]) -> list[Commit]:
    return list(islice(commits, COMMITS_AT_ONCE))
