"""`/docs/mqtt`: what goes over MQTT as a page, with devices that other tests run."""

import re
import tomllib
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import msgspec
import pytest

from devices.observation import Property
from devices.topic import Channel
from gateway.settings import ClientCertificates, Mqtt, Tls
from gateway.web.asyncapi import document
from gateway.web.mqtt_docs import LANGUAGES, page
from tests.patience import PATIENCE_S
from tests.vendor import VENDOR, WORDS
from tests.web_desk import WebProcess

ROOT = Path(__file__).parents[1]
SECURE = Tls(certificate="server.pem", key="server.key", client_ca="ca.pem", client_certificates=ClientCertificates.OPTIONAL)
DOCUMENT = msgspec.json.encode(document(Mqtt(host="kits.example", port=18830, tls=SECURE)))
PAGE = page(DOCUMENT)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebProcess]:
    running = WebProcess(tmp_path / "data").start()
    try:
        yield running
    finally:
        running.stop()


def test_every_topic_property_and_address_stands_in_it() -> None:
    said = unescape(PAGE)
    for channel in Channel:
        assert f"anju/v1/{{area}}/{{home}}/{{device}}/{channel}" in said
    for property_ in Property:
        assert f'<th scope="row"><code>{property_}</code></th>' in PAGE
    for url in ("mqtt://kits.example:18830", "ws://kits.example:18830/mqtt", "mqtts://127.0.0.1:8883", "wss://127.0.0.1:8883/mqtt"):
        assert url in said
    assert PAGE.count('class="up"') == 5
    assert PAGE.count('class="down"') == 2


def test_the_examples_are_the_devices_that_tests_run_letter_for_letter() -> None:
    run = {Path(word).name for words in WORDS.values() for word in words if str(VENDOR) in word}
    shown = dict(re.findall(r'<details data-example="([^"]+)">.*?<pre><code>(.*?)</code></pre>', PAGE, re.DOTALL))
    assert set(shown) == {name for name, *_ in LANGUAGES} <= run
    for name, text in shown.items():
        assert unescape(text) == (VENDOR / name).read_text()


def test_an_installed_package_has_the_examples_too() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {f"examples/vendor/{name}": f"gateway/web/examples/{name}" for name, *_ in LANGUAGES}.items() <= included.items()


def test_nothing_in_it_comes_from_elsewhere_or_runs() -> None:
    assert "<script" not in PAGE
    linked = re.findall(r'(?:href|src)="([^"]+)"', PAGE)
    assert all(link.startswith("/") for link in linked)


def test_what_a_document_says_is_text_and_no_page() -> None:
    hostile = page(DOCUMENT.replace(b"What was observed.", b"<img src=x onerror=alert(1)>"))
    assert "<img" not in hostile
    assert "&lt;img src=x" in hostile


def test_it_is_served_with_its_own_style(web: WebProcess) -> None:
    answer = httpx.get(f"{web.url}/docs/mqtt", trust_env=False, timeout=PATIENCE_S)
    assert answer.headers["content-type"].startswith("text/html")
    assert "设备接口" in answer.text
    assert httpx.get(f"{web.url}/static/css/mqtt_docs.css", trust_env=False, timeout=PATIENCE_S).status_code == 200
