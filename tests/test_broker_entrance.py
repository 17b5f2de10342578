"""How Anju gets in at a broker: TLS, certificates, passwords; and what is said of settings that cannot be right."""

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest
import trustme

from gateway.mqtt.broker import entrance
from gateway.problem import CommandFailed
from gateway.settings import Broker, broker_address, load_settings
from tests.broker_platform import kit, platform, say, until
from tests.brokers import Mosquitto, Server, program
from tests.service import ROOT, Kit, free_port


class At(Server):
    """One of the addresses of a broker."""

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def url(self) -> str:
        return self._url


def access(folder: Path, users: dict[str, str]) -> tuple[str, ...]:
    """The access list of `docs/brokers.md`, with these users and their passwords: lines of mosquitto's configuration."""
    documented = (ROOT / "docs" / "brokers.md").read_text().partition("# acl: ")[2].partition("```")[0]
    (folder / "acl").write_text(f"# {documented}")
    passwords = folder / "passwords"
    passwords.touch(mode=0o600)
    for user, password in users.items():
        words = [program("mosquitto_passwd", "mosquitto"), "-b", str(passwords), user, password]
        subprocess.run(words, check=True, capture_output=True)
    return "allow_anonymous false", f"password_file {passwords}", f"acl_file {folder}/acl"


class Secured(Mosquitto):
    """TLS, a password, an access list; with `client_ca` only clients that show a certificate of it."""

    def __init__(self, folder: Path, ca: trustme.CA, *, host: str = "127.0.0.1", client_ca: trustme.CA | None = None) -> None:
        certificate = ca.issue_cert(host)
        certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
        listener = [f"certfile {folder}/server.pem", f"keyfile {folder}/server.pem"]
        if client_ca is not None:
            client_ca.cert_pem.write_to_path(str(folder / "clients.pem"))
            listener += [f"cafile {folder}/clients.pem", "require_certificate true"]
        super().__init__(folder, *access(folder, {"gateway": "let me in"}), listener=tuple(listener))

    @property
    def url(self) -> str:
        return f"mqtts://127.0.0.1:{self.port}"


def test_the_broker_is_entered_by_tls_with_a_password_from_a_file_and_a_certificate_of_ours(tmp_path: Path) -> None:
    ca, clients = trustme.CA(), trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    ours = clients.issue_cert("gateway.anju")
    ours.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    ours.cert_chain_pems[0].write_to_path(str(tmp_path / "certificate.pem"))
    (tmp_path / "secret").write_text("let me in\n")
    broker = Secured(tmp_path, ca, client_ca=clients)
    whole: dict[str, Any] = {
        "username": "gateway", "password": f"file:{tmp_path}/secret", "ca": f"{tmp_path}/ca.pem",
        "certificate": f"{tmp_path}/certificate.pem", "key": f"{tmp_path}/key.pem",
    }  # fmt: skip

    async def tell() -> None:
        async with platform(tmp_path, broker, **whole) as anju:
            assert anju.broker.hearing
            anju.issue("anju/v1/330106/home-1/watch-1/command", "c1")
            await until(lambda: anju.journal.last_seq == 1 and len(anju.broker.outbox) == 0)
        bare = {**whole, "certificate": "", "key": ""}
        async with platform(tmp_path, broker, hearing=False, client_id="other", **bare) as anju:
            await until(lambda: len(anju.broker.problems) == 2 and "connecting" not in anju.broker.problems[0].en)
            assert not anju.broker.hearing

    broker.start()
    try:
        asyncio.run(tell())
    finally:
        broker.close()


@pytest.mark.parametrize(
    ("named", "trusted", "password", "told"),
    [
        ("127.0.0.1", True, "guess", "refuses us"),
        ("127.0.0.1", False, "let me in", "its certificate does not hold"),
        ("broker.example.org", True, "let me in", "its certificate does not hold"),
    ],
    ids=["a wrong password", "another CA", "another host's certificate"],
)
def test_a_broker_that_is_not_the_right_one_or_does_not_let_us_in_is_a_problem_that_says_why(
    tmp_path: Path, named: str, trusted: bool, password: str, told: str,
) -> None:  # fmt: skip
    ca = trustme.CA()
    (ca if trusted else trustme.CA()).cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    (tmp_path / "secret").write_text(password)
    broker = Secured(tmp_path, ca, host=named)
    settings: dict[str, Any] = {"username": "gateway", "password": f"file:{tmp_path}/secret", "ca": f"{tmp_path}/ca.pem"}

    async def tell() -> None:
        async with platform(tmp_path, broker, hearing=False, **settings) as anju:
            await until(lambda: any(told in problem.en for problem in anju.broker.problems))
            assert not anju.broker.hearing

    broker.start()
    try:
        asyncio.run(tell())
    finally:
        broker.close()


def test_the_access_list_of_the_document_keeps_kits_apart_and_lets_us_hear_and_command_all(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path, *access(tmp_path, {"gateway": "g", "330106/home-1": "1", "330106/home-2": "2"}))
    (tmp_path / "secret").write_text("g")

    async def tell() -> None:
        here = await asyncio.to_thread(_kit, broker, "330106/home-1", "1")
        there = await asyncio.to_thread(_kit, broker, "330106/home-2", "2")
        async with platform(tmp_path, broker, username="gateway", password=f"file:{tmp_path}/secret") as anju:
            await asyncio.to_thread(here.hear_commands, {"area": "330106", "id": "home-1"})
            await asyncio.to_thread(there.hear_commands, {"area": "330106", "id": "home-1"})
            say(there, 1, wait=True)  # on the topic of another's home
            say(here, 2, wait=True)
            await until(lambda: anju.values() == [2])
            anju.issue("anju/v1/330106/home-1/watch-1/command", "c1")
            await until(lambda: [payload for _, payload in here.heard] == [b'{"id": "c1"}'])
            assert there.heard == []
        await asyncio.to_thread(here.close)
        await asyncio.to_thread(there.close)

    broker.start()
    try:
        asyncio.run(tell())
    finally:
        broker.close()


def _kit(broker: Mosquitto, username: str, password: str) -> Kit:
    return Kit({"mqtt": broker.url, "device": {"username": username, "password": password}})


def test_many_readings_come_through_tls_whole(tmp_path: Path) -> None:
    """Packets and TLS records do not end at the same places."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate = ca.issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))

    inside = free_port()
    tls = (f"certfile {tmp_path}/server.pem", f"keyfile {tmp_path}/server.pem")
    broker = Mosquitto(tmp_path, f"listener {inside} 127.0.0.1", listener=tls)

    async def tell() -> None:
        watch = await asyncio.to_thread(kit, At(f"mqtt://127.0.0.1:{inside}"))
        settings: dict[str, Any] = {"ca": f"{tmp_path}/ca.pem"}
        async with platform(tmp_path, At(f"mqtts://127.0.0.1:{broker.port}"), **settings) as anju:
            for number in range(2000):
                say(watch, number)
            await until(lambda: len(anju.values()) == 2000)
            assert anju.values() == list(range(2000))
        await asyncio.to_thread(watch.close)

    broker.start()
    try:
        asyncio.run(tell())
    finally:
        broker.close()


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('url = "broker:1883"', "broker.url: 'broker:1883' is not an address like mqtts://broker.example.org:8883"),
        ('url = "mqtt://me:secret@broker"', "broker.url: user and password do not stand in it"),
        ('url = "mqtt://broker:99999"', "broker.url"),
        ('url = "mqtt://broker"\nclient_id = "an ju"', "broker.client_id: 'an ju' is not 1 to 56 of"),
        ('url = "mqtt://broker"\nusername = "a"\npassword = "open sesame"', "broker.password: env:NAME or file:PATH says where it is"),
        ('url = "mqtt://broker"\npassword = "env:SECRET"', "broker.password: MQTT 3.1.1 allows none without a broker.username"),
        ('url = "mqtts://broker"\ncertificate = "a.pem"', "certificate and key: both or none"),
        ('url = "mqtt://broker"\nversion = "4"', "version"),
        ('url = "mqtt://broker"\nreceive_maximum = 0', "receive_maximum"),
    ],
)
def test_a_mistake_in_the_settings_is_named(tmp_path: Path, lines: str, told: str) -> None:
    path = tmp_path / "anju.toml"
    path.write_text(f"[broker]\n{lines}\n")
    with pytest.raises(CommandFailed) as caught:
        load_settings(path)
    assert told in str(caught.value)
    assert "sesame" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"username": "a", "password": "env:NOWHERE"}, "broker.password: the environment has no NOWHERE"),
        ({"username": "a", "password": "file:/nowhere/at/all"}, "broker.password: cannot read /nowhere/at/all"),
        ({"ca": "/nowhere/ca.pem"}, "broker.ca: /nowhere/ca.pem: No such file or directory"),
        ({"certificate": "/nowhere/c.pem", "key": "/nowhere/k.pem"}, "broker.certificate: /nowhere/c.pem with /nowhere/k.pem: No such"),
    ],
)
def test_a_file_or_a_secret_that_is_not_there_is_named_before_anything_starts(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(CommandFailed) as caught:
        entrance(Broker(url="mqtts://broker", **settings), {})
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://broker", ("broker", 1883, False)),
        ("mqtts://broker/", ("broker", 8883, True)),
        ("mqtts://10.0.0.7:1234", ("10.0.0.7", 1234, True)),
        ("mqtt://[::1]:1883", ("::1", 1883, False)),
        ("http://broker", None),
        ("mqtt://broker/path", None),
        ("mqtt://", None),
        ("", None),
    ],
)
def test_an_address_of_a_broker_is_read(url: str, address: tuple[str, int, bool] | None) -> None:
    assert broker_address(url) == address


def test_files_are_named_from_where_the_settings_stand(tmp_path: Path) -> None:
    path = tmp_path / "anju.toml"
    path.write_text('[broker]\nurl = "mqtts://broker"\nca = "ca.pem"\nusername = "a"\npassword = "file:secret"\n')
    broker = load_settings(path).broker
    assert (broker.ca, broker.password) == (f"{tmp_path}/ca.pem", f"file:{tmp_path}/secret")
