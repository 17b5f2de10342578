"""What judging goes by, from files: rules, escalation, dispositions, models, and which channels reach whom."""

from datetime import UTC
from pathlib import Path

from alerting.assembly import RulesetError, assemble
from alerting.caring.prompts import PromptFile
from alerting.policy import EscalationFile
from alerting.rules import DispositionFile, RuleFile, Ruleset
from config import DEFAULTS, ConfigError, load, load_all
from devices.catalog import Catalog, Models
from gateway.clock import MACHINE
from gateway.notify.settings import load_notify
from gateway.problem import CommandFailed
from gateway.settings import Settings


def folder_of(settings: Settings) -> Path:
    return Path(settings.judging) if settings.judging else DEFAULTS


def load_models(settings: Settings) -> Catalog:
    try:
        return Catalog(load(folder_of(settings) / "models.toml", Models).model)
    except ConfigError as problem:
        raise CommandFailed(str(problem)) from problem


def load_ruleset(settings: Settings) -> Ruleset:
    """The whole of it, checked; CommandFailed names the file, the key and what is wrong, or what does not fit together."""
    folder = folder_of(settings)
    prompts = folder / "prompts.toml"
    channels = {t.name: t.channels for t in load_notify(Path(settings.notify)).targets} if settings.notify else {}
    offset = MACHINE.wall().astimezone(settings.zone).utcoffset() or UTC.utcoffset(None)
    try:
        return assemble(
            load_all(folder / "rules", RuleFile),
            load(folder / "escalation.toml", EscalationFile),
            load(folder / "dispositions.toml", DispositionFile),
            load(folder / "models.toml", Models).model,
            channels=channels,
            utc_offset_minutes=int(offset.total_seconds() // 60),
            uncertified=settings.certification.uncertified,
            prompts=load(prompts, PromptFile) if prompts.exists() else None,
        )
    except ConfigError as problem:
        raise CommandFailed(str(problem)) from problem
    except RulesetError as problem:
        raise CommandFailed(f"{folder}: {'; '.join(problem.problems)}") from problem
