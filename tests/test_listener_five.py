"""The endpoint in MQTT 5.0, as clients of few words see it: through real sockets, with the smallest possible loop behind it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from alerting.facts import Actor, CredentialRevoked
from devices.mqtt.encode import encode
from devices.mqtt.entries import Delivered, SessionBegun, SessionEnded, SessionLasts
from devices.mqtt.packets import (
    FIVE,
    Connack,
    Connect,
    Disconnect,
    Option,
    Packet,
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
    Will,
)
from devices.mqtt.properties import FOREVER, NONE, Properties
from devices.mqtt.reader import Reader
from devices.mqtt.terms import PACKET_LIMIT, RECEIVE_MAXIMUM
from gateway.mqtt import listener
from gateway.mqtt.wills import AGAIN
from gateway.store.entry import Entry
from tests.endpoint import AT, PASSWORD, Endpoint, endpoint, until
from tests.test_listener import ALARM, COMMAND, REPORT, STATUS, Kit, run
from tests.test_listener import hello as hello_311
from tests.test_listener import kit as kit_311

MINUTE = Properties(session_expiry=60)
GONE = Will(STATUS, b"gone", 1, retain=True)


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is due is looked for fifty times a second instead of once: the stories are about when it is due."""
    monkeypatch.setattr(listener, "SWEEP_S", 0.02)


class Kit5(Kit):
    """The same in 5.0. What the CONNACK said is kept."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self._reader = Reader(lambda _: 10**7, level=FIVE)
        self.welcome = Connack()

    async def say(self, *packets: Packet) -> None:
        self.writer.write(b"".join(encode(packet, FIVE) for packet in packets))
        await self.writer.drain()

    async def told(self) -> int:
        """The reason code of the last words of the endpoint."""
        last = (await self.ended())[-1]
        assert isinstance(last, Connack | Disconnect)
        return last.code


def hello(
    user: str = "cord", client: str = "c", properties: Properties = NONE, *,
    clean: bool = False, keep_alive: int = 0, will: Will | None = None,
) -> Connect:  # fmt: skip
    return Connect(client, clean, keep_alive, user, PASSWORD.encode(), will, FIVE, properties)


def waits(will: Will = GONE, delay_s: int = 20) -> Will:
    return Will(will.topic, will.payload, will.qos, will.retain, Properties(will_delay=delay_s))


@asynccontextmanager
async def kit(at: Endpoint, connect: Connect | None = None, *, present: bool = False) -> AsyncIterator[Kit5]:
    reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
    one = Kit5(reader, writer)
    try:
        if connect is not None:
            await one.say(connect)
            (welcome,) = await one.hear()
            assert isinstance(welcome, Connack)
            assert (welcome.session_present, welcome.code) == (present, 0)
            one.welcome = welcome
        yield one
    finally:
        writer.close()


async def subscribed(one: Kit5, topic_filter: str, options: int = 1, identifier: int = 0) -> list[Packet]:
    """What came with the SUBACK, which must grant it."""
    said = Properties(subscription_ids=(identifier,)) if identifier else NONE
    await one.say(Subscribe(1, ((topic_filter, options),), said), Pingreq())
    heard: list[Packet] = []
    while Pingresp() not in heard or not any(isinstance(p, Suback) for p in heard):
        heard += await one.hear()
    (suback,) = (p for p in heard if isinstance(p, Suback))
    assert suback.codes == (options & Option.QOS,)
    return [p for p in heard if not isinstance(p, Suback | Pingresp)]


async def passes(at: Endpoint, seconds: float) -> None:
    """Time, as the endpoint reckons it."""
    at.ledger.now += timedelta(seconds=seconds)
    await until(lambda: at.listener.now >= at.ledger.now)


def journaled(at: Endpoint, kind: type[Entry]) -> int:
    return sum(isinstance(entry, kind) for entry in at.ledger.journal)


# --- the door ------------------------------------------------------------------------------------------------------------------------

STRANGERS = [
    (Connect("c", username="cord", password=b"wrong", level=5), 0x86, "a wrong password"),
    (Connect("c", level=5), 0x87, "no user at all"),
    (Connect("c" * 300, True, 0, "cord", PASSWORD.encode(), level=5), 0x85, "a client id of 300 characters [MQTT-3.1.3-8]"),
    (hello(properties=Properties(authentication_method="SCRAM-SHA-1")), 0x8C, "an enhanced authentication (4.12)"),
    (Connect("c", level=6), 0x84, "a version that is not written yet [MQTT-3.1.2-2]"),
]


@pytest.mark.parametrize(("connect", "code"), [s[:2] for s in STRANGERS], ids=[s[2] for s in STRANGERS])
def test_a_stranger_is_told_why_and_sent_away(connect: Connect, code: int) -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at) as one:
            await one.say(connect, Publish(REPORT, b"{}", 1, packet_id=1))
            assert await one.told() == code
            assert at.ledger.published == []
            assert at.listener.connections == 0

    run(story())


def test_a_client_without_a_name_is_given_one_and_comes_back_under_it() -> None:
    """[MQTT-3.1.3-6] [MQTT-3.1.3-7] [MQTT-3.2.2-16]"""

    async def story() -> None:
        async with endpoint() as at, kit(at, hello(client="", properties=MINUTE)) as one, kit(at, hello(client="")) as other:
            name = one.welcome.properties.assigned_client_id
            assert name
            assert name != other.welcome.properties.assigned_client_id
            await one.say(Disconnect())
            await one.ended()
            async with kit(at, hello(client=name, properties=MINUTE), present=True) as again:
                assert again.welcome.properties.assigned_client_id is None

    run(story())


def test_a_credential_with_all_its_connections_is_told_that() -> None:
    async def story() -> None:
        async with endpoint() as at:
            many = [kit(at, hello(client=f"c{n}")) for n in range(8)]
            for one in many:
                await one.__aenter__()
            async with kit(at) as ninth:
                await ninth.say(hello(client="c8"))
                assert await ninth.told() == 0x97
            for one in many:
                await one.__aexit__(None, None, None)

    run(story())


# --- why a connection ends -----------------------------------------------------------------------------------------------------------


def test_whoever_is_sent_away_is_told_why() -> None:
    """4.13, 3.14.2.1"""

    async def story() -> None:
        async with endpoint() as at:
            async with kit(at, hello()) as first, kit(at, hello()):
                assert await first.told() == 0x8E, "taken over [MQTT-3.1.4-3]"
            async with kit(at, hello(keep_alive=10)) as silent:
                at.ledger.now += timedelta(seconds=16)
                assert await silent.told() == 0x8D
            async with kit(at, hello()) as broken:
                broken.writer.write(b"\x60\x02\x00\x01")
                assert await broken.told() == 0x81
            async with kit(at, hello()) as wrong:
                await wrong.say(hello())
                assert await wrong.told() == 0x82
            async with kit(at, hello()) as aliased:
                await aliased.say(Publish(REPORT, b"{}", properties=Properties(topic_alias=1000)))
                assert await aliased.told() == 0x94
            async with kit(at, hello()) as vast:
                vast.writer.write(b"\x30\xff\xff\xff\x7f")
                await vast.writer.drain()
                assert await vast.told() == 0x95
            async with kit(at, hello()) as revoked:
                at.ledger.enter(CredentialRevoked(AT, Actor("service"), "cord"))
                assert await revoked.told() == 0x98
            async with kit(at, hello("hub")) as last:
                await at.listener.close()
                assert await last.told() == 0x8B

    run(story())


def test_a_connect_that_cannot_be_read_is_answered() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at) as one:
            broken = bytearray(encode(hello()))
            broken[9] |= 1
            one.writer.write(bytes(broken))
            assert await one.told() == 0x81

    run(story())


def test_more_messages_at_a_time_than_agreed_are_told_and_none_is_lost() -> None:
    """[MQTT-3.3.4-7], with the disk held: nothing is acknowledged meanwhile."""

    async def story() -> None:
        async with endpoint() as at, kit(at, hello()) as one:
            assert one.welcome.properties.receive_maximum == RECEIVE_MAXIMUM
            at.ledger.held = True
            await one.say(*(Publish(REPORT, b"{}", 1, packet_id=n) for n in range(1, RECEIVE_MAXIMUM + 1)), Pingreq())
            assert await one.hear() == [Pingresp()]
            await one.say(Publish(ALARM, b"{}", 1, packet_id=RECEIVE_MAXIMUM + 1))
            assert await one.told() == 0x93
            assert at.ledger.topics()[-1] == ALARM

    run(story())


# --- what is taken -------------------------------------------------------------------------------------------------------------------


def test_what_the_rights_forbid_is_refused_and_shown() -> None:
    """5.0 can say no [MQTT-3.3.5-2]: 0x87 where somebody else might publish, 0x90 where nobody can."""

    async def story() -> None:
        async with endpoint() as at, kit(at, hello()) as one:
            topics = ["anju/v1/330106/home-1/watch-1/report", COMMAND, "home/lamp"]
            await one.say(*(Publish(topic, b"{}", 1, packet_id=n) for n, topic in enumerate(topics, 1)))
            answers = [p for p in await one.hear(3) if isinstance(p, Puback)]
            assert [p.code for p in answers] == [0x87, 0x87, 0x90]
            assert all(p.properties.reason for p in answers)
            await one.say(Publish(COMMAND, b"{}", 2, packet_id=4))
            (refused,) = await one.hear()
            assert isinstance(refused, Pubrec)
            assert refused.code == 0x87
            assert [r.topic for r in at.ledger.refused] == [*topics, COMMAND]
            assert at.ledger.published == []

    run(story())


def test_what_is_kept_is_acknowledged_as_taken_whatever_it_is() -> None:
    """A payload that cannot be read is on disk with its reason, and perhaps a call: 0x99 would say that it is lost."""

    async def story() -> None:
        async with endpoint() as at, kit(at, hello()) as one:
            props = Properties(payload_format=1, message_expiry=0, content_type="application/json", user=(("k", "v"),))
            await one.say(Publish(REPORT, b"\xff{", 1, packet_id=1, properties=props), Publish(REPORT, bytes(100_000), 1, packet_id=2))
            assert await one.hear(2) == [Puback(1), Puback(2)]
            assert [p.payload for p in at.ledger.published] == [b"\xff{", bytes(1024)]

    run(story())


def test_a_number_stands_for_a_topic() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at, hello()) as one:
            alias = Properties(topic_alias=1)
            await one.say(Publish(REPORT, b"1", 1, packet_id=1, properties=alias), Publish("", b"2", 1, packet_id=2, properties=alias))
            assert await one.hear(2) == [Puback(1), Puback(2)]
            assert at.ledger.topics() == [REPORT, REPORT]

    run(story())


def test_exactly_once_in_5() -> None:
    async def story() -> None:
        async with endpoint() as at, kit(at, hello(properties=MINUTE)) as one:
            await one.say(Publish(REPORT, b"{}", 2, packet_id=1), Publish(REPORT, b"{}", 2, dup=True, packet_id=1))
            assert await one.hear() == [Pubrec(1)]
            await one.say(Pubrel(1), Pubrel(9))
            assert await one.hear(2) == [Pubcomp(9, 0x92), Pubcomp(1)], "the first when its release is on disk"
            assert len(at.ledger.published) == 1

    run(story())


# --- sessions ------------------------------------------------------------------------------------------------------------------------


def test_a_session_lasts_as_long_as_it_was_asked_to() -> None:
    """3.1.2.11.2, [MQTT-3.1.2-23]"""

    async def story() -> None:
        async with endpoint() as at:
            async with kit(at, hello()) as one:
                await subscribed(one, COMMAND)
            await until(lambda: at.listener.connections == 0)
            assert at.ledger.sessions.count("cord") == 0, "with its connection"
            assert at.ledger.journal == [], "and it was never written down"
            async with kit(at, hello(properties=MINUTE)) as one:
                await subscribed(one, COMMAND)
            await until(lambda: journaled(at, SessionLasts) == 1)
            await passes(at, 59)
            async with kit(at, hello(properties=MINUTE), present=True):
                await passes(at, 600)
            await until(lambda: journaled(at, SessionLasts) == 3)
            await passes(at, 59)
            assert at.ledger.sessions.count("cord") == 1
            await passes(at, 2)
            await until(lambda: at.ledger.sessions.count("cord") == 0)
            assert at.ledger.journal[-1] == SessionEnded("cord/c")

    run(story())


def test_a_good_bye_may_change_how_long_the_session_lasts() -> None:
    """3.14.2.2.2"""

    async def story() -> None:
        async with endpoint() as at:
            async with kit(at, hello(properties=MINUTE)) as one:
                await one.say(Disconnect(0, Properties(session_expiry=3600)))
                await one.ended()
            await until(lambda: journaled(at, SessionLasts) == 1)
            await passes(at, 3000)
            async with kit(at, hello(properties=MINUTE), present=True) as one:
                await one.say(Disconnect(0, Properties(session_expiry=0)))
                await one.ended()
            await until(lambda: at.ledger.sessions.count("cord") == 0)
            async with kit(at, hello(properties=MINUTE)) as one:
                await one.say(Disconnect(0, Properties(session_expiry=FOREVER)))
                await one.ended()
            await passes(at, 10**8)
            async with kit(at, hello(), present=True) as one:
                await one.say(Disconnect(0, Properties(session_expiry=5)))
                assert await one.told() == 0x82, "it was to end with the connection"

    run(story())


def test_a_clean_start_begins_a_session_that_lasts() -> None:
    """[MQTT-3.1.2-4]"""

    async def story() -> None:
        async with endpoint() as at:
            async with kit(at, hello(properties=MINUTE)) as one:
                await subscribed(one, COMMAND)
            async with kit(at, hello(properties=MINUTE, clean=True)):
                pass
            async with kit(at, hello(properties=MINUTE), present=True) as one:
                at.ledger.issue(COMMAND, b"x", "c1")
                await until(lambda: at.ledger.sessions.keeps("c1"))
                await one.say(Pingreq())
                assert await one.hear() == [Pingresp()]

    run(story())


def test_sessions_come_to_their_end_over_a_restart() -> None:
    async def story() -> None:
        async with endpoint() as at:
            async with kit(at, hello(client="left", properties=MINUTE)):
                pass
            await until(lambda: journaled(at, SessionLasts) == 1)
            async with kit(at, hello(client="brief")), kit(at, hello(client="there", properties=MINUTE)):
                await until(lambda: journaled(at, SessionBegun) == 2)
                journal = list(at.ledger.journal)  # the process is killed here: nobody has said good-bye
        async with endpoint(journal) as at:
            await until(lambda: journaled(at, SessionLasts) == 2)
            await passes(at, 61)
            await until(lambda: at.ledger.sessions.count("cord") == 0)
        async with endpoint(journal) as at, kit(at, hello(client="there", properties=MINUTE), present=True):
            await passes(at, 61)
            await until(lambda: at.ledger.sessions.count("cord") == 1)

    run(story())


def test_the_two_versions_share_a_session() -> None:
    async def story() -> None:
        async with endpoint() as at:
            async with kit_311(at, hello_311(clean=False)):
                pass
            async with kit(at, hello(properties=MINUTE), present=True):
                pass
            async with kit_311(at, hello_311(clean=False), present=True):
                pass
            await passes(at, 10**6)
            assert at.ledger.sessions.count("cord") == 1, "3.1.1 asks for ever"
            assert at.ledger.sessions.of("cord")[0].expiry_s is None

    run(story())


# --- wills ---------------------------------------------------------------------------------------------------------------------------


def test_a_will_waits_for_its_delay_and_is_not_said_when_its_client_comes_back() -> None:
    """[MQTT-3.1.2-8] [MQTT-3.1.3-9]"""

    async def story() -> None:
        async with endpoint() as at:
            async with kit(at, hello(properties=MINUTE, will=waits())):
                pass
            await until(lambda: bool(at.ledger.sessions.wills))
            await passes(at, 19)
            async with kit(at, hello(properties=MINUTE, will=waits()), present=True):
                await passes(at, 30)
                assert at.ledger.published == []
            await until(lambda: bool(at.ledger.sessions.wills))
            await passes(at, 21)
            await until(lambda: at.ledger.topics() == [STATUS])
            await until(lambda: at.ledger.sessions.status(STATUS) == b"gone")
            assert not at.ledger.sessions.wills
            await passes(at, 100)
            assert len(at.ledger.published) == 1

    run(story())


def test_a_will_does_not_wait_for_a_session_that_is_over() -> None:
    """At the end of the delay or of the session, whichever is first (3.1.3.2.2)."""

    async def story() -> None:
        async with endpoint() as at:
            async with kit(at, hello(will=waits())):
                pass
            await until(lambda: len(at.ledger.published) == 1)
            async with kit(at, hello(properties=Properties(session_expiry=5), will=waits())):
                pass
            await until(lambda: bool(at.ledger.sessions.wills))
            await passes(at, 6)
            await until(lambda: len(at.ledger.published) == 2)
            async with kit(at, hello(properties=MINUTE, will=waits())):
                pass
            await until(lambda: bool(at.ledger.sessions.wills))
            async with kit(at, hello(clean=True)):
                await until(lambda: len(at.ledger.published) == 3)

    run(story())


def test_a_will_is_said_on_request_and_not_after_a_good_bye() -> None:
    """[MQTT-3.1.2-10], 3.14.2.1"""

    async def story() -> None:
        async with endpoint() as at:
            async with kit(at, hello(will=GONE)) as one:
                await one.say(Disconnect())
                await one.ended()
            async with kit(at, hello(will=GONE)) as one:
                await one.say(Disconnect(0x04))
                await one.ended()
            await until(lambda: len(at.ledger.published) == 1)
            async with kit(at, hello(properties=MINUTE, will=waits())) as one, kit(at, hello(properties=MINUTE), present=True):
                assert await one.told() == 0x8E
                await passes(at, 60)
                assert len(at.ledger.published) == 1, "whoever takes over is the client come back"

    run(story())


def test_a_will_that_waits_is_said_once_over_a_restart() -> None:
    async def story() -> None:
        async with endpoint() as at:
            async with kit(at, hello(properties=MINUTE, will=waits())):
                pass
            await until(lambda: journaled(at, SessionLasts) == 1 and bool(at.ledger.sessions.wills))
            await until(lambda: any(type(entry).__name__ == "WillWaits" for entry in at.ledger.journal))
            journal = list(at.ledger.journal)
        async with endpoint(journal) as at:
            await passes(at, 10)
            assert at.ledger.published == []
            await passes(at, 11)
            await until(lambda: at.ledger.topics() == [STATUS])
            await until(lambda: not at.ledger.sessions.wills)
            journal = list(at.ledger.journal)
        async with endpoint(journal) as at:
            await passes(at, 100)
            assert at.ledger.published == []

    run(story())


def test_a_will_that_a_full_disk_has_no_room_for_is_said_when_there_is() -> None:
    async def story() -> None:
        async with endpoint() as at:
            async with kit(at, hello(properties=MINUTE, will=waits())):
                pass
            await until(lambda: bool(at.ledger.sessions.wills))
            at.ledger.full = True
            await passes(at, 21)
            await until(lambda: len(at.ledger.published) == 1)
            assert at.ledger.sessions.wills
            at.ledger.full = False
            await passes(at, AGAIN.total_seconds() + 1)
            await until(lambda: len(at.ledger.published) == 2)
            await until(lambda: not at.ledger.sessions.wills)

    run(story())


def test_a_revoked_credentials_will_is_not_said() -> None:
    async def story() -> None:
        async with endpoint() as at:
            async with kit(at, hello(properties=MINUTE, will=waits())):
                pass
            await until(lambda: bool(at.ledger.sessions.wills))
            at.ledger.enter(CredentialRevoked(AT, Actor("service"), "cord"))
            await until(lambda: not at.ledger.sessions.wills)
            await passes(at, 60)
            assert at.ledger.published == []

    run(story())


# --- what is given -------------------------------------------------------------------------------------------------------------------


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
