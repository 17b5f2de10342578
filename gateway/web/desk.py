"""What a request can reach, and how a command is put to the alarm process."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, cast

import msgspec
from fastapi import Depends, Request

from alerting.commands import AlertCommand, Asked, Command
from gateway.control import Answered, Control
from gateway.drills import DrillBook
from gateway.jobs import Jobs
from gateway.rules.drafts import Drafts
from gateway.web.auth import Identity, Throttle, Turnstile
from gateway.web.condition import Condition
from gateway.web.historian import Historian
from gateway.web.idempotency import Once
from gateway.web.looks import Looks
from gateway.web.metrics import Metrics
from gateway.web.modest import Modest, OneByOne
from gateway.web.problems import away
from gateway.web.self_check import SelfCheck
from gateway.web.stream import Hub
from gateway.web.users import Users
from gateway.web.views import Views

RESTART_S, LOOK_S = 2.0, 0.02
"""An alarm process that is killed is back within this; a person's command waits so long rather than fail."""


class DemoLogin(msgspec.Struct, frozen=True):
    """Shown on the log-in page of a demonstration; a production service has none."""

    username: str
    password: str


class Desk(msgspec.Struct):
    users: Users
    views: Views
    control: Control
    hub: Hub
    condition: Condition
    historian: Historian
    wall: Callable[[], datetime]
    timezone: str
    demo_login: DemoLogin | None
    once: Once
    metrics: Metrics
    calendar: Jobs
    asyncapi: bytes
    drafts: Drafts
    """Versions of the rules that were brought."""
    drills: DrillBook
    trust: str = ""
    """The file of keys whose certificates count."""
    journal_days: int = 0
    """After which retention removes a file of the journal."""
    self_check: SelfCheck | None = None
    throttle: Throttle = msgspec.field(default_factory=Throttle)
    guessing: Throttle = msgspec.field(default_factory=Throttle)
    """Of families' links that are not."""
    strangers: Turnstile = msgspec.field(default_factory=Turnstile)
    checking: Modest = msgspec.field(default_factory=lambda: Modest(2))
    """Argon2 takes 64 MiB and a core for a quarter of a second: two at a time leave the desk its air."""
    counting: asyncio.Semaphore = msgspec.field(default_factory=lambda: asyncio.Semaphore(1))
    """Figures of a month are made one after the other."""
    examining: asyncio.Lock = msgspec.field(default_factory=asyncio.Lock)
    """One draft of the rules after the other."""
    looks: Looks = msgspec.field(default_factory=Looks)
    entering: OneByOne = msgspec.field(default_factory=lambda: OneByOne(0.005))
    """Everything but what operators do to alerts."""
    changing: asyncio.Lock = msgspec.field(default_factory=asyncio.Lock)
    """Held from reading a record until its change is in the view, so that two changes of one record both count."""

    async def ask(self, command: Command, who: Identity, key: str = "") -> Answered:
        """Put a command to the alarm process; when this returns it is on disk, and the view shows what came of it."""
        for _ in range(int(RESTART_S / LOOK_S)):
            if self.control.connected:
                break
            await asyncio.sleep(LOOK_S)
        if isinstance(command, AlertCommand):
            answered = await self.control.ask(Asked(command, who.user, key))
        else:
            async with self.entering:
                answered = await self.control.ask(Asked(command, who.user, key))
        if not await self.views.reached(answered.seq):
            raise away()
        return answered


def _desk(request: Request) -> Desk:
    return cast("Desk", request.app.state.desk)


OnDesk = Annotated[Desk, Depends(_desk)]
