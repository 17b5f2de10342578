"""The endpoint in MQTT 5.0: who is let in, why a connection ends, and what is taken."""

from datetime import timedelta

import pytest

from alerting.registry_facts import CredentialRevoked
from alerting.terms import Actor
from devices.mqtt.encode import encode
from devices.mqtt.packets import Connect, Disconnect, Pingreq, Pingresp, Puback, Pubcomp, Publish, Pubrec, Pubrel
from devices.mqtt.properties import Properties
from devices.mqtt.terms import RECEIVE_MAXIMUM
from gateway.mqtt import listener
from tests.endpoint import AT, PASSWORD, endpoint
from tests.kits import ALARM, COMMAND, REPORT, run
from tests.kits_five import MINUTE, hello, kit


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is due is looked for fifty times a second instead of once: the stories are about when it is due."""
    monkeypatch.setattr(listener, "SWEEP_S", 0.02)


# --- the door --------------------------------------------------------------------------------------------------------------------


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


# --- why a connection ends -------------------------------------------------------------------------------------------------------


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


# --- what is taken ---------------------------------------------------------------------------------------------------------------


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
