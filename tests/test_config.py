"""Files of a county: read strictly, refused in one line that names file, key and reason."""

import math
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from alerting.assembly import RulesetError, assemble, problems_of
from alerting.policy import EscalationFile
from alerting.rule_head import Template
from alerting.rules import DispositionFile, LowBattery, RuleFile, Silence, Threshold
from alerting.terms import Category
from config import DEFAULTS, ConfigError, files_of, load, load_all, survey
from config.lines import lines_of, place
from devices.observation import Property
from tests.household import DEFAULT, MODELS

RULE = """
[[rule]]
kind = "threshold"
id = "co"
category = "gas"
priority = 1
property = "co"
at_least = 100
clear = 30
for = "PT10M"
title = { zh = "一氧化碳", en = "CO" }
reason = { zh = "{value}", en = "{value}" }
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(folder: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as error:
        load(written(folder, text), RuleFile)
    assert str(error.value).startswith(str(folder / "rules.toml"))
    assert "\n" not in str(error.value)
    return error.value


def test_a_rule_is_read_as_the_kind_it_names(tmp_path: Path) -> None:
    (rule,) = load(written(tmp_path, RULE), RuleFile).rules
    assert isinstance(rule, Threshold)
    assert (rule.property, rule.at_least, rule.hold.total_seconds()) == (Property.CO, 100, 600)


@pytest.mark.parametrize(
    ("old", "new", "key", "reason"),
    [
        ("priority = 1", 'priority = "high"', "rule[0].priority", "Expected `int`"),
        ("priority = 1", "priority = 7", "rule[0].priority", "Invalid enum value 7"),
        ('property = "co"', 'property = "carbon"', "rule[0].property", "Invalid enum value 'carbon'"),
        ('kind = "threshold"', 'kind = "magic"', "rule[0].kind", "Invalid value 'magic'"),
        ("clear = 30\n", "", "rule[0]", "missing required field `clear`"),
        ("at_least", "at_lest", "rule[0].at_lest", "not a key"),
        ('for = "PT10M"', 'for = "10 minutes"', "rule[0].for", "ISO8601"),
        ('{ zh = "一氧化碳", en = "CO" }', '{ zh = "一氧化碳", eng = "CO", en = "CO" }', "rule[0].title.eng", "not a key"),
    ],
)
def test_a_mistake_is_told_with_its_key_and_reason(tmp_path: Path, old: str, new: str, key: str, reason: str) -> None:
    assert old in RULE
    error = refused(tmp_path, RULE.replace(old, new))
    assert (error.key, reason in error.reason) == (key, True), str(error)


def test_what_is_no_toml_no_utf8_or_no_file_is_told_too(tmp_path: Path) -> None:
    assert "line 1" in refused(tmp_path, "= x").reason
    assert "nested too deeply" in refused(tmp_path, f"x = {'[' * 2000}{']' * 2000}").reason
    assert "is not TOML: Exceeds the limit" in refused(tmp_path, f"x = {'9' * 5000}").reason
    path = tmp_path / "latin.toml"
    path.write_bytes(b'a = "\xe9"')
    with pytest.raises(ConfigError, match="not UTF-8 at byte 5"):
        load(path, RuleFile)
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "missing.toml", RuleFile)
    path.write_bytes(b"\xef\xbb\xbf" + RULE.encode())
    assert load(path, RuleFile) is not None, "an editor of Windows marks its files"
    with pytest.raises(ConfigError, match=r"holds no \.toml file"):
        load_all(tmp_path / "empty", RuleFile)


def test_what_comes_with_anju_is_in_order_and_serves_every_category() -> None:
    assert problems_of(DEFAULT) == ()
    assert {c for p in DEFAULT.policies for c in p.categories} == set(Category)
    assert len(DEFAULT.version) == 12


def test_the_version_follows_the_content_and_nothing_else() -> None:
    rules, escalation = load_all(DEFAULTS / "rules", RuleFile), load(DEFAULTS / "escalation.toml", EscalationFile)
    dispositions = load(DEFAULTS / "dispositions.toml", DispositionFile)
    one = assemble(rules, escalation, dispositions, MODELS)
    assert one == assemble(rules, escalation, dispositions, MODELS)
    assert one.version != assemble(rules[1:], escalation, dispositions, MODELS).version
    assert one.version != assemble(rules, escalation, dispositions, MODELS, channels={"supervisor": ("mail",)}).version


def test_a_ruleset_survives_the_journal() -> None:
    packed = msgspec.msgpack.encode(DEFAULT)
    assert msgspec.msgpack.decode(packed, type=type(DEFAULT)) == DEFAULT


def test_all_problems_are_told_together() -> None:
    with pytest.raises(RulesetError) as error:
        assemble([], EscalationFile(policies=()), DispositionFile(()), (), channels={"nobody": ("mail",)})
    assert len(error.value.problems) == len(Category) + 2
    assert "category fire is served by 0 policies, and needs exactly one" in error.value.problems
    assert "target 'nobody' has channels and is not defined" in error.value.problems


def rule(id_: str) -> Threshold | LowBattery | Silence:
    found = next(r for r in DEFAULT.rules if r.id == id_)
    assert isinstance(found, Threshold | LowBattery | Silence)
    return found


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        (replace(rule("spo2-low"), clear=91), "clear is not over at_most"),
        (replace(rule("co-100"), clear=100), "clear is not under at_least"),
        (replace(rule("co-100"), at_most=3), "needs either at_least or at_most"),
        (replace(rule("co-100"), property=Property.SMOKE), "is a boolean"),
        (replace(rule("battery-low"), clear=15), "clear is not over at_most"),
        (replace(rule("hub-silent"), factor=0.5), "factor is under 1"),
        (replace(rule("hub-silent"), policy="nobody"), "there is no policy 'nobody'"),
        (replace(rule("spo2-low"), title=Template("{who}", "x")), "unknown field who"),
        (replace(rule("spo2-low"), title=Template("{", "x")), "title: zh:"),
        (replace(rule("spo2-low"), title=Template("x", " ")), "title: en: empty"),
        (replace(rule("spo2-low"), title=Template("{value:.1f}", "x")), "written as its name alone"),
        (replace(rule("spo2-low"), reason=Template("x", "{value!q}")), "written as its name alone"),
        (replace(rule("co-100"), at_least=math.nan), "at_least is no finite number"),
        (replace(rule("co-100"), clear=-math.inf), "clear is no finite number"),
        (replace(rule("battery-low"), at_most=math.nan), "at_most is no finite number"),
        (replace(rule("co-100"), hold=timedelta(days=10**6)), "for is over 366 days"),
        (replace(rule("hub-silent"), factor=math.nan), "factor is under 1"),
        (replace(rule("hub-silent"), factor=1e300), "factor is under 1"),
        (replace(rule("hub-silent"), grace=timedelta.max), "grace is over 366 days"),
        (replace(rule("spo2-low"), id="co-100"), "defined 2 times"),
    ],
)
def test_each_mistake_across_files_is_named(changed: Threshold, problem: str) -> None:
    rules = tuple(changed if r.id == changed.id else r for r in DEFAULT.rules)
    if changed.id == "co-100" and "2 times" in problem:
        rules = (*DEFAULT.rules, changed)
    assert any(problem in line for line in problems_of(replace(DEFAULT, rules=rules))), problems_of(replace(DEFAULT, rules=rules))


def test_a_span_without_end_is_refused_before_it_can_stop_the_service() -> None:
    endless = timedelta.max
    policies = tuple(replace(p, repeat_after=endless, steps=(*p.steps, replace(p.steps[-1], after=endless))) for p in DEFAULT.policies)
    models = tuple(replace(m, heartbeat=endless) for m in DEFAULT.models)
    problems = problems_of(replace(DEFAULT, policies=policies, models=models))
    for what in ("repeat_after is over 366 days", "a step: after is over 366 days", "heartbeat is over 366 days"):
        assert any(what in line for line in problems), problems


# --- all mistakes of a file at once --------------------------------------------------------------------------------------------


def test_every_mistake_of_a_file_is_told_with_its_line(tmp_path: Path) -> None:
    text = RULE.replace("priority = 1", 'priority = "high"').replace("at_least", "at_lest").replace('"PT10M"', '"ten"')
    text += RULE.replace('property = "co"', 'property = "smok"').replace("clear = 30\n", "")
    found = survey(written(tmp_path, text), RuleFile)
    assert [(m.line, m.key) for m in found.mistakes] == [
        (6, "rule[0].priority"), (8, "rule[0].at_lest"), (10, "rule[0].for"), (14, "rule[1]"), (19, "rule[1].property"),
    ]  # fmt: skip
    assert "did you mean 'at_least'?" in found.mistakes[1].reason
    assert "did you mean 'smoke'?" in found.mistakes[4].reason
    assert str(found.mistakes[0]).startswith(f"{tmp_path / 'rules.toml'}:6: rule[0].priority: ")


def test_what_is_right_in_a_file_with_mistakes_can_still_be_looked_at(tmp_path: Path) -> None:
    found = survey(written(tmp_path, RULE.replace("priority = 1", "priority = 9") + RULE), RuleFile)
    assert found.value is not None
    assert [rule.id for rule in found.value.rules] == ["co"]


def test_a_sound_file_has_no_mistakes_and_its_keys_have_lines(tmp_path: Path) -> None:
    for path in files_of(DEFAULTS / "rules"):
        assert survey(path, RuleFile).mistakes == []
    text = 'a = 1\n[b]\nc = [\n  1,\n  2,\n]\n"d.e" = { f = 1 }\n[[g]]\nh = """\n[no]\n"""\n[g.i]\nj = 1\n'
    text += "[[g]]\nh = 2\n[g.i]\nj = 2\n[[k.l]]\nm = 1\n"
    lines = lines_of(text)
    assert (lines["a"], lines["b.c"], lines["b.c[1]"], lines["b.d.e.f"], lines["g[0].h"]) == (1, 3, 3, 7, 9)
    assert (lines["g[0].i.j"], lines["g[1]"], lines["g[1].h"], lines["g[1].i.j"], lines["k.l[0].m"]) == (13, 14, 15, 17, 19)
    assert "no" not in lines
    assert (place(lines, "g[1].i.missing"), place(lines, "nowhere")) == (16, 0)
