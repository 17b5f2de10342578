"""Sessions and wills in MQTT 5.0: how long they last, and when they are said."""


import pytest

from alerting.registry_facts import CredentialRevoked
from alerting.terms import Actor
from devices.mqtt.entries import SessionBegun, SessionEnded, SessionLasts
from devices.mqtt.packets import Disconnect, Pingreq, Pingresp
from devices.mqtt.properties import FOREVER, Properties
from gateway.mqtt import listener
from gateway.mqtt.wills import AGAIN
from tests.endpoint import AT, endpoint, until
from tests.kits import COMMAND, STATUS, run
from tests.kits import hello as hello_311
from tests.kits import kit as kit_311
from tests.kits_five import GONE, MINUTE, hello, journaled, kit, passes, subscribed, waits


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is due is looked for fifty times a second instead of once: the stories are about when it is due."""
    monkeypatch.setattr(listener, "SWEEP_S", 0.02)


# --- sessions --------------------------------------------------------------------------------------------------------------------


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


# --- wills -----------------------------------------------------------------------------------------------------------------------


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
