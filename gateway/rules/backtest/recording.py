"""A recording: what homes said, as JSON lines, one message each, in the order of receipt.

    {"register": {"area": {"id": "330106001001", "name": "翠苑社区"}}}
    {"register": {"home": {"id": "h1", "area": "330106001001", "name": "12 栋 402"}}}
    {"register": {"device": {"id": "h1-door", "home": "h1", "model": "anju-door-1", "room": "门厅"}}}
    {"received_at": "2026-03-02T00:00:12Z", "topic": "anju/v1/330106001001/h1/h1-door/report", "payload": {"values": {"sos": true}}}

`payload` is the message's JSON, or its text as a string. A home that nothing registers is heard all the same, as an unregistered one.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from alerting.commands import Asked, RegisterArea, RegisterDevice, RegisterHome, RegisterPerson
from alerting.items import Item, Said
from alerting.terms import SERVICE
from devices.decode import decode
from devices.home import Area, AreaId, Device, Home, HomeId, Person
from devices.message import NO_DIRECTORY, Directory, DirectoryHeard, Ignored, directory_of
from devices.observation import DecodeError, Property
from devices.topic import BridgeTopic, DeviceTopic, parse
from gateway.problem import CommandFailed
from gateway.rules.backtest.feed import Before


class Register(msgspec.Struct, frozen=True):
    """One of them."""

    area: Area | None = None
    home: Home | None = None
    device: Device | None = None
    person: Person | None = None


class Line(msgspec.Struct, frozen=True):
    register: Register | None = None
    received_at: datetime | None = None
    topic: str = ""
    payload: msgspec.Raw = msgspec.Raw(b"{}")


_decoder = msgspec.json.Decoder(Line)


class Recording:
    """Of a file; CommandFailed names the line that cannot be used. What a device said that cannot be read is skipped, and counted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unread = 0
        self.skipped = 0

    def span(self) -> tuple[datetime, datetime] | None:
        moments = [line.received_at for _, line, _ in self._lines() if line.received_at is not None]
        return (min(moments), max(moments)) if moments else None

    def areas(self) -> dict[AreaId, int]:
        found: dict[AreaId, int] = {}
        for _, line, _ in self._lines():
            if line.topic:
                area = AreaId(line.topic.split("/")[2] if line.topic.count("/") > 2 else "")
                found.setdefault(area, 1)
            elif line.register is not None and line.register.home is not None:
                found[line.register.home.area] = found.get(line.register.home.area, 0) + 1
        return found

    def play(
        self, start: datetime, end: datetime, areas: frozenset[AreaId] | None, _: frozenset[Property] | None = None,
    ) -> Iterator[tuple[datetime, Before | Item | int]]:  # fmt: skip
        """As `feed.Journal.play`; every message has to be decoded, so none is passed over."""
        yield start, Before()
        directories: dict[tuple[HomeId, str], Directory] = {}
        latest = start
        for number, line, size in self._lines():
            if line.register is not None:
                for command in _commands(line.register):
                    yield latest, Asked(command, SERVICE)
            elif line.received_at is None or not line.topic:
                raise CommandFailed(f"{self.path}:{number}: has neither `register` nor `received_at` and `topic`")
            else:
                at = line.received_at.astimezone(UTC)
                if at >= end:
                    break
                latest = max(latest, at)
                payload = _payload(line.payload)
                try:
                    topic = parse(line.topic)
                    message = decode(topic, payload, latest, _listed(topic, directories))
                except DecodeError:
                    self.unread += 1
                    continue
                if isinstance(message, Ignored) or (areas is not None and message.area not in areas):
                    continue
                if isinstance(message, DirectoryHeard):
                    directories[message.home, message.key] = Directory({one.name: one for one in message.devices})
                yield latest, Said(message, line.topic, payload)
            if number % 1000 == 0:
                yield latest, size
        yield end, 0

    def _lines(self) -> Iterator[tuple[int, Line, int]]:
        read = 0
        try:
            with self.path.open("rb") as file:
                for number, text in enumerate(file, 1):
                    read += len(text)
                    if not text.strip():
                        continue
                    try:
                        line = _decoder.decode(text)
                    except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
                        raise CommandFailed(f"{self.path}:{number}: {problem}") from problem
                    yield number, line, read
                    if number % 1000 == 0:
                        read = 0
        except OSError as problem:
            raise CommandFailed(f"{self.path}: {problem.strerror or problem}") from problem


def _listed(topic: DeviceTopic | BridgeTopic, directories: dict[tuple[HomeId, str], Directory]) -> Directory:
    if isinstance(topic, DeviceTopic):
        return NO_DIRECTORY
    return directory_of(topic, lambda key: directories.get((topic.home, key), NO_DIRECTORY))


def _payload(raw: msgspec.Raw) -> bytes:
    text = bytes(raw)
    return msgspec.json.decode(text, type=str).encode() if text.startswith(b'"') else text


def _commands(register: Register) -> Iterator[RegisterArea | RegisterHome | RegisterDevice | RegisterPerson]:
    if register.area is not None:
        yield RegisterArea(register.area)
    if register.home is not None:
        yield RegisterHome(register.home)
    if register.device is not None:
        yield RegisterDevice(register.device)
    if register.person is not None:
        yield RegisterPerson(register.person)
