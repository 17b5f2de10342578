"""The endpoint on a socket: who is let in, what is acknowledged when, who is told what, and what a slow or hostile client can do."""

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import pytest

from alerting.facts import Actor, CredentialRevoked
from devices.credential import Scope
from devices.mqtt.encode import encode
from devices.mqtt.entries import PacketIdHeld, Retained, Subscribed
from devices.mqtt.packets import (
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Refusal,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    Will,
)
from devices.mqtt.reader import Reader
from devices.mqtt.shelves import Status
from gateway.mqtt.arrivals import SHARED_BYTES, WAITING_BYTES
from gateway.mqtt.door import PATIENCE, SESSIONS
from tests.endpoint import AT, HOME, OWN, PASSWORD, Endpoint, endpoint, until

REPORT, ALARM, STATUS, COMMAND = f"{OWN}/report", f"{OWN}/alarm", f"{OWN}/status", f"{OWN}/command"


class Kit:
    """A client of few words: says packets, hears packets."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._from = reader
        self.writer = writer
        self._reader = Reader(lambda _: 10**7)
        self._heard: list[Packet] = []

    async def say(self, *packets: Packet) -> None:
        self.writer.write(b"".join(map(encode, packets)))
        await self.writer.drain()

    async def hear(self, count: int = 1, within: float = 10) -> list[Packet]:
        async with asyncio.timeout(within):
            while len(self._heard) < count:
                data = await self._from.read(65_536)
                if not data:
                    raise EOFError(self._heard)
                self._heard.extend(self._reader.feed(data))
        heard, self._heard = self._heard[:count], self._heard[count:]
        return heard

    async def ended(self, within: float = 10) -> list[Packet]:
        """Everything until the endpoint hangs up."""
        try:
            await self.hear(10**9, within)
        except (EOFError, ConnectionResetError):
            heard, self._heard = self._heard, []
            return heard
        raise AssertionError("unreachable")


def hello(user: str = "cord", client: str = "c", *, clean: bool = True, keep_alive: int = 0, will: Will | None = None) -> Connect:
    return Connect(client, clean, keep_alive, user, PASSWORD.encode(), will)


@asynccontextmanager
async def kit(at: Endpoint, connect: Connect | None = None, *, present: bool = False, buffer: int = 0) -> AsyncIterator[Kit]:
    """A connection; with a CONNECT, one that was welcomed. `buffer`: bytes its kernel takes in before anybody reads."""
    line = socket.socket()
    if buffer:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    line.setblocking(False)
    await asyncio.get_running_loop().sock_connect(line, ("127.0.0.1", at.port))
    reader, writer = await asyncio.open_connection(sock=line)
    one = Kit(reader, writer)
    try:
        if connect is not None:
            await one.say(connect)
            assert await one.hear() == [Connack(present)]
        yield one
    finally:
        writer.close()


def run(story: Coroutine[None, None, None]) -> None:
    asyncio.run(story)


# --- the door ------------------------------------------------------------------------------------------------------------------------

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


# --- acknowledgement after commit ----------------------------------------------------------------------------------------------------


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


# --- sessions ------------------------------------------------------------------------------------------------------------------------


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


# --- wills and status ----------------------------------------------------------------------------------------------------------------


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


# --- readers, hubs, revocation -------------------------------------------------------------------------------------------------------


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


# --- bounds --------------------------------------------------------------------------------------------------------------------------


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


async def flood(one: Kit, data: bytes) -> None:
    for _ in range(1000):
        one.writer.write(data)
        await one.writer.drain()
        await asyncio.sleep(0)


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
