"""In which order clauses are measured, and what each comes to beside the others. Whoever measures is a runner, virtual or real.

A clause that fails is believed once the clauses that it rests on have passed: they are measured then, if they have not been yet. Where
one of them did not pass, the failure has that cause, is told there, and this clause remains open. So a device with one fault fails the
clause that names it, and a sound device is asked nothing twice.
"""

from collections.abc import Callable, Generator, Iterable
from datetime import datetime

import msgspec

from simulator.certification.bench import Verdict, elsewhere
from simulator.certification.catalogue import Clause
from simulator.certification.examination import not_applicable
from simulator.certification.result import ClauseVerdict
from simulator.scenario import Bilingual

Measuring = Generator[Clause, ClauseVerdict, ClauseVerdict]
"""Yields a clause that is to be measured, and is resumed with what was measured."""
_GROUND = (Verdict.PASS, Verdict.NOT_APPLICABLE)


class Course:
    """`clauses`: all that there are, each with why it does not apply, None where it does. `clock`: what time it is for the runner."""

    def __init__(self, clauses: Iterable[tuple[Clause, Bilingual | None]], clock: Callable[[], datetime]) -> None:
        self._clauses = {clause.number: (clause, unfit) for clause, unfit in clauses}
        self._clock = clock
        self._verdicts: dict[str, ClauseVerdict] = {}

    def verdict(self, number: str) -> Measuring:
        """Of one clause, measured once however often it is asked for."""
        if number not in self._verdicts:
            self._verdicts[number] = yield from self._settle(*self._clauses[number])
        return self._verdicts[number]

    def _settle(self, clause: Clause, unfit: Bilingual | None) -> Measuring:
        if unfit is not None:
            return not_applicable(clause, unfit, self._clock())
        found = yield clause
        if found.verdict is Verdict.FAIL:
            for other in clause.rests_on:
                ground = yield from self.verdict(other)
                if ground.verdict not in _GROUND:
                    return msgspec.structs.replace(found, verdict=Verdict.INCONCLUSIVE, reason=elsewhere(other))
        return found
