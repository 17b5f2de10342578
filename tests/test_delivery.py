"""The outbox's worker in virtual time, with channels that are told what to answer, and once with a real receiver."""

import asyncio
import base64
import logging
import ssl
from datetime import timedelta

import pytest

from alerting.items import DeliveryEnded
from alerting.terms import AlertId, Category, NotificationId
from devices.home import HomeId
from gateway.notify.channel import Moot, Notice, NotifyError, Sent
from gateway.notify.delivery import BACKOFF_S, LIMIT, SETTLED_KEPT, Delivery, Request, backoff, pause
from gateway.notify.slots import AT_ONCE
from gateway.notify.webhook import Webhook
from tests.notices import AT, answering, hanging_up, notice, receiver, request, stalling, until
from tests.outbox import LATER, NEVER, Desk, Told, VirtualTime, delivery, settled, tell


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
            made = [
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
