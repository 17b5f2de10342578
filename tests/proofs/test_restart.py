"""Other people's clients over a `kill -9` of everything: their sessions are there again, and what was said while they slept is kept."""

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Protocol

import aiomqtt

from tests.service import ROOT, Anju, Json, until

NODE = Path(os.environ.get("ANJU_VENV", ROOT / ".venv")) / "node" / "node_modules" / "mqtt"
WITHIN = 15

NODE_SCRIPT = """
const [module_, port, username, password, id, topic, phase] = process.argv.slice(1)
const options = {host: '127.0.0.1', port: Number(port), username, password, clientId: id, clean: false, protocolVersion: 4}
const client = require(module_).connect(options)
setTimeout(() => { console.error('nothing came'); process.exit(1) }, 15000)
client.on('message', (_, payload) => { console.log(payload.toString()); client.end(false, () => process.exit(0)) })
if (phase === 'leave') client.on('connect', () => client.subscribe(topic, {qos: 1}, () => client.end(false, () => process.exit(0))))
"""


class Sleeper(Protocol):
    """A client with a persistent session that subscribes, goes away, and comes back for what was kept."""

    name: str

    def subscribe_and_leave(self, anju: Anju, topic: str) -> None: ...

    def come_back(self, anju: Anju, topic: str) -> bytes: ...


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


class MosquittoSleeper:
    name = "mosquitto"

    def _run(self, anju: Anju, topic: str, *more: str) -> bytes:
        login = anju.endpoints["device"]
        words = [
            "mosquitto_sub", "-h", "127.0.0.1", "-p", str(anju.mqtt_port), "-V", "311", "-c", "-i", "sleeper-mosquitto", "-q", "1",
            "-u", login["username"], "-P", login["password"], "-t", topic, *more,
        ]  # fmt: skip
        return subprocess.run(words, check=True, timeout=WITHIN, capture_output=True).stdout

    def subscribe_and_leave(self, anju: Anju, topic: str) -> None:
        self._run(anju, topic, "-E")

    def come_back(self, anju: Anju, topic: str) -> bytes:
        return self._run(anju, topic, "-C", "1")


class AiomqttSleeper:
    name = "aiomqtt"

    def _client(self, anju: Anju) -> aiomqtt.Client:
        login = anju.endpoints["device"]
        return aiomqtt.Client(
            "127.0.0.1", anju.mqtt_port, username=login["username"], password=login["password"], identifier="sleeper-aiomqtt",
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
    name = "node"

    def _run(self, anju: Anju, topic: str, phase: str) -> bytes:
        assert NODE.exists(), "Node's mqtt package is missing; ./anju test installs it with npm"
        login = anju.endpoints["device"]
        words = [
            shutil.which("node") or "node", "-e", NODE_SCRIPT, str(NODE), str(anju.mqtt_port), login["username"], login["password"],
            "sleeper-node", topic, phase,
        ]  # fmt: skip
        done = subprocess.run(words, check=False, timeout=WITHIN + 5, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def subscribe_and_leave(self, anju: Anju, topic: str) -> None:
        self._run(anju, topic, "leave")

    def come_back(self, anju: Anju, topic: str) -> bytes:
        return self._run(anju, topic, "return")


SLEEPERS: tuple[Sleeper, ...] = (PahoSleeper(), MosquittoSleeper(), AiomqttSleeper(), NodeSleeper())


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
        kit.client.publish(f"anju/v1/{area}/asleep-paho/cord/status", b'{"status": "online"}', qos=1, retain=True).wait_for_publish(10)
        kit.say(homes["paho"], "cord", {"pull_cord": True})
        kit.close()
        anju.kill_everything()
        anju.start()
        kit = anju.kit()
        for sleeper in SLEEPERS[1:]:
            kit.say(homes[sleeper.name], "cord", {"pull_cord": True})
        kit.client.subscribe(f"anju/v1/{area}/asleep-paho/cord/status", qos=1)
        until("the retained status", lambda: [body for of, body in kit.heard if of.endswith("/status")], 5)
        kit.close()
        for sleeper in SLEEPERS:
            command = json.loads(sleeper.come_back(anju, topic(homes[sleeper.name])))
            assert (command["command"], command["stage"]) == ("receipt", "accepted"), sleeper.name
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
            kit.client.publish(topic[f"paho-{qos}"], payload, qos=qos).wait_for_publish(10)

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

            until("one alert each", lambda: raised() == sorted(homes), 10)
        kit.close()
    finally:
        anju.stop()
