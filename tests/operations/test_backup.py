"""Backups: consistent while the journal is written and pruned, cheap the second time; and the commands."""

import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.operations import manifest
from gateway.operations.pace import Pace
from gateway.problem import CommandFailed
from gateway.store import segments
from gateway.store.entry import Stamp, encode
from gateway.store.journal import Journal
from tests.backups import NOW, World, bodies, said
from tests.patience import PATIENCE_S, STORY_S
from tests.service import ROOT, until


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.journal.close()


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
