"""What is planned for one home and what is open of it: a fold of facts, in the home's row.

A fact that it knows already changes nothing: the desk's view may be had back from a row that is newer than the journal's beginning.
"""

from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from alerting.caring.days import moment, next_day
from alerting.caring.facts import CareDone, CareDue, CareMissed, CareOverdue, CarePlanEnded, CarePlanSet, CareReminded, PlanFact
from alerting.caring.family import ConsentSet, Family, FamilyFact, FamilyLinkMade, FamilyLinkRevoked
from alerting.caring.help_facts import HelpFact, MessageEnded, MessageFact, MessageRequested
from alerting.caring.helping import Helping
from alerting.caring.prompt_facts import PromptDropped, PromptFact, PromptFound, PromptPutOff, PromptSaid
from alerting.caring.prompted import Prompted
from alerting.caring.records import CarePlan, Occasion, OccasionId, PlanId, Planned, State
from alerting.terms import NotificationId

SETTLED_KEPT = 60
"""Of a home: two months of a daily call. All of them are in the journal and its archive."""


class Care(msgspec.Struct, array_like=True):
    """Of one home. Homes that no fact was ever about have `NO_CARE` together: see `HomeState.own_care`."""

    plans: dict[PlanId, Planned] = {}
    open: dict[OccasionId, Occasion] = {}
    """Oldest first."""
    settled: tuple[Occasion, ...] = ()
    """The latest ones, oldest first."""
    changes: int = 0
    """Counts the facts, so that whoever reckons with it sees that it is another."""
    helping: Helping = msgspec.field(default_factory=Helping)
    messages: dict[NotificationId, MessageRequested] = {}
    """To be sent and not ended."""
    prompted: Prompted = msgspec.field(default_factory=Prompted)
    family: Family = msgspec.field(default_factory=Family)

    def copy(self) -> "Care":
        """Another one to go on with, while this one is being written down."""
        plans = {id_: replace(planned) for id_, planned in self.plans.items()}
        return Care(
            plans, dict(self.open), self.settled, self.changes, self.helping.copy(), dict(self.messages), self.prompted.copy(),
            self.family.copy(),
        )  # fmt: skip

    def apply(self, fact: PlanFact | HelpFact | MessageFact | PromptFact | FamilyFact) -> None:
        self.changes += 1
        match fact:
            case CarePlanSet(plan=plan):
                before = self.plans.get(plan.id)
                self.plans[plan.id] = Planned(plan, fact.since, _gone_through(before, plan))
            case CarePlanEnded(plan=plan_id):
                self.plans.pop(plan_id, None)
            case CareDue(occasion=occasion) if self.occasion(occasion.id) is None:
                self.open[occasion.id] = occasion
                if occasion.plan in self.plans:
                    self.plans[occasion.plan].upto = occasion.day
            case CareReminded(occasion=id_) if id_ in self.open:
                self.open[id_] = replace(self.open[id_], reminded=True)
            case CareOverdue(occasion=id_) if id_ in self.open:
                self.open[id_] = replace(self.open[id_], state=State.OVERDUE, reminded=True)
            case CareDone() | CareMissed():
                self._settle(fact)
            case MessageRequested():
                self.messages[fact.notification] = fact
            case MessageEnded():
                self.messages.pop(fact.notification, None)
            case PromptFound() | PromptPutOff() | PromptSaid() | PromptDropped():
                self.prompted.apply(fact)
            case ConsentSet() | FamilyLinkMade() | FamilyLinkRevoked():
                self.family.apply(fact)
            case _ if isinstance(fact, HelpFact):
                self.helping.apply(fact)
            case _:
                pass

    def _settle(self, fact: CareDone | CareMissed) -> None:
        occasion = self.open.pop(fact.occasion, None)
        if occasion is not None:
            state = State.DONE if isinstance(fact, CareDone) else State.MISSED
            over = replace(occasion, state=state, settled_at=fact.at, by=fact.by, word=fact.word)
            self.settled = (*self.settled, over)[-SETTLED_KEPT:]

    def occasion(self, id_: OccasionId) -> Occasion | None:
        """Open, or settled lately."""
        return self.open.get(id_) or next((o for o in reversed(self.settled) if o.id == id_), None)

    def next_at(self, shift: timedelta) -> datetime | None:
        """When something of it is due next; `shift` is local time minus service time."""
        moments = [moment(planned.plan, day, shift) for planned in self.plans.values() if (day := next_day(planned, shift)) is not None]
        moments += self.helping.moments()
        if (waits := self.prompted.next_at()) is not None:
            moments.append(waits)
        for occasion in self.open.values():
            if not occasion.reminded and occasion.remind_at is not None:
                moments.append(occasion.remind_at)
            if occasion.state is State.DUE:
                moments.append(occasion.late_at)
        return min(moments, default=None)


def _gone_through(before: Planned | None, plan: CarePlan) -> str:
    """A plan that is changed begins no day again that it has had; one with a day of its own is another."""
    return before.upto if before is not None and not plan.day else ""


NO_CARE = Care()
"""Of a hundred thousand homes most have none, and it would be the largest part of what is kept of them."""
