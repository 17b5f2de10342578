"""A full disk, a real one: a small tmpfs. Readings stop, calls go on from the reserve, nothing that was returned is lost."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.store import segments
from gateway.store.entry import Stamp
from gateway.store.failure import StoreBroken
from gateway.store.folder import Folder, FolderInUse
from gateway.store.journal import DiskFull, Journal
from gateway.store.reserve import MIB, Admission, Reserve, ReserveState
from gateway.store.snapshots import Row, Snapshots

AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
STAMP = Stamp(AT, AT, 1.0, "boot")
CALL = bytes(3000)
"""A call alone in its commit: the message, the alert with its evidence, its first step, the notifications."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 160 MiB of its own."""
    path = tmp_path / "disk"
    path.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(
            f"a full disk cannot be tried here, mounting a tmpfs was refused: {done.stderr.strip()}; "
            "run the tests as root, in a container with CAP_SYS_ADMIN, or under `unshare --user --map-root-user --mount`",
        )
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def fill(disk: Path, name: str = "filler") -> None:
    """Leave no byte."""
    with (disk / name).open("ab", buffering=0) as file:
        for size in (MIB, 4096, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError as problem:
                assert problem.errno == 28  # noqa: PT017 - it must come
    assert os.statvfs(disk).f_bavail == 0


def commit_call(journal: Journal, reserve: Reserve) -> int:
    """As the loop does: give back a piece for as long as the disk says it is full."""
    while True:
        try:
            return journal.commit(STAMP, CALL, 1)
        except DiskFull:
            if not reserve.release():
                raise


def test_a_thousand_calls_are_taken_on_a_full_disk_and_the_next_is_refused_in_plain_words(disk: Path) -> None:
    reserve = Reserve(disk / "reserve")
    assert reserve.take() is ReserveState.WHOLE
    journal = Journal.open(disk)
    for _ in range(50):
        journal.commit(STAMP, CALL, 1)
    fill(disk)
    taken = 0
    with pytest.raises(DiskFull, match="no room for"):  # noqa: PT012 - it is the last of many that must raise
        while True:
            assert commit_call(journal, reserve) == 51 + taken
            taken += 1
    assert taken >= 1000
    assert reserve.state is ReserveState.GONE
    with pytest.raises(DiskFull):
        journal.commit(STAMP, CALL, 1)
    assert journal.last_seq == 50 + taken
    assert [row.first_seq for row in journal.rows(40)] == list(range(41, 51 + taken))

    (disk / "filler").unlink()
    assert journal.commit(STAMP, b"after", 1) == 51 + taken, "the same journal goes on when there is room"
    assert reserve.take() is ReserveState.WHOLE
    journal.close()


def test_a_neighbour_that_takes_every_byte_given_back_costs_pieces_not_calls_already_taken(disk: Path) -> None:
    reserve = Reserve(disk / "reserve")
    reserve.take()
    journal = Journal.open(disk)
    fill(disk)
    taken = 0
    with pytest.raises(DiskFull):  # noqa: PT012 - it is the last of many that must raise
        while True:
            commit_call(journal, reserve)
            taken += 1
            fill(disk)
    assert taken >= 50
    assert len(list(journal.rows())) == taken
    journal.close()


def test_a_service_starts_again_on_a_disk_without_a_free_byte(disk: Path) -> None:
    """The process is killed, its reserve partly gone; the next one opens, reads everything, and takes calls."""
    program = (
        "import os, sys; from pathlib import Path; from datetime import UTC, datetime\n"
        "from gateway.store.entry import Stamp; from gateway.store.journal import Journal\n"
        "from gateway.store.reserve import Reserve\n"
        "disk = Path(sys.argv[1]); reserve = Reserve(disk / 'reserve'); reserve.take(); journal = Journal.open(disk)\n"
        "at = datetime(2026, 11, 22, tzinfo=UTC)\n"
        "for _ in range(200): journal.commit(Stamp(at, at, 1.0, 'boot'), bytes(3000), 1)\n"
        "reserve.release()\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(disk)], check=False)
    fill(disk)
    with Folder.lock(disk) as folder:
        reserve = Reserve(folder.layout.reserve)
        assert reserve.take() is ReserveState.PARTLY
        assert reserve.held == 63 * MIB
        while True:
            try:
                journal = Journal.open(disk)
                break
            except DiskFull:
                assert reserve.release()
        assert reserve.held >= 60 * MIB
        assert (journal.first_seq, journal.last_seq) == (1, 200)
        for seq in range(201, 401):
            assert commit_call(journal, reserve) == seq
        journal.close()


def test_filling_and_emptying_the_disk_again_and_again_loses_nothing(disk: Path) -> None:
    """With the WAL being emptied and segments switched in between, so that these fail for want of room as well."""
    reserve = Reserve(disk / "reserve", 8 * MIB)
    reserve.take()
    journal = Journal.open(disk, segment_bytes=2 * MIB, wal_bytes=MIB // 2, lead=5)
    sizes: list[int] = []
    for turn in range(6):
        fill(disk)
        refused = 0
        while refused < 3:
            size = 100 + len(sizes) * 613 % 9000
            try:
                journal.commit(STAMP, bytes(size), 1)
                sizes.append(size)
            except DiskFull:
                refused += 1
                reserve.release()
                if turn % 2:
                    (disk / "filler").unlink(missing_ok=True)
                    fill(disk)
            if len(sizes) > (turn + 1) * 300:
                break
        (disk / "filler").unlink(missing_ok=True)
        reserve.take()
        for _ in range(60):
            journal.commit(STAMP, bytes(100 + len(sizes) * 613 % 9000), 1)
            sizes.append(100 + len(sizes) * 613 % 9000)
    assert [len(row.body) for row in journal.rows()] == sizes
    journal.close()
    again = Journal.open(disk)
    assert [len(row.body) for row in again.rows()] == sizes
    again.close()


def test_snapshots_that_find_no_room_change_nothing(disk: Path) -> None:
    snapshots = Snapshots(disk / "snapshots.db")
    snapshots.write([Row("a", 1, b"first")], 1)
    fill(disk)
    with pytest.raises(DiskFull):
        snapshots.write([Row(f"k{n}", 2, bytes(90_000)) for n in range(9)] + [Row("a", 2, b"second")], 2)
    assert snapshots.load(2).rows == {"a": Row("a", 1, b"first")}
    (disk / "filler").unlink()
    snapshots.write([Row("a", 2, b"second")], 2)
    assert snapshots.load(2).rows == {"a": Row("a", 2, b"second")}
    snapshots.close()


def test_a_new_house_on_a_full_disk_says_so(disk: Path) -> None:
    fill(disk)
    with pytest.raises((DiskFull, OSError)):
        Journal.open(disk)
    (disk / "filler").unlink()
    Journal.open(disk).close()


def test_a_failure_that_is_no_full_disk_is_told_apart(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    journal.commit(STAMP, CALL, 1)
    journal.close()
    path = segments.listed(tmp_path / "segments")[0]
    path.write_bytes(b"\0" * 8192)
    with pytest.raises(StoreBroken):
        Journal.open(tmp_path)


def test_the_reserve_is_given_back_by_the_piece_and_taken_again_when_there_is_room(disk: Path) -> None:
    reserve = Reserve(disk / "reserve", 4 * MIB)
    assert reserve.take() is ReserveState.WHOLE
    fill(disk)
    assert reserve.release()
    assert (reserve.state, reserve.held, reserve.missing) == (ReserveState.PARTLY, 3 * MIB, MIB)
    assert os.statvfs(disk).f_bavail * 4096 == MIB
    fill(disk, "more")
    assert reserve.take() is ReserveState.PARTLY, "no room for all of it: what it holds, it keeps"
    assert reserve.held == 3 * MIB
    assert Reserve(disk / "reserve", 4 * MIB).take() is ReserveState.PARTLY, "nor does the next process"
    assert [reserve.release() for _ in range(4)] == [True, True, True, False]
    assert reserve.state is ReserveState.GONE
    (disk / "filler").unlink()
    assert reserve.take() is ReserveState.WHOLE
    assert (disk / "reserve").stat().st_blocks * 512 == 4 * MIB


def test_a_reserve_that_is_all_holes_is_filled(tmp_path: Path) -> None:
    with (tmp_path / "reserve").open("wb") as file:
        file.truncate(2 * MIB)
    reserve = Reserve(tmp_path / "reserve", 2 * MIB)
    assert reserve.take() is ReserveState.WHOLE
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 2 * MIB


def test_readings_stop_below_the_mark_and_come_back_only_well_above_it() -> None:
    admission = Admission(low=32 * MIB)
    assert admission.admits(33 * MIB)
    assert not admission.admits(31 * MIB)
    assert not admission.admits(40 * MIB), "it would only go to and fro"
    assert not admission.admits(100 * MIB, missing=64 * MIB), "what the reserve lacks comes first"
    assert admission.admits(48 * MIB)
    assert admission.admits(32 * MIB)


def test_a_data_folder_has_one_owner_and_is_free_when_its_process_is_gone(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from gateway.store.folder import Folder\n"
        "folder = Folder.lock(Path(sys.argv[1])); print(os.getpid(), flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "data")], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        pid = int(other.stdout.readline())
        with pytest.raises(FolderInUse, match=rf"data is in use by another Anju \(process {pid}\)"):
            Folder.lock(tmp_path / "data")
        other.kill()
    with Folder.lock(tmp_path / "data") as folder:
        assert folder.layout.free() > 0
        with pytest.raises(FolderInUse, match=f"process {os.getpid()}"):
            Folder.lock(tmp_path / "data")
    Folder.lock(tmp_path / "data").close()
