"""A data folder that grows as it is told to, its backups, and what is had back from them."""

import contextlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alerting.items import Said
from devices.decode import decode
from devices.message import Heard
from gateway.operations.backup import Wanted, back_up
from gateway.operations.manifest import Kept
from gateway.operations.pace import Pace
from gateway.operations.restore import Restored, Wish, chosen, restore
from gateway.settings import Settings
from gateway.store import segments
from gateway.store.entry import Stamp, encode
from gateway.store.identity import Identity, write
from gateway.store.journal import Journal, Reader
from tests.service import until

NOW = datetime(2026, 11, 22, 3, 30, tzinfo=UTC)
BRISK = Pace(gentle=False)


def said(number: int, *, call: bool = False) -> Said:
    values = {"pull_cord": True} if call else {"heart_rate": 60 + number % 30}
    payload = json.dumps({"id": f"r{number}", "values": values}).encode()
    topic = "anju/v1/110101001/home-1/cord/report"
    message = decode(topic, payload, NOW)
    assert isinstance(message, Heard)
    return Said(message, topic, payload)


class World:
    """A data folder with a journal in it that grows as it is told to, in segments of a few commits."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.backups = folder / "backups"
        self.data.mkdir()
        write(self.data, Identity(format=1, generation="first"))
        self.journal = Journal.open(self.data, segment_bytes=40_000, lead=2)
        self.reports = self.calls = 0
        self.made = 0

    def hear(self, reports: int, *, call: bool = False) -> None:
        for _ in range(reports):
            self.reports += 1
            self.calls += call
            entries = [said(self.reports, call=call)]
            at = NOW + timedelta(seconds=self.reports)
            self.journal.commit(Stamp(at, at, float(self.reports), "boot"), encode(list(entries)), len(entries))
            if self.reports % 50 == 0:
                until("the journal keeps up", self._kept_up)

    def _kept_up(self) -> bool:
        """Who never waits overtakes the making of the next file again and again, and has two where there should be many."""
        return self.journal._following is not None or not self.journal._is_full()

    def sealed(self) -> list[str]:
        """The sealed files, once there are two."""
        with contextlib.suppress(FileNotFoundError):  # one made ahead, and overtaken
            found = [p.name for p in segments.listed(self.data / "segments") if segments.is_sealed(p)]
            return found if len(found) >= 2 else []
        return []

    def settled(self) -> bool:
        """Every file but the one that is written is sealed."""
        paths = segments.listed(self.data / "segments")
        begun = [path for path in paths if segments.edge(path, newest=False) is not None]
        with contextlib.suppress(FileNotFoundError):
            return len(begun) >= 3 and all(segments.is_sealed(path) for path in begun[:-1])
        return False

    def back_up(self, *, keep: int = 7, history: bool = True, pace: Pace = BRISK) -> Kept:
        self.made += 1
        wanted = Wanted(
            settings=Settings(data=str(self.data)), config=None, history=history, keep=keep, version="0",
            made_at=NOW + timedelta(minutes=self.made),
        )  # fmt: skip
        return back_up(wanted, self.backups, pace)

    def restore(self, to: Path, *, replace: bool = False, old: Path | None = None, source: Path | None = None) -> Restored:
        wish = Wish(source=source or self.backups, data=to, replace=replace, old=old, now=NOW)
        return restore(wish, chosen(wish.source), BRISK, BRISK)


def bodies(folder: Path, upto: int = 2**62) -> list[tuple[int, bytes]]:
    return [(row.first_seq, row.body) for row in Reader(folder).rows() if row.first_seq <= upto]
