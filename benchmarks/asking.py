"""Commands to a running Anju by its local socket, as the web process gives them: many under way at a time."""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

from alerting.commands import Asked, Close, Command
from alerting.refusals import Exists, IllegalTransition
from alerting.terms import Actor, AlertId
from gateway.control import connected

UNDER_WAY = 200
WHO = Actor("benchmark")


def close_alerts(data: Path, ids: Sequence[str]) -> None:
    """As false alarms of a device; those that are closed already stay so."""
    ask(data, [Close(AlertId(id_), "false_device") for id_ in ids])


def ask(data: Path, commands: Sequence[Command]) -> None:
    """All of them, in any order; what may not be, or is there already, is passed over."""
    asyncio.run(_ask(data, commands))


async def _ask(data: Path, commands: Sequence[Command]) -> None:
    gate = asyncio.Semaphore(UNDER_WAY)
    async with connected(data) as control:

        async def one(command: Command) -> None:
            async with gate:
                with contextlib.suppress(Exists, IllegalTransition):
                    await control.ask(Asked(command, WHO), timeout=60)

        await asyncio.gather(*map(one, commands))
