"""The first look at an alert by a person, put on record: what nobody has looked at is not closed with others.

It is told behind the answer, which waits for no disk. Where it cannot be told just then, the next look is.
"""

import asyncio
import contextlib
from typing import TYPE_CHECKING

from alerting.alert import Alert
from alerting.commands import View
from alerting.refusals import IllegalTransition
from alerting.terms import AlertId
from gateway.web.auth import Identity, Right
from gateway.web.problems import Problem

if TYPE_CHECKING:
    from gateway.web.desk import Desk


class Looks:
    def __init__(self) -> None:
        self._telling: dict[AlertId, asyncio.Task[None]] = {}

    def look(self, desk: "Desk", alert: Alert, who: Identity) -> None:
        """`who` has opened it. Somebody who may only read has not seen to it."""
        if not alert.open or alert.viewed_at is not None or alert.id in self._telling or not who.may(Right.ACT):
            return
        task = self._telling[alert.id] = asyncio.create_task(self._tell(desk, alert.id, who), name="look")
        task.add_done_callback(lambda _: self._telling.pop(alert.id, None))

    async def _tell(self, desk: "Desk", alert: AlertId, who: Identity) -> None:
        with contextlib.suppress(Problem, IllegalTransition):
            await desk.ask(View(alert), who)
