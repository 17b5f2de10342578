"""The timeline is evidence: whoever alters it is found out, whoever is erased from it is gone, and it can be made again."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from alerting.commands import Close, RetireHome
from alerting.record_commands import EraseResident, ReviewNearMiss
from alerting.record_facts import NearMissReviewed, Outcome, ResidentErased
from alerting.refusals import IllegalTransition
from alerting.terms import Actor, AlertId
from devices.home import HomeId
from gateway.evidence.archive import ANCHORS, NAME, Archive
from gateway.evidence.verify import Fault, NoEvidence, Verified, verify
from tests.evidence import ZONE, archived, chained_anew, change, copied
from tests.household import HOME, Household
from tests.operations_month import Operations

GONE = "home-3"
ALTERED, MISSING, REORDERED, ADDED, TEXT, ANCHOR = Fault


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Operations]:
    """Some days of a desk; one home was retired at the end, and its people erased."""
    data = tmp_path_factory.mktemp("week")
    played = Operations(seed=4, days=4, homes=5, calls_a_day=10).play()
    for alert in [alert.id for alert in played.engine.alerts.values() if alert.open and alert.home == GONE]:
        played.asks(Close(alert, "assistance_given", "the home is given up"), "li")
    played.asks(RetireHome(HomeId(GONE)), "admin")
    played.asks(EraseResident(HomeId(GONE), "the family asked"), "wang.wei")
    played.put(data)
    archived(data, played.commits)
    return data, played


def checked(data: Path) -> Verified:
    return verify(data)


def test_what_was_left_alone_is_found_good_and_compared_with_the_journal(week: tuple[Path, Operations]) -> None:
    data, played = week
    found = checked(data)
    assert found.findings == ()
    assert found.good
    assert found.entries > 200
    assert found.upto == played.commits[-1].last_seq
    assert found.compared_from == 1
    days = sorted({str(commit.stamp.service_at.astimezone(ZONE).date()) for commit in played.commits})
    assert [anchor.day for anchor in found.anchors] == days[:-1]


A = "(SELECT alert FROM entry WHERE kind = 'raised' ORDER BY seq LIMIT 1)"
ONE = f"(SELECT seq FROM entry WHERE alert = {A} AND n = 3)"
LAST = f"(SELECT max(seq) FROM entry WHERE alert = {A})"
CLAIMED = "(SELECT seq FROM entry WHERE kind = 'claimed' ORDER BY seq LIMIT 1)"
NOTED = "(SELECT min(seq) FROM entry WHERE kind = 'noted' AND seq IN (SELECT seq FROM sealed))"
OTHER = "(SELECT max(seq) FROM entry WHERE kind = 'closed' AND seq IN (SELECT seq FROM sealed))"
BY = f"UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), '\"actor\":\"', '\"actor\":\"not.') AS BLOB) WHERE seq = {CLAIMED}"
EARLIER = f"UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), '\"at\":\"2026', '\"at\":\"2025') AS BLOB) WHERE seq = {ONE}"
SWAPPED = (f"UPDATE entry SET seq = -seq WHERE alert = {A} AND n IN (2, 3)", "UPDATE entry SET seq = -5 - seq WHERE seq < 0")
PUT_IN = (
    "INSERT INTO entry SELECT (SELECT max(seq) FROM entry) + 1, alert, n + 1, kind, at, body, link, total FROM entry"
    f" WHERE seq = {CLAIMED}"
)
PUT_BACK = (
    "INSERT INTO sealed SELECT seq, 'home-3', CAST('{}' AS BLOB) FROM entry"
    " WHERE kind = 'raised' AND json_extract(CAST(body AS TEXT), '$.home') = 'home-3' ORDER BY seq LIMIT 1"
)
MOVED = f"UPDATE sealed SET body = (SELECT body FROM sealed WHERE seq = {OTHER}) WHERE seq = {NOTED}"

PLANTED: tuple[tuple[str, tuple[str, ...], Fault], ...] = (
    ("another person is said to have claimed it", (BY,), ALTERED),
    ("it is said to have been a year before", (EARLIER,), ALTERED),
    ("a listed moment is moved, the entry itself is not", (f"UPDATE entry SET at = at - 30 WHERE seq = {CLAIMED}",), ALTERED),
    ("an entry is listed as another kind", (f"UPDATE entry SET kind = 'acked' WHERE seq = {CLAIMED}",), ALTERED),
    ("an entry is listed under another alert", (f"UPDATE entry SET alert = 'x' || alert WHERE seq = {ONE}",), ALTERED),
    ("a link is overwritten", (f"UPDATE entry SET link = randomblob(32) WHERE seq = {ONE}",), ALTERED),
    ("the chain over all is overwritten", (f"UPDATE entry SET total = randomblob(32) WHERE seq = {ONE}",), MISSING),
    ("an entry cannot be read any more", (f"UPDATE entry SET body = x'00' WHERE seq = {ONE}",), ALTERED),
    ("an entry in the middle is gone", (f"DELETE FROM sealed WHERE seq = {ONE}", f"DELETE FROM entry WHERE seq = {ONE}"), MISSING),
    ("the last entry of an alert is gone", (f"DELETE FROM sealed WHERE seq = {LAST}", f"DELETE FROM entry WHERE seq = {LAST}"), MISSING),
    ("a whole alert is gone", (f"DELETE FROM entry WHERE alert = {A}",), MISSING),
    ("two entries of an alert have changed places", (
        f"UPDATE entry SET n = -n WHERE alert = {A} AND n IN (3, 4)", f"UPDATE entry SET n = 7 + n WHERE alert = {A} AND n < 0",
    ), ALTERED),
    ("two entries of the archive have changed places", SWAPPED, ALTERED),
    ("an entry was put in", (PUT_IN,), REORDERED),
    ("a text was written anew", (f"UPDATE sealed SET body = CAST('{{\"text\":\"\\\"fine\\\"\"}}' AS BLOB) WHERE seq = {NOTED}",), TEXT),
    ("a text is gone, and nobody erased it", (f"DELETE FROM sealed WHERE seq = {NOTED}",), TEXT),
    ("a text lies beside another entry", (MOVED,), TEXT),
    ("a home's key is another one", ("UPDATE subject SET key = randomblob(32) WHERE home = 'home-1'",), TEXT),
    ("a home's key is gone", ("DELETE FROM subject WHERE home = 'home-1'",), TEXT),
    ("an erased home has a text again", (PUT_BACK,), TEXT),
    ("an anchor was overwritten", ("UPDATE anchor SET total = randomblob(32) WHERE day = '2026-11-02'",), ANCHOR),
    ("an anchor is gone", ("DELETE FROM anchor WHERE day = '2026-11-03'",), ANCHOR),
    ("an anchor counts less", ("UPDATE anchor SET entries = entries - 1 WHERE day = '2026-11-02'",), ANCHOR),
)  # fmt: skip


@pytest.mark.parametrize(("words", "fault"), [pytest.param(sql, fault, id=what) for what, sql, fault in PLANTED])
def test_each_planted_manipulation_is_found(week: tuple[Path, Operations], tmp_path: Path, words: tuple[str, ...], fault: Fault) -> None:
    data = copied(week[0], tmp_path / "data")
    change(data, *words)
    assert fault in {finding.fault for finding in verify(data, journal=False).findings}


FORGED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("one claim is another person's", (BY,)),
    ("an alert never was", (
        f"DELETE FROM sealed WHERE seq IN (SELECT seq FROM entry WHERE alert = {A})", f"DELETE FROM entry WHERE alert = {A}",
    )),
    ("what an alert ended with never was", (f"DELETE FROM sealed WHERE seq = {LAST}", f"DELETE FROM entry WHERE seq = {LAST}")),
)  # fmt: skip


@pytest.mark.parametrize("words", [pytest.param(sql, id=what) for what, sql in FORGED])
def test_a_chain_made_anew_throughout_is_betrayed_by_the_journal_and_by_an_anchor_that_was_kept(
    week: tuple[Path, Operations], tmp_path: Path, words: tuple[str, ...],
) -> None:  # fmt: skip
    data = copied(week[0], tmp_path / "data")
    anchor = verify(data).anchors[-1]
    change(data, *words)
    chained_anew(data)
    assert verify(data, journal=False).good, "the forger was thorough"
    assert not verify(data).good
    assert {f.fault for f in verify(data, kept={anchor.day: anchor.total}, journal=False).findings} == {ANCHOR}


def test_entries_cut_off_behind_the_last_anchor_are_missed_in_the_journal(week: tuple[Path, Operations], tmp_path: Path) -> None:
    data = copied(week[0], tmp_path / "data")
    newest = "(SELECT max(seq) FROM entry WHERE kind != 'f:erase')"
    change(data, f"DELETE FROM sealed WHERE seq = {newest}", f"DELETE FROM entry WHERE seq = {newest}")
    assert MISSING in {finding.fault for finding in verify(data).findings}


def test_a_changed_line_of_the_anchors_beside_is_found(week: tuple[Path, Operations], tmp_path: Path) -> None:
    data = copied(week[0], tmp_path / "data")
    lines = (data / ANCHORS).read_bytes().splitlines(keepends=True)
    (data / ANCHORS).write_bytes(b"".join(lines[:-1]))
    assert {finding.fault for finding in verify(data).findings} == {ANCHOR}
    (data / ANCHORS).write_bytes(b"not a line of it\n")
    assert {finding.fault for finding in verify(data).findings} == {ANCHOR}


def test_whoever_was_erased_is_gone_from_the_file_and_the_chain_still_holds(week: tuple[Path, Operations]) -> None:
    data, _ = week
    [erased] = verify(data).erased
    assert (erased.home, erased.by) == (GONE, "wang.wei")
    assert erased.entries > 10
    with closing(sqlite3.connect(data / NAME)) as file:
        assert file.execute("SELECT count(*) FROM sealed WHERE subject = ?", (GONE,)).fetchone() == (0,)
        assert file.execute("SELECT count(*) FROM subject WHERE home = ?", (GONE,)).fetchone() == (0,)
        [text] = file.execute("SELECT body FROM sealed WHERE subject = 'home-1' LIMIT 1").fetchone()
    kept = whole(data)
    assert text in kept, "those who were not erased can be read, so the search for the others means something"
    assert "虚构住户3".encode() not in kept


def test_erased_texts_do_not_stay_in_the_pages_of_the_file(tmp_path: Path) -> None:
    played = Operations(seed=9, days=1, homes=1, calls_a_day=12).play()
    played.put(tmp_path)
    archived(tmp_path, played.commits)
    said = "已电话联系，声音正常".encode()
    assert said in whole(tmp_path)
    for alert in [alert.id for alert in played.engine.alerts.values() if alert.open]:
        played.asks(Close(alert, "assistance_given", "the home is given up"), "li")
    done = len(played.commits)
    played.asks(RetireHome(HomeId("home-0")), "admin")
    played.asks(EraseResident(HomeId("home-0"), "asked"), "admin")
    archived(tmp_path, played.commits[done:])
    assert said not in whole(tmp_path)


def whole(data: Path) -> bytes:
    return b"".join(path.read_bytes() for path in data.glob(f"{NAME}*"))


def test_the_same_journal_and_keys_give_the_same_chain_however_it_is_cut_into_batches(tmp_path: Path) -> None:
    played = Operations(seed=2, days=2, homes=3).play()
    first, again = tmp_path / "first", tmp_path / "again"
    for data in (first, again):
        data.mkdir()
    archived(first, played.commits)
    with closing(sqlite3.connect(first / NAME)) as file:
        keys = file.execute("SELECT home, key FROM subject").fetchall()
    archive = Archive(again, ZONE, lambda: True)
    archive.open()
    archive.close()
    with closing(sqlite3.connect(again / NAME, isolation_level=None)) as file:
        file.executemany("INSERT INTO subject VALUES (?, ?)", keys)
    for begin in range(0, len(played.commits), 37):  # each time as after a crash
        archived(again, played.commits[max(begin - 5, 0) : begin + 37])
    rows: list[list[object]] = []
    for data in (first, again):
        with closing(sqlite3.connect(data / NAME)) as file:
            tables = ("entry", "sealed", "anchor")
            rows.append([file.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in tables])
    assert rows[0] == rows[1]
    assert (first / ANCHORS).read_bytes() == (again / ANCHORS).read_bytes()


def test_what_was_taken_and_not_written_is_let_go_of(tmp_path: Path) -> None:
    played = Operations(seed=2, days=1, homes=3).play()
    archive = Archive(tmp_path, ZONE, lambda: True)
    archive.open()
    for commit in played.commits[:40]:
        archive.take(commit)
    assert archive.open() == 0
    archive.close()
    archived(tmp_path, played.commits)
    played.put(tmp_path)
    assert verify(tmp_path).good


def test_numbers_that_retention_took_first_are_said_and_are_no_finding(tmp_path: Path) -> None:
    played = Operations(seed=2, days=2, homes=3).play()
    cut = len(played.commits) // 2
    archived(tmp_path, played.commits[:50])
    archive = Archive(tmp_path, ZONE, lambda: True)
    position = archive.open()
    archive.missed()
    for commit in played.commits[cut:]:
        archive.take(commit)
    archive.write(played.commits[-1].last_seq)
    archive.close()
    found = verify(tmp_path, journal=False)
    assert found.gaps == ((position + 1, played.commits[cut].first_seq - 1),)
    assert found.good


def test_no_text_and_no_name_stands_in_the_open(week: tuple[Path, Operations]) -> None:
    data, _ = week
    with closing(sqlite3.connect(data / NAME)) as file:
        bodies = b"".join(body for (body,) in file.execute("SELECT body FROM entry"))
    assert bodies.isascii(), "the residents of these tests are called in Chinese"
    entry = msgspec.json.decode(bodies[: bodies.index(b"}}{") + 2]) if b"}}{" in bodies else {}
    assert {"actor", "at", "service_at", "wall_at", "boottime", "boot_id", "rule_version"} <= entry.keys()


def test_where_nothing_was_kept_yet_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoEvidence):
        verify(tmp_path)


# --- the commands behind it ------------------------------------------------------------------------------------------------------


def test_a_home_that_is_lived_in_cannot_be_erased() -> None:
    home = Household()
    with pytest.raises(IllegalTransition):
        home.asks(EraseResident(HOME, "by mistake"))


def test_after_an_erasure_the_state_knows_nobody_and_a_snapshot_of_it_neither() -> None:
    home = Household()
    home.says("cord", pull_cord=True)
    [alert] = home.open()
    home.asks(Close(alert.id, "real_emergency", ""))
    home.asks(RetireHome(HOME))
    [fact] = home.asks(EraseResident(HOME, " asked "))
    assert fact == ResidentErased(home.now, Actor("li"), HOME, "asked")
    row = home.engine.snapshot(f"home/{HOME}")
    for word in ("王桂芳", "卧室", "12栋402"):
        assert word.encode() not in row
    home.waits(86_400)
    assert not home.open()


def test_a_near_miss_is_reviewed_long_after_its_alert_is_forgotten() -> None:
    home = Household()
    [fact] = home.asks(ReviewNearMiss(AlertId("gone"), HOME, Outcome.STAFFING, " two at night "), by="lead")
    assert fact == NearMissReviewed(AlertId("gone"), home.now, HOME, Actor("lead"), Outcome.STAFFING, "two at night")
