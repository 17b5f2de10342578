"""The folder that a service judges by, read as far as it can be: for the tools, which go on behind a mistake."""

from pathlib import Path

import msgspec

from alerting.policy import EscalationFile
from alerting.rules import DispositionFile, Ruleset
from config import ConfigError, survey
from config import files_of as rules_of
from devices.catalog import Models
from gateway.rules.lint import Tested
from gateway.rules.source import Gathered, Source, gather, overlay, read
from gateway.rules.trials import files_of as tests_of
from gateway.rules.trials import gather_tests


class Judged(msgspec.Struct):
    """`beside`: the ruleset without its rules. `mistakes`: in what lies beside the rules, and in the tests."""

    folder: Path
    beside: Ruleset
    gathered: Gathered
    tests: list[Tested]
    mistakes: list[ConfigError]

    @property
    def ruleset(self) -> Ruleset:
        return overlay(self.beside, self.gathered)


def judged(folder: Path) -> Judged:
    """Raises nothing: what cannot be read is a mistake, and the rest is there."""
    escalation = survey(folder / "escalation.toml", EscalationFile)
    dispositions = survey(folder / "dispositions.toml", DispositionFile)
    models = survey(folder / "models.toml", Models)
    mistakes = [*escalation.mistakes, *dispositions.mistakes, *models.mistakes]
    beside = Ruleset(
        policies=escalation.value.policies if escalation.value else (),
        targets=escalation.value.targets if escalation.value else (),
        dispositions=dispositions.value.dispositions if dispositions.value else (),
        models=models.value.model if models.value else (),
    )
    sources: list[Source] = []
    try:
        sources, unread = read(rules_of(folder / "rules"))
        mistakes += unread
    except ConfigError as problem:
        mistakes.append(problem)
    texts, unread = read(tests_of(folder / "rules"))
    tests, wrong = gather_tests(texts)
    return Judged(folder, beside, gather(sources), tests, [*mistakes, *unread, *wrong])
