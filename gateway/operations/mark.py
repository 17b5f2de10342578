"""How far acknowledgement has come since the last backup, noted every few seconds in the backups' folder.

So that a restore can say how many reports and calls it has not got, also when nothing at all is left of the data folder. The process
that watches the others writes it: neither a slow nor a dead disk of backups is anything to an alarm.
"""

import logging
import os
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from alerting.items import Said
from devices.message import Heard
from gateway.operations import manifest
from gateway.store.entry import Entry
from gateway.store.failure import DiskFull, StoreBroken
from gateway.store.identity import Identity
from gateway.store.journal import Pruned, Reader

log = logging.getLogger(__name__)

NAME = "mark.json"
SAMPLES = 3600
"""Of the last moments, one each: how far it was then. A backup says its number when it is done, and was begun before."""


class Tally(msgspec.Struct):
    """Reports that were acknowledged, how many of them carried a call or hazard, and up to which number that is all there is."""

    reports: int = 0
    calls: int = 0
    upto: int = 0

    def add(self, entries: Iterable[Entry], upto: int) -> None:
        self.upto = upto
        for entry in entries:
            if isinstance(entry, Said) and isinstance(entry.message, Heard):
                self.reports += 1
                self.calls += entry.message.report.urgent


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """After the entry `base_seq` and up to `seq` so many reports and calls were acknowledged."""

    generation: str
    restores: int
    base_seq: int
    seq: int
    reports: int
    calls: int
    at: datetime
    """Service time."""


class Sample(msgspec.Struct, frozen=True):
    """What the alarm process says of itself: since `began_seq`, up to `seq`."""

    began_seq: int
    seq: int
    reports: int
    calls: int
    at: datetime


def count(journal: Reader, after_seq: int, upto_seq: int) -> Tally:
    """Reports and calls among the entries after one number up to another; as far as the journal can be read."""
    tally = Tally(upto=after_seq)
    if upto_seq <= after_seq:
        return tally
    try:
        for commit in journal.read(after_seq):
            if commit.first_seq > upto_seq:
                break
            among = (entry for seq, entry in enumerate(commit.entries, commit.first_seq) if after_seq < seq <= upto_seq)
            tally.add(among, min(commit.last_seq, upto_seq))
    except (Pruned, StoreBroken, DiskFull, OSError) as problem:
        log.warning("the journal can be counted to %d only: %s", tally.upto, problem)
    return tally


def read(folder: Path) -> Mark | None:
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=Mark)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


class Marker:
    """`note` blocks for the disk of the backups: on a thread of its own, where nothing else waits."""

    def __init__(self, folder: Path, journal: Reader, identity: Identity) -> None:
        self._folder = folder
        self._journal = journal
        self._identity = identity
        self._mark: Mark | None = None
        self._before: Sample | None = None
        self._samples: deque[tuple[int, int, int]] = deque(maxlen=SAMPLES)
        """Number, and reports and calls since the mark's base."""

    def note(self, sample: Sample) -> None:
        """Write how far it is now. What cannot be written now is written with the next."""
        mark = self._advanced(sample)
        self._mark, self._before = mark, sample
        self._samples.append((mark.seq, mark.reports, mark.calls))
        self._mark = mark = self._rebased(mark)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = self._folder / f"{NAME}.new"
            with draft.open("wb") as file:
                file.write(msgspec.json.encode(mark))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._folder / NAME)
        except OSError as problem:
            log.warning("the mark beside the backups cannot be written: %s", problem)

    def _advanced(self, sample: Sample) -> Mark:
        mark, before = self._mark, self._before
        if mark is not None and before is not None and before.began_seq == sample.began_seq:
            reports, calls = sample.reports - before.reports, sample.calls - before.calls
        else:
            mark = mark or self._found(sample)
            missed = count(self._journal, mark.seq, sample.began_seq)  # what was committed while nobody noted
            reports, calls = missed.reports + sample.reports, missed.calls + sample.calls
        return msgspec.structs.replace(
            mark, seq=max(sample.seq, mark.seq), reports=mark.reports + reports, calls=mark.calls + calls, at=sample.at,
        )  # fmt: skip

    def _found(self, sample: Sample) -> Mark:
        """The mark of the last run, if it is of this life; else one that begins at the last backup of this life, or here."""
        mark = read(self._folder)
        if mark is not None and mark.generation == self._identity.generation and mark.seq <= sample.began_seq:
            return mark
        kept = manifest.newest(self._folder)
        base = sample.began_seq
        if kept is not None and kept.manifest.identity.generation == self._identity.generation:
            base = min(kept.manifest.last_seq, base)
        return Mark(
            generation=self._identity.generation, restores=self._identity.restores, base_seq=base, seq=base,
            reports=0, calls=0, at=sample.at,
        )  # fmt: skip

    def _rebased(self, mark: Mark) -> Mark:
        """Counted from the newest backup on, as near before its number as there is a sample."""
        paths = manifest.listed(self._folder)
        if not paths or (newest := manifest.number_of(paths[-1])) <= mark.base_seq:
            return mark
        base = max((sample for sample in self._samples if mark.base_seq < sample[0] <= newest), default=None)
        if base is None:
            return mark
        seq, reports, calls = base
        self._samples = deque(((s, r - reports, c - calls) for s, r, c in self._samples if s >= seq), maxlen=SAMPLES)
        return msgspec.structs.replace(mark, base_seq=seq, reports=mark.reports - reports, calls=mark.calls - calls)
