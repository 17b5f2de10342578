"""The whole service by every way in: each raises its alert; certificates change under it; a crowd at the door holds nobody up."""

import json
import os
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import paho.mqtt.client as paho
import pytest
from cryptography import x509
from paho.mqtt.enums import CallbackAPIVersion

from tests.certificates import ADDRESSES, Office
from tests.patience import PATIENCE_S
from tests.service import ROOT, Anju, Json, children_of, command_of, free_port, running, until

WAYS = "mqtt", "mqtts", "mqtts by certificate", "ws", "wss", "ws through the console"


@pytest.fixture(autouse=True)
def _many_files() -> Iterator[None]:
    """Both ends of thousands of lines."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def caller(anju: Anju, way: str) -> Iterator[paho.Client]:
    """A kit that is connected by this way."""
    ends, device = anju.endpoints, anju.endpoints["device"]
    url = urlsplit(ends[way.split(" ", maxsplit=1)[0]])
    port = anju.http_port if way.endswith("console") else url.port
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id=way.replace(" ", "-"), transport="websockets" if url.scheme.startswith("ws") else "tcp",
    )  # fmt: skip
    certified = way.endswith("certificate")
    if url.scheme in ("mqtts", "wss"):
        client.tls_set(ends["ca"], *((device["certificate"], device["key"]) if certified else ()))
    if not certified:
        client.username_pw_set(device["username"], device["password"])
    client.connect(str(url.hostname), int(port or 0))
    client.loop_start()
    try:
        until(f"the connection by {way}", client.is_connected)
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def pull(client: paho.Client, home: Json, anju: Anju) -> None:
    topic = f"anju/v1/{home['area']}/{home['id']}/{anju.device(home['id'], 'cord')['id']}/alarm"
    client.publish(topic, b'{"values": {"pull_cord": true}}', qos=1).wait_for_publish(PATIENCE_S)


def alerts(anju: Anju) -> set[str]:
    with anju.api() as api:
        found = api.get("/alerts", params={"status": "open", "limit": 200}).json()["items"]
    return {alert["home"] for alert in found if alert["category"] == "call_for_help"}


def metric(anju: Anju, name: str) -> float:
    text = httpx.get(f"http://127.0.0.1:{anju.http_port}/metrics", trust_env=False, timeout=PATIENCE_S).text
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_a_cord_pulled_by_any_way_in_is_an_alert(tmp_path: Path) -> None:
    """On the two ports of `up`, and no third."""
    with running(tmp_path / "data", homes=len(WAYS), words=("--no-simulator",)) as anju:
        for number, way in enumerate(WAYS):
            home = anju.home(number)
            with caller(anju, way) as kit:
                pull(kit, home, anju)
                until(f"the alert by {way}", lambda home=home: home["id"] in alerts(anju))  # type: ignore[misc]
                kind = way.split(" ", maxsplit=1)[0]
                until(f"{way} among the figures", lambda kind=kind: metric(anju, f'anju_mqtt_connections_by_way{{way="{kind}"}}') == 1)  # type: ignore[misc]
        assert len(alerts(anju)) == len(WAYS)
        stranger = ssl.create_default_context()
        with socket.create_connection(("127.0.0.1", anju.mqtt_port)) as line, pytest.raises(ssl.SSLCertVerificationError):
            stranger.wrap_socket(line, server_hostname="127.0.0.1")
        until("why a kit did not get in", lambda: metric(anju, 'anju_mqtt_tls_failures_total{reason="untrusted"}') == 1)


def newcomer(anju: Anju, home: Json) -> None:
    """A kit that connects only now, within TLS, and pulls its cord; a program of its own, since paho's `select` ends at file 1,023."""
    device, topic = anju.endpoints["device"], f"anju/v1/{home['area']}/{home['id']}/{anju.device(home['id'], 'cord')['id']}/alarm"
    login = ("-u", device["username"], "-P", device["password"], "--cafile", anju.endpoints["ca"])
    words = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(anju.mqtt_port), *login, "-q", "1", "-t", topic]
    subprocess.run([*words, "-m", '{"values": {"pull_cord": true}}'], check=True, timeout=PATIENCE_S)


def test_a_crowd_at_the_door_holds_no_call_up(tmp_path: Path) -> None:
    """1,000 lines that say nothing, 300 whose handshake never ends; every call is acknowledged and becomes an alert meanwhile."""
    homes = 10
    with running(tmp_path / "data", homes=homes, words=("--no-simulator",)) as anju:
        crowd: list[socket.socket] = []
        try:
            with caller(anju, "mqtt") as kit:
                for number in range(1300):
                    one = socket.create_connection(("127.0.0.1", anju.mqtt_port))
                    crowd.append(one)
                    if number % 13 < 3:
                        one.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
                until("the crowd", lambda: metric(anju, "anju_mqtt_at_the_door") >= 1000)
                for number in range(homes - 1):
                    pull(kit, anju.home(number), anju)
                newcomer(anju, anju.home(homes - 1))
                until("an alert for each", lambda: len(alerts(anju)) == homes)
                until("the crowd to be hung up on", lambda: metric(anju, "anju_mqtt_turned_out_total") == 1300)
                assert kit.is_connected()
        finally:
            for one in crowd:
                one.close()


# --- serve ---------------------------------------------------------------------------------------------------------------------------


class Served:
    """`serve` with TLS alone, and one registered cord."""

    def __init__(self, folder: Path) -> None:
        self.http, self.mqtts, self.log = free_port(), free_port(), folder / "log"
        self.config = folder / "anju.toml"
        self.config.write_text(
            f'data = "data"\n[http]\nport = {self.http}\n[mqtt]\nplain = false\n[mqtt.tls]\nport = {self.mqtts}\n'
            'certificate = "office/server.pem"\nkey = "office/server.key"\nclient_ca = "office/ca.pem"\nclient_certificates = "optional"\n'
            '[watchdog]\nevery_s = 0\n',
        )

    def start(self) -> "subprocess.Popen[bytes]":
        words = [sys.executable, "-m", "gateway", "serve", "--config", str(self.config)]
        with self.log.open("wb") as out:
            return subprocess.Popen(words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def register(self) -> str:
        """A home with a cord; the user name of its credential."""
        found = re.search(r"first log-in: admin / (\S+)", self.log.read_text())
        assert found
        base = f"http://127.0.0.1:{self.http}/api/v1"
        with httpx.Client(base_url=base, trust_env=False, timeout=PATIENCE_S) as api:
            token = api.post("/session", json={"username": "admin", "password": found[1]}).json()["token"]
            api.headers["Authorization"] = f"Bearer {token}"
            for path, body in (
                ("/areas", {"id": "330106001001", "name": "安居社区"}),
                ("/homes", {"id": "home-1", "area": "330106001001", "name": "一号"}),
                ("/devices", {"id": "cord-1", "home": "home-1", "model": "anju-cord", "room": "卧室"}),
            ):
                answer = api.post(path, json=body)
                assert answer.status_code < 300, answer.text
            return str(api.post("/devices/cord-1/credentials").json()["username"])

    def problems(self) -> str:
        return httpx.get(f"http://127.0.0.1:{self.http}/readyz", trust_env=False, timeout=PATIENCE_S).text

    def shown(self, office: Office) -> int:
        """Serial number of the certificate that a new connection sees."""
        line = socket.create_connection(("127.0.0.1", self.mqtts))
        with office.trust().wrap_socket(line, server_hostname="127.0.0.1") as tls:
            der = tls.getpeercert(binary_form=True)
        assert der is not None
        return x509.load_der_x509_certificate(der).serial_number


def test_certificates_change_while_kits_are_connected_and_a_wrong_pair_is_told_and_not_used(tmp_path: Path) -> None:
    office, served = Office(tmp_path / "office"), Served(tmp_path)
    process = served.start()
    try:
        until("ready", lambda: "ready: console" in served.log.read_text())
        name = served.register()
        certificate, key = office.kit(name)
        kit = paho.Client(CallbackAPIVersion.VERSION2, client_id="cord")
        kit.tls_set(str(office.ca_file), str(certificate), str(key))
        kit.connect("127.0.0.1", served.mqtts)
        kit.loop_start()
        until("the kit", kit.is_connected)
        lost: list[object] = []
        kit.on_disconnect = lambda *what: lost.append(what)
        first = served.shown(office)

        office.write("server.key", office.issue(*ADDRESSES).private_key_pem.bytes())
        process.send_signal(signal.SIGHUP)
        until("the wrong pair to be told", lambda: "is not that of the certificate" in served.problems())
        assert served.shown(office) == first

        office.serve(office.issue(*ADDRESSES, lasts=timedelta(days=20)))
        process.send_signal(signal.SIGHUP)
        until("the new certificate", lambda: served.shown(office) != first)
        until("its end to be told", lambda: "in 19 days" in served.problems())
        assert "is not that of the certificate" not in served.problems()
        assert json.loads(served.problems())["ready"], "a certificate that ends soon is a warning"

        kit.publish("anju/v1/330106001001/home-1/cord-1/alarm", b'{"values": {"pull_cord": true}}', qos=1).wait_for_publish(PATIENCE_S)
        assert not lost
        kit.disconnect()
        kit.loop_stop()

        # A start of the alarm process that finds no usable pair, where nobody can come in without: it is not ready, and says why.
        (office.folder / "server.key").unlink()
        for half in children_of(process.pid):
            if "gateway alarm" in command_of(half):
                os.kill(half, signal.SIGKILL)
        until("that nobody can come in", lambda: "TLS is not served" in served.problems())
        assert not json.loads(served.problems())["ready"]
        office.serve(office.issue(*ADDRESSES))
        until("the mended pair", lambda: json.loads(served.problems())["ready"])
        assert served.shown(office) != first
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


def test_sighup_is_nothing_to_a_service_without_certificates(tmp_path: Path) -> None:
    served = Served(tmp_path)
    served.config.write_text(f'data = "data"\n[http]\nport = {served.http}\n[mqtt]\nport = {free_port()}\n')
    process = served.start()
    try:
        until("ready", lambda: "ready: console" in served.log.read_text())
        process.send_signal(signal.SIGHUP)
        for half in children_of(process.pid):
            if "gateway alarm" in command_of(half):
                process.send_signal(signal.SIGHUP)
        sequence = json.loads(served.problems())["seq"]
        served.register()
        until("what was registered", lambda: json.loads(served.problems())["seq"] > sequence)
        assert "starting it again" not in served.log.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


def test_a_start_with_a_wrong_pair_is_refused_in_one_sentence(tmp_path: Path) -> None:
    office, served = Office(tmp_path / "office"), Served(tmp_path)
    office.write("server.key", office.issue(*ADDRESSES).private_key_pem.bytes())
    process = served.start()
    assert process.wait(PATIENCE_S) == 1
    said = served.log.read_text()
    assert f"the key {office.folder}/server.key is not that of the certificate {office.folder}/server.pem" in said
    assert "Traceback" not in said
