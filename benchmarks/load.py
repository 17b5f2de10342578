"""The load: one light process that publishes reports with QoS 1 over many connections and counts their PUBACKs.

Started as `python -m benchmarks.load SPEC` with a `Spec` as JSON. Lines on standard input change it (`Change`); its end is the load's.
Every so often, and at the end, a line on standard output says how far it is (`Told`).

Closed loop (`rate` 0): every connection keeps `window` reports under way, and sends the next ones when earlier ones are acknowledged;
nothing is ever overloaded. With a `rate`, reports leave at that pace whatever comes back, up to a bound that is reported.
`allow` bounds what is sent in all: behind a broker, whose PUBACK says nothing of who is behind it, whoever measures raises it as
the reports arrive there.
"""

import os
import select
import socket
import sys
import time

import msgspec

from benchmarks import reports

TICK_S = 0.002
BEHIND_MOST = 2000
"""Reports of one connection under way, at a given rate: a kit would keep them until it is answered."""
LAST_ANSWERS_S = 60.0

_IDS = [number.to_bytes(2, "big") for number in range(1, 60_001)]


class Spec(msgspec.Struct):
    host: str
    port: int
    username: str = ""
    password: str = ""
    connections: int = 100
    window: int = 20
    rate: float = 0.0
    homes: int = 1000
    letter: str = "A"
    by_home: bool = False
    """Each home has a connection and a credential of its own: its id is user name and password, and `connections` is not asked."""
    allow: int | None = None
    tell_s: float = 0.5


class Change(msgspec.Struct):
    allow: int | None = None
    rate: float | None = None
    window: int | None = None
    stop: bool = False


class Told(msgspec.Struct):
    """`acknowledged` of `sent` so far; `held_back`: how often, at a given rate, a report waited since too many were under way."""

    at: float
    sent: int
    acknowledged: int
    cpu_s: float
    held_back: int = 0
    mean_payload_bytes: float = 0.0
    last: bool = False


class Line:
    """One connection, and the devices that speak over it."""

    def __init__(self, number: int, spec: Spec, devices: list[reports.Source]) -> None:
        username, password = (devices[0].home,) * 2 if spec.by_home else (spec.username, spec.password)
        self.socket = socket.create_connection((spec.host, spec.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(reports.connect(f"load-{spec.letter}-{number}", username, password))
        welcome = self.socket.recv(4)
        if welcome[:1] != b"\x20" or welcome[3:4] != b"\x00":
            raise ConnectionError(f"connection {number} was refused: {welcome.hex()}")
        self.socket.setblocking(False)
        self.packets = [device.packet for device in devices]
        self.turn = 0
        self.sent = 0
        self.acknowledged = 0
        self._unsent = b""
        self._partial = b""

    @property
    def waits(self) -> bool:
        """Whether its socket takes no more for now."""
        return bool(self._unsent)

    def send(self, count: int, first: int, at: bytes) -> bool:
        """The next `count` reports, numbered from `first`, in one write; whether all of it left."""
        packets, turn = self.packets, self.turn
        many = len(packets)
        chosen = [packets[(turn + k) % many] for k in range(count)]
        self.turn = (turn + count) % many
        values: list[bytes | int] = []
        ids = self.sent
        for k in range(count):
            values += (_IDS[(ids + k) % 60_000], first + k, at, 60 + (first + k) % 30)
        self.sent = ids + count
        return self._write(self._unsent + b"".join(chosen) % tuple(values))

    def _write(self, data: bytes) -> bool:
        try:
            done = self.socket.send(data)
        except BlockingIOError:
            done = 0
        self._unsent = data[done:]
        return not self._unsent

    def go_on(self) -> None:
        self._write(self._unsent)

    def receive(self) -> int:
        """How many more are acknowledged; the last one must be the one whose turn it was."""
        data = self._partial + self.socket.recv(65536)
        if not data:
            raise ConnectionError("the connection was closed")
        count, rest = divmod(len(data), 4)
        self._partial = data[len(data) - rest :] if rest else b""
        if count:
            self.acknowledged += count
            end = 4 * count
            expected = b"\x40\x02" + _IDS[(self.acknowledged - 1) % 60_000]
            if data[end - 4 : end] != expected:
                raise ConnectionError(f"{data[end - 4 : end].hex()} where PUBACK {expected.hex()} was due")
        return count


class Load:
    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        devices = reports.sources(spec.homes, spec.letter)
        self.mean_payload_bytes = sum(device.payload_bytes for device in devices) / len(devices)
        homes: dict[str, list[reports.Source]] = {}
        for device in devices:
            homes.setdefault(device.home, []).append(device)
        lines = min(spec.connections, len(devices))
        groups = list(homes.values()) if spec.by_home else [devices[n::lines] for n in range(lines)]
        self.lines = [Line(number, spec, group) for number, group in enumerate(groups)]
        self.sent = 0
        self.acknowledged = 0
        self.held_back = 0
        self._poll = select.epoll()
        self._by_number = {line.socket.fileno(): line for line in self.lines}
        for number in self._by_number:
            self._poll.register(number, select.EPOLLIN)
        self._poll.register(sys.stdin.fileno(), select.EPOLLIN)
        self._at = b""
        self._at_until = 0.0
        self._began = time.monotonic()
        self._paced = 0
        self._next_line = 0

    def run(self) -> None:
        told = time.monotonic()
        stopping: float | None = None
        for line in self.lines:
            self._fill(line)
        while stopping is None or (self.acknowledged < self.sent and time.monotonic() < stopping):
            for number, events in self._poll.poll(TICK_S if self.spec.rate else 0.1):
                if number == sys.stdin.fileno():
                    if self._change():
                        stopping = stopping or time.monotonic() + LAST_ANSWERS_S
                    continue
                line = self._by_number[number]
                if events & select.EPOLLOUT:
                    line.go_on()
                if events & ~select.EPOLLOUT:
                    self.acknowledged += line.receive()
                if stopping is None and not self.spec.rate:
                    self._fill(line)
                elif line.waits or events & select.EPOLLOUT:
                    self._listen(line)
            if stopping is None and self.spec.rate:
                self._pace()
            if time.monotonic() - told >= self.spec.tell_s:
                told += self.spec.tell_s
                self.tell()
        self.tell(last=True)

    def _fill(self, line: Line) -> None:
        if not line.waits:
            room = self.spec.window - (line.sent - line.acknowledged)
            if room < self.spec.window // 4:  # a few at a time: one write for them, here and at the other end
                room = 0
            if self.spec.allow is not None:
                room = min(room, self.spec.allow - self.sent)
            if room > 0:
                line.send(room, self.sent, self._moment())
                self.sent += room
        self._listen(line)

    def _listen(self, line: Line) -> None:
        self._poll.modify(line.socket.fileno(), select.EPOLLIN | (select.EPOLLOUT if line.waits else 0))

    def _pace(self) -> None:
        """What is due since the pace began, one report a connection in turn."""
        due = int((time.monotonic() - self._began) * self.spec.rate)
        while self._paced < due:
            line = self.lines[self._next_line % len(self.lines)]
            self._next_line += 1
            self._paced += 1
            full = self.spec.allow is not None and self.sent >= self.spec.allow
            if full or line.waits or line.sent - line.acknowledged >= BEHIND_MOST:
                self.held_back += 1
                continue
            self.sent += 1
            if not line.send(1, self.sent - 1, self._moment()):
                self._listen(line)

    def _change(self) -> bool:
        """Take what standard input says, the latest line of it; whether to stop, as at its end."""
        data = os.read(sys.stdin.fileno(), 65536)
        change = msgspec.json.decode(data.splitlines()[-1], type=Change) if data else Change(stop=True)
        if change.rate is not None and change.rate != self.spec.rate:
            self.spec.rate, self._began, self._paced = change.rate, time.monotonic(), 0
        self.spec.window = change.window or self.spec.window
        if change.allow is not None:
            self.spec.allow = change.allow
        if not self.spec.rate and not change.stop:
            for line in self.lines:
                self._fill(line)
        return change.stop

    def _moment(self) -> bytes:
        now = time.time()
        if now >= self._at_until:
            self._at, self._at_until = reports.moment(now), now + 0.001
        return self._at

    def tell(self, *, last: bool = False) -> None:
        told = Told(
            time.monotonic(), self.sent, self.acknowledged, time.process_time(), self.held_back, self.mean_payload_bytes, last,
        )  # fmt: skip
        print(msgspec.json.encode(told).decode(), flush=True)


def main() -> None:
    spec = msgspec.json.decode(sys.argv[1], type=Spec)
    load = Load(spec)
    load.tell()
    load.run()


if __name__ == "__main__":
    main()
