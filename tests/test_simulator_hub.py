"""A home's hub against a real mosquitto: what it says arrives, and what was not acknowledged arrives later under the same id."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import aiomqtt
import pytest

from simulator import device as d
from simulator import play
from simulator.hub import READINGS_KEPT, Hub
from simulator.link import Broker, BrokerError, broker_at
from simulator.play import all_connected, all_delivered, lines
from simulator.wire import Stage, Values
from simulator.world import Said
from simulator.zigbee import LAMP, LEAK
from tests.patience import PATIENCE_S, ended
from tests.virtual import Heard, Mosquitto, demo, heard, mosquitto, until

WORDS = {"zh": "请检查燃气。", "en": "Check the gas."}
AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


class Ear:
    """A subscriber with no part in the simulator: all that passes, and the retained state at the time it came."""

    def __init__(self) -> None:
        self.topics: list[tuple[str, bytes, bool]] = []

    @property
    def reports(self) -> list[Heard]:
        return [report for topic, payload, _ in self.topics if (report := heard(topic, payload)) is not None]

    def said(self, topic: str) -> list[bytes]:
        return [payload for other, payload, _ in self.topics if other == topic]


@asynccontextmanager
async def listening(broker: Broker, ear: Ear) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client(broker.host, broker.port, identifier="ear") as client:
        await client.subscribe("anju/#", qos=1)

        async def listen() -> None:
            with contextlib.suppress(aiomqtt.MqttError):
                async for message in client.messages:
                    assert isinstance(message.payload, bytes)
                    ear.topics.append((str(message.topic), message.payload, message.retain))

        task = asyncio.create_task(listen())
        try:
            yield client
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@pytest.fixture(autouse=True, params=["aiomqtt", "fleet"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every story is told over both kinds of line."""
    monkeypatch.setattr(play, "HOMES_BY_AIOMQTT", 50 if request.param == "aiomqtt" else 0)


@pytest.fixture
def hub() -> Hub:
    return Hub(demo(1, zigbee=True)[0], "boot")


def pull(hub: Hub, number: int = 1) -> None:
    for _ in range(number):
        hub.say(Said(hub.home.id, "home-0001-cord-bed", d.PULLED), AT)


def test_a_hub_announces_itself_and_its_devices_and_brings_the_bridges_list(tmp_path: Path, hub: Hub) -> None:
    async def story(server: Mosquitto) -> None:
        ear = Ear()
        async with listening(server.broker, ear), lines([hub], server.broker, "t"):
            assert await all_connected([hub], PATIENCE_S)
            assert await all_delivered([hub], PATIENCE_S)
            for device in hub.home.devices:
                status = f"anju/v1/990121001001/home-0001/{device.id}/status"
                await until(partial(ear.said, status))
                assert json.loads(ear.said(status)[0])["status"] == "online"
                assert json.loads(ear.said(status)[0])["model"] == device.model
            bridge = "anju/v1/990121001001/home-0001/bridge/zigbee2mqtt/zigbee2mqtt/bridge/devices"
            await until(lambda: ear.said(bridge))
            assert [listed["type"] for listed in json.loads(ear.said(bridge)[0])] == ["Coordinator", "EndDevice", "EndDevice", "Router"]
        again = Ear()
        async with listening(server.broker, again):
            await until(lambda: len(again.topics) >= len(hub.home.devices))
            assert all(retained and topic.endswith("/status") for topic, _, retained in again.topics)

    with mosquitto(tmp_path) as server:
        asyncio.run(story(server))


def test_a_call_goes_on_alarm_and_a_reading_on_report(tmp_path: Path, hub: Hub) -> None:
    async def story(server: Mosquitto) -> None:
        ear = Ear()
        async with listening(server.broker, ear), lines([hub], server.broker, "t"):
            hub.say(Said("home-0001", "home-0001-watch", Values(heart_rate=70)), AT)
            pull(hub)
            await until(lambda: len(ear.reports) == 2)
        channels = {report.device: (report.channel, report.values) for report in ear.reports}
        assert channels["home-0001-cord-bed"] == ("alarm", {"pull_cord": True})
        assert channels["home-0001-watch"] == ("report", {"heart_rate": 70})

    with mosquitto(tmp_path) as server:
        asyncio.run(story(server))


def test_what_a_dead_broker_did_not_acknowledge_comes_again_under_the_same_ids(tmp_path: Path, hub: Hub) -> None:
    async def story(server: Mosquitto) -> None:
        async with lines([hub], server.broker, "t"):
            assert await all_connected([hub], PATIENCE_S)
            assert await all_delivered([hub], PATIENCE_S)
            server.kill()
            pull(hub, 5)
            hub.say(Said("home-0001", "home-0001-watch", Values(heart_rate=70)), AT)
            await until(lambda: not hub.connected)
            assert hub.waiting == 6
            server.start()
            ear = Ear()
            async with listening(server.broker, ear):
                await until(lambda: len({report.id for report in ear.reports}) == 6)
                assert {report.id for report in ear.reports} == {f"boot-{n}" for n in range(1, 7)}
                assert await all_delivered([hub], PATIENCE_S)

    with mosquitto(tmp_path) as server:
        asyncio.run(story(server))


def test_a_letter_lost_in_flight_is_sent_again_with_the_very_same_bytes(hub: Hub) -> None:
    hub.came_up()
    while (opening := hub.take()) is not None:
        hub.settled(opening[0])
    pull(hub, 3)
    first = [hub.take(), hub.take()]
    hub.went_down("gone")
    hub.came_up()
    again = [hub.take() for _ in range(3)]
    assert [one[1] for one in first if one] == [one[1] for one in again[:2] if one]
    # An acknowledgement of the connection before means nothing any more.
    waiting = hub.waiting
    assert first[0] is not None
    hub.settled(first[0][0])
    assert hub.waiting == waiting


def test_calls_go_first_and_a_hub_without_a_line_drops_readings_alone(hub: Hub) -> None:
    for _ in range(READINGS_KEPT + 7):
        hub.say(Said("home-0001", "home-0001-watch", Values(heart_rate=70)), AT)
    pull(hub, 2)
    assert hub.dropped == 7
    order = [hub.take(), hub.take(), hub.take()]
    assert [one[1].topic.rsplit("/", 1)[1] for one in order if one] == ["alarm", "alarm", "report"]
    assert order[2] is not None
    assert b'"boot-8"' in order[2][1].payload


def test_a_cut_line_brings_the_will_and_a_call_made_meanwhile_arrives_once_it_is_back(tmp_path: Path, hub: Hub) -> None:
    async def story(server: Mosquitto) -> None:
        ear = Ear()
        status = "anju/v1/990121001001/home-0001/home-0001-hub/status"
        async with listening(server.broker, ear), lines([hub], server.broker, "t"):
            assert await all_connected([hub], PATIENCE_S)
            await until(lambda: len(ear.said(status)) == 1)
            hub.sever()
            await until(lambda: ear.said(status)[-1] == b'{"status":"offline"}')
            pull(hub)
            await asyncio.sleep(0.3)  # long enough to have come back, were it not cut
            assert not ear.reports
            hub.restore()
            await until(lambda: ear.reports)
            await until(lambda: b"online" in ear.said(status)[-1])
            assert [report.id for report in ear.reports] == ["boot-1"]

    with mosquitto(tmp_path) as server:
        asyncio.run(story(server))


def test_a_hub_that_is_stopped_says_goodbye_and_leaves_no_will(tmp_path: Path, hub: Hub) -> None:
    async def story(server: Mosquitto) -> None:
        ear = Ear()
        status = "anju/v1/990121001001/home-0001/home-0001-hub/status"
        async with listening(server.broker, ear) as other:
            async with lines([hub], server.broker, "t"):
                assert await all_connected([hub], PATIENCE_S)
                assert await all_delivered([hub], PATIENCE_S)
            await other.publish("anju/over", b"", qos=1)
            await until(lambda: ear.said("anju/over"))
        assert [json.loads(payload)["status"] for payload in ear.said(status)] == ["online"]

    with mosquitto(tmp_path) as server:
        asyncio.run(story(server))


def test_a_line_that_breaks_at_the_moment_of_its_end_ends(tmp_path: Path, hub: Hub) -> None:
    async def story(server: Mosquitto) -> None:
        for turns in range(8):  # the end meets the break a little later each time
            async with lines([hub], server.broker, "t"):
                assert await all_connected([hub], PATIENCE_S)
                hub.sever()
                for _ in range(turns):
                    await asyncio.sleep(0)
            hub.restore()

    with mosquitto(tmp_path) as server:
        asyncio.run(ended(story(server), PATIENCE_S))


def test_receipts_are_noted_and_other_commands_answered(tmp_path: Path, hub: Hub) -> None:
    async def story(server: Mosquitto) -> None:
        ear = Ear()
        cord = "anju/v1/990121001001/home-0001/home-0001-cord-bed"
        async with listening(server.broker, ear) as platform, lines([hub], server.broker, "t"):
            assert await all_connected([hub], PATIENCE_S)
            for stage in Stage:
                receipt = {"id": f"r-{stage}", "command": "receipt", "alert": "a-1", "stage": stage}
                await platform.publish(f"{cord}/command", json.dumps(receipt), qos=1)
            for name in ("identify", "dance"):
                await platform.publish(f"{cord}/command", json.dumps({"id": f"c-{name}", "command": name}), qos=1)
            await platform.publish(f"{cord}/command", b"\xff not json", qos=1)
            speaker = "anju/v1/990121001001/home-0001/home-0001-hub"
            for number, (to, text) in enumerate([(cord, WORDS), (speaker, WORDS), (speaker, {})]):
                prompt = {"id": f"p-{number}", "command": "prompt", "prompt": "gas-on", "text": text}
                await platform.publish(f"{to}/command", json.dumps(prompt), qos=1)
            await until(lambda: len(ear.said(f"{cord}/reply")) == 3 and len(ear.said(f"{speaker}/reply")) == 2)
            assert [(r.device, r.alert, r.stage) for r in hub.receipts] == [("home-0001-cord-bed", "a-1", stage) for stage in Stage]
            assert [json.loads(reply) for reply in ear.said(f"{cord}/reply")] == [
                {"id": "c-identify", "result": "done"},
                {"id": "c-dance", "error": "this device knows no command 'dance'"},
                {"id": "p-0", "error": "this device has no voice and no screen"},
            ]
            assert [json.loads(reply) for reply in ear.said(f"{speaker}/reply")] == [
                {"id": "p-1", "result": "done"}, {"id": "p-2", "error": "a prompt without words"},
            ]  # fmt: skip

    with mosquitto(tmp_path) as server:
        asyncio.run(story(server))


def test_a_lamp_is_switched_through_the_bridge_and_its_new_state_published_back(tmp_path: Path, hub: Hub) -> None:
    async def story(server: Mosquitto) -> None:
        ear = Ear()
        base = "anju/v1/990121001001/home-0001/bridge/zigbee2mqtt/zigbee2mqtt"
        async with listening(server.broker, ear) as platform, lines([hub], server.broker, "t"):
            assert await all_connected([hub], PATIENCE_S)
            for number, wanted in enumerate((b'{"state":"ON"}', b"TOGGLE", b'{"state":"on"}'), start=1):
                await platform.publish(f"{base}/{LAMP}/set", wanted, qos=1)
                await until(lambda: len(ear.said(f"{base}/{LAMP}")) == number)  # noqa: B023 - looked at before the next round
            assert [json.loads(said)["state"] for said in ear.said(f"{base}/{LAMP}")] == ["ON", "OFF", "ON"]
            await platform.publish(f"{base}/{LEAK}/set", b'{"state":"ON"}', qos=1)
            await until(lambda: ear.said(f"{base}/bridge/logging"))
            assert json.loads(ear.said(f"{base}/bridge/logging")[0])["message"] == "No converter available for 'set' 'state' (ON)"

    with mosquitto(tmp_path) as server:
        asyncio.run(story(server))


def test_homes_that_were_only_played_leave_no_session_behind(tmp_path: Path, hub: Hub) -> None:
    async def waits(server: Mosquitto) -> bool:
        """Whether the broker kept a session for the hub: then a command from between is there."""
        topic = "anju/v1/990121001001/home-0001/home-0001-cord-bed/command"
        async with listening(server.broker, Ear()) as platform:
            await platform.publish(topic, b'{"id":"r","command":"receipt","alert":"a-1","stage":"seen"}', qos=1)
        known = len(hub.receipts)
        async with lines([hub], server.broker, "t"):
            assert await all_connected([hub], PATIENCE_S)
            assert await all_delivered([hub], PATIENCE_S)
            return len(hub.receipts) > known

    async def story(server: Mosquitto) -> None:
        async with lines([hub], server.broker, "t"):
            assert await all_connected([hub], PATIENCE_S)
        assert await waits(server)
        async with lines([hub], server.broker, "t", for_good=False):
            assert await all_connected([hub], PATIENCE_S)
        assert not await waits(server)

    with mosquitto(tmp_path) as server:
        asyncio.run(story(server))


def test_a_broker_that_is_gone_at_the_end_is_not_waited_for(tmp_path: Path, hub: Hub) -> None:
    async def story(server: Mosquitto) -> None:
        async with lines([hub], server.broker, "t", for_good=False):
            assert await all_connected([hub], PATIENCE_S)
            server.kill()

    with mosquitto(tmp_path) as server:
        asyncio.run(ended(story(server), 30))


def test_a_command_that_came_while_the_hub_was_away_waits_for_it(tmp_path: Path, hub: Hub) -> None:
    async def story(server: Mosquitto) -> None:
        async with listening(server.broker, Ear()) as platform:
            async with lines([hub], server.broker, "t"):
                assert await all_connected([hub], PATIENCE_S)
            receipt = {"id": "r", "command": "receipt", "alert": "a-1", "stage": "seen"}
            await platform.publish("anju/v1/990121001001/home-0001/home-0001-cord-bed/command", json.dumps(receipt), qos=1)
            async with lines([hub], server.broker, "t"):
                await until(lambda: hub.receipts)

    with mosquitto(tmp_path) as server:
        asyncio.run(story(server))


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("mqtt://127.0.0.1:1884", Broker("127.0.0.1", 1884)),
        ("mqtt://broker", Broker("broker", 1883)),
        ("mqtt://device:a%40b@10.0.0.1:1883", Broker("10.0.0.1", 1883, "device", "a@b")),
        ("mqtt://u:p@[::1]:1885", Broker("::1", 1885, "u", "p")),
    ],
)
def test_a_brokers_address_is_read(url: str, broker: Broker) -> None:
    assert broker_at(url) == broker


@pytest.mark.parametrize("url", ["127.0.0.1:1883", "http://x", "mqtt://", "mqtt://x:99999", "mqtt://x/path"])
def test_what_is_no_address_of_a_broker_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(BrokerError) as refused:
        broker_at(url)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_a_websocket_is_refused_with_what_can_be_done(scheme: str) -> None:
    with pytest.raises(BrokerError, match=f"{scheme}: virtual homes speak MQTT over TCP or TLS"):
        broker_at(f"{scheme}://device:secret@host:8883")


@pytest.mark.parametrize("url", ["http://device:secret@host:1", "mqtt://device:secret@host:99999"])
def test_a_password_is_not_repeated_where_an_address_is_refused(url: str) -> None:
    with pytest.raises(BrokerError) as refused:
        broker_at(url)
    assert "secret" not in str(refused.value)
