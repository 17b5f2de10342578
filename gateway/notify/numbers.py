"""What SMS and calls have in common: who is rung, one request for each number, and who need not be asked again."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import msgspec

from alerting.terms import NotificationId
from gateway.notify.channel import Notice, NotifyError, Sent, one_line
from gateway.notify.record import mainland

REMEMBERED = 1000
"""Notices, half told, of which it is kept in mind who has been told."""


class Taken(msgspec.Struct, frozen=True):
    """One number's message is with the provider."""

    detail: str
    references: tuple[str, ...]


class Numbers:
    """`to` is rung unless a step named one person."""

    def __init__(self, to: tuple[str, ...]) -> None:
        self._to = to
        self._told: OrderedDict[NotificationId, dict[str, Taken]] = OrderedDict()

    async def send(self, notice: Notice, one: Callable[[str], Awaitable[Taken]]) -> Sent:
        """Each number once, however often the notice comes. Who will never take it does not keep the others from being told."""
        told = self._told.pop(notice.notification, {})
        waiting = [number for number in self._numbers(notice) if number not in told]
        answers = await asyncio.gather(*(one(number) for number in waiting), return_exceptions=True)
        failed: list[NotifyError] = []
        for number, answer in zip(waiting, answers, strict=True):
            if isinstance(answer, Taken):
                told[number] = answer
            elif isinstance(answer, NotifyError):
                failed.append(answer)
            else:
                raise answer
        total = len(told) + len(failed)
        detail = "; ".join([*(taken.detail for taken in told.values()), *(error.detail for error in failed)])
        detail = one_line(f"taken for {len(told)} of {total}: {detail}" if total > 1 else detail)
        later = [error for error in failed if error.transient]
        if later:
            if told:
                self._remember(notice.notification, told)
            waits = [error.retry_after for error in later if error.retry_after is not None]
            raise NotifyError(detail, transient=True, retry_after=min(waits) if len(waits) == len(later) else None)
        if not told:
            raise NotifyError(detail, transient=False)
        return Sent(detail, tuple(reference for taken in told.values() for reference in taken.references))

    def _numbers(self, notice: Notice) -> tuple[str, ...]:
        person = notice.recipient
        if person is None:
            if not self._to:
                raise NotifyError("the channel has no number of its own, and the step names nobody", transient=False)
            return self._to
        number = mainland(person.phone)
        if not number:
            raise NotifyError(one_line(f"{person.name} has no telephone number that can be rung"), transient=False)
        return (number,)

    def _remember(self, notification: NotificationId, told: dict[str, Taken]) -> None:
        self._told[notification] = told
        while len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
