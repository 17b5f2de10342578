"""How many notifications a channel sends at once, in what order, and that none waits for another channel."""

from datetime import timedelta

from alerting.terms import Category
from gateway.notify.channel import Sent
from gateway.notify.slots import AT_ONCE, ORDINARY_AT_ONCE
from tests.notices import AT, request, until
from tests.outbox import LATER, Desk, Told, VirtualTime, delivery, settled, tell


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
