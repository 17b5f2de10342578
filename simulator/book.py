"""What is written down while a scenario is played: planted, said, seen, told. One process's own, or several processes' by messages."""

from typing import Protocol

import msgspec

from simulator.gauges import Histogram, Sample
from simulator.plan import Plant
from simulator.score import Outcome, Receipts, Said, Sighting, Verdict, judge, told


class Book(Protocol):
    """Where one process writes it."""

    def planted(self, plant: Plant) -> None: ...

    def said(self, mark: str, at_s: float) -> None:
        """A planted message was handed to its hub at a monotonic second."""

    def heard(self, receipt: Sighting) -> None:
        """A home was told that its call is accepted."""


class Ledger:
    """All of it in one place. `by_receipt`: nobody watches the platform's stream, so receipts are the only witness."""

    def __init__(self, *, by_receipt: bool) -> None:
        self._by_receipt = by_receipt
        self.plants: dict[str, Plant] = {}
        self.said_at: dict[str, float] = {}
        self.sightings: list[Sighting] = []
        self.receipts: list[Sighting] = []
        self._alerts: set[str] = set()

    def planted(self, plant: Plant) -> None:
        self.plants[plant.id] = plant

    def said(self, mark: str, at_s: float) -> None:
        self.said_at.setdefault(mark, at_s)

    def heard(self, receipt: Sighting) -> None:
        self.receipts.append(receipt)
        if self._by_receipt:
            self.saw(receipt)

    def saw(self, sighting: Sighting) -> None:
        self.sightings.append(sighting)
        self._alerts.add(sighting.alert)

    def figures(self) -> tuple[int, int]:
        """(planted events that were said, alerts seen)"""
        return len(self.said_at), len(self._alerts)

    def verdict(self) -> Verdict:
        said = [Said(self.plants[id_], self.said_at.get(id_)) for id_ in sorted(self.plants, key=self._order)]
        return judge(said, self.sightings, by_receipt=self._by_receipt)

    def told(self, verdict: Verdict) -> Receipts:
        return told(verdict, self.receipts)

    def _order(self, id_: str) -> tuple[float, str]:
        return self.plants[id_].virtual_s, id_

    @property
    def patience_ends_s(self) -> float:
        """The monotonic second by which the last expected alert should have come."""
        due = [self.said_at[id_] + expect.within for id_, plant in self.plants.items() if id_ in self.said_at for expect in plant.expected]
        return max(due, default=0.0)

    @property
    def waits(self) -> bool:
        """Whether something expected has neither come nor been given up."""
        verdict = self.verdict()
        return bool(verdict.count(Outcome.MISSED)) or bool(self.told(verdict).without)


class Harvest(msgspec.Struct):
    """What a process's lines did, when everything is over. `memory_kib` and `cpu_s` are the lines' own share."""

    delivered: int = 0
    undelivered: int = 0
    dropped: int = 0
    puback: Histogram = msgspec.field(default_factory=Histogram)
    connecting: Histogram = msgspec.field(default_factory=Histogram)
    errors: dict[str, int] = msgspec.field(default_factory=dict)
    struck: dict[str, int] = msgspec.field(default_factory=dict)
    """what the story's weather did to lines"""
    suffered: dict[int, int] = msgspec.field(default_factory=dict)
    """homes that each fault met, by its number in the file"""
    samples: dict[int, Sample] = msgspec.field(default_factory=dict)
    memory_kib: int = 0
    """what connecting added to the process"""
    cpu_s: float = 0.0
    """while the story was played"""

    def join(self, other: "Harvest") -> None:
        self.delivered += other.delivered
        self.undelivered += other.undelivered
        self.dropped += other.dropped
        self.puback.join(other.puback)
        self.connecting.join(other.connecting)
        for mine, others in ((self.errors, other.errors), (self.struck, other.struck)):
            for what, count in others.items():
                mine[what] = mine.get(what, 0) + count
        for number, homes in other.suffered.items():
            self.suffered[number] = self.suffered.get(number, 0) + homes
        for second, sample in other.samples.items():
            self.samples.setdefault(second, Sample(second)).join(sample)
        self.memory_kib += other.memory_kib
        self.cpu_s += other.cpu_s
