"""Clients of other people by every way in, each with 3.1.1 and 5.0: plain, TLS by password or certificate, WebSocket in both.

Each publishes with QoS 1, is acknowledged, and hears a command. What they do beyond that is in test_mqtt_clients.py.
"""

import asyncio
import json
import shutil
import threading
from collections.abc import Coroutine
from pathlib import Path

import aiomqtt
import msgspec
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from gateway.mqtt.door import Way
from gateway.settings import ClientCertificates
from tests.certificates import Office
from tests.endpoint import OWN, PASSWORD, Endpoint, endpoint, until
from tests.patience import PATIENCE_S, STORY_S, ended

REPORT, COMMAND = f"{OWN}/report", f"{OWN}/command"
NODE = Path(__file__).parents[1] / ".venv/node/node_modules/mqtt"
WITHIN = PATIENCE_S


class Route(msgspec.Struct, frozen=True):
    way: Way
    certificate: bool = False

    @property
    def secure(self) -> bool:
        return self.way in (Way.MQTTS, Way.WSS)

    @property
    def websocket(self) -> bool:
        return self.way in (Way.WS, Way.WSS)


ROUTES = [Route(Way.MQTT), Route(Way.MQTTS), Route(Way.MQTTS, True), Route(Way.WS), Route(Way.WSS), Route(Way.WSS, True)]
each_route = pytest.mark.parametrize("route", ROUTES, ids=[f"{r.way} by {'certificate' if r.certificate else 'password'}" for r in ROUTES])


each_version = pytest.mark.parametrize("five", [False, True], ids=["3.1.1", "5.0"])


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path / "office")
    office.kit("cord")
    return office


def run(story: Coroutine[None, None, None]) -> None:
    asyncio.run(ended(story, STORY_S))


def files(office: Office) -> tuple[str, str, str]:
    return str(office.ca_file), str(office.folder / "kit-cord.pem"), str(office.folder / "kit-cord.key")


def arrived(at: Endpoint, route: Route) -> bool:
    """The report is there, and came by this route."""
    return at.listener.connections_by_way[route.way] == 1 and [(p.payload, p.username) for p in at.ledger.published] == [(b"up", "cord")]


# --- paho ----------------------------------------------------------------------------------------------------------------------------


@each_version
@each_route
def test_paho(office: Office, route: Route, five: bool) -> None:
    ca, certificate, key = files(office)

    async def story() -> None:
        async with endpoint(keys=office.keys(ClientCertificates.OPTIONAL)) as at:
            client = paho.Client(
                CallbackAPIVersion.VERSION2, client_id="paho", protocol=paho.MQTTv5 if five else paho.MQTTv311,
                transport="websockets" if route.websocket else "tcp",
            )  # fmt: skip
            if route.secure:
                client.tls_set(ca, *((certificate, key) if route.certificate else ()))
            if not route.certificate:
                client.username_pw_set("cord", PASSWORD)
            subscribed, came = threading.Event(), list[bytes]()
            client.on_subscribe = lambda *_: subscribed.set()
            client.on_message = lambda _client, _data, message: came.append(bytes(message.payload))
            await asyncio.to_thread(client.connect, "127.0.0.1", at.port)
            client.loop_start()
            info = client.publish(REPORT, b"up", 1)
            await asyncio.to_thread(info.wait_for_publish, WITHIN)
            await until(lambda: arrived(at, route))
            client.subscribe(COMMAND, 1)
            assert await asyncio.to_thread(subscribed.wait, WITHIN)
            at.ledger.issue(COMMAND, b"down", "c1")
            await until(lambda: came == [b"down"])
            await asyncio.to_thread(client.disconnect)
            await asyncio.to_thread(client.loop_stop)

    run(story())


# --- aiomqtt -------------------------------------------------------------------------------------------------------------------------


@each_version
@each_route
def test_aiomqtt(office: Office, route: Route, five: bool) -> None:
    ca, certificate, key = files(office)
    version = aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311
    tls = aiomqtt.TLSParameters(ca, *((certificate, key) if route.certificate else ())) if route.secure else None

    async def story() -> None:
        async with (
            endpoint(keys=office.keys(ClientCertificates.OPTIONAL)) as at,
            aiomqtt.Client(
                "127.0.0.1", at.port, identifier="aio", protocol=version, timeout=WITHIN, tls_params=tls,
                username=None if route.certificate else "cord", password=None if route.certificate else PASSWORD,
                transport="websockets" if route.websocket else "tcp", websocket_path="/mqtt" if route.websocket else None,
            ) as client,
        ):  # fmt: skip
            await client.publish(REPORT, b"up", 1)
            await until(lambda: arrived(at, route))
            await client.subscribe(COMMAND, 1)
            at.ledger.issue(COMMAND, b"down", "c1")
            async with asyncio.timeout(WITHIN):
                assert (await anext(aiter(client.messages))).payload == b"down"

    run(story())


# --- mosquitto -----------------------------------------------------------------------------------------------------------------------


async def output(*command: str) -> str:
    """What a program says; it must end well."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    try:
        said, errors = await ended(process.communicate(), WITHIN)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, errors.decode()
    return said.decode()


def options(at: Endpoint, route: Route, office: Office, *, five: bool) -> list[str]:
    ca, certificate, key = files(office)
    words = ["-h", "127.0.0.1", "-p", str(at.port), "-V", "mqttv5" if five else "mqttv311", "-q", "1"]
    words += ["--cafile", ca] if route.secure else []
    return words + (["--cert", certificate, "--key", key] if route.certificate else ["-u", "cord", "-P", PASSWORD])


@each_version
@pytest.mark.parametrize("route", ROUTES[:3], ids=["mqtt by password", "mqtts by password", "mqtts by certificate"])
def test_mosquitto_pub_and_sub(office: Office, route: Route, five: bool) -> None:
    assert shutil.which("mosquitto_pub"), "mosquitto_pub is missing: apt install mosquitto-clients"

    async def story() -> None:
        async with endpoint(keys=office.keys(ClientCertificates.OPTIONAL)) as at:
            words = options(at, route, office, five=five)
            await output("mosquitto_pub", *words, "-t", REPORT, "-m", "up")
            assert [(p.payload, p.username) for p in at.ledger.published] == [(b"up", "cord")]
            at.ledger.issue(COMMAND, b"down", "c1")
            assert await output("mosquitto_sub", *words, "-t", COMMAND, "-C", "1") == "down\n"

    run(story())


# --- Node --------------------------------------------------------------------------------------------------------------------------------

SCRIPT = """
const [, module, url, ca, certificate, key, user, version] = process.argv;
const fs = require('fs');
const mqtt = require(module);
const client = mqtt.connect(url, {protocolVersion: Number(version), clientId: 'node', reconnectPeriod: 0, ca: fs.readFileSync(ca),
  ...(user ? {username: user, password: 'secret'} : {cert: fs.readFileSync(certificate), key: fs.readFileSync(key)})});
client.on('error', (error) => { console.error(error); process.exit(1); });
client.on('message', (topic, payload) => client.end(false, {}, () => { console.log(payload.toString()); process.exit(0); }));
client.on('connect', async () => {
  await client.publishAsync(REPORT, 'up', {qos: 1});
  await client.subscribeAsync(COMMAND, {qos: 1});
});
""".replace("COMMAND", json.dumps(COMMAND)).replace("REPORT", json.dumps(REPORT))


@each_version
@each_route
def test_nodes_mqtt(office: Office, route: Route, five: bool) -> None:
    node = shutil.which("node")
    assert node, "node is missing: apt install nodejs"
    assert NODE.exists(), "Node's mqtt is missing: npm install --prefix .venv/node mqtt@5"

    async def story() -> None:
        async with endpoint(keys=office.keys(ClientCertificates.OPTIONAL)) as at:
            url = f"{route.way}://localhost:{at.port}{'/mqtt' if route.websocket else ''}"
            words = ("-e", SCRIPT, str(NODE), url, *files(office), "" if route.certificate else "cord", "5" if five else "4")
            process = await asyncio.create_subprocess_exec(node, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
            await until(lambda: arrived(at, route) or process.returncode is not None)
            at.ledger.issue(COMMAND, b"down", "c1")
            said, errors = await ended(process.communicate(), WITHIN)
            assert process.returncode == 0, errors.decode()
            assert said == b"down\n"

    run(story())
