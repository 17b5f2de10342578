"""A few of the statements against the whole service, as `./anju up` starts it: with its own loop, journal, registry and event loop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path

from tests.mqtt_statements import wire
from tests.mqtt_statements.story import MALFORMED, Line, line_to, shown_at_once
from tests.mqtt_statements.wire import P, Properties
from tests.service import Anju, Json, running

VERSIONS = (4, 5)
LASTING: dict[int, Properties] = {4: (), 5: [(P.SESSION_EXPIRY, 3600)]}


@contextlib.asynccontextmanager
async def connected(
    anju: Anju, version: int, login: Json, client_id: str, *, clean: bool = True, some: Properties = (),
) -> AsyncIterator[tuple[Line, bool]]:  # fmt: skip
    """A line that was welcomed, and whether its session was there before."""
    line = await line_to(anju.mqtt_port, version)
    try:
        line.connect(client_id, username=login["username"], password=login["password"].encode(), clean=clean, some=some)
        heard = await line.hear(wire.CONNACK)
        assert heard.code == 0
        yield line, heard.session_present
    finally:
        line.cut()


def run(story: Coroutine[None, None, None]) -> None:
    asyncio.run(story)


def topic_of(home: Json, channel: str, device: int = 0) -> str:
    return f"anju/v1/{home['area']}/{home['id']}/statement-{device}/{channel}"


@shown_at_once(
    v311="4.3.2-2 4.3.3-2 3.3.5-2 3.8.4-5 3.1.4-5 3.3.2-3",
    v5="4.3.2-4 4.3.3-8 3.4.2-1 3.5.2-1 3.8.4-7 3.1.4-2 3.3.2-3 3.3.2-17 3.8.4-8 4.13.2-1",
)
def test_the_service_acknowledges_what_is_on_disk_relays_it_as_it_came_and_says_no_by_name(tmp_path: Path) -> None:
    with running(tmp_path / "data", words=("--no-simulator",)) as anju:
        home = anju.home()
        with anju.api() as client:
            reader_login = client.post(f"/areas/{home['area']}/credentials").json()
        device = anju.endpoints["device"]

        async def story(version: int) -> None:
            body = [b'{"values":{"temperature":%d.%d}}' % (version, qos) for qos in (0, 1, 2)]
            said: Properties = [(P.USER, ("b", "2")), (P.USER, ("a", "1"))] if version == 5 else ()
            async with connected(anju, version, reader_login, "r") as (reader, _), connected(anju, version, device, "k") as (kit, _):
                await reader.subscribe((topic_of(home, "report"), 2))
                for qos in (0, 1, 2):
                    kit.publish(topic_of(home, "report"), body[qos], qos, qos, some=said)
                assert {(await kit.hear()).kind for _ in range(2)} == {wire.PUBACK, wire.PUBREC}
                stored = {bytes(entry.raw) for _, entry in anju.entries() if getattr(entry, "topic", "") == topic_of(home, "report")}
                assert set(body[1:]) <= stored
                heard = [await reader.hear(wire.PUBLISH) for _ in range(3)]
                assert sorted((packet.payload, packet.qos) for packet in heard) == [(body[qos], qos) for qos in (0, 1, 2)]
                assert all(packet.all(P.USER) == [value for _, value in said] for packet in heard)
                kit.publish(topic_of(home, "command"), b"{}", 1, 9)
                assert (await kit.hear(wire.PUBACK)).code == {4: 0, 5: 0x87}[version]
                assert (await kit.subscribe(("TopicA/B", 1))).codes == ({4: 0x80, 5: 0x87}[version],)
                reader.publish(topic_of(home, "report"), b"{}", 1, 9)
                assert (await reader.hear(wire.PUBACK)).code == {4: 0, 5: 0x87}[version]
            stranger = await line_to(anju.mqtt_port, version)
            stranger.connect("x", username=device["username"], password=b"wrong")
            await stranger.refused(4, 0x86)
            stranger.cut()
            async with connected(anju, version, device, "k") as (kit, _):
                kit.say(wire.frame(0x00), *[wire.publish(version, topic_of(home, "report"), b"x" * 1000, 1)] * 100)
                await kit.ends(*MALFORMED)

        for version in VERSIONS:
            run(story(version))


@shown_at_once(v311="3.1.2-4 3.1.2-7 3.3.1-5 4.1.0-1 4.3.3-2", v5="3.1.2-5 3.1.2-23 3.3.1-5 4.3.3-10")
def test_sessions_retained_status_and_qos_2_outlast_the_service(tmp_path: Path) -> None:
    with running(tmp_path / "data", words=("--no-simulator",)) as anju:
        home = anju.home()
        with anju.api() as client:
            reader_login = client.post(f"/areas/{home['area']}/credentials").json()
        device = anju.endpoints["device"]
        online = b'{"status":"online"}'

        async def before(version: int) -> None:
            async with connected(anju, version, reader_login, f"r{version}", clean=False, some=LASTING[version]) as (reader, present):
                assert not present
                await reader.subscribe((topic_of(home, "report", version), 1))
            async with connected(anju, version, device, f"k{version}", clean=False, some=LASTING[version]) as (kit, present):
                assert not present
                kit.publish(topic_of(home, "status", version), online, 1, 1, retain=True)
                await kit.hear(wire.PUBACK)
                kit.publish(topic_of(home, "report", version), b'{"values":{"steps":%d}}' % version, 2, 7)
                await kit.hear(wire.PUBREC)

        async def after(version: int) -> None:
            async with connected(anju, version, device, f"k{version}", clean=False, some=LASTING[version]) as (kit, present):
                assert present
                async with connected(anju, version, reader_login, f"r{version}", clean=False, some=LASTING[version]) as (reader, there):
                    assert there
                    kit.publish(topic_of(home, "report", version), b'{"values":{"steps":%d}}' % version, 2, 7, dup=True)
                    await kit.hear(wire.PUBREC)
                    kit.answer(wire.PUBREL, 7)
                    await kit.hear(wire.PUBCOMP)
                    kit.publish(topic_of(home, "report", version), b'{"values":{"steps":9}}', 1, 8)
                    await kit.hear(wire.PUBACK)
                    assert (await reader.hear(wire.PUBLISH)).payload == b'{"values":{"steps":9}}', "the other was heard before"
                    await reader.subscribe((topic_of(home, "status", version), 1))
                    heard = await reader.hear(wire.PUBLISH)
                    assert (heard.payload, heard.retain) == (online, True)

        for version in VERSIONS:
            run(before(version))
        anju.stop()
        anju.start()
        anju.endpoints["device"] = device
        for version in VERSIONS:
            run(after(version))


