"""Behind a real nginx with the configuration that ships: pages, the live stream and MQTT over WebSocket pass, each as they should."""

import os
import signal
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.patience import PATIENCE_S
from tests.run import which
from tests.service import ROOT, Anju, free_port, running, until

TLS = ROOT / "tests" / "tls"
CONF = ROOT / "config" / "nginx" / "anju.conf"


@contextmanager
def proxied(folder: Path, anju: Anju) -> Iterator[int]:
    """The configuration as it ships, with these ports and certificates in it; where it listens for HTTPS."""
    nginx = which("nginx")
    assert nginx is not None, "nginx is missing; on Debian: apt-get install nginx-light"
    https, http = free_port(), free_port()
    site = CONF.read_text(encoding="utf-8")
    for old, new in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{https} ssl;"),
        ("    listen [::]:443 ssl;\n", ""),
        ("listen 80;", f"listen 127.0.0.1:{http};"),
        ("    listen [::]:80;\n", ""),
        ("/etc/anju/tls/console.pem", str(TLS / "server.pem")),
        ("/etc/anju/tls/console.key", str(TLS / "server.key")),
        ("127.0.0.1:8080", f"127.0.0.1:{anju.http_port}"),
        ("127.0.0.1:1883", f"127.0.0.1:{anju.mqtt_port}"),
    ):
        assert old in site, old
        site = site.replace(old, new)
    temporary = "".join(f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;\n" if os.geteuid() == 0 else ""
    conf = folder / "nginx.conf"
    conf.write_text(
        f"{user}daemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\nworker_processes 1;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{site}\n}}\n", encoding="utf-8",
    )  # fmt: skip
    words = [nginx, "-c", str(conf), "-e", str(folder / "error.log")]
    checked = subprocess.run([*words, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until("nginx", lambda: _answers(https))
        yield https
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"https://127.0.0.1:{port}/healthz", verify=_trust(), trust_env=False, timeout=PATIENCE_S).status_code == 200
    except httpx.HTTPError:
        return False


def _trust() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the certificate of the tests is nobody's
    return context


@pytest.fixture(scope="module")
def anju(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anju]:
    with running(tmp_path_factory.mktemp("proxy") / "data", words=("--no-simulator",)) as anju:
        yield anju


def test_pages_and_the_stream_pass_without_being_held_back_and_metrics_ask_for_a_token(anju: Anju, tmp_path: Path) -> None:
    more: dict[str, Any] = {"verify": _trust(), "trust_env": False, "timeout": PATIENCE_S}
    with proxied(tmp_path, anju) as port, httpx.Client(base_url=f"https://127.0.0.1:{port}", **more) as client:
        assert "text/html" in client.get("/", follow_redirects=True).headers["content-type"]
        assert client.get("/metrics").status_code == 401
        client.headers["Authorization"] = f"Bearer {anju.endpoints['token']}"
        assert client.get("/metrics").status_code == 200
        with client.stream("GET", "/api/v1/stream", timeout=PATIENCE_S) as answer:
            lines = answer.iter_lines()
            assert any(line == "event: beat" for line in lines)
            kit = anju.kit("proxy-kit")
            home = anju.home(1)
            kit.say(home, anju.device(home["id"], "cord")["id"], {"pull_cord": True})
            assert any(line == "event: alert" for line in lines), "while the stream stays open"
            kit.close()


def test_mqtt_over_websocket_passes_with_its_acknowledgements(anju: Anju, tmp_path: Path) -> None:
    with proxied(tmp_path, anju) as port:
        login = anju.endpoints["device"]
        kit = paho.Client(CallbackAPIVersion.VERSION2, client_id="ws-kit", transport="websockets", protocol=paho.MQTTv311)
        kit.ws_set_options(path="/mqtt")
        kit.tls_set_context(_trust())
        kit.username_pw_set(login["username"], login["password"])
        kit.connect("127.0.0.1", port)
        kit.loop_start()
        try:
            until("the connection", kit.is_connected)
            home = anju.home(0)
            info = kit.publish(f"anju/v1/{home['area']}/{home['id']}/cord-x/report", b'{"values": {"battery": 50}}', qos=1)
            info.wait_for_publish(PATIENCE_S)
            assert info.is_published()
        finally:
            kit.disconnect()
            kit.loop_stop()
