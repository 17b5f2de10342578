"""Requests for help of one home, and what was to be told about them: folds of facts, parts of the home's care."""

from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from alerting.caring.help_facts import (
    HelpAnswered,
    HelpAsked,
    HelpFact,
    HelpOverdue,
    HelpRated,
    HelpReminded,
    ResponderRetired,
    ResponderSet,
)
from alerting.caring.help_records import Help, HelpId, HelpRequest, HelpStage, Reached, Responder, ResponderId

ENDED_KEPT = 40
"""Of a home, the latest ones."""
SOON = frozenset({Help.URGENT, Help.MEDICAL})
ANSWER_SOON, ANSWER = timedelta(minutes=10), timedelta(minutes=60)
"""How long a request waits for an answer before somebody is reminded."""


class Helping(msgspec.Struct, array_like=True):
    responders: dict[ResponderId, Responder] = {}
    """Only in what belongs to no home."""
    open: dict[HelpId, HelpRequest] = {}
    """Oldest first."""
    ended: tuple[HelpRequest, ...] = ()
    """The latest ones, oldest first."""

    def copy(self) -> "Helping":
        return Helping(dict(self.responders), dict(self.open), self.ended)

    def request(self, id_: HelpId) -> HelpRequest | None:
        return self.open.get(id_) or next((request for request in reversed(self.ended) if request.id == id_), None)

    def apply(self, fact: HelpFact) -> None:
        match fact:
            case ResponderSet(responder=responder):
                self.responders[responder.id] = responder
            case ResponderRetired(responder=id_):
                self.responders.pop(id_, None)
            case HelpAsked(request=request) if self.request(request.id) is None:
                self.open[request.id] = replace(request, steps=(Reached(HelpStage.ASKED, fact.at, fact.by),))
            case HelpAnswered() if fact.request in self.open:
                before, step = self.open[fact.request], Reached(fact.stage, fact.at, fact.by, fact.word)
                if step in before.steps:
                    return
                after = replace(before, steps=(*before.steps, step))
                self.open[after.id] = after
                if not after.open:
                    del self.open[after.id]
                    self.ended = (*self.ended, after)[-ENDED_KEPT:]
            case HelpReminded(request=id_) if id_ in self.open:
                self.open[id_] = replace(self.open[id_], reminded=True)
            case HelpOverdue(request=id_) if id_ in self.open:
                self.open[id_] = replace(self.open[id_], overdue=True)
            case HelpRated():
                self.ended = tuple(
                    replace(one, stars=fact.stars, opinion=fact.opinion) if one.id == fact.request else one for one in self.ended
                )
            case _:
                pass

    def moments(self) -> list[datetime]:
        """When something of it is due."""
        found = []
        for request in self.open.values():
            if not request.reminded and request.stage is HelpStage.ASKED:
                found.append(answer_by(request))
            if not request.overdue:
                found.append(request.due_at)
        return found


def answer_by(request: HelpRequest) -> datetime:
    """When somebody is reminded that nobody has answered."""
    return request.steps[0].at + (ANSWER_SOON if request.help in SOON else ANSWER)


