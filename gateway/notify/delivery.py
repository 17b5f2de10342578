"""The outbox's worker: every requested notification leaves the house, or its end is told, whatever the receivers do.

The journal is the outbox. A request is offered after its commit, and again after every restart until its `DeliveryEnded` is in the
journal too. In between nothing is kept on disk: across a crash a notification may be sent twice, under the same id, and is never
lost. Each channel has slots of its own, life safety first, so a receiver that is dead or slow delays only what goes to it.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from alerting.caring.help_facts import MessageRequested
from alerting.facts import NotificationRequested
from alerting.items import DeliveryEnded
from alerting.terms import NotificationId
from gateway.notify.channel import Channel, Moot, Notice, NotifyError, Sent, one_line
from gateway.notify.pace import HeldBack
from gateway.notify.slots import Slots

log = logging.getLogger(__name__)

BACKOFF_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
"""Pauses after the first, second, … failed attempt; the last of them from then on."""
JITTER = 0.1
"""A pause is longer by up to this share, so that what failed together does not come back together."""

LIFE_SAFETY_LIMIT = timedelta(hours=24)
LIMIT = timedelta(hours=1)
"""Past these whoever is reached comes too late to be of use; the desk has had the alert in front of it all the time."""

LIFE_SAFETY_PAUSE = timedelta(seconds=60)
PAUSE = timedelta(minutes=15)
"""How far a receiver's Retry-After is believed: a header does not keep a call for help waiting."""

ATTEMPT_S = 60.0
"""A channel bounds its own attempts; this is for one that does not."""

SETTLED_KEPT = 10_000
"""Ids remembered after their end: an offer that crosses the end on its way to the journal is not sent again."""


Request = NotificationRequested | MessageRequested
"""What is to be told, of an alert or of care."""


class Counts(msgspec.Struct):
    """Of one channel since the start. `sent`, `failed` and `moot` are ends; `retried` are attempts that another one follows."""

    sent: int = 0
    failed: int = 0
    moot: int = 0
    retried: int = 0
    in_flight: int = 0
    """Attempts at this moment."""
    pending: int = 0
    """Notifications neither delivered nor given up: in flight, in a pause, waiting for a slot."""
    last_success_at: datetime | None = None
    """Of attempts, tests among them; service time."""
    last_failure_at: datetime | None = None
    last_failure: str = ""


class Lane(msgspec.Struct):
    channel: Channel
    slots: Slots
    counts: Counts


def backoff(notification: NotificationId, attempts: int) -> timedelta:
    """The pause after the `attempts`-th failed attempt (from 1). The id throws the dice: the same pause in every run."""
    seconds = BACKOFF_S[min(attempts, len(BACKOFF_S)) - 1]
    dice = hashlib.sha256(f"{notification} {attempts}".encode()).digest()
    return timedelta(seconds=seconds * (1 + JITTER * int.from_bytes(dice[:4], "big") / 2**32))


def pause(notice: Notice, attempts: int, error: NotifyError, now: datetime) -> timedelta | None:
    """How long to wait before the next attempt; None when there shall be none."""
    if not error.transient:
        return None
    wait = backoff(notice.notification, attempts)
    if error.retry_after is not None:
        wait = max(wait, min(error.retry_after, LIFE_SAFETY_PAUSE if notice.life_safety else PAUSE))
    limit = LIFE_SAFETY_LIMIT if notice.life_safety else LIMIT
    return wait if now + wait <= notice.requested_at + limit else None


class Delivery:
    """`offer` takes requests after their commit; `ended` is called once for each that is over for good, to be journaled.

    `notice_of` is asked anew before each attempt: what is to be sent, or why nobody needs it any more. `now` is service time.
    `sleep` waits for that many seconds of it.
    """

    def __init__(
        self,
        channels: Iterable[Channel],
        notice_of: Callable[[Request], Notice | Moot],
        ended: Callable[[DeliveryEnded], None],
        now: Callable[[], datetime],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._lanes = {channel.name: Lane(channel, Slots(), Counts()) for channel in channels}
        self._notice_of = notice_of
        self._ended = ended
        self._now = now
        self._sleep = sleep
        self._under_way: dict[NotificationId, asyncio.Task[None]] = {}
        self._settled: dict[NotificationId, None] = {}
        self._closed = False

    @property
    def pending(self) -> int:
        """Notifications that are neither delivered nor given up."""
        return len(self._under_way)

    @property
    def counts(self) -> dict[str, Counts]:
        """By the channel's name."""
        return {name: lane.counts for name, lane in self._lanes.items()}

    @property
    def channels(self) -> Mapping[str, Channel]:
        """By name."""
        return {name: lane.channel for name, lane in self._lanes.items()}

    async def trial(self, notice: Notice) -> Sent | NotifyError:
        """One attempt of a notice that nobody's alert asked for, behind those that somebody's did. KeyError for an unknown channel."""
        lane = self._lanes[notice.channel]
        async with lane.slots.slot(notice.requested_at, life_safety=False):
            return await self._attempt(notice, lane)

    def offer(self, requests: Iterable[Request]) -> None:
        """Send these; what is under way or over already is left alone. Never waits: all else happens in tasks of the running loop."""
        for request in requests:
            id_ = request.notification
            if self._closed or id_ in self._under_way or id_ in self._settled:
                continue
            task = self._under_way[id_] = asyncio.create_task(self._carry(request), name=f"notification {id_}")
            task.add_done_callback(self._done)

    async def close(self) -> None:
        """Stop where we are. What was pending stays pending in the journal, and is offered again by the next run."""
        self._closed = True
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for lane in self._lanes.values():
            await lane.channel.close()

    def _done(self, task: asyncio.Task[None]) -> None:
        """A fault in what the caller gave (`notice_of`, `ended`, `now`) is a bug of ours, for the loop's handler to judge."""
        if not task.cancelled() and (bug := task.exception()) is not None:
            task.get_loop().call_exception_handler({"message": f"{task.get_name()} was dropped", "exception": bug, "task": task})

    async def _carry(self, request: Request) -> None:
        """One notification, from the offer to its end."""
        lane = self._lanes.get(request.channel)
        try:
            if lane is None:
                self._settle(request, 0, delivered=False, detail=f"no channel is named {request.channel!r}")
            else:
                lane.counts.pending += 1
                try:
                    await self._keep_trying(request, lane)
                except Exception as bug:
                    log.exception("notification %s could not be made", request.notification)
                    lane.counts.failed += 1
                    self._settle(request, 0, delivered=False, detail=f"a fault of the service: {bug!r}")
        finally:
            del self._under_way[request.notification]
            if lane is not None:
                lane.counts.pending -= 1

    async def _keep_trying(self, request: Request, lane: Lane) -> None:
        """Attempt after attempt, until one is the last."""
        attempts, said = 0, ""
        notice = self._notice_of(request)
        while isinstance(notice, Notice):
            async with lane.slots.slot(request.at, life_safety=notice.life_safety):
                notice = self._notice_of(request)  # the slot may have come late
                if isinstance(notice, Moot):
                    break
                answer = await self._attempt(notice, lane)
            attempts += 1
            if isinstance(answer, Sent):
                lane.counts.sent += 1
                self._settle(request, attempts, delivered=True, detail=answer.detail, references=answer.references)
                return
            said = answer.detail
            wait = pause(notice, attempts, answer, self._now())
            if wait is None:
                lane.counts.failed += 1
                self._settle(request, attempts, delivered=False, detail=f"given up: {said}" if answer.transient else said)
                return
            lane.counts.retried += 1
            await self._sleep(wait.total_seconds())
            notice = self._notice_of(request)
        lane.counts.moot += 1
        self._settle(request, attempts, delivered=False, detail=f"{notice.why}; the last answer was: {said}" if said else notice.why)

    async def _attempt(self, notice: Notice, lane: Lane) -> Sent | NotifyError:
        answer = await self._sent(notice, lane)
        if isinstance(answer, Sent):
            lane.counts.last_success_at = self._now()
        elif not isinstance(answer, HeldBack):
            lane.counts.last_failure_at, lane.counts.last_failure = self._now(), answer.detail
        return answer

    async def _sent(self, notice: Notice, lane: Lane) -> Sent | NotifyError:
        lane.counts.in_flight += 1
        try:
            async with asyncio.timeout(ATTEMPT_S):
                return await lane.channel.send(notice)
        except NotifyError as error:
            return error
        except TimeoutError:
            return NotifyError(f"no end within {ATTEMPT_S:g} s", transient=True)
        except Exception as bug:
            # A bug that one receiver's answer can wake must not stop the hearing of every home, restart after restart: it is
            # logged with its place, told on the timeline as the reason, and tried again like a fault of the receiver.
            log.exception("channel %s failed on notification %s", lane.channel.name, notice.notification)
            return NotifyError(one_line(f"fault in the channel {lane.channel.kind}: {bug!r}"), transient=True)
        finally:
            lane.counts.in_flight -= 1

    def _settle(
        self, request: Request, attempts: int, *, delivered: bool, detail: str, references: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        self._settled[request.notification] = None
        if len(self._settled) > SETTLED_KEPT:
            del self._settled[next(iter(self._settled))]
        self._ended(
            DeliveryEnded(request.notification, request.alert, request.home, delivered, attempts, one_line(detail), references),
        )
