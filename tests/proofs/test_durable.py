"""A killed process keeps its page cache, so these look at the disk itself: nothing is told before it was synced, and what was synced
is enough to begin again from.

The whole service runs under strace. Every PUBACK, PUBREC, receipt, webhook and event of the stream is matched with the sync of the
journal that holds what it speaks of; then the power is cut at 200 random moments of that record.
"""

import json
import random
import re
import shutil
import socket
from pathlib import Path

import pytest

from alerting.facts import AlertRaised
from alerting.items import Said
from devices.message import Heard
from devices.mqtt import packets
from devices.mqtt.encode import encode
from gateway.recovery import recover
from gateway.store.failure import StoreBroken
from gateway.store.journal import Journal
from gateway.store.snapshots import Snapshots
from tests.judging import judging, names
from tests.receiver import Receiver
from tests.service import Anju, until
from tests.stream import Stream
from tests.synced import Call, Disk, calls, strace

REPORTS = 2000
CONNECTIONS = 4
CALL_EVERY = 50
"""One report in fifty is a call, each in a home of its own."""
CUTS = 200

CARELESS = """
import sqlite3
class Careless(sqlite3.Connection):
    def execute(self, sql, *values):
        return super().execute(sql.replace("synchronous = FULL", "synchronous = OFF"), *values)
connect = sqlite3.connect
sqlite3.connect = lambda *a, **k: connect(*a, **{"factory": Careless, **k})
"""


def mark(number: int) -> str:
    return f"mark-{number:05d}-"


class Sender:
    """A kit with hands of its own: packet ids that no other connection uses name the report in the record of system calls."""

    def __init__(self, anju: Anju, number: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", anju.mqtt_port))
        self.socket.settimeout(60)
        login = anju.endpoints["device"]
        hello = packets.Connect(f"durable-{number}", username=login["username"], password=login["password"].encode(), keep_alive=120)
        self.socket.sendall(encode(hello))
        assert self._take(4)[0] == 0x20

    def _take(self, size: int) -> bytes:
        got = b""
        while len(got) < size:
            piece = self.socket.recv(size - len(got))
            assert piece, "the connection ended"
            got += piece
        return got

    def report(self, area: str, number: int) -> bytes:
        call = number % CALL_EVERY == 0
        home, device = (f"call-{number}", "cord") if call else (f"calm-{number % 40}", "watch")
        values = {"pull_cord": True} if call else {"heart_rate": 60 + number % 30}
        body = json.dumps({"id": mark(number), "values": values, "note": [mark(number)] * 3}).encode()
        qos = 2 if number % 10 == 3 else 1
        return encode(packets.Publish(f"anju/v1/{area}/{home}/{device}/report", body, qos=qos, packet_id=number))

    def say(self, area: str, numbers: range) -> None:
        """Twenty at a time, as clients do."""
        for start in range(0, len(numbers), 20):
            some = numbers[start : start + 20]
            self.socket.sendall(b"".join(self.report(area, number) for number in some))
            received = [self._take(4) for _ in some]
            release = [a[2:] for a in received if a[0] == 0x50]
            self.socket.sendall(b"".join(b"\x62\x02" + id_ for id_ in release))
            for _ in release:
                assert self._take(4)[0] == 0x70


def record(folder: Path, *, careless: bool, reports: int) -> tuple[Path, Path]:
    """Run the service under strace with `reports` reports and what follows from them: (its data, the record)."""
    receiver = Receiver()
    log = folder / "calls.log"
    words = ("--no-simulator", "--judging", str(judging(folder, [0.0, 0.2])), "--notify", str(receiver.notify_file(folder, names(2))))
    anju = Anju(folder / "data", homes=1, words=words, prefix=tuple(strace([], log)))
    if careless:
        (folder / "site").mkdir()
        (folder / "site" / "sitecustomize.py").write_text(CARELESS)
        anju.path = str(folder / "site")
    anju.start(60)
    try:
        area = anju.home()["area"]
        stream = Stream(anju.operator())
        bedside = anju.kit()
        for number in range(CALL_EVERY, reports + 1, CALL_EVERY):
            bedside.hear_commands({"area": area, "id": f"call-{number}"})
        share = reports // CONNECTIONS
        for number in range(CONNECTIONS):
            sender = Sender(anju, number)
            sender.say(area, range(1 + number * share, 1 + (number + 1) * share))
            sender.socket.close()
        planted = reports // CALL_EVERY
        until("a receipt for every call", lambda: len(bedside.receipts()) >= planted)
        until("every call on the stream", lambda: len({a["id"] for a in stream.alerts()}) >= planted)
        until("a notification for every call", lambda: len({i for _, i, _ in receiver.calls}) >= planted)
        stream.close()
        bedside.close()
    finally:
        anju.stop(40)
        receiver.close()
    return folder / "data", log


class Witness:
    """Reads the record of system calls in order, and knows at each moment which words the journal has on disk."""

    _SPOKEN = re.compile(rb"mark-\d{5}-|[0-9A-HJKMNP-TV-Z]{26}|[0-9a-f]{32}")

    def __init__(self, root: Path) -> None:
        self.told = 0
        self.early: list[str] = []
        """What was told before it was on disk."""
        self.kinds: dict[str, int] = {}
        self._wal = f"{root}/segments/"
        self._written: dict[str, set[bytes]] = {}
        self._syncing: dict[int, tuple[str, set[bytes]]] = {}
        self._synced: set[bytes] = set()
        self._tails: dict[str, bytes] = {}
        self._streams: dict[str, bytes] = {}
        self._is_mqtt: set[str] = set()

    def see(self, call: Call) -> None:
        if call.target.startswith(self._wal):
            self._journal(call)
        elif not call.done and call.target.startswith("socket:") and call.texts:
            self._said(call.target, b"".join(call.texts))

    def _journal(self, call: Call) -> None:
        file = call.target
        if call.name == "pwrite64" and call.done and call.texts:
            page = call.texts[0]
            if len(page) >= 512:  # a frame's header comes in a write of its own; a long row goes on behind four bytes of the next page
                text = self._tails.get(file, b"") + page[4:]
                self._written.setdefault(file, set()).update(self._SPOKEN.findall(text), self._SPOKEN.findall(page))
                self._tails[file] = page[-64:]
        elif call.name in ("fdatasync", "fsync"):
            if not call.done:
                self._syncing[call.process] = (file, set(self._written.get(file, ())))
            elif call.result == 0 and call.process in self._syncing:
                name, words = self._syncing.pop(call.process)
                self._synced |= words
                self._written.setdefault(name, set()).difference_update(words)

    def _check(self, kind: str, word: bytes) -> None:
        self.told += 1
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        if word not in self._synced:
            self.early.append(f"{kind} {word.decode()}")

    def _said(self, target: str, data: bytes) -> None:
        if data.startswith(b"\x20\x02"):
            self._is_mqtt.add(target)
        if target in self._is_mqtt:
            self._streams[target] = self._mqtt(self._streams.get(target, b"") + data)
            return
        for id_ in re.findall(rb"webhook-id: ([^\r\n]+)", data):
            self._check("webhook", id_)
        for event in re.findall(rb"event: alert\r?\n(?:id: [^\n]*\n)?data: ([^\n]*)", data):
            self._check("event", json.loads(event)["id"].encode())

    def _mqtt(self, stream: bytes) -> bytes:
        while len(stream) >= 2:
            size, at, shift = 0, 1, 0
            while True:
                if at >= len(stream):
                    return stream
                size |= (stream[at] & 0x7F) << shift
                shift, at = shift + 7, at + 1
                if not stream[at - 1] & 0x80:
                    break
            if len(stream) < at + size:
                return stream
            kind, body, stream = stream[0] >> 4, stream[at : at + size], stream[at + size :]
            if kind in (4, 5):
                number = int.from_bytes(body[:2], "big")
                self._check("PUBACK" if kind == 4 else "PUBREC", mark(number).encode()) if number <= REPORTS else None
            elif kind == 3 and b'"receipt"' in body:
                self._check("receipt", json.loads(body[body.index(b"{") :])["alert"].encode())
        return stream


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return record(tmp_path_factory.mktemp("durable"), careless=False, reports=REPORTS)


def test_nothing_is_told_before_the_sync_of_the_commit_that_holds_it(recorded: tuple[Path, Path]) -> None:
    root, log = recorded
    witness = Witness(root)
    for call in calls(log):
        witness.see(call)
    assert witness.early == []
    share = REPORTS // CALL_EVERY
    assert witness.kinds["PUBACK"] + witness.kinds["PUBREC"] >= REPORTS
    assert witness.kinds["PUBREC"] >= REPORTS // 10
    assert min(witness.kinds[kind] for kind in ("receipt", "webhook", "event")) >= share, witness.kinds


def test_the_checker_sees_a_journal_that_does_not_sync(tmp_path: Path) -> None:
    root, log = record(tmp_path, careless=True, reports=200)
    witness = Witness(root)
    for call in calls(log):
        witness.see(call)
    assert len(witness.early) >= 200, witness.kinds


def test_the_power_is_cut_at_200_moments_and_everything_acknowledged_is_there(recorded: tuple[Path, Path], tmp_path: Path) -> None:
    root, log = recorded
    seen = list(calls(log))
    dice = random.Random(7)
    begun = next(number for number, call in enumerate(seen) if call.target.startswith(f"{root}/segments/"))
    moments = sorted(dice.sample(range(begun, len(seen)), CUTS))
    disk, witness = Disk(root), Witness(root)
    acknowledged: list[str] = []
    witness._check = lambda kind, word: acknowledged.append(word.decode()) if kind in ("PUBACK", "PUBREC") else None  # type: ignore[method-assign]
    for moment, call in enumerate(seen):
        disk.see(call)
        witness.see(call)
        if moments and moment == moments[0]:
            moments.pop(0)
            left = tmp_path / "left"
            disk.after_power_cut(left, dice if moment % 2 else None)
            heard, calls_heard, raised = begin_again(left)
            assert set(acknowledged) <= heard, f"cut at {moment}: {sorted(set(acknowledged) - heard)[:3]} were acknowledged"
            assert calls_heard == raised, f"cut at {moment}"
            shutil.rmtree(left)


def begin_again(left: Path) -> tuple[set[str], set[str], set[str]]:
    """(ids of reports that are there, homes of calls among them, homes with an alert after recovery)."""
    left.mkdir(exist_ok=True)
    try:
        journal = Journal.open(left)
        snapshots = Snapshots(left / "snapshots.db")
        recovered = recover(journal, snapshots)
    except StoreBroken as broken:
        raise AssertionError(f"cannot begin again: {broken}") from broken
    heard, homes, raised = set(), set(), set()
    for commit in journal.read(0):
        for entry in commit.entries:
            if isinstance(entry, Said) and isinstance(entry.message, Heard):
                heard.add(entry.message.report.id)
                if entry.message.home.startswith("call-"):
                    homes.add(entry.message.home)
            elif isinstance(entry, AlertRaised):
                raised.add(entry.home)
    assert {alert.home for alert in recovered.engine.alerts.values()} == raised
    journal.close()
    snapshots.close()
    return {str(id_) for id_ in heard}, {str(home) for home in homes}, {str(home) for home in raised}
