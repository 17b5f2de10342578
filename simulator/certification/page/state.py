"""What the page shows, as one value that is told anew whenever it changes."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import msgspec

from simulator.certification.bench import Verdict
from simulator.certification.catalogue import Clause
from simulator.certification.features import Features
from simulator.certification.person import ASKED_FOR_S, Question, Said
from simulator.certification.report.words import SIGNS, VERDICTS
from simulator.certification.result import ClauseVerdict, Result
from simulator.scenario import Bilingual

BEAT_S = 5.0
"""So often it is told again where nothing changes, so that a page knows that somebody is there."""


class Asked(msgspec.Struct, frozen=True):
    """`left_s` of `of_s`: the page counts down by itself from there."""

    number: int
    words: Bilingual
    looks: bool
    left_s: float
    of_s: float = ASKED_FOR_S


class Row(msgspec.Struct, frozen=True):
    number: str
    title: Bilingual
    verdict: Verdict
    sign: str
    word: Bilingual
    reason: Bilingual


class State(msgspec.Struct, frozen=True):
    """`left_s`: what the clauses that are still to come take, by the catalogue. `passed`: None until the end."""

    device: str
    done: int
    of: int
    left_s: float
    clause: Row | None
    question: Asked | None
    verdicts: tuple[Row, ...]
    passed: bool | None


class Board:
    """A window for questions, and the place where verdicts are put up. `weights`: seconds of each clause that is examined."""

    is_there = True

    def __init__(self, features: Features, weights: dict[str, float]) -> None:
        self._device = f"{features.vendor} {features.model} {features.firmware}"
        self._weights = dict(weights)
        self._of = len(weights)
        self._rows: list[Row] = []
        self._clause: Row | None = None
        self._question: Question | None = None
        self._answer: Callable[[Said], bool] = lambda _: False
        self._passed: bool | None = None
        self._changed = asyncio.Event()
        self.over = False

    # --- from the examination ---

    def begun(self, clause: Clause) -> None:
        self._clause = Row(clause.number, clause.title, Verdict.INCONCLUSIVE, "…", Bilingual("进行中", "running"), clause.requirement)
        self._tell()

    def told(self, verdict: ClauseVerdict) -> None:
        self._clause = None
        self._weights.pop(verdict.number, None)
        sign, word = SIGNS[verdict.verdict], VERDICTS[verdict.verdict]
        self._rows.append(Row(verdict.number, verdict.title, verdict.verdict, sign, word, verdict.reason))
        self._tell()

    def ended(self, result: Result) -> None:
        self._passed = result.passed
        self._tell()

    def close(self) -> None:
        """Those who look are told for the last time."""
        self.over = True
        self._tell()

    # --- as a window ---

    def opened(self, question: Question, answer: Callable[[Said], bool]) -> None:
        self._question, self._answer = question, answer
        self._tell()

    def closed(self) -> None:
        self._question = None
        self._tell()

    def answered(self, number: int, said: Said) -> bool:
        """False where nobody is asked that any more."""
        return self._question is not None and self._question.number == number and self._answer(said)

    # --- to the page ---

    @property
    def state(self) -> State:
        question = self._question
        asked = None if question is None else Asked(question.number, question.words, question.looks, round(question.left_s, 1))
        left = sum(self._weights.values())
        return State(
            self._device, self._of - len(self._weights), self._of, round(left), self._clause, asked, tuple(self._rows), self._passed,
        )  # fmt: skip

    async def states(self) -> AsyncIterator[State]:
        """Now, after each change, and every BEAT_S; ends when the board does."""
        while True:
            changed, told_s = self._changed, time.monotonic()
            yield self.state
            if self.over:
                return
            try:
                async with asyncio.timeout(BEAT_S - (time.monotonic() - told_s)):
                    await changed.wait()
            except TimeoutError:
                continue

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
