"""Everything that passed between a device and the bench, in order: the evidence of every verdict, and how procedures ask for it.

`number` counts from 0 over a whole run; a mark is the number that the next entry will have.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

import msgspec

from devices.mqtt.packets import Connect, Packet, Publish
from simulator.virtual.stimulus import Deed
from simulator.wire import Channel

ALARMS = frozenset({"sos", "pull_cord", "smoke", "heat_alarm", "co_alarm", "gas_alarm", "fall", "water_leak"})
"""Properties that call for help when they are true."""


class Way(StrEnum):
    UP = "up"
    """From the device."""
    DOWN = "down"
    """To it."""


class Side(StrEnum):
    DEVICE = "device"
    BENCH = "bench"


class Report(msgspec.Struct, frozen=True):
    """A message on `report` or `alarm` as the platform's reader takes it, beside what stands there literally.

    `at` is the JSON text of the member, empty where there is none. `problems`: what the reader could not take, a sentence each.
    """

    id: str
    at: str
    values: dict[str, bool | int | float]
    problems: tuple[str, ...] = ()

    @property
    def alarms(self) -> frozenset[str]:
        """What it calls for help about."""
        return frozenset(name for name, value in self.values.items() if value is True and name in ALARMS)

    @property
    def is_alarm(self) -> bool:
        """A call that is not marked as a test."""
        return bool(self.alarms) and self.values.get("test") is not True


class Status(msgspec.Struct, frozen=True):
    online: bool
    model: str = ""
    firmware: str = ""


class Reply(msgspec.Struct, frozen=True):
    id: str
    result: str = ""
    error: str = ""


class Unreadable(msgspec.Struct, frozen=True):
    """A message that the platform would quarantine, and why."""

    reason: str


Said = Report | Status | Reply | Unreadable


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """A device connected its socket. `secured`: what TLS was agreed, empty for none."""

    number: int
    at: datetime
    connection: int
    secured: str = ""


class Proved(msgspec.Struct, frozen=True, tag="proved"):
    """TLS stands; `name` is the common name in the certificate that the device showed of itself, empty: it showed none."""

    number: int
    at: datetime
    connection: int
    name: str


class Upgraded(msgspec.Struct, frozen=True, tag="upgraded"):
    """A device asked for a WebSocket."""

    number: int
    at: datetime
    connection: int
    path: str
    subprotocols: tuple[str, ...]
    version: str


class Framed(msgspec.Struct, frozen=True, tag="framed"):
    """A frame of a WebSocket that carries no MQTT, or is not as it should be. `op`: as RFC 6455 numbers them."""

    number: int
    at: datetime
    connection: int
    way: Way
    op: int
    payload: bytes
    masked: bool


class Closed(msgspec.Struct, frozen=True, tag="closed"):
    """`why`: of the bench's own doing, one of its words; of the device's, empty. Will: it was published."""

    number: int
    at: datetime
    connection: int
    by: Side
    why: str = ""
    will: bool = False


class Passed(msgspec.Struct, frozen=True, tag="passed"):
    """A whole packet. `raw` is what was on the wire. Of a PUBLISH from the device, `channel` and `said` are what it means.

    `ignored`: the bench was told to do as if it had not come.
    """

    number: int
    at: datetime
    connection: int
    way: Way
    packet: Packet
    raw: bytes
    channel: Channel | None = None
    said: Said | None = None
    ignored: bool = False

    @property
    def report(self) -> Report | None:
        return self.said if isinstance(self.said, Report) else None


class Broke(msgspec.Struct, frozen=True, tag="broke"):
    """The device broke the protocol; `raw` is what could not be taken."""

    number: int
    at: datetime
    connection: int
    statement: str
    reason: str
    raw: bytes


class Raw(msgspec.Struct, frozen=True, tag="raw"):
    """Bytes that the bench sent and that are no packet, on purpose."""

    number: int
    at: datetime
    connection: int
    raw: bytes
    what: str


class Acted(msgspec.Struct, frozen=True, tag="acted"):
    """A stimulus, from here on. For a person it is the moment of the asking."""

    number: int
    at: datetime
    deed: Deed


class Changed(msgspec.Struct, frozen=True, tag="changed"):
    """The bench behaves otherwise from here on, in its own words: `PUBACKs held`."""

    number: int
    at: datetime
    what: str


class Noted(msgspec.Struct, frozen=True, tag="noted"):
    """What a person saw, or a measurement."""

    number: int
    at: datetime
    what: str


Entry = Opened | Proved | Upgraded | Framed | Closed | Passed | Broke | Raw | Acted | Changed | Noted


class Message(msgspec.Struct, frozen=True):
    """A report of the device with the PUBLISH that carried it: what most procedures ask about."""

    entry: Passed
    publish: Publish
    report: Report

    @property
    def number(self) -> int:
        return self.entry.number

    @property
    def at(self) -> datetime:
        return self.entry.at


Kept = TypeVar("Kept", bound=Entry | Message)


class Trace:
    """Grows only. `since` and `before` are marks; queries give what came in order.

    Entries are kept by kind as well: a procedure asks after everything that happens, and a soak has a hundred thousand entries.
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._kinds: dict[type[object], list[Entry]] = {}
        self._packets: dict[tuple[Way, type[Packet]], list[Passed]] = {}
        self._messages: list[Message] = []

    @property
    def mark(self) -> int:
        return len(self.entries)

    def add(self, entry: Entry) -> None:
        assert entry.number == len(self.entries)
        self.entries.append(entry)
        if not isinstance(entry, Passed):
            self._kinds.setdefault(type(entry), []).append(entry)
            return
        self._packets.setdefault((entry.way, type(entry.packet)), []).append(entry)
        if isinstance(entry.said, Report):
            assert isinstance(entry.packet, Publish)
            self._messages.append(Message(entry, entry.packet, entry.said))

    def span(self, since: int = 0, before: int | None = None) -> Iterator[Entry]:
        return iter(self.entries[since:before])

    # --- packets ---

    def passed(self, kind: type[Packet] | None = None, way: Way = Way.UP, since: int = 0, before: int | None = None) -> list[Passed]:
        """Packets of a kind, those from the device unless asked otherwise."""
        if kind is not None:
            return _between(self._packets.get((way, kind), []), since, before)
        return [entry for entry in self.span(since, before) if isinstance(entry, Passed) and entry.way is way]

    def of_connection(self, connection: int, since: int = 0) -> list[Entry]:
        return [entry for entry in self.span(since) if getattr(entry, "connection", None) == connection]

    def connects(self, since: int = 0) -> list[tuple[Passed, Connect]]:
        return [(entry, entry.packet) for entry in self.passed(Connect, since=since) if isinstance(entry.packet, Connect)]

    def opened(self, since: int = 0) -> list[Opened]:
        return self._of(Opened, since)

    def proved(self, since: int = 0) -> list[Proved]:
        return [entry for entry in self.span(since) if isinstance(entry, Proved)]

    def upgraded(self, since: int = 0) -> list[Upgraded]:
        return [entry for entry in self.span(since) if isinstance(entry, Upgraded)]

    def framed(self, since: int = 0, way: Way = Way.UP) -> list[Framed]:
        return [entry for entry in self.span(since) if isinstance(entry, Framed) and entry.way is way]

    def closed(self, since: int = 0) -> list[Closed]:
        return self._of(Closed, since)

    def broke(self, since: int = 0) -> list[Broke]:
        return self._of(Broke, since)

    def raws(self, since: int = 0) -> list[Raw]:
        return self._of(Raw, since)

    # --- what the device said ---

    def messages(
        self, since: int = 0, before: int | None = None, where: Callable[[Report], object] | None = None,
    ) -> list[Message]:  # fmt: skip
        """Reports, on either channel."""
        found = _between(self._messages, since, before)
        return found if where is None else [message for message in found if where(message.report)]

    def alarms(self, since: int = 0, before: int | None = None, prop: str = "") -> list[Message]:
        """Reports that call for help, each time that they came; only about a property where one is named."""
        return self.messages(since, before, lambda report: report.is_alarm and (not prop or prop in report.alarms))

    def with_id(self, report_id: str, since: int = 0) -> list[Message]:
        return self.messages(since, where=lambda report: report.id == report_id)

    def statuses(self, since: int = 0) -> list[tuple[Passed, Status]]:
        return [(entry, entry.said) for entry in self.passed(Publish, since=since) if isinstance(entry.said, Status)]

    def replies(self, since: int = 0) -> list[tuple[Passed, Reply]]:
        return [(entry, entry.said) for entry in self.passed(Publish, since=since) if isinstance(entry.said, Reply)]

    def unreadable(self, since: int = 0) -> list[Passed]:
        return [entry for entry in self.passed(Publish, since=since) if isinstance(entry.said, Unreadable)]

    # --- within ---

    def _of(self, kind: type[Kept], since: int) -> list[Kept]:
        found: list[Kept] = self._kinds.get(kind, [])  # type: ignore[assignment] # kept under its own type
        return _between(found, since, None)


def _between(found: list[Kept], since: int, before: int | None) -> list[Kept]:
    """Those with a number from one mark on and before another; they stand in order."""
    first = bisect_left(found, since, key=_number) if since else 0
    return found[first : None if before is None else bisect_left(found, before, key=_number)]


def _number(entry: Entry | Message) -> int:
    return entry.number
