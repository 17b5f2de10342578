"""Clients of other people against the endpoint: paho-mqtt, aiomqtt, mosquitto_pub and _sub, Node's mqtt; each with 3.1.1 and 5.0.

Node's package lies in `.venv/node`: npm install --prefix .venv/node mqtt@5
"""

import asyncio
import json
import shutil
import socket
import threading
from collections.abc import Coroutine
from pathlib import Path

import aiomqtt
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from alerting.facts import CommandIssued
from devices.mqtt.entries import Delivered
from tests.endpoint import OWN, PASSWORD, Endpoint, endpoint, until
from tests.patience import PATIENCE_S, ended

REPORT, COMMAND = f"{OWN}/report", f"{OWN}/command"
NODE = Path(__file__).parents[1] / ".venv/node/node_modules/mqtt"
WITHIN = PATIENCE_S
LASTING_S = 3600
"""How long a session of 5.0 is to outlast its connection; in 3.1.1 it lasts when it is not clean."""

both_versions = pytest.mark.parametrize("five", [False, True], ids=["3.1.1", "5.0"])


def run(story: Coroutine[None, None, None]) -> None:
    asyncio.run(story)


def taken(at: Endpoint) -> list[bytes]:
    return [published.payload for published in at.ledger.published]


async def asleep(at: Endpoint) -> None:
    """The client is gone, and one command a QoS is issued while it is."""
    await until(lambda: at.listener.connections == 0)
    at.ledger.issue(COMMAND, b"while asleep", "asleep")
    await until(lambda: any(isinstance(entry, CommandIssued) and entry.id == "asleep" for entry in at.ledger.journal))


async def delivered(at: Endpoint, message: str) -> None:
    await until(lambda: any(isinstance(entry, Delivered) and entry.message == message for entry in at.ledger.journal))


# --- paho ----------------------------------------------------------------------------------------------------------------------------


def lasting() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = LASTING_S
    return properties


class Paho:
    """A paho client on its own thread."""

    def __init__(self, port: int, *, five: bool) -> None:
        if five:
            self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id="paho", protocol=paho.MQTTv5)
        else:
            self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id="paho", clean_session=False, protocol=paho.MQTTv311)
        self.client.username_pw_set("cord", PASSWORD)
        self.present: list[bool] = []
        self.came: list[tuple[bytes, int]] = []
        self.subscribed = threading.Event()
        self.client.on_connect = self._connected
        self.client.on_message = self._message
        self.client.on_subscribe = self._subscribed
        if five:
            self.client.connect("127.0.0.1", port, clean_start=False, properties=lasting())
        else:
            self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def _connected(self, _client: paho.Client, _data: object, flags: paho.ConnectFlags, _code: ReasonCode, _properties: object) -> None:
        self.present.append(flags.session_present)

    def _message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        self.came.append((bytes(message.payload), message.qos))

    def _subscribed(self, *_: object) -> None:
        self.subscribed.set()

    async def close(self) -> None:
        await asyncio.to_thread(self.client.disconnect)
        await asyncio.to_thread(self.client.loop_stop)


@both_versions
def test_paho_exchanges_every_qos_and_resumes_its_session_after_a_restart(five: bool) -> None:
    async def story() -> None:
        async with endpoint() as at:
            one = await asyncio.to_thread(Paho, at.port, five=five)
            sent = [one.client.publish(REPORT, str(qos).encode(), qos) for qos in (0, 1, 2)]
            for info in sent:
                await asyncio.to_thread(info.wait_for_publish, WITHIN)
            await until(lambda: taken(at) == [b"0", b"1", b"2"])
            for qos in (0, 1, 2):
                one.subscribed.clear()
                one.client.subscribe(COMMAND, qos)
                assert await asyncio.to_thread(one.subscribed.wait, WITHIN)
                at.ledger.issue(COMMAND, b"command", f"c{qos}")
                await delivered(at, f"c{qos}")
            await until(lambda: one.came == [(b"command", qos) for qos in (0, 1, 2)])
            await one.close()
            await asleep(at)
            journal = at.ledger.journal
        async with endpoint(journal) as at:
            again = await asyncio.to_thread(Paho, at.port, five=five)
            await until(lambda: again.came == [(b"while asleep", 2)])
            assert again.present == [True]
            await delivered(at, "asleep")
            await again.close()

    run(story())


# --- aiomqtt -------------------------------------------------------------------------------------------------------------------------


@both_versions
def test_aiomqtt_exchanges_every_qos_and_resumes_its_session_after_a_restart(five: bool) -> None:
    def client(at: Endpoint) -> aiomqtt.Client:
        if five:
            return aiomqtt.Client(
                "127.0.0.1", at.port, username="cord", password=PASSWORD, identifier="aio", clean_start=False, properties=lasting(),
                protocol=aiomqtt.ProtocolVersion.V5, timeout=WITHIN,
            )  # fmt: skip
        return aiomqtt.Client(
            "127.0.0.1", at.port, username="cord", password=PASSWORD, identifier="aio", clean_session=False,
            protocol=aiomqtt.ProtocolVersion.V311, timeout=WITHIN,
        )  # fmt: skip

    async def story() -> None:
        async with endpoint() as at:
            async with client(at) as one:
                for qos in (0, 1, 2):
                    await one.publish(REPORT, str(qos), qos=qos)
                await until(lambda: taken(at) == [b"0", b"1", b"2"])
                for qos in (0, 1, 2):
                    await one.subscribe(COMMAND, qos=qos)
                    at.ledger.issue(COMMAND, b"command", f"c{qos}")
                    async with asyncio.timeout(WITHIN):
                        message = await anext(aiter(one.messages))
                    assert (message.payload, message.qos) == (b"command", qos)
                    await delivered(at, f"c{qos}")
            await asleep(at)
            journal = at.ledger.journal
        async with endpoint(journal) as at, client(at) as again, asyncio.timeout(WITHIN):
            message = await anext(aiter(again.messages))
            assert (message.payload, message.qos) == (b"while asleep", 2)
            await delivered(at, "asleep")

    run(story())


# --- mosquitto -----------------------------------------------------------------------------------------------------------------------


async def output(*command: str) -> str:
    """What a program says; it must end well."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    try:
        said, _ = await ended(process.communicate(), WITHIN)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, said.decode()
    return said.decode()


@both_versions
def test_mosquitto_pub_and_sub_exchange_every_qos_and_resume_a_session_after_a_restart(five: bool) -> None:
    assert shutil.which("mosquitto_pub"), "mosquitto_pub is missing: apt install mosquitto-clients"

    def login(at: Endpoint) -> tuple[str, ...]:
        return "-h", "127.0.0.1", "-p", str(at.port), "-u", "cord", "-P", PASSWORD, "-V", "mqttv5" if five else "mqttv311"

    async def story() -> None:
        async with endpoint() as at:
            for qos in "012":
                await output("mosquitto_pub", *login(at), "-t", REPORT, "-q", qos, "-m", qos)
            assert taken(at) == [b"0", b"1", b"2"]
            for qos in "012":
                at.ledger.issue(COMMAND, b"command", f"c{qos}")
                said = await output("mosquitto_sub", *login(at), "-t", COMMAND, "-q", qos, "-C", "1", "-F", "%q %p")
                assert said == f"{qos} command\n"
                await delivered(at, f"c{qos}")
            sleeper = (*login(at), "-i", "mosq", "-c", "-t", COMMAND, "-q", "2", *(("-x", str(LASTING_S)) if five else ()))
            await output("mosquitto_sub", *sleeper, "-E")
            await asleep(at)
            journal, port = at.ledger.journal, at.port
        async with endpoint(journal, port) as at:
            assert await output("mosquitto_sub", *sleeper, "-C", "1", "-F", "%q %p") == "2 while asleep\n"
            await delivered(at, "asleep")

    run(story())


# --- Node --------------------------------------------------------------------------------------------------------------------------------

SCRIPT = """
const [, module, port, session, phase, version] = process.argv;
const mqtt = require(module);
const client = mqtt.connect({host: '127.0.0.1', port: Number(port), protocolVersion: Number(version), clientId: session, clean: false,
                             username: 'cord', password: 'secret', reconnectPeriod: 0,
                             properties: version === '5' ? {sessionExpiryInterval: 3600, receiveMaximum: 2, topicAliasMaximum: 5} : {},
                             autoAssignTopicAlias: version === '5'});
const said = {present: null, came: []};
const bye = () => client.end(false, {}, () => { console.log(JSON.stringify(said)); process.exit(0); });
client.on('error', (error) => { console.error(error); process.exit(1); });
client.on('message', (topic, payload, packet) => {
  said.came.push([payload.toString(), packet.qos]);
  if (phase === 'again') setTimeout(bye, 200);
  else if (said.came.length === 3) setTimeout(bye, 200);
  else turn(said.came.length);
});
const turn = (qos) => client.subscribe(COMMAND, {qos}, (error) => {
  if (error) { console.error(error); process.exit(1); }
  console.error('ready ' + qos);
});
client.on('connect', async (connack) => {
  said.present = connack.sessionPresent;
  if (phase === 'again') return;
  for (const qos of [0, 1, 2]) await client.publishAsync(REPORT, String(qos), {qos});
  turn(0);
});
""".replace("COMMAND", json.dumps(COMMAND)).replace("REPORT", json.dumps(REPORT))


@both_versions
def test_nodes_mqtt_exchanges_every_qos_and_resumes_its_session_after_a_restart(five: bool) -> None:
    node = shutil.which("node")
    assert node, "node is missing: apt install nodejs"
    assert NODE.exists(), "Node's mqtt is missing: npm install --prefix .venv/node mqtt@5"

    async def start(at: Endpoint, phase: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            node, "-e", SCRIPT, str(NODE), str(at.port), "node", phase, "5" if five else "4",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def end(process: asyncio.subprocess.Process) -> object:
        said, errors = await ended(process.communicate(), WITHIN)
        assert process.returncode == 0, errors.decode()
        return json.loads(said)

    async def story() -> None:
        async with endpoint() as at:
            one = await start(at, "first")
            assert one.stderr is not None
            for qos in (0, 1, 2):
                line = await ended(one.stderr.readline(), WITHIN)
                assert line == f"ready {qos}\n".encode()
                at.ledger.issue(COMMAND, b"command", f"c{qos}")
                await delivered(at, f"c{qos}")
            assert await end(one) == {"present": False, "came": [["command", 0], ["command", 1], ["command", 2]]}
            assert taken(at) == [b"0", b"1", b"2"]
            await asleep(at)
            journal = at.ledger.journal
        async with endpoint(journal) as at:
            assert await end(await start(at, "again")) == {"present": True, "came": [["while asleep", 2]]}
            await delivered(at, "asleep")

    run(story())


# --- a hub's own broker -------------------------------------------------------------------------------------------------------------


def test_a_hubs_mosquitto_bridges_its_zigbee_messages_up_and_its_commands_down(tmp_path: Path) -> None:
    """One bridge line; its retained flags and its notices about itself are taken for what they are.

    `try_private false` saves the five seconds after which mosquitto tries again without its private protocol level.
    """
    broker = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    assert broker, "mosquitto is missing: apt install mosquitto"
    branch = f"{OWN.rsplit('/', 1)[0]}/bridge/zigbee2mqtt/"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    async def story() -> None:
        async with endpoint() as at:
            config = tmp_path / "hub.conf"
            config.write_text(
                f"listener {port} 127.0.0.1\nallow_anonymous true\nconnection anju\naddress 127.0.0.1:{at.port}\n"
                f"remote_username hub\nremote_password {PASSWORD}\nremote_clientid hub-1\ncleansession false\ntry_private false\n"
                f'topic zigbee2mqtt/# both 1 "" {branch}\n',
            )
            process = await asyncio.create_subprocess_exec(broker, "-c", str(config))
            try:
                await until(lambda: bool(at.listener.connections))
                await until(lambda: bool(at.ledger.sessions.of("hub")) and bool(at.ledger.sessions.of("hub")[0].subscriptions))
                local = ("-h", "127.0.0.1", "-p", str(port))
                await output("mosquitto_pub", *local, "-t", "zigbee2mqtt/bedroom cord", "-q", "1", "-r", "-m", '{"action":"emergency"}')
                await until(lambda: at.ledger.topics() == [f"{branch}zigbee2mqtt/bedroom cord"])
                assert taken(at) == [b'{"action":"emergency"}']
                siren = ("mosquitto_sub", *local, "-i", "siren", "-c", "-q", "1", "-t", "zigbee2mqtt/siren/set")
                await output(*siren, "-E")
                at.ledger.issue(f"{branch}zigbee2mqtt/siren/set", b'{"warning":1}', "c1")
                await delivered(at, "c1")
                heard = await output(*siren, "-C", "1", "-F", "%t %p")
                assert heard == 'zigbee2mqtt/siren/set {"warning":1}\n'
                assert {r.topic for r in at.ledger.refused} == {"$SYS/broker/connection/hub-1/state"}
            finally:
                process.terminate()
                await process.wait()

    run(story())
