"""Several providers for one channel: the first that takes a notice has it, the next is asked at once when one does not.

A provider that refuses something for good is not asked for it again; one that let its time run out goes behind the others for a
minute, so that a dead line costs one notice its patience, not each. Only when all have failed does the notice wait and come again.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from time import monotonic
from typing import Annotated

import msgspec

from alerting.terms import NotificationId
from gateway.notify.channel import Channel, Notice, NotifyError, Sent, one_line
from gateway.notify.record import Name

log = logging.getLogger(__name__)

PATIENCE_S = 4.0
SLOW_S = 1.0
"""A refusal that took longer is as bad as none."""
AILING_S = 60.0
REMEMBERED = 1000
"""Notices of which it is remembered who refused them for good."""


class FirstOfSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`channels` in the order in which they are asked; `patience_s` is what each has for one attempt."""

    name: Name
    channels: Annotated[tuple[str, ...], msgspec.Meta(min_length=2, max_length=10)]
    patience_s: Annotated[float, msgspec.Meta(ge=0.5, le=30)] = PATIENCE_S


class FirstOf:
    """The channels are somebody else's to close. `now` are monotonic seconds."""

    kind = "first_of"

    def __init__(
        self, name: str, channels: Iterable[Channel], *, patience_s: float = PATIENCE_S, now: Callable[[], float] = monotonic,
    ) -> None:
        self.name = name
        self._channels = tuple(channels)
        self._patience_s = patience_s
        self._now = now
        self._ailing_until: dict[str, float] = {}
        self._refused: OrderedDict[NotificationId, dict[str, str]] = OrderedDict()
        """Who will never take it, and why."""

    async def send(self, notice: Notice) -> Sent:
        refused = self._refused.pop(notice.notification, {})
        later: dict[str, NotifyError] = {}
        for channel in self._order():
            if channel.name in refused:
                continue
            answer = await self._ask(channel, notice)
            if isinstance(answer, Sent):
                before = "".join(f"; {said}" for said in self._told(refused, later))
                return Sent(one_line(f"{channel.name}: {answer.detail}{before}"), answer.references)
            if answer.transient:
                later[channel.name] = answer
            else:
                refused[channel.name] = answer.detail
        detail = one_line("; ".join(self._told(refused, later)))
        if not later:
            raise NotifyError(detail, transient=False)
        self._remember(notice.notification, refused)
        waits = [error.retry_after for error in later.values()]
        soonest = min((wait or timedelta() for wait in waits), default=timedelta())
        raise NotifyError(detail, transient=True, retry_after=soonest or None)

    def _order(self) -> Sequence[Channel]:
        """As they are named; behind them those that lately let their time run out."""
        now = self._now()
        return sorted(self._channels, key=lambda channel: self._ailing_until.get(channel.name, now) > now)

    async def _ask(self, channel: Channel, notice: Notice) -> Sent | NotifyError:
        began = self._now()
        try:
            async with asyncio.timeout(self._patience_s):
                sent = await channel.send(notice)
        except TimeoutError:
            self._ailing_until[channel.name] = self._now() + AILING_S
            return NotifyError(f"no end within {self._patience_s:g} s", transient=True)
        except NotifyError as error:
            if self._now() - began > SLOW_S:
                self._ailing_until[channel.name] = self._now() + AILING_S
            return error
        except Exception as bug:  # as in the delivery: one provider's answer that wakes a bug must not keep the next from being asked
            log.exception("channel %s failed on notification %s", channel.name, notice.notification)
            return NotifyError(one_line(f"fault in the channel {channel.kind}: {bug!r}"), transient=True)
        self._ailing_until.pop(channel.name, None)
        return sent

    def _told(self, refused: dict[str, str], later: dict[str, NotifyError]) -> list[str]:
        return [f"{name}: {detail}" for name, detail in (*refused.items(), *((name, error.detail) for name, error in later.items()))]

    def _remember(self, notification: NotificationId, refused: dict[str, str]) -> None:
        if refused:
            self._refused[notification] = refused
            while len(self._refused) > REMEMBERED:
                self._refused.popitem(last=False)

    async def reach(self) -> str:
        """Good while one of them is there; NotifyError when none is."""
        found = await asyncio.gather(*(channel.reach() for channel in self._channels), return_exceptions=True)
        there = [channel.name for channel, said in zip(self._channels, found, strict=True) if isinstance(said, str)]
        if not there:
            raise NotifyError(f"none of {', '.join(channel.name for channel in self._channels)} can be reached", transient=True)
        away = [channel.name for channel in self._channels if channel.name not in there]
        return f"{', '.join(there)} can be reached" + (f", {', '.join(away)} cannot" if away else "")

    async def close(self) -> None:
        """Nothing of its own."""
