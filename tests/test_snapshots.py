"""Snapshots roll, and a state folded from them and the rest of the journal is the state folded from all of it."""

import random
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.items import WallClockStepped
from gateway.store.entry import Entry
from gateway.store.snapshots import Loaded, Roller, Row, Snapshots

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def entry(home: int) -> Entry:
    """Any entry will do; the number in it is the home it touches."""
    return WallClockStepped(float(home))


def touched(of: Entry) -> Iterable[str]:
    assert isinstance(of, WallClockStepped)
    return (f"home-{of.offset_s:.0f}",)


class Town:
    """A journal in memory, a state folded from it (per home: how many entries it had and the number of the last), and a roller."""

    def __init__(self, path: Path, *, tail: int = 1, share: int = 1, at_once: int = 1) -> None:
        """As it stands every home has its row with each commit."""
        self.path = path
        self.journal: list[Entry] = []
        self.tail, self.share, self.at_once = tail, share, at_once
        self.fresh: dict[str, None] = {}
        self.start()

    def start(self) -> None:
        self.snapshots = Snapshots(self.path)
        self.loaded = self.snapshots.load(len(self.journal))
        self.state: dict[str, tuple[int, int]] = {}
        for key, row in self.loaded.rows.items():
            count, last = (row.body or b"").split()
            self.state[key] = int(count), int(last)
        self.roller = Roller(
            self.snapshots, self.loaded, self.changed, self.capture, tail=self.tail, share=self.share, at_once=self.at_once,
        )  # fmt: skip
        self.replayed = 0
        for seq in range(self.loaded.floor + 1, len(self.journal) + 1):
            self.fold(self.journal[seq - 1], seq)
            self.roller.committed(seq, seq)
            self.replayed += 1

    def changed(self) -> list[str]:
        keys = list(self.fresh)
        self.fresh.clear()
        return keys

    def capture(self, key: str) -> bytes | None:
        return b"%d %d" % self.state[key] if key in self.state else None

    def fold(self, of: Entry, seq: int) -> None:
        for key in touched(of):
            row = self.loaded.rows.get(key)
            if row is None or seq > row.seq:
                self.state[key] = self.state.get(key, (0, 0))[0] + 1, seq
                self.fresh[key] = None

    def commit(self, homes: list[int], *, roll: bool = True) -> None:
        first = len(self.journal) + 1
        entries = [entry(home) for home in homes]
        self.journal += entries
        for seq, one in enumerate(entries, first):
            self.fold(one, seq)
        self.roller.committed(first, len(self.journal))
        if roll:
            self.roller.write(self.roller.pick(len(self.journal)))

    def restart(self) -> None:
        self.snapshots.close()
        self.start()

    def truth(self) -> dict[str, tuple[int, int]]:
        state: dict[str, tuple[int, int]] = {}
        for seq, one in enumerate(self.journal, 1):
            for key in touched(one):
                state[key] = state.get(key, (0, 0))[0] + 1, seq
        return state


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.lists(st.integers(0, 12), min_size=1, max_size=8), st.booleans(), st.sampled_from("nnnnr")), max_size=40))
def test_the_state_after_any_restart_is_the_state_of_the_whole_journal(
    tmp_path_factory: pytest.TempPathFactory, commits: list[tuple[list[int], bool, str]],
) -> None:
    town = Town(tmp_path_factory.mktemp("town") / "snapshots.db", tail=20, share=2, at_once=2)
    for homes, roll, then in commits:
        town.commit(homes, roll=roll)
        if then == "r":
            town.restart()
        assert town.state == town.truth()
    town.restart()
    assert town.state == town.truth()
    town.snapshots.close()


def test_the_tail_to_replay_is_bounded_by_the_busy_homes_not_by_the_quiet_ones(tmp_path: Path) -> None:
    town = Town(tmp_path / "snapshots.db", tail=100, share=10, at_once=4)
    town.commit(list(range(2000)))  # a quiet town: each home heard once
    dice = random.Random(1)
    for _ in range(30_000):
        town.commit([dice.randrange(30)])
    town.restart()
    assert town.state == town.truth()
    assert town.replayed <= 30 * 10 + 4 * 10


def test_where_few_homes_are_busy_the_tail_is_what_was_asked_for_and_hardly_a_row_is_written(tmp_path: Path) -> None:
    town = Town(tmp_path / "snapshots.db", tail=1000, share=10, at_once=8)
    written = 0
    for turn in range(5000):
        town.commit([turn % 5], roll=False)
        rows = town.roller.pick(len(town.journal))
        town.roller.write(rows)
        written += len(rows)
    assert 20 <= written <= 30
    town.restart()
    assert town.state == town.truth()
    assert town.replayed <= 1000 + 5
    town.snapshots.close()


def test_when_nothing_waits_for_its_row_nothing_is_replayed(tmp_path: Path) -> None:
    town = Town(tmp_path / "snapshots.db")
    town.commit([1, 2, 3])
    town.restart()
    assert (town.replayed, town.state) == (0, town.truth())
    assert town.snapshots.floor() == 3
    town.snapshots.close()


def test_a_home_that_is_gone_loses_its_row(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path / "snapshots.db")
    snapshots.write([Row("a", 1, b"here"), Row("b", 1, b"here")], 1)
    snapshots.write([Row("a", 2, None)], 2)
    assert snapshots.load(2).rows == {"b": Row("b", 1, b"here")}
    snapshots.close()


def test_a_damaged_row_sends_its_home_back_to_the_beginning_of_the_journal(tmp_path: Path) -> None:
    town = Town(tmp_path / "snapshots.db")
    town.commit([1, 2, 3])
    town.commit([1])
    town.snapshots.close()
    with sqlite3.connect(town.path) as database:
        database.execute("UPDATE snapshots SET body = CAST('9 9' AS BLOB) WHERE key = 'home-2'")
    database.close()
    town.start()
    assert town.loaded.problems == ["the snapshot of 'home-2' does not match its checksum; the whole journal is replayed"]
    assert town.state == town.truth()
    town.snapshots.close()


def test_a_row_that_its_reader_cannot_use_is_folded_anew(tmp_path: Path) -> None:
    loaded = Loaded({"home-1": Row("home-1", 5, b"old form"), "home-2": Row("home-2", 5, b"")}, 5, [])
    loaded.discard("home-1", "is of an older form")
    assert (list(loaded.rows), loaded.floor) == (["home-2"], 0)
    assert loaded.gap(1) == ""
    assert "entries 1 to 6 are in no snapshot" in loaded.gap(7)


@pytest.mark.parametrize("damage", ["removed", "overwritten", "torn"])
def test_a_file_that_is_lost_or_damaged_is_a_longer_start_not_a_crash(tmp_path: Path, damage: str) -> None:
    town = Town(tmp_path / "snapshots.db")
    town.commit(list(range(400)))
    town.snapshots.close()
    if damage == "removed":
        town.path.unlink()
    elif damage == "overwritten":
        town.path.write_bytes(b"not a database" * 1000)
    else:
        data = bytearray(town.path.read_bytes())
        data[4096:] = bytes(len(data) - 4096)
        town.path.write_bytes(data)
    town.start()
    assert (town.replayed, town.state) == (400, town.truth())
    assert (damage == "removed") == (town.loaded.problems == [])
    assert (damage == "removed") != town.path.with_name("snapshots.db.damaged").exists()
    town.commit([5])
    town.restart()
    assert town.state == town.truth()
    town.snapshots.close()


def test_snapshots_of_another_journal_are_not_believed(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path / "snapshots.db")
    snapshots.write([Row("a", 90, b"x")], 90)
    loaded = snapshots.load(40)
    assert (loaded.rows, loaded.floor) == ({}, 0)
    assert loaded.problems == ["the snapshots reach to 90, the journal to 40; the whole journal is replayed"]
    snapshots.close()


def test_an_open_or_killed_process_leaves_rows_that_the_next_one_reads(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path / "snapshots.db")
    snapshots.write([Row("a", 1, b"x")], 1)
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in tmp_path.glob("snapshots.db*"):
        if not path.name.endswith("-shm"):
            (copy / path.name).write_bytes(path.read_bytes())
    other = Snapshots(copy / "snapshots.db")
    assert other.load(1).rows == {"a": Row("a", 1, b"x")}
    other.close()
    snapshots.close()


def test_a_snapshot_file_that_breaks_ends_the_rolling_and_says_so(tmp_path: Path) -> None:
    town = Town(tmp_path / "snapshots.db")
    town.commit([1])
    with sqlite3.connect(town.path) as database:
        database.execute("DROP TABLE snapshots")
    database.close()
    town.commit([2])
    assert "no such table" in town.roller.problem
    town.commit([3])
    assert town.roller.pick(3) == []
    assert town.roller.floor == 1
    town.snapshots.close()
