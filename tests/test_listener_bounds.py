"""What a slow, a greedy or a hostile client of the endpoint can do, and that the others do not notice."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from alerting.registry_facts import CredentialRevoked
from alerting.terms import Actor
from devices.credential import Scope
from devices.mqtt.encode import encode
from devices.mqtt.entries import Subscribed
from devices.mqtt.packets import (
    Connack,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    Pubrec,
    Refusal,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    Will,
)
from gateway.mqtt.arrivals import SHARED_BYTES, WAITING_BYTES
from gateway.mqtt.door import SESSIONS
from tests.endpoint import AT, HOME, endpoint, until
from tests.kits import ALARM, COMMAND, REPORT, STATUS, Kit, hello, kit, run

# --- readers, hubs, revocation ---------------------------------------------------------------------------------------------------


def test_a_reader_gets_its_areas_reports_as_they_are_committed_and_no_commands() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at, hello("city")) as city, kit(at, hello()) as one:
            await city.say(Subscribe(1, (("#", 1), ("anju/v1/330107/#", 1))))
            assert await city.hear() == [Suback(1, (1, 0x80))]
            at.ledger.issue(COMMAND, b"secret", "c1")
            await one.say(Publish(REPORT, b"{}", 1, packet_id=1))
            (report,) = await city.hear()
            assert isinstance(report, Publish)
            assert (report.topic, report.payload, report.qos, report.retain) == (REPORT, b"{}", 1, False)

    run(story())


def test_a_reader_that_does_not_read_is_cut_off_and_harms_nobody() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at, hello("city"), buffer=4096) as city, kit(at, hello()) as one:
            await city.say(Subscribe(1, (("#", 0),)))
            await city.hear()
            for number in range(1, 400):
                await one.say(Publish(REPORT, bytes(60_000), 1, packet_id=number))
                assert await one.hear() == [Puback(number)]
                if at.listener.connections == 1:
                    break
            assert at.listener.connections == 1

    run(story())


def test_a_hub_has_its_homes_commands_and_not_its_own_bridge_back() -> None:
    async def story() -> None:
        bridge = f"anju/v1/330106/{HOME}/bridge/zigbee2mqtt/zigbee2mqtt/bedroom cord"
        async with endpoint() as at, kit(at, hello("hub")) as hub:
            await hub.say(Subscribe(1, ((f"anju/v1/330106/{HOME}/#", 1),)), Publish(bridge, b"{}", 1, packet_id=1))
            assert set(await hub.hear(2)) == {Suback(1, (1,)), Puback(1)}
            at.ledger.issue(f"{bridge}/set", b'{"warning": 1}', "c1")
            at.ledger.issue(COMMAND, b"x", "c2")
            topics = [p.topic for p in await hub.hear(2) if isinstance(p, Publish)]
            assert topics == [f"{bridge}/set", COMMAND]

    run(story())


def test_a_revoked_credential_is_shut_out_at_once() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at, hello(clean=False, will=Will(STATUS, b"gone"))) as one:
            at.ledger.enter(CredentialRevoked(AT, Actor("service"), "cord"))
            assert await one.ended() == []
            assert at.ledger.published == [], "what it may not say, its will may not say either"
            assert at.ledger.sessions.count("cord") == 0

    run(story())


def test_a_subscription_taken_back_before_the_disk_has_it_is_taken_back() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at, hello(clean=False)) as one:
            await one.say(Subscribe(1, ((COMMAND, 1),)), Unsubscribe(2, (COMMAND,)))
            assert await one.hear(2) == [Suback(1, (1,)), Unsuback(2)]
            assert at.ledger.sessions.of("cord")[0].subscriptions == {}
            at.ledger.issue(COMMAND, b"x", "c1")
            await until(lambda: at.ledger.sessions.keeps("c1"))
            await one.say(Pingreq())
            assert await one.hear() == [Pingresp()]

    run(story())


# --- bounds ----------------------------------------------------------------------------------------------------------------------


async def flood(one: Kit, data: bytes) -> None:
    for _ in range(1000):
        one.writer.write(data)
        await one.writer.drain()
        await asyncio.sleep(0)


def test_a_hub_that_sends_ten_thousand_stored_readings_and_then_a_call_has_the_call_heard_at_once() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at, hello("hub")) as hub:
            at.ledger.held = True  # not one commit returns
            await hub.say(*(Publish(REPORT, bytes(200), 1, packet_id=n) for n in range(1, 10_001)))
            await hub.say(Publish(ALARM, b"{}", 1, packet_id=10_001))
            await until(lambda: at.ledger.topics()[-1:] == [ALARM])
            assert len(at.ledger.published) == 10_001

    run(story())


def test_what_a_hub_said_before_its_line_broke_is_heard_to_the_end_however_much_it_was_at_once() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at, hello("hub")) as hub:
            words = [Publish(REPORT, b"%d" % n + bytes(1000)) for n in range(1000)]
            await hub.say(*words, Publish(ALARM, b"{}"))
            hub.writer.close()
            await until(lambda: at.ledger.topics()[-1:] == [ALARM])
            assert [p.payload for p in at.ledger.published[:-1]] == [word.payload for word in words]

    run(story())


def test_readings_stay_in_the_socket_when_too_many_wait_and_come_when_there_is_room() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at, hello("hub")) as hub:
            at.ledger.held = True
            count = 300
            saying = asyncio.create_task(hub.say(*(Publish(REPORT, bytes(60_000), 1, packet_id=n) for n in range(1, count + 1))))
            most = WAITING_BYTES // 60_000 + 1
            await until(lambda: len(at.ledger.published) >= most)
            async with kit(at, hello()) as other:
                for _ in range(20):  # while others are served, this one stays unread
                    await other.say(Pingreq())
                    await other.hear()
            assert len(at.ledger.published) <= most + 5, "what was in the segment that was being read, no more"
            at.ledger.held = False
            await saying
            assert await hub.hear(count) == [Puback(n) for n in range(1, count + 1)]

    run(story())


def test_while_everybody_waits_only_the_modest_are_read_and_alarms_always() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at, hello("hub")) as hub, kit(at, hello("hub", "alarms")) as alarms:
            at.ledger.held, at.ledger.waiting_bytes = True, SHARED_BYTES + 1
            await hub.say(*(Publish(REPORT, bytes(50_000), 0) for _ in range(2)))
            await until(lambda: len(at.ledger.published) == 2)
            await hub.say(Publish(REPORT, b"more"))
            await alarms.say(*(Publish(ALARM, bytes(50_000), 1, packet_id=n) for n in range(1, 120)))
            await until(lambda: at.ledger.topics().count(ALARM) == 119)
            assert at.ledger.topics().count(REPORT) == 2
            at.ledger.held = False
            await until(lambda: at.ledger.topics().count(REPORT) == 3)

    run(story())


def test_on_a_full_disk_a_call_behind_unread_readings_is_heard_and_the_readings_come_again_when_there_is_room() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at, hello("hub")) as hub:
            at.ledger.held = True
            readings = (WAITING_BYTES // 60_000 + 40) * [Publish(REPORT, bytes(60_000), 1, packet_id=7)]
            saying = asyncio.create_task(hub.say(*readings, Publish(ALARM, b"{}", 1, packet_id=8)))
            await until(lambda: len(at.ledger.published) > WAITING_BYTES // 60_000)
            at.ledger.full = True
            for waits in list(at.ledger.published):
                waits.forgotten()
            await saying
            await until(lambda: ALARM in at.ledger.topics())
            at.ledger.held = False
            assert await hub.hear() == [Puback(8)], "a call does not wait for the readings that were left with the hub"
            at.ledger.full = False
            assert await hub.ended() == []

    run(story())


def test_on_a_full_disk_a_client_with_a_window_of_two_still_gets_its_second_call_through() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at, hello("hub", clean=False)) as hub:
            at.ledger.full = True
            await hub.say(Publish(REPORT, b"{}", 2, packet_id=1), Publish(ALARM, b"{}", 2, packet_id=2))
            assert await hub.hear() == [Pubrec(2)]
            await hub.say(Publish(REPORT, b"{}", 2, packet_id=1))
            await until(lambda: at.ledger.topics().count(REPORT) == 2)

    run(story())


def test_connections_left_behind_on_a_dead_line_do_not_shut_their_kit_out() -> None:
    async def story() -> None:
        async with endpoint() as at, AsyncExitStack() as lines:
            most = SESSIONS[Scope.DEVICE]
            left = [await lines.enter_async_context(kit(at, hello(client=f"c{n}"))) for n in range(most)]
            async with kit(at) as one:
                await one.say(hello(client="again"))
                assert await one.ended() == [Connack(False, Refusal.UNAVAILABLE)], "eight that were just heard may well be eight"
            at.ledger.now += timedelta(minutes=1)
            await until(lambda: at.listener.now == at.ledger.now)
            for other in left[1:]:
                await other.say(Pingreq())
                assert await other.hear() == [Pingresp()]
            async with kit(at, hello(client="again")):
                assert await left[0].ended() == []
                assert at.listener.connections == most

    run(story())


def test_a_client_that_never_reads_its_acknowledgements_is_cut_off() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at, hello(), buffer=4096) as one:
            with pytest.raises(ConnectionError):
                await flood(one, encode(Pingreq()) * 100_000)
            assert at.listener.connections == 0

    run(story())


def test_subscriptions_are_bounded() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at, hello("hub")) as hub:
            await hub.say(Subscribe(1, tuple((f"anju/v1/330106/{HOME}/d{n}/command", 1) for n in range(1010))))
            (suback,) = await hub.hear()
            assert isinstance(suback, Suback)
            assert suback.codes == (1,) * 1000 + (0x80,) * 10

    run(story())


def test_a_subscription_on_its_way_to_disk_is_not_lost_by_a_reconnect() -> None:
    async def story() -> None:
        async with endpoint() as at:
            async with kit(at, hello(clean=False)) as one:
                at.ledger.held = True
                await one.say(Subscribe(1, ((COMMAND, 1),)), Pingreq())
                await one.hear()
            async with kit(at, hello(clean=False), present=True) as one:
                at.ledger.held = False
                await until(lambda: any(isinstance(e, Subscribed) for e in at.ledger.journal))
                at.ledger.issue(COMMAND, b"x", "c1")
                (command,) = await one.hear()
                assert isinstance(command, Publish)

    run(story())


def test_five_hundred_connections_at_once_are_all_served() -> None:
    async def story() -> None:
        async with endpoint() as at:

            async def one(number: int) -> None:
                async with kit(at, hello("demo", f"c{number}")) as mine:
                    await mine.say(Publish(REPORT, b"{}", 1, packet_id=1))
                    assert await mine.hear() == [Puback(1)]

            await asyncio.gather(*(one(number) for number in range(500)))
            assert len(at.ledger.published) == 500

    run(story())
