"""Procedures played in real time, against whatever brings the device's words to an endpoint. Decides nothing by itself.

Each clause begins from a known state: the endpoint is correct again, what the clause before had changed on the device is undone, the
device has drained; then the trace begins anew.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

from simulator.certification.bench import Bench, Do, Look, Outcome, Procedural, Procedure, Step, Undone, Verdict, Wait
from simulator.certification.catalogue import FLOOD, Clause
from simulator.certification.course import Course
from simulator.certification.endpoint import Endpoint
from simulator.certification.examination import Flooded, digest, flooded, judged, selected, staged
from simulator.certification.features import Features
from simulator.certification.result import SUITE, ClauseVerdict, Result, Run
from simulator.certification.trace import Acted
from simulator.scenario import Bilingual
from simulator.virtual.driver import Driver
from simulator.virtual.pace import Pace
from simulator.virtual.stimulus import Deed, Sign, Stimulus
from simulator.wire import Stage

DRAINED_WITHIN = timedelta(seconds=30)


class Hands(Protocol):
    """Whoever is at the device: ourselves at a virtual one, a person at a real one."""

    async def do(self, deed: Deed) -> None:
        """Until it is done; Undone when nobody does it."""

    async def look(self, sign: Sign) -> bool:
        """Undone when nobody answers."""

    async def begin_anew(self) -> None:
        """Off and on again before a clause, where that costs nobody anything: what the clause before did to its memory is gone."""


class OurHands:
    """At a virtual device."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def do(self, deed: Deed) -> None:
        self._driver.act(deed)

    async def look(self, sign: Sign) -> bool:
        return sign in self._driver.device.signs

    async def begin_anew(self) -> None:
        for on in (0, 1):
            self._driver.act(Deed(Stimulus.POWER, on))


class Player:
    """`broker`: the outside broker behind which the device is; empty where it comes to the endpoint itself."""

    broker = ""

    def __init__(self, endpoint: Endpoint, pace: Pace) -> None:
        self.endpoint, self.pace = endpoint, pace
        self._timer: asyncio.TimerHandle | None = None
        self._wake: asyncio.Future[None] | None = None
        self._was_here = False

    async def play(self, procedure: Procedure, hands: Hands) -> Outcome:
        """To its end."""
        given: object = None
        try:
            while True:
                step: Step = procedure.send(given)
                match step:
                    case Wait(condition, until):
                        given = await self._wait(condition, until)
                    case Do(deed):
                        given = self.endpoint.trace.mark
                        self.endpoint.trace.add(Acted(self.endpoint.trace.mark, self.pace.now, deed))
                        await hands.do(deed)
                    case Look(sign):
                        given = await hands.look(sign)
        except StopIteration as done:
            outcome: Outcome = done.value
            return outcome
        except Undone as undone:
            return Outcome(Verdict.INCONCLUSIVE, undone.reason)
        except Flooded:
            return flooded()

    async def renew(self, bench: Bench, hands: Hands) -> None:
        """The known state that a clause begins from."""
        self._was_here = self._was_here or self.endpoint.has_come()
        self.endpoint.reset(self.pace.now)
        if bench.features.alarm.receipts:
            self.endpoint.tell(Stage.CLOSED, "alert-0", self.pace.now)
        with suppress(Undone):
            for deed in bench.undo.values():
                await hands.do(deed)
        await self.play(_drained(bench), hands)
        if bench.has_come():
            self._was_here = True
        elif self._was_here:
            await self._revive(bench, hands)
        self.begin_anew()
        await hands.begin_anew()

    async def _revive(self, bench: Bench, hands: Hands) -> None:
        """One that the clause before has put to silence: what it does after that is for clauses of their own."""
        with suppress(Undone):
            for on in (0, 1):
                await hands.do(Deed(Stimulus.POWER, on))
                await self.play(_drained(bench), hands)

    # --- for those who have the sockets ---

    def begin_anew(self) -> None:
        """The device as if it came for the first time."""
        self.endpoint.renew()

    def carry(self) -> None:
        """Take from the endpoint what it has to send, and send it."""

    def check(self) -> None:
        """OSError where nothing can be measured any more."""

    def pump(self) -> None:
        """After anything that happened: carry, set the timer, ask the condition."""
        self.carry()
        self._set_timer()
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    # --- within ---

    async def _wait(self, condition: Callable[[], object] | None, until: datetime) -> object:
        loop = asyncio.get_running_loop()
        while True:
            self.check()
            self.pump()
            if condition is not None and (found := condition()):
                return found
            if self.pace.now >= until:
                return None
            if self.endpoint.trace.mark > FLOOD:
                raise Flooded
            self._wake = loop.create_future()
            timer = loop.call_later(self.pace.delay_s(until), _set, self._wake)
            try:
                await self._wake
            finally:
                timer.cancel()
                self._wake = None

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = self.endpoint.next_deadline
        self._timer = None if due is None else asyncio.get_running_loop().call_later(self.pace.delay_s(due), self._ring, due)

    def _ring(self, due: datetime) -> None:
        self._timer = None
        now = self.pace.now
        if now >= due:
            self.endpoint.advance(now)
            self.pump()
        else:
            self._set_timer()


async def examine_all(
    player: Player, hands: Hands, clauses: tuple[Clause, ...], procedures: dict[str, Procedural], features: Features, *,
    level: int, seed: str = "", only: frozenset[str] = frozenset(),
    begun: Callable[[Clause], None] = lambda _: None, told: Callable[[ClauseVerdict], None] = lambda _: None,
) -> Result:  # fmt: skip
    """Every clause that applies, on the device that comes; `begun` and `told` hear of each."""
    endpoint, pace = player.endpoint, player.pace
    patience = pace.patience
    began_at, verdicts = pace.now, []
    bench = Bench(endpoint, features, lambda: pace.now, Bilingual("", ""), patience=patience)
    course = Course(selected(clauses, features, level=level, virtual=False, behind=bool(player.broker)), lambda: pace.now)
    for asked in [clause for clause in clauses if not only or clause.number in only]:
        steps = course.verdict(asked.number)
        found: ClauseVerdict | None = None
        try:
            while True:
                clause = next(steps) if found is None else steps.send(found)
                begun(clause)
                await player.renew(bench, hands)
                bench = Bench(endpoint, features, lambda: pace.now, clause.criterion, patience=patience)
                since = pace.now
                outcome = await player.play(staged(clause, procedures[clause.procedure], bench), hands)
                found = judged(clause, bench, outcome, since)
        except StopIteration as done:
            verdict: ClauseVerdict = done.value
        verdicts.append(verdict)
        told(verdict)
    secured = next((one.secured for one in endpoint.trace.opened()), "")
    run = Run(began_at, pace.now, False, level, seed, endpoint.identity.device, secured, player.broker)
    return Result(SUITE, digest(), features, run, tuple(verdicts))


def _drained(bench: Bench) -> Procedure:
    yield from bench.settled(DRAINED_WITHIN)
    return bench.passed()


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
