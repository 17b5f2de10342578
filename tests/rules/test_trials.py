"""Rule tests as data: those that come with Anju pass, and one that does not says where it went another way."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.rules.folder import judged
from gateway.rules.moments import moment, span, written
from gateway.rules.play import play
from gateway.rules.source import Source
from gateway.rules.trials import gather_tests, play_all
from tests.judging import ROOT

HELD = judged(ROOT / "config")
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def test_every_shipped_test_passes() -> None:
    failed = [one.outcome for one in play_all(HELD.tests, HELD.ruleset) if not one.outcome.passed]
    assert failed == []
    assert len(HELD.tests) > 30


def lines(text: str) -> list[str]:
    (test,), mistakes = gather_tests([Source(Path("x.test.toml"), text)])
    assert mistakes == []
    return list(play(test.test, HELD.ruleset).lines)


WATCH = '[[test]]\nname = "x"\nabout = ["heart-rate-low"]\ndevices = { watch = { model = "anju-watch-1" } }\n'
LOW = 'says = [{ at = "5m", device = "watch", values = { heart_rate = 38 } }]\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (WATCH + LOW, ["+ not expected at 5m: raises 'heart-rate-low'"]),
        (WATCH + 'expect = [{ at = "5m", raises = "heart-rate-low" }]', ["- expected at 5m: raises 'heart-rate-low', and it did not"]),
        (WATCH + LOW + 'expect = [{ at = "4m", raises = "heart-rate-low" }]', ["- expected at 4m: raises", "+ came at 5m"]),
        (WATCH + LOW + 'expect = [{ at = "4m", within = "2m", raises = "heart-rate-low" }]', []),
        (WATCH + LOW + 'expect = [{ at = "5m", raises = "heart-rate-low", priority = 1 }]', ["with priority 1", "+ it has priority 2"]),
        (WATCH + LOW + 'expect = [{ at = "5m", raises = "heart-rate-low", says = "血压" }]', ["and says '血压'", "+ it says"]),
        (WATCH + LOW + 'ignore = ["heart-rate-low"]', []),
        (WATCH + LOW + 'only = ["fall"]', []),
        (WATCH + 'says = [{ at = "5x", device = "watch", values = { heart_rate = 70 } }]', ["cannot be played: '5x' is neither a span"]),
        (WATCH + 'says = [{ at = "5m", device = "wach", values = { heart_rate = 70 } }]', ["there is no device 'wach'"]),
        (WATCH.replace("anju-watch-1", "anju-wtch") + LOW, ["there is no model 'anju-wtch'"]),
        (WATCH.replace("watch =", '"手表" ='), ["cannot be registered: '手表' is not 1 to 64"]),
        (WATCH + 'expect = [{ at = "5m" }]', ["exactly one of raises"]),
        (WATCH + 'does = [{ at = "5m", close = "fall" }]', ["has no open alert of 'fall'"]),
        (WATCH + 'says = [{ at = "5m", device = "watch", every = "1m", values = { heart_rate = 70 } }]', ["needs a span over 0"]),
    ],
)
def test_a_failure_is_told_as_what_was_expected_and_what_came(text: str, told: list[str]) -> None:
    found = lines(text)
    assert len(found) == len(told), found
    assert all(part in line for part, line in zip(told, found, strict=True)), found


def test_a_test_that_fails_is_exit_1_with_its_file_line_and_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.test.toml"
    path.write_text("# mine\n\n" + WATCH + LOW, encoding="utf-8")
    assert main(["rules", "test", str(path)]) == 1
    told = capsys.readouterr().out
    assert told.startswith(f"{path}:3: x\n    + not expected at 5m: raises 'heart-rate-low'")
    assert told.endswith("1 test, 1 failed\n")
    path.write_text(WATCH + LOW + 'expect = [{ at = "5m", raises = "heart-rate-low" }]', encoding="utf-8")
    assert main(["rules", "test", str(path)]) == 0
    path.write_text(WATCH.replace("about", "abuot"), encoding="utf-8")
    assert main(["rules", "test", str(path)]) == 1
    assert "did you mean 'about'?" in capsys.readouterr().err
    path.write_text(
        WATCH + LOW.replace("heart_rate", "heart_rat") + 'expect = [{ at = "5m", raises = "fall", category = "fal" }]', encoding="utf-8",
    )
    assert main(["rules", "test", str(path)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"anju: {path}:5: test[0].says[0].values.heart_rat: Invalid enum value 'heart_rat'; did you mean 'heart_rate'?",
        f"anju: {path}:6: test[0].expect[0].category: Invalid enum value 'fal'; did you mean 'fall'?",
    ]


def test_a_draft_is_tested_laid_over_the_rules_that_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draft = tmp_path / "draft.toml"
    draft.write_text('remove = ["heart-rate-low"]\n', encoding="utf-8")
    path = tmp_path / "mine.test.toml"
    path.write_text(WATCH + LOW, encoding="utf-8")
    assert main(["rules", "test", str(path), "--rules", str(draft)]) == 0
    assert capsys.readouterr().out == "1 test, all passed\n"


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1h 30m", 5400), ("2d", 172_800), ("1h30m", 5400), ("0s", 0), ("1.5 s", 1.5)],
)
def test_spans_are_written_as_people_write_them(text: str, seconds: float) -> None:
    assert span(text) == timedelta(seconds=seconds)


def test_a_moment_is_a_span_or_a_time_of_a_day_of_the_story() -> None:
    assert moment("09:15", START) == START.replace(hour=9, minute=15)
    assert moment("day 3 07:40", START) == START.replace(day=4, hour=7, minute=40)
    assert [written(moment(text, START), START) for text in ("0s", "1h 5s", "day 3 07:40:30")] == ["0s", "1h 5s", "day 3 07:40:30"]
    for wrong in ("", "day 1 07:00", "25:00", "soon", "-5m"):
        with pytest.raises(ValueError, match=r"neither|before|hour|must"):
            moment(wrong, START)
