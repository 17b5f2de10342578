"""What people and services ask about help; commands like those of `alerting.commands`."""

import msgspec

from alerting.caring.help_records import HelpId, HelpRequest, HelpStage, Responder, ResponderId
from devices.home import HomeId


class SetResponder(msgspec.Struct, frozen=True, array_like=True, tag="rsp+"):
    responder: Responder


class RetireResponder(msgspec.Struct, frozen=True, array_like=True, tag="rsp-"):
    """Nothing more is asked of them; what was asked stays."""

    responder: ResponderId


class AskHelp(msgspec.Struct, frozen=True, array_like=True, tag="hlp+"):
    """`request` without its steps: those are facts."""

    request: HelpRequest


class AnswerHelp(msgspec.Struct, frozen=True, array_like=True, tag="hlp="):
    home: HomeId
    request: HelpId
    stage: HelpStage
    word: str = ""


class RateHelp(msgspec.Struct, frozen=True, array_like=True, tag="hlp*"):
    home: HomeId
    request: HelpId
    stars: int
    opinion: str = ""


HelpCommand = SetResponder | RetireResponder | AskHelp | AnswerHelp | RateHelp
