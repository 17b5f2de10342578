"""What a home was told by safety prompts, and what waits for the morning: a fold of facts, part of the home's care."""

from datetime import datetime, timedelta

import msgspec

from alerting.caring.prompt_facts import PromptDropped, PromptFact, PromptFound, PromptPutOff, PromptSaid

KEPT = 40
"""Of a home, the latest ones. All of them are in the journal and its archive."""
DAY = timedelta(hours=24)


class Latest(msgspec.Struct, frozen=True, array_like=True):
    """Of one subject: its latest occasion, and when it was last said."""

    occasion: str
    said_at: datetime | None = None


class Prompted(msgspec.Struct, array_like=True):
    waiting: dict[str, PromptPutOff] = {}
    """By occasion, oldest first."""
    latest: dict[str, Latest] = {}
    """By subject."""
    told: tuple[PromptSaid | PromptDropped, ...] = ()
    """Said or left out, oldest first."""

    def copy(self) -> "Prompted":
        return Prompted(dict(self.waiting), dict(self.latest), self.told)

    def knows(self, subject: str, occasion: str) -> bool:
        """Whether it was settled already, or is put off."""
        latest = self.latest.get(subject)
        return occasion in self.waiting or (latest is not None and latest.occasion == occasion)

    def said_at(self, subject: str) -> datetime | None:
        latest = self.latest.get(subject)
        return latest.said_at if latest else None

    def said_lately(self, now: datetime) -> int:
        """So many that count in the 24 hours before."""
        return sum(isinstance(one, PromptSaid) and one.counted and one.at > now - DAY for one in self.told)

    def next_at(self) -> datetime | None:
        return min((put_off.until for put_off in self.waiting.values()), default=None)

    def apply(self, fact: PromptFact) -> None:
        match fact:
            case PromptFound():
                return
            case PromptPutOff():
                self.waiting[fact.occasion] = fact
            case PromptSaid() | PromptDropped() if fact not in self.told:
                self.waiting.pop(fact.occasion, None)
                said_at = fact.at if isinstance(fact, PromptSaid) else self.said_at(fact.subject)
                self.latest[fact.subject] = Latest(fact.occasion, said_at)
                self.told = (*self.told, fact)[-KEPT:]
            case _:
                pass
