"""For the outbox's worker: time that a test moves, channels that are told what to answer, and a desk that keeps what it is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from alerting.facts import NotificationRequested
from alerting.items import DeliveryEnded
from alerting.terms import Category
from gateway.notify.channel import Moot, Notice, NotifyError, Sent, notice_of
from gateway.notify.delivery import Delivery, Request
from tests.notices import AT, HOME, alert

LATER = NotifyError("503 later", transient=True)
NEVER = NotifyError("410 Gone", transient=False)
Answer = Sent | Exception


class VirtualTime:
    """Service time that only grows when the test says so; `sleep` returns once it has."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return AT + timedelta(seconds=self.elapsed)

    async def sleep(self, seconds: float) -> None:
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.elapsed + seconds, waking))
        await waking

    async def advance(self, seconds: float) -> None:
        """Everyone who sleeps wakes at his own moment, in order, and does all he can do then."""
        end = self.elapsed + seconds
        await settled()
        while due := sorted((at, i) for i, (at, waking) in enumerate(self._sleepers) if at <= end and not waking.done()):
            at, index = due[0]
            self.elapsed = at
            self._sleepers[index][1].set_result(None)
            await settled()
        self.elapsed = end


async def settled() -> None:
    """Let every task run until it waits for something from outside."""
    for _ in range(50):
        await asyncio.sleep(0)


class Told:
    """A channel that answers what it was told to: the last answer again and again. `None` is silence until `release`."""

    kind = "told"

    def __init__(self, time: VirtualTime, name: str = "desk-hook", *answers: Answer | None) -> None:
        self.name = name
        self.answers = list(answers) or [Sent("200 OK")]
        self.attempts: list[tuple[float, str]] = []
        self.open = 0
        self.most_open = 0
        self.closed = False
        self.release = asyncio.Event()
        self._time = time

    async def reach(self) -> str:
        return "here"

    async def send(self, said: Notice) -> Sent:
        self.attempts.append((self._time.elapsed, said.notification))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            if answer is None:
                await self.release.wait()
                return Sent("released")
        finally:
            self.open -= 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        self.closed = True

    @property
    def seconds(self) -> list[float]:
        return [at for at, _ in self.attempts]

    @property
    def ids(self) -> list[str]:
        return [id_ for _, id_ in self.attempts]


class Desk:
    """What the alarm process knows and keeps: which alerts are what, and the ends it was told."""

    def __init__(self) -> None:
        self.categories: dict[str, Category] = {}
        self.closed_at: dict[str, datetime] = {}
        self.ended = list[DeliveryEnded]()

    def notice_of(self, asked: Request) -> Notice | Moot:
        assert isinstance(asked, NotificationRequested)
        category = self.categories.get(asked.alert, Category.CALL_FOR_HELP)
        return notice_of(asked, alert(category, id_=asked.alert, closed_at=self.closed_at.get(asked.alert)), HOME, (), "")


@asynccontextmanager
async def delivery(time: VirtualTime, desk: Desk, *channels: Told) -> AsyncIterator[Delivery]:
    made = Delivery(channels, desk.notice_of, desk.ended.append, time.now, sleep=time.sleep)
    try:
        yield made
    finally:
        await made.close()


def tell(story: Callable[[VirtualTime, Desk], Awaitable[None]]) -> None:
    async def told() -> None:
        await story(VirtualTime(), Desk())

    asyncio.run(told())
