"""Other people's clients over a `kill -9` of everything: their sessions are there again, and what was said while they slept is kept.

In 3.1.1 a session that is not clean lasts; in 5.0 one that was asked to.
"""

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Protocol

import aiomqtt
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from alerting.items import Said
from devices.mqtt.entries import SessionEnded, WillSettled, WillWaits
from tests.patience import PATIENCE_S
from tests.service import ROOT, Anju, Json, until

NODE = Path(os.environ.get("ANJU_VENV", ROOT / ".venv")) / "node" / "node_modules" / "mqtt"
WITHIN = PATIENCE_S

NODE_SCRIPT = """
const [module_, port, username, password, id, topic, phase, version] = process.argv.slice(1)
const options = {host: '127.0.0.1', port: Number(port), username, password, clientId: id, clean: false, protocolVersion: Number(version)}
if (version === '5') options.properties = {sessionExpiryInterval: 3600}
const client = require(module_).connect(options)
setTimeout(() => { console.error('nothing came'); process.exit(1) }, 60000)
client.on('message', (_, payload) => { console.log(payload.toString()); client.end(false, () => process.exit(0)) })
if (phase === 'leave') client.on('connect', () => client.subscribe(topic, {qos: 1}, () => client.end(false, () => process.exit(0))))
"""


class Sleeper(Protocol):
    """A client with a persistent session that subscribes, goes away, and comes back for what was kept."""

    @property
    def name(self) -> str: ...

    def subscribe_and_leave(self, anju: Anju, topic: str) -> None: ...

    def come_back(self, anju: Anju, topic: str) -> bytes: ...


def lasting() -> Properties:
    """An hour more than the connection."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 3600
    return properties


class PahoSleeper:
    name = "paho"

    def subscribe_and_leave(self, anju: Anju, topic: str) -> None:
        kit = anju.kit("sleeper-paho", clean=False)
        done: list[int] = []
        kit.client.on_subscribe = lambda _c, _d, mid, _codes, _props: done.append(mid)
        kit.client.subscribe(topic, qos=1)
        until("SUBACK", lambda: done)
        kit.close()

    def come_back(self, anju: Anju, topic: str) -> bytes:
        kit = anju.kit("sleeper-paho", clean=False)
        heard = until("what was kept", lambda: kit.heard, WITHIN)
        kit.close()
        assert heard[0][0] == topic
        return heard[0][1]


class PahoSleeper5:
    name = "paho-5"

    def _client(self, anju: Anju) -> paho.Client:
        login = anju.endpoints["device"]
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id="sleeper-paho-5", protocol=paho.MQTTv5)
        client.username_pw_set(login["username"], login["password"])
        return client

    def _open(self, client: paho.Client, anju: Anju) -> None:
        client.connect("127.0.0.1", anju.mqtt_port, clean_start=False, properties=lasting())
        client.loop_start()
        until("the connection", client.is_connected)

    def _close(self, client: paho.Client) -> None:
        client.disconnect()
        client.loop_stop()

    def subscribe_and_leave(self, anju: Anju, topic: str) -> None:
        client = self._client(anju)
        done: list[int] = []
        client.on_subscribe = lambda _c, _d, mid, _codes, _props: done.append(mid)
        self._open(client, anju)
        client.subscribe(topic, qos=1)
        until("SUBACK", lambda: done)
        self._close(client)

    def come_back(self, anju: Anju, topic: str) -> bytes:
        client = self._client(anju)
        heard: list[tuple[str, bytes]] = []
        client.on_message = lambda _c, _d, message: heard.append((message.topic, bytes(message.payload)))
        self._open(client, anju)
        until("what was kept", lambda: heard, WITHIN)
        self._close(client)
        assert heard[0][0] == topic
        return heard[0][1]


class MosquittoSleeper:
    def __init__(self, name: str, *version: str) -> None:
        self.name = name
        self._version = version

    def _run(self, anju: Anju, topic: str, *more: str) -> bytes:
        login = anju.endpoints["device"]
        words = [
            "mosquitto_sub", "-h", "127.0.0.1", "-p", str(anju.mqtt_port), *self._version, "-c", "-i", f"sleeper-{self.name}", "-q", "1",
            "-u", login["username"], "-P", login["password"], "-t", topic, *more,
        ]  # fmt: skip
        return subprocess.run(words, check=True, timeout=WITHIN, capture_output=True).stdout

    def subscribe_and_leave(self, anju: Anju, topic: str) -> None:
        self._run(anju, topic, "-E")

    def come_back(self, anju: Anju, topic: str) -> bytes:
        return self._run(anju, topic, "-C", "1")


class AiomqttSleeper:
    def __init__(self, name: str, *, five: bool) -> None:
        self.name = name
        self._five = five

    def _client(self, anju: Anju) -> aiomqtt.Client:
        login = anju.endpoints["device"]
        if self._five:
            return aiomqtt.Client(
                "127.0.0.1", anju.mqtt_port, username=login["username"], password=login["password"], identifier=f"sleeper-{self.name}",
                clean_start=False, properties=lasting(), protocol=aiomqtt.ProtocolVersion.V5,
            )  # fmt: skip
        return aiomqtt.Client(
            "127.0.0.1", anju.mqtt_port, username=login["username"], password=login["password"], identifier=f"sleeper-{self.name}",
            clean_session=False, protocol=aiomqtt.ProtocolVersion.V311,
        )  # fmt: skip

    def subscribe_and_leave(self, anju: Anju, topic: str) -> None:
        async def story() -> None:
            async with self._client(anju) as client:
                await client.subscribe(topic, qos=1)

        asyncio.run(story())

    def come_back(self, anju: Anju, topic: str) -> bytes:
        async def story() -> bytes:
            async with asyncio.timeout(WITHIN), self._client(anju) as client:
                async for message in client.messages:
                    assert str(message.topic) == topic
                    return bytes(message.payload)
            raise AssertionError("nothing came")

        return asyncio.run(story())


class NodeSleeper:
    def __init__(self, name: str, version: str) -> None:
        self.name = name
        self._version = version

    def _run(self, anju: Anju, topic: str, phase: str) -> bytes:
        assert NODE.exists(), "Node's mqtt package is missing; ./anju test installs it with npm"
        login = anju.endpoints["device"]
        words = [
            shutil.which("node") or "node", "-e", NODE_SCRIPT, str(NODE), str(anju.mqtt_port), login["username"], login["password"],
            f"sleeper-{self.name}", topic, phase, self._version,
        ]  # fmt: skip
        done = subprocess.run(words, check=False, timeout=WITHIN + 5, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def subscribe_and_leave(self, anju: Anju, topic: str) -> None:
        self._run(anju, topic, "leave")

    def come_back(self, anju: Anju, topic: str) -> bytes:
        return self._run(anju, topic, "return")


SLEEPERS: tuple[Sleeper, ...] = (
    PahoSleeper(), MosquittoSleeper("mosquitto", "-V", "311"), AiomqttSleeper("aiomqtt", five=False), NodeSleeper("node", "4"),
    PahoSleeper5(), MosquittoSleeper("mosquitto-5", "-V", "5", "-x", "3600"), AiomqttSleeper("aiomqtt-5", five=True),
    NodeSleeper("node-5", "5"),
)  # fmt: skip


def test_sessions_and_commands_for_sleeping_devices_outlast_a_kill_of_everything(tmp_path: Path) -> None:
    anju = Anju(tmp_path / "data", homes=1, words=("--no-simulator",)).start()
    try:
        area = anju.home()["area"]
        homes = {sleeper.name: {"area": area, "id": f"asleep-{sleeper.name}"} for sleeper in SLEEPERS}

        def topic(home: Json) -> str:
            return f"anju/v1/{area}/{home['id']}/cord/command"

        for sleeper in SLEEPERS:
            sleeper.subscribe_and_leave(anju, topic(homes[sleeper.name]))
        kit = anju.kit()
        status = f"anju/v1/{area}/asleep-paho/cord/status"
        kit.client.publish(status, b'{"status": "online"}', qos=1, retain=True).wait_for_publish(PATIENCE_S)
        kit.say(homes["paho"], "cord", {"pull_cord": True})
        kit.close()
        anju.kill_everything()
        anju.start()
        kit = anju.kit()
        for sleeper in SLEEPERS[1:]:
            kit.say(homes[sleeper.name], "cord", {"pull_cord": True})
        kit.client.subscribe(f"anju/v1/{area}/asleep-paho/cord/status", qos=1)
        until("the retained status", lambda: [body for of, body in kit.heard if of.endswith("/status")])
        kit.close()
        for sleeper in SLEEPERS:
            command = json.loads(sleeper.come_back(anju, topic(homes[sleeper.name])))
            assert (command["command"], command["stage"]) == ("receipt", "accepted"), sleeper.name
    finally:
        anju.stop()


def test_a_will_that_waits_and_a_session_that_ends_do_so_over_a_kill_of_everything(tmp_path: Path) -> None:
    anju = Anju(tmp_path / "data", homes=1, words=("--no-simulator",)).start()
    try:
        home = {"area": anju.home()["area"], "id": "willed"}
        status = f"anju/v1/{home['area']}/willed/cord/status"
        kit = anju.kit()
        kit.say(home, "cord", {"battery": 90})
        login = anju.endpoints["device"]
        said = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]
        said.WillDelayInterval = 3
        brief = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        brief.SessionExpiryInterval = 4
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id="willed", protocol=paho.MQTTv5)
        client.username_pw_set(login["username"], login["password"])
        client.will_set(status, b'{"status": "offline"}', 1, retain=True, properties=said)
        client.connect("127.0.0.1", anju.mqtt_port, clean_start=False, properties=brief)
        client.loop_start()
        until("the connection", client.is_connected)
        client.disconnect(reasoncode=ReasonCode(PacketTypes.DISCONNECT, identifier=0x04))
        client.loop_stop()
        until("the will in the journal", lambda: [e for _, e in anju.entries() if isinstance(e, WillWaits)])
        kit.close()
        anju.kill_everything()
        anju.start()
        wills = until("the will", lambda: [e for _, e in anju.entries() if isinstance(e, Said) and e.topic == status], WITHIN)
        until("the end of the session", lambda: [e for _, e in anju.entries() if isinstance(e, SessionEnded)], WITHIN)
        assert len(wills) == 1
        assert [e for _, e in anju.entries() if isinstance(e, WillSettled)]
        kit = anju.kit()
        kit.client.subscribe(status, qos=1)
        until("the retained status", lambda: [body for of, body in kit.heard if of == status])
        kit.close()
    finally:
        anju.stop()


def test_each_client_is_heard_at_every_quality_of_service(tmp_path: Path) -> None:
    """paho, aiomqtt, mosquitto_pub and Node each say a call at QoS 0, 1 and 2; each raises one alert."""
    anju = Anju(tmp_path / "data", homes=1, words=("--no-simulator",)).start()
    try:
        area, login = anju.home()["area"], anju.endpoints["device"]
        payload = json.dumps({"values": {"pull_cord": True}})
        homes = [f"{name}-{qos}" for name in ("paho", "aiomqtt", "mosquitto", "node") for qos in (0, 1, 2)]
        topic = {home: f"anju/v1/{area}/{home}/cord/report" for home in homes}
        kit = anju.kit()
        for qos in (0, 1, 2):
            kit.client.publish(topic[f"paho-{qos}"], payload, qos=qos).wait_for_publish(PATIENCE_S)

        async def by_aiomqtt() -> None:
            async with aiomqtt.Client(
                "127.0.0.1", anju.mqtt_port, username=login["username"], password=login["password"], protocol=aiomqtt.ProtocolVersion.V311,
            ) as client:
                for qos in (0, 1, 2):
                    await client.publish(topic[f"aiomqtt-{qos}"], payload, qos=qos)

        asyncio.run(by_aiomqtt())
        for qos in (0, 1, 2):
            words = [
                "mosquitto_pub", "-h", "127.0.0.1", "-p", str(anju.mqtt_port), "-V", "311", "-q", str(qos), "-u", login["username"],
                "-P", login["password"], "-t", topic[f"mosquitto-{qos}"], "-m", payload,
            ]  # fmt: skip
            subprocess.run(words, check=True, timeout=WITHIN)
        assert NODE.exists(), "Node's mqtt package is missing; ./anju test installs it with npm"
        script = """
const [module_, port, username, password, payload, ...topics] = process.argv.slice(1)
const client = require(module_).connect({host: '127.0.0.1', port: Number(port), username, password, protocolVersion: 4})
let left = topics.length
client.on('connect', () => topics.forEach((topic, qos) => client.publish(topic, payload, {qos}, () => { if (!--left) client.end() })))
"""
        words = [
            shutil.which("node") or "node", "-e", script, str(NODE), str(anju.mqtt_port), login["username"], login["password"], payload,
            *(topic[f"node-{qos}"] for qos in (0, 1, 2)),
        ]  # fmt: skip
        subprocess.run(words, check=True, timeout=WITHIN)
        with anju.api() as client:

            def raised() -> list[str]:
                return sorted(a["home"] for a in client.get("/alerts", params={"status": "open", "limit": 200}).json()["items"])

            until("one alert each", lambda: raised() == sorted(homes))
        kit.close()
    finally:
        anju.stop()
