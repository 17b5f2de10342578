"""Safety prompts as data (`config/prompts.toml`): what is said to a home and its family that is no alert, when, to whom, how often."""

from datetime import timedelta
from enum import StrEnum
from typing import NewType

import msgspec

from alerting.rule_head import Template

PromptId = NewType("PromptId", str)


class Quiet(StrEnum):
    """What becomes of a prompt in the quiet hours."""

    AT_ONCE = "at_once"
    """There is danger now: it is said at any hour."""
    WAIT = "wait"
    """It is said when they are over, unless the matter is over by then."""
    DROP = "drop"
    """It would mean nothing in the morning."""


class Audience(StrEnum):
    HOME = "home"
    """Every device of the home that has a voice or a screen."""
    RESIDENT = "resident"
    """By the resident's own number."""
    FAMILY = "family"
    """Family and contacts who may be told at this hour, by their own numbers."""


class Prompt(msgspec.Struct, frozen=True):
    """Exactly one of `rules`, `untested_from` and `planned` says what it follows.

    What is said is the title, then in a message the sentence of what was found, and the advice.
    """

    id: PromptId
    title: Template
    advice: Template
    to: tuple[Audience, ...]
    quiet: Quiet
    rules: tuple[str, ...] = ()
    """An alert that one of these raises, or what one with `alerts = false` finds."""
    untested_from: int = 0
    """From this day of the month on, 9 o'clock: a device that calls for help, of which neither call nor test came this month."""
    planned: bool = False
    """Says the note of a plan of care with the errand `prompt`."""
    every: timedelta = timedelta(hours=24)
    """Of one device's matter, or the home's: not again before."""


class PromptFile(msgspec.Struct, frozen=True):
    """`config/prompts.toml`. `target`: the target of the escalation file whose channels lead to people."""

    quiet_hours: str = "21:00-08:00"
    """Local time."""
    most_a_day: int = 6
    """Of a home in 24 hours; what is said at once is never counted."""
    target: str = ""
    prompts: tuple[Prompt, ...] = msgspec.field(name="prompt", default=())
