"""What became of requests for help, who may be asked, and what is told to whom; facts under the rule of `alerting.facts`."""

from datetime import datetime

import msgspec

from alerting.caring.help_records import Event, HelpId, HelpRequest, HelpStage, Responder, ResponderId
from alerting.terms import Actor, AlertId, NotificationId, Sentence
from devices.home import HomeId, PersonId


class ResponderSet(msgspec.Struct, frozen=True, array_like=True, tag="f:rsp"):
    """The record as it is from here on. It belongs to no home: `home` is empty."""

    at: datetime
    by: Actor
    home: HomeId
    responder: Responder


class ResponderRetired(msgspec.Struct, frozen=True, array_like=True, tag="f:rsp-"):
    at: datetime
    by: Actor
    home: HomeId
    responder: ResponderId


class HelpAsked(msgspec.Struct, frozen=True, array_like=True, tag="hlp+"):
    at: datetime
    by: Actor
    home: HomeId
    request: HelpRequest


class HelpAnswered(msgspec.Struct, frozen=True, array_like=True, tag="hlp="):
    """How far it has come, as the responder says, or somebody who spoke with them."""

    at: datetime
    by: Actor
    home: HomeId
    request: HelpId
    stage: HelpStage
    word: str = ""


class HelpReminded(msgspec.Struct, frozen=True, array_like=True, tag="hlp~"):
    """Nobody has answered it: somebody rings, or asks another."""

    at: datetime
    home: HomeId
    request: HelpId


class HelpOverdue(msgspec.Struct, frozen=True, array_like=True, tag="hlp>"):
    """It was to be done by now, and is not."""

    at: datetime
    home: HomeId
    request: HelpId


class HelpRated(msgspec.Struct, frozen=True, array_like=True, tag="hlp*"):
    """The resident's word on it."""

    at: datetime
    by: Actor
    home: HomeId
    request: HelpId
    stars: int
    opinion: str = ""


class MessageRequested(msgspec.Struct, frozen=True, array_like=True, tag="msg"):
    """Tell somebody through a channel what is no alert: a request for help, a safety prompt. Sent again, it is the same."""

    notification: NotificationId
    at: datetime
    home: HomeId
    channel: str
    event: Event
    title: Sentence
    text: Sentence
    person: PersonId | None = None
    """Somebody of the home, by whose own number they are told; None: whomever the channel's settings name."""
    help: HelpId = HelpId("")

    @property
    def alert(self) -> AlertId:
        """None: it stands in no alert's timeline."""
        return AlertId("")


class MessageEnded(msgspec.Struct, frozen=True, array_like=True, tag="msgd"):
    notification: NotificationId
    at: datetime
    home: HomeId
    delivered: bool
    attempts: int
    detail: str


HelpFact = ResponderSet | ResponderRetired | HelpAsked | HelpAnswered | HelpReminded | HelpOverdue | HelpRated
MessageFact = MessageRequested | MessageEnded
