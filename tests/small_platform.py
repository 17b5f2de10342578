"""A platform of a few lines for the simulator's tests: hears alarms at a broker, raises alerts, streams them. With faults on demand."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import aiomqtt
import msgspec

from config.accepting import accept_no_more
from config.community import community
from simulator.link import Broker
from tests.patience import PATIENCE_S, ended
from tests.virtual import heard

CATEGORY = {
    "pull_cord": "call_for_help", "sos": "call_for_help", "smoke": "fire", "heat_alarm": "fire", "fall": "fall",
    "battery_low": "technical", "tamper": "technical", "mains_lost": "technical",
}  # fmt: skip
TOKEN = "few-lines"


class Faults(msgspec.Struct, frozen=True):
    deaf: bool = False
    doubles: bool = False
    alarmed_by_tests: bool = False
    mute_receipts: bool = False
    garbles: bool = False


class SmallPlatform:
    def __init__(self, homes: int, faults: Faults) -> None:
        self.faults = faults
        self.http = ""
        self.registry = community(homes, 1)
        self.alerts: dict[str, dict[str, object]] = {}
        self.heard_ids: set[tuple[str, str]] = set()
        self.moments: list[datetime] = []
        """What the reports say of when they were said."""
        self.streams: list[asyncio.StreamWriter] = []
        self.position = 0
        self.asked = 0
        """Requests so far."""

    def take(self, topic: str, payload: bytes) -> list[tuple[str, bytes]]:
        """One message in, receipts out."""
        report = heard(topic, payload)
        if report is None or (report.device, report.id) in self.heard_ids or self.faults.deaf:
            return []
        self.heard_ids.add((report.device, report.id))
        self.moments.append(datetime.fromisoformat(json.loads(payload)["at"]))
        receipts = []
        for name, value in report.values.items():
            category = "fire" if name == "test" and self.faults.alarmed_by_tests else CATEGORY.get(name)
            if value is True and category is not None:
                evidence = {"device": report.device, "report": report.id}
                for matter in [category, f"{category}-again"] if self.faults.doubles else [category]:
                    self.raise_alert(f"{report.home}-{matter}", report.home, category, evidence)
                body = {"id": f"r-{report.id}", "command": "receipt", "alert": f"{report.home}-{category}", "stage": "accepted"}
                if category == "technical":
                    continue  # nobody called, so nobody is told
                receipts.append((f"{topic.rsplit('/', 1)[0]}/command", json.dumps(body).encode()))
        return [] if self.faults.mute_receipts else receipts

    def raise_alert(self, alert: str, home: str, category: str, evidence: dict[str, str]) -> None:
        known = self.alerts.get(alert)
        if known is None:
            priority = 4 if category == "technical" else 1
            known = {"id": alert, "home": home, "category": category, "priority": priority, "origin": "real", "repeats": -1, "evidence": []}
            self.alerts[alert] = known
        repeats, before = known["repeats"], known["evidence"]
        assert isinstance(repeats, int)
        assert isinstance(before, list)
        known["repeats"], known["evidence"] = repeats + 1, [*before, evidence]
        self.position += 1
        for stream in self.streams:
            data = "{}" if self.faults.garbles else json.dumps(known)
            stream.write(f"id: {self.position}\nevent: alert\ndata: {data}\n\n".encode())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked += 1
        path, _, query = request.split(" ")[1].partition("?")
        allowed = f"Bearer {TOKEN}" in request
        homes: list[dict[str, object]] = [{"id": home.id, "area": home.area, "name": home.name} for home in self.registry.homes]
        devices: list[dict[str, object]] = [{"id": d.id, "home": d.home, "model": d.model, "room": d.room} for d in self.registry.devices]
        alerts = [*self.alerts.values()]
        found: dict[str, list[dict[str, object]]] = {"/api/v1/homes": homes, "/api/v1/devices": devices, "/api/v1/alerts": alerts}
        device = query.partition("device=")[2].partition("&")[0]
        was_heard = device in {one for one, _ in self.heard_ids}
        found["/api/v1/telemetry"] = [{"at": "2026-11-22T02:00:00Z", "value": 70}] if was_heard else []
        if allowed and path == "/api/v1/stream":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n: hello\n\n")
            self.streams.append(writer)
            return
        status, body = ("200 OK", json.dumps({"items": found[path], "next": None})) if allowed else ("401 Unauthorized", "{}")
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body.encode())}\r\nConnection: close\r\n\r\n{body}".encode())
        writer.close()


@asynccontextmanager
async def small_platform(broker: Broker, *, homes: int = 3, faults: Faults | None = None) -> AsyncIterator[SmallPlatform]:
    platform = SmallPlatform(homes, faults or Faults())
    server = await asyncio.start_server(platform.serve, "127.0.0.1", 0)
    platform.http = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    ready = asyncio.Event()

    async def listen() -> None:
        while True:
            with contextlib.suppress(aiomqtt.MqttError):
                async with aiomqtt.Client(broker.host, broker.port, identifier="platform") as client:
                    await client.subscribe("anju/#", qos=1)
                    ready.set()
                    async for message in client.messages:
                        assert isinstance(message.payload, bytes)
                        for topic, payload in platform.take(str(message.topic), message.payload):
                            await client.publish(topic, payload, qos=1)
            await asyncio.sleep(0.05)

    listening = asyncio.create_task(listen())
    try:
        await ended(ready.wait(), PATIENCE_S)
        yield platform
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        for stream in platform.streams:
            stream.close()
        await accept_no_more(server)
        server.close()
