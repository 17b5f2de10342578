"""Rules as texts: files or what was uploaded, read as far as they can be, laid over the rules that hold.

A draft says what it changes: a rule whose id is known takes that one's place, a new one is added, `remove` takes away. With
`whole = true` it is all the rules there are.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from alerting.assembly import problems_of
from alerting.rulebook import with_rules
from alerting.rules import Rule, Ruleset
from config import ConfigError, survey_text

_NAMED = re.compile(r"([a-z_][a-z_0-9]*(?:\.[a-z]+)?)(?:: ([a-z_0-9]+)\b)?")
TEXT_LIMIT = 512 * 1024
"""Bytes of a draft."""


class Draft(msgspec.Struct, frozen=True):
    """What a file of rules may hold."""

    rules: tuple[Rule, ...] = msgspec.field(name="rule", default=())
    remove: tuple[str, ...] = ()
    whole: bool = False


class Source(msgspec.Struct, frozen=True):
    """`path` is what its mistakes call it; it need not exist."""

    path: Path
    text: str


class Placed(msgspec.Struct, frozen=True):
    """A rule that can be read, and where it stands. `lines`: of its own keys, such as `hours` and `reason.zh`."""

    rule: Rule
    path: Path
    line: int
    lines: dict[str, int] = {}

    def line_of(self, message: str) -> int:
        """The line of the key that a message about the rule begins with; else the rule's own."""
        named = _NAMED.match(message)
        path, inner = named.groups() if named else ("", None)
        return self.lines.get(f"{path}.{inner}") or self.lines.get(path) or self.line


class Gathered(msgspec.Struct):
    """`wounded`: ids of rules with a mistake in them, which are not looked at any further: one mistake is told once."""

    placed: list[Placed] = []
    remove: list[tuple[str, Path, int]] = []
    whole: bool = False
    mistakes: list[ConfigError] = []
    wounded: set[str] = set()


def read(paths: Iterable[Path]) -> tuple[list[Source], list[ConfigError]]:
    """The texts of files, and a mistake for each that cannot be read."""
    sources, mistakes = [], []
    for path in paths:
        try:
            sources.append(Source(path, path.read_text(encoding="utf-8-sig")))
        except OSError as problem:
            mistakes.append(ConfigError(path, "", problem.strerror or "cannot be read"))
        except UnicodeDecodeError as problem:
            mistakes.append(ConfigError(path, "", f"is not UTF-8 at byte {problem.start}"))
    return sources, mistakes


def gather(sources: Iterable[Source]) -> Gathered:
    """Every rule that can be read, and every mistake in the others, in the order of the files."""
    found = Gathered()
    for source in sources:
        survey = survey_text(source.text, source.path, Draft)
        found.mistakes += survey.mistakes
        tables = _tables(source.text)
        for index, table in enumerate(tables):
            key = f"rule[{index}]"
            line = survey.at(key, "").line
            if any(_within(mistake.key, key) for mistake in survey.mistakes):
                if isinstance(table, dict) and isinstance(id_ := table.get("id"), str):
                    found.wounded.add(id_)
            else:
                lines = {name: survey.at(f"{key}.{name}", "").line for name in _names(table)}
                found.placed.append(Placed(msgspec.convert(table, Rule), source.path, line, lines))
        if survey.value is not None:
            found.remove += [(id_, source.path, survey.at(f"remove[{i}]", "").line) for i, id_ in enumerate(survey.value.remove)]
            found.whole = found.whole or survey.value.whole
    return found


def overlay(base: Ruleset, gathered: Gathered) -> Ruleset:
    """The ruleset with these rules laid over its own, under the version that its content has."""
    fresh = {placed.rule.id: placed.rule for placed in gathered.placed}
    gone = {id_ for id_, _, _ in gathered.remove}
    kept = () if gathered.whole else tuple(fresh.pop(rule.id, rule) for rule in base.rules if rule.id not in gone)
    return with_rules(base, (*kept, *fresh.values()))


def problems(ruleset: Ruleset, gathered: Gathered) -> list[ConfigError]:
    """What does not fit together, each at the rule that it is about where it is about one."""
    places = {placed.rule.id: placed for placed in gathered.placed}
    told = []
    for line in problems_of(ruleset):
        place = next((p for id_, p in places.items() if line.startswith(f"rule {id_!r}")), None)
        if place is None:
            told.append(ConfigError(Path("ruleset"), "", line))
        else:
            told.append(ConfigError(place.path, "", line, place.line_of(line.removeprefix(f"rule {place.rule.id!r}: "))))
    return told


def _tables(text: str) -> list[object]:
    try:
        found = tomllib.loads(text).get("rule", [])
    except (ValueError, RecursionError):  # the survey of the same text has told it
        return []
    return found if isinstance(found, list) else []


def _names(table: object, at: str = "") -> Iterator[str]:
    if isinstance(table, dict):
        for name, value in table.items():
            yield f"{at}{name}"
            yield from _names(value, f"{at}{name}.")


def _within(key: str, of: str) -> bool:
    return key == of or key.startswith((f"{of}.", f"{of}["))

