"""What the web process asks the alarm process about reaching people, on the control socket, and what it is told.

The alarm process has the channels and their secrets; the web process has the door. A provider's callback goes through as it came, and
is verified and read where the channel is; a person's answer by a link likewise. The edges do not know each other, only these words.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from alerting.caring.help_records import HelpId, HelpStage
from alerting.terms import Actor, Sentence, Stage
from devices.home import HomeId

CALLBACK_LIMIT = 256 * 1024
"""Bytes of a callback that are passed on: providers send a hundred reports at once, of some 300 bytes each."""

TOKEN_LONGEST = 64
"""Of a request for help."""

HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature", "content-type")
"""Of a callback's headers, those that a channel may have to look at."""


class Callback(msgspec.Struct, frozen=True, tag="callback"):
    """A provider, or a webhook's receiver, tells what became of what it was given. `key` is that of the address; names are lower case."""

    channel: str
    key: str
    headers: dict[str, str]
    body: bytes


class TryChannel(msgspec.Struct, frozen=True, tag="try"):
    """Send a test through a channel, and say how it went."""

    channel: str
    by: Actor


class LookAt(msgspec.Struct, frozen=True, tag="look"):
    """What a link shows; looking uses nothing up, since mail scanners and chat previews look first."""

    token: str


class AnswerBy(msgspec.Struct, frozen=True, tag="answer-by"):
    """Somebody answers by a link: accepts, or cannot come. `name` where the link was not for one person alone."""

    token: str
    stage: Stage
    name: str = ""


class AnswerHelp(msgspec.Struct, frozen=True, tag="answer-help"):
    """A service answers a request for help, by the token that came with it."""

    home: HomeId
    request: HelpId
    token: str
    stage: HelpStage
    word: str = ""


Wish = Callback | TryChannel | LookAt | AnswerBy | AnswerHelp


class CallbackAnswer(msgspec.Struct, frozen=True, tag="called"):
    """What the provider is told; it has its own words for "understood"."""

    status: int
    body: bytes
    media: str = "application/json"


class Tried(msgspec.Struct, frozen=True, tag="tried"):
    """`known` False: there is no such channel. `transient`: the same may work later. `busy_s`: it was tried only just before."""

    known: bool
    delivered: bool = False
    detail: str = ""
    transient: bool = False
    took_s: float = 0.0
    busy_s: float = 0.0


class LinkState(StrEnum):
    UNKNOWN = "unknown"
    """Nobody ever made it, or it was so long ago that nothing is known of it any more."""
    EXPIRED = "expired"
    CLOSED = "closed"
    """The alert is over: nobody has to come."""
    ANSWERED = "answered"
    OPEN = "open"


class Shown(msgspec.Struct, frozen=True, tag="shown"):
    """All that a link shows: which kind of alert, which home, when. No names, numbers, address, notes or reasons."""

    state: LinkState
    title: Sentence = Sentence("", "")
    home: str = ""
    raised_at: datetime | None = None
    answer: Stage | None = None
    """What was answered, where something was."""
    personal: bool = True
    """Whether it is known who answers."""
    helped: bool = False
    """Somebody has accepted already."""
    problem: Sentence | None = None
    """Why an answer was not taken."""


class HelpTaken(msgspec.Struct, frozen=True, tag="help"):
    """`known` False: there is no such request, or the token is not its own. `problem`: why the answer was not taken."""

    known: bool
    stage: HelpStage | None = None
    problem: Sentence | None = None


Granted = CallbackAnswer | Tried | Shown | HelpTaken


class Wished(msgspec.Struct, tag="wished"):
    id: int
    wish: Wish


class Grant(msgspec.Struct, tag="grant"):
    id: int
    granted: Granted
