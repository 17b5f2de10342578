"""The ways in: what a connection is, told by its first byte.

| first byte | what comes |
|---|---|
| 0x16 | TLS; what is inside is told by its first byte again |
| a capital letter | HTTP, of which only a WebSocket at `/mqtt` is taken |
| anything else | MQTT, whose first packet is a CONNECT (0x10) |

So one address serves all of them, and a kit needs one port. The web process hands its WebSockets through a socket of the data folder,
each behind one line that names the client's address: the text form of HAProxy's PROXY protocol, version 1. Only this user may connect
to that socket, so the line is believed there and nowhere else.
"""

import asyncio
import ipaddress
import logging
import socket
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec

from gateway.mqtt.door import Caller, Way
from gateway.mqtt.peer import Peer
from gateway.mqtt.tls import Failure, Handshakes, TlsLine
from gateway.mqtt.websocket import WebSocket, refusal
from gateway.problem import CommandFailed
from gateway.settings import Mqtt

if TYPE_CHECKING:
    from gateway.mqtt.listener import Listener

LINE_DEAD_S = 60
"""After which a line that answers nothing at all is taken for cut, also that of a client without a keep-alive of MQTT's."""
KERNEL_BYTES = 128 * 1024
"""What the kernel may hold for a client; left alone it takes megabytes for one that does not read."""
TLS_HANDSHAKE = 0x16
_log = logging.getLogger(__name__)

_LETTERS = range(ord("A"), ord("Z") + 1)
_ONLY_TLS = refusal(HTTPStatus.BAD_REQUEST, "only TLS is served here: https, wss or mqtts")
_PROXY_LINE = 107
"""The longest line of the PROXY protocol (haproxy, proxy-protocol.txt, 2.1)."""


class Offer(msgspec.Struct, frozen=True, eq=False):
    """What one address serves: MQTT and WebSocket, in the clear, within TLS, or both."""

    plain: bool
    tls: Handshakes | None


async def listen(listener: "Listener", settings: Mqtt, relayed: Path) -> None:
    """Open every address and the socket that the web process relays to. CommandFailed names the one that cannot be had."""
    for address in settings.addresses:
        try:
            await listener.start(address.host, address.port, plain=address.plain, tls=address.tls)
        except OSError as problem:
            raise CommandFailed(f"cannot listen for kits on {address.host}:{address.port}: {problem.strerror}") from problem
        served = " and ".join([*(["plain"] if address.plain else []), *(["TLS"] if address.tls else [])])
        _log.info("kits on %s:%d, %s", address.host, address.port, served)
    await listener.start_relayed(relayed)


class Entrance(asyncio.Protocol):
    """Made for each line, also for the one within TLS: looks at the first byte and gives the line to whom it is for."""

    __slots__ = ("_caller", "_line", "_listener", "_offer")

    def __init__(self, listener: "Listener", offer: Offer, caller: Caller | None = None) -> None:
        self._listener = listener
        self._offer = offer
        self._caller = caller
        self._line: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._line = line = cast("asyncio.Transport", transport)
        if self._caller is None:
            _tune(line)
            name = line.get_extra_info("peername")
            self._caller = Caller(str(name[0]) if name else "", line.abort)
            self._listener.lobby.enter(self._caller, self._listener.now)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._line = None
        if self._caller is not None:
            self._listener.lobby.leave(self._caller)

    def data_received(self, data: bytes) -> None:
        line, caller, offer = self._line, self._caller, self._offer
        if line is None or caller is None:
            return
        first = data[0]
        within: asyncio.Protocol
        if first == TLS_HANDSHAKE and offer.tls is not None:
            caller.way = Way.MQTTS
            within = TlsLine(offer.tls, caller, Entrance(self._listener, ONLY_PLAIN, caller))
        elif not offer.plain:
            if offer.tls is not None:
                offer.tls.failed(caller, Failure.NOT_TLS)
            if first in _LETTERS:
                line.write(_ONLY_TLS)
            line.close()
            return
        elif first == TLS_HANDSHAKE:
            _log.info("%s speaks TLS where none is served", caller.address or "a client")
            line.abort()
            return
        elif first in _LETTERS:
            caller.way = Way.WSS if caller.way is Way.MQTTS else Way.WS
            within = WebSocket(Peer(self._listener, caller))
        else:
            within = Peer(self._listener, caller)
        line.set_protocol(within)
        within.connection_made(line)
        within.data_received(data)


ONLY_PLAIN = Offer(plain=True, tls=None)


class Relayed(asyncio.Protocol):
    """A line from the web process: first who calls, then what that client says."""

    def __init__(self, listener: "Listener") -> None:
        self._listener = listener
        self._line: asyncio.Transport | None = None
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._line = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        assert self._line is not None
        self._held += data
        said, ended, rest = self._held.partition(b"\r\n")
        address = _address(said)
        if not ended and len(self._held) <= _PROXY_LINE:
            return
        if not ended or address is None:
            self._line.abort()
            return
        caller = Caller(address, self._line.abort)
        self._listener.lobby.enter(caller, self._listener.now)
        entrance = Entrance(self._listener, ONLY_PLAIN, caller)
        self._line.set_protocol(entrance)
        entrance.connection_made(self._line)
        if rest and not caller.turned_out:
            entrance.data_received(rest)


def _address(line: bytes) -> str | None:
    """Of `PROXY TCP4 192.0.2.7 198.51.100.1 50000 443`; empty for UNKNOWN, None for what is no such line."""
    words = line.decode("ascii", "replace").split(" ")
    if words[:2] == ["PROXY", "UNKNOWN"]:
        return ""
    if len(words) != 6 or words[0] != "PROXY" or words[1] not in ("TCP4", "TCP6"):
        return None
    try:
        return str(ipaddress.ip_address(words[2]))
    except ValueError:
        return None


def _tune(transport: asyncio.Transport) -> None:
    line: socket.socket | None = transport.get_extra_info("socket")
    if line is None:
        return
    line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, LINE_DEAD_S // 2)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, LINE_DEAD_S // 6)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
