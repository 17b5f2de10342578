"""Commands on their way to a broker: in order, at least once, also over restarts, absences and a journal that is longer than memory."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerting.facts import CommandIssued
from alerting.items import WallClockStepped
from devices.home import HomeId
from gateway.mqtt import broker_outbox
from gateway.mqtt.broker_client import Outgoing
from gateway.mqtt.broker_outbox import MemoryFile, Outbox, Way
from gateway.store.entry import Entry, Stamp, encode
from gateway.store.journal import Journal
from tests.broker_platform import HOME, kit, platform, until
from tests.brokers import Mosquitto

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
TOPIC = f"{HOME}/watch-1/command"


class Wire:
    """A line that takes `room` commands; what it was given, in order."""

    def __init__(self, room: int = 1000) -> None:
        self.room = room
        self.said: list[bytes] = []
        self.expiries: list[int | None] = []
        self.waiting: list[int] = []

    def send(self, outgoing: Outgoing) -> int:
        if "+" in outgoing.topic:
            raise ValueError("a topic with a wildcard")
        self.said.append(outgoing.payload)
        self.expiries.append(outgoing.expires_in_s)
        self.waiting.append(len(self.said))
        return len(self.said)

    @property
    def left(self) -> int:
        return self.room - len(self.waiting)


class Post:
    """A journal on disk and the outbox that follows it."""

    def __init__(self, folder: Path, wire: Wire) -> None:
        self.journal = Journal.open(folder)
        self.wire = wire
        self.now = AT
        self.outbox = Outbox(
            self.journal, MemoryFile(folder / "broker.json", "mqtt://b"), self.journal.last_seq, Way(lambda: wire.left, wire.send),
            lambda: self.now,
        )  # fmt: skip

    def issue(self, *names: str, expires_in: timedelta | None = None, topic: str = TOPIC) -> None:
        expires_at = None if expires_in is None else self.now + expires_in
        entries: list[Entry] = [WallClockStepped(1.0)]
        entries += [CommandIssued(name, self.now, topic, name.encode(), HomeId("home-1"), expires_at=expires_at) for name in names]
        first = self.journal.commit(Stamp(self.now, self.now, 0.0, ""), encode(entries), len(entries))
        self.outbox.committed(first, entries)

    def acknowledge(self, count: int = 1000, refusal: str = "") -> None:
        for number in self.wire.waiting[:count]:
            self.wire.waiting.remove(number)
            self.outbox.acknowledged(number, refusal)

    def tend(self) -> None:
        asyncio.run(self.outbox.tend())

    def end(self) -> None:
        """Of the process; without a word, as a kill."""
        self.journal.close()


def test_commands_leave_in_order_as_far_as_there_is_room_and_are_gone_when_acknowledged(tmp_path: Path) -> None:
    post = Post(tmp_path, Wire(room=2))
    post.issue("c1", "c2", "c3")
    assert post.wire.said == [b"c1", b"c2"]
    post.acknowledge(1)
    assert post.wire.said == [b"c1", b"c2", b"c3"]
    assert len(post.outbox) == 2
    post.acknowledge()
    assert len(post.outbox) == 0
    post.end()


def test_what_was_not_acknowledged_is_sent_again_by_the_next_process_and_what_was_is_not(tmp_path: Path) -> None:
    post = Post(tmp_path, Wire())
    post.issue("c1", "c2")
    post.issue("c3")
    post.acknowledge(2)
    post.tend()
    post.end()
    again = Post(tmp_path, Wire())
    again.tend()
    assert again.wire.said == [b"c3"]
    again.end()


def test_a_process_killed_before_it_remembered_sends_twice_and_leaves_out_nothing(tmp_path: Path) -> None:
    post = Post(tmp_path, Wire())
    post.tend()
    post.issue("c1", "c2")
    post.acknowledge()
    post.end()
    again = Post(tmp_path, Wire())
    again.tend()
    assert again.wire.said == [b"c1", b"c2"]
    again.end()


def test_an_acknowledgement_out_of_order_keeps_the_one_before_it(tmp_path: Path) -> None:
    post = Post(tmp_path, Wire())
    post.issue("c1", "c2")
    post.wire.waiting.remove(2)
    post.outbox.acknowledged(2, "")
    post.tend()
    post.end()
    again = Post(tmp_path, Wire())
    again.tend()
    assert again.wire.said == [b"c1", b"c2"]
    again.end()


def test_a_line_that_knows_nothing_of_the_old_one_is_given_everything_again_in_order(tmp_path: Path) -> None:
    post = Post(tmp_path, Wire(room=3))
    post.issue("c1", "c2", "c3", "c4")
    post.acknowledge(1)
    post.wire.waiting.clear()
    post.wire.room = 1000
    post.wire.said.clear()
    post.outbox.connected(anew=True)
    assert post.wire.said == [b"c2", b"c3", b"c4"]
    post.end()


def test_a_line_that_goes_on_is_not_given_what_it_has(tmp_path: Path) -> None:
    post = Post(tmp_path, Wire())
    post.issue("c1")
    post.outbox.connected(anew=False)
    assert post.wire.said == [b"c1"]
    post.end()


def test_an_expired_command_is_left_out_and_the_others_say_how_long_they_hold(tmp_path: Path) -> None:
    post = Post(tmp_path, Wire(room=0))
    post.issue("short", expires_in=timedelta(seconds=10))
    post.issue("long", expires_in=timedelta(seconds=100))
    post.issue("endless")
    post.now = AT + timedelta(seconds=30)
    post.wire.room = 1000
    post.outbox.connected(anew=True)
    assert post.wire.said == [b"long", b"endless"]
    assert post.wire.expiries == [71, None]
    assert post.outbox.expired == 1
    post.end()


def test_what_the_broker_or_the_wire_refuses_is_counted_and_holds_up_nothing(tmp_path: Path) -> None:
    post = Post(tmp_path, Wire())
    post.issue("forbidden", topic="anju/v1/+/x")
    post.issue("denied")
    post.acknowledge(1, "Not authorized")
    post.issue("good")
    post.acknowledge()
    assert post.wire.said == [b"denied", b"good"]
    assert post.outbox.refused == 2
    assert len(post.outbox) == 0
    post.end()


def test_a_broker_that_is_configured_anew_is_given_the_next_command_and_none_of_the_past(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    journal.commit(Stamp(AT, AT, 0.0, ""), encode([CommandIssued("old", AT, TOPIC, b"old", HomeId("home-1"))]), 1)
    journal.close()
    post = Post(tmp_path, Wire())
    post.tend()
    post.issue("new")
    assert post.wire.said == [b"new"]
    post.end()


def test_more_commands_than_memory_holds_are_read_from_the_journal_in_their_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_outbox, "HELD", 10)
    post = Post(tmp_path, Wire(room=0))
    names = [f"c{number}" for number in range(57)]
    for name in names:
        post.issue(name)
    assert len(post.outbox) == 10
    post.wire.room = 4
    post.outbox.connected(anew=False)
    while len(post.wire.said) < len(names) or post.wire.waiting:
        post.acknowledge()
        post.tend()
    post.issue("last")
    assert post.wire.said == [*(name.encode() for name in names), b"last"]
    post.end()


def test_a_file_that_cannot_be_read_is_as_none_and_one_of_another_broker_forgets_its_subscriptions(tmp_path: Path) -> None:
    path = tmp_path / "broker.json"
    path.write_bytes(b"\xff{")
    assert MemoryFile(path, "mqtt://a").memory.position == -1
    path.unlink()
    file = MemoryFile(path, "mqtt://a")
    file.made("anju-readings", ["a/#", "b/#"])
    file.reached(7, at_once=True)
    asyncio.run(file.keep())
    same = MemoryFile(path, "mqtt://a")
    assert same.knows("anju-readings", ["a/#", "b/#"])
    assert same.stale("anju-readings", ["a/#"]) == ["b/#"]
    other = MemoryFile(path, "mqtt://b")
    assert not other.knows("anju-readings", ["a/#", "b/#"])
    assert other.memory.position == 7


def test_commands_of_an_hour_without_the_broker_arrive_when_it_is_back(tmp_path: Path) -> None:
    async def tell() -> None:
        broker = Mosquitto(tmp_path)
        broker.start()
        try:
            watch = await asyncio.to_thread(kit, broker, "watch", clean=False)
            await asyncio.to_thread(watch.hear_commands, {"area": "330106", "id": "home-1"})
            async with platform(tmp_path, broker) as anju:
                await asyncio.to_thread(broker.save)  # the two sessions
                await asyncio.to_thread(broker.kill)
                await until(lambda: not anju.broker.hearing)
                for number in range(50):
                    anju.issue(TOPIC, f"c{number}")
                await until(lambda: len(anju.broker.outbox) == 50)
                await asyncio.to_thread(broker.start)
                await until(lambda: len({payload for _, payload in watch.heard}) == 50)
                await until(lambda: len(anju.broker.outbox) == 0)
            await asyncio.to_thread(watch.close)
        finally:
            broker.close()

    asyncio.run(tell())
