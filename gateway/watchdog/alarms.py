"""When what was missed becomes an alarm, when it is said again, and when it is over. A value without a clock, like `rounds`."""

from enum import StrEnum

import msgspec

from alerting.terms import Sentence

MISSES = 2
"""In a row. One alone may be a moment's bad luck."""


class Said(StrEnum):
    """What a word is about a matter."""

    BROKEN = "broken"
    STILL = "still_broken"
    WELL = "well"


class Word(msgspec.Struct, frozen=True):
    """What is told: of `matter` (`calls`, or `channel:NAME`), since when in seconds of uptime, what it is."""

    id: str
    said: Said
    matter: str
    since: float
    sentence: Sentence


class Matter(msgspec.Struct):
    name: str
    misses: int = 0
    first_missed: float = 0.0
    since: float | None = None
    """Since when it has been said to be broken."""
    said_at: float = 0.0
    sentence: Sentence = Sentence("", "")
    kind: str = ""


class Alarms:
    """`session` makes the ids of words unlike those of another start."""

    def __init__(self, session: str, repeat_s: float) -> None:
        self._session = session
        self._repeat = repeat_s
        self._number = 0
        self._matters: dict[str, Matter] = {}

    @property
    def standing(self) -> dict[str, Matter]:
        """What is said to be broken now."""
        return {name: matter for name, matter in self._matters.items() if matter.since is not None}

    def resume(self, name: str, sentence: Sentence, since: float, now: float) -> None:
        """A process before this one has said it to be broken."""
        self._matters[name] = Matter(name, MISSES, since, since, now, sentence)

    def missed(self, name: str, sentence: Sentence, now: float, *, kind: str = "", hold: bool = False) -> Word | None:
        """The word that it brings, if any. `kind`: said again when it changes. `hold`: the service is starting, nothing is said yet."""
        matter = self._matters.setdefault(name, Matter(name))
        matter.first_missed = matter.first_missed if matter.misses else now
        matter.misses += 1
        (before, matter.kind), matter.sentence = (matter.kind, kind), sentence
        if matter.misses < MISSES or hold:
            return None
        if matter.since is None:
            matter.since = matter.first_missed
            return self._word(matter, Said.BROKEN, now)
        if now - matter.said_at >= self._repeat or kind != before:
            return self._word(matter, Said.STILL, now)
        return None

    def well(self, name: str, sentence: Sentence, now: float) -> Word | None:
        matter = self._matters.pop(name, None)
        if matter is None or matter.since is None:
            return None
        matter.sentence = sentence
        return self._word(matter, Said.WELL, now)

    def _word(self, matter: Matter, said: Said, now: float) -> Word:
        self._number += 1
        matter.said_at = now
        return Word(f"{self._session}-{self._number}", said, matter.name, matter.since or now, matter.sentence)
