"""Sessions and wills of the endpoint: what outlives a connection and a restart, and what is said of a client that is gone."""

from datetime import timedelta

from devices.mqtt.entries import Retained
from devices.mqtt.packets import Disconnect, Pingreq, Pingresp, Puback, Pubcomp, Publish, Pubrec, Pubrel, Suback, Subscribe, Will
from devices.mqtt.shelves import Status
from tests.endpoint import AT, endpoint, until
from tests.kits import COMMAND, REPORT, STATUS, hello, kit, run

# --- sessions --------------------------------------------------------------------------------------------------------------------


def test_a_session_that_was_asked_for_is_there_after_a_restart_with_its_commands() -> None:
    """[MQTT-3.1.2-4] [MQTT-3.1.2-5] [MQTT-3.2.2-2] [MQTT-4.4.0-1]"""

    async def story() -> None:
        async with endpoint() as at:
            async with kit(at, hello(clean=False)) as one:
                await one.say(Subscribe(1, ((COMMAND, 2),)), Publish(REPORT, b"once", 2, packet_id=9))
                assert set(await one.hear(2)) == {Suback(1, (2,)), Pubrec(9)}
            at.ledger.issue(COMMAND, b"wake", "c1")
            await until(lambda: any(type(e).__name__ == "CommandIssued" for e in at.ledger.journal))
            journal = at.ledger.journal
        async with endpoint(journal) as at:
            async with kit(at, hello(clean=False), present=True) as one:
                (command,) = await one.hear()
                assert isinstance(command, Publish)
                assert (command.topic, command.payload, command.qos) == (COMMAND, b"wake", 2)
                await one.say(Publish(REPORT, b"once", 2, dup=True, packet_id=9))
                assert await one.hear() == [Pubrec(9)]
                assert at.ledger.published == [], "it is the message that the process before has taken"
                await one.say(Pubrec(command.packet_id))
                assert await one.hear() == [Pubrel(command.packet_id)]
            journal = at.ledger.journal
        async with endpoint(journal) as at, kit(at, hello(clean=False), present=True) as one:
            assert await one.hear() == [Pubrel(command.packet_id)], "received already: never the message again [MQTT-4.3.3-1]"
            await one.say(Pubcomp(command.packet_id))
            await until(lambda: any(type(e).__name__ == "Delivered" for e in at.ledger.journal))
            at.ledger.issue(COMMAND, b"live", "c2")
            (live,) = await one.hear()
            assert isinstance(live, Publish)
            assert live.payload == b"live"

    run(story())


def test_what_was_sent_and_not_acknowledged_comes_again_as_a_duplicate_with_its_identifier() -> None:
    """[MQTT-3.3.1-1] [MQTT-4.4.0-1]"""

    async def story() -> None:
        async with endpoint() as at:
            async with kit(at, hello(clean=False)) as one:
                await one.say(Subscribe(1, ((COMMAND, 1),)))
                await one.hear()
                at.ledger.issue(COMMAND, b"x", "c1")
                (first,) = await one.hear()
                assert isinstance(first, Publish)
                assert not first.dup
            async with kit(at, hello(clean=False), present=True) as one:
                assert await one.hear() == [Publish(COMMAND, b"x", 1, dup=True, packet_id=first.packet_id)]
                await one.say(Puback(first.packet_id))
                await until(lambda: not at.ledger.sessions.of("cord")[0].queue)

    run(story())


def test_a_clean_connect_throws_the_session_away() -> None:
    """[MQTT-3.1.2-6] [MQTT-3.2.2-1]"""

    async def story() -> None:
        async with endpoint() as at:
            async with kit(at, hello(clean=False)) as one:
                await one.say(Subscribe(1, ((COMMAND, 1),)))
                await one.hear()
            async with kit(at, hello()):
                pass
            async with kit(at, hello(clean=False)) as one:
                at.ledger.issue(COMMAND, b"x", "c1")
                await until(lambda: at.ledger.sessions.keeps("c1"))
                await one.say(Pingreq())
                assert await one.hear() == [Pingresp()]

    run(story())


def test_a_command_for_a_device_that_always_connects_clean_waits_for_it_too() -> None:
    async def story() -> None:
        async with endpoint() as at:
            at.ledger.issue(COMMAND, b"accepted", "c1")
            at.ledger.issue(COMMAND, b"old", "c0", expires_at=AT)
            await until(lambda: at.ledger.sessions.keeps("c1"))
            async with kit(at, hello()) as one:
                await one.say(Subscribe(1, ((COMMAND, 1),)))
                suback, command = await one.hear(2)
                assert suback == Suback(1, (1,))
                assert isinstance(command, Publish)
                assert command.payload == b"accepted"
                await one.say(Puback(command.packet_id))
                await until(lambda: not at.ledger.sessions.keeps("c1"))
            async with kit(at, hello()) as one:
                await one.say(Subscribe(1, ((COMMAND, 1),)), Pingreq())
                assert set(await one.hear(2)) == {Suback(1, (1,)), Pingresp()}, "it has had it"

    run(story())


def test_the_same_client_id_takes_the_connection_over() -> None:
    """[MQTT-3.1.4-2]; its will is published [MQTT-3.1.2-8]."""

    async def story() -> None:
        will = Will(STATUS, b'{"status": "offline"}', 1, retain=True)
        async with endpoint() as at, kit(at, hello(will=will)) as first, kit(at, hello()):
            assert await first.ended() == []
            assert at.listener.connections == 1
            assert at.ledger.topics() == [STATUS]

    run(story())


def test_another_credential_does_not_take_over_a_client_id() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at, hello()) as first, kit(at, hello("watch")):
            await first.say(Pingreq())
            assert await first.hear() == [Pingresp()]
            assert at.listener.connections == 2

    run(story())


# --- wills and status ------------------------------------------------------------------------------------------------------------


def test_a_will_is_published_unless_the_client_says_good_bye() -> None:
    """[MQTT-3.1.2-8] [MQTT-3.1.2-10] [MQTT-3.14.4-3]"""

    async def story() -> None:
        will = Will(STATUS, b"gone", 1, retain=True)
        async with endpoint() as at:
            async with kit(at, hello(will=will)) as polite:
                await polite.say(Disconnect())
                assert await polite.ended() == []
            assert at.ledger.published == []
            async with kit(at, hello(will=will)):
                pass
            await until(lambda: at.ledger.topics() == [STATUS])
            async with kit(at, hello(will=will)) as broken:
                broken.writer.write(b"\xff\xff")
                assert await broken.ended() == []
            await until(lambda: len(at.ledger.published) == 2)
            assert at.ledger.refused[-1].reason.startswith("protocol:")
            await until(lambda: at.ledger.sessions.retained.get(STATUS) == Status(b"gone"))

    run(story())


def test_silence_of_one_and_a_half_keep_alives_ends_a_connection_and_publishes_its_will() -> None:
    """[MQTT-3.1.2-24]"""

    async def story() -> None:
        async with endpoint() as at, kit(at, hello(keep_alive=10, will=Will(STATUS, b"gone"))) as one:
            at.ledger.now += timedelta(seconds=14)
            await one.say(Pingreq())
            assert await one.hear() == [Pingresp()]
            await until(lambda: at.listener.now > AT + timedelta(seconds=13))
            await one.say(Pingreq())
            await one.hear()
            at.ledger.now += timedelta(seconds=13)
            await until(lambda: at.listener.now > AT + timedelta(seconds=26))
            assert at.listener.connections == 1
            at.ledger.now += timedelta(seconds=5)
            assert await one.ended() == []
            assert at.ledger.topics() == [STATUS]

    run(story())


def test_the_service_going_down_is_nobodys_death() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at, hello(will=Will(STATUS, b"gone"))) as one:
            await at.listener.close()
            assert await one.ended() == []
            assert at.ledger.published == []

    run(story())


def test_a_will_the_rights_forbid_is_shown_when_it_is_asked_for() -> None:
    async def story() -> None:
        async with endpoint() as at:
            async with kit(at, hello(will=Will("$SYS/broker/connection/x/state", b"0"))):
                pass
            await until(lambda: at.listener.connections == 0)
            assert at.ledger.published == []
            assert [r.reason[:5] for r in at.ledger.refused] == ["will:"]

    run(story())


def test_retained_status_meets_who_subscribes_later_and_only_status_is_retained() -> None:
    """[MQTT-3.3.1-6] [MQTT-3.3.1-8] [MQTT-3.3.1-9] [MQTT-3.8.4-3]"""

    async def story() -> None:
        async with endpoint() as at, kit(at, hello()) as one, kit(at, hello("city")) as city:
            await one.say(Publish(STATUS, b"on", 1, retain=True, packet_id=1), Publish(REPORT, b"{}", 1, retain=True, packet_id=2))
            assert await one.hear(2) == [Puback(1), Puback(2)]
            everything = Subscribe(1, (("anju/v1/330106/#", 0),))
            for _ in range(2):
                await city.say(everything)
                assert await city.hear(2) == [Suback(1, (0,)), Publish(STATUS, b"on", retain=True)]
            await one.say(Publish(STATUS, b"again", 1, retain=True, packet_id=3), Publish(STATUS, b"", 1, retain=True, packet_id=4))
            assert await city.hear(2) == [Publish(STATUS, b"again"), Publish(STATUS, b"")]
            assert any(isinstance(e, Retained) and (e.topic, e.payload) == (STATUS, b"") for e in at.ledger.journal)
            await city.say(everything, Pingreq())
            assert set(await city.hear(2)) == {Suback(1, (0,)), Pingresp()}

    run(story())
