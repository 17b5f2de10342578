"""The endpoint on a socket: who is let in, what is acknowledged when, and who is shut out again."""

from datetime import timedelta

import pytest

from devices.mqtt.encode import encode
from devices.mqtt.entries import PacketIdHeld
from devices.mqtt.packets import (
    Connack,
    Connect,
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
from gateway.mqtt.door import PATIENCE
from tests.endpoint import PASSWORD, endpoint, until
from tests.kits import ALARM, COMMAND, REPORT, hello, kit, run

# --- the door --------------------------------------------------------------------------------------------------------------------


STRANGERS = [
    (Connect("c", username="cord", password=b"wrong"), 4, "a wrong password"),
    (Connect("c", username="nobody", password=b"secret"), 4, "an unknown user"),
    (Connect("c"), 5, "no user at all"),
    (Connect("c", username="cord"), 5, "no password"),
    (Connect("", False, 0, "cord", PASSWORD.encode()), 2, "an empty client id that wants its session kept [MQTT-3.1.3-8]"),
    (Connect("c" * 300, True, 0, "cord", PASSWORD.encode()), 2, "a client id of 300 characters [MQTT-3.1.3-9]"),
    (Connect("c", level=3), 1, "another version of the protocol [MQTT-3.1.2-2]"),
]


@pytest.mark.parametrize(("connect", "code"), [s[:2] for s in STRANGERS], ids=[s[2] for s in STRANGERS])
def test_a_stranger_is_told_why_and_sent_away(connect: Connect, code: int) -> None:
    """[MQTT-3.2.2-5]; what comes behind the CONNECT is not taken [MQTT-3.1.4-5]."""

    async def story() -> None:
        async with endpoint() as at, kit(at) as one:
            await one.say(connect, Publish(REPORT, b"{}", 1, packet_id=1))
            assert await one.ended() == [Connack(False, code)]
            assert at.ledger.published == []
            assert at.listener.connections == 0

    run(story())


def test_client_ids_the_specification_asks_for_are_taken() -> None:
    """[MQTT-3.1.3-5]: 1 to 23 of 0-9a-zA-Z; [MQTT-3.1.3-6]: none with a clean session, each its own."""

    async def story() -> None:
        async with endpoint() as at, kit(at, hello(client="0aZ" * 7 + "xy")), kit(at, hello(client="")), kit(at, hello(client="")):
            assert at.listener.connections == 3

    run(story())


def test_guessing_is_slowed_down_and_the_right_password_is_not() -> None:
    async def story() -> None:
        async with endpoint() as at:
            for _ in range(PATIENCE):
                async with kit(at) as one:
                    await one.say(Connect("c", username="cord", password=b"wrong"))
                    assert await one.ended() == [Connack(False, 4)]
            async with kit(at) as guess, kit(at, hello()):
                await guess.say(Connect("c", username="cord", password=b"wrong"))
                with pytest.raises(TimeoutError):
                    await guess.hear(within=0.1)
                at.ledger.now += timedelta(seconds=4)
                assert await guess.ended() == [Connack(False, 4)]

    run(story())


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x02\x00", b"\x30\x02\x00\x00", bytes(100)])
def test_what_is_not_mqtt_is_hung_up_on(data: bytes) -> None:
    """[MQTT-3.1.4-1]: without a CONNACK."""

    async def story() -> None:
        async with endpoint() as at, kit(at) as one:
            one.writer.write(data)
            assert await one.ended() == []

    run(story())


def test_who_says_nothing_is_hung_up_on_after_ten_seconds() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at) as one:
            one.writer.write(encode(hello())[:5])
            at.ledger.now += timedelta(seconds=11)
            assert await one.ended() == []

    run(story())


def test_one_credential_has_a_bounded_number_of_connections_and_sessions() -> None:
    async def story() -> None:
        async with endpoint() as at:
            many = [kit(at, hello(client=f"c{n}", clean=False)) for n in range(8)]
            for one in many:
                await one.__aenter__()
            async with kit(at) as ninth:
                await ninth.say(hello(client="c8"))
                assert await ninth.ended() == [Connack(False, 3)]
            for one in many:
                await one.__aexit__(None, None, None)
            await until(lambda: at.listener.connections == 0)
            async with kit(at, hello(client="c8", clean=False)):
                await until(lambda: at.ledger.sessions.count("cord") == 8)
            async with kit(at, hello(client="c0", clean=False)):
                pass  # the oldest made room: not present

    run(story())


# --- acknowledgement after commit ------------------------------------------------------------------------------------------------


def test_nothing_is_acknowledged_before_its_commit() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at, hello(clean=False)) as one:
            at.ledger.held = True
            await one.say(Publish(REPORT, b"1", 1, packet_id=1), Publish(REPORT, b"2", 2, packet_id=2))
            await one.say(Subscribe(3, ((COMMAND, 1),)), Pingreq())
            assert await one.hear() == [Pingresp()]
            with pytest.raises(TimeoutError):
                await one.hear(within=0.05)
            at.ledger.held = False
            assert await one.hear(3) == [Puback(1), Pubrec(2), Suback(3, (1,))]
            at.ledger.held = True
            await one.say(Pubrel(2), Unsubscribe(4, (COMMAND,)), Pingreq())
            assert await one.hear() == [Pingresp()]
            at.ledger.held = False
            assert await one.hear(2) == [Pubcomp(2), Unsuback(4)]
            assert PacketIdHeld("cord/c", 2) in at.ledger.journal
            assert at.ledger.published[1].entry == PacketIdHeld("cord/c", 2), "in the same commit as the message"

    run(story())


def test_a_clean_session_journals_nothing() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at, hello()) as one:
            await one.say(Subscribe(3, ((COMMAND, 1),)), Publish(REPORT, b"2", 2, packet_id=2))
            assert await one.hear(2) == [Suback(3, (1,)), Pubrec(2)]
            await one.say(Pubrel(2), Unsubscribe(4, (COMMAND, "other")))
            assert await one.hear(2) == [Pubcomp(2), Unsuback(4)]
            assert [type(entry).__name__ for entry in at.ledger.journal] == ["Said"]

    run(story())


def test_acknowledgements_keep_their_order_when_commits_do_not() -> None:
    """[MQTT-4.6.0-2]"""

    async def story() -> None:
        async with endpoint() as at, kit(at, hello()) as one:
            at.ledger.held = True
            await one.say(*(Publish(REPORT, b"x", 1, packet_id=n) for n in range(1, 50)))
            await until(lambda: len(at.ledger.published) == 49)
            at.ledger.commit(backwards=True)
            assert await one.hear(49) == [Puback(n) for n in range(1, 50)]

    run(story())


def test_what_the_rights_forbid_is_acknowledged_and_shown() -> None:
    """[MQTT-3.3.5-2]: 3.1.1 cannot say no; nothing is lost in silence."""

    async def story() -> None:
        topics = ["anju/v1/330106/home-1/watch-1/report", COMMAND, "home/lamp", "anju/v1/330106/home-1/bridge/z/x"]
        async with endpoint() as at, kit(at, hello()) as one:
            await one.say(*(Publish(topic, bytes(2000), 1, packet_id=n) for n, topic in enumerate(topics, 1)))
            assert await one.hear(4) == [Puback(n) for n in range(1, 5)]
            assert [r.topic for r in at.ledger.refused] == topics
            assert all(r.username == "cord" and r.reason and len(r.excerpt) == 1024 and r.size == 2000 for r in at.ledger.refused)
            assert at.ledger.published == []

    run(story())


def test_a_message_of_ten_megabytes_is_read_past_acknowledged_and_handed_on_with_its_size() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at, hello()) as one:
            await one.say(Publish(REPORT, b"x" * 10_000_000, 1, packet_id=1), Publish(ALARM, b"{}", 1, packet_id=2))
            assert await one.hear(2) == [Puback(1), Puback(2)]
            first = at.ledger.published[0]
            assert (first.payload, first.size) == (b"x" * 1024, 10_000_000)

    run(story())
