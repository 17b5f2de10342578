"""Anju behind each broker that Debian ships: mosquitto 2.0, NATS 2.9, RabbitMQ 3.10. What is told here, `docs/brokers.md` tells too."""

import asyncio
import itertools
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.broker_platform import AT, HOME, kit, platform, say, until
from tests.brokers import Mosquitto, Nats, Rabbit, Server
from tests.patience import PATIENCE_S, STORY_S, ended

KINDS: dict[str, Callable[[Path], Server]] = {"mosquitto": Mosquitto, "nats": Nats, "rabbitmq": Rabbit}
KIT_HOME = {"area": "330106", "id": "home-1"}
COMMAND = f"{HOME}/watch-1/command"
_numbers = itertools.count(1)


@pytest.fixture(scope="module", params=list(KINDS))
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    one = KINDS[request.param](tmp_path_factory.mktemp(request.param))
    one.start()
    try:
        yield one
    finally:
        one.close()


@pytest.fixture
def name() -> str:
    """Client ids of its own for each test: a persistent session outlives it."""
    return f"anju{next(_numbers)}"


def story(tell: Callable[[], Awaitable[None]]) -> None:
    async def told() -> None:
        await ended(tell(), STORY_S)

    asyncio.run(told())


def test_readings_and_calls_come_in_and_are_acknowledged_after_their_commit(server: Server, tmp_path: Path, name: str) -> None:
    async def tell() -> None:
        async with platform(tmp_path, server, client_id=name) as anju:
            assert set(anju.broker.versions) == {"5.0" if server.mqtt5 else "3.1.1"}
            watch = await asyncio.to_thread(kit, server)
            for number in range(300):
                say(watch, number)
            say(watch, 1000, "alarm", "cord-1")
            await until(lambda: len(anju.values()) == 301)
            assert [n for n in anju.values() if n != 1000] == list(range(300))
            await asyncio.to_thread(watch.close)
        async with platform(tmp_path, server, client_id=name) as anju:
            watch = await asyncio.to_thread(kit, server)
            say(watch, 2000)
            await until(lambda: anju.values() == [2000])  # nothing of the first part comes again: it was acknowledged
            await asyncio.to_thread(watch.close)

    story(tell)


def test_what_was_taken_and_not_committed_comes_again_to_the_next_process(server: Server, tmp_path: Path, name: str) -> None:
    async def tell() -> None:
        watch = await asyncio.to_thread(kit, server)
        async with platform(tmp_path, server, client_id=name) as anju:
            anju.held = True
            for number in range(10):
                say(watch, number)
            await until(lambda: len(anju.taken) == 10)
        async with platform(tmp_path, server, client_id=name) as anju:
            await until(lambda: sorted(anju.values()) == list(range(10)))
        await asyncio.to_thread(watch.close)

    story(tell)


def test_what_kits_say_while_nobody_listens_waits_at_the_broker(server: Server, tmp_path: Path, name: str) -> None:
    async def tell() -> None:
        async with platform(tmp_path, server, client_id=name):
            pass
        watch = await asyncio.to_thread(kit, server)
        for number in range(100):
            say(watch, number)
        say(watch, 1000, "alarm", "cord-1", wait=True)
        await asyncio.to_thread(watch.close)
        async with platform(tmp_path, server, client_id=name) as anju:
            await until(lambda: len(anju.values()) == 101)
            assert [n for n in anju.values() if n != 1000] == list(range(100))

    story(tell)


def test_a_killed_broker_has_kept_the_backlog_and_is_found_again(server: Server, tmp_path: Path, name: str) -> None:
    async def tell() -> None:
        async with platform(tmp_path, server, client_id=name):
            pass
        watch = await asyncio.to_thread(kit, server)
        for number in range(100):
            say(watch, number, wait=True)
        await asyncio.to_thread(watch.close)
        await asyncio.to_thread(server.save)
        await asyncio.to_thread(server.kill)
        async with platform(tmp_path, server, hearing=False, client_id=name) as anju:
            await until(lambda: "refused" in str(anju.broker.problems[0]))
            assert anju.broker.unheard_since == AT
            await asyncio.to_thread(server.start)
            await until(lambda: anju.broker.hearing)
            await until(lambda: len(anju.values()) >= 100)
            assert list(dict.fromkeys(anju.values())) == list(range(100))
            assert anju.broker.problems == ()

    story(tell)


def test_a_command_reaches_a_kit_once_its_fact_is_on_disk_also_after_an_absence_of_both(server: Server, tmp_path: Path, name: str) -> None:
    async def tell() -> None:
        watch = await asyncio.to_thread(kit, server, f"{name}-watch", clean=False)
        await asyncio.to_thread(watch.hear_commands, KIT_HOME)
        async with platform(tmp_path, server, client_id=name) as anju:
            anju.issue(COMMAND, "c1")
            await until(lambda: [payload for _, payload in watch.heard] == [b'{"id": "c1"}'])
            await until(lambda: len(anju.broker.outbox) == 0)
            await asyncio.to_thread(watch.close)
            anju.issue(COMMAND, "c2")
            await until(lambda: anju.journal.last_seq == 2 and len(anju.broker.outbox) == 0)
        watch = await asyncio.to_thread(kit, server, f"{name}-watch", clean=False)
        await until(lambda: b'{"id": "c2"}' in [payload for _, payload in watch.heard])
        await asyncio.to_thread(watch.close)

    story(tell)


def test_a_retained_status_is_taken_when_it_changes_and_not_when_the_broker_replays_it(server: Server, tmp_path: Path, name: str) -> None:
    async def tell() -> None:
        topic = f"anju/v1/330106/{name}/hub-1/status"
        hub = await asyncio.to_thread(kit, server)
        async with platform(tmp_path, server, client_id=name) as anju:
            hub.client.publish(topic, b'{"status": "online"}', qos=1, retain=True).wait_for_publish(PATIENCE_S)
            await until(lambda: anju.status.get(topic) == b'{"status": "online"}')
            anju.taken.clear()
            known = dict(anju.status)
        (tmp_path / "data" / "broker.json").unlink()  # so that it subscribes anew, under another name
        async with platform(tmp_path, server, client_id=f"{name}b", known=known) as anju:
            await asyncio.to_thread(say, hub, 1, "report", "hub-1", wait=True)
            await until(lambda: anju.values() == [1])
            assert not [p for p in anju.taken if p.topic == topic]
            hub.client.publish(topic, b'{"status": "offline"}', qos=1, retain=True).wait_for_publish(PATIENCE_S)
            await until(lambda: anju.status.get(topic) == b'{"status": "offline"}')
            hub.client.publish(topic, b"", qos=1, retain=True).wait_for_publish(PATIENCE_S)
        await asyncio.to_thread(hub.close)

    story(tell)


def test_a_will_is_heard_as_the_status_it_is(server: Server, tmp_path: Path, name: str) -> None:
    async def tell() -> None:
        import paho.mqtt.client as paho
        from paho.mqtt.enums import CallbackAPIVersion

        topic = f"anju/v1/330106/{name}/hub-1/status"
        async with platform(tmp_path, server, client_id=name) as anju:
            hub = paho.Client(CallbackAPIVersion.VERSION2, f"{name}-hub", protocol=paho.MQTTv311, reconnect_on_failure=False)
            hub.username_pw_set(server.username, server.password)
            hub.will_set(topic, b'{"status": "offline"}', qos=1)
            hub.connect("127.0.0.1", server.port)
            hub.loop_start()
            await until(hub.is_connected)
            line = hub.socket()
            assert line is not None
            with socket.socket(fileno=os.dup(line.fileno())) as cable:
                cable.shutdown(socket.SHUT_RDWR)  # without a DISCONNECT
            await until(lambda: any(p.topic == topic and p.payload == b'{"status": "offline"}' for p in anju.stored))
            hub.loop_stop()

    story(tell)


def test_what_a_hub_bridges_comes_in_and_our_commands_to_it_are_not_taken_for_more(server: Server, tmp_path: Path, name: str) -> None:
    async def tell() -> None:
        bridge = f"anju/v1/330106/{name}/bridge/zigbee2mqtt/zigbee2mqtt"
        hub = await asyncio.to_thread(kit, server)
        async with platform(tmp_path, server, client_id=name) as anju:
            lamp = f"{bridge}/{'bedroom' if server.name == 'NATS' else 'bedroom cord'}/set"  # NATS takes no space in a topic
            anju.issue(lamp, "c1")
            await until(lambda: anju.journal.last_seq == 1 and len(anju.broker.outbox) == 0)
            big = b"[" + b" " * 300_000 + b"]"
            hub.client.publish(f"{bridge}/bridge/devices", big, qos=1).wait_for_publish(PATIENCE_S)
            await until(lambda: any(p.size == len(big) and p.payload == big for p in anju.stored))
            assert [p.topic for p in anju.taken if p.topic.endswith("/set")] == [lamp]  # its echo: read, and known to be nothing for us
        await asyncio.to_thread(hub.close)

    story(tell)


def test_a_command_that_the_broker_closes_the_line_over_is_given_up_and_the_next_ones_go(tmp_path: Path) -> None:
    """NATS does so for a topic with a space, RabbitMQ for one that its access rules forbid."""

    async def tell() -> None:
        one = Nats(tmp_path)
        one.start()
        try:
            watch = await asyncio.to_thread(kit, one)
            await asyncio.to_thread(watch.hear_commands, KIT_HOME)
            async with platform(tmp_path, one) as anju:
                anju.issue(f"{HOME}/bridge/zigbee2mqtt/zigbee2mqtt/bedroom lamp/set", "c1")
                anju.issue(COMMAND, "c2")
                await until(lambda: [payload for _, payload in watch.heard] == [b'{"id": "c2"}'])
                await until(lambda: anju.broker.hearing and len(anju.broker.outbox) == 0)
                assert anju.broker.outbox.refused == 1
                assert "refused 1 commands" in anju.broker.problems[0].en
            await asyncio.to_thread(watch.close)
        finally:
            one.close()

    story(tell)


def test_a_disk_that_stalls_for_seconds_gives_nothing_twice(tmp_path: Path) -> None:
    """NATS says again on the same line what it has not seen acknowledged after `ack_wait`."""

    async def tell() -> None:
        one = Nats(tmp_path, ack_wait="1s")
        one.start()
        try:
            watch = await asyncio.to_thread(kit, one)
            async with platform(tmp_path, one) as anju:
                anju.held = True
                for number in range(5):
                    say(watch, number)
                await until(lambda: anju.broker.duplicates >= 5)
                anju.held = False
                await until(lambda: len(anju.values()) == 5)
                assert anju.values() == list(range(5))
                assert len(anju.taken) == 5
            await asyncio.to_thread(watch.close)
        finally:
            one.close()

    story(tell)


def test_a_call_behind_readings_that_a_full_disk_left_is_heard_by_the_ear(server: Server, tmp_path: Path, name: str) -> None:
    async def tell() -> None:
        watch = await asyncio.to_thread(kit, server)
        async with platform(tmp_path, server, client_id=name, version="3.1.1") as anju:
            anju.full = True
            await until(lambda: anju.broker.listening_past_the_window)
            for number in range(50):
                say(watch, number)
            say(watch, 1000, "report", "cord-1")  # not on `alarm`
            await until(lambda: any(b'"n": 1000' in p.payload for p in anju.taken))
            assert anju.values() == []
            anju.full = False
            await until(lambda: set(anju.values()) == {*range(50), 1000})  # the broker says again what was not acknowledged
            await until(lambda: not anju.broker.listening_past_the_window)
        await asyncio.to_thread(watch.close)

    story(tell)


