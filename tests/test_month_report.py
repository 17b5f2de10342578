"""The month's figures: counted from the evidence, and the same as somebody else counts from the journal; on paper and in a workbook too."""

import json
import statistics
from collections import Counter
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from alerting.facts import AcknowledgementLapsed, AlertClosed
from alerting.record_commands import ReviewNearMiss
from alerting.record_facts import Outcome
from gateway.__main__ import main
from gateway.evidence.course import Course
from gateway.evidence.load import load
from gateway.evidence.report import Report, Wish, report, span
from tests import recount
from tests.evidence import ZONE, archived
from tests.operations_month import FIRST, Operations

FALSE = ("false_cooking", "false_device", "false_person")
MONTH = "2026-11"
END = FIRST + timedelta(days=30)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Operations, Report]:
    data = tmp_path_factory.mktemp("month")
    played = Operations(seed=11).play()
    late = next(entry for commit in played.commits for entry in commit.entries if isinstance(entry, AcknowledgementLapsed))
    played.asks(ReviewNearMiss(late.alert, late.home, Outcome.STAFFING, "夜班只有一人"), "lead")
    archived(data, played.commits)
    return data, played, report(Wish(str(data), MONTH, str(ZONE), FALSE))


@pytest.fixture(scope="module")
def cases(month: tuple[Path, Operations, Report]) -> list[recount.Case]:
    return recount.cases(month[1].commits, FIRST, END)


Month = tuple[Path, Operations, Report]


def test_as_many_were_raised_and_answered_in_time_as_the_journal_says(month: Month, cases: list[recount.Case]) -> None:
    found = month[2]
    waits = [case.wait for case in cases if case.wait is not None]
    assert found.answering.count == len(cases) > 300
    assert any(isinstance(case.answer, AlertClosed) for case in cases)
    assert found.answering.answered == len(waits)
    assert found.answering.within_60_s == pytest.approx(sum(w <= 60 for w in waits) / len(cases), abs=5e-5)
    assert found.answering.within_180_s == pytest.approx(sum(w <= 180 for w in waits) / len(cases), abs=5e-5)
    assert found.answering.max_s == max(waits)
    assert found.answering.p50_s == pytest.approx(statistics.median_low(waits))
    for area in {case.raised.area for case in cases}:
        there = [case for case in cases if case.raised.area == area]
        assert found.by_area[area].count == len(there)
        assert found.by_area[area].within_60_s == pytest.approx(sum((c.wait or 1e9) <= 60 for c in there) / len(there), abs=5e-5)
    assert {name: some.count for name, some in found.by_category.items()} == Counter(case.raised.category.value for case in cases)


def test_each_operator_has_what_they_answered_and_closed(month: Month, cases: list[recount.Case]) -> None:
    theirs = {name: (p.answered, p.within_60_s, p.closed) for name, p in month[2].by_operator.items()}
    assert theirs == recount.by_operator(cases)
    assert len(theirs) == 3


def test_the_phases_and_the_days_are_those_of_the_journal(month: Month, cases: list[recount.Case]) -> None:
    found = month[2]
    assert found.phases["available"].count == len(cases)
    assert found.phases["arrived"].count == recount.arrivals(cases)
    closed = [(case.closed.at - case.raised.at).total_seconds() for case in cases if case.closed]
    assert (found.phases["closed"].count, found.phases["closed"].max_s) == (len(closed), max(closed))
    assert {day.day: day.count for day in found.days} == recount.per_day(cases, ZONE)


def test_the_share_of_false_alarms_is_by_cause_and_by_model(month: Month, cases: list[recount.Case]) -> None:
    found = month[2]
    ended = [(case.model, case.closed.disposition) for case in cases if case.closed]
    assert found.by_disposition == Counter(word for _, word in ended)
    assert found.false == sum(word in FALSE for _, word in ended)
    for model in ("cord", "smoke"):
        mine = [word for of, word in ended if of == model]
        assert (found.by_model[model].closed, found.by_model[model].false) == (len(mine), sum(word in FALSE for word in mine))


def test_the_load_of_alarms_is_that_of_the_journal(month: Month, cases: list[recount.Case]) -> None:
    found = month[2].load
    moments = recount.rings(cases, FIRST, END)
    counts = recount.ten_minutes(moments, FIRST)
    assert (found.count, found.peak_10_min) == (len(moments), max(counts))
    assert found.flood_minutes == recount.flood_minutes(counts) > 0
    assert found.per_hour == pytest.approx(len(moments) / 720, abs=5e-4)
    assert found.chattering == sum(map(recount.chatters, cases)) > 0
    assert sum(source.count for source in found.top) <= found.count
    sources = Counter((case.raised.rule, case.raised.home) for case in cases for _ in recount.rings([case], FIRST, END))
    assert found.top[0].count == sources.most_common(1)[0][1]


def test_each_near_miss_is_named_and_none_else(month: Month, cases: list[recount.Case]) -> None:
    found = month[2]
    last = month[1].commits[-1].stamp.service_at
    expected = {str(case.raised.alert): missed for case in cases if (missed := recount.missed(case, last))}
    assert {miss.alert: {str(one) for one in miss.misses} for miss in found.near_misses} == expected
    assert {"late", "forgotten", "undelivered"} == set().union(*expected.values())
    [review] = [miss.review for miss in found.near_misses if miss.review]
    assert (review.outcome, review.by, found.reviewed) == ("staffing", "lead", 1)


def test_the_shell_gives_the_same_numbers_and_writes_them_on_paper_and_in_a_workbook(
    month: Month, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    data, _, found = month
    pdf, xlsx = tmp_path / "r.pdf", tmp_path / "r.xlsx"
    assert main(["report", "--data", str(data), "--month", MONTH, "--json", "--pdf", str(pdf), "--xlsx", str(xlsx)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["answering"]["within_60_s"] == found.answering.within_60_s
    assert said["load"]["count"] == found.load.count
    assert len(said["near_misses"]) == len(found.near_misses)
    assert pdf.read_bytes().startswith(b"%PDF-1.")
    assert b"STSong-Light" in pdf.read_bytes()
    book = openpyxl.load_workbook(BytesIO(xlsx.read_bytes()))
    sheet = book["应答 Answering"]
    assert [cell.value for cell in sheet[2]][:3] == ["全部 All", found.answering.count, found.answering.answered]
    assert sheet.cell(2, 5).value == found.answering.within_60_s
    assert book["险些失误 Near misses"].max_row == len(found.near_misses) + 1
    assert book["前十来源 Top ten"].cell(2, 4).value == found.load.top[0].count


def test_a_month_that_is_none_and_a_folder_without_evidence_are_said(
    month: Month, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for none in ("2026-13", "2026-1", "0000-01", "next", ""):
        with pytest.raises(SystemExit) as wrong:
            main(["report", "--data", str(month[0]), "--month", none])
        assert wrong.value.code == 2
    assert main(["report", "--data", str(tmp_path), "--month", MONTH]) == 1
    said = capsys.readouterr().err
    assert "YYYY-MM" in said
    assert "no evidence" in said


def test_a_month_begins_where_its_people_live(month: Month) -> None:
    assert span("2026-11", ZONE) == (FIRST, END)
    assert span("2026-12", ZONE)[1] == datetime(2026, 12, 31, 16, tzinfo=UTC)
    berlin = span("2026-03", ZoneInfo("Europe/Berlin"))
    assert (berlin[1] - berlin[0]) == timedelta(days=31, hours=-1)
    empty = report(Wish(str(month[0]), "2025-01", str(ZONE), FALSE))
    assert (empty.answering.count, empty.false_share, empty.load.per_hour) == (0, None, 0.0)


FLOODS: tuple[tuple[str, list[int], list[tuple[int, int]]], ...] = (
    ("nine in ten minutes are none", [9], []),
    ("ten are one", [10], [(10, 10)]),
    ("it goes on while there are five or more", [10, 5, 7, 4, 5], [(30, 22)]),
    ("five without a beginning are none", [5, 5, 5], []),
    ("two of them, with a pause", [11, 0, 12, 6], [(10, 11), (20, 18)]),
)


@pytest.mark.parametrize(("counts", "floods"), [pytest.param(counts, floods, id=what) for what, counts, floods in FLOODS])
def test_a_flood_begins_with_ten_in_ten_minutes_and_ends_under_five(counts: list[int], floods: list[tuple[int, int]]) -> None:
    rings = [FIRST + timedelta(minutes=10 * n, seconds=i) for n, count in enumerate(counts) for i in range(count)]
    courses = [Course(f"a{i}", "h", at, at, rings=[at], occurrences=[at], closed_at=at) for i, at in enumerate(rings)]
    found = load(courses, FIRST, FIRST + timedelta(hours=2))
    assert [(flood.minutes, flood.count) for flood in found.floods] == floods


def test_an_alert_of_days_is_standing_and_three_in_a_minute_chatter() -> None:
    day, at = timedelta(days=1), FIRST
    long_ = Course("a", "h", at, at, rings=[at], occurrences=[at], closed_at=at + day + timedelta(seconds=1))
    short = Course("b", "h", at, at, rings=[at], occurrences=[at + timedelta(seconds=s) for s in (0, 30, 60)], closed_at=at + day)
    found = load([long_, short], FIRST, FIRST + 3 * day)
    assert (found.standing, found.chattering) == (1, 1)

