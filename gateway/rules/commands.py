"""`./anju rules check` and `./anju rules test`, as a person in front of a shell sees them."""

import argparse
import sys
from pathlib import Path

import msgspec

from alerting.rules import Ruleset
from config import DEFAULTS, TESTS, ConfigError
from gateway.judging import folder_of
from gateway.operations.commands import settings_for
from gateway.operations.pace import Bar
from gateway.problem import CommandFailed
from gateway.rules.folder import judged
from gateway.rules.lint import Tested, lint, of_mistake
from gateway.rules.source import Gathered, gather, overlay, read
from gateway.rules.trials import Played, gather_tests, play_all


def rules(asked: argparse.Namespace) -> int:
    if asked.what == "check":
        return check(asked)
    if asked.what == "test":
        return test(asked)
    from gateway.rules.backtest.command import backtest  # noqa: PLC0415 - it reads journals, the others need none

    return backtest(asked)


def folder_for(asked: argparse.Namespace) -> Path:
    """The folder of `--judging`, or that of the service; what comes with Anju where neither is named."""
    if asked.judging is not None:
        folder: Path = asked.judging
    elif asked.config is not None or asked.data is not None:
        folder = folder_of(settings_for(asked.config, asked.data))
    else:
        folder = DEFAULTS
    if not (folder / "rules").is_dir():
        raise CommandFailed(f"{folder} is no folder to judge by: it has no rules/")
    return folder


def check(asked: argparse.Namespace) -> int:
    """Of the whole folder; of drafts alone, as they are when they are laid over it, where files are named."""
    held = judged(folder_for(asked))
    findings = [of_mistake(mistake) for mistake in held.mistakes] if not asked.files else []
    if asked.files:
        drafts, tests, mistakes = _drafts(asked.files)
        findings += [of_mistake(mistake) for mistake in mistakes]
        findings += lint(held.ruleset, drafts, [*held.tests, *tests])
        count = len(drafts.placed)
    else:
        findings += lint(held.beside, held.gathered, held.tests)
        count = len(held.gathered.placed)
    if asked.json:
        _say(msgspec.json.encode({"ok": not findings, "rules": count, "findings": findings}).decode())
        return 1 if findings else 0
    for finding in findings:
        _say(str(finding))
    _say(f"{count} rules, {_many(len(findings), 'finding')}" if findings else f"{count} rules, nothing found")
    return 1 if findings else 0


def test(asked: argparse.Namespace) -> int:
    """All tests of the folder; those of the files that are named, on the rules of the folder with the drafts laid over them."""
    held = judged(folder_for(asked))
    ruleset, tests, mistakes = held.ruleset, held.tests, list(held.mistakes)
    if asked.rules:
        drafts, beside, unread = _drafts(asked.rules)
        mistakes += [*unread, *drafts.mistakes]
        ruleset, tests = overlay(ruleset, drafts), [*tests, *beside]
    if asked.files:
        texts, unread = read(asked.files)
        tests, wrong = gather_tests(texts)
        mistakes = [*unread, *wrong]
    if mistakes:
        raise CommandFailed("\n".join(map(str, mistakes)))
    bar = Bar("rule tests", len(tests))
    played: list[Played] = []
    try:
        for one in play_all(tests, ruleset):
            played.append(one)
            bar.add(1)
    finally:
        bar.close()
    failed = [one for one in played if not one.outcome.passed]
    if asked.json:
        _say(msgspec.json.encode({"ok": not failed, "version": ruleset.version, "tests": [_told(one) for one in played]}).decode())
        return 1 if failed else 0
    for one in failed:
        _say(f"{one.tested.path}:{one.tested.line}: {one.outcome.test}")
        for line in one.outcome.lines:
            _say(f"    {line}")
    _say(f"{_many(len(played), 'test')}, {len(failed)} failed" if failed else f"{_many(len(played), 'test')}, all passed")
    return 1 if failed else 0


class Told(msgspec.Struct, frozen=True):
    """A played test as `--json` says it."""

    file: str
    line: int
    name: str
    about: tuple[str, ...]
    passed: bool
    lines: tuple[str, ...]


def _told(one: Played) -> Told:
    tested, outcome = one.tested, one.outcome
    return Told(str(tested.path), tested.line, outcome.test, outcome.about, outcome.passed, outcome.lines)


def _drafts(paths: list[Path]) -> tuple[Gathered, list[Tested], list[ConfigError]]:
    """Drafts, and the tests that lie beside them (`draft.test.toml` beside `draft.toml`)."""
    sources, mistakes = read(path for path in paths if not path.name.endswith(TESTS))
    beside = [path.parent / (path.name.removesuffix(".toml") + TESTS) for path in paths if not path.name.endswith(TESTS)]
    texts, unread = read([*(path for path in beside if path.is_file()), *(path for path in paths if path.name.endswith(TESTS))])
    tests, wrong = gather_tests(texts)
    return gather(sources), tests, [*mistakes, *unread, *wrong]


def draft_over(ruleset: Ruleset, paths: list[Path]) -> Ruleset:
    """The ruleset with drafts laid over it; CommandFailed names every mistake in them."""
    drafts, _, mistakes = _drafts(paths)
    wrong = [of_mistake(mistake) for mistake in mistakes]
    wrong += [finding for finding in lint(ruleset, drafts, []) if finding.kind in ("mistake", "whole", "no_policy")]
    if wrong:
        raise CommandFailed("\n".join(map(str, wrong)))
    return overlay(ruleset, drafts)


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
