"""A power cut, not a kill: only what was synced is there, and every commit that had returned is in it."""

import random
import shutil
import sys
from pathlib import Path

from gateway.store.journal import Journal, StoreBroken
from tests.synced import Call, Disk, calls, run

COMMITTER = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from gateway.store.entry import Stamp
from gateway.store.journal import Journal
from gateway.store.snapshots import Row, Snapshots
if sys.argv[2] == "OFF":
    import sqlite3
    class Careless(sqlite3.Connection):
        def execute(self, sql, *values):
            return super().execute(sql.replace("synchronous = FULL", "synchronous = OFF"), *values)
    connect = sqlite3.connect
    sqlite3.connect = lambda *a, **k: connect(*a, **k, factory=Careless)
root = Path(sys.argv[1])
at = datetime(2026, 11, 22, tzinfo=UTC)
for life in range(2):
    journal = Journal.open(root, segment_bytes=200_000, wal_bytes=50_000, lead=3)
    snapshots = Snapshots(root / "snapshots.db")
    for _ in range(110):
        seq = journal.last_seq + 1
        count = 1 + seq % 4
        journal.commit(Stamp(at, at, 1.0, "boot"), seq.to_bytes(8, "big") * (seq * 31 % 600), count)
        os.write(1, b"%d\\n" % journal.last_seq)
        snapshots.write([Row("town", journal.last_seq, b"%d" % journal.last_seq)], journal.last_seq)
    journal.close()
    snapshots.close()
"""


def trace(folder: Path, synchronous: str) -> list[Call]:
    (folder / "data").mkdir()
    log = folder / "calls.log"
    run([sys.executable, "-c", COMMITTER, str(folder / "data"), synchronous], log)
    return list(calls(log))


def lost(folder: Path, seen: list[Call], cuts: int) -> int:
    """Cut the power `cuts` times; how often a commit that had returned was not there whole."""
    dice = random.Random(20261122)
    moments = sorted(dice.sample(range(len(seen)), cuts))
    disk, returned, missing = Disk(folder / "data"), 0, 0
    for moment, call in enumerate(seen):
        if moments and moment == moments[0]:
            moments.pop(0)
            for torn in (None, dice) if moment % 2 else (None,):
                left = folder / "left"
                disk.after_power_cut(left, torn)
                missing += recovered(left) < returned
                shutil.rmtree(left, ignore_errors=True)
        disk.see(call)
        if call.name == "write" and call.handle == 1 and call.done:
            returned = int(call.texts[0])
    return missing


def recovered(left: Path) -> int:
    """The last number that a service finds which starts on what is left; -1 when it cannot."""
    left.mkdir(exist_ok=True)
    try:
        journal = Journal.open(left)
        reached = 0
        for row in journal.rows():
            assert row.first_seq == reached + 1
            assert row.body == row.first_seq.to_bytes(8, "big") * (row.first_seq * 31 % 600)
            reached = row.last_seq
        assert journal.commit(row.stamp, b"on", 1) == reached + 1 if reached else True
        journal.close()
    except StoreBroken:
        return -1
    return reached


def test_after_a_power_cut_at_200_moments_every_commit_that_had_returned_is_there(tmp_path: Path) -> None:
    seen = trace(tmp_path, "FULL")
    assert sum(call.name == "write" and call.handle == 1 and call.done for call in seen) == 220
    assert lost(tmp_path, seen, cuts=200) == 0


def test_the_proof_itself_fails_when_nothing_is_synced(tmp_path: Path) -> None:
    seen = trace(tmp_path, "OFF")
    assert lost(tmp_path, seen, cuts=20) > 10
