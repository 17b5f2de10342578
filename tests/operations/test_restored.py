"""What is had back of a backup, what is refused, and how much is said to be lost."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.operations import manifest, mark
from gateway.operations.mark import Marker, Sample
from gateway.operations.pace import Pace
from gateway.operations.restore import Wish, chosen, restore
from gateway.problem import CommandFailed
from gateway.store.identity import FolderRefused, Identity, read, settle, write
from gateway.store.journal import Journal, Reader
from tests.backups import BRISK, NOW, World, bodies
from tests.service import lose


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.journal.close()


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
