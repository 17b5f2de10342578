"""How often a channel may speak in a minute. What stands under the safety floor never waits here; it only takes from what others may."""

from collections import deque
from collections.abc import Callable
from datetime import timedelta
from time import monotonic

from gateway.notify.callback import Heard, Hears, Pulls, Report, refused
from gateway.notify.channel import Channel, Notice, NotifyError, Sent
from gateway.reaching import Callback

WINDOW_S = 60.0
ORDINARY_SHARE = 0.75
"""Of the limit: the rest is kept free, so that the provider does not refuse a fire for twenty flat batteries."""


class HeldBack(NotifyError):  # noqa: N818 - nothing failed
    """By our own rule, not by the receiver."""


class Pace:
    """Counts what was sent in the last minute. `now` are monotonic seconds."""

    def __init__(self, per_minute: int, now: Callable[[], float] = monotonic) -> None:
        self._ordinary = max(1, int(per_minute * ORDINARY_SHARE))
        self._now = now
        self._sent: deque[float] = deque(maxlen=max(1, per_minute))

    def take(self, *, life_safety: bool) -> float:
        """Seconds to wait; 0: speak now, it is counted. For life safety always 0."""
        now, sent = self._now(), self._sent
        while sent and now - sent[0] >= WINDOW_S:
            sent.popleft()
        if not life_safety and len(sent) >= self._ordinary:
            return WINDOW_S - (now - sent[len(sent) - self._ordinary])
        sent.append(now)
        return 0.0


class Paced:
    """A channel with a pace. Whatever else it can, it can as before."""

    def __init__(self, channel: Channel, per_minute: int, now: Callable[[], float] = monotonic) -> None:
        self.name = channel.name
        self.kind = channel.kind
        self._channel = channel
        self._per_minute = per_minute
        self._pace = Pace(per_minute, now)

    async def send(self, notice: Notice) -> Sent:
        wait = self._pace.take(life_safety=notice.life_safety)
        if wait:
            after = timedelta(seconds=wait)
            raise HeldBack(f"held back: {self._per_minute} a minute, and room is kept for calls", transient=True, retry_after=after)
        return await self._channel.send(notice)

    def heard(self, callback: Callback) -> Heard:
        return self._channel.heard(callback) if isinstance(self._channel, Hears) else refused(404, "this channel takes no callbacks")

    async def pull(self) -> list[Report]:
        return await self._channel.pull() if isinstance(self._channel, Pulls) else []

    async def reach(self) -> str:
        return await self._channel.reach()

    async def close(self) -> None:
        await self._channel.close()
