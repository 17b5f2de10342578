"""Files of rule tests: read as strictly as the rules themselves, and played one after the other."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from alerting.rules import Ruleset
from config import TESTS, ConfigError, survey_text
from gateway.rules.lint import Tested
from gateway.rules.play import Outcome, play
from gateway.rules.source import Source
from gateway.rules.story import StoryFile


class Played(msgspec.Struct, frozen=True):
    """A test, where it stands, and what it came to."""

    tested: Tested
    outcome: Outcome


def files_of(folder: Path) -> list[Path]:
    """The files of tests in a folder of rules, by name."""
    return sorted(folder.glob(f"*{TESTS}"))


def gather_tests(sources: Iterable[Source]) -> tuple[list[Tested], list[ConfigError]]:
    """Every test of files that can be read, and every mistake in the others."""
    found: list[Tested] = []
    mistakes: list[ConfigError] = []
    for source in sources:
        survey = survey_text(source.text, source.path, StoryFile)
        mistakes += survey.mistakes
        if survey.value is None or survey.mistakes:
            continue
        found += (Tested(test, source.path, survey.at(f"test[{i}]", "").line) for i, test in enumerate(survey.value.tests))
    return found, mistakes


def play_all(tests: Iterable[Tested], ruleset: Ruleset) -> Iterable[Played]:
    """One after the other, as they are asked for."""
    return (Played(one, play(one.test, ruleset)) for one in tests)
