"""The outbox's worker in virtual time, with channels that are told what to answer, and once with a real receiver."""

import asyncio
import base64
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest

from alerting.facts import NotificationRequested
from alerting.items import DeliveryEnded
from alerting.terms import AlertId, Category, NotificationId
from devices.home import HomeId
from gateway.notify.channel import Moot, Notice, NotifyError, Sent, notice_of
from gateway.notify.delivery import BACKOFF_S, LIMIT, SETTLED_KEPT, Delivery, Request, backoff, pause
from gateway.notify.slots import AT_ONCE, ORDINARY_AT_ONCE
from gateway.notify.webhook import Webhook
from tests.notices import AT, HOME, alert, answering, hanging_up, notice, receiver, request, stalling, until

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
        self.ended: list[DeliveryEnded] = []

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


def test_what_was_taken_is_told_once_with_the_receivers_answer() -> None:
    async def story(time: VirtualTime, desk: Desk) -> None:
        channel = Told(time)
        async with delivery(time, desk, channel) as outbox:
            outbox.offer([request()])
            assert outbox.pending == 1
            assert channel.attempts == []  # an offer never waits, it only begins
            await settled()
            assert desk.ended == [DeliveryEnded(NotificationId("n-1"), AlertId("a-1"), HomeId("h-12"), True, 1, "200 OK")]
            counts = outbox.counts["desk-hook"]
            assert (counts.sent, counts.failed, counts.retried, counts.in_flight, counts.pending, outbox.pending) == (1, 0, 0, 0, 0, 0)
        assert channel.closed

    tell(story)


def test_what_cannot_be_taken_now_is_tried_again_after_growing_pauses() -> None:
    async def story(time: VirtualTime, desk: Desk) -> None:
        channel = Told(time, "desk-hook", *[LATER] * 9, Sent("200 OK"))
        async with delivery(time, desk, channel) as outbox:
            outbox.offer([request()])
            await time.advance(600)
            gaps = [after - before for before, after in zip(channel.seconds, channel.seconds[1:], strict=False)]
            planned = [1, 2, 4, 8, 15, 30, 60, 60, 60]
            assert all(p <= gap <= 1.1 * p for gap, p in zip(gaps, planned, strict=True)), gaps
            assert desk.ended[0].delivered
            assert desk.ended[0].attempts == 10
            assert outbox.counts["desk-hook"].retried == 9

    tell(story)


def test_the_pause_is_the_same_for_the_same_id_and_differs_between_ids() -> None:
    assert backoff(NotificationId("n-1"), 3) == backoff(NotificationId("n-1"), 3)
    assert len({backoff(NotificationId(f"n-{n}"), 7) for n in range(100)}) == 100
    for attempts, seconds in enumerate(BACKOFF_S, start=1):
        for n in range(50):
            assert seconds <= backoff(NotificationId(f"n-{n}"), attempts).total_seconds() <= 1.1 * seconds
    assert backoff(NotificationId("n-1"), 10_000).total_seconds() >= 60


@pytest.mark.parametrize(
    ("sentence", "category", "retry_after_s", "age", "waits"),
    [
        ("a short Retry-After changes nothing", Category.FIRE, 0.5, timedelta(), (1, 1.1)),
        ("a Retry-After is kept to", Category.FIRE, 20, timedelta(), (20, 20)),
        ("a call for help believes a minute of it", Category.CALL_FOR_HELP, 3600, timedelta(), (60, 60)),
        ("a battery believes a quarter of an hour", Category.TECHNICAL, 3600, timedelta(), (900, 900)),
        ("a fall is tried for a day", Category.FALL, None, timedelta(hours=23, minutes=59), (1, 1.1)),
        ("and no longer", Category.FALL, None, timedelta(hours=24), None),
        ("a leak is tried for an hour", Category.WATER, None, timedelta(minutes=59), (1, 1.1)),
        ("and no longer, too", Category.WATER, None, timedelta(hours=1), None),
        ("a pause that ends past the limit is not begun", Category.WATER, 600, timedelta(minutes=55), None),
    ],
)
def test_how_long_to_wait(
    sentence: str, category: Category, retry_after_s: float | None, age: timedelta, waits: tuple[float, float] | None,
) -> None:
    after = None if retry_after_s is None else timedelta(seconds=retry_after_s)
    error = NotifyError("503", transient=True, retry_after=after)
    wait = pause(notice(category=category), 1, error, AT + age)
    if waits is None:
        assert wait is None, sentence
    else:
        assert wait is not None, sentence
        assert waits[0] <= wait.total_seconds() <= waits[1], sentence


def test_what_is_refused_for_good_ends_at_once() -> None:
    async def story(time: VirtualTime, desk: Desk) -> None:
        channel = Told(time, "desk-hook", NEVER)
        async with delivery(time, desk, channel) as outbox:
            outbox.offer([request()])
            await time.advance(3600)
            assert [(e.delivered, e.attempts, e.detail) for e in desk.ended] == [(False, 1, "410 Gone")]
            assert outbox.counts["desk-hook"].failed == 1

    tell(story)


def test_past_the_limit_it_is_given_up_with_the_last_answer() -> None:
    async def story(time: VirtualTime, desk: Desk) -> None:
        desk.categories["a-1"] = Category.TECHNICAL
        channel = Told(time, "desk-hook", LATER)
        async with delivery(time, desk, channel) as outbox:
            outbox.offer([request()])
            await time.advance(LIMIT.total_seconds() + 120)
            assert [(e.delivered, e.detail) for e in desk.ended] == [(False, "given up: 503 later")]
            assert channel.seconds[-1] <= LIMIT.total_seconds()
            assert 55 <= desk.ended[0].attempts <= 66

    tell(story)


def test_a_call_for_help_is_still_tried_the_next_morning() -> None:
    async def story(time: VirtualTime, desk: Desk) -> None:
        channel = Told(time, "desk-hook", LATER)
        async with delivery(time, desk, channel) as outbox:
            outbox.offer([request()])
            await time.advance(8 * 3600)
            assert desk.ended == []
            channel.answers = [Sent("200 OK")]
            await time.advance(70)
            assert desk.ended[0].delivered

    tell(story)


def test_a_service_that_was_down_past_the_limit_tries_once_all_the_same() -> None:
    async def story(time: VirtualTime, desk: Desk) -> None:
        time.elapsed = 7 * 86400
        channel = Told(time, "desk-hook", LATER)
        async with delivery(time, desk, channel) as outbox:
            outbox.offer([request()])
            await time.advance(600)
            assert [(e.delivered, e.attempts) for e in desk.ended] == [(False, 1)]

    tell(story)


def test_an_alert_that_is_closed_between_attempts_is_not_told_any_more() -> None:
    async def story(time: VirtualTime, desk: Desk) -> None:
        channel = Told(time, "desk-hook", LATER)
        async with delivery(time, desk, channel) as outbox:
            outbox.offer([request()])
            await time.advance(5)
            tried = len(channel.attempts)
            desk.closed_at["a-1"] = time.now()
            await time.advance(600)
            assert len(channel.attempts) == tried == 3
            [end] = desk.ended
            assert (end.delivered, end.attempts) == (False, 3)
            assert end.detail == "the alert was closed before it could be delivered; the last answer was: 503 later"
            assert outbox.counts["desk-hook"].moot == 1

    tell(story)


def test_an_alert_that_was_closed_before_the_first_attempt_is_not_told_at_all() -> None:
    async def story(time: VirtualTime, desk: Desk) -> None:
        channel = Told(time)
        desk.closed_at["a-1"] = AT + timedelta(seconds=1)
        async with delivery(time, desk, channel) as outbox:
            outbox.offer([request()])
            await settled()
            assert channel.attempts == []
            assert [(e.delivered, e.attempts) for e in desk.ended] == [(False, 0)]

    tell(story)


def test_a_channel_that_nobody_has_set_up_is_said_so() -> None:
    async def story(time: VirtualTime, desk: Desk) -> None:
        async with delivery(time, desk) as outbox:
            outbox.offer([request(channel="sms")])
            assert desk.ended == []  # never from within the offer
            await settled()
            assert [(e.delivered, e.detail) for e in desk.ended] == [(False, "no channel is named 'sms'")]
            assert outbox.pending == 0

    tell(story)


def test_an_id_is_sent_once_in_a_run_however_often_it_is_offered() -> None:
    async def story(time: VirtualTime, desk: Desk) -> None:
        channel = Told(time, "desk-hook", LATER, Sent("200 OK"))
        async with delivery(time, desk, channel) as outbox:
            outbox.offer([request(), request()])
            await settled()
            outbox.offer([request()])  # while it pauses
            await time.advance(10)
            outbox.offer([request()])  # when it is over, and the end is still on its way to the journal
            await time.advance(10)
            assert len(channel.attempts) == 2
            assert len(desk.ended) == 1

    tell(story)


def test_what_is_remembered_of_the_past_is_bounded() -> None:
    async def story(time: VirtualTime, desk: Desk) -> None:
        channel = Told(time)
        async with delivery(time, desk, channel) as outbox:
            for start in range(0, SETTLED_KEPT + 500, 500):
                outbox.offer([request(f"n-{n}") for n in range(start, start + 500)])
                await until(lambda: outbox.pending == 0)
            assert len(outbox._settled) == SETTLED_KEPT
            assert len(desk.ended) == SETTLED_KEPT + 500

    tell(story)


def test_a_crash_between_sending_and_its_end_sends_the_same_id_again() -> None:
    async def story(time: VirtualTime, desk: Desk) -> None:
        before = Told(time, "desk-hook", None)  # it has the notice, and its answer never comes
        crashed = Delivery([before], desk.notice_of, desk.ended.append, time.now, sleep=time.sleep)
        crashed.offer([request("n-7")])
        await settled()
        await crashed.close()
        assert (before.ids, desk.ended) == (["n-7"], [])
        after = Told(time)
        async with delivery(time, desk, after) as outbox:
            outbox.offer([request("n-7")])
            await settled()
            assert after.ids == ["n-7"]
            assert desk.ended[0].delivered

    tell(story)


def test_closing_tells_no_end_and_leaves_nothing_running() -> None:
    async def story(time: VirtualTime, desk: Desk) -> None:
        stuck, pausing = Told(time, "stuck", None), Told(time, "pausing", LATER)
        outbox = Delivery([stuck, pausing], desk.notice_of, desk.ended.append, time.now, sleep=time.sleep)
        outbox.offer([request(f"s-{n}", channel="stuck") for n in range(20)] + [request("p", channel="pausing")])
        await settled()
        await outbox.close()
        outbox.offer([request("late", channel="pausing")])
        await settled()
        assert desk.ended == []
        assert outbox.pending == 0
        assert all(c.in_flight == c.pending == 0 for c in outbox.counts.values())
        assert stuck.closed
        assert pausing.closed
        assert asyncio.all_tasks() == {asyncio.current_task()}

    tell(story)


def test_a_channel_sends_a_few_at_once_and_the_rest_in_order_of_age() -> None:
    async def story(time: VirtualTime, desk: Desk) -> None:
        channel = Told(time, "desk-hook", None)
        async with delivery(time, desk, channel) as outbox:
            ages = list(range(30))
            outbox.offer([request(f"n-{age:02}", at=AT - timedelta(seconds=age)) for age in ages])
            await settled()
            assert channel.open == AT_ONCE
            assert outbox.counts["desk-hook"].in_flight == AT_ONCE
            assert outbox.counts["desk-hook"].pending == 30
            channel.release.set()
            await until(lambda: outbox.pending == 0)
            assert channel.most_open == AT_ONCE
            assert channel.ids[AT_ONCE:] == [f"n-{age:02}" for age in reversed(ages) if f"n-{age:02}" not in channel.ids[:AT_ONCE]]

    tell(story)


def test_a_fire_does_not_stand_behind_batteries() -> None:
    async def story(time: VirtualTime, desk: Desk) -> None:
        desk.categories["battery"] = Category.TECHNICAL
        desk.categories["fire"] = Category.FIRE
        channel = Told(time, "desk-hook", None)
        async with delivery(time, desk, channel) as outbox:
            outbox.offer([request(f"b-{n}", alert_id="battery", at=AT - timedelta(hours=1)) for n in range(50)])
            await settled()
            assert channel.open == ORDINARY_AT_ONCE
            outbox.offer([request("f-1", alert_id="fire"), request("f-2", alert_id="fire"), request("f-3", alert_id="fire")])
            await settled()
            assert channel.ids[ORDINARY_AT_ONCE:] == ["f-1", "f-2"]  # at once, in the slots kept free
            channel.release.set()
            await until(lambda: outbox.pending == 0)
            assert channel.ids[AT_ONCE] == "f-3"  # the next slot was the third fire's

    tell(story)


def test_a_dead_channel_delays_no_other() -> None:
    async def story(time: VirtualTime, desk: Desk) -> None:
        dead, well = Told(time, "dead", None), Told(time, "well")
        async with delivery(time, desk, dead, well) as outbox:
            outbox.offer([request(f"d-{n}", channel="dead") for n in range(100)])
            await settled()
            outbox.offer([request(f"w-{n}", channel="well") for n in range(20)])
            await settled()
            assert sorted(well.ids) == sorted(f"w-{n}" for n in range(20))
            assert [e.delivered for e in desk.ended] == [True] * 20
            assert outbox.counts["dead"].sent == 0

    tell(story)


def test_a_notification_in_its_pause_takes_no_slot() -> None:
    async def story(time: VirtualTime, desk: Desk) -> None:
        channel = Told(time, "desk-hook", *[LATER] * 20, Sent("200 OK"))
        async with delivery(time, desk, channel) as outbox:
            outbox.offer([request(f"early-{n}") for n in range(20)])
            await settled()
            outbox.offer([request("after")])
            await settled()
            assert [e.notification for e in desk.ended] == ["after"]

    tell(story)


def test_an_alert_closed_while_its_notification_waits_for_a_slot_is_not_told() -> None:
    async def story(time: VirtualTime, desk: Desk) -> None:
        channel = Told(time, "desk-hook", None)
        async with delivery(time, desk, channel) as outbox:
            outbox.offer([request(f"n-{n}", alert_id="long") for n in range(AT_ONCE)])
            await settled()
            outbox.offer([request("waiting", alert_id="short")])
            await settled()
            desk.closed_at["short"] = AT + timedelta(seconds=5)
            channel.release.set()
            await until(lambda: outbox.pending == 0)
            assert "waiting" not in channel.ids

    tell(story)


def test_a_fault_inside_a_channel_is_kept_to_its_notification(caplog: pytest.LogCaptureFixture) -> None:
    async def story(time: VirtualTime, desk: Desk) -> None:
        broken, well = Told(time, "broken", ZeroDivisionError("odd answer"), Sent("200 OK")), Told(time, "well")
        async with delivery(time, desk, broken, well) as outbox:
            outbox.offer([request("b", channel="broken"), request("w", channel="well")])
            await time.advance(5)
            assert {(e.notification, e.delivered, e.attempts) for e in desk.ended} == {("b", True, 2), ("w", True, 1)}

    with caplog.at_level(logging.ERROR):
        tell(story)
    assert "odd answer" in caplog.text


def test_a_notification_that_cannot_be_made_is_told_as_failed_and_not_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    async def story(time: VirtualTime, desk: Desk) -> None:
        def notice_of_none(_: Request) -> Notice | Moot:
            raise LookupError("no such home")

        outbox = Delivery([Told(time)], notice_of_none, desk.ended.append, time.now, sleep=time.sleep)
        outbox.offer([request()])
        await settled()
        await outbox.close()
        [ended] = desk.ended
        assert not ended.delivered
        assert "no such home" in ended.detail

    with caplog.at_level(logging.ERROR):
        tell(story)
    assert "no such home" in caplog.text


def test_a_fault_of_the_callers_reaches_the_loop_and_is_not_swallowed() -> None:
    async def story(time: VirtualTime, desk: Desk) -> None:
        faults: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(repr(context["exception"])))

        def refuse(_ended: DeliveryEnded) -> None:
            raise KeyError("journal")

        outbox = Delivery([Told(time)], desk.notice_of, refuse, time.now, sleep=time.sleep)
        outbox.offer([request()])
        await settled()
        await outbox.close()
        assert faults == ["KeyError('journal')"]

    tell(story)


def test_dead_slow_and_sound_webhooks_side_by_side() -> None:
    """Real sockets: one receiver hangs up, one never answers, one takes everything within its own time."""
    secret = "whsec_" + base64.b64encode(bytes(32)).decode()
    trust = ssl.create_default_context()

    async def story(time: VirtualTime, desk: Desk) -> None:
        async with receiver(hanging_up) as dead, receiver(stalling) as slow, receiver(answering("204 No Content")) as sound:
            made: Iterable[Webhook] = [
                Webhook(name, f"http://127.0.0.1:{heard.port}/", [secret], wall=time.now, trust=trust)
                for name, heard in (("dead", dead), ("slow", slow), ("sound", sound))
            ]
            outbox = Delivery(made, desk.notice_of, desk.ended.append, time.now, sleep=time.sleep)
            outbox.offer([request(f"{name}-{n}", channel=name) for n in range(10) for name in ("dead", "slow", "sound")])
            await until(lambda: len(desk.ended) == 10)
            assert sorted(sound.ids) == [f"sound-{n}" for n in range(10)]
            assert all(e.delivered for e in desk.ended)
            await until(lambda: outbox.counts["dead"].retried == 10)
            await until(lambda: len(slow.hits) == AT_ONCE)
            dead.behaviour = answering("200 OK")
            await time.advance(2)
            await until(lambda: len(desk.ended) == 20)
            assert sorted(dead.ids) == sorted(2 * [f"dead-{n}" for n in range(10)])
            await outbox.close()

    tell(story)
