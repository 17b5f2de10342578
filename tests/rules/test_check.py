"""`./anju rules check`: everything that is wrong with rules, at once, each with its place and what was probably meant."""

import json
from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.rules.folder import judged
from gateway.rules.lint import Finding, lint
from gateway.rules.source import Source, gather
from tests.judging import ROOT, judging

WORDS = 'title = { zh = "一氧化碳", en = "CO" }\nreason = { zh = "{home}一氧化碳", en = "CO in {home}" }\n'


def rule(id_: str, body: str, words: str = WORDS) -> str:
    return f'[[rule]]\nid = "{id_}"\n{body}\n{words}\n'


TEN = "".join((
    'remove = ["co-333"]\n',
    rule("one", 'kind = "treshold"\ncategory = "gas"\npriority = 1\nproperty = "co"\nat_least = 100\nclear = 30'),
    rule("two", 'kind = "threshold"\ncategory = "gas"\npriority = "high"\nproperty = "co"\nat_lest = 100\nclear = 30\nfor = "ten minutes"'),
    rule("three", 'kind = "threshold"\ncategory = "gas"\npriority = 1\nproperty = "carbon"\nat_least = 100'),
    rule("four", 'kind = "threshold"\ncategory = "health"\npriority = 2\npolicy = "nobody"\nproperty = "spo2"\nat_most = 80\nclear = 70'),
    rule("five", 'kind = "trigger"\ncategory = "water"\npriority = 2\nproperties = ["water_leak"]',
         'title = { zh = "leak", en = "Leak" }\nreason = { zh = "漏水", en = "{who}" }\n'),
))  # fmt: skip


def findings(text: str) -> list[Finding]:
    held = judged(ROOT / "config")
    return lint(held.ruleset, gather([Source(Path("draft.toml"), text)]), held.tests)


def test_ten_mistakes_in_a_file_are_ten_messages_at_once_each_with_line_and_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draft = tmp_path / "draft.toml"
    draft.write_text(TEN, encoding="utf-8")
    assert main(["rules", "check", str(draft)]) == 1
    told = capsys.readouterr().out
    for wanted in (
        f"{draft}:1: remove: there is no rule 'co-333' to remove; did you mean 'co-300'?",
        f"{draft}:4: rule[0].kind: Invalid value 'treshold'; did you mean 'threshold'?",
        "rule[1].priority: Expected `int`",
        "rule[1].at_lest: is not a key that is known here; did you mean 'at_least'?",
        "rule[1].for: Invalid ISO8601 duration",
        "rule[2].property: Invalid enum value 'carbon'",
        "rule[2]: Object missing required field `clear`",
        "rule 'four': there is no policy 'nobody'",
        "rule 'four': clear is not over at_most",
        "rule 'five': title.zh has no Chinese text",
        "rule 'five': reason: en: unknown field who",
        "rule 'five': watches for the same as rule 'water-leak'",
    ):
        assert wanted in told
    assert all(str(draft) in line for line in told.splitlines()[:-1]), told


def test_what_is_wrong_with_a_rule_as_a_whole_stands_at_the_line_of_its_key_with_what_was_meant() -> None:
    text = """[[rule]]
kind = "threshold"
id = "faint"
category = "health"
priority = 2
policy = "lif"
hours = ["08:00-25:00"]
property = "heart_rate"
at_least = 150
clear = 180
for = "P400D"
title = { zh = "心率", en = "Heart rate" }
[rule.reason]
zh = "{hoem}心率"
en = "Heart rate in {home}"
[[rule]]
kind = "combination"
id = "both"
category = "fire"
priority = 1
of = [["smok"], ["heat"]]
within = "PT10M"
title = { zh = "火", en = "Fire" }
reason = { zh = "火", en = "{home" }
"""
    told = {(one.line, one.message.partition(": ")[2].partition("; known")[0]) for one in findings(text)}
    assert {
        (1, "there is no policy 'lif' (did you mean 'life'?)"),
        (7, "hours: '25:00' is no time of day such as 08:00"),
        (10, "clear is not under at_least"),
        (11, "for is over 366 days"),
        (14, "reason: zh: unknown field hoem (did you mean 'home'?)"),
        (16, "there is no rule 'smok' for it to follow (did you mean 'smoke'?)"),
        (24, "reason: en: expected '}' before end of string"),
    } <= told


@pytest.mark.parametrize("folder", [".", "/"])
def test_a_folder_where_a_draft_is_meant_is_told_in_one_line(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "check", folder]) == 1
    assert capsys.readouterr().out.splitlines()[0] == f"{folder}: Is a directory"


def test_what_comes_with_anju_has_no_finding(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["rules", "check", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (code, told["findings"], told["ok"]) == (0, [], True)
    assert told["rules"] > 20


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        (rule("x", 'kind = "threshold"\ncategory = "health"\npriority = 2\nproperty = "spo2"\nat_most = 91\nclear = 93\nmatter = "m"'),
         "overlap", "watches for the same as rule 'spo2-low'"),
        (rule("x", 'kind = "trigger"\ncategory = "fire"\npriority = 1\nproperties = ["smoke", "heat_alarm"]'), "overlap", "watches smoke"),
        (rule("x", 'kind = "threshold"\ncategory = "health"\npriority = 2\nproperty = "spo2"\nat_least = 150\nclear = 90\nmatter = "m"'),
         "unreachable", "never at or over 150"),
        (rule("x", 'kind = "threshold"\ncategory = "gas"\npriority = 1\nproperty = "co"\nat_least = 400\nclear = 30\nfor = "PT1M"'),
         "unreachable", "rule 'co-300' has raised the same alert by then"),
        (rule("x", 'kind = "silence"\ncategory = "technical"\npriority = 4\nkinds = ["door"]'), "unreachable", "an earlier rule"),
        (rule("x", 'kind = "trigger"\ncategory = "technical"\npriority = 4\nproperties = ["vibration"]'), "unreachable", "no model"),
        (rule("x", 'kind = "trigger"\ncategory = "technical"\npriority = 4\nproperties = ["vibration"]'), "no_test", "no test expects it"),
        (rule("smoke", 'kind = "trigger"\ncategory = "fire"\npriority = 2\nproperties = ["smoke"]'), "whole", "under the safety floor"),
        ('remove = ["smoke"]\n', "whole", "names rule 'smoke', which there is not"),
        ("", "", ""),
    ],
)  # fmt: skip
def test_each_oddity_is_told_as_what_it_is(text: str, kind: str, message: str) -> None:
    found = findings(text)
    if not kind:
        assert found == []
    assert kind == "" or any(one.kind == kind and message in one.message for one in found), found


def test_a_folder_whose_escalation_is_broken_is_told_so_and_its_rules_are_looked_at_all_the_same(tmp_path: Path) -> None:
    folder = judging(tmp_path, [0.0, 60.0])
    (folder / "escalation.toml").write_text('[[policy]]\nid = "x"\ncategorys = ["fire"]\n', encoding="utf-8")
    (folder / "rules" / "vitals.test.toml").write_text('[[test]]\nname = "x"\nabot = ["spo2-low"]\nabout = []\n', encoding="utf-8")
    held = judged(folder)
    assert {mistake.key for mistake in held.mistakes} == {"policy[0].categorys", "policy[0]", "test[0].abot"}
    assert len(held.gathered.placed) > 20
    kinds = {one.kind for one in lint(held.beside, held.gathered, held.tests)}
    assert {"no_policy", "no_test"} <= kinds


def test_wrong_usage_is_exit_2_and_a_folder_without_rules_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["rules", "examine"])
    assert ended.value.code == 2
    assert main(["rules", "check", "--judging", str(tmp_path)]) == 1
    assert "is no folder to judge by" in capsys.readouterr().err
