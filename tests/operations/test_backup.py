"""Backups: consistent while the journal is written and pruned, cheap the second time, verified when they are had back."""

import contextlib
import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerting.items import Said
from devices.decode import decode
from devices.message import Heard
from gateway.operations import manifest, mark
from gateway.operations.backup import Wanted, back_up
from gateway.operations.manifest import Kept
from gateway.operations.mark import Marker, Sample
from gateway.operations.pace import Pace
from gateway.operations.restore import Restored, Wish, chosen, restore
from gateway.problem import CommandFailed
from gateway.settings import Settings
from gateway.store import segments
from gateway.store.entry import Stamp, encode
from gateway.store.identity import FolderRefused, Identity, read, settle, write
from gateway.store.journal import Journal, Reader
from tests.patience import PATIENCE_S, STORY_S
from tests.service import ROOT, lose, until

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


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.journal.close()


def bodies(folder: Path, upto: int = 2**62) -> list[tuple[int, bytes]]:
    return [(row.first_seq, row.body) for row in Reader(folder).rows() if row.first_seq <= upto]


# --- what is in a backup -------------------------------------------------------------------------------------------------------


def test_a_backup_holds_the_journal_to_a_number_and_a_restore_has_it_back(world: World, tmp_path: Path) -> None:
    world.hear(700)
    kept = world.back_up()
    assert kept.manifest.last_seq == 700
    assert kept.path.name.endswith("-000000000700")
    world.hear(30)
    done = world.restore(tmp_path / "new")
    assert (done.last_seq, done.counts) == (700, kept.manifest.counts)
    assert bodies(tmp_path / "new") == bodies(world.data, 700)
    journal = Journal.open(tmp_path / "new")
    try:
        assert journal.last_seq == 700
        assert journal.commit(Stamp(NOW, NOW, 0.0, "boot"), encode([said(1)]), 1) == 701, "and goes on from there"
    finally:
        journal.close()


def test_a_second_backup_copies_no_sealed_file_again(world: World) -> None:
    world.hear(700)

    sealed = until("sealed files", world.sealed)
    first = world.back_up()
    world.hear(5)
    second = world.back_up()
    for name in sealed:
        one, other = (kept.path / "data" / "segments" / name for kept in (first, second))
        assert one.stat().st_ino == other.stat().st_ino
    assert (first.manifest.last_seq, second.manifest.last_seq) == (700, 705)


def test_a_closed_month_of_readings_is_copied_once_and_an_open_one_each_time(world: World) -> None:
    history = world.data / "history"
    history.mkdir()
    for name in ("2026-10.db", "2026-11.db"):
        with sqlite3.connect(history / name) as file:
            file.execute("CREATE TABLE readings (value INTEGER)")
        file.close()
    first = world.back_up()
    with sqlite3.connect(history / "2026-11.db") as file:
        file.execute("INSERT INTO readings VALUES (1)")
    file.close()
    second = world.back_up()
    inodes = {
        name: [(kept.path / "data" / "history" / name).stat().st_ino for kept in (first, second)] for name in ("2026-10.db", "2026-11.db")
    }
    assert inodes["2026-10.db"][0] == inodes["2026-10.db"][1]
    assert inodes["2026-11.db"][0] != inodes["2026-11.db"][1]
    without = world.back_up(history=False)
    assert not (without.path / "data" / "history").exists()
    assert not without.manifest.history


def test_old_backups_go_and_the_shared_files_of_those_that_stay_are_whole(world: World, tmp_path: Path) -> None:
    for _ in range(4):
        world.hear(300)
        world.back_up(keep=2)
    assert [manifest.number_of(path) for path in manifest.listed(world.backups)] == [900, 1200]
    assert world.restore(tmp_path / "new").last_seq == 1200


def test_nothing_that_is_only_for_this_moment_is_kept(world: World) -> None:
    for name in ("reserve", "lock", "endpoints.json", "control.sock", "users.db.damaged"):
        (world.data / name).write_bytes(b"x")
    (world.data / "calendar.json").write_text("{}")
    kept = world.back_up()
    names = {name for name in kept.manifest.files if not name.startswith("data/segments/")}
    assert names == {"data/calendar.json"}
    for name in kept.manifest.files:
        assert stat.S_IMODE((kept.path / name).stat().st_mode) & 0o077 == 0 or "segments" in name
    assert stat.S_IMODE(world.backups.stat().st_mode) == 0o700


# --- under way -----------------------------------------------------------------------------------------------------------------


def test_commits_go_on_while_a_backup_is_taken_and_it_ends_at_one_of_them(world: World, tmp_path: Path) -> None:
    world.hear(300)
    stop = threading.Event()
    grown = threading.Event()

    def load() -> None:
        while not stop.is_set():
            world.hear(20)
            grown.set()

    thread = threading.Thread(target=load)
    thread.start()
    try:
        assert grown.wait(PATIENCE_S)
        kept = world.back_up()
    finally:
        stop.set()
        thread.join()
    assert kept.manifest.last_seq >= 300
    assert kept.manifest.last_seq <= world.journal.last_seq
    assert world.restore(tmp_path / "new").last_seq == kept.manifest.last_seq
    assert bodies(tmp_path / "new") == bodies(world.data, kept.manifest.last_seq)


def test_retention_may_remove_files_under_a_backup(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The names go; what was held stays. Links are refused here, as on a backup disk of another kind, so that handles hold the files."""
    world.hear(900)
    until("all but the newest are sealed", world.settled)
    monkeypatch.setattr(os, "link", _no_links)
    removed = 0

    def prune(_: int) -> None:
        nonlocal removed
        removed += world.journal.prune(world.journal.last_seq, NOW + timedelta(days=400))

    (world.data / "users.db").write_bytes(b"")
    kept = world.back_up(pace=Pace(gentle=False, told=prune))
    assert removed >= 1
    assert kept.manifest.first_seq == 1
    assert world.restore(tmp_path / "new").last_seq == 900
    assert len(bodies(tmp_path / "new")) == 900


def test_a_file_that_retention_takes_before_the_backup_comes_to_it_leaves_no_hole(world: World, tmp_path: Path) -> None:
    """It was being written when the sealed ones were held, and was full, sealed and out of time before its turn: it begins again."""
    world.hear(700)
    until("all but the newest are sealed", world.settled)
    first = world.journal.first_seq

    def overtake(_: int) -> None:
        if world.reports == 700:
            world.hear(600)
            until("all but the newest are sealed", world.settled)
            world.journal.prune(world.journal.last_seq, NOW + timedelta(days=400))

    kept = world.back_up(pace=Pace(gentle=False, told=overtake))
    assert kept.manifest.first_seq == world.journal.first_seq > first
    assert kept.manifest.last_seq == world.restore(tmp_path / "new").last_seq == 1300
    assert bodies(tmp_path / "new") == bodies(world.data)
    assert sorted(path.name for path in world.backups.iterdir()) == [".lock", kept.path.name]


def test_a_backup_that_retention_overtakes_again_and_again_says_so(world: World) -> None:
    world.hear(700)
    until("all but the newest are sealed", world.settled)

    def overtake(_: int) -> None:
        world.hear(600)
        until("all but the newest are sealed", world.settled)
        world.journal.prune(world.journal.last_seq, NOW + timedelta(days=400))

    with pytest.raises(CommandFailed, match="the journal begins at"):
        world.back_up(pace=Pace(gentle=False, told=overtake))
    assert [path.name for path in world.backups.iterdir()] == [".lock"]


def _no_links(*_: object) -> None:
    raise OSError(1, "no links here")


def test_a_database_is_copied_as_of_one_moment_while_it_is_written(world: World, tmp_path: Path) -> None:
    path = world.data / "views.db"
    file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    file.execute("PRAGMA journal_mode = WAL")
    file.execute("CREATE TABLE pair (a INTEGER, b BLOB)")
    file.executemany("INSERT INTO pair VALUES (0, ?)", [(bytes(4000),)] * 2000)
    stop = threading.Event()

    def load() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            file.execute("BEGIN")
            file.execute("UPDATE pair SET a = ?", (number,))
            file.execute("COMMIT")

    thread = threading.Thread(target=load)
    thread.start()
    try:
        world.back_up()
    finally:
        stop.set()
        thread.join()
        file.close()
    world.restore(tmp_path / "new")
    with sqlite3.connect(tmp_path / "new" / "views.db") as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT count(DISTINCT a), count(*) FROM pair").fetchone() == (1, 2000)
    copy.close()


def test_a_backup_that_was_cut_short_is_no_backup_and_the_next_one_clears_it(world: World) -> None:
    world.hear(100)

    def power(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.back_up(pace=Pace(gentle=False, told=power))
    assert manifest.listed(world.backups) == []
    (world.backups / manifest.UNFINISHED).mkdir()
    (world.backups / manifest.UNFINISHED / "half").touch()
    world.back_up()
    assert not (world.backups / manifest.UNFINISHED).exists()
    assert len(manifest.listed(world.backups)) == 1


@pytest.mark.parametrize("inside", [".", "backups"])
def test_a_backup_into_the_data_folder_itself_is_refused(world: World, inside: str) -> None:
    world.backups = world.data / inside
    with pytest.raises(CommandFailed, match="lies in the data folder"):
        world.back_up()


def test_a_damaged_journal_makes_no_backup_that_pretends_to_be_whole(world: World) -> None:
    world.hear(30)
    world.journal.close()
    (path,) = [p for p in segments.listed(world.data / "segments") if segments.edge(p, newest=True) is not None]
    with sqlite3.connect(path) as file:
        file.execute("UPDATE commits SET body = x'00' WHERE first_seq = 7")
    file.close()
    with pytest.raises(CommandFailed, match="commit 7 does not match its checksum"):
        world.back_up()
    assert manifest.listed(world.backups) == []


# --- had back ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("harm", ["changed", "shortened", "removed", "manifest"])
def test_a_harmed_backup_is_refused_before_anything_is_touched(world: World, tmp_path: Path, harm: str) -> None:
    world.hear(300)
    (world.data / "calendar.json").write_text('{"a": 1}')
    kept = world.back_up()
    victim = kept.path / "data" / "calendar.json"
    match harm:
        case "changed":
            victim.write_text('{"a": 2}')
        case "shortened":
            os.truncate(victim, 3)
        case "removed":
            victim.unlink()
        case _:
            os.truncate(kept.path / manifest.NAME, 100)
    new = tmp_path / "new"
    new.mkdir()
    (new / "precious").write_text("stays")
    with pytest.raises((CommandFailed, manifest.BadBackup), match=r"calendar\.json|manifest\.json"):
        world.restore(new, replace=True)
    assert [p.name for p in new.iterdir()] == ["precious"]


def test_a_manifest_cannot_write_outside_the_data_folder(world: World, tmp_path: Path) -> None:
    kept = world.back_up()
    text = (kept.path / manifest.NAME).read_text()
    (kept.path / manifest.NAME).write_text(text.replace('"files": {', '"files": {"data/../../x": {"sha256": "", "bytes": 0},', 1))
    with pytest.raises(CommandFailed, match="outside of it"):
        world.restore(tmp_path / "new")


def test_a_folder_that_is_not_empty_is_only_replaced_when_asked_to_and_then_put_aside(world: World, tmp_path: Path) -> None:
    world.hear(100)
    world.back_up()
    world.hear(20)
    world.hear(2, call=True)
    world.journal.close()
    (world.data / "reserve").write_bytes(bytes(100))
    with pytest.raises(CommandFailed, match="--replace"):
        world.restore(world.data)
    done = world.restore(world.data, replace=True)
    assert done.lost is not None
    assert (done.lost.reports, done.lost.calls, done.lost.known_by) == (22, 2, "journal")
    assert Reader(Path(done.replaced)).last is not None
    assert not (Path(done.replaced) / "reserve").exists(), "room is not kept twice"
    assert bodies(world.data, 100) == bodies(Path(done.replaced), 100)
    life = read(world.data)
    assert (life.restores, life.restored_to) == (1, 100)
    assert life.generation != "first"
    world.journal = Journal.open(tmp_path / "unused")


def test_a_restore_that_was_cut_short_starts_nothing_and_is_run_again_from_the_beginning(world: World) -> None:
    world.hear(100)
    world.back_up()
    world.hear(11)
    world.journal.close()

    def power(_: int) -> None:
        raise KeyboardInterrupt

    wish = Wish(source=world.backups, data=world.data, replace=True, old=None, now=NOW)
    with pytest.raises(KeyboardInterrupt):
        restore(wish, chosen(world.backups), BRISK, Pace(gentle=False, told=power))
    with pytest.raises(FolderRefused, match="was not finished"):
        settle(world.data, print)
    done = world.restore(world.data, replace=True)
    assert (done.last_seq, [p.name for p in world.data.glob("replaced-*")]) == (100, [Path(done.replaced).name])
    assert done.lost is not None
    assert (done.lost.reports, done.lost.known_by) == (11, "journal"), "by what was put aside the first time"
    assert settle(world.data, print).restores == 1
    world.journal = Journal.open(world.data.parent / "unused")


def test_an_older_backup_of_several_can_be_chosen(world: World, tmp_path: Path) -> None:
    world.hear(100)
    older = world.back_up()
    world.hear(100)
    world.back_up()
    assert world.restore(tmp_path / "new", source=older.path).last_seq == 100


# --- what is lost --------------------------------------------------------------------------------------------------------------


def note(world: World, marker: Marker, began: int = 0) -> None:
    """As the process that watches does every two seconds."""
    tally = mark.count(world.journal, began, world.journal.last_seq)
    marker.note(Sample(began, world.journal.last_seq, tally.reports, tally.calls, NOW))


def lost(world: World, to: Path, source: Path | None = None) -> tuple[int, int, str]:
    found = world.restore(to, source=source).lost
    assert found is not None
    return found.reports, found.calls, found.known_by


def test_the_mark_tells_what_was_acknowledged_after_the_backup_when_nothing_else_is_left(world: World, tmp_path: Path) -> None:
    marker = Marker(world.backups, world.journal, read(world.data))
    for _ in range(5):
        world.hear(20)
        note(world, marker)
    world.hear(7)
    world.back_up()
    world.hear(40)
    world.hear(3, call=True)
    note(world, marker)
    world.hear(5)
    note(world, marker)
    lose(world.data)
    assert lost(world, tmp_path / "new") == (48, 3, "mark")


def test_the_mark_counts_across_ends_of_both_processes(world: World, tmp_path: Path) -> None:
    marker = Marker(world.backups, world.journal, read(world.data))
    world.hear(20)
    note(world, marker)
    world.back_up()
    world.hear(10)
    note(world, marker)
    world.hear(4, call=True)  # committed, and the alarm process was killed before its next word
    note(world, marker, began=world.journal.last_seq)
    world.hear(6)
    marker = Marker(world.backups, world.journal, read(world.data))  # and so was the other one
    began = world.journal.last_seq
    world.hear(2)
    note(world, marker, began=began)
    assert lost(world, tmp_path / "new") == (22, 4, "mark")


def test_the_mark_also_serves_an_older_backup_of_several(world: World, tmp_path: Path) -> None:
    marker = Marker(world.backups, world.journal, read(world.data))
    note(world, marker)
    world.hear(50)
    older = world.back_up()
    world.hear(30)
    note(world, marker)
    world.back_up()
    note(world, marker)
    world.hear(9, call=True)
    note(world, marker)
    lose(world.data)
    assert lost(world, tmp_path / "one") == (9, 9, "mark")
    assert lost(world, tmp_path / "other", older.path) == (39, 9, "mark")


def test_a_mark_of_another_life_says_nothing_about_this_one(world: World, tmp_path: Path) -> None:
    world.hear(50)
    world.back_up()
    marker = Marker(world.backups, world.journal, Identity(format=1, generation="second", restores=1))
    note(world, marker)
    done = world.restore(tmp_path / "new")
    assert done.lost is None
    assert read(tmp_path / "new").restores == 2, "later than every life that is known of"


def test_remains_of_the_old_folder_are_counted_where_they_can_be_read(world: World, tmp_path: Path) -> None:
    world.hear(50)
    world.back_up()
    world.hear(500)
    world.hear(1, call=True)
    world.journal.close()
    done = world.restore(tmp_path / "new", old=world.data)
    assert done.lost is not None
    assert (done.lost.reports, done.lost.calls, done.lost.upto_seq) == (501, 1, 551)
    write(world.data, Identity(format=1, generation="another"))
    assert world.restore(tmp_path / "newer", old=world.data).lost is None
    world.journal = Journal.open(tmp_path / "unused")


# --- the commands --------------------------------------------------------------------------------------------------------------


def anju(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "gateway", *words], cwd=ROOT, capture_output=True, text=True, timeout=STORY_S, check=False)


def test_the_commands_speak_plainly_and_in_json(world: World, tmp_path: Path) -> None:
    world.hear(30)
    made = anju("backup", str(world.backups), "--data", str(world.data))
    assert made.returncode == 0, made.stderr
    assert "up to number 30 " in made.stdout
    assert "on the disk of the data" in made.stdout
    done = anju("restore", str(world.backups), "--data", str(tmp_path / "new"), "--old", str(world.data), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["last_seq"] == 30
    again = anju("restore", str(world.backups), "--data", str(tmp_path / "new"))
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.startswith(f"anju: {tmp_path / 'new'} is not empty; --replace moves what is there aside")
    assert anju("restore", str(tmp_path), "--data", str(tmp_path / "x")).stderr.startswith(f"anju: {tmp_path} is no backup and holds none")
    assert anju("backup", str(world.backups), "--data", str(tmp_path / "absent")).returncode == 1
    assert anju("backup", str(world.backups), "--keep", "0").returncode == 2


def test_the_configuration_goes_along_and_comes_back_beside_the_data(world: World, tmp_path: Path) -> None:
    config = tmp_path / "anju.toml"
    config.write_text('data = "data"\nnotify = "notify.toml"\n')
    (tmp_path / "notify.toml").write_text(
        '[[webhook]]\nname = "dispatch"\nurl = "https://dispatch.example.org/"\nsecret = "file:hook-secret"\n'
        '[[apprise]]\nname = "rest"\nurls = ["file:bark-url", "env:ELSEWHERE"]\n', encoding="utf-8",
    )  # fmt: skip
    (tmp_path / "bark-url").write_text("bark://example.org/key")
    (tmp_path / "hook-secret").write_text("whsec_" + "A" * 32)
    world.hear(3)
    assert anju("backup", str(world.backups), "--config", str(config)).returncode == 0
    done = anju("restore", str(world.backups), "--data", str(tmp_path / "new"))
    assert f"the configuration of then lies in {tmp_path / 'new' / 'restored-config'}" in done.stdout
    found = {p.name: p.read_text() for p in (tmp_path / "new" / "restored-config").rglob("*") if p.is_file()}
    assert found == {name: (tmp_path / name).read_text() for name in ("anju.toml", "notify.toml", "hook-secret", "bark-url")}
