"""People first: a call does not wait behind a hub's backlog, on the very same connection."""

import json
import socket
from pathlib import Path
from time import monotonic

from alerting.facts import AlertRaised
from alerting.items import Said
from devices.mqtt import packets
from devices.mqtt.encode import encode
from tests.service import running, until

BACKLOG = 10_000


def test_a_hub_sends_ten_thousand_readings_and_then_a_call_and_the_call_does_not_wait(tmp_path: Path) -> None:
    with running(tmp_path / "data", homes=1, words=("--no-simulator",)) as anju:
        area = anju.home()["area"]
        login = anju.endpoints["device"]
        hub = socket.create_connection(("127.0.0.1", anju.mqtt_port))
        hub.sendall(
            encode(packets.Connect("hub", username=login["username"], password=login["password"].encode(), keep_alive=60)),
        )
        assert hub.recv(4)[:1] == b"\x20"
        stored = []
        for number in range(BACKLOG):
            body = {"id": f"stored-{number}", "at": "2026-01-01T00:00:00Z", "values": {"heart_rate": 60 + number % 40, "battery": 80}}
            topic = f"anju/v1/{area}/backlog/watch-{number % 50}/report"
            stored.append(encode(packets.Publish(topic, json.dumps(body).encode(), qos=1, packet_id=number + 1)))
        call = packets.Publish(f"anju/v1/{area}/backlog/cord/report", b'{"values": {"pull_cord": true}}', qos=1, packet_id=BACKLOG + 1)
        began = monotonic()
        hub.sendall(b"".join(stored) + encode(call))
        acknowledged = b""
        while len(acknowledged) < 4 * (BACKLOG + 1):
            acknowledged += hub.recv(65536)
        took = monotonic() - began
        ids = [int.from_bytes(acknowledged[i + 2 : i + 4], "big") for i in range(0, len(acknowledged), 4)]
        assert ids == list(range(1, BACKLOG + 2)), "PUBACKs keep the order of the PUBLISHes"
        hub.close()
        with anju.api() as client:
            until("the alert", lambda: client.get("/alerts", params={"home": "backlog"}).json()["items"])
    order = [type(entry) for _, entry in anju.entries() if isinstance(entry, AlertRaised | Said)]
    before = order[: order.index(AlertRaised)].count(Said)
    assert before < BACKLOG * 0.9, f"{before} of {BACKLOG} readings were committed before the call; all took {took:.1f} s"
