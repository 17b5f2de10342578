"""Where an examination over sockets takes place: the bench's own endpoint on a port, or an outside broker that is there already."""

import argparse
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from config import ConfigError
from simulator.certification.asking import WrongAsked
from simulator.certification.authority import Authority
from simulator.certification.behind import Behind
from simulator.certification.endpoint import Endpoint
from simulator.certification.features import Features
from simulator.certification.kept import credential
from simulator.certification.overheard import Overheard
from simulator.certification.player import Player
from simulator.certification.stand import Stand
from simulator.link import Broker, BrokerError, broker_at
from simulator.virtual.driver import Way
from simulator.virtual.pace import Pace
from simulator.virtual.speech import Channel, Identity
from simulator.virtual.websocket import WebSocket
from simulator.wire import Address

AREA, HOME = "330106", "bench"


class Setting(msgspec.Struct, frozen=True):
    """`way`: how our own device gets there. `told`: what a vendor puts into theirs, for the terminal."""

    player: Player
    way: Way
    told: tuple[str, ...]


def identity(asked: argparse.Namespace, device: str, level: int) -> Identity:
    """What the device is told: where it hangs, and its credential. WrongAsked, OSError."""
    area, home = home_of(asked.home)
    try:
        known = credential(asked.keep, f"{home}-{device}")
    except ConfigError as wrong:
        raise WrongAsked(f"--keep: {wrong}") from None
    return Identity(Address(area, home), device, known.username, known.password, level)


@asynccontextmanager
async def setting(asked: argparse.Namespace, who: Identity, features: Features, pace: Pace) -> AsyncIterator[Setting]:
    """Open while the examination goes on. WrongAsked, BrokerGone, OSError."""
    if asked.broker is not None:
        async with _behind(asked, who, pace) as found:
            yield found
    else:
        async with _standing(asked, who, features, pace) as found:
            yield found


@asynccontextmanager
async def _behind(asked: argparse.Namespace, who: Identity, pace: Pace) -> AsyncIterator[Setting]:
    try:
        address = broker_at(asked.broker, asked.ca)
    except BrokerError as wrong:
        raise WrongAsked(f"--broker {wrong}") from None
    ours = msgspec.structs.replace(who, username=address.username or "", password=address.password or "") if asked.reference else who
    player = Behind(Overheard(ours), pace, address)
    await player.listen()
    way = Way(address.host, address.port, _trusted(address), address.host)
    try:
        yield Setting(player, way, (f"设备应连接的服务器 / the device's broker: {address}, MQTT level {who.level}", *_topics(who)))
    finally:
        await player.close()


@asynccontextmanager
async def _standing(asked: argparse.Namespace, who: Identity, features: Features, pace: Pace) -> AsyncIterator[Setting]:
    connection = features.connection
    host, port = address_of(asked.listen or f"0.0.0.0:{8883 if connection.tls else 1883}", "--listen")
    with tempfile.TemporaryDirectory() as folder:
        try:
            authority = Authority(Path(folder), host, pace.now, kept=asked.keep) if connection.tls else None
        except ValueError as wrong:
            raise WrongAsked(f"--keep {asked.keep}: {wrong}") from None
        shown = authority.device(who.username) if authority is not None and connection.client_certificate else None
        stand = Stand(Endpoint(who), pace, authority, asks=shown is not None)
        await stand.listen(host, port)
        trust = None if authority is None else authority.trust
        upgrade = WebSocket if connection.websocket else None
        way = Way("127.0.0.1" if host == "0.0.0.0" else host, stand.port, trust, certificate=shown, websocket=upgrade)  # noqa: S104 - compared
        scheme = ("wss" if trust else "ws") if connection.websocket else ("mqtts" if trust else "mqtt")
        place = f"{scheme}://<本机 / this machine>:{stand.port}{'/mqtt' * connection.websocket}"
        told = (
            f"设备应连接 / the device connects to: {place}, MQTT level {who.level}",
            f"用户名 / username: {who.username}", f"密码 / password: {who.password}", *_topics(who),
            *_handed_over(trust, shown, asked.keep or asked.out),
        )  # fmt: skip
        try:
            yield Setting(stand, way, told)
        finally:
            await stand.close()


def _trusted(broker: Broker) -> str | None:
    """As our own device is told; empty: whom the system trusts."""
    if not broker.tls:
        return None
    return Path(broker.ca).read_text() if broker.ca else ""


def _topics(who: Identity) -> tuple[str, str]:
    return (
        f"发布 / publishes to: {who.topic(Channel.REPORT)} (alarm, status, reply)",
        f"订阅 / listens to: {who.topic(Channel.COMMAND)}",
    )


def _handed_over(trust: str | None, shown: Path | None, folder: Path | None) -> list[str]:
    """The files that the device needs: in the folder where there is one, else the authority's certificate in words."""
    if trust is None:
        return []
    if folder is None:
        return [f"信任 / trusts:\n{trust}"]
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "ca.pem").exists() or (folder / "ca.pem").read_text() != trust:
        (folder / "ca.pem").write_text(trust)
    lines = [f"信任 / trusts: {folder / 'ca.pem'}"]
    if shown is not None:
        own = folder / "device.pem"
        if not (own.exists() and (folder / "ca.key").exists()):
            own.touch(0o600)
            shutil.copyfile(shown, own)
        lines.append(f"出示 / shows: {own}")
    return lines


def home_of(text: str) -> tuple[str, str]:
    area, slash, home = text.partition("/")
    if not slash or not area or not home or "/" in home:
        raise WrongAsked(f"--home {text}: a home is written AREA/HOME")
    return area, home


def address_of(text: str, word: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 0xFFFF:
        raise WrongAsked(f"{word} {text}: an address is written host:port")
    return host.strip("[]"), int(port)
