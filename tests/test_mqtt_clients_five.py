"""What only MQTT 5.0 has, as other people's clients see it: paho-mqtt, aiomqtt, mosquitto_pub and _sub, Node's mqtt.

And our client, as another broker sees it.
"""

import asyncio
import contextlib
import json
import shutil
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import aiomqtt
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from devices.mqtt.client import Acknowledged, Client, Event
from devices.mqtt.entries import Delivered, SessionLasts, WillWaits
from devices.mqtt.packets import Connack, Connect, Publish, Suback, Unsuback
from devices.mqtt.properties import Properties as OurProperties
from devices.mqtt.terms import RECEIVE_MAXIMUM
from gateway.mqtt import listener
from tests.brokers import Mosquitto, Server, running
from tests.endpoint import AT, PASSWORD, Endpoint, endpoint, until
from tests.kits import COMMAND, REPORT, STATUS, run
from tests.patience import ended
from tests.test_mqtt_clients import NODE, WITHIN, output


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is due is looked for fifty times a second instead of once."""
    monkeypatch.setattr(listener, "SWEEP_S", 0.02)


def properties(kind: int, **said: object) -> Properties:
    made = Properties(kind)  # type: ignore[no-untyped-call]
    for name, value in said.items():
        setattr(made, name, value)
    return made


def of(message: paho.MQTTMessage, *names: str) -> list[object]:
    """What was said with a message."""
    return [getattr(message.properties, name) for name in names]


class Paho:
    """A paho client of 5.0 on its own thread; with `by_hand` it acknowledges what it is told to."""

    def __init__(self, user: str = "cord", client_id: str = "paho", *, by_hand: bool = False) -> None:
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv5, manual_ack=by_hand)
        self.client.username_pw_set(user, PASSWORD)
        self.came: list[paho.MQTTMessage] = []
        self.answers: list[int] = []
        self.granted: list[list[int]] = []
        self.ended: list[int] = []
        self.welcome: Properties | None = None
        self.present = False
        self.connected = threading.Event()
        self.client.on_connect = self._connected
        self.client.on_message = lambda _client, _data, message: self.came.append(message)
        self.client.on_publish = lambda _client, _data, _mid, code, _properties: self.answers.append(code.value)
        self.client.on_subscribe = lambda _client, _data, _mid, codes, _properties: self.granted.append([c.value for c in codes])
        self.client.on_disconnect = lambda _client, _data, _flags, code, _properties: self.ended.append(code.value)

    def _connected(self, _client: paho.Client, _data: object, flags: paho.ConnectFlags, _code: ReasonCode, said: Properties | None) -> None:
        self.welcome, self.present = said, flags.session_present
        self.connected.set()

    def has(self, count: int) -> bool:
        return len(self.came) == count

    async def open(self, at: Endpoint, **said: object) -> None:
        await asyncio.to_thread(
            self.client.connect, "127.0.0.1", at.port, clean_start=False, properties=properties(PacketTypes.CONNECT, **said),
        )  # fmt: skip
        self.client.loop_start()
        assert await asyncio.to_thread(self.connected.wait, WITHIN)

    async def close(self, code: int = 0) -> None:
        said = ReasonCode(PacketTypes.DISCONNECT, identifier=code)
        await asyncio.to_thread(self.client.disconnect, reasoncode=said)
        await asyncio.to_thread(self.client.loop_stop)

    async def subscribed(self, topic_filter: str, options: SubscribeOptions, **said: object) -> list[int]:
        count = len(self.granted)
        self.client.subscribe(topic_filter, options=options, properties=properties(PacketTypes.SUBSCRIBE, **said))
        await until(lambda: len(self.granted) > count)
        return self.granted[-1]


@contextlib.asynccontextmanager
async def connected(at: Endpoint, user: str = "cord", client_id: str = "paho", **said: object) -> AsyncIterator[Paho]:
    one = Paho(user, client_id)
    await one.open(at, **said)
    try:
        yield one
    finally:
        await one.close()


# --- paho ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [1, 3])
def test_paho_is_given_no_more_at_a_time_than_it_said(most: int) -> None:
    async def story() -> None:
        async with endpoint() as at:
            one = Paho(by_hand=True)
            await one.open(at, ReceiveMaximum=most)
            assert await one.subscribed(COMMAND, SubscribeOptions(qos=1)) == [1]
            for number in range(7):
                at.ledger.issue(COMMAND, str(number).encode(), f"c{number}")
            for number in range(7):
                await until(partial(one.has, min(7, number + most)))
                message = one.came[number]
                assert message.payload == str(number).encode()
                one.client.ack(message.mid, message.qos)
            await until(lambda: at.ledger.listener.connections == 1)
            await one.close()

    run(story())


def test_paho_is_told_what_is_refused_and_why_it_is_sent_away() -> None:
    async def story() -> None:
        async with endpoint() as at, connected(at) as one:
            assert await one.subscribed(f"$share/group/{COMMAND}", SubscribeOptions(qos=1)) == [0x9E]
            assert await one.subscribed("anju/v1/330106/home-1/watch-1/command", SubscribeOptions(qos=1)) == [0x87]
            for topic, qos in ((COMMAND, 1), (COMMAND, 2), ("home/lamp", 1), (REPORT, 1)):
                one.client.publish(topic, b"{}", qos)
            # paho takes no notice of a PUBREC that refuses, and says PUBREL: which is told that there is nothing to release.
            await until(lambda: sorted(one.answers) == [0x00, 0x87, 0x90, 0x92])
            async with connected(at):
                await until(lambda: one.ended == [0x8E])
                await asyncio.to_thread(one.client.loop_stop)

    run(story())


def test_pahos_will_waits_and_its_session_ends_in_its_time() -> None:
    async def story() -> None:
        async with endpoint() as at:
            one = Paho()
            said = properties(PacketTypes.WILLMESSAGE, WillDelayInterval=10, UserProperty=("why", "battery"))
            one.client.will_set(STATUS, b"gone", 1, retain=True, properties=said)
            await one.open(at, SessionExpiryInterval=60)
            assert await one.subscribed(COMMAND, SubscribeOptions(qos=1)) == [1]
            await one.close(0x04)
            await until(lambda: any(isinstance(entry, WillWaits) for entry in at.ledger.journal))
            at.ledger.now += timedelta(seconds=9)
            await until(lambda: at.listener.now == at.ledger.now)
            assert at.ledger.published == []
            at.ledger.now += timedelta(seconds=2)
            await until(lambda: at.ledger.topics() == [STATUS])
            async with connected(at, "hub", "hub") as hub:
                assert await hub.subscribed(STATUS, SubscribeOptions(qos=1)) == [1]
                await until(lambda: [(m.payload, m.retain) for m in hub.came] == [(b"gone", True)])
                assert of(hub.came[0], "UserProperty") == [[("why", "battery")]]
            at.ledger.now += timedelta(seconds=55)
            await until(lambda: at.ledger.sessions.count("cord") == 0)
            async with connected(at) as again:
                assert not again.present

    run(story())


def test_paho_resumes_after_a_restart_and_is_given_what_still_holds() -> None:
    async def story() -> None:
        async with endpoint() as at:
            async with connected(at, SessionExpiryInterval=3600) as one:
                assert await one.subscribed(COMMAND, SubscribeOptions(qos=2), SubscriptionIdentifier=77) == [2]
            at.ledger.issue(COMMAND, b"short", "c1", expires_at=AT + timedelta(seconds=10))
            at.ledger.issue(COMMAND, b"long", "c2", expires_at=AT + timedelta(seconds=100))
            await until(lambda: len(at.ledger.sessions.of("cord")[0].queue) == 2)
            await until(lambda: any(isinstance(entry, SessionLasts) for entry in at.ledger.journal))
            journal = list(at.ledger.journal)
        async with endpoint(journal) as at:
            at.ledger.now += timedelta(seconds=30)
            await until(lambda: at.listener.now == at.ledger.now)
            async with connected(at, SessionExpiryInterval=3600) as again:
                assert again.present
                await until(lambda: Delivered("cord/paho", "c2") in at.ledger.journal)
                (message,) = again.came
                assert (message.payload, message.qos) == (b"long", 2)
                assert of(message, "MessageExpiryInterval", "SubscriptionIdentifier") == [70, [77]]

    run(story())


def test_paho_reads_what_paho_said_besides() -> None:
    async def story() -> None:
        async with endpoint() as at, connected(at, "city", "city") as city, connected(at) as one:
            await city.subscribed("#", SubscribeOptions(qos=2))
            said = properties(
                PacketTypes.PUBLISH, PayloadFormatIndicator=1, ContentType="application/json", ResponseTopic="a/b", CorrelationData=b"\0x",
                UserProperty=[("a", "1"), ("a", "2")],
            )  # fmt: skip
            one.client.publish(REPORT, b"{}", 1, properties=said)
            await until(lambda: len(city.came) == 1)
            its = of(city.came[0], "PayloadFormatIndicator", "ContentType", "ResponseTopic", "CorrelationData", "UserProperty")
            assert its == [1, "application/json", "a/b", b"\0x", [("a", "1"), ("a", "2")]]

    run(story())


# --- aiomqtt -------------------------------------------------------------------------------------------------------------------------


def test_aiomqtt_hears_retained_status_as_it_asks_for_it_and_not_itself() -> None:
    def client(at: Endpoint, name: str) -> aiomqtt.Client:
        return aiomqtt.Client(
            "127.0.0.1", at.port, username="hub", password=PASSWORD, identifier=name, protocol=aiomqtt.ProtocolVersion.V5, timeout=WITHIN,
        )  # fmt: skip

    async def story() -> None:
        async with endpoint() as at, client(at, "one") as one, client(at, "two") as two:
            await one.publish(STATUS, b"on", qos=1, retain=True)
            await until(lambda: at.ledger.sessions.status(STATUS) == b"on")
            await one.subscribe(STATUS, options=SubscribeOptions(qos=1, noLocal=True, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND))
            await two.subscribe(STATUS, options=SubscribeOptions(qos=1, retainAsPublished=True))
            async with asyncio.timeout(WITHIN):
                kept = await anext(aiter(two.messages))
                assert (kept.payload, kept.retain) == (b"on", True)
                await one.publish(STATUS, b"again", qos=1, retain=True)
                again = await anext(aiter(two.messages))
                assert (again.payload, again.retain) == (b"again", True), "as published"
                await two.publish(STATUS, b"other", qos=1)
                other = await anext(aiter(one.messages))
                assert (other.payload, other.retain) == (b"other", False), "the first that it hears"

    run(story())


# --- mosquitto -----------------------------------------------------------------------------------------------------------------------


def test_mosquittos_clients_say_and_hear_properties() -> None:
    assert shutil.which("mosquitto_pub"), "mosquitto_pub is missing: apt install mosquitto-clients"

    async def story() -> None:
        async with endpoint() as at:
            login = ("-h", "127.0.0.1", "-p", str(at.port), "-P", PASSWORD, "-V", "mqttv5")
            hearing = asyncio.create_task(output(
                "mosquitto_sub", *login, "-u", "city", "-t", "#", "-q", "1", "-C", "1", "-F", "%t %q %C %R %D %P %p",
                "-D", "connect", "receive-maximum", "1",
            ))  # fmt: skip
            await until(lambda: at.listener.connections == 1 and at.listener.company.heeded)
            await output(
                "mosquitto_pub", *login, "-u", "cord", "-t", REPORT, "-q", "1", "-m", "{}", "-D", "publish", "content-type", "json",
                "-D", "publish", "response-topic", "a/b", "-D", "publish", "correlation-data", "cd",
                "-D", "publish", "user-property", "k", "v", "-D", "publish", "topic-alias", "1",
            )  # fmt: skip
            assert await hearing == f"{REPORT} 1 json a/b cd k:v {{}}\n"

    run(story())


def test_mosquittos_will_waits_when_its_line_is_cut() -> None:
    async def story() -> None:
        async with endpoint() as at:
            process = await asyncio.create_subprocess_exec(
                "mosquitto_sub", "-h", "127.0.0.1", "-p", str(at.port), "-u", "cord", "-P", PASSWORD, "-V", "mqttv5", "-i", "mosq", "-c",
                "-x", "60", "-t", COMMAND, "-q", "1", "--will-topic", STATUS, "--will-payload", "gone", "--will-qos", "1", "--will-retain",
                "-D", "will", "will-delay-interval", "30", "-D", "will", "content-type", "json",
            )  # fmt: skip
            try:
                await until(lambda: bool(at.ledger.sessions.of("cord")) and bool(at.ledger.sessions.of("cord")[0].subscriptions))
            finally:
                process.kill()
                await process.wait()
            await until(lambda: any(isinstance(entry, WillWaits) for entry in at.ledger.journal))
            journal = list(at.ledger.journal)
        async with endpoint(journal) as at:
            at.ledger.now += timedelta(seconds=29)
            await until(lambda: at.listener.now == at.ledger.now)
            assert at.ledger.published == []
            at.ledger.now += timedelta(seconds=2)
            await until(lambda: at.ledger.topics() == [STATUS])
            await until(lambda: not at.ledger.sessions.wills)
            kept = at.ledger.sessions.retained.get(STATUS)
            assert kept is not None
            assert (kept.payload, kept.properties.content_type) == (b"gone", "json")

    run(story())


# --- Node --------------------------------------------------------------------------------------------------------------------------------

SCRIPT = """
const [, module, port, REPORT, COMMAND] = process.argv;
const mqtt = require(module);
const client = mqtt.connect({host: '127.0.0.1', port: Number(port), protocolVersion: 5, clientId: '', clean: true, username: 'cord',
                             password: 'secret', reconnectPeriod: 0, properties: {sessionExpiryInterval: 5}, autoAssignTopicAlias: true});
const said = {};
client.on('error', (error) => { console.error(error); process.exit(1); });
client.on('disconnect', (packet) => { said.code = packet.reasonCode; console.log(JSON.stringify(said)); process.exit(0); });
client.on('connect', async (connack) => {
  said.name = connack.properties.assignedClientIdentifier.startsWith('anju-');
  said.maximum = connack.properties.receiveMaximum;
  for (const payload of ['1', '2', '3']) await client.publishAsync(REPORT, payload, {qos: 1});
  said.refused = await client.publishAsync(COMMAND, '{}', {qos: 1}).then(() => null, (error) => error.code);
  said.granted = (await client.subscribeAsync({[COMMAND]: {qos: 2, nl: true, rap: true, rh: 2}}))[0].qos;
  console.error('ready');
});
"""


def test_nodes_mqtt_is_given_a_name_and_told_the_end() -> None:
    node = shutil.which("node")
    assert node, "node is missing: apt install nodejs"
    assert NODE.exists(), "Node's mqtt is missing: npm install --prefix .venv/node mqtt@5"

    async def story() -> None:
        async with endpoint() as at:
            process = await asyncio.create_subprocess_exec(
                node, "-e", SCRIPT, str(NODE), str(at.port), REPORT, COMMAND,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            assert process.stderr is not None
            assert await ended(process.stderr.readline(), WITHIN) == b"ready\n"
            await at.listener.close()
            printed, errors = await ended(process.communicate(), WITHIN)
            assert process.returncode == 0, errors.decode()
            assert json.loads(printed) == {"name": True, "maximum": RECEIVE_MAXIMUM, "refused": 0x87, "granted": 2, "code": 0x8B}
            assert [p.payload for p in at.ledger.published] == [b"1", b"2", b"3"]
            assert at.ledger.topics() == [REPORT] * 3, "two of them by a number"

    run(story())


# --- our client, at another broker -----------------------------------------------------------------------------------------------------


class Line:
    """Our client on a socket, until what it waits for has come."""

    def __init__(self, client: Client, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.client = client
        self.came: list[Event] = []
        self._from = reader
        self._to = writer

    async def until(self, *kinds: type[Event], count: int = 1) -> None:
        """Until so many of these have come, since the last time."""
        self.came.clear()
        async with asyncio.timeout(WITHIN):
            while sum(isinstance(event, kinds) for event in self.came) < count:
                self._to.write(bytes(self.client.output))
                self.client.output.clear()
                data = await self._from.read(65_536)
                assert data, "the broker hung up"
                self.came += self.client.receive(data, AT)
            self._to.write(bytes(self.client.output))
            self.client.output.clear()

    async def close(self) -> None:
        self.client.close()
        self._to.write(bytes(self.client.output))
        self._to.close()
        await self._to.wait_closed()
        self.client.lost()


async def line(client: Client, port: int) -> Line:
    client.open(AT)
    one = Line(client, *await asyncio.open_connection("127.0.0.1", port))
    await one.until(Connack)
    return one


def test_our_client_speaks_5_with_mosquitto(tmp_path: Path) -> None:
    """Every QoS and back, a number for the topic, a name that is given, a window of two, a session that is resumed."""

    async def story(broker: Server) -> None:
        asked = OurProperties(session_expiry=60, receive_maximum=2, topic_alias_maximum=3)
        client = Client(Connect("", False, 0, broker.username, broker.password.encode(), level=5, properties=asked))
        one = await line(client, broker.port)
        assert any(isinstance(event, Connack) and event.properties.topic_alias_maximum for event in one.came)
        client.subscribe((("to/us/#", 2),), OurProperties(subscription_ids=(9,)))
        await one.until(Suback)
        for qos in (0, 1, 2, 0, 1, 2):
            client.publish("to/us/a", str(qos).encode(), qos, properties=OurProperties(user=(("k", "v"),)))
        await one.until(Publish, Acknowledged, count=10)
        messages = [event for event in one.came if isinstance(event, Publish)]
        assert sorted((m.payload, m.qos) for m in messages) == [(b"0", 0)] * 2 + [(b"1", 1)] * 2 + [(b"2", 2)] * 2
        assert {m.topic for m in messages} == {"to/us/a"}
        assert {(m.properties.subscription_ids, m.properties.user) for m in messages} == {((9,), (("k", "v"),))}
        assert client.unacknowledged == 0
        await one.close()
        assert client.connect.client_id
        again = await line(client, broker.port)
        assert [event.session_present for event in again.came if isinstance(event, Connack)] == [True]
        client.publish("to/us/b", b"again", 2)
        await again.until(Publish)
        client.unsubscribe(("to/us/#", "never/there"))
        await again.until(Unsuback)
        assert [event.codes for event in again.came if isinstance(event, Unsuback)] == [(0, 0x11)]
        await again.close()

    with running(Mosquitto(tmp_path)) as broker:
        asyncio.run(story(broker))
