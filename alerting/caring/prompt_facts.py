"""What safety prompts were said, put off or left out, and what a rule without an alert found; facts under the rule of `alerting.facts`."""

from datetime import datetime

import msgspec

from alerting.caring.prompts import PromptId
from alerting.terms import AlertId, Sentence
from devices.home import DeviceId, HomeId, PersonId


class PromptFound(msgspec.Struct, frozen=True, array_like=True, tag="prm?"):
    """A rule with `alerts = false` found what it looks for."""

    at: datetime
    home: HomeId
    rule: str
    device: DeviceId | None
    title: Sentence
    reason: Sentence
    cause: str
    """Tells one occurrence from another."""
    observed_at: datetime
    key: str = ""
    """As of a firing: the rule, or rule:device."""


class PromptPutOff(msgspec.Struct, frozen=True, array_like=True, tag="prm~"):
    """It came in the quiet hours, and is said at `until`."""

    at: datetime
    home: HomeId
    prompt: PromptId
    occasion: str
    subject: str
    """Prompt and device: what is not said twice within the prompt's `every`."""
    title: Sentence
    text: Sentence
    until: datetime
    alert: AlertId | None = None
    """What it follows: over by then, it is left out."""


class PromptSaid(msgspec.Struct, frozen=True, array_like=True, tag="prm+"):
    """It is said now: to these devices by a command, to these people by messages, each a fact behind this one."""

    at: datetime
    home: HomeId
    prompt: PromptId
    occasion: str
    subject: str
    title: Sentence
    text: Sentence
    devices: tuple[DeviceId, ...] = ()
    people: tuple[PersonId, ...] = ()
    counted: bool = True
    """Against what a home is told in a day."""


class PromptDropped(msgspec.Struct, frozen=True, array_like=True, tag="prm-"):
    """It is not said, and why."""

    at: datetime
    home: HomeId
    prompt: PromptId
    occasion: str
    subject: str
    title: Sentence
    why: Sentence


PromptFact = PromptFound | PromptPutOff | PromptSaid | PromptDropped
