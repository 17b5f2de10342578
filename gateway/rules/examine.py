"""A draft that was brought to the service, examined in a process of its own: what is wrong with it, and what its tests come to.

`python -m gateway.rules.examine` reads a `Wish` and writes a `Verdict`, both msgpack: no console waits while it works.
"""

import asyncio
import os
import sys
from pathlib import Path

import msgspec

from alerting.rulebook import rules_version
from alerting.rules import Rule, Ruleset
from gateway.rules.folder import judged
from gateway.rules.lint import Finding, Tested, lint, of_mistake
from gateway.rules.play import play
from gateway.rules.source import Source, gather, overlay
from gateway.rules.trials import gather_tests, play_all

NICENESS = 15
LONGEST_S = 120.0
REFUSED = frozenset({"mistake", "whole", "no_policy", "no_chinese", "test"})
"""Findings that a version may not have; the others are shown with it."""


class Wish(msgspec.Struct, frozen=True):
    """`held` is what holds; `judging` the folder whose tests count as well."""

    held: Ruleset
    text: str
    tests: str
    judging: str


class Verdict(msgspec.Struct, frozen=True):
    """`version`: of the rules that the draft comes to; empty where it is refused."""

    findings: tuple[Finding, ...]
    tests: int
    rules: tuple[Rule, ...] = ()
    version: str = ""

    @property
    def refused(self) -> bool:
        return any(finding.kind in REFUSED for finding in self.findings)


def examine(wish: Wish) -> Verdict:
    """Everything at once. A test of the folder about a rule that the draft changes speaks of the old one: told, and no refusal.

    Neither is one that fails without the draft as well.
    """
    gathered = gather([Source(Path("rules"), wish.text)])
    given, mistakes = gather_tests([Source(Path("tests"), wish.tests)] if wish.tests.strip() else [])
    names = {one.test.name for one in given}
    beside = [one for one in judged(Path(wish.judging)).tests if one.test.name not in names]
    findings = [of_mistake(mistake) for mistake in mistakes]
    found = lint(wish.held, gathered, [*beside, *given])
    findings += (one for one in found if one.file != "" and not _of_others(one, beside))
    if not gathered.placed and not gathered.remove and not findings:
        findings.append(Finding("whole", "rules", 0, "", "", "says nothing: neither a rule nor one to remove"))
    if any(one.kind in REFUSED for one in findings):
        return Verdict(tuple(findings), 0)
    ruleset = overlay(wish.held, gathered)
    changed = {placed.rule.id for placed in gathered.placed} | {id_ for id_, _, _ in gathered.remove}
    played = 0
    for one in play_all([*beside, *given], ruleset):
        played += 1
        if not one.outcome.passed:
            own = one.tested in given or (not changed.intersection(one.outcome.about) and play(one.tested.test, wish.held).passed)
            findings.append(_failed(one.tested, one.outcome.lines, "test" if own else "old_test"))
    if any(one.kind in REFUSED for one in findings):
        return Verdict(tuple(findings), played)
    return Verdict(tuple(findings), played, ruleset.rules, rules_version(ruleset.rules))


def _of_others(finding: Finding, beside: list[Tested]) -> bool:
    """What is wrong with a test of the folder is not the draft's fault."""
    return any(finding.file == str(one.path) for one in beside)


def _failed(tested: Tested, lines: tuple[str, ...], kind: str) -> Finding:
    told = "; ".join(lines)
    return Finding(kind, tested.path.name, tested.line, "", "", f"test {tested.test.name!r}: {told}")


async def examined(wish: Wish) -> Verdict:
    """`examine` in a process of its own; TimeoutError, or RuntimeError where that ended without a verdict."""
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway.rules.examine", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(LONGEST_S):
            told, _ = await worker.communicate(msgspec.msgpack.encode(wish))
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()
    if worker.returncode:
        raise RuntimeError(f"examining the rules ended with {worker.returncode}")
    return msgspec.msgpack.decode(told, type=Verdict)


def main() -> None:
    os.nice(NICENESS)
    wish = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Wish)
    sys.stdout.buffer.write(msgspec.msgpack.encode(examine(wish)))


if __name__ == "__main__":
    main()
