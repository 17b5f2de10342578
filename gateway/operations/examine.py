"""Everything that is wrong with a configuration, told at once: the settings, the channels, the judging and what they name.

Each line says file, line, key, what is wrong, and what was probably meant. A value that is wrong is left out, and the rest is looked
at all the same.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from alerting.assembly import RulesetError, assemble
from alerting.caring.prompts import PromptFile
from alerting.policy import EscalationFile, Target
from alerting.rules import DispositionFile, RuleFile
from config import ConfigError, Survey, files_of, survey
from devices.catalog import Models
from gateway.clock import MACHINE
from gateway.judging import folder_of
from gateway.mqtt.keys import problem_of
from gateway.notify.settings import NotifyFile, survey_channels, survey_notify
from gateway.operations.configuration import structs
from gateway.problem import CommandFailed
from gateway.settings import Settings, beside, reveal, survey_settings


def settings_of(config: Path, environment: Mapping[str, str]) -> Settings:
    """The settings of a configuration without a mistake; CommandFailed with a line for each mistake there is."""
    settings, mistakes = examine(config, environment)
    if mistakes or settings is None:
        head = [f"{config}: {len(mistakes)} mistakes in the configuration"] if len(mistakes) > 1 else []
        raise CommandFailed("\n".join([*head, *mistakes]))
    return settings


def examine(config: Path, environment: Mapping[str, str]) -> tuple[Settings | None, list[str]]:
    """The settings as far as they can be read, and one line for each mistake in them and in the files they name."""
    found = survey_settings(config)
    if found.value is None:
        return None, [str(mistake) for mistake in found.mistakes]
    settings = found.value
    notify = _notify(found, settings, environment)
    judging = _judging(found, settings, notify)
    for key, reason in (*_secrets(settings, beside(config), environment), *_certificates(settings)):
        found.mistake(key, reason)
    mistakes = [*sorted(found.mistakes, key=lambda mistake: mistake.line), *(notify.mistakes if notify else []), *judging]
    return settings, [str(mistake) for mistake in mistakes]


def _notify(found: Survey[Settings], settings: Settings, environment: Mapping[str, str]) -> Survey[NotifyFile] | None:
    if not settings.notify:
        return None
    path = Path(settings.notify)
    if not path.is_file():
        found.mistake("notify", f"there is no file {path}")
        return None
    notify = survey_notify(path)
    survey_channels(notify, wall=MACHINE.wall, zone=_zone(settings), environment=environment)
    return notify


def _zone(settings: Settings) -> ZoneInfo:
    """Where the one that is named does not exist, which has been told, that of the defaults."""
    try:
        return settings.zone
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return Settings().zone


def _judging(found: Survey[Settings], settings: Settings, notify: Survey[NotifyFile] | None) -> list[ConfigError]:
    folder = folder_of(settings)
    if not folder.is_dir():
        found.mistake("judging", f"there is no folder {folder}")
        return []
    try:
        rules = [survey(path, RuleFile) for path in files_of(folder / "rules")]
    except ConfigError as problem:
        return [problem]
    escalation = survey(folder / "escalation.toml", EscalationFile)
    dispositions = survey(folder / "dispositions.toml", DispositionFile)
    models = survey(folder / "models.toml", Models)
    prompts = survey(folder / "prompts.toml", PromptFile) if (folder / "prompts.toml").exists() else None
    mistakes = [mistake for file in rules for mistake in file.mistakes]
    mistakes += [*escalation.mistakes, *dispositions.mistakes, *models.mistakes, *(prompts.mistakes if prompts else ())]
    if notify and notify.value and escalation.value and not escalation.mistakes:
        _targets(notify, notify.value, escalation.value.targets)
    if mistakes or not (escalation.value and dispositions.value and models.value):
        return mistakes
    try:
        assemble(
            [file.value for file in rules if file.value], escalation.value, dispositions.value, models.value.model,
            prompts=prompts.value if prompts else None,
        )  # fmt: skip
    except RulesetError as problem:
        return [_placed(line, folder, rules) for line in problem.problems]
    return []


def _targets(found: Survey[NotifyFile], notify: NotifyFile, known: tuple[Target, ...]) -> None:
    names = [target.name for target in known]
    for index, target in enumerate(notify.targets):
        if target.name not in names:
            near = get_close_matches(target.name, names, 1)
            meant = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}"
            found.mistake(f"target[{index}].name", f"no step of the escalation can name {target.name!r}; {meant}")


def _placed(line: str, folder: Path, files: list[Survey[RuleFile]]) -> ConfigError:
    """A problem of the whole, at the rule that it is about where it is about one."""
    for file in files:
        for index, rule in enumerate(file.value.rules if file.value else ()):
            if line.startswith(f"rule {rule.id!r}"):
                return file.at(f"rule[{index}]", line)
    return ConfigError(folder, "", line)


def _secrets(settings: Settings, folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, struct in structs(settings):
        for field in msgspec.structs.fields(struct):
            value: object = getattr(struct, field.name)
            if isinstance(value, str) and value.startswith(("env:", "file:")):
                try:
                    reveal(value, folder, environment)
                except ValueError as problem:
                    yield f"{key}{field.encode_name}", str(problem)


def _certificates(settings: Settings) -> Iterator[tuple[str, str]]:
    tls = settings.mqtt.tls
    if tls is None or not (problem := problem_of(tls)):
        return
    named = next((name for name in ("key", "certificate", "crl", "client_ca") if getattr(tls, name) and getattr(tls, name) in problem), "")
    yield f"mqtt.tls.{named}" if named else "mqtt.tls", problem
