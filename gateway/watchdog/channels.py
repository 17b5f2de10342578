"""Whether the channels of notifications would take something, without a message to anybody.

Two witnesses. The alarm process tells once a second how each channel's attempts ended; and from here each is gone to as far as can be
gone without sending. A mail server is gone to sparingly: it counts log-ins, and shuts out who comes every minute.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic

import msgspec

from alerting.terms import Sentence
from gateway.control import Control, Deliveries, Health

FAILURES = 3
"""Attempts in a row without one that was taken: one wrong number is no broken channel."""
REMEMBERED_S = 3600.0
"""So long after its last failure a channel that nobody used since counts as whole again."""
SPARINGLY = {"email": 10}
"""Of so many rounds one, by kind."""
REACH_S = 15.0
SILENT_S = 3.0


class Probe(msgspec.Struct, frozen=True):
    """`reach` says what it found, or raises."""

    kind: str
    reach: Callable[[], Awaitable[str]]


class _Course(msgspec.Struct):
    """How the attempts of a channel went, since this process looks."""

    sent: int = 0
    bad: int = 0
    streak: int = 0
    failed_at: float = 0.0
    detail: str = ""


class Channels:
    """Fed with health; `problems` is what is wrong now, by channel."""

    def __init__(self, probes: Mapping[str, Probe], now: Callable[[], float] = monotonic) -> None:
        self._probes = probes
        self._now = now
        self._courses: dict[str, _Course] = {}
        self._unreached: dict[str, str] = {}
        self._round = 0
        self._health: Health | None = None
        self._heard_at = 0.0

    @property
    def names(self) -> set[str]:
        return {*self._probes, *self._courses}

    @property
    def hint(self) -> Sentence | None:
        """What the alarm process says of itself, where that explains a call that is lost."""
        if self._health is None or self._now() - self._heard_at > SILENT_S:
            return Sentence("告警进程没有回应", "the alarm process does not answer")
        return self._health.problems[0] if not self._health.ready and self._health.problems else None

    def heard(self, health: Health) -> None:
        self._health, self._heard_at = health, self._now()
        for name, counts in health.deliveries.items():
            self._count(self._courses.setdefault(name, _Course()), counts)

    def _count(self, course: _Course, counts: Deliveries) -> None:
        bad = counts.failed + counts.retried
        if counts.sent < course.sent or bad < course.bad:  # the alarm process has begun anew
            course.sent, course.bad = 0, 0
        success, failure = counts.last_success_at, counts.last_failure_at
        if counts.sent > course.sent or (success is not None and (failure is None or success > failure)):
            course.streak = 0
        elif bad > course.bad:
            course.streak += bad - course.bad
            course.failed_at, course.detail = self._now(), counts.last_failure
        course.sent, course.bad = counts.sent, bad

    async def reach(self) -> None:
        """Go to each, all at once; for a few seconds at most."""
        self._round += 1
        due = {name: probe for name, probe in self._probes.items() if (self._round - 1) % SPARINGLY.get(probe.kind, 1) == 0}
        found = await asyncio.gather(*(self._reached(probe) for probe in due.values()))
        for name, problem in zip(due, found, strict=True):
            self._unreached.pop(name, None)
            if problem:
                self._unreached[name] = problem

    @staticmethod
    async def _reached(probe: Probe) -> str:
        try:
            async with asyncio.timeout(REACH_S):
                await probe.reach()
        except Exception as problem:  # noqa: BLE001 - whatever a channel's own code raises, it is not reached
            return str(problem) or type(problem).__name__
        return ""

    def problems(self) -> dict[str, str]:
        now = self._now()
        failing = {
            name: course.detail for name, course in self._courses.items()
            if course.streak >= FAILURES and now - course.failed_at < REMEMBERED_S
        }  # fmt: skip
        return {**self._unreached, **failing}


async def follow(control: Control, heard: Callable[[Health], None]) -> None:
    """Until it is cancelled."""
    async for push in control.follow():
        if isinstance(push, Health):
            heard(push)
