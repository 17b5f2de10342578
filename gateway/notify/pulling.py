"""Reports that are asked for: what was taken and not yet heard of, for services that no provider can call from outside."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable

import msgspec

from alerting.terms import NotificationId
from gateway.notify.callback import Pulls, Report
from gateway.notify.channel import Channel, NotifyError

log = logging.getLogger(__name__)

EVERY_S = 15.0
LOOKS = 40
"""How often one is asked about: ten minutes; what is not delivered by then, its provider will not deliver."""
WAITING = 1000
"""Kept in memory alone: after a restart nothing is asked about, and reports by callback come all the same."""


class Awaited(msgspec.Struct, frozen=True):
    notification: NotificationId
    id: str
    """What the provider called it."""
    number: str


Look = Callable[[Awaited], Awaitable[Report | None]]
"""What its provider says of one; None while that is nothing."""


class Mailbox:
    """Of one channel; `look` asks its provider about one."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._waiting: OrderedDict[str, tuple[Awaited, int]] = OrderedDict()

    def put(self, awaited: Awaited) -> None:
        self._waiting[awaited.id] = (awaited, 0)
        while len(self._waiting) > WAITING:
            self._waiting.popitem(last=False)

    async def pull(self) -> list[Report]:
        """What is known by now. A provider that does not answer is asked again the next time."""
        found = []
        for id_, (awaited, looks) in list(self._waiting.items()):
            try:
                report = await self._look(awaited)
            except NotifyError as problem:
                log.warning("no report of %s: %s", awaited.notification, problem.detail)
                report = None
            if report is None and looks + 1 < LOOKS:
                self._waiting[id_] = (awaited, looks + 1)
                continue
            self._waiting.pop(id_, None)
            if report is not None:
                found.append(report)
        return found


async def keep_pulling(channels: Iterable[Channel], told: Callable[[Channel, Report], None], *, every_s: float = EVERY_S) -> None:
    """For ever: ask each channel that can be asked, and tell what it said."""
    pulling = [channel for channel in channels if isinstance(channel, Pulls)]
    while pulling:
        await asyncio.sleep(every_s)
        for channel in pulling:
            try:
                for report in await channel.pull():
                    told(channel, report)
            except Exception:  # a provider's answer that wakes a bug of ours costs this round, not the hearing of every home
                log.exception("asking %s for reports failed", channel.name)
