"""Where a backtest's inputs come from: the journal of a data folder, or a recording.

What came before the time that is played gives the registry, and is only skimmed: a commit in whose bytes no tag of a registry fact
stands is not decoded. A journal that no longer goes back to its beginning does not know how homes were registered; those are taken
from the snapshots, as they are today, and that is said.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec

from alerting.home_state import HomeState
from alerting.items import Configured, Item, ServiceStarted, WallClockStepped
from alerting.registry_facts import (
    AreaRegistered,
    DeviceRegistered,
    HomeRegistered,
    PersonRegistered,
    RegistryFact,
    SilenceEnded,
    SilenceSet,
)
from alerting.rules import Ruleset
from alerting.snapshots import GLOBAL, HOME, decode_home, decode_whole
from alerting.terms import SERVICE
from devices.home import AreaId, HomeId
from devices.observation import Property
from gateway.store.entry import decode
from gateway.store.failure import StoreBroken
from gateway.store.folder import Layout
from gateway.store.journal import Pruned, Reader
from gateway.store.snapshots import read as read_snapshots

_TAGS = (b"f:", b"found", b"start", b"step")
"""In the bytes of every commit with a registry fact, a start or a step of the clock, and of few others."""


_INPUTS = frozenset((b"said", b"start", b"step", b"nline", b"line", b"asked"))
"""The tags of what is played. Everything else in a journal is what came of it, and is not even decoded."""
_apart = msgspec.msgpack.Decoder(list[msgspec.Raw])
_input = msgspec.msgpack.Decoder(Item)


class _Where(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How every message that a device said begins."""

    kind: str
    area: AreaId


class _Head(msgspec.Struct, frozen=True, array_like=True, gc=False):
    tag: str
    message: _Where


_head = msgspec.msgpack.Decoder(_Head)
REPORT, DIRECTORY = "report", "directory"


class Before(msgspec.Struct):
    """What held when the time that is played began."""

    registry: list[RegistryFact] = []
    deaf: list[tuple[datetime, datetime]] = []
    offset_s: float = 0.0


class Journal:
    """Of a data folder; read by whoever asks, also while the service writes it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.skipped = 0
        """Messages of these areas that were passed over, none of the rules looking at what they say."""
        self._reader = Reader(data)

    def span(self) -> tuple[datetime, datetime] | None:
        """Of the journal as it is; None for an empty one."""
        first = next(self._reader.rows(0), None)
        last = self._reader.last
        return (first.stamp.service_at, last.stamp.service_at) if first and last else None

    def areas(self) -> dict[AreaId, int]:
        """Homes by area, as the snapshots have them; from the beginning of the journal where there are none yet."""
        found: dict[AreaId, int] = {}
        for home in self._homes():
            found[home.area] = found.get(home.area, 0) + 1
        if not found:
            for row in self._reader.rows(0):
                if b"f:home" in row.body:
                    for entry in decode(row.body):
                        if isinstance(entry, HomeRegistered):
                            found[entry.home.area] = found.get(entry.home.area, 0) + 1
        return found

    def ruleset(self) -> Ruleset | None:
        """What the service judges by, as the newest entry or snapshot says; None where it has never judged."""
        found: Ruleset | None = None
        reflected = 0
        with suppress(StoreBroken):
            whole = read_snapshots(Layout(self.data).snapshots).rows.get(GLOBAL)
            if whole is not None and whole.body is not None:
                kept = decode_whole(whole.body).circumstances.rulesets
                found, reflected = (kept[-1][1], whole.seq) if kept else (None, 0)
        with suppress(Pruned):
            for row in self._reader.rows(reflected):
                if b"conf" in row.body:
                    for entry in decode(row.body):
                        found = entry.ruleset if isinstance(entry, Configured) else found
        return found

    def pruned(self) -> bool:
        return self._reader.first_seq > 1

    def play(
        self, start: datetime, end: datetime, areas: frozenset[AreaId] | None, properties: frozenset[Property] | None = None,
    ) -> Iterator[tuple[datetime, Before | Item | int]]:  # fmt: skip
        """First what held before; then every input of these areas with its moment; and now and then how many bytes were read.

        `properties`: what devices say of nothing else may be passed over, and is counted as `skipped`.
        """
        wanted = None if properties is None else tuple(property_.value.encode() for property_ in properties)
        before = Before()
        homes: set[HomeId] | None = None if areas is None else set()
        if self.pruned():
            before.registry += _as_today(self._whole(), self._homes(), start)
        begun = False
        read = 0
        for row in self._reader.rows(0):
            at = row.stamp.service_at
            read += len(row.body)
            if at >= end:
                break
            if not begun and at < start:
                if any(tag in row.body for tag in _TAGS):
                    _skim(before, decode(row.body), at)
                continue
            if not begun:
                begun = True
                before.registry = _of(before.registry, areas, homes)
                yield at, before
            for part in _apart.decode(row.body):
                entry = bytes(part)
                tag = entry[2 : 2 + (entry[1] & 0x1F)]
                if tag not in _INPUTS or (tag == b"said" and self._passed_over(entry, areas, wanted)):
                    continue
                yield at, _input.decode(entry)
            if read > 1 << 20:
                yield at, read
                read = 0
        if not begun:
            before.registry = _of(before.registry, areas, homes)
            yield start, before
        yield end, read

    def _passed_over(self, entry: bytes, areas: frozenset[AreaId] | None, wanted: tuple[bytes, ...] | None) -> bool:
        """Of something said: decided from its bytes, for decoding it costs more than all else."""
        if areas is None and wanted is None:
            return False
        message = _head.decode(entry).message
        if areas is not None and message.area not in areas:
            return True
        if wanted is None or message.kind == DIRECTORY:
            return False
        if message.kind == REPORT:
            for name in wanted:
                if name in entry:
                    return False
        self.skipped += 1
        return True

    def _rows(self) -> dict[str, bytes]:
        with suppress(StoreBroken):
            return {key: row.body for key, row in read_snapshots(Layout(self.data).snapshots).rows.items() if row.body is not None}
        return {}

    def _whole(self) -> bytes | None:
        return self._rows().get(GLOBAL)

    def _homes(self) -> Iterator[HomeState]:
        for key, body in self._rows().items():
            if key.startswith(HOME):
                with suppress(msgspec.MsgspecError):
                    yield decode_home(body)[1]


def _skim(before: Before, entries: Iterable[object], at: datetime) -> None:
    for entry in entries:
        if isinstance(entry, RegistryFact):
            before.registry.append(entry)
        elif isinstance(entry, ServiceStarted) and entry.deaf_since is not None:
            before.deaf.append((entry.deaf_since, at))
        elif isinstance(entry, WallClockStepped):
            before.offset_s = entry.offset_s


def _as_today(whole: bytes | None, homes: Iterable[HomeState], at: datetime) -> list[RegistryFact]:
    """The registry as the snapshots have it, as if it had been entered at `at`."""
    facts: list[RegistryFact] = []
    if whole is not None:
        with suppress(msgspec.MsgspecError):
            facts += (AreaRegistered(at, SERVICE, area) for area in decode_whole(whole).areas.values())
    for home in homes:
        if home.record is None or home.retired:
            continue
        facts.append(HomeRegistered(at, SERVICE, home.record))
        facts += (PersonRegistered(at, SERVICE, person) for person in home.people.values())
        facts += (DeviceRegistered(at, SERVICE, device.record) for device in home.devices.values())
    return facts


def _of(facts: list[RegistryFact], areas: frozenset[AreaId] | None, homes: set[HomeId] | None) -> list[RegistryFact]:
    """Those of these areas; what silences muted is over for a backtest, which has no ring."""
    kept: list[RegistryFact] = []
    for fact in facts:
        if isinstance(fact, SilenceSet | SilenceEnded):
            continue
        if isinstance(fact, HomeRegistered) and homes is not None and areas is not None and fact.home.area in areas:
            homes.add(fact.home.id)
        home = _home_of(fact)
        if homes is None or home is None or home in homes:
            kept.append(fact)
    return kept


def _home_of(fact: RegistryFact) -> HomeId | None:
    """The home that a fact is about; None where it is about none."""
    match fact:
        case HomeRegistered(home=record):
            return record.id
        case PersonRegistered(person=person):
            return person.home
        case DeviceRegistered(device=device):
            return device.home
        case _:
            found = getattr(fact, "home", None) or getattr(getattr(fact, "device", None), "home", None)
            return HomeId(found) if isinstance(found, str) and found else None
