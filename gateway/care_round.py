"""The calendar's look at what is planned for homes: each minute, and at the start. What is due is the engine's to say.

A county's homes are looked at in pieces, and each home is reckoned with again only when something of it has changed: a minute in which
nothing is due costs a few milliseconds and no commit.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from alerting.caring.commands import SeeToCare
from alerting.commands import Asked
from alerting.engine import Engine
from alerting.home_state import HomeState
from alerting.terms import SERVICE
from devices.home import HomeId
from gateway.inbox import Outcome

HOMES_AT_ONCE = 1000
"""Looked at between two turns of the loop."""
ASKED_AT_ONCE = 20
"""Homes in one command: no call waits behind more than a few milliseconds of it."""

Ask = Callable[[Asked, Callable[[Outcome], None]], None]


class CareRound:
    """`run` is a round of `gateway.jobs`. `now` is service time."""

    def __init__(self, engine: Engine, ask: Ask, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._ask = ask
        self._now = now
        self._known: dict[HomeId, tuple[int, datetime | None]] = {}
        """How many facts a home's care has had, and when something of it is due."""
        self._shift: timedelta | None = None

    async def run(self) -> None:
        """See to all that is due by now; it is on disk when this returns."""
        due = await self._due()
        for begin in range(0, len(due), ASKED_AT_ONCE):
            await self._see_to(tuple(due[begin : begin + ASKED_AT_ONCE]))

    async def _due(self) -> list[HomeId]:
        shift, now = self._engine.caring.shift, self._now()
        if shift != self._shift:  # the wall clock was stepped: the same days come at other moments
            self._known.clear()
            self._shift = shift
        due: list[HomeId] = []
        homes = list(self._engine.homes)
        for begin in range(0, len(homes), HOMES_AT_ONCE):
            known: Mapping[HomeId, HomeState] = self._engine.homes
            due += [id_ for id_ in homes[begin : begin + HOMES_AT_ONCE] if self._is_due(known[id_], shift, now)]
            await asyncio.sleep(0)
        return due

    def _is_due(self, home: HomeState, shift: timedelta, now: datetime) -> bool:
        care = home.care
        if home.retired:
            return False
        if self._engine.caring.prompting.untested_due(home, now):
            return True
        if not (care.plans or care.open or care.helping.open or care.prompted.waiting):
            return False
        changes, at = self._known.get(home.id, (-1, None))
        if changes != care.changes:
            at = care.next_at(shift)
            self._known[home.id] = (care.changes, at)
        return (at is not None and at <= now) or self._engine.caring.proven(home)

    async def _see_to(self, homes: tuple[HomeId, ...]) -> None:
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def answer(outcome: Outcome) -> None:
            if not answered.done():
                answered.set_result(outcome)

        self._ask(Asked(SeeToCare(homes), SERVICE), answer)
        outcome = await answered
        if outcome.error is not None:
            raise outcome.error
