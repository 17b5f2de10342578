"""What this process keeps: written behind what the pages show, and told to the alarm process once it is safe from a power cut.

The alarm process removes journal files only up to the number it is told here, so that number is never ahead of the disk: of views.db
what its last whole checkpoint holds.
"""

import asyncio
import contextlib
from collections.abc import Callable
from time import monotonic

from gateway.control import Control, Keeper
from gateway.store.reserve import NO_ROOM
from gateway.web.condition import Condition
from gateway.web.users import Users
from gateway.web.views import Views
from gateway.web.viewstore import ViewStore

WRITE_EVERY_S = 0.5
TIDY_EVERY_S = 60.0
KEPT_EVERY_S = 10.0


class StartAgain(Exception):  # noqa: N818 - a decision, not a mistake
    """The process is to end, so that its parent starts a new one: the simplest way to a file that is whole again."""


async def keep_written(store: ViewStore, users: Users, views: Views, condition: Condition, *, room: Callable[[], bool]) -> None:
    """Write behind, for ever: what the disk refuses is tried again with the next round."""
    tidy_at = monotonic()
    while True:
        await asyncio.sleep(WRITE_EVERY_S)
        batch = store.take()
        if not room():
            store.problem = NO_ROOM
        elif batch is not None:
            await asyncio.to_thread(store.write, batch)
        elif store.problem == NO_ROOM:
            store.problem = ""
        if store.given_up and room() and await asyncio.to_thread(store.works):
            raise StartAgain("views.db can be written again: a new start reads into it what memory could not keep")
        await asyncio.to_thread(users.flush)
        await asyncio.to_thread(users.refresh)
        if monotonic() >= tidy_at:
            tidy_at = monotonic() + TIDY_EVERY_S
            views.tidy(condition.now())
            await asyncio.to_thread(users.tidy)


async def tell_kept(store: ViewStore, control: Control, arrived: asyncio.Event) -> None:
    """For ever: every few seconds, and whenever the alarm process has come (back), say how far everything here is on disk."""
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(KEPT_EVERY_S):  # wait_for of 3.11 may swallow the end
                await arrived.wait()
        arrived.clear()
        if control.connected:
            control.kept(Keeper.DESK, await asyncio.to_thread(store.sync))
