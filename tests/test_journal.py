"""The journal: what was committed is read again, exactly, across segments, restarts, damage and kill -9."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.store import segments
from gateway.store.entry import Stamp, encode
from gateway.store.journal import Journal, Pruned, Reader, StoreBroken
from gateway.store.segments import Stored
from tests.patience import PATIENCE_S

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def stamp(minutes: float = 0) -> Stamp:
    at = NOON + timedelta(minutes=minutes)
    return Stamp(at, at + timedelta(seconds=2), 1000.25 + minutes * 60, "b8e0-boot")


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.002)


def files(folder: Path) -> list[Path]:
    return segments.listed(folder / "segments")


def sealed(folder: Path) -> int:
    paths = files(folder)
    return sum(not os.access(p, os.F_OK) or segments.is_sealed(p) for p in paths[:-1])


def test_what_is_committed_is_read_again_with_its_stamp_and_numbers(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    assert (journal.last_seq, journal.last_stamp, list(journal.rows())) == (0, None, [])
    assert journal.commit(stamp(1), b"first", 3) == 1
    assert journal.commit(stamp(2), b"second", 1) == 4
    assert list(journal.rows()) == [Stored(1, 3, stamp(1), b"first"), Stored(4, 1, stamp(2), b"second")]
    journal.close()
    again = Journal.open(tmp_path)
    assert (again.last_seq, again.last_stamp, again.first_seq) == (4, stamp(2), 1)
    assert again.commit(stamp(3), b"third", 2) == 5
    assert [row.body for row in again.rows(3)] == [b"second", b"third"]
    again.close()


def test_a_position_within_a_commit_gives_that_commit_whole(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    journal.commit(stamp(), b"one to three", 3)
    journal.commit(stamp(), b"four to six", 3)
    assert [row.first_seq for row in journal.rows(1)] == [1, 4]
    assert [row.first_seq for row in journal.rows(3)] == [4]
    assert [row.first_seq for row in journal.rows(5)] == [4]
    assert [row.first_seq for row in journal.rows(6)] == []
    journal.close()


def test_entries_come_back_decoded_and_a_body_that_is_none_names_its_commit(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    journal.commit(stamp(), encode([]), 1)
    [commit] = journal.read()
    assert (commit.first_seq, commit.stamp, commit.entries) == (1, stamp(), ())
    journal.commit(stamp(), b"\xc1", 1)
    with pytest.raises(StoreBroken, match="commit 2 cannot be decoded"):
        list(journal.read())
    journal.close()


_ACTIONS = st.lists(
    st.tuples(st.sampled_from(["commit"] * 6 + ["reopen", "prune"]), st.integers(1, 9), st.integers(0, 9000), st.floats(0, 0.999)),
    min_size=20,
    max_size=60,
)


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(_ACTIONS)
def test_reading_gives_exactly_what_was_committed_whatever_is_done_between(actions: list[tuple[str, int, int, float]]) -> None:
    """Across switches of segments, prunes and reopening, from any position."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        journal = small(folder)
        written: list[Stored] = []
        for minutes, (action, count, size, where) in enumerate(actions):
            if action == "commit":
                body = minutes.to_bytes(4, "big") * (size // 4)
                written.append(Stored(journal.commit(stamp(minutes), body, count), count, stamp(minutes), body))
            elif action == "reopen":
                journal.close()
                journal = small(folder)
            elif written:
                keep = written[int(where * len(written))]
                journal.prune(keep.first_seq - 1, keep.stamp.service_at)
                written = [row for row in written if row.first_seq >= journal.first_seq]
                assert keep.first_seq >= written[0].first_seq
            start = written[int(where * len(written))].last_seq if written else 0
            assert same(Reader(folder).rows(start), [row for row in written if row.first_seq > start])
        assert same(journal.rows(), written)
        journal.close()


def small(folder: Path) -> Journal:
    return Journal.open(folder, segment_bytes=30_000, wal_bytes=40_000, lead=3)


def same(got: Iterable[Stored], expected: list[Stored]) -> bool:
    """Not left to `==` in an assert: what differs would be printed with its bodies."""
    return list(got) == expected


def test_a_segment_that_is_full_is_followed_by_one_made_ahead_and_is_then_sealed(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, segment_bytes=50_000, lead=10)
    for _ in range(7):
        journal.commit(stamp(), bytes(6000), 1)
    until(lambda: len(files(tmp_path)) == 2)
    assert not segments.is_sealed(files(tmp_path)[0])
    until(lambda: journal.commit(stamp(), b"", 1) > segments.number_of(files(tmp_path)[1]))
    until(lambda: sealed(tmp_path) == 1)
    first = files(tmp_path)[0]
    assert not segments.wal_of(first).exists()
    assert [row.first_seq for row in Reader(tmp_path).rows()] == list(range(1, journal.last_seq + 1))
    journal.close()


def test_a_segment_ends_after_a_day_by_service_time(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, lead=1)
    journal.commit(stamp(0), b"", 1)
    journal.commit(stamp(24 * 60 - 1), b"", 1)
    assert len(files(tmp_path)) == 1
    journal.commit(stamp(24 * 60), b"", 1)
    until(lambda: len(files(tmp_path)) == 2)
    journal.close()


def test_commits_that_overtake_the_making_of_the_next_segment_lose_nothing(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, segment_bytes=20_000, wal_bytes=100_000, lead=1)
    for _ in range(400):
        journal.commit(stamp(), bytes(3000), 50)
    until(lambda: len(files(tmp_path)) > 1)
    assert [row.first_seq for row in journal.rows()] == list(range(1, 400 * 50, 50))
    journal.close()


def test_what_a_dead_process_left_half_made_is_put_in_order(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, segment_bytes=20_000, lead=5)
    while len(files(tmp_path)) < 3:
        journal.commit(stamp(), bytes(3000), 1)
    journal.close()
    newest = files(tmp_path)[-1]
    files(tmp_path)[0].chmod(0o644)  # died between the checkpoint and the seal
    (newest.parent / "00000000000000099999.journal.new").write_bytes(b"half")
    segments.create(newest.parent, 88_888)
    segments.create(newest.parent, 99_999)
    seq = journal.last_seq
    again = Journal.open(tmp_path, segment_bytes=20_000, lead=5)
    assert sealed(tmp_path) >= 1
    assert not list(newest.parent.glob("*.new"))
    assert segments.number_of(files(tmp_path)[-1]) <= 88_888
    assert again.commit(stamp(), b"on", 1) == seq + 1
    again.close()


def test_the_wal_stays_bounded_under_commits_without_a_pause(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, wal_bytes=500_000)
    wal = segments.wal_of(files(tmp_path)[0])
    largest = 0
    for _ in range(1500):
        journal.commit(stamp(), bytes(8000), 10)
        largest = max(largest, wal.stat().st_size)
    assert largest < 6_000_000, "18 MB were committed"
    journal.close()


def test_another_process_reads_while_this_one_writes(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, segment_bytes=100_000, wal_bytes=50_000, lead=4)
    program = (
        "import sys; from pathlib import Path; from gateway.store.journal import Journal\n"
        "reader, after = Journal.reader(Path(sys.argv[1])), 0\n"
        "while after < 600:\n"
        "    for row in reader.rows(after):\n"
        "        assert row.first_seq == after + 1, (row.first_seq, after)\n"
        "        assert len(row.body) == row.first_seq * 7 % 4000\n"
        "        after = row.last_seq\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) as reader:
        for seq in range(1, 601):
            journal.commit(stamp(), bytes(seq * 7 % 4000), 1)
        assert reader.wait(PATIENCE_S) == 0
    journal.close()


def test_threads_read_what_is_being_written_without_gaps(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, segment_bytes=60_000, wal_bytes=30_000, lead=2)
    problems: list[BaseException] = []
    done = threading.Event()

    def follow() -> None:
        reader, after = Journal.reader(tmp_path), 0
        try:
            while not (done.is_set() and after == journal.last_seq):
                for row in reader.rows(after):
                    assert row.first_seq == after + 1
                    after = row.last_seq
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=follow) for _ in range(2)]
    for thread in threads:
        thread.start()
    for seq in range(400):
        journal.commit(stamp(), bytes(2000), 1 + seq % 5)
    done.set()
    for thread in threads:
        thread.join()
    assert problems == []
    journal.close()


def test_a_walk_over_the_files_may_go_on_in_another_thread(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    for minute in range(600):  # more than one page of a file
        journal.commit(stamp(minute), b"x", 1)
    walk = Journal.reader(tmp_path).rows()
    seen: list[int] = []
    for _ in range(6):
        one = threading.Thread(target=lambda: seen.extend(row.first_seq for row in islice(walk, 100)))
        one.start()
        one.join()
    assert seen == list(range(1, 601))
    journal.close()


def test_retention_removes_whole_files_and_never_the_newest_commit(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, segment_bytes=20_000, lead=2)
    minutes = 0
    while sealed(tmp_path) < 4:
        minutes += 1
        journal.commit(stamp(minutes), bytes(3000), 1)
        time.sleep(0.001)
    before = len(files(tmp_path))
    assert journal.prune(keep_after_seq=0, keep_since=stamp(minutes + 1).service_at) == 0, "a follower has not read it"
    assert journal.prune(keep_after_seq=journal.last_seq, keep_since=stamp(0).service_at) == 0, "it is not old enough"
    second = segments.number_of(files(tmp_path)[1])
    assert journal.prune(keep_after_seq=second, keep_since=stamp(minutes + 1).service_at) == 1
    assert len(files(tmp_path)) == before - 1
    assert journal.first_seq >= second
    with pytest.raises(Pruned, match=f"begins at {journal.first_seq}"):
        list(journal.rows(1))
    journal.prune(journal.last_seq, stamp(minutes + 1).service_at)
    assert list(journal.rows())[-1].last_seq == journal.last_seq
    journal.close()


def test_a_commit_whose_bytes_have_changed_is_named(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    for _ in range(3):
        journal.commit(stamp(), b"sound", 2)
    journal.close()
    with sqlite3.connect(files(tmp_path)[0]) as database:
        database.execute("UPDATE commits SET body = CAST('souNd' AS BLOB) WHERE first_seq = 3")
    database.close()
    reader = Reader(tmp_path)
    with pytest.raises(StoreBroken, match="commit 3 does not match its checksum"):
        list(reader.rows())
    assert [row.first_seq for row in reader.rows(5)] == [5]


def test_a_commit_that_is_missing_is_named(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    for _ in range(3):
        journal.commit(stamp(), b"", 2)
    journal.close()
    with sqlite3.connect(files(tmp_path)[0]) as database:
        database.execute("DELETE FROM commits WHERE first_seq = 3")
    database.close()
    with pytest.raises(StoreBroken, match="commit 3 is missing, the next is 5"):
        list(Reader(tmp_path).rows())


def test_a_file_that_is_no_journal_is_named(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    journal.commit(stamp(), b"", 2)
    journal.close()
    path = files(tmp_path)[0]
    path.write_bytes(b"not a database, by far" * 500)
    with pytest.raises(StoreBroken, match=path.name):
        Journal.open(tmp_path)


_COMMITTER = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from gateway.store.entry import Stamp
from gateway.store.journal import Journal
journal = Journal.open(Path(sys.argv[1]), segment_bytes=150_000, wal_bytes=60_000, lead=3)
stamp = Stamp(datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC), 1.0, "boot")
while True:
    seq = journal.last_seq + 1
    count = 1 + seq % 7
    assert journal.commit(stamp, seq.to_bytes(8, "big") * (seq * 31 % 700), count) == seq
    os.write(1, (seq + count - 1).to_bytes(8, "big"))
"""


def test_nothing_that_was_returned_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    """25 times on one folder, at a random moment after some commits: how many a disk takes in a second is its own affair."""
    dice = random.Random(20261122)
    returned = 0
    for _ in range(25):
        with subprocess.Popen([sys.executable, "-c", _COMMITTER, str(tmp_path)], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            said = child.stdout.read(8 * dice.randrange(1, 60))
            timer = threading.Timer(dice.uniform(0, 0.15), os.kill, (child.pid, signal.SIGKILL))
            timer.start()
            said += child.stdout.read()
            timer.join()
        returned = int.from_bytes(said[len(said) // 8 * 8 - 8 : len(said) // 8 * 8], "big")
        after = 0
        for row in Reader(tmp_path).rows():
            assert row.first_seq == after + 1
            assert row.body == row.first_seq.to_bytes(8, "big") * (row.first_seq * 31 % 700)
            after = row.last_seq
        assert after >= returned
    assert returned > 1000
