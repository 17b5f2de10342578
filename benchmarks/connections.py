"""What an idle kit costs the alarm process, by each way in: `python -m benchmarks.connections`.

The service as `./anju up` starts it; for each way a fresh one. Kits connect one after the other with a clean session, subscribe to
their commands as kits do, and fall silent. Memory is the alarm process's resident set (/proc/PID/smaps_rollup), less what it was
before the first; the kernel's own buffers of a socket are not in it. CPU is of connecting, handshake included.
"""

import argparse
import resource
import socket
import ssl
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import sleep

import msgspec

from benchmarks import machine
from benchmarks.markdown import table
from benchmarks.subjects import Listener, listener
from devices.mqtt.encode import encode
from devices.mqtt.packets import Connack, Connect, Packet, Suback, Subscribe
from devices.mqtt.reader import Reader

COUNTS = 1_000, 5_000, 10_000
WAYS = "mqtt", "mqtts", "ws", "wss"
SETTLED_S = 1.5
"""Longer than a beat of the service's health: what connecting leaves behind is collected by then."""
SPARE_FILES = 500
UPGRADE = (
    b"GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
)


class Weight(msgspec.Struct, frozen=True):
    """Of so many idle kits. `kib`: resident memory each; `cpu_us`: processor time of the alarm process to connect each."""

    way: str
    count: int
    kib: float
    cpu_us: float


class Kit:
    """Blocking, and as small as it can be: the process that measures holds ten thousand."""

    __slots__ = ("_framed", "_line")

    def __init__(self, port: int, trust: ssl.SSLContext | None, *, websocket: bool) -> None:
        line = socket.create_connection(("127.0.0.1", port), 30)
        self._line: socket.socket = line if trust is None else trust.wrap_socket(line, server_hostname="127.0.0.1")
        self._framed = websocket
        if websocket:
            self._line.sendall(UPGRADE)
            head = b""
            while b"\r\n\r\n" not in head:
                head += self._line.recv(1024)
            assert head.startswith(b"HTTP/1.1 101 "), head

    def say(self, packet: Packet) -> None:
        data = encode(packet)
        assert len(data) < 126
        self._line.sendall(data if not self._framed else bytes((0x82, 0x80 | len(data), 0, 0, 0, 0)) + data)

    def hear(self) -> Packet:
        """The next packet; nothing else may come with it. A server's frame is read by hand: it has no mask."""
        reader = Reader(lambda _: 1024)
        while True:
            data = self._line.recv(1024)
            assert data, "hung up on"
            for packet in reader.feed(data[2:] if self._framed else data):
                return packet

    def close(self) -> None:
        self._line.close()


def weigh(subject: Listener, way: str, counts: Sequence[int]) -> list[Weight]:
    trust = None
    if way in ("mqtts", "wss"):
        trust = ssl.create_default_context(cafile=subject.anju.endpoints["ca"])
    device, alarm = subject.anju.endpoints["device"], subject.processes["alarm"]
    kits: list[Kit] = []
    found: list[Weight] = []
    sleep(SETTLED_S)
    empty, cpu = machine.memory(alarm).rss_kib, machine.cpu_seconds(alarm)
    try:
        for count in counts:
            while len(kits) < count:
                kit = Kit(subject.anju.mqtt_port, trust, websocket=way in ("ws", "wss"))
                name = f"kit-{len(kits):05}"
                kit.say(Connect(name, username=device["username"], password=device["password"].encode()))
                welcome = kit.hear()
                assert isinstance(welcome, Connack), welcome
                assert not welcome.code, welcome
                kit.say(Subscribe(1, ((f"anju/v1/330106001001/home-{len(kits):05}/cord/command", 1),)))
                granted = kit.hear()
                assert isinstance(granted, Suback), granted
                kits.append(kit)
            sleep(SETTLED_S)
            used = machine.cpu_seconds(alarm) - cpu
            found.append(Weight(way, count, (machine.memory(alarm).rss_kib - empty) / count, used / count * 1e6))
    finally:
        for kit in kits:
            kit.close()
    return found


def rows(found: Sequence[Weight]) -> str:
    lines = [[w.way, f"{w.count:,}", f"{w.kib:.1f}", f"{w.cpu_us:,.0f}"] for w in found]
    return table(["way in", "idle kits", "KiB each", "µs of CPU to connect each"], lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.connections", description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, metavar="N", help="so many idle kits (1000 5000 10000)")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS, help="by these ways in (all)")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), metavar="DIR", help="where the data are meanwhile")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    asked = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if max(asked.counts) > most - SPARE_FILES:
        print(f"{max(asked.counts)} connections need as many open files, and this user may have {most}", file=sys.stderr)
        return 1
    found: list[Weight] = []
    for way in asked.ways:
        with listener(1, asked.folder) as subject:
            found += weigh(subject, way, sorted(asked.counts))
    body = msgspec.json.format(msgspec.json.encode(found), indent=1)
    if asked.json:
        asked.json.write_bytes(body + b"\n")
    print(f"{body.decode()}\n\n{rows(found)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
