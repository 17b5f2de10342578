"""What a client of MQTT 5.0 is given: how much at a time, for how long, and with what was said beside it."""

from datetime import timedelta

import pytest

from devices.mqtt.entries import Delivered
from devices.mqtt.packets import (
    Option,
    Pingreq,
    Pingresp,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
)
from devices.mqtt.properties import NONE, Properties
from devices.mqtt.terms import PACKET_LIMIT
from gateway.mqtt import listener
from tests.endpoint import AT, endpoint, until
from tests.kits import COMMAND, REPORT, STATUS, run
from tests.kits import hello as hello_311
from tests.kits import kit as kit_311
from tests.kits_five import MINUTE, hello, journaled, kit, passes, subscribed


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is due is looked for fifty times a second instead of once: the stories are about when it is due."""
    monkeypatch.setattr(listener, "SWEEP_S", 0.02)


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_commands_are_under_way_than_the_client_takes(most: int) -> None:
    """[MQTT-3.3.4-9] [MQTT-4.9.0-2], also of what was sent before it came back."""

    async def story() -> None:
        async with endpoint() as at:
            asked = Properties(session_expiry=60, receive_maximum=most)
            async with kit(at, hello(properties=asked)) as one:
                await subscribed(one, COMMAND, 2)
                for number in range(6):
                    at.ledger.issue(COMMAND, str(number).encode(), f"c{number}")
                first = await one.hear(most)
                await one.say(Pingreq())
                assert await one.hear() == [Pingresp()]
            async with kit(at, hello(properties=asked), present=True) as one:
                again = await one.hear(most)
                assert [p.payload for p in again if isinstance(p, Publish)] == [p.payload for p in first if isinstance(p, Publish)]
                assert all(isinstance(p, Publish) and p.dup for p in again)
                got: list[Publish] = []
                waiting = [p for p in again if isinstance(p, Publish)]
                while waiting:
                    message = waiting.pop(0)
                    got.append(message)
                    await one.say(Pubrec(message.packet_id))
                    assert await one.hear() == [Pubrel(message.packet_id)]
                    await one.say(Pubcomp(message.packet_id), Pingreq())
                    while (heard := (await one.hear())[0]) != Pingresp():
                        assert isinstance(heard, Publish)
                        waiting.append(heard)
                    assert len(waiting) <= most
                assert [p.payload for p in got] == [str(n).encode() for n in range(6)]
                await until(lambda: journaled(at, Delivered) == 6)

    run(story())


def test_a_command_says_how_long_it_holds_and_is_not_given_after_that() -> None:
    """[MQTT-3.3.2-5] [MQTT-3.3.2-6]"""

    async def story() -> None:
        async with endpoint() as at:
            async with kit(at, hello(properties=MINUTE)) as one:
                await subscribed(one, COMMAND)
            at.ledger.issue(COMMAND, b"short", "c1", expires_at=AT + timedelta(seconds=10))
            at.ledger.issue(COMMAND, b"long", "c2", expires_at=AT + timedelta(seconds=100))
            at.ledger.issue(COMMAND, b"for ever", "c3")
            await passes(at, 30)
            async with kit(at, hello(properties=MINUTE), present=True) as one:
                given = [(p.payload, p.properties.message_expiry) for p in await one.hear(2) if isinstance(p, Publish)]
                assert given == [(b"long", 70), (b"for ever", None)]

    run(story())


def test_a_command_longer_than_the_client_takes_is_not_given_and_holds_up_nothing() -> None:
    """[MQTT-3.1.2-25]"""

    async def story() -> None:
        async with endpoint() as at, kit(at, hello(properties=Properties(session_expiry=60, maximum_packet_size=100))) as one:
            await subscribed(one, COMMAND)
            at.ledger.issue(COMMAND, bytes(200), "c1")
            at.ledger.issue(COMMAND, b"x", "c2")
            (command,) = await one.hear()
            assert isinstance(command, Publish)
            assert command.payload == b"x"
            await until(lambda: Delivered("cord/c", "c1") in at.ledger.journal)

    run(story())


def test_a_refused_filter_is_told_why_and_one_that_was_not_there_too() -> None:
    """[MQTT-3.8.4-6] [MQTT-3.9.3-2] [MQTT-3.11.3-2]"""

    async def story() -> None:
        async with endpoint() as at, kit(at, hello()) as one:
            filters = ((COMMAND, 2), ("$share/group/" + COMMAND, 1), ("other/#", 1), ("anju/" + "+/" * 600 + "#", 1))
            await one.say(Subscribe(1, filters))
            assert await one.hear() == [Suback(1, (2, 0x9E, 0x87, 0x8F))]
            await one.say(Unsubscribe(2, (COMMAND, COMMAND, "other/#")))
            assert await one.hear() == [Unsuback(2, (0, 0x11, 0x11))]
            assert one.welcome.properties.shared_available == 0
            assert one.welcome.properties.maximum_packet_size == PACKET_LIMIT
            assert (await subscribed(one, COMMAND)) == []

    run(story())


def test_subscriptions_are_bounded_by_a_quota() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at, hello("hub")) as hub:
            await hub.say(Subscribe(1, tuple((f"anju/v1/330106/home-1/d{n}/command", 1) for n in range(1001))))
            (suback,) = await hub.hear()
            assert isinstance(suback, Suback)
            assert suback.codes == (1,) * 1000 + (0x97,)

    run(story())


BESIDE = Properties(
    payload_format=1, content_type="application/json", response_topic="anju/answer", correlation_data=b"\0\xff",
    user=(("b", "1"), ("a", "2"), ("b", "3")),
)  # fmt: skip


def test_a_reader_gets_what_a_publisher_said_besides_and_an_old_one_does_not() -> None:
    """[MQTT-3.3.2-4, -15, -16, -17, -18, -20]; the lower of the two QoS [MQTT-3.8.4-8]."""

    async def story() -> None:
        async with endpoint() as at, kit(at, hello("city")) as city, kit_311(at, hello_311("city", "old")) as old, kit(at, hello()) as one:
            await subscribed(city, "#", 2, 5)
            await old.say(Subscribe(1, (("#", 2),)))
            await old.hear()
            for qos in (0, 1, 2):
                number = qos and qos + 1
                await one.say(Publish(REPORT, b"{}", qos, packet_id=number, properties=BESIDE))
                (relayed,) = await city.hear()
                assert isinstance(relayed, Publish)
                assert (relayed.payload, relayed.qos, relayed.retain) == (b"{}", qos, False)
                its = Properties(
                    payload_format=1, content_type="application/json", response_topic="anju/answer", correlation_data=b"\0\xff",
                    user=(("b", "1"), ("a", "2"), ("b", "3")), subscription_ids=(5,),
                )  # fmt: skip
                assert relayed.properties == its
                (plain,) = await old.hear()
                assert isinstance(plain, Publish)
                assert (plain.payload, plain.qos, plain.properties) == (b"{}", qos, NONE)
            await one.say(Publish(REPORT, b"{}", 1, packet_id=9, properties=Properties(message_expiry=60)))
            (relayed,) = await city.hear()
            assert isinstance(relayed, Publish)
            assert relayed.properties.message_expiry == 60

    run(story())


def test_no_local_and_retain_as_published() -> None:
    """[MQTT-3.8.3-3] [MQTT-3.3.1-12] [MQTT-3.3.1-13]"""

    async def story() -> None:
        async with endpoint() as at, kit(at, hello("hub", "one")) as one, kit(at, hello("hub", "two")) as two:
            await subscribed(one, STATUS, 1 | Option.NO_LOCAL)
            await subscribed(two, STATUS, 1 | Option.AS_PUBLISHED)
            for number, (payload, retain) in enumerate(((b"1", True), (b"2", False)), 1):
                await one.say(Publish(STATUS, payload, 1, retain, packet_id=number))
                assert await one.hear() == [Puback(number)]
                (theirs,) = await two.hear()
                assert isinstance(theirs, Publish)
                assert (theirs.payload, theirs.retain) == (payload, retain)
            await two.say(Publish(STATUS, b"3", 1, retain=True, packet_id=9))
            (back,) = await one.hear()
            assert isinstance(back, Publish)
            assert (back.payload, back.retain) == (b"3", False), "from another client, not marked"
            both = await two.hear(2)
            assert Puback(9) in both
            assert any(isinstance(p, Publish) and p.payload == b"3" for p in both), "its own, without No Local"

    run(story())


def test_retained_status_comes_as_it_was_asked_for() -> None:
    """[MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]"""

    async def story() -> None:
        async with endpoint() as at, kit(at, hello()) as one:
            await one.say(Publish(STATUS, b"on", 1, retain=True, packet_id=1))
            assert await one.hear() == [Puback(1)]
            for options, times in ((1, (1, 1)), (1 | Option.RETAINED_IF_NEW, (1, 0)), (1 | Option.NOTHING_RETAINED, (0, 0))):
                async with kit(at, hello("hub", f"c{options}")) as hub:
                    for count in times:
                        got = await subscribed(hub, STATUS, options, 7)
                        assert [(p.payload, p.retain, p.properties.subscription_ids) for p in got if isinstance(p, Publish)] == [
                            (b"on", True, (7,)),
                        ] * count

    run(story())


def test_retained_status_keeps_what_was_said_with_it_over_a_restart_until_it_expires() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at, hello()) as one:
            said = Properties(content_type="json", user=(("k", "v"),), message_expiry=100)
            await one.say(Publish(STATUS, b"on", 2, retain=True, packet_id=1, properties=said))
            assert await one.hear() == [Pubrec(1)]
            journal = list(at.ledger.journal)
        async with endpoint(journal) as at:
            await passes(at, 40)
            async with kit(at, hello("hub")) as hub:
                (status,) = await subscribed(hub, STATUS, 2)
                assert isinstance(status, Publish)
                assert (status.qos, status.retain) == (2, True)
                assert status.properties == Properties(content_type="json", user=(("k", "v"),), message_expiry=60)
            await passes(at, 61)
            async with kit(at, hello("hub")) as hub:
                assert await subscribed(hub, STATUS, 2) == []

    run(story())


def test_a_command_names_the_subscriptions_that_it_is_given_for() -> None:
    """[MQTT-3.3.4-3] [MQTT-3.3.4-4], also after a restart"""

    async def story() -> None:
        async with endpoint() as at:
            async with kit(at, hello(properties=MINUTE)) as one:
                await subscribed(one, COMMAND, 1, 300)
                await subscribed(one, "anju/#", 1, 2)
                await subscribed(one, "#", 1)
            at.ledger.issue(COMMAND, b"x", "c1")
            await until(lambda: bool(at.ledger.sessions.of("cord")[0].queue))
            journal = list(at.ledger.journal)
        async with endpoint(journal) as at, kit(at, hello(properties=MINUTE), present=True) as one:
            (command,) = await one.hear()
            assert isinstance(command, Publish)
            assert sorted(command.properties.subscription_ids) == [2, 300]

    run(story())
