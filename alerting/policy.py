"""Escalation policies as data: who is told, how many seconds after what, and how long a person may sit on it."""

from datetime import timedelta

import msgspec

from alerting.terms import Category

DESK = "desk"
"""The target that is the operators' screens: it rings there by being open, nothing has to be sent."""


class Step(msgspec.Struct, frozen=True):
    """`after`: from the beginning of the round."""

    after: timedelta
    targets: tuple[str, ...]


class Policy(msgspec.Struct, frozen=True):
    """What happens while nobody has an alert, and how long somebody may have it without a sign of life.

    The steps run once in each of `rounds` rounds; a round begins `repeat_after` behind the last step of the one before. After the last
    round the last step comes again every `keep_ringing`, for as long as the alert is open; None: it stays on the desk in silence.
    What stands under the safety floor rings at once and at least as often as `alerting.suppression` says, whatever stands here.
    """

    id: str
    steps: tuple[Step, ...] = msgspec.field(name="step")
    categories: tuple[Category, ...] = ()
    """The categories it serves unless a rule names another policy."""
    repeat_after: timedelta = timedelta(minutes=2)
    rounds: int = 1
    keep_ringing: timedelta | None = None
    claim_limit: timedelta = timedelta(minutes=2)
    """Claimed and not acknowledged by then: it belongs to everybody again, and the steps that became due meanwhile come."""
    acknowledge_limit: timedelta = timedelta(minutes=30)
    """Acknowledged and nothing done for so long (no note, response, transfer): it is triggered again, from the first step."""


class Target(msgspec.Struct, frozen=True):
    """A name in a step, and the channels of the gateway that reach it."""

    name: str
    zh: str = ""
    en: str = ""
    """How sentences call it; by its name where empty."""
    channels: tuple[str, ...] = ()


class EscalationFile(msgspec.Struct, frozen=True):
    """`config/escalation.toml`."""

    policies: tuple[Policy, ...] = msgspec.field(name="policy")
    targets: tuple[Target, ...] = msgspec.field(name="target", default=())
